//! An incident written out: the post-mortem, the timeline twice, and the bundle that proves itself. Sources are merged here:
//! the incident's file, the journals of its runs, the audit log. Nothing that is there already is written over.

use super::bundled::{self, Linked};
use super::follow::nameless;
use super::{Hand, Ledger};
use crate::domain::incident::{
    BEFORE, Book, Confidence, Event, Incident, IncidentId, Language, Record, Report, Row, merge,
    report, rows,
};
use crate::engine::exports::{self, Export};
use crate::journal::bundle;
use crate::journal::copy::Copyist;
use crate::journal::incidents::clean::clean_all;
use crate::journal::{Audit, Disk, IncidentError, RealDisk, disk, in_words};
use crate::runbook::format;
use crate::runbook::machine::{Entry, Fact};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The files besides the bundle.
const POSTMORTEM: &str = "postmortem.md";
const CSV: &str = "timeline.csv";
const LINES: &str = "timeline.jsonl";
/// The bundle.
pub const BUNDLE: &str = "bundle.tar";

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which incident.
    pub id: IncidentId,
    /// In which language.
    pub language: Language,
    /// Where to; the folder is made.
    pub folder: PathBuf,
    /// Whether the runs' journals go into the bundle, with the names of who acted.
    pub journals: bool,
    /// Whether whoever is named has a pseudonym.
    pub pseudonymised: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The files.
    pub files: Vec<PathBuf>,
    /// How many records hold a text that would be masked today.
    pub masked: usize,
    /// The last hash of the incident's records in the bundle; none in a copy.
    pub head: Option<String>,
    /// The SHA-256 of the bundle.
    pub bundle: String,
    /// What could not be read and so is not in it.
    pub missing: Vec<String>,
}

/// Writes an incident out.
pub fn export(ledger: &Ledger, hand: &Hand, wanted: &Wanted) -> Result<Exported, IncidentError> {
    let read = ledger.files().read(wanted.id)?;
    let refused = IncidentError::Refused;
    free(&wanted.folder).map_err(refused)?;
    let read_only = read.read_only().is_some();
    let (records, masked) = clean_all(&read.incident.records, &ledger.cleaner);
    let incident = Incident::fold(&records).unwrap_or_else(|| read.incident.clone());
    let (runs, mut missing) = bundled::linked(ledger, &incident);
    let mut sources = vec![rows(&incident, hand.now, wanted.language)];
    sources.extend(runs.iter().map(|run| run_rows(run, &incident, ledger)));
    match audit_rows(ledger, &incident, hand.now) {
        Ok(rows) => sources.push(rows),
        Err(why) => missing.push(why),
    }
    let rows = merge(sources);
    let books: Vec<Book> = runs.iter().map(book).collect();
    let text = report(&Report {
        incident: &incident,
        rows: &rows,
        books: &books,
        now: hand.now,
        language: wanted.language,
    });
    let records = RealDisk.read(&ledger.files().file(wanted.id))?;
    let plain = vec![(POSTMORTEM, text), (CSV, csv(&rows)), (LINES, lines(&rows))];
    let key = exports::fresh_key().map_err(refused)?;
    let whole = bundled::Whole {
        id: wanted.id,
        records: &records,
        head: read.head,
        count: read.incident.records.len() as u64,
        runs: &runs,
        journals: wanted.journals,
    };
    let cleaner = ledger.cleaner;
    let copyist = wanted
        .pseudonymised
        .then(|| Copyist::new(&cleaner, key, true));
    let (manifest, plain, members) = bundled::packed(&whole, hand, plain, copyist);
    let (note, head) = (manifest.copy.clone(), manifest.head.clone());
    let packed = bundle::pack(manifest, members, hand.now.as_second());
    let sum = bundle::digest(&packed);
    let (name, named_note) = (wanted.id.to_string(), note.as_ref());
    let export = Export {
        of: &name,
        bundle: &sum,
        note: named_note,
        key: &key,
    };
    exports::write_down(&ledger.state, &hand.who, hand.now, export).map_err(refused)?;
    let files = put(
        &wanted.folder,
        plain
            .into_iter()
            .chain([(BUNDLE.to_owned(), packed)])
            .collect(),
    )
    .map_err(refused)?;
    let named = named(&files, &sum);
    let language = wanted.language.code().to_owned();
    let written = Event::Exported {
        language,
        files: named,
    };
    // A damaged file takes no more records; that it was exported stands in the audit log alone then.
    if !read_only {
        ledger.write(wanted.id, hand, |_| Ok(vec![written]))?;
    }
    Ok(Exported {
        files,
        masked,
        head: note.is_none().then_some(head),
        bundle: sum,
        missing,
    })
}

