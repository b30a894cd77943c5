//! What is shown: screens, the layers over them, and where the cursor stands in each. Cursors hold identities, not line numbers.

use crate::domain::object::ObjectRef;
use crate::domain::uid::Uid;
use jiff::Timestamp;
use std::sync::Arc;

/// A place to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    /// What is wrong, since when, what changed.
    Overview,
    /// Every pod.
    Pods,
    /// Every workload.
    Workloads,
    /// One workload's rollout.
    Rollout(ObjectRef),
    /// One workload's signals.
    Signals(ObjectRef),
    /// Every alert.
    Alerts,
    /// Everything that happened, in one order.
    Timeline,
    /// Logs of an object's pods.
    Logs(ObjectRef),
    /// An object in words.
    Describe(ObjectRef),
    /// An object as it is.
    Yaml(ObjectRef),
    /// What can be run.
    Runbooks,
    /// One runbook, to read and to start.
    Runbook(Arc<str>),
    /// What was run.
    Runs,
    /// One run.
    Run(Arc<str>),
    /// The incident that is open here, or the last one.
    Incident,
    /// Any kind, by the server's own table.
    Kind(Arc<str>),
    /// Contexts to go to.
    Contexts,
    /// Namespaces to go to.
    Namespaces,
    /// A drill's opening page, and its last.
    Drill,
}

impl Screen {
    /// Its name in the title and the palette.
    pub fn name(&self) -> &str {
        match self {
            Self::Overview => "overview",
            Self::Pods => "pods",
            Self::Workloads => "workloads",
            Self::Rollout(_) => "rollout",
            Self::Signals(_) => "signals",
            Self::Alerts => "alerts",
            Self::Timeline => "timeline",
            Self::Logs(_) => "logs",
            Self::Describe(_) => "describe",
            Self::Yaml(_) => "yaml",
            Self::Runbooks => "runbooks",
            Self::Runbook(_) => "runbook",
            Self::Runs => "runs",
            Self::Run(_) => "run",
            Self::Incident => "incident",
            Self::Kind(name) => name,
            Self::Contexts => "contexts",
            Self::Namespaces => "namespaces",
            Self::Drill => "drill",
        }
    }
}

/// Where the cursor is and what is typed, for one screen. Kept while the screen is in the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// What the cursor is on, by identity.
    pub cursor: Option<Uid>,
    /// The line the cursor was on, for when its object goes.
    pub index: usize,
    /// Which pane has the focus.
    pub pane: usize,
    /// The filter or the search.
    pub filter: String,
    /// Columns, or characters, scrolled to the right.
    pub right: usize,
    /// In a text: lines scrolled down.
    pub top: usize,
    /// Marked objects.
    pub marked: Vec<Uid>,
    /// Only what is not well.
    pub faults_only: bool,
    /// The moment under the cursor of charts; the present where there is none.
    pub at: Option<Timestamp>,
    /// Where the cursor stands in panes without the focus: pane, identity, line.
    pub aside: Vec<(usize, Option<Uid>, usize)>,
}

/// One visit of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The screen.
    pub screen: Screen,
    /// Where it was left.
    pub place: Place,
}

impl Visit {
    /// A first visit.
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            place: Place::default(),
        }
    }
}

/// The screens visited: a line to go back and forth on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    visits: Vec<Visit>,
    at: usize,
    last: usize,
}

impl History {
    /// Begins somewhere.
    pub fn new(screen: Screen) -> Self {
        Self {
            visits: vec![Visit::new(screen)],
            at: 0,
            last: 0,
        }
    }

    /// Where we are.
    pub fn here(&self) -> &Visit {
        &self.visits[self.at]
    }

    /// Where we are, to be changed.
    pub fn here_mut(&mut self) -> &mut Visit {
        &mut self.visits[self.at]
    }

    /// Every visit, oldest first.
    pub fn visits(&self) -> &[Visit] {
        &self.visits
    }

    /// Goes to a screen; what lay ahead is forgotten.
    pub fn open(&mut self, screen: Screen) {
        if self.here().screen == screen {
            return;
        }
        self.visits.truncate(self.at + 1);
        self.visits.push(Visit::new(screen));
        if self.visits.len() > 50 {
            self.visits.remove(0);
        }
        self.last = self.at.min(self.visits.len() - 1);
        self.at = self.visits.len() - 1;
    }

    /// Back one; false at the first.
    pub fn back(&mut self) -> bool {
        let moved = self.at > 0;
        if moved {
            (self.last, self.at) = (self.at, self.at - 1);
        }
        moved
    }

    /// Forward one; false at the last.
    pub fn forward(&mut self) -> bool {
        let moved = self.at + 1 < self.visits.len();
        if moved {
            (self.last, self.at) = (self.at, self.at + 1);
        }
        moved
    }

    /// To where we were before this.
    pub fn last_view(&mut self) {
        if self.last < self.visits.len() {
            (self.last, self.at) = (self.at, self.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_and_forth_keep_the_place() {
        let mut history = History::new(Screen::Overview);
        history.here_mut().place.index = 3;
        history.open(Screen::Pods);
        history.open(Screen::Alerts);
        assert!(history.back() && history.back() && !history.back());
        assert_eq!(
            (history.here().screen.clone(), history.here().place.index),
            (Screen::Overview, 3)
        );
        assert!(history.forward());
        assert_eq!(history.here().screen, Screen::Pods);
        history.last_view();
        assert_eq!(history.here().screen, Screen::Overview);
        history.open(Screen::Timeline);
        assert!(!history.forward());
    }
}
