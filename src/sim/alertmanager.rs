//! The Alertmanager face of the simulated platform, API v2: the firing alerts of the rules, and silences, which
//! are the only state kept here.

pub mod alerts;
pub mod silences;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use self::alerts::Desk;
use self::silences::Silences;
use super::prometheus::alerts::rfc3339;
use super::prometheus::rules::Alarms;
use super::series::Source;

/// The routes of the face.
pub fn router(source: Source) -> Router {
    let desk = Arc::new(Desk {
        started: source.now_ms(),
        alarms: Alarms::new(source),
        silences: Mutex::new(Silences::default()),
    });
    Router::new()
        .route("/api/v2/status", get(status))
        .route("/api/v2/receivers", get(alerts::receivers))
        .route("/api/v2/alerts", get(alerts::list))
        .route("/api/v2/alerts/groups", get(alerts::groups))
        .route(
            "/api/v2/silences",
            get(alerts::list_silences).post(alerts::silence),
        )
        .route(
            "/api/v2/silence/{id}",
            get(alerts::one_silence).delete(alerts::expire),
        )
        .route("/-/ready", get(|| async { "OK" }))
        .route("/-/healthy", get(|| async { "OK" }))
        .with_state(desk)
}

async fn status(State(desk): State<Arc<Desk>>) -> axum::Json<serde_json::Value> {
    axum::Json(json!({
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": "route:\n  receiver: on-call\n  group_by:\n  - alertname\n  - namespace\n  - service\nreceivers:\n- name: on-call\n"},
        "uptime": rfc3339(desk.started),
        "versionInfo": {
            "branch": "simulated",
            "buildDate": "20221222-00:00:00",
            "buildUser": "vigie",
            "goVersion": "none",
            "revision": "simulated",
            "version": "0.25.0",
        },
    }))
}
