//! The requests of the Alertmanager face: alerts with their filters and groups, and silences in and out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::silences::{Posted, Refused, Silences, is_identifier};
use crate::sim::prometheus::alerts::rfc3339;
use crate::sim::prometheus::answer::labels;
use crate::sim::prometheus::form::Form;
use crate::sim::prometheus::rules::{Alarms, Alert, RULES};
use crate::sim::promql::labels::{Labels, Matcher};

const RECEIVER: &str = "on-call";
const GROUP_BY: [&str; 3] = ["alertname", "namespace", "service"];
/// Prometheus sends a firing alert again this often, in milliseconds, and calls it valid for four times as long.
const RESEND: i64 = 60_000;

/// What the face works with.
pub struct Desk {
    /// When it began, in milliseconds.
    pub started: i64,
    /// The alerts of the rules.
    pub alarms: Alarms,
    /// The silences.
    pub silences: Mutex<Silences>,
}

impl Desk {
    fn now(&self) -> i64 {
        self.alarms.source().now_ms()
    }

    fn silences(&self) -> MutexGuard<'_, Silences> {
        self.silences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The firing alerts that the request's filters leave, in order of their fingerprints.
    fn chosen(&self, form: &Form) -> Result<Vec<Shown>, Box<Response>> {
        let filters = filters(form)?;
        let flag = |name: &str| match form.get(name) {
            "" | "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(Box::new(invalid(
                601,
                &format!("{name} in query must be of type boolean: {other:?}"),
            ))),
        };
        let (active, silenced) = (flag("active")?, flag("silenced")?);
        flag("inhibited")?;
        let receiver = match form.get("receiver") {
            "" => true,
            pattern => Matcher::new("receiver", "=~", pattern)
                .map_err(|error| Box::new(refusal(StatusCode::BAD_REQUEST, &error)))?
                .accepts(RECEIVER),
        };
        let now = self.now();
        let kept = self.silences();
        let shown = |alert: Alert| {
            let fired = alert.fired_at?;
            let silenced_by = kept.covering(&alert.labels, now);
            Some(Shown {
                fingerprint: fingerprint(&alert.labels),
                alert,
                fired,
                silenced_by,
                now,
            })
        };
        let wanted = |shown: &Shown| {
            let fits = filters
                .iter()
                .all(|m| m.accepts(shown.alert.labels.get(&m.name)));
            let state = if shown.silenced_by.is_empty() {
                active
            } else {
                silenced
            };
            fits && state && receiver
        };
        let mut found: Vec<Shown> = self
            .alarms
            .alerts()
            .into_iter()
            .filter_map(shown)
            .filter(wanted)
            .collect();
        found.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        Ok(found)
    }
}

struct Shown {
    fingerprint: String,
    alert: Alert,
    fired: i64,
    silenced_by: Vec<String>,
    now: i64,
}

impl Shown {
    fn json(&self) -> Value {
        let sent = self.fired + (self.now - self.fired).max(0) / RESEND * RESEND;
        let state = if self.silenced_by.is_empty() {
            "active"
        } else {
            "suppressed"
        };
        let annotations: BTreeMap<_, _> = self
            .alert
            .annotations
            .iter()
            .map(|(name, text)| (*name, text))
            .collect();
        let query = RULES[self.alert.rule].query;
        json!({
            "annotations": annotations,
            "endsAt": rfc3339(sent + 4 * RESEND),
            "fingerprint": self.fingerprint,
            "receivers": [{"name": RECEIVER}],
            "startsAt": rfc3339(self.fired),
            "status": {"inhibitedBy": [], "silencedBy": self.silenced_by, "state": state},
            "updatedAt": rfc3339(sent),
            "generatorURL": format!("http://prometheus:9090/graph?g0.expr={}&g0.tab=1", percent_encoded(query)),
            "labels": labels(&self.alert.labels),
        })
    }
}

fn percent_encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        _ if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => (byte as char).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The 64-bit FNV-1a hash that Prometheus identifies label sets by.
fn fingerprint(labels: &Labels) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain([&0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in labels.iter() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    format!("{hash:016x}")
}

fn refusal(status: StatusCode, text: &str) -> Response {
    (status, Json(json!(text))).into_response()
}

fn invalid(code: u16, message: &str) -> Response {
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        Json(json!({"code": code, "message": message})),
    )
        .into_response()
}

