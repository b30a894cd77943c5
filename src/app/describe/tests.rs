//! Descriptions of hand-made objects.

use super::*;
use crate::domain::object::ObjectRef;
use serde_json::json;

fn now() -> Timestamp {
    "2026-03-04T03:12:07Z".parse().unwrap()
}

fn lines(object: &Value) -> Vec<TextLine> {
    describe(object, &Ok(Vec::new()), now())
}

fn whole(lines: &[TextLine]) -> String {
    lines.iter().map(|line| line.text.clone() + "\n").collect()
}

#[test]
fn a_crashing_pod_tells_how_its_container_ended_and_hides_its_variables() {
    let pod = json!({ "kind": "Pod", "metadata": { "name": "web-1", "namespace": "n", "creationTimestamp": "2026-03-04T03:00:07Z" },
        "spec": { "nodeName": "node-2", "containers": [{ "name": "app", "image": "web:2",
            "env": [{ "name": "TOKEN", "value": "hush" }, { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "s" } } }],
            "readinessProbe": { "httpGet": { "path": "/ready", "port": 8080 }, "periodSeconds": 5 } }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "False", "reason": "ContainersNotReady" }],
            "containerStatuses": [{ "name": "app", "restartCount": 4, "ready": false,
                "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s" } },
                "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": "2026-03-04T03:11:37Z" } } }] } });
    let lines = lines(&pod);
    let text = whole(&lines);
    for want in [
        "2026-03-04 03:00:07 UTC, 12 m ago",
        "waiting: CrashLoopBackOff  back-off 40s",
        "ended with code 1, Error, 2026-03-04 03:11:37 UTC, 30 s ago",
        "GET :8080/ready, every 5 s",
        "2 (1 from secrets)",
        "None, as far as the cluster remembers.",
    ] {
        assert!(text.contains(want), "{want} in\n{text}");
    }
    assert!(!text.contains("hush"));
    let bad: Vec<&TextLine> = lines.iter().filter(|line| line.look == Look::Bad).collect();
    assert_eq!(bad.len(), 2, "the state and the condition: {bad:?}");
}

#[test]
fn a_workload_tells_its_strategy_and_whom_it_selects() {
    let deployment = json!({ "kind": "Deployment", "metadata": { "name": "web" },
        "spec": { "replicas": 3, "paused": true, "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": 0 } },
            "selector": { "matchLabels": { "app": "web" }, "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["a", "b"] }] },
            "template": { "spec": { "containers": [{ "name": "app", "image": "web:2" }] } } },
        "status": { "unavailableReplicas": 1 } });
    let text = whole(&lines(&deployment));
    for want in [
        "RollingUpdate, surge 25%, unavailable 0",
        "app=web, tier In a|b",
        "Paused",
        "web:2",
        "Unavailable   1",
    ] {
        assert!(text.contains(want), "{want} in\n{text}");
    }
}

#[test]
fn what_has_no_words_of_ours_is_shown_field_by_field_and_bounded() {
    let map = json!({ "kind": "ConfigMap", "metadata": { "name": "c" }, "data": { "a": "one\ntwo", "list": ["x"] } });
    let text = whole(&lines(&map));
    assert!(
        text.contains("a one\n   two") && text.contains("1. x"),
        "{text}"
    );
    let data: serde_json::Map<String, Value> =
        (0..9000).map(|n| (format!("k{n}"), json!("v"))).collect();
    let long = lines(&json!({ "kind": "ConfigMap", "data": data }));
    assert!(long.len() < 2100);
}

#[test]
fn any_shape_of_object_is_described() {
    for odd in [
        json!(null),
        json!([]),
        json!({ "kind": "Pod", "spec": 3, "status": { "conditions": [1] }, "metadata": [] }),
    ] {
        assert!(!lines(&odd).is_empty());
    }
}

#[test]
fn events_are_newest_first_and_their_absence_has_a_reason() {
    let event = |reason: &str, at: &str| Event {
        uid: reason.into(),
        object: ObjectRef::new("Pod", "n", "web-1"),
        warning: reason == "BackOff",
        reason: reason.into(),
        message: "m".into(),
        at: at.parse().ok(),
        first: None,
        count: 3,
        source: "kubelet".into(),
    };
    let events = vec![
        event("Started", "2026-03-04T03:11:07Z"),
        event("BackOff", "2026-03-04T03:12:00Z"),
    ];
    let text = whole(&describe(&json!({ "kind": "Pod" }), &Ok(events), now()));
    let at = |word: &str| text.find(word).unwrap();
    assert!(
        at("BackOff") < at("Started") && text.contains("7 s ×3"),
        "{text}"
    );
    let denied = describe(
        &json!({ "kind": "Pod" }),
        &Err("may not list events".into()),
        now(),
    );
    assert!(whole(&denied).contains("They cannot be seen: may not list events."));
}
