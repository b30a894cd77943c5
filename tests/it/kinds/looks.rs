//! Requests to services and searches of what pods write: nothing is changed by them, and silence proves nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use vigie::engine::runs::policy::Rules;
use vigie::runbook::machine::{Fact, RunState};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};

use super::bench::Kinds;

const TIMEOUT: &str = "timeout = { after = \"30s\", then = \"abort\" }\non_failure = \"abort\"";

fn http(url: &str, more: &str) -> String {
    format!("id = \"h\"\nkind = \"http\"\nurl = \"{url}\"\n{TIMEOUT}\n{more}")
}

fn scan(more: &str) -> String {
    format!(
        "id = \"s\"\nkind = \"scan\"\nns = \"veza-production\"\ntarget = \"Deployment/veza-backend\"\n{TIMEOUT}\n{more}"
    )
}

async fn told(fence: &str, who: Identity) -> (RunState, String, Kinds) {
    let mut kinds = Kinds::new(&[fence], who).await;
    let end = kinds.end().await;
    assert!(kinds.writes().is_empty(), "looking changes nothing");
    (end.state, end.message, kinds)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_through_both_proxies() {
    for via in ["service-proxy", "pod-proxy"] {
        let fence = http(
            "http://veza-backend.veza-production/health",
            &format!(
                "via = \"{via}\"\nexpect = {{ status = 200, body_contains = \"ok\" }}\ncapture = {{ code = \"out.status\" }}"
            ),
        );
        let (state, message, kinds) = told(&fence, Identity::Oncall).await;
        assert_eq!(state, RunState::Succeeded, "{via}: {message}");
        let out = kinds
            .bench
            .journal()
            .into_iter()
            .find_map(|fact| match fact {
                Fact::Done { step, out } if step == "h" => Some(out),
                _ => None,
            });
        let out = out.unwrap();
        assert_eq!((&out["status"], &out["code"]), (&200.into(), &200.into()));
        assert!(
            out.get("body").is_none(),
            "a body is no business of the journal: {out}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_expected_fails_with_what_was_seen() {
    for (url, more, wanted) in [
        (
            "http://veza-backend/nowhere",
            "via = \"service-proxy\"",
            "the status is 404, no success",
        ),
        (
            "http://veza-backend/health",
            "expect = { body_contains = \"fine\" }",
            "does not hold \"fine\"; it begins \"ok",
        ),
        (
            "http://veza-backend/health",
            "expect = { json = { a = 1 } }",
            "the body is no JSON",
        ),
        (
            "http://veza-backend:9999/health",
            "via = \"service-proxy\"",
            "no answer",
        ),
        ("http://nobody:80/", "", "there is no pod nobody"),
        (
            "http://status.example.com/",
            "via = \"direct\"",
            "is not a host that runbooks may ask",
        ),
    ] {
        let (state, message, _) = told(&http(url, more), Identity::Oncall).await;
        assert!(
            matches!(state, RunState::Aborted) && message.contains(wanted),
            "{url}: {message}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_outside_is_asked_where_the_configuration_names_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut asked = Vec::new();
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"up\":true}\r\n",
            "HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (mut line, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let read = line.read(&mut head).await.unwrap();
            asked.push(String::from_utf8_lossy(&head[..read]).into_owned());
            line.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    let rules = || Rules {
        hosts: Arc::new(BTreeSet::from([format!("localhost:{port}")])),
        ..Rules::default()
    };
    let url = format!("http://localhost:{port}/status?x=1");
    let fence = http(&url, "via = \"direct\"\nexpect = { json = { up = true } }");
    let mut kinds = Kinds::ruled(&[&fence], Identity::Oncall, rules()).await;
    let end = kinds.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{end:?}");
    let mut kinds = Kinds::ruled(
        &[&http(&url, "via = \"direct\"")],
        Identity::Oncall,
        rules(),
    )
    .await;
    let end = kinds.end().await;
    assert!(
        end.message.contains("the status is 302, no success"),
        "not followed: {end:?}"
    );
    let asked = served.await.unwrap();
    assert!(
        asked
            .iter()
            .all(|head| head.starts_with("GET /status?x=1 HTTP/1.1")),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pods_log_is_searched_and_findings_are_masked() {
    let (state, message, kinds) = told(&scan("sample = 300"), Identity::Oncall).await;
    assert_eq!(
        state,
        RunState::Succeeded,
        "{message}\n{}",
        kinds.bench.story()
    );
    let (state, message, kinds) =
        told(&scan("pattern = \"GET /api/v1/[a-z]+\""), Identity::Oncall).await;
    assert_eq!(state, RunState::Aborted, "{message}");
    assert!(
        message.starts_with("found: pattern G*** in veza-backend-"),
        "{message}"
    );
    let pods: BTreeSet<&str> = message
        .split("pattern G*** in ")
        .skip(1)
        .filter_map(|one| one.split(',').next())
        .collect();
    assert_eq!(pods.len(), 3, "every pod: {message}");
    assert!(
        !kinds.bench.story().contains("/api/v1/tracks"),
        "what was found stays where it was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_read_is_inconclusive_and_never_clean() {
    let mut kinds = Kinds::new(&[&scan("")], Identity::Oncall).await;
    kinds.bench.faults().add(Rule {
        face: Some(Face::Kubernetes),
        method: "GET".into(),
        path: "/api/v1/namespaces/veza-production/pods/".into(),
        fault: Fault::Status(500, None),
        times: None,
    });
    let end = kinds.end().await;
    assert!(
        end.state == RunState::Aborted && end.message.starts_with("inconclusive, not clean"),
        "{end:?}"
    );
    let empty = "id = \"s\"\nkind = \"scan\"\nns = \"veza-production\"\nselector = \"app=nobody\"\non_failure = \"continue\"\ntimeout = { after = \"30s\" }";
    let (state, message, _) = told(empty, Identity::Oncall).await;
    assert!(
        state != RunState::Succeeded && message.contains("there are no pods to read"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_searched_in_their_labels() {
    let (state, message, _) = told(&scan("in = \"metrics\""), Identity::Oncall).await;
    assert_eq!(state, RunState::Succeeded, "{message}");
    let (state, message, _) = told(
        &scan("in = \"metrics\"\npattern = \"status=.5\""),
        Identity::Oncall,
    )
    .await;
    assert!(
        state == RunState::Succeeded || message.starts_with("found"),
        "{message}"
    );
    let (_, message, _) = told(&scan("in = \"metrics\""), Identity::Viewer).await;
    assert!(
        message.starts_with("inconclusive"),
        "who may not look has not looked: {message}"
    );
}
