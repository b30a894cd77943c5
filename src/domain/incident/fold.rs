//! An incident as its records tell it, and what may be written next. Pure: whoever appends asks [`Incident::admit`] under the
//! file's lock, so two people at once cannot write what contradicts each other.

use super::event::{AlertTurn, Event, NoticeNews, NoticeTurn, Place, Record, Role, RunTurn};
use super::id::IncidentId;
use super::severity::Severity;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The longest title.
pub const TITLE: usize = 200;
/// The longest note, reason or message.
pub const TEXT: usize = 2_000;
/// The longest name of a person.
pub const NAME: usize = 80;

/// The word that makes an action item of a note, at its beginning.
pub const TO_DO: &str = concat!("TO", "DO");

/// An action item: a note that began with [`TO_DO`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// When it was noted.
    pub at: Timestamp,
    /// What is to be done.
    pub text: String,
}

/// What is to be done next, in the customer's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Somebody must take it on.
    Acknowledge,
    /// Settle how bad it is.
    Assess,
    /// Tell those concerned.
    Notify,
    /// Bring the service back.
    Mitigate,
    /// Find the cause, then resolve.
    RootCause,
    /// Write the post-mortem.
    PostMortem,
    /// Nothing more.
    Over,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// What it is about.
    pub title: String,
    /// Where.
    pub place: Place,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was detected, as last said.
    pub detected: Timestamp,
    /// When it was detected, as first said.
    pub detected_first: Timestamp,
    /// Its severities: since when, and why.
    pub severities: Vec<(Timestamp, Severity, Option<String>)>,
    /// When somebody took it on.
    pub acknowledged: Option<Timestamp>,
    /// When its severity was settled after that.
    pub assessed: Option<Timestamp>,
    /// Since when personal data is known to be concerned.
    pub breach: Option<Timestamp>,
    /// Whether somebody said so, either way.
    pub breach_said: Option<bool>,
    /// When the authority was told.
    pub reported: Option<Timestamp>,
    /// Who does what.
    pub roles: BTreeMap<Role, String>,
    /// Alerts seen: whether they fire still.
    pub alerts: BTreeMap<String, bool>,
    /// Since when the earliest of them fired.
    pub first_alert: Option<Timestamp>,
    /// Alerts taken on here.
    pub acknowledged_alerts: BTreeSet<String>,
    /// Runs linked, in order: run and runbook.
    pub runs: Vec<(String, String)>,
    /// Revisions seen.
    pub revisions: BTreeSet<String>,
    /// Notifications that arrived, by time.
    pub told: Vec<Timestamp>,
    /// Notifications that may have arrived: to be asked about before they are sent again.
    pub unsure: BTreeMap<String, String>,
    /// Action items.
    pub todos: Vec<Todo>,
    /// When the first run began that changed something.
    pub mitigating: Option<Timestamp>,
    /// When users were served again.
    pub mitigated: Option<Timestamp>,
    /// When it was resolved.
    pub resolved: Option<Timestamp>,
    /// When it was last written out after that.
    pub exported: Option<Timestamp>,
    /// Every record, in order.
    pub records: Vec<Record>,
    changed: BTreeSet<String>,
}

impl Incident {
    /// Restores an incident from its records; `None` where the first does not open it.
    pub fn fold(records: &[Record]) -> Option<Self> {
        let mut records = records.iter();
        let mut incident = Self::opened(records.find(|record| {
            // A torn first write is mended before anything was opened.
            !matches!(record.event, Event::Recovered { .. })
        })?)?;
        for record in records {
            incident.learn(record.clone());
        }
        Some(incident)
    }

    fn opened(record: &Record) -> Option<Self> {
        let Event::Opened {
            incident,
            title,
            severity,
            detected_at,
            place,
        } = &record.event
        else {
            return None;
        };
        Some(Self {
            id: *incident,
            title: title.clone(),
            place: place.clone(),
            opened: record.ts,
            detected: *detected_at,
            detected_first: *detected_at,
            severities: vec![(record.ts, *severity, None)],
            acknowledged: None,
            assessed: None,
            breach: None,
            breach_said: None,
            reported: None,
            roles: BTreeMap::new(),
            alerts: BTreeMap::new(),
            first_alert: None,
            acknowledged_alerts: BTreeSet::new(),
            runs: Vec::new(),
            revisions: BTreeSet::new(),
            told: Vec::new(),
            unsure: BTreeMap::new(),
            todos: Vec::new(),
            mitigating: None,
            mitigated: None,
            resolved: None,
            exported: None,
            records: vec![record.clone()],
            changed: BTreeSet::new(),
        })
    }

