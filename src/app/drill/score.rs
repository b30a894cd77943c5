//! What became of a drill: the times beside the limits, the path beside the shortest, each wrong turn, what to read. Pure;
//! drawn by `ui` and written down by `cli`.

use super::cases::{Goal, Leg};
use super::{Drill, Turn};
use crate::domain::incident::{Limits, Severity};
use crate::runbook::Runbook;
use jiff::{SignedDuration, Timestamp};

/// One time that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// What was timed, for people.
    pub what: &'static str,
    /// How long it took from the page; none where it did not come to that.
    pub took: Option<SignedDuration>,
    /// The most it may take; none where there is no limit.
    pub limit: Option<SignedDuration>,
    /// What is to be said of it.
    pub note: String,
}

impl Time {
    /// Whether it was within its limit; none where there is nothing to compare.
    pub fn kept(&self) -> Option<bool> {
        let limit = self.limit?;
        Some(self.took.is_some_and(|took| took <= limit))
    }
}

/// The last page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The times, in order.
    pub times: Vec<Time>,
    /// The path that was taken, each stop with how long after the page.
    pub path: Vec<(SignedDuration, String)>,
    /// The shortest way.
    pub shortest: &'static [Leg],
    /// Wrong turns, each with how long after the page.
    pub turns: Vec<(SignedDuration, Turn)>,
    /// What was true.
    pub truth: &'static str,
    /// What to read: the runbook, then the paragraphs it was made from.
    pub read: Vec<String>,
    /// Whether the goal was reached.
    pub reached: bool,
}

/// The score of a drill as it stands; the book is the one to read afterwards.
pub fn score(drill: &Drill, book: Option<&Runbook>) -> Score {
    let began = drill.began.unwrap_or(Timestamp::UNIX_EPOCH);
    let marks = &drill.marks;
    let took = |at: Option<Timestamp>| at.map(|at| at.duration_since(began));
    let noticed = Time {
        what: "acknowledge",
        took: took(marks.acknowledged.or(marks.noticed)),
        limit: Some(Limits::default().acknowledge(Severity::P1)),
        note: match (marks.acknowledged, marks.noticed) {
            (Some(_), _) => String::new(),
            (None, Some(_)) => {
                "noticed: nobody acknowledged, the first look at the right thing counts".into()
            }
            (None, None) => "the right thing was not looked at".into(),
        },
    };
    let diagnosed = Time {
        what: "diagnosis",
        took: took(marks.diagnosed),
        limit: None,
        note: match marks.diagnosed {
            Some(_) => String::new(),
            None => "neither the evidence was opened nor a runbook that fits begun".into(),
        },
    };
    let recovers = drill.case.goal == Goal::Recover;
    let reached = Time {
        what: if recovers { "recovery" } else { "done" },
        took: took(marks.reached),
        limit: None,
        note: match (marks.reached, recovers) {
            (Some(_), true) => "within limits again".into(),
            (Some(_), false) => String::new(),
            (None, true) => "not within limits when the drill ended".into(),
            (None, false) => "not when the drill ended".into(),
        },
    };
    let mut times = vec![noticed, diagnosed, reached];
    // Where nothing that one does helps, there is no decision to count from.
    if recovers && !drill.case.cures.is_empty() {
        let both = marks.decided.zip(marks.reached);
        times.push(Time {
            what: "mitigation",
            took: both.map(|(decided, reached)| {
                reached.duration_since(decided).max(SignedDuration::ZERO)
            }),
            limit: Severity::P1.mitigate(),
            note: "from the decision until it was within limits".into(),
        });
    }
    let mut read: Vec<String> = Vec::new();
    if let Some(book) = book {
        read.push(format!("{}: {}", book.id, book.title));
        let sources = book.sources.iter();
        read.extend(sources.map(|source| format!("{} {}", source.doc, source.reference)));
    }
    Score {
        times,
        path: marks
            .path
            .iter()
            .map(|(at, words)| (at.duration_since(began), words.clone()))
            .collect(),
        shortest: drill.case.shortest,
        turns: marks
            .turns
            .iter()
            .map(|turn| (turn.at.duration_since(began), turn.clone()))
            .collect(),
        truth: drill.case.truth,
        read,
        reached: marks.reached.is_some(),
    }
}
