//! The simulated platform over real HTTP: what an apiserver promises on the wire, this one keeps.
//! Length: one promise of the wire per test.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::scenario::Scenario;
use vigie::sim::{Options, Running, start};

const NS: &str = "/api/v1/namespaces/veza-production";
const APPS: &str = "/apis/apps/v1/namespaces/veza-production";
const BASE: i64 = 1_795_316_412_000;

/// A platform that stands still at a fixed time, so far into its scenario.
pub async fn still(scenario: Scenario, seconds: u64) -> Running {
    let options = Options {
        scenario,
        advance: Duration::from_secs(seconds),
        speed: 0.0,
        base: Some(BASE),
        ..Options::default()
    };
    start(options).await.unwrap()
}

struct As<'a>(&'a Running, Identity);

impl As<'_> {
    fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        Client::new()
            .request(method, format!("{}{path}", self.0.kubernetes))
            .bearer_auth(self.1.token())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn patch(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self
            .ask("PATCH", path)
            .header("content-type", "application/merge-patch+json")
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn oncall(running: &Running) -> As<'_> {
    As(running, Identity::Oncall)
}

/// The next so many JSON lines of a watch.
async fn lines(answer: &mut Response, count: usize) -> Vec<Value> {
    let mut text = String::new();
    while text.matches('\n').count() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(20), answer.chunk())
            .await
            .unwrap()
            .unwrap();
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    text.lines()
        .take(count)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_list_carries_a_version_and_a_watch_goes_on_from_it() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let list = me.get(&format!("{NS}/pods")).await;
    assert_eq!(list["kind"], "PodList");
    assert_eq!(list["items"].as_array().unwrap().len(), 9);
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut watch = me
        .ask(
            "GET",
            &format!("{APPS}/deployments?watch=true&resourceVersion={version}"),
        )
        .send()
        .await
        .unwrap();
    let (code, _) = me
        .patch(
            &format!("{APPS}/deployments/chat-server"),
            &json!({"metadata": {"labels": {"seen": "yes"}}}),
        )
        .await;
    assert_eq!(code, 200);
    let seen = lines(&mut watch, 1).await;
    assert_eq!(seen[0]["type"], "MODIFIED");
    assert_eq!(seen[0]["object"]["metadata"]["labels"]["seen"], "yes");
}

#[tokio::test]
async fn a_streaming_list_ends_with_its_bookmark() {
    let running = still(Scenario::Healthy, 0).await;
    let path = format!(
        "{NS}/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    let mut watch = oncall(&running).ask("GET", &path).send().await.unwrap();
    let seen = lines(&mut watch, 10).await;
    assert!(seen[..9].iter().all(|line| line["type"] == "ADDED"));
    assert_eq!(seen[9]["type"], "BOOKMARK");
    assert_eq!(
        seen[9]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
}

#[tokio::test]
async fn the_type_of_a_watch_line_stands_before_its_object() {
    let running = still(Scenario::Healthy, 0).await;
    let mut watch = oncall(&running)
        .ask("GET", &format!("{NS}/pods?watch=1"))
        .send()
        .await
        .unwrap();
    let chunk = watch.chunk().await.unwrap().unwrap();
    assert!(chunk.starts_with(b"{\"type\":\"ADDED\",\"object\":{"));
}

#[tokio::test]
async fn after_a_compaction_old_versions_are_gone_in_both_ways() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let path = format!("{NS}/pods?watch=true&resourceVersion=1");
    let answer = me.ask("GET", &path).send().await.unwrap();
    assert_eq!(answer.status(), 410);
    let status: Value = answer.json().await.unwrap();
    assert_eq!(status["reason"], "Expired");
    let list = me.get(&format!("{NS}/pods")).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = me
        .ask(
            "GET",
            &format!("{NS}/pods?watch=true&resourceVersion={version}"),
        )
        .send()
        .await
        .unwrap();
    running.world().with(|world| {
        world.deploy("chat-server", "v9", "abc");
        world.compact();
    });
    let seen = lines(&mut watch, 1).await;
    assert_eq!(seen[0]["type"], "ERROR");
    assert_eq!(seen[0]["object"]["code"], 410);
}

#[tokio::test]
async fn pages_add_up_to_the_list() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let mut names = Vec::new();
    let mut path = format!("{NS}/pods?limit=4");
    loop {
        let page = me.get(&path).await;
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pod| pod["metadata"]["name"].to_string()),
        );
        let Some(token) = page["metadata"]["continue"].as_str() else {
            break;
        };
        path = format!("{NS}/pods?limit=4&continue={token}");
    }
    assert_eq!(names.len(), 9);
    names.dedup();
    assert_eq!(names.len(), 9);
}

