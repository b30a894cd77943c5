//! Incidents, written: every change goes into the incident's file first and into the audit log after it. The file names
//! nobody who was not typed; the audit log says who acted, as it does of everything. Everything here may block.

pub mod export;
pub mod follow;

use crate::domain::incident::{
    self, Event, Incident, IncidentId, NewIncident, Place, Record, Stamp,
};
use crate::engine::runs::records::{self, Who};
use crate::journal::incidents::{Written, clean};
use crate::journal::{AuditEvent, IncidentError, Incidents, RealDisk};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
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
    /// Who.
    pub who: Who,
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
        let mut written = self.files().create(hand.now, |incident| Record {
            ts: hand.now,
            ts_src: hand.stamp,
            event: Event::Opened {
                incident,
                title,
                severity: new.severity,
                detected_at,
                place: new.place,
            },
        })?;
        self.audit(hand, &written)?;
        if new.breach {
            let reason = "said when it was opened".to_owned();
            let breach = Event::Breach {
                breach: true,
                reason,
            };
            written = self.write(written.incident.id, hand, |_| Ok(vec![breach]))?;
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
        let written = self.files().write(id, (hand.now, hand.stamp), cleaned)?;
        self.audit(hand, &written)?;
        Ok(written)
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
