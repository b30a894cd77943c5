//! Runs without a screen, by the small things the contract says of them: what leaves a record and what does not, and answers
//! that were given beforehand.

use super::super::command::Home;
use serde_json::Value;
use vigie::sim::scenario::Scenario;

/// A runbook with one question and one small change.
pub const STAMP: &str = r#"+++
schema  = 1
id      = "stamp"
version = "1"
title   = "Mark a workload"
risk    = "low"
[params.namespace]
type = "namespace"
[params.workload]
type     = "k8s-ref"
required = true
from     = "workloads"
+++

# Mark a workload

## Which?

```toml step
id    = "workload"
kind  = "input"
param = "workload"
```

```toml step
id      = "which"
kind    = "choose"
options = [{ id = "yes", label = "Mark it" }, { id = "no", label = "Leave it" }]
```

## Go

```toml step
id   = "go"
kind = "confirm"
type = "{{params.namespace}}"
```

```toml step
id     = "mark"
kind   = "k8s.annotate"
when   = { step = "which", is = "yes" }
ns     = "{{params.namespace}}"
target = "{{params.workload}}"
set    = { "example.com/mark" = "{{run.id}}" }
undo   = "previous-values"
```
"#;

/// How often the mark was set.
pub fn stamps(home: &Home) -> usize {
    let writes = home.running.as_ref().unwrap().world().writes();
    let changed = writes
        .iter()
        .filter(|write| write.code == 200 && !write.dry_run);
    changed
        .filter(|write| write.path.contains("/deployments/veza-backend"))
        .count()
}

async fn desk() -> Home {
    let home = Home::on(Scenario::Healthy, 60).await;
    home.write("config/vigie/runbooks/stamp.runbook.md", STAMP);
    home
}

async fn listed(home: &Home) -> Vec<Value> {
    let (_, runs) = home.json(&["runs", "--all"]).await;
    runs["runs"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_looks_ahead_and_leaves_no_record() {
    let home = desk().await;
    let set = ["--set", "workload=veza-backend"];
    let said = home
        .run(&[&["runbook", "plan", "rollback"], &set[..]].concat())
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("preflight") && said.out.contains("would change"),
        "{said:?}"
    );
    assert_eq!(listed(&home).await, Vec::<Value>::new());
    let state = home.folder.path().join("state/vigie");
    assert!(!state.join("audit.log").exists() && !state.join("runs").exists());
    assert_eq!(stamps(&home), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answered_stops_the_run_and_resume_takes_the_answer() {
    let home = desk().await;
    let said = home
        .run(&["run", "stamp", "--set", "workload=veza-backend", "--yes"])
        .await;
    assert_eq!((said.code, stamps(&home)), (Some(3), 0), "{said:?}");
    let run = listed(&home).await.remove(0)["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let looked = home.run(&["resume", &run]).await;
    assert_eq!(
        (looked.code, stamps(&home)),
        (Some(3), 0),
        "without a confirmation it only looks: {looked:?}"
    );
    let said = home
        .run(&["resume", &run, "--yes", "--answer", "which=yes"])
        .await;
    assert_eq!((said.code, stamps(&home)), (Some(0), 1), "{said:?}");
    let ended = listed(&home).await.remove(0);
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_of_the_choices_does_not_go_on() {
    let home = desk().await;
    let line = [
        "run",
        "stamp",
        "--set",
        "workload=veza-backend",
        "--yes",
        "--answer",
        "which=perhaps",
    ];
    let said = home.run(&line).await;
    assert_ne!(said.code, Some(0), "{said:?}");
    assert_eq!(stamps(&home), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_names_the_context_and_an_abandoned_run_says_why() {
    let home = desk().await;
    let said = home
        .run(&["run", "stamp", "--set", "workload=veza-backend"])
        .await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let run = listed(&home).await.remove(0);
    assert_eq!(run["target"]["context"], "veza-demo", "{run:#}");
    let id = run["run"].as_str().unwrap();
    let said = home.run(&["abandon", id, "--reason", "a rehearsal"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let run = listed(&home).await.remove(0);
    assert_eq!(run["state"], "abandoned");
    assert!(
        run["reason"].as_str().unwrap().contains("a rehearsal"),
        "{run:#}"
    );
    assert_eq!(
        home.run(&["abandon", "01NOTHING", "--reason", "x"])
            .await
            .code,
        Some(2)
    );
}
