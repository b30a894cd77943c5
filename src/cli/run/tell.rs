//! What a headless run says while it happens: the journal's own records, one document a line, or the same in words.

use super::advice;
use crate::app::runs::Runs;
use crate::cli::print;
use crate::runbook::machine::{
    Entry, Fact, Found, Probe, Reason, Run, RunState, Status, rehearsal_words,
};
use crate::runbook::patch::Planned;
use crate::runbook::preflight::{Level, Line};
use crate::runbook::verb::Verb;
use crate::ui::widget::text::sanitize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Tells a run as it goes on.
pub struct Teller {
    json: bool,
    kept: bool,
    told: usize,
}

impl Teller {
    /// In documents or in words, of a run that is kept or of a mere look ahead.
    pub fn new(json: bool, kept: bool) -> Self {
        let told = 0;
        Self { json, kept, told }
    }

    /// What is on disk and was not told yet.
    pub fn more(&mut self, runs: &Runs) -> String {
        let mut text = String::new();
        let Some(run) = &runs.present else {
            return text;
        };
        for entry in runs.entries.iter().skip(self.told) {
            if self.json {
                // A string takes whatever is written.
                text.push_str(&print::line(&document(run, entry)));
            } else {
                let words = words(&entry.fact);
                let at = entry.ts.strftime("%H:%M:%S");
                for (index, line) in words.lines().enumerate() {
                    let at = if index == 0 {
                        at.to_string()
                    } else {
                        " ".repeat(8)
                    };
                    let _ = writeln!(text, "{at}  {}", sanitize(line));
                }
            }
        }
        self.told = self.told.max(runs.entries.len());
        text
    }

    /// The last line of a run that waits for a person.
    pub fn stopped(&self, run: &Run, reason: &str, message: &str) -> String {
        if self.json {
            let state = run.ledger().state;
            let last = json!({"schema": 1, "event": "run.end", "state": state, "reason": reason, "message": message, "run": run.start().run, "next": advice::line(run, self.kept)});
            return print::line(&last);
        }
        let id = &run.start().run;
        let next = advice::sentence(run, self.kept);
        format!(
            "run {id} waits ({reason}): {}\n{}\n",
            sanitize(message),
            sanitize(&next)
        )
    }

    /// The last line where no run began.
    pub fn refused(&self, message: &str) -> String {
        if self.json {
            let last = json!({"schema": 1, "event": "run.end", "state": RunState::Aborted, "refused": true, "message": message, "run": null});
            return print::line(&last);
        }
        String::new()
    }
}

/// A record of the journal as a document of the contract.
fn document(run: &Run, entry: &Entry) -> Value {
    let mut document = json!({"schema": 1, "run": run.start().run});
    if let (Some(fields), Ok(Value::Object(record))) =
        (document.as_object_mut(), serde_json::to_value(entry))
    {
        fields.extend(record);
    }
    document
}

fn preflight(lines: &[Line]) -> String {
    let mut text = String::from("preflight");
    for line in lines {
        let mark = match line.level {
            Level::Red => "RED    ",
            Level::Unknown => "unknown",
            Level::Amber => "amber  ",
            Level::Noted => "note   ",
            Level::Passed => "ok     ",
        };
        let _ = write!(text, "\n{mark}  {}", line.words());
        if let Some(fix) = line.fix.as_ref().filter(|_| line.level != Level::Passed) {
            let _ = write!(
                text,
                "\n         mend: {}",
                fix.replace('\n', "\n               ")
            );
        }
    }
    text
}

/// A record in words.
fn words(fact: &Fact) -> String {
    match fact {
        Fact::Start(start) => format!(
            "run {} of {} {} by {} in {} ({}){}",
            start.run,
            start.runbook,
            start.version,
            start.actor,
            start.target.namespace,
            start.target.environment,
            if start.dry_run { ", dry run" } else { "" }
        ),
        Fact::Preflight { lines, .. } => preflight(lines),
        Fact::Started { step } => format!("step {step}"),
        Fact::Skipped { step, reason, more } => match more.len() {
            0 => format!("step {step} left out: {reason}"),
            more => format!("step {step} and {more} more left out: {reason}"),
        },
        Fact::Planned { step, plan } => format!(
            "{step} would change {}:\n{}",
            plan.object.short(),
            plan.lines.join("\n")
        ),
        Fact::Awaiting { step, message, .. } => format!("step {step} waits: {message}"),
        Fact::NeedsHuman {
            reason, message, ..
        } => format!("{}: {message}", wanted(*reason)),
        Fact::Resumed {
            by,
            hand_over,
            reason,
        } => {
            let said = [Some(by), hand_over.as_ref(), reason.as_ref()];
            let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
            format!("taken up again by {}", said.join(": "))
        }
        Fact::Interrupted { why } => format!("interrupted: {why}"),
        Fact::RollingBack { by, reason } => format!("going back, by {by}: {reason}"),
        Fact::Ending { message, .. } => {
            format!("before the end, what must not stay is put back: {message}")
        }
        Fact::Note { by, text } => format!("note by {by}: {text}"),
        Fact::Recovered { aside, bytes } => {
            format!("the journal was mended: {bytes} bytes of a torn record are in {aside}")
        }
        Fact::Decision { by, answer, .. } => format!("{answer} ({by})"),
        Fact::Param { name, value } => format!("{name} = {value}"),
        other => of_effects(other),
    }
}

