//! The client of Vault against the simulated one: what each verb does, what each refusal means, what is lost and what never leaks.
//! The same questions go to the real Vault where one runs (`real`), and the simulated one is held against it (`faces`).

mod faces;
mod leaks;
mod lost;
mod real;

use std::collections::BTreeMap;
use std::time::Duration;

use vigie::platform::failure::FailureKind;
use vigie::platform::http::{Direct, Http, Transport};
use vigie::platform::vault::{KvPath, Token, Vault};
use vigie::sim::scenario::Scenario;
use vigie::sim::vault::{Identity, PATH, Unaudited};
use vigie::sim::{self, Options, Running};

type Changes = BTreeMap<String, Option<secrecy::SecretString>>;

/// The path of the customer's secrets.
fn production() -> KvPath {
    KvPath::parse("secret/veza/production").unwrap()
}

/// A client of a Vault with a token.
fn client(url: &str, token: &str) -> Vault {
    patient(url, token, Duration::from_secs(30))
}

/// The same, which waits no longer than that.
fn patient(url: &str, token: &str, patience: Duration) -> Vault {
    let direct = Direct::new(&Http::default(), url).unwrap();
    let direct = direct.patience(patience);
    let token = Token::default().or_given("the test's token", Some(token.into()));
    Vault::new(Transport::Direct(direct), token)
}

fn change(key: &str, value: &str) -> Changes {
    Changes::from([(key.to_owned(), Some(value.into()))])
}

/// A platform whose time stands still.
async fn platform() -> Running {
    let options = Options {
        scenario: Scenario::Healthy,
        base: Some(1_795_316_412_000),
        ..Options::default()
    };
    sim::start(options).await.unwrap()
}

