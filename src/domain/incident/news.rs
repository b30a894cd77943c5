//! What of everything that was noticed an incident's file does not have yet.

use super::event::{AlertTurn, Event};
use super::fold::Incident;
use super::observed::{BEFORE, FULL, OBSERVED, Observation, Witness};
use jiff::Timestamp;

impl Incident {
    /// From when on what happened concerns it.
    pub fn concerns_from(&self) -> Timestamp {
        self.detected.min(self.opened) - BEFORE
    }

    /// Whether the file has it already, or takes no more of its kind: several consoles notice the same.
    pub fn knows(&self, event: &Event) -> bool {
        match event {
            Event::Alert(news) => {
                let fires = matches!(news.turn, AlertTurn::Fired { .. });
                let known = self.alerts.get(&news.fingerprint).copied();
                known.unwrap_or(false) == fires
            }
            Event::Revision { uid, .. } => self.revisions.contains(uid),
            Event::Observed(seen) => {
                self.observed.contains(&seen.key) || self.observed.contains(FULL)
            }
            _ => false,
        }
    }

    /// Those of several events that are to be written: what is known is left out, and where too much was observed, that is
    /// said once and the rest is not kept.
    pub fn news(&self, events: Vec<Event>) -> Vec<Event> {
        let mut room = OBSERVED.saturating_sub(self.observed.len());
        let mut full = false;
        let mut taken: Vec<Event> = Vec::new();
        for event in events.into_iter().filter(|event| !self.knows(event)) {
            if matches!(event, Event::Observed(_)) {
                full |= room == 0;
                if room == 0 {
                    continue;
                }
                room -= 1;
            }
            if !taken.contains(&event) {
                taken.push(event);
            }
        }
        if full {
            taken.push(Event::Observed(Observation {
                key: FULL.to_owned(),
                witness: Witness::Event,
                object: String::new(),
                text: format!("{OBSERVED} observations stand here; later ones are not copied"),
                at: None,
            }));
        }
        taken
    }
}
