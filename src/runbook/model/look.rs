//! Steps that look outside of objects: one request to a service, and texts searched for what should not stand in them.
//! What they see is held against what the file expects; it is never interpreted.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use crate::runbook::model::words::{Method, Texts, Via};
use crate::runbook::template::{Slot, Text};

/// What an answer must be; without anything, any success.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Expect {
    /// The status.
    pub status: Option<i64>,
    /// A text that stands in the body.
    pub body_contains: Option<Text>,
    /// Fields of a body that is JSON, dotted, with their values.
    pub json: BTreeMap<String, Value>,
}

/// What a step looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum LookStep {
    /// One request to a service.
    #[serde(rename = "http")]
    Http {
        /// Where: `http://NAME.NAMESPACE:PORT/PATH`, or an address outside for `direct`.
        url: Text,
        /// How it gets there.
        via: Via,
        /// GET or HEAD: nothing is changed by looking.
        method: Method,
        /// What the answer must be.
        expect: Expect,
    },
    /// What pods write, searched for a pattern or for personal data.
    #[serde(rename = "scan")]
    Scan {
        /// Where.
        ns: Text,
        /// A workload, whose every pod is read.
        target: Option<Text>,
        /// Or the pods with these labels.
        selector: Option<Text>,
        /// What of them.
        #[serde(rename = "in")]
        texts: Texts,
        /// A regular expression; personal data where none is given.
        pattern: Option<Text>,
        /// So many of each container's last lines.
        sample: i64,
        /// Only what was written since so long.
        since: Option<Slot<SignedDuration>>,
    },
}

/// Lines of a container that are read unless the file says otherwise, and the most it may ask for.
pub const SAMPLE: (i64, i64) = (1_000, 10_000);

impl LookStep {
    /// The kind's name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Scan { .. } => "scan",
        }
    }
}
