//! What the signal sources have said: readings of every service, series over ranges, and how far they can be believed.

use super::message::SourceNews;
use super::trail::Trail;
use super::wants::{RangeWant, SplitBy};
use crate::domain::link::{Link, LinkState, Rhythm, Source};
use crate::domain::signal::{
    Name, Part, Reading, Series, ServiceSignals, SignalName, SignalSeries,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The signals and their links.
#[derive(Debug, Clone)]
pub struct Signals {
    readings: HashMap<Name, Vec<ServiceSignals>>,
    ranges: BTreeMap<RangeWant, Vec<SignalSeries>>,
    errors: HashMap<Name, Series>,
    p99: HashMap<Name, Series>,
    /// The link to Prometheus, or to what stands in for it.
    pub link: Link,
    interval: SignedDuration,
    answered: bool,
    /// Services that were once seen with traffic: from then on its absence is news, however long it lasts.
    seen: HashSet<Name>,
    /// What was read, where the pods' own pages stand in: there nobody answers questions about a range.
    trail: Trail,
    /// Between two readings of the pods' own pages, while those stand in.
    scraped: Option<SignedDuration>,
    /// Whether the source knows none of this cluster's pods.
    stranger: bool,
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
            interval,
            answered: false,
            seen: HashSet::new(),
            trail: Trail::default(),
            scraped: None,
            stranger: false,
        }
    }

    /// Takes in readings; they replace the ones before, but of services that rest. Gives those of which something else is known
    /// now.
    pub fn learn(&mut self, readings: Vec<ServiceSignals>, resting: &HashSet<Name>) -> Vec<Name> {
        if self.scraped.is_some() {
            self.trail.add(&readings);
        }
        let mut heard: HashMap<Name, Vec<ServiceSignals>> = HashMap::new();
        for reading in readings {
            let name = (reading.namespace.clone(), reading.service.clone());
            let traffic = reading.get(SignalName::Requests).value().is_some();
            if traffic && reading.part == Part::Whole {
                self.seen.insert(name.clone());
            }
            heard.entry(name).or_default().push(reading);
        }
        self.answered = true;
        let rests = |name: &Name, _: &mut _| !resting.contains(name) || heard.contains_key(name);
        let before: HashMap<_, _> = self.readings.extract_if(rests).collect();
        let changed = differing(&before, &heard, |a, b| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| silent(a) && alike(a, b))
        });
        self.readings.extend(heard);
        changed
    }

    /// Takes in a range; the one that verdicts rest on is kept by service too, and the services are given whose series changed.
    pub fn learn_range(&mut self, want: RangeWant, series: Vec<SignalSeries>) -> Vec<Name> {
        let mut changed = Vec::new();
        if want.service.is_none() && want.split == SplitBy::Whole && want.ago_s == 0 {
            let store = match want.signal {
                SignalName::ErrorRatio => Some(&mut self.errors),
                SignalName::P99 => Some(&mut self.p99),
                _ => None,
            };
            if want.signal == SignalName::ErrorRatio {
                let traffic = series.iter().filter(|one| one.series.points() > 0);
                let names = traffic.map(|one| (one.namespace.clone(), one.service.clone()));
                self.seen.extend(names);
            }
            if let Some(store) = store {
                let all = series
                    .iter()
                    .map(|s| ((s.namespace.clone(), s.service.clone()), s.series.clone()))
                    .collect();
                let before = std::mem::replace(store, all);
                changed = differing(&before, store, PartialEq::eq);
            }
        }
        self.ranges.insert(want, series);
        changed
    }

    /// Keeps only the ranges that are still wanted.
    pub fn forget_ranges(&mut self, wanted: &BTreeSet<RangeWant>) {
        self.ranges.retain(|want, _| wanted.contains(want));
    }

    /// Where the pods' own pages stand in, the wanted ranges are what was read so far.
    pub fn follow_trail(&mut self, wanted: &BTreeSet<RangeWant>, now: Timestamp) -> Vec<Name> {
        let Some(every) = self.scraped else {
            return Vec::new();
        };
        let mut changed = Vec::new();
        for want in wanted {
            let series = self.trail.range(want, every, now);
            changed.extend(self.learn_range(want.clone(), series));
        }
        changed
    }

    /// Takes in what the source says of itself. Says whether every judgement may rest on something else now.
    pub fn hear(&mut self, news: SourceNews, now: Timestamp) -> bool {
        let trust = |signals: &Self| {
            let blind = signals.blind(now).is_some();
            (blind, signals.link.absent.is_some(), signals.stranger)
        };
        let before = trust(self);
        self.take_news(news, now);
        let after = trust(self);
        // While it is blind, the sentence says for how long and why.
        before != after || after.0
    }

    fn take_news(&mut self, news: SourceNews, now: Timestamp) {
        match &news {
            SourceNews::Heard => {
                (self.stranger, self.scraped) = (false, None);
                self.link.rhythm = Rhythm::Poll(self.interval);
            }
            SourceNews::Scraped(every) => {
                (self.stranger, self.scraped) = (false, Some(*every));
                self.link.rhythm = Rhythm::Poll(*every);
            }
            SourceNews::Stranger => {
                // Numbers of other pods must not stand beside ours.
                self.forget();
                (self.stranger, self.answered) = (true, false);
            }
            SourceNews::Absent(_) => {
                if !matches!(self.link.state(now), LinkState::Absent(_)) {
                    self.forget();
                }
                (self.stranger, self.scraped) = (false, None);
            }
            SourceNews::Troubled(_) => {}
        }
        hear(&mut self.link, news, now);
    }

    fn forget(&mut self) {
        self.readings.clear();
        self.ranges.clear();
        self.errors.clear();
        self.p99.clear();
        self.seen.clear();
        self.trail = Trail::default();
    }

    /// What the source is called in the header.
    pub fn name(&self) -> &'static str {
        match self.scraped {
            Some(_) => "scrape",
            None => Source::Prometheus.short(),
        }
    }

    /// Whether the pods' own pages are wanted: there is no Prometheus.
    pub fn pages(&self) -> bool {
        self.scraped.is_some() || self.link.absent.is_some()
    }

    /// Whether the source knows none of this cluster's pods.
    pub fn stranger(&self) -> bool {
        self.stranger
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

    /// Whether a service was ever seen with traffic.
    pub fn measured(&self, namespace: &Arc<str>, service: &Arc<str>) -> bool {
        self.seen.contains(&(namespace.clone(), service.clone()))
    }

    /// Whether readings were ever had.
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Why signals cannot be believed now, where that is so.
    pub fn blind(&self, now: Timestamp) -> Option<String> {
        match self.link.state(now) {
            LinkState::Stale { .. } if self.stranger => Some(format!(
                "{} knows no pod of this cluster (it is another's)",
                self.name()
            )),
            LinkState::Stale { why, age, .. } => {
                let age = age.map_or(String::new(), |age| {
                    format!(" for {}", crate::domain::pod::short(age))
                });
                Some(format!("{} does not answer{age} ({why})", self.name()))
            }
            _ => None,
        }
    }

    /// Forgets everything but the link.
    pub fn clear(&mut self) {
        let link = self.link.clone();
        *self = Self {
            link,
            ..Self::new(self.interval)
        };
    }
}

