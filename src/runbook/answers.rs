//! Answers given beforehand, by `STEP` or `STEP.ITEM`, held against the runbook: one that nothing will ask for is a
//! slip, and said before anything begins.

use std::collections::BTreeSet;

use crate::runbook::model::{ChecklistItem, Runbook, Step, StepKind};
use crate::runbook::place::nearest;
use crate::runbook::prose::bounded;

/// A sentence for each key that names no step or item of the runbook.
pub fn unknown<'k>(runbook: &Runbook, keys: impl Iterator<Item = &'k String>) -> Vec<String> {
    let mut known = BTreeSet::new();
    gather(&runbook.steps, &runbook.checklist, &mut known);
    for block in runbook.blocks.values() {
        gather(block, &runbook.checklist, &mut known);
    }
    let mut wrong = Vec::new();
    for key in keys {
        // What a step stands in (`use/step`, `each/step[0]`) is only known once the run has begun.
        let last = key.rsplit('/').next().unwrap_or(key);
        let bare: String = match last.split_once('[') {
            Some((before, after)) => {
                let rest = after.split_once(']').map_or("", |(_, rest)| rest);
                format!("{before}{rest}")
            }
            None => last.to_owned(),
        };
        if key.contains('/') || known.contains(bare.as_str()) {
            continue;
        }
        let near = nearest(&bare, known.iter().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        wrong.push(format!(
            "--answer {}: runbook {} asks for no such thing{hint}",
            bounded(key, 80),
            runbook.id
        ));
    }
    wrong
}

fn gather(steps: &[Step], front: &[ChecklistItem], known: &mut BTreeSet<String>) {
    for step in steps {
        known.insert(step.id.clone());
        match &step.kind {
            StepKind::Checklist { items } => {
                let items = if items.is_empty() { front } else { items };
                known.extend(items.iter().map(|item| format!("{}.{}", step.id, item.id)));
            }
            StepKind::Each { body, .. } => gather(body, front, known),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{SHIPPED, format};

    #[test]
    fn an_answer_nobody_asks_for_is_told_with_the_nearest_that_is() {
        let shipped = SHIPPED
            .iter()
            .find(|one| one.id == "deploy-checklist")
            .unwrap();
        let book = format::parse(shipped.file, shipped.text).unwrap();
        let of = |key: &str| unknown(&book, [key.to_owned()].iter());
        assert!(
            of("before.tests").is_empty() && of("workload").is_empty() && of("later/x").is_empty()
        );
        assert_eq!(
            of("before.test"),
            [
                "--answer before.test: runbook deploy-checklist asks for no such thing; did you mean `before.tests`?"
            ]
        );
    }
}
