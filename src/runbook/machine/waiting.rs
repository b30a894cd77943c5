//! After an effect: its rollout is followed until it is done, cannot be, or takes too long.

use jiff::Timestamp;
use serde_json::json;

use crate::runbook::machine::fact::{Fact, Reason};
use crate::runbook::machine::io::{Effect, Question, Rollout};
use crate::runbook::machine::ledger::Mutation;
use crate::runbook::machine::programs::left_behind;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{ObjectStep, SecretStep, StepKind};

impl Run {
    /// An applied effect: wait for its rollout if the step says so.
    pub(super) fn after_effect(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let Some(mutation) = self.mutation(index, false).cloned() else {
            return;
        };
        if self.waits(index) {
            let (object, generation) = (
                mutation.action.planned.object,
                mutation.generation.unwrap_or_default(),
            );
            self.watch(now, index, false, object, generation, out);
        } else {
            self.finish(now, index, effect_out(&mutation), out);
        }
    }

    /// Whether a step is followed after its effect.
    pub(super) fn waits(&self, index: usize) -> bool {
        let step = &self.plan[index];
        step.wait.is_some()
            || matches!(
                step.kind,
                StepKind::Secret(SecretStep::Sync { .. })
                    | StepKind::Object(ObjectStep::JobRun { .. })
            )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a moment, a step, what is known of it, and where effects go"
    )]
    pub(super) fn watch(
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
        let synced = planned
            .as_ref()
            .and_then(|planned| self.sync_question(&self.plan[index], planned));
        let question = synced.unwrap_or(Question::Rollout {
            object,
            planned,
            generation,
        });
        self.read(Purpose::Rollout(index, undo), question, out);
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
            let then = self.then_late(index);
            self.fail(now, index, reason, message, then, out);
        }
    }
}

/// What an applied effect leaves behind for later steps.
fn effect_out(mutation: &Mutation) -> serde_json::Value {
    let mut found = json!({"effect": mutation.effect, "name": mutation.action.planned.object.name, "lines": mutation.action.planned.lines, "generation": mutation.generation, "attempts": mutation.attempt,
        "version": mutation.version, "at": mutation.settled_at.map(|at| at.to_string())});
    left_behind(mutation, &mut found);
    found
}
