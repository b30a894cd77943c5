//! ReplicaSets: as many pods as wanted, made from the template, the least useful ones removed first. Also how a pod is made from any template.

use serde_json::{Value, json};

use super::kind::Kind;
use super::state::{Source, State, Task};
use super::store::Id;
use super::{kubelet, time, tree};

/// A pod from a workload's template, controlled by it.
pub fn pod_from(owner: &Value, name: &str) -> Value {
    let template = &owner["spec"]["template"];
    let mut pod = json!({
        "metadata": template["metadata"].clone(),
        "spec": template["spec"].clone(),
        "status": {"phase": "Pending", "qosClass": quality(&template["spec"])},
    });
    tree::put(
        &mut pod,
        &["metadata", "namespace"],
        owner["metadata"]["namespace"].clone(),
    );
    tree::put(&mut pod, &["metadata", "name"], name);
    tree::remove(&mut pod, &["metadata", "creationTimestamp"]);
    tree::put(
        &mut pod,
        &["metadata", "ownerReferences"],
        json!([reference(owner)]),
    );
    pod
}

/// How an object names its controller.
pub fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

fn quality(spec: &Value) -> &'static str {
    let containers = tree::list(spec, &["containers"]);
    let same = |c: &Value| {
        !c["resources"]["limits"].is_null()
            && c["resources"]["limits"] == c["resources"]["requests"]
    };
    if containers.iter().all(same) {
        "Guaranteed"
    } else if containers
        .iter()
        .any(|c| !c["resources"]["requests"].is_null())
    {
        "Burstable"
    } else {
        "BestEffort"
    }
}

/// Whether a pod counts: not leaving, not ended.
pub fn active(pod: &Value) -> bool {
    tree::text(pod, &["metadata", "deletionTimestamp"]).is_empty()
        && !matches!(
            tree::text(pod, &["status", "phase"]),
            "Succeeded" | "Failed"
        )
}

/// Whether a pod has been ready for long enough at a moment; else when it will have been, if it is ready.
pub fn available(pod: &Value, min_ready_s: i64, now_ms: i64) -> Result<(), Option<i64>> {
    if !tree::is_true(pod, "Ready") {
        return Err(None);
    }
    let since = tree::condition(pod, "Ready")
        .and_then(|c| time::parse(tree::text(c, &["lastTransitionTime"])));
    let from = since.unwrap_or(now_ms) + min_ready_s * 1000;
    if min_ready_s == 0 || from <= now_ms {
        Ok(())
    } else {
        Err(Some(from))
    }
}

/// The pods a workload controls.
pub fn pods_of(state: &State, owner: &Value) -> Vec<Value> {
    let uid = tree::text(owner, &["metadata", "uid"]);
    let namespace = tree::text(owner, &["metadata", "namespace"]);
    let ours = |pod: &&Value| tree::owned_by(pod, uid);
    state
        .store
        .live(Kind::Pod, namespace)
        .filter(ours)
        .cloned()
        .collect()
}

/// Brings one ReplicaSet closer to what it wants; says whether anything changed.
pub fn reconcile(state: &mut State, id: &Id) -> bool {
    let Some(set) = state.store.tree(Kind::ReplicaSet, &id.0, &id.1).cloned() else {
        return false;
    };
    let version = state.store.version();
    let pods: Vec<Value> = pods_of(state, &set).into_iter().filter(active).collect();
    let wanted = tree::int(&set, &["spec", "replicas"]).max(0) as usize;
    for _ in pods.len()..wanted {
        let name = format!("{}-{}", id.1, state.rng.suffix(5));
        let pod = state.create(Kind::Pod, pod_from(&set, &name), "kube-controller-manager");
        kubelet::adopt(state, &pod);
        let source = Source::controller("replicaset-controller");
        state.event(
            &set,
            false,
            "SuccessfulCreate",
            &format!("Created pod: {name}"),
            &source,
        );
    }
    if pods.len() > wanted {
        let mut ranked: Vec<&Value> = pods.iter().collect();
        ranked.sort_by_key(|pod| worth(pod));
        let leaving: Vec<Id> = ranked[..pods.len() - wanted]
            .iter()
            .map(|pod| tree::id(pod))
            .collect();
        for pod in leaving {
            let source = Source::controller("replicaset-controller");
            state.event(
                &set,
                false,
                "SuccessfulDelete",
                &format!("Deleted pod: {}", pod.1),
                &source,
            );
            kubelet::dismiss(state, &pod, grace(state, &pod));
        }
    }
    write_status(state, set);
    state.store.version() != version
}