fn filters(form: &Form) -> Result<Vec<Matcher>, Box<Response>> {
    let refused = |what: &str| Box::new(refusal(StatusCode::BAD_REQUEST, what));
    let read = |text: &str| {
        let bad = || refused(&format!("bad matcher format: {text}"));
        let at = text.find(['=', '!']).filter(|&at| at > 0).ok_or_else(bad)?;
        let operators = ["=~", "!~", "!=", "="];
        let operator = operators
            .into_iter()
            .find(|op| text[at..].starts_with(op))
            .ok_or_else(bad)?;
        let value = text[at + operator.len()..].trim();
        let value = value
            .strip_prefix('"')
            .and_then(|v| v.strip_suffix('"'))
            .unwrap_or(value);
        Matcher::new(text[..at].trim(), operator, value).map_err(|error| refused(&error))
    };
    form.all("filter").map(read).collect()
}

/// Answers `receivers`.
pub async fn receivers() -> Json<Value> {
    Json(json!([{"name": RECEIVER}]))
}

/// Answers `alerts`.
pub async fn list(State(desk): State<Arc<Desk>>, form: Form) -> Response {
    match desk.chosen(&form) {
        Ok(found) => Json(found.iter().map(Shown::json).collect::<Vec<_>>()).into_response(),
        Err(refusal) => *refusal,
    }
}

/// Answers `alerts/groups`.
pub async fn groups(State(desk): State<Arc<Desk>>, form: Form) -> Response {
    let found = match desk.chosen(&form) {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    let by = GROUP_BY.map(str::to_owned);
    let mut groups: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
    for shown in &found {
        groups
            .entry(shown.alert.labels.only(&by))
            .or_default()
            .push(shown.json());
    }
    let group = |(own, alerts)| json!({"alerts": alerts, "labels": labels(&own), "receiver": {"name": RECEIVER}});
    Json(groups.into_iter().map(group).collect::<Vec<_>>()).into_response()
}

/// Answers `GET silences`.
pub async fn list_silences(State(desk): State<Arc<Desk>>, form: Form) -> Response {
    let filters = match filters(&form) {
        Ok(filters) => filters,
        Err(refusal) => return *refusal,
    };
    let now = desk.now();
    let silences = desk.silences();
    let listed = silences
        .listed(now)
        .into_iter()
        .filter(|silence| filters.iter().all(|f| silence.is_about(f)));
    Json(listed.map(|silence| silence.json(now)).collect::<Vec<_>>()).into_response()
}

/// Answers `POST silences`.
pub async fn silence(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let posted: Posted = match serde_json::from_slice(&body) {
        Ok(posted) => posted,
        Err(error) => {
            let message = format!("parsing silence body from \"\" failed, because {error}");
            return (
                StatusCode::BAD_REQUEST,
                Json(json!({"code": 400, "message": message})),
            )
                .into_response();
        }
    };
    let set = desk.silences().set(posted, desk.now());
    match set {
        Ok(id) => Json(json!({"silenceID": id})).into_response(),
        Err(refused) => refused_silence(&refused),
    }
}

fn refused_silence(refused: &Refused) -> Response {
    match refused {
        Refused::Incomplete(code, message) => invalid(*code, message),
        Refused::Invalid(what) => refusal(StatusCode::BAD_REQUEST, what),
        Refused::Unknown => refusal(StatusCode::NOT_FOUND, "silence not found"),
    }
}

fn no_identifier(id: &str) -> Response {
    invalid(
        601,
        &format!("silenceID in path must be of type uuid: {id:?}"),
    )
}

/// Answers `GET silence/ID`.
pub async fn one_silence(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    if !is_identifier(&id) {
        return no_identifier(&id);
    }
    match desk.silences().get(&id) {
        Some(silence) => Json(silence.json(desk.now())).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Answers `DELETE silence/ID`.
pub async fn expire(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    if !is_identifier(&id) {
        return no_identifier(&id);
    }
    let expired = desk.silences().expire(&id, desk.now());
    match expired {
        Ok(()) => StatusCode::OK.into_response(),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "silence not found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_alertmanager() {
        let own = Labels::new([
            ("alertname", "HighErrorRate"),
            ("severity", "critical"),
            ("service", "cart"),
            ("namespace", "shop"),
        ]);
        assert_eq!(fingerprint(&own), "832a81533c110df8");
    }
}
