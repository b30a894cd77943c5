//! Incidents on disk: `incidents/INC-2026-014/journal`, one append-only, hash-chained file each, in the runs' record format.
//! Any process may join one: whoever writes holds its lock for that long, reads what others wrote, and asks whether the
//! record may follow. A torn tail is put aside; damage in the middle makes the file read-only.

pub mod clean;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::incident::{Dated, Event, Incident, IncidentId, Record};
use crate::journal::disk::{self, Disk};
use crate::journal::error::{JournalError, io_error};
use crate::journal::record::{self, Condition};
use crate::runbook::canonical;

/// The file of an incident's records, in its folder.
const FILE: &str = "journal";

/// The incidents of a state directory.
#[derive(Debug, Clone)]
pub struct Incidents<D: Disk + Clone> {
    root: PathBuf,
    disk: D,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    /// It may not follow what is there; in one sentence, with what to do.
    #[error("{0}")]
    Refused(String),
    /// The file cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The incident afterwards.
    pub incident: Incident,
    /// The new records, in order.
    pub records: Vec<Record>,
    /// The hash of the last record.
    pub head: String,
}

/// An incident as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The incident, as far as its records hold.
    pub incident: Incident,
    /// The hash of the last good record.
    pub head: String,
    /// How the file was found.
    pub condition: Condition,
}

impl Read {
    /// Why it can only be read, where that is so.
    pub fn read_only(&self) -> Option<String> {
        match &self.condition {
            Condition::Damaged(damage) => Some(JournalError::Damaged(damage.clone()).to_string()),
            _ => None,
        }
    }
}

/// A file's records with where they end.
struct Found {
    records: Vec<Record>,
    head: String,
    len: u64,
}

impl<D: Disk + Clone> Incidents<D> {
    /// The incidents below a state directory.
    pub fn new(state_dir: &Path, disk: D) -> Self {
        Self {
            root: state_dir.join("incidents"),
            disk,
        }
    }

    /// The folder of an incident.
    pub fn dir(&self, id: IncidentId) -> PathBuf {
        self.root.join(id.to_string())
    }

    /// The file of its records.
    pub fn file(&self, id: IncidentId) -> PathBuf {
        self.dir(id).join(FILE)
    }

    /// Every incident that has a folder, oldest first.
    pub fn ids(&self) -> Vec<IncidentId> {
        let names = disk::names(&self.root);
        let mut ids: Vec<IncidentId> = names
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter(|id: &IncidentId| disk::exists(&self.file(*id)))
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Every incident with the length of its file: whether anything is new is seen without reading.
    pub fn lengths(&self) -> Vec<(IncidentId, u64)> {
        let length = |id: IncidentId| (id, self.disk.len(&self.file(id)).unwrap_or_default());
        self.ids().into_iter().map(length).collect()
    }

    /// The incident that was meant: by its whole name, by `INC-14`, or by its number where only one has it.
    pub fn find(&self, text: &str) -> Result<IncidentId, String> {
        let wanted = text.trim().to_ascii_uppercase();
        let ids = self.ids();
        if let Ok(id) = wanted.parse::<IncidentId>() {
            return ids.contains(&id).then_some(id).ok_or_else(|| {
                format!("there is no incident {id}; `vigie incident list` names them")
            });
        }
        let number = wanted.strip_prefix("INC-").unwrap_or(&wanted);
        let fits: Vec<&IncidentId> = match number.parse::<u32>() {
            Ok(number) => ids.iter().filter(|id| id.number == number).collect(),
            Err(_) => {
                return Err(format!(
                    "`{}` names no incident; they are named like INC-2026-014",
                    crate::runbook::prose::bounded(text, 40)
                ));
            }
        };
        match fits.as_slice() {
            [only] => Ok(**only),
            [] => Err(format!(
                "there is no incident {wanted}; `vigie incident list` names them"
            )),
            several => Err(format!(
                "{wanted} fits {} incidents; give the year too, as in {}",
                several.len(),
                several[0]
            )),
        }
    }

    /// Opens a new incident under the next free number of the year.
    pub fn create(
        &self,
        now: Timestamp,
        first: impl FnOnce(IncidentId) -> Record,
    ) -> Result<Written, IncidentError> {
        self.disk
            .make_dir(&self.root)
            .map_err(io_error(format!("making {}", self.root.display())))?;
        let _lock = disk::lock(&self.root.join("lock"))
            .map_err(io_error(format!("locking {}", self.root.display())))?;
        let year = now.to_zoned(TimeZone::UTC).year().unsigned_abs();
        let names = disk::names(&self.root);
        let taken = names
            .iter()
            .filter_map(|name| name.parse::<IncidentId>().ok())
            .filter(|id| id.year == year)
            .map(|id| id.number)
            .max();
        let id = IncidentId {
            year,
            number: taken.unwrap_or(0) + 1,
        };
        let record = first(id);
        let dir = self.dir(id);
        self.disk
            .make_dir(&dir)
            .map_err(io_error(format!("making {}", dir.display())))?;
        let (bytes, head) = encode(record::GENESIS, std::slice::from_ref(&record))?;
        self.disk
            .create(&self.file(id), &bytes)
            .and_then(|()| self.disk.sync_dir(&dir))
            .map_err(io_error(format!("writing {}", self.file(id).display())))?;
        let incident = Incident::fold(std::slice::from_ref(&record));
        let incident = incident.ok_or_else(|| {
            JournalError::Malformed("an incident's first record opens it".to_owned())
        })?;
        Ok(Written {
            incident,
            records: vec![record],
            head,
        })
    }

    /// Reads an incident without locking or mending.
    pub fn read(&self, id: IncidentId) -> Result<Read, JournalError> {
        let path = self.file(id);
        let bytes = self
            .disk
            .read(&path)
            .map_err(io_error(format!("reading {}", path.display())))?;
        let opened = record::decode(&bytes);
        let records = parse(&opened.payloads, &path)?;
        Ok(Read {
            incident: restored(&records, &path)?,
            head: opened.head,
            condition: opened.condition,
        })
    }

    /// Writes what somebody decides on the incident as it is at that moment, all of it or nothing, on disk when it returns.
    pub fn write(
        &self,
        id: IncidentId,
        now: impl Into<Dated>,
        decide: impl FnOnce(&Incident) -> Result<Vec<Event>, String>,
    ) -> Result<Written, IncidentError> {
        let (dir, now) = (self.dir(id), now.into());
        let _lock = disk::lock(&dir.join("lock"))
            .map_err(io_error(format!("locking {}", dir.display())))?;
        let mut found = self.mended(id, now)?;
        let mut incident = restored(&found.records, &self.file(id))?;
        let events = decide(&incident).map_err(IncidentError::Refused)?;
        let mut records = Vec::new();
        for event in events {
            incident
                .admit(&event, now.at)
                .map_err(IncidentError::Refused)?;
            let record = Record::new(now, event);
            incident.learn(record.clone());
            records.push(record);
        }
        self.append(id, &mut found, &records)?;
        Ok(Written {
            incident,
            records,
            head: found.head,
        })
    }

    /// The records, a torn tail put aside and that written down.
    fn mended(&self, id: IncidentId, now: Dated) -> Result<Found, JournalError> {
        let path = self.file(id);
        let bytes = self
            .disk
            .read(&path)
            .map_err(io_error(format!("reading {}", path.display())))?;
        let opened = record::decode(&bytes);
        let mut found = Found {
            records: parse(&opened.payloads, &path)?,
            head: opened.head,
            len: opened.good_len,
        };
        match opened.condition {
            Condition::Whole => {}
            Condition::Damaged(damage) => return Err(JournalError::Damaged(damage)),
            Condition::Torn(torn) => {
                let aside = self.put_aside(id, &bytes, opened.good_len)?;
                let record = Record::new(now, Event::Recovered { aside, bytes: torn });
                self.append(id, &mut found, std::slice::from_ref(&record))?;
                found.records.push(record);
            }
        }
        Ok(found)
    }

    fn append(
        &self,
        id: IncidentId,
        found: &mut Found,
        records: &[Record],
    ) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let path = self.file(id);
        let (bytes, head) = encode(&found.head, records)?;
        let written = self.disk.append(&path).and_then(|mut tail| {
            tail.write_all(&bytes)?;
            tail.sync_data()
        });
        if let Err(error) = written {
            // What may not be on disk is not to be believed by the next reader; where even that fails, it is a torn tail.
            let _ = self.disk.truncate(&path, found.len);
            return Err(io_error(format!("writing {}", path.display()))(error));
        }
        found.head = head;
        found.len += bytes.len() as u64;
        Ok(())
    }

