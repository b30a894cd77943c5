//! What the operator asks of runs, and what the App asks of the engine for them.

use crate::domain::hidden::Hidden;
use crate::runbook::Runbook;
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Answers, Effect, RunTarget};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A run somebody asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunRequest {
    /// The runbook's id.
    pub runbook: Arc<str>,
    /// Parameters as typed; those left out get their defaults or are asked for.
    pub params: BTreeMap<String, String>,
    /// Nobody is at a screen: what is not answered beforehand stops the run.
    pub unattended: bool,
    /// Stop before the first effect.
    pub dry_run: bool,
    /// Leave no record: a look ahead, which goes with a dry run only.
    pub unrecorded: bool,
    /// What was answered beforehand.
    pub answers: Answers,
}

impl RunRequest {
    /// A run with a person at the screen.
    pub fn new(runbook: &str, params: BTreeMap<String, String>) -> Self {
        Self {
            runbook: runbook.into(),
            params,
            ..Self::default()
        }
    }
}

/// A run to be opened: everything but its id, its place and who begins it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// The runbook.
    pub book: Arc<Runbook>,
    /// Its text, which is kept with the run.
    pub text: Arc<str>,
    /// The texts of the runbooks it calls, by id; kept with the run as well.
    pub called: Vec<(String, Arc<str>)>,
    /// Its parameters, settled.
    pub params: BTreeMap<String, Value>,
    /// The namespace it runs in.
    pub namespace: String,
    /// Whether a person is at the screen.
    pub attended: bool,
    /// Stop before the first effect.
    pub dry_run: bool,
    /// Leave no record.
    pub unrecorded: bool,
    /// What was answered beforehand.
    pub answers: Answers,
}

/// Something a person did outside of any run, for the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// What.
    pub event: &'static str,
    /// Why, where it was asked.
    pub reason: Option<String>,
    /// Who, as the server knows them.
    pub by: Option<Arc<str>>,
    /// Where.
    pub target: RunTarget,
}

/// What the engine is to do for runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunOrder {
    /// Give a new run its folder.
    Open(Box<Opening>),
    /// Read a run from its journal: an id, or its beginning or end.
    Reopen(Arc<str>),
    /// Carry out what the machine asks for this run, in this order.
    Perform(RunId, Vec<Effect>),
    /// The plan of a run as it is now, for whoever is told where it stands: its steps, each with the number of its heading.
    Outline(RunId, Vec<(String, usize)>),
    /// Keep a secret that was typed for this run, in memory alone.
    Give {
        /// The run.
        run: RunId,
        /// The secret's name.
        name: String,
        /// What was typed.
        value: Hidden,
    },
    /// List the runs on this machine.
    List,
    /// Read the runbooks anew.
    Reread,
    /// Ask the cluster which runs others announce.
    Look,
    /// Put a deed into the audit log.
    WriteDown(Box<Deed>),
}