    /// Takes in one more record.
    pub fn learn(&mut self, record: Record) {
        let at = record.ts;
        match &record.event {
            Event::Detected { at, .. } => self.detected = *at,
            Event::Acknowledged {} => {
                self.acknowledged.get_or_insert(at);
            }
            Event::Severity { to, reason, .. } => {
                if self.acknowledged.is_some() {
                    self.assessed.get_or_insert(at);
                }
                self.severities.push((at, *to, reason.clone()));
            }
            Event::Role { role, name } => match name {
                Some(name) => drop(self.roles.insert(*role, name.clone())),
                None => drop(self.roles.remove(role)),
            },
            Event::Note { text } => self.noted(at, text),
            Event::Breach { breach, .. } => {
                self.breach_said = Some(*breach);
                self.breach = breach.then(|| self.breach.unwrap_or(at));
            }
            Event::Reported { .. } => {
                self.reported.get_or_insert(at);
            }
            Event::Alert(news) => {
                let name = &news.fingerprint;
                match &news.turn {
                    AlertTurn::Fired { since } => {
                        self.alerts.insert(name.clone(), true);
                        self.first_alert = self.first_alert.into_iter().chain(*since).min();
                    }
                    AlertTurn::Resolved => drop(self.alerts.insert(name.clone(), false)),
                    AlertTurn::Acknowledged { .. } => {
                        self.acknowledged_alerts.insert(name.clone());
                        // Whoever takes on its alert has taken on the incident.
                        self.acknowledged.get_or_insert(at);
                    }
                    _ => {}
                }
            }
            Event::Run(news) => self.ran(at, &news.run, &news.runbook, &news.turn),
            Event::Revision { uid, .. } => drop(self.revisions.insert(uid.clone())),
            Event::Notice(news) => self.told_of(at, news),
            Event::HandedOver { to, .. } => drop(self.roles.insert(Role::Commander, to.clone())),
            Event::Mitigated { .. } => {
                self.mitigated.get_or_insert(at);
            }
            Event::Resolved { .. } => {
                self.mitigated.get_or_insert(at);
                self.resolved = Some(at);
            }
            Event::Reopened { .. } => (self.resolved, self.mitigated) = (None, None),
            Event::Exported { .. } if self.resolved.is_some() => self.exported = Some(at),
            Event::Exported { .. }
            | Event::Opened { .. }
            | Event::Recovered { .. }
            | Event::Later => {}
        }
        self.records.push(record);
    }

    fn told_of(&mut self, at: Timestamp, news: &NoticeNews) {
        let on = format!("{}: ", news.channel);
        let unsure = match &news.turn {
            NoticeTurn::Sent => {
                self.told.push(at);
                // What came before on the same channel no longer matters: those concerned have heard.
                self.unsure.retain(|_, why| !why.starts_with(&on));
                return;
            }
            NoticeTurn::MaybeSent { why } => why.as_str(),
            // Until its outcome stands there, it is not known.
            NoticeTurn::Sending { .. } => "the program ended while it was being sent",
            NoticeTurn::Failed { .. } => {
                self.unsure.remove(&news.notice);
                return;
            }
        };
        self.unsure
            .insert(news.notice.clone(), format!("{on}{unsure}"));
    }

    fn noted(&mut self, at: Timestamp, text: &str) {
        if let Some(rest) = text.trim_start().strip_prefix(TO_DO) {
            let text = rest.trim_start_matches([':', ' ']).trim();
            if !text.is_empty() {
                let text = text.to_owned();
                self.todos.push(Todo { at, text });
            }
        }
    }

    fn ran(&mut self, at: Timestamp, run: &str, runbook: &str, turn: &RunTurn) {
        match turn {
            RunTurn::Started { dry_run: false, .. }
                if self.runs.iter().all(|(known, _)| known != run) =>
            {
                self.runs.push((run.to_owned(), runbook.to_owned()));
            }
            RunTurn::Intent { .. } => {
                self.mitigating.get_or_insert(at);
            }
            RunTurn::Outcome { status, .. } if status == "applied" => {
                self.changed.insert(run.to_owned());
            }
            // What a run changed, and its gate then found good, serves users again.
            RunTurn::Gate { verdict, .. }
                if verdict.eq_ignore_ascii_case("pass") && self.changed.contains(run) =>
            {
                self.mitigated.get_or_insert(at);
            }
            _ => {}
        }
    }

    /// How bad it is now.
    pub fn severity(&self) -> Severity {
        self.severities
            .last()
            .map_or(Severity::P0, |(_, severity, _)| *severity)
    }

    /// How bad it was at its worst.
    pub fn worst(&self) -> Severity {
        let all = self.severities.iter().map(|(_, severity, _)| *severity);
        all.min().unwrap_or(Severity::P0)
    }

    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// What is to be done next.
    pub fn stage(&self) -> Stage {
        let due = self.severity().first_notice().is_some();
        if self.resolved.is_some() {
            let wanted = self.worst() <= Severity::P1;
            return if wanted && self.exported.is_none() {
                Stage::PostMortem
            } else {
                Stage::Over
            };
        }
        if self.acknowledged.is_none() {
            Stage::Acknowledge
        } else if self.assessed.is_none() && self.severity().assess().is_some() {
            Stage::Assess
        } else if self.told.is_empty() && due {
            Stage::Notify
        } else if self.mitigated.is_none() {
            Stage::Mitigate
        } else {
            Stage::RootCause
        }
    }

