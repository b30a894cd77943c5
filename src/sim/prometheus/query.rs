//! `query`, `query_range` and `format_query`. The ledger is only held while series are looked up.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::answer::{bad_data, bad_parameter, labels, refused, sample, success};
use super::form::{Form, length, moment};
use crate::sim::promql::ast::{Error, Expr, Type};
use crate::sim::promql::eval::{evaluate, evaluate_matrix};
use crate::sim::promql::labels::Labels;
use crate::sim::promql::parse::parse;
use crate::sim::promql::select::Selected;
use crate::sim::promql::value::{Column, Value, Window};
use crate::sim::series::{LedgerStore, Source};

const MOST_POINTS: i64 = 11_000;

/// The series of a query, looked up in the source's ledger.
pub fn select(source: &Source, expr: &Expr, window: Window) -> Option<Selected> {
    let (seed, now_ms) = (source.seed(), source.now_ms());
    let mut selected = None;
    source.with_ledger(&mut |ledger| {
        let store = LedgerStore {
            ledger,
            seed,
            now_ms,
        };
        selected = Some(Selected::new(expr, &store, window));
    });
    selected
}

/// Answers `query`.
pub async fn instant(State(source): State<Source>, form: Form) -> Response {
    let at = match form.get("time") {
        "" => source.now_ms(),
        text => match moment(text) {
            Ok(at) => at,
            Err(error) => {
                return bad_parameter("time", &format!("Invalid time value for 'time': {error}"));
            }
        },
    };
    let query = form.get("query");
    match instant_data(&source, query, at) {
        Ok(data) => success(data),
        Err(error) => refused(&error, query),
    }
}

fn nowhere() -> Error {
    Error::Execution("the ledger was not lent".into())
}

fn instant_data(source: &Source, query: &str, at: i64) -> Result<Json, Error> {
    let expr = parse(query)?;
    let window = Window::instant(at);
    let selected = select(source, &expr, window).ok_or_else(nowhere)?;
    if expr.gives() == Type::Matrix {
        let found = evaluate_matrix(&expr, &selected, at)?;
        let series = |(own, samples): &(_, Vec<crate::sim::promql::value::Sample>)| {
            let values: Vec<Json> = samples.iter().map(|s| sample(s.at, s.value)).collect();
            json!({"metric": labels(own), "values": values})
        };
        let result: Vec<Json> = found.iter().map(series).collect();
        return Ok(json!({"resultType": "matrix", "result": result}));
    }
    Ok(match evaluate(&expr, &selected, window)? {
        Value::Scalar(values) => json!({"resultType": "scalar", "result": sample(at, values[0])}),
        Value::Text(text) => {
            json!({"resultType": "string", "result": [super::answer::seconds(at), text]})
        }
        Value::Vector(columns) => {
            let series = |column: &Column| {
                let value = column.values.first().copied().flatten()?;
                Some(json!({"metric": labels(&column.labels), "value": sample(at, value)}))
            };
            let result: Vec<Json> = columns.iter().filter_map(series).collect();
            json!({"resultType": "vector", "result": result})
        }
    })
}

/// Answers `query_range`.
pub async fn range(State(source): State<Source>, form: Form) -> Response {
    let window = match window(&form) {
        Ok(window) => window,
        Err(refusal) => return *refusal,
    };
    let query = form.get("query");
    // Unlike `query`, this endpoint does not say which parameter it could not read.
    let expr = match parse(query) {
        Ok(expr) => expr,
        Err(error) => return bad_data(&error.sentence(query)),
    };
    let gives = expr.gives();
    if !matches!(gives, Type::Scalar | Type::Vector) {
        return bad_data(&format!(
            "invalid expression type \"{gives}\" for range query, must be Scalar or instant Vector"
        ));
    }
    match range_data(&source, &expr, window) {
        Ok(data) => success(data),
        Err(error) => refused(&error, query),
    }
}

fn window(form: &Form) -> Result<Window, Box<Response>> {
    let time =
        |name: &str| moment(form.get(name)).map_err(|error| Box::new(bad_parameter(name, &error)));
    let (start, end) = (time("start")?, time("end")?);
    if end < start {
        return Err(Box::new(bad_parameter(
            "end",
            "end timestamp must not be before start time",
        )));
    }
    let step = length(form.get("step")).map_err(|error| Box::new(bad_parameter("step", &error)))?;
    if step <= 0 {
        let what = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(Box::new(bad_parameter("step", what)));
    }
    if (end - start) / step > MOST_POINTS {
        let what = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
        return Err(Box::new(bad_data(what)));
    }
    Ok(Window { start, end, step })
}

fn range_data(source: &Source, expr: &Expr, window: Window) -> Result<Json, Error> {
    let selected = select(source, expr, window).ok_or_else(nowhere)?;
    let mut columns = match evaluate(expr, &selected, window)? {
        Value::Vector(columns) => columns,
        Value::Scalar(values) => vec![Column {
            labels: Labels::default(),
            values: values.into_iter().map(Some).collect(),
        }],
        Value::Text(_) => Vec::new(),
    };
    columns.sort_by(|a, b| a.labels.cmp(&b.labels));
    let times = window.times();
    let series = |column: &Column| {
        let cells = times.iter().zip(&column.values);
        let values: Vec<Json> = cells
            .filter_map(|(&at, value)| value.map(|v| sample(at, v)))
            .collect();
        (!values.is_empty()).then(|| json!({"metric": labels(&column.labels), "values": values}))
    };
    let result: Vec<Json> = columns.iter().filter_map(series).collect();
    Ok(json!({"resultType": "matrix", "result": result}))
}

/// Answers `format_query`.
pub async fn format_query(form: Form) -> Response {
    let query = form.get("query");
    match parse(query) {
        Ok(expr) => success(expr.to_string().into()),
        Err(error) => refused(&error, query),
    }
}
