//! The machine's motion: an event in, the next effects out. One record, one question or one request is open at a
//! time; what arrives meanwhile waits its turn.
//!
//! Length: the order in which a run looks at its world is one thought and is kept on one page.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::gate::{Gate, GateSpec, Reading, Verdict};
use crate::runbook::machine::fact::{Entry, Fact, Outcome, Reason, RunState, Status, Way};
use crate::runbook::machine::io::{Answer, Ask, AskKind, Decision, Effect, Event, Question};
use crate::runbook::machine::run::{Purpose, Run, StepState};
use crate::runbook::model::{Confirm, OnFailure, Step, StepKind, Subject, Then, ThenBy, When};
use crate::runbook::patch::Action;
use crate::runbook::preflight::{self, Level, Line};
use crate::runbook::prose::bounded;
use crate::runbook::revision::{Choice, Revision, choose, remark};

/// One step of the machine: pure, total, and the only way a run moves.
pub fn step(mut run: Run, now: Timestamp, event: Event) -> (Run, Vec<Effect>) {
    let mut out = Vec::new();
    run.handle(now, event, &mut out);
    (run, out)
}

/// The first effect of a new run: its start, to be recorded.
pub fn begin(mut run: Run, now: Timestamp) -> (Run, Vec<Effect>) {
    let mut out = Vec::new();
    let start = Fact::Start(Box::new(run.start.clone()));
    run.record(now, vec![start], &mut out);
    (run, out)
}

