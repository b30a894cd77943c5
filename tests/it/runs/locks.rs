//! One run at a time, whoever starts it and wherever: real processes that race, one that sleeps and wakes up too late, and
//! a platform that gives nobody a Lease. The platform's own record of writes is the witness.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::scenario::Scenario;

use super::binary::{code, signal, until};
use crate::command::Home;
use crate::command::books::TWICE;

/// How often two race; the documented whole is `VIGIE_RACES=1000 cargo test --test it of_two_that_race`.
fn races() -> u32 {
    let asked = std::env::var("VIGIE_RACES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Alice on a platform, and somebody else on another machine: another home with nothing in common but the cluster.
async fn two() -> (Home, Home) {
    let alice = Home::on(Scenario::Healthy, 60).await;
    let bob = Home::beside(alice.running.as_ref().unwrap());
    for home in [&alice, &bob] {
        home.keep(TWICE);
    }
    (alice, bob)
}

const ALICE: &[&str] = &[];
const BOB: &[&str] = &["--context", "veza-demo-second"];

fn spawn(home: &Home, who: &[&str], more: &[&str]) -> Child {
    let line = [
        "--output",
        "json",
        "run",
        "twice",
        "--yes",
        "--set",
        "workload=veza-backend",
    ];
    let mut command = home.command(&[who, &line, more].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

async fn documents(child: Child) -> (Option<i32>, Vec<Value>) {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), lines.collect())
}

fn leases(home: &Home) -> usize {
    let world = home.running.as_ref().unwrap().world();
    let live = world.writes().into_iter().fold(0_i64, |live, write| {
        let lease = write.path.contains("/leases") && (200..300).contains(&write.code);
        match (lease, write.verb) {
            (true, "create") => live + 1,
            (true, "delete") => live - 1,
            _ => live,
        }
    });
    live as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_race_one_runs_and_the_other_is_told_who() {
    let (alice, bob) = two().await;
    for race in 0..races() {
        let before = alice.changes().len();
        let pair = [spawn(&alice, ALICE, &[]), spawn(&bob, BOB, &[])];
        let [one, other] = pair.map(|child| tokio::spawn(documents(child)));
        let both = [one.await.unwrap(), other.await.unwrap()];
        let mut codes: Vec<_> = both.iter().map(|(code, _)| code.unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 4], "race {race}: {both:#?}");
        let done = alice.changes()[before..].to_vec();
        assert_eq!(done.len(), 2, "race {race}: {done:#?}");
        assert_eq!(done[0].user, done[1].user, "one runner: {done:#?}");
        let loser = both.iter().find(|(code, _)| *code == Some(4)).unwrap();
        let end = loser.1.last().unwrap();
        let message = end["message"].as_str().unwrap();
        assert!(
            end["refused"] == true && message.contains(" runs twice since "),
            "{end}"
        );
        assert!(message.contains(&format!("{}@", done[0].user)), "{end}");
        assert_eq!(leases(&alice), 0, "the winner gave its Lease back");
    }
    for home in [&alice, &bob] {
        assert_eq!(home.run(&["audit", "verify"]).await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_slept_while_another_took_over_changes_nothing_more() {
    let (alice, bob) = two().await;
    let mut sleeper = spawn(&alice, ALICE, &["--set", "pause=50s"]);
    until(&mut sleeper, "step.started", "pause").await;
    // The Lease tells the step with its next renewal.
    let told = loop {
        let said = bob
            .run(&[BOB, &["runs", "--elsewhere", "-o", "json"]].concat())
            .await;
        let listed: Value = serde_json::from_str(&said.out).unwrap();
        let run = listed["elsewhere"][0].clone();
        if run["step"] == "pause" {
            break run;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    assert_eq!(
        (told["place"].as_str(), told["next"].as_str()),
        (Some("3 of 4"), Some("second"))
    );
    assert_eq!(
        (told["runbook"].as_str(), told["orphaned"].as_bool()),
        (Some("twice"), Some(false))
    );
    assert!(told["journal_head"].as_str().unwrap().len() == 64, "{told}");
    let anchor = told["journal_head"].as_str().unwrap().to_owned();
    signal(&sleeper, rustix::process::Signal::STOP);

    let (early, said) = documents(spawn(&bob, BOB, &["--reason", "too early"])).await;
    assert_eq!(early, Some(4), "{said:#?}");
    let message = said.last().unwrap()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("oncall@") && message.contains("step 3 of 4 (pause)"),
        "{message}"
    );

    tokio::time::sleep(Duration::from_secs(31)).await;
    let orphan = bob.run(&[BOB, &["runs", "--elsewhere"]].concat()).await;
    assert!(
        orphan.out.contains("ORPHANED RUN") && orphan.out.contains("vigie resume"),
        "{orphan:?}"
    );
    let (silent, said) = documents(spawn(&bob, BOB, &[])).await;
    assert_eq!(silent, Some(3), "a take-over has a reason: {said:#?}");
    let waits = said.last().unwrap()["run"].as_str().unwrap().to_owned();
    let (late, said) = documents(spawn(&bob, BOB, &["--reason", "alice's laptop is asleep"])).await;
    assert_eq!(late, Some(0), "{said:#?}");
    assert_eq!(alice.changes().len(), 3, "{:#?}", alice.changes());

    signal(&sleeper, rustix::process::Signal::CONT);
    until(&mut sleeper, "run.end", "").await;
    assert_eq!(code(sleeper).await, Some(3));
    assert_eq!(alice.changes().len(), 3, "the sleeper changed nothing more");
    let hers = super::binary::journal(alice.folder.path());
    assert!(
        hers.contains("\"status\":\"locked\"") && hers.contains("\"reason\":\"lock\""),
        "{hers}"
    );
    // The Lease told bob a hash of her journal: whoever cuts the journal before it is found out by that.
    let listed = alice.json(&["runs", "--all"]).await.1;
    let path = listed["runs"][0]["journal"].as_str().unwrap().to_owned();
    let witnessed = alice
        .run(&["audit", "verify", &path, "--anchor", &anchor])
        .await;
    assert_eq!(witnessed.code, Some(0), "{witnessed:?}");
    let whole = std::fs::read_to_string(&path).unwrap();
    let three: String = whole.split_inclusive('\n').take(3).collect();
    let cut = alice.path("cut");
    std::fs::write(&cut, three).unwrap();
    let unseen = alice.run(&["audit", "verify", &cut]).await;
    assert!(
        unseen.code == Some(0) && unseen.out.contains("tail not witnessed"),
        "{unseen:?}"
    );
    let missing = alice
        .run(&["audit", "verify", &cut, "--anchor", &anchor])
        .await;
    assert_eq!(missing.code, Some(3), "{missing:?}");
    let his = super::binary::journal(bob.folder.path());
    assert!(
        his.contains("oncall@") && his.contains("alice's laptop is asleep"),
        "{his}"
    );
    let audit = bob.run(&["audit", "show", "-o", "json"]).await.out;
    assert!(audit.contains("\"event\":\"lock.taken-over\""), "{audit}");
    let closed = bob
        .run(&[BOB, &["abandon", &waits, "--reason", "done otherwise"]].concat())
        .await;
    assert_eq!(closed.code, Some(0), "{closed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_died_here_is_followed_at_once_and_for_a_reason() {
    let (alice, _) = two().await;
    let mut dead = spawn(&alice, ALICE, &["--set", "pause=10m"]);
    let run = until(&mut dead, "step.started", "pause").await;
    signal(&dead, rustix::process::Signal::KILL);
    code(dead).await;
    let (unsaid, said) = documents(spawn(&alice, ALICE, &[])).await;
    assert_eq!(unsaid, Some(3), "{said:#?}");
    let message = said.last().unwrap()["message"].as_str().unwrap();
    assert!(
        message.contains("its process on this machine is gone"),
        "{message}"
    );
    // The dead one's own run needs no reason: it is the same.
    let resumed = alice.run(&["resume", &run]).await;
    assert_eq!(resumed.code, Some(3), "{resumed:?}");
    let (reasoned, said) =
        documents(spawn(&alice, ALICE, &["--reason", "the first one died"])).await;
    assert_eq!(reasoned, Some(0), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_right_to_leases_the_run_says_so_and_the_preconditions_still_hold() {
    let (alice, bob) = two().await;
    let running = alice.running.as_ref().unwrap();
    running.faults().add(Rule {
        face: Some(Face::Kubernetes),
        method: String::new(),
        path: "/apis/coordination.k8s.io/".into(),
        fault: Fault::Status(403, None),
        times: None,
    });
    let (unsaid, said) = documents(spawn(&alice, ALICE, &[])).await;
    assert_eq!(unsaid, Some(3), "{said:#?}");
    let message = said.last().unwrap()["message"].as_str().unwrap();
    assert!(
        message.contains("only runs of this machine are kept out"),
        "{message}"
    );
    let why = ["--reason", "no right to Leases here"];
    let pair = [spawn(&alice, ALICE, &why), spawn(&bob, BOB, &why)];
    let [one, other] = pair.map(|child| tokio::spawn(documents(child)));
    let both = [one.await.unwrap(), other.await.unwrap()];
    assert!(both.iter().any(|(code, _)| *code == Some(0)), "{both:#?}");
    // Every change that took effect was somebody's intent, and none was made twice.
    let mut ids: Vec<String> = alice
        .changes()
        .into_iter()
        .map(|write| write.audit_id)
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
    let records = [&alice, &bob]
        .map(|home| super::binary::journal(home.folder.path()))
        .concat();
    assert!(ids.iter().all(|id| records.contains(id)), "{ids:?}");
}
