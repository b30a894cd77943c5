//! Whether a bundle is what it says: every file as listed, every chain to its end, every runbook the one that was run.

use super::part;
use super::{MANIFEST, Manifest, RUN, RUNBOOK, digest};
use crate::journal::copy;
use crate::journal::record::{self, Condition, Damage, Verified};
use crate::journal::tar::{self, Member};
use crate::runbook::format;
use serde_json::Value;

fn broken(record: u64, why: impl Into<String>) -> Verified {
    Verified::Broken(Damage {
        record,
        offset: 0,
        why: why.into(),
    })
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The chain, or in a copy that nothing of it was altered since it was made.
    pub verdict: Verified,
    /// The manifest, where it could be read.
    pub manifest: Option<Manifest>,
}

impl From<Verified> for Checked {
    fn from(verdict: Verified) -> Self {
        Self {
            verdict,
            manifest: None,
        }
    }
}

/// Checks a bundle; with an anchor, that the chain of its records has it.
pub fn verify(bytes: &[u8], anchor: Option<&str>) -> Checked {
    let members = match tar::unpack(bytes) {
        Ok(members) => members,
        Err(why) => return broken(0, why).into(),
    };
    let manifest =
        member(&members, MANIFEST).map(|found| serde_json::from_slice::<Manifest>(&found.bytes));
    let manifest = match manifest {
        Some(Ok(manifest)) if manifest.schema == 1 => manifest,
        Some(Ok(_)) => return broken(0, "its manifest is of a later version").into(),
        Some(Err(error)) => {
            return broken(0, format!("its manifest cannot be read: {error}")).into();
        }
        None => return broken(0, "it has no manifest.json").into(),
    };
    let verdict = match files(&manifest, &members) {
        Err(why) => broken(0, why),
        Ok(()) if manifest.copy.is_some() => copied(&manifest, &members, anchor),
        Ok(()) => chained(&manifest, &members, anchor),
    };
    Checked {
        verdict,
        manifest: Some(manifest),
    }
}

fn member<'m>(members: &'m [Member], name: &str) -> Option<&'m Member> {
    members.iter().find(|member| member.name == name)
}

/// A bundle of the records as they were written.
fn chained(manifest: &Manifest, members: &[Member], anchor: Option<&str>) -> Verified {
    let own = manifest.own();
    let Some(records) = member(members, own) else {
        return broken(0, format!("it has no {own}"));
    };
    let verdict = record::verify(&records.bytes, anchor);
    if let Verified::Ok { head, records, .. } = &verdict
        && (*head != manifest.head || *records != manifest.records)
    {
        return broken(
            *records,
            format!("{own} does not end where the manifest says"),
        );
    }
    if !matches!(verdict, Verified::Ok { .. }) {
        return verdict;
    }
    let mut sound = journals(manifest, members).and_then(|()| audited(manifest, members));
    // Another version may digest what a runbook does in another way.
    if manifest.app == env!("CARGO_PKG_VERSION") {
        sound = sound.and_then(|()| snapshots(own, &records.bytes, members));
    }
    match sound {
        Ok(()) => verdict,
        Err(why) => broken(0, why),
    }
}

/// A bundle of a copy: whole as it was made, and no chain.
fn copied(manifest: &Manifest, members: &[Member], anchor: Option<&str>) -> Verified {
    let own = manifest.own();
    let Some(records) = member(members, own) else {
        return broken(0, format!("it has no {own}"));
    };
    let proofs = match copy::proofs(&records.bytes) {
        Ok(proofs) => proofs,
        Err(why) => return broken(0, format!("{own}: {why}")),
    };
    let last = proofs.last().map_or("", String::as_str);
    if last != manifest.head || proofs.len() as u64 != manifest.records {
        return broken(0, format!("{own} does not end where the manifest says"));
    }
    if anchor.is_some() {
        return Verified::Incomplete {
            records: manifest.records,
            why: "it is a copy and holds no hash of the chain; the anchor is for the original"
                .to_owned(),
        };
    }
    Verified::Ok {
        records: manifest.records,
        head: manifest.head.clone(),
        witnessed: false,
    }
}

/// The audit log's records that were put in stand in its chain.
fn audited(manifest: &Manifest, members: &[Member]) -> Result<(), String> {
    let Some(stand) = &manifest.audit else {
        return Ok(());
    };
    let of = |name: &str| {
        let found = member(members, name);
        found.ok_or_else(|| format!("it has no {name}"))
    };
    part::check(&of(part::RECORDS)?.bytes, &of(part::CHAIN)?.bytes, stand)
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
        let Some(member) = member(members, &name) else {
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
fn snapshots(own: &str, records: &[u8], members: &[Member]) -> Result<(), String> {
    for payload in record::decode(records).payloads {
        let value: Value = serde_json::from_str(&payload).unwrap_or_default();
        let name = if own == RUN {
            RUNBOOK.to_owned()
        } else {
            format!(
                "runs/{}.runbook.md",
                value["run"].as_str().unwrap_or_default()
            )
        };
        let began = match own {
            RUN => value["event"] == "run.start",
            _ => value["event"] == "incident.run" && value["turn"] == "started",
        };
        let Some(member) = member(members, &name).filter(|_| began) else {
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
