//! Reading a moment: sorted samples become the named signals of each subject, as a whole and by version, with a reason for every absence.

use super::gather::{Found, Gathered, Outcome, gather};
use super::histogram::Buckets;
use super::plan::{self, Class};
use super::saturation::{Resource, Use};
use super::subjects::{Crowd, Subject};
use super::wire::Sample;
use crate::domain::signal::{Detail, Part, Reading, ServiceSignals, SignalName, Split, ratio};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashSet};

/// The quantiles that have names.
pub const QUANTILES: [(SignalName, f64); 3] = [
    (SignalName::P50, 0.5),
    (SignalName::P95, 0.95),
    (SignalName::P99, 0.99),
];

const DOUBLED: &str = "two series where one was asked for";

/// Requests a second by class; `None` where no series says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Traffic {
    rates: [Option<f64>; 4],
    doubled: bool,
}

impl Traffic {
    /// Adds a series of a class.
    pub fn add(&mut self, class: Class, rate: f64) {
        let slot = &mut self.rates[class as usize];
        *slot = Some(slot.unwrap_or(0.0) + rate);
    }

    fn join(&mut self, other: &Self) {
        self.doubled |= other.doubled;
        for (mine, theirs) in self.rates.iter_mut().zip(other.rates) {
            *mine = match (*mine, theirs) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
            };
        }
    }

    /// All requests.
    pub fn all(&self) -> Option<f64> {
        let told = self.rates.iter().flatten();
        told.copied().reduce(|a, b| a + b)
    }

    /// The signal of traffic of that name.
    pub fn reading(&self, name: SignalName, why_not: &str) -> Reading {
        let Some(all) = self.all() else {
            return Reading::unknown(why_not);
        };
        let class = match name {
            _ if self.doubled => return Reading::unknown(DOUBLED),
            SignalName::Requests => return Reading::of(all),
            SignalName::UnauthorizedRatio => Class::Unauthorized,
            _ => Class::Failed,
        };
        let said = self.rates[1..].iter().any(Option::is_some);
        if !said && all > 0.0 {
            return Reading::unknown("its requests carry no status");
        }
        ratio(self.rates[class as usize], Some(all))
    }
}

/// What the readings of a moment are made of.
pub struct Moment<'a> {
    /// When.
    pub now: Timestamp,
    /// The window of the rates.
    pub window: SignedDuration,
    /// Whose.
    pub crowd: &'a Crowd<'a>,
    /// Answers about traffic.
    pub traffic: &'a [Outcome<'a, Sample>],
    /// Answers about durations.
    pub latency: &'a [Outcome<'a, Sample>],
    /// The answer about what is limited, or why there is none.
    pub saturation: Result<Vec<Use>, String>,
    /// Why a subject has no traffic, if there is no better reason.
    pub no_traffic: &'a str,
}

impl Moment<'_> {
    /// Every subject's signals, the whole before its versions.
    pub fn signals(&self) -> Vec<ServiceSignals> {
        let traffic = gather(self.crowd, self.traffic);
        let latency = gather(self.crowd, self.latency);
        let subjects = self.crowd.subjects.iter().enumerate();
        subjects
            .flat_map(|(index, subject)| {
                let mut rows = Rows::new(self.now, self.window, subject);
                rows.traffic(index, &traffic, self.no_traffic);
                rows.latency(index, &latency, self.latency);
                rows.saturation(index, &self.saturation);
                rows.done()
            })
            .collect()
    }
}

/// The rows of one subject while they are filled.
struct Rows<'a> {
    now: Timestamp,
    window: SignedDuration,
    subject: &'a Subject,
    by_part: BTreeMap<Part, ServiceSignals>,
}

impl<'a> Rows<'a> {
    fn new(now: Timestamp, window: SignedDuration, subject: &'a Subject) -> Self {
        let mut rows = Self {
            now,
            window,
            subject,
            by_part: BTreeMap::new(),
        };
        rows.row(Part::Whole);
        rows
    }

    fn row(&mut self, part: Part) -> &mut ServiceSignals {
        let (subject, now, window) = (self.subject, self.now, self.window);
        self.by_part.entry(part.clone()).or_insert_with(|| {
            let why = match &part {
                Part::Version(version) => format!("no series of version {version}"),
                _ => "no series".to_owned(),
            };
            ServiceSignals {
                part,
                detail: Detail {
                    window,
                    ..Detail::default()
                },
                ..ServiceSignals::unknown(&subject.namespace, &subject.workload, now, &why)
            }
        })
    }

    fn traffic(&mut self, index: usize, gathered: &Gathered<'_, Sample>, otherwise: &str) {
        let why_not = gathered.why_not(index, otherwise);
        let parts = gathered
            .of(index)
            .map_or_else(BTreeMap::new, |found| traffic_parts(found, self.subject));
        let mut whole = Traffic::default();
        for (part, traffic) in &parts {
            whole.join(traffic);
            if *part != Part::Whole {
                self.set_traffic(part.clone(), traffic, &why_not);
            }
        }
        self.set_traffic(Part::Whole, &whole, &why_not);
    }

    fn set_traffic(&mut self, part: Part, traffic: &Traffic, why_not: &str) {
        let row = self.row(part);
        for name in [
            SignalName::Requests,
            SignalName::ErrorRatio,
            SignalName::UnauthorizedRatio,
        ] {
            row.set(name, traffic.reading(name, why_not));
        }
    }

