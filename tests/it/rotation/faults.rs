//! What goes wrong around a rotation: requests and answers lost, late, doubled, cut or refused; Vault sealed, rights taken
//! away, an admission that repeats what it was sent, somebody else at the same keys.

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use vigie::runbook::machine::{Fact, Human, Reason, RunState, Way};
use vigie::sim::NAMESPACE;
use vigie::sim::fault::{Face, Fault, Rule, When};
use vigie::sim::vault::{self, Identity, Unaudited};

use super::bench::{Console, Ending, OLD, Platform, Point, deployment, may_look_again};
use super::whole::over;
use crate::oracle::{self, SECRET};

/// What happens to the next so many writes to a place.
fn on(face: Face, path: &str, fault: Fault, times: u32) -> (Rule, When) {
    let rule = Rule {
        face: Some(face),
        method: String::new(),
        path: path.into(),
        fault,
        times: Some(times),
    };
    let when = When {
        writes: true,
        without: "/leases/".into(),
        ..When::default()
    };
    (rule, when)
}

/// Goes on to the end, looking again where that may help.
async fn to_the_end(console: &mut Console, platform: &Platform, case: &str) {
    for _ in 0..5 {
        match console.until_over(platform, None).await {
            Ending::Asks(human) if may_look_again(&human) => console.decide(Way::Again),
            ending => return over(ending, platform, RunState::Succeeded),
        }
    }
    panic!("{case}: asks again and again\n{}", console.story());
}

/// Until a person is needed.
async fn human(console: &mut Console, platform: &Platform) -> Human {
    match console.until_over(platform, None).await {
        Ending::Asks(human) => human,
        other => panic!("{other:?}\n{}", console.story()),
    }
}

/// A patch of one key of the Secret.
fn data(key: &str, value: &str) -> Value {
    let value = base64::engine::general_purpose::STANDARD.encode(value);
    json!({"data": {key: value}})
}

