//! Effects and their undoing: intent before effect, probe before repeat, at most five repeats after a conflict and
//! only while the fields touched are as confirmed.
//!
//! Length: an effect and its undo follow the same rules and are read side by side.

use jiff::Timestamp;
use serde_json::json;

use crate::runbook::ids::EffectKey;
use crate::runbook::machine::fact::{
    Fact, Found, Intent, Outcome, Probe, Reason, RunState, Status,
};
use crate::runbook::machine::io::{Answer, Effect, Failure, ObjectState, Question, Rollout};
use crate::runbook::machine::run::{Mutation, Purpose, Run, StepState};
use crate::runbook::model::{Then, Undo, WaitFor};
use crate::runbook::patch::{Action, Planned, Standing};

/// Repeats after a conflict.
const MAX_RETRIES: u32 = 5;

impl Run {
    fn mutation(&self, index: usize, undo: bool) -> Option<&Mutation> {
        let record = self.ledger.steps.get(index)?;
        if undo {
            record.undo.as_ref()
        } else {
            record.effect.as_ref()
        }
    }

    /// An intent without outcome: send it if it was recorded just now, else look at the world first.
    pub(super) fn resolve(&mut self, index: usize, undo: bool, out: &mut Vec<Effect>) {
        let Some(mutation) = self.mutation(index, undo).cloned() else {
            return;
        };
        if mutation.state == StepState::Intent
            && self.live.fresh.take() == Some((mutation.effect.clone(), mutation.attempt))
        {
            self.live.in_flight = true;
            let audit_id = mutation.effect.audit_id(mutation.attempt);
            out.push(Effect::Perform {
                effect: mutation.effect,
                attempt: mutation.attempt,
                audit_id,
                action: Box::new(mutation.action),
            });
            return;
        }
        let object = mutation.action.planned.object.clone();
        self.read(
            Purpose::Probe(index, undo),
            Question::Probe {
                effect: mutation.effect,
                object,
            },
            out,
        );
    }

    /// The server answered the request in flight; anything about another attempt is ignored.
    pub(super) fn settled(
        &mut self,
        now: Timestamp,
        effect: &EffectKey,
        attempt: u32,
        outcome: Result<Outcome, String>,
        out: &mut Vec<Effect>,
    ) {
        let Some((index, undo)) = self.unresolved() else {
            return;
        };
        let matches = self
            .mutation(index, undo)
            .is_some_and(|mutation| mutation.effect == *effect && mutation.attempt == attempt);
        if !self.live.in_flight || !matches {
            return;
        }
        self.live.in_flight = false;
        let step = self.ledger.steps[index].path.clone();
        let fact = match (outcome, undo) {
            (Ok(outcome), false) => Fact::Outcome(Outcome { step, ..outcome }),
            (Ok(outcome), true) => Fact::UndoOutcome(Outcome { step, ..outcome }),
            (Err(why), false) => Fact::Unknown {
                step,
                effect: effect.clone(),
                attempt,
                why,
            },
            (Err(why), true) => Fact::UndoUnknown {
                step,
                effect: effect.clone(),
                attempt,
                why,
            },
        };
        self.record(now, vec![fact], out);
    }

    /// A mutating step that has begun and sent nothing, or may try again.
    pub(super) fn before_effect(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let step = self.plan[index].clone();
        let object = match step
            .kind
            .target()
            .ok_or_else(|| "the step names no target".to_owned())
            .and_then(|target| self.object_of(target))
        {
            Ok(object) => object,
            Err(why) => return self.fail(now, index, Reason::Input, why, Then::Pause, out),
        };
        let Some(planned) = self.ledger.steps[index].plan.clone() else {
            return self.read(Purpose::Plan(index), Question::Object { object }, out);
        };
        if planned.changes.is_empty() {
            return self.finish(
                now,
                index,
                json!({"unchanged": true, "lines": planned.lines}),
                out,
            );
        }
        if self.start.dry_run {
            let message = "dry run: nothing was sent".to_owned();
            return self.record(
                now,
                vec![Fact::End {
                    state: RunState::Succeeded,
                    refused: false,
                    message,
                    leftovers: Vec::new(),
                }],
                out,
            );
        }
        if !self.authorised(now, index, out) {
            return;
        }
        self.read(
            Purpose::BeforeIntent(index),
            Question::Object {
                object: planned.object,
            },
            out,
        );
    }

