//! One evaluation of a gate: named signals from Prometheus with the requests behind them, new restarts from the pods.
//! What cannot be measured is unknown with its reason; nothing is ever made up.

use super::clocks::Clocks;
use super::means::Means;
use super::sides::{self, Sides};
use super::state::{known, selector};
use super::trust;
use crate::domain::signal::{Part, Reading as Measured, ServiceSignals, SignalName};
use crate::domain::target::Scope;
use crate::domain::workload::WorkloadKind;
use crate::platform::prometheus::Ask;
use crate::platform::prometheus::subjects::Subject;
use crate::runbook::gate::{GateSpec, MetricSpec, Reading};
use crate::runbook::model::Side;
use crate::runbook::patch::{ObjectRef, Planned, Standing};
use crate::runbook::preflight::{Level, Line};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The signal that is counted from pods.
const RESTARTS: &str = "restarts";

/// What one evaluation is about.
pub struct Look {
    /// What is judged.
    pub spec: Box<GateSpec>,
    /// Whose signals.
    pub object: Option<ObjectRef>,
    /// Restarts count from here.
    pub since: Timestamp,
    /// The moment before the change, to compare with.
    pub before: Timestamp,
    /// What this run put there: only as long as it stands is it judged.
    pub ours: Option<Box<Planned>>,
}

/// The readings over several objects: the worst figure of each metric, the requests of all. An object without any
/// request says nothing, as long as another has some; one that cannot be measured makes the metric unknown.
pub async fn worst(
    means: &Means,
    clocks: &Clocks,
    look: Look,
    others: Vec<ObjectRef>,
) -> Vec<Reading> {
    let mut readings = read(means, clocks, &look).await;
    let many = !others.is_empty();
    let mut sets = vec![(name_of(look.object.as_ref()), readings.clone())];
    for other in others {
        let look = Look {
            spec: look.spec.clone(),
            object: Some(other.clone()),
            ours: None,
            ..look
        };
        sets.push((other.name, read(means, clocks, &look).await));
    }
    if many {
        for (index, metric) in look.spec.metrics.iter().enumerate() {
            let column = sets
                .iter()
                .filter_map(|(name, set)| Some((name, set.get(index)?)));
            readings[index] = worse(metric, &column.collect::<Vec<_>>());
        }
    }
    readings
}

fn name_of(object: Option<&ObjectRef>) -> String {
    object.map_or_else(String::new, |object| object.name.clone())
}

/// One metric over several objects.
fn worse(metric: &MetricSpec, all: &[(&String, &Reading)]) -> Reading {
    let busy = |reading: &Reading| reading.requests.is_none_or(|requests| requests > 0.0);
    let some = all.iter().any(|(_, reading)| busy(reading));
    let sum = |of: fn(&Reading) -> Option<f64>| {
        let known = all.iter().filter_map(|(_, reading)| of(reading));
        let known: Vec<f64> = known.collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>())
    };
    let mut value: Result<f64, String> = Err("nothing was measured".to_owned());
    for (name, reading) in all.iter().filter(|(_, reading)| !some || busy(reading)) {
        match &reading.value {
            Err(why) => {
                value = Err(format!("{name}: {why}"));
                break;
            }
            Ok(found) => {
                if value
                    .as_ref()
                    .map_or(true, |so_far| metric.ok.worse(*found, *so_far))
                {
                    value = Ok(*found);
                }
            }
        }
    }
    Reading {
        value,
        baseline: None,
        requests: sum(|reading| reading.requests),
        rate: sum(|reading| reading.rate),
    }
}

/// The readings of a gate's metrics, in their order.
pub async fn read(means: &Means, clocks: &Clocks, look: &Look) -> Vec<Reading> {
    let spec = &look.spec;
    let Some(object) = &look.object else {
        let nothing = || Reading::unknown("the gate names no object");
        return spec.metrics.iter().map(|_| nothing()).collect();
    };
    if let Some(why) = replaced(means, object, look.ours.as_deref()).await {
        let replaced = || Reading::unknown(why.clone());
        return spec.metrics.iter().map(|_| replaced()).collect();
    }
    if let Some(why) = clocks.off(means, object).await {
        let elsewhen = || Reading::unknown(why.clone());
        return spec.metrics.iter().map(|_| elsewhen()).collect();
    }
    let named = |metric: &&MetricSpec| metric.query.is_none() && metric.signal != RESTARTS;
    let judged = match spec.metrics.iter().find(named) {
        Some(_) => judged(means, look, object).await,
        None => Judged::unknown("not asked"),
    };
    let mut readings = Vec::new();
    for metric in &spec.metrics {
        readings.push(match &metric.query {
            Some(query) => raw(means, object, query).await,
            None if metric.signal == RESTARTS => restarts(means, object, look.since).await,
            None => judged.reading(metric),
        });
    }
    readings
}

