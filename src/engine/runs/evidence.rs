//! Evidence for revisions: error ratio and p99 over the time each of them served, from the series split by version, or
//! from those of the whole workload between one revision and the next where versions are not told apart.

use super::means::Means;
use super::measure::subject;
use super::trust;
use crate::domain::served::Until;
use crate::domain::signal::{Part, SignalName, SignalSeries, Split, Thresholds};
use crate::domain::target::Scope;
use crate::platform::prometheus::subjects::Subject;
use crate::platform::prometheus::{Ask, AskRange, Prometheus};
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
/// How the last minutes of what runs are looked at first: trouble that began just now is on no longer look.
const NEAR: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(10), SignedDuration::from_secs(15));
/// Requests below which those minutes say nothing.
const ENOUGH: f64 = 20.0;
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
    let mut subject = subject(object);
    subject.versions = revisions
        .iter()
        .map(|revision| {
            let hash: Arc<str> = revision.template_hash.as_str().into();
            (hash.clone(), hash)
        })
        .collect();
    let eye = Eye {
        prometheus,
        subject,
        scope: Scope::Namespace(object.namespace.as_str().into()),
        window: means.window_of(&object.name),
        now: means.clock.now(),
        limits: means.keeping.limits.of(&object.name),
    };
    if let Err(why) = eye.near(revisions).await {
        return say(revisions, &why);
    }
    for (span, step) in LOOKS {
        let served = match eye.served(span, step).await {
            Ok(served) => served,
            Err(why) => return say(revisions, &why),
        };
        judge(revisions, &served, &eye.limits, step);
        let open = |revision: &&Revision| matches!(revision.evidence, Evidence::Unknown(_));
        if revisions.iter().find(open).is_none() {
            return;
        }
    }
}

/// What looks at the signals of one workload.
struct Eye {
    prometheus: Arc<Prometheus>,
    subject: Subject,
    scope: Scope,
    window: SignedDuration,
    now: Timestamp,
    limits: Thresholds,
}

impl Eye {
    async fn range(
        &self,
        span: SignedDuration,
        step: SignedDuration,
        signal: SignalName,
    ) -> Result<Vec<SignalSeries>, String> {
        let ask = AskRange {
            ask: Ask {
                now: self.now,
                scope: &self.scope,
                subjects: std::slice::from_ref(&self.subject),
                window: self.window,
            },
            start: self.now - span,
            end: self.now,
            step,
            signal,
            split: Split::Version,
        };
        let answer = self.prometheus.range(&ask).await;
        answer
            .map(|answer| answer.result)
            .map_err(|failure| failure.short())
    }

    async fn served(&self, span: SignedDuration, step: SignedDuration) -> Result<Served, String> {
        let errors = self.range(span, step, SignalName::ErrorRatio).await?;
        let slow = self.range(span, step, SignalName::P99).await;
        Ok(Served::new(&errors, &slow.unwrap_or_default()))
    }

