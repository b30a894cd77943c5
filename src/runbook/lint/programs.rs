//! Steps that start programs: what holds for every other change and cannot hold for them. Nothing shows afterwards what a
//! program did, so nothing is repeated, put back or gone on from by itself.

use crate::runbook::model::{Runbook, Step, StepKind, Then, Undo};
use crate::runbook::place::Place;
use crate::runbook::template::Path;

/// What is wrong with how programs are started and taken back.
pub fn wrong(runbook: &Runbook) -> Vec<(Place, String, &'static str)> {
    let blocks = runbook.blocks.values().flatten();
    let steps = runbook.steps.iter().chain(blocks);
    let inner = |step: &Step| match &step.kind {
        StepKind::Each { body, .. } => body.clone(),
        _ => vec![step.clone()],
    };
    let mut found = Vec::new();
    for step in steps.flat_map(inner) {
        let starts = |kind: &StepKind| matches!(kind, StepKind::Exec { .. });
        let undo = match &step.undo {
            Some(Undo::Act(kind, _)) => Some(starts(kind)),
            _ => None,
        };
        let mut say = |message: String, help| found.push((step.place, message, help));
        let id = &step.id;
        if !starts(&step.kind) {
            if undo == Some(true) {
                say(
                    format!("step `{id}`: a program cannot take back a change of an object"),
                    "undo = \"previous-values\", or an action on the same object",
                );
            }
            continue;
        }
        if undo == Some(false) || matches!(step.undo, Some(Undo::Restore)) {
            say(
                format!("step `{id}`: only another program takes back what a program did"),
                "undo = { kind = \"exec\", argv = [\"PROGRAM\", …] }, or \"none\" with `why`",
            );
        }
        let then = step.timeout.as_ref().map(|timeout| timeout.then);
        if then.is_some_and(|then| !matches!(then, Then::Pause | Then::Ask)) {
            say(
                format!("step `{id}`: what a program had done when it was killed, a person says"),
                "then = \"pause\"",
            );
        }
        if step.retry.is_some() {
            say(
                format!("step `{id}`: a program is not repeated by itself"),
                "remove `retry`",
            );
        }
        if step.wait.is_some() {
            say(
                format!("step `{id}`: there is no rollout of a program"),
                "remove `wait`; a step of kind check or gate after it can wait",
            );
        }
        let reads = |path: &Path| matches!(path, Path::Out(tail) if tail.first().is_some_and(|name| name == "stdout"));
        let asked = step.checks.iter().map(|check| &check.that);
        if step.sensitive_output && asked.chain(step.capture.values()).any(reads) {
            say(
                format!("step `{id}`: its output is not kept, so nothing can be read from it"),
                "remove `sensitive_output`, or what asks for `out.stdout`",
            );
        }
    }
    found
}
