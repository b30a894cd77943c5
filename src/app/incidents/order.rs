//! What the App asks of the engine for incidents, and what it hears of them.

use crate::domain::incident::{AlertNews, Event, Incident, IncidentId, Language, NewIncident};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an operator may want of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// Open one, or go to the one that is open.
    Open,
    /// Whatever comes next in the customer's order.
    Next,
    /// Settle, raise or lower its severity.
    Severity,
    /// Take on the alert under the cursor, and the incident with it.
    Acknowledge,
    /// Silence the alert under the cursor.
    Silence,
    /// Tell those concerned.
    Update,
    /// Nobody took it on: somebody else was called.
    Escalate,
    /// A run of before has to do with it.
    Link,
    /// Who does what.
    Role,
    /// Whether personal data is concerned.
    Breach,
    /// The authority was told.
    Reported,
    /// Users are served again.
    Mitigated,
    /// It is over.
    Resolve,
    /// Somebody else carries it on.
    HandOver,
    /// Write it out.
    Export,
}

/// An alert to be kept quiet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// The alert; its turn is what is written first.
    pub alert: AlertNews,
    /// Its labels, by which Alertmanager knows it.
    pub labels: BTreeMap<String, String>,
    /// For how long.
    pub span: SignedDuration,
    /// Why.
    pub reason: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Open an incident; with an alert that is taken on with it, and kept quiet where that is configured.
    Open(Box<NewIncident>, Option<Box<AlertNews>>, Option<Box<Quiet>>),
    /// Write one event; what is said when it stands there.
    Write(IncidentId, Box<Event>, &'static str),
    /// Write what was noticed, where the file does not have it yet.
    Notice(IncidentId, Vec<Event>),
    /// Take on an alert, and silence it where that is configured.
    Acknowledge(IncidentId, Box<AlertNews>, Option<Box<Quiet>>),
    /// Silence an alert.
    Silence(Option<IncidentId>, Box<Quiet>),
    /// Tell those concerned; although an earlier message may have arrived.
    Update {
        /// The incident.
        id: IncidentId,
        /// What.
        text: String,
        /// It is sent again knowingly.
        again: bool,
    },
    /// Link a run of before.
    Link(IncidentId, String),
    /// Write it out.
    Export(IncidentId, Language),
}

/// An order, with who gives it as the cluster knows them: the audit log's to know.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentOrder {
    /// Who.
    pub by: Option<Arc<str>>,
    /// What.
    pub ask: Ask,
}

/// What the engine reports about incidents.
#[derive(Debug, Clone, PartialEq)]
pub enum IncidentNews {
    /// The incidents of this machine, open ones first, then the newest.
    Listed(Vec<Arc<Incident>>),
    /// One was opened: it is what is looked at.
    Opened(IncidentId),
}
