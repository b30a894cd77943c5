//! The time a runbook allows: the whole run's, while it is at work, and that of steps that look, wait or judge. What is
//! over stops for a person, and nothing more is sent until one lets it go on. Rollouts have their deadline in `waiting`;
//! moments come with the events and from the journal, never from a clock of this file's own.

use jiff::{SignedDuration, Timestamp};

use crate::runbook::machine::fact::{Entry, Fact, Reason};
use crate::runbook::machine::io::Effect;
use crate::runbook::machine::ledger::{Human, StepState};
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::model::{StepKind, Then};
use crate::runbook::quantity::show_duration;

impl Run {
    /// Puts the time since the last entry on the run's account: not while a person was waited for, and not while nobody
    /// carried it.
    pub(super) fn account(&mut self, entry: &Entry) {
        let waited = self.rests();
        let alone = matches!(entry.fact, Fact::Resumed { .. } | Fact::Recovered { .. });
        if !waited && !alone {
            self.ledger.active += passed(self.ledger.last_at, entry.ts);
        }
    }

    /// Whether nothing is at work: a person is waited for, or a time that has to pass.
    fn rests(&self) -> bool {
        let passes = self.current().is_some_and(|index| {
            let begun = self.ledger.steps[index].state == StepState::Running;
            begun && matches!(self.plan[index].kind, StepKind::Wait { .. })
        });
        passes || self.ledger.human.is_some() || self.ledger.end.is_some()
    }

    /// Until when the step that is carried out now lets time pass, where it is one that does.
    pub fn waits_until(&self) -> Option<Timestamp> {
        let index = self.current()?;
        let begun = self.ledger.steps.get(index)?.started_at?;
        let waits = matches!(self.plan.get(index)?.kind, StepKind::Wait { .. });
        let ledger = &self.ledger;
        let asked = ledger.human.is_some() || ledger.end.is_some() || ledger.rolling_back;
        (waits && !asked)
            .then(|| self.wait_ends(index, begun).ok())
            .flatten()
    }

    /// When a step has let enough time pass.
    pub(super) fn wait_ends(&self, index: usize, now: Timestamp) -> Result<Timestamp, String> {
        let step = &self.plan[index];
        let StepKind::Wait { span, plus, since } = &step.kind else {
            return Ok(now);
        };
        let scope = self.scope_of(step, None);
        let counted = since.as_ref().and_then(|path| scope.get(path));
        let from = counted
            .and_then(|value| value.as_str()?.parse::<Timestamp>().ok())
            .or(self.ledger.steps[index].started_at)
            .unwrap_or(now);
        let plus = plus
            .as_ref()
            .map(|plus| plus.duration(&scope))
            .transpose()?;
        Ok(from + span.duration(&scope)? + plus.unwrap_or(SignedDuration::ZERO))
    }

    /// The open question is answered. Whoever lets a run go on that is out of time gives it the same time once more.
    pub(super) fn release(&mut self) -> Option<Human> {
        let human = self.ledger.human.take();
        if human.as_ref().is_some_and(Human::is_over_time) {
            self.ledger.active = SignedDuration::ZERO;
        }
        human
    }

    /// How long it was at work so far.
    pub fn active(&self, now: Timestamp) -> SignedDuration {
        let since = if self.rests() {
            SignedDuration::ZERO
        } else {
            passed(self.ledger.last_at, now)
        };
        self.ledger.active + since
    }

    /// Whether the runbook's time is over while something is left to do.
    pub(super) fn over_time(&self, now: Timestamp) -> bool {
        let limit = self.book.timeout.as_ref();
        let left = self.current().is_some() || self.ledger.rolling_back;
        left && limit.is_some_and(|limit| self.active(now) >= limit.0)
    }

    /// The whole run's time is over: whatever was looked at or judged is let go, and a person is asked.
    pub(super) fn call_time(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        self.let_go(out);
        let limit = self.book.timeout.as_ref().map(|limit| limit.0);
        let limit = show_duration(limit.unwrap_or_default());
        let at = self.current().map_or_else(String::new, |index| {
            format!(" at step {}", self.ledger.steps[index].path)
        });
        let message = format!(
            "the {limit} of work that the runbook allows are over{at}; nothing more is sent until somebody lets it go on"
        );
        let fact = Fact::NeedsHuman {
            reason: Reason::Timeout,
            message,
            step: None,
            ways: self.ways(),
        };
        self.record(now, vec![fact], out);
    }

    /// Stops what is out of time; whether something was.
    pub(super) fn out_of_time(&mut self, now: Timestamp, out: &mut Vec<Effect>) -> bool {
        let held = self.ledger.human.is_some() || self.ledger.end.is_some() || self.live.down;
        if held || self.live.in_flight {
            return false;
        }
        if self.over_time(now) && self.unresolved().is_none() {
            self.call_time(now, out);
            return true;
        }
        let Some((index, undo)) = self.late(now) else {
            return false;
        };
        let moving = match &self.live.rollout {
            Some(crate::runbook::machine::io::Rollout::Moving(words)) => format!(": {words}"),
            _ => String::new(),
        };
        self.let_go(out);
        let why = format!("not finished in time{moving}");
        self.not_settled(now, index, undo, Reason::Timeout, why, out);
        true
    }

    /// The step whose own time is over, and whether its undo is meant.
    fn late(&self, now: Timestamp) -> Option<(usize, bool)> {
        if let (Some(deadline), Some((_, Purpose::Rollout(index, undo)))) =
            (self.live.deadline, &self.live.pending)
        {
            return (now >= deadline).then_some((*index, *undo));
        }
        if self.ledger.rolling_back {
            return None;
        }
        let index = self.current()?;
        let (record, step) = (&self.ledger.steps[index], self.plan.get(index)?);
        if step.kind.mutates() || record.state != StepState::Running {
            return None;
        }
        let from = match (&self.live.gate, &step.kind) {
            (Some((_, gate)), _) => Some(gate.started()),
            // Its end is a moment, whoever was here to see it.
            (None, StepKind::Wait { .. }) => record.started_at.max(self.live.again_at),
            (None, _) => [record.started_at, self.live.again_at, self.live.taken_up]
                .into_iter()
                .max()?,
        };
        (now >= self.timeout(index, from?)?).then_some((index, false))
    }

    /// What follows when a step's own time is over. A gate that was not judged is not gone on from.
    pub(super) fn then_late(&self, index: usize) -> Then {
        let Some(step) = self.plan.get(index) else {
            return Then::Pause;
        };
        let then = step.timeout.as_ref().map(|timeout| timeout.then);
        match then.unwrap_or(Then::Pause) {
            Then::Continue if matches!(step.kind, StepKind::Gate { .. }) => Then::Pause,
            then => then,
        }
    }

    fn let_go(&mut self, out: &mut Vec<Effect>) {
        self.forget(out);
        self.leave_gate(out);
        self.live.retry_at = None;
        self.live.offline_since = None;
    }
}

/// The time between two moments; a clock that was set back gives none.
fn passed(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from).max(SignedDuration::ZERO)
}
