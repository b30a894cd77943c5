//! The rehearsal of a change on the server: what its answer means, and what is said where nothing could be rehearsed. In
//! a run that acts, that is never passed over: it is a line that wants a reason before the change is sent. A run that
//! sends nothing goes on to its end and says of each change how far it could be looked at.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::{Fact, Reason};
use crate::runbook::machine::io::{Answer, Effect, Question};
use crate::runbook::machine::ledger::StepState;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{SecretStep, Step, StepKind, Then};
use crate::runbook::patch::{Action, ObjectRef, Planned};
use crate::runbook::preflight::{Level, Line};
use crate::runbook::prose::bounded;

/// The longest sentence of a server that is passed on.
const SAID: usize = 300;
/// The verdict of a gate that had nothing to judge.
pub(super) const NOT_JUDGED: &str = "not judged: nothing was sent";
/// How many of the changes that could not be rehearsed the last sentence names.
const NAMED: usize = 3;

impl Run {
    /// Asks the server what it would make of a change.
    pub(super) fn ask_rehearsal(&mut self, index: usize, planned: Planned, out: &mut Vec<Effect>) {
        let action = Action {
            planned,
            resource_version: self.live.seen_version.clone(),
        };
        self.read(Purpose::DryRun(index), Question::DryRun { action }, out);
    }

    /// A change whose turn it is in a run that sends nothing.
    pub(super) fn rehearse(
        &mut self,
        now: Timestamp,
        index: usize,
        planned: Planned,
        out: &mut Vec<Effect>,
    ) {
        let lines = &planned.lines;
        let found = if planned.changes.is_empty() {
            match self.would_have_changed(&planned.object) {
                Some(earlier) => later(&earlier, "", lines),
                None => json!({"unchanged": true, "lines": lines}),
            }
        } else if self.start.reads_only {
            json!({"rehearsed": "planned", "lines": lines})
        } else if planned.object.is_program() {
            let why = "a program cannot be rehearsed: it was not started";
            json!({"rehearsed": false, "why": why, "lines": lines})
        } else if self.rehearsed_ahead(index) {
            json!({"rehearsed": true, "lines": lines})
        } else if planned.object.in_vault() {
            let why = "Vault has no dry run; rights, path and version were looked at";
            json!({"rehearsed": "simulated", "why": why, "lines": lines})
        } else {
            return self.ask_rehearsal(index, planned, out);
        };
        self.pass_by(now, index, found, out);
    }

    /// The server answered a rehearsal.
    pub(super) fn rehearsed(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        let step = &self.plan[index];
        let of = match &step.kind {
            StepKind::Diff { of } => of,
            _ => &step.id,
        };
        let record = self.ledger.steps.iter().find(|record| record.path == *of);
        let Some(planned) = record.and_then(|record| record.plan.clone()) else {
            return;
        };
        let (reason, why) = match answer {
            Answer::DryRun(value) => match planned.carried_by(&value) {
                Ok(()) => {
                    let found = json!({"lines": planned.lines, "rehearsed": true});
                    return self.settle_rehearsal(now, index, found, out);
                }
                Err(why) => (
                    Reason::Conflict,
                    format!(
                        "the server would make something else of it: {}",
                        bounded(&why, SAID)
                    ),
                ),
            },
            Answer::CannotRehearse(why) => {
                let why = bounded(&why, SAID);
                let found = json!({"lines": planned.lines, "rehearsed": false, "why": why});
                return self.settle_rehearsal(now, index, found, out);
            }
            Answer::DryRunRefused(why) => (
                Reason::Denied,
                format!("the server would refuse it: {}", bounded(&why, SAID)),
            ),
            _ => (
                Reason::Drift,
                "the object does not exist any more".to_owned(),
            ),
        };
        self.fail(now, index, reason, why, Then::Pause, out);
    }

