//! The ReplicaSets of a Deployment: named by their template's hash, numbered, sized, and forgotten beyond the history's
//! limit. When to do which is decided next door.

use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::seed::{fold, safe};
use super::super::state::State;
use super::super::{replicas, tree};
use super::bounds::Bounds;

/// The annotation that numbers a ReplicaSet's template.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// The numbers a ReplicaSet had before.
pub const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// How many pods the Deployment wanted when the ReplicaSet was last sized.
pub const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
/// Annotations that are a Deployment's or a ReplicaSet's own, and not handed on.
const OWN: [&str; 6] = [
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
];

/// The ReplicaSets a Deployment controls, oldest first.
pub fn sets_of(state: &State, deployment: &Value) -> Vec<Value> {
    let uid = tree::text(deployment, &["metadata", "uid"]);
    let namespace = tree::text(deployment, &["metadata", "namespace"]);
    let owned = |set: &&Value| tree::owned_by(set, uid);
    let mut sets: Vec<Value> = state
        .store
        .live(Kind::ReplicaSet, namespace)
        .filter(owned)
        .cloned()
        .collect();
    sets.sort_by_key(|set| {
        (
            tree::text(set, &["metadata", "creationTimestamp"]).to_owned(),
            revision(set),
        )
    });
    sets
}

/// The number of a ReplicaSet's or Deployment's revision.
pub fn revision(object: &Value) -> i64 {
    tree::text(object, &["metadata", "annotations", REVISION])
        .parse()
        .unwrap_or(0)
}

/// A template without what the controller adds and what an empty one means.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    tree::remove(&mut template, &["metadata", "labels", HASH]);
    tree::remove(&mut template, &["metadata", "creationTimestamp"]);
    template
}

/// The hash of the template a ReplicaSet was made from.
pub fn hash_of(set: &Value) -> &str {
    tree::text(set, &["metadata", "labels", HASH])
}

/// The hash a template is named by.
pub fn template_hash(template: &Value) -> String {
    let bits = fold(&bare(template).to_string());
    safe((bits ^ (bits >> 32)) as u32)
}

/// The ReplicaSet for a Deployment's present template.
pub fn set_for(deployment: &Value, replicas: i64, revision: i64) -> Value {
    let mut template = bare(&deployment["spec"]["template"]);
    let hash = template_hash(&template);
    tree::put(&mut template, &["metadata", "labels", HASH], hash.as_str());
    let mut selector = deployment["spec"]["selector"].clone();
    tree::put(&mut selector, &["matchLabels", HASH], hash.as_str());
    let name = format!("{}-{hash}", tree::text(deployment, &["metadata", "name"]));
    let mut set = json!({
        "metadata": {
            "namespace": deployment["metadata"]["namespace"], "name": name,
            "labels": template["metadata"]["labels"], "annotations": {},
            "ownerReferences": [replicas::reference(deployment)],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
        "status": {"replicas": 0},
    });
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        tree::put(&mut set, &["spec", "minReadySeconds"], seconds.clone());
    }
    hand_on(deployment, &mut set);
    tree::put(
        &mut set,
        &["metadata", "annotations", REVISION],
        revision.to_string(),
    );
    note_size(deployment, &mut set);
    set
}

/// Gives a ReplicaSet the Deployment's annotations.
pub fn hand_on(deployment: &Value, set: &mut Value) {
    let annotations = deployment["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for (key, value) in annotations
        .into_iter()
        .filter(|(key, _)| !OWN.contains(&key.as_str()))
    {
        tree::put(set, &["metadata", "annotations", &key], value);
    }
}

/// Notes on a ReplicaSet how large its Deployment wants to be.
pub fn note_size(deployment: &Value, set: &mut Value) {
    let bounds = Bounds::of(deployment);
    tree::put(
        set,
        &["metadata", "annotations", DESIRED],
        bounds.replicas.to_string(),
    );
    tree::put(
        set,
        &["metadata", "annotations", MAXIMUM],
        (bounds.replicas + bounds.surge).to_string(),
    );
}

/// How many pods a ReplicaSet is to have.
pub fn size(set: &Value) -> i64 {
    tree::int(set, &["spec", "replicas"])
}

/// Removes old, empty ReplicaSets beyond the limit of the history.
pub fn forget(state: &mut State, deployment: &Value, sets: &[Value], new: Option<usize>) {
    let limit = deployment["spec"]["revisionHistoryLimit"]
        .as_i64()
        .unwrap_or(10)
        .max(0) as usize;
    let mut empty: Vec<&Value> = sets
        .iter()
        .enumerate()
        .filter(|(i, set)| {
            Some(*i) != new && size(set) == 0 && tree::int(set, &["status", "replicas"]) == 0
        })
        .map(|(_, set)| set)
        .collect();
    empty.sort_by_key(|set| revision(set));
    let extra = empty.len().saturating_sub(limit);
    for id in empty[..extra]
        .iter()
        .map(|set| tree::id(set))
        .collect::<Vec<_>>()
    {
        state.remove(Kind::ReplicaSet, &id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_template_ignores_itself() {
        let plain = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"x": 1}});
        let hashed = json!({"metadata": {"labels": {"app": "a", HASH: "zzz"}}, "spec": {"x": 1}});
        assert_eq!(template_hash(&plain), template_hash(&hashed));
        let other = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"x": 2}});
        assert_ne!(template_hash(&plain), template_hash(&other));
    }
}
