//! Approvals held against OpenSSH's own keys and signatures, and every way to abuse one.

use super::*;
use crate::runbook::patch::{FieldChange, ObjectRef};
use std::path::Path;
use std::process::{Command, Stdio};

const NOW: &str = "2026-03-04T03:12:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn request() -> Request {
    Request {
        run: "01JNF2".into(),
        step: "go".into(),
        runbook: "jwt-rotate".into(),
        version: "1".into(),
        model: "m".into(),
        title: "Rotate".into(),
        target: RunTarget {
            cluster_uid: "5f1c".into(),
            namespace: "prod".into(),
            ..RunTarget::default()
        },
        actor: "oidc:alice".into(),
        reason: Some("INC-1".into()),
        params: [("hold".to_owned(), json!("3m"))].into(),
        plans: vec![Planned {
            kind: "k8s.annotate".into(),
            object: ObjectRef {
                kind: "Deployment".into(),
                namespace: "prod".into(),
                name: "api".into(),
                uid: "u".into(),
            },
            changes: vec![FieldChange {
                path: "/metadata/annotations/a".into(),
                before: None,
                after: Some(json!("1")),
                from: None,
            }],
            lines: vec!["annotations a".into()],
        }],
        ttl_s: 900,
        not: vec!["oidc:alice".into()],
    }
}

/// A key of OpenSSH's own making.
pub(crate) fn key(folder: &Path, name: &str, kind: &[&str]) -> String {
    let file = folder.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "a comment", "-t"])
        .args(kind)
        .arg("-f")
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    std::fs::read_to_string(file.with_extension("pub")).unwrap()
}

/// A signature of OpenSSH's own making.
fn signed(folder: &Path, name: &str, namespace: &str, message: &[u8]) -> String {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(folder.join(name))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), message).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// An approval as it is carried back.
pub(crate) fn approval(folder: &Path, name: &str, words: &Signed) -> String {
    words.text(&signed(folder, name, NAMESPACE, &words.bytes()))
}

#[test]
fn what_openssh_signs_is_read_whatever_the_kind_of_key_and_nothing_else_passes() {
    let dir = tempfile::tempdir().unwrap();
    for (name, kind) in [
        ("ed", &["ed25519"][..]),
        ("p256", &["ecdsa", "-b", "256"]),
        ("p384", &["ecdsa", "-b", "384"]),
        ("p521", &["ecdsa", "-b", "521"]),
        ("rsa", &["rsa", "-b", "2048"]),
    ] {
        key(dir.path(), name, kind);
        // ECDSA's numbers are sometimes short: several messages meet that.
        for round in 0..4 {
            let message = format!("message {round}");
            let armoured = signed(dir.path(), name, "some-namespace", message.as_bytes());
            let sig = sshsig::read(&armoured).unwrap();
            assert_eq!(sig.namespace, "some-namespace");
            assert_eq!(sig.verify(message.as_bytes()), Ok(()), "{name} {round}");
            assert!(sig.verify(b"another message").is_err(), "{name}");
            let mut other = sig.clone();
            other.namespace = "other".into();
            assert!(other.verify(message.as_bytes()).is_err(), "{name}");
        }
        let shown = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(dir.path().join(format!("{name}.pub")))
            .output();
        let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
        let sig = sshsig::read(&signed(dir.path(), name, "n", b"m")).unwrap();
        assert!(shown.contains(&sig.fingerprint()), "{shown}");
    }
}

