//! The part of the schema that is about fields of objects, and about objects that steps name by `ns` and `name` alone.

use serde_json::{Value, json};

use super::parts::{Key, text, texts};

/// Whether a kind names its object by `ns` and `name`.
pub fn by_name(kind: &str) -> bool {
    matches!(
        kind,
        "k8s.service-selector" | "argocd.suspend" | "argocd.resume"
    )
}

/// The keys of such a kind.
pub fn keys(kind: &str) -> Vec<Key> {
    let mut keys = vec![("ns", text(), false), ("name", text(), false)];
    if kind == "k8s.service-selector" {
        keys.push(("set", texts(), true));
    }
    keys
}

/// What may be patched of an object.
pub fn patch() -> Value {
    let part = json!({"type": "object"});
    json!({
        "type": "object",
        "properties": {
            "spec": part, "data": part,
            "metadata": {"type": "object", "properties": {"labels": part, "annotations": part}, "additionalProperties": false},
        },
        "additionalProperties": false,
    })
}
