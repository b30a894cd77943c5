//! The life of a pod: placed on a node, image pulled, started, ready, crashing with back-off, leaving. Called by the world when a pod appears, is deleted, or is due.

mod placing;
mod status;

use serde_json::{Value, json};

use super::kind::Kind;
use super::ledger::PodKey;
use super::scenario::Fate;
use super::seed::fold;
use super::state::{Kubelet, Source, Stage, State, Task, set_condition};
use super::store::Id;
use super::tokens::Keys;
use super::{sessions, time, tree};

use placing::{address_of, pick};
use status::{containers, not_ready, status, statuses, waiting};

/// The longest a kubelet waits between two attempts.
const LONGEST: i64 = 300_000;

/// How long to wait after so many failures: nothing after the first, then 10 s, doubling up to five minutes.
pub fn back_off(failures: u32) -> i64 {
    match failures {
        0 | 1 => 0,
        n => (10_000 << (n - 2).min(6)).min(LONGEST),
    }
}

/// A pod has appeared: someone must place it.
pub fn adopt(state: &mut State, pod: &Value) {
    let id = tree::id(pod);
    let uid = tree::text(pod, &["metadata", "uid"]).to_owned();
    let kubelet = Kubelet {
        uid: uid.clone(),
        stage: Stage::Waiting,
        crashes: 0,
        pulls: 0,
        keys: Keys::default(),
    };
    state.kubelets.insert(id.clone(), kubelet);
    state.after_about(30, 120, Task::Pod(id, uid));
}

/// A pod is to go: it gets its grace, then leaves.
pub fn dismiss(state: &mut State, id: &Id, grace_s: i64) {
    let Some(mut pod) = state.store.tree(Kind::Pod, &id.0, &id.1).cloned() else {
        return;
    };
    let uid = tree::text(&pod, &["metadata", "uid"]).to_owned();
    let placed = !tree::text(&pod, &["spec", "nodeName"]).is_empty();
    if grace_s == 0 || !placed {
        gone(state, id);
        return;
    }
    if !tree::text(&pod, &["metadata", "deletionTimestamp"]).is_empty() {
        return;
    }
    tree::put(
        &mut pod,
        &["metadata", "deletionTimestamp"],
        time::stamp(state.now_ms + grace_s * 1000),
    );
    tree::put(
        &mut pod,
        &["metadata", "deletionGracePeriodSeconds"],
        grace_s,
    );
    let names: Vec<String> = containers(&pod)
        .map(|c| tree::text(c, &["name"]).to_owned())
        .collect();
    state.update(Kind::Pod, pod.clone());
    for name in names {
        tell(
            state,
            &pod,
            Some(&name),
            false,
            "Killing",
            &format!("Stopping container {name}"),
        );
    }
    if let Some(kubelet) = state.kubelets.get_mut(id) {
        kubelet.stage = Stage::Leaving;
    }
    let most = (grace_s * 1000).min(2500);
    state.after_about(most.min(900), most, Task::Pod(id.clone(), uid));
}

/// The next step of a pod's life; nothing when the pod is another one by now.
pub fn step(state: &mut State, id: &Id, uid: &str) {
    let Some(kubelet) = state.kubelets.get(id).cloned() else {
        return;
    };
    let Some(pod) = state.store.tree(Kind::Pod, &id.0, &id.1).cloned() else {
        state.kubelets.remove(id);
        return;
    };
    if kubelet.uid != uid || pod["metadata"]["uid"] != uid {
        return;
    }
    match kubelet.stage {
        Stage::Waiting => place(state, id, pod),
        Stage::Pulling => pulled(state, id, pod),
        Stage::PullFailed => pull_again(state, id, pod),
        Stage::Restarting => start(state, id, pod),
        Stage::Running => settle(state, id, pod),
        Stage::Settled => probe(state, id, &pod),
        Stage::Leaving => gone(state, id),
    }
}

