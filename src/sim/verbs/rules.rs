//! What an object must be before it is written: well formed, well named, and still the one that was meant.

use serde_json::Value;

use super::super::kind::Resource;
use super::super::refusal::Refusal;
use super::super::tree;

/// The object's own kind, and objects where objects must be.
pub fn well_formed(resource: &Resource, body: &Value) -> Result<(), Refusal> {
    let bad = |what: &str| {
        Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {what}",
            resource.name, resource.version, resource.name
        ))
    };
    let Some(fields) = body.as_object() else {
        return Err(bad("json: cannot unmarshal into Go value"));
    };
    for key in ["metadata", "spec", "status"] {
        if fields
            .get(key)
            .is_some_and(|part| !part.is_object() && !part.is_null())
        {
            return Err(bad(&format!(
                "json: cannot unmarshal into Go struct field .{key}"
            )));
        }
    }
    for key in ["labels", "annotations"] {
        let pairs = &body["metadata"][key];
        if !pairs.is_null()
            && !pairs
                .as_object()
                .is_some_and(|p| p.values().all(Value::is_string))
        {
            return Err(bad(&format!(
                "json: cannot unmarshal into Go struct field ObjectMeta.metadata.{key} of type string"
            )));
        }
    }
    Ok(())
}

/// Whether a name is one an object may have.
pub fn named_well(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    !name.is_empty() && name.len() <= 253 && name.chars().all(allowed)
}

/// Name, uid and version must be the current ones where they are given; what the apiserver owns is restored.
pub fn keep_identity(
    resource: &Resource,
    name: &str,
    current: &Value,
    wanted: &mut Value,
) -> Result<(), Refusal> {
    let uid = tree::text(wanted, &["metadata", "uid"]);
    let known = tree::text(current, &["metadata", "uid"]);
    if !uid.is_empty() && uid != known {
        let why = format!("Invalid value: \"{uid}\": field is immutable");
        return Err(Refusal::invalid(resource, name, "metadata.uid", &why));
    }
    let version = tree::text(wanted, &["metadata", "resourceVersion"]);
    if !version.is_empty() && version != tree::text(current, &["metadata", "resourceVersion"]) {
        return Err(Refusal::modified(resource, name));
    }
    if tree::text(wanted, &["metadata", "name"]) != name {
        let why = "Invalid value: field is immutable";
        return Err(Refusal::invalid(resource, name, "metadata.name", why));
    }
    for key in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
    ] {
        match current["metadata"].get(key) {
            Some(value) => tree::put(wanted, &["metadata", key], value.clone()),
            None => drop(tree::remove(wanted, &["metadata", key])),
        }
    }
    for key in ["apiVersion", "kind"] {
        tree::put(wanted, &[key], current[key].clone());
    }
    Ok(())
}
