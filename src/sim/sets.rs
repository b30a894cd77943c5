//! StatefulSets and DaemonSets, simply: pods with fixed names in order, or one on every node; a changed template replaces them one at a time.

use serde_json::{Value, json};

use super::kind::Kind;
use super::state::{Source, State};
use super::store::Id;
use super::{kubelet, replicas, revisions, tree};

fn make(state: &mut State, owner: &Value, name: &str, node: Option<&str>) {
    let mut pod = replicas::pod_from(owner, name);
    tree::put(
        &mut pod,
        &["metadata", "labels", revisions::LABEL],
        revisions::label(owner),
    );
    if let Some(node) = node {
        tree::put(&mut pod, &["spec", "nodeName"], node);
    } else {
        tree::put(
            &mut pod,
            &["metadata", "labels", "statefulset.kubernetes.io/pod-name"],
            name,
        );
    }
    let pod = state.create(Kind::Pod, pod, "kube-controller-manager");
    kubelet::adopt(state, &pod);
    let component = if node.is_some() {
        "daemonset-controller"
    } else {
        "statefulset-controller"
    };
    let message = match node {
        Some(_) => format!("Created pod: {name}"),
        None => format!(
            "create Pod {name} in StatefulSet {} successful",
            tree::text(owner, &["metadata", "name"])
        ),
    };
    state.event(
        owner,
        false,
        "SuccessfulCreate",
        &message,
        &Source::controller(component),
    );
}

fn ready(pod: &Value) -> bool {
    replicas::active(pod) && tree::is_true(pod, "Ready")
}

/// Brings one StatefulSet closer to what it wants; says whether anything changed.
pub fn reconcile_stateful(state: &mut State, id: &Id) -> bool {
    let Some(mut set) = state.store.tree(Kind::StatefulSet, &id.0, &id.1).cloned() else {
        return false;
    };
    let version = state.store.version();
    let wanted = tree::int(&set, &["spec", "replicas"]).max(0);
    revisions::keep(state, &set);
    let label = revisions::label(&set);
    let pods = replicas::pods_of(state, &set);
    let named = |n: i64| {
        pods.iter()
            .find(|p| p["metadata"]["name"] == format!("{}-{n}", id.1))
    };
    let ordinal = |pod: &Value| {
        tree::text(pod, &["metadata", "name"])
            .rsplit('-')
            .next()
            .and_then(|n| n.parse::<i64>().ok())
    };
    let missing = (0..wanted).find(|n| named(*n).is_none());
    let all_before_ready = missing.is_some_and(|n| (0..n).all(|n| named(n).is_some_and(ready)));
    let surplus = pods
        .iter()
        .filter(|p| replicas::active(p) && ordinal(p).is_some_and(|n| n >= wanted))
        .max_by_key(|p| ordinal(p));
    let outdated = (0..wanted).rev().find_map(|n| {
        named(n).filter(|p| p["metadata"]["labels"][revisions::LABEL] != label.as_str())
    });
    if let Some(pod) = surplus {
        kubelet::dismiss(state, &tree::id(pod), 30);
    } else if let (Some(n), true) = (missing, all_before_ready) {
        make(state, &set, &format!("{}-{n}", id.1), None);
    } else if let (Some(pod), None) = (outdated, missing)
        && pods.iter().all(|p| ready(p) || p == pod)
    {
        kubelet::dismiss(state, &tree::id(pod), 30);
    }
    let pods = replicas::pods_of(state, &set);
    let current = pods
        .iter()
        .filter(|p| p["metadata"]["labels"][revisions::LABEL] == label.as_str())
        .count();
    let up = pods.iter().filter(|p| ready(p)).count();
    let finished = current as i64 == wanted && up as i64 == wanted;
    let before = tree::text(&set, &["status", "currentRevision"]).to_owned();
    let present = if finished || before.is_empty() {
        label.clone()
    } else {
        before
    };
    let status = json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "readyReplicas": up, "availableReplicas": up,
        "currentReplicas": if present == label { current } else { pods.len() - current }, "updatedReplicas": current,
        "currentRevision": present, "updateRevision": label, "collisionCount": 0,
    });
    tree::put(&mut set, &["status"], status);
    state.update(Kind::StatefulSet, set);
    state.store.version() != version
}

/// Brings one DaemonSet closer to what it wants; says whether anything changed.
pub fn reconcile_daemon(state: &mut State, id: &Id) -> bool {
    let Some(mut set) = state.store.tree(Kind::DaemonSet, &id.0, &id.1).cloned() else {
        return false;
    };
    let version = state.store.version();
    let nodes: Vec<String> = state
        .store
        .live(Kind::Node, "")
        .map(|n| tree::id(n).1)
        .collect();
    revisions::keep(state, &set);
    let label = revisions::label(&set);
    let pods = replicas::pods_of(state, &set);
    for node in &nodes {
        if !pods.iter().any(|p| p["spec"]["nodeName"] == node.as_str()) {
            let name = format!("{}-{}", id.1, state.rng.suffix(5));
            make(state, &set, &name, Some(node));
        }
    }
    if pods.len() == nodes.len()
        && pods.iter().all(ready)
        && let Some(old) = pods
            .iter()
            .find(|p| p["metadata"]["labels"][revisions::LABEL] != label.as_str())
    {
        kubelet::dismiss(state, &tree::id(old), 30);
    }
    let pods = replicas::pods_of(state, &set);
    let up = pods.iter().filter(|p| ready(p)).count();
    let current = pods
        .iter()
        .filter(|p| p["metadata"]["labels"][revisions::LABEL] == label.as_str())
        .count();
    let status = json!({
        "observedGeneration": set["metadata"]["generation"], "desiredNumberScheduled": nodes.len(), "currentNumberScheduled": pods.len().min(nodes.len()),
        "numberReady": up, "numberAvailable": up, "updatedNumberScheduled": current, "numberMisscheduled": 0,
        "numberUnavailable": nodes.len() - up.min(nodes.len()),
    });
    tree::put(&mut set, &["status"], status);
    state.update(Kind::DaemonSet, set);
    state.store.version() != version
}
