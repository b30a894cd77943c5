//! The same verbs against the real Vault, where one runs.

use super::{change, client};
use secrecy::ExposeSecret as _;
use std::path::Path;
use vigie::platform::failure::FailureKind;
use vigie::platform::vault::KvPath;

/// What the test cluster exports.
pub fn setting(name: &str) -> String {
    let state =
        std::env::var("VIGIE_TEST_CLUSTER").expect("VIGIE_TEST_CLUSTER names the state directory");
    let env = std::fs::read_to_string(Path::new(&state).join("env")).unwrap();
    let line = env
        .lines()
        .find_map(|line| line.strip_prefix(&format!("export {name}=")));
    line.unwrap_or_else(|| {
        panic!("the harness exports no {name}: build it with `tests/cluster/build vault`")
    })
    .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test cluster with Vault: VIGIE_TEST_CLUSTER names its state directory"]
async fn a_real_vault_is_patched_read_and_cleaned_by_its_keepers() {
    let root = client(&setting("VAULT_ADDR"), "root-token");
    let at = KvPath::parse(&format!("secret/client/{} é", std::process::id())).unwrap();
    assert!(root.metadata(&at).await.unwrap().is_none());
    let first = [
        ("jwt_secret".to_owned(), "planted-one".into()),
        ("other".to_owned(), "x".into()),
    ]
    .into();
    assert_eq!(root.write(&at, 0, &first).await.unwrap().version, 1);
    let written = root
        .patch(&at, 1, &change("jwt_secret", "planted-two"))
        .await
        .unwrap();
    assert_eq!(written.version, 2);
    let read = root.read(&at, None).await.unwrap().unwrap();
    assert_eq!((read.version, read.created), (2, written.at));
    assert_eq!(read.data["other"].expose_secret(), "x");
    assert_eq!(read.data["jwt_secret"].expose_secret(), "planted-two");
    let stale = root
        .patch(&at, 1, &change("jwt_secret", "planted-three"))
        .await
        .unwrap_err();
    assert_eq!(stale.kind, FailureKind::Conflict, "{stale}");
    assert_eq!(
        root.subkeys(&at, None).await.unwrap().unwrap(),
        ["jwt_secret", "other"]
    );
    root.destroy(&at, &[1]).await.unwrap();
    assert!(root.read(&at, Some(1)).await.unwrap().is_none());
    let versions = root.metadata(&at).await.unwrap().unwrap().versions;
    assert!(versions[&1].destroyed && !versions[&2].destroyed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test cluster with Vault: VIGIE_TEST_CLUSTER names its state directory"]
async fn a_real_vault_says_who_we_are_and_what_we_may_do() {
    let oncall = client(&setting("VAULT_ADDR"), "oncall-vault-token");
    let health = oncall.health().await.unwrap();
    assert!(health.initialized && !health.sealed && health.time.is_some());
    let token = oncall.token().await.unwrap();
    assert!(
        token.policies.contains("oncall") && token.ttl.is_some(),
        "{token:?}"
    );
    assert_eq!(
        client(&setting("VAULT_ADDR"), "root-token")
            .token()
            .await
            .unwrap()
            .ttl,
        None
    );
    let at = super::production();
    let may = oncall
        .capabilities(&[at.data(), at.destroy(), "secret/data/x".into()])
        .await
        .unwrap();
    assert!(may[&at.data()].contains("patch") && may[&at.destroy()].contains("update"));
    assert_eq!(may["secret/data/x"], ["deny".to_owned()].into());
    let wrong = client(&setting("VAULT_ADDR"), "hvs.wrong")
        .token()
        .await
        .unwrap_err();
    assert_eq!(wrong.kind, FailureKind::Unauthorized, "{wrong}");
    let hidden = KvPath::parse("secret/veza/other").unwrap();
    let refused = oncall.read(&hidden, None).await.unwrap_err();
    assert!(
        matches!(refused.kind, FailureKind::Forbidden(_)),
        "{refused}"
    );
}
