//! Server-side apply on plain trees: which fields a configuration owns, where it collides with another manager's, and
//! what it leaves behind when it no longer names a field. Managers that only ever updated own nothing here.

use serde_json::{Map, Value, json};

use super::patch::merge_key;
use super::{patch, tree};

/// What the apiserver alone decides of an object's metadata.
const NOT_OWNED: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
    "managedFields",
];

/// The fields that a configuration sets, as `fieldsV1` writes them.
pub fn fields_of(body: &Value) -> Value {
    let mut body = body.clone();
    for key in ["apiVersion", "kind", "status"] {
        tree::remove(&mut body, &[key]);
    }
    for key in NOT_OWNED {
        tree::remove(&mut body, &["metadata", key]);
    }
    if body["metadata"].as_object().is_some_and(Map::is_empty) {
        tree::remove(&mut body, &["metadata"]);
    }
    owned(&body, "")
}

fn owned(value: &Value, name: &str) -> Value {
    let mut fields = Map::new();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                fields.insert(format!("f:{key}"), owned(value, key));
            }
        }
        Value::Array(items) => {
            let Some(key) = merge_key(name, items) else {
                return json!({});
            };
            for item in items {
                let mut inside = owned(item, "");
                tree::put(&mut inside, &["."], json!({}));
                fields.insert(format!("k:{}", json!({key: item[key]})), inside);
            }
        }
        _ => {}
    }
    Value::Object(fields)
}

/// Applies a configuration for a manager: the object as it becomes. Without force, the fields that another manager
/// applied with another value are told instead.
pub fn apply(
    current: &Value,
    body: &Value,
    manager: &str,
    force: bool,
) -> Result<Value, Vec<String>> {
    let ours = fields_of(body);
    let applied = |entry: &&Value| entry["operation"] == "Apply";
    let entries = tree::list(current, &["metadata", "managedFields"]);
    let (mine, others): (Vec<&Value>, Vec<&Value>) = entries
        .iter()
        .filter(applied)
        .partition(|entry| entry["manager"] == manager);
    let mut against = Vec::new();
    for other in &others {
        let who = tree::text(other, &["manager"]);
        collide(
            &other["fieldsV1"],
            &ours,
            (current, body),
            "",
            &mut |path| {
                against.push(format!("conflict with \"{who}\": {path}"));
            },
        );
    }
    if !force && !against.is_empty() {
        return Err(against);
    }
    let mut wanted = current.clone();
    let kept: Vec<&Value> = others.iter().map(|other| &other["fieldsV1"]).collect();
    for old in &mine {
        leave(&mut wanted, &old["fieldsV1"], Some(&ours), &kept);
    }
    let mut set = body.clone();
    tree::remove(&mut set, &["metadata", "managedFields"]);
    patch::strategic(&mut wanted, &set);
    Ok(wanted)
}

/// The entry of a manager that applied these fields, put in the place of the one before.
pub fn sign(object: &mut Value, manager: &str, fields: &Value, now: &Value) {
    let version = object["apiVersion"].clone();
    let entries = tree::object(&mut tree::object(object)["metadata"])
        .entry("managedFields")
        .or_insert(json!([]));
    let Some(entries) = entries.as_array_mut() else {
        return;
    };
    entries.retain(|entry| !(entry["manager"] == manager && entry["operation"] == "Apply"));
    entries.push(json!({
        "manager": manager, "operation": "Apply", "apiVersion": version, "time": now,
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    }));
}

/// Whether a manager's applied fields are these already.
pub fn is_signed(object: &Value, manager: &str, fields: &Value) -> bool {
    tree::list(object, &["metadata", "managedFields"])
        .iter()
        .any(|entry| {
            entry["manager"] == manager
                && entry["operation"] == "Apply"
                && &entry["fieldsV1"] == fields
        })
}

/// What a part of a `fieldsV1` tree names in a value.
fn named<'a>(value: &'a Value, part: &str) -> Option<&'a Value> {
    if let Some(key) = part.strip_prefix("f:") {
        return value.get(key);
    }
    let wanted: Value = serde_json::from_str(part.strip_prefix("k:")?).ok()?;
    value.as_array()?.iter().find(|item| matches(item, &wanted))
}

fn matches(item: &Value, wanted: &Value) -> bool {
    wanted
        .as_object()
        .is_some_and(|pairs| pairs.iter().all(|(key, value)| &item[key] == value))
}

