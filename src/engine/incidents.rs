//! Incidents, written: every change goes into the incident's file first and into the audit log after it. The file names
//! nobody who was not typed; the audit log says who acted, as it does of everything. Everything here may block.

mod bundled;
pub mod desk;
pub mod evidence;
pub mod export;
pub mod follow;
pub mod tell;

use crate::domain::incident::{
    self, Dated, Event, Incident, IncidentId, Limits, NewIncident, Place, Record, Stamp,
};
use crate::engine::clock::Clock;
use crate::engine::runs::records::{self, Who};
use crate::journal::incidents::{Written, clean};
use crate::journal::{AuditEvent, IncidentError, Incidents, RealDisk};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where incidents are kept, and what free text passes through before it is written.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The state directory.
    pub state: PathBuf,
    /// Takes secrets and addresses of people out of a text.
    pub cleaner: fn(&str) -> String,
}

/// When something is written, and who does it: the audit log's to know.
#[derive(Debug, Clone)]
pub struct Hand {
    /// The present, in the server's time where it was asked.
    pub now: Timestamp,
    /// Whose time that is.
    pub stamp: Stamp,
    /// How far that clock is ahead of this machine's.
    pub skew: SignedDuration,
    /// Who.
    pub who: Who,
}

impl Hand {
    /// Somebody's, now.
    pub fn by(clock: &Clock, who: Who) -> Self {
        Self {
            now: clock.now(),
            stamp: if clock.agreed() {
                Stamp::Server
            } else {
                Stamp::Local
            },
            skew: clock.skew(),
            who,
        }
    }

    /// Its moment.
    pub fn dated(&self) -> Dated {
        Dated {
            at: self.now,
            src: self.stamp,
            skew: self.skew,
        }
    }
}

impl Ledger {
    /// The files.
    pub fn files(&self) -> Incidents<RealDisk> {
        Incidents::new(&self.state, RealDisk)
    }

    /// Opens an incident.
    pub fn open(&self, hand: &Hand, new: NewIncident) -> Result<Written, IncidentError> {
        incident::need(&new.title, incident::TITLE, "a title", "--title TEXT")
            .map_err(IncidentError::Refused)?;
        let detected_at = new.detected_at.unwrap_or(hand.now);
        incident::detected(detected_at, hand.now).map_err(IncidentError::Refused)?;
        let title = (self.cleaner)(new.title.trim());
        let mut written = self.files().create(hand.now, |incident| {
            let opened = Event::Opened {
                incident,
                title,
                severity: new.severity,
                detected_at,
                place: new.place,
            };
            Record::new(hand.dated(), opened)
        })?;
        self.audit(hand, &written)?;
        let mut more = Vec::new();
        if new.limits != Limits::default() {
            let acknowledge = new.limits;
            more.push(Event::Limits { acknowledge });
        }
        if let Some(breach) = new.breach {
            let reason = "said when it was opened".to_owned();
            more.push(Event::Breach { breach, reason });
        }
        if !more.is_empty() {
            written = self.write(written.incident.id, hand, |_| Ok(more))?;
        }
        Ok(written)
    }

    /// Writes what somebody decides on an incident as it is at that moment.
    pub fn write(
        &self,
        id: IncidentId,
        hand: &Hand,
        decide: impl FnOnce(&Incident) -> Result<Vec<Event>, String>,
    ) -> Result<Written, IncidentError> {
        let cleaned = |incident: &Incident| {
            let events = decide(incident)?;
            let each = events.iter();
            Ok(each
                .map(|event| clean::clean(event, &self.cleaner))
                .collect())
        };
        let written = self.files().write(id, hand.dated(), cleaned)?;
        self.audit(hand, &written)?;
        Ok(written)
    }

    /// What a step of a runbook settles of the incident that is open at a place: `severity`, `breach` (yes or no),
    /// `mitigated` (by what).
    pub fn set(
        &self,
        place: &Place,
        hand: &Hand,
        keys: &BTreeMap<String, String>,
    ) -> Result<IncidentId, String> {
        let open = self.open_at(place).into_iter().next();
        let id = open.map(|incident| incident.id).ok_or_else(|| {
            "no incident is open here: I opens one, or `vigie incident open`".to_owned()
        })?;
        let decide = |incident: &Incident| {
            let each = keys.iter();
            each.map(|(key, value)| settled(incident, key, value))
                .collect()
        };
        let written = self.write(id, hand, decide);
        written.map(|_| id).map_err(|error| error.to_string())
    }

    /// The same records in the audit log, with who did it.
    fn audit(&self, hand: &Hand, written: &Written) -> Result<(), IncidentError> {
        let incident = &written.incident;
        let first = incident.records.len() - written.records.len();
        let events: Vec<AuditEvent> = written
            .records
            .iter()
            .enumerate()
            .map(|(index, record)| {
                let mut fields = about(hand, incident);
                fields.insert(
                    "incident".to_owned(),
                    json!({"id": incident.id, "record": first + index + 1, "head": written.head}),
                );
                let more = serde_json::to_value(&record.event).unwrap_or_default();
                let more = more.as_object().cloned().unwrap_or_default();
                let taken = ["event", "incident", "place", "run"];
                fields.extend(
                    more.into_iter()
                        .filter(|(name, _)| !taken.contains(&name.as_str())),
                );
                AuditEvent {
                    ts: record.ts,
                    event: record.event.name().to_owned(),
                    fields,
                }
            })
            .collect();
        records::append(&self.state, &events).map_err(|why| {
            IncidentError::Refused(format!(
                "it stands in the file of {}, but not in the audit log: {why}",
                incident.id
            ))
        })
    }

    /// The open incidents that concern a place, the newest first; files that cannot be read are passed by.
    pub fn open_at(&self, place: &Place) -> Vec<Incident> {
        let (listed, _) = self.files().list();
        let here = listed.into_iter().filter(|read| {
            read.incident.is_open()
                && read.incident.place.holds(place)
                && read.read_only().is_none()
        });
        here.map(|read| read.incident).collect()
    }
}

/// One thing that a runbook settles, as an event.
fn settled(incident: &Incident, key: &str, value: &str) -> Result<Event, String> {
    let reason = "said in a runbook".to_owned();
    match (key, value) {
        ("severity", value) => {
            let (from, to) = (incident.severity(), value.parse()?);
            // A runbook settles and raises; what it finds lower stays as it is until the commander says so.
            let (to, reason) = if from.above(to) {
                let kept = format!("found {to} in a runbook; lowering is the incident commander's");
                (from, kept)
            } else {
                (to, reason)
            };
            Ok(Event::Severity {
                from,
                to,
                reason: Some(reason),
                by: None,
            })
        }
        ("breach", "yes" | "no") => Ok(Event::Breach {
            breach: value == "yes",
            reason,
        }),
        ("breach", _) => Err("`breach` is yes or no".to_owned()),
        ("mitigated", value) => Ok(Event::Mitigated {
            reason: value.to_owned(),
        }),
        _ => Err(format!(
            "`{}` is nothing of an incident that a runbook settles; severity, breach and mitigated are",
            crate::runbook::prose::bounded(key, 40)
        )),
    }
}

fn about(hand: &Hand, incident: &Incident) -> Map<String, Value> {
    let place = &incident.place;
    let fields = json!({
        "actor": hand.who.actor(),
        "app": {"version": env!("CARGO_PKG_VERSION")},
        "target": {
            "cluster_uid": place.cluster_uid, "context": place.context, "namespace": place.namespace,
            "environment": place.environment,
        },
    });
    fields.as_object().cloned().unwrap_or_default()
}
