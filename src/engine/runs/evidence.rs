//! Evidence for revisions: error ratio and p99 over the time each of them served, from the series split by version, or
//! from those of the whole workload between one revision and the next where versions are not told apart.

use super::means::Means;
use super::measure::subject;
use super::trust;
use crate::domain::signal::{Part, SignalName, SignalSeries, Split, Thresholds};
use crate::domain::target::Scope;
use crate::platform::prometheus::{Ask, AskRange};
use crate::runbook::patch::ObjectRef;
use crate::runbook::quantity::{Unit, show_duration, show_figure};
use crate::runbook::revision::{Evidence, Revision};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far back is looked, and how closely: first the last hours, then the week.
const LOOKS: [(SignedDuration, SignedDuration); 2] = [
    (SignedDuration::from_hours(6), SignedDuration::from_mins(1)),
    (
        SignedDuration::from_hours(7 * 24),
        SignedDuration::from_mins(15),
    ),
];
/// Points below which nothing is said.
const FEWEST: usize = 3;
/// One point in so many may be beyond the limits: a pod that starts is not a bad revision.
const TOLERATED: usize = 20;

/// A moment: the error ratio, and p99 in milliseconds where it is known.
type Points = BTreeMap<Timestamp, (f64, Option<f64>)>;

/// Fills in what signals say about each revision.
pub async fn gather(means: &Means, object: &ObjectRef, revisions: &mut [Revision]) {
    let prometheus = match trust::prometheus(means, object).await {
        Ok(prometheus) => prometheus,
        Err(why) => return say(revisions, &why),
    };
    let limits = means.keeping.limits.of(&object.name);
    let now = means.clock.now();
    let mut subject = subject(object);
    subject.versions = revisions
        .iter()
        .map(|revision| {
            let hash: Arc<str> = revision.template_hash.as_str().into();
            (hash.clone(), hash)
        })
        .collect();
    let scope = Scope::Namespace(object.namespace.as_str().into());
    for (span, step) in LOOKS {
        let ask = AskRange {
            ask: Ask {
                now,
                scope: &scope,
                subjects: std::slice::from_ref(&subject),
                window: means.window_of(&object.name),
            },
            start: now - span,
            end: now,
            step,
            signal: SignalName::ErrorRatio,
            split: Split::Version,
        };
        let latency = AskRange {
            signal: SignalName::P99,
            ..ask
        };
        let errors = match prometheus.range(&ask).await {
            Ok(answer) => answer.result,
            Err(failure) => return say(revisions, &failure.short()),
        };
        let slow = prometheus.range(&latency).await;
        let slow = slow.map(|answer| answer.result).unwrap_or_default();
        let served = Served::new(&errors, &slow);
        judge(revisions, &served, &limits, step);
        let open = |revision: &&Revision| matches!(revision.evidence, Evidence::Unknown(_));
        if revisions.iter().find(open).is_none() {
            return;
        }
    }
}

fn say(revisions: &mut [Revision], why: &str) {
    for revision in revisions {
        if matches!(revision.evidence, Evidence::Unknown(_)) {
            revision.evidence = Evidence::Unknown(why.to_owned());
        }
    }
}

/// Points by part.
struct Served(Vec<(Part, Points)>);

impl Served {
    fn new(errors: &[SignalSeries], slow: &[SignalSeries]) -> Self {
        let of = |one: &SignalSeries| {
            let beside = slow.iter().find(|other| other.part == one.part);
            let latency = |at: Timestamp| {
                let series = &beside?.series;
                (0..series.values.len())
                    .find(|index| series.at(*index) == at)
                    .and_then(|index| series.values[index])
            };
            let known = one.series.values.iter().enumerate();
            let known = known.filter_map(|(index, value)| Some((one.series.at(index), (*value)?)));
            let points = known.map(|(at, errors)| (at, (errors, latency(at))));
            (one.part.clone(), points.collect())
        };
        Self(errors.iter().map(of).collect())
    }

    /// The points of a version.
    fn of_version(&self, names: &[&str]) -> Option<&Points> {
        let found = self
            .0
            .iter()
            .find(|(part, _)| matches!(part, Part::Version(name) if names.contains(&&**name)));
        found.map(|(_, points)| points)
    }

    /// Whether versions are told apart at all.
    fn by_version(&self) -> bool {
        self.0
            .iter()
            .any(|(part, _)| matches!(part, Part::Version(_)))
    }

