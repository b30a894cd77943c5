//! The incident file through the real binary and on the real disk: opened, written by several at once, torn, damaged,
//! followed by runs, written out and proved.

mod evidence;
mod files;
mod gathered;
mod silenced;

use super::command::books::MARK;
use super::command::{Home, no_crash, plain};
use serde_json::Value;

/// The id of a new incident.
async fn opened(home: &Home, more: &[&str]) -> String {
    let typed = [
        "incident",
        "open",
        "--severity",
        "P1",
        "--title",
        "checkout fails",
    ];
    let (code, document) = home.json(&[&typed[..], more].concat()).await;
    assert_eq!(code, Some(0), "{document}");
    document["incident"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_goes_from_its_opening_to_its_post_mortem_without_a_cluster() {
    let home = Home::new();
    let id = opened(&home, &["--detected-at", "2026-03-04T03:10:00Z"]).await;
    assert!(id.starts_with("INC-") && id.ends_with("-001"), "{id}");
    for typed in [
        vec!["ack", &id],
        vec!["severity", &id, "P1"],
        vec!["role", &id, "ic", "Ada L."],
        vec!["note", &id, "payment pods restart"],
        vec!["update", &id, "we are on it", "--by-hand"],
        vec!["severity", &id, "P0", "--reason", "everybody is affected"],
        vec!["breach", &id, "yes", "--reason", "a dump was public"],
        vec!["mitigated", &id, "--reason", "went back to revision 42"],
        vec![
            "handover",
            &id,
            "--to",
            "Grace H.",
            "--reason",
            "end of shift",
        ],
        vec!["resolve", &id, "--reason", "stable for an hour"],
        vec!["reported", &id, "--reason", "CNIL 2026-77"],
    ] {
        let said = home.run(&[&["incident"][..], &typed].concat()).await;
        assert_eq!(said.code, Some(0), "{typed:?}: {said:?}");
        assert!(plain(&said.out), "{said:?}");
    }
    let (_, shown) = home.json(&["incident", "show", &id]).await;
    assert_eq!(shown["schema"], 1);
    assert_eq!(shown["severity"], "P0");
    assert_eq!(shown["state"], "resolved");
    assert_eq!(shown["next"], "post-mortem");
    assert_eq!(shown["roles"]["commander"], "Grace H.");
    assert_eq!(shown["roles"]["scribe"], Value::Null);
    assert_eq!(shown["breach"], true);
    let timeline = shown["timeline"].as_array().unwrap();
    assert!(timeline.len() > 12, "{timeline:?}");
    let (_, list) = home.json(&["incident", "list"]).await;
    assert_eq!(list["incidents"][0]["incident"], id.as_str());
    // The audit log has every change, and its chain holds.
    let audit = home.run(&["audit", "show"]).await;
    for event in [
        "incident.opened",
        "incident.breach",
        "incident.handed-over",
        "incident.reported",
    ] {
        assert!(audit.out.contains(event), "{event}: {}", audit.out);
    }
    let verified = home.run(&["audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.out.contains(&format!("incidents/{id}/journal")));
    assert!(no_crash(home.folder.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_who_was_not_typed_and_secrets_are_masked() {
    let mut home = Home::new();
    home.set("USER", "somebody-on-call");
    let id = opened(&home, &[]).await;
    let note = "mail ada.lovelace@example.com, password=hunter2 and token: abc";
    assert_eq!(
        home.run(&["incident", "note", &id, note]).await.code,
        Some(0)
    );
    let folder = home.path("out");
    let made = home
        .run(&["incident", "export", &id, "--lang", "fr", "--dir", &folder])
        .await;
    assert_eq!(made.code, Some(0), "{made:?}");
    for file in [
        "postmortem.md",
        "timeline.csv",
        "timeline.jsonl",
        "bundle.tar",
    ] {
        let bytes = std::fs::read(home.folder.path().join("out").join(file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["somebody-on-call", "ada.lovelace", "hunter2", "token: abc"] {
            assert!(!text.contains(secret), "{secret} in {file}: {text}");
        }
        assert!(
            text.contains("a***@e***.com") || text.contains(r"a\*\*\*@e\*\*\*.com"),
            "{file}: {text}"
        );
    }
    let text = std::fs::read_to_string(home.folder.path().join("out/postmortem.md")).unwrap();
    assert!(text.contains("## Facteurs contributifs"), "{text}");
    // The audit log answers for who acted.
    let audit = home.run(&["audit", "show"]).await;
    assert!(audit.out.contains("somebody-on-call"), "{}", audit.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_gets_one_sentence_and_nothing_is_lost() {
    let home = Home::new();
    let id = opened(&home, &[]).await;
    let long = "x".repeat(2_001);
    let file = home
        .folder
        .path()
        .join("state/vigie/incidents")
        .join(&id)
        .join("journal");
    let before = std::fs::read(&file).unwrap();
    for (typed, code, says) in [
        (
            vec!["open", "--severity", "P9", "--title", "x"],
            2,
            "unsure, take the higher",
        ),
        (
            vec!["open", "--severity", "P1", "--title", " "],
            2,
            "a title is needed: --title TEXT",
        ),
        (
            vec![
                "open",
                "--severity",
                "P1",
                "--title",
                "x",
                "--detected-at",
                "yesterday",
            ],
            2,
            "2026-03-04T03:10:00Z",
        ),
        (
            vec![
                "open",
                "--severity",
                "P1",
                "--title",
                "x",
                "--detected-at",
                "2999-01-01T00:00:00Z",
            ],
            2,
            "in the future",
        ),
        (vec!["show", "INC-1999-001"], 2, "vigie incident list"),
        (vec!["show", "../../etc"], 2, "named like INC-2026-014"),
        (vec!["note", "99", "x"], 2, "vigie incident list"),
        (vec!["note", &id, ""], 2, "a note is needed"),
        (
            vec!["note", &id, &long],
            2,
            "has 2001 characters and may have 2000",
        ),
        (vec!["severity", &id, "P3"], 1, "--reason TEXT"),
        (
            vec!["severity", &id, "P3", "--reason", "small"],
            1,
            "names one",
        ),
        (vec!["severity", &id, "high"], 2, "a severity is P0"),
        (
            vec!["role", &id, "king", "Ada"],
            2,
            "commander (ic), deputy, scribe or liaison",
        ),
        (
            vec!["reported", &id, "--reason", "x"],
            1,
            "not marked as a data breach",
        ),
        (vec!["reopen", &id, "--reason", "x"], 1, "nothing to reopen"),
        (vec!["export", &id, "--lang", "xx"], 2, "en or fr"),
    ] {
        let said = home.run(&[&["incident"][..], &typed].concat()).await;
        assert_eq!(said.code, Some(code), "{typed:?}: {said:?}");
        assert!(said.err.contains(says), "{typed:?}: {said:?}");
        assert_eq!(said.out, "", "{typed:?}");
        assert!(said.err.lines().count() <= 2, "{said:?}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_while_an_incident_is_open_is_in_its_file_and_its_bundle() {
    let home = Home::with(MARK).await;
    let id = opened(&home, &["-n", "veza-production"]).await;
    let elsewhere = opened(&home, &["-n", "default"]).await;
    let run = home
        .run(&[
            "run",
            "mark",
            "-n",
            "veza-production",
            "--set",
            "workload=veza-backend",
            "--confirm",
            "veza-production",
            "--yes",
            "--reason",
            "to be found again",
        ])
        .await;
    assert_eq!(run.code, Some(0), "{run:?}");
    let (_, shown) = home.json(&["incident", "show", &id]).await;
    let texts: Vec<&str> = shown["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["text"].as_str())
        .collect();
    let has = |part: &str| texts.iter().any(|text| text.contains(part));
    for part in [
        "started, version",
        "to be found again",
        "intent:",
        "outcome:",
        ": applied",
        "ended ",
    ] {
        assert!(has(part), "{part}: {run:?}\n{texts:#?}");
    }
    assert_eq!(shown["runs"][0]["runbook"], "mark");
    assert_eq!(shown["place"]["namespace"], "veza-production");
    let (_, other) = home.json(&["incident", "show", &elsewhere]).await;
    assert_eq!(
        other["runs"],
        Value::Array(vec![]),
        "another namespace is another matter"
    );
    let folder = home.path("out");
    let (code, made) = home
        .json(&["incident", "export", &id, "--dir", &folder])
        .await;
    assert_eq!(code, Some(0), "{made}");
    let bundle = home.path("out/bundle.tar");
    let head = made["head"].as_str().unwrap();
    let verified = home
        .run(&["audit", "verify", &bundle, "--anchor", head])
        .await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let text = std::fs::read_to_string(home.folder.path().join("out/postmortem.md")).unwrap();
    let user = home.running.as_ref().map(|_| "oncall").unwrap();
    assert!(!text.contains(user), "{text}");
    assert!(
        text.contains("T20") || text.contains("deviation"),
        "the runbook's deviations stand there: {text}"
    );
    // Any other byte of it, and it proves nothing any more.
    let bytes = std::fs::read(&bundle).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut turned = bytes.clone();
        turned[at] ^= 0x55;
        std::fs::write(&bundle, &turned).unwrap();
        let verdict = home
            .run(&["audit", "verify", &bundle, "--anchor", head])
            .await;
        // Padding and the archive's own dates prove nothing either way.
        let same = vigie::journal::tar::unpack(&turned) == vigie::journal::tar::unpack(&bytes);
        assert_eq!(verdict.code == Some(0), same, "byte {at}: {verdict:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_never_writes_over_what_somebody_worked_on() {
    let home = Home::new();
    let id = opened(&home, &[]).await;
    home.write("out/postmortem.md", "my words");
    let folder = home.path("out");
    let said = home
        .run(&["incident", "export", &id, "--dir", &folder])
        .await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("--dir"), "{said:?}");
    let kept = std::fs::read_to_string(home.folder.path().join("out/postmortem.md")).unwrap();
    assert_eq!(kept, "my words");
}

/// A webhook that answers each request in turn, or breaks off; what it heard.
pub async fn hook(
    answers: Vec<Option<&'static str>>,
) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/hooks/T0-very-secret",
        listener.local_addr().unwrap()
    );
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 16_384];
            let read = stream.read(&mut bytes).await.unwrap();
            heard.push(String::from_utf8_lossy(&bytes[..read]).into_owned());
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
        heard
    });
    (url, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_hear_of_it_and_what_may_have_arrived_is_asked_about() {
    const OK: Option<&str> = Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let home = Home::new();
    let (url, heard) = hook(vec![OK, None, OK]).await;
    home.write("ops-webhook", &url);
    let file = home.path("ops-webhook");
    let config = format!(
        "[channels.ops]\nurl_file = {file:?}\nformat = \"json\"\non = [\"incident\", \"update\"]\n"
    );
    home.write("config/vigie/config.toml", &config);
    let id = opened(&home, &[]).await;
    let lost = home.run(&["incident", "update", &id, "we are on it"]).await;
    assert!(lost.err.contains("MAYBE SENT"), "{lost:?}");
    let (_, shown) = home.json(&["incident", "show", &id]).await;
    assert_eq!(
        shown["maybe_sent"].as_array().map(Vec::len),
        Some(1),
        "{shown}"
    );
    let asked = home.run(&["incident", "update", &id, "we are on it"]).await;
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert!(asked.err.contains("--again"), "{asked:?}");
    let again = home
        .run(&["incident", "update", &id, "we are on it", "--again"])
        .await;
    assert!(
        again.code == Some(0) && again.err.contains("ops: sent."),
        "{again:?}"
    );
    let heard = heard.await.unwrap();
    assert!(
        heard[0].contains(r#""event":"incident""#) && heard[0].contains(&id),
        "{heard:?}"
    );
    assert!(heard[2].contains("we are on it"));
    let file = home
        .folder
        .path()
        .join("state/vigie/incidents")
        .join(&id)
        .join("journal");
    let records = std::fs::read_to_string(file).unwrap();
    let intent = records.find(r#""turn":"sending""#).unwrap();
    assert!(
        intent < records.find(r#""turn":"sent""#).unwrap(),
        "the intent stands before its outcome"
    );
    let shown = home.run(&["config", "show"]).await;
    for text in [&records, &lost.err, &again.err, &shown.out] {
        assert!(!text.contains("very-secret"), "{text}");
    }
}
