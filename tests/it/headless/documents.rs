//! What holds for every document, whatever the command: it begins with its schema, one a line, and nothing else is on stdout.

use super::super::command::Home;
use serde_json::Value;
use vigie::sim::scenario::Scenario;

#[tokio::test(flavor = "multi_thread")]
async fn every_document_begins_with_its_schema() {
    let home = Home::on(Scenario::BadRelease, 300).await;
    let dry = [
        "run",
        "rollback",
        "--set",
        "workload=veza-backend",
        "--dry-run",
    ];
    let ran = home.run(&dry).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "status",
        "rollout status veza-backend",
        "rollout history veza-backend",
        "rollout watch veza-backend --until done",
        "runbook list",
        "runbook lint nowhere/../kubeconfig",
        "runbook diff rollback rollback",
        "runbook plan rollback --set workload=veza-backend",
        "run rollback --set workload=nobody",
        "runs --all",
        "audit verify",
        "audit show",
        "doctor",
        "config show",
        "config check",
        "config path",
    ] {
        let path = home.path("kubeconfig");
        let line = line.replace("nowhere/../kubeconfig", &path);
        let arguments: Vec<&str> = line.split(' ').chain(["-o", "json"]).collect();
        let said = home.run(&arguments).await;
        assert!(!said.out.is_empty(), "{line}: {said:?}");
        for document in said.out.lines() {
            assert!(document.starts_with("{\"schema\":1,"), "{line}: {document}");
            let read: Result<Value, _> = serde_json::from_str(document);
            assert!(read.is_ok(), "{line}: {document}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_is_compared_by_what_it_does() {
    let home = Home::new();
    let shown = home
        .run(&["runbook", "show", "rollback", "--source"])
        .await
        .out;
    let own = home.path("own.runbook.md");
    home.write(
        "own.runbook.md",
        &shown.replace("# Roll back a workload", "# Go back"),
    );
    let said = home.run(&["runbook", "diff", "rollback", &own]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "text only: both do the same\n"),
        "{said:?}"
    );
    home.write(
        "own.runbook.md",
        &shown.replace("min_requests = 20", "min_requests = 5"),
    );
    let said = home.run(&["runbook", "diff", "rollback", &own]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.out, "~ gates.good-again.min_requests: 20 → 5\n");
    let (code, document) = home.json(&["runbook", "diff", "rollback", &own]).await;
    assert_eq!(
        (code, &document["same_model"]),
        (Some(1), &Value::Bool(false))
    );
    assert_eq!(
        document["changes"][0]["path"],
        "gates.good-again.min_requests"
    );
    let said = home.run(&["runbook", "diff", "rollback", "nothing"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
}
