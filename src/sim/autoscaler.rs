//! Horizontal autoscalers: each compares what its pods use of the processor with what they asked for, writes its
//! status, and enlarges what is overloaded. Making smaller waits longer than any scenario lasts, so it is not done.

use serde_json::{Value, json};

use super::kind::Kind;
use super::ledger::PodKey;
use super::state::{Source, State, set_condition};
use super::store::Id;
use super::{replicas, tree};

/// How often autoscalers look, in milliseconds.
pub const SYNC: i64 = 15_000;
/// A use this close to the target is left alone.
const TOLERANCE: f64 = 0.1;
const DECIDED: &str = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)";
const NO_METRICS: &str = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API";
const HELD: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
/// The condition ScalingLimited: status, reason, message.
const LIMITS: [(&str, &str, &str); 3] = [
    (
        "False",
        "DesiredWithinRange",
        "the desired count is within the acceptable range",
    ),
    (
        "True",
        "TooFewReplicas",
        "the desired replica count is less than the minimum replica count",
    ),
    (
        "True",
        "TooManyReplicas",
        "the desired replica count is more than the maximum replica count",
    ),
];

/// Lets every autoscaler look at its pods.
pub fn sync(state: &mut State) {
    let kind = Kind::HorizontalPodAutoscaler;
    let ids: Vec<Id> = state.store.live(kind, "").map(tree::id).collect();
    for id in ids {
        if let Some(scaler) = state.store.tree(kind, &id.0, &id.1).cloned() {
            look(state, &id.0, scaler);
        }
    }
}

/// What an autoscaler makes of a size and a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decision {
    wanted: i64,
    /// Index into [`LIMITS`].
    limit: usize,
    held: bool,
}

fn decide(size: i64, (used, target): (i64, i64), (least, most): (i64, i64)) -> Decision {
    let ratio = used as f64 / target.max(1) as f64;
    let plain = if (ratio - 1.0).abs() <= TOLERANCE {
        size
    } else {
        (size as f64 * ratio).ceil() as i64
    };
    let limit = if plain < least {
        1
    } else {
        2 * usize::from(plain > most)
    };
    let bounded = plain.clamp(least, most.max(least));
    Decision {
        wanted: bounded.max(size.min(most.max(least))),
        limit,
        held: bounded < size,
    }
}

fn look(state: &mut State, namespace: &str, mut scaler: Value) {
    let target = scaler["spec"]["scaleTargetRef"].clone();
    let kind = [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet]
        .into_iter()
        .find(|kind| target["kind"] == kind.resource().name);
    let name = tree::text(&target, &["name"]);
    let found = kind.and_then(|kind| {
        let object = state.store.tree(kind, namespace, name)?.clone();
        Some((kind, object))
    });
    let (now, before) = (state.stamp(), scaler.clone());
    let Some((kind, object)) = found else {
        let why = format!(
            "the HPA controller was unable to get the target's current scale: {name} not found"
        );
        set_condition(
            &mut scaler,
            "AbleToScale",
            false,
            ("FailedGetScale", &why),
            &now,
        );
        return keep(state, &before, scaler);
    };
    let size = tree::int(&object, &["spec", "replicas"]);
    tree::put(
        &mut scaler,
        &["status", "currentReplicas"],
        tree::int(&object, &["status", "replicas"]),
    );
    let Some((percent, average)) = usage(state, &object) else {
        set_condition(
            &mut scaler,
            "ScalingActive",
            false,
            ("FailedGetResourceMetric", NO_METRICS),
            &now,
        );
        return keep(state, &before, scaler);
    };
    let spec = &scaler["spec"];
    let metric = tree::list(spec, &["metrics"]).first();
    let goal = metric.map_or(0, |metric| {
        tree::int(metric, &["resource", "target", "averageUtilization"])
    });
    let range = (
        tree::int(spec, &["minReplicas"]).max(1),
        tree::int(spec, &["maxReplicas"]),
    );
    let decision = decide(size, (percent, goal), range);
    let current = json!({"averageUtilization": percent, "averageValue": format!("{average}m")});
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}]);
    tree::put(&mut scaler, &["status", "currentMetrics"], metrics);
    tree::put(&mut scaler, &["status", "desiredReplicas"], decision.wanted);
    explain(&mut scaler, decision, &now);
    if decision.wanted > size && size > 0 {
        tree::put(&mut scaler, &["status", "lastScaleTime"], now);
        enlarge(state, &scaler, (kind, object), decision.wanted);
    }
    keep(state, &before, scaler);
}

/// Writes the conditions of a decision.
fn explain(scaler: &mut Value, decision: Decision, now: &Value) {
    let able = if decision.held {
        HELD
    } else {
        ("ReadyForNewScale", "recommended size matches current size")
    };
    let (status, reason, message) = LIMITS[decision.limit];
    for (kind, is, why) in [
        ("ScalingActive", true, ("ValidMetricFound", DECIDED)),
        ("AbleToScale", true, able),
        ("ScalingLimited", status == "True", (reason, message)),
    ] {
        set_condition(scaler, kind, is, why, now);
    }
}

