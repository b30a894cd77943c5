//! What an incident's file has not yet of what the console sees: alerts that begin and end, revisions that take over, what
//! deployers left on them, conditions of rollouts, Events of the cluster. Reading only; texts are bounded and made harmless.

use super::about;
use crate::app::changes::{Change, ChangeKind};
use crate::app::state::App;
use crate::domain::event::Event as Happening;
use crate::domain::incident::{
    AlertNews, AlertTurn, Event, Incident, Observation, Witness, event_key,
};
use crate::domain::object::ObjectRef;
use crate::domain::rollout::Revision;
use crate::domain::workload::Workload;
use crate::runbook::prose::bounded;
use jiff::Timestamp;

/// The longest text that is copied from the cluster.
const LONGEST: usize = 400;
/// Events of these that only say that all goes its way are left out: there are many, and their workload says the same.
const CHATTY: [&str; 3] = ["Pod", "ReplicaSet", "Job"];

impl App {
    /// Everything seen of an incident that its file does not have, what matters most first: while it is open with its alerts,
    /// afterwards what happened until it was over.
    pub fn unwritten(&self, incident: &Incident) -> Vec<Event> {
        let mut found = self.turned(incident);
        found.extend(self.observed(incident));
        found
    }

    /// Of that, the alerts that began or ended and the revisions that took over.
    pub(super) fn turned(&self, incident: &Incident) -> Vec<Event> {
        let mut found = Vec::new();
        if incident.is_open() {
            found.extend(self.alerts_turned(incident));
        }
        found.extend(self.taken_over(incident));
        found.retain(|event| !incident.knows(event));
        found
    }

    /// Of that, what the cluster says.
    pub(super) fn observed(&self, incident: &Incident) -> Vec<Event> {
        let all = self.observations(incident).into_iter().map(Event::Observed);
        all.filter(|event| !incident.knows(event)).collect()
    }

    fn alerts_turned(&self, incident: &Incident) -> Vec<Event> {
        if !self.alerts_link.trusted(self.now) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for alert in self.alerts_here() {
            let since = alert.since;
            found.push(Event::Alert(about(alert, AlertTurn::Fired { since })));
        }
        let gone = incident.alerts.iter().filter(|(name, fires)| {
            let still =
                |alert: &crate::domain::alert::Alert| *alert.fingerprint.to_string() == **name;
            **fires && !self.alerts.iter().any(still)
        });
        found.extend(gone.map(|(name, _)| ended(incident, name)));
        found
    }

    fn taken_over(&self, incident: &Incident) -> Vec<Event> {
        let concerns = concerned(incident);
        let rollouts = self.rollouts();
        let there = rollouts.filter(|change| concerns(change.at));
        let each = there.map(|change| Event::Revision {
            uid: format!("{} {}", change.object, change.at),
            workload: change.object.to_string(),
            text: bounded(&format!("{} {}", change.object.name, change.text), LONGEST),
            made: Some(change.at),
        });
        each.collect()
    }

    fn rollouts(&self) -> impl Iterator<Item = &Change> {
        let all = self.changes.iter();
        all.filter(|change| change.kind == ChangeKind::Rollout)
    }

    fn observations(&self, incident: &Incident) -> Vec<Observation> {
        let concerns = concerned(incident);
        let place = incident.place.namespace.as_deref();
        let here = |namespace: &str| place.is_none_or(|place| place == namespace);
        let mut found: Vec<Observation> = Vec::new();
        let released = self.rollouts().filter(|change| concerns(change.at));
        found.extend(released.filter_map(|change| self.marker(change)));
        let workloads = self.cluster.all_workloads();
        let workloads = workloads.filter(|workload| here(&workload.namespace));
        let conditions = workloads.filter_map(condition);
        found.extend(conditions.filter(|seen| seen.at.is_some_and(&concerns)));
        let events = self.cluster.events.iter();
        let events = events.filter(|event| here(&event.object.namespace) && tells(event));
        let events = events.filter_map(|event| happened(event, &concerns));
        let mut events: Vec<Observation> = events.collect();
        // Of several with one name the earliest is taken.
        events.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        for event in events {
            if found.iter().all(|known| known.key != event.key) {
                found.push(event);
            }
        }
        found
    }

