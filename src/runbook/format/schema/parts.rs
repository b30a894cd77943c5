//! What every part of the schema is made of.

use serde_json::{Map, Value, json};

/// A key: its name, what it holds, whether it must be there.
pub type Key = (&'static str, Value, bool);

/// A duration, or one reference.
pub const SPAN: &str = r"^\s*([0-9]+(ms|s|m|h|d))+\s*$|^\s*\{\{.+\}\}\s*$";
/// What may be a file's name.
pub const ID: &str = "^[a-z][a-z0-9-]{0,62}$";

/// A text.
pub fn text() -> Value {
    json!({"type": "string"})
}

/// true or false.
pub fn flag() -> Value {
    json!({"type": "boolean"})
}

/// A whole number.
pub fn int() -> Value {
    json!({"type": "integer"})
}

/// What may be a file's name.
pub fn id() -> Value {
    json!({"type": "string", "pattern": ID})
}

/// A duration, or one reference.
pub fn span() -> Value {
    json!({"type": "string", "pattern": SPAN})
}

/// One of these words.
pub fn words(words: &[&str]) -> Value {
    json!({"enum": words})
}

/// A list.
pub fn list(items: Value) -> Value {
    let mut all = json!({"type": "array"});
    all["items"] = items;
    all
}

/// A list with something in it.
pub fn some(items: Value) -> Value {
    let mut all = list(items);
    all["minItems"] = json!(1);
    all
}

/// Free names, each with the same kind of value.
pub fn named(values: Value) -> Value {
    let mut all = json!({"type": "object", "propertyNames": {"pattern": "^[a-z][a-z0-9_-]*$"}});
    all["additionalProperties"] = values;
    all
}

/// Free names, each with a text.
pub fn texts() -> Value {
    json!({"type": "object", "additionalProperties": text()})
}

/// A definition by name.
pub fn to(def: &str) -> Value {
    json!({"$ref": format!("#/$defs/{def}")})
}

/// A table that knows these keys and no others.
pub fn table(keys: Vec<Key>) -> Value {
    let required: Vec<&str> = keys.iter().filter(|key| key.2).map(|key| key.0).collect();
    let properties: Map<String, Value> = keys
        .into_iter()
        .map(|(name, value, _)| (name.to_owned(), value))
        .collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
