//! Lists in a runbook: what is shown, what is there twice, what comes before what, what may be empty.

use std::collections::BTreeSet;

use crate::runbook::check::Test;
use crate::runbook::model::{Branch, ObjectStep, Runbook, Step, StepKind, Undo};
use crate::runbook::place::Place;
use crate::runbook::template::Path;

/// Whether a step shows the front matter's list.
pub fn lists_front(runbook: &Runbook) -> bool {
    let blocks = runbook.blocks.values().flatten();
    let mut steps = runbook.steps.iter().chain(blocks);
    steps.any(|step| matches!(&step.kind, StepKind::Checklist { items } if items.is_empty()))
}

/// The id of an option that is there twice.
pub fn twice(options: &[Branch]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    let mut ids = options.iter().map(|option| option.id.as_str());
    ids.find(|id| !seen.insert(*id))
}

/// Whether one step stands before another.
pub fn before(runbook: &Runbook, one: &str, other: &str) -> bool {
    let at = |id: &str| runbook.steps.iter().position(|step| step.id == id);
    matches!((at(one), at(other)), (Some(one), Some(other)) if one < other)
}

/// What is wrong with how Applications are suspended and resumed: only what a run suspended can it resume, and how it
/// is resumed is not for the file to say.
pub fn suspensions(runbook: &Runbook) -> Vec<(Place, String, &'static str)> {
    let blocks = runbook.blocks.values().flatten();
    let (mut suspended, mut wrong) = (BTreeSet::new(), Vec::new());
    for step in runbook.steps.iter().chain(blocks) {
        let StepKind::Object(object) = &step.kind else {
            continue;
        };
        let name = object.target().map_or("", |at| at.target.source());
        match object {
            ObjectStep::Suspend { .. } => {
                suspended.insert(name.to_owned());
                if !matches!(step.undo, Some(Undo::Restore)) {
                    let message = format!("step `{}`: its way back is its own", step.id);
                    wrong.push((
                        step.place,
                        message,
                        "remove `undo`: however the run ends, it is resumed",
                    ));
                }
            }
            ObjectStep::Resume { .. } if !suspended.contains(name) => {
                let message = format!(
                    "step `{}` resumes what no step before it suspended",
                    step.id
                );
                wrong.push((
                    step.place,
                    message,
                    "put argocd.suspend of the same name before it",
                ));
            }
            _ => {}
        }
    }
    wrong
}

/// Steps whose kind the format knows and the machine does not: a run is refused before it begins.
pub fn not_carried_out(runbook: &Runbook) -> Vec<(Place, String)> {
    let blocks = runbook.blocks.values().flatten();
    let bodies = |step: &Step| match &step.kind {
        StepKind::Each { body, .. } => body.clone(),
        _ => vec![step.clone()],
    };
    let steps = runbook.steps.iter().chain(blocks).flat_map(bodies);
    let planned = steps.filter(|step| matches!(step.kind, StepKind::Planned { .. }));
    let told = planned.map(|step| {
        let message = format!(
            "step `{}`: this version does not carry out `{}`; a run of this file is refused before it begins",
            step.id,
            step.kind.name()
        );
        (step.place, message)
    });
    told.collect()
}

/// Whether a list is known to hold something: declared in the file, or checked before.
pub fn never_empty(runbook: &Runbook, path: &Path) -> bool {
    match path {
        Path::Param(name, _) => runbook.param(name).is_some_and(|param| {
            param.required
                || param
                    .default
                    .as_ref()
                    .is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()))
        }),
        Path::Step(id, tail) => runbook.steps.iter().any(|step| {
            let captured = step.id == *id;
            let source = tail.first().and_then(|name| step.capture.get(name));
            step.checks.iter().any(|check| {
                let not_empty =
                    matches!(&check.test, Test::Not(value) if value.as_str() == Some("empty"));
                not_empty && (check.that == *path || (captured && Some(&check.that) == source))
            })
        }),
        _ => false,
    }
}
