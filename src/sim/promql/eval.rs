//! Walks a query's tree and computes all moments of the window at once, column by column: labels are handled
//! once per series, not once per moment.

use super::aggregate::aggregate;
use super::ast::{Error, Expr, Function, Kind, Selector, Shift, Type};
use super::binary::{self, Operator};
use super::columns::{histograms, mapped, sorted, unique, unnamed};
use super::functions::of_value;
use super::labels::Labels;
use super::relabel::label_replace;
use super::select::{LOOKBACK, SUBQUERY_STEP, Selected, moment};
use super::typing::pinned;
use super::value::{Column, Sample, Series, Value, Window};
use super::windows::{Stretch, from_edges, needs_edges_only, over};

/// Evaluates an expression at every moment of a window.
pub fn evaluate(expr: &Expr, selected: &Selected, window: Window) -> Result<Value, Error> {
    let evaluator = Evaluator {
        selected,
        query: window,
        times: window.times(),
    };
    let value = evaluator.value(expr)?;
    match value {
        Value::Vector(columns) => Ok(Value::Vector(unique(columns)?)),
        other => Ok(other),
    }
}

/// The samples of a range selector or subquery at one moment: the answer to asking for a range vector itself.
pub fn evaluate_matrix(
    expr: &Expr,
    selected: &Selected,
    at: i64,
) -> Result<Vec<(Labels, Vec<Sample>)>, Error> {
    let window = Window::instant(at);
    let evaluator = Evaluator {
        selected,
        query: window,
        times: vec![at],
    };
    let runs = evaluator.runs(expr)?;
    let found = runs.into_iter().map(|run| {
        let stretch = run.stretch(at, window);
        let inside = run
            .samples
            .iter()
            .filter(|s| stretch.from <= s.at && s.at <= stretch.to);
        (run.labels, inside.copied().collect::<Vec<_>>())
    });
    Ok(found.filter(|(_, samples)| !samples.is_empty()).collect())
}

struct Evaluator<'a> {
    selected: &'a Selected,
    query: Window,
    times: Vec<i64>,
}

/// All samples of one series that any of the stretches needs.
struct Run {
    labels: Labels,
    samples: Vec<Sample>,
    range: i64,
    shift: Shift,
}

impl Run {
    fn stretch(&self, at: i64, query: Window) -> Stretch {
        let to = moment(self.shift, at, query);
        Stretch {
            from: to - self.range,
            to,
        }
    }
}

