//! Operators between two values: scalars with anything by moment, series with series by their matching labels.

use std::collections::{BTreeMap, HashMap};

use super::ast::{Error, Matching, Side};
use super::functions::operate;
use super::labels::{Labels, NAME};
use super::typing::{compares, is_set};
use super::value::{Column, Value, merged};

/// An operator with its modifiers.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    /// Its sign.
    pub sign: &'a str,
    /// Comparisons: 0 or 1 in place of filtering.
    pub as_bool: bool,
    /// How series are paired.
    pub matching: &'a Matching,
}

/// Applies an operator.
pub fn evaluate(operator: Operator<'_>, left: Value, right: Value) -> Result<Value, Error> {
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let pairs = left.into_iter().zip(right);
            Ok(Value::Scalar(
                pairs.map(|(l, r)| operator.number(l, r)).collect(),
            ))
        }
        (Value::Vector(columns), Value::Scalar(numbers)) => {
            let cell = |n: usize, v: f64| operator.cell(v, numbers[n], v);
            with_numbers(operator, columns, cell)
        }
        (Value::Scalar(numbers), Value::Vector(columns)) => {
            let cell = |n: usize, v: f64| operator.cell(numbers[n], v, v);
            with_numbers(operator, columns, cell)
        }
        (Value::Vector(left), Value::Vector(right)) if is_set(operator.sign) => {
            Ok(Value::Vector(operator.sets(left, right)))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            operator.pairs(left, right).map(Value::Vector)
        }
        _ => Err(Error::Execution(
            "operators work on numbers and series".into(),
        )),
    }
}

fn with_numbers(
    operator: Operator<'_>,
    columns: Vec<Column>,
    cell: impl Fn(usize, f64) -> Option<f64>,
) -> Result<Value, Error> {
    let column = |column: Column| {
        let cells = column.values.into_iter().enumerate();
        Column {
            labels: if operator.drops_name() {
                column.labels.drop_label(NAME)
            } else {
                column.labels
            },
            values: cells
                .map(|(n, value)| value.and_then(|v| cell(n, v)))
                .collect(),
        }
    };
    let columns = columns.into_iter().map(column);
    let kept = columns
        .filter(|column| column.values.iter().any(Option::is_some))
        .collect();
    let same = || Error::Execution("vector cannot contain metrics with the same labelset".into());
    merged(kept).map(Value::Vector).ok_or_else(same)
}

