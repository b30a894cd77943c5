//! One run's journal, open for writing by this process alone. A record is on disk before anybody hears of it; after a
//! failed sync the descriptor is never used again, and on a full disk the reserve is spent on the outcome in flight.
//! [`Runs`](crate::journal::Runs) opens it, the engine writes through it.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::disk::{self, Disk, Lock, Tail};
use crate::journal::error::JournalError;
use crate::journal::record;
use crate::runbook::canonical;
use crate::runbook::machine::{Entry, Fact};

/// The file freed when the disk is full, so that the outcome of the action in flight can still be written.
pub(super) const RESERVE: &str = "reserve";

/// One run's journal, open for writing by this process alone.
pub struct Journal<D: Disk + Clone> {
    pub(super) dir: PathBuf,
    pub(super) disk: D,
    pub(super) tail: Option<Box<dyn Tail>>,
    pub(super) head: String,
    pub(super) records: u64,
    pub(super) _lock: Lock,
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
        if !disk::exists(&self.dir.join(RESERVE)) {
            return Err(full());
        }
        let rewritten = self.disk.remove(&self.dir.join(RESERVE)).and_then(|()| {
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