/// Until a step began.
async fn until_step(console: &mut Console, wanted: &str) {
    console
        .until(wanted, |runs| {
            runs.entries
                .iter()
                .any(|entry| matches!(&entry.fact, Fact::Started { step } if step == wanted))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_request_each_step_changes_once() {
    let vault_path = "/v1/secret/data/veza/production";
    let backend = deployment("veza-backend");
    let places = [
        (Face::Vault, vault_path),
        (Face::Kubernetes, SECRET),
        (Face::Kubernetes, backend.as_str()),
    ];
    let faults = [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::Delay(Duration::from_millis(2_500)),
        Fault::Status(500, None),
        Fault::Status(503, None),
        Fault::Status(429, Some(1)),
        Fault::HalfBody,
        Fault::Duplicate,
    ];
    for (face, path) in places {
        let tasks = faults.map(|fault| async move {
            let case = format!("{fault:?} at {path}");
            let platform = Platform::new().await;
            let (rule, when) = on(face, path, fault, 1);
            platform.faults().add_when(rule, when);
            let mut console = platform.console().await;
            console.begin(&[]);
            to_the_end(&mut console, &platform, &case).await;
            assert!(platform.faults().spent(), "{case}: it did not happen");
            let found = platform.examine(&case);
            platform.rotated(&case, &found);
            let counts = (
                found.vault.len(),
                found.count("/secrets/"),
                found.count("/deployments/"),
            );
            assert_eq!(counts, (1, 1, 2), "{case}: {}", platform.story());
        });
        futures::future::join_all(tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_vault_stops_it_and_an_opened_one_lets_it_go_on() {
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[]);
    until_step(&mut console, "go").await;
    let seal = |sealed| {
        platform
            .running
            .world()
            .with(|world| world.vault_mut().seal(sealed))
    };
    seal(true);
    let human = human(&mut console, &platform).await;
    assert!(
        matches!(human.reason, Reason::Offline | Reason::Unknown),
        "{human:?}"
    );
    assert!(human.message.contains("sealed"), "{human:?}");
    platform.as_before("sealed");
    seal(false);
    console.decide(Way::Again);
    to_the_end(&mut console, &platform, "sealed").await;
    let found = platform.examine("sealed");
    platform.rotated("sealed", &found);
    assert_eq!(found.vault.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_log_does_nothing_or_is_looked_at() {
    for where_ in [Unaudited::Request, Unaudited::Answer] {
        let case = format!("{where_:?} not logged");
        let platform = Platform::new().await;
        let mut console = platform.console().await;
        console.begin(&[]);
        until_step(&mut console, "go").await;
        let fail = |how| {
            platform
                .running
                .world()
                .with(|world| world.vault_mut().fail_audit(how))
        };
        fail(Some(where_));
        let human = human(&mut console, &platform).await;
        assert!(!human.message.is_empty(), "{human:?}");
        fail(None);
        console.decide(Way::Again);
        to_the_end(&mut console, &platform, &case).await;
        let found = platform.examine(&case);
        platform.rotated(&case, &found);
        let version = platform
            .running
            .world()
            .peek(|world| world.vault().version(vault::PATH));
        assert_eq!(version, 2, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_taken_away_after_the_plan_stop_it_and_given_back_it_goes_on() {
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[]);
    until_step(&mut console, "go").await;
    let grant = |capabilities: &[&'static str]| {
        platform.running.world().with(|world| {
            let vault = world.vault_mut();
            vault.grant(
                Identity::Oncall,
                "secret/data/veza/production",
                capabilities,
            );
        });
    };
    grant(&["read"]);
    let human = human(&mut console, &platform).await;
    assert_eq!(human.reason, Reason::Denied, "{human:?}");
    platform.as_before("denied");
    grant(&["read", "patch"]);
    console.decide(Way::Again);
    to_the_end(&mut console, &platform, "denied").await;
    let found = platform.examine("denied");
    platform.rotated("denied", &found);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_repeats_what_was_sent_leaves_no_value_anywhere() {
    let vault_path = "/v1/secret/data/veza/production";
    for (face, path) in [(Face::Kubernetes, SECRET), (Face::Vault, vault_path)] {
        let tasks = [400, 403, 500].map(|code| async move {
            let case = format!("{code} with what was sent, at {path}");
            let platform = Platform::new().await;
            let (rule, when) = on(face, path, Fault::Echo(code), 2);
            platform.faults().add_when(rule, when);
            let mut console = platform.console().await;
            console.begin(&[]);
            let mut told = String::new();
            // What is the server's own fault is tried again; the rest stops it.
            if code < 500 {
                told = human(&mut console, &platform).await.message;
                platform.faults().clear();
                console.decide(Way::Again);
            }
            to_the_end(&mut console, &platform, &case).await;
            told += &console.story();
            let found = platform.examine(&case);
            platform.rotated(&case, &found);
            let key = oracle::vault_values(&platform.running)["jwt_secret"].clone();
            let values = [key, OLD.to_owned()];
            for form in values.iter().flat_map(|value| oracle::forms(value)) {
                assert!(!told.contains(&form), "{case}: {told}");
            }
        });
        futures::future::join_all(tasks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_other_key_is_kept() {
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[]);
    until_step(&mut console, "go").await;
    platform.running.world().with(|world| {
        let now = world.now_ms();
        world
            .vault_mut()
            .change(vault::PATH, "theirs", "their-own-value", now);
    });
    let patch = data("theirs", "their-own-value");
    platform.ask("PATCH", SECRET, Some(patch)).await;
    to_the_end(&mut console, &platform, "another key").await;
    let found = platform.examine("another key");
    platform.rotated("another key", &found);
    let vault = oracle::vault_values(&platform.running);
    assert_eq!(
        vault.get("theirs").map(String::as_str),
        Some("their-own-value"),
        "{vault:?}"
    );
    assert_eq!(
        oracle::secret(&platform.running)["theirs"],
        "their-own-value"
    );
    assert_eq!(found.vault.len(), 1);
}

/// Goes on until the faults have met what they were to meet, and then takes in nothing more.
async fn until_spent(console: &mut Console, platform: &Platform) {
    let any = Point::Request {
        face: Face::Kubernetes,
        method: "PATCH",
        nth: 1,
        served: false,
    };
    let ending = console.until_over(platform, Some(any)).await;
    assert!(matches!(ending, Ending::Killed), "{ending:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_same_key_is_not_overwritten() {
    let theirs = "their-own-signing-key";
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[]);
    until_step(&mut console, "go").await;
    platform.running.world().with(|world| {
        let now = world.now_ms();
        let vault = world.vault_mut();
        vault.change(vault::PATH, "jwt_secret", theirs, now);
    });
    let Ending::Over(end) = console.until_over(&platform, None).await else {
        panic!("{}", console.story());
    };
    assert!(
        end.refused && end.message.contains("somebody changed jwt_secret"),
        "{end:?}"
    );
    assert_eq!(
        oracle::vault_values(&platform.running)["jwt_secret"],
        theirs
    );
    let found = platform.examine("the same key");
    assert!(found.vault.is_empty() && found.writes.is_empty());

    // Between the plan and the request: the first is lost, and meanwhile somebody writes.
    for in_vault in [true, false] {
        let platform = Platform::new().await;
        let (face, path) = if in_vault {
            (Face::Vault, "/v1/secret/data/veza/production")
        } else {
            (Face::Kubernetes, SECRET)
        };
        let (rule, when) = on(face, path, Fault::DropBefore, 1);
        platform.faults().add_when(rule, when);
        let mut console = platform.console().await;
        console.begin(&[]);
        until_spent(&mut console, &platform).await;
        if in_vault {
            platform.running.world().with(|world| {
                let now = world.now_ms();
                let vault = world.vault_mut();
                vault.change(vault::PATH, "jwt_secret", theirs, now);
            });
        } else {
            let patch = data("jwt-secret", theirs);
            platform.ask("PATCH", SECRET, Some(patch)).await;
        }
        let stopped = human(&mut console, &platform).await;
        assert!(
            matches!(stopped.reason, Reason::Conflict | Reason::Drift),
            "{stopped:?}"
        );
        let found = platform.examine("the same key, late");
        if in_vault {
            assert_eq!(
                oracle::vault_values(&platform.running)["jwt_secret"],
                theirs
            );
            assert!(found.vault.is_empty() && found.writes.is_empty());
        } else {
            assert_eq!(oracle::secret(&platform.running)["jwt-secret"], theirs);
            assert_eq!((found.vault.len(), found.writes.len()), (1, 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namesake_of_the_secret_is_another_object() {
    let platform = Platform::new().await;
    let mut console = platform.console().await;
    console.begin(&[]);
    until_step(&mut console, "switch").await;
    let secret: Value = platform.ask("GET", SECRET, None).await;
    platform.ask("DELETE", SECRET, None).await;
    let namesake = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "veza-secrets", "namespace": NAMESPACE},
        "data": secret["data"]});
    let place = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
    platform.ask("POST", &place, Some(namesake)).await;
    let stopped = human(&mut console, &platform).await;
    assert!(stopped.message.contains("made anew"), "{stopped:?}");
    assert_eq!(oracle::secret(&platform.running)["jwt-secret"], OLD);
    let found = platform.examine("a namesake");
    assert!(found.writes.is_empty());
}