    /// The points of the whole between two moments.
    fn between(&self, from: Timestamp, to: Option<Timestamp>) -> Points {
        let whole = self.0.iter().find(|(part, _)| matches!(part, Part::Whole));
        let points = whole.into_iter().flat_map(|(_, points)| points.iter());
        points
            .filter(|(at, _)| **at >= from && to.is_none_or(|to| **at < to))
            .map(|(at, point)| (*at, *point))
            .collect()
    }
}

fn judge(revisions: &mut [Revision], served: &Served, limits: &Thresholds, step: SignedDuration) {
    let made: Vec<(i64, Timestamp)> = revisions
        .iter()
        .map(|revision| (revision.number, revision.created_at))
        .collect();
    for revision in revisions {
        if !matches!(revision.evidence, Evidence::Unknown(_)) {
            continue;
        }
        let label = revision
            .template
            .pointer("/metadata/labels/version")
            .and_then(|label| label.as_str());
        let mut names = vec![revision.template_hash.as_str()];
        names.extend(label);
        let points = if served.by_version() {
            served.of_version(&names).cloned().unwrap_or_default()
        } else {
            let next = made
                .iter()
                .filter(|(number, at)| *number > revision.number && *at > revision.created_at);
            let next = next.map(|(_, at)| *at).min();
            // The first two windows still hold requests of the revision before.
            served.between(revision.created_at + step + step, next)
        };
        revision.evidence = verdict(&points, limits, step);
    }
}

fn verdict(points: &Points, limits: &Thresholds, step: SignedDuration) -> Evidence {
    if points.len() < FEWEST {
        let why = if points.is_empty() {
            "no signals from the time it served"
        } else {
            "it served too short a time to judge by its signals"
        };
        return Evidence::Unknown(why.to_owned());
    }
    let over = |(errors, p99): &(f64, Option<f64>)| {
        *errors > limits.error_ratio || p99.is_some_and(|p99| p99 > limits.p99_ms)
    };
    let bad = points.values().filter(|point| over(point)).count();
    let mean = points.values().map(|(errors, _)| errors).sum::<f64>() / points.len() as f64;
    let mut latencies: Vec<f64> = points.values().filter_map(|(_, p99)| *p99).collect();
    latencies.sort_by(f64::total_cmp);
    let p99 = latencies.get(latencies.len() / 2).map_or_else(
        || "p99 not known".to_owned(),
        |p99| format!("p99 {}", show_figure(p99 / 1000.0, Unit::Seconds)),
    );
    let span = step * i32::try_from(points.len()).unwrap_or(i32::MAX);
    let words = format!(
        "errors {}, {p99} over {}",
        show_figure(mean, Unit::Ratio),
        show_duration(span)
    );
    if bad * TOLERATED <= points.len() {
        Evidence::Good(words)
    } else {
        Evidence::Bad(format!(
            "{words}, beyond the limits at {bad} of {}",
            points.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(errors: &[f64]) -> Points {
        let at = |index: usize| Timestamp::from_second(index as i64 * 60).unwrap_or_default();
        let all = errors.iter().enumerate();
        all.map(|(index, errors)| (at(index), (*errors, Some(240.0))))
            .collect()
    }

    #[test]
    fn a_revision_is_good_only_with_points_and_almost_all_within() {
        let limits = Thresholds {
            error_ratio: 0.01,
            p99_ms: 500.0,
            saturation: 0.9,
        };
        let step = SignedDuration::from_mins(1);
        let of = |errors: &[f64]| verdict(&points(errors), &limits, step);
        assert!(matches!(of(&[0.0, 0.0]), Evidence::Unknown(_)));
        assert!(matches!(of(&[0.001; 30]), Evidence::Good(_)));
        let mut one_in_thirty = [0.001; 30];
        one_in_thirty[0] = 0.2;
        assert!(matches!(of(&one_in_thirty), Evidence::Good(_)));
        assert!(matches!(of(&[0.2; 30]), Evidence::Bad(_)));
        let slow: Points = points(&[0.0; 10])
            .into_iter()
            .map(|(at, (errors, _))| (at, (errors, Some(900.0))))
            .collect();
        assert!(matches!(verdict(&slow, &limits, step), Evidence::Bad(_)));
    }
}