    /// A step's change was read for: work it out.
    pub(super) fn planned(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let at = self.current().unwrap_or(index);
        let Answer::Object(state) = answer else {
            return self.fail(
                now,
                at,
                Reason::Drift,
                "the object does not exist".to_owned(),
                Then::Pause,
                out,
            );
        };
        self.live.seen_version.clone_from(&state.resource_version);
        match self.plan_for(&self.plan[index].kind, &state, now) {
            Ok(plan) => {
                let step = self.ledger.steps[index].path.clone();
                self.record(
                    now,
                    vec![Fact::Planned {
                        step,
                        plan: Box::new(plan),
                    }],
                    out,
                );
            }
            Err(why) => self.fail(now, at, Reason::Input, why, Then::Pause, out),
        }
    }

    /// The object right before the intent: the version is taken now, what was confirmed must still hold.
    pub(super) fn before_intent(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let record = self.ledger.steps[index].clone();
        let Some(planned) = record.plan else { return };
        let state = match same_object(&planned, answer) {
            Ok(state) => state,
            Err(why) => return self.fail(now, index, Reason::Conflict, why, Then::Pause, out),
        };
        let attempts = record.effect.as_ref().map_or(0, |effect| effect.attempt);
        match planned.standing(&state.body) {
            Standing::Before => {
                let intent =
                    self.intent_of(index, false, attempts + 1, planned, state.resource_version);
                self.record(now, vec![Fact::Intent(intent)], out);
            }
            Standing::After => match record.effect {
                Some(effect) => self.record(
                    now,
                    vec![Fact::Probed(Probe {
                        step: record.path,
                        effect: effect.effect,
                        found: Found::Present,
                        detail: vec!["the fields already have the new values".to_owned()],
                        generation: Some(state.generation),
                    })],
                    out,
                ),
                None => self.finish(
                    now,
                    index,
                    json!({"unchanged": true, "by": "somebody else", "lines": planned.lines}),
                    out,
                ),
            },
            Standing::Diverged(fields) => self.fail(
                now,
                index,
                Reason::Conflict,
                format!("somebody changed what was confirmed: {}", fields.join("; ")),
                Then::Pause,
                out,
            ),
        }
    }

    fn intent_of(
        &self,
        index: usize,
        undo: bool,
        attempt: u32,
        planned: Planned,
        resource_version: String,
    ) -> Intent {
        let step = self.ledger.steps[index].path.clone();
        let effect = EffectKey::new(&self.start.run, &step, undo, 0);
        Intent {
            audit_id: effect.audit_id(attempt),
            step,
            effect,
            attempt,
            action: Box::new(Action {
                planned,
                resource_version,
            }),
        }
    }

    /// The world against an effect of unknown outcome.
    pub(super) fn probed(
        &mut self,
        now: Timestamp,
        index: usize,
        undo: bool,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let Some(mutation) = self.mutation(index, undo).cloned() else {
            return;
        };
        let planned = &mutation.action.planned;
        let (found, detail, generation) = match same_object(planned, answer) {
            Err(why) => (Found::Diverged, vec![why], None),
            Ok(state) => match planned.standing(&state.body) {
                Standing::After => (
                    Found::Present,
                    vec!["the fields have the new values: it landed".to_owned()],
                    Some(state.generation),
                ),
                Standing::Before => (
                    Found::Absent,
                    vec!["the fields have the old values: it did not land".to_owned()],
                    Some(state.generation),
                ),
                Standing::Diverged(fields) => (Found::Diverged, fields, Some(state.generation)),
            },
        };
        let probe = Probe {
            step: self.ledger.steps[index].path.clone(),
            effect: mutation.effect,
            found,
            detail,
            generation,
        };
        self.record(
            now,
            vec![if undo {
                Fact::UndoProbed(probe)
            } else {
                Fact::Probed(probe)
            }],
            out,
        );
    }

