//! What is older than the configuration wants kept: files of the audit log and the folders of runs that are over. A record of
//! the log names everything before any of it goes. Open runs, runs of an open incident, incidents and what is damaged stay.

use super::runs::records::{self, Who};
use crate::journal::audit::PRUNED;
use crate::journal::audit::prune::Segment;
use crate::journal::{
    Audit, Condition, Disk, Incidents, RealDisk, Runs, Verified, disk, in_words, record,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where folders lie for the moment until they are gone.
const ASIDE: &str = "pruned";

/// A run that is over for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldRun {
    /// Its folder.
    pub dir: PathBuf,
    /// Its id.
    pub run: String,
    /// When it ended.
    pub ended: Timestamp,
    /// The last hash of its journal.
    pub head: String,
}

/// What may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Old {
    /// Files of the audit log.
    pub segments: Vec<Segment>,
    /// Runs.
    pub runs: Vec<OldRun>,
}

impl Old {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.runs.is_empty()
    }

    /// How many records of the audit log it holds.
    pub fn records(&self) -> u64 {
        let each = self.segments.iter();
        each.map(|segment| segment.to.saturating_sub(segment.from) + 1)
            .sum()
    }
}

/// What is from before that moment; an audit log that does not hold is not touched at all.
pub fn old(state: &Path, before: Timestamp) -> Result<Old, String> {
    let log = Audit::new(state, RealDisk);
    let words = |error: std::io::Error| in_words(&error);
    let report = log.verify(None).map_err(words)?;
    if !log.files().is_empty() && !matches!(report.verdict, Verified::Ok { .. }) {
        return Err(
            "the audit log does not hold: nothing is pruned; keep the files, `vigie audit verify` says where".to_owned(),
        );
    }
    Ok(Old {
        segments: log.older_than(before).map_err(words)?,
        runs: runs(state, before),
    })
}

fn runs(state: &Path, before: Timestamp) -> Vec<OldRun> {
    let open = of_open_incidents(state);
    let (listed, _) = Runs::new(state, RealDisk).list();
    let each = listed.into_iter().filter_map(|run| {
        let id = run.header.start.run.as_str().to_owned();
        let over = run.state.is_terminal() && run.read_only.is_none() && !run.carried;
        let ended = run.ended.filter(|at| *at < before)?;
        if !over || open.contains(&id) {
            return None;
        }
        let opened = record::decode(&RealDisk.read(&run.dir.join("journal")).ok()?);
        (opened.condition == Condition::Whole).then_some(OldRun {
            dir: run.dir,
            run: id,
            ended,
            head: opened.head,
        })
    });
    each.collect()
}

/// The runs that an open incident names; one that cannot be read keeps every run.
fn of_open_incidents(state: &Path) -> BTreeSet<String> {
    let (listed, _) = Incidents::new(state, RealDisk).list();
    let open = listed.into_iter().filter(|read| read.incident.is_open());
    let runs = open.flat_map(|read| read.incident.runs);
    runs.map(|(run, _)| run).collect()
}

/// Writes down what goes, then removes it.
pub fn prune(state: &Path, who: &Who, now: Timestamp, before: Timestamp) -> Result<Old, String> {
    let words = |error: std::io::Error| format!("the audit log: {}", in_words(&error));
    let mut log = Audit::new(state, RealDisk);
    if !log.files().is_empty() {
        log.close_old(now).map_err(words)?;
    }
    let old = old(state, before)?;
    if old.is_empty() {
        return Ok(old);
    }
    let runs = old
        .runs
        .iter()
        .map(|run| json!({"run": run.run, "ended": run.ended.to_string(), "head": run.head}));
    let segments = old.segments.iter().map(Segment::document);
    let what = json!({
        "before": before.to_string(),
        "segments": segments.collect::<Vec<Value>>(),
        "runs": runs.collect::<Vec<Value>>(),
    });
    let event = records::by(who, now, PRUNED, ("pruned", what));
    records::append(state, &[event])?;
    log.remove(&old.segments).map_err(words)?;
    for run in &old.runs {
        let gone = disk::remove_folder(&run.dir, &state.join(ASIDE));
        gone.map_err(|error| format!("{}: {}", run.dir.display(), in_words(&error)))?;
    }
    Ok(old)
}
