//! Pod templates as they go back into a workload, with the annotations that came with them.

use serde_json::{Map, Value, json};

use super::field::{FieldChange, ObjectRef};
use super::merge::changes;
use super::planned::Planned;
use super::words::{ANNOTATIONS, change_lines};

/// A revision's template as it goes back into a workload: without the hash label its controller added, and without
/// nulls, which a merge patch cannot carry and the server does not keep.
pub fn restorable(template: &Value) -> Value {
    let mut template = without_nulls(template);
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.remove("pod-template-hash");
        labels.remove("controller-revision-hash");
    }
    template
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Annotations of a Deployment that are its own whatever revision runs: what `kubectl rollout undo` leaves as they are.
const ITS_OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// Plans the template of a workload to become that of a revision; its annotations, where the revision keeps those of its
/// time, go back with it. A template that is there already leaves everything as it is.
pub fn plan_rollback(
    object: ObjectRef,
    body: &Value,
    template: &Value,
    annotations: Option<&Map<String, Value>>,
) -> Planned {
    let current = body
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let mut all = changes(&current, &restorable(template), "/spec/template");
    if let Some(kept) = annotations.filter(|_| !all.is_empty()) {
        all.extend(annotation_changes(body, kept));
    }
    Planned {
        kind: "k8s.rollback".to_owned(),
        object,
        lines: change_lines(&all),
        changes: all,
    }
}

fn annotation_changes(body: &Value, kept: &Map<String, Value>) -> Vec<FieldChange> {
    let current = body.pointer("/metadata/annotations");
    let current = current.filter(|now| now.is_object()).cloned();
    let current = current.unwrap_or_else(|| json!({}));
    let own = |key: &str| ITS_OWN.contains(&key);
    let stays = current.as_object().into_iter().flatten();
    let stays = stays.filter(|(key, _)| own(key));
    let comes = kept.iter().filter(|(key, _)| !own(key));
    let desired: Map<String, Value> = stays
        .chain(comes)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    changes(
        &current,
        &Value::Object(desired),
        ANNOTATIONS.trim_end_matches('/'),
    )
}
