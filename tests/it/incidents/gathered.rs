//! What the platform says of an incident: taken over once, at the times the cluster gives, harmless, and carried by every export.

use crate::command::{Home, plain};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use vigie::sim::Options;
use vigie::sim::scenario::Scenario;

fn rows(shown: &Value) -> Vec<Value> {
    shown["timeline"].as_array().unwrap().clone()
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

async fn opened(home: &Home) -> String {
    super::opened(home, &["-n", "veza-production"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_saw_is_taken_once_and_stands_in_every_export() {
    let home = Home::on(Scenario::BadRelease, 300).await;
    let id = opened(&home).await;
    let marker = ["--kind", "deploy", "--at", "2026-03-04T03:10:00Z"];
    let note = ["incident", "note", &id, "pipeline 8842 released v1.1.0"];
    let far = home
        .run(&[&note[..], &["--at", "2026-03-04T03:10:00Z"]].concat())
        .await;
    assert_eq!(far.code, Some(2), "{far:?}");
    assert_eq!(home.run(&[&note[..], &marker].concat()).await.code, Some(0));
    let said = home.run(&["incident", "gather", &id]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let (_, shown) = home.json(&["incident", "show", &id]).await;
    let all = rows(&shown);
    let events: BTreeSet<&str> = all.iter().filter_map(|row| row["event"].as_str()).collect();
    for wanted in [
        "kubernetes.event",
        "kubernetes.revision",
        "kubernetes.condition",
        "deploy",
        "incident.alert",
    ] {
        assert!(events.contains(wanted), "{wanted}: {all:#?}");
    }
    let has = |source: &str, text: &str| {
        all.iter().any(|row| {
            row["source"] == source && row["text"].as_str().is_some_and(|said| said.contains(text))
        })
    };
    assert!(
        has("deploy", "change-cause ci-deployer: veza-backend"),
        "{all:#?}"
    );
    assert!(has("deploy", "pipeline 8842"), "{all:#?}");
    // Of the past, at the time it has there; written down now.
    let detected = moment(&shown["detected_at"]);
    let reported: Vec<&Value> = all
        .iter()
        .filter(|row| row["confidence"] == "reported")
        .collect();
    let kubernetes = reported.iter().filter(|row| row["source"] == "kubernetes");
    for row in kubernetes {
        let (at, noted) = (moment(&row["at"]), moment(&row["noted"]));
        assert!(at <= noted, "{row}");
        assert!(
            detected.duration_since(at) < SignedDuration::from_mins(16),
            "{row}"
        );
    }
    // The same cluster again: nothing more.
    let again = home.run(&["incident", "gather", &id]).await;
    let (_, later) = home.json(&["incident", "show", &id]).await;
    let fresh: Vec<Value> = rows(&later)
        .into_iter()
        .filter(|row| all.iter().all(|known| known["link"] != row["link"]))
        .collect();
    let keys: BTreeSet<&str> = fresh
        .iter()
        .filter_map(|row| row["text"].as_str())
        .collect();
    assert_eq!(keys.len(), fresh.len(), "{again:?}: {fresh:#?}");
    assert!(fresh.len() < all.len() / 2, "{fresh:#?}");

    let folder = home.path("out");
    let made = home
        .run(&["incident", "export", &id, "--lang", "fr", "--dir", &folder])
        .await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let read =
        |name: &str| std::fs::read_to_string(home.folder.path().join("out").join(name)).unwrap();
    let (page, csv, lines) = (
        read("postmortem.md"),
        read("timeline.csv"),
        read("timeline.jsonl"),
    );
    for text in [&page, &csv, &lines] {
        assert!(
            text.contains("pipeline 8842") && text.contains("ScalingReplicaSet"),
            "{text}"
        );
        assert!(plain(&text.replace('\r', "")), "{text}");
    }
    assert!(
        csv.starts_with("time,disorder,source,event,text,link,confidence,noted\r\n"),
        "{csv}"
    );
    for line in csv.lines().skip(1) {
        let time = line.split(',').next().unwrap().trim_matches('"');
        assert!(
            time.ends_with('Z') && time.parse::<Timestamp>().is_ok(),
            "{line}"
        );
    }
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        assert!(row["at"].as_str().unwrap().ends_with('Z'), "{line}");
    }
    let bundle = home.path("out/bundle.tar");
    assert_eq!(home.run(&["audit", "verify", &bundle]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_without_the_cluster_says_so_and_is_written_all_the_same() {
    let mut home = Home::on(Scenario::Healthy, 60).await;
    let id = opened(&home).await;
    home.running = None;
    let folder = home.path("out");
    let made = home
        .run(&["incident", "export", &id, "--dir", &folder])
        .await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(
        made.err.contains("What the cluster saw is not asked for"),
        "{made:?}"
    );
    let folder = home.path("again");
    let made = home
        .run(&["incident", "export", &id, "--offline", "--dir", &folder])
        .await;
    assert!(made.code == Some(0) && made.err.is_empty(), "{made:?}");
    let said = home.run(&["incident", "gather", &id]).await;
    assert_eq!(said.code, Some(4), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_s_records_stand_in_the_server_s_time_whatever_this_machine_believes() {
    // The platform's clock is five minutes ahead of ours.
    let home = Home::of(Options {
        base: Some(Timestamp::now().as_millisecond() + 300_000),
        advance: std::time::Duration::from_secs(60),
        ..Options::default()
    })
    .await;
    home.keep(crate::command::books::MARK);
    let id = opened(&home).await;
    let line = [
        "run",
        "mark",
        "-n",
        "veza-production",
        "--set",
        "workload=veza-backend",
        "--yes",
    ];
    let run = home
        .run(
            &[
                &line[..],
                &["--confirm", "veza-production", "--reason", "a rehearsal"],
            ]
            .concat(),
        )
        .await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        home.run(&["incident", "note", &id, "after the run"])
            .await
            .code,
        Some(0)
    );
    let folder = home.path("out");
    let made = home
        .run(&["incident", "export", &id, "--dir", &folder])
        .await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let lines = std::fs::read_to_string(home.folder.path().join("out/timeline.jsonl")).unwrap();
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let at = |source: &str, text: &str| {
        let of =
            |row: &&Value| row["source"] == source && row["text"].as_str().unwrap().contains(text);
        let found: Vec<Timestamp> = rows
            .iter()
            .filter(of)
            .map(|row| moment(&row["at"]))
            .collect();
        assert!(!found.is_empty(), "{source} {text}: {lines}");
        found
    };
    let (opened, note) = (
        at("incident", "Opened as")[0],
        at("incident", "after the run")[0],
    );
    let slack = SignedDuration::from_secs(2);
    for moment in at("run", "") {
        assert!(
            opened - slack <= moment && moment <= note + slack,
            "{moment}: {lines}"
        );
    }
    assert_eq!(
        at("run", "intent:").len(),
        1,
        "once, not again from the run's own journal: {lines}"
    );
    let file = home
        .folder
        .path()
        .join("state/vigie/incidents")
        .join(&id)
        .join("journal");
    let journal = std::fs::read_to_string(file).unwrap();
    assert!(!journal.contains(r#""ts_src":"local""#), "{journal}");
    assert!(journal.contains(r#""skew_ms":"#), "{journal}");
    let ahead = note.duration_since(Timestamp::now());
    assert!(ahead > SignedDuration::from_mins(4), "{ahead}");
}
