//! Tells the changes anew: what the cluster and the sources say now, joined with what was told before. Called when facts were
//! judged; the memory itself is [`super::told`].

use super::changes::{self, Change, ChangeKind};
use super::state::{App, HORIZON};
use crate::domain::alert::Alert;
use crate::domain::signal::SignalName;
use jiff::Timestamp;

impl App {
    /// Tells the changes anew.
    pub(super) fn retell(&mut self) {
        let fresh = changes::changes(
            &self.cluster,
            &self.services,
            self.alerts_here(),
            HORIZON,
            self.now,
        );
        let mut told = std::mem::take(&mut self.told);
        self.changes = told.join(fresh, self.now - HORIZON, |change| self.ended(change));
        self.told = told;
    }

    /// The alerts that speak of what is looked at, or that do not say of what.
    pub(super) fn alerts_here(&self) -> impl Iterator<Item = &Alert> {
        let scope = &self.target.scope;
        let here = |alert: &&Alert| alert.namespace().is_none_or(|name| scope.holds(name));
        self.alerts.iter().filter(here)
    }

    /// Since when a change that is no longer told is over; a source that does not answer ends nothing.
    fn ended(&self, change: &Change) -> Option<Timestamp> {
        match change.kind {
            ChangeKind::Rollout => None,
            ChangeKind::Alert => self.alerts_link.trusted(self.now).then_some(self.now),
            ChangeKind::Onset => {
                let row = self.services.find(&change.object)?;
                row.signals.as_ref()?.get(SignalName::ErrorRatio).value()?;
                if self.disbelief().is_some() {
                    return None;
                }
                let findings = &row.judgement.findings;
                let recovers = findings.iter().find(|finding| finding.clause == "recovers");
                recovers.map_or(Some(self.now), |finding| finding.since)
            }
        }
    }
}
