//! What must hold when something goes wrong around a run: two processes on one object, a clock that is off, a secret on
//! the way, a process killed while it judges, another simulated world.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use vigie::app::command::Command;
use vigie::runbook::machine::{Fact, Reason};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, Options};

use super::bench::Bench;
use super::binary::{Desk, code, documents, last, signal, until};
use crate::command::Home;

const RUN: &str = "--output json run rollback --set workload=veza-backend --confirm veza-production --reason drill";

fn begin(desk: &Desk, line: &str) -> Child {
    let mut command = desk.vigie(line);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_on_one_object_the_second_is_refused_with_whose_lock_it_is() {
    let desk = Desk::new().await;
    let waiting = desk
        .ended("--output json run rollback --set workload=veza-backend --set revision=42")
        .await;
    assert_eq!(waiting.status.code(), Some(3), "{waiting:?}");
    let waiting = last(&waiting)["run"].as_str().unwrap().to_owned();

    let mut first = begin(&desk, &format!("{RUN} --set hold=5m"));
    let holder = until(&mut first, "step.started", "hold").await;
    let second = desk.ended(&format!("{RUN} --set revision=41")).await;
    let taken_up = desk
        .ended(&format!(
            "--output json resume {waiting} --confirm veza-production"
        ))
        .await;
    for refused in [second, taken_up] {
        assert_eq!(refused.status.code(), Some(4), "{refused:?}");
        let why = last(&refused)["message"].to_string();
        let named = format!("oncall, for run {holder} on Deployment/veza-backend");
        assert!(why.contains(&named), "{why}");
    }
    signal(&first, Signal::INT);
    assert_eq!(code(first).await, Some(130));
    assert_eq!(desk.changes().len(), 1, "{:#?}", desk.changes());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_machines_on_one_object_exactly_one_changes_it() {
    let desk = Desk::new().await;
    let elsewhere = TempDir::new().unwrap();
    let line = format!("{RUN} --set hold=5m");
    let mut both = [begin(&desk, &line), {
        let mut command = desk.vigie(&line);
        command.env("XDG_STATE_HOME", elsewhere.path());
        command.stdout(Stdio::piped()).spawn().unwrap()
    }];
    // Each comes to its end, or to judging what stands there.
    for child in &mut both {
        tokio::time::timeout(Duration::from_mins(1), stands(child))
            .await
            .unwrap();
    }
    for child in both {
        signal(&child, Signal::KILL);
        code(child).await;
    }
    assert_eq!(desk.changes().len(), 1, "{:#?}", desk.changes());
}

/// Reads until a run judges, or is over.
async fn stands(child: &mut Child) {
    use std::io::{BufRead as _, BufReader};
    let out = child.stdout.take().unwrap();
    let out = tokio::task::spawn_blocking(move || {
        let mut out = BufReader::new(out);
        loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                return out.into_inner();
            }
            let said: Value = serde_json::from_str(&line).unwrap();
            if said["event"] == "run.end" || said["step"] == "hold" {
                return out.into_inner();
            }
        }
    });
    child.stdout = Some(out.await.unwrap());
}

