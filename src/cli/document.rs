//! What `--output json` says of an App: the documents of the contract, field by field. What is not known is null, times are
//! RFC 3339 in UTC, units are in the names, and figures carry no more digits than anybody measured.

use crate::app::App;
use crate::domain::alert::Alert;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::Pod;
use crate::domain::rollout::RolloutState;
use crate::domain::signal::{Part, Reading, ServiceSignals, SignalName};
use crate::domain::target::Scope;
use crate::domain::workload::Workload;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sources, in the order in which they are told.
pub const SOURCES: [Source; 3] = [Source::Kubernetes, Source::Prometheus, Source::Alertmanager];

/// A moment.
pub fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| {
        Value::from(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

/// A duration in seconds, to a tenth.
pub fn seconds(duration: Option<SignedDuration>) -> Value {
    rounded(duration.map(|duration| duration.as_secs_f64()), 1)
}

/// A figure to so many digits after the point.
pub fn rounded(value: Option<f64>, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    value.map_or(Value::Null, |value| json!((value * scale).round() / scale))
}

/// `vigie status`.
pub fn status(app: &App) -> Value {
    json!({
        "schema": 1,
        "at": time(Some(app.now)),
        "target": target(app),
        "verdict": {"level": app.headline.level.word(), "reason": app.headline.text},
        "links": SOURCES.map(|source| link(app, source)),
        "workloads": app.services.in_order().filter_map(|row| workload(app, app.cluster.workload(&row.uid)?)).collect::<Vec<_>>(),
        "pods": app.cluster.pods_in_order().map(|(pod, _)| self::pod(app, pod)).collect::<Vec<_>>(),
        "signals": all_signals(app),
        "alerts": app.alerts.iter().map(alert).collect::<Vec<_>>(),
    })
}

/// Where this is.
pub fn target(app: &App) -> Value {
    let target = &app.target;
    let namespace = match &target.scope {
        Scope::Namespace(name) => Value::from(&**name),
        Scope::All => Value::Null,
    };
    json!({
        "context": *target.context,
        "server": *target.server,
        "cluster_uid": target.cluster_uid.as_deref(),
        "namespace": namespace,
        "environment": *target.environment.name,
        "user": target.user.as_deref(),
        "read_only": !app.armed(),
    })
}

fn link(app: &App, source: Source) -> Value {
    let (state, age, why) = match app.link(source) {
        LinkState::Connecting => ("connecting", None, None),
        LinkState::Live(age) => ("live", Some(age), None),
        LinkState::Quiet(age) => ("quiet", Some(age), None),
        LinkState::Stale { age, why, .. } => ("stale", age, Some(why)),
        LinkState::Absent(why) => ("absent", None, Some(why)),
    };
    json!({"source": source.to_string(), "state": state, "age_s": seconds(age), "why": why.as_deref()})
}

/// One workload, where it was judged.
pub fn workload(app: &App, workload: &Workload) -> Option<Value> {
    let row = app.services.get(&workload.uid)?;
    let verdict = &row.judgement.verdict;
    let since = if row.rollout.state == RolloutState::Done {
        row.taken_over
    } else {
        row.taken_over.or(verdict.since)
    };
    Some(json!({
        "kind": workload.kind.name(), "namespace": *workload.namespace, "name": *workload.name,
        "desired": workload.desired, "updated": workload.updated, "ready": workload.ready, "available": workload.available,
        "revision": workload.revision,
        "images": workload.images.iter().map(|image| &*image.image).collect::<Vec<_>>(),
        "rollout": {"state": row.rollout.state.word(), "strategy": "rolling", "reason": row.rollout.reason, "since": time(since)},
        "verdict": {"level": verdict.level.word(), "reason": verdict.reason, "since": time(verdict.since), "rollback_suggested": row.judgement.rollback},
    }))
}

fn pod(app: &App, pod: &Pod) -> Value {
    let owner = app
        .cluster
        .workload_of(pod)
        .map(|workload| workload.object().to_string());
    let owner = owner.or_else(|| {
        let owner = pod.owner.as_ref()?;
        Some(format!("{}/{}", owner.kind, owner.name))
    });
    json!({
        "namespace": *pod.namespace, "name": *pod.name, "uid": pod.uid.to_string(),
        "ready": format!("{}/{}", pod.ready, pod.containers), "status": *pod.status, "restarts": pod.restarts,
        "age_s": pod.age(app.now).map(|age| age.as_secs()), "node": pod.node.as_deref(), "owner": owner,
        "level": app.cluster.pod_level(pod).word(), "reason": pod.reason(app.now),
    })
}

/// The readings of every service, whole and by version.
fn all_signals(app: &App) -> Vec<Value> {
    let rows = app.services.in_order();
    rows.flat_map(|row| {
        let (namespace, name) = (&row.object.namespace, &row.object.name);
        let points = app
            .signals
            .errors(namespace, name)
            .map(crate::domain::signal::Series::points);
        let parts = app.signals.parts(namespace, name).iter();
        parts.filter_map(move |part| signals(part, points))
    })
    .collect()
}

/// The readings of one part; `samples` counts the data points behind the whole.
fn signals(signals: &ServiceSignals, points: Option<usize>) -> Option<Value> {
    let (version, samples) = match &signals.part {
        Part::Whole => (None, points),
        Part::Version(name) => (Some(&**name), None),
        Part::Pod(_) | Part::Route(_) | Part::Resource(_) => return None,
    };
    let value = |name, digits| rounded(signals.get(name).value(), digits);
    let unknown: Map<String, Value> = SignalName::ALL
        .into_iter()
        .filter_map(|name| match signals.get(name) {
            Reading::Unknown(why) => Some((name.id().to_owned(), Value::from(&**why))),
            Reading::Known(_) => None,
        })
        .collect();
    Some(json!({
        "namespace": *signals.namespace, "service": *signals.service, "version": version,
        "rps": value(SignalName::Requests, 2), "error_ratio": value(SignalName::ErrorRatio, 6),
        "unauthorized_ratio": value(SignalName::UnauthorizedRatio, 6),
        "p50_ms": value(SignalName::P50, 1), "p95_ms": value(SignalName::P95, 1), "p99_ms": value(SignalName::P99, 1),
        "saturation": value(SignalName::Saturation, 4), "samples": samples, "unknown": unknown, "at": time(Some(signals.at)),
    }))
}

fn alert(alert: &Alert) -> Value {
    let map = |pairs: &BTreeMap<Arc<str>, Arc<str>>| {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| (key.to_string(), Value::from(&**value)))
            .collect::<Map<_, _>>()
    };
    json!({
        "name": *alert.name, "severity": alert.severity.word(), "state": alert.state.word(), "since": time(alert.since),
        "labels": map(&alert.labels), "annotations": map(&alert.annotations), "runbook": alert.runbook().map(|name| &**name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null_and_figures_are_short() {
        assert_eq!(rounded(None, 2), Value::Null);
        assert_eq!(rounded(Some(f64::NAN), 2), Value::Null);
        assert_eq!(rounded(Some(0.001_234_567), 6), json!(0.001_235));
        assert_eq!(rounded(Some(60.123), 2), json!(60.12));
        assert_eq!(seconds(Some(SignedDuration::from_millis(449))), json!(0.4));
        assert_eq!(time(None), Value::Null);
    }

    #[test]
    fn a_reading_that_is_unknown_says_why_beside_its_null() {
        let mut reading = ServiceSignals::unknown("n", "s", Timestamp::UNIX_EPOCH, "no traffic");
        reading.set(SignalName::Requests, Reading::Known(60.0));
        let said = signals(&reading, Some(30)).unwrap();
        assert_eq!(
            (&said["rps"], &said["p99_ms"]),
            (&json!(60.0), &Value::Null)
        );
        assert_eq!(said["unknown"]["p99"], "no traffic");
        assert_eq!(
            (&said["samples"], &said["at"]),
            (&json!(30), &json!("1970-01-01T00:00:00Z"))
        );
        reading.part = Part::Pod("x".into());
        assert_eq!(signals(&reading, None), None);
    }
}
