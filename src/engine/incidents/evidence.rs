//! A run of before as evidence: that it is on this machine, that its journal holds, how it ended, and what it recorded.

use crate::journal::record::Condition;
use crate::journal::{RealDisk, Runs};
use crate::runbook::machine::Fact;
use crate::runbook::prose::bounded;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

/// The longest of what a run recorded that is repeated.
const LONGEST: usize = 400;
/// The step that shipped runbooks record their result in.
const RECORD: &str = "record";

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its id.
    pub run: String,
    /// Its runbook.
    pub runbook: String,
    /// The namespace it was about.
    pub namespace: String,
    /// The workload it was about, where it named one.
    pub workload: Option<String>,
    /// Whether it went to its good end.
    pub good: bool,
    /// Whether it settled a checklist.
    pub checklist: bool,
    /// The items that somebody went past although they were seen to be false, by step.
    pub overridden: Vec<String>,
    /// When it began, how it ended, what it recorded: in words.
    pub text: String,
}

/// The evidence that a run is, or why it is none. Reads the disk.
pub fn of(state: &Path, run: &str) -> Result<Evidence, String> {
    let runs = Runs::new(state, RealDisk);
    let dir = runs.find(run.trim())?;
    let (header, entries, condition) = runs.peek(&dir).map_err(|error| error.to_string())?;
    let id = header.start.run.as_str().to_owned();
    if let Condition::Damaged(damage) = condition {
        let why = crate::journal::JournalError::Damaged(damage);
        return Err(format!("run {id} proves nothing: {why}"));
    }
    let ended = entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::End { state, message, .. } => Some((entry.ts, *state, message.clone())),
        _ => None,
    });
    let recorded = entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Done { step, out, .. } if step == RECORD => out.as_object(),
        _ => None,
    });
    let lists: Vec<(&String, &Value)> = entries
        .iter()
        .filter_map(|entry| match &entry.fact {
            Fact::Done { step, out, .. } if out.get("items").is_some() => Some((step, out)),
            _ => None,
        })
        .collect();
    let gone = lists.iter().filter_map(|(step, out)| {
        let items = out["overridden"]
            .as_str()
            .filter(|items| *items != "none")?;
        Some(format!("{step}: {items}"))
    });
    let workload = header.start.params.get("workload");
    let workload = workload.map(crate::runbook::template::plain);
    let began = header.created.strftime("%Y-%m-%d %H:%M:%SZ");
    let mut text = format!("began {began}");
    if let Some(workload) = &workload {
        // A string takes whatever is written.
        let _ = write!(text, ", {workload}");
    }
    match &ended {
        Some((at, state, message)) => {
            let word = serde_json::to_value(state).unwrap_or_default();
            let word = word.as_str().unwrap_or_default().to_owned();
            let at = at.strftime("%Y-%m-%d %H:%M:%SZ");
            let _ = write!(text, ", ended {at} {word}: {message}");
        }
        None => text.push_str(", not ended"),
    }
    for (name, value) in recorded.into_iter().flatten() {
        // What it was about stands there already.
        if !["workload", "namespace"].contains(&name.as_str()) {
            let value = crate::runbook::template::plain(value);
            let _ = write!(text, "; {name}: {value}");
        }
    }
    Ok(Evidence {
        run: id,
        runbook: header.start.runbook.clone(),
        namespace: header.start.target.namespace.clone(),
        workload,
        checklist: !lists.is_empty(),
        overridden: gone.collect(),
        good: ended
            .is_some_and(|(_, state, _)| state == crate::runbook::machine::RunState::Succeeded),
        text: bounded(&text, LONGEST),
    })
}
