//! What an incident's file says, one record per event. Folding them in order restores the incident; nothing else does.

use super::id::IncidentId;
use super::limits::Limits;
use super::observed::Observation;
use super::role::Role;
use super::severity::Severity;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose clock a record's time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stamp {
    /// The API server's, by the skew that was measured against it.
    Server,
    /// This machine's: the server had not been asked.
    Local,
}

/// One record: when, by whose clock, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub ts: Timestamp,
    /// By whose clock.
    pub ts_src: Stamp,
    /// How far that clock was ahead of this machine's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skew_ms: i64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Record {
    /// A record of that moment.
    pub fn new(dated: Dated, event: Event) -> Self {
        Self {
            ts: dated.at,
            ts_src: dated.src,
            skew_ms: i64::try_from(dated.skew.as_millis()).unwrap_or_default(),
            event,
        }
    }

    /// How far the clock of its time was ahead of this machine's.
    pub fn skew(&self) -> SignedDuration {
        SignedDuration::from_millis(self.skew_ms)
    }
}

/// A moment, by whose clock it is told, and how far that clock is ahead of this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// When.
    pub at: Timestamp,
    /// By whose clock.
    pub src: Stamp,
    /// How far ahead that one is.
    pub skew: SignedDuration,
}

impl Dated {
    /// A moment of this machine's clock, told by the server's where it is known how far that one is ahead.
    pub fn of(ours: Timestamp, ahead: Option<SignedDuration>) -> Self {
        let skew = ahead.unwrap_or_default();
        Self {
            at: ours + skew,
            src: if ahead.is_some() {
                Stamp::Server
            } else {
                Stamp::Local
            },
            skew,
        }
    }
}

impl From<(Timestamp, Stamp)> for Dated {
    fn from((at, src): (Timestamp, Stamp)) -> Self {
        Self {
            at,
            src,
            skew: SignedDuration::ZERO,
        }
    }
}

/// Where an incident is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The uid of the cluster, where it was known.
    pub cluster_uid: Option<String>,
    /// The kubeconfig's context.
    pub context: String,
    /// The namespace; none: all of them.
    pub namespace: Option<String>,
    /// production, staging, simulated.
    pub environment: String,
}

impl Place {
    /// A place on a cluster that was asked. A simulated platform ends with its process, and the next one is another world of
    /// the same name: its address tells them apart.
    pub fn on(
        (uid, server): (&str, &str),
        context: &str,
        namespace: Option<&str>,
        environment: &str,
    ) -> Self {
        let uid = match environment {
            "simulated" => format!("{uid} at {server}"),
            _ => uid.to_owned(),
        };
        Self {
            cluster_uid: Some(uid),
            context: context.to_owned(),
            namespace: namespace.map(str::to_owned),
            environment: environment.to_owned(),
        }
    }

    /// Whether something done there concerns an incident here.
    pub fn holds(&self, other: &Self) -> bool {
        let same = match (&self.cluster_uid, &other.cluster_uid) {
            (Some(own), Some(other)) => own == other,
            _ => self.context == other.context,
        };
        let within = match (&self.namespace, &other.namespace) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        same && within
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.namespace.as_deref().unwrap_or("all namespaces");
        write!(f, "{} / {namespace} ({})", self.context, self.environment)
    }
}

/// A new incident as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIncident {
    /// What it is about.
    pub title: String,
    /// How bad it seems.
    pub severity: Severity,
    /// When it was detected; now unless it was said.
    pub detected_at: Option<Timestamp>,
    /// Whether personal data is concerned, where somebody said so.
    pub breach: Option<bool>,
    /// Where.
    pub place: Place,
    /// How long somebody may take to acknowledge it.
    pub limits: Limits,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "turn")]
pub enum AlertTurn {
    /// It fires.
    Fired {
        /// Since when, as Alertmanager says.
        since: Option<Timestamp>,
    },
    /// It fires no more.
    Resolved,
    /// Somebody took it on; with a silence in Alertmanager where that is configured.
    Acknowledged {
        /// The silence to be made, if any: until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_until: Option<Timestamp>,
    },
    /// A silence is about to be asked for.
    Silencing {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// Alertmanager took the silence.
    Silenced {
        /// Its id.
        silence: String,
        /// Until when.
        until: Timestamp,
    },
    /// Alertmanager did not take the silence, or it is not known whether it did.
    Unsilenced {
        /// What happened.
        why: String,
        /// Whether it may have been made all the same.
        maybe: bool,
    },
}

/// One thing about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertNews {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// Its severity label's word.
    pub severity: String,
    /// The service it speaks of.
    pub service: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub turn: AlertTurn,
}

/// What happened in a linked run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "turn")]
pub enum RunTurn {
    /// It began while the incident was open.
    Started {
        /// The runbook's version.
        version: String,
        /// Digest of what it does.
        model: String,
        /// The workload, where it is about one.
        workload: Option<String>,
        /// Why, where somebody said.
        reason: Option<String>,
        /// Why it went past the policy, where it did.
        break_glass: Option<String>,
        /// Whether it only rehearses.
        dry_run: bool,
    },
    /// Something is about to be changed.
    Intent {
        /// The step.
        step: String,
        /// What, in words.
        text: String,
    },
    /// How that came out.
    Outcome {
        /// The step.
        step: String,
        /// applied, conflict, denied, unknown …
        status: String,
        /// The server's words.
        text: String,
    },
    /// A gate decided.
    Gate {
        /// The step.
        step: String,
        /// PASS, FAIL, INCONCLUSIVE.
        verdict: String,
        /// Why.
        text: String,
    },
    /// A line for the record, typed in the run.
    Note {
        /// The line.
        text: String,
    },
    /// It is over.
    Ended {
        /// How.
        state: String,
        /// In words.
        text: String,
        /// What it left in the world.
        leftovers: Vec<String>,
    },
}

