//! What a server may do to us with a refusal: talk without end, fall silent in the middle, ask to wait. Everything is counted.

use super::server::{PIECE, Reply, Seen, Server, line, list, mark, pod};
use super::{Held, SHORT, cluster, next, veza};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vigie::platform::failure::{Failure, FailureKind, SAID_LIMIT};
use vigie::platform::kubernetes::{Cluster, Manner, Patience, Pods, Precondition, Sighting};

/// More than what is read and what the sockets hold; far less than what an endless answer would send.
const ENOUGH: usize = 48 << 20;

/// A write, and how it fails.
async fn evict(cluster: &Cluster) -> Failure {
    let (pod, manner) = (Precondition::default(), Manner::default());
    let write = cluster.evict("veza", "api", &pod, &manner).await;
    write.unwrap_err()
}

#[tokio::test]
async fn a_refusal_without_end_is_read_up_to_a_bound() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let server = Server::start(move |_, _| Reply::text(500, "no").endless(&count)).await;
    let cluster = cluster(&server).await;
    let bounded = |what: &str| {
        let bytes = sent.swap(0, Ordering::SeqCst) * PIECE;
        assert!(bytes > 0 && bytes < ENOUGH, "{what}: {bytes} bytes");
    };

    let failure = cluster.identity().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Server(500));
    assert!(failure.said.chars().count() <= SAID_LIMIT);
    bounded("a question");

    let failure = evict(&cluster).await;
    assert_eq!(failure.kind, FailureKind::Server(500));
    assert!(!failure.definite(), "nobody knows whether it took effect");
    bounded("a write");

    let proxy = cluster.service_proxy("veza", "prometheus", "9090");
    let (code, body) = proxy.get("/api/v1/query").await.unwrap();
    assert_eq!(code, 500);
    assert!(body.len() <= 1 << 20, "{}", body.len());
    bounded("a question behind the proxy");

    let mut watch = cluster.watch_with::<Pods>(&veza(), None, SHORT);
    let Sighting::Troubled(failure) = next(&mut watch).await else {
        panic!("no trouble");
    };
    assert_eq!(failure.kind, FailureKind::Server(500));
    drop(watch);
    bounded("a watch");
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let server = Server::start(move |_, _| Reply::text(200, "{").endless(&count)).await;
    let failure = cluster(&server).await.identity().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    let bytes = sent.load(Ordering::SeqCst) * PIECE;
    assert!(bytes < (64 << 20) + ENOUGH, "{bytes}");
}

#[tokio::test]
async fn a_refusal_that_falls_silent_stands_by_its_status() {
    let server = Server::start(|_, _| Reply::text(409, "some").hang()).await;
    let cluster = cluster(&server).await;
    let failure = evict(&cluster).await;
    assert_eq!(
        (failure.kind, &*failure.said),
        (FailureKind::Conflict, "some")
    );
    assert_eq!(server.seen().len(), 1);
}

/// Refuses the first request that is meant so, with nothing but a header that says how long to wait.
fn busy(number: usize, refused: usize, status: u16, seen: &Seen) -> Reply {
    if number == refused {
        return Reply::text(status, "the proxy is busy").header("retry-after", "1");
    }
    match (
        seen.uri.contains("watch=true"),
        seen.uri.contains("sendInitialEvents"),
    ) {
        (true, true) => Reply::lines([line("ADDED", &pod("a", 1)), mark(5, true)]).hang(),
        (true, false) => Reply::lines([line("ADDED", &pod("b", 6))]).hang(),
        (false, _) => Reply::text(200, &list("items", &[pod("a", 1)], 5)),
    }
}

/// Watches until both pods, or the one of the list, are there; how long that took and what was asked.
async fn patiently(refused: usize, status: u16, patience: Patience, pods: usize) {
    let server = Server::start(move |number, seen| busy(number, refused, status, seen)).await;
    let begun = Instant::now();
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, patience);
    let mut held = Held::default();
    held.until(&mut watch, |held| {
        held.rows.len() == pods && held.listed == 1
    })
    .await;
    let wait = FailureKind::Throttled(Some(Duration::from_secs(1)));
    assert_eq!(held.troubles, [wait], "request {refused}, status {status}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let uris: Vec<String> = server.seen().into_iter().map(|seen| seen.uri).collect();
    assert_eq!(
        uris[refused],
        uris[refused + 1],
        "the same is asked again, once"
    );
    assert_eq!(uris.iter().filter(|uri| **uri == uris[refused]).count(), 2);
}

#[tokio::test]
async fn a_header_that_asks_to_wait_is_heeded_by_every_way_of_listing() {
    let calm = Patience {
        silence: Duration::from_secs(60),
        listing: Duration::from_secs(60),
        ..SHORT
    };
    let plain = Patience {
        listing: Duration::ZERO,
        ..calm
    };
    tokio::join!(
        patiently(0, 429, calm, 1),
        patiently(0, 503, calm, 1),
        patiently(0, 429, plain, 2),
        patiently(0, 503, plain, 2),
        // The list was granted; it is the watch after it that has to wait.
        patiently(1, 429, plain, 2),
    );
}
