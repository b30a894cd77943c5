//! `vigie audit verify`: the audit log, the journals against it, the incidents, or one file that somebody handed over.

use super::super::args::Output;
use super::super::exit::{FAILING, Failed, NO, OK, UNKNOWN};
use super::super::print;
use super::super::session::Start;
use crate::engine::exports;
use crate::engine::runs::witness::{self, Log, Seen};
use crate::journal::audit::verify_bytes;
use crate::journal::tar::is_tar;
use crate::journal::{Audit, Incidents, RealDisk, Runs, Verified, bundle, record};
use crate::runbook::approval;
use crate::runbook::machine::{Entry, Fact};
use crate::ui::widget::text::sanitize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Checks a file, or everything in the state directory, and says what was found.
pub fn verify(start: &Start, file: Option<&Path>, anchor: Option<&str>) -> Result<u8, Failed> {
    let Some(file) = file else {
        return told(start, &everything(&start.loaded.state_dir())?);
    };
    let bytes = read(file)?;
    if is_tar(&bytes) {
        return bundled(start, file, &bytes, anchor);
    }
    let verdict = if bytes.first() == Some(&b'{') {
        verify_bytes(&bytes, anchor)
    } else {
        record::verify(&bytes, anchor)
    };
    told(start, &[Line::of(file, verdict)])
}

/// What was found of one thing.
struct Line {
    name: String,
    verdict: Verified,
    /// What else is to be said of it.
    note: Option<String>,
}

impl Line {
    fn of(path: &Path, verdict: Verified) -> Self {
        Self {
            name: path.display().to_string(),
            verdict,
            note: None,
        }
    }
}

/// The audit log, every run's journal against it, and every incident.
fn everything(state: &Path) -> Result<Vec<Line>, Failed> {
    let mut found = Vec::new();
    // The log before the journals: what is written meanwhile is in a journal first.
    let seen = Log::read(state).map_err(|why| Failed::new(UNKNOWN, why))?;
    let log = Audit::new(state, RealDisk);
    if !log.files().is_empty() {
        let report = log.verify(None)?;
        let note = report.pruned.map(|pruned| {
            let (first, by) = (pruned.to + 1, pruned.by);
            format!("it begins at record {first}: those before were pruned, as record {by} says")
        });
        found.push(Line {
            note,
            ..Line::of(&state.join("audit.log"), report.verdict)
        });
    }
    let there = witness::there(state);
    let (listed, broken) = Runs::new(state, RealDisk).list();
    for run in listed {
        found.push(journal(state, &run.dir, &seen)?);
    }
    for (run, number) in seen.gone(&there) {
        let why = format!(
            "record {number} of the audit log saw it begin; its folder is gone, and nothing says that it was pruned"
        );
        found.push(Line::of(&state.join("runs").join(run), damaged(0, why)));
    }
    let incidents = Incidents::new(state, RealDisk);
    for id in incidents.ids() {
        let path = incidents.file(id);
        let verdict = record::verify(&read(&path)?, None);
        found.push(Line::of(&path, verdict));
    }
    let broken = broken.into_iter();
    found.extend(broken.map(|(dir, why)| Line::of(&dir, damaged(0, why))));
    Ok(found)
}

/// A run's journal: its chain, the approvals in it, and what the audit log has of it.
fn journal(state: &Path, dir: &Path, seen: &Log) -> Result<Line, Failed> {
    let path = dir.join("journal");
    let mut line = Line::of(&path, record::verify(&read(&path)?, None));
    let Verified::Ok { records, .. } = line.verdict else {
        return Ok(line);
    };
    let Ok((header, entries, _)) = Runs::new(state, RealDisk).peek(dir) else {
        return Ok(line);
    };
    let id = header.start.run.as_str();
    if let Some((record, why)) = unsigned(id, &entries) {
        line.verdict = damaged(record, why);
        return Ok(line);
    }
    match seen.of(id, &entries) {
        Seen::Whole => {}
        Seen::Behind(count) => {
            line.note = Some(format!(
                "the last {count} are not in the audit log: it was stopped between the two, and taking it up again adds them"
            ));
        }
        Seen::Missing(count, first) => {
            line.verdict = Verified::Incomplete {
                records,
                why: format!("{count} of them the audit log never saw, record {first} first"),
            };
        }
        Seen::Cut(count, first) => {
            let why = format!(
                "the audit log has {count} records of it that are not in it, its record {first} first: it was cut"
            );
            line.verdict = damaged(records + 1, why);
        }
    }
    Ok(line)
}

fn damaged(record: u64, why: String) -> Verified {
    Verified::Broken(record::Damage {
        record,
        offset: 0,
        why,
    })
}

