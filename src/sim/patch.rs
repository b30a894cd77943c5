//! The three kinds of patches an apiserver takes: JSON merge patch, JSON patch, and strategic merge patch for the lists we touch. Pure functions on trees.

use serde_json::{Map, Value};

use super::tree;

/// RFC 7386: objects merge, null removes, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    let target = tree::object(target);
    for (key, value) in fields {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// RFC 6902: the operations in order; the first that cannot be done says why.
pub fn json(target: &mut Value, operations: &[Value]) -> Result<(), String> {
    for operation in operations {
        let path = tree::text(operation, &["path"]).to_owned();
        let value = operation.get("value").cloned();
        let missing = || format!("operation at \"{path}\" has no value");
        match tree::text(operation, &["op"]) {
            "add" => add(target, &path, value.ok_or_else(missing)?)?,
            "replace" => {
                take(target, &path)?;
                add(target, &path, value.ok_or_else(missing)?)?;
            }
            "remove" => {
                take(target, &path)?;
            }
            "test" => {
                if target.pointer(&path) != value.as_ref() {
                    return Err(format!("testing value {path} failed: test failed"));
                }
            }
            op @ ("move" | "copy") => {
                let from = tree::text(operation, &["from"]).to_owned();
                let value = if op == "move" {
                    take(target, &from)?
                } else {
                    target
                        .pointer(&from)
                        .cloned()
                        .ok_or_else(|| absent(&from))?
                };
                add(target, &path, value)?;
            }
            other => return Err(format!("unexpected kind: {other}")),
        }
    }
    Ok(())
}

fn absent(path: &str) -> String {
    format!("the path \"{path}\" does not exist")
}

/// The parent of a path's last token, and that token unescaped.
fn parent<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (way, last) = path.rsplit_once('/').ok_or_else(|| absent(path))?;
    let last = last.replace("~1", "/").replace("~0", "~");
    let parent = target.pointer_mut(way).ok_or_else(|| absent(path))?;
    Ok((parent, last))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    match parent(target, path)? {
        (Value::Object(map), key) => {
            map.insert(key, value);
        }
        (Value::Array(list), key) => {
            let index = if key == "-" {
                list.len()
            } else {
                key.parse().map_err(|_| absent(path))?
            };
            if index > list.len() {
                return Err(absent(path));
            }
            list.insert(index, value);
        }
        _ => return Err(absent(path)),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, String> {
    if path.is_empty() {
        return Ok(target.take());
    }
    match parent(target, path)? {
        (Value::Object(map), key) => map.remove(&key).ok_or_else(|| absent(path)),
        (Value::Array(list), key) => match key.parse::<usize>() {
            Ok(index) if index < list.len() => Ok(list.remove(index)),
            _ => Err(absent(path)),
        },
        _ => Err(absent(path)),
    }
}

/// Strategic merge: as a merge patch, but known lists merge by their key, and `$patch`, `$retainKeys` and `$deleteFromPrimitiveList` are obeyed.
pub fn strategic(target: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if fields.get("$patch").is_some_and(|p| p == "replace") {
        *target = Value::Object(plain(fields));
        return;
    }
    let target = tree::object(target);
    if let Some(kept) = fields.get("$retainKeys").and_then(Value::as_array) {
        target.retain(|key, _| kept.iter().any(|k| k == key.as_str()));
    }
    for (key, value) in fields {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(list) = target.get_mut(list).and_then(Value::as_array_mut) {
                list.retain(|item| !gone.contains(item));
            }
        } else if key.starts_with('$') {
        } else if value.is_null() {
            target.remove(key);
        } else {
            let place = target.entry(key.clone()).or_insert(Value::Null);
            match value.as_array() {
                Some(items) => strategic_list(place, key, items),
                None => strategic(place, value),
            }
        }
    }
}

fn plain(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .filter(|(key, _)| !key.starts_with('$'))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// The key by which the elements of a list are told apart; none where the list is replaced whole.
pub fn merge_key(list: &str, items: &[Value]) -> Option<&'static str> {
    Some(match list {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "secrets" => "name",
        "ports" if items.iter().any(|item| item.get("containerPort").is_some()) => "containerPort",
        "ports" => "port",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" | "podIPs" | "hostIPs" => "ip",
        "conditions" | "addresses" => "type",
        "ownerReferences" => "uid",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    })
}

fn strategic_list(place: &mut Value, name: &str, items: &[Value]) {
    if name == "finalizers" {
        let mut all = place.as_array().cloned().unwrap_or_default();
        all.extend(
            items
                .iter()
                .filter(|item| !all.contains(item))
                .cloned()
                .collect::<Vec<_>>(),
        );
        *place = Value::Array(all);
        return;
    }
    let replace = items.iter().any(|item| {
        item.as_object()
            .is_some_and(|o| o.len() == 1 && o.get("$patch").is_some_and(|p| p == "replace"))
    });
    let key = merge_key(name, items).filter(|_| !replace);
    let Some(key) = key else {
        *place = items
            .iter()
            .filter(|item| item.get("$patch").is_none())
            .cloned()
            .collect();
        return;
    };
    let mut all = place.as_array().cloned().unwrap_or_default();
    for item in items {
        let position = all
            .iter()
            .position(|known| !item[key].is_null() && known[key] == item[key]);
        match (item["$patch"] == "delete", position) {
            (true, Some(index)) => {
                all.remove(index);
            }
            (true, None) => {}
            (false, Some(index)) => strategic(&mut all[index], item),
            (false, None) => all.push(
                item.as_object()
                    .map_or_else(|| item.clone(), |o| Value::Object(plain(o))),
            ),
        }
    }
    *place = Value::Array(all);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as tree;

    #[test]
    fn merge_patches_follow_the_examples_of_their_standard() {
        let table = [
            (tree!({"a": "b"}), tree!({"a": "c"}), tree!({"a": "c"})),
            (
                tree!({"a": "b", "b": "c"}),
                tree!({"a": null}),
                tree!({"b": "c"}),
            ),
            (
                tree!({"a": [{"b": "c"}]}),
                tree!({"a": [1]}),
                tree!({"a": [1]}),
            ),
            (
                tree!({"a": {"b": "c"}}),
                tree!({"a": {"b": "d", "c": null}}),
                tree!({"a": {"b": "d"}}),
            ),
            (
                tree!({}),
                tree!({"a": {"bb": {"ccc": null}}}),
                tree!({"a": {"bb": {}}}),
            ),
            (tree!(["a"]), tree!({"a": 1}), tree!({"a": 1})),
        ];
        for (mut target, patch, wanted) in table {
            merge(&mut target, &patch);
            assert_eq!(target, wanted);
        }
    }

    #[test]
    fn json_patches_do_all_or_say_why_not() {
        let mut target = tree!({"a": {"x/y": 1}, "l": [1, 2]});
        let all = tree!([
            {"op": "test", "path": "/a/x~1y", "value": 1}, {"op": "replace", "path": "/a/x~1y", "value": 2},
            {"op": "add", "path": "/l/1", "value": 9}, {"op": "add", "path": "/l/-", "value": 3},
            {"op": "remove", "path": "/l/0"}, {"op": "move", "from": "/l/0", "path": "/m"}, {"op": "copy", "from": "/m", "path": "/n"},
        ]);
        json(&mut target, all.as_array().unwrap()).unwrap();
        assert_eq!(
            target,
            tree!({"a": {"x/y": 2}, "l": [2, 3], "m": 9, "n": 9})
        );
        for bad in [
            tree!([{"op": "replace", "path": "/no", "value": 1}]),
            tree!([{"op": "test", "path": "/m", "value": 1}]),
            tree!([{"op": "add", "path": "/l/9", "value": 1}]),
        ] {
            assert!(json(&mut target, bad.as_array().unwrap()).is_err());
        }
    }

    #[test]
    fn strategic_patches_merge_containers_by_name() {
        let mut target = tree!({"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "1"}]});
        strategic(
            &mut target,
            &tree!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "a", "image": "2"}]}),
        );
        assert_eq!(
            target["containers"][0],
            tree!({"name": "a", "image": "2", "env": [{"name": "X", "value": "1"}]})
        );
        strategic(
            &mut target,
            &tree!({"containers": [{"name": "b", "$patch": "delete"}, {"name": "c"}]}),
        );
        let names: Vec<_> = target["containers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].clone())
            .collect();
        assert_eq!(names, ["a", "c"]);
        strategic(
            &mut target,
            &tree!({"containers": [{"$patch": "replace"}, {"name": "z"}]}),
        );
        assert_eq!(target, tree!({"containers": [{"name": "z"}]}));
        let mut strategy = tree!({"type": "RollingUpdate", "rollingUpdate": {}});
        strategic(
            &mut strategy,
            &tree!({"$retainKeys": ["type"], "type": "Recreate"}),
        );
        assert_eq!(strategy, tree!({"type": "Recreate"}));
    }
}
