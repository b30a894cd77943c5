//! The audit log: one line of canonical JSON per thing somebody did, each hashed over the one before, shared by all
//! processes of a user. It rotates by size and carries its last hash into the next file.

pub mod prune;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::journal::disk::{self, Disk};
use crate::journal::record::{self, Damage, GENESIS, Verified};
use crate::runbook::canonical;

/// A file is rotated before it grows past this.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The event under which it is said that older records were removed.
pub const PRUNED: &str = "audit.pruned";

/// One thing to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub ts: Timestamp,
    /// What, as `run.start`, `confirm`, `step.outcome`, `armed`.
    pub event: String,
    /// actor, app, target, run, result and so on; fractions become text.
    pub fields: Map<String, Value>,
}

/// The audit log of a state directory.
pub struct Audit<D: Disk> {
    dir: PathBuf,
    disk: D,
    max: u64,
    known: Option<(u64, u64, String)>,
    failed: bool,
}

/// What is found besides the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditReport {
    /// The chain.
    pub verdict: Verified,
    /// Records whose time is before that of the one before: the clock was set back, or they were written late.
    pub out_of_order: Vec<u64>,
    /// The files in order.
    pub files: Vec<PathBuf>,
    /// Where the log begins, where those before were pruned.
    pub pruned: Option<Pruned>,
}

/// Records that are not there any more, and the one that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The number of the last one that was removed.
    pub to: u64,
    /// The number of the record that says so.
    pub by: u64,
}

impl<D: Disk> Audit<D> {
    /// The log in a state directory; nothing is opened yet.
    pub fn new(state_dir: &Path, disk: D) -> Self {
        Self {
            dir: state_dir.to_owned(),
            disk,
            max: MAX_BYTES,
            known: None,
            failed: false,
        }
    }

    /// The same with another size to rotate at.
    #[must_use]
    pub fn rotating_at(self, max: u64) -> Self {
        Self { max, ..self }
    }

    fn path(&self) -> PathBuf {
        self.dir.join("audit.log")
    }

    /// Appends records in one batch with one sync, under a lock among processes. After an error nothing more is written.
    pub fn append(&mut self, events: &[AuditEvent]) -> io::Result<String> {
        if self.failed {
            return Err(io::Error::other("an earlier write of the audit log failed"));
        }
        self.disk.make_dir(&self.dir)?;
        let _lock = disk::lock(&self.dir.join("audit.lock"))?;
        let (len, mut seq, mut head) = self.end()?;
        let mut bytes = Vec::new();
        for event in events {
            seq += 1;
            let (line, hash) = line(event, seq, &head);
            bytes.extend(line);
            head = hash;
        }
        let len = if len > 0 && len + bytes.len() as u64 > self.max {
            self.rotate()?
        } else {
            len
        };
        let written = self.write(&bytes, len == 0);
        if let Err(error) = written {
            self.failed = true;
            self.known = None;
            return Err(error);
        }
        self.known = Some((len + bytes.len() as u64, seq, head.clone()));
        Ok(head)
    }

    fn write(&self, bytes: &[u8], new: bool) -> io::Result<()> {
        let mut tail = self.disk.append(&self.path())?;
        tail.write_all(bytes)?;
        tail.sync_data()?;
        if new {
            self.disk.sync_dir(&self.dir)
        } else {
            Ok(())
        }
    }

