//! The deployment checklist on a real control plane: what it can see there it sees, what it cannot is not known, and nothing is
//! changed by it.

use super::desk::{Desk, last};

/// What is answered of the items before the release; without Prometheus the rest of them is seen or not known.
const BEFORE: &[&str] = &[
    "before.tests=link:https://ci.example/1",
    "before.staging=link:https://ci.example/2",
    "before.scan=link:https://ci.example/3",
    "before.medium=na:none",
    "before.audit-findings=attest:Ada",
    "before.migrations=na:none",
    "before.alerting=link:https://rules.example/1",
    "before.on-call=attest:Ada",
    "before.low-traffic=attest:Ada",
    "before.dashboards=attest:Ada:its-signals-are-read-elsewhere",
    "before.quiet=attest:Ada:there-is-no-Alertmanager-here",
    "before.way-back=attest:Ada:the-first-release-of-all",
    "before.pinned=attest:Ada:a-test-image-without-a-tag",
    "before.window=attest:Ada:a-test-cluster-has-no-window",
    "before.replicas=na:one-is-enough-here",
    "before.resources=attest:Ada:a-test-has-no-limits",
    "before.hardened=na:nothing-is-run-here",
    "before.budget=na:nothing-is-run-here",
];

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn the_deployment_checklist_sees_a_real_workload_and_changes_nothing() {
    let desk = Desk::new("checklist");
    desk.world.wait_for("the chat server is ready", || {
        let ready = desk.field("deployment/chat-server", ".status.readyReplicas");
        (ready == "2").then_some(())
    });
    let answers: Vec<String> = BEFORE
        .iter()
        .map(|given| format!("--answer {given}"))
        .collect();
    let line = format!(
        "deploy-checklist --set workload=chat-server --yes {}",
        answers.join(" ")
    );
    let output = desk.run(&line);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let of = |item: &str| {
        let lines = said
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut looked =
            lines.filter(|line| line["event"] == "checklist.looked" && line["item"] == item);
        looked
            .next()
            .unwrap_or_else(|| panic!("{item} was not looked at: {said}"))
    };
    assert_eq!(of("settled")["holds"], true, "{}", of("settled"));
    assert_eq!(of("rollout")["holds"], true, "{}", of("rollout"));
    assert_eq!(of("replicas")["holds"], true, "{}", of("replicas"));
    assert_eq!(of("budget")["holds"], false, "{}", of("budget"));
    assert!(
        of("errors")["holds"].is_null(),
        "nobody measures here: {}",
        of("errors")
    );
    let open = last(&output)["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        open.contains("errors is not known") && !open.contains("rollout"),
        "{open}"
    );
    assert!(desk.requests().is_empty(), "{:#?}", desk.requests());
}
