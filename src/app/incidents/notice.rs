//! What the console notices by itself while an incident is open here, and sends to be written. Several consoles may notice the
//! same; the file takes it once.

use super::order::{Ask, IncidentNews, IncidentOrder};
use crate::app::effect::Effect;
use crate::app::screen::Screen;
use crate::app::state::App;
use crate::domain::incident::{Event, missed};
use jiff::{SignedDuration, Timestamp};

/// The most that is written at once.
const MOST: usize = 50;
/// What was seen of the cluster is gone through so often.
const EVERY: SignedDuration = SignedDuration::from_secs(1);

impl App {
    /// Takes in what the engine says of incidents.
    pub(in crate::app) fn learn_incident(&mut self, news: IncidentNews) {
        match news {
            IncidentNews::Listed(all) => {
                self.incidents.all = all;
                self.incidents.known = true;
                self.incidents.sent.clear();
                self.incidents.looked = None;
            }
            IncidentNews::Opened(_) => self.history.open(Screen::Incident),
        }
    }

    /// What is to be written about what has changed; nothing where no incident is open here.
    pub(in crate::app) fn noticed(&mut self) -> Vec<Effect> {
        let mut effects = self.clocks_ran_out();
        let Some(incident) = self.incident() else {
            return effects;
        };
        let id = incident.id;
        let mut events = self.turned(incident);
        // There may be thousands of these, and nobody waits for them.
        let recently = |at: Timestamp| self.now.duration_since(at).abs() < EVERY;
        if !self.incidents.looked.is_some_and(recently) {
            events.extend(self.observed(incident));
            self.incidents.looked = Some(self.now);
        }
        let each = events.into_iter();
        let mut found: Vec<(String, Event)> = each.map(|event| (name(&event), event)).collect();
        found.retain(|(key, _)| !self.incidents.sent.contains(key));
        found.truncate(MOST);
        if found.is_empty() {
            return effects;
        }
        let (keys, events): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        self.incidents.sent.extend(keys);
        effects.push(self.incident_order(Ask::Notice(id, events)));
        effects
    }

    /// Calls for attention when a clock of the incident has run out; once for each, and not for what was found at the start.
    fn clocks_ran_out(&mut self) -> Vec<Effect> {
        let now = self.now;
        let Some(incident) = self.incident() else {
            return Vec::new();
        };
        let id = incident.id;
        let unmet = missed(incident, now).into_iter();
        let late: Vec<_> = unmet
            .filter(|late| late.met.is_none())
            .map(|late| (late.clock, late.at))
            .collect();
        let before = self.incidents.late.replace((id, late.clone()));
        let Some((_, before)) = before.filter(|(before, _)| *before == id) else {
            return Vec::new();
        };
        let new = late.iter().filter(|one| !before.contains(one));
        let words: Vec<&str> = new.map(|(clock, _)| clock.what()).collect();
        if words.is_empty() {
            return Vec::new();
        }
        let said = format!("{}: overdue: {}", id.short(), words.join(", "));
        vec![Effect::Attention(said)]
    }

    /// An order from whoever sits here.
    pub(super) fn incident_order(&self, ask: Ask) -> Effect {
        Effect::Incident(IncidentOrder {
            by: self.target.user.clone(),
            ask,
        })
    }
}

/// What something that was noticed is known by until the file is read anew.
fn name(event: &Event) -> String {
    match event {
        Event::Alert(news) => {
            let fires = matches!(news.turn, crate::domain::incident::AlertTurn::Fired { .. });
            format!("alert {} {fires}", news.fingerprint)
        }
        Event::Revision { uid, .. } => format!("revision {uid}"),
        Event::Observed(seen) => format!("observed {}", seen.key),
        other => other.name().to_owned(),
    }
}
