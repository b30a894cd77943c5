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
        message.contains("the secret pw, which is typed at a screen"),
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
