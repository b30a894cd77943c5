//! The cluster's adapter over real HTTP: against a tiny server that misbehaves on purpose, and, where there is one, a real control plane.

mod asked;
mod bounds;
mod lost;
mod protobuf;
mod real;
mod server;

use server::{Reply, Seen, Server, line, list, mark, pod};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use vigie::domain::pod::Pod;
use vigie::domain::target::Scope;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{Cluster, Options, Patience, Pods, Sighting, Watch};

const SHORT: Patience = Patience {
    opening: Duration::from_secs(10),
    silence: Duration::from_millis(300),
    listing: Duration::from_millis(300),
    first: Duration::from_millis(20),
    longest: Duration::from_millis(100),
};

async fn cluster(server: &Server) -> Cluster {
    let options = Options {
        server: Some(server.address()),
        ..Options::default()
    };
    Cluster::connect(&options).await.unwrap()
}

fn veza() -> Scope {
    Scope::Namespace("veza".into())
}

async fn next<T: std::fmt::Debug>(watch: &mut Watch<T>) -> Sighting<T> {
    tokio::time::timeout(Duration::from_secs(20), watch.next())
        .await
        .expect("the watch says something")
        .expect("the watch goes on")
}

/// What a listener holds after following a watch until a condition holds.
#[derive(Default, Debug)]
struct Held {
    rows: BTreeMap<String, Pod>,
    new: BTreeMap<String, Pod>,
    listing: bool,
    listed: usize,
    skipped: u64,
    troubles: Vec<FailureKind>,
}

impl Held {
    fn take(&mut self, sighting: Sighting<Pod>) {
        match sighting {
            Sighting::Listing => (self.listing, self.new) = (true, BTreeMap::new()),
            Sighting::Rows(rows) => {
                let to = if self.listing {
                    &mut self.new
                } else {
                    &mut self.rows
                };
                to.extend(rows.into_iter().map(|row| (row.name.to_string(), row)));
            }
            Sighting::Gone(uids) => {
                let to = if self.listing {
                    &mut self.new
                } else {
                    &mut self.rows
                };
                to.retain(|_, row| !uids.contains(&row.uid));
            }
            Sighting::Listed => {
                self.rows = std::mem::take(&mut self.new);
                self.listing = false;
                self.listed += 1;
            }
            Sighting::Skipped(count) => self.skipped += count,
            Sighting::Troubled(failure) => self.troubles.push(failure.kind),
            Sighting::Heard | Sighting::Denied(_) | Sighting::Absent => {}
        }
    }

    async fn until(&mut self, watch: &mut Watch<Pod>, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let sighting = next(watch).await;
            self.take(sighting);
        }
    }

    fn names(&self) -> Vec<&str> {
        self.rows.keys().map(String::as_str).collect()
    }
}

#[tokio::test]
async fn a_streaming_list_needs_one_request_and_goes_on_with_changes() {
    let server = Server::start(|_, _| {
        Reply::lines([
            line("ADDED", &pod("a", 1)),
            line("ADDED", &pod("b", 2)),
            mark(5, true),
            line("MODIFIED", &pod("c", 6)),
            line("DELETED", &pod("a", 7)),
        ])
        .hang()
    })
    .await;
    let mut watch = cluster(&server).await.watch::<Pods>(&veza(), None);
    assert_eq!(next(&mut watch).await, Sighting::Listing);
    let mut held = Held {
        listing: true,
        ..Held::default()
    };
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(held.names(), ["a", "b"]);
    held.until(&mut watch, |held| {
        held.rows.len() == 2 && held.names() == ["b", "c"]
    })
    .await;
    let asked = server.seen();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0]
            .uri
            .starts_with("/api/v1/namespaces/veza/pods?watch=true&sendInitialEvents=true")
    );
}

