//! What an operator does at incidents and their alerts: keys become sheets, sheets become orders. Nothing is decided for
//! anybody, and nothing is sent from here.

use super::about;
use super::order::{Ask, Quiet, Wish};
use super::say::{SPANS, quiet, sheet_for};
use super::sheet::{Aim, Came, Field, Sheet};
use crate::app::command::Command;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::list;
use crate::app::message::Notice;
use crate::app::motion::scroll;
use crate::app::runs::shelf::PastRun;
use crate::app::screen::Screen;
use crate::app::state::App;
use crate::domain::alert::Alert;
use crate::domain::incident::{
    AlertTurn, Event, Incident, Language, NewIncident, Role, Severity, Stage, TEXT, need,
};
use jiff::SignedDuration;

/// The runbook whose runs are evidence for a release.
const CHECKLIST: &str = "deploy-checklist";

impl App {
    /// Obeys what is about incidents; `None` leaves it to others.
    pub(in crate::app) fn obey_incident(&mut self, command: &Command) -> Option<Vec<Effect>> {
        match command {
            Command::Incident(wish) => Some(self.wish(*wish)),
            Command::Note => Some(self.note_sheet()),
            // Without a search there is no match before: then the key is a note, as everywhere.
            Command::PreviousMatch if self.here().place.filter.is_empty() => {
                Some(self.note_sheet())
            }
            Command::Move(motion) if self.here().screen == Screen::Incident => {
                let height = self.height;
                let place = &mut self.history.here_mut().place;
                place.top = scroll(place.top, *motion, height);
                Some(Vec::new())
            }
            Command::Enter if self.here().screen == Screen::Incident => Some(self.wish(Wish::Next)),
            _ => None,
        }
    }

    fn wish(&mut self, wish: Wish) -> Vec<Effect> {
        match wish {
            Wish::Open => self.open_or_join(),
            Wish::Acknowledge => self.acknowledge(),
            Wish::Silence => self.silence(),
            Wish::Next => self.next_in_incident(),
            Wish::Link => self.link_sheet(),
            Wish::Export | Wish::Reported => {
                // What is over can be written out, and the authority told, as well.
                match self.incident_shown().cloned() {
                    Some(incident) => self.lay(sheet_for(&incident, wish)),
                    None => self.no_incident(),
                }
            }
            wish => match self.incident().cloned() {
                Some(incident) => self.lay(sheet_for(&incident, wish)),
                None => self.no_incident(),
            },
        }
    }

    /// The newest checklist of a release in this place stands there already.
    fn link_sheet(&mut self) -> Vec<Effect> {
        let Some(incident) = self.incident_shown().cloned() else {
            return self.no_incident();
        };
        let mut sheet = sheet_for(&incident, Wish::Link);
        let place = incident.place.namespace.as_deref();
        let fits = |run: &&PastRun| {
            let known = incident.linked.iter().any(|(known, ..)| *known == *run.run);
            &*run.runbook == CHECKLIST
                && !known
                && place.is_none_or(|place| place == run.target.namespace)
        };
        let newest = self
            .runs
            .past
            .iter()
            .filter(fits)
            .max_by_key(|run| run.started);
        if let (Some(run), Some(field)) = (newest, sheet.fields.first_mut()) {
            *field = Field::line("run", &run.run);
            let begun = run.started.strftime("%Y-%m-%d %H:%M:%SZ");
            sheet = sheet.fact("offered", format!("the {CHECKLIST} of {begun}"));
        }
        self.lay(sheet)
    }

    fn lay(&mut self, sheet: Sheet) -> Vec<Effect> {
        self.layers.push(Layer::Sheet(Box::new(sheet)));
        Vec::new()
    }

    fn no_incident(&mut self) -> Vec<Effect> {
        self.tell("No incident is open here: I opens one.");
        Vec::new()
    }

    /// Says an error, which stays until a key.
    fn decline(&mut self, text: impl Into<String>) -> Vec<Effect> {
        let text = text.into();
        self.notice = Some((Notice { text, error: true }, self.now));
        Vec::new()
    }

    fn open_or_join(&mut self) -> Vec<Effect> {
        if self.incident().is_some() {
            self.history.open(Screen::Incident);
            return Vec::new();
        }
        if self.place().is_none() {
            return self.decline(
                "The cluster has not said who it is yet; `vigie incident open` works without it.",
            );
        }
        if !self.incidents.known {
            return self.decline("The incidents of this machine are not read yet; press it again.");
        }
        let alert = self.alert_meant().cloned();
        self.lay(self.open_sheet(alert.as_ref()))
    }

