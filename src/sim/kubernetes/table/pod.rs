//! A pod's row: the word in the column STATUS, its ready containers and its restarts, right to the letter of `kubectl get`.

use serde_json::Value;

use super::super::super::{time, tree};

/// What a pod's row says before its age.
struct Summary {
    reason: String,
    ready: usize,
    restarts: i64,
    last_ms: Option<i64>,
}

/// The word in the column STATUS, the containers that are ready, and the restarts with the time of the last one.
fn summary(object: &Value) -> Summary {
    let reported = tree::text(object, &["status", "reason"]);
    let phase = tree::text(object, &["status", "phase"]);
    let reason = if reported.is_empty() { phase } else { reported };
    let mut summary = Summary {
        reason: reason.to_owned(),
        ready: 0,
        restarts: 0,
        last_ms: None,
    };
    let statuses = tree::list(object, &["status", "containerStatuses"]);
    for status in statuses.iter().rev() {
        summary.restarts += tree::int(status, &["restartCount"]);
        let ended = tree::text(status, &["lastState", "terminated", "finishedAt"]);
        summary.last_ms = summary.last_ms.max(time::parse(ended));
        let waiting = tree::text(status, &["state", "waiting", "reason"]);
        let ended = &status["state"]["terminated"];
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.reason);
        } else if !ended.is_null() {
            let code = format!("ExitCode:{}", tree::int(ended, &["exitCode"]));
            let why = Some(tree::text(ended, &["reason"])).filter(|why| !why.is_empty());
            summary.reason = why.map_or(code, str::to_owned);
        } else if status["ready"] == true {
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" && summary.ready > 0 {
        let word = if tree::is_true(object, "Ready") {
            "Running"
        } else {
            "NotReady"
        };
        word.clone_into(&mut summary.reason);
    }
    if !tree::text(object, &["metadata", "deletionTimestamp"]).is_empty() {
        let lost = reported == "NodeLost";
        let word = if lost { "Unknown" } else { "Terminating" };
        word.clone_into(&mut summary.reason);
    }
    summary
}

/// The cells of a pod.
pub fn pod(object: &Value, name: Value, age: Value, now: i64) -> Vec<Value> {
    let total = tree::list(object, &["spec", "containers"]).len();
    let summary = summary(object);
    let restarts = match summary.last_ms {
        Some(at) if summary.restarts > 0 => {
            format!("{} ({} ago)", summary.restarts, time::age(now - at))
        }
        _ => summary.restarts.to_string(),
    };
    let or_none = |path: &[&str]| -> Value {
        let text = Some(tree::text(object, path)).filter(|t| !t.is_empty());
        text.unwrap_or("<none>").into()
    };
    vec![
        name,
        format!("{}/{total}", summary.ready).into(),
        summary.reason.into(),
        restarts.into(),
        age,
        or_none(&["status", "podIP"]),
        or_none(&["spec", "nodeName"]),
        or_none(&["status", "nominatedNodeName"]),
        "<none>".into(),
    ]
}
