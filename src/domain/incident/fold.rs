//! An incident as its records tell it, and what may be written next. Pure: whoever appends asks [`Incident::admit`] under the
//! file's lock, so two people at once cannot write what contradicts each other.

use super::event::{AlertTurn, Event, NoticeNews, NoticeTurn, Place, Record, RunTurn, Stamp};
use super::id::IncidentId;
use super::limits::Limits;
use super::role::Role;
use super::severity::Severity;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

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
    /// What the cluster said, by its names.
    pub observed: BTreeSet<String>,
    /// Runs of before that were linked: run, runbook, and what is known of them.
    pub linked: Vec<(String, String, String)>,
    /// How long somebody may take to acknowledge.
    pub limits: Limits,
    /// When somebody else was called since nobody took it on.
    pub escalated: Option<Timestamp>,
    /// How far the clock that its times are told by is ahead of this machine's, as last heard.
    pub ahead: SignedDuration,
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
            observed: BTreeSet::new(),
            linked: Vec::new(),
            limits: Limits::default(),
            escalated: None,
            ahead: record.skew(),
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
        if record.ts_src == Stamp::Server {
            self.ahead = record.skew();
        }
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
            Event::Observed(seen) => drop(self.observed.insert(seen.key.clone())),
            Event::Limits { acknowledge } => self.limits = *acknowledge,
            Event::Escalated { .. } => {
                self.escalated.get_or_insert(at);
            }
            Event::Linked { run, runbook, text } => {
                self.linked
                    .push((run.clone(), runbook.clone(), text.clone()));
            }
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

    /// The roles its severity asks for that nobody has.
    pub fn roles_open(&self) -> Vec<Role> {
        let wanted = self.severity().roles().iter().copied();
        wanted
            .filter(|role| !self.roles.contains_key(role))
            .collect()
    }

    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// Whether what a stage asks for was done, or is not asked for here: a resolved incident may have passed over some.
    pub fn did(&self, stage: Stage) -> bool {
        match stage {
            Stage::Acknowledge => self.acknowledged.is_some(),
            Stage::Assess => self.assessed.is_some() || self.severity().assess().is_none(),
            Stage::Notify => !self.told.is_empty() || self.severity().first_notice().is_none(),
            // What was over at the moment it was resolved was not brought back by a step before.
            Stage::Mitigate => self.mitigated.is_some() && self.mitigated != self.resolved,
            Stage::RootCause => self.resolved.is_some(),
            Stage::PostMortem => self.exported.is_some(),
            Stage::Over => true,
        }
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
}
