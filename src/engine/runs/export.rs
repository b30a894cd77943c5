//! A run written out as one file that proves itself on any machine: its journal, the audit log's records of it with their place
//! in the chain, the runbooks as it had them. Where something must be masked, or whoever acted is to have a pseudonym, it is a
//! copy and says so.

use crate::app::runs::Refusal;
use crate::engine::exports::{self, Export};
use crate::engine::incidents::{Hand, Ledger};
use crate::journal::bundle::{self, Manifest, RUN, RUN_COPY, RUNBOOK, part};
use crate::journal::copy::{self, Copyist, Note, Original, would_mask};
use crate::journal::record::{self, Condition};
use crate::journal::tar::Member;
use crate::journal::{Disk, RealDisk, Runs, disk, in_words};
use std::path::{Path, PathBuf};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The run, or the beginning or end of its id.
    pub run: String,
    /// Where to; the folder is made. Named after the run unless given.
    pub folder: Option<PathBuf>,
    /// Whether whoever acted has a pseudonym.
    pub pseudonymised: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The run.
    pub run: String,
    /// The file.
    pub file: PathBuf,
    /// The last hash of its journal; none in a copy.
    pub head: Option<String>,
    /// The SHA-256 of the bundle.
    pub bundle: String,
    /// What the copy says of itself, where it is one.
    pub note: Option<Note>,
    /// What is not in it, or does not hold.
    pub missing: Vec<String>,
}

/// A run as found on this machine.
struct Found {
    run: String,
    journal: Vec<u8>,
    originals: Vec<Original>,
    texts: Vec<Member>,
    plan: Option<Vec<u8>>,
    audit: Option<part::Part>,
    missing: Vec<String>,
}

/// Writes a run out.
pub fn export(ledger: &Ledger, hand: &Hand, wanted: &Wanted) -> Result<Exported, Refusal> {
    let refusal = |usage| move |sentence: String| Refusal { sentence, usage };
    let runs = Runs::new(&ledger.state, RealDisk);
    let dir = runs.find(&wanted.run).map_err(refusal(true))?;
    let found = found(ledger, &dir).map_err(refusal(false))?;
    let folder = wanted
        .folder
        .clone()
        .unwrap_or_else(|| PathBuf::from(&found.run));
    let file = folder.join("bundle.tar");
    if disk::exists(&file) {
        let there = format!(
            "{} is there already; name another folder with --dir",
            file.display()
        );
        return Err(refusal(false)(there));
    }
    let key = exports::fresh_key().map_err(refusal(false))?;
    let audited = found.audit.iter().flat_map(|part| &part.originals);
    let mut records = found.originals.iter().chain(audited);
    let copied = wanted.pseudonymised || records.any(|one| would_mask(&one.value, &ledger.cleaner));
    let cleaner = ledger.cleaner;
    let copyist = copied.then(|| Copyist::new(&cleaner, key, wanted.pseudonymised));
    let (manifest, members) = packed(&found, hand, copyist);
    let (note, head) = (manifest.copy.clone(), manifest.head.clone());
    let bytes = bundle::pack(manifest, members, hand.now.as_second());
    let sum = bundle::digest(&bytes);
    let export = Export {
        of: &found.run,
        bundle: &sum,
        note: note.as_ref(),
        key: &key,
    };
    exports::write_down(&ledger.state, &hand.who, hand.now, export).map_err(refusal(false))?;
    written(&file, &bytes).map_err(refusal(false))?;
    Ok(Exported {
        run: found.run,
        file,
        head: note.is_none().then_some(head),
        bundle: sum,
        note,
        missing: found.missing,
    })
}

