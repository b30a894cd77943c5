//! `vigie audit status` and `vigie audit deliver`: how far the places beside the file are, and sending them what waits.

use super::super::args::Output;
use super::super::console::runtime;
use super::super::exit::{Failed, NO, OK, UNKNOWN};
use super::super::print;
use super::super::session::Start;
use super::super::shelf;
use crate::engine::sinks::{self, Standing};
use crate::ui::widget::text::sanitize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a run that is over may still send what it wrote down.
const SHORTLY: Duration = Duration::from_secs(2);

/// How far each place is.
pub fn status(start: &Start) -> Result<u8, Failed> {
    let state = start.loaded.state_dir();
    let each = shelf::sinks(&start.loaded);
    let found: Result<Vec<Standing>, String> = each
        .iter()
        .map(|sink| sinks::standing(&state, sink))
        .collect();
    told(start, &found.map_err(|why| Failed::new(UNKNOWN, why))?)
}

/// Sends what waits, until nothing does or somebody refuses.
pub fn deliver(start: &Start) -> Result<u8, Failed> {
    let state = start.loaded.state_dir();
    let runtime = runtime()?;
    let mut found = Vec::new();
    for sink in shelf::sinks(&start.loaded) {
        let standing = runtime.block_on(async {
            loop {
                match sinks::deliver(&state, &sink).await? {
                    Some(standing) if standing.waiting > 0 && standing.failed.is_none() => {}
                    // Another process delivers now: it is as far as it is.
                    came => break came.map_or_else(|| sinks::standing(&state, &sink), Ok),
                }
            }
        });
        found.push(standing.map_err(|why: String| Failed::new(UNKNOWN, why))?);
    }
    told(start, &found)
}

/// Sends what a command wrote down, as far as that is quickly done; the rest waits for whoever is next.
pub async fn shortly(start: &Start) {
    let state = start.loaded.state_dir();
    let all = async {
        for sink in shelf::sinks(&start.loaded) {
            // What was not delivered is in `vigie audit status`.
            let _ = sinks::deliver(&state, &sink).await;
        }
    };
    let _ = tokio::time::timeout(SHORTLY, all).await;
}

fn told(start: &Start, found: &[Standing]) -> Result<u8, Failed> {
    let late = found.iter().any(|one| one.waiting + one.lost > 0);
    if start.global.output == Output::Json {
        let all: Vec<Value> = found
            .iter()
            .map(|one| {
                json!({"sink": one.name, "delivered": one.delivered, "waiting": one.waiting, "lost": one.lost, "failed": one.failed})
            })
            .collect();
        print::text(&print::line(&json!({"schema": 1, "sinks": all})))?;
    } else if found.is_empty() {
        print::text(
            "The audit log goes nowhere but into its file: `[audit] webhook_file` or `syslog` names a place.\n",
        )?;
    } else {
        let lines: Vec<String> = found.iter().map(line).collect();
        print::text(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(if late { NO } else { OK })
}

/// One place in words.
pub fn line(one: &Standing) -> String {
    let failed = one
        .failed
        .as_ref()
        .map_or_else(String::new, |why| format!("; {}", sanitize(why)));
    let lost = match one.lost {
        0 => String::new(),
        lost => format!("; {lost} were pruned before they were delivered"),
    };
    format!(
        "{}: delivered up to record {}, {} waiting{lost}{failed}",
        one.name, one.delivered, one.waiting
    )
}
