//! Reading a range: returned points are laid on the grid that was asked for, and ratios are made point by point.

use super::alone::Alone;
use super::families::Catalogue;
use super::gather::{Found, Outcome, gather};
use super::plan::{self, Class};
use super::read::Traffic;
use super::saturation::{Resource, worst};
use super::subjects::{Crowd, Subject};
use super::wire::{Points, QueryFailure};
use crate::domain::signal::{Part, Series, SignalName, SignalSeries, Split};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The most points one series may have.
pub const POINTS: usize = 2_000;
/// The most parts one service is split into; the busiest are kept.
pub const PARTS: usize = 24;

/// Evenly spaced moments, on whole multiples of the step so that a refresh asks for the same ones again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// The first.
    pub start: Timestamp,
    /// The last.
    pub end: Timestamp,
    /// The distance.
    pub step: SignedDuration,
    /// How many.
    pub count: usize,
}

impl Grid {
    /// The grid that covers a range up to now.
    pub fn new(
        start: Timestamp,
        end: Timestamp,
        step: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, QueryFailure> {
        let step = step.as_secs().max(1);
        let (first, last) = (start.as_second(), end.min(now).as_second());
        let (first, last) = (first - first.rem_euclid(step), last - last.rem_euclid(step));
        if last < first {
            return Err(QueryFailure::Question("the range is empty".into()));
        }
        let count = usize::try_from((last - first) / step + 1).unwrap_or(usize::MAX);
        if count > POINTS {
            let why = format!("{count} points were asked for, at most {POINTS} are read");
            return Err(QueryFailure::Question(why));
        }
        let moment = |second| {
            Timestamp::from_second(second)
                .map_err(|_| QueryFailure::Question("the range lies outside of time".into()))
        };
        Ok(Self {
            start: moment(first)?,
            end: moment(last)?,
            step: SignedDuration::from_secs(step),
            count,
        })
    }

    /// Points laid on the grid; what is missing or no finite number is `None`.
    pub fn lay(&self, points: &[(f64, f64)]) -> Vec<Option<f64>> {
        let mut values = vec![None; self.count];
        let (start, step) = (self.start.as_second() as f64, self.step.as_secs() as f64);
        for (at, value) in points {
            let index = ((at - start) / step).round();
            let inside = index >= 0.0 && index < self.count as f64;
            if inside && value.is_finite() {
                values[index as usize] = Some(*value);
            }
        }
        values
    }

    fn series(&self, values: Vec<Option<f64>>) -> Series {
        Series {
            start: self.start,
            step: self.step,
            values,
        }
    }
}

/// What the series of a range are made of.
pub struct Stretch<'a> {
    /// The grid.
    pub grid: Grid,
    /// Whose.
    pub crowd: &'a Crowd<'a>,
    /// Which signal.
    pub signal: SignalName,
    /// How it is split.
    pub split: Split,
    /// What the source holds.
    pub catalogue: &'a Catalogue,
}

/// The values of one part, and how much they weigh where not all parts can be shown.
type PartRow = (Part, f64, Vec<Option<f64>>);

