//! What the signal sources have said: readings of every service, series over ranges, and how far they can be believed.

use super::message::SourceNews;
use super::wants::{RangeWant, SplitBy};
use crate::domain::link::{Link, LinkState, Rhythm, Source};
use crate::domain::signal::{Part, Series, ServiceSignals, SignalName, SignalSeries};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

type Name = (Arc<str>, Arc<str>);

/// The signals and their links.
#[derive(Debug, Clone)]
pub struct Signals {
    readings: HashMap<Name, Vec<ServiceSignals>>,
    ranges: BTreeMap<RangeWant, Vec<SignalSeries>>,
    errors: HashMap<Name, Series>,
    p99: HashMap<Name, Series>,
    /// The link to Prometheus, or to what stands in for it.
    pub link: Link,
    answered: bool,
}

impl Signals {
    /// Nothing heard yet; asked at this interval.
    pub fn new(interval: SignedDuration) -> Self {
        Self {
            readings: HashMap::new(),
            ranges: BTreeMap::new(),
            errors: HashMap::new(),
            p99: HashMap::new(),
            link: Link::new(Rhythm::Poll(interval)),
            answered: false,
        }
    }

    /// Takes in readings; they replace the ones before.
    pub fn learn(&mut self, readings: Vec<ServiceSignals>) {
        self.readings.clear();
        for reading in readings {
            self.readings
                .entry((reading.namespace.clone(), reading.service.clone()))
                .or_default()
                .push(reading);
        }
        self.answered = true;
    }

    /// Takes in a range; the one that verdicts rest on is kept by service too.
    pub fn learn_range(&mut self, want: RangeWant, series: Vec<SignalSeries>) {
        if want.service.is_none() && want.split == SplitBy::Whole && want.ago_s == 0 {
            let store = match want.signal {
                SignalName::ErrorRatio => Some(&mut self.errors),
                SignalName::P99 => Some(&mut self.p99),
                _ => None,
            };
            if let Some(store) = store {
                *store = series
                    .iter()
                    .map(|s| ((s.namespace.clone(), s.service.clone()), s.series.clone()))
                    .collect();
            }
        }
        self.ranges.insert(want, series);
    }

    /// Keeps only the ranges that are still wanted.
    pub fn forget_ranges(&mut self, wanted: &std::collections::BTreeSet<RangeWant>) {
        self.ranges.retain(|want, _| wanted.contains(want));
    }

    /// Takes in what the source says of itself.
    pub fn hear(&mut self, news: SourceNews, now: Timestamp) {
        hear(&mut self.link, news, now);
    }

    /// The readings of a whole service.
    pub fn reading(&self, namespace: &Arc<str>, service: &Arc<str>) -> Option<&ServiceSignals> {
        self.parts(namespace, service)
            .iter()
            .find(|reading| reading.part == Part::Whole)
    }

    /// The readings of a service and of its parts.
    pub fn parts(&self, namespace: &Arc<str>, service: &Arc<str>) -> &[ServiceSignals] {
        self.readings
            .get(&(namespace.clone(), service.clone()))
            .map_or(&[], Vec::as_slice)
    }

    /// The error ratio of a service over the last while.
    pub fn errors(&self, namespace: &Arc<str>, service: &Arc<str>) -> Option<&Series> {
        self.errors.get(&(namespace.clone(), service.clone()))
    }

    /// The p99 of a service over the last while.
    pub fn p99(&self, namespace: &Arc<str>, service: &Arc<str>) -> Option<&Series> {
        self.p99.get(&(namespace.clone(), service.clone()))
    }

    /// The answer to a range question, if there is one yet.
    pub fn range(&self, want: &RangeWant) -> &[SignalSeries] {
        self.ranges.get(want).map_or(&[], Vec::as_slice)
    }

    /// Whether a service was ever seen with traffic, now or in the range.
    pub fn measured(&self, namespace: &Arc<str>, service: &Arc<str>) -> bool {
        let known = |reading: &ServiceSignals| reading.get(SignalName::Requests).value().is_some();
        self.reading(namespace, service).is_some_and(known)
            || self
                .errors(namespace, service)
                .is_some_and(|series| series.points() > 0)
    }

    /// Whether readings were ever had.
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Why signals cannot be believed now, where that is so.
    pub fn blind(&self, now: Timestamp) -> Option<String> {
        match self.link.state(now) {
            LinkState::Stale { why, age, .. } => {
                let age = age.map_or(String::new(), |age| {
                    format!(" for {}", crate::domain::pod::short(age))
                });
                Some(format!(
                    "{} does not answer{age} ({why})",
                    Source::Prometheus.short()
                ))
            }
            _ => None,
        }
    }

    /// Forgets everything but the link.
    pub fn clear(&mut self) {
        let link = self.link.clone();
        *self = Self {
            link,
            ..Self::new(SignedDuration::from_secs(5))
        };
    }
}

/// Writes news into a link.
pub fn hear(link: &mut Link, news: SourceNews, now: Timestamp) {
    match news {
        SourceNews::Heard => link.hear(now),
        SourceNews::Troubled(why) => link.fail(now, &why),
        SourceNews::Absent(why) => link.absent = Some(why),
    }
}