/// Every file below a folder, as bytes.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_carried_through_a_run_is_in_no_record_no_output_and_no_log() {
    let desk = Desk::new().await;
    let carried = desk
        .running
        .prometheus
        .replace("http://", "http://scout:hush-hush-7@");
    let kubeconfig = desk.dir.path().join("kubeconfig");
    let users = std::fs::read_to_string(&kubeconfig).unwrap();
    assert!(
        users.contains(&Identity::Oncall.token()),
        "the token is in the kubeconfig: {users}"
    );
    let mut said = Vec::new();
    for line in [
        RUN.replace("--output json ", "") + " --set hold=5m",
        "audit show".to_owned(),
        "runs --all".to_owned(),
        "doctor".to_owned(),
    ] {
        let mut command = desk.vigie(&line);
        command
            .env("PROMETHEUS_URL", &carried)
            .env("VIGIE_LOG", "trace");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if line.contains("hold=5m") {
            let out = child.stdout.take().unwrap();
            let read = tokio::task::spawn_blocking(move || {
                use std::io::{BufRead as _, BufReader};
                let mut seen = String::new();
                let mut out = BufReader::new(out);
                while !seen.contains("step hold") {
                    assert_ne!(out.read_line(&mut seen).unwrap(), 0, "{seen}");
                }
                (seen, out.into_inner())
            });
            let (seen, out) = read.await.unwrap();
            said.push(("stdout of the run".to_owned(), seen.into_bytes()));
            child.stdout = Some(out);
            signal(&child, Signal::INT);
        }
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
        let output = output.await.unwrap();
        said.push((format!("stdout of {line}"), output.stdout));
        said.push((format!("stderr of {line}"), output.stderr));
    }
    assert_eq!(desk.changes().len(), 1);
    files(&desk.dir.path().join("state"), &mut said);
    let names: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        ["journal", "audit.log", ".log"]
            .iter()
            .all(|part| names.iter().any(|name| name.ends_with(part))),
        "{names:?}"
    );
    let token = Identity::Oncall.token();
    let planted = [
        "hush-hush-7",
        "aHVzaC1odXNoLTc",
        token.as_str(),
        "not-a-real-password",
        "cG9zdGdyZXNxbDovL3ZlemE6",
        "first-signing-key-not-a-real-secret",
        "Zmlyc3Qtc2lnbmluZy1rZXkt",
        "bm90LWEtcmVhbC1rZXk",
    ];
    for (name, bytes) in &said {
        let text = String::from_utf8_lossy(bytes);
        for secret in planted {
            assert!(!text.contains(secret), "`{secret}` is in {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_judges_it_measures_the_whole_dwell_again() {
    let desk = Desk::new().await;
    let mut child = begin(&desk, &format!("{RUN} --set hold=20s"));
    let run = until(&mut child, "step.started", "hold").await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    signal(&child, Signal::KILL);
    code(child).await;
    let resumed = desk
        .ended(&format!(
            "--output json resume {run} --confirm veza-production"
        ))
        .await;
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    let told = documents(&resumed);
    let at = |event: &str| -> Timestamp {
        let found = told.iter().rfind(|one| one["event"] == event);
        found.unwrap()["ts"].as_str().unwrap().parse().unwrap()
    };
    let dwell = at("gate.verdict").duration_since(at("run.resumed"));
    assert!(dwell >= SignedDuration::from_secs(20), "only {dwell}");
    assert_eq!(desk.changes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_refused_before_and_voids_a_gate_after() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.set_clock_ahead(95);
    bench.roll_back(&[("hold", "15s")]);
    let end = bench.end().await;
    assert!(
        end.refused && end.message.contains("do the clocks agree? "),
        "{end:?}\n{}",
        bench.story()
    );
    assert!(bench.changes().is_empty());

    bench.set_clock_ahead(0);
    bench.command(Command::PutRunAway);
    bench.before_the_change_of("rollback-short").await;
    bench.go();
    bench.settled().await;
    bench.set_clock_ahead(95);
    let human = bench.human().await;
    assert_eq!(human.reason, Reason::Gate, "{}", bench.story());
    assert!(
        human.message.starts_with("inconclusive") && human.message.contains("the clocks disagree"),
        "{human:?}"
    );
    let passed = bench
        .journal()
        .iter()
        .any(|fact| matches!(fact, Fact::Verdict { verdict, .. } if verdict == "pass"));
    assert!(!passed, "{}", bench.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_taken_up_in_another_simulated_world() {
    let mut home = Home::on(Scenario::Healthy, 60).await;
    let line = [
        "run",
        "rollback",
        "--set",
        "workload=veza-backend",
        "--set",
        "revision=41",
    ];
    let said = home.run(&line).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let (_, runs) = home.json(&["runs"]).await;
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let next = sim::start(Options {
        advance: Duration::from_secs(60),
        ..Options::default()
    });
    let next = next.await.unwrap();
    home.write("kubeconfig", &next.kubeconfig());
    home.running = Some(next);
    let said = home.run(&["resume", &run, "--yes"]).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("which has ended"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_of_a_run_is_that_of_its_own_namespace() {
    let home = Home::on(Scenario::Healthy, 60).await;
    home.write(
        "config/vigie/config.toml",
        "[environment.simulated]\nmatch = { clusters = [] }\n[environment.open]\nmatch = { namespaces = [\"default\"] }\nread_only = false\n\
         [environment.production]\nmatch = { namespaces = [\"veza-*\"] }\nread_only = true\n",
    );
    let line = [
        "-n",
        "default",
        "run",
        "rollback",
        "--set",
        "workload=veza-backend",
    ];
    let there = [
        "--set",
        "namespace=veza-production",
        "--set",
        "revision=41",
        "--yes",
    ];
    let said = home.run(&[&line[..], &there].concat()).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(
        said.err
            .contains("veza-production is production and read-only until armed"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_does_not_know_the_runs_own_pods_is_said_before_the_first_effect() {
    let home = Home::on(Scenario::Healthy, 60).await;
    let stranger = sim::start(Options {
        seed: 77,
        advance: Duration::from_secs(60),
        ..Options::default()
    });
    let stranger = stranger.await.unwrap();
    let named = format!(
        "[context.veza-demo]\nprometheus = {{ url = \"{}\" }}\n",
        stranger.prometheus
    );
    home.write("config/vigie/config.toml", &named);
    let line = [
        "runbook",
        "plan",
        "rollback",
        "--set",
        "workload=veza-backend",
    ];
    let said = home
        .run(&[&line[..], &["--set", "revision=41"]].concat())
        .await;
    assert!(
        said.out.contains("amber") && said.out.contains("Prometheus does not know these pods"),
        "{said:?}"
    );
}
