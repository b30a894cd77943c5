//! Runs on disk: `runs/<cluster>/<run-id>/` with header, runbook snapshot, plan, journal and lock. Making, opening and
//! restoring one is here; writing on is [`Journal`]'s, the list of all is `listing`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::journal::append::{Journal, RESERVE};
use crate::journal::disk::{self, Disk, Lock, LockError};
use crate::journal::error::{JournalError, io_error};
use crate::journal::record::{self, Condition};
use crate::runbook::ids::RunId;
use crate::runbook::link::link;
use crate::runbook::machine::{Entry, Fact, Run, Start, replay};
use crate::runbook::{canonical, format};

/// The version of the files; a later one is read-only here.
pub const SCHEMA: u32 = 1;
/// How many bytes are kept free for the outcome of the action in flight.
const RESERVED: usize = 1024 * 1024;

/// `header.json`: what identifies a run without reading its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the files.
    pub schema: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The program's version.
    pub app: String,
    /// What the run starts from.
    pub start: Start,
}

/// The runs of a state directory.
#[derive(Clone)]
pub struct Runs<D: Disk + Clone> {
    pub(super) root: PathBuf,
    disk: D,
}

/// A journal as opened: its entries, and what was mended.
pub struct Open<D: Disk + Clone> {
    /// The journal, to be continued.
    pub journal: Journal<D>,
    /// The header.
    pub header: Header,
    /// The entries in order.
    pub entries: Vec<Entry>,
    /// The runbook's snapshot.
    pub runbook: String,
    /// Where a torn tail was put aside.
    pub recovered: Option<PathBuf>,
}

/// A name that is safe as a folder's.
fn folder_name(text: &str) -> String {
    let safe: String = text
        .chars()
        .take(80)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if safe.is_empty() {
        "unknown".to_owned()
    } else {
        safe
    }
}

impl<D: Disk + Clone> Runs<D> {
    /// The runs below a state directory.
    pub fn new(state_dir: &Path, disk: D) -> Self {
        Self {
            root: state_dir.join("runs"),
            disk,
        }
    }

    /// The folder of a run.
    pub fn dir(&self, cluster: &str, run: &RunId) -> PathBuf {
        self.root.join(folder_name(cluster)).join(run.as_str())
    }

    /// Makes a run's folder with its snapshot; the journal is empty.
    pub fn create(
        &self,
        header: &Header,
        runbook: &str,
        plan: &Value,
    ) -> Result<Journal<D>, JournalError> {
        let dir = self.dir(&header.start.target.cluster_uid, &header.start.run);
        let here = || dir.display().to_string();
        self.disk
            .make_dir(&dir)
            .map_err(io_error(format!("making {}", here())))?;
        let lock = take_lock(&dir)?;
        let header = serde_json::to_value(header)
            .map_err(|error| JournalError::Malformed(error.to_string()))?;
        // The header last: where there is one, the rest is there.
        let files = [
            ("runbook.md", runbook.to_owned()),
            ("plan.json", canonical::to_string(plan)),
            ("journal", String::new()),
            ("header.json", canonical::to_string(&header)),
        ];
        for (name, content) in files {
            self.disk
                .create(&dir.join(name), content.as_bytes())
                .map_err(io_error(format!("writing {name} in {}", here())))?;
        }
        self.disk
            .create(&dir.join(RESERVE), &vec![0; RESERVED])
            .map_err(io_error(format!("reserving space in {}", here())))?;
        for folder in [
            Some(dir.as_path()),
            dir.parent(),
            dir.parent().and_then(Path::parent),
        ]
        .into_iter()
        .flatten()
        {
            self.disk
                .sync_dir(folder)
                .map_err(io_error(format!("syncing {}", folder.display())))?;
        }
        let tail = self
            .disk
            .append(&dir.join("journal"))
            .map_err(io_error(format!("opening the journal in {}", here())))?;
        Ok(Journal {
            dir,
            disk: self.disk.clone(),
            tail: Some(tail),
            head: record::GENESIS.to_owned(),
            records: 0,
            _lock: lock,
        })
    }

    /// Opens a run to go on with it: locks, verifies, mends a torn tail.
    pub fn open(&self, dir: &Path, now: Timestamp) -> Result<Open<D>, JournalError> {
        let lock = take_lock(dir)?;
        let header = self.header(dir)?;
        if header.schema > SCHEMA {
            return Err(JournalError::TooNew(header.schema));
        }
        let path = dir.join("journal");
        let bytes = self
            .disk
            .read(&path)
            .map_err(io_error(format!("reading {}", path.display())))?;
        let opened = record::decode(&bytes);
        let recovered = match &opened.condition {
            Condition::Damaged(damage) => return Err(JournalError::Damaged(damage.clone())),
            // What is not recorded is not done: there is nothing to go on with.
            _ if opened.payloads.is_empty() => return Err(JournalError::NeverBegan),
            Condition::Whole => None,
            Condition::Torn(_) => Some(self.put_aside(dir, &bytes, opened.good_len)?),
        };
        let mut entries = parse(&opened.payloads)?;
        let runbook = self.text(&dir.join("runbook.md"))?;
        let tail = self
            .disk
            .append(&path)
            .map_err(io_error(format!("opening {}", path.display())))?;
        let mut journal = Journal {
            dir: dir.to_owned(),
            disk: self.disk.clone(),
            tail: Some(tail),
            head: opened.head,
            records: opened.payloads.len() as u64,
            _lock: lock,
        };
        if let (Some(aside), Condition::Torn(bytes)) = (&recovered, &opened.condition) {
            let name = aside
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let entry = Entry {
                ts: now,
                fact: Fact::Recovered {
                    aside: name,
                    bytes: *bytes,
                },
            };
            journal.append(std::slice::from_ref(&entry))?;
            entries.push(entry);
        }
        Ok(Open {
            journal,
            header,
            entries,
            runbook,
            recovered,
        })
    }

