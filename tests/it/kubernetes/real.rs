//! Against a real control plane, where `VIGIE_TEST_CLUSTER` names its state directory: the server's own words decide.

mod busy;
mod forms;

use super::asked::deployment;
use super::{Held, SHORT, next};
use crate::cluster::world::Turn;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;
use vigie::domain::object::ObjectRef;
use vigie::domain::pod::Pod;
use vigie::domain::target::Scope;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{
    Cluster, Deployments, Known, Manner, Options, Pods, ReplicaSets, Right, Sighting, TableFact,
};

fn state() -> String {
    std::env::var("VIGIE_TEST_CLUSTER").expect("VIGIE_TEST_CLUSTER names a state directory")
}

async fn as_user(name: &str) -> Cluster {
    let options = Options {
        kubeconfig: Some(format!("{}/{name}.kubeconfig", state()).into()),
        ..Options::default()
    };
    Cluster::connect(&options).await.unwrap()
}

fn kubectl(arguments: &[&str]) -> String {
    let output = Command::new("kubectl")
        .arg(format!("--kubeconfig={}/admin.kubeconfig", state()))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Name, READY, STATUS and the number of RESTARTS, as kubectl prints them.
fn printed(namespace: &str) -> BTreeMap<String, String> {
    let text = kubectl(&["get", "pods", "-n", namespace, "--no-headers"]);
    text.lines()
        .map(|row| {
            let cells: Vec<&str> = row.split_whitespace().collect();
            (cells[0].to_owned(), cells[1..4].join(" "))
        })
        .collect()
}

fn ours(held: &Held) -> BTreeMap<String, String> {
    let cell = |pod: &Pod| {
        format!(
            "{}/{} {} {}",
            pod.ready, pod.containers, pod.status, pod.restarts
        )
    };
    held.rows
        .iter()
        .map(|(name, pod)| (name.clone(), cell(pod)))
        .collect()
}

fn manifest(namespace: &str, name: &str, spec: &serde_json::Value) -> String {
    serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": namespace }, "spec": spec }).to_string()
}

/// A namespace of a test's own that is ready for pods.
fn namespace(test: &str) -> String {
    let name = format!("{test}-{}", std::process::id());
    let object = serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    apply(&object.to_string());
    let account = ["create", "serviceaccount", "default", "-n", &name];
    // The controller may have been quicker: pods need the account, whoever made it.
    let _ = Command::new("kubectl")
        .arg(format!("--kubeconfig={}/admin.kubeconfig", state()))
        .args(account)
        .output();
    kubectl(&["get", "serviceaccount", "default", "-n", &name]);
    name
}

fn apply(text: &str) {
    use std::io::Write as _;
    let mut child = Command::new("kubectl")
        .arg(format!("--kubeconfig={}/admin.kubeconfig", state()))
        .args(["apply", "-f", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn the_columns_are_kubectls_on_every_fate_of_the_harness() {
    let _turn = Turn::shared();
    let space = namespace("columns");
    for fate in ["good", "crash", "oom", "missing", "unready"] {
        let container =
            |name: &str| serde_json::json!({ "name": name, "image": format!("r/x:v1-{fate}") });
        apply(&manifest(
            &space,
            fate,
            &serde_json::json!({ "containers": [container("main")] }),
        ));
        let pair = serde_json::json!({ "containers": [container("main"), container("side")] });
        apply(&manifest(&space, &format!("{fate}-two"), &pair));
    }
    let gated = serde_json::json!({ "schedulingGates": [{ "name": "x.test/wait" }], "containers": [{ "name": "main", "image": "r/x:v1" }] });
    apply(&manifest(&space, "gated", &gated));
    let nowhere = serde_json::json!({ "nodeSelector": { "no": "where" }, "containers": [{ "name": "main", "image": "r/x:v1" }] });
    apply(&manifest(&space, "nowhere", &nowhere));
    let cluster = as_user("admin").await;
    let scope = Scope::Namespace(space.as_str().into());
    let mut watch = cluster.watch::<Pods>(&scope, None);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    // Fates change while we look: both sides must agree on some moment after every fate was reached.
    let reached = |held: &Held| {
        let all: Vec<&str> = held.rows.values().map(|pod| &*pod.status).collect();
        [
            "CrashLoopBackOff",
            "ImagePullBackOff",
            "Running",
            "SchedulingGated",
            "Pending",
        ]
        .iter()
        .all(|status| all.contains(status))
    };
    held.until(&mut watch, reached).await;
    let mut agreed = false;
    for _ in 0..40 {
        while let Ok(Some(sighting)) =
            tokio::time::timeout(Duration::from_millis(200), watch.next()).await
        {
            held.take(sighting);
        }
        agreed = printed(&space) == ours(&held);
        if agreed {
            break;
        }
    }
    assert!(
        agreed,
        "kubectl: {:#?}\nours: {:#?}",
        printed(&space),
        ours(&held)
    );
    assert!(held.rows["oom"].trouble.is_some() && held.rows["good"].trouble.is_none());
    kubectl(&["delete", "namespace", &space, "--wait=false"]);
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn identity_uid_rights_and_objects_come_from_the_server() {
    let _turn = Turn::shared();
    let admin = as_user("admin").await;
    let viewer = as_user("viewer").await;
    assert_eq!(viewer.identity().await.unwrap().username, "viewer");
    let uid = admin.cluster_uid().await.unwrap();
    assert_eq!(
        kubectl(&["get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}"]),
        *uid
    );
    let version = admin.version().await.unwrap();
    assert!(version.version.starts_with("v1.") && version.clock.is_some());
    let right = |verb: &str| Right {
        verb: verb.into(),
        group: "apps".into(),
        resource: "deployments".into(),
        namespace: "veza-production".into(),
        ..Right::default()
    };
    assert!(viewer.may(&right("get")).await.unwrap().allowed);
    assert!(!viewer.may(&right("patch")).await.unwrap().allowed);
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn a_write_is_tried_refused_and_audited_as_the_server_says() {
    let _turn = Turn::shared();
    let admin = as_user("admin").await;
    let viewer = as_user("viewer").await;
    let backend = ObjectRef::new("Deployment", "veza-production", "veza-backend");
    let yaml = viewer.yaml(&backend).await.unwrap();
    assert!(yaml.contains("kind: Deployment") && !yaml.contains("managedFields"));
    let patch = serde_json::json!({ "spec": { "replicas": 4 } });
    let manner = Manner {
        dry_run: true,
        audit_id: Some("vigie-test-1".into()),
    };
    let refused = viewer
        .patch(
            &deployment(),
            "veza-production",
            "veza-backend",
            &patch,
            &manner,
        )
        .await
        .unwrap_err();
    let FailureKind::Forbidden(rule) = &refused.kind else {
        panic!("{refused}")
    };
    assert_eq!(
        (&*rule.verb, &*rule.resource, &*rule.user),
        ("patch", "deployments.apps", "viewer")
    );
    let tried = as_user("oncall")
        .await
        .patch(
            &deployment(),
            "veza-production",
            "veza-backend",
            &patch,
            &manner,
        )
        .await
        .unwrap();
    assert_eq!(tried.audit_id.as_deref(), Some("vigie-test-1"));
    assert_eq!(tried.object["spec"]["replicas"], 4);
    let stale =
        serde_json::json!({ "metadata": { "resourceVersion": "1" }, "spec": { "replicas": 4 } });
    let failure = admin
        .patch(
            &deployment(),
            "veza-production",
            "veza-backend",
            &stale,
            &manner,
        )
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Conflict);
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn workloads_revisions_and_any_kind_are_read() {
    let _turn = Turn::shared();
    let viewer = as_user("viewer").await;
    let scope = Scope::Namespace("veza-production".into());
    let mut deployments = viewer.watch::<Deployments>(&scope, None);
    let mut replica_sets = viewer.watch::<ReplicaSets>(&scope, None);
    let (mut workloads, mut revisions) = (Vec::new(), Vec::new());
    loop {
        match next(&mut deployments).await {
            Sighting::Rows(rows) => workloads.extend(rows),
            Sighting::Listed => break,
            _ => {}
        }
    }
    loop {
        match next(&mut replica_sets).await {
            Sighting::Rows(rows) => revisions.extend(rows),
            Sighting::Listed => break,
            _ => {}
        }
    }
    let backend = workloads
        .iter()
        .find(|w| &*w.name == "veza-backend")
        .unwrap();
    assert!(backend.writer.is_some() && backend.revision.is_some() && !backend.images.is_empty());
    assert!(
        revisions
            .iter()
            .any(|r| r.owner.as_ref() == Some(&backend.uid) && r.number == backend.revision)
    );
    let known = viewer.kind_named("ing").await.unwrap();
    assert_eq!(
        (&*known.kind, &*known.group),
        ("Ingress", "networking.k8s.io")
    );
    let mut table =
        as_user("admin")
            .await
            .watch_table(&Known::everyday("deploy").unwrap(), &scope, None);
    let mut rows = 0;
    loop {
        match next(&mut table).await {
            Sighting::Rows(facts) => {
                let is_row = |fact: &&TableFact| matches!(fact, TableFact::Row(_));
                rows += facts.iter().filter(is_row).count();
            }
            Sighting::Listed => break,
            _ => {}
        }
    }
    assert_eq!(rows, workloads.len());
    let all = viewer.watch_with::<Pods>(&Scope::All, Some("veza-production".into()), SHORT);
    let mut all = all;
    let first = next(&mut all).await;
    assert!(
        matches!(&first, Sighting::Denied(denial) if denial.narrowed_to.is_some())
            || first == Sighting::Listing
    );
}

/// Statuses that no harness plays, written by hand onto pods that never get a node.
const HAND_MADE: [(&str, &str, &str); 10] = [
    (
        "init-1-of-2",
        r#"{"initContainers":[{"name":"i"},{"name":"j"}]}"#,
        r#"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"j","state":{"waiting":{"reason":"PodInitializing"}}}]}"#,
    ),
    (
        "init-crash",
        r#"{"initContainers":[{"name":"i"}]}"#,
        r#"{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1}}}]}"#,
    ),
    (
        "init-signal",
        r#"{"initContainers":[{"name":"i"}]}"#,
        r#"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":137,"signal":9}}}]}"#,
    ),
    (
        "sidecar",
        r#"{"initContainers":[{"name":"s","restartPolicy":"Always"},{"name":"i"}]}"#,
        r#"{"phase":"Running","initContainerStatuses":[{"name":"s","ready":true,"started":true,"restartCount":2,"state":{"running":{}}},{"name":"i","restartCount":4,"state":{"terminated":{"exitCode":0}}}],"containerStatuses":[{"name":"main","ready":true,"restartCount":1,"state":{"running":{}}}]}"#,
    ),
    (
        "sidecar-starting",
        r#"{"initContainers":[{"name":"s","restartPolicy":"Always"}]}"#,
        r#"{"phase":"Pending","initContainerStatuses":[{"name":"s","started":false,"state":{"running":{}}}],"containerStatuses":[{"name":"main","state":{"waiting":{"reason":"PodInitializing"}}}]}"#,
    ),
    (
        "not-ready",
        r#"{"containers":[{"name":"side","image":"i"}]}"#,
        r#"{"phase":"Running","containerStatuses":[{"name":"main","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"side","ready":true,"state":{"running":{}}}]}"#,
    ),
    (
        "evicted",
        "{}",
        r#"{"phase":"Failed","reason":"Evicted","message":"low on memory"}"#,
    ),
    (
        "signal",
        "{}",
        r#"{"phase":"Failed","containerStatuses":[{"name":"main","state":{"terminated":{"exitCode":137,"signal":9}}}]}"#,
    ),
    (
        "going-done",
        "{}",
        r#"{"phase":"Succeeded","containerStatuses":[{"name":"main","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#,
    ),
    (
        "going-lost",
        "{}",
        r#"{"phase":"Running","reason":"NodeLost","containerStatuses":[{"name":"main","ready":true,"state":{"running":{}}}]}"#,
    ),
];

fn hand_made(space: &str, name: &str, more: &str, status: &str) {
    let mut status: serde_json::Value = serde_json::from_str(status).unwrap();
    for list in ["initContainerStatuses", "containerStatuses"] {
        for one in status[list].as_array_mut().into_iter().flatten() {
            for (field, value) in [
                ("image", "i".into()),
                ("imageID", "".into()),
                ("ready", false.into()),
                ("restartCount", 0.into()),
            ] {
                let fields = one.as_object_mut().unwrap();
                fields.entry(field).or_insert(value);
            }
        }
    }
    let more: serde_json::Value = serde_json::from_str(more).unwrap();
    let containers = |list: &serde_json::Value| -> Vec<serde_json::Value> {
        let all = list.as_array().into_iter().flatten().cloned();
        all.map(|mut one| {
            one["image"] = "i".into();
            one
        })
        .collect()
    };
    let mut main = vec![serde_json::json!({ "name": "main", "image": "i" })];
    main.extend(containers(&more["containers"]));
    let spec = serde_json::json!({ "schedulerName": "nobody", "containers": main, "initContainers": containers(&more["initContainers"]) });
    let mut pod: serde_json::Value = serde_json::from_str(&manifest(space, name, &spec)).unwrap();
    pod["metadata"]["finalizers"] = serde_json::json!(["test.vigie/stay"]);
    apply(&pod.to_string());
    let patch = serde_json::json!({ "status": status }).to_string();
    kubectl(&[
        "patch",
        "pod",
        name,
        "-n",
        space,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
    if name.starts_with("going") {
        kubectl(&["delete", "pod", name, "-n", space, "--wait=false"]);
    }
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn the_columns_are_kubectls_on_statuses_written_by_hand() {
    let _turn = Turn::shared();
    let space = namespace("hand-made");
    for (name, more, status) in HAND_MADE {
        hand_made(&space, name, more, status);
    }
    let cluster = as_user("admin").await;
    let mut watch = cluster.watch::<Pods>(&Scope::Namespace(space.as_str().into()), None);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    let (theirs, ours) = (printed(&space), ours(&held));
    for (name, _, _) in HAND_MADE {
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        kubectl(&[
            "patch",
            "pod",
            name,
            "-n",
            &space,
            "--type=merge",
            "-p",
            patch,
        ]);
    }
    kubectl(&["delete", "namespace", &space, "--wait=false"]);
    assert_eq!(theirs, ours);
    assert_eq!(ours.len(), HAND_MADE.len());
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn a_stopped_apiserver_is_said_and_nothing_is_lost() {
    let _turn = Turn::alone();
    let cluster = as_user("viewer").await;
    let mut watch =
        cluster.watch_with::<Pods>(&Scope::Namespace("veza-production".into()), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    let rows = held.rows.len();
    let pid = std::fs::read_to_string(format!("{}/pids/kube-apiserver", state())).unwrap();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, pid.trim()]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    // A process that hangs, not one that is gone: connections stand and nothing comes.
    let silent = tokio::time::timeout(Duration::from_secs(2), async {
        loop {
            let sighting = next(&mut watch).await;
            held.take(sighting);
        }
    });
    assert!(silent.await.is_err());
    assert_eq!(held.rows.len(), rows);
    signal("-CONT");
    while next(&mut watch).await != Sighting::Heard {}
}
