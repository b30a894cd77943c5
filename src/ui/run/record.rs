//! The record of a run as lines: when, what kind, which step, and what happened, the newest at the bottom.

use super::plan::number_of_id;
use crate::runbook::machine::{Entry, Fact, Found, Run, Status, rehearsal_words};
use crate::runbook::preflight::Level;
use crate::ui::lines::clock;
use crate::ui::paper::cut;
use crate::ui::theme::{Theme, Tone};
use crate::ui::widget::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// One line of the record.
struct Told {
    word: &'static str,
    step: Option<String>,
    text: String,
    tone: Option<Tone>,
}

/// Draws the end of the record into an area.
pub fn draw(run: &Run, entries: &[Entry], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let height = usize::from(area.height);
    let first = entries.len().saturating_sub(height);
    let wide = area.width >= 70;
    for (entry, y) in entries.iter().skip(first).zip(area.y..area.bottom()) {
        let told = tell(&entry.fact);
        let style = told
            .tone
            .map_or_else(|| theme.text(), |tone| theme.tone(tone));
        let time = if wide {
            format!("{}.{:03}", clock(entry.ts), entry.ts.subsec_millisecond())
        } else {
            clock(entry.ts)
        };
        let step = told
            .step
            .and_then(|id| number_of_id(run, &id))
            .map_or_else(String::new, |number| number.to_string());
        let cells: [(String, Style); 3] = [
            (format!("{time}  "), theme.dim()),
            (format!("{} ", text::pad_right(told.word, 9)), style),
            (format!("{}  ", text::pad_left(&step, 2)), theme.dim()),
        ];
        let mut x = area.x;
        for (words, style) in &cells {
            x += text::put(buf, (x, y), words, area.right().saturating_sub(x), *style);
        }
        let room = area.right().saturating_sub(x);
        let words = cut(&told.text, usize::from(room));
        text::put(buf, (x, y), &words, room, theme.text());
    }
    if entries.is_empty() && area.height > 0 {
        let words = cut("Nothing is written down yet.", usize::from(area.width));
        text::put(buf, (area.x, area.y), &words, area.width, theme.dim());
    }
}

fn told(word: &'static str, step: Option<&str>, text: impl Into<String>) -> Told {
    Told {
        word,
        step: step.map(str::to_owned),
        text: text.into(),
        tone: None,
    }
}

impl Told {
    fn loud(mut self, tone: Tone) -> Self {
        self.tone = Some(tone);
        self
    }
}

fn tell(fact: &Fact) -> Told {
    match fact {
        Fact::Start(start) => told(
            "start",
            None,
            format!(
                "{} by {}, version {}",
                start.runbook, start.actor, start.version
            ),
        ),
        Fact::Preflight { ok, lines, .. } => {
            let refused = lines.iter().any(|line| line.level == Level::Red);
            let may = match (ok, refused) {
                (true, _) => "it may go on",
                (false, false) => "it may go on, but not without a reason",
                (false, true) => "it may not go on as it is",
            };
            let words = format!("{} checks: {may}", lines.len());
            let line = told("preflight", None, words);
            if *ok { line } else { line.loud(Tone::Watch) }
        }
        Fact::NeedsHuman { message, step, .. } => {
            told("waits", step.as_deref(), message).loud(Tone::Watch)
        }
        Fact::Resumed {
            by,
            hand_over,
            reason,
        } => {
            let said = [Some(by), hand_over.as_ref(), reason.as_ref()];
            let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
            told("resumed", None, format!("by {}", said.join(": ")))
        }
        Fact::Interrupted { why } => told("stopped", None, why).loud(Tone::Watch),
        Fact::RollingBack { by, reason } => {
            told("back", None, format!("going back, by {by}: {reason}")).loud(Tone::Watch)
        }
        Fact::Ending { message, .. } => told(
            "back",
            None,
            format!("before the end, what must not stay is put back: {message}"),
        ),
        Fact::End { state, message, .. } => {
            told("end", None, message).loud(super::plan::meaning(*state))
        }
        Fact::Note { by, text } => told("note", None, format!("{by}: {text}")),
        Fact::Recovered { bytes, .. } => told(
            "mended",
            None,
            format!("{bytes} bytes of a torn write were put aside"),
        )
        .loud(Tone::Watch),
        Fact::Param { name, value } => told("given", None, format!("{name} = {value}")),
        Fact::Decision {
            step,
            by,
            answer,
            accepted,
        } => {
            let not = if *accepted { "" } else { " (not taken)" };
            told(
                "decision",
                step.as_deref(),
                format!("{answer}, by {by}{not}"),
            )
        }
        other => tell_step(other),
    }
}