impl Stretch<'_> {
    /// A signal of traffic, made of answers by class.
    pub fn traffic(&self, outcomes: &[Outcome<'_, Points>]) -> Vec<SignalSeries> {
        self.each(outcomes, |found, subject| {
            let mut parts: BTreeMap<Part, Vec<Traffic>> = BTreeMap::new();
            for points in &found.series {
                let part = plan::part(&points.labels, self.split, subject);
                let traffic = parts.entry(part);
                let traffic = traffic.or_insert_with(|| vec![Traffic::default(); self.grid.count]);
                self.add(traffic, plan::class(&points.labels), points);
            }
            let reading = |traffic: &Traffic| traffic.reading(self.signal, "").value();
            let rows = parts.into_iter().map(|(part, traffic)| {
                let weight = traffic.iter().filter_map(Traffic::all).sum();
                (part, weight, traffic.iter().map(reading).collect())
            });
            rows.collect()
        })
    }

    /// The rows of every subject of which something was found, each with its own query.
    fn each(
        &self,
        outcomes: &[Outcome<'_, Points>],
        rows: impl Fn(&Found<'_, Points>, &Subject) -> Vec<PartRow>,
    ) -> Vec<SignalSeries> {
        let gathered = gather(self.crowd, outcomes);
        let mut all = Vec::new();
        for (index, subject) in self.crowd.subjects.iter().enumerate() {
            let Some(found) = gathered.of(index) else {
                continue;
            };
            let Some((plan, _)) = outcomes.get(found.metric) else {
                continue;
            };
            let alone = Alone {
                plan,
                catalogue: self.catalogue,
                subject,
                rank: found.rank,
            };
            let query = |part: &Part| alone.query(self.signal, part);
            all.extend(self.finish(subject, rows(found, subject), query));
        }
        all
    }

    fn add(&self, traffic: &mut [Traffic], class: Class, points: &Points) {
        let laid = self.grid.lay(&points.values);
        for (moment, value) in traffic.iter_mut().zip(laid) {
            if let Some(value) = value {
                moment.add(class, value);
            }
        }
    }

    /// A signal that the source computed itself.
    pub fn ready(&self, outcomes: &[Outcome<'_, Points>]) -> Vec<SignalSeries> {
        self.each(outcomes, |found, subject| {
            let rows = found.series.iter().map(|points| {
                let part = plan::part(&points.labels, self.split, subject);
                let weight = points.values.len() as f64;
                (part, weight, self.grid.lay(&points.values))
            });
            with_the_worst(rows.collect())
        })
    }

    /// One series of one subject, for answers that are not sorted by [`gather`].
    pub fn one(&self, subject: &Subject, part: Part, points: &Points, query: &str) -> SignalSeries {
        SignalSeries {
            namespace: subject.namespace.clone(),
            service: subject.workload.clone(),
            part,
            signal: self.signal,
            series: self.grid.series(self.grid.lay(&points.values)),
            query: query.into(),
        }
    }

    /// Keeps the busiest parts, in the order of their names.
    fn finish(
        &self,
        subject: &Subject,
        mut rows: Vec<PartRow>,
        query: impl Fn(&Part) -> String,
    ) -> Vec<SignalSeries> {
        rows.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        rows.truncate(PARTS);
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let named = rows.into_iter();
        named
            .map(|(part, _, values)| SignalSeries {
                namespace: subject.namespace.clone(),
                service: subject.workload.clone(),
                query: query(&part).into(),
                part,
                signal: self.signal,
                series: self.grid.series(values),
            })
            .collect()
    }
}

/// Adds the worst use to the uses of single things; what holds back is no use.
fn with_the_worst(mut rows: Vec<PartRow>) -> Vec<PartRow> {
    let used = |(part, ..): &&PartRow| match part {
        Part::Resource(name) => Resource::named(name) != Some(Resource::Throttled),
        _ => false,
    };
    if rows.iter().any(|row| used(&row)) {
        let values = worst(rows.iter().filter(used).map(|(_, _, values)| values));
        rows.push((Part::Whole, f64::INFINITY, values));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_grid_stands_still_while_time_goes_on() {
        let step = SignedDuration::from_secs(15);
        let first = Grid::new(at(103), at(200), step, at(163)).unwrap();
        let again = Grid::new(at(104), at(200), step, at(164)).unwrap();
        assert_eq!(first, again);
        assert_eq!((first.start, first.end, first.count), (at(90), at(150), 5));
        assert!(Grid::new(at(0), at(1_000_000), step, at(2_000_000)).is_err());
        assert!(Grid::new(at(500), at(100), step, at(1000)).is_err());
    }

    #[test]
    fn gaps_and_what_is_no_number_are_none() {
        let grid = Grid::new(at(0), at(40), SignedDuration::from_secs(10), at(100)).unwrap();
        let laid = grid.lay(&[
            (0.0, 1.0),
            (10.0, f64::NAN),
            (20.001, 3.0),
            (30.0, f64::INFINITY),
            (-50.0, 9.0),
            (1e300, 9.0),
        ]);
        assert_eq!(laid, [Some(1.0), None, Some(3.0), None, None]);
    }
}
