//! `vigie audit prune`: what is older than the configuration wants kept, named first and then removed.

use super::super::args::Output;
use super::super::exit::{Failed, UNKNOWN};
use super::super::print;
use super::super::session::Start;
use crate::config::unit::Time;
use crate::engine::clock::Clock;
use crate::engine::pruning::{self, Old};
use crate::engine::runs::records::Who;
use crate::journal::audit::prune::Segment;
use crate::ui::widget::text::sanitize;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Removes what is old, or says what would be removed.
pub fn prune(start: &Start, older_than: Option<Time>, dry_run: bool) -> Result<u8, Failed> {
    let kept = start.loaded.config().audit.retention;
    let span = older_than.unwrap_or(kept);
    if span < kept {
        return Err(Failed::usage(format!(
            "--older-than {span}: `[audit] retention` wants everything kept for {kept}; change it there, where that is seen"
        )));
    }
    let (state, now) = (start.loaded.state_dir(), Clock::system().now());
    let before = SignedDuration::try_from(span.get()).ok();
    let before = before.and_then(|span| now.checked_sub(span).ok());
    let before = before.ok_or_else(|| Failed::usage(format!("--older-than {span} is too long")))?;
    let old = if dry_run {
        pruning::old(&state, before)
    } else {
        pruning::prune(&state, &Who::here(), now, before)
    };
    let old = old.map_err(|why| Failed::new(UNKNOWN, why))?;
    if start.global.output == Output::Json {
        return print::text(&print::line(&document(&old, dry_run, &before.to_string())));
    }
    print::text(&told(&old, dry_run, span))
}

fn told(old: &Old, dry_run: bool, span: Time) -> String {
    if old.is_empty() {
        return format!("Nothing is older than {span}.\n");
    }
    let done = if dry_run { "would go" } else { "removed" };
    let mut text = String::new();
    for segment in &old.segments {
        let file = segment.file.display().to_string();
        let (file, from, to) = (sanitize(&file), segment.from, segment.to);
        // A string takes whatever is written.
        let _ = writeln!(text, "{done}: {file}, records {from} to {to}");
    }
    for run in &old.runs {
        let _ = writeln!(text, "{done}: run {}, ended {}", run.run, run.ended);
    }
    text
}

fn document(old: &Old, dry_run: bool, before: &str) -> Value {
    let segments: Vec<Value> = old.segments.iter().map(Segment::document).collect();
    let each = old.runs.iter();
    let runs: Vec<Value> = each
        .map(|run| json!({"run": run.run, "ended": run.ended.to_string()}))
        .collect();
    json!({
        "schema": 1, "dry_run": dry_run, "before": before, "records": old.records(), "segments": segments, "runs": runs,
    })
}
