//! Judging one workload from all that is known of it: pure, one table of findings, worst first.

pub mod evidence;
mod measured;
mod pods;
#[cfg(test)]
mod tests;

use crate::domain::alert::Severity;
use crate::domain::rollout::RolloutState;
use crate::domain::verdict::{Level, Verdict};
use evidence::is_newest;
pub use evidence::{Cause, Evidence, Finding, Judgement, clock, since, spoken};
use jiff::{SignedDuration, Timestamp};
use measured::{absence, recovery, signals, was_good};
use pods::pods;

/// Trouble that begins this soon after a revision took over is laid at its door.
pub const BLAME: SignedDuration = SignedDuration::from_mins(15);
/// So long after an older revision was taken up again, rates may still be those of the one before it.
const SETTLES: SignedDuration = SignedDuration::from_mins(2);

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
    let measured = findings.iter().filter(|f| f.measured);
    let onset = measured.filter_map(|f| Some((f.since?, !f.beyond))).min();
    let Some(worst) = findings.first() else {
        return Judgement {
            verdict: Verdict::new(Level::Healthy, healthy(evidence)),
            why: String::new(),
            onset: None,
            beyond: false,
            cause: None,
            rollback: false,
            findings,
        };
    };
    let as_bad = findings.iter().filter(|f| f.level == worst.level);
    let since = as_bad.filter_map(|f| Some((f.since?, !f.beyond))).min();
    let beyond = since.is_some_and(|(_, inside)| !inside);
    let since = since.map(|(at, _)| at);
    let cause = cause(evidence, worst, since, beyond);
    let rollback = worst.level == Level::Failing
        && cause.as_ref().is_some_and(|cause| !cause.left)
        && evidence.has_earlier
        && was_good(evidence);
    let reason = sentence(evidence, worst, (since, beyond), cause.as_ref());
    let why = findings
        .iter()
        .filter(|f| f.level == worst.level)
        .map(|f| f.clause.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    Judgement {
        verdict: Verdict::new(worst.level, reason).since(since),
        why,
        onset: onset.map(|(at, _)| at),
        beyond: onset.is_some_and(|(_, inside)| !inside),
        cause,
        rollback,
        findings,
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
    (at, beyond): (Option<Timestamp>, bool),
    cause: Option<&Cause>,
) -> String {
    let name = &evidence.workload.name;
    let since = since(at, beyond, evidence.now);
    let cause = cause.filter(|_| worst.measured).map_or(String::new(), |c| {
        format!(
            ", {} after revision {} took over",
            spoken(c.before),
            c.revision
        )
    });
    // What recovers is the service.
    let colon = if worst.clause == "recovers" { "" } else { ":" };
    format!(
        "{name}{colon} {}{since}{cause}{}",
        worst.sentence, worst.also
    )
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
        beyond: false,
        also: String::new(),
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
        beyond: false,
        also: String::new(),
    }]
}

/// The revision that took over within a quarter of an hour before the trouble began, or whose own pods fail. What took over
/// since is no cause: going back does not make the way back the culprit.
fn cause(
    evidence: &Evidence<'_>,
    worst: &Finding,
    since: Option<Timestamp>,
    beyond: bool,
) -> Option<Cause> {
    let (revision, at) = (evidence.revision?, evidence.taken_over?);
    let began = since.unwrap_or(evidence.now);
    let before = began.duration_since(at);
    // A pod's trouble may begin before the takeover is seen; what is measured follows it.
    let slack = SignedDuration::from_secs(if worst.measured { 1 } else { 15 });
    // Rates look back: what an older revision, taken up again, is measured by at first is the work of the one it replaced.
    let settles = evidence.returned && worst.measured && before < SETTLES;
    let own_pods = (before >= -slack || !worst.measured)
        && evidence
            .pods
            .iter()
            .any(|(pod, level)| *level >= Level::Watch && is_newest(evidence, pod));
    let blamed = (before >= -slack
        && before <= BLAME
        && worst.level >= Level::Watch
        && worst.clause != "recovers"
        && !beyond
        && !settles)
        || own_pods;
    let earlier = || {
        let known = evidence.known_cause?;
        let same = evidence.known_onset == since && worst.measured && at > known.at;
        same.then(|| Cause {
            left: true,
            ..known.clone()
        })
    };
    if !blamed {
        return earlier();
    }
    Some(Cause {
        revision: revision.title(),
        at,
        before: before.max(SignedDuration::ZERO),
        left: false,
    })
}
