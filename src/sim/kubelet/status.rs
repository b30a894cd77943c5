//! A pod's status as its kubelet writes it: each container's from its spec and what was there before.

use serde_json::{Value, json};

use super::super::seed::fold;
use super::super::state::set_condition;
use super::super::tree;

/// The containers of a pod.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    tree::list(pod, &["spec", "containers"]).iter()
}

/// Says that the pod is not ready, and which containers are not.
pub fn not_ready(pod: &mut Value, now: &Value) {
    let names: Vec<String> = containers(pod)
        .map(|c| tree::text(c, &["name"]).to_owned())
        .collect();
    let message = format!("containers with unready status: [{}]", names.join(" "));
    for kind in ["Ready", "ContainersReady"] {
        set_condition(pod, kind, false, ("ContainersNotReady", &message), now);
    }
}

/// Rewrites the containers' statuses: each from its spec and its old status.
pub fn statuses(pod: &mut Value, write: impl Fn(&Value, &Value) -> Value) {
    let old = tree::list(pod, &["status", "containerStatuses"]).to_vec();
    let new: Vec<Value> = containers(pod)
        .map(|c| {
            let before = old.iter().find(|s| s["name"] == c["name"]).cloned();
            write(c, &before.unwrap_or(Value::Null))
        })
        .collect();
    tree::put(pod, &["status", "containerStatuses"], Value::from(new));
}

/// One container's status in a state.
pub fn status(container: &Value, before: &Value, ready: bool, state: &Value) -> Value {
    let image = tree::text(container, &["image"]);
    let digest = fold(image);
    let image_id = if state["waiting"].is_null() || !before["imageID"].is_null() {
        format!(
            "{}@sha256:{digest:016x}{:016x}{:016x}{:016x}",
            image.split(':').next().unwrap_or(image),
            !digest,
            digest ^ 7,
            !digest ^ 3
        )
    } else {
        String::new()
    };
    let ended = &before["state"]["terminated"];
    let last = if ended.is_null() {
        before["lastState"].clone()
    } else {
        json!({"terminated": ended})
    };
    json!({
        "name": container["name"], "image": image, "imageID": image_id, "ready": ready,
        "started": state.get("running").is_some(), "restartCount": tree::int(before, &["restartCount"]),
        "state": state, "lastState": if last.is_null() { json!({}) } else { last },
    })
}

/// All containers (or the named one) wait for a reason; the others keep what they had.
pub fn waiting(pod: &mut Value, only: Option<&str>, reason: &str, message: &str) {
    statuses(pod, |container, before| {
        if only.is_some_and(|name| container["name"] != name) && !before.is_null() {
            return before.clone();
        }
        let mut state = json!({"waiting": {"reason": reason}});
        if !message.is_empty() {
            tree::put(&mut state, &["waiting", "message"], message);
        }
        status(container, before, false, &state)
    });
}
