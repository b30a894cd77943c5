//! A rotation that sends nothing: it goes to its end, has the server rehearse what can be rehearsed, and says of the rest
//! why not.

use std::collections::BTreeMap;

use serde_json::Value;
use vigie::app::command::Command;
use vigie::runbook::machine::{Fact, RunState};
use vigie::sim::admission::Webhook;

use super::bench::{Console, Ending, Platform};
use crate::oracle;

/// What was said of each change, and the last sentence.
struct Said {
    changes: BTreeMap<String, Value>,
    end: String,
}

impl Said {
    /// How the changes went whose step's name ends so.
    fn of(&self, step: &str) -> Vec<&Value> {
        let such = self.changes.iter().filter(|(name, _)| name.contains(step));
        such.map(|(_, found)| &found["rehearsed"]).collect()
    }
}

/// Rehearses it, or only plans it, and asks that nothing was changed by that.
async fn rehearse(platform: &Platform, set: &[(&str, &str)], plan: bool) -> Said {
    let mut console: Console = platform.console().await;
    let mut request = Console::request(set);
    request.dry_run = true;
    request.unrecorded = plan;
    console.command(Command::StartRun(Box::new(request)));
    let end = match console.until_over(platform, None).await {
        Ending::Over(end) => end,
        other => panic!("{other:?}\n{}", console.story()),
    };
    assert_eq!(end.state, RunState::Succeeded, "{end:?}");
    let mut changes = BTreeMap::new();
    for entry in &console.app.runs.entries {
        assert!(!matches!(entry.fact, Fact::Intent(_)), "nothing is sent");
        if let Fact::Done { step, out } = &entry.fact
            && out["sent"] == Value::Bool(false)
        {
            changes.insert(step.clone(), out.clone());
        }
    }
    drop(console);
    platform.released().await;
    assert!(oracle::effective(&platform.running).is_empty());
    assert!(oracle::effective_in_vault(&platform.running).is_empty());
    Said {
        changes,
        end: end.message,
    }
}

/// The paths the server was asked to rehearse, in their order.
fn rehearsals(platform: &Platform) -> Vec<String> {
    let writes = platform.running.world().writes().into_iter();
    let rehearsed = writes.filter(|write| write.dry_run);
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    rehearsed.map(|write| name(&write.path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cutover_is_rehearsed_to_its_end_and_says_what_could_not_be() {
    let platform = Platform::new().await;
    let said = rehearse(&platform, &[], false).await;
    assert_eq!(
        rehearsals(&platform),
        ["chat-server", "veza-backend"],
        "{:#?}",
        said.changes
    );
    assert_eq!(said.of("restart"), [true, true]);
    let how: Vec<String> = said
        .changes
        .values()
        .map(|out| out["rehearsed"].to_string())
        .collect();
    assert_eq!(how.iter().filter(|how| *how == "\"simulated\"").count(), 1);
    assert_eq!(how.iter().filter(|how| *how == "false").count(), 1);
    for part in [
        "2 changes rehearsed",
        "1 change simulated",
        "1 change could not",
        "known only after",
    ] {
        assert!(said.end.contains(part), "{part}: {}", said.end);
    }
    platform.as_before("rehearsed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_vault_the_secret_is_rehearsed_too() {
    let platform = Platform::new().await;
    let said = rehearse(&platform, &[("vault_path", "")], false).await;
    let asked = rehearsals(&platform);
    assert_eq!(asked.len(), 3, "{asked:?} {:#?}", said.changes);
    assert!(asked.contains(&"veza-secrets".to_owned()), "{asked:?}");
    assert!(said.end.contains("3 changes rehearsed"), "{}", said.end);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_is_rehearsed_without_waiting_for_old_tokens() {
    let platform = Platform::new().await;
    platform.accept_two_keys().await;
    let said = rehearse(
        &platform,
        &[("strategy", "overlap"), ("refresh_ttl", "7d")],
        false,
    )
    .await;
    assert_eq!(said.of("restart"), [true; 6], "{:#?}", said.changes);
    assert_eq!(said.changes.len(), 12, "{:#?}", said.changes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_forbids_rehearsals_is_said_and_not_an_error() {
    let platform = Platform::new().await;
    let hook = Webhook::not_to_be_rehearsed("audit.veza.app", "deployments");
    platform.running.admission().add(hook);
    let said = rehearse(&platform, &[], false).await;
    assert_eq!(said.of("restart"), [false, false]);
    assert!(
        said.end.contains("does not support dry run"),
        "{}",
        said.end
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_would_refuse_is_found_before_it_is_sent() {
    let platform = Platform::new().await;
    let hook = Webhook::denying(
        "policy.veza.app",
        "deployments",
        "not during business hours",
    );
    platform.running.admission().add(hook);
    let mut console = platform.console().await;
    let mut request = Console::request(&[]);
    request.dry_run = true;
    console.command(Command::StartRun(Box::new(request)));
    let Ending::Over(end) = console.until_over(&platform, None).await else {
        panic!("{}", console.story());
    };
    assert!(
        end.refused && end.message.contains("not during business hours"),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_only_reads() {
    let platform = Platform::new().await;
    let said = rehearse(&platform, &[], true).await;
    assert!(
        rehearsals(&platform).is_empty(),
        "{:?}",
        rehearsals(&platform)
    );
    assert_eq!(said.of("restart"), ["planned", "planned"]);
    let end = &said.end;
    assert!(
        end.starts_with("plan: nothing was sent") && end.contains("3 changes worked out"),
        "{end}"
    );
}
