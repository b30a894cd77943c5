//! Facts about the columns, as the server's printer of Kubernetes 1.34 makes them, and about the reason beside them.

use super::*;
use crate::domain::pod::Trouble;
use crate::platform::kubernetes::protobuf::pod::tests::{packed, unpacked};

/// Reads a pod written as short YAML, prints `READY STATUS RESTARTS`.
fn printed(yaml: &str) -> String {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let text = value.to_string();
    let pod: PodWire<'_> = serde_json::from_str(&text).unwrap();
    let message = PodMessage::read(&packed(&value)).unwrap();
    let columns = columns(&pod);
    assert_eq!(super::columns(&message.wire()), columns, "{yaml}");
    let last = columns
        .last_restart
        .map_or(String::new(), |at| format!(" ({at})"));
    format!(
        "{}/{} {} {}{last}",
        columns.ready, columns.containers, columns.status, columns.restarts
    )
}

/// Reads it in both forms, which say the same.
fn row(yaml: &str) -> Pod {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let text = value.to_string();
    let row = Pods::row(serde_json::from_str(&text).unwrap(), &mut Pool::default());
    assert_eq!(unpacked(&value), row, "{yaml}");
    row.unwrap()
}

const RUN: &str = "ready: true, restartCount: 0, state: {running: {}}";