#[tokio::test]
async fn without_streams_one_unpaged_list_is_decoded_item_by_item() {
    let server = Server::start(|_, seen: &Seen| {
        if seen.uri.contains("sendInitialEvents") {
            Reply::status(422, "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled")
        } else if seen.uri.contains("watch=true") {
            Reply::lines([line("ADDED", &pod("z", 10))]).hang()
        } else {
            Reply::pieces(&list("items", &(0..1200).map(|n| pod(&format!("p{n:04}"), n)).collect::<Vec<_>>(), 9), 700)
        }
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&Scope::All, None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(held.rows.len(), 1200);
    held.until(&mut watch, |held| held.rows.contains_key("z"))
        .await;
    let asked = server.seen();
    assert_eq!(asked[1].uri, "/api/v1/pods?resourceVersion=0");
    assert!(
        asked[2].uri.contains("resourceVersion=9&"),
        "{}",
        asked[2].uri
    );
}

#[tokio::test]
async fn an_expired_version_begins_a_new_list_and_keeps_the_rows_until_it_is_complete() {
    let server = Server::start(|number, _| match number {
        0 => Reply::lines([
            line("ADDED", &pod("old", 1)),
            mark(5, true),
            server::error(410),
        ]),
        _ => Reply::lines([line("ADDED", &pod("new", 8)), mark(9, true)]).hang(),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    held.until(&mut watch, |held| held.listing).await;
    assert_eq!(held.names(), ["old"]);
    held.until(&mut watch, |held| held.listed == 2).await;
    assert_eq!(held.names(), ["new"]);
    assert!(held.troubles.is_empty());
}

#[tokio::test]
async fn a_server_that_stands_before_where_we_are_is_another_one_and_is_listed() {
    let server = Server::start(|number, _| match number {
        0 => Reply::lines([line("ADDED", &pod("ghost", 70)), mark(90, true)]),
        1 => Reply::lines([mark(40, false)]).hang(),
        _ => Reply::lines([line("ADDED", &pod("own", 8)), mark(41, true)]).hang(),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 2).await;
    assert_eq!(held.names(), ["own"]);
}

#[tokio::test]
async fn a_stream_cut_in_the_middle_of_a_line_goes_on_where_it_was() {
    let server = Server::start(|number, _| match number {
        0 => {
            let half = line("MODIFIED", &pod("b", 7));
            Reply::lines([
                line("ADDED", &pod("a", 1)),
                mark(5, true),
                line("ADDED", &pod("b", 6)),
            ])
            .then(&half[..half.len() / 2])
            .cut()
        }
        _ => Reply::lines([line("MODIFIED", &pod("b", 7)), line("ADDED", &pod("c", 8))]).hang(),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.rows.len() == 3).await;
    assert_eq!((held.listed, held.troubles.len(), held.skipped), (1, 0, 0));
    assert!(server.seen()[1].uri.contains("resourceVersion=6&"));
}

#[tokio::test]
async fn a_list_cut_short_never_becomes_the_table() {
    let server = Server::start(|number, _| match number {
        0 => Reply::lines([line("ADDED", &pod("half", 1))]).cut(),
        _ => Reply::lines([
            line("ADDED", &pod("a", 1)),
            line("ADDED", &pod("b", 2)),
            mark(5, true),
        ])
        .hang(),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(held.names(), ["a", "b"]);
}

#[tokio::test]
async fn a_silent_stream_is_opened_again_where_it_was() {
    let server = Server::start(|number, _| match number {
        0 => Reply::lines([line("ADDED", &pod("a", 1)), mark(5, true)]).hang(),
        _ => Reply::lines([line("ADDED", &pod("b", 6))]).hang(),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.rows.len() == 2).await;
    assert_eq!(held.listed, 1);
    assert!(server.seen()[1].uri.contains("resourceVersion=5&"));
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_given_the_time() {
    let server = Server::start(|number, _| match number {
        0 => Reply::status_with(
            429,
            r#"{"kind":"Status","code":429,"message":"later","details":{"retryAfterSeconds":1}}"#,
        ),
        _ => Reply::lines([mark(5, true)]).hang(),
    })
    .await;
    let begun = Instant::now();
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(
        held.troubles,
        [FailureKind::Throttled(Some(Duration::from_secs(1)))]
    );
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn without_the_right_for_all_namespaces_one_is_watched_and_that_is_said() {
    let server = Server::start(|_, seen: &Seen| {
        if seen.uri.starts_with("/api/v1/pods") {
            Reply::status(403, r#"pods is forbidden: User "viewer" cannot watch resource "pods" in API group "" at the cluster scope"#)
        } else if seen.uri.starts_with("/api/v1/namespaces/own/") {
            Reply::lines([line("ADDED", &pod("a", 1)), mark(5, true)]).hang()
        } else {
            Reply::status(403, r#"pods is forbidden: User "viewer" cannot watch resource "pods" in API group "" in the namespace "veza""#)
        }
    })
    .await;
    let cluster = cluster(&server).await;
    let mut watch = cluster.watch_with::<Pods>(&Scope::All, Some("own".into()), SHORT);
    let Sighting::Denied(denial) = next(&mut watch).await else {
        panic!("not denied");
    };
    assert_eq!(denial.narrowed_to.as_deref(), Some("own"));
    let FailureKind::Forbidden(rule) = &denial.failure.kind else {
        panic!("not forbidden");
    };
    assert_eq!(
        (&*rule.user, &*rule.verb, &*rule.namespace),
        ("viewer", "watch", "")
    );
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(held.names(), ["a"]);

    let mut refused = cluster.watch_with::<Pods>(&veza(), Some("own".into()), SHORT);
    let Sighting::Denied(denial) = next(&mut refused).await else {
        panic!("not denied");
    };
    assert_eq!((denial.narrowed_to, denial.scope), (None, veza()));
}

#[tokio::test]
async fn a_kind_the_server_lacks_is_absent() {
    let server = Server::start(|_, _| Reply::text(404, "404 page not found")).await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    assert_eq!(next(&mut watch).await, Sighting::Absent);
}

#[tokio::test]
async fn one_bad_object_costs_neither_the_list_nor_the_watch() {
    let strange = r#"{"type":"ADDED","object":{"metadata":{"name":"odd","uid":"u-odd","namespace":7,"resourceVersion":"3","labels":{"a":1,"b":"2"}},
        "spec":{"containers":[{"name":"main"},"what"]},"status":{"phase":"Running","containerStatuses":[{"name":"main","restartCount":"many","ready":true,"state":{"running":{}}}]}}}"#;
    let server = Server::start(move |_, _| {
        Reply::lines([
            line("ADDED", &pod("a", 1)),
            strange.replace('\n', " ") + "\n",
            "{\"type\":\"ADDED\",\"object\":{\"metadata\":\n".to_owned(),
            "\n".to_owned(),
            line("ADDED", r#"{"kind":"Pod"}"#),
            mark(5, true),
        ])
        .hang()
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, SHORT);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(held.names(), ["a", "odd"]);
    assert_eq!(held.skipped, 3);
    let odd = &held.rows["odd"];
    assert_eq!(
        (odd.ready, odd.containers, &*odd.status, odd.restarts),
        (1, 1, "Running", 0)
    );
    assert_eq!(odd.labels.len(), 1);
}

#[tokio::test]
async fn nobody_there_is_said_and_tried_again() {
    let server = Server::start(|_, _| Reply::lines([mark(5, true)]).hang()).await;
    let options = Options {
        server: Some(format!("http://{}", server::nobody().await)),
        ..Options::default()
    };
    let cluster = Cluster::connect(&options).await.unwrap();
    let mut watch = cluster.watch_with::<Pods>(&veza(), None, SHORT);
    for _ in 0..2 {
        let Sighting::Troubled(failure) = next(&mut watch).await else {
            panic!("no trouble");
        };
        assert_eq!(
            failure.kind,
            FailureKind::Unreachable("connection refused".into())
        );
    }
    drop(server);
}
