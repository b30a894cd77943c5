//! `alerts` and `rules`: the state of the alerting rules as Prometheus shows it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::answer::{labels, success};
use super::form::Form;
use super::rules::{Alarms, Alert, INTERVAL, RULES, Rule, last_evaluation};

/// A moment as RFC 3339 with milliseconds.
pub fn rfc3339(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

fn object(pairs: &[(&'static str, String)]) -> Json {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Json::from(value.as_str())));
    Json::Object(pairs.collect::<Map<_, _>>())
}

/// A number with an exponent of at least two digits, as alert values are written.
fn exponential(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let sign = if exponent.starts_with('-') { '-' } else { '+' };
    format!("{digits}e{sign}{:0>2}", exponent.trim_start_matches('-'))
}

fn state(alert: &Alert) -> &'static str {
    if alert.fired_at.is_some() {
        "firing"
    } else {
        "pending"
    }
}

fn alert(alert: &Alert) -> Json {
    json!({
        "labels": labels(&alert.labels),
        "annotations": object(&alert.annotations),
        "state": state(alert),
        "activeAt": rfc3339(alert.active_at),
        "value": exponential(alert.value),
    })
}

/// Answers `alerts`.
pub async fn alerts(State(alarms): State<Arc<Alarms>>) -> Response {
    let found: Vec<Json> = alarms.alerts().iter().map(alert).collect();
    success(json!({ "alerts": found }))
}

fn rule(number: usize, rule: &Rule, all: &[Alert], evaluated: &str) -> Json {
    let own: Vec<&Alert> = all.iter().filter(|alert| alert.rule == number).collect();
    let worst = own
        .iter()
        .map(|alert| state(alert))
        .min()
        .unwrap_or("inactive");
    let templates: Vec<_> = rule
        .annotations
        .iter()
        .map(|(name, text)| (*name, (*text).to_owned()))
        .collect();
    json!({
        "state": worst,
        "name": rule.name,
        "query": rule.query,
        "duration": rule.hold / 1000,
        "keepFiringFor": 0,
        "labels": {"severity": rule.severity},
        "annotations": object(&templates),
        "alerts": own.into_iter().map(alert).collect::<Vec<_>>(),
        "health": "ok",
        "evaluationTime": 0.0004,
        "lastEvaluation": evaluated,
        "type": "alerting",
    })
}

/// Answers `rules`.
pub async fn rules(State(alarms): State<Arc<Alarms>>, form: Form) -> Response {
    if form.get("type") == "record" {
        return success(json!({"groups": []}));
    }
    let all = alarms.alerts();
    let evaluated = rfc3339(last_evaluation(alarms.source().now_ms()));
    let rules = RULES
        .iter()
        .enumerate()
        .map(|(n, own)| rule(n, own, &all, &evaluated));
    success(json!({"groups": [{
        "name": "services",
        "file": "/etc/prometheus/rules.yaml",
        "rules": rules.collect::<Vec<_>>(),
        "interval": INTERVAL / 1000,
        "limit": 0,
        "evaluationTime": 0.0012,
        "lastEvaluation": evaluated,
    }]}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_times_are_written_as_prometheus_does() {
        assert_eq!(exponential(0.0625), "6.25e-02");
        assert_eq!(exponential(1.0), "1e+00");
        assert_eq!(exponential(f64::INFINITY), "inf");
        assert_eq!(rfc3339(1_700_000_000_050), "2023-11-14T22:13:20.050Z");
    }
}
