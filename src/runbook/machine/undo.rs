//! The way back: effects undone in reverse up to the last barrier, each planned against the world as it is now.
//! What cannot be undone stays listed with the command for a person.

use jiff::Timestamp;

use crate::runbook::machine::act::{MAX_RETRIES, same_object};
use crate::runbook::machine::fact::{Fact, Found, Probe, Reason, RunState, Status, Way};
use crate::runbook::machine::io::{Answer, Effect};
use crate::runbook::machine::ledger::{StepRecord, StepState};
use crate::runbook::machine::objects::{is_suspension, unserved};
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{SecretStep, StepKind, Undo};
use crate::runbook::patch::{ObjectRef, Planned, Standing, plan_removal};

impl Run {
    /// The next undo on the way back to the last barrier, or the end of it.
    pub(super) fn undo_next(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        match self.next_undo() {
            Some(index) => self.undo_step(now, index, out),
            None => self.rolled_back(now, out),
        }
    }

    /// The step whose undo is next.
    pub(super) fn next_undo(&self) -> Option<usize> {
        let after = self.after_barrier();
        // Where a run only ends, nothing else is undone, and no barrier stands before it.
        let ending = self.ledger.ending.is_some();
        let after = if ending { 0 } else { after };
        let open = |index: &usize| {
            let record = &self.ledger.steps[*index];
            let meant = !ending || is_suspension(&self.plan[*index]);
            meant && record.effective() && record.state != StepState::UndoFailed
        };
        // What brings out the state of other things is undone after them, in its own order.
        let last = |index: &usize| Self::undone_last(&self.plan[*index]);
        let all = after..self.plan.len();
        let first = all.clone().rev().find(|index| open(index) && !last(index));
        first.or_else(|| all.clone().find(|index| open(index)))
    }

    /// One undo, from where it stands.
    fn undo_step(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let record = self.ledger.steps[index].clone();
        let Some(effect) = record.effect else { return };
        let step = record.path;
        let object = effect.action.planned.object.clone();
        let (stands, wait) = (record.undo, self.waits(index));
        let fact = match stands {
            _ if self.no_way_back(index) => Fact::UndoFailed {
                step,
                message: "the runbook says there is no way back from it".to_owned(),
                command: None,
            },
            None => return self.look_before_undo(index, object, out),
            // What was made and is deleted again is not waited for.
            Some(undo) if undo.state == StepState::Applied && wait && !self.makes(index) => {
                let generation = undo.generation.unwrap_or_default();
                return self.watch(now, index, true, object, generation, out);
            }
            Some(undo) if undo.state == StepState::Applied => Fact::UndoDone {
                step,
                message: "undone".to_owned(),
            },
            Some(undo) if undo.refused == Some(Status::Conflict) && undo.attempt <= MAX_RETRIES => {
                return self.look_before_undo(index, object, out);
            }
            // It was never sent: whoever carries the run now may undo it, or we again where the lock only could not be renewed.
            Some(undo) if undo.refused == Some(Status::Locked) => {
                if self.live.again_at > undo.settled_at {
                    return self.look_before_undo(index, object, out);
                }
                Fact::NeedsHuman {
                    reason: Reason::Lock,
                    message: undo.message,
                    step: None,
                    ways: vec![Way::Again, Way::Stop],
                }
            }
            Some(undo) => Fact::UndoFailed {
                step,
                message: undo.message,
                command: Some(if object.is_program() {
                    undo.action.planned.command()
                } else {
                    effect.action.planned.inverse().command()
                }),
            },
        };
        self.record(now, vec![fact], out);
    }

    /// Whether the runbook has no way back from a step, or none here.
    pub(super) fn no_way_back(&self, index: usize) -> bool {
        let step = &self.plan[index];
        match &step.undo {
            None | Some(Undo::None) => true,
            Some(Undo::Act(_, Some(when))) => !self.holds(step, when),
            Some(_) => false,
        }
    }