/// A bundle: its chain, or that it is a copy and whether it was made of what is here.
fn bundled(start: &Start, file: &Path, bytes: &[u8], anchor: Option<&str>) -> Result<u8, Failed> {
    let checked = bundle::verify(bytes, anchor);
    let manifest = checked.manifest.as_ref();
    let note = manifest.and_then(|manifest| manifest.copy.as_ref());
    let (Some(note), Some(manifest), Verified::Ok { records, .. }) =
        (note, manifest, &checked.verdict)
    else {
        return told(start, &[Line::of(file, checked.verdict)]);
    };
    let held = exports::compare(&start.loaded.state_dir(), bytes, manifest);
    let compared = match &held {
        Some(Ok(())) => "it was made of the originals on this machine",
        Some(Err(why)) => {
            let why = format!("the copy is not of the originals here: {why}");
            return told(start, &[Line::of(file, damaged(0, why))]);
        }
        None => "the originals are not here",
    };
    let name = file.display().to_string();
    if start.global.output == Output::Json {
        return print::text(&print::line(&json!({
            "schema": 1, "file": name, "state": "copy", "records": records, "masked": note.masked,
            "pseudonymised": note.pseudonymised, "originals": held.is_some().then_some(true),
        })));
    }
    let kind = if note.pseudonymised {
        "pseudonymised copy"
    } else {
        "copy"
    };
    print::text(&format!(
        "{}: a {kind}, whole as it was made, {records} records, {} masked; it is not the chain itself; {compared}\n",
        sanitize(&name),
        note.masked
    ))
}

/// One line each, and the worst of them as the exit code.
fn told(start: &Start, found: &[Line]) -> Result<u8, Failed> {
    let json = start.global.output == Output::Json;
    let (mut text, mut worst) = (String::new(), OK);
    for line in found {
        worst = worse(worst, &line.verdict);
        let note = line.note.as_ref();
        // A string takes whatever is written.
        let _ = if json {
            let mut document = document(&line.name, &line.verdict);
            if let Some(note) = note {
                document["note"] = json!(note);
            }
            write!(text, "{}", print::line(&document))
        } else {
            let note = note.map_or_else(String::new, |note| format!("; {note}"));
            let words = words(&line.verdict);
            writeln!(text, "{}: {words}{note}", sanitize(&line.name))
        };
    }
    if found.is_empty() && !json {
        text.push_str("Nothing has been recorded yet.\n");
    }
    print::text(&text)?;
    Ok(worst)
}

/// The first approval of a run that its key did not sign.
fn unsigned(run: &str, entries: &[Entry]) -> Option<(u64, String)> {
    let mut records = entries.iter().zip(1..);
    records.find_map(|(entry, record)| match &entry.fact {
        Fact::Approval {
            step,
            granted,
            text,
            ..
        } => {
            let why = approval::recheck(granted, run, step, text).err()?;
            Some((record, format!("the approval in it does not hold: {why}")))
        }
        _ => None,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| {
        Failed::new(
            UNKNOWN,
            format!(
                "cannot read {}: {}",
                path.display(),
                crate::journal::in_words(&error)
            ),
        )
    })
}

/// Broken is worse than incomplete, whatever the numbers of the codes.
fn worse(so_far: u8, verdict: &Verified) -> u8 {
    match verdict {
        Verified::Broken(_) => NO,
        Verified::Incomplete { .. } if so_far == OK => FAILING,
        _ => so_far,
    }
}

fn words(verdict: &Verified) -> String {
    match verdict {
        Verified::Ok {
            records,
            witnessed: true,
            ..
        } => format!("ok, {records} records, the anchor is among them"),
        Verified::Ok { records, head, .. } => format!(
            "internally consistent, {records} records, tail not witnessed; last hash {head}"
        ),
        Verified::Broken(damage) if damage.record == 0 => {
            format!("BROKEN: {}", sanitize(&damage.why))
        }
        Verified::Broken(damage) => format!(
            "BROKEN at record {} (byte {}): {}",
            damage.record,
            damage.offset,
            sanitize(&damage.why)
        ),
        Verified::Incomplete { records, why } => {
            format!("incomplete after {records} records: {}", sanitize(why))
        }
    }
}

fn document(name: &str, verdict: &Verified) -> Value {
    match verdict {
        Verified::Ok {
            records,
            head,
            witnessed,
        } => {
            json!({"schema": 1, "file": name, "state": "ok", "records": records, "head": head, "witnessed": witnessed})
        }
        Verified::Broken(damage) => {
            json!({"schema": 1, "file": name, "state": "broken", "record": damage.record, "offset": damage.offset, "why": damage.why})
        }
        Verified::Incomplete { records, why } => {
            json!({"schema": 1, "file": name, "state": "incomplete", "records": records, "why": why})
        }
    }
}
