//! Signals: named measurements of a service, read at a moment or over a range. Absence is a value of its own.

use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::Arc;

/// The measurements that have names. Runbooks and screens ask for these; how they are computed is the source's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalName {
    /// Requests a second.
    Requests,
    /// Failed requests as a share of all, 0 to 1.
    ErrorRatio,
    /// The median time to answer, in milliseconds.
    P50,
    /// 95 % of requests are answered within, in milliseconds.
    P95,
    /// 99 % of requests are answered within, in milliseconds.
    P99,
    /// Requests refused as unauthorized, as a share of all.
    UnauthorizedRatio,
    /// Use of what is limited (memory, CPU), as a share of the limit.
    Saturation,
}

impl SignalName {
    /// Every signal.
    pub const ALL: [Self; 7] = [
        Self::Requests,
        Self::ErrorRatio,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::UnauthorizedRatio,
        Self::Saturation,
    ];

    /// The name in runbooks and configuration.
    pub fn id(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::ErrorRatio => "error_ratio",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::UnauthorizedRatio => "unauthorized_ratio",
            Self::Saturation => "saturation",
        }
    }

    /// The signal of that name.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.id() == id)
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// One measurement: a number, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Measured; always finite.
    Known(f64),
    /// Not known, and why: `no traffic`, `two series where one was asked for`.
    Unknown(Arc<str>),
}

impl Reading {
    /// Keeps a number only if it is one.
    pub fn of(value: f64) -> Self {
        if value.is_finite() {
            Self::Known(value)
        } else {
            Self::Unknown("not a number".into())
        }
    }

    /// Not known, because.
    pub fn unknown(why: &str) -> Self {
        Self::Unknown(why.into())
    }

    /// The number, where there is one.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }
}

/// Failed over all, by rule 1: no failures beside live traffic is 0; no traffic, or a number that is none, is unknown.
pub fn ratio(part: Option<f64>, all: Option<f64>) -> Reading {
    match (part, all) {
        (_, None) => Reading::unknown("no traffic series"),
        (_, Some(all)) if !all.is_finite() => Reading::unknown("traffic is not a number"),
        (_, Some(all)) if all <= 0.0 => Reading::unknown("no traffic"),
        (None, Some(_)) => Reading::Known(0.0),
        (Some(part), Some(all)) => Reading::of(part / all),
    }
}

/// Evenly spaced values; a gap is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The moment of the first value.
    pub start: Timestamp,
    /// The distance between values.
    pub step: SignedDuration,
    /// The values, bounded by the range and step that were asked for.
    pub values: Vec<Option<f64>>,
}

/// When trouble began that a series shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Onset {
    /// The moment.
    pub at: Timestamp,
    /// Whether the series begins with it: it began then or before.
    pub beyond: bool,
}

impl Series {
    /// The moment of the value at an index.
    pub fn at(&self, index: usize) -> Timestamp {
        self.start + self.step * (index.min(i32::MAX as usize) as i32)
    }

    /// The last value that is known.
    pub fn last(&self) -> Option<f64> {
        self.values.iter().rev().find_map(|value| *value)
    }

    /// How many values are known.
    pub fn points(&self) -> usize {
        self.values.iter().flatten().count()
    }

    /// Since when the series has been above a limit without coming back for longer than two values; `None` when it is not above now.
    pub fn above_since(&self, limit: f64) -> Option<Onset> {
        let (mut onset, mut calm) = (None, 0);
        for (index, value) in self.values.iter().enumerate().rev() {
            match value {
                Some(value) if *value > limit => (onset, calm) = (Some(index), 0),
                Some(_) if onset.is_none() => return None,
                Some(_) => calm += 1,
                None => {}
            }
            if calm > 2 {
                break;
            }
        }
        onset.map(|index| Onset {
            at: self.at(index),
            beyond: index <= 1 && self.values.iter().take(index).all(Option::is_none),
        })
    }
}

/// Which part of a service a measurement is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// The pods of one version.
    Version(Arc<str>),
    /// One pod.
    Pod(Arc<str>),
    /// One route.
    Route(Arc<str>),
    /// One thing that is limited: `memory`, `cpu`; or `throttled`, the share of time in which the limit held it back.
    Resource(Arc<str>),
}

impl Part {
    /// What to call it in a legend.
    pub fn name(&self) -> &str {
        match self {
            Self::Whole => "all",
            Self::Version(name) | Self::Pod(name) | Self::Route(name) | Self::Resource(name) => {
                name
            }
        }
    }
}

/// How a chart is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Split {
    /// Not at all.
    #[default]
    Whole,
    /// By version.
    Version,
    /// By pod.
    Pod,
    /// By route.
    Route,
}

/// What stands behind the readings: how much was judged, how sure the p99 is, and which limit is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Detail {
    /// The window of the rates; zero where it is not known.
    pub window: SignedDuration,
    /// The bounds of the bucket the p99 lies in, in milliseconds: the truth is somewhere between them. The upper one is
    /// infinite where it lies beyond the last bound.
    pub p99_between: Option<(f64, f64)>,
    /// The share of its memory limit that the worst container uses.
    pub memory: Option<f64>,
    /// The share of its CPU limit that the worst container uses.
    pub cpu: Option<f64>,
    /// The share of its scheduling periods in which the worst container was held back by its CPU limit.
    pub throttled: Option<f64>,
}