fn tell_step(fact: &Fact) -> Told {
    match fact {
        Fact::Started { step } => told("begins", Some(step), step),
        Fact::Skipped { step, reason, more } => {
            let what = match (step.split_once('/'), more.len()) {
                (_, 0) => step.clone(),
                (Some((call, _)), more) => format!("{call}, its {} steps", more + 1),
                (None, more) => format!("{step} and {more} more"),
            };
            told("left out", Some(step), format!("{what}: {reason}"))
        }
        Fact::Planned { step, plan } => told(
            "plan",
            Some(step),
            format!("{}: {}", plan.object.short(), plan.lines.join(", ")),
        ),
        Fact::Awaiting { step, message, .. } => {
            told("waits", Some(step), message).loud(Tone::Watch)
        }
        Fact::Intent(intent) => told("intent", Some(&intent.step), sent(&intent.action.planned)),
        Fact::UndoIntent(intent) => told(
            "intent",
            Some(&intent.step),
            format!("undo: {}", sent(&intent.action.planned)),
        ),
        Fact::Outcome(outcome) | Fact::UndoOutcome(outcome) => {
            let line = told("outcome", Some(&outcome.step), answered(outcome));
            if outcome.status == Status::Applied {
                line
            } else {
                line.loud(Tone::Watch)
            }
        }
        Fact::Unknown { step, why, .. } | Fact::UndoUnknown { step, why, .. } => {
            told("unknown", Some(step), why).loud(Tone::Unknown)
        }
        Fact::Probed(probe) | Fact::UndoProbed(probe) => {
            let found = match probe.found {
                Found::Present => "it is there",
                Found::Absent => "it is not there",
                Found::Diverged => "something else is there",
            };
            let detail = probe.detail.join("; ");
            told("probe", Some(&probe.step), format!("{found}: {detail}"))
        }
        Fact::Progress { step, text } => told("rollout", Some(step), text),
        Fact::Verdict {
            step, verdict, why, ..
        } => {
            let tone = match verdict.as_str() {
                "pass" => Tone::Healthy,
                "fail" => Tone::Failing,
                _ => Tone::Unknown,
            };
            told("gate", Some(step), format!("{verdict}: {why}")).loud(tone)
        }
        Fact::Done { step, out } => match rehearsal_words(out) {
            Some(words) if out["rehearsed"] == false => {
                told("done", Some(step), words).loud(Tone::Watch)
            }
            Some(words) => told("done", Some(step), words),
            None => told("done", Some(step), step),
        },
        Fact::Looked { .. } | Fact::Ticked(_) => tell_item(fact),
        Fact::Failed { step, message, .. } => {
            told("failed", Some(step), message).loud(Tone::Failing)
        }
        Fact::UndoDone { step, message } => told("undone", Some(step), message),
        Fact::UndoFailed { step, message, .. } => {
            told("undo", Some(step), message).loud(Tone::Failing)
        }
        other => told("", None, other.name()),
    }
}

/// What was seen of an item of a checklist, or given for it.
fn tell_item(fact: &Fact) -> Told {
    match fact {
        Fact::Looked {
            step,
            item,
            holds,
            said,
        } => {
            let (word, tone) = match holds {
                Some(true) => ("holds", Tone::Healthy),
                Some(false) => ("FALSE", Tone::Failing),
                None => ("not known", Tone::Unknown),
            };
            told("looked", Some(step), format!("{item} {word}: {said}")).loud(tone)
        }
        Fact::Ticked(tick) => {
            let line = told("evidence", Some(&tick.step), tick.words());
            if tick.overridden {
                line.loud(Tone::Failing)
            } else {
                line
            }
        }
        other => told("", None, other.name()),
    }
}

fn sent(planned: &crate::runbook::patch::Planned) -> String {
    if planned.object.is_program() {
        return format!("start {}", planned.lines.join(", "));
    }
    format!(
        "patch {}: {}",
        planned.object.short(),
        planned.lines.join(", ")
    )
}

fn answered(outcome: &crate::runbook::machine::Outcome) -> String {
    let http = outcome
        .http
        .map_or_else(String::new, |http| format!(" (HTTP {http})"));
    let word = match outcome.status {
        Status::Applied => return format!("applied{http}"),
        Status::Conflict => "conflict: it was not done",
        Status::Denied => "denied: it was not done",
        Status::Gone => "gone: it was not done",
        Status::Invalid => "refused: it was not done",
        Status::Failed => "it failed:",
        Status::Locked => return format!("not sent: {}", outcome.message),
    };
    format!("{word}{http} {}", outcome.message)
}
