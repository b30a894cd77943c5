//! What the present step asks for when nothing else is open: its condition, its preflight, its own work.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::{Fact, Reason, RunState};
use crate::runbook::machine::io::{Effect, Question};
use crate::runbook::machine::ledger::StepState;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{Branch, Enclosing, SecretStep, Step, StepKind, Subject, Then, When};
use crate::runbook::patch::ObjectRef;
use crate::runbook::template::Path;

impl Run {
    pub(super) fn next(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(index) = self.current() else {
            let done = if self.start.dry_run {
                self.rehearsal_told()
            } else {
                self.done_words()
            };
            return self.end(now, RunState::Succeeded, done, Vec::new(), out);
        };
        let step = self.plan[index].clone();
        match self.ledger.steps[index].state {
            StepState::Pending => {
                if !self.wanted(&step) {
                    let reason = "its condition is false".to_owned();
                    let (step, more) = (step.id, self.left_out_with(index));
                    let fact = Fact::Skipped { step, reason, more };
                    return self.record(now, vec![fact], out);
                }
                if self.settle_calls(now, index, &step, out) {
                    return;
                }
                if !step.kind.collects() && self.more_effects() && self.nobody_types(now, out) {
                    return;
                }
                if !step.kind.collects() && self.more_rights_needed(index) && self.more_effects() {
                    return self.preflight(now, out);
                }
                self.live.findings.clear();
                self.record(now, vec![Fact::Started { step: step.id }], out);
            }
            StepState::Applied => self.after_effect(now, index, out),
            StepState::Rejected => {
                if self.more_rights_needed(index) {
                    self.preflight(now, out);
                } else {
                    self.rejected(now, index, out);
                }
            }
            StepState::Diverged => {
                let why = self.ledger.steps[index]
                    .effect
                    .as_ref()
                    .map(|effect| effect.message.clone())
                    .unwrap_or_default();
                self.fail(
                    now,
                    index,
                    Reason::Conflict,
                    format!("somebody changed what this touches: {why}"),
                    Then::Pause,
                    out,
                );
            }
            _ if step.kind.mutates() && self.more_rights_needed(index) => self.preflight(now, out),
            _ => self.begin_step(now, index, &step, out),
        }
    }

    pub(super) fn more_effects(&self) -> bool {
        self.plan
            .iter()
            .zip(&self.ledger.steps)
            .any(|(step, record)| step.kind.mutates() && !record.effective() && !record.is_over())
    }

    /// Whether a step may not go on before rights and facts were looked at: never yet, or not at everything that is known
    /// to be changed where it stands.
    pub(super) fn more_rights_needed(&self, index: usize) -> bool {
        let looked = matches!(self.ledger.preflight, Some((true, _)));
        let step = &self.plan[index];
        let covered = &self.ledger.covered;
        let near = |other: &Step| other.within.last() == step.within.last();
        let remaining = self.remaining();
        if remaining.is_empty() && !step.kind.mutates() {
            // What will be changed is not known yet: it is looked at when it is.
            return false;
        }
        // Where an object is not known yet, looking would not help: reaching its step says why.
        let missed = |(other, _): &(&Step, ObjectRef)| near(other) && !covered.contains(&other.id);
        !looked || !covered.is_empty() && remaining.iter().any(missed)
    }

