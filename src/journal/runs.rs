//! Runs on disk: `runs/<cluster>/<run-id>/` with header, runbook snapshot, plan, journal and lock. A record is on
//! disk before anybody hears of it; after a failed sync the descriptor is never used again.
//!
//! Length: creating, opening, appending and listing share the one set of rules about what may follow an error.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::journal::disk::{self, Disk, Lock, LockError, Tail};
use crate::journal::record::{self, Condition, Damage};
use crate::runbook::canonical;
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Entry, Fact, RunState, Start};
use crate::runbook::place::Problem;

/// The version of the files; a later one is read-only here.
pub const SCHEMA: u32 = 1;
/// Freed when the disk is full, so that the outcome of the action in flight can still be written.
const RESERVE: usize = 1024 * 1024;

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

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file operation failed.
    #[error("{what}: {error}")]
    Io {
        /// What was done.
        what: String,
        /// The system's words.
        error: io::Error,
    },
    /// Another process carries this run.
    #[error("another process carries this run ({0})")]
    Locked(String),
    /// Altered or damaged: it can be read and exported, never continued.
    #[error("the journal is damaged or was altered at record {} (byte {}): {}; it is read-only", .0.record, .0.offset, .0.why)]
    Damaged(Damage),
    /// A file is not what it should be.
    #[error("{0}")]
    Malformed(String),
    /// An earlier error makes further writing unsafe.
    #[error("an earlier write failed; nothing more is written through this descriptor")]
    Failed,
    /// Made by a later version.
    #[error("made by a later version (schema {0}); it is read-only here")]
    TooNew(u32),
    /// The snapshot does not parse.
    #[error("the runbook's snapshot is not readable: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Snapshot(Vec<Problem>),
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> JournalError {
    let what = what.into();
    move |error| JournalError::Io { what, error }
}

/// The runs of a state directory.
#[derive(Clone)]
pub struct Runs<D: Disk + Clone> {
    root: PathBuf,
    disk: D,
}

/// One run's journal, open for writing by this process alone.
pub struct Journal<D: Disk + Clone> {
    dir: PathBuf,
    disk: D,
    tail: Option<Box<dyn Tail>>,
    head: String,
    records: u64,
    _lock: Lock,
}

