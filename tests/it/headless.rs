//! The headless face, by the real binary: documents as the contract has them, exit codes, kubectl's words. On the simulated
//! platform; `cluster` holds what only a real control plane can answer.

mod cluster;
mod demo;
mod documents;
mod exports;
mod keys;
mod policy;
pub mod runs;
mod shelf;
mod words;

use serde_json::{Value, json};
use vigie::sim::scenario::Scenario;

use super::command::{Home, plain, said};

/// The names of an object's fields.
fn fields(value: &Value) -> Vec<&str> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    object.keys().map(String::as_str).collect()
}

fn has(value: &Value, wanted: &[&str]) {
    let fields = fields(value);
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| !fields.contains(name))
        .collect();
    assert!(missing.is_empty(), "no {missing:?} in {value}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_the_document_of_the_contract() {
    let home = Home::on(Scenario::CrashLoop, 240).await;
    let (code, status) = home.json(&["status"]).await;
    assert_eq!(
        (code, &status["schema"]),
        (Some(3), &json!(1)),
        "{status:#}"
    );
    has(
        &status,
        &[
            "at",
            "target",
            "verdict",
            "links",
            "workloads",
            "pods",
            "signals",
            "alerts",
        ],
    );
    has(
        &status["target"],
        &[
            "context",
            "server",
            "cluster_uid",
            "namespace",
            "environment",
            "user",
            "read_only",
        ],
    );
    assert_eq!(status["target"]["namespace"], "veza-production");
    assert_eq!(
        (
            &status["target"]["environment"],
            &status["target"]["read_only"]
        ),
        (&json!("simulated"), &json!(false)),
        "its environment asks for nothing to be armed"
    );
    let (_, never) = home.json(&["status", "--read-only"]).await;
    assert_eq!(never["target"]["read_only"], true);
    assert_eq!(status["verdict"]["level"], "failing");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_lists_workloads_pods_and_signals_with_the_fields_of_the_contract() {
    let home = Home::on(Scenario::CrashLoop, 240).await;
    let (_, status) = home.json(&["status"]).await;
    let workload = status["workloads"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["verdict"]["level"] == "failing")
        .unwrap();
    has(
        workload,
        &[
            "kind",
            "namespace",
            "name",
            "desired",
            "updated",
            "ready",
            "available",
            "revision",
            "images",
            "rollout",
        ],
    );
    has(
        &workload["rollout"],
        &["state", "strategy", "reason", "since"],
    );
    let pod = status["pods"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pod| pod["level"] == "failing")
        .unwrap();
    has(
        pod,
        &[
            "namespace",
            "name",
            "uid",
            "ready",
            "status",
            "restarts",
            "age_s",
            "node",
            "owner",
            "reason",
        ],
    );
    assert!(pod["restarts"].is_u64() && pod["age_s"].is_u64(), "{pod}");
    assert!(
        pod["owner"].as_str().unwrap().starts_with("Deployment/"),
        "{pod}"
    );
    let signals = &status["signals"][0];
    has(
        signals,
        &[
            "service",
            "version",
            "rps",
            "error_ratio",
            "p50_ms",
            "p95_ms",
            "p99_ms",
            "samples",
            "at",
        ],
    );
    for time in [&status["at"], &signals["at"]] {
        let text = time.as_str().unwrap();
        assert!(text.ends_with('Z') && text.len() == 20, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_told_whole_and_figures_carry_no_more_digits_than_anybody_measured() {
    let home = Home::on(Scenario::BadRelease, 150).await;
    let said = home.run(&["status", "-o", "json"]).await;
    let status: Value = serde_json::from_str(&said.out).unwrap();
    let alert = &status["alerts"][0];
    has(
        alert,
        &[
            "name",
            "severity",
            "state",
            "since",
            "labels",
            "annotations",
            "runbook",
        ],
    );
    let longest = said.out.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let longest = longest
        .filter_map(|number| number.split_once('.'))
        .map(|(_, after)| after.len());
    assert!(longest.max().unwrap_or(0) <= 6, "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_of_status_is_the_verdict() {
    for (scenario, advance, code, word) in [
        (Scenario::Healthy, 60, 0, "HEALTHY"),
        (Scenario::CrashLoop, 240, 3, "FAILING"),
    ] {
        let home = Home::on(scenario, advance).await;
        let said = home.run(&["status"]).await;
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(
            said.out.starts_with(word) && plain(&said.out) && said.err.is_empty(),
            "{said:?}"
        );
    }
    let home = Home::on(Scenario::Healthy, 60).await;
    home.blind();
    let (code, status) = home.json(&["status"]).await;
    assert_eq!(status["links"][1]["state"], "stale", "{status:#}");
    assert_ne!(code, Some(0), "a Prometheus that is gone is not health");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_null_and_never_zero() {
    let home = Home::on(Scenario::Healthy, 60).await;
    home.blind();
    let (_, status) = home.json(&["status"]).await;
    for signals in status["signals"].as_array().unwrap() {
        assert_eq!(
            (&signals["rps"], &signals["p99_ms"]),
            (&Value::Null, &Value::Null)
        );
    }
    assert_eq!(status["links"][1]["age_s"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_watch_prints_what_changed_and_leaves_when_nobody_reads() {
    use std::io::{BufRead as _, BufReader};
    let home = Home::on(Scenario::Healthy, 60).await;
    let mut child = home
        .command(&["status", "--watch", "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["verdict"]["level"], "healthy");
    let pods = first["pods"].as_array().unwrap().len();
    // A pod more is a change; nobody asked for it but this test.
    let scaled = scale(&home, 4).await;
    assert!(scaled.is_some(), "the simulated platform scales");
    let second: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert!(second["pods"].as_array().unwrap().len() >= pods && second != first);
    drop(lines);
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap();
    assert!(
        ended.code().is_some_and(|code| code <= 4),
        "a closed pipe is no crash: {ended:?}"
    );
}

/// Scales veza-backend over the platform's own face.
async fn scale(home: &Home, replicas: u32) -> Option<()> {
    let running = home.running.as_ref()?;
    let address = running.address_of(vigie::sim::access::Identity::Oncall);
    let url = format!("{address}/apis/apps/v1/namespaces/veza-production/deployments/veza-backend");
    let body = json!({"spec": {"replicas": replicas}}).to_string();
    let output = tokio::process::Command::new("curl")
        .args([
            "-fsS",
            "-X",
            "PATCH",
            "-H",
            "content-type: application/merge-patch+json",
            "-d",
            &body,
            &url,
        ])
        .output()
        .await
        .ok()?;
    output.status.success().then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_told_in_kubectls_words_and_ours() {
    let home = Home::on(Scenario::BadRelease, 150).await;
    let said = home.run(&["rollout", "status", "veza-backend"]).await;
    assert!(
        said.out
            .starts_with("deployment \"veza-backend\" successfully rolled out\n  done: "),
        "{said:?}"
    );
    assert!(
        said.out.contains("revision 43 (v1.1.0), serving since "),
        "{said:?}"
    );
    assert_eq!(said.code, Some(3), "it stands and fails: {said:?}");
    let (code, document) = home
        .json(&["rollout", "status", "deploy/veza-backend"])
        .await;
    assert_eq!(code, Some(3));
    assert_eq!(document["workload"]["rollout"]["state"], "done");
    assert_eq!(
        document["kubectl"],
        "deployment \"veza-backend\" successfully rolled out"
    );
    let healthy = home.run(&["rollout", "status", "chat-server"]).await;
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_says_image_age_who_and_why() {
    let home = Home::on(Scenario::BadRelease, 150).await;
    let said = home.run(&["rollout", "history", "veza-backend"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(
        lines[0].starts_with("deployment.apps/veza-backend") && lines[1].starts_with("REVISION"),
        "{said:?}"
    );
    assert!(
        lines[2].starts_with("43*") && lines[2].contains("veza-backend-api:v1.1.0"),
        "{said:?}"
    );
    assert!(
        lines[3].starts_with("42 ") && lines[3].contains("v1.0.0"),
        "{said:?}"
    );
    let (_, document) = home.json(&["rollout", "history", "veza-backend"]).await;
    let revisions = document["revisions"].as_array().unwrap();
    has(
        &revisions[0],
        &[
            "revision",
            "images",
            "version",
            "created",
            "age_s",
            "stood_s",
            "current",
            "by",
            "change_cause",
            "commit",
        ],
    );
    assert_eq!(
        (&revisions[0]["revision"], &revisions[0]["current"]),
        (&json!(43), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_until_done_leaves_with_the_verdict() {
    let home = Home::on(Scenario::Healthy, 60).await;
    let said = home
        .run(&["rollout", "watch", "veza-backend", "--until", "done"])
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("successfully rolled out") && plain(&said.out),
        "no escapes without a terminal: {said:?}"
    );
    assert!(scale(&home, 5).await.is_some());
    let said = home
        .run(&[
            "rollout",
            "watch",
            "veza-backend",
            "--until",
            "done",
            "-o",
            "json",
        ])
        .await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let document: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!(document["workload"]["rollout"]["state"], "done");
    assert_eq!(document["lost"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_every_part_and_what_it_finds() {
    let home = Home::on(Scenario::Healthy, 60).await;
    let (code, document) = home.json(&["doctor"]).await;
    let checks = document["checks"].as_array().unwrap();
    let names: Vec<&str> = checks
        .iter()
        .filter_map(|check| check["check"].as_str())
        .collect();
    for name in [
        "configuration",
        "kubeconfig",
        "cluster",
        "clock",
        "identity",
        "target",
        "rights to look",
        "rights to act",
        "prometheus",
        "alertmanager",
        "API budget",
        "state directory",
        "journals",
        "audit log",
        "terminal",
        "colours",
        "characters",
    ] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    assert_eq!(
        (code, &document["ok"]),
        (Some(0), &json!(true)),
        "{document:#}"
    );
    for check in checks {
        assert_eq!(
            check["state"] == "ok",
            check["fix"].is_null(),
            "what is not ok has a fix: {check}"
        );
    }
    let viewer = home.run(&["doctor", "--context", "veza-demo-viewer"]).await;
    assert!(
        viewer
            .out
            .contains("note    rights to act     may not patch deployments"),
        "{viewer:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_does_not_work_and_the_exit_code_too() {
    let home = Home::on(Scenario::Healthy, 60).await;
    home.blind();
    home.write("state/vigie", "a file where a folder should be");
    let said = home.run(&["doctor"]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        "not ok  prometheus",
        "not ok  state directory",
        "2 things do not work",
    ] {
        assert!(said.out.contains(part), "no `{part}` in {}", said.out);
    }
}

#[tokio::test]
async fn the_configuration_is_shown_checked_described_and_found() {
    let home = Home::new();
    let path = home.run(&["config", "path"]).await;
    assert_eq!(path.code, Some(0));
    assert!(path.out.ends_with("config/vigie/config.toml\n"), "{path:?}");
    home.write("config/vigie/config.toml", "theme = \"night\"\n");
    let shown = home
        .run(&["config", "show", "--namespace", "veza-staging"])
        .await;
    assert!(
        shown.out.contains("config.toml:1") && shown.out.contains("# --namespace"),
        "{shown:?}"
    );
    let (code, checked) = home.json(&["config", "check"]).await;
    assert_eq!((code, &checked["ok"]), (Some(0), &json!(true)));
    let schema = home.run(&["config", "schema"]).await;
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    assert!(schema["properties"]["theme"].is_object());
    home.write(
        "config/vigie/config.toml",
        "theme = \"nigth\"\n\n[keys]\nlogs = [\"ctrl-nothing\"]\n",
    );
    let (code, checked) = home.json(&["config", "check"]).await;
    assert_eq!(code, Some(2), "{checked:#}");
    let mistakes = checked["mistakes"].as_array().unwrap();
    let places: Vec<_> = mistakes
        .iter()
        .map(|one| (one["key"].as_str().unwrap(), &one["line"]))
        .collect();
    assert!(
        places.contains(&("theme", &json!(1))) && places.contains(&("keys.logs", &json!(4))),
        "{checked:#}"
    );
    let path = home.run(&["config", "path"]).await;
    assert_eq!(path.code, Some(0), "even where the configuration is wrong");
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let home = Home::new();
    for arguments in [
        &["man"][..],
        &["completions", "zsh"],
        &["--help"],
        &["config", "schema"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home
            .command(arguments)
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(
            (said.code, said.err.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}