    /// The alert under the cursor; elsewhere the loudest that speaks of what is under it, or of this place.
    fn alert_meant(&self) -> Option<&Alert> {
        if self.here().screen == Screen::Alerts {
            let chosen = list::selected(self)?.id;
            return self.alerts.iter().find(|alert| alert.fingerprint == chosen);
        }
        let object = list::selected(self).map(|item| item.object);
        let mut open: Vec<&Alert> = self.alerts_here().filter(|alert| alert.heard()).collect();
        open.sort_by_key(|alert| {
            let about = object.as_ref().is_some_and(|object| {
                alert
                    .service()
                    .is_some_and(|service| **service == *object.name)
            });
            (self.taken_on(alert), !about, alert.severity, alert.since)
        });
        open.into_iter().next()
    }

    /// Decision of the house: a record in the incident's file, and a silence of a quarter of an hour where that is configured.
    fn acknowledge(&mut self) -> Vec<Effect> {
        let Some(alert) = self.alert_meant().cloned() else {
            if let Some(incident) = self.incident().cloned() {
                return self.acknowledge_incident(&incident);
            }
            self.tell("No alert is under the cursor, and none fires here.");
            return Vec::new();
        };
        let Some(incident) = self.incident() else {
            // An acknowledgement stands in an incident's file: it is opened, and takes the alert on.
            self.acknowledged_in_drill();
            return self.open_or_join();
        };
        if self.taken_on(&alert) {
            let id = incident.id.short();
            self.tell(format!("{} is acknowledged in {id} already.", alert.name));
            return Vec::new();
        }
        let id = incident.id;
        let span = self.acknowledgement_silences();
        let until = span.map(|span| self.now + span);
        let turn = AlertTurn::Acknowledged {
            silence_until: until,
        };
        let hush = span.map(|span| {
            let why = format!("acknowledged in {id}");
            Box::new(quiet(&alert, span, &why, turn.clone()))
        });
        let news = Box::new(about(&alert, turn));
        self.acknowledged_in_drill();
        vec![self.incident_order(Ask::Acknowledge(id, news, hush))]
    }

    fn acknowledge_incident(&mut self, incident: &Incident) -> Vec<Effect> {
        if incident.acknowledged.is_some() {
            self.tell(format!("{} is acknowledged already.", incident.id.short()));
            return Vec::new();
        }
        let event = Event::Acknowledged {};
        self.acknowledged_in_drill();
        self.write(
            incident,
            event,
            "Acknowledged. enter goes on to what comes next.",
        )
    }

    fn write(&self, incident: &Incident, event: Event, said: &'static str) -> Vec<Effect> {
        vec![self.incident_order(Ask::Write(incident.id, Box::new(event), said))]
    }

    fn silence(&mut self) -> Vec<Effect> {
        if self.settings.read_only {
            return self.decline(
                "Nothing is changed from here: read-only is set, and a silence is a change.",
            );
        }
        match self.alert_meant().cloned() {
            Some(alert) if !alert.heard() => {
                self.tell("It is silenced already.");
                Vec::new()
            }
            Some(alert) => self.lay(self.silence_sheet(&alert)),
            None => {
                self.tell("No alert is under the cursor, and none fires here.");
                Vec::new()
            }
        }
    }

    fn note_sheet(&mut self) -> Vec<Effect> {
        let Some(incident) = self.incident_shown() else {
            return self.no_incident();
        };
        let title = format!("{}: a line for the record", incident.id.short());
        let fields = vec![Field::line("note", "")];
        let to_do = crate::domain::incident::TO_DO;
        let sheet = Sheet::new(Aim::Note, title, fields)
            .fact("", format!("It is kept with the time, without a name. Begun with {to_do} it becomes an action item."));
        self.lay(sheet)
    }

    /// What comes next in the customer's order, with one key.
    fn next_in_incident(&mut self) -> Vec<Effect> {
        let Some(incident) = self.incident_shown().cloned() else {
            return self.open_or_join();
        };
        match incident.stage() {
            Stage::Acknowledge => self.acknowledge_incident(&incident),
            Stage::Assess => {
                // Settling is keeping it as well: the present one stands there first.
                let mut sheet = sheet_for(&incident, Wish::Severity);
                if let Some(field) = sheet.fields.first_mut()
                    && let super::sheet::Input::Choice { at, .. } = &mut field.input
                {
                    *at = incident.severity() as usize;
                }
                self.lay(sheet)
            }
            Stage::Notify => self.wish(Wish::Update),
            Stage::Mitigate => {
                self.tell(
                    "What mitigates? Choose one; it is asked for again before anything is sent.",
                );
                self.obey_desk(&Command::Runbooks).unwrap_or_default()
            }
            Stage::RootCause => self.wish(Wish::Resolve),
            Stage::PostMortem => self.wish(Wish::Export),
            Stage::Over => {
                self.tell("It is over, and written out. E writes it out again.");
                Vec::new()
            }
        }
    }

