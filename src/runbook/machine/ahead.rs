//! What lies ahead of a run: the changes that later steps will send, what is left out, which undo is under
//! way, and about how long it all takes. Only looks; whoever draws a run or announces it asks here.

use jiff::SignedDuration;

use crate::runbook::machine::forecast::{Ahead, Forecast};
use crate::runbook::machine::ledger::{StepRecord, StepState};
use crate::runbook::machine::run::Run;
use crate::runbook::machine::secrets::words_of;
use crate::runbook::model::{Step, StepKind};

impl Run {
    /// What the changing steps ahead will send, as far as it is known.
    pub(super) fn ahead(&self) -> Vec<Ahead> {
        let steps = self.plan.iter().zip(&self.ledger.steps).enumerate();
        let ahead = steps.filter(|(_, (step, record))| {
            step.kind.mutates()
                && record.effect.is_none()
                && record.plan.is_none()
                && !record.is_over()
                && !self.unwanted(step)
        });
        ahead
            .map(|(index, (step, _))| Ahead {
                step: step.id.clone(),
                section: step.section,
                object: self.object_for(step).ok(),
                restart: matches!(step.kind, StepKind::RolloutRestart { .. }),
                words: words_of(&step.kind, &self.scope_of(step, None), |when| {
                    self.holds(step, when)
                }),
                undo: !self.no_way_back(index),
            })
            .collect()
    }

    /// Whether all that is still sent can be taken back.
    pub(super) fn all_can_be_undone(&self) -> bool {
        let steps = self.plan.iter().zip(&self.ledger.steps).enumerate();
        let mut ahead = steps.filter(|(_, (step, record))| {
            step.kind.mutates()
                && record.effect.is_none()
                && !record.is_over()
                && !self.unwanted(step)
        });
        ahead.all(|(index, _)| !self.no_way_back(index))
    }

    /// Whether a step may still change something: it does, it has not, and its condition can still hold.
    pub fn is_ahead(&self, index: usize) -> bool {
        let step = self.plan.get(index);
        step.is_some_and(|step| step.kind.mutates() && !self.unwanted(step))
    }

    /// Whether a step is not carried out in this run: its condition is false, or cannot hold any more.
    pub fn is_left_out(&self, index: usize) -> bool {
        let (Some(record), Some(step)) = (self.ledger.steps.get(index), self.plan.get(index))
        else {
            return false;
        };
        match record.state {
            // What failed and was gone past has an end; what was left out never began.
            StepState::Skipped => record.finished_at.is_none(),
            StepState::Pending => self.ledger.end.is_none() && self.unwanted(step),
            _ => false,
        }
    }

    /// The steps right after one that is left out which are left out with it: under the same heading and of the same call.
    pub(super) fn left_out_with(&self, index: usize) -> Vec<String> {
        let Some(first) = self.plan.get(index) else {
            return Vec::new();
        };
        let rest = self.plan.iter().zip(&self.ledger.steps).skip(index + 1);
        rest.take_while(|(step, record)| {
            step.section == first.section
                && call_of(step) == call_of(first)
                && record.state == StepState::Pending
                && !self.wanted(step)
        })
        .map(|(step, _)| step.id.clone())
        .collect()
    }

    /// The step that is being undone, or is next, while the run goes back.
    pub fn undoing(&self) -> Option<usize> {
        if !self.ledger.rolling_back || self.ledger.end.is_some() {
            return None;
        }
        let open = |record: &StepRecord| {
            record.undo.is_some()
                && !matches!(record.state, StepState::Undone | StepState::UndoFailed)
        };
        let begun = self.ledger.steps.iter().position(open);
        begun.or_else(|| self.next_undo())
    }

    /// The number of the heading a step stands under, from one, among those that have steps; and how many there are.
    pub fn place_of(&self, index: usize) -> Option<(usize, usize)> {
        let section = self.plan.get(index)?.section;
        let sections = self.sections();
        let at = sections.iter().position(|one| *one == section)?;
        Some((at + 1, sections.len()))
    }

    /// The headings that have steps, as indices among the runbook's sections.
    pub fn sections(&self) -> Vec<usize> {
        let mut sections: Vec<usize> = self.plan.iter().map(|step| step.section).collect();
        sections.dedup();
        sections
    }

    /// The steps that are carried out or may be, each with the number of its heading: what others are told.
    pub fn outline(&self) -> Vec<(String, usize)> {
        let kept = (0..self.plan.len()).filter(|index| !self.is_left_out(*index));
        kept.filter_map(|index| {
            let (number, _) = self.place_of(index)?;
            Some((self.plan[index].id.clone(), number))
        })
        .collect()
    }

    /// How long the rest takes at least.
    pub fn forecast(&self) -> Forecast {
        let mut forecast = Forecast::default();
        for (index, (step, record)) in self.plan.iter().zip(&self.ledger.steps).enumerate() {
            let over = matches!(
                record.state,
                StepState::Succeeded | StepState::Skipped | StepState::Undone
            );
            if over || self.is_left_out(index) {
                continue;
            }
            match &step.kind {
                StepKind::Gate { .. } => {
                    let hold = self.gate_spec(index).map(|spec| spec.hold);
                    forecast.holds += hold.unwrap_or_default();
                }
                StepKind::Wait { span, plus, .. } => {
                    let scope = self.scope_of(step, None);
                    let spans = [Some(span), plus.as_ref()].into_iter().flatten();
                    forecast.waits += spans
                        .filter_map(|span| span.duration(&scope).ok())
                        .fold(SignedDuration::ZERO, |sum, span| sum + span);
                }
                StepKind::RolloutRestart { .. } if record.effect.is_none() => {
                    forecast.restarts.extend(self.object_for(step).ok());
                }
                _ => {}
            }
        }
        forecast
    }
}

/// The call, the block or the repetition a step belongs to: the beginning of its path.
fn call_of(step: &Step) -> &str {
    step.id.split_once('/').map_or("", |(call, _)| call)
}
