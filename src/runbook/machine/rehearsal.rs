//! The rehearsal of a change on the server: what its answer means, and what is said where nothing could be rehearsed.
//! That is never passed over: it is a line that wants a reason before the change is sent.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::io::{Answer, Effect};
use crate::runbook::machine::run::Run;
use crate::runbook::model::{StepKind, Then};
use crate::runbook::preflight::{Level, Line};
use crate::runbook::prose::bounded;

impl Run {
    /// The server answered a rehearsal.
    pub(super) fn rehearsed(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
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
            Answer::CannotRehearse(why) => {
                let why = bounded(&why, 300);
                let found = json!({"lines": planned.lines, "rehearsed": false, "why": why.clone()});
                let before = self.ledger.preflight.clone();
                let mut lines = before.map(|(_, lines)| lines).unwrap_or_default();
                lines.push(unrehearsed(&why));
                let facts = self.weigh(lines);
                self.finish_with(now, index, found, facts, out);
            }
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

    /// Why an earlier step could not rehearse its change.
    fn unrehearsed_why(&self) -> Option<&str> {
        let mut outs = self.ledger.outs.values();
        let found = outs.find(|found| found.get("rehearsed") == Some(&Value::Bool(false)))?;
        found.get("why").and_then(Value::as_str)
    }

    /// The line for a change that could not be rehearsed.
    pub(super) fn unrehearsed(&self) -> Option<Line> {
        self.unrehearsed_why().map(unrehearsed)
    }

    /// The last sentence of a run that only looked ahead.
    pub(super) fn rehearsal_told(&self) -> String {
        let sent = "dry run: nothing was sent";
        self.unrehearsed_why().map_or_else(
            || sent.to_owned(),
            |why| format!("{sent}, and it could not be rehearsed: {why}"),
        )
    }
}

fn unrehearsed(why: &str) -> Line {
    let text = "has the server rehearsed it?";
    Line::new(Level::Amber, text, format!("it could not: {why}"))
        .fix("read the difference with care, and say why it is sent unrehearsed")
}