/// One run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct RunListing {
    /// Its folder.
    pub dir: PathBuf,
    /// Its header.
    pub header: Header,
    /// Its state, as far as the journal's last words tell.
    pub state: RunState,
    /// Why it stopped, if it did.
    pub reason: Option<String>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Damaged or from a later version.
    pub read_only: Option<String>,
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
        let files = [
            ("header.json", canonical::to_string(&header)),
            ("runbook.md", runbook.to_owned()),
            ("plan.json", canonical::to_string(plan)),
            ("journal", String::new()),
        ];
        for (name, content) in files {
            self.disk
                .create(&dir.join(name), content.as_bytes())
                .map_err(io_error(format!("writing {name} in {}", here())))?;
        }
        self.disk
            .create(&dir.join("reserve"), &vec![0; RESERVE])
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
            Condition::Whole => None,
            Condition::Damaged(damage) => return Err(JournalError::Damaged(damage.clone())),
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
            if !entries.is_empty() {
                entries.push(entry);
            }
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

    /// Every run, unfinished ones first, then newest first. A broken one is listed with its error.
    pub fn list(&self) -> (Vec<RunListing>, Vec<(PathBuf, String)>) {
        let (mut listed, mut broken) = (Vec::new(), Vec::new());
        for dir in disk::folders(&self.root)
            .iter()
            .flat_map(|cluster| disk::folders(cluster))
        {
            match self.peek(&dir) {
                Ok((header, entries, condition)) => {
                    listed.push(listing(dir, header, &entries, &condition));
                }
                Err(error) => broken.push((dir, error.to_string())),
            }
        }
        listed.sort_by(|a, b| {
            (a.state.is_terminal(), &b.header.start.run)
                .cmp(&(b.state.is_terminal(), &a.header.start.run))
        });
        (listed, broken)
    }

    /// The folder of the run with this id, or the only one whose id begins or ends so.
    pub fn find(&self, id: &str) -> Result<PathBuf, String> {
        let wanted = id.to_ascii_uppercase();
        let all: Vec<PathBuf> = disk::folders(&self.root)
            .iter()
            .flat_map(|cluster| disk::folders(cluster))
            .collect();
        let name = |dir: &Path| {
            dir.file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let fits: Vec<&PathBuf> = all
            .iter()
            .filter(|dir| {
                wanted.len() >= 4
                    && (name(dir).starts_with(&wanted) || name(dir).ends_with(&wanted))
            })
            .collect();
        match fits.as_slice() {
            [only] => Ok((*only).clone()),
            [] => Err(format!(
                "no run `{}`; `vigie runs --all` lists them",
                crate::runbook::prose::bounded(id, 40)
            )),
            several => Err(format!(
                "`{}` fits {} runs; give more of the id",
                crate::runbook::prose::bounded(id, 40),
                several.len()
            )),
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

fn listing(dir: PathBuf, header: Header, entries: &[Entry], condition: &Condition) -> RunListing {
    let (mut state, mut reason, mut ended) = (RunState::Draft, None, None);
    for entry in entries {
        match &entry.fact {
            Fact::End {
                state: end,
                message,
                ..
            } => {
                state = *end;
                reason = Some(message.clone());
                ended = Some(entry.ts);
            }
            Fact::NeedsHuman { message, .. } | Fact::Awaiting { message, .. } => {
                state = RunState::NeedsHuman;
                reason = Some(message.clone());
            }
            Fact::Interrupted { why } => reason = Some(format!("interrupted: {why}")),
            Fact::RollingBack { .. } => state = RunState::RollingBack,
            Fact::Resumed { .. } | Fact::Decision { accepted: true, .. } | Fact::Started { .. }
                if state != RunState::RollingBack =>
            {
                state = RunState::Running;
                reason = None;
            }
            _ => {}
        }
    }
    let read_only = match condition {
        Condition::Damaged(damage) => {
            Some(format!("damaged or altered at record {}", damage.record))
        }
        _ if header.schema > SCHEMA => Some(format!(
            "made by a later version (schema {})",
            header.schema
        )),
        _ => None,
    };
    RunListing {
        dir,
        header,
        state,
        reason,
        ended,
        read_only,
    }
}

impl<D: Disk + Clone> Journal<D> {
    /// Appends a batch and syncs it once. When this returns an error nothing more can be written through it.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        let Some(tail) = &mut self.tail else {
            return Err(JournalError::Failed);
        };
        let (mut bytes, mut head) = (Vec::new(), self.head.clone());
        for entry in entries {
            let value = serde_json::to_value(entry)
                .map_err(|error| JournalError::Malformed(error.to_string()))?;
            let (record, hash) = record::encode(&head, &canonical::to_string(&value));
            bytes.extend(record);
            head = hash;
        }
        let written = tail.write_all(&bytes).and_then(|()| tail.sync_data());
        match written {
            Ok(()) => {
                self.head = head;
                self.records += entries.len() as u64;
                Ok(())
            }
            Err(error) => {
                // The page may have been dropped and the next sync would lie: this descriptor is done with.
                self.tail = None;
                // An intent is never squeezed in: its outcome would find no room.
                let begins = entries
                    .iter()
                    .any(|entry| matches!(entry.fact, Fact::Intent(_) | Fact::UndoIntent(_)));
                if error.kind() == io::ErrorKind::StorageFull && !begins {
                    return self.spend_reserve(&bytes, head, entries.len() as u64, error);
                }
                Err(JournalError::Io {
                    what: format!("writing the journal in {}", self.dir.display()),
                    error,
                })
            }
        }
    }

    /// The disk is full: free the reserve, cut what was half written, and write once more through a new descriptor.
    /// The journal then takes nothing more.
    fn spend_reserve(
        &mut self,
        bytes: &[u8],
        head: String,
        count: u64,
        error: io::Error,
    ) -> Result<(), JournalError> {
        let path = self.dir.join("journal");
        let full = || JournalError::Io {
            what: format!("writing the journal in {}", self.dir.display()),
            error,
        };
        if !disk::exists(&self.dir.join("reserve")) {
            return Err(full());
        }
        let rewritten = self.disk.remove(&self.dir.join("reserve")).and_then(|()| {
            let found = self.disk.read(&path)?;
            let opened = record::decode(&found);
            if opened.head != self.head {
                return Err(io::Error::other("the journal is not as it was left"));
            }
            if opened.good_len != found.len() as u64 {
                self.disk.truncate(&path, opened.good_len)?;
            }
            let mut tail = self.disk.append(&path)?;
            tail.write_all(bytes)?;
            tail.sync_data()
        });
        match rewritten {
            Ok(()) => {
                self.head = head;
                self.records += count;
                Ok(())
            }
            Err(_) => Err(full()),
        }
    }

    /// Whether another append can succeed: an action must not begin when it cannot.
    pub fn is_writable(&self) -> bool {
        self.tail.is_some()
    }

    /// The hash of the last record: the anchor.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The run's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Restores a run from what [`Runs::open`] read.
pub fn restore<D: Disk + Clone>(
    open: &Open<D>,
) -> Result<crate::runbook::machine::Run, JournalError> {
    let book = crate::runbook::format::parse("runbook.md", &open.runbook)
        .map_err(JournalError::Snapshot)?;
    crate::runbook::machine::replay(Arc::new(book), &open.entries)
        .map_err(|error| JournalError::Malformed(error.to_string()))
}

/// The plan as it is kept beside the journal.
pub fn plan_json(run: &crate::runbook::machine::Run) -> Value {
    json!({"steps": run.plan(), "params": run.ledger().params})
}
