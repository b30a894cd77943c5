//! The rollback of what is no Deployment: its revisions are ControllerRevisions, and its controller brings the old pods back.

use serde_json::{Value, json};

use super::desk::{Desk, last};

const GOOD: &str = "registry.veza.app/stream-server:v1.0.0";
const BAD: &str = "registry.veza.app/stream-server:v1.1.0";

/// The streaming service as a workload of another kind, behind the Service it had.
fn manifest(namespace: &str, kind: &str, more: &Value) -> Value {
    let labels = json!({ "app": "stream-server" });
    let mut made = json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": { "name": "stream-server", "namespace": namespace, "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": { "app": "stream-server", "version": "v1.0.0" } },
                "spec": { "containers": [{ "name": "main", "image": GOOD }] },
            },
        },
    });
    for (key, value) in more.as_object().unwrap() {
        made["spec"][key] = value.clone();
    }
    made
}

fn goes_back(kind: &str, plural: &str, more: &Value) {
    let desk = Desk::new(plural);
    let world = &desk.world;
    let workload = format!("{}/stream-server", kind.to_lowercase());
    world.kubectl(&["delete", "deployment", "stream-server"]);
    desk.apply(&manifest(&world.namespace, kind, more).to_string());
    world.kubectl(&["rollout", "status", &workload, "--timeout=120s"]);
    world.behave("service=stream-server&version=v1.1.0&errors=0.3&latency_ms=900");
    world.release_of(&workload, BAD, "v1.1.0");
    world.kubectl(&["rollout", "status", &workload, "--timeout=120s"]);
    let generation = || {
        desk.field(&workload, ".metadata.generation")
            .parse::<u64>()
            .unwrap()
    };
    let before = generation();
    let output = desk.run(&format!(
        "rollback --set workload={kind}/stream-server --set revision=1 --set hold=15s --reason drill"
    ));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(last(&output)["state"], "succeeded");
    assert_eq!(
        desk.field(&workload, ".spec.template.spec.containers[0].image"),
        GOOD
    );
    let images = "jsonpath={.items[*].spec.containers[0].image}";
    let images = world.kubectl(&["get", "pods", "-l", "app=stream-server", "-o", images]);
    assert!(images.split(' ').all(|image| image == GOOD), "{images}");
    let changes = desk.changes();
    let [change] = changes.as_slice() else {
        panic!("one patch, not {changes:#?}");
    };
    assert_eq!((&*change.verb, &*change.resource), ("patch", plural));
    assert_eq!(desk.requests().len(), 1);
    assert_eq!(generation() - before, 1);
    assert!(desk.journal().contains(&change.id), "{change:#?}");
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_daemon_set_goes_back_with_one_patch() {
    goes_back("DaemonSet", "daemonsets", &json!({}));
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_stateful_set_goes_back_with_one_patch() {
    let more = json!({ "replicas": 2, "serviceName": "stream-server" });
    goes_back("StatefulSet", "statefulsets", &more);
}