/// Why these are no longer the signals of what this run put there. A server that does not answer is no such reason.
async fn replaced(means: &Means, object: &ObjectRef, ours: Option<&Planned>) -> Option<String> {
    let ours = ours.filter(|ours| ours.object.short() == object.short())?;
    let kind = known(&object.kind).ok()?;
    let found = means
        .cluster
        .object_of(&kind, &object.namespace, &object.name)
        .await;
    match ours.in_force(&found.ok()?) {
        Standing::After => None,
        Standing::Before => Some("its change was taken back by somebody else".to_owned()),
        Standing::Diverged(fields) => {
            Some(format!("somebody changed it since: {}", fields.join("; ")))
        }
    }
}

/// The signals of the side that is judged, and those it is compared with.
struct Judged {
    own: Result<ServiceSignals, String>,
    other: Result<ServiceSignals, String>,
    window: SignedDuration,
}

async fn judged(means: &Means, look: &Look, object: &ObjectRef) -> Judged {
    let window = means.window_of(&object.name);
    let relative = look
        .spec
        .metrics
        .iter()
        .any(|metric| metric.relative.is_some());
    let side = look.spec.side;
    let sides = if side == Side::All {
        None
    } else {
        match sides::of(means, object).await {
            Ok(sides) => Some(sides),
            Err(why) => {
                return Judged {
                    window,
                    ..Judged::unknown(&why)
                };
            }
        }
    };
    let now = means.clock.now();
    let parts = match parts(means, object, sides.as_ref(), now).await {
        Ok(parts) => parts,
        Err(why) => {
            return Judged {
                window,
                ..Judged::unknown(&why)
            };
        }
    };
    let own = match (side, &sides) {
        (Side::New, Some(sides)) => sides::part(&parts, Some(&sides.new)).cloned(),
        (Side::Old, Some(sides)) => sides::part(&parts, sides.old.as_ref()).cloned(),
        _ => whole(&parts),
    };
    let beside = match (side, &sides) {
        (Side::New, Some(sides)) if relative => {
            sides::part(&parts, sides.old.as_ref()).ok().cloned()
        }
        _ => None,
    };
    let serves = |one: &ServiceSignals| one.get(SignalName::Requests).value() > Some(0.0);
    let other = match beside.filter(serves) {
        Some(old) => Ok(old),
        // An old side without requests says nothing: what was before the change does.
        None if relative => match self::parts(means, object, None, look.before).await {
            Ok(parts) => whole(&parts),
            Err(why) => Err(why),
        },
        None => Err("not asked".to_owned()),
    };
    Judged { own, other, window }
}

impl Judged {
    fn unknown(why: &str) -> Self {
        Self {
            own: Err(why.to_owned()),
            other: Err(why.to_owned()),
            window: SignedDuration::ZERO,
        }
    }

    fn reading(&self, metric: &MetricSpec) -> Reading {
        let baseline = metric
            .relative
            .as_ref()
            .map(|_| named_reading(self.window, &self.other, &metric.signal).value);
        Reading {
            baseline,
            ..named_reading(self.window, &self.own, &metric.signal)
        }
    }
}

/// One signal of a workload as it is now; restarts since so long.
pub async fn now(means: &Means, object: &ObjectRef, name: &str, calm: SignedDuration) -> Reading {
    let now = means.clock.now();
    if name == RESTARTS {
        return restarts(means, object, now - calm).await;
    }
    let found = parts(means, object, None, now).await;
    let found = found.and_then(|parts| whole(&parts));
    named_reading(means.window_of(&object.name), &found, name)
}

/// Whose signals: a workload by its kind.
pub fn subject(object: &ObjectRef) -> Subject {
    let kind = match object.kind.as_str() {
        "StatefulSet" => WorkloadKind::StatefulSet,
        "DaemonSet" => WorkloadKind::DaemonSet,
        _ => WorkloadKind::Deployment,
    };
    Subject::new(&object.namespace, &object.name, kind.into())
}

