//! Folds a journal's entries into the ledger: the only way it changes.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::approval::granted::Granted;
use crate::runbook::machine::approving::BREAKS_GLASS;
use crate::runbook::machine::fact::{
    Entry, Fact, Found, Intent, Outcome, Probe, Reason, RunState, Status,
};
use crate::runbook::machine::ledger::{End, Human, Mutation, StepRecord, StepState};
use crate::runbook::machine::prompting::GAVE;
use crate::runbook::machine::run::{Run, RunError};
use crate::runbook::machine::telling::SENDING;
use crate::runbook::model::Runbook;

impl Run {
    /// Folds one entry in. This is the only way the ledger changes.
    pub(super) fn apply(&mut self, entry: &Entry) {
        self.account(entry);
        self.ledger.last_at = entry.ts;
        self.ledger.entries += 1;
        match &entry.fact {
            Fact::Start(_) => self.ledger.started_at = entry.ts,
            Fact::Preflight { ok, lines, covers } => {
                self.ledger.preflight = Some((*ok, lines.clone()));
                self.ledger.covered.extend(covers.iter().cloned());
                self.ledger.state = if *ok {
                    RunState::Ready
                } else {
                    RunState::Preflight
                };
            }
            Fact::NeedsHuman {
                reason,
                message,
                step,
                ways,
            } => self.needs(Human {
                reason: *reason,
                message: message.clone(),
                step: step.clone(),
                ways: ways.clone(),
            }),
            Fact::Resumed { .. } => self.resumed(),
            Fact::RollingBack { reason, .. } => {
                self.ledger.rolling_back = true;
                self.ledger.back = Some(reason.clone());
                self.release();
                self.ledger.state = RunState::RollingBack;
            }
            Fact::Ending { state, message } => {
                self.ledger.ending = Some((*state, message.clone()));
                self.ledger.rolling_back = true;
                self.release();
                self.ledger.state = RunState::RollingBack;
            }
            Fact::End {
                state,
                refused,
                message,
                leftovers,
            } => {
                self.ledger.human = None;
                self.ledger.state = *state;
                self.ledger.end = Some(End {
                    state: *state,
                    refused: *refused,
                    message: message.clone(),
                    leftovers: leftovers.clone(),
                });
            }
            Fact::Param { name, value } => {
                self.ledger.params.insert(name.clone(), value.clone());
                self.expand();
            }
            Fact::Decision {
                step,
                answer,
                accepted,
                ..
            } => self.decided(step.as_deref(), answer, *accepted),
            Fact::Approval { step, granted, .. } => self.agreed(step, granted),
            Fact::Interrupted { .. }
            | Fact::ApprovalRefused { .. }
            | Fact::Note { .. }
            | Fact::Recovered { .. }
            | Fact::Progress { .. } => {}
            other => self.apply_step(entry.ts, other),
        }
    }

