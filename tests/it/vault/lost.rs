//! What is lost on the way: whether a change took effect is known only where it certainly did not.

use super::{change, of, patient, platform, production};
use std::time::Duration;
use vigie::platform::failure::FailureKind;
use vigie::sim::fault::{Face, Fault, Rule, When};
use vigie::sim::vault::{Identity, PATH};

fn rule(fault: Fault) -> Rule {
    Rule {
        face: Some(Face::Vault),
        method: "PATCH".into(),
        path: "/v1/secret/data/".into(),
        fault,
        times: Some(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_outcome_and_its_word() {
    let table = [
        (Fault::DropBefore, false, FailureKind::Interrupted),
        (Fault::DropAfter, true, FailureKind::Interrupted),
        (Fault::HalfBody, true, FailureKind::Interrupted),
        (Fault::Hang, false, FailureKind::Interrupted),
        (
            Fault::Delay(Duration::from_secs(20)),
            true,
            FailureKind::Interrupted,
        ),
        (Fault::Status(500, None), false, FailureKind::Server(500)),
        (
            Fault::Status(429, None),
            false,
            FailureKind::Throttled(None),
        ),
        (
            Fault::Status(503, None),
            false,
            FailureKind::Unreachable("Vault is sealed".into()),
        ),
        (Fault::Duplicate, true, FailureKind::Conflict),
        (Fault::Echo(400), false, FailureKind::Invalid),
    ];
    for (fault, done, kind) in table {
        let running = platform().await;
        let waits = matches!(fault, Fault::Hang | Fault::Delay(_));
        let patience = Duration::from_secs(if waits { 3 } else { 30 });
        let vault = patient(&running.vault, &Identity::Oncall.token(), patience);
        running.faults().add(rule(fault));
        let failure = vault
            .patch(&production(), 1, &change("a", "planted-value"))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, kind, "{fault:?}");
        let version = running.world().with(|world| world.vault().version(PATH));
        assert_eq!(version, if done { 2 } else { 1 }, "{fault:?}");
        let writes = running.world().with(|world| world.vault().writes().count());
        assert!(writes <= 1, "nothing is sent twice by us: {fault:?}");
        assert!(!failure.to_string().contains("planted-value"), "{failure}");
        assert!(running.faults().spent());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_broke_meanwhile_does_not_make_a_write_go_twice() {
    let running = platform().await;
    let vault = of(&running, Identity::Oncall);
    for n in 0..8_u64 {
        vault.read(&production(), None).await.unwrap();
        running
            .faults()
            .add_when(rule(Fault::DropAfter), When::nth_write(1));
        let failure = vault
            .patch(&production(), 1 + n, &change("a", &n.to_string()))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Interrupted);
        assert_eq!(
            running.world().with(|world| world.vault().version(PATH)),
            2 + n
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_left_is_known_not_to_have_happened() {
    let vault = super::client("http://127.0.0.1:9", "x");
    let failure = vault
        .patch(&production(), 1, &change("a", "b"))
        .await
        .unwrap_err();
    assert_eq!(
        failure.kind,
        FailureKind::Unreachable("connection refused".into())
    );
    assert!(failure.definite());
}
