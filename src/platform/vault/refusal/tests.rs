//! What each answer that says no means, and that nothing of what was sent is in it.

use super::*;
use std::time::Duration;

const KEY: &str = "a-planted-signing-key";

fn write() -> Attempt {
    Attempt::new("patch secret/veza/production", "http://v")
        .on("patch", "secret/data/veza/production")
        .changing(Redactor::of([KEY]))
        .with_token(&"hvs.planted-token".into(), "VAULT_TOKEN")
}

fn read() -> Attempt {
    Attempt::new("read secret/veza/production", "http://v")
        .on("read", "secret/data/veza/production")
}

fn said(status: u16, errors: &[&str]) -> Failure {
    let body = serde_json::json!({ "errors": errors }).to_string();
    refused(status, body.as_bytes(), &write())
}

#[test]
fn a_stale_version_is_a_conflict_and_any_other_bad_request_is_not() {
    let stale = said(
        400,
        &["check-and-set parameter did not match the current version"],
    );
    assert_eq!(stale.kind, FailureKind::Conflict);
    let other = said(400, &["check-and-set parameter required for this call"]);
    assert_eq!(other.kind, FailureKind::Invalid);
    assert!(stale.definite() && other.definite());
}

#[test]
fn what_is_forbidden_is_said_with_its_right_and_a_bad_token_with_its_source() {
    let refusal = said(403, &["1 error occurred:\n\t* permission denied\n\n"]);
    assert_eq!(
        refusal.advice(),
        "Ask for the right to patch secret/data/veza/production in Vault."
    );
    assert!(matches!(refusal.kind, FailureKind::Forbidden(_)));
    let bad = said(
        403,
        &["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"],
    );
    assert_eq!(bad.kind, FailureKind::Unauthorized);
    assert!(bad.advice().contains("VAULT_TOKEN") && bad.advice().contains("vault login"));
}

#[test]
fn a_sealed_vault_is_offline_by_its_own_words() {
    let sealed = said(503, &["Vault is sealed"]);
    assert_eq!(sealed.short().as_ref(), "Vault is sealed");
    assert!(sealed.definite());
    let broken = said(503, &["something else"]);
    assert_eq!(broken.kind, FailureKind::Server(503));
    assert!(!broken.definite());
}

#[test]
fn an_absent_path_is_nothing_and_an_absent_engine_is_a_mistake() {
    let at = |errors: &str| refused(404, errors.as_bytes(), &read());
    assert!(is_nothing(&at(r#"{"errors":[]}"#)));
    assert!(is_nothing(&at(r#"{"data":{"data":null,"metadata":{}}}"#)));
    assert!(!is_nothing(&at(
        r#"{"errors":["no handler for route \"kv/data/x\". route entry not found."]}"#
    )));
}

#[test]
fn a_lost_answer_to_a_write_leaves_its_outcome_open_and_to_a_read_does_not() {
    let lost = [
        HttpFailure::CutOff,
        HttpFailure::Lost("connection reset".into()),
        HttpFailure::Timeout(Duration::from_secs(1)),
    ];
    for failure in &lost {
        assert_eq!(
            unasked(failure, &write()).kind,
            FailureKind::Interrupted,
            "{failure:?}"
        );
        assert_ne!(
            unasked(failure, &read()).kind,
            FailureKind::Interrupted,
            "{failure:?}"
        );
    }
    let refused = HttpFailure::Unreachable("connection refused".into());
    assert!(unasked(&refused, &write()).definite());
    for status in [500, 502, 504] {
        assert!(!said(status, &["internal error"]).definite(), "{status}");
    }
    assert!(said(429, &["rate limit quota exceeded"]).definite());
}

#[test]
fn nothing_that_was_sent_comes_back_in_a_failure() {
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, KEY);
    for echoed in [
        format!("invalid value {KEY}"),
        format!("invalid value {encoded}"),
        "token hvs.planted-token is bad".to_owned(),
        format!("{}{KEY}", "x".repeat(LOOKED_AT - 12)),
        format!("{}{KEY}", "x ".repeat(95)),
    ] {
        let failure = said(400, &[&echoed]);
        let shown = format!("{failure} {failure:?} {}", failure.advice());
        for hidden in [KEY, &encoded, "hvs.planted-token", "a-planted-si"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
    // What is no list of Vault's own sentences is not repeated at all.
    let page = format!("<html>{KEY}</html>");
    let raw = refused(502, page.as_bytes(), &write());
    assert_eq!(
        raw.to_string(),
        "cannot patch secret/veza/production at http://v: server error 502"
    );
    let shaped = format!("{{\"errors\":\"{KEY}\"}}");
    assert_eq!(&*refused(400, shaped.as_bytes(), &write()).said, "");
}