    /// Obeys a key while a sheet lies over the screen.
    pub(in crate::app) fn obey_sheet(
        &mut self,
        mut sheet: Sheet,
        command: &Command,
    ) -> Vec<Effect> {
        match sheet.obey(command) {
            Came::Left => {
                self.tell("Left: nothing was written.");
                Vec::new()
            }
            Came::Stays => self.lay(sheet),
            Came::Filled => match self.filled(&sheet) {
                Ok(effects) => effects,
                Err(why) => {
                    sheet.refused = Some(why);
                    self.lay(sheet)
                }
            },
        }
    }

    /// The orders of a sheet that was filled in, or why it stays.
    fn filled(&self, sheet: &Sheet) -> Result<Vec<Effect>, String> {
        let ask = match &sheet.aim {
            Aim::Open(taken) => {
                let severity: Severity = sheet.word("severity").parse()?;
                let place = self
                    .place()
                    .ok_or("The cluster has not said who it is yet.")?;
                let new = NewIncident {
                    title: sheet.text("title").to_owned(),
                    severity,
                    detected_at: None,
                    breach: match sheet.word("breach") {
                        "yes" => Some(true),
                        "no" => Some(false),
                        _ => None,
                    },
                    place,
                    limits: self.incidents.limits,
                };
                let Some(mut quiet) = taken.clone() else {
                    return Ok(vec![self.incident_order(Ask::Open(
                        Box::new(new),
                        None,
                        None,
                    ))]);
                };
                let hush = !quiet.span.is_zero();
                quiet.alert.turn = AlertTurn::Acknowledged {
                    silence_until: hush.then(|| self.now + quiet.span),
                };
                let news = Box::new(quiet.alert.clone());
                Ask::Open(Box::new(new), Some(news), hush.then_some(quiet))
            }
            Aim::Silence(quiet) => {
                let wanted = self.silence_word();
                if sheet.text("confirm") != wanted {
                    return Err(format!("Nothing was sent: type {wanted} to go ahead."));
                }
                let span = SPANS.iter().find(|(word, _)| *word == sheet.word("for"));
                let span = SignedDuration::from_mins(span.map_or(15, |(_, minutes)| *minutes));
                let reason = sheet.text("reason").to_owned();
                let mut alert = quiet.alert.clone();
                alert.turn = AlertTurn::Silencing {
                    until: self.now + span,
                    reason: reason.clone(),
                };
                let quiet = Quiet {
                    alert,
                    span,
                    reason,
                    labels: quiet.labels.clone(),
                };
                Ask::Silence(self.incident().map(|incident| incident.id), Box::new(quiet))
            }
            Aim::Note => {
                let incident = self.incident_shown().ok_or("The incident is gone.")?;
                let text = sheet.text("note").to_owned();
                need(&text, TEXT, "a note", "some words")?;
                Ask::Write(incident.id, Box::new(Event::Note { text }), "Written down.")
            }
            Aim::Of(wish) => self.asked(*wish, sheet)?,
            // It is obeyed where runs begin.
            Aim::Start(_) => return Err("There is nothing to be written.".to_owned()),
        };
        Ok(vec![self.incident_order(ask)])
    }

    fn asked(&self, wish: Wish, sheet: &Sheet) -> Result<Ask, String> {
        let incident = self.incident_shown().ok_or("The incident is gone.")?;
        let id = incident.id;
        let reason = sheet.text("reason").to_owned();
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let event = match wish {
            Wish::Update => {
                return Ok(Ask::Update {
                    id,
                    text: sheet.text("message").to_owned(),
                    again: false,
                });
            }
            Wish::Export => {
                let language = Language::of(sheet.word("language")).unwrap_or_default();
                return Ok(Ask::Export(id, language));
            }
            Wish::Link => return Ok(Ask::Link(id, sheet.text("run").to_owned())),
            Wish::Escalate => Event::Escalated {
                to: sheet.text("whom").to_owned(),
            },
            Wish::Severity => Event::Severity {
                from: incident.severity(),
                to: sheet.word("severity").parse()?,
                reason: some(&reason),
                by: some(sheet.text("commander")),
            },
            Wish::Role => Event::Role {
                role: sheet.word("role").parse::<Role>()?,
                name: some(sheet.text("name")),
            },
            Wish::Breach => Event::Breach {
                breach: sheet.word("breach") == "yes",
                reason,
            },
            Wish::Reported => Event::Reported { reason },
            Wish::Mitigated => Event::Mitigated { reason },
            Wish::Resolve => Event::Resolved {
                reason: some(&reason),
            },
            Wish::HandOver => Event::HandedOver {
                to: sheet.text("to").to_owned(),
                reason,
            },
            Wish::Open | Wish::Next | Wish::Acknowledge | Wish::Silence => {
                return Err("There is nothing to be filled in.".to_owned());
            }
        };
        // What may not follow is said before it is sent: the sheet stays with what was typed.
        incident.admit(&event, self.now)?;
        Ok(Ask::Write(id, Box::new(event), "Written down."))
    }
}
