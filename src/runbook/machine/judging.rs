//! Holding a gate: ticks, readings, and where each verdict leads.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::runbook::gate::Gate;
use crate::runbook::gate::GateSpec;
use crate::runbook::gate::Reading;
use crate::runbook::gate::Verdict;
use crate::runbook::machine::fact::Fact;
use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::io::Effect;
use crate::runbook::machine::rehearsal::NOT_JUDGED;
use crate::runbook::machine::run::Run;
use crate::runbook::model::StepKind;
use crate::runbook::model::Then;
use crate::runbook::model::ThenBy;
use crate::runbook::patch::{ObjectRef, Planned};

impl Run {
    pub(super) fn hold(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        if self.live.gate.is_some() {
            return;
        }
        // Nothing was changed that could be judged, and nothing will be: a rehearsal does not sit through a watch.
        if self.start.dry_run && (self.would_be().is_some() || !self.more_effects()) {
            let told = json!({"verdict": NOT_JUDGED});
            return self.finish(now, index, told, out);
        }
        match self.gate_spec(index) {
            Ok(spec) => {
                let gate = Gate::new(spec, now, self.ledger.steps[index].bad.clone());
                out.push(Effect::Wake(gate.next()));
                self.live.gate = Some((index, gate));
                self.tick(now, out);
            }
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }

    /// What a gate is to judge, with everything filled in.
    pub(super) fn gate_spec(&self, index: usize) -> Result<GateSpec, String> {
        let step = &self.plan[index];
        let StepKind::Gate {
            named,
            gate,
            hold,
            side,
            ..
        } = &step.kind
        else {
            return Err("this is no gate".to_owned());
        };
        let named = named.as_ref();
        let decl = named
            .and_then(|name| self.book_of(step).gates.get(name))
            .or(gate.as_deref())
            .ok_or("the gate is not declared")?;
        let scope = self.scope_of(step, None);
        let hold = hold
            .as_ref()
            .map(|hold| hold.duration(&scope))
            .transpose()?;
        GateSpec::fill(decl, hold, *side, &scope, |metric| {
            decl.metrics
                .get(metric)
                .and_then(|metric| metric.when.as_ref())
                .is_none_or(|when| self.holds(step, when))
        })
    }

    pub(super) fn tick(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        if self.out_of_time(now, out) {
            return;
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

    pub(super) fn tick_gate(
        &mut self,
        now: Timestamp,
        index: usize,
        gate: Gate,
        out: &mut Vec<Effect>,
    ) {
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
            let mut objects = self.judged_objects(index);
            let object = (!objects.is_empty()).then(|| objects.remove(0));
            let ours = self.standing_change(object.as_ref());
            out.push(Effect::Measure {
                id: self.live.next_read,
                spec: Box::new(spec),
                object,
                others: objects,
                since,
                before: self.before_change(),
                ours,
            });
        }
    }

    /// Whose signals a gate judges.
    fn judged_objects(&self, index: usize) -> Vec<ObjectRef> {
        let step = &self.plan[index];
        let StepKind::Gate {
            targets: Some(path),
            ..
        } = &step.kind
        else {
            return self.object_for(step).into_iter().collect();
        };
        let found = self.scope_of(step, None).get(path).unwrap_or(Value::Null);
        let all = found.as_array().into_iter().flatten();
        all.filter_map(|one| serde_json::from_value(one.clone()).ok())
            .collect()
    }

    /// The last change of this object that this run made and did not take back.
    fn standing_change(&self, object: Option<&ObjectRef>) -> Option<Box<Planned>> {
        let object = object?;
        let standing = self.ledger.steps.iter().filter(|step| step.effective());
        let mut plans = standing.filter_map(|step| Some(&step.effect.as_ref()?.action.planned));
        plans
            .rfind(|planned| planned.object.short() == object.short())
            .cloned()
            .map(Box::new)
    }

    /// When the run's first change took hold; its beginning where it changed nothing.
    fn before_change(&self) -> Timestamp {
        let effects = self
            .ledger
            .steps
            .iter()
            .filter_map(|step| step.effect.as_ref());
        let first = effects.filter_map(|effect| effect.settled_at).min();
        first.unwrap_or(self.ledger.started_at)
    }

    pub(super) fn evaluate(
        &mut self,
        now: Timestamp,
        readings: Vec<Reading>,
        out: &mut Vec<Effect>,
    ) {
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

    pub(super) fn verdict(
        &mut self,
        now: Timestamp,
        index: usize,
        verdict: Verdict,
        out: &mut Vec<Effect>,
    ) {
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
                let helped = match name {
                    "fail" if self.has_effects() => "; the change has not helped",
                    _ => "",
                };
                self.fail(
                    now,
                    index,
                    reason,
                    format!("{name}: {why}{helped}"),
                    then,
                    &mut inner,
                );
                let entries = self.live.recording.take().unwrap_or_default();
                batch.extend(entries.into_iter().map(|entry| entry.fact));
                self.record(now, batch, out);
            }
        }
    }

    pub(super) fn leave_gate(&mut self, out: &mut Vec<Effect>) {
        self.live.gate = None;
        out.extend(self.live.measuring.take().map(|(id, _)| Effect::Forget(id)));
    }

    pub(super) fn then_by(&self, then: &ThenBy) -> Then {
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
}
