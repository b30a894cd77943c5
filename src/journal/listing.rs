//! The runs of a state directory as a list, and the one an id names. Reads without locking or mending; what is broken
//! is listed with its error.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::journal::disk::{self, Disk};
use crate::journal::error::NEVER_BEGAN;
use crate::journal::record::Condition;
use crate::journal::runs::{Header, Runs, SCHEMA};
use crate::runbook::machine::{Entry, Fact, Reason, RunState};
use crate::runbook::prose::bounded;
use crate::runbook::template::plain;

/// One run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct RunListing {
    /// Its folder.
    pub dir: PathBuf,
    /// Its header.
    pub header: Header,
    /// Its state, as far as the journal's last words tell.
    pub state: RunState,
    /// Why it stopped, if it did, in words.
    pub reason: Option<String>,
    /// What it needs a person for, where it does.
    pub waits: Option<Reason>,
    /// The workload it is about, once it is settled.
    pub workload: Option<String>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Damaged or from a later version.
    pub read_only: Option<String>,
    /// Whether a process of this machine carries it out now: its lock is held.
    pub carried: bool,
}

impl<D: Disk + Clone> Runs<D> {
    /// The folder of every run.
    pub fn dirs(&self) -> Vec<PathBuf> {
        let clusters = disk::folders(&self.root);
        let each = clusters.iter().flat_map(|cluster| disk::folders(cluster));
        each.collect()
    }

    /// Every run, unfinished ones first, then newest first. A broken one is listed with its error.
    pub fn list(&self) -> (Vec<RunListing>, Vec<(PathBuf, String)>) {
        let (mut listed, mut broken) = (Vec::new(), Vec::new());
        for dir in self.dirs() {
            match self.peek(&dir) {
                Ok((header, entries, condition)) => {
                    let mut run = listing(dir, header, &entries, &condition);
                    if run.carried && run.state == RunState::Running {
                        self.waits(&mut run, &entries);
                    }
                    listed.push(run);
                }
                Err(error) => broken.push((dir, error.to_string())),
            }
        }
        listed.sort_by(|a, b| {
            (a.state.is_terminal(), &b.header.start.run)
                .cmp(&(b.state.is_terminal(), &a.header.start.run))
        });
        (listed, broken)
    }

    /// Says of a run at work that it lets time pass, where that is all it does.
    fn waits(&self, run: &mut RunListing, entries: &[Entry]) {
        let Some(until) = self.waits_until(&run.dir, entries) else {
            return;
        };
        run.state = RunState::Waiting;
        let until = until.strftime("%Y-%m-%d %H:%M:%SZ");
        run.reason = Some(format!("waits until {until}"));
    }

    /// The folder of the run with this id, or the only one whose id begins or ends so.
    pub fn find(&self, id: &str) -> Result<PathBuf, String> {
        let wanted = id.to_ascii_uppercase();
        let all = self.dirs();
        let name = |dir: &Path| {
            dir.file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let fits: Vec<&PathBuf> = all
            .iter()
            .filter(|dir| {
                wanted.len() >= 4
                    && (name(dir).starts_with(&wanted) || name(dir).ends_with(&wanted))
            })
            .collect();
        match fits.as_slice() {
            [only] => Ok((*only).clone()),
            [] => Err(format!(
                "no run `{}`; `vigie runs --all` lists them",
                bounded(id, 40)
            )),
            several => Err(format!(
                "`{}` fits {} runs; give more of the id",
                bounded(id, 40),
                several.len()
            )),
        }
    }
}

fn listing(dir: PathBuf, header: Header, entries: &[Entry], condition: &Condition) -> RunListing {
    let carried = disk::held(&dir.join("lock"));
    let (mut state, mut reason, mut ended) = (RunState::Draft, None, None);
    let mut waits = None;
    let mut workload = header.start.params.get("workload").map(plain);
    for entry in entries {
        match &entry.fact {
            Fact::Param { name, value } if name == "workload" => workload = Some(plain(value)),
            Fact::End {
                state: end,
                message,
                ..
            } => {
                state = *end;
                reason = Some(message.clone());
                ended = Some(entry.ts);
            }
            Fact::NeedsHuman {
                message,
                reason: on,
                ..
            }
            | Fact::Awaiting {
                message,
                reason: on,
                ..
            } => {
                state = RunState::NeedsHuman;
                waits = Some(*on);
                reason = Some(message.clone());
            }
            Fact::Interrupted { why } => reason = Some(format!("interrupted: {why}")),
            Fact::RollingBack { .. } | Fact::Ending { .. } => state = RunState::RollingBack,
            Fact::Resumed { .. } | Fact::Decision { accepted: true, .. } | Fact::Started { .. }
                if state != RunState::RollingBack =>
            {
                state = RunState::Running;
                (reason, waits) = (None, None);
            }
            _ => {}
        }
    }
    if !carried && !state.is_terminal() && state != RunState::NeedsHuman {
        state = RunState::NeedsHuman;
        let gone = || "interrupted: the process that carried it is gone".to_owned();
        reason = reason.or_else(|| Some(gone()));
        waits = None;
    }
    if !carried && entries.is_empty() && !matches!(condition, Condition::Damaged(_)) {
        state = RunState::Aborted;
        reason = Some(NEVER_BEGAN.to_owned());
        ended = Some(header.created);
    }
    // An interrupted run goes on when somebody says so.
    let waits = (state == RunState::NeedsHuman).then(|| waits.unwrap_or(Reason::Confirm));
    let read_only = match condition {
        Condition::Damaged(damage) => {
            Some(format!("damaged or altered at record {}", damage.record))
        }
        _ if header.schema > SCHEMA => Some(format!(
            "made by a later version (schema {})",
            header.schema
        )),
        _ => None,
    };
    RunListing {
        dir,
        header,
        state,
        reason,
        waits,
        workload,
        ended,
        read_only,
        carried,
    }
}