    pub(super) fn begin_step(
        &mut self,
        now: Timestamp,
        index: usize,
        step: &Step,
        out: &mut Vec<Effect>,
    ) {
        // What changes something is planned first: that is what is agreed with.
        if !step.kind.mutates() && !self.approved(now, index, out) {
            return;
        }
        match &step.kind {
            StepKind::Input { param } => self.input(now, index, param, out),
            StepKind::Choose { options } => self.choose(now, index, options, out),
            StepKind::Check {
                object: Some(target),
            } => match self.object_of(step, target) {
                Ok(object) => self.read(
                    Purpose::CheckObject(index),
                    Question::Object { object },
                    out,
                ),
                Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
            },
            StepKind::Diff { of } => self.diff(now, index, of, out),
            StepKind::Confirm { .. } => {
                if self.start.dry_run || self.authorised(now, index, out) {
                    self.finish(now, index, json!({}), out);
                }
            }
            StepKind::Approve => {
                let by = self.ledger.steps[index].approvals.iter();
                let by: Vec<&str> = by.map(|one| one.by.as_str()).collect();
                let found = json!({"by": by});
                self.finish(now, index, found, out);
            }
            StepKind::Checklist { .. } => self.checklist(now, index, out),
            StepKind::Look(_) => self.look_outward(now, index, out),
            StepKind::Gate { .. } => self.hold(now, index, out),
            StepKind::Wait { .. } => self.wait(now, index, out),
            StepKind::Audit { with, .. } => {
                let scope = self.scope_of(step, None);
                let fields: serde_json::Map<String, Value> = with
                    .iter()
                    .map(|(key, text)| {
                        (
                            key.clone(),
                            json!(text.fill(&scope).unwrap_or_else(|_| "unknown".to_owned())),
                        )
                    })
                    .collect();
                self.finish(now, index, Value::Object(fields), out);
            }
            StepKind::Notify { .. } => self.notify(now, index, out),
            StepKind::IncidentSet { .. } => self.set_incident(now, index, out),
            StepKind::Each { .. } => self.not_repeated(now, index, out),
            _ if step.each.is_some() => self.not_repeated(now, index, out),
            StepKind::Secret(
                SecretStep::Consumers { .. } | SecretStep::Read { .. } | SecretStep::Proof { .. },
            ) => match self.unproven(step) {
                Some(found) => self.pass_by(now, index, found, out),
                None => self.look_at_secret(now, index, out),
            },
            kind if kind.mutates() => self.before_effect(now, index, out),
            _ => self.finish(now, index, json!({}), out),
        }
    }

    /// Takes the branch that was answered beforehand, or asks for one.
    fn choose(&mut self, now: Timestamp, index: usize, options: &[Branch], out: &mut Vec<Effect>) {
        let id = self.plan[index].id.clone();
        if let Some(answer) = self.answered_beforehand(&id) {
            return self.branch(now, index, "--answer", &answer, out);
        }
        let labels: Vec<&str> = options.iter().map(|one| one.label.as_str()).collect();
        let wanted = format!("choose one of {}", labels.join(", "));
        self.await_person(now, index, Reason::Input, wanted, out);
    }

