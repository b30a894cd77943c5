//! A question that could not be answered: asked again for a while, then put to a person.

use jiff::Timestamp;

use crate::runbook::machine::fact::{Fact, Reason, RunState};
use crate::runbook::machine::io::{Effect, Failure};
use crate::runbook::machine::run::{Purpose, Run};

impl Run {
    /// A question could not be answered.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an event or answer is consumed where it is handled"
    )]
    pub(super) fn unanswered(
        &mut self,
        now: Timestamp,
        purpose: Purpose,
        failure: Failure,
        out: &mut Vec<Effect>,
    ) {
        let (reason, message) = match failure {
            Failure::Offline(why) => {
                let since = *self.live.offline_since.get_or_insert(now);
                let waited = now.duration_since(since);
                if waited < jiff::SignedDuration::from_secs(30) {
                    let pause = (waited.as_millis() / 2).clamp(500, 15_000) as i64;
                    self.live.retry_at = Some(now + jiff::SignedDuration::from_millis(pause));
                    out.extend(self.live.retry_at.map(Effect::Wake));
                    return;
                }
                (
                    Reason::Offline,
                    format!(
                        "the platform has not answered for {} s: {why}",
                        waited.as_secs()
                    ),
                )
            }
            Failure::Denied(why) => (Reason::Denied, why),
            Failure::Gone(why) => (Reason::Drift, why),
            Failure::Invalid(why) => (Reason::Input, why),
        };
        self.live.offline_since = None;
        let step = match purpose {
            Purpose::Preflight => self.current(),
            Purpose::Resolve(index)
            | Purpose::Revisions(index)
            | Purpose::CheckObject(index)
            | Purpose::Plan(index)
            | Purpose::DryRun(index)
            | Purpose::Approval(index)
            | Purpose::BeforeIntent(index)
            | Purpose::BeforeUndo(index)
            | Purpose::Probe(index, _)
            | Purpose::Secret(index)
            | Purpose::Tell(index)
            | Purpose::Rollout(index, _)
            | Purpose::Outward(index)
            | Purpose::Checklist(index) => Some(index),
        };
        let refused = self.untouched() && !self.start.attended && reason != Reason::Offline;
        let path = step
            .and_then(|index| self.ledger.steps.get(index))
            .map(|record| record.path.clone());
        let fact = if refused {
            Fact::End {
                state: RunState::Aborted,
                refused: true,
                message,
                leftovers: Vec::new(),
            }
        } else {
            Fact::NeedsHuman {
                reason,
                message,
                step: path,
                ways: self.ways(),
            }
        };
        self.record(now, vec![fact], out);
    }
}