/// The container that decides the pod's fate: the first that does not simply run.
fn fate(state: &State, pod: &Value) -> (Fate, String, String) {
    let read = |c: &Value| {
        let image = tree::text(c, &["image"]).to_owned();
        (
            state.scenario.fate(&image),
            tree::text(c, &["name"]).to_owned(),
            image,
        )
    };
    let mut all = containers(pod).map(read);
    let first = all.next();
    let odd = first
        .clone()
        .into_iter()
        .chain(all)
        .find(|(fate, ..)| *fate != Fate::Runs);
    odd.or(first)
        .unwrap_or((Fate::Runs, String::new(), String::new()))
}

fn tell(
    state: &mut State,
    pod: &Value,
    container: Option<&str>,
    warning: bool,
    reason: &str,
    message: &str,
) {
    let node = tree::text(pod, &["spec", "nodeName"]).to_owned();
    let source = Source {
        component: "kubelet",
        host: Some(&node),
        container,
    };
    state.event(pod, warning, reason, message, &source);
}

fn enter(state: &mut State, id: &Id, next: Stage, low: i64, high: i64) {
    let Some(memory) = state.kubelets.get_mut(id) else {
        return;
    };
    memory.stage = next;
    let task = Task::Pod(id.clone(), memory.uid.clone());
    state.after_about(low, high, task);
}

fn place(state: &mut State, id: &Id, mut pod: Value) {
    let wanted = tree::text(&pod, &["spec", "nodeName"]).to_owned();
    let node = if wanted.is_empty() {
        pick(state)
    } else {
        address_of(state, &wanted)
    };
    let now = state.stamp();
    let Some((node, address)) = node else {
        let total = state.store.list(Kind::Node, "").count();
        let message = format!("0/{total} nodes are available: {total} node(s) were unschedulable.");
        set_condition(
            &mut pod,
            "PodScheduled",
            false,
            ("Unschedulable", &message),
            &now,
        );
        state.update(Kind::Pod, pod.clone());
        let source = Source::controller("default-scheduler");
        state.event(&pod, true, "FailedScheduling", &message, &source);
        return enter(state, id, Stage::Waiting, 5_000, 5_000);
    };
    tree::put(&mut pod, &["spec", "nodeName"], node.as_str());
    tree::put(&mut pod, &["status", "hostIP"], address.as_str());
    tree::put(&mut pod, &["status", "hostIPs"], json!([{"ip": address}]));
    tree::put(&mut pod, &["status", "startTime"], now.clone());
    for kind in ["PodScheduled", "Initialized"] {
        set_condition(&mut pod, kind, true, ("", ""), &now);
    }
    waiting(&mut pod, None, "ContainerCreating", "");
    not_ready(&mut pod, &now);
    state.update(Kind::Pod, pod.clone());
    let message = format!("Successfully assigned {}/{} to {node}", id.0, id.1);
    state.event(
        &pod,
        false,
        "Scheduled",
        &message,
        &Source::controller("default-scheduler"),
    );
    for container in containers(&pod).cloned().collect::<Vec<_>>() {
        let message = format!("Pulling image \"{}\"", tree::text(&container, &["image"]));
        tell(
            state,
            &pod,
            Some(tree::text(&container, &["name"])),
            false,
            "Pulling",
            &message,
        );
    }
    enter(state, id, Stage::Pulling, 350, 1_300);
}

fn pulled(state: &mut State, id: &Id, mut pod: Value) {
    let (fate, container, image) = fate(state, &pod);
    if fate != Fate::Missing {
        return start(state, id, pod);
    }
    let why = format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    );
    waiting(&mut pod, Some(&container), "ErrImagePull", &why);
    state.update(Kind::Pod, pod.clone());
    let failed = format!("Failed to pull image \"{image}\": {why}");
    tell(state, &pod, Some(&container), true, "Failed", &failed);
    tell(
        state,
        &pod,
        Some(&container),
        true,
        "Failed",
        "Error: ErrImagePull",
    );
    if let Some(kubelet) = state.kubelets.get_mut(id) {
        kubelet.pulls += 1;
    }
    enter(state, id, Stage::PullFailed, 2_000, 4_000);
}

