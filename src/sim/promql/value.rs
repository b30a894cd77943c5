//! What expressions evaluate to: one column of values per series, one cell per moment asked about. Also what a
//! store of series must offer to be queried.

use super::ast::Selector;
use super::labels::Labels;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When, in milliseconds.
    pub at: i64,
    /// How much.
    pub value: f64,
}

/// The outer samples of a stretch of a counter that never went back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edges {
    /// The first sample.
    pub first: Sample,
    /// The last sample.
    pub last: Sample,
    /// How many there are, both included.
    pub count: usize,
}

/// One series of samples.
pub trait Series: Send + Sync {
    /// Its labels, the metric's name among them.
    fn labels(&self) -> &Labels;
    /// The newest sample at or before a moment and after `oldest`; none once the series went stale.
    fn newest(&self, at: i64, oldest: i64) -> Option<Sample>;
    /// All samples of a stretch, both ends included.
    fn samples(&self, from: i64, to: i64) -> Vec<Sample>;
    /// The outer samples of a stretch, if this is known to be a counter without resets; lets `rate` skip the rest.
    fn edges(&self, _from: i64, _to: i64) -> Option<Option<Edges>> {
        None
    }
}

/// A place that series are chosen from.
pub trait Store {
    /// The series that a selector accepts and that had samples in a stretch of time, in order of their labels.
    fn select(&self, selector: &Selector, from: i64, to: i64) -> Vec<Box<dyn Series>>;
}

/// One series of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its labels.
    pub labels: Labels,
    /// Its value at each moment, where it has one.
    pub values: Vec<Option<f64>>,
}

/// The value of an expression at all moments asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number at each moment.
    Scalar(Vec<f64>),
    /// Series.
    Vector(Vec<Column>),
    /// A text.
    Text(String),
}

/// The moments asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first, in milliseconds.
    pub start: i64,
    /// No later than this.
    pub end: i64,
    /// The distance between two, at least 1.
    pub step: i64,
}

impl Window {
    /// A single moment.
    pub fn instant(at: i64) -> Self {
        Self {
            start: at,
            end: at,
            step: 1,
        }
    }

    /// All moments in order.
    pub fn times(&self) -> Vec<i64> {
        let step = self.step.max(1);
        let count = (self.end - self.start).max(-1).div_euclid(step) + 1;
        (0..count).map(|n| self.start + n * step).collect()
    }
}

/// Puts columns with equal labels together; `None` when two have a value at the same moment.
pub fn merged(columns: Vec<Column>) -> Option<Vec<Column>> {
    let mut index = std::collections::HashMap::new();
    let mut found: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        let Some(&at) = index.get(&column.labels) else {
            index.insert(column.labels.clone(), found.len());
            found.push(column);
            continue;
        };
        let own: &mut Column = &mut found[at];
        for (cell, value) in own.values.iter_mut().zip(column.values) {
            match (&cell, value) {
                (Some(_), Some(_)) => return None,
                (None, Some(_)) => *cell = value,
                _ => {}
            }
        }
    }
    Some(found)
}
