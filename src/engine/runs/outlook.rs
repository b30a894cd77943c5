//! What follows when a pod goes, said before it is asked to: who makes a new one. What a disruption budget says is the
//! server's to tell, when the eviction is rehearsed.

use super::means::Means;
use super::state::{known, text};
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::{Level, Line, Requirement};
use serde_json::Value;

/// The lines for what the rights asked about are for.
pub async fn lines(means: &Means, rights: &[Requirement], object: &ObjectRef) -> Vec<Line> {
    let removes = |right: &Requirement| {
        right.verb == "delete" || (right.verb == "create" && right.resource == "pods/eviction")
    };
    if object.kind != "Pod" || !rights.iter().any(removes) {
        return Vec::new();
    }
    let Ok(kind) = known(&object.kind) else {
        return Vec::new();
    };
    let (namespace, name) = (&object.namespace, &object.name);
    match means.cluster.object_of(&kind, namespace, name).await {
        Ok(pod) => vec![successor(&pod)],
        // That it cannot be read is said by whoever asks for its facts.
        Err(_) => Vec::new(),
    }
}

/// Who makes a new pod in the place of this one.
fn successor(pod: &Value) -> Line {
    let question = "who makes a new one?";
    let owners = pod["metadata"]["ownerReferences"].as_array();
    let mut owners = owners.into_iter().flatten();
    let Some(owner) = owners.find(|owner| owner["controller"] == true) else {
        let fact = "the pod has no owner: nobody makes a new one, and what it does ends with it";
        return Line::new(Level::Amber, question, fact)
            .fix("keep its YAML (y) if it is to be made again by hand");
    };
    let (kind, name) = (text(&owner["kind"]), text(&owner["name"]));
    match &*kind {
        "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ReplicationController" => Line::new(
            Level::Passed,
            question,
            format!("{kind}/{name} does, at once"),
        ),
        "Job" => Line::new(
            Level::Amber,
            question,
            format!("Job/{name} does, and its work begins anew or counts as failed"),
        ),
        _ => Line::new(
            Level::Amber,
            question,
            format!("{kind}/{name} owns it; whether it makes a new one is not known"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_an_owner_that_makes_new_pods_passes() {
        for (owners, wanted) in [
            (json!([]), Level::Amber),
            (
                json!([{"kind": "ReplicaSet", "name": "a", "controller": true}]),
                Level::Passed,
            ),
            (
                json!([{"kind": "ReplicaSet", "name": "a", "controller": false}]),
                Level::Amber,
            ),
            (
                json!([{"kind": "Job", "name": "a", "controller": true}]),
                Level::Amber,
            ),
            (
                json!([{"kind": "Node", "name": "a", "controller": true}]),
                Level::Amber,
            ),
        ] {
            let line = successor(&json!({"metadata": {"ownerReferences": owners}}));
            assert_eq!(line.level, wanted, "{line:?}");
        }
    }
}
