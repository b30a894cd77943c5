//! Old files of the audit log, removed with the chain still to be followed: a record says which numbers are gone and with which
//! hash they ended, and is on disk before the first file is removed. The file that is written to always stays.

use super::{Audit, number};
use crate::journal::bundle::digest;
use crate::journal::disk::{self, Disk};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;

/// A file that spans more than this is closed before it is looked at: else a quiet log would never grow old.
const SPAN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A file of the log that holds nothing newer than was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The file.
    pub file: PathBuf,
    /// The number of its first record.
    pub from: u64,
    /// The number of its last.
    pub to: u64,
    /// That one's hash.
    pub head: String,
    /// The file's SHA-256.
    pub sha256: String,
}

impl Segment {
    /// As the record has it.
    pub fn document(&self) -> Value {
        let name = self.file.file_name().map(|name| name.to_string_lossy());
        json!({"file": name, "from": self.from, "to": self.to, "head": self.head, "sha256": self.sha256})
    }
}

impl<D: Disk> Audit<D> {
    /// Closes the file that is written to, where its first record is older than a month.
    pub fn close_old(&mut self, now: Timestamp) -> io::Result<()> {
        let _lock = disk::lock(&self.dir.join("audit.lock"))?;
        let path = self.path();
        let first = records(&self.disk.read(&path).unwrap_or_default())?
            .into_iter()
            .next();
        if first.is_some_and(|record| moment(&record).is_some_and(|at| at + SPAN < now)) {
            self.known = None;
            self.rotate()?;
        }
        Ok(())
    }

    /// The oldest closed files, as far as all their records are from before that moment.
    pub fn older_than(&self, before: Timestamp) -> io::Result<Vec<Segment>> {
        let mut found = Vec::new();
        let own = self.path();
        for file in self.files().into_iter().filter(|file| *file != own) {
            let bytes = self.disk.read(&file)?;
            let records = records(&bytes)?;
            let old = |record: &Value| moment(record).is_some_and(|at| at < before);
            let (Some(first), Some(last)) = (records.first(), records.last()) else {
                break;
            };
            if !records.iter().all(old) {
                break;
            }
            found.push(Segment {
                from: number(first),
                to: number(last),
                head: last["hash"].as_str().unwrap_or_default().to_owned(),
                sha256: digest(&bytes),
                file,
            });
        }
        Ok(found)
    }

    /// Removes files that a record of the log names; the oldest first, so that what is left always follows.
    pub fn remove(&self, segments: &[Segment]) -> io::Result<()> {
        for segment in segments {
            self.disk.remove(&segment.file)?;
        }
        self.disk.sync_dir(&self.dir)
    }
}

fn moment(record: &Value) -> Option<Timestamp> {
    record["ts"].as_str()?.parse().ok()
}

fn records(bytes: &[u8]) -> io::Result<Vec<Value>> {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let one =
        |line| serde_json::from_slice(line).map_err(|_| io::Error::other("a line is not a record"));
    lines.map(one).collect()
}