/// Whether two readings say the same, whenever they were taken.
fn alike(a: &ServiceSignals, b: &ServiceSignals) -> bool {
    a.part == b.part && a.readings == b.readings
}

/// Whether nothing was measured.
fn silent(signals: &ServiceSignals) -> bool {
    let known = |reading: &Reading| reading.value().is_some();
    !signals.readings.iter().any(known)
}

/// The names of which two maps say something else.
fn differing<T>(
    before: &HashMap<Name, T>,
    now: &HashMap<Name, T>,
    same: impl Fn(&T, &T) -> bool,
) -> Vec<Name> {
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let new = now.iter().filter(|(name, value)| {
        let old = before.get(*name);
        old.is_none_or(|old| !same(old, value))
    });
    gone.chain(new.map(|(name, _)| name)).cloned().collect()
}

/// Writes news into a link.
pub fn hear(link: &mut Link, news: SourceNews, now: Timestamp) {
    match news {
        SourceNews::Heard | SourceNews::Scraped(_) => link.hear(now),
        SourceNews::Stranger => {
            link.hear(now);
            link.fail(now, "it answers, but knows no pod of this cluster");
        }
        SourceNews::Troubled(why) => link.fail(now, &why),
        SourceNews::Absent(why) => link.absent = Some(why),
    }
}
