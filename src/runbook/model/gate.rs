//! A gate as the file declares it: what is judged, for how long, and where each verdict leads. Judging is `runbook::gate`'s.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;

use crate::runbook::model::guard::When;
use crate::runbook::model::words::Then;
use crate::runbook::quantity::Limit;
use crate::runbook::template::{Slot, Text};

/// A gate as the file declares it, inline or by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateDecl {
    /// Between evaluations.
    pub interval: Slot<SignedDuration>,
    /// Before the first one.
    pub initial_delay: Option<Slot<SignedDuration>>,
    /// Unbroken good time that passes.
    pub hold: Slot<SignedDuration>,
    /// From the start to the end, whatever happened.
    pub deadline: Slot<SignedDuration>,
    /// Requests below which an evaluation is void.
    pub min_requests: i64,
    /// Bad evaluations add up over the run.
    pub fail_scope_run: bool,
    /// One good metric is enough.
    pub any: bool,
    /// What is judged.
    pub metrics: Vec<MetricDecl>,
}

/// One metric of a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricDecl {
    /// A named signal.
    pub signal: String,
    /// A raw query instead of the named signal.
    pub query: Option<Text>,
    /// Good means within this.
    pub ok: Limit,
    /// Outside means failed at once.
    pub abort: Option<Limit>,
    /// Good also means: not worse than the old side by more than this.
    pub relative: Option<Limit>,
    /// So many bad evaluations fail the gate.
    pub fail_at: Option<i64>,
    /// Judged only if this holds.
    pub when: Option<When>,
}

/// Where a gate's verdict leads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateOn {
    /// All good.
    pub pass: Then,
    /// Judged bad.
    pub fail: ThenBy,
    /// Not judged.
    pub inconclusive: Then,
    /// Sleep, crash, or a gap.
    pub lost: Then,
}

/// A consequence, possibly depending on a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ThenBy {
    /// Always the same.
    Fixed(Then),
    /// Looked up by the parameter's value.
    Param {
        /// The parameter.
        param: String,
        /// Value to consequence.
        map: BTreeMap<String, Then>,
    },
}