impl Run {
    fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        if self.live.halted.is_some() {
            return;
        }
        match event {
            Event::Recorded => self.recorded(now, out),
            Event::RecordFailed(why) => {
                self.live.recording = None;
                self.live.halted = Some(why);
                out.push(Effect::Done(RunState::NeedsHuman));
            }
            Event::StopRequested => {
                self.live.stop = true;
                self.advance(now, out);
            }
            Event::Interrupted(why) => {
                self.live.down = true;
                let event = Event::Interrupted(why);
                if self.live.recording.is_some() {
                    self.live.inbox.push_back(event)
                } else {
                    self.on(now, event, out)
                }
            }
            Event::Tick if self.live.recording.is_some() => {}
            event if self.live.recording.is_some() => self.live.inbox.push_back(event),
            event => self.on(now, event, out),
        }
    }

    /// The batch is on disk: only now does the ledger change, and only now does anything follow from it.
    fn recorded(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        for entry in self.live.recording.take().unwrap_or_default() {
            self.apply(&entry);
            match &entry.fact {
                Fact::Intent(intent) | Fact::UndoIntent(intent) => {
                    self.live.fresh = Some((intent.effect.clone(), intent.attempt))
                }
                Fact::Done { step, out: fields } => self.audit(step, fields, out),
                Fact::Verdict { .. } => self.live.gate = None,
                _ => {}
            }
        }
        self.advance(now, out);
        while self.live.recording.is_none() {
            let Some(event) = self.live.inbox.pop_front() else {
                break;
            };
            self.on(now, event, out);
        }
    }

    fn audit(&self, path: &str, fields: &Value, out: &mut Vec<Effect>) {
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
        out.push(Effect::Audit {
            event: event.clone(),
            fields,
        });
    }

    pub(super) fn record(&mut self, now: Timestamp, facts: Vec<Fact>, out: &mut Vec<Effect>) {
        let entries: Vec<Entry> = facts
            .into_iter()
            .map(|fact| Entry { ts: now, fact })
            .collect();
        self.live.recording = Some(entries.clone());
        out.push(Effect::Record(entries));
    }

    pub(super) fn read(&mut self, purpose: Purpose, question: Question, out: &mut Vec<Effect>) {
        self.live.next_read += 1;
        self.live.pending = Some((self.live.next_read, purpose));
        out.push(Effect::Read(self.live.next_read, Box::new(question)));
    }

    pub(super) fn forget(&mut self, out: &mut Vec<Effect>) {
        out.extend(self.live.pending.take().map(|(id, _)| Effect::Forget(id)));
        self.live.deadline = None;
    }

    fn on(&mut self, now: Timestamp, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Answered(id, answer) => {
                if let Some((_, purpose)) =
                    self.live.pending.clone().filter(|(open, _)| *open == id)
                {
                    self.live.offline_since = None;
                    if !matches!(purpose, Purpose::Rollout(..)) {
                        self.live.pending = None;
                    }
                    self.answered(now, purpose, *answer, out);
                }
            }
            Event::Unanswered(id, failure) => {
                if let Some((_, purpose)) = self.live.pending.take_if(|(open, _)| *open == id) {
                    self.unanswered(now, purpose, failure, out);
                }
            }
            Event::Performed {
                effect,
                attempt,
                http,
                resource_version,
                generation,
            } => {
                let outcome = Outcome {
                    step: String::new(),
                    effect: effect.clone(),
                    attempt,
                    status: Status::Applied,
                    http: Some(http),
                    resource_version: Some(resource_version),
                    generation: Some(generation),
                    message: "applied".to_owned(),
                };
                self.settled(now, &effect, attempt, Ok(outcome), out);
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
                let outcome = Outcome {
                    step: String::new(),
                    effect: effect.clone(),
                    attempt,
                    status,
                    http: Some(http),
                    resource_version: None,
                    generation: None,
                    message: bounded(&message, 1000),
                };
                self.settled(now, &effect, attempt, Ok(outcome), out);
            }
            Event::Unknown {
                effect,
                attempt,
                why,
            } => self.settled(now, &effect, attempt, Err(bounded(&why, 1000)), out),
            Event::Decided { by, decision } => self.decide(now, &by, decision, out),
            Event::Measured(id, readings) => {
                if self
                    .live
                    .measuring
                    .take_if(|(open, _)| *open == id)
                    .is_some()
                {
                    self.evaluate(now, readings, out);
                }
            }
            Event::Tick => self.tick(now, out),
            Event::Interrupted(why) => self.record(now, vec![Fact::Interrupted { why }], out),
            Event::Resume {
                by,
                hand_over,
                confirm,
            } => self.resume(now, by, hand_over, confirm, out),
            Event::RollBack { by, reason } => {
                if self.has_effects() && self.ledger.end.is_none() && !self.ledger.rolling_back {
                    self.live.back = Some((by, reason));
                    if !self.live.in_flight {
                        self.forget(out);
                    }
                    self.advance(now, out);
                }
            }
            Event::Abandon { by, reason } => {
                if self.ledger.end.is_none() && !self.live.in_flight {
                    let leftovers = self.leftovers();
                    self.record(
                        now,
                        vec![Fact::End {
                            state: RunState::Abandoned,
                            refused: false,
                            message: format!("closed by {by}: {reason}"),
                            leftovers,
                        }],
                        out,
                    );
                }
            }
            Event::Note { by, text } => self.record(
                now,
                vec![Fact::Note {
                    by,
                    text: bounded(&text, 2000),
                }],
                out,
            ),
            Event::Recorded | Event::RecordFailed(_) | Event::StopRequested => {}
        }
    }

    /// What follows from the ledger when nothing is open.
    fn advance(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if self.live.recording.is_some() || self.live.halted.is_some() {
            return;
        }
        if self.ledger.end.is_some() || self.live.down {
            if !std::mem::replace(&mut self.live.stopped, true) {
                out.push(Effect::Done(self.ledger.state));
            }
            return;
        }
        if self.live.pending.is_some() || self.live.in_flight {
            return;
        }
        if let Some(at) = self.live.retry_at {
            if now < at {
                return out.push(Effect::Wake(at));
            }
            self.live.retry_at = None;
        }
        if let Some((by, reason)) = self.live.back.take_if(|_| self.ledger.human.is_some()) {
            self.live.asked = None;
            self.leave_gate(out);
            return self.record(now, vec![Fact::RollingBack { by, reason }], out);
        }
        if self.ledger.human.is_some() {
            return self.put_question(out);
        }
        if let Some((index, undo)) = self.unresolved() {
            return self.resolve(index, undo, out);
        }
        if self.live.confirm_resume {
            let message = "taken up again and looked at: ready to go on".to_owned();
            return self.record(
                now,
                vec![Fact::NeedsHuman {
                    reason: Reason::Confirm,
                    message,
                    step: None,
                    ways: Vec::new(),
                }],
                out,
            );
        }
        if let Some((by, reason)) = self.live.back.take() {
            self.leave_gate(out);
            return self.record(now, vec![Fact::RollingBack { by, reason }], out);
        }
        if self.live.stop {
            self.live.stop = false;
            let before = self.current().map_or_else(String::new, |index| {
                format!(" before step {}", self.ledger.steps[index].path)
            });
            return self.record(
                now,
                vec![Fact::NeedsHuman {
                    reason: Reason::Input,
                    message: format!("stopped{before} as asked"),
                    step: None,
                    ways: self.ways(),
                }],
                out,
            );
        }
        if self.ledger.rolling_back {
            self.undo_next(now, out)
        } else {
            self.next(now, out)
        }
    }

    fn next(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(index) = self.current() else {
            let message = "every step is done".to_owned();
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
        };
        let step = self.plan[index].clone();
        match self.ledger.steps[index].state {
            StepState::Pending => {
                if let Some(reason) = step
                    .when
                    .as_ref()
                    .filter(|when| !self.holds(when))
                    .map(|_| "its condition is false".to_owned())
                {
                    return self.record(
                        now,
                        vec![Fact::Skipped {
                            step: step.id,
                            reason,
                        }],
                        out,
                    );
                }
                if !step.kind.collects()
                    && !matches!(self.ledger.preflight, Some((true, _)))
                    && self.more_effects()
                {
                    return self.preflight(now, out);
                }
                self.live.findings.clear();
                self.record(now, vec![Fact::Started { step: step.id }], out);
            }
            StepState::Applied => self.after_effect(now, index, out),
            StepState::Rejected => {
                if self.more_rights_needed() {
                    self.preflight(now, out)
                } else {
                    self.rejected(now, index, out)
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
            _ if step.kind.mutates() && self.more_rights_needed() => self.preflight(now, out),
            _ => self.begin_step(now, index, &step, out),
        }
    }

    fn more_effects(&self) -> bool {
        self.plan
            .iter()
            .zip(&self.ledger.steps)
            .any(|(step, record)| {
                step.kind.mutates()
                    && !record.effective()
                    && !matches!(record.state, StepState::Skipped | StepState::Succeeded)
            })
    }

    fn more_rights_needed(&self) -> bool {
        !matches!(self.ledger.preflight, Some((true, _)))
    }

    fn begin_step(&mut self, now: Timestamp, index: usize, step: &Step, out: &mut Vec<Effect>) {
        match &step.kind {
            StepKind::Input { param } => self.input(now, index, param, out),
            StepKind::Choose { options } => match self.start.answers.step.get(&step.id).cloned() {
                Some(answer) => self.branch(now, index, "--answer", &answer, out),
                None => self.await_person(
                    now,
                    index,
                    Reason::Input,
                    format!(
                        "choose one of {}",
                        options
                            .iter()
                            .map(|option| option.label.clone())
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                    out,
                ),
            },
            StepKind::Check {
                object: Some(target),
            } => match self.object_of(target) {
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
            StepKind::Gate { .. } => self.hold(now, index, out),
            StepKind::Wait { span, plus, since } => {
                let scope = self.scope(None);
                let from = since
                    .as_ref()
                    .and_then(|path| scope.get(path))
                    .and_then(|value| {
                        value
                            .as_str()
                            .and_then(|text| text.parse::<Timestamp>().ok())
                    })
                    .or(self.ledger.steps[index].started_at)
                    .unwrap_or(now);
                let spans = span.duration(&scope).and_then(|span| {
                    Ok(span
                        + plus
                            .as_ref()
                            .map_or(Ok(jiff::SignedDuration::ZERO), |plus| plus.duration(&scope))?)
                });
                match spans {
                    Ok(span) if now >= from + span => self.finish(now, index, json!({}), out),
                    Ok(span) => out.push(Effect::Wake(from + span)),
                    Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
                }
            }
            StepKind::Audit { with, .. } => {
                let scope = self.scope(None);
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
            kind if kind.mutates() => self.before_effect(now, index, out),
            _ => self.finish(now, index, json!({}), out),
        }
    }

    fn holds(&self, when: &When) -> bool {
        match when {
            When::All(parts) => parts.iter().all(|part| self.holds(part)),
            When::Any(parts) => parts.iter().any(|part| self.holds(part)),
            When::Test(Subject::Value(path), test) => {
                test.holds(self.scope(None).get(path).as_ref())
            }
            When::Test(Subject::Env, test) => {
                test.holds(Some(&json!(self.start.target.environment)))
            }
            When::Test(Subject::Severity, test) => test.holds(None),
        }
    }

    // --- inputs ------------------------------------------------------------------------------------------------

    fn input(&mut self, now: Timestamp, index: usize, param: &str, out: &mut Vec<Effect>) {
        use crate::runbook::model::LiveList;
        let given = self.ledger.params.get(param).cloned().or_else(|| {
            self.start
                .answers
                .step
                .get(&self.plan[index].id)
                .map(|text| json!(text))
        });
        match self.book.param(param).and_then(|param| param.from) {
            Some(LiveList::Workloads) => {
                let reference = given.map(|value| crate::runbook::template::plain(&value));
                let namespace = self.namespace();
                self.read(
                    Purpose::Resolve(index),
                    Question::Workload {
                        namespace,
                        reference,
                    },
                    out,
                );
            }
            Some(LiveList::Revisions) => match self.workload() {
                Some(object) => self.read(
                    Purpose::Revisions(index),
                    Question::Revisions { object },
                    out,
                ),
                None => self.fail(
                    now,
                    index,
                    Reason::Input,
                    "no workload was chosen before".to_owned(),
                    Then::Pause,
                    out,
                ),
            },
            None => match given {
                Some(value) => self.finish(now, index, json!({"value": value}), out),
                None => {
                    self.await_person(now, index, Reason::Input, format!("{param} is needed"), out)
                }
            },
        }
    }

    fn namespace(&self) -> String {
        self.ledger
            .params
            .get("namespace")
            .and_then(Value::as_str)
            .unwrap_or(&self.start.target.namespace)
            .to_owned()
    }

    /// The workload an earlier step settled.
    fn workload(&self) -> Option<crate::runbook::patch::ObjectRef> {
        self.ledger
            .outs
            .values()
            .find(|out| out.get("uid").is_some() && out.get("kind").is_some())
            .and_then(|out| serde_json::from_value(out.clone()).ok())
    }

    fn take_workload(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        match answer {
            Answer::Workload(object) => {
                let StepKind::Input { param } = &self.plan[index].kind else {
                    return;
                };
                let settled = Fact::Param {
                    name: param.clone(),
                    value: json!(object.short()),
                };
                let found = json!({"value": object.short(), "kind": object.kind, "name": object.name, "namespace": object.namespace, "uid": object.uid});
                self.finish_with(now, index, found, vec![settled], out);
            }
            Answer::Workloads(list) => {
                self.live.candidates = list;
                self.await_person(now, index, Reason::Input, "which workload?".to_owned(), out);
            }
            _ => self.fail(
                now,
                index,
                Reason::Drift,
                "that workload does not exist here".to_owned(),
                Then::Pause,
                out,
            ),
        }
    }

    fn take_revisions(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let Answer::Revisions(revisions) = answer else {
            return self.fail(
                now,
                index,
                Reason::Drift,
                "the workload does not exist any more".to_owned(),
                Then::Pause,
                out,
            );
        };
        let StepKind::Input { param } = self.plan[index].kind.clone() else {
            return;
        };
        self.live.revisions = revisions;
        if let Some(number) = self.ledger.params.get(&param).and_then(Value::as_i64) {
            return self.take_revision(now, index, number, None, out);
        }
        match choose(&self.live.revisions) {
            Choice::Take {
                number,
                evidence,
                amber,
                ..
            } if !self.start.attended => {
                self.take_revision(now, index, number, Some((evidence, amber)), out)
            }
            Choice::Take {
                number, evidence, ..
            } => self.await_person(
                now,
                index,
                Reason::Input,
                format!("revision {number} is suggested: {evidence}"),
                out,
            ),
            Choice::Ask(why) => self.await_person(now, index, Reason::Input, why, out),
        }
    }

    fn take_revision(
        &mut self,
        now: Timestamp,
        index: usize,
        number: i64,
        evidence: Option<(String, bool)>,
        out: &mut Vec<Effect>,
    ) {
        let StepKind::Input { param } = self.plan[index].kind.clone() else {
            return;
        };
        let revisions = std::mem::take(&mut self.live.revisions);
        let known = revisions
            .iter()
            .map(|revision| revision.number.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let Some(revision) = revisions.iter().find(|revision| revision.number == number) else {
            return self.fail(
                now,
                index,
                Reason::Input,
                format!("there is no revision {number}; there are {known}"),
                Then::Pause,
                out,
            );
        };
        if revision.current {
            return self.fail(
                now,
                index,
                Reason::Input,
                format!("revision {number} is the one that runs now; there are {known}"),
                Then::Pause,
                out,
            );
        }
        let suggested = choose(&revisions);
        let (evidence, amber) = evidence.unwrap_or_else(|| match &suggested {
            Choice::Take {
                uid,
                evidence,
                amber,
                ..
            } if *uid == revision.uid => (evidence.clone(), *amber),
            _ => (
                format!("chosen by hand; {}", remark(revision, &revisions)),
                false,
            ),
        });
        let found = revision_out(revision, &revisions, &evidence, amber);
        self.finish_with(
            now,
            index,
            found,
            vec![Fact::Param {
                name: param,
                value: json!(number),
            }],
            out,
        );
    }

    fn branch(
        &mut self,
        now: Timestamp,
        index: usize,
        by: &str,
        answer: &str,
        out: &mut Vec<Effect>,
    ) {
        let StepKind::Choose { options } = &self.plan[index].kind else {
            return;
        };
        if !options.iter().any(|option| option.id == answer) {
            let known = options
                .iter()
                .map(|option| option.id.clone())
                .collect::<Vec<_>>()
                .join(", ");
            return self.fail(
                now,
                index,
                Reason::Input,
                format!(
                    "`{}` is not a choice; there are {known}",
                    bounded(answer, 60)
                ),
                Then::Pause,
                out,
            );
        }
        let decision = Fact::Decision {
            step: Some(self.plan[index].id.clone()),
            by: by.to_owned(),
            answer: answer.to_owned(),
            accepted: true,
        };
        self.finish_with(now, index, json!({"choice": answer}), vec![decision], out);
    }

    // --- looking -----------------------------------------------------------------------------------------------

    fn answered(
        &mut self,
        now: Timestamp,
        purpose: Purpose,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        match purpose {
            Purpose::Resolve(index) => self.take_workload(now, index, answer, out),
            Purpose::Revisions(index) => self.take_revisions(now, index, answer, out),
            Purpose::CheckObject(index) => self.look(now, index, answer, out),
            Purpose::Preflight => self.judge(now, answer, out),
            Purpose::Plan(index) => self.planned(now, index, answer, out),
            Purpose::DryRun(index) => self.rehearsed(now, index, answer, out),
            Purpose::BeforeIntent(index) => self.before_intent(now, index, answer, out),
            Purpose::BeforeUndo(index) => self.before_undo(now, index, answer, out),
            Purpose::Probe(index, undo) => self.probed(now, index, undo, answer, out),
            Purpose::Rollout(index, undo) => match answer {
                Answer::Rollout(rollout) => self.rollout_moved(now, index, undo, rollout, out),
                Answer::Gone => self.rollout_moved(
                    now,
                    index,
                    undo,
                    crate::runbook::machine::io::Rollout::Gone,
                    out,
                ),
                _ => {}
            },
        }
    }

    fn look(&mut self, now: Timestamp, index: usize, answer: Answer, out: &mut Vec<Effect>) {
        let Answer::Object(state) = answer else {
            return self.fail(
                now,
                index,
                Reason::Drift,
                "the object does not exist".to_owned(),
                Then::Pause,
                out,
            );
        };
        let leaving = self
            .ledger
            .outs
            .values()
            .find_map(|found| found.get("leaving_uid"))
            .and_then(Value::as_str);
        // A rollout of the very revision being left is no obstacle; any other is.
        let foreign = state.facts.rolling
            && leaving.is_some()
            && state.facts.revision_uid.as_deref() != leaving;
        let found = json!({
            "uid": state.object.uid, "kind": state.object.kind, "name": state.object.name, "namespace": state.object.namespace,
            "paused": state.facts.paused, "rolling": state.facts.rolling, "foreign_rollout": foreign, "replicas": state.facts.replicas,
            "managers": state.facts.managers.iter().map(|manager| manager.tool.clone()).collect::<Vec<_>>(),
        });
        self.finish(now, index, found, out);
    }

    fn preflight(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let target = self
            .plan
            .iter()
            .filter(|step| step.kind.mutates())
            .find_map(|step| step.kind.target().cloned());
        match target
            .ok_or_else(|| "no step names a target".to_owned())
            .and_then(|target| self.object_of(&target))
        {
            Ok(object) => {
                let remaining = self
                    .plan
                    .iter()
                    .zip(&self.ledger.steps)
                    .filter(|(_, record)| record.state != StepState::Skipped)
                    .map(|(step, _)| step);
                let requirements = preflight::requirements(remaining, &object);
                self.read(
                    Purpose::Preflight,
                    Question::Preflight {
                        requirements,
                        object,
                    },
                    out,
                );
            }
            Err(why) => {
                let index = self.current().unwrap_or_default();
                self.fail(now, index, Reason::Input, why, Then::Pause, out);
            }
        }
    }

    fn judge(&mut self, now: Timestamp, answer: Answer, out: &mut Vec<Effect>) {
        let Answer::Preflight {
            access,
            facts,
            more,
        } = answer
        else {
            return;
        };
        let mut lines = preflight::judge(&access, facts.as_ref(), &more);
        if let Some(found) = self
            .ledger
            .outs
            .values()
            .find(|found| found.get("amber") == Some(&Value::Bool(true)))
        {
            let fact = found
                .get("evidence")
                .and_then(Value::as_str)
                .unwrap_or("short history");
            lines.push(
                Line::new(Level::Amber, "the revision is known to be good", fact)
                    .fix("say why you believe it is, as the reason"),
            );
            lines.sort_by_key(|line| line.level);
        }
        let level = preflight::verdict(&lines);
        let worst = lines
            .iter()
            .filter(|line| line.level == level)
            .map(|line| format!("{}: {}", line.text, line.fact))
            .collect::<Vec<_>>()
            .join("; ");
        let facts = match level {
            Level::Red if !self.start.attended && !self.has_effects() => vec![
                Fact::Preflight { ok: false, lines },
                Fact::End {
                    state: RunState::Aborted,
                    refused: true,
                    message: format!("refused before the first effect: {worst}"),
                    leftovers: Vec::new(),
                },
            ],
            Level::Red => vec![
                Fact::Preflight { ok: false, lines },
                Fact::NeedsHuman {
                    reason: Reason::Denied,
                    message: worst,
                    step: None,
                    ways: self.ways(),
                },
            ],
            Level::Amber | Level::Unknown if self.ledger.reason.is_none() => {
                vec![
                    Fact::Preflight { ok: false, lines },
                    Fact::NeedsHuman {
                        reason: Reason::Input,
                        message: format!("going on needs a reason: {worst}"),
                        step: None,
                        ways: Vec::new(),
                    },
                ]
            }
            _ => vec![Fact::Preflight { ok: true, lines }],
        };
        self.record(now, facts, out);
    }

    fn diff(&mut self, now: Timestamp, index: usize, of: &str, out: &mut Vec<Effect>) {
        let Some(later) = self.plan.iter().position(|step| step.id == of) else {
            return self.finish(now, index, json!({}), out);
        };
        let Some(planned) = self.ledger.steps[later].plan.clone() else {
            let target = self.plan[later].kind.target().cloned();
            return match target
                .ok_or_else(|| "the step names no target".to_owned())
                .and_then(|target| self.object_of(&target))
            {
                Ok(object) => self.read(Purpose::Plan(later), Question::Object { object }, out),
                Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
            };
        };
        if planned.changes.is_empty() {
            return self.fail(
                now,
                index,
                Reason::Input,
                "nothing to change: the template is already that of the chosen revision".to_owned(),
                Then::Pause,
                out,
            );
        }
        let action = Action {
            planned,
            resource_version: self.live.seen_version.clone(),
        };
        self.read(Purpose::DryRun(index), Question::DryRun { action }, out);
    }

    fn rehearsed(&mut self, now: Timestamp, index: usize, answer: Answer, out: &mut Vec<Effect>) {
        let StepKind::Diff { of } = &self.plan[index].kind else {
            return;
        };
        let Some(planned) = self
            .ledger
            .steps
            .iter()
            .find(|record| record.path == *of)
            .and_then(|record| record.plan.clone())
        else {
            return;
        };
        match answer {
            Answer::DryRun(value) => match planned.carried_by(&value) {
                Ok(()) => self.finish(
                    now,
                    index,
                    json!({"lines": planned.lines, "rehearsed": true}),
                    out,
                ),
                Err(why) => self.fail(
                    now,
                    index,
                    Reason::Conflict,
                    format!(
                        "the server would make something else of it: {}",
                        bounded(&why, 300)
                    ),
                    Then::Pause,
                    out,
                ),
            },
            Answer::CannotRehearse(why) => self.finish(
                now,
                index,
                json!({"lines": planned.lines, "rehearsed": false, "why": bounded(&why, 300)}),
                out,
            ),
            Answer::DryRunRefused(why) => self.fail(
                now,
                index,
                Reason::Denied,
                format!("the server would refuse it: {}", bounded(&why, 300)),
                Then::Pause,
                out,
            ),
            _ => self.fail(
                now,
                index,
                Reason::Drift,
                "the object does not exist any more".to_owned(),
                Then::Pause,
                out,
            ),
        }
    }

    /// A step is done if its post-conditions hold.
    pub(super) fn finish(
        &mut self,
        now: Timestamp,
        index: usize,
        found: Value,
        out: &mut Vec<Effect>,
    ) {
        self.finish_with(now, index, found, Vec::new(), out);
    }

    fn finish_with(
        &mut self,
        now: Timestamp,
        index: usize,
        found: Value,
        mut facts: Vec<Fact>,
        out: &mut Vec<Effect>,
    ) {
        let step = &self.plan[index];
        let scope = self.scope(Some(&found));
        let findings: Vec<_> = step.checks.iter().map(|check| check.find(&scope)).collect();
        let mut kept = found.clone();
        for (name, path) in &step.capture {
            kept[name.as_str()] = scope.get(path).unwrap_or(Value::Null);
        }
        let failed: Vec<String> = findings
            .iter()
            .filter(|finding| !finding.holds)
            .map(|finding| finding.fact.clone())
            .collect();
        let id = step.id.clone();
        self.live.findings = findings;
        self.live.rollout = None;
        if failed.is_empty() {
            facts.push(Fact::Done {
                step: id,
                out: kept,
            });
            self.record(now, facts, out);
        } else {
            let then = self.on_failure(index);
            self.fail(now, index, Reason::Drift, failed.join("; "), then, out);
        }
    }

    fn on_failure(&self, index: usize) -> Then {
        match self.plan[index].on_failure.unwrap_or(self.book.on_failure) {
            OnFailure::Pause => Then::Pause,
            OnFailure::Rollback => Then::Rollback,
            OnFailure::Abort => Then::Abort,
            OnFailure::Continue => Then::Continue,
        }
    }

    /// A step failed: what the runbook says follows, and nothing is decided for the person.
    pub(super) fn fail(
        &mut self,
        now: Timestamp,
        index: usize,
        reason: Reason,
        message: String,
        then: Then,
        out: &mut Vec<Effect>,
    ) {
        let step = self.ledger.steps[index].path.clone();
        let effects = self.has_effects();
        let mut facts = vec![Fact::Failed {
            step: step.clone(),
            reason,
            message: message.clone(),
            then,
        }];
        match then {
            Then::Continue if !self.plan[index].critical => {}
            Then::Rollback if effects => facts.push(Fact::RollingBack {
                by: "the runbook".to_owned(),
                reason: message,
            }),
            Then::Abort => {
                let state = if effects {
                    RunState::Failed
                } else {
                    RunState::Aborted
                };
                facts.push(Fact::End {
                    state,
                    refused: self.untouched(),
                    message,
                    leftovers: self.leftovers(),
                });
            }
            _ if self.untouched() && !self.start.attended => facts.push(Fact::End {
                state: RunState::Aborted,
                refused: true,
                message,
                leftovers: Vec::new(),
            }),
            _ => facts.push(Fact::NeedsHuman {
                reason,
                message,
                step: Some(step),
                ways: self.ways(),
            }),
        }
        self.record(now, facts, out);
    }

    /// Whether nothing was ever about to be sent.
    pub(super) fn untouched(&self) -> bool {
        self.ledger
            .steps
            .iter()
            .all(|record| record.effect.is_none())
    }

    pub(super) fn ways(&self) -> Vec<Way> {
        if self.has_effects() && !self.ledger.rolling_back {
            vec![Way::Again, Way::RollBack, Way::Stop]
        } else {
            vec![Way::Again, Way::Stop]
        }
    }

    // --- judging -----------------------------------------------------------------------------------------------

    fn hold(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        if self.live.gate.is_some() {
            return;
        }
        let StepKind::Gate {
            named,
            gate,
            hold,
            side,
            ..
        } = self.plan[index].kind.clone()
        else {
            return;
        };
        let decl = named
            .as_ref()
            .and_then(|name| self.book.gates.get(name))
            .or(gate.as_deref());
        let scope = self.scope(None);
        let spec = decl
            .ok_or_else(|| "the gate is not declared".to_owned())
            .and_then(|decl| {
                let hold = hold.map(|hold| hold.duration(&scope)).transpose()?;
                GateSpec::fill(decl, hold, side, &scope, |metric| {
                    decl.metrics
                        .get(metric)
                        .and_then(|metric| metric.when.as_ref())
                        .is_none_or(|when| self.holds(when))
                })
            });
        match spec {
            Ok(spec) => {
                let gate = Gate::new(spec, now, self.ledger.steps[index].bad.clone());
                out.push(Effect::Wake(gate.next()));
                self.live.gate = Some((index, gate));
                self.tick(now, out);
            }
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if let (Some(deadline), Some((_, Purpose::Rollout(index, undo)))) =
            (self.live.deadline, self.live.pending.clone())
            && now >= deadline
        {
            self.forget(out);
            let moving = match &self.live.rollout {
                Some(crate::runbook::machine::io::Rollout::Moving(words)) => format!(": {words}"),
                _ => String::new(),
            };
            return self.not_settled(
                now,
                index,
                undo,
                Reason::Timeout,
                format!("not finished in time{moving}"),
                out,
            );
        }
        let idle = self.ledger.human.is_none()
            && self.ledger.end.is_none()
            && !self.live.down
            && !self.live.stop
            && self.live.back.is_none();
        match self.live.gate.take_if(|_| idle) {
            Some((index, gate)) => self.tick_gate(now, index, gate, out),
            None => self.advance(now, out),
        }
    }

    fn tick_gate(&mut self, now: Timestamp, index: usize, gate: Gate, out: &mut Vec<Effect>) {
        let verdict = gate.tick(now);
        let (due, interval, spec) = (
            now >= gate.next(),
            gate.spec().interval,
            gate.spec().clone(),
        );
        self.live.gate = Some((index, gate));
        if !matches!(verdict, Verdict::Pending(_)) {
            return self.verdict(now, index, verdict, out);
        }
        if let Some((id, since)) = self.live.measuring {
            if now.duration_since(since) >= interval {
                self.live.measuring = None;
                out.push(Effect::Forget(id));
                let silent = spec
                    .metrics
                    .iter()
                    .map(|_| Reading::unknown("no answer within one interval"))
                    .collect();
                self.evaluate(now, silent, out);
            }
        } else if due {
            self.live.next_read += 1;
            self.live.measuring = Some((self.live.next_read, now));
            let since = self.ledger.steps[index].started_at.unwrap_or(now);
            let object = self.plan[index]
                .kind
                .target()
                .and_then(|target| self.object_of(target).ok());
            out.push(Effect::Measure {
                id: self.live.next_read,
                spec: Box::new(spec),
                object,
                since,
            });
        }
    }

    fn evaluate(&mut self, now: Timestamp, readings: Vec<Reading>, out: &mut Vec<Effect>) {
        let Some((index, gate)) = &mut self.live.gate else {
            return;
        };
        let index = *index;
        let verdict = gate.observe(now, readings);
        if let Verdict::Pending(progress) = &verdict {
            out.push(Effect::Wake(progress.next));
            return self.advance(now, out);
        }
        self.verdict(now, index, verdict, out);
    }

    fn verdict(&mut self, now: Timestamp, index: usize, verdict: Verdict, out: &mut Vec<Effect>) {
        let Some((_, gate)) = self.live.gate.take() else {
            return;
        };
        self.live.measuring = None;
        let StepKind::Gate { on, .. } = self.plan[index].kind.clone() else {
            return;
        };
        let step = self.plan[index].id.clone();
        let fact = |verdict: &str, why: &str| Fact::Verdict {
            step: step.clone(),
            verdict: verdict.to_owned(),
            why: why.to_owned(),
            metrics: gate.summary(),
            bad: gate.bad().clone(),
        };
        let (name, why, then, reason) = match verdict {
            Verdict::Pending(_) => return,
            Verdict::Pass => (
                "pass",
                format!(
                    "good for {}",
                    crate::runbook::quantity::show_duration(gate.spec().hold)
                ),
                on.pass,
                Reason::Gate,
            ),
            Verdict::Fail { why } => ("fail", why, self.then_by(&on.fail), Reason::Gate),
            Verdict::Inconclusive { why, lost: true } => {
                ("inconclusive", why, on.lost, Reason::Gate)
            }
            Verdict::Inconclusive { why, lost: false } => {
                ("inconclusive", why, on.inconclusive, Reason::Gate)
            }
        };
        let settled = fact(name, &why);
        match (name, then) {
            ("pass", Then::Next | Then::Continue) => self.finish_with(
                now,
                index,
                json!({"verdict": "pass", "metrics": gate.summary()}),
                vec![settled],
                out,
            ),
            // Judged again from zero; `advance` begins the new gate once this is on disk.
            (_, Then::RestartGate) => self.record(now, vec![settled], out),
            (_, then) => {
                let then = if matches!(then, Then::Next | Then::Continue) {
                    Then::Pause
                } else {
                    then
                };
                let mut batch = vec![settled];
                let mut inner = Vec::new();
                self.fail(
                    now,
                    index,
                    reason,
                    format!("{name}: {why}"),
                    then,
                    &mut inner,
                );
                let entries = self.live.recording.take().unwrap_or_default();
                batch.extend(entries.into_iter().map(|entry| entry.fact));
                self.record(now, batch, out);
            }
        }
    }

    fn leave_gate(&mut self, out: &mut Vec<Effect>) {
        self.live.gate = None;
        out.extend(self.live.measuring.take().map(|(id, _)| Effect::Forget(id)));
    }

    fn then_by(&self, then: &ThenBy) -> Then {
        match then {
            ThenBy::Fixed(then) => *then,
            ThenBy::Param { param, map } => self
                .ledger
                .params
                .get(param)
                .and_then(Value::as_str)
                .and_then(|value| map.get(value))
                .copied()
                .unwrap_or(Then::Pause),
        }
    }

    // --- people ------------------------------------------------------------------------------------------------

    /// The text a confirmation wants typed here, if any.
    fn typed(&self, step: &Step) -> Option<String> {
        match &step.confirm {
            Confirm::Type(text) if self.start.typed => text.fill(&self.scope(None)).ok(),
            _ => None,
        }
    }

    /// Whether a step's guard is met; asks if it is not.
    pub(super) fn authorised(
        &mut self,
        now: Timestamp,
        index: usize,
        out: &mut Vec<Effect>,
    ) -> bool {
        let step = self.plan[index].clone();
        let guarded = step.confirm != Confirm::No || matches!(step.kind, StepKind::Confirm { .. });
        if !guarded || self.ledger.steps[index].authorised {
            return true;
        }
        let answers = &self.start.answers;
        let given = |text: &String| {
            answers.confirm.contains(text) || self.live.extra_confirm.contains(text)
        };
        let by = match self.typed(&step) {
            Some(text) => given(&text).then_some("--confirm"),
            None if answers.yes
                || matches!(&step.confirm, Confirm::Type(text) if text.fill(&self.scope(None)).is_ok_and(|text| given(&text))) =>
            {
                Some("an answer given beforehand")
            }
            None => None,
        };
        match by {
            Some(by) => {
                let decision = Fact::Decision {
                    step: Some(step.id),
                    by: format!("{} by {by}", self.start.actor),
                    answer: "yes".to_owned(),
                    accepted: true,
                };
                self.record(now, vec![decision], out);
            }
            None => self.await_person(
                now,
                index,
                Reason::Confirm,
                "waits for a confirmation".to_owned(),
                out,
            ),
        }
        false
    }

    fn await_person(
        &mut self,
        now: Timestamp,
        index: usize,
        reason: Reason,
        message: String,
        out: &mut Vec<Effect>,
    ) {
        self.record(
            now,
            vec![Fact::Awaiting {
                step: self.plan[index].id.clone(),
                reason,
                message,
            }],
            out,
        );
    }

    /// Puts the open question to the person, once.
    fn put_question(&mut self, out: &mut Vec<Effect>) {
        if self.live.asked.is_some() {
            return;
        }
        let Some(human) = self.ledger.human.clone() else {
            return;
        };
        let index = human
            .step
            .as_ref()
            .and_then(|path| self.plan.iter().position(|step| step.id == *path));
        let kind = match (index, human.ways.is_empty()) {
            (_, false) => AskKind::Trouble(human.ways.clone()),
            (None, true) if human.reason == Reason::Confirm => AskKind::Resume {
                typed: self.resume_text(),
            },
            (None, true) => AskKind::Reason(
                self.ledger
                    .preflight
                    .clone()
                    .map(|(_, lines)| lines)
                    .unwrap_or_default(),
            ),
            (Some(index), true) => self.question_of(index),
        };
        let ask = Ask {
            step: human.step,
            reason: human.reason,
            message: human.message,
            kind,
        };
        self.live.asked = Some(ask.clone());
        out.push(Effect::Ask(Box::new(ask)));
        if !self.start.attended {
            out.push(Effect::Done(RunState::NeedsHuman));
        }
    }

    fn question_of(&self, index: usize) -> AskKind {
        let step = &self.plan[index];
        match &step.kind {
            StepKind::Choose { options } => AskKind::Branch(options.clone()),
            StepKind::Input { .. } if !self.live.revisions.is_empty() => AskKind::Revision {
                revisions: self.live.revisions.clone(),
                suggested: choose(&self.live.revisions),
            },
            StepKind::Input { .. } if !self.live.candidates.is_empty() => {
                AskKind::Workload(self.live.candidates.clone())
            }
            StepKind::Input { param } => AskKind::Param(param.clone()),
            _ => AskKind::Confirm {
                typed: self.typed(step),
                plans: self
                    .ledger
                    .steps
                    .iter()
                    .filter(|record| record.effect.is_none())
                    .filter_map(|record| record.plan.clone())
                    .collect(),
                lines: self
                    .ledger
                    .preflight
                    .clone()
                    .map(|(_, lines)| lines)
                    .unwrap_or_default(),
                undo: self
                    .plan
                    .iter()
                    .filter(|step| step.kind.mutates())
                    .all(|step| {
                        matches!(
                            step.undo,
                            Some(
                                crate::runbook::model::Undo::Restore
                                    | crate::runbook::model::Undo::Act(..)
                            )
                        )
                    }),
            },
        }
    }

    fn resume_text(&self) -> Option<String> {
        self.plan.iter().find_map(|step| self.typed(step))
    }

    fn resume(
        &mut self,
        now: Timestamp,
        by: String,
        hand_over: Option<String>,
        confirm: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        if self.ledger.end.is_some() {
            return self.advance(now, out);
        }
        self.live.down = false;
        self.live.asked = None;
        self.live.confirm_resume = match (self.resume_text(), &confirm) {
            (Some(wanted), Some(given)) => wanted != *given,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        self.live.extra_confirm.extend(confirm);
        self.record(now, vec![Fact::Resumed { by, hand_over }], out);
    }

    fn decide(&mut self, now: Timestamp, by: &str, decision: Decision, out: &mut Vec<Effect>) {
        let Some(ask) = self.live.asked.take() else {
            return;
        };
        let index = ask
            .step
            .as_ref()
            .and_then(|path| self.plan.iter().position(|step| step.id == *path));
        let fact = |answer: &str, accepted| Fact::Decision {
            step: ask.step.clone(),
            by: by.to_owned(),
            answer: bounded(answer, 500),
            accepted,
        };
        match (&ask.kind, decision, index) {
            (AskKind::Trouble(ways), Decision::Way(way), _) if ways.contains(&way) => {
                self.way(now, by, way, fact, out)
            }
            (AskKind::Confirm { typed, .. }, Decision::Yes(given), Some(_)) => {
                let accepted = typed.is_none() || *typed == given;
                self.record(
                    now,
                    vec![fact(
                        if accepted {
                            "yes"
                        } else {
                            "a text that does not match"
                        },
                        accepted,
                    )],
                    out,
                );
            }
            (AskKind::Resume { typed }, Decision::Yes(given), _) => {
                let accepted = typed.is_none() || *typed == given;
                self.live.confirm_resume = !accepted;
                self.record(
                    now,
                    vec![fact(
                        if accepted {
                            "resume"
                        } else {
                            "a text that does not match"
                        },
                        accepted,
                    )],
                    out,
                );
            }
            (AskKind::Reason(_), Decision::Value(text), _) if !text.trim().is_empty() => self
                .record(
                    now,
                    vec![fact(&format!("reason: {}", text.trim()), true)],
                    out,
                ),
            (AskKind::Branch(_), Decision::Value(id), Some(index)) => {
                self.branch(now, index, by, &id, out)
            }
            (AskKind::Revision { .. }, Decision::Value(number), Some(index)) => {
                match number.trim().parse() {
                    Ok(number) => {
                        let evidence = None;
                        self.take_revision(now, index, number, evidence, out);
                        self.first(fact(&number.to_string(), true), out);
                    }
                    Err(_) => self.ask_again(ask, out),
                }
            }
            (AskKind::Workload(_) | AskKind::Param(_), Decision::Value(text), Some(index)) => {
                self.settle_param(now, index, &text, ask.clone(), fact(&text, true), out)
            }
            (_, Decision::No, _) => {
                let effects = self.has_effects() || self.unresolved().is_some();
                let mut facts = vec![fact("no", false)];
                if !effects {
                    facts.push(Fact::End {
                        state: RunState::Aborted,
                        refused: false,
                        message: format!("{by} said no; nothing was changed"),
                        leftovers: Vec::new(),
                    });
                }
                self.record(now, facts, out);
            }
            _ => self.ask_again(ask, out),
        }
    }

    fn ask_again(&mut self, ask: Ask, out: &mut Vec<Effect>) {
        out.push(Effect::Ask(Box::new(ask.clone())));
        self.live.asked = Some(ask);
    }

    /// Puts a fact before those just queued, into the same batch.
    fn first(&mut self, fact: Fact, out: &mut [Effect]) {
        if let (Some(recording), Some(Effect::Record(entries))) =
            (&mut self.live.recording, out.last_mut())
            && let Some(ts) = entries.first().map(|entry| entry.ts)
        {
            recording.insert(
                0,
                Entry {
                    ts,
                    fact: fact.clone(),
                },
            );
            entries.insert(0, Entry { ts, fact });
        }
    }

    fn settle_param(
        &mut self,
        now: Timestamp,
        index: usize,
        text: &str,
        ask: Ask,
        decision: Fact,
        out: &mut Vec<Effect>,
    ) {
        let StepKind::Input { param } = self.plan[index].kind.clone() else {
            return;
        };
        match self.book.param(&param).map(|param| param.read(text)) {
            Some(Ok(value)) => {
                self.live.candidates.clear();
                self.record(now, vec![decision, Fact::Param { name: param, value }], out);
            }
            Some(Err(why)) => self.ask_again(
                Ask {
                    message: why,
                    ..ask
                },
                out,
            ),
            None => self.ask_again(ask, out),
        }
    }

    fn way(
        &mut self,
        now: Timestamp,
        by: &str,
        way: Way,
        fact: impl Fn(&str, bool) -> Fact,
        out: &mut Vec<Effect>,
    ) {
        match way {
            Way::Again => {
                self.live.again_at = Some(now);
                self.record(now, vec![fact("again", true)], out);
            }
            Way::RollBack => self.record(
                now,
                vec![
                    fact("roll back", true),
                    Fact::RollingBack {
                        by: by.to_owned(),
                        reason: "decided by hand".to_owned(),
                    },
                ],
                out,
            ),
            Way::Stop => {
                let leftovers = self.leftovers();
                let state = if leftovers.is_empty() {
                    RunState::Aborted
                } else {
                    RunState::Failed
                };
                self.record(
                    now,
                    vec![
                        fact("stop", true),
                        Fact::End {
                            state,
                            refused: false,
                            message: format!("stopped by {by}"),
                            leftovers,
                        },
                    ],
                    out,
                );
            }
        }
    }
}

/// What the choice of a revision leaves behind: its template is part of the record.
fn revision_out(revision: &Revision, all: &[Revision], evidence: &str, amber: bool) -> Value {
    let leaving = all.iter().find(|other| other.current);
    json!({
        "value": revision.number, "number": revision.number, "uid": revision.uid, "name": revision.name, "image": revision.image,
        "evidence": evidence, "amber": amber, "template": revision.template,
        "leaving": leaving.map(|leaving| leaving.number), "leaving_uid": leaving.map(|leaving| leaving.uid.clone()), "leaving_image": leaving.map(|leaving| leaving.image.clone()),
    })
}
