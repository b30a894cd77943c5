//! The acts of one write each, by the real program on a real control plane: each is one effective change, and the id under which
//! the apiserver logged it is in the journal.

use serde_json::json;

use super::desk::{Desk, last};

const WORKLOAD: &str = "deployment/chat-server";

fn ready(desk: &Desk) {
    desk.world.wait_for("the chat server is ready", || {
        (desk.field(WORKLOAD, ".status.readyReplicas") == "2").then_some(())
    });
}

/// The first pod of the chat server that is not on its way out.
fn pod(desk: &Desk) -> String {
    let pods = desk
        .world
        .kubectl(&["get", "pods", "-l", "app=chat-server", "-o", "json"]);
    let pods: serde_json::Value = serde_json::from_str(&pods).unwrap();
    let mut pods = pods["items"].as_array().unwrap().iter();
    let stays = pods.find(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    stays.unwrap()["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Does one act; it must end well and be the only change, with its id in the journal.
fn act(desk: &Desk, line: &str, request: (&str, &str, &str), name: &str) {
    let before = desk.changes().len();
    let output = desk.run(&format!("{line} --reason drill"));
    assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
    assert_eq!(last(&output)["state"], "succeeded", "{line}");
    let changes = desk.changes();
    let [change] = &changes[before..] else {
        panic!("{line}: one change, not {:#?}", &changes[before..]);
    };
    let seen = (&*change.verb, &*change.resource, &*change.subresource);
    assert_eq!((seen, &*change.name), (request, name), "{line}");
    assert!(desk.journal().contains(&change.id), "{line}: {change:#?}");
    assert_eq!(
        desk.requests().len(),
        changes.len(),
        "{line}: none was refused"
    );
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn each_act_is_one_change_whose_audit_id_is_in_the_journal() {
    let desk = Desk::new("acts");
    ready(&desk);
    let restarted = r".spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt";
    assert_eq!(desk.field(WORKLOAD, restarted), "");
    let patch = ("patch", "deployments", "");
    act(
        &desk,
        "restart --set workload=chat-server",
        patch,
        "chat-server",
    );
    assert_ne!(desk.field(WORKLOAD, restarted), "");

    let line = "scale --set workload=chat-server --set replicas=3";
    act(
        &desk,
        line,
        ("patch", "deployments", "scale"),
        "chat-server",
    );
    assert_eq!(desk.field(WORKLOAD, ".spec.replicas"), "3");

    for (runbook, request) in [
        ("delete-pod", ("delete", "pods", "")),
        ("evict-pod", ("create", "pods", "eviction")),
    ] {
        let pod = pod(&desk);
        act(&desk, &format!("{runbook} --set pod={pod}"), request, &pod);
        let left = desk
            .world
            .kubectl(&["get", "pod", &pod, "--ignore-not-found"]);
        assert_eq!(left, "", "{runbook}: done is when it is gone");
    }
    let verified = desk.vigie("oncall", "audit verify").output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_disruption_budget_refuses_an_eviction_before_it_is_sent() {
    let desk = Desk::new("budget");
    ready(&desk);
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": { "name": "both", "namespace": desk.world.namespace },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "chat-server" } } },
    });
    desk.apply(&budget.to_string());
    desk.world.wait_for("the budget counts its pods", || {
        (desk.field("pdb/both", ".status.currentHealthy") == "2").then_some(())
    });
    let pod = pod(&desk);
    let output = desk.run(&format!("evict-pod --set pod={pod} --reason drill"));
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let end = last(&output);
    let message = end["message"].as_str().unwrap_or_default();
    assert!(message.contains("disruption budget"), "{end}");
    assert!(message.contains("both needs 2"), "{end}");
    assert_eq!(desk.requests(), [], "rehearsed alone");
    assert_eq!(
        desk.field(&format!("pod/{pod}"), ".metadata.deletionTimestamp"),
        ""
    );
}
