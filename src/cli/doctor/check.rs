//! One line of the doctor's: what was looked at, how it ended, what to do.

use serde_json::{Value, json};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ok,
    /// It works with less.
    Note,
    /// It does not work.
    NotOk,
}

impl State {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::NotOk => "not ok",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found.
    pub said: String,
    /// What to do, where something is to be done.
    pub fix: Option<String>,
}

impl Check {
    /// It works.
    pub fn ok(name: &'static str, said: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            said: said.into(),
            fix: None,
        }
    }

    /// It works with less.
    pub fn note(name: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Note,
            fix: Some(fix.into()),
            ..Self::ok(name, said)
        }
    }

    /// It does not work.
    pub fn not_ok(name: &'static str, said: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::NotOk,
            ..Self::note(name, said, fix)
        }
    }

    /// As a document.
    pub fn json(&self) -> Value {
        json!({"check": self.name, "state": self.state.word().replace(' ', "-"), "said": self.said, "fix": self.fix})
    }
}
