//! The Prometheus face of the simulated platform: its HTTP API over the series of the ledger. Queries are read and
//! evaluated elsewhere; here parameters become queries and values become Prometheus' JSON.

pub mod answer;
pub mod form;
pub mod query;

use axum::Router;
use axum::routing::{any, get};

use super::series::Source;

/// The routes of the face.
pub fn router(source: Source) -> Router {
    Router::new()
        .route("/api/v1/query", any(query::instant))
        .route("/api/v1/query_range", any(query::range))
        .route("/api/v1/format_query", any(query::format_query))
        .route(
            "/-/ready",
            get(|| async { "Prometheus Server is Ready.\n" }),
        )
        .route(
            "/-/healthy",
            get(|| async { "Prometheus Server is Healthy.\n" }),
        )
        .with_state(source)
}
