//! What stands around a step of any kind: who must agree, when it runs at all, how long it may take, how often it is
//! repeated, what it waits for.

use jiff::SignedDuration;
use serde::Serialize;

use crate::runbook::check::Test;
use crate::runbook::model::declared::SignedMillis;
use crate::runbook::model::words::Then;
use crate::runbook::template::{Path, Slot, Text};

/// A guard a person answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// None.
    #[default]
    No,
    /// A yes.
    Yes,
    /// This text, typed.
    Type(Text),
}

/// Who else must agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Approve {
    /// How many.
    pub count: i64,
    /// Who may not.
    pub not: Option<String>,
    /// For how long an approval holds.
    pub ttl: Option<SignedMillis>,
    /// Only in this environment.
    pub when_env: Option<String>,
}

/// A deadline with its consequence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeout {
    /// After how long.
    pub after: Slot<SignedDuration>,
    /// What happens then.
    pub then: Then,
}

/// Automatic repeats of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retry {
    /// How often.
    pub max: i64,
    /// Pause between.
    pub backoff: Option<SignedMillis>,
    /// transient, conflict.
    pub on: Vec<String>,
}

/// A condition for running a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Every one holds.
    All(Vec<When>),
    /// At least one holds.
    Any(Vec<When>),
    /// A single test.
    Test(Subject, Test),
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A value.
    Value(Path),
    /// The environment's name.
    Env,
    /// The open incident's severity.
    Severity,
}

/// What follows an effect before the step is done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitFor {
    /// The rollout of our own change is complete.
    Rollout,
    /// As many pods as wanted are there and available.
    Replicas,
    /// The pod is gone, and its owner has all its pods again.
    Replaced,
}

/// Repetition over a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Each {
    /// The list.
    #[serde(rename = "in")]
    pub over: Path,
    /// The loop variable.
    #[serde(rename = "as")]
    pub var: Option<String>,
    /// Order of roles.
    pub order: Vec<String>,
    /// How many at once.
    pub serial: i64,
}
