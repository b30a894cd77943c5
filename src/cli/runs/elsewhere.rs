//! Runs of others in `vigie runs --elsewhere`: as their Leases announce them, orphans with the way to take them over.

use crate::app::runs::elsewhere::Elsewhere;
use crate::engine::clock::Clock;
use crate::ui::widget::text::sanitize;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// One of them as a document.
pub fn document(run: &Elsewhere) -> Value {
    let silent = run.silent(Clock::system().now());
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    json!({
        "run": &*run.run, "runbook": &*run.runbook, "holder": &*run.holder, "actor": &*run.by, "namespace": &*run.namespace,
        "lock": &*run.key, "started": moment(run.started), "renewed": moment(run.renewed),
        "step": text(&run.step), "place": text(&run.place), "next": text(&run.next), "message": text(&run.waits),
        "until": moment(run.until), "journal_head": &*run.head, "orphaned": silent.is_some(),
        "silent_s": silent.map(|long| long.as_secs()),
    })
}

/// All of them in words.
pub fn told(runs: &[Elsewhere]) -> String {
    if runs.is_empty() {
        return "Nobody else announces a run here.\n".to_owned();
    }
    let now = Clock::system().now();
    let mut text = "\nElsewhere:\n".to_owned();
    for run in runs {
        let ahead = run.ahead();
        let ahead = if ahead.is_empty() {
            ahead
        } else {
            format!("; {ahead}")
        };
        // A string takes whatever is written.
        let _ = match run.silent(now) {
            Some(long) => writeln!(
                text,
                "ORPHANED RUN  {}{}; silent for {} s\n              {}",
                sanitize(&run.words()),
                sanitize(&ahead),
                long.as_secs(),
                sanitize(&run.take_over())
            ),
            None => writeln!(
                text,
                "              {}{}",
                sanitize(&run.words()),
                sanitize(&ahead)
            ),
        };
    }
    text
}