fn grace(state: &State, id: &Id) -> i64 {
    let pod = state.store.tree(Kind::Pod, &id.0, &id.1);
    pod.and_then(|p| p["spec"]["terminationGracePeriodSeconds"].as_i64())
        .unwrap_or(30)
}

/// What is removed first: unplaced, pending, not ready, cheap to remove, restarted often, young.
fn worth(pod: &Value) -> (bool, u8, bool, i64, i64, i64) {
    let phase = match tree::text(pod, &["status", "phase"]) {
        "Pending" => 0,
        "Running" => 2,
        _ => 1,
    };
    let cost = tree::text(
        pod,
        &[
            "metadata",
            "annotations",
            "controller.kubernetes.io/pod-deletion-cost",
        ],
    );
    let restarts = tree::list(pod, &["status", "containerStatuses"])
        .iter()
        .map(|s| tree::int(s, &["restartCount"]))
        .sum::<i64>();
    let born = time::parse(tree::text(pod, &["metadata", "creationTimestamp"])).unwrap_or_default();
    (
        !tree::text(pod, &["spec", "nodeName"]).is_empty(),
        phase,
        tree::is_true(pod, "Ready"),
        cost.parse().unwrap_or(0),
        -restarts,
        -born,
    )
}

fn write_status(state: &mut State, mut set: Value) {
    let min_ready = tree::int(&set, &["spec", "minReadySeconds"]);
    let (mut total, mut ready, mut available_now) = (0, 0, 0);
    let mut wake: Option<i64> = None;
    for pod in pods_of(state, &set).iter().filter(|pod| active(pod)) {
        total += 1;
        ready += i64::from(tree::is_true(pod, "Ready"));
        match available(pod, min_ready, state.now_ms) {
            Ok(()) => available_now += 1,
            Err(Some(at)) => wake = Some(wake.map_or(at, |known| known.min(at))),
            Err(None) => {}
        }
    }
    if let Some(at) = wake {
        state.after(at - state.now_ms, Task::Look);
    }
    let mut status = json!({
        "replicas": total, "fullyLabeledReplicas": total,
        "observedGeneration": set["metadata"]["generation"].clone(),
    });
    if ready > 0 {
        tree::put(&mut status, &["readyReplicas"], ready);
    }
    if available_now > 0 {
        tree::put(&mut status, &["availableReplicas"], available_now);
    }
    if total == 0 {
        tree::remove(&mut status, &["fullyLabeledReplicas"]);
    }
    tree::put(&mut set, &["status"], status);
    state.update(Kind::ReplicaSet, set);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_useful_pod_goes_first() {
        let pod = |node: &str, phase: &str, ready: &str, born: &str| {
            json!({"metadata": {"creationTimestamp": born}, "spec": {"nodeName": node},
                   "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}})
        };
        let old = pod("n", "Running", "True", "2026-01-01T00:00:00Z");
        let young = pod("n", "Running", "True", "2026-01-02T00:00:00Z");
        let unready = pod("n", "Running", "False", "2026-01-01T00:00:00Z");
        let pending = pod("n", "Pending", "False", "2026-01-01T00:00:00Z");
        let unplaced = pod("", "Pending", "False", "2026-01-01T00:00:00Z");
        let mut all = [&old, &young, &unready, &pending, &unplaced];
        all.sort_by_key(|pod| worth(pod));
        assert_eq!(all, [&unplaced, &pending, &unready, &young, &old]);
    }

    #[test]
    fn a_pod_is_available_only_after_being_ready_for_long_enough() {
        let pod = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:00:10Z"}]}});
        assert_eq!(available(&pod, 0, 10_000), Ok(()));
        assert_eq!(available(&pod, 5, 12_000), Err(Some(15_000)));
        assert_eq!(available(&pod, 5, 15_000), Ok(()));
        assert_eq!(available(&json!({}), 0, 0), Err(None));
    }
}
