//! Judging one workload from all that is known of it: pure, one table of findings, worst first.

use crate::domain::alert::{Alert, Severity};
use crate::domain::pod::{Pod, Trouble};
use crate::domain::rollout::{Revision, Rollout, RolloutState};
use crate::domain::signal::{Reading, Series, ServiceSignals, SignalName, Thresholds};
use crate::domain::verdict::{Level, Verdict};
use crate::domain::workload::Workload;
use jiff::{SignedDuration, Timestamp};

/// Trouble that begins this soon after a revision took over is laid at its door.
pub const BLAME: SignedDuration = SignedDuration::from_mins(15);
/// A service that came back this recently is still watched.
const RECOVERY: SignedDuration = SignedDuration::from_mins(5);
/// New pods that cannot start are given this long before the service counts as failing.
const START: SignedDuration = SignedDuration::from_secs(60);

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
    /// Whether there is an older revision to go back to.
    pub has_earlier: bool,
    /// Its pods, with their levels.
    pub pods: Vec<(&'a Pod, Level)>,
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
    /// What was released just before.
    pub cause: Option<Cause>,
    /// Whether going back is suggested.
    pub rollback: bool,
}

/// Judges a workload.
pub fn judge(evidence: &Evidence<'_>) -> Judgement {
    let mut findings = signals(evidence);
    findings.extend(pods(evidence));
    findings.extend(rollout(evidence));
    findings.extend(alerts(evidence));
    findings.extend(absence(evidence));
    if findings.is_empty() {
        findings.extend(recovery(evidence));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let onset = findings
        .iter()
        .filter(|f| f.measured)
        .filter_map(|f| f.since)
        .min();
    let Some(worst) = findings.first() else {
        return Judgement {
            verdict: Verdict::new(Level::Healthy, healthy(evidence)),
            why: String::new(),
            onset: None,
            cause: None,
            rollback: false,
        };
    };
    let since = findings
        .iter()
        .filter(|f| f.level == worst.level)
        .filter_map(|f| f.since)
        .min();
    let cause = cause(evidence, worst, since);
    let rollback = worst.level == Level::Failing
        && cause.is_some()
        && evidence.has_earlier
        && was_good(evidence);
    let reason = sentence(evidence, worst, since, cause.as_ref());
    let why = findings
        .iter()
        .filter(|f| f.level == worst.level)
        .map(|f| f.clause.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    Judgement {
        verdict: Verdict::new(worst.level, reason).since(since),
        why,
        onset,
        cause,
        rollback,
    }
}

fn healthy(evidence: &Evidence<'_>) -> String {
    let w = evidence.workload;
    format!(
        "{} of {} pods ready, nothing out of its limits",
        w.ready, w.desired
    )
}

fn sentence(
    evidence: &Evidence<'_>,
    worst: &Finding,
    since: Option<Timestamp>,
    cause: Option<&Cause>,
) -> String {
    let name = &evidence.workload.name;
    let since = since.map_or(String::new(), |at| format!(" since {}", clock(at)));
    let cause = cause.filter(|_| worst.measured).map_or(String::new(), |c| {
        format!(
            ", {} after revision {} took over",
            spoken(c.before),
            c.revision
        )
    });
    format!("{name}: {}{since}{cause}", worst.sentence)
}

/// A time of day in UTC, as the screens write it.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// A short duration in words a sentence can carry.
pub fn spoken(duration: SignedDuration) -> String {
    crate::domain::pod::short(duration)
}

fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    if value < 10.0 {
        format!("{value:.1} %")
    } else {
        format!("{value:.0} %")
    }
}

fn millis(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

fn signals(evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some(signals) = evidence.signals.filter(|_| evidence.blind.is_none()) else {
        return Vec::new();
    };
    let limits = evidence.thresholds;
    let mut findings = Vec::new();
    if let Some(errors) = signals
        .get(SignalName::ErrorRatio)
        .value()
        .filter(|v| *v > limits.error_ratio)
    {
        findings.push(Finding {
            level: Level::Failing,
            clause: format!(
                "errors above {}",
                percent(limits.error_ratio).replace(".0 %", " %")
            ),
            sentence: format!("{} of requests fail", percent(errors)),
            since: evidence
                .errors
                .and_then(|series| series.above_since(limits.error_ratio)),
            measured: true,
        });
    }
    if let Some(p99) = signals
        .get(SignalName::P99)
        .value()
        .filter(|v| *v > limits.p99_ms)
    {
        findings.push(Finding {
            level: Level::Failing,
            clause: format!("p99 above {}", millis(limits.p99_ms)),
            sentence: format!("p99 is {} (limit {})", millis(p99), millis(limits.p99_ms)),
            since: evidence
                .p99
                .and_then(|series| series.above_since(limits.p99_ms)),
            measured: true,
        });
    }
    if let Some(used) = signals
        .get(SignalName::Saturation)
        .value()
        .filter(|v| *v > limits.saturation)
    {
        let clause = format!("{} of its limit used", percent(used));
        findings.push(Finding {
            level: Level::Watch,
            sentence: format!("{clause} (memory or CPU)"),
            clause,
            since: None,
            measured: false,
        });
    }
    findings
}

fn pods(evidence: &Evidence<'_>) -> Vec<Finding> {
    let w = evidence.workload;
    let mut findings = Vec::new();
    findings.extend(no_pod_ready(evidence));
    let unwell = evidence
        .pods
        .iter()
        .filter(|(_, level)| *level >= Level::Watch);
    if let Some((pod, level)) = unwell.max_by_key(|(_, level)| *level) {
        findings.push(pod_unwell(evidence, pod, *level));
    } else if w.ready < w.desired && evidence.rollout.state == RolloutState::Done {
        let text = format!("{} of {} pods ready", w.ready, w.desired);
        let (clause, sentence) = (text.clone(), text);
        findings.push(Finding {
            level: Level::Watch,
            clause,
            sentence,
            since: None,
            measured: false,
        });
    }
    findings
}

fn no_pod_ready(evidence: &Evidence<'_>) -> Option<Finding> {
    let w = evidence.workload;
    if w.desired == 0 || w.ready > 0 {
        return None;
    }
    let since = evidence
        .pods
        .iter()
        .filter_map(|(pod, _)| pod.ready_since)
        .max();
    let starting = !evidence.pods.is_empty()
        && evidence
            .pods
            .iter()
            .all(|(_, level)| *level == Level::Healthy);
    Some(Finding {
        level: if starting {
            Level::Watch
        } else {
            Level::Failing
        },
        clause: "no pod is ready".into(),
        sentence: format!("none of its {} pods is ready", w.desired),
        since,
        measured: false,
    })
}

/// The worst pod speaks for all that are not well.
fn pod_unwell(evidence: &Evidence<'_>, pod: &Pod, level: Level) -> Finding {
    let (w, now) = (evidence.workload, evidence.now);
    let (bad, all) = (
        evidence
            .pods
            .iter()
            .filter(|(_, level)| *level >= Level::Watch)
            .count(),
        evidence.pods.len(),
    );
    let newest = is_newest(evidence, pod);
    let young = pod.age(now).is_some_and(|age| age < START);
    let enough = w.ready >= w.desired;
    // A pod that is not needed yet, or has only just come, is no outage.
    let level = if newest && young || enough && !newest {
        level.min(Level::Watch)
    } else {
        level
    };
    let since = pod.ready_since.or(pod.created);
    if !newest {
        let reason = pod.reason(now).unwrap_or_default();
        let clause = format!("{bad} of {all} pods not well");
        let sentence = format!("{clause} ({}: {reason})", pod.status);
        return Finding {
            level,
            clause,
            sentence,
            since,
            measured: false,
        };
    }
    let new = |pod: &Pod| evidence.revision.is_some_and(|r| owned_by(pod, r));
    let new_ready = evidence
        .pods
        .iter()
        .filter(|(pod, _)| pod.serves && new(pod))
        .count();
    let old = w.ready.saturating_sub(new_ready as u32);
    let title = evidence.revision.map_or_else(String::new, Revision::title);
    let sentence = format!(
        "revision {title} cannot start ({}), {bad} of {all} pods; {old} of the old revision still serve",
        pod.status
    );
    Finding {
        level,
        clause: new_pod_clause(pod),
        sentence,
        since,
        measured: false,
    }
}

fn owned_by(pod: &Pod, revision: &Revision) -> bool {
    pod.owner
        .as_ref()
        .is_some_and(|owner| owner.uid == revision.uid)
}

/// Whether a pod is of the newest template while an older one still has pods.
fn is_newest(evidence: &Evidence<'_>, pod: &Pod) -> bool {
    evidence.rollout.state != RolloutState::Done
        && evidence
            .revision
            .is_some_and(|revision| owned_by(pod, revision))
}

fn new_pod_clause(pod: &Pod) -> String {
    match &pod.trouble {
        Some(Trouble::Image { .. }) => "new pod cannot pull its image".into(),
        Some(Trouble::Crash { .. }) => "new pod crashes".into(),
        Some(Trouble::Create { .. }) => "new pod cannot be created".into(),
        Some(Trouble::Unschedulable { .. }) => "no node takes the new pod".into(),
        _ => "new pod is not ready".into(),
    }
}

fn rollout(evidence: &Evidence<'_>) -> Vec<Finding> {
    let since = evidence
        .workload
        .progress
        .as_ref()
        .and_then(|progress| progress.updated);
    let (level, clause) = match evidence.rollout.state {
        RolloutState::Failed => (Level::Failing, "rollout past its deadline"),
        RolloutState::Paused => (Level::Watch, "rollout paused"),
        _ => return Vec::new(),
    };
    vec![Finding {
        level,
        clause: clause.into(),
        sentence: format!("rollout: {}", evidence.rollout.reason),
        since,
        measured: false,
    }]
}

fn alerts(evidence: &Evidence<'_>) -> Vec<Finding> {
    let heard = evidence.alerts.iter().filter(|alert| alert.heard());
    let Some(alert) = heard.min_by_key(|alert| alert.severity) else {
        return Vec::new();
    };
    let level = match alert.severity {
        Severity::Critical => Level::Failing,
        Severity::Warning => Level::Watch,
        Severity::Info | Severity::Other => return Vec::new(),
    };
    vec![Finding {
        level,
        clause: format!("alert {}", alert.name),
        sentence: format!("alert {} fires", alert.name),
        since: alert.since,
        measured: false,
    }]
}

fn absence(evidence: &Evidence<'_>) -> Vec<Finding> {
    if !evidence.measured || evidence.workload.desired == 0 {
        return Vec::new();
    }
    let unknown = |clause: String, since| {
        vec![Finding {
            level: Level::Unknown,
            sentence: clause.clone(),
            clause,
            since,
            measured: false,
        }]
    };
    if let Some(blind) = &evidence.blind {
        return unknown(blind.clone(), None);
    }
    let silent_since = evidence.errors.and_then(|series| {
        let last = series.values.iter().rposition(Option::is_some)?;
        Some(series.at(last))
    });
    match evidence
        .signals
        .map(|signals| signals.get(SignalName::ErrorRatio))
    {
        Some(Reading::Known(_)) => Vec::new(),
        Some(Reading::Unknown(why)) => {
            let long = silent_since.map_or(String::new(), |at| {
                format!(" for {}", spoken(evidence.now.duration_since(at)))
            });
            unknown(format!("{why}{long}"), silent_since)
        }
        None => unknown("no samples".into(), silent_since),
    }
}

fn recovery(evidence: &Evidence<'_>) -> Option<Finding> {
    let recent = |series: Option<&Series>, limit: f64| -> Option<Timestamp> {
        let series = series?;
        let last = series
            .values
            .iter()
            .rposition(|value| value.is_some_and(|v| v > limit))?;
        let over = series.at(last + 1);
        (evidence.now.duration_since(over) < RECOVERY).then_some(over)
    };
    let limits = evidence.thresholds;
    let over =
        recent(evidence.errors, limits.error_ratio).max(recent(evidence.p99, limits.p99_ms))?;
    let signals = evidence.signals?;
    let errors = signals.get(SignalName::ErrorRatio).value()?;
    let p99 = signals
        .get(SignalName::P99)
        .value()
        .map_or(String::new(), |ms| format!(", p99 {}", millis(ms)));
    let sentence = format!(
        "recovers: errors {} (limit {}){p99},",
        percent(errors),
        percent(limits.error_ratio).replace(".0 %", " %")
    );
    Some(Finding {
        level: Level::Watch,
        clause: "recovers".into(),
        sentence,
        since: Some(over),
        measured: false,
    })
}

/// The revision that took over within a quarter of an hour before the trouble began, or whose own pods fail.
fn cause(evidence: &Evidence<'_>, worst: &Finding, since: Option<Timestamp>) -> Option<Cause> {
    let (revision, at) = (evidence.revision?, evidence.taken_over?);
    let began = since.unwrap_or(evidence.now);
    let before = began.duration_since(at);
    let slack = SignedDuration::from_secs(15); // a pod's trouble may begin in the second before the takeover is seen
    let own_pods = evidence
        .pods
        .iter()
        .any(|(pod, level)| *level >= Level::Watch && is_newest(evidence, pod));
    let blamed = (before >= -slack
        && before <= BLAME
        && worst.level >= Level::Watch
        && worst.clause != "recovers")
        || own_pods;
    blamed.then(|| Cause {
        revision: revision.title(),
        at,
        before: before.max(SignedDuration::ZERO),
    })
}

/// Whether the service was within its limits before the revision took over; without signals, having another revision must do.
fn was_good(evidence: &Evidence<'_>) -> bool {
    let Some(at) = evidence.taken_over else {
        return false;
    };
    let Some(series) = evidence.errors else {
        return true;
    };
    let before: Vec<f64> = (0..series.values.len())
        .filter(|i| series.at(*i) < at)
        .filter_map(|i| series.values[i])
        .collect();
    let recent = &before[before.len().saturating_sub(12)..];
    recent.is_empty()
        || recent
            .iter()
            .filter(|v| **v <= evidence.thresholds.error_ratio)
            .count()
            * 4
            >= recent.len() * 3
}