    /// Length, number and hash of the last record; other processes may have written since.
    fn end(&self) -> io::Result<(u64, u64, String)> {
        let len = self.disk.len(&self.path())?;
        if let Some(known) = self.known.clone().filter(|(known, ..)| *known == len) {
            return Ok(known);
        }
        let bytes = if len == 0 {
            Vec::new()
        } else {
            self.disk.read(&self.path())?
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < bytes.len() {
            self.put_aside(&bytes[whole..], whole as u64)?;
        }
        let last = match bytes[..whole]
            .split(|byte| *byte == b'\n')
            .rev()
            .find(|line| !line.is_empty())
        {
            Some(line) => Some(line.to_vec()),
            None => self.last_of_rotated()?,
        };
        match last {
            None => Ok((whole as u64, 0, GENESIS.to_owned())),
            Some(line) => {
                let value: Value = serde_json::from_slice(&line).map_err(|_| {
                    io::Error::other(
                        "the last line of the audit log is not a record; it was altered",
                    )
                })?;
                let seq = value.get("seq").and_then(Value::as_u64);
                let hash = value.get("hash").and_then(Value::as_str);
                match (seq, hash) {
                    (Some(seq), Some(hash)) => Ok((whole as u64, seq, hash.to_owned())),
                    _ => Err(io::Error::other(
                        "the last line of the audit log has no number or hash; it was altered",
                    )),
                }
            }
        }
    }

    fn last_of_rotated(&self) -> io::Result<Option<Vec<u8>>> {
        let files = self.files();
        let Some(last) = files.iter().rev().find(|path| **path != self.path()) else {
            return Ok(None);
        };
        let bytes = self.disk.read(last)?;
        Ok(bytes
            .split(|byte| *byte == b'\n')
            .rev()
            .find(|line| !line.is_empty())
            .map(<[u8]>::to_vec))
    }

    fn put_aside(&self, torn: &[u8], good: u64) -> io::Result<()> {
        let free = (1..10_000)
            .map(|number| self.dir.join(format!("audit.torn-{number}")))
            .find(|path| !disk::exists(path));
        self.disk.create(
            &free.ok_or_else(|| io::Error::other("too many torn tails put aside"))?,
            torn,
        )?;
        self.disk.sync_dir(&self.dir)?;
        self.disk.truncate(&self.path(), good)
    }

    /// The present file gets a number; the next begins empty and goes on with the chain.
    fn rotate(&self) -> io::Result<u64> {
        let number = self
            .files()
            .iter()
            .filter_map(|path| number_of(path))
            .max()
            .unwrap_or(0)
            + 1;
        self.disk
            .rename(&self.path(), &self.dir.join(format!("audit.log.{number}")))?;
        self.disk.sync_dir(&self.dir)?;
        Ok(0)
    }

    /// The log's files, oldest first.
    pub fn files(&self) -> Vec<PathBuf> {
        let number = |name: &String| name.strip_prefix("audit.log.")?.parse::<u64>().ok();
        let mut rotated: Vec<u64> = disk::names(&self.dir).iter().filter_map(number).collect();
        rotated.sort_unstable();
        let mut files: Vec<PathBuf> = rotated
            .into_iter()
            .map(|number| self.dir.join(format!("audit.log.{number}")))
            .collect();
        if disk::exists(&self.path()) {
            files.push(self.path());
        }
        files
    }

    /// Every record of every file, in order, as JSON; lines that are none are left out.
    pub fn read(&self) -> io::Result<Vec<Value>> {
        let files = self.files();
        let each: io::Result<Vec<_>> = files.iter().map(|file| self.records(file)).collect();
        Ok(each?.into_iter().flatten().collect())
    }

    /// The records after the one of this number, in order. Files that hold none of them are not read.
    pub fn after(&self, seq: u64) -> io::Result<Vec<Value>> {
        let mut newest_first = Vec::new();
        for file in self.files().iter().rev() {
            let records = self.records(file)?;
            let reached = records
                .first()
                .is_some_and(|first| number(first) <= seq + 1);
            newest_first.push(records);
            if reached {
                break;
            }
        }
        let records = newest_first.into_iter().rev().flatten();
        Ok(records.filter(|record| number(record) > seq).collect())
    }

    fn records(&self, file: &Path) -> io::Result<Vec<Value>> {
        let bytes = self.disk.read(file)?;
        let lines = bytes.split(|byte| *byte == b'\n');
        let whole = lines.filter(|line| !line.is_empty());
        Ok(whole
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    /// Checks chain, numbers and times over all files, and that an anchor's hash is among them.
    pub fn verify(&self, anchor: Option<&str>) -> io::Result<AuditReport> {
        let files = self.files();
        let mut bytes = Vec::new();
        for file in &files {
            bytes.extend(self.disk.read(file)?);
        }
        let found = check(&bytes, anchor);
        Ok(AuditReport {
            verdict: found.verdict,
            out_of_order: found.out_of_order,
            files,
            pruned: found.pruned,
        })
    }
}

/// The number of a record.
pub fn number(record: &Value) -> u64 {
    record["seq"].as_u64().unwrap_or_default()
}

fn number_of(path: &Path) -> Option<u64> {
    path.extension()?.to_str()?.parse().ok()
}

/// A record's line and hash: `hash = SHA-256(prev ‖ canonical JSON without hash)`.
pub fn line(event: &AuditEvent, seq: u64, prev: &str) -> (Vec<u8>, String) {
    let mut record = event.fields.clone();
    record.insert("v".to_owned(), json!(1));
    record.insert("seq".to_owned(), json!(seq));
    record.insert("ts".to_owned(), json!(event.ts.to_string()));
    record.insert("event".to_owned(), json!(event.event));
    record.insert("prev".to_owned(), json!(prev));
    record.remove("hash");
    let hash = record::chain(
        prev,
        canonical::to_string(&Value::Object(record.clone())).as_bytes(),
    );
    record.insert("hash".to_owned(), json!(hash));
    let mut bytes = canonical::to_string(&Value::Object(record)).into_bytes();
    bytes.push(b'\n');
    (bytes, hash)
}

/// Checks the bytes of one file of an audit log, against an anchor if there is one.
pub fn verify_bytes(bytes: &[u8], anchor: Option<&str>) -> Verified {
    check(bytes, anchor).verdict
}

/// How far a chain was followed.
struct Chain {
    head: String,
    seq: u64,
    offset: u64,
    last: Option<Timestamp>,
    out_of_order: Vec<u64>,
    /// How many records are missing before the first, with the hash of the last of them.
    before: Option<(u64, String)>,
    /// The record that says they were pruned.
    pruned_by: Option<u64>,
}

impl Chain {
    /// The first line: where it is not the first record of all, those before are missing, and something must say why.
    fn begin(&mut self, line: &[u8]) {
        let first = serde_json::from_slice::<Value>(line).unwrap_or_default();
        let prev = first["prev"].as_str().unwrap_or_default();
        if let Some(seq) = first["seq"].as_u64().filter(|seq| *seq > 1) {
            self.seq = seq - 1;
            prev.clone_into(&mut self.head);
            self.before = Some((seq - 1, self.head.clone()));
        }
    }

    /// Follows one line, with its line end; the error is what is wrong with it.
    fn follow(&mut self, line: &[u8]) -> Result<(), Verified> {
        if self.offset == 0 {
            self.begin(line);
        }
        let (offset, seq) = (self.offset, self.seq);
        let broken = |why: &str| {
            Verified::Broken(Damage {
                record: seq + 1,
                offset,
                why: why.to_owned(),
            })
        };
        let incomplete = |why: String| Verified::Incomplete { records: seq, why };
        let Some(line) = line.strip_suffix(b"\n") else {
            let why = format!("the last record is cut ({} bytes)", line.len());
            return Err(incomplete(why));
        };
        let record = serde_json::from_slice::<Value>(line).ok();
        let record = record.and_then(|value| value.as_object().cloned());
        let mut record = record.ok_or_else(|| broken("not a record"))?;
        let Some(Value::String(hash)) = record.remove("hash") else {
            return Err(broken("no hash"));
        };
        let prev = record.get("prev").and_then(Value::as_str);
        let follows = prev.unwrap_or_default() == self.head;
        let text = canonical::to_string(&Value::Object(record.clone()));
        if !follows || record::chain(&self.head, text.as_bytes()) != hash {
            return Err(broken(
                "its hash does not follow from the record before and its content",
            ));
        }
        // The hash covers the canonical form; the line itself must be that form too, or it was edited in place.
        record.insert("hash".to_owned(), json!(hash));
        if canonical::to_string(&Value::Object(record.clone())).as_bytes() != line {
            return Err(broken("not in canonical form"));
        }
        if record.get("seq").and_then(Value::as_u64) != Some(seq + 1) {
            return Err(broken("its number does not follow"));
        }
        let ts = record.get("ts").and_then(Value::as_str);
        let ts = ts.and_then(|ts| ts.parse::<Timestamp>().ok());
        if ts.is_some() && ts < self.last {
            self.out_of_order.push(seq + 1);
        }
        self.last = ts.or(self.last);
        if let Some((to, head)) = &self.before
            && covers(&record, *to, head)
        {
            self.pruned_by = Some(seq + 1);
        }
        self.head = hash;
        self.seq += 1;
        self.offset += line.len() as u64 + 1;
        Ok(())
    }
}

/// Whether a record says that everything up to this number, which ended with this hash, was pruned.
fn covers(record: &Map<String, Value>, to: u64, head: &str) -> bool {
    let event = record.get("event").and_then(Value::as_str);
    let segments = record
        .get("pruned")
        .and_then(|pruned| pruned["segments"].as_array());
    let is = |segment: &Value| segment["to"] == to && segment["head"] == head;
    event == Some(PRUNED) && segments.is_some_and(|segments| segments.iter().any(is))
}

/// What a check found.
struct Found {
    verdict: Verified,
    out_of_order: Vec<u64>,
    pruned: Option<Pruned>,
}

fn check(bytes: &[u8], anchor: Option<&str>) -> Found {
    let mut chain = Chain {
        head: GENESIS.to_owned(),
        seq: 0,
        offset: 0,
        last: None,
        out_of_order: Vec::new(),
        before: None,
        pruned_by: None,
    };
    let mut seen = anchor == Some(GENESIS);
    let mut wrong = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Err(verdict) = chain.follow(line) {
            wrong = Some(verdict);
            break;
        }
        seen |= anchor == Some(chain.head.as_str());
    }
    let to = chain.before.as_ref().map_or(0, |(to, _)| *to);
    let records = chain.seq - to;
    let verdict = match (wrong, anchor) {
        (Some(verdict), _) => verdict,
        (None, _) if to > 0 && chain.pruned_by.is_none() => Verified::Incomplete {
            records,
            why: "the log does not begin with its first record: earlier files are missing, and no record says that they were pruned".to_owned(),
        },
        (None, Some(anchor)) if !seen => Verified::Incomplete {
            records,
            why: format!(
                "no record has the anchor's hash {anchor}: records are missing at the end, or the chain was rebuilt"
            ),
        },
        _ => Verified::Ok {
            records,
            head: chain.head,
            witnessed: anchor.is_some(),
        },
    };
    Found {
        verdict,
        out_of_order: chain.out_of_order,
        pruned: chain.pruned_by.map(|by| Pruned { to, by }),
    }
}