    /// Lets time pass; a rehearsal has nothing to wait for.
    fn wait(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        match self.wait_ends(index, now) {
            _ if self.start.dry_run => self.finish(now, index, json!({"waited": false}), out),
            Ok(end) if now >= end => self.finish(now, index, json!({}), out),
            Ok(end) => out.push(Effect::Wake(end)),
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }

    pub(super) fn holds(&self, step: &Step, when: &When) -> bool {
        match when {
            When::All(parts) => parts.iter().all(|part| self.holds(step, part)),
            When::Any(parts) => parts.iter().any(|part| self.holds(step, part)),
            When::Test(Subject::Value(path), test) => {
                test.holds(self.scope_of(step, None).get(path).as_ref())
            }
            When::Test(Subject::Env, test) => {
                test.holds(Some(&json!(self.start.target.environment)))
            }
            When::Test(Subject::Severity, test) => {
                let severity = self.start.answers.severity.as_ref();
                test.holds(severity.map(|severity| json!(severity)).as_ref())
            }
        }
    }

    /// Whether a step is to run: its condition holds, and those of the calls around it, each in its own place.
    pub(super) fn wanted(&self, step: &Step) -> bool {
        let holds = |step: &Step| step.when.as_ref().is_none_or(|when| self.holds(step, when));
        holds(step) && around(step).all(|outer| holds(&outer))
    }

    /// Whether it cannot be wanted any more.
    pub(super) fn unwanted(&self, step: &Step) -> bool {
        let never = |step: &Step| {
            step.when
                .as_ref()
                .is_some_and(|when| self.never(step, when))
        };
        never(step) || around(step).any(|outer| never(&outer))
    }

    /// Settles the parameters of a call when its first step is reached; whether something was recorded.
    fn settle_calls(
        &mut self,
        now: Timestamp,
        index: usize,
        step: &Step,
        out: &mut Vec<Effect>,
    ) -> bool {
        let mark = |call: &Enclosing| format!("{}called", call.prefix);
        let open = |call: &&Enclosing| !self.ledger.params.contains_key(&mark(call));
        let Some(call) = step.within.iter().find(open) else {
            return false;
        };
        match self.given_to(step, call) {
            Ok(settled) => {
                let each = settled.into_iter().map(|(name, value)| Fact::Param {
                    name: format!("{}{name}", call.prefix),
                    value,
                });
                let done = Fact::Param {
                    name: mark(call),
                    value: json!(call.book.id),
                };
                let facts = each.chain([done]).collect();
                self.record(now, facts, out);
            }
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
        true
    }

    /// What a call gives to the parameters of its runbook; what is not known yet is left for that one to ask.
    fn given_to(&self, step: &Step, call: &Enclosing) -> Result<BTreeMap<String, Value>, String> {
        let outer = around(step).find(|outer| outer.id == call.prefix.trim_end_matches('/'));
        let mut given = BTreeMap::new();
        for (name, text) in &call.with {
            let scope = outer.as_ref().map(|outer| self.scope_of(outer, None));
            let filled = scope.and_then(|scope| text.fill(&scope).ok());
            given.extend(filled.map(|text| (name.clone(), text)));
        }
        let shared = [
            ("namespace", Some(self.namespace())),
            ("reason", self.ledger.reason.clone()),
        ];
        for (name, value) in shared {
            if call.book.param(name).is_some() && !given.contains_key(name) {
                given.extend(value.map(|value| (name.to_owned(), value)));
            }
        }
        crate::runbook::param::settle(&call.book, &given).map_err(|wrong| wrong.join("; "))
    }

    fn not_repeated(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let why = self.unrepeated(index).unwrap_or_default();
        self.fail(now, index, Reason::Input, why, Then::Pause, out);
    }

    /// Whether a condition cannot hold any more: everything it asks about is known, and it is false.
    pub(super) fn never(&self, step: &Step, when: &When) -> bool {
        match when {
            When::All(parts) => parts.iter().any(|part| self.never(step, part)),
            When::Any(parts) => parts.iter().all(|part| self.never(step, part)),
            When::Test(Subject::Value(path), test) => {
                let value = self.scope_of(step, None).get(path);
                let settled = value.is_some() || matches!(path, Path::Param(..));
                settled && !test.holds(value.as_ref())
            }
            When::Test(..) => !self.holds(step, when),
        }
    }

    pub(super) fn audit(&self, path: &str, fields: &Value, out: &mut Vec<Effect>) {
        let Some(StepKind::Audit { event, .. }) = self
            .plan
            .iter()
            .find(|step| step.id == path)
            .map(|step| &step.kind)
        else {
            return;
        };
        let fields = fields
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), crate::runbook::template::plain(value)))
            .collect();
        if self.start.dry_run {
            return;
        }
        out.push(Effect::Audit {
            event: event.clone(),
            fields,
        });
    }
}

/// The calls around a step as steps of their own, each standing where it is written.
fn around(step: &Step) -> impl Iterator<Item = Step> + '_ {
    step.within.iter().enumerate().map(|(depth, call)| Step {
        id: call.prefix.trim_end_matches('/').to_owned(),
        when: call.when.clone(),
        vars: call.vars.clone(),
        within: step.within[..depth].to_vec(),
        ..step.clone()
    })
}
