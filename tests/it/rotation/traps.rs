//! Where following the customer's text does damage: each trap is found before the first effect, by its number, on a
//! platform that has it; and on one that has it not it is said why it cannot happen.

use serde_json::{Value, json};
use vigie::app::command::Command;
use vigie::runbook::machine::Fact;
use vigie::runbook::preflight::Level;
use vigie::sim::{NAMESPACE, vault};

use super::bench::{Console, Ending, OLD, Platform, deployment};
use crate::oracle::{self, SECRET};

/// What was said before the first effect: the preflight's lines, and how it ended.
struct Said {
    lines: Vec<(Level, String)>,
    end: String,
}

impl Said {
    fn level(&self, number: &str) -> Option<Level> {
        let begins = |words: &String| words.starts_with(&format!("{number} "));
        let found = self.lines.iter().find(|(_, words)| begins(words));
        found.map(|(level, _)| *level)
    }
}

/// Looks ahead on this platform, and asks that nothing was changed by it.
async fn looked(platform: &Platform, set: &[(&str, &str)]) -> Said {
    let mut console: Console = platform.console().await;
    let before = (
        oracle::vault_values(&platform.running),
        oracle::secret(&platform.running),
    );
    let mut request = Console::request(set);
    request.dry_run = true;
    console.command(Command::StartRun(Box::new(request)));
    let ending = console.until_over(platform, None).await;
    let end = match ending {
        Ending::Over(end) => end.message,
        Ending::Asks(human) => human.message,
        other => panic!("{other:?}"),
    };
    let mut lines = Vec::new();
    for entry in &console.app.runs.entries {
        if let Fact::Preflight { lines: told, .. } = &entry.fact {
            lines = told.iter().map(|line| (line.level, line.words())).collect();
        }
    }
    drop(console);
    platform.released().await;
    assert!(oracle::effective(&platform.running).is_empty());
    assert!(oracle::effective_in_vault(&platform.running).is_empty());
    let after = (
        oracle::vault_values(&platform.running),
        oracle::secret(&platform.running),
    );
    assert!(before == after, "looking changes nothing");
    Said { lines, end }
}

