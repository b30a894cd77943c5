//! What the console knows of incidents: values alone, owned by the App.

use crate::domain::incident::{Clock, Incident, IncidentId, Limits};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of incidents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incidents {
    /// Those of this machine, open ones first, then the newest.
    pub all: Vec<Arc<Incident>>,
    /// Whether they were read once.
    pub known: bool,
    /// How long an acknowledgement silences its alert in Alertmanager, where it does.
    pub silences: Option<SignedDuration>,
    /// How long somebody may take to acknowledge a new one.
    pub limits: Limits,
    /// What was noticed and sent to be written already: it is not sent again while the file is not read anew.
    pub(super) sent: BTreeSet<String>,
    /// When what is seen was last gone through.
    pub(super) looked: Option<Timestamp>,
    /// The clocks that were overdue when last looked at, of which incident.
    pub(super) late: Option<(IncidentId, Vec<(Clock, Timestamp)>)>,
}
