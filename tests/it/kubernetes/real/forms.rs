//! A real apiserver's two forms: what it says in protobuf becomes the rows that its JSON becomes, on every pod of the cluster.

use super::{
    HAND_MADE, SHORT, Turn, apply, as_user, hand_made, kubectl, manifest, namespace, next, state,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;
use vigie::domain::pod::Pod;
use vigie::domain::target::Scope;
use vigie::domain::uid::Uid;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{Cluster, Options, Patience, Pods, Sighting};

/// The plain list alone: in protobuf.
const PLAIN: Patience = Patience {
    listing: Duration::ZERO,
    silence: Duration::from_secs(30),
    ..SHORT
};
/// The streaming list: in JSON.
const STREAMED: Patience = Patience {
    listing: Duration::from_secs(30),
    ..PLAIN
};

/// How long both forms may take to show the same moment.
const TRIES: usize = 60;

/// The first list, by uid: names come again in other namespaces.
type Rows = BTreeMap<Uid, Pod>;

async fn rows(cluster: &Cluster, scope: &Scope, patience: Patience) -> Rows {
    let mut watch = cluster.watch_with::<Pods>(scope, None, patience);
    let mut all = Rows::new();
    loop {
        match next(&mut watch).await {
            Sighting::Rows(rows) => all.extend(rows.into_iter().map(|row| (row.uid.clone(), row))),
            Sighting::Listing => all.clear(),
            Sighting::Gone(uids) => all.retain(|uid, _| !uids.contains(uid)),
            Sighting::Listed => return all,
            other => panic!("{other:?}"),
        }
    }
}

/// The two forms until they show the same; what differs in the end.
async fn same(cluster: &Cluster, scope: &Scope) -> Rows {
    let mut tried = 0;
    loop {
        let packed = rows(cluster, scope, PLAIN).await;
        let spelled = rows(cluster, scope, STREAMED).await;
        if packed == spelled {
            return packed;
        }
        // Fates go on while we look.
        tried += 1;
        if tried == TRIES {
            let differs = spelled
                .iter()
                .find(|(uid, pod)| packed.get(*uid) != Some(*pod));
            let other = differs.and_then(|(uid, _)| packed.get(uid));
            panic!("in JSON {differs:?}, in protobuf {other:?}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The plain lists that were asked for, by the address.
fn lists(uri: &str) -> usize {
    let log = std::fs::read_to_string(format!("{}/logs/audit.jsonl", state())).unwrap();
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["requestURI"] == uri).count()
}

/// In which form it answers a list when both are welcome.
fn answered_form(space: &str) -> String {
    let server = "jsonpath={.clusters[0].cluster.server}";
    let server = kubectl(&["config", "view", "-o", server]);
    let output = Command::new("curl")
        .args(["-s", "--cacert", &format!("{}/certs/ca.crt", state())])
        .args(["-H", "Authorization: Bearer admin-token"])
        .args([
            "-H",
            "Accept: application/vnd.kubernetes.protobuf, application/json",
        ])
        .args(["-o", "/dev/null", "-w", "%{content_type}"])
        .arg(format!("{server}/api/v1/namespaces/{space}/pods"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn every_pod_is_the_same_row_in_protobuf_and_in_json() {
    let _turn = Turn::shared();
    let space = namespace("forms");
    for (name, more, status) in HAND_MADE {
        hand_made(&space, name, more, status);
    }
    for fate in ["good", "crash", "oom", "missing", "unready"] {
        let container = json!({ "name": "main", "image": format!("r/x:v1-{fate}") });
        let spec = json!({
            "containers": [container],
            "initContainers": [{ "name": "side", "image": "r/x:v1-good", "restartPolicy": "Always" }],
            "readinessGates": [{ "conditionType": "x.test/gate" }],
        });
        apply(&manifest(&space, fate, &spec));
    }
    assert_eq!(answered_form(&space), "application/vnd.kubernetes.protobuf");
    let viewer = as_user("viewer").await;
    let scope = Scope::Namespace(space.as_str().into());
    let uri = format!("/api/v1/namespaces/{space}/pods?resourceVersion=0");
    let before = lists(&uri);
    assert_eq!(rows(&viewer, &scope, PLAIN).await.len(), 15);
    let asked = lists(&uri) - before;
    let own = same(&viewer, &scope).await;
    let all = same(&as_user("admin").await, &Scope::All).await;
    for (name, _, _) in HAND_MADE {
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        let arguments = ["pod", name, "-n", &space, "--type=merge", "-p", patch];
        kubectl(&[&["patch"][..], &arguments].concat());
    }
    kubectl(&["delete", "namespace", &space, "--wait=false"]);
    assert_eq!(asked, 1, "a second one would have been in JSON");
    assert_eq!(own.len(), 15);
    assert!(all.len() >= own.len());
}

#[tokio::test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
async fn a_refusal_of_a_list_names_the_missing_right() {
    let _turn = Turn::shared();
    let options = Options {
        kubeconfig: Some(format!("{}/admin.kubeconfig", state()).into()),
        act_as: Some("stranger".into()),
        ..Options::default()
    };
    let stranger = Cluster::connect(&options).await.unwrap();
    let mut watch = stranger.watch_with::<Pods>(&Scope::All, None, PLAIN);
    let Sighting::Denied(denial) = next(&mut watch).await else {
        panic!("not denied");
    };
    let FailureKind::Forbidden(rule) = &denial.failure.kind else {
        panic!("{:?}", denial.failure);
    };
    assert_eq!(
        (&*rule.user, &*rule.verb, &*rule.resource),
        ("stranger", "list", "pods")
    );
    let said = &denial.failure.said;
    assert!(said.starts_with("pods is forbidden"), "{said}");
}