/// After a failed pull: first the back-off is shown, then the image is asked for again.
fn pull_again(state: &mut State, id: &Id, mut pod: Value) {
    let (_, container, image) = fate(state, &pod);
    let statuses = tree::list(&pod, &["status", "containerStatuses"]);
    let shown = statuses
        .iter()
        .any(|s| s["state"]["waiting"]["reason"] == "ImagePullBackOff");
    if shown {
        let message = format!("Pulling image \"{image}\"");
        tell(state, &pod, Some(&container), false, "Pulling", &message);
        return enter(state, id, Stage::Pulling, 350, 1_300);
    }
    let message = format!("Back-off pulling image \"{image}\"");
    waiting(&mut pod, Some(&container), "ImagePullBackOff", &message);
    state.update(Kind::Pod, pod.clone());
    tell(state, &pod, Some(&container), false, "BackOff", &message);
    tell(
        state,
        &pod,
        Some(&container),
        true,
        "Failed",
        "Error: ImagePullBackOff",
    );
    let pulls = state.kubelets.get(id).map_or(1, |k| k.pulls);
    let wait = back_off(pulls + 1);
    enter(state, id, Stage::PullFailed, wait, wait);
}

fn start(state: &mut State, id: &Id, mut pod: Value) {
    let again = state
        .kubelets
        .get(id)
        .is_some_and(|k| k.stage == Stage::Restarting);
    let now = state.stamp();
    let (fate, odd, _) = fate(state, &pod);
    let mark = state.rng.hex(64);
    let keys = sessions::keys_of(state, &pod);
    if let Some(kubelet) = state.kubelets.get_mut(id) {
        kubelet.keys = keys;
    }
    statuses(&mut pod, |container, before| {
        let moved = !again || container["name"] == odd.as_str();
        if !moved {
            return before.clone();
        }
        let mut new = status(
            container,
            before,
            false,
            &json!({"running": {"startedAt": now}}),
        );
        tree::put(&mut new, &["containerID"], format!("containerd://{mark}"));
        if again {
            tree::put(
                &mut new,
                &["restartCount"],
                tree::int(before, &["restartCount"]) + 1,
            );
        }
        new
    });
    give_address(state, &mut pod);
    tree::put(&mut pod, &["status", "phase"], "Running");
    set_condition(&mut pod, "PodReadyToStartContainers", true, ("", ""), &now);
    state.update(Kind::Pod, pod.clone());
    tell_start(state, &pod, again.then_some(odd.as_str()));
    let (low, high) = match fate {
        Fate::Crashes { .. } => (1_400, 2_600),
        _ => (1_200, 2_800),
    };
    enter(state, id, Stage::Running, low, high);
}

fn give_address(state: &mut State, pod: &mut Value) {
    if tree::text(pod, &["status", "podIP"]).is_empty() {
        let ip = format!(
            "10.244.{}.{}",
            fold(tree::text(pod, &["spec", "nodeName"])) % 250,
            state.rng.between(2, 254)
        );
        tree::put(pod, &["status", "podIPs"], json!([{"ip": ip}]));
        tree::put(pod, &["status", "podIP"], ip);
    }
}

/// Tells that the containers have started, or that the named one has started again.
fn tell_start(state: &mut State, pod: &Value, again: Option<&str>) {
    for container in containers(pod).cloned().collect::<Vec<_>>() {
        let name = tree::text(&container, &["name"]);
        if again.is_some_and(|only| only != name) {
            continue;
        }
        let image = tree::text(&container, &["image"]);
        let ms = state.rng.between(310, 1_290);
        let pulled = if again.is_some() {
            format!("Container image \"{image}\" already present on machine")
        } else {
            format!(
                "Successfully pulled image \"{image}\" in {ms}ms ({ms}ms including waiting). Image size: {} bytes.",
                31_000_000 + fold(image) % 90_000_000
            )
        };
        let created = format!("Created container: {name}");
        let started = format!("Started container {name}");
        for (reason, message) in [
            ("Pulled", pulled),
            ("Created", created),
            ("Started", started),
        ] {
            tell(state, pod, Some(name), false, reason, &message);
        }
    }
}