/// Nothing of ours is there yet: somebody may have worked on it.
fn free(folder: &Path) -> Result<(), String> {
    let taken = [POSTMORTEM, CSV, LINES, BUNDLE];
    match taken.iter().find(|name| disk::exists(&folder.join(name))) {
        Some(name) => Err(format!(
            "{} is there already, and somebody may have worked on it; name another folder with --dir",
            folder.join(name).display()
        )),
        None => Ok(()),
    }
}

/// The files' names for the record, the bundle with its hash.
fn named(files: &[PathBuf], sum: &str) -> Vec<String> {
    let all = files.iter().filter_map(|path| path.file_name());
    let all = all.map(|name| {
        let name = name.to_string_lossy();
        if name == BUNDLE {
            format!("{name} sha256:{sum}")
        } else {
            name.into_owned()
        }
    });
    all.collect()
}

impl From<std::io::Error> for IncidentError {
    fn from(error: std::io::Error) -> Self {
        Self::Refused(in_words(&error))
    }
}

fn book(run: &Linked) -> Book {
    let parsed = format::parse("runbook.md", &run.text);
    Book {
        run: run.run.clone(),
        deviations: parsed.map_or_else(
            |_| Vec::new(),
            |book| {
                let each = book.deviations.iter();
                each.map(|one| match &one.trap {
                    Some(trap) => format!("{}: {} ({trap})", one.reference, one.why),
                    None => format!("{}: {}", one.reference, one.why),
                })
                .collect()
            },
        ),
    }
}

/// What a run's journal has and the incident's file has not.
fn run_rows(run: &Linked, incident: &Incident, ledger: &Ledger) -> Vec<Row> {
    let of = |event: &Event| matches!(event, Event::Run(news) if news.run == run.run);
    let copied = |entry: &Entry| {
        let mut records = incident.records.iter();
        let same = |record: &Record| record.ts == entry.ts && of(&record.event);
        told_there(&entry.fact) && records.any(same)
    };
    let mut rows = Vec::new();
    for (index, entry) in run.entries.iter().enumerate() {
        let Some(text) = said(&entry.fact).filter(|_| !copied(entry)) else {
            continue;
        };
        let number = index as u64 + 1;
        rows.push(Row {
            at: entry.ts,
            noted: None,
            source: "run".to_owned(),
            number: Some(number),
            link: format!("run {}#{number}", run.run),
            event: entry.fact.name(),
            text: (ledger.cleaner)(&nameless(&text, &run.names)),
            confidence: Confidence::Recorded,
            disorder: false,
        });
    }
    rows
}

/// Whether the incident's file takes such a fact of its own.
fn told_there(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Start(_)
            | Fact::Intent(_)
            | Fact::UndoIntent(_)
            | Fact::Outcome(_)
            | Fact::UndoOutcome(_)
            | Fact::Unknown { .. }
            | Fact::UndoUnknown { .. }
            | Fact::Probed(_)
            | Fact::UndoProbed(_)
            | Fact::Verdict { .. }
            | Fact::Note { .. }
            | Fact::End { .. }
    )
}

/// What a run's entry says for the timeline, without who did it.
fn said(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Start(start) => format!("{} started, version {}", start.runbook, start.version),
        Fact::Preflight { ok, lines, .. } => {
            let open = lines.iter().filter(|line| {
                serde_json::to_value(line.level)
                    .is_ok_and(|level| level != "passed" && level != "noted")
            });
            let open: Vec<&str> = open.map(|line| line.text.as_str()).collect();
            let may = if *ok {
                "it may go on"
            } else {
                "it may not go on as it is"
            };
            if open.is_empty() {
                format!("preflight: {may}")
            } else {
                format!("preflight: {may}; {}", open.join("; "))
            }
        }
        Fact::NeedsHuman { message, .. } => format!("a person must decide: {message}"),
        Fact::Awaiting { step, message, .. } => format!("{step} waits for a person: {message}"),
        Fact::Resumed { .. } => "taken up again".to_owned(),
        Fact::Interrupted { why } => format!("interrupted: {why}"),
        Fact::RollingBack { reason, .. } => format!("going back: {reason}"),
        Fact::Ending { message, .. } => format!("put back before the end: {message}"),
        Fact::Decision {
            step,
            answer,
            accepted,
            ..
        } => {
            let step = step
                .as_ref()
                .map_or(String::new(), |step| format!("{step}: "));
            let taken = if *accepted { "" } else { " (not taken)" };
            format!("{step}answered: {answer}{taken}")
        }
        Fact::Progress { step, text } => format!("{step}: {text}"),
        Fact::Done { step, .. } => format!("{step} is done"),
        Fact::Failed { step, message, .. } => format!("{step} failed: {message}"),
        Fact::UndoDone { step, message } => format!("{step} is undone: {message}"),
        Fact::UndoFailed { step, message, .. } => format!("{step} could not be undone: {message}"),
        Fact::Skipped { step, reason, more } => {
            let more = match more.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{step}{more} left out: {reason}")
        }
        Fact::Intent(intent) | Fact::UndoIntent(intent) => {
            format!(
                "intent: {}: {}",
                intent.step,
                intent.action.planned.lines.join(", ")
            )
        }
        Fact::Outcome(outcome) | Fact::UndoOutcome(outcome) => {
            let status = serde_json::to_value(outcome.status).unwrap_or_default();
            format!(
                "outcome: {}: {}",
                outcome.step,
                status.as_str().unwrap_or_default()
            )
        }
        Fact::Unknown { step, why, .. } | Fact::UndoUnknown { step, why, .. } => {
            format!("outcome: {step}: unknown: {why}")
        }
        Fact::Probed(probe) | Fact::UndoProbed(probe) => {
            format!("looked up: {}: {}", probe.step, probe.detail.join(", "))
        }
        Fact::Verdict {
            step, verdict, why, ..
        } => format!("gate: {step}: {verdict}: {why}"),
        Fact::Note { text, .. } => format!("note: {text}"),
        Fact::End { message, .. } => format!("ended: {message}"),
        // What is worth a row is above; a fact that a later version adds is in the journal itself.
        _ => return None,
    })
}

