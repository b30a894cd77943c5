//! The trail of readings, kept where nobody answers questions about a range: a bounded stretch of every service's signals,
//! from which charts and onsets are made when pods are scraped.

use super::wants::{RangeWant, SplitBy};
use crate::domain::signal::{Part, Series, ServiceSignals, SignalName, SignalSeries};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// So many readings of one part are kept: an hour at a quarter of a minute.
const KEPT: usize = 240;
/// A part that was not read for so many readings of the others is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);

type Key = (Arc<str>, Arc<str>, Part);
type Values = [Option<f32>; 7];

/// What was read, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    parts: BTreeMap<Key, VecDeque<(Timestamp, Values)>>,
}

impl Trail {
    /// Takes in readings.
    pub fn add(&mut self, readings: &[ServiceSignals]) {
        let Some(now) = readings.iter().map(|reading| reading.at).max() else {
            return;
        };
        for reading in readings {
            let key = (
                reading.namespace.clone(),
                reading.service.clone(),
                reading.part.clone(),
            );
            let values = SignalName::ALL.map(|name| reading.get(name).value().map(|v| v as f32));
            let part = self.parts.entry(key).or_default();
            part.push_back((reading.at, values));
            if part.len() > KEPT {
                part.pop_front();
            }
        }
        self.parts.retain(|_, part| {
            part.back()
                .is_some_and(|(at, _)| now.duration_since(*at) < FORGOTTEN)
        });
    }

    /// The answer to a range question, as far as the trail reaches.
    pub fn range(
        &self,
        want: &RangeWant,
        every: SignedDuration,
        now: Timestamp,
    ) -> Vec<SignalSeries> {
        let end = now - SignedDuration::from_secs(i64::from(want.ago_s));
        let start = end - SignedDuration::from_secs(i64::from(want.span_s));
        let fits = |(namespace, service, part): &&Key| {
            want.service
                .as_ref()
                .is_none_or(|(ns, name)| ns == namespace && name == service)
                && split(part) == want.split
        };
        let keys = self.parts.keys().filter(fits);
        keys.filter_map(|key| {
            let values = self.parts.get(key)?.iter();
            let values = values
                .filter(|(at, _)| *at >= start && *at <= end)
                .map(|(at, values)| (*at, values[want.signal as usize]));
            Some(SignalSeries {
                namespace: key.0.clone(),
                service: key.1.clone(),
                part: key.2.clone(),
                signal: want.signal,
                series: grid(values, every)?,
                query: "".into(),
            })
        })
        .collect()
    }
}

fn split(part: &Part) -> SplitBy {
    match part {
        Part::Whole => SplitBy::Whole,
        Part::Version(_) => SplitBy::Version,
        Part::Pod(_) => SplitBy::Pod,
        Part::Route(_) => SplitBy::Route,
        Part::Resource(_) => SplitBy::Whole,
    }
}

/// Readings laid on a grid; where there is none there is a gap.
fn grid(
    values: impl Iterator<Item = (Timestamp, Option<f32>)>,
    every: SignedDuration,
) -> Option<Series> {
    let mut values = values.peekable();
    let start = values.peek()?.0;
    let step = every.as_secs_f64().max(1.0);
    let mut laid: Vec<Option<f64>> = Vec::new();
    for (at, value) in values {
        let index = (at.duration_since(start).as_secs_f64() / step).round() as usize;
        if index >= laid.len() {
            laid.resize((index + 1).min(KEPT * 4), None);
        }
        if let Some(slot) = laid.get_mut(index) {
            *slot = value.map(f64::from);
        }
    }
    Some(Series {
        start,
        step: SignedDuration::from_secs_f64(step),
        values: laid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::Reading;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reading(second: i64, errors: Option<f64>) -> ServiceSignals {
        let mut reading = ServiceSignals::unknown("veza", "api", at(second), "no traffic");
        if let Some(errors) = errors {
            reading.set(SignalName::ErrorRatio, Reading::of(errors));
        }
        reading
    }

    #[test]
    fn readings_become_a_chart_with_gaps_and_do_not_grow_without_end() {
        let mut trail = Trail::default();
        let every = SignedDuration::from_secs(15);
        for (second, errors) in [(0, Some(0.0)), (15, None), (46, Some(0.25))] {
            trail.add(&[reading(second, errors)]);
        }
        let want = RangeWant::of(None, SignalName::ErrorRatio, SplitBy::Whole, 900);
        let told = trail.range(&want, every, at(50));
        assert_eq!(told[0].series.values, [Some(0.0), None, None, Some(0.25)]);
        let recent = RangeWant {
            span_s: 10,
            ..want.clone()
        };
        assert_eq!(
            trail.range(&recent, every, at(50))[0].series.values,
            [Some(0.25)]
        );
        let versions = RangeWant {
            split: SplitBy::Version,
            ..want.clone()
        };
        assert!(trail.range(&versions, every, at(50)).is_empty());
        for n in 0..1000 {
            trail.add(&[reading(60 + n, Some(0.5))]);
        }
        let all = RangeWant {
            span_s: 100_000,
            ..want
        };
        let told = trail.range(&all, SignedDuration::from_secs(1), at(1060));
        assert_eq!(told[0].series.values.len(), KEPT);
    }
}
