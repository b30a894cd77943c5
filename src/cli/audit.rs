//! `vigie audit`: whether the record still is as it was written, and the record itself.

mod show;

use super::args::{Audit as Asked, Output};
use super::exit::{FAILING, Failed, NO, OK, UNKNOWN};
use super::print;
use super::session::Start;
use crate::journal::audit::verify_bytes;
use crate::journal::tar::is_tar;
use crate::journal::{Audit, Incidents, RealDisk, Runs, Verified, bundle, record};
use crate::runbook::approval;
use crate::runbook::machine::Fact;
use crate::ui::widget::text::sanitize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// `vigie audit`.
pub fn audit(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    match asked {
        Asked::Verify { file, anchor } => verify(start, file.as_deref(), anchor.as_deref()),
        Asked::Show { run } => show::show(start, run.as_deref()),
    }
}

fn verify(start: &Start, file: Option<&Path>, anchor: Option<&str>) -> Result<u8, Failed> {
    let mut found: Vec<(String, Verified)> = Vec::new();
    if let Some(file) = file {
        let bytes = read(file)?;
        let verdict = if is_tar(&bytes) {
            bundle::verify(&bytes, anchor)
        } else if bytes.first() == Some(&b'{') {
            verify_bytes(&bytes, anchor)
        } else {
            record::verify(&bytes, anchor)
        };
        found.push((file.display().to_string(), verdict));
    } else {
        let state = start.loaded.state_dir();
        let log = Audit::new(&state, RealDisk);
        if !log.files().is_empty() {
            let name = state.join("audit.log").display().to_string();
            found.push((name, log.verify(None)?.verdict));
        }
        let (listed, broken) = Runs::new(&state, RealDisk).list();
        for run in listed {
            let path = run.dir.join("journal");
            let mut verdict = record::verify(&read(&path)?, None);
            if let (Verified::Ok { .. }, Some(damage)) = (&verdict, unsigned(&state, &run.dir)) {
                verdict = Verified::Broken(damage);
            }
            found.push((path.display().to_string(), verdict));
        }
        let incidents = Incidents::new(&state, RealDisk);
        for id in incidents.ids() {
            let path = incidents.file(id);
            let verdict = record::verify(&read(&path)?, None);
            found.push((path.display().to_string(), verdict));
        }
        for (dir, why) in broken {
            let damage = record::Damage {
                record: 0,
                offset: 0,
                why,
            };
            found.push((dir.display().to_string(), Verified::Broken(damage)));
        }
    }
    let json = start.global.output == Output::Json;
    let (mut text, mut worst) = (String::new(), OK);
    for (name, verdict) in &found {
        worst = worse(worst, verdict);
        // A string takes whatever is written.
        let _ = if json {
            write!(text, "{}", print::line(&document(name, verdict)))
        } else {
            writeln!(text, "{}: {}", sanitize(name), words(verdict))
        };
    }
    if found.is_empty() && !json {
        text.push_str("Nothing has been recorded yet.\n");
    }
    print::text(&text)?;
    Ok(worst)
}

/// The first approval of a run that its key did not sign.
fn unsigned(state: &Path, run: &Path) -> Option<record::Damage> {
    let (header, entries, _) = Runs::new(state, RealDisk).peek(run).ok()?;
    let id = header.start.run.as_str();
    let mut records = entries.iter().zip(1..);
    records.find_map(|(entry, record)| match &entry.fact {
        Fact::Approval {
            step,
            granted,
            text,
            ..
        } => {
            let why = approval::recheck(granted, id, step, text).err()?;
            Some(record::Damage {
                record,
                offset: 0,
                why: format!("the approval in it does not hold: {why}"),
            })
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