/// What was done at the console outside of any run, as the audit log has it: armed, disarmed and the like.
fn audit_rows(ledger: &Ledger, incident: &Incident, now: Timestamp) -> Result<Vec<Row>, String> {
    let records = Audit::new(&ledger.state, RealDisk)
        .read()
        .map_err(|error| format!("the audit log is not in it: {}", in_words(&error)))?;
    let (from, to) = (incident.detected - BEFORE, incident.resolved.unwrap_or(now));
    let place = &incident.place;
    let mut rows = Vec::new();
    for record in records {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let at: Option<Timestamp> = text("/ts").and_then(|ts| ts.parse().ok());
        let Some(at) = at.filter(|at| (from..=to).contains(at)) else {
            continue;
        };
        let ours = text("/target/context") == Some(place.context.as_str())
            || (place.cluster_uid.is_some()
                && text("/target/cluster_uid") == place.cluster_uid.as_deref());
        if !ours || record.get("run").is_some() || record.get("incident").is_some() {
            continue;
        }
        let event = text("/event").unwrap_or_default().to_owned();
        let reason = text("/reason").map_or(String::new(), |reason| format!(": {reason}"));
        let number = record["seq"].as_u64();
        rows.push(Row {
            at,
            noted: None,
            source: "audit".to_owned(),
            number,
            link: format!("audit#{}", number.unwrap_or_default()),
            text: (ledger.cleaner)(&format!("console {event}{reason}")),
            event,
            confidence: Confidence::Recorded,
            disorder: false,
        });
    }
    Ok(rows)
}

/// A field that a spreadsheet takes for text, whatever stands in it.
fn field(text: &str) -> String {
    let steers = |c: char| crate::runbook::prose::steers(c) || c == '\n' || c == '\t';
    let plain: String = text
        .chars()
        .map(|c| if steers(c) { ' ' } else { c })
        .collect();
    // What begins like a formula would be one.
    let guard = plain.starts_with(['=', '+', '-', '@']);
    format!(
        "\"{}{}\"",
        if guard { "'" } else { "" },
        plain.replace('"', "\"\"")
    )
}

fn csv(rows: &[Row]) -> String {
    let mut text = "time,disorder,source,event,text,link,confidence,noted\r\n".to_owned();
    for row in rows {
        let fields = [
            row.at.to_string(),
            if row.disorder { "!" } else { "" }.to_owned(),
            row.source.clone(),
            row.event.clone(),
            row.text.clone(),
            row.link.clone(),
            row.confidence.word().to_owned(),
            row.noted.map_or_else(String::new, |at| at.to_string()),
        ];
        let fields: Vec<String> = fields.iter().map(|text| field(text)).collect();
        // A string takes whatever is written.
        let _ = write!(text, "{}\r\n", fields.join(","));
    }
    text
}

fn lines(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let document = json!({
            "schema": 1, "at": row.at.to_string(), "source": row.source, "event": row.event, "text": row.text,
            "link": row.link, "confidence": row.confidence.word(), "disorder": row.disorder,
            "noted": row.noted.map(|at| at.to_string()),
        });
        // A string takes whatever is written.
        let _ = writeln!(text, "{document}");
    }
    text
}

/// Writes the files, each complete and on disk.
fn put(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<Vec<PathBuf>, String> {
    let wrong = |path: &Path, error: &std::io::Error| {
        format!(
            "{} cannot be written: {}; nothing of the incident is lost, export it again",
            path.display(),
            in_words(error)
        )
    };
    RealDisk
        .make_dir(folder)
        .map_err(|error| wrong(folder, &error))?;
    let mut paths = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        RealDisk
            .create(&path, &bytes)
            .map_err(|error| wrong(&path, &error))?;
        paths.push(path);
    }
    RealDisk
        .sync_dir(folder)
        .map_err(|error| wrong(folder, &error))?;
    Ok(paths)
}
