//! What is asked once or changed once: writes, proxies, logs, tables, each over real HTTP.

use super::server::{Reply, Seen, Server, line};
use super::{cluster, next, veza};
use std::sync::Arc;
use std::time::Duration;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{
    Cluster, Known, LogNews, LogRequest, Manner, Options, Precondition, Sighting, TableFact,
    contexts, plugin_of,
};

pub fn deployment() -> Known {
    Known::everyday("deploy").unwrap()
}

fn rehearsal() -> Manner {
    Manner {
        dry_run: true,
        audit_id: Some("run-1".into()),
    }
}

#[tokio::test]
async fn a_write_is_one_request_with_its_audit_id_whatever_comes_back() {
    let server = Server::start(|_, seen: &Seen| match seen.uri.as_str() {
        uri if uri.contains("/good?") => Reply::json(
            200,
            r#"{"metadata":{"resourceVersion":"9","generation":4,"uid":"u"}}"#,
        )
        .header("audit-id", "run-1"),
        uri if uri.contains("/busy?") => Reply::status(503, "try later").header("retry-after", "1"),
        uri if uri.contains("/taken?") => Reply::status(409, "the object has been modified"),
        uri if uri.contains("/full?") => Reply::status(429, "budget").header("retry-after", "7"),
        _ => Reply::lines([]).cut(),
    })
    .await;
    let cluster = cluster(&server).await;
    let patch = serde_json::json!({ "spec": { "paused": true } });
    let manner = rehearsal();
    let known = deployment();
    let write = async |name: &str| cluster.patch(&known, "veza", name, &patch, &manner).await;
    let applied = write("good").await.unwrap();
    assert_eq!(
        (&*applied.resource_version, applied.generation),
        ("9", Some(4))
    );
    assert_eq!(applied.audit_id.as_deref(), Some("run-1"));
    let busy = write("busy").await.unwrap_err();
    assert_eq!(
        (busy.kind.clone(), busy.definite()),
        (FailureKind::Server(503), false)
    );
    assert_eq!(
        write("taken").await.unwrap_err().kind,
        FailureKind::Conflict
    );
    let full = write("full").await.unwrap_err();
    assert_eq!(
        full.kind,
        FailureKind::Throttled(Some(Duration::from_secs(7)))
    );
    assert!(full.definite());
    let lost = write("lost").await.unwrap_err();
    assert_eq!(
        (lost.kind.clone(), lost.definite()),
        (FailureKind::Interrupted, false)
    );
    assert_eq!(server.seen().len(), 5, "each write is sent once");
    for asked in &server.seen() {
        assert_eq!(asked.method, "PATCH");
        assert_eq!(asked.headers["audit-id"], "run-1");
        assert_eq!(
            asked.headers["content-type"],
            "application/merge-patch+json"
        );
        assert!(
            asked.uri.ends_with("?fieldManager=vigie&dryRun=All"),
            "{}",
            asked.uri
        );
        assert_eq!(asked.body, patch.to_string());
    }
}

