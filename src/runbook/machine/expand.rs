//! Repetition written out: a step with `each` becomes one step for every item as soon as its list is known. Lists come
//! from parameters and from what earlier steps found, both in the journal, so a replay writes out the same.

use serde_json::Value;

use crate::runbook::machine::ledger::{StepRecord, StepState};
use crate::runbook::machine::run::Run;
use crate::runbook::model::{Each, Step, StepKind};
use crate::runbook::prose::bounded;
use crate::runbook::template::plain;

/// The most items a list may have: more is a mistake of whoever selected them.
pub(super) const MOST: usize = 500;

impl Run {
    /// Writes out every repetition whose list has become known. An empty list stays as it is: reaching it is an error.
    pub(super) fn expand(&mut self) {
        let mut index = 0;
        while index < self.plan.len() {
            let pending = self.ledger.steps[index].state == StepState::Pending;
            let items = repetition(&self.plan[index])
                .filter(|_| pending)
                .and_then(|each| self.items(index, &each));
            match items {
                Some(items) if !items.is_empty() && items.len() <= MOST => {
                    let steps = written_out(&self.plan[index], &items);
                    let records = steps.iter().map(|step| StepRecord::new(step.id.clone()));
                    let records: Vec<StepRecord> = records.collect();
                    self.plan.splice(index..=index, steps);
                    self.ledger.steps.splice(index..=index, records);
                    // What was written out may repeat something itself.
                }
                _ => index += 1,
            }
        }
    }

    /// The items of a list in the order they are taken; `None` while the list is not known.
    fn items(&self, index: usize, each: &Each) -> Option<Vec<Value>> {
        let found = self.scope_of(&self.plan[index], None).get(&each.over)?;
        let mut items = found.as_array().cloned()?;
        let place = |item: &Value| {
            let role = item.get("role").and_then(Value::as_str);
            let place = each.order.iter().position(|one| Some(one.as_str()) == role);
            place.unwrap_or(each.order.len())
        };
        items.sort_by_key(place);
        Some(items)
    }

    /// Why a repetition that was reached cannot go on.
    pub(super) fn unrepeated(&self, index: usize) -> Option<String> {
        let each = repetition(&self.plan[index])?;
        Some(match self.items(index, &each) {
            None => format!("`{}` is no list", each.over),
            Some(items) if items.is_empty() => {
                format!("`{}` is empty: that never means everything", each.over)
            }
            Some(items) => format!(
                "`{}` has {} items: more than {MOST} are not taken for meant",
                each.over,
                items.len()
            ),
        })
    }
}

fn repetition(step: &Step) -> Option<Each> {
    match &step.kind {
        StepKind::Each { over, .. } => Some(over.clone()),
        _ => step.each.clone(),
    }
}

/// One step, or one body of steps, for every item.
fn written_out(step: &Step, items: &[Value]) -> Vec<Step> {
    let each = repetition(step);
    let variable = each.and_then(|each| each.var);
    let variable = variable.unwrap_or_else(|| "item".to_owned());
    let mut names: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for item in items {
        let value = item.get("ref").unwrap_or(item);
        let name = item.get("name").map_or_else(|| plain(value), plain);
        let mut name = bounded(&name.replace(['[', ']', '/'], "-"), 70);
        if names.contains(&name) {
            name = format!("{name}#{}", names.len() + 1);
        }
        let path = format!("{}[{name}]", step.id);
        names.push(name);
        let mut vars = step.vars.clone();
        vars.insert(variable.clone(), value.clone());
        let with = |inner: &Step, id: String| Step {
            id,
            vars: vars.clone(),
            section: step.section,
            ..inner.clone()
        };
        if let StepKind::Each { body, .. } = &step.kind {
            for inner in body {
                let when = super::run::both(step.when.clone(), inner.when.clone());
                let inner = with(inner, format!("{path}/{}", inner.id));
                all.push(Step { when, ..inner });
            }
        } else {
            let one = with(step, path);
            all.push(Step { each: None, ..one });
        }
    }
    all
}
