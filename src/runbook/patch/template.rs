//! Pod templates as they go back into a workload, and their differences in the words of a confirmation.

use serde_json::{Value, json};

use super::field::ObjectRef;
use super::merge::changes;
use super::planned::Planned;
use crate::runbook::prose::bounded;
use crate::runbook::template::plain;

/// A revision's template as it goes back into a workload: without the hash label its controller added, and without
/// nulls, which a merge patch cannot carry and the server does not keep.
pub fn restorable(template: &Value) -> Value {
    let mut template = without_nulls(template);
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.remove("pod-template-hash");
        labels.remove("controller-revision-hash");
    }
    template
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Plans the template of a workload to become that of a revision.
pub fn plan_rollback(object: ObjectRef, body: &Value, template: &Value) -> Planned {
    let current = body
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let desired = restorable(template);
    Planned {
        kind: "k8s.rollback".to_owned(),
        object,
        changes: changes(&current, &desired, "/spec/template"),
        lines: template_lines(&current, &desired),
    }
}

/// What differs between two templates, images first, in words.
pub fn template_lines(current: &Value, desired: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for group in ["containers", "initContainers"] {
        let list = |template: &Value| {
            template
                .pointer(&format!("/spec/{group}"))
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let (old, new) = (list(current), list(desired));
        let single = old.len() <= 1 && new.len() <= 1;
        for container in &new {
            let name = container.get("name").and_then(Value::as_str).unwrap_or("?");
            match old
                .iter()
                .find(|old| old.get("name") == container.get("name"))
            {
                None => lines.push(format!("container {} added", bounded(name, 60))),
                Some(old) => {
                    container_lines(old, container, if single { "" } else { name }, &mut lines);
                }
            }
        }
        for gone in old
            .iter()
            .filter(|old| !new.iter().any(|new| new.get("name") == old.get("name")))
        {
            lines.push(format!(
                "container {} removed",
                bounded(gone.get("name").and_then(Value::as_str).unwrap_or("?"), 60)
            ));
        }
    }
    for change in changes(current, desired, "") {
        if change.path.starts_with("/spec/containers")
            || change.path.starts_with("/spec/initContainers")
        {
            continue;
        }
        let what = change
            .path
            .strip_prefix("/metadata/labels/")
            .map(|label| format!("label {label}"))
            .or_else(|| {
                change
                    .path
                    .strip_prefix("/metadata/annotations/")
                    .map(|key| format!("annotation {key}"))
            });
        let what = what
            .unwrap_or_else(|| change.path.trim_start_matches('/').replace('/', "."))
            .replace("~1", "/")
            .replace("~0", "~");
        lines.push(format!(
            "{} {} → {}",
            bounded(&what, 80),
            worded(change.before.as_ref()),
            worded(change.after.as_ref())
        ));
    }
    lines
}

fn worded(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| bounded(&plain(value), 80))
}

fn container_lines(old: &Value, new: &Value, name: &str, lines: &mut Vec<String>) {
    let prefix = if name.is_empty() {
        String::new()
    } else {
        format!("{}: ", bounded(name, 60))
    };
    for change in changes(old, new, "") {
        if change.path == "/image" {
            let image = |value: Option<&Value>| {
                value
                    .and_then(Value::as_str)
                    .map_or_else(|| "(none)".to_owned(), |image| bounded(image, 200))
            };
            let (before, after) = (image(change.before.as_ref()), image(change.after.as_ref()));
            lines.push(format!(
                "{prefix}image {} → {}",
                tag(&before, &after),
                tag(&after, &before)
            ));
        } else {
            let values = change
                .before
                .as_ref()
                .is_some_and(|value| value.is_array() || value.is_object());
            let field = change.path.trim_start_matches('/').replace('/', ".");
            lines.push(if values {
                format!("{prefix}{field} changed")
            } else {
                format!(
                    "{prefix}{field} {} → {}",
                    worded(change.before.as_ref()),
                    worded(change.after.as_ref())
                )
            });
        }
    }
}

/// The tag alone where both images have the same name.
fn tag(image: &str, other: &str) -> String {
    let split = |image: &str| {
        image
            .rsplit_once(':')
            .filter(|(_, tag)| !tag.contains('/'))
            .map(|(name, tag)| (name.to_owned(), tag.to_owned()))
    };
    match (split(image), split(other)) {
        (Some((name, tag)), Some((same, _))) if name == same => tag,
        _ => image.to_owned(),
    }
}