#[tokio::test]
async fn an_eviction_names_the_pod_it_means() {
    let server = Server::start(|_, _| Reply::json(201, r#"{"kind":"Status"}"#)).await;
    let gone = Precondition {
        uid: Some("u".into()),
        resource_version: None,
    };
    let done = cluster(&server)
        .await
        .evict("veza", "p", &gone, &Manner::default())
        .await;
    assert!(done.is_ok());
    assert!(
        server.seen()[0]
            .body
            .contains(r#""preconditions":{"uid":"u"}"#)
    );
}

#[tokio::test]
async fn a_proxied_answer_keeps_its_status_and_a_broken_way_is_a_failure() {
    let server = Server::start(|_, seen: &Seen| match seen.uri.as_str() {
        uri if uri.contains("query=bad") => {
            Reply::json(400, r#"{"status":"error","errorType":"bad_data"}"#)
        }
        uri if uri.contains("query=none") => {
            Reply::status(503, "no endpoints available for service \"prometheus\"")
        }
        _ => Reply::json(200, r#"{"status":"success"}"#),
    })
    .await;
    let proxy = cluster(&server)
        .await
        .service_proxy("monitoring", "prometheus", "9090");
    let (code, body) = proxy.get("/api/v1/query?query=up").await.unwrap();
    assert_eq!((code, &body[..]), (200, &br#"{"status":"success"}"#[..]));
    assert_eq!(
        server.seen()[0].uri,
        "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=up"
    );
    let (code, body) = proxy.get("/api/v1/query?query=bad").await.unwrap();
    assert_eq!(code, 400);
    assert!(body.starts_with(br#"{"status":"error""#));
    let failure = proxy.get("/api/v1/query?query=none").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Server(503));
    assert!(failure.said.contains("no endpoints"));
}

#[tokio::test]
async fn a_log_goes_on_without_loss_or_repetition_over_a_cut() {
    let server = Server::start(|number, _| match number {
        0 => Reply::lines(
            [
                "2026-11-21T10:00:00.1Z one\n",
                "2026-11-21T10:00:00.2Z two\n",
                "2026-11-21T10:00:00.2Z two again\n",
                "2026-11-21T10:00:00.3Z hal",
            ]
            .map(str::to_owned),
        )
        .cut(),
        _ => Reply::lines(
            [
                "2026-11-21T10:00:00.1Z one\n",
                "2026-11-21T10:00:00.2Z two\n",
                "2026-11-21T10:00:00.2Z two again\n",
                "2026-11-21T10:00:00.2Z two more\n",
                "2026-11-21T10:00:00.3Z half\n",
            ]
            .map(str::to_owned),
        )
        .hang(),
    })
    .await;
    let mut logs = cluster(&server).await.logs(LogRequest {
        namespace: "veza".into(),
        pod: "p".into(),
        follow: true,
        tail: Some(10),
        ..LogRequest::default()
    });
    let mut texts = Vec::new();
    while texts.len() < 5 {
        let news = tokio::time::timeout(Duration::from_secs(20), logs.next()).await;
        if let LogNews::Lines(lines) = news.unwrap().unwrap() {
            texts.extend(lines.into_iter().map(|line| line.text));
        }
    }
    assert_eq!(texts, ["one", "two", "two again", "two more", "half"]);
    let seen = server.seen();
    assert!(seen[0].uri.contains("tailLines=10") && !seen[0].uri.contains("sinceTime"));
    assert!(
        seen[1].uri.contains("sinceTime=2026-11-21T10:00:00Z"),
        "{}",
        seen[1].uri
    );
}

#[tokio::test]
async fn any_kind_is_a_table_that_is_watched() {
    let row = r#"{"cells":["web","a.test",null,"5d"],"object":{"metadata":{"name":"web","namespace":"veza","uid":"u1","resourceVersion":"7"}}}"#;
    let columns = r#"[{"name":"Name","priority":0},{"name":"Hosts","priority":0},{"name":"Class","priority":1},{"name":"Age","priority":0}]"#;
    let server = Server::start(move |_, seen: &Seen| {
        if seen.uri.contains("watch=true") {
            Reply::lines([line("DELETED", &format!(r#"{{"kind":"Table","rows":[{row}]}}"#))]).hang()
        } else {
            Reply::json(200, &format!(r#"{{"kind":"Table","metadata":{{"resourceVersion":"9"}},"columnDefinitions":{columns},"rows":[{row}]}}"#))
        }
    })
    .await;
    let known = Known {
        kind: "Ingress".into(),
        plural: "ingresses".into(),
        group: "networking.k8s.io".into(),
        version: "v1".into(),
        namespaced: true,
        ..Known::default()
    };
    let mut watch = cluster(&server).await.watch_table(&known, &veza(), None);
    assert_eq!(next(&mut watch).await, Sighting::Listing);
    let Sighting::Rows(facts) = next(&mut watch).await else {
        panic!("no rows");
    };
    let TableFact::Row(row) = &facts[0] else {
        panic!("no row")
    };
    assert_eq!(row.cells, ["web", "a.test", "<none>", "5d"].map(Arc::from));
    let TableFact::Columns(columns) = &facts[1] else {
        panic!("no columns")
    };
    assert!(columns.len() == 4 && columns[2].wide);
    assert_eq!(next(&mut watch).await, Sighting::Listed);
    assert_eq!(next(&mut watch).await, Sighting::Heard);
    assert_eq!(next(&mut watch).await, Sighting::Gone(vec!["u1".into()]));
    assert!(server.seen()[0].headers["accept"].contains("as=Table"));
}

/// A kubeconfig whose plugin issues `t1`, `t2`, … and the folder it counts in.
fn with_plugin(server: &Server) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let script = format!(
        r#"echo >> '{0}'; printf '{{"status":{{"token":"t%d"}}}}' $(wc -l < '{0}')"#,
        count.display()
    );
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "prod",
        "clusters": [{ "name": "c", "cluster": { "server": server.address() } }],
        "users": [{ "name": "u", "user": { "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", script], "interactiveMode": "IfAvailable" } } }],
        "contexts": [{ "name": "prod", "context": { "cluster": "c", "user": "u", "namespace": "veza" } }],
    });
    let path = folder.path().join("config");
    std::fs::write(&path, config.to_string()).unwrap();
    let options = Options {
        kubeconfig: Some(path.into_os_string()),
        act_as: Some("somebody".into()),
        act_as_groups: vec!["ops".into(), "dev".into()],
        ..Options::default()
    };
    (folder, options)
}

#[tokio::test]
async fn a_login_that_ran_out_is_renewed_once_and_a_write_is_not_repeated() {
    let server = Server::start(|number, seen: &Seen| {
        let wanted = if number < 2 { "Bearer t2" } else { "Bearer t3" };
        if seen
            .headers
            .get("authorization")
            .is_some_and(|own| own == wanted)
        {
            Reply::json(200, r#"{"metadata":{"uid":"u"},"items":[]}"#)
        } else {
            Reply::status(401, "Unauthorized")
        }
    })
    .await;
    let (folder, options) = with_plugin(&server);
    assert_eq!(plugin_of(&options).unwrap().as_deref(), Some("sh"));
    assert_eq!(
        contexts(&options).unwrap()[0].namespace.as_deref(),
        Some("veza")
    );
    let cluster = Cluster::connect(&options).await.unwrap();
    let runs = || {
        std::fs::read_to_string(folder.path().join("count"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((runs(), server.seen().len()), (1, 0), "one run, no request");
    assert_eq!(&*cluster.cluster_uid().await.unwrap(), "u");
    let seen = server.seen();
    assert_eq!((seen.len(), runs()), (2, 2));
    assert_eq!(seen[0].headers["impersonate-user"], "somebody");
    let patch = serde_json::json!({});
    let failure = cluster
        .patch(&deployment(), "veza", "api", &patch, &Manner::default())
        .await;
    assert_eq!(failure.unwrap_err().kind, FailureKind::Unauthorized);
    assert_eq!(
        (server.seen().len(), runs()),
        (3, 3),
        "the write was sent once"
    );
    cluster.namespaces().await.unwrap();
    assert_eq!((server.seen().len(), runs()), (4, 3));
}

#[tokio::test]
async fn a_cluster_is_searched_for_its_sources_and_then_its_namespaces() {
    let prometheus = r#"{"items":[{"metadata":{"name":"prometheus","namespace":"monitoring"},"spec":{"ports":[{"name":"web","port":9090}]}}]}"#;
    let server = Server::start(move |_, seen: &Seen| match seen.uri.as_str() {
        "/api/v1/services?resourceVersion=0" => Reply::status(
            403,
            r#"services is forbidden: User "v" cannot list resource "services""#,
        ),
        "/api/v1/namespaces/monitoring/services?resourceVersion=0" => Reply::json(200, prometheus),
        _ => Reply::json(200, r#"{"items":[]}"#),
    })
    .await;
    let found = cluster(&server)
        .await
        .find_sources(&["veza", "monitoring"])
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&*found[0].namespace, &*found[0].name, found[0].port),
        ("monitoring", "prometheus", 9090)
    );
}