    /// Whether an event may follow; else one sentence with what to do.
    pub fn admit(&self, event: &Event, now: Timestamp) -> Result<(), String> {
        let id = self.id;
        if self.resolved.is_some() && !goes_on_after(event) {
            return Err(format!(
                "{id} is resolved; `vigie incident reopen {id} --reason TEXT` opens it again"
            ));
        }
        match event {
            Event::Opened { .. } => Err(format!("{id} is open already")),
            Event::Detected { at, reason } => {
                need(reason, TEXT, "a reason", "--reason TEXT")?;
                detected(*at, now)
            }
            Event::Acknowledged {} => match self.acknowledged {
                Some(at) => Err(format!("{id} was acknowledged at {}", clock(at))),
                None => Ok(()),
            },
            Event::Severity {
                from,
                to,
                reason,
                by,
            } => self.admit_severity(*from, *to, reason.as_deref(), by.as_deref()),
            Event::Role {
                name: Some(name), ..
            } => need(name, NAME, "a name", "the name after the role"),
            Event::Note { text } => need(text, TEXT, "a note", "the text in quotes"),
            Event::Breach { reason, .. } => need(reason, TEXT, "a reason", "--reason TEXT"),
            Event::Reported { reason } => {
                need(reason, TEXT, "a reason", "--reason TEXT")?;
                match (self.breach, self.reported) {
                    (None, _) => Err(format!(
                        "{id} is not marked as a data breach; `vigie incident breach {id} yes --reason TEXT` does it first"
                    )),
                    (_, Some(at)) => Err(format!("the authority was told at {}", clock(at))),
                    _ => Ok(()),
                }
            }
            Event::HandedOver { to, reason } => {
                need(to, NAME, "a name", "--to NAME")?;
                need(reason, TEXT, "a reason", "--reason TEXT")
            }
            Event::Mitigated { .. } if self.mitigated.is_some() => {
                Err(format!("{id} is mitigated already"))
            }
            Event::Reopened { reason } => {
                need(reason, TEXT, "a reason", "--reason TEXT")?;
                if self.resolved.is_none() {
                    return Err(format!("{id} is open; there is nothing to reopen"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn admit_severity(
        &self,
        from: Severity,
        to: Severity,
        reason: Option<&str>,
        by: Option<&str>,
    ) -> Result<(), String> {
        let (id, now) = (self.id, self.severity());
        if from != now {
            return Err(format!(
                "{id} is {now} by now, not {from}: somebody else changed it; look, then say it again"
            ));
        }
        if !now.above(to) {
            return Ok(());
        }
        need(
            reason.unwrap_or_default(),
            TEXT,
            "a reason to lower it",
            "--reason TEXT",
        )?;
        let Some(commander) = self.roles.get(&Role::Commander) else {
            return Err(format!(
                "lowering is the incident commander's, and {id} has none; `vigie incident role {id} commander NAME` names one"
            ));
        };
        match by {
            Some(by) if by.trim() == commander => Ok(()),
            Some(_) => Err(format!(
                "lowering is the incident commander's, who is {commander}, as {id} has it"
            )),
            None => Err(format!(
                "lowering is the incident commander's; say who lowers it: --by {commander:?}"
            )),
        }
    }
}

/// What may still be written about an incident that is over.
fn goes_on_after(event: &Event) -> bool {
    matches!(
        event,
        Event::Note { .. }
            | Event::Exported { .. }
            | Event::Reopened { .. }
            | Event::Role { .. }
            | Event::Reported { .. }
            | Event::Breach { .. }
            | Event::Notice(_)
            | Event::Run(_)
            | Event::Recovered { .. }
            | Event::Detected { .. }
    )
}

/// Whether a text is there and not too long.
pub fn need(text: &str, most: usize, what: &str, how: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("{what} is needed: {how}"));
    }
    let length = text.chars().count();
    if length > most {
        return Err(format!(
            "{what} has {length} characters and may have {most}; shorten it"
        ));
    }
    Ok(())
}

/// Whether a moment can be one of detection.
pub fn detected(at: Timestamp, now: Timestamp) -> Result<(), String> {
    if at > now + SignedDuration::from_secs(60) {
        return Err(format!(
            "it cannot be detected in the future ({at}; now it is {now}); give a moment of the past in UTC"
        ));
    }
    if at < now - SignedDuration::from_hours(24 * 366) {
        return Err(format!(
            "it cannot be detected more than a year ago ({at}); give the right moment in UTC"
        ));
    }
    Ok(())
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}
