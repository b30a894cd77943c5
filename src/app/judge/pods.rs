//! What the pods of a workload tell.

use super::evidence::{Evidence, Finding, is_newest};
use crate::domain::pod::{Pod, Trouble};
use crate::domain::rollout::{Revision, RolloutState};
use crate::domain::verdict::Level;
use jiff::SignedDuration;

/// New pods that cannot start are given this long before the service counts as failing.
const START: SignedDuration = SignedDuration::from_secs(60);

/// What is wrong with them.
pub fn pods(evidence: &Evidence<'_>) -> Vec<Finding> {
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
            beyond: false,
            also: String::new(),
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
        beyond: false,
        also: String::new(),
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
        evidence.all_pods,
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
            beyond: false,
            also: String::new(),
        };
    }
    // It never stood: each crash begins a time of its own, and none of them is when it began.
    let since = pod.created.filter(|_| pod.restarts > 0).or(since);
    let old = w.ready.saturating_sub(evidence.new_serving as u32);
    let title = evidence.revision.map_or_else(String::new, Revision::title);
    let how = match &pod.trouble {
        Some(Trouble::Crash { .. }) if &*pod.status == "Running" => "crashes again and again",
        _ => &pod.status,
    };
    let sentence = format!("revision {title} cannot start ({how}), {bad} of {all} pods");
    Finding {
        level,
        clause: new_pod_clause(pod),
        sentence,
        since,
        measured: false,
        beyond: false,
        also: format!("; {old} of the old revision still serve"),
    }
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
