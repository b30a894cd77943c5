//! One line of the doctor's: what was looked at, how it ended, what to do.

use crate::platform::http::HttpFailure;
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

/// A source that gives no answer, or that could not even be asked: a file of its own cannot be used.
pub fn silent(name: &'static str, address: &str, failure: &HttpFailure) -> Check {
    let why = failure.short();
    if matches!(failure, HttpFailure::Credential(_)) {
        return Check::not_ok(
            name,
            format!("{address} was not asked: {why}"),
            format!("Write the file, or name another as token_file in [context.NAME] {name}."),
        );
    }
    Check::not_ok(
        name,
        format!("{address} does not answer: {why}"),
        "Check the address and that it can be reached from here.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_no_fault_of_the_address() {
        let unread = HttpFailure::Credential("token file /t: not found".into());
        let file = silent("prometheus", "http://x", &unread);
        let fix = file.fix.unwrap_or_default();
        assert!(
            fix.contains("token_file in [context.NAME] prometheus"),
            "{fix}"
        );
        let away = silent("prometheus", "http://x", &HttpFailure::CutOff);
        assert!(
            away.fix
                .is_some_and(|fix| fix.starts_with("Check the address"))
        );
    }
}