/// A started container shows what it is: ready, unready, or dead.
fn settle(state: &mut State, id: &Id, mut pod: Value) {
    let (fate, name, _) = fate(state, &pod);
    match fate {
        Fate::Crashes { code, reason } => crash(state, id, pod, &name, (code, reason)),
        Fate::Unready => {
            enter(state, id, Stage::Settled, 10, 10);
            statuses(&mut pod, |container, before| {
                status(
                    container,
                    before,
                    container["name"] != name.as_str(),
                    &before["state"],
                )
            });
            state.update(Kind::Pod, pod);
        }
        Fate::Runs | Fate::Missing => {
            let now = state.stamp();
            statuses(&mut pod, |_, before| {
                let mut new = before.clone();
                tree::put(&mut new, &["ready"], true);
                new
            });
            for kind in ["Ready", "ContainersReady"] {
                set_condition(&mut pod, kind, true, ("", ""), &now);
            }
            state.update(Kind::Pod, pod);
            if let Some(kubelet) = state.kubelets.get_mut(id) {
                kubelet.stage = Stage::Settled;
            }
        }
    }
}

fn crash(state: &mut State, id: &Id, mut pod: Value, name: &str, (code, reason): (i64, &str)) {
    let Some(kubelet) = state.kubelets.get_mut(id) else {
        return;
    };
    kubelet.crashes += 1;
    let wait = back_off(kubelet.crashes);
    let (now, uid) = (state.stamp(), kubelet_uid(&pod));
    let loops = format!(
        "back-off {} restarting failed container={name} pod={}_{}({uid})",
        go_duration(wait),
        id.1,
        id.0
    );
    statuses(&mut pod, |container, before| {
        if container["name"] != name {
            return before.clone();
        }
        let ended = json!({"terminated": {
            "exitCode": code, "reason": reason, "startedAt": before["state"]["running"]["startedAt"],
            "finishedAt": now, "containerID": before["containerID"],
        }});
        let state = if wait == 0 {
            ended.clone()
        } else {
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": loops}})
        };
        let mut new = status(container, before, false, &state);
        tree::put(&mut new, &["containerID"], before["containerID"].clone());
        tree::put(
            &mut new,
            &["lastState"],
            if wait == 0 {
                before["lastState"].clone()
            } else {
                ended
            },
        );
        new
    });
    not_ready(&mut pod, &now);
    state.update(Kind::Pod, pod.clone());
    if wait > 0 {
        let message = format!(
            "Back-off restarting failed container {name} in pod {}_{}({uid})",
            id.1, id.0
        );
        tell(state, &pod, Some(name), true, "BackOff", &message);
    }
    enter(state, id, Stage::Restarting, wait.max(800), wait.max(1_200));
}

/// A duration as Go prints it: `40s`, `1m20s`, `5m0s`.
fn go_duration(ms: i64) -> String {
    let seconds = ms / 1000;
    match seconds / 60 {
        0 => format!("{seconds}s"),
        minutes => format!("{minutes}m{}s", seconds % 60),
    }
}

fn kubelet_uid(pod: &Value) -> String {
    tree::text(pod, &["metadata", "uid"]).to_owned()
}

/// A pod that runs is asked again and again whether it is ready; one that never is says so.
fn probe(state: &mut State, id: &Id, pod: &Value) {
    let (fate, name, _) = fate(state, pod);
    if fate == Fate::Unready {
        let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
        tell(state, pod, Some(&name), true, "Unhealthy", message);
        enter(state, id, Stage::Settled, 10_000, 10_000);
    }
}

fn gone(state: &mut State, id: &Id) {
    state.kubelets.remove(id);
    state.remove(Kind::Pod, id);
    let key = PodKey {
        namespace: id.0.clone(),
        pod: id.1.clone(),
    };
    state.ledger.end(&key, state.now_ms);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_from_ten_seconds_to_five_minutes() {
        let waits: Vec<i64> = (1..=8).map(|n| back_off(n) / 1000).collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(back_off(u32::MAX), LONGEST);
    }
}