    /// Whether what runs fails now: its last minutes, looked at closely. That it does not is left to the long looks.
    async fn near(&self, revisions: &mut [Revision]) -> Result<(), String> {
        let made = made(revisions);
        let Some(current) = revisions.iter_mut().find(|revision| revision.current) else {
            return Ok(());
        };
        let (span, step) = NEAR;
        let served = self.served(span, step).await?;
        let rates = self.range(span, step, SignalName::Requests).await?;
        let rates = Served::new(&rates, &[]);
        let (Ok(points), Ok(rates)) = (
            served.of(current, &made, self.window),
            rates.of(current, &made, self.window),
        ) else {
            return Ok(());
        };
        let requests = rates.values().map(|(rate, _)| rate * step.as_secs_f64());
        if requests.sum::<f64>() >= ENOUGH
            && let Some(why) = fails_now(&points, &self.limits, step)
        {
            current.evidence = Evidence::Bad(why);
        }
        Ok(())
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

    /// The points of a revision: its own, or the whole workload's while it served, without what its first moments still hold
    /// of the one before.
    fn of(
        &self,
        revision: &Revision,
        made: &[(i64, Timestamp)],
        first: SignedDuration,
    ) -> Result<Points, &'static str> {
        if !self.by_version() {
            let (from, until) = period(revision, made)?;
            return Ok(self.between(from + first, until));
        }
        let label = revision.template.pointer("/metadata/labels/version");
        let mut names = vec![revision.template_hash.as_str()];
        names.extend(label.and_then(|label| label.as_str()));
        Ok(self.of_version(&names).cloned().unwrap_or_default())
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

fn made(revisions: &[Revision]) -> Vec<(i64, Timestamp)> {
    let all = revisions.iter();
    all.map(|revision| (revision.number, revision.created_at))
        .collect()
}

/// From when until when the whole workload's signals are a revision's. One that was left and returned to is known by its
/// last time alone.
fn period(
    revision: &Revision,
    made: &[(i64, Timestamp)],
) -> Result<(Timestamp, Option<Timestamp>), &'static str> {
    let from = revision.served.from;
    let from = from.ok_or("when it served is not known, and versions are not told apart")?;
    let later = made.iter();
    let later = later.filter(|(number, at)| *number > revision.number && *at > from);
    let next = later.map(|(_, at)| *at).min();
    let until = match (revision.served.until, next) {
        (Until::Now, next) => next,
        (Until::At(at), next) => Some(next.map_or(at, |next| next.min(at))),
        (Until::Unknown, Some(next)) => Some(next),
        (Until::Unknown, None) => {
            return Err("when its time ended is not known, and versions are not told apart");
        }
    };
    Ok((from, until))
}

fn judge(revisions: &mut [Revision], served: &Served, limits: &Thresholds, step: SignedDuration) {
    let made = made(revisions);
    for revision in revisions {
        if !matches!(revision.evidence, Evidence::Unknown(_)) {
            continue;
        }
        // The first two windows still hold requests of the revision before.
        revision.evidence = match served.of(revision, &made, step + step) {
            Ok(points) => verdict(&points, limits, step),
            Err(why) => Evidence::Unknown(why.to_owned()),
        };
    }
}

fn over(limits: &Thresholds, (errors, p99): &(f64, Option<f64>)) -> bool {
    *errors > limits.error_ratio || p99.is_some_and(|p99| p99 > limits.p99_ms)
}

/// Why what runs fails now, where it does: its last points, or more than a quarter of all these.
fn fails_now(points: &Points, limits: &Thresholds, step: SignedDuration) -> Option<String> {
    let bad = points.values().filter(|point| over(limits, point)).count();
    let last = points.values().rev().take(FEWEST);
    let still = last.clone().count() == FEWEST && last.clone().all(|point| over(limits, point));
    if bad < FEWEST || !(still || bad * 4 > points.len()) {
        return None;
    }
    Some(format!(
        "failing now: {}, beyond the limits at {bad} of {}",
        figures(points, step),
        points.len()
    ))
}

/// Errors and latency over some points, in words.
fn figures(points: &Points, step: SignedDuration) -> String {
    let mean = points.values().map(|(errors, _)| errors).sum::<f64>() / points.len() as f64;
    let mut latencies: Vec<f64> = points.values().filter_map(|(_, p99)| *p99).collect();
    latencies.sort_by(f64::total_cmp);
    let p99 = latencies.get(latencies.len() / 2).map_or_else(
        || "p99 not known".to_owned(),
        |p99| format!("p99 {}", show_figure(p99 / 1000.0, Unit::Seconds)),
    );
    let span = step * i32::try_from(points.len()).unwrap_or(i32::MAX);
    format!(
        "errors {}, {p99} over {}",
        show_figure(mean, Unit::Ratio),
        show_duration(span)
    )
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
    let bad = points.values().filter(|point| over(limits, point)).count();
    let words = figures(points, step);
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
        let limits = limits();
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

    fn limits() -> Thresholds {
        Thresholds {
            error_ratio: 0.01,
            p99_ms: 500.0,
            saturation: 0.9,
        }
    }

    #[test]
    fn what_fails_now_is_said_within_a_minute_and_a_blip_that_is_over_is_not_that() {
        let step = NEAR.1;
        let of = |errors: &[f64]| fails_now(&points(errors), &limits(), step);
        assert_eq!(of(&[0.2, 0.2]), None, "two points are not enough");
        let young = of(&[0.0, 0.2, 0.2, 0.2]);
        assert!(young.is_some_and(|why| why.starts_with("failing now: errors 15")));
        let mut hour = vec![0.0; 37];
        hour.extend([0.3; 3]);
        assert!(of(&hour).is_some(), "however long it was well before");
        let mut blip = vec![0.0; 10];
        blip.extend([0.3; 6]);
        blip.extend([0.0; 24]);
        assert_eq!(of(&blip), None);
        assert_eq!(of(&[0.0; 40]), None);
    }

    /// A revision of minutes: made then, with its last time where its object tells.
    fn revision(number: i64, created: i64, served: crate::domain::served::Served) -> Revision {
        Revision {
            number,
            uid: format!("u{number}"),
            name: format!("api-{number}"),
            image: String::new(),
            images: Vec::new(),
            created_at: minute(created),
            available_s: None,
            served,
            template_hash: format!("h{number}"),
            change_cause: None,
            evidence: Evidence::Unknown("not asked".into()),
            rolled_back_from: false,
            restored_by: None,
            current: served.until == Until::Now,
            template: serde_json::Value::Null,
            annotations: None,
        }
    }

    fn minute(at: i64) -> Timestamp {
        Timestamp::from_second(at * 60).unwrap_or_default()
    }

    #[test]
    fn without_a_split_a_revision_that_was_returned_to_is_judged_by_its_last_time_alone() {
        use crate::domain::served::Served as Times;
        let times = |from: Option<i64>, until| Times {
            from: from.map(minute),
            until,
            took_over: None,
        };
        // Well until the bad one came in minute 60, bad until 80, then back to the first one's set.
        let whole: Points = (0..100)
            .map(|at| {
                let errors = if (60..80).contains(&at) { 0.3 } else { 0.0 };
                (minute(at), (errors, Some(240.0)))
            })
            .collect();
        let all = Served(vec![(Part::Whole, whole)]);
        let judged = |back: Times| {
            let bad = times(Some(60), Until::At(minute(80)));
            let mut revisions = [revision(3, 0, back), revision(2, 60, bad)];
            judge(
                &mut revisions,
                &all,
                &limits(),
                SignedDuration::from_mins(1),
            );
            revisions.map(|revision| revision.evidence)
        };
        let [back, bad] = judged(times(Some(80), Until::Now));
        assert!(
            matches!(&back, Evidence::Good(why) if why.ends_with("over 18m")),
            "{back:?}"
        );
        assert!(matches!(bad, Evidence::Bad(_)), "{bad:?}");
        let [unknown, _] = judged(times(None, Until::Now));
        assert!(
            matches!(&unknown, Evidence::Unknown(why) if why.contains("not told apart")),
            "{unknown:?}"
        );
    }
}
