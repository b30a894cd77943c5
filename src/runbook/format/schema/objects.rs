//! The part of the schema that is about fields of objects, and about objects that steps name by `ns` and `name` alone.

use serde_json::{Value, json};

use super::parts::{Key, text, texts};

/// Whether a kind names its object otherwise than by `ns` and `target`.
pub fn by_name(kind: &str) -> bool {
    matches!(
        kind,
        "k8s.service-selector" | "argocd.suspend" | "argocd.resume" | "k8s.job-run" | "k8s.apply"
    )
}

/// Whether it may make its object.
pub fn makes(kind: &str) -> bool {
    matches!(kind, "k8s.job-run" | "k8s.apply")
}

/// The keys of such a kind.
pub fn keys(kind: &str) -> Vec<Key> {
    if kind == "k8s.apply" {
        let manifest = json!({"type": "object", "required": ["apiVersion", "kind", "metadata"]});
        return vec![("ns", text(), true), ("manifest", manifest, true)];
    }
    if kind == "k8s.job-run" {
        let from = json!({"type": "string", "pattern": "^(CronJob|Job)/."});
        return vec![
            ("ns", text(), true),
            ("name", text(), false),
            ("from", from, true),
        ];
    }
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
