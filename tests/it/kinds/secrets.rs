//! Declared secrets from where they lie, and those a person types: the value reaches the Secret, and nothing else.

use base64::Engine as _;
use serde_json::{Value, json};
use vigie::app::command::{Command, Motion};
use vigie::app::screen::Screen;
use vigie::engine::runs::policy::Rules;
use vigie::runbook::machine::{AskKind, RunState};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;

use super::bench::{HEAD, Kinds};
use crate::command::Home;
use crate::oracle::SECRET;

const SET: &str = "id = \"s\"\nkind = \"k8s.secret-set\"\nns = \"veza-production\"\nname = \"veza-secrets\"\nset = { added = { secret = \"pw\" } }\nundo = \"none\"\nwhy = \"a test\"";
const TYPED: &str = "typed-by-hand-4711-and-not-a-real-one";

async fn added(kinds: &Kinds) -> Option<String> {
    let secret = kinds.bench.ask("GET", SECRET, None).await;
    let value = secret["data"]["added"].as_str()?;
    let plain = base64::engine::general_purpose::STANDARD
        .decode(value)
        .unwrap();
    Some(String::from_utf8(plain).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_taken_from_where_it_lies() {
    for front in [
        "[secrets.pw]\nsource = \"k8s\"\nns = \"veza-production\"\nname = \"other\"\nkey = \"password\"",
        "[secrets.pw]\nsource = \"vault\"\nat = \"secret/veza/production\"\nkey = \"stripe_api_key\"",
    ] {
        let mut kinds = Kinds::with_front(front, &[SET], Identity::Oncall, Rules::default()).await;
        let value = base64::engine::general_purpose::STANDARD.encode("not-a-real-key");
        let other = json!({"metadata": {"name": "other"}, "data": {"password": value}});
        kinds
            .bench
            .ask(
                "POST",
                SECRET.trim_end_matches("/veza-secrets"),
                Some(other),
            )
            .await;
        let end = kinds.end().await;
        assert_eq!(end.state, RunState::Succeeded, "{}", kinds.bench.story());
        assert_eq!(added(&kinds).await.as_deref(), Some("not-a-real-key"));
        assert!(!kinds.bench.story().contains("not-a-real-key"));
        kinds.bench.examine(front);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_there_is_named_without_a_value() {
    let front =
        "[secrets.pw]\nsource = \"vault\"\nat = \"secret/veza/production\"\nkey = \"nobody\"";
    let mut kinds = Kinds::with_front(front, &[SET], Identity::Oncall, Rules::default()).await;
    let end = kinds.end().await;
    assert!(
        end.message
            .contains("secret pw: there is no key nobody in secret/veza/production"),
        "{end:?}"
    );
    assert!(kinds.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_typed_at_the_screen_is_shown_and_kept_nowhere() {
    let front = "[secrets.pw]\nsource = \"prompt\"";
    let mut kinds = Kinds::with_front(front, &[SET], Identity::Oncall, Rules::default()).await;
    kinds.begin(false);
    let asks = |kind: &AskKind| matches!(kind, AskKind::Secret(name) if name == "pw");
    kinds
        .bench
        .until("it asks", |runs| {
            runs.ask().is_some_and(|ask| asks(&ask.kind))
        })
        .await;
    let run = kinds
        .bench
        .app
        .runs
        .present
        .as_ref()
        .unwrap()
        .start()
        .run
        .to_string();
    kinds
        .bench
        .command(Command::Open(Screen::Run(run.as_str().into())));
    for _ in 0..4 {
        kinds.bench.command(Command::Move(Motion::Down));
    }
    kinds.bench.command(Command::Enter);
    kinds.bench.command(Command::Paste(TYPED.into()));
    let seen = format!("{:?}", kinds.bench.app.layers);
    assert!(
        seen.contains("Secret(\"pw\")") && !seen.contains(TYPED),
        "{seen}"
    );
    kinds.bench.command(Command::Enter);
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{}", kinds.bench.story());
    assert_eq!(added(&kinds).await.as_deref(), Some(TYPED));
    assert!(!kinds.bench.story().contains(TYPED));
    let mut files = vec![kinds.bench.state().to_owned()];
    while let Some(place) = files.pop() {
        if place.is_dir() {
            files.extend(
                std::fs::read_dir(place)
                    .unwrap()
                    .map(|one| one.unwrap().path()),
            );
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&place).unwrap()).into_owned();
            assert!(!text.contains(TYPED), "{}", place.display());
        }
    }
    kinds.bench.examine("typed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_screen_it_is_refused_with_the_sentence() {
    let home = Home::on(Scenario::Healthy, 60).await;
    let head = HEAD.replace(
        "+++\n\n## Does",
        "[secrets.pw]\nsource = \"prompt\"\n+++\n\n## Does",
    );
    home.write(
        "config/vigie/runbooks/t.runbook.md",
        &format!("{head}```toml step\n{SET}\n```\n"),
    );
    let line = [
        "run",
        "t",
        "--confirm",
        "veza-production",
        "--reason",
        "a test",
        "-o",
        "json",
    ];
    let said = home.run(&line).await;
    assert_eq!(said.code, Some(3), "{said:?}");
    let last: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    let message = last["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("the secret pw, which is typed at a terminal"),
        "{last}"
    );
    let writes = home.running.as_ref().unwrap().world().writes();
    assert!(
        writes
            .iter()
            .all(|write| !write.path.ends_with("/veza-secrets")),
        "nothing was sent"
    );
}

/// A home whose runbook sets a secret that a person gives.
async fn prompted() -> Home {
    let home = Home::on(Scenario::Healthy, 60).await;
    let head = HEAD.replace(
        "+++\n\n## Does",
        "[secrets.pw]\nsource = \"prompt\"\n+++\n\n## Does",
    );
    home.write(
        "config/vigie/runbooks/t.runbook.md",
        &format!("{head}```toml step\n{SET}\n```\n"),
    );
    home
}

const WAITS: [&str; 6] = [
    "run",
    "t",
    "--confirm",
    "veza-production",
    "--reason",
    "a test",
];

/// What the Secret holds now.
async fn held(home: &Home) -> Option<String> {
    let admin = home.running.as_ref().unwrap().address_of(Identity::Admin);
    let body = reqwest::get(format!("{admin}{SECRET}")).await.unwrap();
    let body: Value = serde_json::from_str(&body.text().await.unwrap()).unwrap();
    let plain = base64::engine::general_purpose::STANDARD.decode(body["data"]["added"].as_str()?);
    Some(String::from_utf8(plain.unwrap()).unwrap())
}

/// Whether any file of a home holds the secret, in plain or in base64.
fn kept_nowhere(home: &Home) {
    let coded = base64::engine::general_purpose::STANDARD.encode(TYPED);
    let mut places = vec![home.folder.path().to_owned()];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            let entries = std::fs::read_dir(place).unwrap();
            places.extend(entries.map(|one| one.unwrap().path()));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&place).unwrap()).into_owned();
            assert!(
                !text.contains(TYPED) && !text.contains(&coded),
                "{}",
                place.display()
            );
        }
    }
}

/// Runs a command with this on its standard input.
async fn fed(home: &Home, line: &[&str], input: &str) -> std::process::Output {
    use std::io::Write as _;
    let mut command = home.command(line);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(input.as_bytes()).unwrap();
    drop(keys);
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_gives_it_at_the_start_or_with_the_resume() {
    for waits_first in [false, true] {
        let home = prompted().await;
        let mut line: Vec<String> = WAITS.map(str::to_owned).into();
        if waits_first {
            let said = home.run(&WAITS).await;
            assert_eq!(said.code, Some(3), "{said:?}");
            assert!(
                said.out.contains("--secret pw=-") && said.out.contains("the console asks for it"),
                "{said:?}"
            );
            assert_eq!(held(&home).await, None);
            let run = home.runs().await[0]["run"].as_str().unwrap().to_owned();
            line = ["resume", &run, "--confirm", "veza-production"]
                .map(str::to_owned)
                .into();
        }
        line.extend(["--secret".to_owned(), "pw=-".to_owned()]);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let output = fed(&home, &line, &format!("{TYPED}\n")).await;
        let said = crate::command::said(&output);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(held(&home).await.as_deref(), Some(TYPED));
        assert!(!format!("{said:?}").contains(TYPED));
        assert!(said.out.contains("gave the secret pw"), "{said:?}");
        kept_nowhere(&home);
        let audit = home.audit().await;
        let gave =
            |one: &Value| one["event"] == "decision" && one["answer"] == "gave the secret pw";
        assert_eq!(audit.iter().filter(|one| gave(one)).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_is_no_place_for_it_and_is_not_repeated() {
    let home = prompted().await;
    for wrong in [format!("pw={TYPED}"), TYPED.to_owned()] {
        let said = home
            .run(&[&WAITS[..], &["--secret", &wrong]].concat())
            .await;
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("it is never an argument"), "{said:?}");
        assert!(!format!("{said:?}").contains(TYPED));
    }
    let output = fed(&home, &[&WAITS[..], &["--secret", "pw=-"]].concat(), "").await;
    assert_eq!(output.status.code(), Some(2), "nothing is no secret");
    assert_eq!(held(&home).await, None);
    kept_nowhere(&home);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_asks_for_it_and_shows_nothing() {
    let home = prompted().await;
    let running = home.running.as_ref().unwrap();
    let kubeconfig = home.path("kubeconfig");
    let around = [
        ("KUBECONFIG", kubeconfig.as_str()),
        ("PROMETHEUS_URL", running.prometheus.as_str()),
    ];
    let mut seat = crate::pty::Seat::take(home.folder.path(), (120, 40), &WAITS, &around);
    let sent = tokio::task::spawn_blocking(move || {
        seat.shows("pw (it is not shown): ");
        seat.press(&format!("wrong\u{15}{TYPED}\r"));
        assert_eq!(seat.end(), 0, "{}", seat.text());
        (seat.sent.clone(), seat.seen.clone())
    });
    let (sent, seen) = sent.await.unwrap();
    assert!(!String::from_utf8_lossy(&sent).contains(TYPED));
    let all = seen.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes));
    assert!(!all.into_iter().any(|text| text.contains(TYPED)));
    assert_eq!(held(&home).await.as_deref(), Some(TYPED));
    kept_nowhere(&home);
}
