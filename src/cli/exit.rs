//! Exit codes, and the sentence that goes with the bad ones.

use crate::domain::verdict::Level;
use crate::journal::in_words;
use crate::platform::failure::{Failure, FailureKind};
use color_eyre::Report;
use std::io::Write as _;

/// Healthy, succeeded.
pub const OK: u8 = 0;
/// Something to watch; the answer is no.
pub const NO: u8 = 1;
/// What was typed or configured is wrong.
pub const USAGE: u8 = 2;
/// Failing.
pub const FAILING: u8 = 3;
/// A source that matters did not answer; it could not be begun.
pub const UNKNOWN: u8 = 4;

/// A command that could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The exit code.
    pub code: u8,
    /// What is wrong and what to do.
    pub sentence: String,
}

impl Failed {
    /// With a code.
    pub fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: sentence.into(),
        }
    }

    /// A mistake in what was typed or configured.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::new(USAGE, sentence)
    }

    /// A connection that could not even be begun: what is configured is wrong, or no login was to be had.
    pub fn unconnected(failure: &Failure) -> Self {
        let code = if failure.kind == FailureKind::Setup {
            USAGE
        } else {
            UNKNOWN
        };
        Self::new(code, format!("{failure}\n{}", failure.advice()))
    }

    /// What was answered could not be written down where it was to go.
    pub fn unwritten(error: &std::io::Error) -> Self {
        let why = in_words(error);
        Self::new(UNKNOWN, format!("the output cannot be written: {why}"))
    }

    /// Says the sentence, where there is still somebody to hear it, and gives the code.
    pub fn tell(&self) -> u8 {
        let _ = writeln!(std::io::stderr(), "vigie: {}", self.sentence.trim_end());
        self.code
    }
}

/// What nobody foresaw, in one line; with `RUST_BACKTRACE`, all that is known of it.
impl From<Report> for Failed {
    fn from(report: Report) -> Self {
        let in_full = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        let sentence = if in_full {
            format!("{report:?}")
        } else {
            format!("{report:#}")
        };
        Self::new(UNKNOWN, sentence)
    }
}

/// What the system refused, in one sentence whatever is asked of others.
impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::new(UNKNOWN, in_words(&error))
    }
}

/// The code of a level.
pub fn of(level: Level) -> u8 {
    match level {
        Level::Healthy => OK,
        Level::Watch => NO,
        Level::Failing => FAILING,
        Level::Unknown => UNKNOWN,
    }
}
