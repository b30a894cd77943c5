//! How far the audit log was delivered to a sink beside its file: a small file of its own, written anew as a whole, and a lock
//! so that two processes do not deliver the same at once.

use crate::journal::disk::{self, Disk, Lock, LockError, RealDisk};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// How far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The number of the last record that was delivered.
    pub seq: u64,
    /// How many were pruned before they were delivered.
    #[serde(default)]
    pub lost: u64,
    /// Why the last try did not go on.
    #[serde(default)]
    pub failed: Option<String>,
}

fn path(state: &Path, name: &str) -> PathBuf {
    state.join(format!("audit.sink-{name}"))
}

impl Cursor {
    /// As it was kept; at the beginning where it never was, or cannot be read: then all is delivered once more.
    pub fn read(state: &Path, name: &str) -> io::Result<Self> {
        let path = path(state, name);
        if !disk::exists(&path) {
            return Ok(Self::default());
        }
        Ok(serde_json::from_slice(&RealDisk.read(&path)?).unwrap_or_default())
    }

    /// Takes it for delivering; none where another process has it.
    pub fn hold(state: &Path, name: &str) -> io::Result<Option<(Lock, Self)>> {
        RealDisk.make_dir(state)?;
        match disk::try_lock(&state.join(format!("audit.sink-{name}.lock"))) {
            Ok(lock) => Ok(Some((lock, Self::read(state, name)?))),
            Err(LockError::Held(_)) => Ok(None),
            Err(LockError::Io(error)) => Err(error),
        }
    }

    /// Keeps it.
    pub fn keep(&self, state: &Path, name: &str) -> io::Result<()> {
        let fresh = state.join(format!("audit.sink-{name}.new"));
        RealDisk.remove(&fresh)?;
        RealDisk.create(&fresh, &serde_json::to_vec(self)?)?;
        RealDisk.rename(&fresh, &path(state, name))?;
        RealDisk.sync_dir(state)
    }
}