#[tokio::test]
async fn a_selector_turns_leaving_the_selection_into_a_deletion() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let path = format!("{APPS}/deployments?watch=true&labelSelector=app%3Dchat-server");
    let mut watch = me.ask("GET", &path).send().await.unwrap();
    me.patch(
        &format!("{APPS}/deployments/chat-server"),
        &json!({"metadata": {"labels": {"app": null}}}),
    )
    .await;
    let seen = lines(&mut watch, 2).await;
    assert_eq!(
        (&seen[0]["type"], &seen[1]["type"]),
        (&json!("ADDED"), &json!("DELETED"))
    );
}

#[tokio::test]
async fn preconditions_are_answered_as_a_real_apiserver_answers_them() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let path = format!("{APPS}/deployments/veza-backend");
    let (code, status) = me
        .patch(
            &path,
            &json!({"metadata": {"resourceVersion": "7", "labels": {"a": "b"}}}),
        )
        .await;
    assert_eq!(
        (code.as_u16(), &status["reason"]),
        (409, &json!("Conflict"))
    );
    let (code, status) = me
        .patch(
            &path,
            &json!({"metadata": {"uid": "7", "labels": {"a": "b"}}}),
        )
        .await;
    assert_eq!((code.as_u16(), &status["reason"]), (422, &json!("Invalid")));
    let (code, _) = me
        .patch(
            &format!("{path}?dryRun=All"),
            &json!({"metadata": {"labels": {"a": "b"}}}),
        )
        .await;
    assert_eq!(code, 200);
    assert!(me.get(&path).await["metadata"]["labels"]["a"].is_null());
    let (code, status) = me
        .patch(&format!("{APPS}/deployments/nobody"), &json!({}))
        .await;
    assert_eq!(
        (code.as_u16(), &status["reason"]),
        (404, &json!("NotFound"))
    );
}

#[tokio::test]
async fn a_write_echoes_its_audit_id_and_stands_in_the_write_log() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let request = me
        .ask("PATCH", &format!("{APPS}/deployments/veza-backend"))
        .header("audit-id", "our-own-id");
    let request = request
        .header("content-type", "application/merge-patch+json")
        .body(r#"{"metadata":{"labels":{"a":"b"}}}"#);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["audit-id"], "our-own-id");
    let writes = running.world().writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(
        (
            writes[0].audit_id.as_str(),
            writes[0].user.as_str(),
            writes[0].code
        ),
        ("our-own-id", "oncall", 200)
    );
}

#[tokio::test]
async fn rights_are_refused_with_the_rule_that_is_missing() {
    let running = still(Scenario::Healthy, 0).await;
    let viewer = As(&running, Identity::Viewer);
    let (code, status) = viewer
        .patch(&format!("{APPS}/deployments/veza-backend"), &json!({}))
        .await;
    assert_eq!(code, 403);
    let wanted = "deployments.apps \"veza-backend\" is forbidden: User \"viewer\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"veza-production\"";
    assert_eq!(status["message"], wanted);
    let unknown = Client::new()
        .get(format!("{}{NS}/pods", running.kubernetes))
        .bearer_auth("x")
        .send()
        .await
        .unwrap();
    assert_eq!(unknown.status(), 401);
    let review = json!({"spec": {"resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "veza-production"}}});
    for (who, allowed) in [(Identity::Viewer, false), (Identity::Oncall, true)] {
        let request = As(&running, who).ask(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        );
        let answer: Value = request
            .json(&review)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["status"]["allowed"], allowed);
    }
}

#[tokio::test]
async fn a_lease_is_created_once_and_updated_only_from_its_last_version() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let path = "/apis/coordination.k8s.io/v1/namespaces/veza-production/leases";
    let lease = json!({"metadata": {"name": "vigie"}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}});
    let made = me.ask("POST", path).json(&lease).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let mut made: Value = made.json().await.unwrap();
    assert_eq!(
        me.ask("POST", path)
            .json(&lease)
            .send()
            .await
            .unwrap()
            .status(),
        409
    );
    made["spec"]["holderIdentity"] = "b".into();
    let put = |body: Value| me.ask("PUT", &format!("{path}/vigie")).json(&body).send();
    assert_eq!(put(made.clone()).await.unwrap().status(), 200);
    assert_eq!(put(made).await.unwrap().status(), 409);
}

#[tokio::test]
async fn the_bad_release_is_there_when_time_has_passed() {
    let running = still(Scenario::BadRelease, 120).await;
    let deployment = oncall(&running)
        .get(&format!("{APPS}/deployments/veza-backend"))
        .await;
    assert_eq!(
        deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "43"
    );
    assert_eq!(deployment["status"]["updatedReplicas"], 3);
    let errors = running.world().with_ledger(|ledger, _| {
        let new = ledger.pods.values().filter(|t| t.version == "v1.1.0");
        new.filter_map(|t| t.spans.last())
            .map(|s| s.behaviour.errors)
            .fold(0.0, f64::max)
    });
    assert!(errors > 0.2, "{errors}");
}

