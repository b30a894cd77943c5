//! What the audit log and the runs' journals say of each other. A record goes into the journal first and into the log right
//! after it: a process that was stopped between the two leaves the journal ahead, and whoever takes the run up again adds
//! what is missing. A log that knows more than a journal tells of one that was cut.

use super::records::{self, Who};
use crate::journal::audit;
use crate::journal::{Audit, RealDisk, Runs, in_words};
use crate::runbook::machine::{Entry, Start};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the log says of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// All that belongs there.
    Whole,
    /// So many of its last records are not there: it was stopped between the two.
    Behind(usize),
    /// So many records are not there, this one first, though later ones are or nothing is.
    Missing(usize, u64),
    /// It has so many records that the journal has not: this one first, by its number in the log.
    Cut(usize, u64),
}

/// Records of the log that are made of a journal's.
const COPIED: [&str; 15] = [
    "run.start",
    "run.preflight",
    "run.needs-human",
    "run.resumed",
    "run.interrupted",
    "run.rolling-back",
    "run.ending",
    "run.end",
    "run.note",
    "decision",
    "step.awaiting",
    "step.intent",
    "step.outcome",
    "step.unknown",
    "step.probe",
];

/// The audit log, read once, by run.
#[derive(Debug, Default)]
pub struct Log {
    /// Event and time of each copied record, with its number.
    by_run: BTreeMap<String, Vec<(String, u64)>>,
    began: BTreeMap<String, u64>,
    pruned: BTreeSet<String>,
    /// The time of the first record, where others were pruned before it.
    since: Option<String>,
}

fn mark(event: &str, ts: &str) -> String {
    format!("{event} {ts}")
}

impl Log {
    /// Of a state directory.
    pub fn read(state: &Path) -> Result<Self, String> {
        let read = Audit::new(state, RealDisk).read();
        let records = read.map_err(|error| format!("the audit log: {}", in_words(&error)))?;
        let first = records.first();
        let mut log = Self {
            since: first
                .filter(|record| record["seq"] != 1)
                .and_then(|record| record["ts"].as_str().map(str::to_owned)),
            ..Self::default()
        };
        for record in &records {
            log.learn(record);
        }
        Ok(log)
    }

    fn learn(&mut self, record: &Value) {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let event = text("/event").unwrap_or_default();
        let number = audit::number(record);
        let pruned = record.pointer("/pruned/runs").and_then(Value::as_array);
        for run in pruned.into_iter().flatten() {
            self.pruned.extend(run["run"].as_str().map(str::to_owned));
        }
        // What a runbook writes of its own accord has its fields apart.
        if !COPIED.contains(&event) || record.get("fields").is_some() {
            return;
        }
        let Some(run) = text("/run/id") else { return };
        if event == "run.start" {
            self.began.insert(run.to_owned(), number);
        }
        let mark = mark(event, text("/ts").unwrap_or_default());
        self.by_run
            .entry(run.to_owned())
            .or_default()
            .push((mark, number));
    }

    /// What it says of a run whose journal has these entries.
    pub fn of(&self, run: &str, entries: &[Entry]) -> Seen {
        let mut known: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (mark, number) in self.by_run.get(run).into_iter().flatten() {
            known.entry(mark).or_default().push(*number);
        }
        let (mut missing, mut last_seen) = (Vec::new(), 0);
        for (entry, record) in entries.iter().zip(1_u64..) {
            let (event, ts) = (entry.fact.name(), entry.ts.to_string());
            let older = self.since.as_ref().is_some_and(|since| ts < *since);
            if !COPIED.contains(&event.as_str()) || older {
                continue;
            }
            match known.get_mut(mark(&event, &ts).as_str()).and_then(Vec::pop) {
                Some(_) => last_seen = record,
                None => missing.push(record),
            }
        }
        let more: Vec<u64> = known.into_values().flatten().collect();
        let inside = missing.first().is_some_and(|first| *first < last_seen);
        match (more.iter().min(), missing.first()) {
            (Some(first), _) => Seen::Cut(more.len(), *first),
            (None, None) => Seen::Whole,
            (None, Some(first)) if inside || last_seen == 0 => Seen::Missing(missing.len(), *first),
            (None, Some(_)) => Seen::Behind(missing.len()),
        }
    }

    /// The runs that the log saw begin, that have no folder any more and were not pruned, with the record of their beginning.
    pub fn gone(&self, there: &BTreeSet<String>) -> Vec<(String, u64)> {
        let began = self.began.iter();
        let gone = began.filter(|(run, _)| !there.contains(*run) && !self.pruned.contains(*run));
        gone.map(|(run, number)| (run.clone(), *number)).collect()
    }
}

/// The runs whose folders are there, whatever is in them.
pub fn there(state: &Path) -> BTreeSet<String> {
    let dirs = Runs::new(state, RealDisk).dirs();
    let names = dirs.iter().filter_map(|dir| dir.file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// Adds to the log what a run's journal has and the log has not, before anything more is written.
pub fn mend(state: &Path, start: &Start, entries: &[Entry], by: &Who) -> Result<(), String> {
    let log = Log::read(state)?;
    let (Seen::Behind(count) | Seen::Missing(count, 1)) = log.of(start.run.as_str(), entries)
    else {
        return Ok(());
    };
    let copied = entries
        .iter()
        .rev()
        .filter(|entry| COPIED.contains(&entry.fact.name().as_str()));
    let Some(first) = copied.take(count).last() else {
        return Ok(());
    };
    let from = entries.iter().position(|entry| std::ptr::eq(entry, first));
    records::audit_late(state, start, by, &entries[from.unwrap_or_default()..])
}
