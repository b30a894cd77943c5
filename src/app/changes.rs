//! What changed: revisions, alerts and onsets in one order, newest first.

use super::cluster::Cluster;
use super::services::Services;
use crate::domain::alert::Alert;
use crate::domain::object::ObjectRef;
use crate::domain::rollout::Revision;
use crate::domain::workload::Workload;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// The most changes that are kept.
const MOST: usize = 500;

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A revision took over.
    Rollout,
    /// An alert began to fire.
    Alert,
    /// Measured trouble began.
    Onset,
}

impl ChangeKind {
    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::Alert => "alert",
            Self::Onset => "ONSET",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: ChangeKind,
    /// Of what.
    pub object: ObjectRef,
    /// What happened.
    pub text: String,
    /// What else there is to say: that it came after the onset, or that going back is suggested.
    pub note: Option<Note>,
    /// A short name for a mark on a chart: a revision's number.
    pub mark: Option<Arc<str>>,
}

/// What else there is to say of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// It came after the worst service's trouble began.
    AfterOnset,
    /// Going back from it is suggested.
    RollbackSuggested,
}

/// Everything that changed within the horizon, newest first. The alerts are those of the place that is looked at.
pub fn changes<'a>(
    cluster: &Cluster,
    services: &Services,
    alerts: impl Iterator<Item = &'a Alert>,
    horizon: SignedDuration,
    now: Timestamp,
) -> Vec<Change> {
    let from = now - horizon;
    let mut all: Vec<Change> = cluster
        .all_workloads()
        .flat_map(|workload| rollouts(cluster, services, workload))
        .collect();
    all.extend(alerts.filter(|alert| alert.heard()).filter_map(alert));
    all.extend(onsets(services));
    all.retain(|change| change.at >= from);
    all.sort_by(|a, b| (b.at, b.kind, &b.object).cmp(&(a.at, a.kind, &a.object)));
    all.truncate(MOST);
    let onset = services.tally().onset;
    let suggesting: Vec<_> = services
        .in_order()
        .filter(|row| row.judgement.rollback)
        .collect();
    for change in &mut all {
        let suggested = change.kind == ChangeKind::Rollout
            && suggesting
                .iter()
                .any(|row| row.object == change.object && row.taken_over == Some(change.at));
        change.note = if suggested {
            Some(Note::RollbackSuggested)
        } else if change.kind != ChangeKind::Onset && onset.is_some_and(|onset| change.at > onset) {
            Some(Note::AfterOnset)
        } else {
            None
        };
    }
    all
}

/// The takeovers of a workload's revisions, as far as their dates are known: the current one's, and the birth of those before.
fn rollouts(cluster: &Cluster, services: &Services, workload: &Workload) -> Vec<Change> {
    let revisions = cluster.revisions_of(workload);
    let row = services.get(&workload.uid);
    let mut found = Vec::new();
    for revision in &revisions {
        let current = revision.number.is_some() && revision.number == workload.revision;
        found.extend(birth(workload, revision, &revisions));
        let at = match (current, revision.earlier.is_empty()) {
            (true, _) => row.and_then(|row| row.taken_over),
            (false, true) => revision.created,
            // It was returned to, and nothing says when.
            (false, false) => None,
        };
        let (Some(at), Some(number)) = (at, revision.number) else {
            continue;
        };
        let before = before(&revisions, number);
        if number == 1 {
            continue; // the first revision is a birth, not a change
        }
        let returned = current
            && revision
                .created
                .is_some_and(|born| born + SignedDuration::from_secs(2) < at);
        let by = if current {
            workload.writer.as_ref().map(|writer| writer.name.clone())
        } else {
            None
        };
        found.push(Change {
            at,
            kind: ChangeKind::Rollout,
            object: workload.object(),
            text: text((number, revision), before, by.as_deref(), returned),
            note: None,
            mark: Some(number.to_string().into()),
        });
    }
    found
}

/// The revision that a number followed: by the numbers it has and those it had. Where it is not known, none is named.
fn before<'a>(revisions: &[&'a Revision], number: u64) -> Option<(u64, &'a Revision)> {
    let wanted = number.checked_sub(1)?;
    let had = |r: &&&Revision| r.number == Some(wanted) || r.earlier.contains(&wanted);
    let found = revisions.iter().find(had)?;
    Some((wanted, *found))
}