fn keep(state: &mut State, before: &Value, scaler: Value) {
    if &scaler != before {
        state.update(Kind::HorizontalPodAutoscaler, scaler);
    }
}

fn enlarge(state: &mut State, scaler: &Value, (kind, mut object): (Kind, Value), to: i64) {
    tree::put(&mut object, &["spec", "replicas"], to);
    let generation = tree::int(&object, &["metadata", "generation"]) + 1;
    tree::put(&mut object, &["metadata", "generation"], generation);
    state.update(kind, object);
    let message = format!(
        "New size: {to}; reason: cpu resource utilization (percentage of request) above target"
    );
    let source = Source::controller("horizontal-pod-autoscaler");
    state.event(scaler, false, "SuccessfulRescale", &message, &source);
}

/// What the ready pods of a workload use of what they asked for, in percent, and each on average in thousandths of a core.
fn usage(state: &State, object: &Value) -> Option<(i64, i64)> {
    let (namespace, _) = tree::id(object);
    let selector = &object["spec"]["selector"]["matchLabels"];
    let (mut used, mut asked, mut pods) = (0.0, 0, 0);
    for pod in state.store.live(Kind::Pod, &namespace) {
        if !tree::labelled(pod, selector) || !replicas::active(pod) || !tree::is_true(pod, "Ready")
        {
            continue;
        }
        let (namespace, pod_name) = tree::id(pod);
        let key = PodKey {
            namespace,
            pod: pod_name,
        };
        let Some(last) = state.ledger.pods.get(&key).and_then(|t| t.spans.last()) else {
            continue;
        };
        used += last.behaviour.cores() * 1000.0;
        asked += tree::list(pod, &["spec", "containers"])
            .iter()
            .map(|c| millicores(tree::text(c, &["resources", "requests", "cpu"])))
            .sum::<i64>();
        pods += 1;
    }
    (pods > 0 && asked > 0).then(|| {
        let percent = (100.0 * used / asked as f64).floor() as i64;
        (percent, (used / f64::from(pods)).round() as i64)
    })
}

/// A processor quantity in thousandths of a core.
fn millicores(quantity: &str) -> i64 {
    match quantity.strip_suffix('m') {
        Some(thousandths) => thousandths.parse().unwrap_or(0),
        None => (quantity.parse::<f64>().unwrap_or(0.0) * 1000.0) as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::super::verbs::{Patch, Write};
    use super::super::world::World;
    use super::*;

    const START: i64 = 1_795_316_412_000;
    const AT: (&str, &str) = ("veza-production", "veza-backend-hpa");
    const BACKEND: (&str, &str) = ("veza-production", "veza-backend");

    fn scaler(world: &World) -> Value {
        world.read(Kind::HorizontalPodAutoscaler, AT).unwrap()
    }

    fn percent(world: &World) -> i64 {
        tree::int(
            &scaler(world)["status"]["currentMetrics"][0],
            &["resource", "current", "averageUtilization"],
        )
    }

    #[test]
    fn a_size_follows_from_the_use_within_its_limits_and_never_shrinks() {
        let table = [
            (3, 30, (3, 1, false)),
            (5, 30, (5, 0, true)),
            (3, 70, (3, 0, false)),
            (3, 75, (3, 0, false)),
            (3, 140, (6, 0, false)),
            (4, 700, (10, 2, false)),
        ];
        for (size, used, (wanted, limit, held)) in table {
            let got = decide(size, (used, 70), (3, 10));
            assert_eq!(
                got,
                Decision {
                    wanted,
                    limit,
                    held
                },
                "{size} at {used}%"
            );
        }
    }

    #[test]
    fn the_status_follows_what_the_pods_use() {
        let mut world = World::new(Scenario::SlowDependency, 1, START);
        world.advance(START + 18_000);
        let calm = percent(&world);
        world.advance(START + 180_000);
        let slow = percent(&world);
        assert!((5..15).contains(&calm) && slow > calm + 5, "{calm} {slow}");
        assert!(tree::is_true(&scaler(&world), "ScalingActive"));
        let scale = Patch::Merge(json!({"spec": {"replicas": 6}}));
        world
            .patch(Kind::Deployment, BACKEND, "", &scale, &Write::by("t"))
            .unwrap();
        world.advance(START + 240_000);
        assert!(percent(&world) < slow, "more pods, less for each");
        assert_eq!(scaler(&world)["status"]["currentReplicas"], 6);
        assert_eq!(scaler(&world)["status"]["desiredReplicas"], 6);
    }

    #[test]
    fn an_overloaded_workload_grows_and_says_why() {
        let mut world = World::new(Scenario::Healthy, 1, START);
        let body = json!({"spec": {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 4}}}]}});
        world
            .patch(
                Kind::HorizontalPodAutoscaler,
                AT,
                "",
                &Patch::Merge(body),
                &Write::by("t"),
            )
            .unwrap();
        world.advance(START + 60_000);
        let backend = world.read(Kind::Deployment, BACKEND).unwrap();
        assert!(tree::int(&backend, &["spec", "replicas"]) > 3);
        let told = world
            .store()
            .live(Kind::Event, AT.0)
            .any(|e| e["reason"] == "SuccessfulRescale");
        assert!(told);
    }
}