async fn mark(platform: &Platform, metadata: Value) {
    let patch = json!({ "metadata": metadata });
    platform.ask("PATCH", SECRET, Some(patch)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_platform_in_order_every_trap_is_prevented_or_said() {
    let platform = Platform::new().await;
    let said = looked(&platform, &[]).await;
    for number in [
        "T01", "T02", "T03", "T05", "T06", "T07", "T08", "T09", "T10", "T11", "T12", "T14", "T23",
        "T24", "T40", "T42",
    ] {
        assert_eq!(
            said.level(number),
            Some(Level::Passed),
            "{number}: {:#?}",
            said.lines
        );
    }
    assert_eq!(said.level("T04"), Some(Level::Amber), "every session ends");
    assert_eq!(said.level("T13"), Some(Level::Noted), "old versions stay");
    let platform = Platform::new().await;
    let said = looked(&platform, &[("leaked", "true")]).await;
    assert_eq!(said.level("T13"), Some(Level::Passed), "{:#?}", said.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_writes_the_secret_stops_it() {
    let owned = |kind: &str| json!({"ownerReferences": [{"apiVersion": "v1", "kind": kind, "name": "veza", "uid": "u-1"}]});
    for (who, metadata) in [
        ("Sealed Secrets", owned("SealedSecret")),
        (
            "Helm",
            json!({"annotations": {"meta.helm.sh/release-name": "veza"}}),
        ),
        (
            "Argo CD",
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "veza:/Secret:veza-production/veza-secrets"}}),
        ),
        (
            "Flux",
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "veza"}}),
        ),
    ] {
        let platform = Platform::new().await;
        mark(&platform, metadata).await;
        let said = looked(&platform, &[]).await;
        assert!(said.end.contains("T03"), "{who}: {}", said.end);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_at_the_path_stops_it() {
    let platform = Platform::new().await;
    let said = looked(&platform, &[("vault_key", "jwt_key")]).await;
    assert!(said.end.contains("T12"), "{}", said.end);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_reads_stops_it_and_a_secret_that_nobody_reads_is_left_alone() {
    let platform = Platform::new().await;
    let other = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "veza-jwt-secret", "namespace": NAMESPACE},
        "data": {"jwt-secret": "bm90LXJlYWQ="}});
    let place = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
    platform.ask("POST", &place, Some(other)).await;
    let said = looked(&platform, &[]).await;
    let line = said
        .lines
        .iter()
        .find(|(_, words)| words.starts_with("T02 "));
    let (level, words) = line.unwrap();
    assert_eq!(*level, Level::Passed);
    assert!(
        words.contains("the pods read veza-secrets") && words.contains("veza-jwt-secret"),
        "{words}"
    );
    let platform = Platform::new().await;
    let said = looked(&platform, &[("secret_key", "jwt-key")]).await;
    assert!(said.end.contains("T02"), "{}", said.end);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_values_in_an_annotation_is_found_and_removed_with_the_change() {
    let platform = Platform::new().await;
    let note = "kubectl.kubernetes.io/last-applied-configuration";
    let copy = r#"{"stringData":{"jwt-secret":"first-signing-key-not-a-real-secret"}}"#;
    mark(&platform, json!({"annotations": {note: copy}})).await;
    let said = looked(&platform, &[]).await;
    assert_eq!(said.level("T07"), Some(Level::Noted), "{:#?}", said.lines);

    let platform = Platform::new().await;
    mark(&platform, json!({"annotations": {note: copy}})).await;
    let mut console = platform.console().await;
    console.begin(&[]);
    let ending = console.until_over(&platform, None).await;
    super::whole::over(
        ending,
        &platform,
        vigie::runbook::machine::RunState::Succeeded,
    );
    let found = platform.examine("the copy");
    platform.rotated("the copy", &found);
    let secret = platform.ask("GET", SECRET, None).await;
    assert!(secret["metadata"]["annotations"][note].is_null(), "T07");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_paused_stops_it() {
    let platform = Platform::new().await;
    let pause = json!({"spec": {"paused": true}});
    platform
        .ask("PATCH", &deployment("chat-server"), Some(pause))
        .await;
    let said = looked(&platform, &[]).await;
    let red = said.lines.iter().any(|(level, words)| {
        *level == Level::Red && words.contains("chat-server") && words.contains("paused")
            || *level == Level::Red && words.contains("paused")
    });
    assert!(red, "{:#?} {}", said.lines, said.end);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_is_said_to_be_due() {
    let platform = Platform::new().await;
    let said = looked(&platform, &[]).await;
    let line = said
        .lines
        .iter()
        .find(|(_, words)| words.starts_with("T42 "));
    let (_, words) = line.unwrap();
    assert!(words.contains("63 days"), "{words}");
    for (days, level) in [(85, Level::Noted), (120, Level::Noted), (12, Level::Passed)] {
        let platform = Platform::new().await;
        platform.running.world().with(|world| {
            let then = world.now_ms() - days * 86_400_000;
            let vault = world.vault_mut();
            vault.change(vault::PATH, "jwt_secret", OLD, then);
        });
        let said = looked(&platform, &[]).await;
        assert_eq!(said.level("T42"), Some(level), "{days}: {:#?}", said.lines);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_that_are_not_read_stop_an_overlap_and_those_that_are_do_not() {
    let platform = Platform::new().await;
    let said = looked(&platform, &[("strategy", "overlap")]).await;
    assert!(said.end.contains("T04"), "{}", said.end);
    let platform = Platform::new().await;
    platform.accept_two_keys().await;
    let said = looked(&platform, &[("strategy", "overlap")]).await;
    assert_eq!(said.level("T04"), Some(Level::Passed), "{:#?}", said.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn external_secrets_is_asked_to_copy_unless_it_never_copies_again() {
    let platform = Platform::new().await;
    platform.hand_to_external_secrets("CreatedOnce").await;
    let said = looked(&platform, &[]).await;
    assert_eq!(said.level("T11"), Some(Level::Red), "{:#?}", said.lines);
    let platform = Platform::new().await;
    platform.hand_to_external_secrets("Periodic").await;
    let said = looked(&platform, &[]).await;
    for number in ["T03", "T11"] {
        assert_eq!(
            said.level(number),
            Some(Level::Passed),
            "{number}: {:#?}",
            said.lines
        );
    }
    let said = looked(&platform, &[("vault_path", "")]).await;
    assert_eq!(said.level("T03"), Some(Level::Red), "{:#?}", said.lines);
}
