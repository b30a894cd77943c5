//! What the present step asks for when nothing else is open: its condition, its preflight, its own work.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::{Fact, Reason, RunState};
use crate::runbook::machine::io::{Effect, Question};
use crate::runbook::machine::ledger::StepState;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{Step, StepKind, Subject, Then, When};

impl Run {
    pub(super) fn next(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let Some(index) = self.current() else {
            let done = "every step is done";
            return self.end(now, RunState::Succeeded, done, Vec::new(), out);
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
            _ if step.kind.mutates() && self.more_rights_needed() => self.preflight(now, out),
            _ => self.begin_step(now, index, &step, out),
        }
    }

    pub(super) fn more_effects(&self) -> bool {
        self.plan
            .iter()
            .zip(&self.ledger.steps)
            .any(|(step, record)| {
                step.kind.mutates()
                    && !record.effective()
                    && !matches!(record.state, StepState::Skipped | StepState::Succeeded)
            })
    }

    pub(super) fn more_rights_needed(&self) -> bool {
        !matches!(self.ledger.preflight, Some((true, _)))
    }

    pub(super) fn begin_step(
        &mut self,
        now: Timestamp,
        index: usize,
        step: &Step,
        out: &mut Vec<Effect>,
    ) {
        match &step.kind {
            StepKind::Input { param } => self.input(now, index, param, out),
            StepKind::Choose { options } => match self.answered_beforehand(&step.id) {
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

    pub(super) fn holds(&self, when: &When) -> bool {
        match when {
            When::All(parts) => parts.iter().all(|part| self.holds(part)),
            When::Any(parts) => parts.iter().any(|part| self.holds(part)),
            When::Test(Subject::Value(path), test) => {
                test.holds(self.scope(None).get(path).as_ref())
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
        out.push(Effect::Audit {
            event: event.clone(),
            fields,
        });
    }
}
