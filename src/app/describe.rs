//! An object in words: what it is, how it stands, its containers, its conditions, what happened to it.
//!
//! Pure: from the object as the server has it (secrets masked already) to lines. Values of variables are never shown,
//! only how many there are: they may hold what nobody should read over a shoulder.

mod containers;
mod dump;
mod page;

use super::text::{Look, TextLine};
use crate::domain::event::Event;
use crate::domain::pod::short;
use jiff::Timestamp;
use page::{Page, moment, text, when};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// Events shown, the newest.
const EVENTS: usize = 40;
/// Characters of a label's or an annotation's value.
const VALUE: usize = 160;

/// An object in words, as of now.
pub fn describe(
    object: &Value,
    events: &Result<Vec<Event>, Arc<str>>,
    now: Timestamp,
) -> Vec<TextLine> {
    let mut page = Page::default();
    head(&mut page, object, now);
    match kind(object) {
        "Pod" => {
            pod(&mut page, object);
            containers::of_pod(&mut page, object, now);
        }
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            workload(&mut page, object);
            containers::of_template(&mut page, &object["spec"]["template"]["spec"]);
        }
        _ => dump::rest(&mut page, object),
    }
    conditions(&mut page, object, now);
    happened(&mut page, events, now);
    page.lines
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

fn head(page: &mut Page, object: &Value, now: Timestamp) {
    let meta = &object["metadata"];
    page.pair("Kind", kind(object), Look::Plain);
    page.pair("Name", text(meta, "/name"), Look::Plain);
    page.pair("Namespace", text(meta, "/namespace"), Look::Plain);
    page.pair(
        "Created",
        &when(moment(&meta["creationTimestamp"]), now),
        Look::Plain,
    );
    let going = moment(&meta["deletionTimestamp"]);
    page.pair("Deleting", &when(going, now), Look::Watch);
    for owner in meta["ownerReferences"].as_array().into_iter().flatten() {
        let owner = format!("{}/{}", text(owner, "/kind"), text(owner, "/name"));
        page.pair("Owned by", &owner, Look::Plain);
    }
    pairs(page, "Labels", &meta["labels"]);
    pairs(page, "Annotations", &meta["annotations"]);
}

fn pairs(page: &mut Page, name: &str, map: &Value) {
    let mut name = name;
    for (key, value) in map.as_object().into_iter().flatten() {
        if key.ends_with("last-applied-configuration") {
            continue;
        }
        let value: String = value
            .as_str()
            .unwrap_or_default()
            .chars()
            .take(VALUE)
            .collect();
        page.pair(name, &format!("{key}={value}"), Look::Plain);
        name = "";
    }
}

fn pod(page: &mut Page, object: &Value) {
    page.heading("Placement");
    let phase = text(object, "/status/phase");
    let look = match phase {
        "Failed" => Look::Bad,
        "Pending" | "Unknown" => Look::Watch,
        _ => Look::Plain,
    };
    page.pair("Phase", phase, look);
    let why = [
        text(object, "/status/reason"),
        text(object, "/status/message"),
    ];
    page.pair("Because", why.join(" ").trim(), Look::Watch);
    page.pair("Node", text(object, "/spec/nodeName"), Look::Plain);
    page.pair("Address", text(object, "/status/podIP"), Look::Plain);
    page.pair(
        "Account",
        text(object, "/spec/serviceAccountName"),
        Look::Plain,
    );
    page.pair("Quality", text(object, "/status/qosClass"), Look::Plain);
    page.pair(
        "Priority",
        text(object, "/spec/priorityClassName"),
        Look::Plain,
    );
}