    /// What whoever deploys left on a revision that took over: why, and from which commit.
    fn marker(&self, change: &Change) -> Option<Observation> {
        let number = change.mark.as_deref()?.parse::<u64>().ok()?;
        let workload = self
            .cluster
            .all_workloads()
            .find(|workload| workload.object() == change.object)?;
        let revisions = self.cluster.revisions_of(workload);
        let had = |revision: &&&Revision| {
            revision.number == Some(number) || revision.earlier.contains(&number)
        };
        let revision = revisions.iter().find(had)?;
        let mut parts = Vec::new();
        if let Some(cause) = &revision.change_cause {
            parts.push(format!("change-cause {cause}"));
        }
        let cause = revision.change_cause.as_deref().unwrap_or_default();
        if let Some(commit) = revision
            .commit
            .as_ref()
            .filter(|one| !cause.contains(&***one))
        {
            parts.push(format!("commit {commit}"));
        }
        if parts.is_empty() {
            return None;
        }
        let images = revision.images.iter();
        let images: Vec<&str> = images.map(|image| &*image.image).collect();
        parts.push(format!("image {}", images.join(", ")));
        Some(Observation {
            key: format!("deploy {} {number}", change.object),
            witness: Witness::Deploy,
            object: name_of(&change.object),
            text: bounded(&format!("revision {number}, {}", parts.join(", ")), LONGEST),
            at: Some(change.at),
        })
    }
}

/// Whether a moment concerns an incident.
fn concerned(incident: &Incident) -> impl Fn(Timestamp) -> bool + use<> {
    let (from, to) = (incident.concerns_from(), incident.resolved);
    move |at| at >= from && to.is_none_or(|to| at <= to)
}

/// An object without its namespace: the incident's place has that.
fn name_of(object: &ObjectRef) -> String {
    bounded(&format!("{}/{}", object.kind, object.name), 160)
}

/// Whether an Event says more than that things go their way.
fn tells(event: &Happening) -> bool {
    event.warning || !CHATTY.contains(&&*event.object.kind)
}

/// An Event that concerns an incident: since its beginning, or where it had begun before, as last seen.
fn happened(event: &Happening, concerns: impl Fn(Timestamp) -> bool) -> Option<Observation> {
    let moments = [event.first, event.at].into_iter().flatten();
    let at = moments.into_iter().find(|at| concerns(*at))?;
    let kind = if event.warning { "warning " } else { "" };
    let often = match event.count {
        0 | 1 => String::new(),
        many => format!(" ({many} times so far)"),
    };
    let by = match &*event.source {
        "" => String::new(),
        source => format!(" [{source}]"),
    };
    let text = format!(
        "{kind}{}: {}{often}{by}",
        event.reason,
        event.message.trim()
    );
    Some(Observation {
        key: bounded(
            &event_key((&event.object.kind, &event.object.name), &event.reason, at),
            300,
        ),
        witness: Witness::Event,
        object: name_of(&event.object),
        text: bounded(&text, LONGEST),
        at: Some(at),
    })
}

/// What the condition of a rollout says; once for each reason of a generation.
fn condition(workload: &Workload) -> Option<Observation> {
    let progress = workload.progress.as_ref()?;
    let holds = match progress.holds {
        Some(true) => "true",
        Some(false) => "false",
        None => "unknown",
    };
    let object = workload.object();
    let text = format!(
        "Progressing is {holds}, {}: {}",
        progress.reason,
        progress.message.trim()
    );
    Some(Observation {
        key: bounded(
            &format!(
                "condition {object} {} {}",
                workload.generation, progress.reason
            ),
            300,
        ),
        witness: Witness::Condition,
        object: name_of(&object),
        text: bounded(&text, LONGEST),
        at: progress.updated,
    })
}

/// That an alert fires no more, in the words of when it did.
fn ended(incident: &Incident, name: &str) -> Event {
    let mut records = incident.records.iter().rev();
    let known = records.find_map(|record| match &record.event {
        Event::Alert(news) if news.fingerprint == name => Some(news.clone()),
        _ => None,
    });
    let turn = AlertTurn::Resolved;
    Event::Alert(match known {
        Some(news) => AlertNews { turn, ..news },
        None => AlertNews {
            fingerprint: name.to_owned(),
            name: name.to_owned(),
            severity: "other".to_owned(),
            service: None,
            turn,
        },
    })
}
