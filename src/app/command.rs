//! What an operator can ask, in their words. Keys, the palette and tests send these; nothing else changes the App from inside.

use super::act::Wish;
use super::incidents::order;
use super::runs::order::RunRequest;
use super::screen::Screen;
use crate::runbook::machine::{Answers, Decision};
use std::sync::Arc;

/// A move of the cursor or of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Motion {
    /// One up.
    Up,
    /// One down.
    Down,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// Columns to the left.
    Left,
    /// Columns to the right.
    Right,
}

/// What an operator can ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// Move.
    Move(Motion),
    /// Go into what is under the cursor, or say yes where that is safe.
    Enter,
    /// Back one level; a dialog's no.
    Escape,
    /// Back one level; leave at the last.
    Back,
    /// Leave.
    Quit,
    /// Stop after the current step; twice leaves.
    Interrupt,
    /// To the next pane.
    NextPane,
    /// Back in history.
    Older,
    /// Forward in history.
    Newer,
    /// To the screen before this one.
    LastView,
    /// Open a screen.
    Open(Screen),
    /// The palette.
    Palette,
    /// Filter a table, search a text.
    Filter,
    /// The next match.
    NextMatch,
    /// The match before.
    PreviousMatch,
    /// What works here.
    Help,
    /// Ask every source again now.
    Refresh,
    /// Only what is not well.
    FaultsOnly,
    /// Mark what is under the cursor.
    Mark,
    /// The rollout of what is under the cursor.
    Rollout,
    /// The signals of what is under the cursor.
    Signals,
    /// Its logs.
    Logs,
    /// Its logs before the last restart.
    PreviousLogs,
    /// Its description.
    Describe,
    /// Its YAML.
    Yaml,
    /// Its owner.
    Owner,
    /// The timeline.
    Timeline,
    /// Copy what is under the cursor, or an update to paste.
    Copy,
    /// The links of what is under the cursor.
    Links,
    /// Why its verdict is what it is.
    Explain,
    /// Back in the charts' time.
    Earlier,
    /// On in the charts' time.
    Later,
    /// Runbooks, the suggested one first.
    Runbooks,
    /// Hold what is running: a person is asked after this step.
    Hold,
    /// Undo what the run shown has changed.
    Undo,
    /// A line for the record of the run shown.
    Note,
    /// Why the present step of the run shown is there.
    Why,
    /// Identifiers, or not.
    Identifiers,
    /// Fill in what a runbook is started with.
    FillIn,
    /// Arm this console for changes, or disarm it.
    Arm,
    /// A time range, by its digit.
    Range(u8),
    /// The next way to split a chart.
    Split,
    /// Last week's line under the chart.
    Baseline,
    /// Follow the newest line, or stop following.
    Follow,
    /// Wrap long lines, or not.
    Wrap,
    /// Show times, or not.
    Times,
    /// The log alone on the screen, or not.
    Full,
    /// Copy the queries behind the charts.
    CopyQuery,
    /// Keep what is on the screen in a file.
    Save,
    /// Charts make room for tables, or not.
    Compact,
    /// Tables show the columns that are dropped first, or not.
    Wide,
    /// Begin a run.
    StartRun(Box<RunRequest>),
    /// Take a run up again, by its id.
    ResumeRun {
        /// The run.
        run: Arc<str>,
        /// What was answered beforehand, if anything.
        answers: Answers,
    },
    /// Answer the present run's question.
    Decide(Decision),
    /// Stop the present run after its step.
    StopRun,
    /// Undo what the present run changed.
    RollBackRun {
        /// Why.
        reason: String,
    },
    /// Close the present run as it is.
    AbandonRun {
        /// Why.
        reason: String,
    },
    /// A line for the present run's record.
    NoteRun {
        /// The line.
        text: String,
    },
    /// Look no longer at a run that is over.
    PutRunAway,
    /// Show only lines of a log that have some words.
    Narrow,
    /// What is wanted of an incident.
    Incident(order::Wish),
    /// All namespaces, or back to one.
    AllNamespaces,
    /// Sign in again, with the terminal.
    Login,
    /// A shell in what is under the cursor.
    Shell,
    /// Restart, scale, delete or evict: what is under the cursor, or what was named.
    Act(Box<Wish>),
    /// A character typed into a line.
    Type(char),
    /// Pasted text; where something must be typed it is refused.
    Paste(String),
    /// Delete the last character typed.
    Erase,
    /// Delete all that was typed.
    EraseAll,
}

impl Command {
    /// Whether it is about runs: then it is obeyed whatever layer is open.
    pub fn is_about_runs(&self) -> bool {
        matches!(
            self,
            Self::StartRun(_)
                | Self::ResumeRun { .. }
                | Self::Decide(_)
                | Self::StopRun
                | Self::RollBackRun { .. }
                | Self::AbandonRun { .. }
                | Self::NoteRun { .. }
                | Self::PutRunAway
        )
    }
}