    /// The server refused an effect, or a probe found that it did not land.
    pub(super) fn rejected(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let Some(mutation) = self.mutation(index, false).cloned() else {
            return;
        };
        match mutation.refused {
            Some(Status::Conflict) if mutation.attempt <= MAX_RETRIES => {
                let object = mutation.action.planned.object;
                self.read(
                    Purpose::BeforeIntent(index),
                    Question::Object { object },
                    out,
                );
            }
            Some(Status::Conflict) => self.fail(
                now,
                index,
                Reason::Conflict,
                format!(
                    "refused {} times because something else keeps changing the object",
                    mutation.attempt
                ),
                Then::Pause,
                out,
            ),
            Some(Status::Gone) => self.fail(
                now,
                index,
                Reason::Conflict,
                format!("the object is gone: {}", mutation.message),
                Then::Pause,
                out,
            ),
            _ => self.fail(
                now,
                index,
                Reason::Denied,
                format!("the server refused it: {}", mutation.message),
                Then::Pause,
                out,
            ),
        }
    }

    /// An applied effect: wait for its rollout if the step says so.
    pub(super) fn after_effect(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let Some(mutation) = self.mutation(index, false).cloned() else {
            return;
        };
        if self.plan[index].wait == Some(WaitFor::Rollout) {
            let (object, generation) = (
                mutation.action.planned.object,
                mutation.generation.unwrap_or_default(),
            );
            self.watch(now, index, false, object, generation, out);
        } else {
            self.finish(now, index, effect_out(&mutation), out);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a moment, a step, what is known of it, and where effects go"
    )]
    fn watch(
        &mut self,
        now: Timestamp,
        index: usize,
        undo: bool,
        object: crate::runbook::patch::ObjectRef,
        generation: i64,
        out: &mut Vec<Effect>,
    ) {
        let mutation = self.mutation(index, undo);
        let planned = mutation.map(|mutation| Box::new(mutation.action.planned.clone()));
        let from = mutation
            .and_then(|mutation| mutation.settled_at)
            .unwrap_or(now);
        let from = self.live.again_at.map_or(from, |again| again.max(from));
        self.live.deadline = self.timeout(index, from);
        out.extend(self.live.deadline.map(Effect::Wake));
        self.read(
            Purpose::Rollout(index, undo),
            Question::Rollout {
                object,
                planned,
                generation,
            },
            out,
        );
    }

    /// The awaited rollout moved.
    pub(super) fn rollout_moved(
        &mut self,
        now: Timestamp,
        index: usize,
        undo: bool,
        rollout: Rollout,
        out: &mut Vec<Effect>,
    ) {
        self.live.rollout = Some(rollout.clone());
        let failed = match rollout {
            Rollout::Moving(_) => return,
            Rollout::Complete(words) => {
                self.forget(out);
                let step = self.ledger.steps[index].path.clone();
                if undo {
                    self.record(
                        now,
                        vec![Fact::UndoDone {
                            step,
                            message: words,
                        }],
                        out,
                    );
                } else if let Some(mutation) = self.mutation(index, false).cloned() {
                    let mut result = effect_out(&mutation);
                    result["rollout"] = json!(words);
                    self.finish(now, index, result, out);
                }
                return;
            }
            Rollout::Stuck(why) => (Reason::Timeout, why),
            Rollout::Paused => (Reason::Conflict, "somebody paused the rollout".to_owned()),
            Rollout::Superseded(by) => (
                Reason::Conflict,
                format!("another change took its place: {by}"),
            ),
            Rollout::Gone => (
                Reason::Conflict,
                "the object is gone, or another one under the same name".to_owned(),
            ),
        };
        self.forget(out);
        self.not_settled(now, index, undo, failed.0, failed.1, out);
    }

