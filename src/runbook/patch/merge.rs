//! JSON merge patches (RFC 7386): the differences of two objects, and a patch applied to one.

use serde_json::{Map, Value};

use super::field::FieldChange;
use crate::runbook::pointer::{escaped, unescaped};

pub(super) fn set(root: &mut Value, path: &str, value: Value) {
    let mut at = root;
    for part in path.split('/').skip(1) {
        let key = unescaped(part);
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Some(fields) = at.as_object_mut() else {
            return;
        };
        at = fields.entry(key).or_insert(Value::Null);
    }
    *at = value;
}

/// Whether `found` holds everything `meant` holds.
pub(super) fn covers(found: &Value, meant: &Value) -> bool {
    match (found, meant) {
        (Value::Object(found), Value::Object(meant)) => meant
            .iter()
            .all(|(key, meant)| found.get(key).is_some_and(|found| covers(found, meant))),
        (Value::Array(found), Value::Array(meant)) => {
            found.len() == meant.len()
                && found
                    .iter()
                    .zip(meant)
                    .all(|(found, meant)| covers(found, meant))
        }
        _ => found == meant,
    }
}

/// Every difference between two objects, lists compared as a whole.
pub fn changes(current: &Value, desired: &Value, path: &str) -> Vec<FieldChange> {
    match (current, desired) {
        (Value::Object(old), Value::Object(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter()
                .flat_map(|key| {
                    let path = format!("{path}/{}", escaped(key));
                    match (old.get(key), new.get(key)) {
                        (Some(old), Some(new)) => changes(old, new, &path),
                        (before, after) => vec![FieldChange {
                            path,
                            before: before.cloned(),
                            after: after.cloned(),
                            from: None,
                        }],
                    }
                })
                .collect()
        }
        (old, new) if old == new => Vec::new(),
        (old, new) => vec![FieldChange {
            path: path.to_owned(),
            before: Some(old.clone()),
            after: Some(new.clone()),
            from: None,
        }],
    }
}

/// A merge patch applied, as RFC 7386 says.
pub fn apply_merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(own) = target.as_object_mut() else {
        return;
    };
    for (key, value) in fields {
        if value.is_null() {
            own.remove(key);
        } else {
            apply_merge(own.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
