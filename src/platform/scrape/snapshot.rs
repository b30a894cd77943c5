//! The counters of one page that matter, and how much they rose since an earlier page of the same pod.

use super::exposition::{self, Sample};
use crate::platform::prometheus::families::{Counted, STATUSES, counted};
use crate::platform::prometheus::plan::Class;
use std::collections::HashMap;

/// The counters of the known metric families on one page, by series.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The family that counts requests, by its place in the order of preference.
    traffic: Option<usize>,
    /// The family whose buckets are read.
    latency: Option<usize>,
    series: HashMap<String, Counter>,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    family: usize,
    value: f64,
    meaning: Meaning,
}

#[derive(Debug, Clone, Copy)]
enum Meaning {
    Requests(Class),
    Within(f64),
}

/// How much the counters rose.
#[derive(Debug, Default)]
pub struct Increase {
    /// Requests, by class.
    pub requests: Vec<(Class, f64)>,
    /// Requests answered within a bound, in milliseconds.
    pub buckets: Vec<(f64, f64)>,
}

impl Snapshot {
    /// Reads a page.
    pub fn read(text: &str) -> Self {
        let page = exposition::read(text, |name| counted(name).is_some());
        let mut snapshot = Self::default();
        for sample in &page.samples {
            snapshot.keep(sample);
        }
        snapshot
    }

    fn keep(&mut self, sample: &Sample) {
        let Some((family, what)) = counted(&sample.name) else {
            return;
        };
        let (best, meaning) = match what {
            Counted::Requests => {
                let status = STATUSES.iter().find_map(|label| sample.labels.get(*label));
                let class = Class::of(status.map(|status| &**status));
                (&mut self.traffic, Meaning::Requests(class))
            }
            Counted::Within { to_ms } => {
                let bound = sample
                    .labels
                    .get("le")
                    .and_then(|le| le.parse::<f64>().ok());
                let Some(bound) = bound else {
                    return;
                };
                (&mut self.latency, Meaning::Within(bound * to_ms))
            }
        };
        *best = Some(best.map_or(family, |known| known.min(family)));
        let key = format!("{} {:?}", sample.name, sample.labels);
        let counter = Counter {
            family,
            value: sample.value,
            meaning,
        };
        self.series.insert(key, counter);
    }

    /// How much the counters of the preferred families rose since an earlier page that had them too; a series that fell began
    /// again at zero, and one that was not there began at zero.
    pub fn since(&self, earlier: &Self) -> Increase {
        let mut increase = Increase::default();
        let traffic = self.traffic.filter(|_| self.traffic == earlier.traffic);
        let latency = self.latency.filter(|_| self.latency == earlier.latency);
        for (key, counter) in &self.series {
            let before = earlier.series.get(key).map_or(0.0, |c| c.value);
            let rise = if counter.value < before {
                counter.value
            } else {
                counter.value - before
            };
            match counter.meaning {
                Meaning::Requests(class) if traffic == Some(counter.family) => {
                    increase.requests.push((class, rise));
                }
                Meaning::Within(bound) if latency == Some(counter.family) => {
                    increase.buckets.push((bound, rise));
                }
                _ => {}
            }
        }
        increase
    }
}