fn workload(page: &mut Page, object: &Value) {
    let (spec, status) = (&object["spec"], &object["status"]);
    page.heading("Replicas");
    let count = |name: &str| {
        status[name]
            .as_u64()
            .map(|n| n.to_string())
            .unwrap_or_default()
    };
    let wanted = spec["replicas"]
        .as_u64()
        .or(status["desiredNumberScheduled"].as_u64());
    let wanted = wanted.map(|n| n.to_string()).unwrap_or_default();
    page.pair("Wanted", &wanted, Look::Plain);
    for (name, field) in [
        ("There", "replicas"),
        ("Updated", "updatedReplicas"),
        ("Ready", "readyReplicas"),
        ("Available", "availableReplicas"),
        ("Succeeded", "succeeded"),
        ("Failed", "failed"),
    ] {
        page.pair(name, &count(field), Look::Plain);
    }
    let missing = status["unavailableReplicas"].as_u64().filter(|n| *n > 0);
    page.pair(
        "Unavailable",
        &missing.map(|n| n.to_string()).unwrap_or_default(),
        Look::Bad,
    );
    if spec["paused"] == true {
        page.pair(
            "Paused",
            "yes: a change to the template rolls nothing out",
            Look::Watch,
        );
    }
    page.pair("Strategy", &strategy(spec), Look::Plain);
    let deadline = spec["progressDeadlineSeconds"].as_u64();
    page.pair(
        "Deadline",
        &deadline.map(|s| format!("{s} s")).unwrap_or_default(),
        Look::Plain,
    );
    page.pair("Selects", &selector(&spec["selector"]), Look::Plain);
}

fn strategy(spec: &Value) -> String {
    let of = if spec["strategy"].is_object() {
        &spec["strategy"]
    } else {
        &spec["updateStrategy"]
    };
    let rolling = &of["rollingUpdate"];
    let plain = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut said = text(of, "/type").to_owned();
    for (name, field) in [
        ("surge", "maxSurge"),
        ("unavailable", "maxUnavailable"),
        ("partition", "partition"),
    ] {
        if !rolling[field].is_null() {
            let _ = write!(said, ", {name} {}", plain(&rolling[field]));
        }
    }
    said
}

fn selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let mut parts: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for rule in selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let values = rule["values"].as_array().into_iter().flatten();
        let values: Vec<&str> = values.filter_map(Value::as_str).collect();
        let (key, operator) = (text(rule, "/key"), text(rule, "/operator"));
        parts.push(
            format!("{key} {operator} {}", values.join("|"))
                .trim_end()
                .to_owned(),
        );
    }
    parts.join(", ")
}

fn conditions(page: &mut Page, object: &Value, now: Timestamp) {
    let Some(conditions) = object["status"]["conditions"]
        .as_array()
        .filter(|all| !all.is_empty())
    else {
        return;
    };
    page.heading("Conditions");
    for condition in conditions {
        let (name, status) = (text(condition, "/type"), text(condition, "/status"));
        let changed = moment(&condition["lastTransitionTime"]);
        let age = changed.map_or_else(String::new, |at| short(now.duration_since(at)));
        let why = [text(condition, "/reason"), text(condition, "/message")];
        let value = format!("{status:<8}{age:>6}  {}", why.join("  ").trim());
        page.indented(
            0,
            &format!("{name:<26}"),
            value.trim_end(),
            look_of(name, status),
        );
    }
}

/// Most conditions are good when true; some name what is wrong.
fn look_of(name: &str, status: &str) -> Look {
    let wrong = [
        "Pressure",
        "Unavailable",
        "Failure",
        "Failed",
        "DisruptionTarget",
        "Degraded",
        "Stalled",
    ];
    let bad_if_true = wrong.iter().any(|word| name.contains(word));
    match (status, bad_if_true) {
        ("True", false) | ("False", true) => Look::Good,
        ("True", true) | ("False", false) => Look::Bad,
        _ => Look::Watch,
    }
}

fn happened(page: &mut Page, events: &Result<Vec<Event>, Arc<str>>, now: Timestamp) {
    page.heading("Events, newest first");
    let events = match events {
        Err(why) => return page.line(format!("They cannot be seen: {why}."), Look::Watch),
        Ok(events) if events.is_empty() => {
            return page.line("None, as far as the cluster remembers.", Look::Dim);
        }
        Ok(events) => events,
    };
    for event in events.iter().rev().take(EVENTS) {
        let age = event
            .at
            .map_or_else(|| "–".into(), |at| short(now.duration_since(at)));
        let times = if event.count > 1 {
            format!(" ×{}", event.count)
        } else {
            String::new()
        };
        let look = if event.warning {
            Look::Watch
        } else {
            Look::Plain
        };
        let text = format!("{age:>6}{times:<6} {:<20} {}", event.reason, event.message);
        page.line(text, look);
    }
    let older = events.len().saturating_sub(EVENTS);
    if older > 0 {
        page.line(format!("… and {older} older ones"), Look::Dim);
    }
}

#[cfg(test)]
mod tests;