    /// A rehearsal that was not refused: the difference was shown, or the change's turn is over in a run that sends nothing.
    fn settle_rehearsal(
        &mut self,
        now: Timestamp,
        index: usize,
        found: Value,
        out: &mut Vec<Effect>,
    ) {
        if self.plan[index].kind.mutates() {
            return self.pass_by(now, index, found, out);
        }
        let facts = match found["why"].as_str() {
            Some(why) => {
                let before = self.ledger.preflight.clone();
                let mut lines = before.map(|(_, lines)| lines).unwrap_or_default();
                lines.push(unrehearsed(why));
                self.weigh(lines)
            }
            None => Vec::new(),
        };
        self.finish_with(now, index, found, facts, out);
    }

    /// A step of a run that sends nothing is over: what would have to hold afterwards is not asked, for nothing was done.
    pub(super) fn pass_by(
        &mut self,
        now: Timestamp,
        index: usize,
        mut found: Value,
        out: &mut Vec<Effect>,
    ) {
        let step = self.ledger.steps[index].path.clone();
        if self.plan[index].kind.mutates() {
            found["sent"] = json!(false);
        }
        self.live.findings.clear();
        self.live.rollout = None;
        self.record(now, vec![Fact::Done { step, out: found }], out);
    }

    /// A change that could not be worked out: of a run that sends nothing, because an earlier one was not made.
    pub(super) fn unplanned(
        &mut self,
        now: Timestamp,
        index: usize,
        reason: Reason,
        why: String,
        out: &mut Vec<Effect>,
    ) {
        match self.would_be().filter(|_| self.plan[index].kind.mutates()) {
            Some(earlier) => self.pass_by(now, index, later(&earlier, &why, &[]), out),
            None => self.fail(now, index, reason, why, Then::Pause, out),
        }
    }

    /// What is said of a look that did not find what only an earlier change, that was not made, would have put there.
    pub(super) fn known_later(&self, index: usize, reason: Reason, why: &str) -> Option<Value> {
        let kind = &self.plan[index].kind;
        if kind.mutates() || matches!(kind, StepKind::Diff { .. }) || reason == Reason::Denied {
            return None;
        }
        Some(later(&self.would_be()?, why, &[]))
    }

    /// What is said of a proof that an earlier change, that was not made, has arrived.
    pub(super) fn unproven(&self, step: &Step) -> Option<Value> {
        let proves = matches!(step.kind, StepKind::Secret(SecretStep::Proof { .. }));
        Some(later(&self.would_be().filter(|_| proves)?, "", &[]))
    }

    /// What is said of a change of secrets whose source an earlier change, that was not made, would have filled.
    pub(super) fn awaits(&self, index: usize) -> Option<Value> {
        let step = &self.plan[index];
        let from = self.filled_from(step)?;
        let earlier = from.iter().find_map(|from| self.would_have_changed(from))?;
        Some(later(&earlier, "", &[]))
    }

    /// What a change of secrets takes its values from and goes over.
    fn filled_from(&self, step: &Step) -> Option<Vec<ObjectRef>> {
        let StepKind::Secret(secret) = &step.kind else {
            return None;
        };
        let scope = self.scope_of(step, None);
        let source = match secret {
            SecretStep::Sync { .. } => return None,
            SecretStep::Set { from, .. } => from.as_ref().and_then(|at| at.fill(&scope).ok()),
            _ => None,
        };
        let own = self.object_for(step).ok();
        Some(
            own.into_iter()
                .chain(source.map(|at| ObjectRef::vault(&at)))
                .collect(),
        )
    }

    /// The changes that would have been made so far by a run that sends nothing.
    fn would_bes(&self) -> impl DoubleEndedIterator<Item = (&Step, Option<&Planned>, &Value)> {
        let steps = self.plan.iter().zip(&self.ledger.steps);
        steps.filter_map(|(step, record)| {
            let found = self.ledger.outs.get(&step.id)?;
            let passed = self.start.dry_run
                && step.kind.mutates()
                && record.state == StepState::Succeeded
                && found.get("unchanged").is_none();
            passed.then_some((step, record.plan.as_ref(), found))
        })
    }

    /// The last of them.
    pub(super) fn would_be(&self) -> Option<String> {
        let last = self.would_bes().next_back();
        last.map(|(step, ..)| step.id.clone())
    }

