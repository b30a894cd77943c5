//! Closing a run of before as it is: only its journal is touched, no platform is asked.

use super::records::{self, Who};
use super::witness;
use crate::app::runs::Refusal;
use crate::journal::runs::restore;
use crate::journal::{RealDisk, Runs};
use crate::runbook::machine::{self, Effect, End, Event, carrier};
use jiff::Timestamp;
use std::path::Path;

/// Abandons a run; what it left in the world is in the answer. Blocks.
pub fn abandon(
    state: &Path,
    id: &str,
    by: &Who,
    reason: &str,
    now: Timestamp,
) -> Result<End, Refusal> {
    let refusal = |usage| move |sentence: String| Refusal { sentence, usage };
    let plain = refusal(false);
    let runs = Runs::new(state, RealDisk);
    let dir = runs.find(id).map_err(refusal(true))?;
    let mut open = runs
        .open(&dir, now)
        .map_err(|error| plain(error.to_string()))?;
    let run = restore(&open).map_err(|error| plain(error.to_string()))?;
    if let Some(end) = &run.ledger().end {
        return Err(plain(format!(
            "run {} is over: {}",
            open.header.start.run, end.message
        )));
    }
    let begun = &open.header.start;
    let carried = Who::Cluster(carrier(begun, &open.entries).to_owned());
    witness::mend(state, begun, &open.entries, &carried).map_err(plain)?;
    let event = Event::Abandon {
        by: by.words(),
        reason: reason.to_owned(),
    };
    let (run, effects) = machine::step(run, now, event);
    for effect in effects {
        if let Effect::Record(entries) = effect {
            open.journal
                .append(&entries)
                .map_err(|error| plain(error.to_string()))?;
            records::audit(state, &open.header.start, by, &entries).map_err(plain)?;
        }
    }
    let (run, _) = machine::step(run, now, Event::Recorded);
    let end = run.ledger().end.clone();
    end.ok_or_else(|| plain("the run could not be closed".to_owned()))
}
