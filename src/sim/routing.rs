//! Who gets the traffic: Services select ready pods, Endpoints say which, and the ledger is told how much reaches each and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::kind::Kind;
use super::ledger::PodKey;
use super::scenario::usual_rps;
use super::seed::mix;
use super::state::State;
use super::{replicas, sessions, tree};

/// The namespace whose Services are reached from outside.
const TRAFFIC: &str = "veza-production";
/// The version of pods that name none.
const UNNAMED: &str = "unknown";

/// Finds out which pods the Services of some namespaces reach, as of now, and divides their traffic among them.
pub fn route(state: &mut State, places: &BTreeSet<String>) {
    let services = places
        .iter()
        .flat_map(|place| state.store.live(Kind::Service, place));
    let services: Vec<Value> = services.cloned().collect();
    let mut served: BTreeMap<PodKey, (String, f64)> = BTreeMap::new();
    for service in &services {
        let (namespace, name) = tree::id(service);
        let selector = &service["spec"]["selector"];
        let pods: Vec<Value> = state
            .store
            .live(Kind::Pod, &namespace)
            .filter(|p| tree::labelled(p, selector))
            .cloned()
            .collect();
        let ready: Vec<&Value> = pods
            .iter()
            .filter(|p| replicas::active(p) && tree::is_true(p, "Ready"))
            .collect();
        publish(state, service, &pods);
        let Some(rps) = usual_rps(&name).filter(|_| namespace == TRAFFIC) else {
            continue;
        };
        let share = rps / ready.len().max(1) as f64;
        for pod in ready {
            let (namespace, pod) = tree::id(pod);
            served.insert(PodKey { namespace, pod }, (name.clone(), share));
        }
    }
    if !places.contains(TRAFFIC) {
        return;
    }
    note_versions(state, &served);
    state.shares = served
        .into_iter()
        .map(|(key, (_, share))| (key, share))
        .collect();
    flow(state);
}

/// How much of its usual traffic a service has at a moment: a slow swing over the day, and a little noise.
fn tide(now_ms: i64, service: &str) -> f64 {
    let day = (now_ms.rem_euclid(86_400_000)) as f64 / 86_400_000.0;
    let noise = mix((now_ms / 60_000) as u64 ^ super::seed::fold(service)) as f64 / u64::MAX as f64;
    let tide = 1.0 + 0.06 * (day * std::f64::consts::TAU).sin() + 0.05 * (noise - 0.5);
    (tide * 1000.0).round() / 1000.0
}

fn version_of(state: &State, key: &PodKey) -> String {
    let pod = state.store.tree(Kind::Pod, &key.namespace, &key.pod);
    let label = pod.map_or("", |p| tree::text(p, &["metadata", "labels", "version"]));
    if label.is_empty() {
        UNNAMED.into()
    } else {
        label.into()
    }
}

/// Pods that are reached for the first time begin in the ledger; each version's time of service is counted from its first pod.
fn note_versions(state: &mut State, served: &BTreeMap<PodKey, (String, f64)>) {
    let now = state.now_ms;
    let mut versions = BTreeMap::new();
    for (key, (service, _)) in served {
        let version = version_of(state, key);
        let name = (key.namespace.clone(), service.clone(), version.clone());
        let since = *state.serving.get(&name).unwrap_or(&now);
        versions.insert(name, since);
        if !state.ledger.pods.contains_key(key) {
            state.ledger.begin(key.clone(), service, &version, now);
        }
    }
    state.serving = versions;
}