    fn look_before_undo(&mut self, index: usize, object: ObjectRef, out: &mut Vec<Effect>) {
        if object.is_program() {
            return self.look_before_program(index, out);
        }
        let step = &self.plan[index];
        let effect = self.ledger.steps[index].effect.as_ref();
        let back = effect.map(|effect| effect.action.planned.inverse());
        let question = match (&step.kind, &step.undo) {
            (_, Some(Undo::Act(kind, _))) if matches!(**kind, StepKind::Object(_)) => {
                self.object_question(step, kind, object, None)
            }
            (kind @ StepKind::Object(_), _) => {
                self.object_question(step, kind, object, back.as_ref())
            }
            _ => self.question_for(step, object),
        };
        self.read(Purpose::BeforeUndo(index), question, out);
    }

    /// The object right before an undo: planned against the world as it is now.
    pub(super) fn before_undo(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let record = self.ledger.steps[index].clone();
        let Some(effect) = record.effect else { return };
        if effect.action.planned.object.is_program() {
            return self.before_program(now, index, answer, out);
        }
        let failed = |message: String, planned: &Planned| Fact::UndoFailed {
            step: record.path.clone(),
            message,
            command: Some(planned.command()),
        };
        let inverse = effect.action.planned.inverse();
        if effect.action.planned.verb().creates() && self.puts_back(index) {
            return self.unmake(now, index, &effect.action.planned, answer, out);
        }
        let state = match same_object(&inverse, answer) {
            Ok(state) => state,
            Err(why) => return self.record(now, vec![failed(why, &inverse)], out),
        };
        let planned = match &self.plan[index].undo {
            Some(Undo::Act(kind, _)) if !restores(kind) => {
                match self.plan_for(&self.plan[index], kind, &state, now) {
                    Ok(planned) => planned,
                    Err(why) => {
                        let why = why.told().1;
                        return self.record(now, vec![failed(why, &inverse)], out);
                    }
                }
            }
            _ => inverse.beside(&state.body),
        };
        let attempts = record.undo.as_ref().map_or(0, |undo| undo.attempt);
        match planned.standing(&state.body) {
            Standing::After => {
                let fact = match &record.undo {
                    Some(undo) => Fact::UndoProbed(Probe {
                        step: record.path.clone(),
                        effect: undo.effect.clone(),
                        found: Found::Present,
                        detail: vec!["the fields have the old values again".to_owned()],
                        generation: Some(state.generation),
                        version: Some(state.resource_version.clone()),
                    }),
                    None => Fact::UndoDone {
                        step: record.path.clone(),
                        message: "it was already as before".to_owned(),
                    },
                };
                self.record(now, vec![fact], out);
            }
            Standing::Before => {
                if let Some(why) = unserved(&planned, &state) {
                    return self.record(now, vec![failed(why, &planned)], out);
                }
                let intent =
                    self.intent_of(index, true, attempts + 1, planned, state.resource_version);
                self.record(now, vec![Fact::UndoIntent(intent)], out);
            }
            Standing::Diverged(fields) => self.record(
                now,
                vec![failed(
                    format!("somebody changed it since: {}", fields.join("; ")),
                    &planned,
                )],
                out,
            ),
        }
    }

    /// An end waits until what must not stay behind is put back. Whoever closes a run closes it as it is.
    pub(super) fn not_yet(&self, fact: Fact) -> Fact {
        match fact {
            Fact::End { state, message, .. }
                if state != RunState::Abandoned
                    && !(state == RunState::Succeeded && self.resumed_itself())
                    && self.ledger.ending.is_none()
                    && self.holds_suspended() =>
            {
                Fact::Ending { state, message }
            }
            fact => fact,
        }
    }

    /// What had to be put back is, or could not be: the end that waited for it.
    fn ended(&mut self, now: Timestamp, state: RunState, message: String, out: &mut Vec<Effect>) {
        let mut leftovers = self.leftovers();
        if state == RunState::Succeeded {
            let steps = self.ledger.steps.iter().zip(&self.plan);
            let kept = steps.filter(|(_, step)| is_suspension(step));
            leftovers = kept
                .filter_map(|(record, _)| leftovers_of(record, false))
                .collect();
        }
        let state = match (state, leftovers.is_empty()) {
            (RunState::Aborted | RunState::Failed, true) => RunState::Aborted,
            (RunState::RolledBack | RunState::RollbackIncomplete, true) => RunState::RolledBack,
            (RunState::RolledBack | RunState::RollbackIncomplete, false) => {
                RunState::RollbackIncomplete
            }
            (RunState::Succeeded, true) => RunState::Succeeded,
            _ => RunState::Failed,
        };
        self.end(now, state, message, leftovers, out);
    }

