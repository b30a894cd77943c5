//! What every export shares: it stands in the audit log before anything is written out, with the key of a copy; and a copy
//! can be held against its originals where both are. Everything here may block.

use super::runs::records::{self, Who};
use crate::journal::bundle::{Manifest, digest, part};
use crate::journal::copy::{self, KEY, Note};
use crate::journal::{Audit, Disk, Incidents, RealDisk, Runs, in_words, tar};
use crate::runbook::canonical::hex;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// The event under which an export stands in the audit log.
const EVENT: &str = "export";

/// The key of one copy.
pub fn fresh_key() -> Result<[u8; KEY], String> {
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(|error| format!("no randomness: {error}"))?;
    Ok(key)
}

/// An export about to be written.
#[derive(Debug, Clone, Copy)]
pub struct Export<'e> {
    /// The incident or run.
    pub of: &'e str,
    /// The SHA-256 of its bundle.
    pub bundle: &'e str,
    /// What is copied in it, where something is.
    pub note: Option<&'e Note>,
    /// The copy's key.
    pub key: &'e [u8; KEY],
}

/// Puts an export into the audit log. It names no run of its own, so that no later export carries the key.
pub fn write_down(
    state: &Path,
    who: &Who,
    now: Timestamp,
    export: Export<'_>,
) -> Result<(), String> {
    let note = export.note;
    let what = json!({
        "of": export.of, "bundle": export.bundle,
        "pseudonymised": note.is_some_and(|note| note.pseudonymised),
        "masked": note.map_or(0, |note| note.masked),
        "key": note.map(|_| hex(export.key)),
    });
    let event = records::by(who, now, EVENT, ("export", what));
    records::append(state, &[event])
}

/// Holds a copy against its originals; none where they, or the key, are not on this machine.
pub fn compare(state: &Path, bundle: &[u8], manifest: &Manifest) -> Option<Result<(), String>> {
    let log = Audit::new(state, RealDisk).read().ok()?;
    let sum = digest(bundle);
    let made =
        |record: &&Value| record["event"] == EVENT && record["export"]["bundle"] == sum.as_str();
    let record = log.iter().rfind(made)?;
    let key = unhex(record["export"]["key"].as_str()?)?;
    let path = if manifest.run.is_empty() {
        Incidents::new(state, RealDisk).file(manifest.incident.parse().ok()?)
    } else {
        Runs::new(state, RealDisk)
            .find(&manifest.run)
            .ok()?
            .join("journal")
    };
    let bytes = RealDisk.read(&path).ok()?;
    let hashes = |originals: Vec<copy::Original>| -> Vec<String> {
        originals
            .into_iter()
            .map(|original| original.hash)
            .collect()
    };
    let members = tar::unpack(bundle).ok()?;
    let named = |name: &str| members.iter().find(|member| member.name == name);
    let own = manifest.own();
    let same = copy::compare(&named(own)?.bytes, &key, &hashes(copy::originals(&bytes)))
        .map_err(|why| format!("{own}: {why}"));
    let audited = named(part::COPY).map(|member| {
        let part = part::of(&log, |record| about(record, &manifest.run));
        let known = hashes(part.map(|part| part.originals).unwrap_or_default());
        copy::compare(&member.bytes, &key, &known).map_err(|why| format!("{}: {why}", part::COPY))
    });
    Some(same.and(audited.unwrap_or(Ok(()))))
}

/// Whether a record of the audit log is about a run.
pub fn about(record: &Value, run: &str) -> bool {
    record.pointer("/run/id").and_then(Value::as_str) == Some(run)
}

/// The audit log as it stands.
pub fn log(state: &Path) -> Result<Vec<Value>, String> {
    let read = Audit::new(state, RealDisk).read();
    read.map_err(|error| format!("the audit log is not in it: {}", in_words(&error)))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