/// The first takeover of a revision that has been returned to since, under the number it had then.
fn birth(workload: &Workload, revision: &Revision, revisions: &[&Revision]) -> Option<Change> {
    let number = revision.earlier.iter().copied().min()?;
    (number > 1).then_some(())?;
    Some(Change {
        at: revision.created?,
        kind: ChangeKind::Rollout,
        object: workload.object(),
        text: text((number, revision), before(revisions, number), None, false),
        note: None,
        mark: Some(number.to_string().into()),
    })
}

/// What became of the image. The version's name is a label: a new image under the old one is a new image.
fn image(before: &Revision, revision: &Revision) -> Option<String> {
    let (old, new) = (before.version_name()?, revision.version_name()?);
    if old != new {
        return Some(format!("image {old} → {new}"));
    }
    let first = |revision: &Revision| revision.images.first().cloned();
    match (first(before), first(revision)) {
        (Some(was), Some(is)) if was.image != is.image => Some(format!(
            "image {} → {}, still called {new}",
            was.tag(),
            is.tag()
        )),
        _ => Some(format!("image {new} unchanged")),
    }
}

fn text(
    (number, revision): (u64, &Revision),
    before: Option<(u64, &Revision)>,
    by: Option<&str>,
    returned: bool,
) -> String {
    let mut parts = vec![match before {
        Some((before, _)) => format!("revision {before} → {number}"),
        None => format!("revision {number}"),
    }];
    parts.extend(before.and_then(|(_, before)| image(before, revision)));
    if returned {
        parts.push("back to an earlier template".into());
    }
    if let Some(by) = by {
        parts.push(format!("by {by}"));
    }
    if let Some(commit) = &revision.commit {
        parts.push(format!(
            "commit {}",
            commit.chars().take(12).collect::<String>()
        ));
    }
    parts.join(", ")
}

fn alert(alert: &Alert) -> Option<Change> {
    let object = ObjectRef::new(
        "Alert",
        alert.namespace().map_or("", |n| n),
        alert.service().unwrap_or(&alert.name),
    );
    let text = format!(
        "{} {}: {}",
        alert.name,
        alert.severity.word(),
        alert.summary()
    );
    Some(Change {
        at: alert.since?,
        kind: ChangeKind::Alert,
        object,
        text,
        note: None,
        mark: None,
    })
}

fn onsets(services: &Services) -> impl Iterator<Item = Change> {
    services.measured().filter_map(|row| {
        let at = row.judgement.onset.filter(|_| !row.judgement.beyond)?;
        let after = row.judgement.cause.as_ref().map_or(String::new(), |cause| {
            format!(
                ", {} after revision {}",
                super::judge::spoken(cause.before),
                cause.revision
            )
        });
        Some(Change {
            at,
            kind: ChangeKind::Onset,
            object: row.object.clone(),
            text: format!("{}{after}", row.judgement.why),
            note: None,
            mark: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(number: u64, earlier: &[u64], version: &str) -> Revision {
        Revision {
            uid: format!("rs-{number}").as_str().into(),
            namespace: "veza".into(),
            name: "backend".into(),
            owner: None,
            number: Some(number),
            earlier: earlier.to_vec(),
            images: Vec::new(),
            version: Some(version.into()),
            labels: [].into(),
            created: None,
            returned: !earlier.is_empty(),
            settled: None,
            desired: 0,
            current: 0,
            ready: 0,
            available: 0,
            change_cause: None,
            commit: None,
        }
    }

    #[test]
    fn a_revision_that_was_returned_to_is_still_the_one_it_was() {
        let (good, bad) = (set(44, &[42], "v1.0.0"), set(43, &[], "v1.1.0"));
        let older = set(41, &[], "v0.9.9");
        let all = [&good, &bad, &older];
        let said = |revision: &Revision, number| {
            text((number, revision), before(&all, number), None, false)
        };
        assert_eq!(said(&bad, 43), "revision 42 → 43, image v1.0.0 → v1.1.0");
        assert_eq!(said(&good, 44), "revision 43 → 44, image v1.1.0 → v1.0.0");
        assert_eq!(
            said(&older, 41),
            "revision 41",
            "what came before is not known"
        );
    }
}