    /// Reads a run's good entries without locking or mending; for showing and exporting.
    pub fn peek(&self, dir: &Path) -> Result<(Header, Vec<Entry>, Condition), JournalError> {
        let header = self.header(dir)?;
        let path = dir.join("journal");
        let bytes = self
            .disk
            .read(&path)
            .map_err(io_error(format!("reading {}", path.display())))?;
        let opened = record::decode(&bytes);
        Ok((header, parse(&opened.payloads)?, opened.condition))
    }

    /// Until when a run lets time pass, as these entries of it tell.
    pub(super) fn waits_until(&self, dir: &Path, entries: &[Entry]) -> Option<Timestamp> {
        let runbook = self.text(&dir.join("runbook.md")).ok()?;
        let run = told(&self.disk, dir, &runbook, entries).ok()?;
        run.waits_until()
    }

    fn put_aside(&self, dir: &Path, bytes: &[u8], good: u64) -> Result<PathBuf, JournalError> {
        let torn = bytes.get(good as usize..).unwrap_or_default();
        let free = (1..10_000)
            .map(|number| dir.join(format!("journal.torn-{number}")))
            .find(|path| !disk::exists(path));
        let aside = free
            .ok_or_else(|| JournalError::Malformed("too many torn tails put aside".to_owned()))?;
        self.disk
            .create(&aside, torn)
            .map_err(io_error(format!("keeping {}", aside.display())))?;
        self.disk
            .sync_dir(dir)
            .map_err(io_error(format!("syncing {}", dir.display())))?;
        self.disk
            .truncate(&dir.join("journal"), good)
            .map_err(io_error("cutting the torn tail"))?;
        Ok(aside)
    }

    fn text(&self, path: &Path) -> Result<String, JournalError> {
        let bytes = self
            .disk
            .read(path)
            .map_err(io_error(format!("reading {}", path.display())))?;
        String::from_utf8(bytes)
            .map_err(|_| JournalError::Malformed(format!("{} is not UTF-8", path.display())))
    }

    fn header(&self, dir: &Path) -> Result<Header, JournalError> {
        let path = dir.join("header.json");
        let text = self.text(&path)?;
        let schema = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| value.get("schema").and_then(Value::as_u64));
        match serde_json::from_str(&text) {
            Ok(header) => Ok(header),
            Err(_) if schema.is_some_and(|schema| schema > u64::from(SCHEMA)) => {
                Err(JournalError::TooNew(schema.unwrap_or_default() as u32))
            }
            Err(error) => Err(JournalError::Malformed(format!(
                "{}: {error}",
                path.display()
            ))),
        }
    }
}

/// The lock of a run's folder.
fn take_lock(dir: &Path) -> Result<Lock, JournalError> {
    disk::try_lock(&dir.join("lock")).map_err(|error| match error {
        LockError::Held(path) => JournalError::Locked(path),
        LockError::Io(error) => JournalError::Io {
            what: format!("locking {}", dir.display()),
            error,
        },
    })
}

fn parse(payloads: &[String]) -> Result<Vec<Entry>, JournalError> {
    payloads
        .iter()
        .enumerate()
        .map(|(index, payload)| {
            serde_json::from_str(payload)
                .map_err(|error| JournalError::Malformed(format!("record {}: {error}", index + 1)))
        })
        .collect()
}

/// Where the runbooks that a run calls are kept.
const CALLED: &str = "called";

/// Keeps the texts of the runbooks a run calls beside its own: later edits do not change it.
pub fn keep_called(
    disk: &impl Disk,
    dir: &Path,
    texts: &[(String, Arc<str>)],
) -> Result<(), JournalError> {
    if texts.is_empty() {
        return Ok(());
    }
    let folder = dir.join(CALLED);
    let failed = || io_error(format!("writing {}", folder.display()));
    disk.make_dir(&folder).map_err(failed())?;
    for (id, text) in texts {
        let path = folder.join(folder_name(id));
        disk.create(&path, text.as_bytes()).map_err(failed())?;
    }
    disk.sync_dir(&folder).map_err(failed())
}

/// Restores a run from what [`Runs::open`] read.
pub fn restore<D: Disk + Clone>(open: &Open<D>) -> Result<Run, JournalError> {
    let journal = &open.journal;
    told(&journal.disk, journal.dir(), &open.runbook, &open.entries)
}

/// The run that a folder's snapshots and entries tell.
fn told(
    disk: &impl Disk,
    dir: &Path,
    runbook: &str,
    entries: &[Entry],
) -> Result<Run, JournalError> {
    let book = format::parse("runbook.md", runbook).map_err(JournalError::Snapshot)?;
    let folder = dir.join(CALLED);
    let find = |id: &str| {
        let text = disk.read(&folder.join(folder_name(id))).ok()?;
        format::parse(id, &String::from_utf8(text).ok()?).ok()
    };
    let book = link(book, &find).map_err(JournalError::Malformed)?;
    replay(Arc::new(book), entries).map_err(|error| JournalError::Malformed(error.to_string()))
}

/// The plan as it is kept beside the journal.
pub fn plan_json(run: &Run) -> Value {
    json!({"steps": run.plan(), "params": run.ledger().params})
}
