//! What the screens and the verdict need from outside, as data. The engine compares it with what runs, starts what is
//! missing and ends what nobody wants: what no screen uses is not fetched.

use super::kind::Kind;
use super::places::PlacesWant;
use super::text::TextWant;
use crate::domain::signal::{SignalName, Split};
use crate::domain::uid::Uid;
use crate::domain::workload::WorkloadKind;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One range question, asked again at every interval while it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeWant {
    /// One service (namespace, name), or all of the scope in one question.
    pub service: Option<(Arc<str>, Arc<str>)>,
    /// Which signal.
    pub signal: SignalName,
    /// How it is split.
    pub split: SplitBy,
    /// How far back it reaches, in seconds.
    pub span_s: u32,
    /// How long before now it ends, in seconds: a week for the line of last week.
    pub ago_s: u32,
    /// The distance between values, in seconds.
    pub step_s: u32,
}

/// A split with an order, so that wants can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SplitBy {
    /// Not split.
    Whole,
    /// By version.
    Version,
    /// By pod.
    Pod,
    /// By route.
    Route,
}

impl From<SplitBy> for Split {
    fn from(by: SplitBy) -> Self {
        match by {
            SplitBy::Whole => Self::Whole,
            SplitBy::Version => Self::Version,
            SplitBy::Pod => Self::Pod,
            SplitBy::Route => Self::Route,
        }
    }
}

/// The values of a chart: enough for the widest screen, the same for a question asked twice.
pub const CHART_POINTS: u32 = 180;

impl RangeWant {
    /// A range of one signal, with a step that gives a chart its points.
    pub fn of(
        service: Option<(Arc<str>, Arc<str>)>,
        signal: SignalName,
        split: SplitBy,
        span_s: u32,
    ) -> Self {
        Self {
            service,
            signal,
            split,
            span_s,
            ago_s: 0,
            step_s: (span_s / CHART_POINTS).max(5),
        }
    }
}

/// Logs somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogWant {
    /// Which opening of the screen asks.
    pub round: u64,
    /// The namespace.
    pub namespace: Arc<str>,
    /// The pods: name and containers.
    pub pods: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// Whether the logs of the containers before the last restart are meant.
    pub previous: bool,
    /// How far back, in seconds; unlimited where `None`.
    pub since_s: Option<u32>,
    /// The most lines of each container to begin with.
    pub tail: u32,
}

/// A workload whose signals are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Pod template hashes of its revisions, and the version each is called.
    pub versions: Vec<(Arc<str>, Arc<str>)>,
}

/// A pod whose own page of metrics is read, where there is no Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// The workload it belongs to.
    pub workload: Arc<str>,
    /// Its name.
    pub pod: Arc<str>,
    /// Its uid.
    pub uid: Uid,
    /// Its version, where it has one.
    pub version: Option<Arc<str>>,
}

/// Everything wanted now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Whose signals.
    pub subjects: Arc<Vec<Subject>>,
    /// The names of some pods: a signal source that knows none of them is another cluster's.
    pub pods: Arc<Vec<Arc<str>>>,
    /// The pods whose own pages stand in for Prometheus; none where there is one.
    pub pages: Arc<Vec<Page>>,
    /// Watches.
    pub watches: BTreeSet<Kind>,
    /// Whether readings of all services are wanted.
    pub signals: bool,
    /// Ranges.
    pub ranges: BTreeSet<RangeWant>,
    /// Whether all is well and nothing rolls: what ranges over all services show may be some intervals old.
    pub calm: bool,
    /// Whether alerts are wanted.
    pub alerts: bool,
    /// Logs.
    pub logs: Option<LogWant>,
    /// A document.
    pub text: Option<TextWant>,
    /// The server's table of a kind, by any of its names.
    pub table: Option<Arc<str>>,
    /// Places to go to.
    pub places: Option<PlacesWant>,
}
