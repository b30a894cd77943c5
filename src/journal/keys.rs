//! The key under which a run takes fingerprints of secrets: in the run's folder, private to its user, and gone when the
//! run ends. Without it a fingerprint says nothing; with it, only whether two values are the same.

use std::io;
use std::path::Path;

use crate::journal::disk::{Disk, exists};

const FILE: &str = "fingerprint.key";
/// Its length in bytes.
pub const LENGTH: usize = 32;

/// The run's key; a fresh one is kept first, unless one is there.
pub fn fingerprint_key(
    disk: &impl Disk,
    dir: &Path,
    fresh: [u8; LENGTH],
) -> io::Result<[u8; LENGTH]> {
    let path = dir.join(FILE);
    if !exists(&path) {
        disk.create(&path, &fresh)?;
        disk.sync_dir(dir)?;
        return Ok(fresh);
    }
    let kept = disk.read(&path)?;
    kept.try_into().map_err(|kept: Vec<u8>| {
        let why = format!("{} has {} bytes, not {LENGTH}", path.display(), kept.len());
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

/// The run is over: its fingerprints can no longer be compared with anything.
pub fn forget_key(disk: &impl Disk, dir: &Path) -> io::Result<()> {
    disk.remove(&dir.join(FILE))
}
