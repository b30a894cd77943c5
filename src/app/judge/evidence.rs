//! What a judgement rests on, what is found, and how sentences write figures.

use crate::domain::alert::Alert;
use crate::domain::pod::Pod;
use crate::domain::rollout::{Revision, Rollout, RolloutState};
use crate::domain::signal::{Series, ServiceSignals, Thresholds};
use crate::domain::verdict::{Level, Verdict};
use crate::domain::workload::Workload;
use jiff::{SignedDuration, Timestamp};

/// What a judgement rests on.
pub struct Evidence<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// Its rollout by itself.
    pub rollout: Rollout,
    /// The revision its template asks for.
    pub revision: Option<&'a Revision>,
    /// When that revision took over.
    pub taken_over: Option<Timestamp>,
    /// Whether that revision was there before: an older one, taken up again.
    pub returned: bool,
    /// Whether there is an older revision to go back to.
    pub has_earlier: bool,
    /// Its pods that are not well, with their levels; all of them where none is ready.
    pub pods: Vec<(&'a Pod, Level)>,
    /// How many pods it has.
    pub all_pods: usize,
    /// How many pods of its newest revision serve.
    pub new_serving: usize,
    /// Its readings now.
    pub signals: Option<&'a ServiceSignals>,
    /// Its error ratio over the last while.
    pub errors: Option<&'a Series>,
    /// Its p99 over the last while.
    pub p99: Option<&'a Series>,
    /// Whether it ever had signals: only then is their absence worth a word.
    pub measured: bool,
    /// Why signals cannot be believed at all, where that is so.
    pub blind: Option<String>,
    /// Alerts that name it.
    pub alerts: Vec<&'a Alert>,
    /// What counts as too much.
    pub thresholds: Thresholds,
    /// The present.
    pub now: Timestamp,
    /// When the trouble that it is in began, as it was last said.
    pub known_onset: Option<Timestamp>,
    /// What that was laid to.
    pub known_cause: Option<&'a Cause>,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// In a few words, for a column.
    pub clause: String,
    /// As the predicate of a sentence whose subject is the workload.
    pub sentence: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether it is measured by signals, and so has an onset on a chart.
    pub measured: bool,
    /// Whether it was so already when what is known of it begins.
    pub beyond: bool,
    /// What the sentence ends with, after the time.
    pub also: String,
}

/// A revision that took over shortly before the trouble.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// `43 (v1.1.0)`.
    pub revision: String,
    /// When it took over.
    pub at: Timestamp,
    /// How long before the onset.
    pub before: SignedDuration,
    /// Whether another revision has taken over since.
    pub left: bool,
}

/// What is judged of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The level and the whole sentence.
    pub verdict: Verdict,
    /// The findings in a few words.
    pub why: String,
    /// When measured trouble began.
    pub onset: Option<Timestamp>,
    /// Whether it began before that: no series reaches further back.
    pub beyond: bool,
    /// What was released just before.
    pub cause: Option<Cause>,
    /// Whether going back is suggested.
    pub rollback: bool,
    /// Everything found, worst first.
    pub findings: Vec<Finding>,
}

/// A time of day in UTC, as the screens write it.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// The same, with its day where that is not today.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    if now.duration_since(at) < SignedDuration::from_hours(12) {
        clock(at)
    } else {
        at.strftime("%-d %b %H:%M").to_string()
    }
}

/// Since when, as sentences say it.
pub fn since(at: Option<Timestamp>, beyond: bool, now: Timestamp) -> String {
    match at {
        None => String::new(),
        Some(at) if beyond => format!(" for more than {}", spoken(now.duration_since(at))),
        Some(at) => format!(" since {}", moment(at, now)),
    }
}

/// A short duration in words a sentence can carry.
pub fn spoken(duration: SignedDuration) -> String {
    crate::domain::pod::short(duration)
}

/// A share as the sentences say it.
pub fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    if value < 10.0 {
        format!("{value:.1} %")
    } else {
        format!("{value:.0} %")
    }
}

/// A time to answer as the sentences say it.
pub fn millis(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

/// Whether a pod is of the newest template while an older one still has pods.
pub fn is_newest(evidence: &Evidence<'_>, pod: &Pod) -> bool {
    evidence.rollout.state != RolloutState::Done
        && evidence
            .revision
            .is_some_and(|revision| owned_by(pod, revision))
}

/// Whether a pod is of a revision.
pub fn owned_by(pod: &Pod, revision: &Revision) -> bool {
    pod.owner
        .as_ref()
        .is_some_and(|owner| owner.uid == revision.uid)
}
