//! The part of the schema that is about secrets: steps that name keys and versions, and slots for values.

use serde_json::{Value, json};

use super::parts::{Key, table, text, texts, to};
use crate::runbook::model::SECRET_KINDS;

/// Whether a kind is about a secret.
pub fn about_secret(kind: &str) -> bool {
    SECRET_KINDS.iter().any(|(name, _)| *name == kind)
}

/// The keys of the kinds about a secret.
pub fn secret_step_keys(kind: &str) -> Vec<Key> {
    let ns = ("ns", text(), true);
    match kind {
        "k8s.secret-consumers" => vec![ns, ("key", text(), true)],
        "k8s.secret-proof" => vec![
            ns,
            ("name", text(), true),
            ("consumers", text(), true),
            ("from", text(), false),
            ("keys", texts(), false),
        ],
        "vault.kv-read" => vec![("at", text(), true), ("key", text(), false)],
        "vault.kv-patch" => vec![
            ("at", text(), true),
            ("cas", text(), true),
            ("set", set_to(), false),
        ],
        "vault.kv-restore" => vec![("at", text(), false), ("version", text(), true)],
        "vault.kv-destroy" => vec![("at", text(), true), ("versions", text(), true)],
        "k8s.secret-set" => vec![
            ns,
            ("name", text(), true),
            ("from", text(), false),
            ("keys", texts(), false),
            ("set", set_to(), false),
        ],
        _ => vec![
            ns,
            ("name", text(), true),
            ("from", text(), true),
            ("keys", texts(), false),
            ("secret", text(), true),
        ],
    }
}

/// What becomes of a key.
fn set_to() -> Value {
    let other = table(vec![("secret", text(), true)]);
    let mut to = table(vec![
        ("secret", text(), false),
        ("copy", text(), false),
        ("move", text(), false),
        ("else", other, false),
        ("delete", json!({"const": true}), false),
        ("text", text(), false),
        ("when", to("when"), false),
    ]);
    let ways = ["secret", "copy", "move", "delete", "text"];
    to["oneOf"] = Value::from(ways.map(|way| json!({"required": [way]})).to_vec());
    json!({"type": "object", "additionalProperties": {"anyOf": [text(), to]}})
}