#[test]
fn the_columns_are_kubectls() {
    let ended = "lastState: {terminated: {exitCode: 1, finishedAt: '2026-11-21T10:00:00Z'}}";
    let cases: &[(&str, String)] = &[
        ("0/1 Pending 0", "{spec: {containers: [{name: a}]}, status: {phase: Pending}}".into()),
        ("1/1 Running 0", format!("{{spec: {{containers: [{{name: a}}]}}, status: {{phase: Running, containerStatuses: [{{name: a, {RUN}}}]}}}}")),
        ("0/1 ContainerCreating 0", "{spec: {containers: [{name: a}]}, status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ContainerCreating}}}]}}".into()),
        ("0/1 SchedulingGated 0", "{spec: {containers: [{name: a}]}, status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]}}".into()),
        ("0/1 Evicted 0", "{spec: {containers: [{name: a}]}, status: {phase: Failed, reason: Evicted}}".into()),
        ("0/1 CrashLoopBackOff 4 (2026-11-21T10:00:00Z)", format!("{{spec: {{containers: [{{name: a}}]}}, status: {{phase: Running, containerStatuses: [{{name: a, restartCount: 4, state: {{waiting: {{reason: CrashLoopBackOff}}}}, {ended}}}]}}}}")),
        // The first container in order has the last word: the walk is from last to first.
        ("0/2 ErrImagePull 0", "{spec: {containers: [{name: a}, {name: b}]}, status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ErrImagePull}}}, {name: b, state: {terminated: {exitCode: 3}}}]}}".into()),
        ("0/1 ExitCode:3 0", "{spec: {containers: [{name: a}]}, status: {phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 3}}}]}}".into()),
        ("0/1 Signal:9 0", "{spec: {containers: [{name: a}]}, status: {phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 137, signal: 9}}}]}}".into()),
        ("0/1 OOMKilled 0", "{spec: {containers: [{name: a}]}, status: {phase: Failed, containerStatuses: [{name: a, state: {terminated: {exitCode: 137, reason: OOMKilled}}}]}}".into()),
        ("0/1 Completed 0", "{spec: {containers: [{name: a}]}, status: {phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {exitCode: 0, reason: Completed}}}]}}".into()),
        ("1/2 NotReady 0", format!("{{spec: {{containers: [{{name: a}}, {{name: b}}]}}, status: {{phase: Running, containerStatuses: [{{name: a, state: {{terminated: {{reason: Completed}}}}}}, {{name: b, {RUN}}}]}}}}")),
        ("1/2 Running 0", format!("{{spec: {{containers: [{{name: a}}, {{name: b}}]}}, status: {{phase: Running, conditions: [{{type: Ready, status: 'True'}}], containerStatuses: [{{name: a, state: {{terminated: {{reason: Completed}}}}}}, {{name: b, {RUN}}}]}}}}")),
        ("0/1 Init:0/2 0", "{spec: {initContainers: [{name: i}, {name: j}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {running: {}}}, {name: j, state: {waiting: {reason: PodInitializing}}}]}}".into()),
        ("0/1 Init:1/2 0", "{spec: {initContainers: [{name: i}, {name: j}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 0}}}, {name: j, state: {waiting: {reason: PodInitializing}}}]}}".into()),
        ("0/1 Init:CrashLoopBackOff 3 (2026-11-21T10:00:00Z)", format!("{{spec: {{initContainers: [{{name: i}}], containers: [{{name: a}}]}}, status: {{phase: Pending, initContainerStatuses: [{{name: i, restartCount: 3, state: {{waiting: {{reason: CrashLoopBackOff}}}}, {ended}}}]}}}}")),
        ("0/1 Init:ExitCode:1 0", "{spec: {initContainers: [{name: i}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 1}}}]}}".into()),
        ("0/1 Init:Signal:9 0", "{spec: {initContainers: [{name: i}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 137, signal: 9}}}]}}".into()),
        ("0/1 Init:Error 0", "{spec: {initContainers: [{name: i}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 1, reason: Error}}}]}}".into()),
        ("0/1 PodInitializing 0", "{spec: {initContainers: [{name: i}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: i, state: {terminated: {exitCode: 0}}}], containerStatuses: [{name: a, state: {waiting: {reason: PodInitializing}}}]}}".into()),
        // A sidecar counts among the containers, and among the ready ones once it started.
        ("2/2 Running 1 (2026-11-21T10:00:00Z)", format!("{{spec: {{initContainers: [{{name: s, restartPolicy: Always}}], containers: [{{name: a}}]}}, status: {{phase: Running, initContainerStatuses: [{{name: s, ready: true, started: true, restartCount: 1, state: {{running: {{}}}}, {ended}}}], containerStatuses: [{{name: a, {RUN}}}]}}}}")),
        // Restarts of ordinary init containers no longer count once the main containers run.
        ("1/1 Running 0", format!("{{spec: {{initContainers: [{{name: i}}], containers: [{{name: a}}]}}, status: {{phase: Running, initContainerStatuses: [{{name: i, restartCount: 5, state: {{terminated: {{exitCode: 0}}}}, {ended}}}], containerStatuses: [{{name: a, {RUN}}}]}}}}")),
        ("0/2 Init:0/1 0", "{spec: {initContainers: [{name: s, restartPolicy: Always}], containers: [{name: a}]}, status: {phase: Pending, initContainerStatuses: [{name: s, started: false, state: {running: {}}}], containerStatuses: []}}".into()),
        ("1/1 Terminating 0", format!("{{metadata: {{deletionTimestamp: '2026-11-21T10:00:00Z'}}, spec: {{containers: [{{name: a}}]}}, status: {{phase: Running, containerStatuses: [{{name: a, {RUN}}}]}}}}")),
        ("0/1 Completed 0", "{metadata: {deletionTimestamp: '2026-11-21T10:00:00Z'}, spec: {containers: [{name: a}]}, status: {phase: Succeeded, containerStatuses: [{name: a, state: {terminated: {exitCode: 0, reason: Completed}}}]}}".into()),
        ("1/1 Unknown 0", format!("{{metadata: {{deletionTimestamp: '2026-11-21T10:00:00Z'}}, spec: {{containers: [{{name: a}}]}}, status: {{phase: Running, reason: NodeLost, containerStatuses: [{{name: a, {RUN}}}]}}}}")),
        ("1/1 NodeLost 0", format!("{{spec: {{containers: [{{name: a}}]}}, status: {{phase: Running, reason: NodeLost, containerStatuses: [{{name: a, {RUN}}}]}}}}")),
    ];
    for (expected, yaml) in cases {
        assert_eq!(printed(yaml), *expected, "{yaml}");
    }
}

fn pod(status: &str) -> Pod {
    row(&format!(
        "{{metadata: {{uid: u, name: p, namespace: ns}}, spec: {{nodeName: node-1, containers: [{{name: main, image: 'r/x:v2'}}], readinessGates: [{{conditionType: lb}}]}}, status: {status}}}"
    ))
}

