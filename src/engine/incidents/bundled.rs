//! What goes into the bundle of an incident: its records and the runs linked to it, as they were written or as a copy.

use super::follow;
use super::{Hand, Ledger};
use crate::domain::incident::{Event, Incident, IncidentId, RunTurn};
use crate::journal::bundle::{Manifest, RECORDS, RECORDS_COPY, RunProof};
use crate::journal::copy::{self, Copyist};
use crate::journal::tar::Member;
use crate::journal::{Disk, RealDisk, Runs, in_words, record};
use crate::runbook::machine::Entry;

/// A linked run as found on this machine.
pub struct Linked {
    /// Its id.
    pub run: String,
    /// The bytes of its journal.
    pub journal: Vec<u8>,
    /// What they say.
    pub entries: Vec<Entry>,
    /// The names of people in them.
    pub names: Vec<String>,
    /// The runbook as it had it.
    pub text: String,
}

/// Files with their names, as they are written beside the bundle.
pub type Files = Vec<(String, Vec<u8>)>;

/// All there is to put in.
pub struct Whole<'w> {
    /// The incident.
    pub id: IncidentId,
    /// The bytes of its file.
    pub records: &'w [u8],
    /// The last hash of them.
    pub head: String,
    /// How many records there are.
    pub count: u64,
    /// The linked runs.
    pub runs: &'w [Linked],
    /// Whether their journals go in.
    pub journals: bool,
}

/// The linked runs that are on this machine, and a sentence for each that is not.
pub fn linked(ledger: &Ledger, incident: &Incident) -> (Vec<Linked>, Vec<String>) {
    let runs = Runs::new(&ledger.state, RealDisk);
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    let mut wanted: Vec<&str> = Vec::new();
    for record in &incident.records {
        if let Event::Run(news) = &record.event
            && matches!(news.turn, RunTurn::Started { .. })
            && !wanted.contains(&news.run.as_str())
        {
            wanted.push(&news.run);
        }
    }
    for run in wanted {
        let read = runs.find(run).and_then(|dir| {
            let (header, entries, _) = runs.peek(&dir).map_err(|error| error.to_string())?;
            let journal = RealDisk.read(&dir.join("journal"));
            let text = RealDisk.read(&dir.join("runbook.md"));
            Ok(Linked {
                run: run.to_owned(),
                names: follow::names(&header.start, &entries),
                journal: journal.map_err(|error| in_words(&error))?,
                text: text.map_or_else(
                    |_| String::new(),
                    |bytes| String::from_utf8_lossy(&bytes).into_owned(),
                ),
                entries,
            })
        });
        match read {
            Ok(linked) => found.push(linked),
            Err(why) => missing.push(format!("run {run} is not in it: {why}")),
        }
    }
    (found, missing)
}

/// The manifest, the plain files and all the files of the bundle; with a copyist, as a copy.
pub fn packed(
    whole: &Whole<'_>,
    hand: &Hand,
    plain: Vec<(&str, String)>,
    mut copyist: Option<Copyist<'_>>,
) -> (Manifest, Files, Vec<Member>) {
    let mut manifest = Manifest {
        schema: 1,
        incident: whole.id.to_string(),
        run: String::new(),
        made: hand.now.to_string(),
        app: env!("CARGO_PKG_VERSION").to_owned(),
        head: whole.head.clone(),
        records: whole.count,
        files: std::collections::BTreeMap::new(),
        runs: whole.runs.iter().map(proof).collect(),
        audit: None,
        copy: None,
    };
    let member = |name: &str, bytes: Vec<u8>| Member {
        name: name.to_owned(),
        bytes,
    };
    let mut members = Vec::new();
    if let Some(copyist) = &mut copyist {
        learn(copyist, whole);
        let originals = copy::originals(whole.records);
        members.push(member(RECORDS_COPY, copyist.lines(&originals)));
        for run in &mut manifest.runs {
            run.head = copyist.proof(&run.head);
        }
        let last = originals.last();
        manifest.head = last.map_or_else(String::new, |last| copyist.proof(&last.hash));
    } else {
        members.push(member(RECORDS, whole.records.to_vec()));
    }
    let mut files = Vec::new();
    for (name, text) in plain {
        let text = copyist
            .as_ref()
            .map_or_else(|| text.clone(), |copyist| copyist.text(&text));
        members.push(member(name, text.clone().into_bytes()));
        files.push((name.to_owned(), text.into_bytes()));
    }
    for run in whole.runs {
        if !run.text.is_empty() {
            let name = format!("runs/{}.runbook.md", run.run);
            members.push(member(&name, run.text.clone().into_bytes()));
        }
        match &mut copyist {
            _ if !whole.journals => {}
            Some(copyist) => {
                let lines = copyist.lines(&copy::originals(&run.journal));
                members.push(member(&format!("runs/{}.copy", run.run), lines));
            }
            None => {
                members.push(member(
                    &format!("runs/{}.journal", run.run),
                    run.journal.clone(),
                ));
            }
        }
    }
    manifest.copy = copyist.map(|copyist| copyist.note());
    (manifest, files, members)
}

/// Everybody who is named in the incident's records and in those of its runs.
fn learn(copyist: &mut Copyist<'_>, whole: &Whole<'_>) {
    let journals = whole.runs.iter().map(|run| run.journal.as_slice());
    for bytes in std::iter::once(whole.records).chain(journals) {
        let originals = copy::originals(bytes);
        copyist.learn(originals.iter().map(|original| &original.value));
    }
    for name in whole.runs.iter().flat_map(|run| &run.names) {
        copyist.person(name);
    }
}

fn proof(run: &Linked) -> RunProof {
    let opened = record::decode(&run.journal);
    RunProof {
        run: run.run.clone(),
        head: opened.head,
        records: opened.payloads.len() as u64,
    }
}
