//! An object as text for people: YAML without managedFields, a Secret's values replaced by their sizes.

use crate::platform::failure::{Failure, FailureKind};
use base64::Engine as _;
use serde_json::Value;

const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Takes out what nobody reads and what nobody may: field owners, and everything secret of a Secret.
pub fn shown(mut object: Value) -> Value {
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
    }
    if object["kind"] != "Secret" {
        return object;
    }
    let notes = object.pointer_mut("/metadata/annotations");
    if let Some(notes) = notes.and_then(Value::as_object_mut) {
        // It repeats the whole Secret.
        notes.remove(APPLIED);
    }
    for (field, encoded) in [("data", true), ("stringData", false)] {
        let Some(values) = object.get_mut(field) else {
            continue;
        };
        match values.as_object_mut() {
            Some(values) => {
                for value in values.values_mut() {
                    *value = masked(value, encoded);
                }
            }
            None => *values = Value::String("***".to_owned()),
        }
    }
    object
}

fn masked(value: &Value, encoded: bool) -> Value {
    let size = value.as_str().map(|text| {
        if encoded {
            let decoded = base64::engine::general_purpose::STANDARD.decode(text);
            decoded.map_or(text.len(), |bytes| bytes.len())
        } else {
            text.len()
        }
    });
    Value::String(size.map_or("***".to_owned(), |size| format!("*** ({size} bytes)")))
}

/// The YAML text of an object that is [`shown`].
pub fn text(object: Value) -> Result<String, Failure> {
    serde_saphyr::to_string(&shown(object)).map_err(|_| {
        let said = "the object cannot be written as YAML";
        Failure::new(FailureKind::Malformed, "write YAML", "", said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_shows_sizes_only() {
        let secret = json!({ "kind": "Secret", "data": { "a": "aHVzaA==", "b": 7 }, "stringData": { "c": "hush" },
            "metadata": { "name": "s", "managedFields": [1], "annotations": { APPLIED: "hush", "x": "y" } } });
        let text = text(secret).unwrap();
        assert!(
            !text.contains("hush") && !text.contains("aHVz") && !text.contains("managedFields")
        );
        assert!(
            text.contains("*** (4 bytes)") && text.contains("x:"),
            "{text}"
        );
        assert_eq!(
            shown(json!({ "kind": "Secret", "data": "hush" }))["data"],
            "***"
        );
    }

    #[test]
    fn text_that_looks_like_another_type_stays_text() {
        let map = json!({ "kind": "ConfigMap", "data": { "a": "yes", "b": "010", "c": "n", "d": "1e3", "e": "null", "f": "a: b\n# c\n" } });
        let text = text(map.clone()).unwrap();
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back, map, "{text}");
    }
}