/// Tells the ledger how much reaches each pod at this moment, and how it answers.
pub fn flow(state: &mut State) {
    let now = state.now_ms;
    sessions::go_on(state);
    let trouble = state.trouble_ms.map(|at| now - at);
    let mut changes = Vec::new();
    for (key, track) in state
        .ledger
        .pods
        .iter()
        .filter(|(_, track)| track.ended_ms.is_none())
    {
        let name = (
            key.namespace.clone(),
            track.service.clone(),
            track.version.clone(),
        );
        let since = state.serving.get(&name).map_or(0, |since| now - since);
        let rps = state
            .shares
            .get(key)
            .map_or(0.0, |share| share * tide(now, &track.service))
            * state.scenario.demand(&track.service, trouble);
        let mut health = state
            .scenario
            .health(&track.service, &track.version, since, trouble)
            .under(state.scenario, &track.service, rps);
        if state.stuck.contains(key) {
            health = health.stuck();
        }
        let mut behaviour = health.at(rps);
        let refused = sessions::refused_by(state, key);
        behaviour.unauthorized = (behaviour.unauthorized + refused).min(1.0);
        // Who is refused at the door meets no fault behind it.
        behaviour.errors *= 1.0 - refused;
        changes.push((key.clone(), behaviour));
    }
    for (key, behaviour) in changes {
        state.ledger.set(&key, now, behaviour);
    }
}

/// Keeps Endpoints and EndpointSlice of a Service true.
fn publish(state: &mut State, service: &Value, pods: &[Value]) {
    let (namespace, name) = tree::id(service);
    if service["spec"]["selector"].is_null() {
        return;
    }
    let placed: Vec<&Value> = pods
        .iter()
        .filter(|p| !tree::text(p, &["status", "podIP"]).is_empty())
        .collect();
    let target = |p: &Value| json!({"kind": "Pod", "name": p["metadata"]["name"], "namespace": namespace, "uid": p["metadata"]["uid"]});
    let serving = |p: &Value| replicas::active(p) && tree::is_true(p, "Ready");
    let addresses = |up: bool| -> Vec<Value> {
        let some = placed
            .iter()
            .filter(|p| serving(p) == up && replicas::active(p));
        some.map(|p| json!({"ip": p["status"]["podIP"], "nodeName": p["spec"]["nodeName"], "targetRef": target(p)})).collect()
    };
    let port = &tree::list(service, &["spec", "ports"])
        .first()
        .cloned()
        .unwrap_or_default();
    let number = if port["targetPort"].is_i64() {
        port["targetPort"].clone()
    } else {
        port["port"].clone()
    };
    let ports = json!([{"name": port["name"], "port": number, "protocol": "TCP"}]);
    let mut subset = json!({"ports": ports});
    for (key, up) in [("addresses", true), ("notReadyAddresses", false)] {
        let list = addresses(up);
        if !list.is_empty() {
            tree::put(&mut subset, &[key], Value::from(list));
        }
    }
    let subsets = if placed.is_empty() {
        json!([])
    } else {
        json!([subset])
    };
    let whole = json!({"subsets": subsets});
    write(state, Kind::Endpoints, (&namespace, &name), whole);
    let endpoints: Vec<Value> = placed
        .iter()
        .map(|p| {
            let up = serving(p);
            json!({
                "addresses": [p["status"]["podIP"]], "nodeName": p["spec"]["nodeName"], "targetRef": target(p),
                "conditions": {"ready": up, "serving": tree::is_true(p, "Ready"), "terminating": !replicas::active(p)},
            })
        })
        .collect();
    let slice = json!({
        "metadata": {"labels": {"kubernetes.io/service-name": name}, "ownerReferences": [replicas::reference(service)]},
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    });
    write(
        state,
        Kind::EndpointSlice,
        (&namespace, &format!("{name}-x7k2p")),
        slice,
    );
}

fn write(state: &mut State, kind: Kind, (namespace, name): (&str, &str), mut value: Value) {
    tree::put(&mut value, &["metadata", "namespace"], namespace);
    tree::put(&mut value, &["metadata", "name"], name);
    let Some(mut known) = state.store.tree(kind, namespace, name).cloned() else {
        state.create(kind, value, "kube-controller-manager");
        return;
    };
    for key in ["subsets", "endpoints", "ports"] {
        if let Some(part) = value.get(key) {
            tree::put(&mut known, &[key], part.clone());
        }
    }
    state.update(kind, known);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_swings_a_little_and_never_stops() {
        for minute in 0..1440 {
            let tide = tide(minute * 60_000, "veza-backend");
            assert!((0.85..1.15).contains(&tide), "{tide}");
        }
    }
}
