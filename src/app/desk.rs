//! Where the operator is with runs: what the runbooks were opened for, the chosen answer, what was said already.

use super::ask::choices;
use crate::domain::object::ObjectRef;
use crate::runbook::machine::Run;

/// What the right pane of a run shows: the step, the preflight, the change, why the step is there.
pub const RUN_PAGES: usize = 4;
/// The page that says why.
pub const WHY: usize = 3;

/// The workload a runbook was asked for, and whether going back is suggested for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The workload.
    pub object: ObjectRef,
    /// Whether going back is suggested.
    pub rollback: bool,
}

/// Where the operator is with runs: what the runbooks were opened for, the chosen answer, what was said already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desk {
    /// Whether identifiers are shown.
    pub identifiers: bool,
    /// What the runbooks were opened for.
    pub subject: Option<Subject>,
    /// Why the console was armed.
    pub armed_for: Option<String>,
    /// The chosen answer, and how many entries the run had when it was chosen: another question, another choice.
    pub(super) chosen: Option<(u64, usize)>,
    /// The question whose dialog opened by itself; it does so once.
    pub(super) opened: Option<u64>,
    /// Unfinished runs were announced.
    pub(super) announced: bool,
}

impl Desk {
    /// The answer chosen for the open question, if one was.
    pub fn chosen(&self, run: &Run) -> Option<usize> {
        let entries = run.ledger().entries;
        self.chosen
            .filter(|(at, _)| *at == entries && run.ask().is_some())
            .map(|(_, index)| index)
    }

    /// Moves the choice; from nothing to the first.
    pub(super) fn step(&mut self, run: &Run, down: bool) {
        let last = choices(run).len().saturating_sub(1);
        let to = match (self.chosen(run), down) {
            (None, _) => 0,
            (Some(index), true) => (index + 1).min(last),
            (Some(index), false) => index.saturating_sub(1),
        };
        self.chosen = Some((run.ledger().entries, to));
    }
}
