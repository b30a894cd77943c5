//! What the console notices by itself while an incident is open here: alerts that begin and end, revisions that take over.
//! Several consoles may notice the same; the file takes it once.

use super::about;
use super::order::{Ask, IncidentNews, IncidentOrder};
use crate::app::changes::ChangeKind;
use crate::app::effect::Effect;
use crate::app::screen::Screen;
use crate::app::state::App;
use crate::domain::incident::{AlertNews, AlertTurn, Event};

/// The most that is written at once.
const MOST: usize = 50;

impl App {
    /// Takes in what the engine says of incidents.
    pub(in crate::app) fn learn_incident(&mut self, news: IncidentNews) {
        match news {
            IncidentNews::Listed(all) => {
                self.incidents.all = all;
                self.incidents.known = true;
                self.incidents.sent.clear();
            }
            IncidentNews::Ahead(span) => self.incidents.ahead = Some(span),
            IncidentNews::Opened(_) => self.history.open(Screen::Incident),
        }
    }

    /// What is to be written about what has changed; nothing where no incident is open here.
    pub(in crate::app) fn noticed(&mut self) -> Vec<Effect> {
        let Some(incident) = self.incident() else {
            return Vec::new();
        };
        let id = incident.id;
        let mut found: Vec<((String, bool), Event)> = Vec::new();
        if self.alerts_link.trusted(self.now) {
            for alert in self.alerts_here() {
                let name = alert.fingerprint.to_string();
                if incident.alerts.get(&name) != Some(&true) {
                    let since = alert.since;
                    let event = Event::Alert(about(alert, AlertTurn::Fired { since }));
                    found.push(((name, true), event));
                }
            }
            let gone = incident.alerts.iter().filter(|(name, fires)| {
                let still =
                    |alert: &crate::domain::alert::Alert| *alert.fingerprint.to_string() == **name;
                **fires && !self.alerts.iter().any(still)
            });
            for (name, _) in gone {
                let event = ended(incident, name);
                found.push(((name.clone(), false), event));
            }
        }
        let opened = incident.opened;
        let taken_over = self
            .changes
            .iter()
            .filter(|change| change.kind == ChangeKind::Rollout && change.at >= opened);
        for change in taken_over {
            let uid = format!("{} {}", change.object, change.at);
            if !incident.revisions.contains(&uid) {
                let event = Event::Revision {
                    uid: uid.clone(),
                    workload: change.object.to_string(),
                    text: format!("{} {}", change.object.name, change.text),
                    made: Some(change.at),
                };
                found.push(((uid, true), event));
            }
        }
        found.retain(|(key, _)| !self.incidents.sent.contains(key));
        found.truncate(MOST);
        if found.is_empty() {
            return Vec::new();
        }
        let (keys, events): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        self.incidents.sent.extend(keys);
        vec![self.incident_order(Ask::Notice(id, events))]
    }

    /// An order from whoever sits here.
    pub(super) fn incident_order(&self, ask: Ask) -> Effect {
        Effect::Incident(IncidentOrder {
            by: self.target.user.clone(),
            ask,
        })
    }
}

/// That an alert fires no more, in the words of when it did.
fn ended(incident: &crate::domain::incident::Incident, name: &str) -> Event {
    let known = incident
        .records
        .iter()
        .rev()
        .find_map(|record| match &record.event {
            Event::Alert(news) if news.fingerprint == name => Some(news.clone()),
            _ => None,
        });
    let turn = AlertTurn::Resolved;
    Event::Alert(match known {
        Some(news) => AlertNews { turn, ..news },
        None => AlertNews {
            fingerprint: name.to_owned(),
            name: name.to_owned(),
            severity: "other".to_owned(),
            service: None,
            turn,
        },
    })
}
