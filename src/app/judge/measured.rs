//! What the signals of a workload tell, and what their absence does.

use super::evidence::{Evidence, Finding, millis, percent, spoken};
use crate::domain::signal::{Onset, Reading, Series, SignalName};
use crate::domain::verdict::Level;
use jiff::{SignedDuration, Timestamp};

/// A service that came back this recently is still watched.
const RECOVERY: SignedDuration = SignedDuration::from_mins(5);
/// What is above its limit.
pub fn signals(evidence: &Evidence<'_>) -> Vec<Finding> {
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
        let began = began(evidence, evidence.errors, limits.error_ratio);
        findings.push(Finding {
            level: Level::Failing,
            clause: format!(
                "errors above {}",
                percent(limits.error_ratio).replace(".0 %", " %")
            ),
            sentence: format!("{} of requests fail", percent(errors)),
            since: began.map(|onset| onset.at),
            measured: true,
            beyond: began.is_some_and(|onset| onset.beyond),
            also: String::new(),
        });
    }
    if let Some(p99) = signals
        .get(SignalName::P99)
        .value()
        .filter(|v| *v > limits.p99_ms)
    {
        let began = began(evidence, evidence.p99, limits.p99_ms);
        findings.push(Finding {
            level: Level::Failing,
            clause: format!("p99 above {}", millis(limits.p99_ms)),
            sentence: format!("p99 is {} (limit {})", millis(p99), millis(limits.p99_ms)),
            since: began.map(|onset| onset.at),
            measured: true,
            beyond: began.is_some_and(|onset| onset.beyond),
            also: String::new(),
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
            beyond: false,
            also: String::new(),
        });
    }
    findings
}

/// When what is above its limit began to be. A wider range has coarser values: an onset that was said is not said anew for that.
fn began(evidence: &Evidence<'_>, series: Option<&Series>, limit: f64) -> Option<Onset> {
    let series = series?;
    let onset = series.above_since(limit)?;
    let near = |known: &Timestamp| known.duration_since(onset.at).abs() <= series.step * 2;
    let known = evidence
        .known_onset
        .filter(|known| !onset.beyond && near(known));
    Some(Onset {
        at: known.unwrap_or(onset.at),
        ..onset
    })
}

/// What should be measured and is not.
pub fn absence(evidence: &Evidence<'_>) -> Vec<Finding> {
    if !evidence.measured || evidence.workload.desired == 0 && evidence.blind.is_some() {
        return Vec::new();
    }
    if evidence.workload.desired == 0 {
        return vec![Finding {
            level: Level::Watch,
            clause: "scaled to 0".into(),
            sentence: "it had traffic and is scaled to 0: nothing serves".into(),
            since: None,
            measured: false,
            beyond: false,
            also: String::new(),
        }];
    }
    let unknown = |clause: String, since| {
        vec![Finding {
            level: Level::Unknown,
            sentence: clause.clone(),
            clause,
            since,
            measured: false,
            beyond: false,
            also: String::new(),
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

/// Whether it was out of its limits a moment ago.
pub fn recovery(evidence: &Evidence<'_>) -> Option<Finding> {
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
        beyond: false,
        also: String::new(),
    })
}

/// Whether the service was within its limits before the revision took over; without signals, having another revision must do.
pub fn was_good(evidence: &Evidence<'_>) -> bool {
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
