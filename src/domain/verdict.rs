//! Judgements: a level with its reason sentence.

use jiff::Timestamp;
use std::fmt;

/// How well something is. The order is by urgency: what sorts last must be looked at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is wrong, and that is known.
    Healthy,
    /// It cannot be known; as loud as watch.
    Unknown,
    /// Something to keep an eye on.
    Watch,
    /// It fails.
    Failing,
}

impl Level {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Watch => "watch",
            Self::Failing => "failing",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How well.
    pub level: Level,
    /// Why, in one sentence.
    pub reason: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
}

impl Verdict {
    /// A judgement whose beginning is not known.
    pub fn new(level: Level, reason: impl Into<String>) -> Self {
        Self {
            level,
            reason: reason.into(),
            since: None,
        }
    }

    /// With its beginning.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }
}