    /// Whether a step's way back is what was there before.
    fn puts_back(&self, index: usize) -> bool {
        matches!(self.plan[index].undo, Some(Undo::Restore))
    }

    /// What a step made is deleted, if it is still what the step made.
    fn unmake(
        &mut self,
        now: Timestamp,
        index: usize,
        made: &Planned,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let record = self.ledger.steps[index].clone();
        let step = record.path;
        let Answer::Object(state) = answer else {
            let message = "it is gone already".to_owned();
            return self.record(now, vec![Fact::UndoDone { step, message }], out);
        };
        if made.standing(&state.body) != Standing::After {
            let message = "another one has its name now: it is left".to_owned();
            let command = None;
            return self.record(
                now,
                vec![Fact::UndoFailed {
                    step,
                    message,
                    command,
                }],
                out,
            );
        }
        let mut planned = plan_removal("k8s.delete", state.object.clone(), &state.body);
        planned.lines = vec![format!(
            "delete {}, which this run made",
            made.object.short()
        )];
        if planned.standing(&state.body) == Standing::After {
            let message = "it is going already".to_owned();
            return self.record(now, vec![Fact::UndoDone { step, message }], out);
        }
        let attempts = record.undo.as_ref().map_or(0, |undo| undo.attempt);
        let intent = self.intent_of(index, true, attempts + 1, planned, state.resource_version);
        self.record(now, vec![Fact::UndoIntent(intent)], out);
    }

    fn rolled_back(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if let Some((state, message)) = self.ledger.ending.clone() {
            return self.ended(now, state, message, out);
        }
        let leftovers = self.leftovers();
        let (state, message) = if leftovers.is_empty() {
            (RunState::RolledBack, "everything it changed is as before")
        } else {
            (
                RunState::RollbackIncomplete,
                "not everything could be undone",
            )
        };
        self.end(now, state, message, leftovers, out);
    }

    /// What the run changed and did not undo, with the way to undo it by hand; and what it may have changed, with the
    /// way to see.
    pub fn leftovers(&self) -> Vec<String> {
        let after = self.after_barrier();
        let steps = self.ledger.steps.iter().enumerate();
        steps
            .filter_map(|(index, record)| leftovers_of(record, index < after))
            .collect()
    }
}

/// Whether an undo puts back what was there before its step.
fn restores(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Secret(SecretStep::Restore { .. }))
}

/// What is left of one step: the undo whose outcome nobody knows, the change that stands, the change that may stand. What
/// lies before the point from which nothing goes back is kept, and nobody is told how to take it back by hand.
fn leftovers_of(record: &StepRecord, kept: bool) -> Option<String> {
    let open = |state| matches!(state, StepState::Intent | StepState::Unknown);
    let undo = record.undo.as_ref().filter(|undo| open(undo.state));
    let doubtful = undo.or(record.effect.as_ref().filter(|effect| open(effect.state)));
    if let Some(doubtful) = doubtful {
        let planned = &doubtful.action.planned;
        return Some(format!(
            "{}: {} may have landed, its outcome is not known; look with: {}",
            planned.object.short(),
            planned.lines.join(", "),
            planned.object.look()
        ));
    }
    let planned = &record.effect.as_ref()?.action.planned;
    record.effective().then(|| {
        let back = match planned.way_back() {
            _ if kept => "; meant to stay: the run had gone past its way back".to_owned(),
            Some(back) => format!("; by hand back: {back}"),
            None => String::new(),
        };
        let (object, lines) = (planned.object.short(), planned.lines.join(", "));
        format!("{object}: {lines}{back}")
    })
}
