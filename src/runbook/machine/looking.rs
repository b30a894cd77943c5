//! Looking before acting: state, rights, the difference, post-conditions; and what follows when a step fails.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::runbook::machine::acts;
use crate::runbook::machine::fact::Fact;
use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::fact::RunState;
use crate::runbook::machine::fact::Way;
use crate::runbook::machine::io::Answer;
use crate::runbook::machine::io::Effect;
use crate::runbook::machine::io::GoingBack;
use crate::runbook::machine::io::Question;
use crate::runbook::machine::ledger::StepState;
use crate::runbook::machine::programs::drop_output;
use crate::runbook::machine::run::Purpose;
use crate::runbook::machine::run::Run;
use crate::runbook::model::ObjectStep;
use crate::runbook::model::OnFailure;
use crate::runbook::model::Step;
use crate::runbook::model::StepKind;
use crate::runbook::model::Then;
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight;
use crate::runbook::preflight::Level;
use crate::runbook::preflight::Line;
use crate::runbook::touch::{self, Touch};

/// Whether what a step changes may not be there before it.
fn made(step: &Step) -> bool {
    matches!(
        step.kind,
        StepKind::Object(ObjectStep::JobRun { .. } | ObjectStep::Apply { .. })
    )
}

impl Run {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an event or answer is consumed where it is handled"
    )]
    pub(super) fn answered(
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
            Purpose::Tell(index) => self.told(now, index, answer, out),
            Purpose::Secret(index) => self.saw_secret(now, index, answer, out),
            Purpose::Outward(index) => self.saw_outward(now, index, answer, out),
            Purpose::Checklist(index) => self.take_checklist(now, index, answer, out),
            Purpose::Approval(index) => {
                if let Answer::Offered(offered) = answer {
                    self.offered(now, index, &offered, out);
                }
            }
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

    pub(super) fn look(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
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

    pub(super) fn preflight(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let mut requirements = preflight::requirements(self.remaining().into_iter());
        requirements.extend(self.looking_rights());
        requirements.extend(self.source_rights());
        requirements.sort();
        requirements.dedup();
        let (mut objects, secrets) = self.changed_objects();
        if objects.is_empty() {
            let index = self.current().unwrap_or_default();
            let why = "no step that changes something names a target".to_owned();
            return self.fail(now, index, Reason::Input, why, Then::Pause, out);
        }
        let object = objects.remove(0);
        let question = Question::Preflight {
            requirements,
            object,
            others: objects,
            secrets,
            touch: Touch::of(&self.plan),
            back: self.going_back().map(Box::new),
            gate: self.least_requests(),
            locks: self.lock_keys(),
            suspends: self.suspends(),
            programs: self.programs_ahead(),
            evidence: self.named_runs(),
        };
        self.read(Purpose::Preflight, question, out);
    }

    /// What is still to be changed: objects with those that run pods first, then secrets that are changed beside them.
    fn changed_objects(&self) -> (Vec<ObjectRef>, Vec<ObjectRef>) {
        let (mut objects, mut secrets) = (Vec::new(), Vec::new());
        for (step, object) in self.remaining() {
            // What is to be made has no facts yet, and a program has none of the cluster's.
            if made(step) || object.is_program() {
                continue;
            }
            let secret = matches!(step.kind, StepKind::Secret(_));
            let list = if secret { &mut secrets } else { &mut objects };
            if !list.contains(&object) {
                list.push(object);
            }
        }
        objects.sort_by_key(|object| !touch::runs_pods(&object.kind));
        if objects.is_empty() {
            objects.append(&mut secrets);
        }
        if objects.is_empty() {
            let remaining = self.remaining().into_iter();
            objects.extend(remaining.map(|(_, object)| object));
        }
        (objects, secrets)
    }

    /// The changing steps that are still to come, as far as their objects are known: those whose condition is false
    /// already need no right.
    pub(super) fn remaining(&self) -> Vec<(&Step, ObjectRef)> {
        let steps = self.plan.iter().zip(&self.ledger.steps);
        let ahead = steps.filter(|(step, record)| {
            step.kind.mutates()
                && record.state != StepState::Skipped
                && step.each.is_none()
                && !self.unwanted(step)
        });
        ahead
            .filter_map(|(step, _)| Some((step, self.object_for(step).ok()?)))
            .collect()
    }

    /// The revision an earlier step chose, where a later one goes back to it.
    fn going_back(&self) -> Option<GoingBack> {
        let goes = |step: &Step| matches!(step.kind, StepKind::Rollback { .. });
        if !self.plan.iter().any(goes) {
            return None;
        }
        let mut outs = self.ledger.outs.values();
        let chosen = outs.find(|found| found.get("template").is_some())?;
        let moment = |key: &str| chosen.get(key)?.as_str()?.parse().ok();
        Some(GoingBack {
            to: chosen.get("number")?.as_i64()?,
            to_began: moment("began"),
            from: chosen.get("leaving").and_then(Value::as_i64),
            from_began: moment("leaving_began"),
            template: chosen.get("template")?.clone(),
        })
    }

    /// The requests a gate that is still ahead needs to judge.
    fn least_requests(&self) -> Option<u64> {
        let ahead = self.plan.iter().zip(&self.ledger.steps);
        ahead
            .filter(|(_, record)| !record.is_over())
            .find_map(|(step, _)| match &step.kind {
                StepKind::Gate { named, gate, .. } => named
                    .as_ref()
                    .and_then(|name| self.book_of(step).gates.get(name))
                    .or(gate.as_deref())
                    .map(|gate| gate.min_requests.max(0) as u64),
                _ => None,
            })
    }

    pub(super) fn judge(&mut self, now: Timestamp, answer: Answer, out: &mut Vec<Effect>) {
        let Answer::Preflight {
            access,
            facts,
            more,
        } = answer
        else {
            return;
        };
        let (objects, _) = self.changed_objects();
        let touch = Touch::of(&self.plan);
        let known = self.remaining().iter().any(|(step, _)| !made(step));
        let touch = match objects.first() {
            Some(one) if known => touch.at(&one.kind),
            _ => Touch::Keys,
        };
        let more: Vec<Line> = more.into_iter().chain(self.emptied()).collect();
        let mut lines = touch::judge(touch, &access, facts.as_ref(), &more);
        lines.extend(self.believed());
        lines.extend(self.trap_lines());
        lines.extend(self.unrehearsed());
        let facts = self.weigh(lines);
        self.record(now, facts, out);
    }

    /// The line for a revision that is only believed to be good.
    fn believed(&self) -> Option<Line> {
        let mut outs = self.ledger.outs.values();
        let found = outs.find(|found| found.get("amber") == Some(&Value::Bool(true)))?;
        let fact = found.get("evidence").and_then(Value::as_str);
        let text = "is the revision known to be good?";
        let line = Line::new(Level::Amber, text, fact.unwrap_or("short history"));
        Some(line.fix("say why you believe it is, as the reason"))
    }

    /// What a page of lines comes to: it may go on, it needs a reason, or it is over before it began. What sends nothing
    /// needs no reason.
    pub(super) fn weigh(&self, mut lines: Vec<Line>) -> Vec<Fact> {
        let covers = self.remaining();
        let covers: Vec<String> = covers.iter().map(|(step, _)| step.id.clone()).collect();
        lines.sort_by_key(|line| line.level);
        let level = preflight::verdict(&lines);
        let worst = lines.iter().filter(|line| line.level == level);
        let worst: Vec<String> = worst.map(Line::words).collect();
        let worst = worst.join("; ");
        let reasoned = self.ledger.reason.is_some() || self.start.dry_run;
        match level {
            Level::Red if !self.start.attended && !self.has_effects() => vec![
                Fact::Preflight {
                    ok: false,
                    lines,
                    covers,
                },
                Fact::End {
                    state: RunState::Aborted,
                    refused: true,
                    message: format!("refused before the first effect: {worst}"),
                    leftovers: Vec::new(),
                },
            ],
            Level::Red => vec![
                Fact::Preflight {
                    ok: false,
                    lines,
                    covers,
                },
                Fact::NeedsHuman {
                    reason: Reason::Denied,
                    message: worst,
                    step: None,
                    ways: self.ways(),
                },
            ],
            Level::Amber | Level::Unknown if !reasoned => vec![
                Fact::Preflight {
                    ok: false,
                    lines,
                    covers,
                },
                Fact::NeedsHuman {
                    reason: Reason::Input,
                    message: format!("going on needs a reason: {worst}"),
                    step: None,
                    ways: Vec::new(),
                },
            ],
            _ => vec![Fact::Preflight {
                ok: true,
                lines,
                covers,
            }],
        }
    }

    pub(super) fn diff(&mut self, now: Timestamp, index: usize, of: &str, out: &mut Vec<Effect>) {
        let Some(later) = self.plan.iter().position(|step| step.id == of) else {
            return self.finish(now, index, json!({}), out);
        };
        let Some(planned) = self.ledger.steps[later].plan.clone() else {
            return match self.object_for(&self.plan[later]) {
                Ok(object) => {
                    let question = self.question_for(&self.plan[later], object);
                    self.read(Purpose::Plan(later), question, out);
                }
                Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
            };
        };
        if planned.changes.is_empty() {
            return self.fail(
                now,
                index,
                Reason::Input,
                acts::nothing(&planned),
                Then::Pause,
                out,
            );
        }
        if self.start.reads_only {
            let found = json!({"lines": planned.lines, "rehearsed": "planned"});
            return self.finish(now, index, found, out);
        }
        self.ask_rehearsal(index, planned, out);
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

    #[expect(
        clippy::needless_pass_by_value,
        reason = "an event or answer is consumed where it is handled"
    )]
    pub(super) fn finish_with(
        &mut self,
        now: Timestamp,
        index: usize,
        found: Value,
        mut facts: Vec<Fact>,
        out: &mut Vec<Effect>,
    ) {
        let step = &self.plan[index];
        let scope = self.scope_of(step, Some(&found));
        let findings: Vec<_> = step.checks.iter().map(|check| check.find(&scope)).collect();
        let mut kept = found.clone();
        for (name, path) in &step.capture {
            kept[name.as_str()] = scope.get(path).unwrap_or(Value::Null);
        }
        drop_output(step, &mut kept);
        let failed: Vec<String> = findings
            .iter()
            .filter(|finding| !finding.holds)
            .map(|finding| match &finding.trap {
                Some(trap) => format!("{trap}: {}", finding.fact),
                None => finding.fact.clone(),
            })
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

    pub(super) fn on_failure(&self, index: usize) -> Then {
        let step = &self.plan[index];
        match step.on_failure.unwrap_or(self.book_of(step).on_failure) {
            OnFailure::Pause => Then::Pause,
            OnFailure::Rollback => Then::Rollback,
            OnFailure::Abort => Then::Abort,
            OnFailure::Continue => Then::Continue,
        }
    }

    /// A step failed: what the runbook says follows, and nothing is decided for the person.
    #[expect(
        clippy::too_many_arguments,
        reason = "a moment, a step, what is known of it, and where effects go"
    )]
    pub(super) fn fail(
        &mut self,
        now: Timestamp,
        index: usize,
        reason: Reason,
        message: String,
        then: Then,
        out: &mut Vec<Effect>,
    ) {
        if let Some(found) = self.known_later(index, reason, &message) {
            return self.pass_by(now, index, found, out);
        }
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
        if self.undo_reach().is_some() && !self.ledger.rolling_back {
            vec![Way::Again, Way::RollBack, Way::Stop]
        } else {
            vec![Way::Again, Way::Stop]
        }
    }
}
