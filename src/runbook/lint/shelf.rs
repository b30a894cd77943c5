//! Rules that need more than one runbook: what a `call` names, gives and leads to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::runbook::model::{Runbook, Step, StepKind};
use crate::runbook::place::{Place, Problem, Severity, nearest};
use crate::runbook::prose::bounded;

/// How deep runbooks may call each other.
pub const DEEPEST: usize = 4;

/// One call of another runbook.
struct Call<'r> {
    place: Place,
    step: &'r str,
    runbook: String,
    with: BTreeMap<String, Value>,
}

/// What is wrong with the calls of one runbook, held against the runbooks beside it. Where an id stands twice, the last
/// one counts: it is the one that would be called.
pub fn calls(file: &str, runbook: &Runbook, shelf: &[&Runbook]) -> Vec<Problem> {
    let known: BTreeMap<&str, &Runbook> = shelf
        .iter()
        .copied()
        .chain([runbook])
        .map(|book| (book.id.as_str(), book))
        .collect();
    let mut problems = Vec::new();
    for call in calls_of(runbook) {
        let mut error = |message: String, help: Option<String>| {
            problems.push(Problem {
                file: file.to_owned(),
                place: call.place,
                severity: Severity::Error,
                message: format!("step `{}`: {message}", bounded(call.step, 70)),
                help,
            });
        };
        // What is only known in the run cannot be held against anything here.
        if call.runbook.contains("{{") {
            continue;
        }
        let Some(called) = known.get(call.runbook.as_str()) else {
            let near = nearest(&call.runbook, known.keys().copied());
            let ids: Vec<&str> = known.keys().copied().collect();
            let help = near.map_or_else(
                || format!("there are {}", ids.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            error(
                format!("no runbook `{}`", bounded(&call.runbook, 70)),
                Some(help),
            );
            continue;
        };
        given(called, &call.with, &mut error);
        if let Some(circle) = circle(&known, runbook, called) {
            error(
                format!("a call that comes back to where it began: {circle}"),
                Some("a runbook is called by others, never by itself".to_owned()),
            );
        } else if let Some(depth) = too_deep(&known, called) {
            error(
                format!("calls {depth} deep, at most {DEEPEST} are carried out"),
                Some("call the last one directly".to_owned()),
            );
        }
    }
    problems
}

/// Parameters that the called runbook does not know or does not take, and those it needs.
fn given(
    called: &Runbook,
    with: &BTreeMap<String, Value>,
    error: &mut impl FnMut(String, Option<String>),
) {
    for (name, value) in with {
        let Some(param) = called.param(name) else {
            let near = nearest(name, called.params.iter().map(|param| param.name.as_str()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            error(
                format!("{} has no parameter `{}`", called.id, bounded(name, 70)),
                help,
            );
            continue;
        };
        let fixed = value.as_str().is_none_or(|text| !text.contains("{{"));
        let read = match value {
            Value::String(text) => param.read(text),
            other => param.admit(other.clone()),
        };
        if let (true, Err(why)) = (fixed, read) {
            error(format!("{}: {why}", called.id), None);
        }
    }
    // What a run passes on by itself is not missing.
    let passed = ["namespace", "reason"];
    for param in &called.params {
        let missing = param.required
            && param.default.is_none()
            && !with.contains_key(&param.name)
            && !passed.contains(&param.name.as_str());
        if missing {
            error(
                format!("{} needs `{}`", called.id, param.name),
                Some(format!("add it to `with`, as {{ {} = \"…\" }}", param.name)),
            );
        }
    }
}

fn calls_of(runbook: &Runbook) -> Vec<Call<'_>> {
    let mut found = Vec::new();
    gather(&runbook.steps, &mut found);
    for block in runbook.blocks.values() {
        gather(block, &mut found);
    }
    found
}

fn gather<'r>(steps: &'r [Step], found: &mut Vec<Call<'r>>) {
    for step in steps {
        if let StepKind::Each { body, .. } = &step.kind {
            gather(body, found);
        }
        if step.kind.name() != "call" {
            continue;
        }
        let data = serde_json::to_value(&step.kind).unwrap_or_default();
        let part = |key: &str| {
            let own = data.get(key).filter(|value| !value.is_null());
            own.or_else(|| data.get("keys")?.get(key)).cloned()
        };
        let with = part("with").and_then(|with| serde_json::from_value(with).ok());
        found.push(Call {
            place: step.place,
            step: &step.id,
            runbook: part("runbook")
                .and_then(|id| id.as_str().map(str::to_owned))
                .unwrap_or_default(),
            with: with.unwrap_or_default(),
        });
    }
}

/// The way back to where the calls began, if there is one.
fn circle(known: &BTreeMap<&str, &Runbook>, from: &Runbook, called: &Runbook) -> Option<String> {
    let mut way = vec![from.id.clone()];
    let mut seen = BTreeSet::new();
    back(known, &from.id, called, &mut seen, &mut way).then(|| way.join(" → "))
}

fn back(
    known: &BTreeMap<&str, &Runbook>,
    to: &str,
    at: &Runbook,
    seen: &mut BTreeSet<String>,
    way: &mut Vec<String>,
) -> bool {
    way.push(at.id.clone());
    if at.id == to {
        return true;
    }
    if seen.insert(at.id.clone()) {
        for call in calls_of(at) {
            if let Some(next) = known.get(call.runbook.as_str())
                && back(known, to, next, seen, way)
            {
                return true;
            }
        }
    }
    way.pop();
    false
}

/// How deep the calls go from a called runbook on, where that is too deep. A circle further down is told where it begins.
fn too_deep(known: &BTreeMap<&str, &Runbook>, called: &Runbook) -> Option<usize> {
    let depth = depth(known, called, 1);
    (depth > DEEPEST).then_some(depth)
}

fn depth(known: &BTreeMap<&str, &Runbook>, at: &Runbook, so_far: usize) -> usize {
    if so_far > DEEPEST {
        return so_far;
    }
    let next = calls_of(at).into_iter().filter_map(|call| {
        let next = known.get(call.runbook.as_str())?;
        Some(depth(known, next, so_far + 1))
    });
    next.max().unwrap_or(so_far)
}