#[test]
fn a_signature_that_is_cut_or_changed_at_any_byte_never_passes() {
    let dir = tempfile::tempdir().unwrap();
    key(dir.path(), "ed", &["ed25519"]);
    let armoured = signed(dir.path(), "ed", NAMESPACE, b"m");
    let inside: String = armoured
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let engine = base64::prelude::BASE64_STANDARD;
    let whole = engine.decode(inside).unwrap();
    let verdict = |bytes: &[u8]| {
        let text = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----",
            engine.encode(bytes)
        );
        sshsig::read(&text).is_ok_and(|sig| sig.namespace == NAMESPACE && sig.verify(b"m").is_ok())
    };
    assert!(verdict(&whole));
    for at in 0..whole.len() {
        assert!(!verdict(&whole[..at]), "cut at {at}");
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(!verdict(&changed), "changed at {at}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one line for each abuse")]
fn each_way_to_abuse_an_approval_has_its_own_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let bob = key(dir.path(), "bob", &["ed25519"]);
    let alice = key(dir.path(), "alice", &["ed25519"]);
    key(dir.path(), "eve", &["ed25519"]);
    let bare = |line: &str| {
        line.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let file = format!(
        "# who may\nbob@veza.app namespaces=\"git,{NAMESPACE}\" {}\nalice@veza.app {}\n",
        bare(&bob),
        bare(&alice)
    );
    let request = request();
    let expires = now() + SignedDuration::from_mins(10);
    let good = request.words(expires);
    let judged = |text: &str, request: &Request, at: Timestamp, used: &[String]| {
        judge(request, text, Ok(&file), at, used)
    };
    let granted = judged(&approval(dir.path(), "bob", &good), &request, now(), &[]).unwrap();
    assert_eq!(
        (granted.by.as_str(), granted.expires),
        ("bob@veza.app", expires)
    );
    let by = |name: &str, words: &Signed| approval(dir.path(), name, words);
    let text = by("bob", &good);
    assert_eq!(recheck(&granted, "01JNF2", "go", &text), Ok(()));
    assert!(recheck(&granted, "01OTHER", "go", &text).is_err());
    let later = Granted {
        expires: expires + SignedDuration::from_hours(1),
        ..granted.clone()
    };
    assert!(recheck(&later, "01JNF2", "go", &text).is_err());
    assert!(recheck(&granted, "01JNF2", "go", &by("alice", &good)).is_err());
    let other = |change: fn(&mut Signed)| {
        let mut words = good.clone();
        change(&mut words);
        by("bob", &words)
    };
    let mut drifted = request.clone();
    drifted.plans[0].changes[0].after = Some(json!("2"));
    let late = expires + SignedDuration::from_secs(1);
    let forged = good.text(&signed(dir.path(), "bob", NAMESPACE, b"something else"));
    let mut longer = good.clone();
    longer.expires = now() + SignedDuration::from_hours(24);
    let table: Vec<(String, &Request, Timestamp, Vec<String>, &str)> = vec![
        (
            by("alice", &good),
            &request,
            now(),
            vec![],
            "somebody else must approve it",
        ),
        (
            by("eve", &good),
            &request,
            now(),
            vec![],
            "not among the allowed signers",
        ),
        (
            by("bob", &good),
            &request,
            now(),
            vec![granted.id.clone()],
            "used already",
        ),
        (
            other(|s| s.run = "01OTHER".into()),
            &request,
            now(),
            vec![],
            "for run 01OTHER",
        ),
        (
            other(|s| s.step = "other".into()),
            &request,
            now(),
            vec![],
            "for step other",
        ),
        (
            other(|s| s.plan_digest = "0".repeat(64)),
            &request,
            now(),
            vec![],
            "for another plan",
        ),
        (
            other(|s| s.cluster_uid = "x".into()),
            &request,
            now(),
            vec![],
            "for another cluster",
        ),
        (
            by("bob", &good),
            &drifted,
            now(),
            vec![],
            "for another plan",
        ),
        (
            by("bob", &good),
            &request,
            late,
            vec![],
            "by the server's clock",
        ),
        (
            by("bob", &longer),
            &request,
            now(),
            vec![],
            "longer than the 900 s",
        ),
        (
            good.text(&signed(dir.path(), "bob", "git", &good.bytes())),
            &request,
            now(),
            vec![],
            "made for `git`",
        ),
        (forged, &request, now(), vec![], "does not fit"),
        ("yes please".into(), &request, now(), vec![], "begins with"),
        (
            by("bob", &good)[..200].to_owned(),
            &request,
            now(),
            vec![],
            "not",
        ),
    ];
    for (text, request, at, used, wanted) in table {
        let said = judged(&text, request, at, &used).unwrap_err();
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(!said.contains('\n') && said.chars().count() < 300, "{said}");
    }
    let nobody = judge(
        &request,
        &by("bob", &good),
        Err("no file of allowed signers is configured"),
        now(),
        &[],
    );
    assert!(nobody.unwrap_err().contains("no file"));
}

#[test]
fn the_file_of_signers_is_read_as_openssh_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path(), "bob", &["ed25519"]);
    let key = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let raw = sshsig::read(&signed(dir.path(), "bob", NAMESPACE, b"m"))
        .unwrap()
        .key;
    for (line, wanted) in [
        (format!("bob@veza.app {key} a comment"), Ok("bob@veza.app")),
        (
            format!("bob,robert namespaces=\"{NAMESPACE}\" {key}"),
            Ok("bob"),
        ),
        (
            format!("bob namespaces=\"git, file\" {key}"),
            Err("not allowed for"),
        ),
        (format!("* {key}"), Err("nobody in particular")),
        (
            format!("bob valid-after=\"20270101Z\" {key}"),
            Err("only later"),
        ),
        (
            format!("bob valid-after=\"20260101Z\",valid-before=\"202603040312Z\" {key}"),
            Err("until earlier"),
        ),
        (
            format!("bob valid-before=\"20260304031201Z\" {key}"),
            Ok("bob"),
        ),
        (format!("bob cert-authority {key}"), Err("not known here")),
        (format!("# bob {key}"), Err("not among")),
        ("bob ssh-ed25519 AAAA".to_owned(), Err("not among")),
        ("nonsense".to_owned(), Err("not among")),
    ] {
        let found = signers::names(&line, &raw, now());
        match wanted {
            Ok(name) => assert_eq!(found.unwrap()[0], name, "{line}"),
            Err(why) => assert!(
                found.clone().unwrap_err().contains(why),
                "{line}: {found:?}"
            ),
        }
    }
}

#[test]
fn the_same_person_is_known_under_the_names_of_the_cluster_and_of_the_file() {
    for (a, b, wanted) in [
        ("oidc:alice@veza.app", "alice@veza.app", true),
        ("Alice", "alice@veza.app", true),
        ("alice@veza.app", "alice@other.org", false),
        ("oncall", "bob@veza.app", false),
        (
            "system:serviceaccount:ci:deployer",
            "deployer@veza.app",
            true,
        ),
    ] {
        assert_eq!(same(a, b), wanted, "{a} {b}");
    }
}

#[test]
fn a_request_is_read_as_it_was_written_and_any_change_has_another_code() {
    let request = request();
    let read = Request::read(&request.text()).unwrap();
    assert_eq!(read, request);
    assert_eq!(
        (read.code(), read.digest()),
        (request.code(), request.digest())
    );
    assert_eq!(request.code().len(), 9);
    let mut other = request.clone();
    other.reason = None;
    assert_ne!(other.code(), request.code());
    for broken in [
        "",
        "vigie-request:",
        "vigie-request:!!!",
        "vigie-approval:e30",
    ] {
        assert!(Request::read(broken).is_err(), "{broken}");
    }
}
