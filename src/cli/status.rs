//! `vigie status`: one look at the target, as lines or as a document; the exit code is the verdict.

use super::args::{Output, Status};
use super::console::runtime;
use super::exit::{self, Failed};
use super::print;
use super::session::Start;
use crate::app::App;
use crate::app::screen::Screen;
use crate::domain::alert::Alert;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::{Pod, short};
use crate::domain::rollout::RolloutState;
use crate::domain::signal::{Part, Reading, ServiceSignals, SignalName};
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use crate::domain::workload::Workload;
use crate::terminal::Signals;
use crate::ui::widget::text::sanitize;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// How long the sources may take to answer once.
const PATIENCE: Duration = Duration::from_secs(15);

/// `vigie status`.
pub fn status(start: &Start, asked: &Status) -> Result<u8, Failed> {
    let json = start.global.output == Output::Json;
    runtime()?.block_on(async {
        let mut session = start.session(start.place(), Screen::Overview).await?;
        session.settle(PATIENCE).await;
        let mut signals = Signals::listen()?;
        let mut printed = String::new();
        loop {
            let now = if json {
                format!("{}\n", document(&session.app))
            } else {
                lines(&session.app)
            };
            let code = exit::of(session.app.headline.level);
            if !asked.watch {
                print::text(&now)?;
                return Ok(code);
            }
            if session.app.headline.text != printed {
                print::text(&now)?;
                printed.clone_from(&session.app.headline.text);
            }
            tokio::select! {
                fact = session.facts.recv() => match fact {
                    Some(fact) => session.take(fact),
                    None => return Ok(code),
                },
                ended = signals.next() => return Ok(ended.exit_code()),
            }
            session.engine.reconcile(session.app.wants());
        }
    })
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| {
        Value::from(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

fn seconds(duration: Option<SignedDuration>) -> Value {
    duration.map_or(Value::Null, |duration| {
        json!((duration.as_secs_f64() * 10.0).round() / 10.0)
    })
}

/// The document of the contract.
pub fn document(app: &App) -> Value {
    let target = &app.target;
    let sources = [Source::Kubernetes, Source::Prometheus, Source::Alertmanager];
    let links = sources.map(|source| link(app, source));
    json!({
        "schema": 1,
        "at": time(Some(app.now)),
        "target": {
            "context": *target.context,
            "server": *target.server,
            "cluster_uid": target.cluster_uid.as_deref(),
            "namespace": match &target.scope { Scope::Namespace(name) => Value::from(&**name), Scope::All => Value::Null },
            "environment": *target.environment.name,
            "user": target.user.as_deref(),
            "read_only": !app.armed(),
        },
        "verdict": {"level": app.headline.level.word(), "reason": app.headline.text},
        "links": links,
        "workloads": app.services.in_order().filter_map(|row| workload(app, app.cluster.workload(&row.uid)?)).collect::<Vec<_>>(),
        "pods": app.cluster.pods_in_order().map(|(pod, _)| self::pod(app, pod)).collect::<Vec<_>>(),
        "signals": app.services.in_order().flat_map(|row| app.signals.parts(&row.object.namespace, &row.object.name)).map(signals).collect::<Vec<_>>(),
        "alerts": app.alerts.iter().map(alert).collect::<Vec<_>>(),
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

fn workload(app: &App, workload: &Workload) -> Option<Value> {
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
        pod.owner
            .as_ref()
            .map(|owner| format!("{}/{}", owner.kind, owner.name))
    });
    json!({
        "namespace": *pod.namespace, "name": *pod.name, "uid": *pod.uid,
        "ready": format!("{}/{}", pod.ready, pod.containers), "status": *pod.status, "restarts": pod.restarts,
        "age_s": pod.age(app.now).map(|age| age.as_secs()), "node": pod.node.as_deref(), "owner": owner,
        "level": app.cluster.pod_level(&pod.uid).word(), "reason": pod.reason(app.now),
    })
}

fn signals(signals: &ServiceSignals) -> Value {
    let value = |name| signals.get(name).value();
    let unknown: serde_json::Map<String, Value> = SignalName::ALL
        .into_iter()
        .filter_map(|name| match signals.get(name) {
            Reading::Unknown(why) => Some((name.id().to_owned(), Value::from(&**why))),
            Reading::Known(_) => None,
        })
        .collect();
    let version = match &signals.part {
        Part::Version(name) => Some(&**name),
        _ => None,
    };
    json!({
        "namespace": *signals.namespace, "service": *signals.service, "version": version,
        "rps": value(SignalName::Requests), "error_ratio": value(SignalName::ErrorRatio), "unauthorized_ratio": value(SignalName::UnauthorizedRatio),
        "p50_ms": value(SignalName::P50), "p95_ms": value(SignalName::P95), "p99_ms": value(SignalName::P99),
        "saturation": value(SignalName::Saturation), "unknown": unknown, "at": time(Some(signals.at)),
    })
}

fn alert(alert: &Alert) -> Value {
    let map = |pairs: &std::collections::BTreeMap<std::sync::Arc<str>, std::sync::Arc<str>>| {
        pairs
            .iter()
            .map(|(k, v)| (k.to_string(), Value::from(&**v)))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({
        "name": *alert.name, "severity": alert.severity.word(), "state": alert.state.word(), "since": time(alert.since),
        "labels": map(&alert.labels), "annotations": map(&alert.annotations), "runbook": alert.runbook().map(|name| &**name),
    })
}

/// The same for people: the verdict, the links, what is not well.
fn lines(app: &App) -> String {
    let mut out = String::new();
    let target = &app.target;
    let _ = writeln!(
        out,
        "{}  {} in {} ({})",
        app.headline.level.word().to_uppercase(),
        app.headline.text,
        target.context,
        target.environment.name
    );
    for source in [Source::Kubernetes, Source::Prometheus, Source::Alertmanager] {
        let said = match app.link(source) {
            LinkState::Connecting => "has not answered yet".to_owned(),
            LinkState::Live(age) => format!("live, {} old", short(age)),
            LinkState::Quiet(age) => format!("quiet for {}", short(age)),
            LinkState::Stale { why, .. } => format!("does not answer: {why}"),
            LinkState::Absent(why) => why.to_string(),
        };
        let _ = writeln!(out, "  {source}: {said}");
    }
    for row in app.services.in_order() {
        let why = if row.judgement.why.is_empty() {
            String::new()
        } else {
            format!("  {}", row.judgement.why)
        };
        let version = row.version.as_deref().unwrap_or("–");
        let _ = writeln!(
            out,
            "  {:8} {}  {}/{} ready, {version}{why}",
            row.level().word(),
            row.object,
            row.ready,
            row.desired
        );
    }
    for (pod, _) in app
        .cluster
        .pods_in_order()
        .take_while(|(_, level)| *level != Level::Healthy)
        .take(20)
    {
        let reason = pod.reason(app.now).unwrap_or_default();
        let _ = writeln!(
            out,
            "  pod {}  {}/{} {}  {reason}",
            pod.name, pod.ready, pod.containers, pod.status
        );
    }
    let lines = out.lines().map(|line| format!("{}\n", sanitize(line)));
    lines.collect()
}