#[test]
fn every_trouble_names_what_it_is_about() {
    let image = pod(
        "{phase: Pending, containerStatuses: [{name: main, image: 'sha256:9', state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}",
    );
    let expected = Trouble::Image {
        image: "r/x:v2".into(),
        reason: "ImagePullBackOff".into(),
        message: "not found".into(),
    };
    assert_eq!(image.trouble, Some(expected));
    let oom = pod(
        "{phase: Running, containerStatuses: [{name: main, restartCount: 2, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled, finishedAt: '2026-11-21T10:00:00Z'}}}]}",
    );
    assert!(
        matches!(oom.trouble, Some(Trouble::Crash { exit_code: 137, waiting: true, ended: Some(_), ref reason, .. }) if &**reason == "OOMKilled")
    );
    let config = pod(
        "{phase: Pending, containerStatuses: [{name: main, state: {waiting: {reason: CreateContainerConfigError, message: 'secret \"db\" not found'}}}]}",
    );
    assert!(
        matches!(config.trouble, Some(Trouble::Create { ref message, .. }) if message.contains("db"))
    );
    let unready = pod(
        "{phase: Running, conditions: [{type: Ready, status: 'False'}], containerStatuses: [{name: main, ready: false, started: true, state: {running: {}}}]}",
    );
    assert_eq!(
        unready.trouble,
        Some(Trouble::Unready {
            what: "main (readiness probe)".into()
        })
    );
    let startup = pod(
        "{phase: Running, conditions: [{type: Ready, status: 'False'}], containerStatuses: [{name: main, ready: false, started: false, state: {running: {}}}]}",
    );
    assert_eq!(
        startup.trouble,
        Some(Trouble::Unready {
            what: "main (startup probe)".into()
        })
    );
    let gate = pod(
        "{phase: Running, conditions: [{type: Ready, status: 'False'}], containerStatuses: [{name: main, ready: true, state: {running: {}}}]}",
    );
    assert_eq!(
        gate.trouble,
        Some(Trouble::Unready {
            what: "readiness gate lb".into()
        })
    );
    let evicted = pod("{phase: Failed, reason: Evicted, message: low on memory}");
    assert!(
        matches!(evicted.trouble, Some(Trouble::Failed { ref reason, .. }) if &**reason == "Evicted")
    );
    assert_eq!(pod("{phase: Succeeded}").trouble, None);
}

#[test]
fn a_pod_without_a_node_says_why() {
    let text = "{metadata: {uid: u, name: p}, spec: {containers: [{name: a}]}, status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: 0/3 nodes are available}]}}";
    assert_eq!(
        row(text).trouble,
        Some(Trouble::Unschedulable {
            why: "0/3 nodes are available".into()
        })
    );
}

#[test]
fn a_restart_explains_unreadiness_only_until_it_was_ready_again() {
    let restarted = |ready: &str| {
        pod(&format!(
            "{{phase: Running, conditions: [{{type: Ready, status: 'False', lastTransitionTime: '{ready}'}}], containerStatuses: [{{name: main, ready: false, started: true, restartCount: 1,
              state: {{running: {{startedAt: '2026-11-21T10:00:00Z'}}}}, lastState: {{terminated: {{exitCode: 1, finishedAt: '2026-11-21T09:59:50Z'}}}}}}]}}"
        ))
        .trouble
    };
    assert!(matches!(
        restarted("2026-11-21T09:59:50Z"),
        Some(Trouble::Crash { waiting: false, .. })
    ));
    assert!(matches!(
        restarted("2026-11-21T10:30:00Z"),
        Some(Trouble::Unready { .. })
    ));
}

#[test]
fn going_is_counted_from_when_it_was_asked() {
    let text = "{metadata: {uid: u, name: p, deletionTimestamp: '2026-11-21T10:00:30Z', deletionGracePeriodSeconds: 30}, spec: {nodeName: ns}, status: {phase: Running}}";
    let pod = row(text);
    assert_eq!(pod.trouble, Some(Trouble::Lingering));
    assert_eq!(
        pod.deleting_since.unwrap().to_string(),
        "2026-11-21T10:00:00Z"
    );
}
