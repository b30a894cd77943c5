//! Differences of pod templates and annotations in the words of a confirmation. Which differences there are is decided by
//! whoever plans a change.

use serde_json::{Value, json};

use super::field::FieldChange;
use super::merge::{changes, set};
use crate::runbook::pointer::unescaped;
use crate::runbook::prose::bounded;
use crate::runbook::template::plain;

/// Where the annotations of an object itself are.
pub(super) const ANNOTATIONS: &str = "/metadata/annotations/";

/// What a change of a workload's template and annotations does, images first, in words.
pub(super) fn change_lines(all: &[FieldChange]) -> Vec<String> {
    let (mut old, mut new) = (json!({}), json!({}));
    for change in all {
        for (side, value) in [(&mut old, &change.before), (&mut new, &change.after)] {
            if let Some(value) = value {
                set(side, &change.path, value.clone());
            }
        }
    }
    let template = |side: &Value| {
        let found = side.pointer("/spec/template").cloned();
        found.unwrap_or_else(|| json!({}))
    };
    let mut lines = template_lines(&template(&old), &template(&new));
    for change in all {
        if let Some(key) = change.path.strip_prefix(ANNOTATIONS) {
            let key = unescaped(key);
            let (before, after) = (
                worded(change.before.as_ref()),
                worded(change.after.as_ref()),
            );
            lines.push(format!(
                "workload annotation {} {before} → {after}",
                bounded(&key, 80)
            ));
        }
    }
    lines
}

/// What a change does, field by field.
pub fn field_lines(all: &[FieldChange]) -> Vec<String> {
    let line = |change: &FieldChange| {
        let name = unescaped(&change.path.trim_start_matches('/').replace('/', "."));
        let (before, after) = (
            worded(change.before.as_ref()),
            worded(change.after.as_ref()),
        );
        format!("{} {before} → {after}", bounded(&name, 80))
    };
    all.iter().map(line).collect()
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
        let what = what.unwrap_or_else(|| change.path.trim_start_matches('/').replace('/', "."));
        let what = unescaped(&what);
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