    fn apply_step(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Started { step } => self.set(step, |record| {
                record.state = StepState::Running;
                record.started_at = Some(at);
            }),
            Fact::Skipped { step, reason, more } => {
                for step in std::iter::once(step).chain(more) {
                    self.set(step, |record| {
                        record.state = StepState::Skipped;
                        record.message.clone_from(reason);
                    });
                }
            }
            Fact::Planned { step, plan } => {
                self.set(step, |record| record.plan = Some((**plan).clone()));
            }
            Fact::Sending { step, .. } => self.set(step, |record| {
                record.message = SENDING.to_owned();
                record.authorised = false;
            }),
            Fact::Awaiting {
                step,
                reason,
                message,
            } => {
                self.set(step, |record| record.state = StepState::Authorising);
                self.needs(Human {
                    reason: *reason,
                    message: message.clone(),
                    step: Some(step.clone()),
                    ways: Vec::new(),
                });
            }
            Fact::Intent(intent) => self.intent(intent, false),
            Fact::UndoIntent(intent) => self.intent(intent, true),
            Fact::Outcome(outcome) => self.outcome(at, outcome, false),
            Fact::UndoOutcome(outcome) => self.outcome(at, outcome, true),
            Fact::Unknown { step, why, .. } => self.unknown(step, why, false),
            Fact::UndoUnknown { step, why, .. } => self.unknown(step, why, true),
            Fact::Probed(probe) => self.found(at, probe, false),
            Fact::UndoProbed(probe) => self.found(at, probe, true),
            Fact::Verdict {
                step,
                verdict,
                why,
                bad,
                ..
            } => self.set(step, |record| {
                record.message = format!("{verdict}: {why}");
                record.bad.clone_from(bad);
            }),
            Fact::Done { step, out } => self.done(at, step, out),
            Fact::Failed {
                step,
                message,
                then,
                ..
            } => {
                let goes_on = *then == crate::runbook::model::Then::Continue;
                self.set(step, |record| {
                    record.state = if goes_on {
                        StepState::Skipped
                    } else {
                        StepState::Failed
                    };
                    record.message.clone_from(message);
                    record.finished_at = Some(at);
                });
            }
            Fact::Looked { .. } | Fact::Ticked(_) => self.apply_item(at, fact),
            Fact::UndoDone { step, message } => self.set(step, |record| {
                record.state = StepState::Undone;
                record.message.clone_from(message);
            }),
            Fact::UndoFailed { step, message, .. } => self.set(step, |record| {
                record.state = StepState::UndoFailed;
                record.message.clone_from(message);
            }),
            _ => {}
        }
    }

    pub(super) fn set(&mut self, path: &str, change: impl FnOnce(&mut StepRecord)) {
        if let Some(record) = self
            .ledger
            .steps
            .iter_mut()
            .find(|record| record.path == path)
        {
            change(record);
        }
        if !self.ledger.state.is_terminal() && self.ledger.human.is_none() {
            let preparing = self.ledger.preflight.as_ref().is_none_or(|(ok, _)| !ok);
            self.ledger.state = if self.ledger.rolling_back {
                RunState::RollingBack
            } else if preparing {
                RunState::Draft
            } else {
                RunState::Running
            };
        }
    }

    fn needs(&mut self, human: Human) {
        self.ledger.human = Some(human);
        self.ledger.state = RunState::NeedsHuman;
    }

    fn resumed(&mut self) {
        self.release();
        for record in &mut self.ledger.steps {
            if record.state == StepState::Authorising {
                record.state = StepState::Running;
            }
        }
        let more = self.more_effects();
        if more {
            // Rights and facts are asked again before anything more is sent.
            self.ledger.preflight = None;
            self.ledger.covered.clear();
        }
        self.ledger.state = if self.ledger.rolling_back {
            RunState::RollingBack
        } else if more {
            RunState::Draft
        } else {
            RunState::Running
        };
    }

    fn decided(&mut self, step: Option<&str>, answer: &str, accepted: bool) {
        if !accepted {
            return;
        }
        let human = self.release();
        let glass = answer.starts_with(BREAKS_GLASS);
        if let Some(path) = step {
            let trouble = human.is_some_and(|human| !human.ways.is_empty());
            self.set(path, |record| {
                // Whoever types a secret has not said that it may go out.
                record.authorised |= !trouble && !glass && !answer.starts_with(GAVE);
                record.glass |= glass;
                if record.state == StepState::Authorising
                    || (trouble && matches!(record.state, StepState::Failed | StepState::Diverged))
                {
                    record.state = again(record);
                }
            });
        } else if let Some(reason) = answer.strip_prefix("reason: ") {
            self.ledger.reason = Some(reason.to_owned());
            self.ledger.preflight = self.ledger.preflight.take().map(|(_, lines)| (true, lines));
            self.ledger.state = RunState::Ready;
        } else {
            self.ledger.state = if self.ledger.rolling_back {
                RunState::RollingBack
            } else {
                RunState::Running
            };
        }
    }

    /// Somebody else agreed: the step goes on, or asks for one more.
    fn agreed(&mut self, path: &str, granted: &Granted) {
        let waits = |human: &Human| human.reason == Reason::Approval;
        if self.ledger.human.as_ref().is_some_and(waits) {
            self.release();
        }
        self.set(path, |record| {
            record.approvals.push(granted.clone());
            if record.state == StepState::Authorising {
                record.state = again(record);
            }
        });
    }

    fn intent(&mut self, intent: &Intent, undo: bool) {
        let mutation = Mutation {
            effect: intent.effect.clone(),
            attempt: intent.attempt,
            action: (*intent.action).clone(),
            state: StepState::Intent,
            refused: None,
            settled_at: None,
            generation: None,
            version: None,
            message: String::new(),
            said: None,
        };
        self.set(&intent.step, |record| {
            if undo {
                record.undo = Some(mutation);
            } else {
                record.spent = record.approvals.iter().map(|one| one.id.clone()).collect();
                record.state = StepState::Intent;
                record.effect = Some(mutation);
            }
        });
    }

    fn settle(&mut self, path: &str, undo: bool, change: impl FnOnce(&mut Mutation)) {
        self.set(path, |record| {
            let slot = if undo {
                &mut record.undo
            } else {
                &mut record.effect
            };
            if let Some(mutation) = slot {
                change(mutation);
                if !undo {
                    record.state = mutation.state;
                    record.message.clone_from(&mutation.message);
                }
            }
        });
    }

    fn outcome(&mut self, at: Timestamp, outcome: &Outcome, undo: bool) {
        self.settle(&outcome.step, undo, |mutation| {
            mutation.state = if outcome.status == Status::Applied {
                StepState::Applied
            } else {
                StepState::Rejected
            };
            mutation.refused = (outcome.status != Status::Applied).then_some(outcome.status);
            mutation.settled_at = Some(at);
            mutation.generation = outcome.generation;
            mutation.version.clone_from(&outcome.resource_version);
            mutation.message.clone_from(&outcome.message);
            mutation.said.clone_from(&outcome.said);
        });
    }

    fn unknown(&mut self, path: &str, why: &str, undo: bool) {
        self.settle(path, undo, |mutation| {
            mutation.state = StepState::Unknown;
            why.clone_into(&mut mutation.message);
        });
    }

    fn found(&mut self, at: Timestamp, probe: &Probe, undo: bool) {
        self.settle(&probe.step, undo, |mutation| {
            mutation.settled_at = Some(at);
            mutation.state = match probe.found {
                Found::Present => StepState::Applied,
                Found::Absent => StepState::Rejected,
                Found::Diverged => StepState::Diverged,
            };
            mutation.refused = (probe.found == Found::Absent).then_some(Status::Conflict);
            mutation.generation = probe.generation;
            mutation.version.clone_from(&probe.version);
            mutation.message = probe.detail.join("; ");
        });
    }

    fn done(&mut self, at: Timestamp, path: &str, out: &Value) {
        let mut started = None;
        self.set(path, |record| {
            record.state = StepState::Succeeded;
            record.finished_at = Some(at);
            started = record.started_at;
        });
        let mut out = if out.is_object() {
            out.clone()
        } else {
            json!({"value": out})
        };
        out["finished_at"] = json!(at.to_string());
        out["started_at"] = json!(started.unwrap_or(at).to_string());
        self.ledger.outs.insert(path.to_owned(), out);
        self.expand();
    }
}

/// The state a step is tried again from.
fn again(record: &StepRecord) -> StepState {
    match &record.effect {
        Some(effect) if effect.state == StepState::Applied => StepState::Applied,
        _ => StepState::Running,
    }
}

/// Restores a run from its journal's entries, in order. The runbook is the run's own snapshot.
pub fn replay(book: Arc<Runbook>, entries: &[Entry]) -> Result<Run, RunError> {
    let Some(Entry {
        ts,
        fact: Fact::Start(start),
    }) = entries.first()
    else {
        return Err(RunError::NoStart);
    };
    let mut run = Run::new(book, (**start).clone(), *ts)?;
    for entry in entries {
        run.apply(entry);
    }
    Ok(run)
}
