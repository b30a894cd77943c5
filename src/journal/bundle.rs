//! The bundle of an exported incident: one tar file that proves itself. `manifest.json` has the hash of every file beside it
//! and the last hash of every chain; the incident's records carry their own chain; the runbooks' snapshots must do what the
//! records say was run. Checked on any machine, with or without the last hash as noted elsewhere.

use crate::journal::record::{self, Condition, Damage, Verified};
use crate::journal::tar::{self, Member};
use crate::runbook::canonical::{self, hex};
use crate::runbook::format;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The file that lists the others.
pub const MANIFEST: &str = "manifest.json";
/// The incident's own records.
pub const RECORDS: &str = "incident.journal";

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
    /// The incident.
    pub incident: String,
    /// When it was made.
    pub made: String,
    /// The version of the program.
    pub app: String,
    /// The last hash of the incident's records.
    pub head: String,
    /// How many records there are.
    pub records: u64,
    /// The SHA-256 of every other file.
    pub files: BTreeMap<String, String>,
    /// The runs linked to it.
    pub runs: Vec<RunProof>,
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

fn broken(record: u64, why: impl Into<String>) -> Verified {
    Verified::Broken(Damage {
        record,
        offset: 0,
        why: why.into(),
    })
}

/// Checks a bundle; with an anchor, that the incident's chain has it.
pub fn verify(bytes: &[u8], anchor: Option<&str>) -> Verified {
    let members = match tar::unpack(bytes) {
        Ok(members) => members,
        Err(why) => return broken(0, why),
    };
    let named = |name: &str| members.iter().find(|member| member.name == name);
    let manifest = named(MANIFEST).map(|member| serde_json::from_slice::<Manifest>(&member.bytes));
    let manifest = match manifest {
        Some(Ok(manifest)) if manifest.schema == 1 => manifest,
        Some(Ok(_)) => return broken(0, "its manifest is of a later version"),
        Some(Err(error)) => return broken(0, format!("its manifest cannot be read: {error}")),
        None => return broken(0, "it has no manifest.json"),
    };
    if let Err(why) = files(&manifest, &members) {
        return broken(0, why);
    }
    let Some(records) = named(RECORDS) else {
        return broken(0, format!("it has no {RECORDS}"));
    };
    let verdict = record::verify(&records.bytes, anchor);
    if let Verified::Ok { head, records, .. } = &verdict
        && (*head != manifest.head || *records != manifest.records)
    {
        return broken(
            *records,
            format!("{RECORDS} does not end where the manifest says"),
        );
    }
    if !matches!(verdict, Verified::Ok { .. }) {
        return verdict;
    }
    let mut sound = journals(&manifest, &members);
    // Another version may digest what a runbook does in another way.
    if manifest.app == env!("CARGO_PKG_VERSION") {
        sound = sound.and_then(|()| snapshots(&records.bytes, &members));
    }
    match sound {
        Ok(()) => verdict,
        Err(why) => broken(0, why),
    }
}

/// Every file is listed with its hash, and every listed file is there.
fn files(manifest: &Manifest, members: &[Member]) -> Result<(), String> {
    for member in members.iter().filter(|member| member.name != MANIFEST) {
        match manifest.files.get(&member.name) {
            Some(sum) if *sum == digest(&member.bytes) => {}
            Some(_) => return Err(format!("{} was altered", member.name)),
            None => return Err(format!("{} is not in the manifest", member.name)),
        }
    }
    let there = |name: &String| members.iter().any(|member| member.name == *name);
    match manifest.files.keys().find(|name| !there(name)) {
        Some(missing) => Err(format!("{missing} is missing")),
        None => Ok(()),
    }
}

/// The journals that were put in end where the manifest says.
fn journals(manifest: &Manifest, members: &[Member]) -> Result<(), String> {
    for run in &manifest.runs {
        let name = format!("runs/{}.journal", run.run);
        let Some(member) = members.iter().find(|member| member.name == name) else {
            continue;
        };
        let opened = record::decode(&member.bytes);
        let whole = opened.condition == Condition::Whole && opened.head == run.head;
        if !whole || opened.payloads.len() as u64 != run.records {
            return Err(format!("{name} does not follow its chain to its end"));
        }
    }
    Ok(())
}

/// The runbooks put in do what the records say was run.
fn snapshots(records: &[u8], members: &[Member]) -> Result<(), String> {
    for payload in record::decode(records).payloads {
        let value: Value = serde_json::from_str(&payload).unwrap_or_default();
        if value["event"] != "incident.run" || value["turn"] != "started" {
            continue;
        }
        let name = format!(
            "runs/{}.runbook.md",
            value["run"].as_str().unwrap_or_default()
        );
        let Some(member) = members.iter().find(|member| member.name == name) else {
            continue;
        };
        let text = String::from_utf8_lossy(&member.bytes);
        let model = format::parse(&name, &text).map(|book| book.model_digest());
        if model.ok().as_deref() != value["model"].as_str() {
            return Err(format!("{name} is not the runbook that was run"));
        }
    }
    Ok(())
}
