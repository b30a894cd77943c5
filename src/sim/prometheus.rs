//! The Prometheus face of the simulated platform: its HTTP API over the series of the ledger. Queries are read and
//! evaluated elsewhere; here parameters become queries and values become Prometheus' JSON.

pub mod alerts;
pub mod answer;
pub mod catalog;
pub mod form;
pub mod query;
pub mod rules;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use self::rules::Alarms;
use super::series::Source;

/// The routes of the face.
pub fn router(source: Source) -> Router {
    let alarms = Arc::new(Alarms::new(Arc::clone(&source)));
    let rules = Router::new()
        .route("/api/v1/alerts", get(alerts::alerts))
        .route("/api/v1/rules", get(alerts::rules))
        .with_state(alarms);
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route(
            "/api/v1/format_query",
            get(query::format_query).post(query::format_query),
        )
        .route("/api/v1/series", get(catalog::series).post(catalog::series))
        .route(
            "/api/v1/labels",
            get(catalog::label_names).post(catalog::label_names),
        )
        .route("/api/v1/label/{name}/values", get(catalog::label_values))
        .route("/api/v1/metadata", get(catalog::metadata))
        .route("/api/v1/targets", get(catalog::targets))
        .route("/api/v1/status/buildinfo", get(catalog::build_info))
        .route("/pods/{namespace}/{pod}/metrics", get(catalog::pod_metrics))
        .route(
            "/-/ready",
            get(|| async { "Prometheus Server is Ready.\n" }),
        )
        .route(
            "/-/healthy",
            get(|| async { "Prometheus Server is Healthy.\n" }),
        )
        .with_state(source)
        .merge(rules)
}