    /// A wait that will not end well.
    #[expect(
        clippy::too_many_arguments,
        reason = "a moment, a step, what is known of it, and where effects go"
    )]
    pub(super) fn not_settled(
        &mut self,
        now: Timestamp,
        index: usize,
        undo: bool,
        reason: Reason,
        message: String,
        out: &mut Vec<Effect>,
    ) {
        if undo {
            let step = self.ledger.steps[index].path.clone();
            self.record(
                now,
                vec![Fact::UndoFailed {
                    step,
                    message: format!("sent, but: {message}"),
                    command: None,
                }],
                out,
            );
        } else {
            let then = self.plan[index]
                .timeout
                .as_ref()
                .map_or(Then::Pause, |timeout| timeout.then);
            self.fail(now, index, reason, message, then, out);
        }
    }

    /// The next undo on the way back to the last barrier, or the end of it.
    #[expect(
        clippy::too_many_lines,
        reason = "one decision read from top to bottom, an arm for each case"
    )]
    pub(super) fn undo_next(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let after = self
            .ledger
            .steps
            .iter()
            .zip(&self.plan)
            .rposition(|(record, step)| step.barrier && record.state == StepState::Succeeded)
            .map_or(0, |barrier| barrier + 1);
        let next = (after..self.plan.len()).rev().find(|index| {
            let record = &self.ledger.steps[*index];
            record.effective() && record.state != StepState::UndoFailed
        });
        let Some(index) = next else {
            return self.rolled_back(now, out);
        };
        let record = self.ledger.steps[index].clone();
        let step = self.plan[index].clone();
        let failed = |message: String, command: Option<String>| Fact::UndoFailed {
            step: record.path.clone(),
            message,
            command,
        };
        let Some(effect) = &record.effect else { return };
        let command = Some(effect.action.planned.inverse().command());
        if matches!(step.undo, None | Some(Undo::None)) {
            return self.record(
                now,
                vec![failed(
                    "the runbook says there is no way back from it".to_owned(),
                    None,
                )],
                out,
            );
        }
        match record
            .undo
            .as_ref()
            .map(|undo| (undo.state, undo.refused, undo.attempt))
        {
            None => self.read(
                Purpose::BeforeUndo(index),
                Question::Object {
                    object: effect.action.planned.object.clone(),
                },
                out,
            ),
            Some((StepState::Applied, ..)) if step.wait == Some(WaitFor::Rollout) => {
                let undo = record.undo.as_ref();
                let generation = undo.and_then(|undo| undo.generation).unwrap_or_default();
                self.watch(
                    now,
                    index,
                    true,
                    effect.action.planned.object.clone(),
                    generation,
                    out,
                );
            }
            Some((StepState::Applied, ..)) => self.record(
                now,
                vec![Fact::UndoDone {
                    step: record.path.clone(),
                    message: "undone".to_owned(),
                }],
                out,
            ),
            Some((StepState::Rejected, Some(Status::Conflict), attempt))
                if attempt <= MAX_RETRIES =>
            {
                self.read(
                    Purpose::BeforeUndo(index),
                    Question::Object {
                        object: effect.action.planned.object.clone(),
                    },
                    out,
                );
            }
            Some(_) => {
                let message = record
                    .undo
                    .as_ref()
                    .map(|undo| undo.message.clone())
                    .unwrap_or_default();
                self.record(now, vec![failed(message, command)], out);
            }
        }
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
        let failed = |message: String, planned: &Planned| Fact::UndoFailed {
            step: record.path.clone(),
            message,
            command: Some(planned.command()),
        };
        let inverse = effect.action.planned.inverse();
        let state = match same_object(&inverse, answer) {
            Ok(state) => state,
            Err(why) => return self.record(now, vec![failed(why, &inverse)], out),
        };
        let planned = match &self.plan[index].undo {
            Some(Undo::Act(kind, _)) => match self.plan_for(kind, &state, now) {
                Ok(planned) => planned,
                Err(why) => return self.record(now, vec![failed(why, &inverse)], out),
            },
            _ => inverse,
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
                    }),
                    None => Fact::UndoDone {
                        step: record.path.clone(),
                        message: "it was already as before".to_owned(),
                    },
                };
                self.record(now, vec![fact], out);
            }
            Standing::Before => {
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

    fn rolled_back(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let leftovers = self.leftovers();
        let (state, message) = if leftovers.is_empty() {
            (RunState::RolledBack, "everything it changed is as before")
        } else {
            (
                RunState::RollbackIncomplete,
                "not everything could be undone",
            )
        };
        self.record(
            now,
            vec![Fact::End {
                state,
                refused: false,
                message: message.to_owned(),
                leftovers,
            }],
            out,
        );
    }

    /// What the run changed and did not undo, with the way to undo it by hand.
    pub fn leftovers(&self) -> Vec<String> {
        let effective = self.ledger.steps.iter().filter(|record| record.effective());
        effective
            .filter_map(|record| {
                let planned = &record.effect.as_ref()?.action.planned;
                Some(format!(
                    "{}: {}; by hand back: {}",
                    planned.object.short(),
                    planned.lines.join(", "),
                    planned.inverse().command()
                ))
            })
            .collect()
    }

    /// A question could not be answered.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an event or answer is consumed where it is handled"
    )]
    pub(super) fn unanswered(
        &mut self,
        now: Timestamp,
        purpose: Purpose,
        failure: Failure,
        out: &mut Vec<Effect>,
    ) {
        let (reason, message) = match failure {
            Failure::Offline(why) => {
                let since = *self.live.offline_since.get_or_insert(now);
                let waited = now.duration_since(since);
                if waited < jiff::SignedDuration::from_secs(30) {
                    let pause = (waited.as_millis() / 2).clamp(500, 15_000) as i64;
                    self.live.retry_at = Some(now + jiff::SignedDuration::from_millis(pause));
                    out.extend(self.live.retry_at.map(Effect::Wake));
                    return;
                }
                (
                    Reason::Offline,
                    format!(
                        "the platform has not answered for {} s: {why}",
                        waited.as_secs()
                    ),
                )
            }
            Failure::Denied(why) => (Reason::Denied, why),
            Failure::Gone(why) => (Reason::Drift, why),
            Failure::Invalid(why) => (Reason::Input, why),
        };
        self.live.offline_since = None;
        let step = match purpose {
            Purpose::Preflight => self.current(),
            Purpose::Resolve(index)
            | Purpose::Revisions(index)
            | Purpose::CheckObject(index)
            | Purpose::Plan(index)
            | Purpose::DryRun(index)
            | Purpose::BeforeIntent(index)
            | Purpose::BeforeUndo(index)
            | Purpose::Probe(index, _)
            | Purpose::Rollout(index, _) => Some(index),
        };
        let refused = self.untouched() && !self.start.attended && reason != Reason::Offline;
        let path = step
            .and_then(|index| self.ledger.steps.get(index))
            .map(|record| record.path.clone());
        let fact = if refused {
            Fact::End {
                state: RunState::Aborted,
                refused: true,
                message,
                leftovers: Vec::new(),
            }
        } else {
            Fact::NeedsHuman {
                reason,
                message,
                step: path,
                ways: self.ways(),
            }
        };
        self.record(now, vec![fact], out);
    }
}

/// What an applied effect leaves behind for later steps.
fn effect_out(mutation: &Mutation) -> serde_json::Value {
    json!({"effect": mutation.effect, "lines": mutation.action.planned.lines, "generation": mutation.generation, "attempts": mutation.attempt})
}

/// The object if it is the one planned for: a namesake is another object.
fn same_object(planned: &Planned, answer: Answer) -> Result<ObjectState, String> {
    match answer {
        Answer::Object(state) if state.object.uid == planned.object.uid => Ok(state),
        Answer::Object(state) => Err(format!(
            "{} is another object now (uid {} instead of {}): nothing is done to a namesake",
            planned.object.short(),
            state.object.uid,
            planned.object.uid
        )),
        _ => Err(format!(
            "{} does not exist any more",
            planned.object.short()
        )),
    }
}