    /// The last of them that is about this object.
    fn would_have_changed(&self, object: &ObjectRef) -> Option<String> {
        let about = |planned: Option<&Planned>| {
            planned.is_some_and(|planned| {
                let there = &planned.object;
                (&there.kind, &there.namespace, &there.name)
                    == (&object.kind, &object.namespace, &object.name)
            })
        };
        let mut all = self.would_bes();
        let last = all.rfind(|(_, planned, _)| about(*planned));
        last.map(|(step, ..)| step.id.clone())
    }

    /// Whether a step that shows the difference had this change rehearsed already.
    fn rehearsed_ahead(&self, index: usize) -> bool {
        let id = &self.plan[index].id;
        let mut shown = self
            .plan
            .iter()
            .filter(|step| matches!(&step.kind, StepKind::Diff { of } if of == id));
        shown.any(|step| {
            let found = self.ledger.outs.get(&step.id);
            found.is_some_and(|found| found["rehearsed"] == json!(true))
        })
    }

    /// The line for a change that could not be rehearsed.
    pub(super) fn unrehearsed(&self) -> Option<Line> {
        let shown = self
            .plan
            .iter()
            .filter(|step| matches!(step.kind, StepKind::Diff { .. }));
        let mut outs = shown.filter_map(|step| self.ledger.outs.get(&step.id));
        let found = outs.find(|found| found["rehearsed"] == json!(false))?;
        found["why"].as_str().map(unrehearsed)
    }

    /// The last sentence of a run that sends nothing.
    pub(super) fn rehearsal_told(&self) -> String {
        let all: Vec<_> = self.would_bes().collect();
        let of = |how: &Value| {
            let such = all.iter().filter(|(.., found)| found["rehearsed"] == *how);
            such.count()
        };
        let counts = [
            (of(&json!(true)), "rehearsed by the server"),
            (of(&json!("planned")), "worked out from what is there now"),
            (of(&json!("simulated")), "simulated (Vault has no dry run)"),
            (of(&json!(false)), "could not be rehearsed"),
        ];
        let counts = counts.iter().filter(|(many, _)| *many > 0);
        let mut parts: Vec<String> = counts
            .map(|(many, words)| {
                let noun = if *many == 1 { "change" } else { "changes" };
                format!("{many} {noun} {words}")
            })
            .collect();
        let not = all
            .iter()
            .filter(|(.., found)| found["rehearsed"] == json!(false));
        let why = not.take(NAMED).filter_map(|(step, _, found)| {
            Some(format!("{}: {}", step.id, found["why"].as_str()?))
        });
        parts.extend(why);
        let what = if self.start.reads_only {
            "plan: nothing was sent"
        } else {
            "dry run: nothing was sent"
        };
        parts.insert(0, what.to_owned());
        parts.join("; ")
    }
}

/// What became of a change that was not sent, or of a difference that was shown, in words; none where there is nothing to
/// say of that.
pub fn rehearsal_words(out: &Value) -> Option<String> {
    let why = || bounded(out["why"].as_str().unwrap_or_default(), SAID);
    let sent = match out["sent"] {
        Value::Bool(false) => ", not sent",
        _ => "",
    };
    match &out["rehearsed"] {
        Value::Bool(true) => Some(format!("rehearsed by the server{sent}")),
        Value::Bool(false) => Some(format!("NOT rehearsed: {}", why())),
        Value::String(how) if how == "planned" => Some(format!("worked out{sent}")),
        Value::String(how) if how == "simulated" => Some(format!("simulated: {}", why())),
        _ if out["waited"] == json!(false) => Some("not waited for: nothing was sent".to_owned()),
        _ => out["verdict"]
            .as_str()
            .filter(|verdict| *verdict == NOT_JUDGED)
            .map(str::to_owned),
    }
}

/// What is known only once an earlier step was carried out.
fn later(earlier: &str, why: &str, lines: &[String]) -> Value {
    let mut told = format!("known only after {earlier}");
    if !why.is_empty() {
        told = format!("{told} ({})", bounded(why, SAID));
    }
    json!({"rehearsed": false, "why": told, "lines": lines})
}

fn unrehearsed(why: &str) -> Line {
    let text = "has the server rehearsed it?";
    Line::new(Level::Amber, text, format!("it could not: {why}"))
        .fix("read the difference with care, and say why it is sent unrehearsed")
}