/// One thing about a linked run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNews {
    /// The run.
    pub run: String,
    /// Its runbook.
    pub runbook: String,
    /// What happened.
    #[serde(flatten)]
    pub turn: RunTurn,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "turn")]
pub enum NoticeTurn {
    /// It is about to be sent.
    Sending {
        /// What it says.
        text: String,
    },
    /// The other side said it has it.
    Sent,
    /// It definitely did not arrive.
    Failed {
        /// Why.
        why: String,
    },
    /// The connection broke after bytes were sent: it may have arrived, or not.
    MaybeSent {
        /// How it broke.
        why: String,
    },
}

/// One thing about a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeNews {
    /// Names this one among the incident's: the same in all its records.
    pub notice: String,
    /// The channel's name in the configuration; `by hand` where a person told somebody.
    pub channel: String,
    /// What became of it.
    #[serde(flatten)]
    pub turn: NoticeTurn,
}

/// One thing that happened to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[allow(
    missing_docs,
    reason = "the fields are named after the facts they hold; each variant is documented"
)]
pub enum Event {
    /// It was opened.
    #[serde(rename = "incident.opened")]
    Opened {
        incident: IncidentId,
        title: String,
        severity: Severity,
        detected_at: Timestamp,
        place: Place,
    },
    /// It was detected at another moment than was said; the first is kept in its own record.
    #[serde(rename = "incident.detected")]
    Detected { at: Timestamp, reason: String },
    /// Somebody took it on.
    #[serde(rename = "incident.acknowledged")]
    Acknowledged {},
    /// Its severity was settled, raised or lowered. Lowering names the commander as typed.
    #[serde(rename = "incident.severity")]
    Severity {
        from: Severity,
        to: Severity,
        reason: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Who does what; no name: nobody any more.
    #[serde(rename = "incident.role")]
    Role { role: Role, name: Option<String> },
    /// A line for the record.
    #[serde(rename = "incident.note")]
    Note { text: String },
    /// Whether personal data is concerned: yes starts the authority's clock.
    #[serde(rename = "incident.breach")]
    Breach { breach: bool, reason: String },
    /// The authority was told.
    #[serde(rename = "incident.reported")]
    Reported { reason: String },
    /// About an alert.
    #[serde(rename = "incident.alert")]
    Alert(AlertNews),
    /// About a run.
    #[serde(rename = "incident.run")]
    Run(RunNews),
    /// A revision took over while it was open.
    #[serde(rename = "incident.revision")]
    Revision {
        uid: String,
        workload: String,
        text: String,
        made: Option<Timestamp>,
    },
    /// The cluster, or whoever deploys, says that something happened.
    #[serde(rename = "incident.observed")]
    Observed(Observation),
    /// How long somebody may take to acknowledge it, where that is not the usual.
    #[serde(rename = "incident.limits")]
    Limits { acknowledge: Limits },
    /// Nobody took it on: somebody else was called.
    #[serde(rename = "incident.escalated")]
    Escalated { to: String },
    /// A run of before that has to do with it: the checklist of the release, a rehearsal.
    #[serde(rename = "incident.linked")]
    Linked {
        run: String,
        runbook: String,
        text: String,
    },
    /// About a notification.
    #[serde(rename = "incident.notice")]
    Notice(NoticeNews),
    /// Somebody else carries it on.
    #[serde(rename = "incident.handed-over")]
    HandedOver { to: String, reason: String },
    /// Users are served again, though the cause may be unknown.
    #[serde(rename = "incident.mitigated")]
    Mitigated { reason: String },
    /// It is over.
    #[serde(rename = "incident.resolved")]
    Resolved { reason: Option<String> },
    /// It was not over.
    #[serde(rename = "incident.reopened")]
    Reopened { reason: String },
    /// It was written out.
    #[serde(rename = "incident.exported")]
    Exported {
        language: String,
        files: Vec<String>,
    },
    /// The file was mended after a torn write.
    #[serde(rename = "journal.recovered")]
    Recovered { aside: String, bytes: u64 },
    /// Written by a later version.
    #[serde(other, rename = "unknown")]
    Later,
}

impl Event {
    /// The event's name, as the file has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "incident.opened",
            Self::Detected { .. } => "incident.detected",
            Self::Acknowledged {} => "incident.acknowledged",
            Self::Severity { .. } => "incident.severity",
            Self::Role { .. } => "incident.role",
            Self::Note { .. } => "incident.note",
            Self::Breach { .. } => "incident.breach",
            Self::Reported { .. } => "incident.reported",
            Self::Alert(_) => "incident.alert",
            Self::Run(_) => "incident.run",
            Self::Revision { .. } => "incident.revision",
            Self::Observed(_) => "incident.observed",
            Self::Limits { .. } => "incident.limits",
            Self::Escalated { .. } => "incident.escalated",
            Self::Linked { .. } => "incident.linked",
            Self::Notice(_) => "incident.notice",
            Self::HandedOver { .. } => "incident.handed-over",
            Self::Mitigated { .. } => "incident.mitigated",
            Self::Resolved { .. } => "incident.resolved",
            Self::Reopened { .. } => "incident.reopened",
            Self::Exported { .. } => "incident.exported",
            Self::Recovered { .. } => "journal.recovered",
            Self::Later => "unknown",
        }
    }
}
