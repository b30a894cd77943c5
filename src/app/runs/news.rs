//! What the engine reports about runs.

use super::Refusal;
use super::elsewhere::Elsewhere;
use super::lines::PodLines;
use super::shelf::{Book, PastRun};
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Entry, Event, Run};

/// Something learned about runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunNews {
    /// What happened to a run; anything about another than the present one is late and passes by.
    Event(RunId, Box<Event>),
    /// A new run has its folder: it can begin.
    Opened(Box<Run>),
    /// A run was read from its journal: it can be taken up again.
    Reopened {
        /// The run as its journal tells it.
        run: Box<Run>,
        /// What its journal holds, in order.
        entries: Vec<Entry>,
        /// Who takes it up.
        by: String,
        /// Why somebody else than before takes it up.
        hand_over: Option<String>,
    },
    /// Somebody else has the lock of a run that is carried here, and the sentence that says who: nothing more is sent.
    Lost(RunId, String),
    /// The last lines of pods that fail while a rollout is waited for.
    Lines(RunId, Vec<PodLines>),
    /// It cannot be begun or taken up.
    Refused(Refusal),
    /// The runs on this machine.
    Listed(Vec<PastRun>),
    /// The runbooks, read anew.
    Shelved(Vec<Book>),
    /// The runs that are announced in the cluster.
    Announced(Vec<Elsewhere>),
}
