//! Answers in the form of Prometheus' HTTP API.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json_, json};

use crate::sim::promql::ast::{Error, number_text};
use crate::sim::promql::labels::Labels;

/// A success with its data.
pub fn success(data: Json_) -> Response {
    let mut body = Map::new();
    body.insert("status".into(), "success".into());
    body.insert("data".into(), data);
    Json(Json_::Object(body)).into_response()
}

/// A refusal of the request's parameters.
pub fn bad_data(error: &str) -> Response {
    failure(StatusCode::BAD_REQUEST, "bad_data", error)
}

/// A refusal of one parameter.
pub fn bad_parameter(name: &str, error: &str) -> Response {
    bad_data(&format!("invalid parameter {name:?}: {error}"))
}

/// The answer to a query that cannot be read or cannot be computed.
pub fn refused(error: &Error, query: &str) -> Response {
    let sentence = error.sentence(query);
    match error {
        Error::Parse(..) => bad_parameter("query", &sentence),
        Error::Execution(_) => failure(StatusCode::UNPROCESSABLE_ENTITY, "execution", &sentence),
    }
}

fn failure(status: StatusCode, kind: &str, error: &str) -> Response {
    let body = json!({"status": "error", "errorType": kind, "error": error});
    (status, Json(body)).into_response()
}

/// Labels as an object.
pub fn labels(labels: &Labels) -> Json_ {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), Json_::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// A sample as Prometheus writes it: seconds, and the value as a text.
pub fn sample(at_ms: i64, value: f64) -> Json_ {
    json!([seconds(at_ms), number_text(value)])
}

/// Seconds, whole where they are.
pub fn seconds(at_ms: i64) -> Json_ {
    if at_ms % 1000 == 0 {
        json!(at_ms / 1000)
    } else {
        json!(at_ms as f64 / 1000.0)
    }
}