    fn latency(
        &mut self,
        index: usize,
        gathered: &Gathered<'_, Sample>,
        asked: &[Outcome<'_, Sample>],
    ) {
        let Some(found) = gathered.of(index) else {
            let why = gathered.why_not(index, "no latency series");
            for (name, _) in QUANTILES {
                self.row(Part::Whole).set(name, Reading::unknown(&why));
            }
            return;
        };
        let to_ms = asked[found.metric].0.metric.to_ms;
        let parts = bucket_parts(found, self.subject, to_ms);
        for (part, buckets) in parts {
            let row = self.row(part);
            row.detail.p99_between = buckets.as_ref().and_then(|buckets| buckets.bracket(0.99));
            for (name, share) in QUANTILES {
                let reading = match &buckets {
                    Some(buckets) => buckets.quantile(share),
                    None => Reading::unknown(DOUBLED),
                };
                row.set(name, reading);
            }
        }
    }

    fn saturation(&mut self, index: usize, answer: &Result<Vec<Use>, String>) {
        let name = SignalName::Saturation;
        let used = match answer {
            Ok(used) => used,
            Err(why) => return self.row(Part::Whole).set(name, Reading::unknown(why)),
        };
        self.row(Part::Whole)
            .set(name, Reading::unknown("no limit known"));
        let mine = used
            .iter()
            .filter(|one| one.subject == index && one.share.is_finite());
        for one in mine {
            let parts = match &one.part {
                Part::Version(_) => vec![Part::Whole, one.part.clone()],
                _ => vec![Part::Whole],
            };
            for part in parts {
                let row = self.row(part);
                let so_far = row.get(name).value().unwrap_or(f64::NEG_INFINITY);
                if one.resource != Resource::Throttled {
                    row.set(name, Reading::of(one.share.max(so_far)));
                }
                let slot = match one.resource {
                    Resource::Memory => &mut row.detail.memory,
                    Resource::Cpu => &mut row.detail.cpu,
                    Resource::Throttled => &mut row.detail.throttled,
                };
                *slot = Some(slot.map_or(one.share, |so_far| so_far.max(one.share)));
            }
        }
    }

    fn done(self) -> Vec<ServiceSignals> {
        self.by_part.into_values().collect()
    }
}

fn traffic_parts(found: &Found<'_, Sample>, subject: &Subject) -> BTreeMap<Part, Traffic> {
    let mut parts: BTreeMap<Part, Traffic> = BTreeMap::new();
    let mut seen = HashSet::new();
    for sample in &found.series {
        let part = plan::part(&sample.labels, Split::Version, subject);
        let class = plan::class(&sample.labels);
        let traffic = parts.entry(part).or_default();
        traffic.doubled |= !seen.insert(&sample.labels);
        traffic.add(class, sample.value);
    }
    parts
}

/// The histograms of a subject's parts, the whole among them; `None` where a bound came twice.
pub fn bucket_parts(
    found: &Found<'_, Sample>,
    subject: &Subject,
    to_ms: f64,
) -> BTreeMap<Part, Option<Buckets>> {
    let mut parts: BTreeMap<Part, Vec<(f64, f64)>> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut doubled = false;
    for sample in &found.series {
        let le = sample.labels.get("le").map_or("", String::as_str);
        let bound = le.parse().unwrap_or(f64::NAN) * to_ms;
        let part = plan::part(&sample.labels, Split::Version, subject);
        doubled |= !seen.insert(&sample.labels);
        if part != Part::Whole {
            parts.entry(part).or_default().push((bound, sample.value));
        }
        let whole = parts.entry(Part::Whole).or_default();
        whole.push((bound, sample.value));
    }
    let histogram = |bounds| (!doubled).then(|| Buckets::new(bounds));
    let parts = parts.into_iter();
    parts
        .map(|(part, bounds)| (part, histogram(bounds)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(rates: &[(Class, f64)]) -> Traffic {
        let mut traffic = Traffic::default();
        for (class, rate) in rates {
            traffic.add(*class, *rate);
        }
        traffic
    }

    #[test]
    fn a_ratio_needs_traffic_that_says_its_status() {
        let errors = |rates: &[(Class, f64)]| {
            traffic(rates).reading(SignalName::ErrorRatio, "no traffic series")
        };
        assert_eq!(errors(&[(Class::Other, 9.0)]), Reading::Known(0.0));
        assert_eq!(
            errors(&[(Class::Other, 9.0), (Class::Failed, 1.0)]),
            Reading::Known(0.1)
        );
        assert_eq!(errors(&[(Class::Failed, 1.0)]), Reading::Known(1.0));
        for (rates, why) in [
            (vec![], "no traffic series"),
            (vec![(Class::Unsaid, 9.0)], "its requests carry no status"),
            (vec![(Class::Other, 0.0)], "no traffic"),
            (vec![(Class::Other, f64::NAN)], "traffic is not a number"),
        ] {
            assert_eq!(errors(&rates), Reading::unknown(why));
        }
    }

    #[test]
    fn a_series_that_comes_twice_is_no_measurement() {
        let mut twice = traffic(&[(Class::Other, 9.0)]);
        twice.doubled = true;
        assert_eq!(
            twice.reading(SignalName::Requests, ""),
            Reading::unknown(DOUBLED)
        );
    }
}