impl Detail {
    /// The p99 is at least this: it lies beyond the last bound of its histogram.
    pub fn p99_at_least(&self) -> Option<f64> {
        let (lower, upper) = self.p99_between?;
        upper.is_infinite().then_some(lower)
    }
}

/// A service: its namespace and its name.
pub type Name = (Arc<str>, Arc<str>);

/// What one service measures at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSignals {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The service, by the name of its workload.
    pub service: Arc<str>,
    /// Which part of it.
    pub part: Part,
    /// The moment.
    pub at: Timestamp,
    /// The readings, by [`SignalName::ALL`]'s order.
    pub readings: [Reading; 7],
    /// What stands behind them.
    pub detail: Detail,
}

impl ServiceSignals {
    /// All unknown, for one reason.
    pub fn unknown(namespace: &str, service: &str, at: Timestamp, why: &str) -> Self {
        let why: Arc<str> = why.into();
        let readings = std::array::from_fn(|_| Reading::Unknown(why.clone()));
        Self {
            namespace: namespace.into(),
            service: service.into(),
            part: Part::Whole,
            at,
            readings,
            detail: Detail::default(),
        }
    }

    /// How many requests were judged, as far as it is known.
    pub fn requests(&self) -> Option<f64> {
        let seconds = self.detail.window.as_secs_f64();
        let rate = self.get(SignalName::Requests).value()?;
        (seconds > 0.0).then_some(rate * seconds)
    }

    /// One reading.
    pub fn get(&self, name: SignalName) -> &Reading {
        &self.readings[name as usize]
    }

    /// Sets one reading.
    pub fn set(&mut self, name: SignalName, reading: Reading) {
        self.readings[name as usize] = reading;
    }
}

/// One signal of one part of a service over a range.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalSeries {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The service, by the name of its workload.
    pub service: Arc<str>,
    /// Which part of it.
    pub part: Part,
    /// Which signal.
    pub signal: SignalName,
    /// Its values.
    pub series: Series,
    /// The query that gives this line alone, for pasting elsewhere; empty where nobody was asked one.
    pub query: Arc<str>,
}

/// What counts as too much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Share of requests that may fail.
    pub error_ratio: f64,
    /// p99 in milliseconds.
    pub p99_ms: f64,
    /// Share of a limit that may be used.
    pub saturation: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            error_ratio: 0.01,
            p99_ms: 500.0,
            saturation: 0.9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let values = values.iter().map(|v| v.is_finite().then_some(*v)).collect();
        Series {
            start: Timestamp::UNIX_EPOCH,
            step: SignedDuration::from_secs(10),
            values,
        }
    }

    #[test]
    fn absence_is_zero_only_beside_live_traffic() {
        assert_eq!(ratio(None, Some(60.0)), Reading::Known(0.0));
        assert_eq!(ratio(Some(6.0), Some(60.0)), Reading::Known(0.1));
        for all in [None, Some(0.0), Some(f64::NAN), Some(f64::INFINITY)] {
            assert_eq!(ratio(None, all).value(), None);
            assert_eq!(ratio(Some(1.0), all).value(), None);
        }
    }

    #[test]
    fn the_onset_is_the_first_of_the_present_trouble() {
        assert_eq!(
            series(&[0.0, 0.0, 3.0, 4.0])
                .above_since(1.0)
                .map(|onset| onset.at),
            Some(Timestamp::from_second(20).unwrap())
        );
        assert_eq!(series(&[3.0, 4.0, 0.0]).above_since(1.0), None);
        let flapping = series(&[0.0, 0.0, 0.0, 3.0, 0.5, 3.0, f64::NAN, 3.0]);
        assert_eq!(
            flapping.above_since(1.0).map(|onset| onset.at),
            Some(Timestamp::from_second(30).unwrap())
        );
        let two_troubles = series(&[3.0, 0.0, 0.0, 0.0, 3.0]);
        assert_eq!(
            two_troubles.above_since(1.0).map(|onset| onset.at),
            Some(Timestamp::from_second(40).unwrap())
        );
    }

    #[test]
    fn what_a_series_begins_with_may_have_begun_before() {
        let beyond = |values: &[f64]| series(values).above_since(1.0).map(|onset| onset.beyond);
        assert_eq!(beyond(&[3.0, 4.0, 3.0]), Some(true));
        assert_eq!(beyond(&[0.0, 0.0, 0.0, 4.0]), Some(false));
        let mut young = series(&[3.0, 4.0]);
        young.values.splice(0..0, [None, None]);
        assert_eq!(
            young.above_since(1.0).map(|onset| onset.beyond),
            Some(false)
        );
    }

    #[test]
    fn every_signal_is_stored_under_its_own_name() {
        let mut signals = ServiceSignals::unknown("n", "s", Timestamp::UNIX_EPOCH, "not asked");
        for (index, name) in SignalName::ALL.into_iter().enumerate() {
            signals.set(name, Reading::Known(index as f64));
            assert_eq!(SignalName::parse(name.id()), Some(name));
        }
        assert_eq!(
            SignalName::ALL.map(|name| signals.get(name).value()),
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(Some)
        );
    }
}