impl Operator<'_> {
    fn number(&self, left: f64, right: f64) -> f64 {
        let (value, kept) = operate(self.sign, left, right);
        if compares(self.sign) {
            f64::from(u8::from(kept))
        } else {
            value
        }
    }

    /// The result for one pair; a filter that keeps it yields `own`.
    fn cell(&self, left: f64, right: f64, own: f64) -> Option<f64> {
        let (value, kept) = operate(self.sign, left, right);
        match (compares(self.sign), self.as_bool) {
            (false, _) => Some(value),
            (true, true) => Some(f64::from(u8::from(kept))),
            (true, false) => kept.then_some(own),
        }
    }

    fn drops_name(&self) -> bool {
        !compares(self.sign) || self.as_bool
    }

    fn signature(&self, labels: &Labels) -> Labels {
        if self.matching.on {
            labels.only(&self.matching.labels)
        } else {
            labels.without(&self.matching.labels)
        }
    }

    fn sets(&self, left: Vec<Column>, right: Vec<Column>) -> Vec<Column> {
        let of_right = self.presence(&right);
        let of_left = self.presence(&left);
        let masked = |mut column: Column, other: &HashMap<Labels, Vec<bool>>, wanted: bool| {
            let there = other.get(&self.signature(&column.labels));
            for (n, cell) in column.values.iter_mut().enumerate() {
                if there.is_some_and(|there| there[n]) != wanted {
                    *cell = None;
                }
            }
            column
        };
        let found: Vec<Column> = match self.sign {
            "and" => left
                .into_iter()
                .map(|column| masked(column, &of_right, true))
                .collect(),
            "unless" => left
                .into_iter()
                .map(|column| masked(column, &of_right, false))
                .collect(),
            _ => {
                let rest = right
                    .into_iter()
                    .map(|column| masked(column, &of_left, false));
                let all: Vec<Column> = left.into_iter().chain(rest).collect();
                // A series may come from one side now and from the other later; never from both at once.
                merged(all.clone()).unwrap_or(all)
            }
        };
        found
            .into_iter()
            .filter(|column| column.values.iter().any(Option::is_some))
            .collect()
    }

    fn presence(&self, columns: &[Column]) -> HashMap<Labels, Vec<bool>> {
        let mut found: HashMap<Labels, Vec<bool>> = HashMap::new();
        for column in columns {
            let there = found
                .entry(self.signature(&column.labels))
                .or_insert_with(|| vec![false; column.values.len()]);
            for (flag, value) in there.iter_mut().zip(&column.values) {
                *flag |= value.is_some();
            }
        }
        found
    }

    fn pairs(&self, left: Vec<Column>, right: Vec<Column>) -> Result<Vec<Column>, Error> {
        let swapped = self.matching.many == Some(Side::Right);
        let (many, one) = if swapped {
            (right, left)
        } else {
            (left, right)
        };
        let mut by_signature: HashMap<Labels, Vec<&Column>> = HashMap::new();
        for column in &one {
            by_signature
                .entry(self.signature(&column.labels))
                .or_default()
                .push(column);
        }
        check_one_side(&by_signature, swapped)?;
        let mut results: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
        let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
        for column in &many {
            let signature = self.signature(&column.labels);
            let Some(partners) = by_signature.get(&signature) else {
                continue;
            };
            if self.matching.many.is_none() {
                let taken = taken
                    .entry(signature)
                    .or_insert_with(|| vec![false; column.values.len()]);
                for partner in partners {
                    claim(taken, column, partner)?;
                }
            }
            for partner in partners {
                let labels = self.result_labels(&column.labels, &partner.labels);
                let cells = results
                    .entry(labels)
                    .or_insert_with(|| vec![None; column.values.len()]);
                self.fill(cells, column, partner, swapped)?;
            }
        }
        let columns = results
            .into_iter()
            .map(|(labels, values)| Column { labels, values });
        Ok(columns
            .filter(|column| column.values.iter().any(Option::is_some))
            .collect())
    }

    fn fill(
        &self,
        cells: &mut [Option<f64>],
        column: &Column,
        partner: &Column,
        swapped: bool,
    ) -> Result<(), Error> {
        for (n, cell) in cells.iter_mut().enumerate() {
            let (Some(many), Some(one)) = (column.values[n], partner.values[n]) else {
                continue;
            };
            let (left, right) = if swapped { (one, many) } else { (many, one) };
            let Some(value) = self.cell(left, right, left) else {
                continue;
            };
            if cell.replace(value).is_some() {
                let what =
                    "multiple matches for labels: grouping labels must ensure unique matches";
                return Err(Error::Execution(what.into()));
            }
        }
        Ok(())
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let mut labels = if self.drops_name() {
            many.drop_label(NAME)
        } else {
            many.clone()
        };
        if self.matching.many.is_none() {
            labels = if self.matching.on {
                labels.only(&self.matching.labels)
            } else {
                self.matching
                    .labels
                    .iter()
                    .fold(labels, |labels, name| labels.drop_label(name))
            };
        }
        for name in &self.matching.include {
            labels.set(name.as_str().into(), one.get(name).into());
        }
        labels
    }
}

fn braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn check_one_side(groups: &HashMap<Labels, Vec<&Column>>, swapped: bool) -> Result<(), Error> {
    let clash = |columns: &[&Column]| {
        let moments = columns.first().map_or(0, |column| column.values.len());
        (0..moments).any(|n| {
            columns
                .iter()
                .filter(|column| column.values[n].is_some())
                .count()
                > 1
        })
    };
    let side = if swapped { "left" } else { "right" };
    // In order, so that the same query is always refused in the same words.
    let ordered: BTreeMap<&Labels, &Vec<&Column>> = groups.iter().collect();
    let mut doubtful = ordered.iter().filter(|(_, columns)| columns.len() > 1);
    if let Some((signature, columns)) = doubtful.find(|(_, columns)| clash(columns)) {
        let shown = braces(signature);
        let listed: Vec<String> = columns
            .iter()
            .take(2)
            .map(|column| braces(&column.labels))
            .collect();
        let listed = listed.join(", ");
        return Err(Error::Execution(format!(
            "found duplicate series for the match group {shown} on the {side} hand-side of the operation: [{listed}];many-to-many matching not allowed: matching labels must be unique on one side"
        )));
    }
    Ok(())
}

/// In one-to-one matching a partner may be taken once at each moment.
fn claim(taken: &mut [bool], column: &Column, partner: &Column) -> Result<(), Error> {
    for (n, taken) in taken.iter_mut().enumerate() {
        let both = column.values[n].is_some() && partner.values[n].is_some();
        if both && std::mem::replace(taken, true) {
            let what = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
            return Err(Error::Execution(what.into()));
        }
    }
    Ok(())
}
