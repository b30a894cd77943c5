//! A rotation from beginning to end, and back.

use std::time::Instant;

use jiff::SignedDuration;
use vigie::app::command::Command;
use vigie::app::runs::Runs;
use vigie::engine::clock::Clock;
use vigie::runbook::machine::{Fact, RunState};

use super::bench::{Ending, Platform, story};
use crate::outside;

/// The run is over and in this state.
pub fn over(ending: Ending, platform: &Platform, wanted: RunState) {
    match ending {
        Ending::Over(end) => assert_eq!(end.state, wanted, "{end:?}\n{}", platform.story()),
        other => panic!("{other:?}\n{}", platform.story()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cutover_makes_one_version_one_write_and_one_rollout_each() {
    let platform = Platform::new().await;
    let begun = Instant::now();
    let mut console = platform.console().await;
    console.begin(&[]);
    let ending = console.until_over(&platform, None).await;
    println!("took {:?}", begun.elapsed());
    over(ending, &platform, RunState::Succeeded);
    let found = platform.examine("cutover");
    platform.rotated("cutover", &found);
    assert_eq!(found.vault.len(), 1, "{:#?}", found.vault);
    assert_eq!(found.vault[0].method, "PATCH");
    assert_eq!(found.count("/secrets/"), 1);
    assert_eq!(found.count("/deployments/veza-backend"), 1);
    assert_eq!(found.count("/deployments/chat-server"), 1);
    assert_eq!(found.writes.len(), 3, "{:#?}", found.writes);
    let asked = platform.faults().take_asked();
    let whole = asked.iter().any(|(_, line)| line.starts_with("PUT /v1/"));
    assert!(!whole, "T01: {asked:#?}");
    println!("{} requests, {} records", asked.len(), found.entries.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_without_the_second_key_changes_nothing() {
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[("strategy", "overlap")]);
    let ending = console.until_over(&platform, None).await;
    let Ending::Over(end) = ending else {
        panic!("{ending:?}");
    };
    assert!(end.refused && end.message.contains("second key"), "{end:?}");
    let found = platform.examine("refused");
    assert!(found.writes.is_empty() && found.vault.is_empty());
    platform.as_before("refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_announces_switches_waits_and_retires() {
    let platform = Platform::new().await;
    platform.accept_two_keys().await;
    let mut console = platform.console().await;
    console.begin(&[("strategy", "overlap")]);
    let ending = console.until_over(&platform, None).await;
    over(ending, &platform, RunState::Succeeded);
    let found = platform.examine("overlap");
    platform.rotated("overlap", &found);
    assert_eq!(found.vault.len(), 3, "{:#?}", found.vault);
    assert_eq!(found.count("/secrets/"), 3);
    assert_eq!(found.count("/deployments/"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_clock_is_wrong_goes_on_with_nothing_and_ends_no_wait() {
    let platform = Platform::new().await;
    platform.accept_two_keys().await;
    let waits = |runs: &Runs| {
        let mut entries = runs.entries.iter();
        entries.any(|entry| matches!(&entry.fact, Fact::Started { step } if step == "old-tokens"))
    };
    let mut console = platform.console().await;
    console.begin(&[("strategy", "overlap"), ("refresh_ttl", "10m")]);
    console.until("it waits", waits).await;
    drop(console);
    platform.released().await;
    let truth = outside::clock(&platform.running);
    let wrong = Clock::new(move || truth.now() + SignedDuration::from_hours(2));
    let mut console = platform.console_by(wrong).await;
    console.resume(&platform.run().unwrap());
    let Ending::Asks(human) = console.until_over(&platform, None).await else {
        panic!("{}", platform.story());
    };
    assert!(human.message.contains("do the clocks agree?"), "{human:?}");
    drop(console);
    platform.released().await;
    let mut console = platform.console().await;
    console.resume(&platform.run().unwrap());
    let ending = console.until_over(&platform, None).await;
    over(ending, &platform, RunState::Succeeded);
    let found = platform.examine("a wrong clock");
    let begun = |step: &str| {
        let mut entries = found.entries.iter();
        let entry = entries
            .rfind(|entry| matches!(&entry.fact, Fact::Started { step: one } if one == step));
        entry.unwrap().ts
    };
    let waited = begun("retire").duration_since(begun("old-tokens"));
    assert!(waited >= SignedDuration::from_mins(9), "only {waited}");
    assert!(waited < SignedDuration::from_hours(1), "{waited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_from_the_gate_brings_the_old_key_everywhere() {
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[("hold", "20m")]);
    console
        .until("it judges", |runs| {
            runs.entries.iter().any(
                |entry| matches!(&entry.fact, Fact::Started { step } if step.ends_with("/well")),
            )
        })
        .await;
    console.command(Command::RollBackRun {
        reason: "a test".into(),
    });
    let ending = console.until_over(&platform, None).await;
    over(ending, &platform, RunState::RolledBack);
    let found = platform.examine("back");
    platform.as_before("back");
    assert_eq!(found.vault.len(), 2, "{}", story(&found.entries));
    assert_eq!(found.count("/secrets/"), 2);
    assert_eq!(found.count("/deployments/"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_external_secrets_owns_is_changed_in_vault_and_copied_by_it() {
    let platform = Platform::new().await;
    platform.hand_to_external_secrets("Periodic").await;
    let mut console = platform.console().await;
    console.begin(&[]);
    let ending = console.until_over(&platform, None).await;
    over(ending, &platform, RunState::Succeeded);
    let found = platform.examine("external");
    platform.rotated("external", &found);
    assert_eq!(found.vault.len(), 1);
    assert_eq!(found.count("/secrets/"), 0, "T03");
    assert_eq!(found.count("/externalsecrets/"), 1, "{:#?}", found.writes);
    assert_eq!(found.count("/deployments/"), 2);
}
