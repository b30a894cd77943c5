//! Runbooks and runs as the console knows them: the shelf of runbooks, the run that is carried out now with what its
//! journal holds, and the runs of before. The pure machine moves here; what it asks for leaves as an order.

mod begin;
pub mod elsewhere;
pub mod lines;
pub mod news;
mod offers;
pub mod order;
pub mod shelf;
mod steer;
mod whereabouts;

use crate::runbook::machine::{Answers, Ask, Entry, Fact, Run};
use jiff::Timestamp;
use shelf::{Book, PastRun};
use std::sync::Arc;

/// Runbooks and runs.
#[derive(Debug, Default)]
pub struct Runs {
    /// Every runbook there is, the shipped ones first.
    pub library: Vec<Book>,
    /// The run carried out now, or the last one until it is put away.
    pub present: Option<Box<Run>>,
    /// What the present run's journal holds, in order; only what is on disk.
    pub entries: Vec<Entry>,
    /// The last lines of pods that fail while the present run waits for them.
    pub lines: Vec<lines::PodLines>,
    /// Runs on this machine, unfinished ones first, then newest first.
    pub past: Vec<PastRun>,
    /// Runs as their Leases announce them, this machine's among them.
    pub announced: Vec<elsewhere::Elsewhere>,
    /// Why the last run could not be begun or taken up again.
    pub refused: Option<Refusal>,
    /// A run is being opened: asked for, not begun yet, and since when.
    pub opening: Option<Timestamp>,
    pub(super) recording: Vec<Entry>,
    pub(super) answers: Answers,
    /// Who took the present run up, where it was one of before.
    pub(super) carrier: Option<String>,
    /// Why the present run is only looked at from here: somebody else has its lock now.
    pub(super) lost: Option<String>,
    /// The plan of the present run as others were told it.
    pub(super) outline: Vec<(String, usize)>,
    /// After how many entries that was looked at.
    pub(super) outlined: u64,
}

/// Why a run could not be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The sentence, with what to do.
    pub sentence: String,
    /// Whether what was asked is wrong in itself: a runbook, a parameter, a run that is not there.
    pub usage: bool,
}

impl Runs {
    /// With a shelf and nothing run yet.
    pub fn new(library: Vec<Book>) -> Self {
        Self {
            library,
            ..Self::default()
        }
    }

    /// A runbook by id.
    pub fn book(&self, id: &str) -> Option<&Book> {
        self.library.iter().find(|book| &*book.id == id)
    }

    /// The present run, while it is neither over nor unable to go on, nor carried by somebody else by now.
    pub fn active(&self) -> Option<&Run> {
        self.present.as_deref().filter(|run| {
            run.ledger().end.is_none() && run.halted().is_none() && self.lost.is_none()
        })
    }

    /// Why the present run is only looked at from here: somebody else has its lock now.
    pub fn lost(&self) -> Option<&str> {
        let over = |run: &Run| run.ledger().end.is_some();
        let goes_on = !self.present.as_deref().is_none_or(over);
        self.lost.as_deref().filter(|_| goes_on)
    }

    /// The open question to the operator.
    pub fn ask(&self) -> Option<&Ask> {
        self.active().and_then(Run::ask)
    }

    /// Whether the present run's journal says, after so many entries, that it was interrupted.
    pub fn interrupted_after(&self, known: usize) -> bool {
        let new = self.entries.iter().skip(known);
        new.into_iter()
            .any(|entry| matches!(entry.fact, Fact::Interrupted { .. }))
    }

    /// Runs of before that wait to be taken up again, without the present one.
    pub fn unfinished(&self) -> impl Iterator<Item = &PastRun> {
        let present: Option<Arc<str>> =
            self.active().map(|run| Arc::from(run.start().run.as_str()));
        self.past
            .iter()
            .filter(move |run| !run.state.is_terminal() && Some(&run.run) != present.as_ref())
    }
}