#[tokio::test]
async fn time_passes_by_itself_and_watchers_hear_of_it() {
    let options = Options {
        scenario: Scenario::BadRelease,
        speed: 200.0,
        base: Some(BASE),
        ..Options::default()
    };
    let running = start(options).await.unwrap();
    let path = format!("{APPS}/deployments?watch=true&fieldSelector=metadata.name%3Dveza-backend");
    let mut watch = oncall(&running).ask("GET", &path).send().await.unwrap();
    let done = async {
        let mut text = String::new();
        while !text.contains("\"deployment.kubernetes.io/revision\":\"43\"") {
            let chunk = watch.chunk().await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), done)
        .await
        .unwrap();
}

#[tokio::test]
async fn logs_are_cut_as_asked_and_the_last_words_of_a_crash_are_kept() {
    let running = still(Scenario::CrashLoop, 70).await;
    let me = oncall(&running);
    let pods = me
        .get(&format!("{NS}/pods?labelSelector=app%3Dveza-backend"))
        .await;
    let name = |version: &str| {
        let pod = pods["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["metadata"]["labels"]["version"] == version)
            .unwrap();
        pod["metadata"]["name"].as_str().unwrap().to_owned()
    };
    let good = me
        .ask(
            "GET",
            &format!(
                "{NS}/pods/{}/log?tailLines=5&timestamps=true",
                name("v1.0.0")
            ),
        )
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(good.lines().count(), 5);
    assert!(good.lines().all(|line| line.starts_with("20")));
    let last = me
        .ask(
            "GET",
            &format!("{NS}/pods/{}/log?previous=true", name("v1.1.0")),
        )
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        last.contains("panic: cannot start without migrations"),
        "{last}"
    );
    let none = me
        .ask(
            "GET",
            &format!("{NS}/pods/{}/log?previous=true", name("v1.0.0")),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 400);
}

fn rule(method: &str, fault: Fault) -> Rule {
    Rule {
        face: Some(Face::Kubernetes),
        method: method.into(),
        path: "/apis/apps".into(),
        fault,
        times: Some(1),
    }
}

#[tokio::test]
async fn a_dropped_answer_is_an_error_whether_or_not_the_write_was_done() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let path = format!("{APPS}/deployments/veza-backend");
    for (fault, done) in [(Fault::DropBefore, false), (Fault::DropAfter, true)] {
        running.faults().add(rule("PATCH", fault));
        let request = me
            .ask("PATCH", &path)
            .header("content-type", "application/merge-patch+json");
        let outcome = request
            .body(r#"{"metadata":{"labels":{"a":"b"}}}"#)
            .send()
            .await;
        assert!(outcome.is_err());
        assert_eq!(me.get(&path).await["metadata"]["labels"]["a"] == "b", done);
    }
}

#[tokio::test]
async fn faults_refuse_halve_and_cut() {
    let running = still(Scenario::Healthy, 0).await;
    let me = oncall(&running);
    let path = format!("{APPS}/deployments");
    running
        .faults()
        .add(rule("GET", Fault::Status(429, Some(3))));
    let answer = me.ask("GET", &path).send().await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "3")
    );
    running.faults().add(rule("GET", Fault::HalfBody));
    let answer = me.ask("GET", &path).send().await.unwrap();
    assert!(answer.text().await.is_err());
    let mut watch = me
        .ask("GET", &format!("{path}?watch=true"))
        .send()
        .await
        .unwrap();
    assert!(watch.chunk().await.unwrap().is_some());
    running.faults().cut_streams();
    let mut end = watch.chunk().await;
    while let Ok(Some(_)) = end {
        end = watch.chunk().await;
    }
    assert!(end.is_err());
}

#[tokio::test]
async fn the_crowd_is_listed_whole_and_keeps_changing() {
    let options = Options {
        scenario: Scenario::Large,
        pods: 700,
        churn: 500,
        ..Options::default()
    };
    let running = start(options).await.unwrap();
    let me = oncall(&running);
    let list = me.get("/api/v1/pods").await;
    assert!(list["items"].as_array().unwrap().len() > 700);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = me
        .ask(
            "GET",
            &format!("/api/v1/pods?watch=true&resourceVersion={version}"),
        )
        .send()
        .await
        .unwrap();
    let seen = lines(&mut watch, 50).await;
    assert!(seen.iter().all(|line| line["type"] == "MODIFIED"));
}
