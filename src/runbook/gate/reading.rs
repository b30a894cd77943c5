//! What one look at the signals gave, and how it was judged.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::runbook::quantity::show_duration;

/// What one look at one signal gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The figure in base units (a share, seconds, a count), or why there is none.
    pub value: Result<f64, String>,
    /// The old side's figure, for relative limits.
    pub baseline: Option<Result<f64, String>>,
    /// Requests in the window judged; `None` where the signal does not depend on traffic.
    pub requests: Option<f64>,
    /// Requests a second at present, for saying how long enough would take.
    pub rate: Option<f64>,
}

impl Reading {
    /// A figure with so many requests behind it.
    pub fn of(value: f64, requests: f64) -> Self {
        Self {
            value: Ok(value),
            baseline: None,
            requests: Some(requests),
            rate: None,
        }
    }

    /// No figure, and why.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            value: Err(why.into()),
            baseline: None,
            requests: None,
            rate: None,
        }
    }
}

/// How an evaluation came out, for one metric or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Within.
    Good,
    /// Not within.
    Bad,
    /// Not to be borne.
    Fatal,
    /// Not known.
    Void,
}

/// One evaluation of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// The figure, if there was one.
    pub value: Option<f64>,
    /// How it was judged.
    pub mark: Mark,
    /// Why, when void.
    pub why: Option<String>,
}

/// Too little traffic to judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Requests in the window.
    pub have: u64,
    /// Requests needed.
    pub need: u64,
    /// How long the present rate takes for as many as are needed; `None` without traffic.
    pub takes: Option<SignedDuration>,
}

impl Missing {
    /// The sentence.
    pub fn sentence(&self) -> String {
        match self.takes {
            Some(takes) => format!(
                "{} of {} requests; at this rate {} bring enough",
                self.have,
                self.need,
                show_duration(SignedDuration::from_secs(takes.as_secs().max(1)))
            ),
            None => format!(
                "{} of {} requests, and no traffic to bring more",
                self.have, self.need
            ),
        }
    }
}
