//! When a pod was scraped: every five seconds from an offset of its own, while it existed, and with or without
//! an answer.

use super::load::mixed;
use crate::sim::ledger::{Ledger, PodKey, Track};

/// The distance between two scrapes, in milliseconds.
pub const PERIOD: i64 = 5000;

/// The scrapes of one pod.
#[derive(Debug, Clone)]
pub struct Scrapes {
    offset: i64,
    began: i64,
    ended: i64,
    /// Nothing is scraped in the future, whatever a query asks for.
    now: i64,
    silences: Vec<(i64, i64)>,
}

impl Scrapes {
    /// The scrapes of a pod of the ledger up to the present.
    pub fn new(key: &PodKey, track: &Track, ledger: &Ledger, now: i64) -> Self {
        let name = key.namespace.bytes().chain(key.pod.bytes());
        let hash = name.fold(0, |hash, byte| mixed(hash ^ u64::from(byte)));
        let closed = |&(from, until): &(i64, Option<i64>)| (from, until.unwrap_or(i64::MAX));
        Self {
            offset: (hash % PERIOD as u64) as i64,
            began: track.began_ms,
            ended: track.ended_ms.unwrap_or(i64::MAX),
            now,
            silences: ledger.silences.iter().map(closed).collect(),
        }
    }

    /// Whether a scrape at that moment got no answer.
    pub fn silent(&self, at: i64) -> bool {
        self.silences
            .iter()
            .any(|&(from, until)| from <= at && at < until)
    }

    /// The newest scrape at or before a moment; none once the pod is gone.
    pub fn newest(&self, at: i64) -> Option<i64> {
        let scrape = self.floor(at.min(self.now));
        (at < self.ended && scrape >= self.began).then_some(scrape)
    }

    /// All scrapes of a stretch, both ends included, answered or not.
    pub fn between(&self, from: i64, to: i64) -> impl Iterator<Item = i64> + use<> {
        let (first, last) = self.clamped(from, to);
        (0..)
            .map(move |n| first + n * PERIOD)
            .take_while(move |&at| at <= last)
    }

    /// The first and last answered scrape of a stretch.
    pub fn outer(&self, from: i64, to: i64) -> Option<(i64, i64)> {
        let (mut first, mut last) = self.clamped(from, to);
        for &(silent_from, until) in &self.silences {
            if silent_from <= first && first < until {
                first = self.ceil(until);
            }
        }
        for &(silent_from, until) in self.silences.iter().rev() {
            if silent_from <= last && last < until {
                last = self.floor(silent_from - 1);
            }
        }
        (first <= last).then_some((first, last))
    }

    /// How many answered scrapes lie between two scrapes, both included.
    pub fn count(&self, first: i64, last: i64) -> usize {
        let between = |from: i64, to: i64| {
            if from > to {
                0
            } else {
                (to - from) / PERIOD + 1
            }
        };
        let silent = self.silences.iter().map(|&(from, until)| {
            let to = last.min(until.saturating_sub(1));
            between(self.ceil(from.max(first)), self.floor(to))
        });
        (between(first, last) - silent.sum::<i64>()).max(0) as usize
    }

    /// The first answered scrape from which on a condition holds, given that it holds for good once it does.
    pub fn first_where(&self, first: i64, last: i64, holds: impl Fn(i64) -> bool) -> Option<i64> {
        let (mut low, mut high) = (0, (last - first) / PERIOD + 1);
        while low < high {
            let middle = i64::midpoint(low, high);
            if holds(first + middle * PERIOD) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.outer(first + low * PERIOD, last)
            .map(|(first, _)| first)
    }

    fn clamped(&self, from: i64, to: i64) -> (i64, i64) {
        (
            self.ceil(from.max(self.began)),
            self.floor(to.min(self.now).min(self.ended.saturating_sub(1))),
        )
    }

    fn floor(&self, at: i64) -> i64 {
        (at - self.offset).div_euclid(PERIOD) * PERIOD + self.offset
    }

    fn ceil(&self, at: i64) -> i64 {
        match at.checked_add(PERIOD - 1) {
            Some(at) => self.floor(at),
            // An open silence never ends.
            None => i64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrapes(ended: Option<i64>, silences: &[(i64, Option<i64>)]) -> Scrapes {
        let key = PodKey {
            namespace: "n".into(),
            pod: "p".into(),
        };
        let mut ledger = Ledger::default();
        ledger.begin(key.clone(), "s", "v1", 1_000_000);
        ledger.silences = silences.to_vec();
        let mut track = ledger.pods[&key].clone();
        track.ended_ms = ended;
        Scrapes::new(&key, &track, &ledger, 1_900_000)
    }

    #[test]
    fn nothing_is_scraped_before_the_beginning_or_after_the_end() {
        let scrapes = scrapes(Some(1_060_000), &[]);
        let all: Vec<i64> = scrapes.between(0, 2_000_000).collect();
        assert_eq!(all.len(), 12);
        assert!(all[0] >= 1_000_000 && all[0] < 1_005_000);
        assert_eq!(scrapes.outer(0, 2_000_000), Some((all[0], all[11])));
        assert_eq!(scrapes.newest(1_060_000), None);
        assert_eq!(scrapes.newest(1_059_999), Some(all[11]));
        assert_eq!(scrapes.newest(all[0] - 1), None);
    }

    #[test]
    fn silent_scrapes_count_for_nothing() {
        for silences in [
            &[(1_020_000, Some(1_030_000)), (1_050_000, None)][..],
            &[(990_000, Some(1_010_000))],
            &[(0, None)],
            &[],
        ] {
            let scrapes = scrapes(None, silences);
            let heard: Vec<i64> = scrapes
                .between(1_000_000, 1_100_000)
                .filter(|&at| !scrapes.silent(at))
                .collect();
            let outer = heard.first().copied().zip(heard.last().copied());
            assert_eq!(scrapes.outer(1_000_000, 1_100_000), outer, "{silences:?}");
            if let Some((first, last)) = outer {
                assert_eq!(scrapes.count(first, last), heard.len(), "{silences:?}");
            }
        }
    }

    #[test]
    fn nothing_is_scraped_in_the_future() {
        let scrapes = scrapes(None, &[]);
        let newest = scrapes.newest(1_900_000);
        assert!(newest.is_some_and(|at| at > 1_895_000 && at <= 1_900_000));
        assert_eq!(scrapes.newest(5_000_000), newest);
        assert_eq!(scrapes.between(0, 5_000_000).last(), newest);
        assert_eq!(scrapes.outer(0, 5_000_000).map(|(_, last)| last), newest);
    }
}
