//! The schema of runbook files, gathered by running every reader over an empty table: it cannot differ from what
//! the readers accept.

use serde_json::{Map, Value, json};

use crate::runbook::format::gates::SIGNALS;
use crate::runbook::format::reader::Reader;
use crate::runbook::format::sink::{Sink, document};
use crate::runbook::format::{front, steps};
use crate::runbook::model::{KINDS, OnFailure, PLANNED, ParamType, Risk, Then};

/// Everything a file may say, as JSON: kinds with their keys, words, signals.
pub fn schema() -> Value {
    let mut kinds = Map::new();
    for name in KINDS
        .iter()
        .copied()
        .chain(PLANNED.iter().map(|(name, ..)| *name))
    {
        let source = format!("id = \"x\"\nkind = \"{name}\"\ntarget = \"x\"\nin = \"run.id\"\n");
        let sink = Sink::new("schema", &source);
        let Some(table) = document(&sink, &source, 0..source.len()) else {
            continue;
        };
        let reader = Reader::new(&sink, &table, 0, "step");
        let mutates = steps::step_kind(&reader).is_some_and(|kind| kind.mutates());
        let mut keys = reader.asked();
        keys.sort_unstable();
        keys.dedup();
        let runs = !PLANNED.iter().any(|(planned, ..)| *planned == name);
        kinds.insert(
            name.to_owned(),
            json!({"keys": keys, "mutates": mutates, "runs": runs}),
        );
    }
    json!({
        "schema": front::SCHEMA,
        "kinds": kinds,
        "common_keys": steps::COMMON_KEYS,
        "parameter_types": ParamType::WORDS,
        "risk": Risk::WORDS,
        "on_failure": OnFailure::WORDS,
        "then": Then::WORDS,
        "signals": SIGNALS.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "conditions": ["param", "step", "env", "severity", "all", "any"],
        "tests": ["is", "in", "not", "has", "limit"],
    })
}
