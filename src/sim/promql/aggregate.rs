//! Aggregations: series that share the grouping labels become one, or, for `topk`, compete at each moment.

use std::collections::HashMap;

use super::labels::Labels;
use super::quantile::of_values;
use super::value::Column;

/// Aggregates columns into the groups that `group` assigns their labels to.
pub fn aggregate(
    op: &str,
    param: Option<&[f64]>,
    columns: Vec<Column>,
    group: impl Fn(&Labels) -> Labels,
) -> Vec<Column> {
    let mut groups: Vec<(Labels, Vec<Column>)> = Vec::new();
    let mut index: HashMap<Labels, usize> = HashMap::new();
    for column in columns {
        let key = group(&column.labels);
        let at = *index.entry(key.clone()).or_insert(groups.len());
        if at == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[at].1.push(column);
    }
    let ranked = matches!(op, "topk" | "bottomk");
    let one = |(labels, columns): (Labels, Vec<Column>)| match param {
        Some(param) if ranked => best(op, param, columns),
        _ => vec![Column {
            values: combined(op, param, &columns),
            labels,
        }],
    };
    groups.into_iter().flat_map(one).collect()
}

fn combined(op: &str, param: Option<&[f64]>, columns: &[Column]) -> Vec<Option<f64>> {
    let moments = columns.first().map_or(0, |column| column.values.len());
    let mut present = Vec::with_capacity(columns.len());
    let cell = |n: usize| {
        present.clear();
        present.extend(columns.iter().filter_map(|column| column.values[n]));
        let parameter = param.map_or(f64::NAN, |param| param[n]);
        (!present.is_empty()).then(|| of_group(op, parameter, &mut present))
    };
    (0..moments).map(cell).collect()
}

fn of_group(op: &str, parameter: f64, values: &mut [f64]) -> f64 {
    let count = values.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let variance = |values: &[f64]| {
        let mean = mean(values);
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count
    };
    match op {
        "sum" => values.iter().sum(),
        "avg" => mean(values),
        "min" => values.iter().copied().fold(f64::NAN, f64::min),
        "max" => values.iter().copied().fold(f64::NAN, f64::max),
        "count" => count,
        "group" => 1.0,
        "stdvar" => variance(values),
        "stddev" => variance(values).sqrt(),
        "quantile" => of_values(parameter, values),
        _ => f64::NAN,
    }
}

/// Keeps the largest or smallest values of each moment; at a single moment the series come out in that order.
fn best(op: &str, param: &[f64], mut columns: Vec<Column>) -> Vec<Column> {
    let mut kept: Vec<Vec<Option<f64>>> = columns
        .iter()
        .map(|column| vec![None; column.values.len()])
        .collect();
    let mut order: Vec<usize> = Vec::new();
    for (n, &k) in param.iter().enumerate() {
        let value = |at: usize| columns[at].values[n].unwrap_or(f64::NAN);
        order = (0..columns.len())
            .filter(|&at| columns[at].values[n].is_some())
            .collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (value(a), value(b));
            let by_value = if op == "topk" {
                b.partial_cmp(&a)
            } else {
                a.partial_cmp(&b)
            };
            by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
        order.truncate(if k >= 1.0 { k as usize } else { 0 });
        for &at in &order {
            kept[at][n] = Some(value(at));
        }
    }
    for (column, values) in columns.iter_mut().zip(kept) {
        column.values = values;
    }
    if param.len() == 1 {
        let mut slots: Vec<Option<Column>> = columns.into_iter().map(Some).collect();
        return order
            .into_iter()
            .filter_map(|at| slots[at].take())
            .collect();
    }
    columns.retain(|column| column.values.iter().any(Option::is_some));
    columns
}