impl Evaluator<'_> {
    fn value(&self, expr: &Expr) -> Result<Value, Error> {
        match &expr.kind {
            Kind::Number(n) => Ok(Value::Scalar(vec![*n; self.times.len()])),
            Kind::Text(text) => Ok(Value::Text(text.clone())),
            Kind::Paren(inner) => self.value(inner),
            Kind::Vector(selector) => {
                Ok(Value::Vector(self.instant(selector, |sample| sample.value)))
            }
            Kind::Matrix(..) | Kind::Subquery { .. } => {
                Err(Error::Execution("unexpected range vector".into()))
            }
            Kind::Negate(inner) => self.negated(inner),
            Kind::Call(function, args) => self.call(function, args),
            Kind::Aggregate {
                op,
                param,
                inner,
                without,
                labels,
            } => {
                let param = param.as_ref().map(|param| self.scalar(param)).transpose()?;
                let columns = self.vector(inner)?;
                let group = |own: &Labels| {
                    if *without {
                        own.without(labels)
                    } else {
                        own.only(labels)
                    }
                };
                Ok(Value::Vector(aggregate(
                    op,
                    param.as_deref(),
                    columns,
                    group,
                )))
            }
            Kind::Binary {
                op,
                as_bool,
                left,
                right,
                matching,
            } => {
                let operator = Operator {
                    sign: op,
                    as_bool: *as_bool,
                    matching,
                };
                binary::evaluate(operator, self.value(left)?, self.value(right)?)
            }
        }
    }

    fn vector(&self, expr: &Expr) -> Result<Vec<Column>, Error> {
        match self.value(expr)? {
            Value::Vector(columns) => Ok(columns),
            _ => Err(Error::Execution("expected an instant vector".into())),
        }
    }

    fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, Error> {
        match self.value(expr)? {
            Value::Scalar(values) => Ok(values),
            _ => Err(Error::Execution("expected a scalar".into())),
        }
    }

    fn instant(&self, selector: &Selector, of: impl Fn(Sample) -> f64) -> Vec<Column> {
        let column = |series: &dyn Series| {
            let cell = |&at: &i64| {
                let at = moment(selector.shift, at, self.query);
                series.newest(at, at - LOOKBACK).map(&of)
            };
            Column {
                labels: series.labels().clone(),
                values: self.times.iter().map(cell).collect(),
            }
        };
        let columns = self.selected.series(selector.id).map(column);
        columns
            .filter(|column| column.values.iter().any(Option::is_some))
            .collect()
    }

    fn negated(&self, inner: &Expr) -> Result<Value, Error> {
        Ok(match self.value(inner)? {
            Value::Scalar(values) => Value::Scalar(values.into_iter().map(|v| -v).collect()),
            Value::Vector(columns) => Value::Vector(unnamed(mapped(columns, |_, v| Some(-v)))?),
            Value::Text(text) => Value::Text(text),
        })
    }

    fn call(&self, function: &Function, args: &[Expr]) -> Result<Value, Error> {
        let seconds = |at: &i64| *at as f64 / 1000.0;
        if let Some(range) = args.iter().find(|arg| arg.gives() == Type::Matrix) {
            return self.over_range(function.name, args, range);
        }
        Ok(match (function.name, args) {
            ("time", _) => Value::Scalar(self.times.iter().map(seconds).collect()),
            ("vector", [inner]) => {
                let values = self.scalar(inner)?.into_iter().map(Some).collect();
                Value::Vector(vec![Column {
                    labels: Labels::default(),
                    values,
                }])
            }
            ("scalar", [inner]) => Value::Scalar(self.single(&self.vector(inner)?)),
            ("absent", [inner]) => Value::Vector(self.absent(inner, &self.vector(inner)?)),
            ("timestamp", [inner]) => Value::Vector(unnamed(match &inner.bare().kind {
                Kind::Vector(selector) => self.instant(selector, |sample| seconds(&sample.at)),
                _ => mapped(self.vector(inner)?, |n, _| Some(seconds(&self.times[n]))),
            })?),
            ("sort", [inner]) => Value::Vector(sorted(self.vector(inner)?, false)),
            ("sort_desc", [inner]) => Value::Vector(sorted(self.vector(inner)?, true)),
            ("histogram_quantile", [q, inner]) => {
                Value::Vector(histograms(&self.scalar(q)?, self.vector(inner)?))
            }
            ("label_replace", [inner, rest @ ..]) => {
                Value::Vector(unique(label_replace(self.vector(inner)?, &texts(rest))?)?)
            }
            (name, [inner, rest @ ..]) => {
                let parameters = rest
                    .iter()
                    .map(|arg| self.scalar(arg))
                    .collect::<Result<Vec<_>, _>>()?;
                let at = |n: usize| {
                    parameters
                        .iter()
                        .map(|values| values[n])
                        .collect::<Vec<_>>()
                };
                Value::Vector(unnamed(mapped(self.vector(inner)?, |n, v| {
                    of_value(name, v, &at(n))
                }))?)
            }
            (name, []) => return Err(Error::Execution(format!("{name} needs an argument"))),
        })
    }

    /// The value of the only series at each moment, NaN where there is none or more than one.
    fn single(&self, columns: &[Column]) -> Vec<f64> {
        let one = |n: usize| {
            let mut present = columns.iter().filter_map(|column| column.values[n]);
            match (present.next(), present.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        };
        (0..self.times.len()).map(one).collect()
    }

    /// One series of ones where nothing is there, with the labels that the selector pins.
    fn absent(&self, asked: &Expr, columns: &[Column]) -> Vec<Column> {
        let labels = match &asked.bare().kind {
            Kind::Vector(selector) | Kind::Matrix(selector, _) => Labels::new(pinned(selector)),
            _ => Labels::default(),
        };
        let missing = |n: usize| columns.iter().all(|column| column.values[n].is_none());
        let values: Vec<_> = (0..self.times.len())
            .map(|n| missing(n).then_some(1.0))
            .collect();
        if values.iter().all(Option::is_none) {
            return Vec::new();
        }
        vec![Column { labels, values }]
    }

    fn over_range(&self, name: &str, args: &[Expr], range: &Expr) -> Result<Value, Error> {
        let parameter = match args.first().filter(|arg| arg.gives() == Type::Scalar) {
            Some(arg) => self.scalar(arg)?,
            None => vec![0.0; self.times.len()],
        };
        if name == "absent_over_time" {
            let present = self.windowed("present_over_time", range, &parameter)?;
            return Ok(Value::Vector(self.absent(range, &present)));
        }
        let columns = match &range.bare().kind {
            Kind::Matrix(selector, length) if needs_edges_only(name) => {
                self.rates(name, selector, *length)
            }
            _ => None,
        };
        let columns = match columns {
            Some(columns) => columns,
            None => self.windowed(name, range, &parameter)?,
        };
        if name == "last_over_time" {
            return Ok(Value::Vector(columns));
        }
        Ok(Value::Vector(unnamed(columns)?))
    }

    /// Rates by the outer samples alone; `None` if any of the series cannot tell them.
    fn rates(&self, name: &str, selector: &Selector, length: i64) -> Option<Vec<Column>> {
        let mut columns = Vec::new();
        for series in self.selected.series(selector.id) {
            let mut values = Vec::with_capacity(self.times.len());
            for &at in &self.times {
                let to = moment(selector.shift, at, self.query);
                let stretch = Stretch {
                    from: to - length,
                    to,
                };
                let edges = series.edges(stretch.from, stretch.to)?;
                values.push(edges.and_then(|edges| from_edges(name, &edges, stretch)));
            }
            columns.push(Column {
                labels: series.labels().clone(),
                values,
            });
        }
        columns.retain(|column| column.values.iter().any(Option::is_some));
        Some(columns)
    }

    fn windowed(&self, name: &str, range: &Expr, parameter: &[f64]) -> Result<Vec<Column>, Error> {
        let column = |run: Run| {
            let cell = |(n, &at): (usize, &i64)| {
                let stretch = run.stretch(at, self.query);
                let first = run.samples.partition_point(|s| s.at < stretch.from);
                let after = run.samples.partition_point(|s| s.at <= stretch.to);
                over(
                    name,
                    &run.samples[first..after.max(first)],
                    stretch,
                    parameter[n],
                )
            };
            Column {
                values: self.times.iter().enumerate().map(cell).collect(),
                labels: run.labels,
            }
        };
        let columns = self.runs(range)?.into_iter().map(column);
        Ok(columns
            .filter(|column| column.values.iter().any(Option::is_some))
            .collect())
    }

    /// The samples behind a range expression, enough of them for every moment.
    fn runs(&self, range: &Expr) -> Result<Vec<Run>, Error> {
        let (Some(&first), Some(&last)) = (self.times.first(), self.times.last()) else {
            return Ok(Vec::new());
        };
        let ends = |shift| {
            (
                moment(shift, first, self.query),
                moment(shift, last, self.query),
            )
        };
        match &range.bare().kind {
            Kind::Matrix(selector, length) => {
                let shift = selector.shift;
                let (from, to) = ends(shift);
                let run = |series: &dyn Series| Run {
                    labels: series.labels().clone(),
                    samples: series.samples(from - length, to),
                    range: *length,
                    shift,
                };
                Ok(self.selected.series(selector.id).map(run).collect())
            }
            Kind::Subquery {
                inner,
                range,
                step,
                shift,
            } => {
                let (from, to) = ends(*shift);
                self.subquery(
                    inner,
                    (from - range, to),
                    step.unwrap_or(SUBQUERY_STEP),
                    (*range, *shift),
                )
            }
            _ => Err(Error::Execution("expected a range vector".into())),
        }
    }

    /// Evaluates an inner expression on the multiples of its step, whatever the outer moments are.
    fn subquery(
        &self,
        inner: &Expr,
        (from, to): (i64, i64),
        step: i64,
        (range, shift): (i64, Shift),
    ) -> Result<Vec<Run>, Error> {
        const MOST: i64 = 200_000;
        let step = step.max(1);
        let start = from.div_euclid(step) * step;
        let window = Window {
            start: if start < from { start + step } else { start },
            end: to,
            step,
        };
        if (to - from) / step > MOST {
            return Err(Error::Execution(
                "query processing would load too many samples into memory in query execution"
                    .into(),
            ));
        }
        let inside = Evaluator {
            selected: self.selected,
            query: self.query,
            times: window.times(),
        };
        let columns = match inside.value(inner)? {
            Value::Vector(columns) => columns,
            Value::Scalar(values) => vec![Column {
                labels: Labels::default(),
                values: values.into_iter().map(Some).collect(),
            }],
            Value::Text(_) => {
                return Err(Error::Execution("expected numbers in a subquery".into()));
            }
        };
        let run = |column: Column| {
            let cells = inside.times.iter().zip(&column.values);
            let samples = cells.filter_map(|(&at, value)| value.map(|value| Sample { at, value }));
            Run {
                samples: samples.collect(),
                labels: column.labels,
                range,
                shift,
            }
        };
        Ok(columns.into_iter().map(run).collect())
    }
}

fn texts(args: &[Expr]) -> Vec<&str> {
    args.iter()
        .map(|arg| match &arg.bare().kind {
            Kind::Text(text) => text.as_str(),
            _ => "",
        })
        .collect()
}
