//! Runs without a screen, by the small things the contract says of them: what leaves a record and what does not, and answers
//! that were given beforehand.

use super::super::command::Home;
use super::super::command::books::STAMP;
use serde_json::Value;

async fn desk() -> Home {
    Home::with(STAMP).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_looks_ahead_and_leaves_no_record() {
    let home = desk().await;
    let set = ["--set", "workload=veza-backend", "--set", "revision=41"];
    let said = home
        .run(&[&["runbook", "plan", "rollback"], &set[..]].concat())
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("preflight") && said.out.contains("would change"),
        "{said:?}"
    );
    assert_eq!(home.runs().await, Vec::<Value>::new());
    let state = home.folder.path().join("state/vigie");
    assert!(!state.join("audit.log").exists() && !state.join("runs").exists());
    assert_eq!(home.changes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answered_stops_the_run_and_resume_takes_the_answer() {
    let home = desk().await;
    let said = home
        .run(&["run", "stamp", "--set", "workload=veza-backend", "--yes"])
        .await;
    assert_eq!((said.code, home.changes().len()), (Some(3), 0), "{said:?}");
    let run = home.runs().await.remove(0)["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let looked = home.run(&["resume", &run]).await;
    assert_eq!(
        (looked.code, home.changes().len()),
        (Some(3), 0),
        "without a confirmation it only looks: {looked:?}"
    );
    let said = home
        .run(&["resume", &run, "--yes", "--answer", "which=yes"])
        .await;
    assert_eq!((said.code, home.changes().len()), (Some(0), 1), "{said:?}");
    let ended = home.runs().await.remove(0);
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
    assert_eq!(home.changes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_names_the_context_and_an_abandoned_run_says_why() {
    let home = desk().await;
    let said = home
        .run(&["run", "stamp", "--set", "workload=veza-backend"])
        .await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let run = home.runs().await.remove(0);
    assert_eq!(run["target"]["context"], "veza-demo", "{run:#}");
    let id = run["run"].as_str().unwrap();
    let said = home.run(&["abandon", id, "--reason", "a rehearsal"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let run = home.runs().await.remove(0);
    assert_eq!(run["state"], "abandoned");
    assert!(
        run["message"].as_str().unwrap().contains("a rehearsal"),
        "{run:#}"
    );
    assert_eq!(
        home.run(&["abandon", "01NOTHING", "--reason", "x"])
            .await
            .code,
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_that_runs_its_last_good_revision_is_not_gone_back_from() {
    let home = desk().await;
    let confirm = ["--confirm", "veza-production", "--reason", "a drill"];
    for (command, more) in [(&["runbook", "plan"][..], &[][..]), (&["run"], &confirm)] {
        let line = ["rollback", "--set", "workload=veza-backend"];
        let said = home.run(&[command, &line[..], more].concat()).await;
        assert_eq!(said.code, Some(4), "{command:?}: {said:?}");
        assert!(
            said.out.contains("is the last good one and runs already"),
            "{said:?}"
        );
    }
    assert_eq!(home.changes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_takes_a_run_over_only_with_a_reason() {
    let home = desk().await;
    let contexts = ["veza-demo", "veza-demo-second"];
    let places = contexts.map(|name| format!("[context.{name}]\nenvironment = \"production\"\n"));
    home.write("config/vigie/config.toml", &places.concat());
    let named = ["--confirm", "veza-production"];
    let begin = ["run", "stamp", "--set", "workload=veza-backend"];
    let said = home.run(&[&begin[..], &named].concat()).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let run = home.runs().await.remove(0)["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = ["--context", "veza-demo-second", "resume", &run];
    let answered = [&other[..], &named, &["--answer", "which=yes"]].concat();
    let said = home.run(&answered).await;
    assert_eq!((said.code, home.changes().len()), (Some(3), 0), "{said:?}");
    assert!(said.out.contains("takes over from") && said.out.contains("--reason"));
    let said = home
        .run(&[&answered[..], &["--reason", "the first one sleeps"]].concat())
        .await;
    assert_eq!((said.code, home.changes().len()), (Some(0), 1), "{said:?}");
    let told = home.audit().await;
    let resumed = told
        .iter()
        .rfind(|record| record["event"] == "run.resumed")
        .unwrap();
    assert_eq!(resumed["reason"], "the first one sleeps");
    let second = vigie::sim::access::Identity::Second.name();
    assert_eq!(resumed["actor"]["k8s_user"], second);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_run_is_signed_by_whom_the_cluster_knows_or_says_that_it_did_not() {
    let mut home = desk().await;
    home.set("USER", "ada");
    let begin = ["run", "stamp", "--set", "workload=veza-backend"];
    for _ in 0..2 {
        assert_eq!(home.run(&begin).await.code, Some(3));
    }
    let ids: Vec<String> = home
        .runs()
        .await
        .iter()
        .map(|run| run["run"].as_str().unwrap().to_owned())
        .collect();
    let oncall = vigie::sim::access::Identity::Oncall.name();
    let closed = home.run(&["abandon", &ids[0], "--reason", "over"]).await;
    assert!(
        closed.code == Some(0) && closed.out.contains(&format!("closed by {oncall}: over")),
        "{closed:?}"
    );
    home.running = None;
    let closed = home.run(&["abandon", &ids[1], "--reason", "over"]).await;
    assert!(
        closed.code == Some(0) && closed.out.contains("closed by ada (user of this machine"),
        "{closed:?}"
    );
    let ends: Vec<Value> = home.audit().await;
    let ends: Vec<&Value> = ends
        .iter()
        .filter(|record| record["event"] == "run.end")
        .map(|record| &record["actor"])
        .collect();
    assert_eq!(ends[0]["k8s_user"], oncall);
    assert!(ends[1]["k8s_user"].is_null() && ends[1]["os_user"] == "ada");
}
