//! Incidents in the console: those of this machine as their files tell, the one that is open here, and what was sent to be
//! written about it. What an operator does at them is `act`'s, what the console notices by itself is `notice`'s.

mod act;
mod known;
mod notice;
mod observe;
pub mod order;
mod say;
pub mod sheet;

pub use known::Incidents;

use super::state::App;
use crate::domain::alert::Alert;
use crate::domain::incident::{AlertNews, AlertTurn, Incident, Place};

impl App {
    /// Where this console looks, as incidents have it; none before the cluster has said who it is.
    pub fn place(&self) -> Option<Place> {
        let target = &self.target;
        let uid = target.cluster_uid.as_deref()?;
        Some(Place::on(
            (uid, &target.server),
            &target.context,
            target.scope.namespace().map(|name| &**name),
            &target.environment.name,
        ))
    }

    /// The incident that is open here: the newest that concerns this place.
    pub fn incident(&self) -> Option<&Incident> {
        let shown = self.incident_shown()?;
        shown.is_open().then_some(shown)
    }

    /// The same, or the last one that was.
    pub fn incident_shown(&self) -> Option<&Incident> {
        let place = self.place()?;
        let mut here = self
            .incidents
            .all
            .iter()
            .filter(|incident| incident.place.holds(&place));
        here.next().map(|incident| &**incident)
    }

    /// Whether an alert was taken on in the incident that is open here.
    pub fn taken_on(&self, alert: &Alert) -> bool {
        let name = &*alert.fingerprint.to_string();
        self.incident()
            .is_some_and(|incident| incident.acknowledged_alerts.contains(name))
    }

    /// The open incident's severity, as conditions of runbooks ask for it.
    pub fn incident_severity(&self) -> Option<String> {
        Some(self.incident()?.severity().to_string())
    }
}

/// An alert as an incident's file has it.
pub(super) fn about(alert: &Alert, turn: AlertTurn) -> AlertNews {
    let service = alert.service().map(ToString::to_string);
    AlertNews {
        fingerprint: alert.fingerprint.to_string(),
        name: alert.name.to_string(),
        severity: alert.severity.word().to_owned(),
        service,
        turn,
    }
}