    fn put_aside(&self, id: IncidentId, bytes: &[u8], good: u64) -> Result<String, JournalError> {
        let dir = self.dir(id);
        let torn = bytes.get(good as usize..).unwrap_or_default();
        let free = (1..10_000)
            .map(|number| format!("journal.torn-{number}"))
            .find(|name| !disk::exists(&dir.join(name)));
        let name = free
            .ok_or_else(|| JournalError::Malformed("too many torn tails put aside".to_owned()))?;
        self.disk
            .create(&dir.join(&name), torn)
            .and_then(|()| self.disk.sync_dir(&dir))
            .map_err(io_error(format!("keeping {name} in {}", dir.display())))?;
        self.disk
            .truncate(&self.file(id), good)
            .map_err(io_error("cutting the torn tail"))?;
        Ok(name)
    }

    /// Every incident, open ones first, then newest first; what cannot be read with its error.
    pub fn list(&self) -> (Vec<Read>, Vec<(PathBuf, String)>) {
        let (mut listed, mut broken) = (Vec::new(), Vec::new());
        for id in self.ids() {
            match self.read(id) {
                Ok(read) => listed.push(read),
                Err(error) => broken.push((self.dir(id), error.to_string())),
            }
        }
        listed.sort_by(|a, b| {
            let key = |read: &Read| (read.incident.is_open(), read.incident.id);
            key(b).cmp(&key(a))
        });
        (listed, broken)
    }
}

fn encode(head: &str, records: &[Record]) -> Result<(Vec<u8>, String), JournalError> {
    let (mut bytes, mut head) = (Vec::new(), head.to_owned());
    for record in records {
        let value = serde_json::to_value(record)
            .map_err(|error| JournalError::Malformed(error.to_string()))?;
        let (more, hash) = record::encode(&head, &canonical::to_string(&value));
        bytes.extend(more);
        head = hash;
    }
    Ok((bytes, head))
}

fn parse(payloads: &[String], path: &Path) -> Result<Vec<Record>, JournalError> {
    let each = payloads.iter().enumerate();
    each.map(|(index, payload)| {
        serde_json::from_str(payload).map_err(|error| {
            JournalError::Malformed(format!("{}: record {}: {error}", path.display(), index + 1))
        })
    })
    .collect()
}

fn restored(records: &[Record], path: &Path) -> Result<Incident, JournalError> {
    Incident::fold(records).ok_or_else(|| {
        JournalError::Malformed(format!(
            "{}: its first record does not open an incident",
            path.display()
        ))
    })
}
