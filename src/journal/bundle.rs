//! The bundle of an exported incident or run: one tar file that proves itself. `manifest.json` has the hash of every file beside
//! it and the last hash of every chain; the records carry their own chain; the runbooks' snapshots must do what the records
//! say was run. Checked on any machine ([`check`]), with or without the last hash as noted elsewhere. A bundle may hold a copy
//! instead of the chain: it says so, and proves only that it is as it was made.

mod check;
pub mod part;

use crate::journal::copy::Note;
use crate::journal::tar::{self, Member};
use crate::runbook::canonical::{self, hex};
pub use check::{Checked, verify};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The file that lists the others.
pub const MANIFEST: &str = "manifest.json";
/// The incident's own records.
pub const RECORDS: &str = "incident.journal";

/// A copy of an incident's records.
pub const RECORDS_COPY: &str = "incident.copy";
/// A run's own journal.
pub const RUN: &str = "run.journal";
/// A copy of it.
pub const RUN_COPY: &str = "run.copy";
/// The runbook as the run had it; those it calls are in `called/`.
pub const RUNBOOK: &str = "runbook.md";

/// A run of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProof {
    /// The run.
    pub run: String,
    /// The last hash of its journal when the bundle was made: the journal itself names who acted and stays where it is,
    /// unless it was asked for.
    pub head: String,
    /// How many records it had.
    pub records: u64,
}

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub schema: u32,
    /// The incident; empty in the bundle of a run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incident: String,
    /// The run; empty in the bundle of an incident.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// When it was made.
    pub made: String,
    /// The version of the program.
    pub app: String,
    /// The last hash of the records; in a copy, its proof.
    pub head: String,
    /// How many records there are.
    pub records: u64,
    /// The SHA-256 of every other file.
    pub files: BTreeMap<String, String>,
    /// The runs linked to an incident.
    #[serde(default)]
    pub runs: Vec<RunProof>,
    /// Where the audit log stood, where its records are in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<part::Stand>,
    /// That it holds a copy, and what was changed in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Note>,
}

impl Manifest {
    /// The file with the records of what was exported, as they were written or as a copy.
    pub fn own(&self) -> &'static str {
        match (self.run.is_empty(), self.copy.is_some()) {
            (true, false) => RECORDS,
            (true, true) => RECORDS_COPY,
            (false, false) => RUN,
            (false, true) => RUN_COPY,
        }
    }
}

/// The SHA-256 of a file, in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The bundle's bytes: the manifest first, so that `tar` shows it first.
pub fn pack(mut manifest: Manifest, members: Vec<Member>, moment: i64) -> Vec<u8> {
    let sums = members
        .iter()
        .map(|member| (member.name.clone(), digest(&member.bytes)));
    manifest.files = sums.collect();
    let text = serde_json::to_value(&manifest).unwrap_or_default();
    let first = Member {
        name: MANIFEST.to_owned(),
        bytes: canonical::to_string(&text).into_bytes(),
    };
    let all: Vec<Member> = std::iter::once(first).chain(members).collect();
    tar::pack(&all, moment)
}
