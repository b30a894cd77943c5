//! What is done to whole columns: joining those of one series, mapping values, sorting, histogram quantiles.

use std::collections::HashMap;

use super::ast::Error;
use super::labels::{Labels, NAME};
use super::quantile::{Bucket, of_buckets};
use super::value::{Column, merged};

/// Puts columns of one series together; refuses two values at one moment.
pub fn unique(columns: Vec<Column>) -> Result<Vec<Column>, Error> {
    let same = || Error::Execution("vector cannot contain metrics with the same labelset".into());
    merged(columns).ok_or_else(same)
}

/// Takes the metric name off, as every computation does.
pub fn unnamed(columns: Vec<Column>) -> Result<Vec<Column>, Error> {
    let dropped = columns.into_iter().map(|column| Column {
        labels: column.labels.drop_label(NAME),
        values: column.values,
    });
    unique(dropped.collect())
}

/// Computes every value by itself; the function also gets the number of the moment.
pub fn mapped(columns: Vec<Column>, of: impl Fn(usize, f64) -> Option<f64>) -> Vec<Column> {
    let column = |column: Column| {
        let cells = column.values.into_iter().enumerate();
        Column {
            labels: column.labels,
            values: cells
                .map(|(n, value)| value.and_then(|v| of(n, v)))
                .collect(),
        }
    };
    columns.into_iter().map(column).collect()
}

/// Sorting only means something at a single moment; NaN goes last either way.
pub fn sorted(mut columns: Vec<Column>, descending: bool) -> Vec<Column> {
    let key = |column: &Column| column.values.first().copied().flatten().unwrap_or(f64::NAN);
    columns.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        let order = if descending {
            b.partial_cmp(&a)
        } else {
            a.partial_cmp(&b)
        };
        order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    });
    columns
}

/// The quantile of every histogram among bucket columns.
pub fn histograms(q: &[f64], columns: Vec<Column>) -> Vec<Column> {
    let mut groups: Vec<(Labels, Vec<(f64, Column)>)> = Vec::new();
    let mut index = HashMap::new();
    for column in columns {
        let Ok(bound) = column.labels.get("le").parse::<f64>() else {
            continue;
        };
        let key = column.labels.without(&["le".to_owned()]);
        let at = *index.entry(key.clone()).or_insert(groups.len());
        if at == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[at].1.push((bound, column));
    }
    let quantiles = |(labels, buckets): (Labels, Vec<(f64, Column)>)| {
        let mut scratch = Vec::with_capacity(buckets.len());
        let cell = |(n, &q): (usize, &f64)| {
            scratch.clear();
            let present = buckets
                .iter()
                .filter_map(|(bound, column)| Some((*bound, column.values[n]?)));
            scratch.extend(present.map(|(bound, count)| Bucket { bound, count }));
            (!scratch.is_empty()).then(|| of_buckets(q, &mut scratch))
        };
        let values = q.iter().enumerate().map(cell).collect();
        Column { labels, values }
    };
    groups.into_iter().map(quantiles).collect()
}