/// The signals of a workload at a moment: the whole, and each side where they are asked for.
async fn parts(
    means: &Means,
    object: &ObjectRef,
    sides: Option<&Sides>,
    at: Timestamp,
) -> Result<Vec<ServiceSignals>, String> {
    let prometheus = trust::prometheus(means, object).await?;
    let mut subject = subject(object);
    subject.versions = sides.map(Sides::versions).unwrap_or_default();
    let scope = Scope::Namespace(object.namespace.as_str().into());
    let ask = Ask {
        now: at,
        scope: &scope,
        subjects: std::slice::from_ref(&subject),
        window: means.window_of(&object.name),
    };
    let answer = prometheus
        .read(&ask)
        .await
        .map_err(|failure| failure.short())?;
    let mut own = answer.result;
    own.retain(|one| *one.service == *object.name);
    Ok(own)
}

fn whole(parts: &[ServiceSignals]) -> Result<ServiceSignals, String> {
    let whole = parts.iter().find(|one| one.part == Part::Whole);
    whole
        .cloned()
        .ok_or_else(|| "Prometheus does not know these pods".to_owned())
}

fn named_reading(
    window: SignedDuration,
    signals: &Result<ServiceSignals, String>,
    name: &str,
) -> Reading {
    let signals = match signals {
        Ok(signals) => signals,
        Err(why) => return Reading::unknown(why.clone()),
    };
    let Some(signal) = SignalName::parse(name) else {
        return Reading::unknown(format!("there is no signal `{name}`"));
    };
    // A rate that cannot be read is not a rate of nothing.
    let rate = match signals.get(SignalName::Requests) {
        Measured::Known(rate) => *rate,
        Measured::Unknown(why) => return Reading::unknown(format!("requests: {why}")),
    };
    let value = match signals.get(signal) {
        Measured::Known(value) => Ok(base_units(signal, *value)),
        Measured::Unknown(why) => Err(why.to_string()),
    };
    Reading {
        value,
        baseline: None,
        requests: Some(rate * window.as_secs_f64()),
        rate: Some(rate),
    }
}

/// Latencies are milliseconds outside and seconds in a gate.
fn base_units(signal: SignalName, value: f64) -> f64 {
    match signal {
        SignalName::P50 | SignalName::P95 | SignalName::P99 => value / 1000.0,
        _ => value,
    }
}

/// A query of somebody's own words: one series, or unknown.
async fn raw(means: &Means, object: &ObjectRef, query: &str) -> Reading {
    let answer = match trust::prometheus(means, object).await {
        Ok(prometheus) => prometheus.query(means.clock.now(), query).await,
        Err(why) => return Reading::unknown(why),
    };
    let value = match answer {
        Err(failure) => Err(failure.short()),
        Ok(answer) => match answer.result.as_slice() {
            [one] if one.value.is_finite() => Ok(one.value),
            [_] => Err("not a number".to_owned()),
            [] => Err("no series".to_owned()),
            several => Err(format!("{} series where one is needed", several.len())),
        },
    };
    Reading {
        value,
        baseline: None,
        requests: None,
        rate: None,
    }
}

/// New restarts of the workload's containers since a moment.
async fn restarts(means: &Means, object: &ObjectRef, since: Timestamp) -> Reading {
    let value = match pods(means, object).await {
        Ok(pods) => Ok(pods
            .iter()
            .map(|pod| restarts_since(pod, since))
            .sum::<u64>() as f64),
        Err(why) => Err(why),
    };
    Reading {
        value,
        baseline: None,
        requests: None,
        rate: None,
    }
}

/// The pods a workload's selector picks.
pub async fn pods(means: &Means, object: &ObjectRef) -> Result<Vec<Value>, String> {
    let kind = known(&object.kind)?;
    let (cluster, namespace) = (&means.cluster, &object.namespace);
    let body = cluster
        .object_of(&kind, namespace, &object.name)
        .await
        .map_err(|failure| failure.to_string())?;
    let picked = selector(&body["spec"]["selector"]);
    cluster
        .objects_of(&known("Pod")?, namespace, &picked)
        .await
        .map_err(|failure| failure.to_string())
}

