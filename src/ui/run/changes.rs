//! What a run has changed, folded: every object with what was done to it, restarts together. Shown where a person decides and
//! where the run is over; field by field it stands on a page of its own.

use crate::runbook::machine::{Run, StepRecord, StepState};
use crate::ui::paper::Paper;

/// The kind of a step that restarts pods and changes nothing else.
const RESTART: &str = "k8s.rollout-restart";

/// What was changed, in the order of the first change of each object.
#[derive(Debug, Default)]
pub struct Changed {
    /// Objects with the lines of what was done to each.
    pub objects: Vec<(String, Vec<String>)>,
    /// What was restarted, and how often.
    pub restarted: Vec<(String, usize)>,
    /// Changes that may have landed, each as a sentence.
    pub doubtful: Vec<String>,
}

/// Gathers what is in force now.
pub fn changed(run: &Run) -> Changed {
    let steps = run.ledger().steps.iter();
    let sure = |record: &&StepRecord| record.effective() && doubtful(record).is_none();
    Changed {
        doubtful: steps.clone().filter_map(doubtful).collect(),
        ..folded(steps.filter(sure))
    }
}

/// Gathers what was changed and taken back again.
pub fn taken_back(run: &Run) -> Changed {
    let steps = run.ledger().steps.iter();
    folded(steps.filter(|record| record.state == StepState::Undone))
}

fn folded<'a>(records: impl Iterator<Item = &'a StepRecord>) -> Changed {
    let mut changed = Changed::default();
    for effect in records.filter_map(|record| record.effect.as_ref()) {
        let planned = &effect.action.planned;
        let name = planned.object.short();
        if planned.kind == RESTART {
            match changed
                .restarted
                .iter_mut()
                .find(|(known, _)| *known == name)
            {
                Some((_, times)) => *times += 1,
                None => changed.restarted.push((name, 1)),
            }
            continue;
        }
        let lines = planned.lines.join(", ");
        match changed.objects.iter_mut().find(|(known, _)| *known == name) {
            Some((_, said)) => said.push(lines),
            None => changed.objects.push((name, vec![lines])),
        }
    }
    changed
}

/// A change or an undo whose outcome nobody knows.
fn doubtful(record: &StepRecord) -> Option<String> {
    let open = |state| matches!(state, StepState::Intent | StepState::Unknown);
    let undo = record.undo.as_ref().filter(|undo| open(undo.state));
    let sent = undo.or(record.effect.as_ref().filter(|effect| open(effect.state)))?;
    let planned = &sent.action.planned;
    let what = if undo.is_some() { "undo of " } else { "" };
    let lines = planned.lines.join(", ");
    Some(format!(
        "{}: {what}{lines} may have landed",
        planned.object.short()
    ))
}

impl Changed {
    /// Writes it, under this name.
    pub fn write(&self, label: &str, paper: &mut Paper<'_>) {
        let theme = paper.theme;
        for (object, said) in &self.objects {
            // What was done last is what stands; how often it was touched says that there was more.
            let last = said.last().map_or("", String::as_str);
            let times = match said.len() {
                0 | 1 => String::new(),
                times => format!(" (the last of {times} changes)"),
            };
            paper.fact(label, &format!("{object}: {last}{times}"), theme.text());
        }
        if !self.restarted.is_empty() {
            let each = self.restarted.iter().map(|(name, times)| match times {
                1 => name.clone(),
                times => format!("{name} ({times} times)"),
            });
            let each: Vec<String> = each.collect();
            paper.fact("restarted", &each.join(", "), theme.text());
        }
        for said in &self.doubtful {
            paper.fact("not known", said, theme.strong());
        }
    }

    /// How many objects.
    pub fn count(&self) -> usize {
        self.objects.len() + self.restarted.len() + self.doubtful.len()
    }
}
