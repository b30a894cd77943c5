//! Effects: intent before effect, probe before repeat, at most five repeats after a conflict and only while the fields
//! touched are as confirmed.

use jiff::Timestamp;
use serde_json::json;

use crate::runbook::ids::EffectKey;
use crate::runbook::machine::acts::removed;
use crate::runbook::machine::fact::{Fact, Found, Intent, Outcome, Probe, Reason, Status};
use crate::runbook::machine::io::{Answer, Effect, Event, ObjectState, Question};
use crate::runbook::machine::ledger::{Mutation, StepState};
use crate::runbook::machine::objects::unserved;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::Then;
use crate::runbook::patch::{Action, Planned, Standing};
use crate::runbook::prose::bounded;

/// Repeats after a conflict.
pub(super) const MAX_RETRIES: u32 = 5;

impl Run {
    pub(super) fn mutation(&self, index: usize, undo: bool) -> Option<&Mutation> {
        let record = self.ledger.steps.get(index)?;
        if undo {
            record.undo.as_ref()
        } else {
            record.effect.as_ref()
        }
    }

    /// An intent without outcome: send it if it was recorded just now, else look at the world first.
    pub(super) fn resolve(
        &mut self,
        now: Timestamp,
        index: usize,
        undo: bool,
        out: &mut Vec<Effect>,
    ) {
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
        if mutation.action.planned.object.is_program() {
            return self.ask_whether(now, (index, undo), &mutation, out);
        }
        let object = mutation.action.planned.object.clone();
        let question = if mutation.action.planned.is_secret() {
            self.question_for(&self.plan[index], object)
        } else {
            Question::Probe {
                effect: mutation.effect,
                object,
            }
        };
        self.read(Purpose::Probe(index, undo), question, out);
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

    /// The one who sends says what became of a request.
    pub(super) fn came_back(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        let outcome = |effect: EffectKey, attempt, status, http, message: &str| Outcome {
            step: String::new(),
            effect,
            attempt,
            status,
            http: Some(http),
            resource_version: None,
            generation: None,
            message: bounded(message, 1000),
            said: None,
        };
        match event {
            Event::Performed {
                effect,
                attempt,
                http,
                resource_version,
                generation,
            } => {
                let applied = Outcome {
                    resource_version: Some(resource_version),
                    generation: Some(generation),
                    ..outcome(effect.clone(), attempt, Status::Applied, http, "applied")
                };
                self.settled(now, &effect, attempt, Ok(applied), out);
            }
            Event::Refused {
                effect,
                attempt,
                status,
                http,
                message,
            } => {
                let status = if status == Status::Applied {
                    Status::Invalid
                } else {
                    status
                };
                let refused = outcome(effect.clone(), attempt, status, http, &message);
                self.settled(now, &effect, attempt, Ok(refused), out);
            }
            Event::Exited { .. } => self.exited(now, event, out),
            Event::Unknown {
                effect,
                attempt,
                why,
            } => self.settled(now, &effect, attempt, Err(bounded(&why, 1000)), out),
            _ => {}
        }
    }

    /// A mutating step that has begun and sent nothing, or may try again.
    pub(super) fn before_effect(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let step = self.plan[index].clone();
        if let Some(found) = self.awaits(index) {
            return self.pass_by(now, index, found, out);
        }
        let object = match self.object_for(&step) {
            Ok(object) => object,
            Err(why) => return self.unplanned(now, index, Reason::Input, why, out),
        };
        let Some(planned) = self.ledger.steps[index].plan.clone() else {
            let question = self.question_for(&step, object);
            return self.read(Purpose::Plan(index), question, out);
        };
        if self.start.dry_run {
            return self.rehearse(now, index, planned, out);
        }
        if planned.changes.is_empty() {
            return self.finish(
                now,
                index,
                json!({"unchanged": true, "lines": planned.lines}),
                out,
            );
        }
        if !self.authorised(now, index, out) || !self.approved(now, index, out) {
            return;
        }
        let question = self.question_for(&step, planned.object);
        self.read(Purpose::BeforeIntent(index), question, out);
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
            let object = self.object_for(&self.plan[index]);
            let missing = object.map_or_else(
                |_| "the object does not exist".to_owned(),
                |one| format!("{} does not exist in {}", one.short(), one.namespace),
            );
            return self.fail(now, at, Reason::Drift, missing, Then::Pause, out);
        };
        if self.asks_for_secret(now, index, &state, out) {
            return;
        }
        self.live.seen_version.clone_from(&state.resource_version);
        match self.plan_for(&self.plan[index], &self.plan[index].kind, &state, now) {
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
            Err(why) => {
                let (reason, why) = why.told();
                self.unplanned(now, at, reason, why, out);
            }
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
        let Some(planned) = record.plan.clone() else {
            return;
        };
        // It may have run out while the platform was silent.
        if record.effect.is_none() && !self.approved(now, index, out) {
            return;
        }
        if let Some(why) = removed(&planned, &answer) {
            return self.removed_already(now, index, &record, why, out);
        }
        let state = match same_object(&planned, answer) {
            Ok(state) => state,
            Err(why) => return self.fail(now, index, Reason::Conflict, why, Then::Pause, out),
        };
        if planned.in_force(&state.body) != Standing::After
            && self.asks_for_secret(now, index, &state, out)
        {
            return;
        }
        let attempts = record.effect.as_ref().map_or(0, |effect| effect.attempt);
        let planned = match self.renewed(now, index, planned, &state) {
            Ok(planned) => planned,
            Err(why) => return self.fail(now, index, Reason::Conflict, why, Then::Pause, out),
        };
        let standing = match planned.in_force(&state.body) {
            Standing::After => Standing::After,
            _ => planned.standing(&state.body),
        };
        match standing {
            Standing::Before => {
                if let Some(why) = unserved(&planned, &state) {
                    return self.fail(now, index, Reason::Conflict, why, Then::Pause, out);
                }
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
                        version: Some(state.resource_version),
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

    /// What was confirmed, as it is sent now: a value that is made is made in this process, and what it goes over must be
    /// what it was.
    fn renewed(
        &self,
        now: Timestamp,
        index: usize,
        planned: Planned,
        state: &ObjectState,
    ) -> Result<Planned, String> {
        if !planned.is_secret() || planned.in_force(&state.body) == Standing::After {
            return Ok(planned);
        }
        let step = &self.plan[index];
        let fresh = self.plan_for(step, &step.kind, state, now);
        let fresh = fresh.map_err(|why| why.told().1)?;
        planned.renewed(&fresh).map_err(|fields| {
            let fields = fields.join("; ");
            format!("somebody changed what was confirmed: {fields}")
        })
    }

    pub(super) fn intent_of(
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
        let gone = removed(planned, &answer);
        let version = match &answer {
            Answer::Object(state) => Some(state.resource_version.clone()),
            _ => None,
        };
        let absent = planned.verb().creates() && answer == Answer::Gone;
        let (found, detail, generation) = match same_object(planned, answer) {
            _ if absent => {
                let detail = format!("{} is not there: it was not made", planned.object.short());
                (Found::Absent, vec![detail], None)
            }
            _ if gone.is_some() => (Found::Present, gone.into_iter().collect(), None),
            Err(why) => (Found::Diverged, vec![why], None),
            Ok(state) => match planned.in_force(&state.body) {
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
            version,
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
        let removes = mutation.action.planned.verb().removes();
        match mutation.refused {
            Some(status)
                if mutation.attempt <= MAX_RETRIES
                    && (status == Status::Conflict || removes && status == Status::Gone) =>
            {
                let object = mutation.action.planned.object;
                let question = self.question_for(&self.plan[index], object);
                self.read(Purpose::BeforeIntent(index), question, out);
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
            Some(Status::Failed) => self.program_failed(now, index, &mutation, out),
            Some(Status::Locked) => {
                self.fail(now, index, Reason::Lock, mutation.message, Then::Pause, out);
            }
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
}

/// The object if it is the one planned for: a namesake is another object.
pub(super) fn same_object(planned: &Planned, answer: Answer) -> Result<ObjectState, String> {
    match answer {
        // What is made has no uid before; whether it is ours is told by its mark.
        Answer::Object(state) if planned.verb().creates() => Ok(state),
        Answer::Object(state) if state.object.uid == planned.object.uid => Ok(state),
        Answer::Object(state) if state.object.is_program() => Err(format!(
            "{} is another file than the one that was confirmed: it is not started",
            planned.object.name
        )),
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