/// The restarts of one pod since a moment: all of a younger pod, the last one of an older.
fn restarts_since(pod: &Value, since: Timestamp) -> u64 {
    let moment = |value: &Value| value.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let meta = &pod["metadata"];
    if meta["deletionTimestamp"].is_string() {
        return 0;
    }
    let young = moment(&meta["creationTimestamp"]).is_some_and(|at| at >= since);
    let containers = pod["status"]["containerStatuses"].as_array();
    containers
        .into_iter()
        .flatten()
        .map(|one| {
            let all = one["restartCount"].as_u64().unwrap_or(0);
            let last = moment(&one["lastState"]["terminated"]["finishedAt"]);
            if young {
                all
            } else {
                u64::from(all > 0 && last.is_some_and(|at| at >= since))
            }
        })
        .sum()
}

/// Whether a gate over this workload could pass at all, said before the first effect.
pub async fn outlook(means: &Means, object: &ObjectRef, least: u64) -> Line {
    let text = "can the gate judge it?";
    let cannot = |why: String| {
        Line::new(Level::Amber, text, why)
            .fix("mend the source of signals, or give a reason and judge by eye afterwards")
    };
    let window = means.window_of(&object.name);
    let found = parts(means, object, None, means.clock.now()).await;
    match found.and_then(|parts| whole(&parts)) {
        Err(why) => cannot(format!("it will end inconclusive: {why}")),
        Ok(signals) => {
            let rate = match signals.get(SignalName::Requests) {
                Measured::Known(rate) => *rate,
                Measured::Unknown(why) => {
                    return cannot(format!("it will end inconclusive: requests: {why}"));
                }
            };
            let requests = rate * window.as_secs_f64();
            let said = format!(
                "{requests:.0} requests in {} s, at least {least} are needed",
                window.as_secs()
            );
            if requests < least as f64 {
                cannot(format!("too little traffic: {said}"))
            } else {
                Line::new(Level::Passed, text, said)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_new_restarts_count() {
        let pod = |created: &str, count: u64, last: &str| {
            json!({"metadata": {"creationTimestamp": created}, "status": {"containerStatuses": [
                {"restartCount": count, "lastState": {"terminated": {"finishedAt": last}}}]}})
        };
        let since: Timestamp = "2026-03-04T03:12:00Z".parse().unwrap_or_default();
        let (before, after) = ("2026-03-04T03:00:00Z", "2026-03-04T03:13:00Z");
        assert_eq!(restarts_since(&pod(before, 7, before), since), 0);
        assert_eq!(restarts_since(&pod(before, 7, after), since), 1);
        assert_eq!(restarts_since(&pod(after, 3, after), since), 3);
        assert_eq!(restarts_since(&json!({}), since), 0);
    }

    fn signals(requests: f64, errors: f64) -> ServiceSignals {
        let mut one = ServiceSignals::unknown("a", "api", Timestamp::UNIX_EPOCH, "none");
        one.set(SignalName::Requests, Measured::Known(requests));
        one.set(SignalName::ErrorRatio, Measured::Known(errors));
        one
    }

    #[test]
    fn a_relative_limit_gets_the_other_sides_figure_and_only_then() {
        let judged = Judged {
            own: Ok(signals(10.0, 0.02)),
            other: Ok(signals(5.0, 0.01)),
            window: SignedDuration::from_secs(60),
        };
        let limit = |text: &str| crate::runbook::quantity::Limit::parse(text).unwrap();
        let metric = |relative: Option<&str>| MetricSpec {
            signal: "error_ratio".into(),
            query: None,
            ok: limit("<= 5 %"),
            abort: None,
            relative: relative.map(limit),
            fail_at: None,
        };
        let alone = judged.reading(&metric(None));
        assert_eq!(
            (alone.value, alone.baseline, alone.requests),
            (Ok(0.02), None, Some(600.0))
        );
        let beside = judged.reading(&metric(Some("<= 2 %")));
        assert_eq!(beside.baseline, Some(Ok(0.01)));
    }

    #[test]
    fn latencies_reach_the_gate_in_seconds() {
        assert!((base_units(SignalName::P99, 500.0) - 0.5).abs() < 1e-9);
        assert!((base_units(SignalName::ErrorRatio, 0.01) - 0.01).abs() < 1e-9);
    }
}
