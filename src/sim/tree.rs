//! Reading and writing inside JSON trees, without ever tripping over a wrong type: what is missing reads as empty, what is in the way is replaced.

use serde_json::{Map, Value};

/// The text at a path of keys; empty when there is none.
pub fn text<'a>(tree: &'a Value, path: &[&str]) -> &'a str {
    at(tree, path).as_str().unwrap_or_default()
}

/// The whole number at a path of keys; 0 when there is none.
pub fn int(tree: &Value, path: &[&str]) -> i64 {
    at(tree, path).as_i64().unwrap_or_default()
}

/// The list at a path of keys; empty when there is none.
pub fn list<'a>(tree: &'a Value, path: &[&str]) -> &'a [Value] {
    at(tree, path).as_array().map_or(&[], Vec::as_slice)
}

/// The value at a path of keys; null when there is none.
pub fn at<'a>(tree: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(tree, |here, key| &here[*key])
}

/// Writes a value at a path of keys, making the objects on the way.
pub fn put(tree: &mut Value, path: &[&str], value: impl Into<Value>) {
    let Some((last, way)) = path.split_last() else {
        *tree = value.into();
        return;
    };
    let mut here = tree;
    for key in way {
        here = object(here).entry(*key).or_insert(Value::Null);
    }
    object(here).insert((*last).into(), value.into());
}

/// Removes what is at a path of keys.
pub fn remove(tree: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, way) = path.split_last()?;
    let mut here = tree;
    for key in way {
        here = here.as_object_mut()?.get_mut(*key)?;
    }
    here.as_object_mut()?.remove(*last)
}

/// The tree as an object, becoming one if it is not.
pub fn object(tree: &mut Value) -> &mut Map<String, Value> {
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    match tree {
        Value::Object(map) => map,
        _ => unreachable!("it was just made an object"),
    }
}

/// An object's namespace and name.
pub fn id(tree: &Value) -> (String, String) {
    let meta = |key| text(tree, &["metadata", key]).to_owned();
    (meta("namespace"), meta("name"))
}

/// Whether an object's labels have all these pairs; an empty or missing set matches nothing.
pub fn labelled(tree: &Value, wanted: &Value) -> bool {
    let labels = &tree["metadata"]["labels"];
    wanted
        .as_object()
        .is_some_and(|wanted| !wanted.is_empty() && wanted.iter().all(|(k, v)| &labels[k] == v))
}

/// Whether an object is controlled by the owner with this uid.
pub fn owned_by(tree: &Value, uid: &str) -> bool {
    list(tree, &["metadata", "ownerReferences"])
        .iter()
        .any(|owner| text(owner, &["uid"]) == uid && owner["controller"] == true)
}

/// The condition of a type in an object's status.
pub fn condition<'a>(tree: &'a Value, kind: &str) -> Option<&'a Value> {
    list(tree, &["status", "conditions"])
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Whether a condition of an object is true.
pub fn is_true(tree: &Value, kind: &str) -> bool {
    condition(tree, kind).is_some_and(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writing_replaces_what_is_in_the_way() {
        let mut tree = json!({"a": 1});
        put(&mut tree, &["a", "b"], 2);
        assert_eq!(tree, json!({"a": {"b": 2}}));
        assert_eq!(remove(&mut tree, &["a", "b"]), Some(json!(2)));
        assert_eq!(remove(&mut tree, &["x", "b"]), None);
    }

    #[test]
    fn an_empty_selector_matches_nothing() {
        let pod = json!({"metadata": {"labels": {"app": "a"}}});
        assert!(!labelled(&pod, &json!({})));
        assert!(!labelled(&pod, &Value::Null));
        assert!(labelled(&pod, &json!({"app": "a"})));
        assert!(!labelled(&pod, &json!({"app": "b"})));
    }
}