/// Tells every field that both own and that would change.
fn collide(
    theirs: &Value,
    ours: &Value,
    (now, then): (&Value, &Value),
    path: &str,
    tell: &mut impl FnMut(String),
) {
    let (Some(theirs), Some(ours)) = (theirs.as_object(), ours.as_object()) else {
        return;
    };
    if !then.is_object() && (theirs.is_empty() || ours.is_empty()) {
        if now != then {
            tell(path.to_owned());
        }
        return;
    }
    for (part, inner) in ours.iter().filter(|(part, _)| *part != ".") {
        let (Some(other), Some(now), Some(then)) =
            (theirs.get(part), named(now, part), named(then, part))
        else {
            continue;
        };
        let step = match part.strip_prefix("f:") {
            Some(key) => format!("{path}.{key}"),
            None => format!("{path}[{}]", part.trim_start_matches("k:")),
        };
        collide(other, inner, (now, then), &step, tell);
    }
}

/// Removes what was owned before, is not owned now, and is nobody else's.
fn leave(target: &mut Value, before: &Value, now: Option<&Value>, others: &[&Value]) {
    let Some(parts) = before.as_object() else {
        return;
    };
    for (part, inner) in parts.iter().filter(|(part, _)| *part != ".") {
        let now = now.and_then(|now| now.get(part));
        let others: Vec<&Value> = others.iter().filter_map(|other| other.get(part)).collect();
        if now.is_none() && others.is_empty() {
            forget(target, part);
        } else if let Some(place) = named_mut(target, part) {
            leave(place, inner, now, &others);
        }
    }
}

fn named_mut<'a>(value: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    if let Some(key) = part.strip_prefix("f:") {
        return value.get_mut(key);
    }
    let wanted: Value = serde_json::from_str(part.strip_prefix("k:")?).ok()?;
    let items = value.as_array_mut()?;
    items.iter_mut().find(|item| matches(item, &wanted))
}

fn forget(value: &mut Value, part: &str) {
    if let (Some(key), Some(map)) = (part.strip_prefix("f:"), value.as_object_mut()) {
        map.remove(key);
        return;
    }
    let wanted = part
        .strip_prefix("k:")
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let (Some(wanted), Some(items)) = (wanted, value.as_array_mut()) {
        items.retain(|item| !matches(item, &wanted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(
        current: &Value,
        body: &Value,
        who: &str,
        force: bool,
    ) -> Result<Value, Vec<String>> {
        let mut object = apply(current, body, who, force)?;
        sign(&mut object, who, &fields_of(body), &Value::Null);
        Ok(object)
    }

    fn start() -> Value {
        json!({"apiVersion": "v1", "metadata": {"name": "x"}})
    }

    #[test]
    fn what_a_manager_no_longer_names_goes_and_what_others_set_stays() {
        let one =
            json!({"metadata": {"name": "x", "labels": {"a": "1", "b": "1"}}, "data": {"k": "1"}});
        let two = json!({"metadata": {"labels": {"c": "2"}}, "data": {"k": "1"}});
        let object = applied(&start(), &one, "one", false).unwrap();
        let object = applied(&object, &two, "two", false).unwrap();
        let less = json!({"metadata": {"labels": {"a": "1"}}});
        let object = applied(&object, &less, "one", false).unwrap();
        assert_eq!(object["metadata"]["labels"], json!({"a": "1", "c": "2"}));
        assert_eq!(object["data"], json!({"k": "1"}), "two still owns it");
        let object = applied(&object, &json!({}), "two", false).unwrap();
        assert_eq!(object["metadata"]["labels"], json!({"a": "1"}));
        assert_eq!(object["data"], Value::Null);
    }

    #[test]
    fn a_field_of_another_manager_is_a_conflict_unless_forced() {
        let object = applied(&start(), &json!({"data": {"k": "1"}}), "one", false).unwrap();
        let other = json!({"data": {"k": "2"}});
        let why = applied(&object, &other, "two", false).unwrap_err();
        assert_eq!(why, ["conflict with \"one\": .data.k"]);
        let object = applied(&object, &other, "two", true).unwrap();
        assert_eq!(object["data"]["k"], "2");
    }

    #[test]
    fn containers_are_owned_by_name() {
        let body = |names: &[&str]| {
            let containers: Vec<Value> = names
                .iter()
                .map(|n| json!({"name": n, "image": "i"}))
                .collect();
            json!({"spec": {"containers": containers}})
        };
        let object = applied(&start(), &body(&["a", "b"]), "one", false).unwrap();
        let object = applied(&object, &body(&["b"]), "one", false).unwrap();
        assert_eq!(
            object["spec"]["containers"],
            json!([{"name": "b", "image": "i"}])
        );
    }

    #[test]
    fn applying_the_same_again_is_no_change() {
        let body = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}});
        let once = applied(&start(), &body, "one", false).unwrap();
        assert!(is_signed(&once, "one", &fields_of(&body)));
        assert_eq!(apply(&once, &body, "one", false).unwrap(), once);
    }
}