/// What a person is needed for.
fn wanted(reason: Reason) -> &'static str {
    match reason {
        Reason::Confirm => "waits for a confirmation",
        Reason::Approval => "waits for somebody else's approval",
        Reason::Input => "waits for an answer",
        Reason::Gate => "waits for a decision on the gate",
        Reason::Timeout => "took too long, waits for a decision",
        Reason::Conflict => "changed by somebody else, waits for a decision",
        Reason::Denied => "not allowed, waits for a decision",
        Reason::Offline => "no answer from the platform, waits for a decision",
        Reason::Unknown => "outcome not known, waits for a decision",
        Reason::Drift => "not as it was seen before, waits for a decision",
        Reason::Lock => "another run has the object, waits for a decision",
        Reason::Journal => "the record cannot be written",
        Reason::Clock => "clocks disagree, waits for a decision",
    }
}

/// What the server answered, said once.
fn answered(status: Status, message: &str) -> String {
    let word = match status {
        Status::Applied => "applied",
        Status::Conflict => "not applied, it was changed meanwhile",
        Status::Denied => "not applied, refused",
        Status::Gone => "not applied, it is gone",
        Status::Invalid => "not applied, not accepted",
        Status::Locked => "not sent",
        Status::Failed => "failed",
    };
    if message.is_empty() || message.eq_ignore_ascii_case(word) {
        return word.to_owned();
    }
    format!("{word}: {message}")
}

/// What a look at the object showed.
fn looked(probe: &Probe) -> String {
    let found = match probe.found {
        Found::Present => "the change is there",
        Found::Absent => "the change is not there",
        Found::Diverged => "somebody else has changed it",
    };
    let detail = probe.detail.join("; ");
    if detail.is_empty() {
        return format!("looked: {found}");
    }
    format!("looked: {found}: {detail}")
}

/// What is done to an object, in a word.
fn does(planned: &Planned) -> &'static str {
    match planned.verb() {
        Verb::Create => "make",
        Verb::Apply => "apply",
        Verb::Run => "start",
        _ => "patch",
    }
}

/// A record about a change, a gate or the end, in words.
fn of_effects(fact: &Fact) -> String {
    match fact {
        Fact::Intent(intent) => format!(
            "about to {} {} (attempt {}, Audit-ID {})",
            does(&intent.action.planned),
            intent.action.planned.object.short(),
            intent.attempt,
            intent.audit_id
        ),
        Fact::UndoIntent(intent) => format!(
            "about to undo {} (attempt {}, Audit-ID {})",
            intent.action.planned.object.short(),
            intent.attempt,
            intent.audit_id
        ),
        Fact::Outcome(outcome) | Fact::UndoOutcome(outcome) => {
            answered(outcome.status, &outcome.message)
        }
        Fact::Unknown { why, .. } | Fact::UndoUnknown { why, .. } => {
            format!("outcome unknown: {why}")
        }
        Fact::Probed(probe) | Fact::UndoProbed(probe) => looked(probe),
        Fact::Progress { text, .. } => text.clone(),
        Fact::Verdict {
            verdict,
            why,
            metrics,
            ..
        } => format!("gate {verdict}: {why}\n{}", metrics.join("\n")),
        Fact::Done { step, out } => match out.get("evidence").and_then(Value::as_str) {
            Some(evidence) => format!(
                "{step} done: revision {}, {evidence}",
                out.get("value").cloned().unwrap_or_default()
            ),
            None => match rehearsal_words(out) {
                Some(words) => format!("{step} done, {words}"),
                None => format!("{step} done"),
            },
        },
        Fact::Looked {
            step,
            item,
            holds,
            said,
        } => match holds {
            Some(true) => format!("{step}.{item} holds: {said}"),
            Some(false) => format!("{step}.{item} is FALSE: {said}"),
            None => format!("{step}.{item} {said}"),
        },
        Fact::Ticked(tick) => tick.words(),
        Fact::Failed { step, message, .. } => format!("{step} failed: {message}"),
        Fact::UndoDone { step, message } => format!("{step} undone: {message}"),
        Fact::UndoFailed { step, message, .. } => format!("{step} not undone: {message}"),
        Fact::End {
            state,
            message,
            leftovers,
            ..
        } => {
            let state = serde_json::to_value(state).unwrap_or_default();
            let mut text = format!("{}: {message}", state.as_str().unwrap_or_default());
            for left in leftovers {
                let _ = write!(text, "\nleft in place: {left}");
            }
            text
        }
        other => other.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn what_the_server_answered_is_said_once_and_never_in_our_own_terms() {
        assert_eq!(answered(Status::Applied, "applied"), "applied");
        assert_eq!(
            answered(Status::Denied, "no such right"),
            "not applied, refused: no such right"
        );
        let needs = |reason| {
            words(&Fact::NeedsHuman {
                reason,
                message: "which?".into(),
                step: None,
                ways: Vec::new(),
            })
        };
        assert_eq!(needs(Reason::Input), "waits for an answer: which?");
        assert_eq!(needs(Reason::Confirm), "waits for a confirmation: which?");
    }

    #[test]
    fn a_look_says_what_it_found() {
        let probe = Probe {
            step: "undo".into(),
            effect: serde_json::from_value(json!("k")).unwrap(),
            found: Found::Present,
            detail: vec!["image is v1.0.0".into()],
            generation: None,
            version: None,
        };
        assert_eq!(
            looked(&probe),
            "looked: the change is there: image is v1.0.0"
        );
    }
}