fn of(running: &Running, who: Identity) -> Vault {
    client(&running.vault, &who.token())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_one_new_version_that_leaves_the_other_keys_alone() {
    let running = platform().await;
    let vault = of(&running, Identity::Oncall);
    let at = production();
    let before = vault.metadata(&at).await.unwrap().unwrap();
    assert_eq!((before.current_version, before.cas_required), (1, false));
    let written = vault
        .patch(&at, 1, &change("jwt_secret", "second"))
        .await
        .unwrap();
    assert_eq!(written.version, 2);
    let read = vault.read(&at, None).await.unwrap().unwrap();
    let value = |key: &str| secrecy::ExposeSecret::expose_secret(&read.data[key]).to_owned();
    assert_eq!((read.version, read.created), (2, written.at));
    assert_eq!(value("jwt_secret"), "second");
    assert_eq!(value("redis_url"), "redis://redis:6379");
    let old = vault.read(&at, Some(1)).await.unwrap().unwrap();
    assert_eq!(old.version, 1);
    let away = Changes::from([("jwt_secret".to_owned(), None)]);
    vault.patch(&at, 2, &away).await.unwrap();
    let keys = vault.subkeys(&at, None).await.unwrap().unwrap();
    assert_eq!(keys.len(), 5);
    assert_eq!(vault.subkeys(&at, Some(2)).await.unwrap().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_destroyed_or_was_never_there_is_nothing() {
    let running = platform().await;
    let vault = of(&running, Identity::Root);
    let at = production();
    vault
        .patch(&at, 1, &change("jwt_secret", "second"))
        .await
        .unwrap();
    vault.destroy(&at, &[1]).await.unwrap();
    assert!(vault.read(&at, Some(1)).await.unwrap().is_none());
    assert!(vault.subkeys(&at, Some(1)).await.unwrap().is_none());
    let versions = vault.metadata(&at).await.unwrap().unwrap().versions;
    assert!(versions[&1].destroyed && !versions[&2].destroyed);
    let absent = KvPath::parse("secret/veza/absent").unwrap();
    assert!(vault.read(&absent, None).await.unwrap().is_none());
    assert!(vault.metadata(&absent).await.unwrap().is_none());
    let nowhere = KvPath::parse("kv/veza/production").unwrap();
    let failure = vault.read(&nowhere, None).await.unwrap_err();
    assert_eq!(
        failure.kind,
        FailureKind::NotFound,
        "an engine that is not there is no absence"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_patch_replaces_what_it_read_and_keeps_what_is_no_text() {
    let running = platform().await;
    let vault = of(&running, Identity::Root);
    let at = KvPath::parse("secret/veza/staging").unwrap();
    let first = BTreeMap::from([("a".to_owned(), "x".into()), ("b".to_owned(), "y".into())]);
    assert_eq!(vault.write(&at, 0, &first).await.unwrap().version, 1);
    let again = vault.write(&at, 0, &first).await.unwrap_err();
    assert_eq!(
        again.kind,
        FailureKind::Conflict,
        "0 means that there is none yet"
    );
    running.world().with(|world| {
        let text = r#"{"data":{"a":"x","n":5,"b":"y"},"options":{"cas":1}}"#;
        let request = vigie::sim::vault::Request {
            token: Some("simulated-vault-root"),
            method: "POST",
            path: "secret/data/veza/staging",
            query: Vec::new(),
            content: "application/json",
            body: text.as_bytes(),
        };
        assert_eq!(world.ask_vault(&request).code, 200);
    });
    let read = vault.read(&at, None).await.unwrap().unwrap();
    assert!(read.json.contains("n"));
    let mut changes = change("a", "z");
    changes.insert("b".into(), None);
    assert_eq!(
        vault.replace(&at, &read, &changes).await.unwrap().version,
        3
    );
    running.world().with(|world| {
        let values = world.vault().values("veza/staging").unwrap();
        assert_eq!(
            serde_json::Value::from(values.clone()),
            serde_json::json!({"a": "z", "n": 5})
        );
    });
    let stale = vault.replace(&at, &read, &changes).await.unwrap_err();
    assert_eq!(stale.kind, FailureKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_the_newest_is_a_conflict_and_a_missing_right_is_named() {
    let running = platform().await;
    let at = production();
    let vault = of(&running, Identity::Oncall);
    let stale = vault
        .patch(&at, 7, &change("jwt_secret", "x"))
        .await
        .unwrap_err();
    assert_eq!(stale.kind, FailureKind::Conflict);
    let viewer = of(&running, Identity::Viewer);
    assert!(viewer.metadata(&at).await.unwrap().is_some());
    let refused = viewer
        .patch(&at, 1, &change("jwt_secret", "x"))
        .await
        .unwrap_err();
    assert_eq!(
        refused.advice(),
        "Ask for the right to patch secret/data/veza/production in Vault."
    );
    assert!(refused.definite());
    let absent = viewer
        .read(&KvPath::parse("secret/veza/absent").unwrap(), None)
        .await;
    assert!(
        matches!(absent.unwrap_err().kind, FailureKind::Forbidden(_)),
        "it says nothing of what is there"
    );
    let asked = [
        at.data(),
        at.destroy(),
        at.metadata(),
        "secret/data/x".to_owned(),
    ];
    let may = vault.capabilities(&asked).await.unwrap();
    let of = |path: &str| may[path].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of(&at.data()), ["patch", "read"]);
    assert_eq!(of(&at.destroy()), ["update"]);
    assert_eq!(of("secret/data/x"), ["deny"]);
    running.world().with(|world| {
        world
            .vault_mut()
            .grant(Identity::Oncall, &at.data(), &["read"])
    });
    let taken = vault
        .patch(&at, 1, &change("jwt_secret", "x"))
        .await
        .unwrap_err();
    assert!(matches!(taken.kind, FailureKind::Forbidden(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_it_is_and_whose_the_token_is() {
    let running = platform().await;
    let vault = of(&running, Identity::Oncall);
    let health = vault.health().await.unwrap();
    assert!(health.initialized && !health.sealed && !health.standby);
    let now = running.clock().now_ms();
    assert!((health.time.unwrap().as_millisecond() - now).abs() < 10_000);
    let token = vault.token().await.unwrap();
    assert_eq!(token.display_name, "token-oncall");
    assert!(token.policies.contains("oncall") && token.renewable);
    assert!(token.ttl.unwrap() > 0);
    assert_eq!(
        of(&running, Identity::Root).token().await.unwrap().ttl,
        None
    );
    let wrong = client(&running.vault, "hvs.unknown")
        .token()
        .await
        .unwrap_err();
    assert_eq!(wrong.kind, FailureKind::Unauthorized);
    assert!(
        wrong.advice().contains("the test's token"),
        "{}",
        wrong.advice()
    );
    running.world().with(|world| world.vault_mut().seal(true));
    assert!(vault.health().await.unwrap().sealed);
    let sealed = vault
        .patch(&production(), 1, &change("a", "b"))
        .await
        .unwrap_err();
    assert_eq!(&*sealed.short(), "Vault is sealed");
    assert!(sealed.definite());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_log_leaves_the_outcome_open() {
    let running = platform().await;
    let vault = of(&running, Identity::Oncall);
    for (where_, version) in [(Unaudited::Request, 1), (Unaudited::Answer, 2)] {
        running
            .world()
            .with(|world| world.vault_mut().fail_audit(Some(where_)));
        let failure = vault
            .patch(&production(), 1, &change("a", "b"))
            .await
            .unwrap_err();
        assert!(!failure.definite(), "{failure}");
        assert_eq!(
            running.world().with(|world| world.vault().version(PATH)),
            version
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_changes_counts_at_the_next_question() {
    let running = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let direct = Direct::new(&Http::default(), &running.vault).unwrap();
    let vault = Vault::new(Transport::Direct(direct), Token::file(path.clone()));
    let none = vault.token().await.unwrap_err();
    assert_eq!(none.kind, FailureKind::Setup);
    for who in [Identity::Viewer, Identity::Oncall] {
        std::fs::write(&path, who.token() + "\n").unwrap();
        let said = vault.token().await.unwrap().display_name;
        assert_eq!(said, format!("token-{}", who.name()));
    }
}