fn found(ledger: &Ledger, dir: &Path) -> Result<Found, String> {
    let run = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let run = run.unwrap_or_default();
    let path = dir.join("journal");
    let journal = RealDisk.read(&path);
    let journal = journal.map_err(|error| format!("{}: {}", path.display(), in_words(&error)))?;
    let mut missing = Vec::new();
    match record::decode(&journal).condition {
        Condition::Whole => {}
        Condition::Torn(bytes) => missing.push(format!("its last record is cut ({bytes} bytes)")),
        Condition::Damaged(damage) => missing.push(format!(
            "its journal is damaged or was altered at record {}: {}",
            damage.record, damage.why
        )),
    }
    let mut texts = Vec::new();
    match RealDisk.read(&dir.join("runbook.md")) {
        Ok(bytes) => texts.push(Member {
            name: RUNBOOK.to_owned(),
            bytes,
        }),
        Err(error) => missing.push(format!("its runbook is not in it: {}", in_words(&error))),
    }
    let called = dir.join("called");
    let mut names = disk::names(&called);
    names.sort();
    for name in names {
        if let Ok(bytes) = RealDisk.read(&called.join(&name)) {
            let name = format!("called/{name}");
            texts.push(Member { name, bytes });
        }
    }
    let audit = match exports::log(&ledger.state) {
        Ok(log) => part::of(&log, |record| exports::about(record, &run)),
        Err(why) => {
            missing.push(why);
            None
        }
    };
    if audit.is_none() {
        missing.push("the audit log has no record of it".to_owned());
    }
    Ok(Found {
        originals: copy::originals(&journal),
        plan: RealDisk.read(&dir.join("plan.json")).ok(),
        run,
        journal,
        texts,
        audit,
        missing,
    })
}

/// The manifest and the files, as they were written or as a copy.
fn packed(found: &Found, hand: &Hand, copyist: Option<Copyist<'_>>) -> (Manifest, Vec<Member>) {
    let member = |name: &str, bytes: Vec<u8>| Member {
        name: name.to_owned(),
        bytes,
    };
    let opened = record::decode(&found.journal);
    let mut manifest = Manifest {
        schema: 1,
        incident: String::new(),
        run: found.run.clone(),
        made: hand.now.to_string(),
        app: env!("CARGO_PKG_VERSION").to_owned(),
        head: opened.head,
        records: found.originals.len() as u64,
        files: std::collections::BTreeMap::new(),
        runs: Vec::new(),
        audit: found.audit.as_ref().map(|part| part.stand.clone()),
        copy: None,
    };
    let mut members = Vec::new();
    let Some(mut copyist) = copyist else {
        members.push(member(RUN, found.journal.clone()));
        if let Some(part) = &found.audit {
            members.push(member(part::RECORDS, part.records()));
            members.push(member(part::CHAIN, part.chain.clone().into_bytes()));
        }
        members.extend(found.plan.clone().map(|plan| member("plan.json", plan)));
        members.extend(found.texts.iter().cloned());
        return (manifest, members);
    };
    let audited: &[Original] = found.audit.as_ref().map_or(&[], |part| &part.originals);
    copyist.learn(found.originals.iter().chain(audited).map(|one| &one.value));
    members.push(member(RUN_COPY, copyist.lines(&found.originals)));
    if let Some(stand) = &mut manifest.audit {
        members.push(member(part::COPY, copyist.lines(audited)));
        stand.head = copyist.proof(&stand.head);
    }
    // The plan stands in the records as well; the runbooks name nobody who acted.
    members.extend(found.texts.iter().cloned());
    manifest.head = found
        .originals
        .last()
        .map_or_else(String::new, |last| copyist.proof(&last.hash));
    manifest.copy = Some(copyist.note());
    (manifest, members)
}

/// Writes the file, complete and on disk.
fn written(file: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let made = RealDisk.make_dir(folder).and_then(|()| {
        RealDisk.create(file, bytes)?;
        RealDisk.sync_dir(folder)
    });
    made.map_err(|error| {
        format!(
            "{} cannot be written: {}; nothing of the run is lost, export it again",
            file.display(),
            in_words(&error)
        )
    })
}
