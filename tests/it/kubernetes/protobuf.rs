//! A list of pods in protobuf: taken where it is spoken, and where it is not, or badly, the rows come in JSON and nobody notices.

use super::server::{self, Reply, Seen, Server, line, list, pod};
use super::{Held, SHORT, cluster, next, veza};
use std::time::Duration;
use vigie::domain::target::Scope;
use vigie::platform::failure::FailureKind;
use vigie::platform::kubernetes::{Patience, Pods, Services, Sighting};

const NAME: &str = "application/vnd.kubernetes.protobuf";
/// Only plain lists, as the console has it.
const PLAIN: Patience = Patience {
    listing: Duration::ZERO,
    silence: Duration::from_secs(20),
    ..SHORT
};

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encode_length_delimiter(usize::from(number) << 3 | 2, &mut field).unwrap();
    prost::encode_length_delimiter(bytes.len(), &mut field).unwrap();
    field.extend_from_slice(bytes);
    field
}

/// A message of such fields.
fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let fields = fields.iter().map(|(number, bytes)| field(*number, bytes));
    fields.collect::<Vec<_>>().concat()
}

/// The same pod as [`pod`] makes.
fn packed(name: &str, version: u64) -> Vec<u8> {
    let label = message(&[(1, b"app"), (2, b"x")]);
    let meta = message(&[
        (1, name.as_bytes()),
        (3, b"veza"),
        (5, format!("uid-{name}").as_bytes()),
        (6, version.to_string().as_bytes()),
        (8, b""),
        (11, &label),
        (17, &message(&[(1, b"m")])[..]),
    ]);
    let spec = message(&[
        (2, &message(&[(1, b"main"), (2, b"r/x:v1")])),
        (10, b"node-1"),
    ]);
    let state = message(&[(2, &message(&[(1, b"")]))]);
    let mut container = message(&[(1, b"main"), (2, &state), (3, b"")]);
    container.extend([4 << 3, 1, 5 << 3, 0]);
    let ready = message(&[(1, b"Ready"), (2, b"True"), (4, b"")]);
    let status = message(&[(1, b"Running"), (2, &ready), (8, &container)]);
    message(&[(1, &meta), (2, &spec), (3, &status)])
}

fn document(kind: &[u8], raw: &[u8]) -> Vec<u8> {
    let of = message(&[(1, b"v1"), (2, kind)]);
    let envelope = message(&[(1, &of), (2, raw), (3, b""), (4, b"")]);
    [b"k8s\0", &envelope[..]].concat()
}

fn packed_list(items: &[Vec<u8>], version: u64) -> Vec<u8> {
    let head = message(&[(1, b""), (2, version.to_string().as_bytes()), (3, b"")]);
    let items = items.iter().flat_map(|item| field(2, item));
    let raw: Vec<u8> = field(1, &head).into_iter().chain(items).collect();
    document(b"PodList", &raw)
}

fn speaks(body: &[u8], piece: usize) -> Reply {
    Reply::bytes(body, piece).header("content-type", NAME)
}

fn many(count: u64) -> impl Iterator<Item = (String, u64)> {
    (0..count).map(|number| (format!("p{number:04}"), number))
}

/// Whether protobuf may be answered.
fn wants(seen: &Seen) -> bool {
    seen.headers["accept"].contains(NAME)
}

fn is_list(seen: &Seen) -> bool {
    !seen.uri.contains("watch=true")
}

/// Follows a watch until its first list stands.
async fn listed(server: &Server) -> Held {
    let mut watch = cluster(server)
        .await
        .watch_with::<Pods>(&veza(), None, PLAIN);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    held
}

#[tokio::test]
async fn a_list_in_protobuf_is_one_request_and_the_same_rows() {
    let server = Server::start(|_, seen| match (is_list(seen), wants(seen)) {
        (true, true) => {
            let items: Vec<_> = many(1200).map(|(name, at)| packed(&name, at)).collect();
            speaks(&packed_list(&items, 9), 700)
        }
        (false, false) => Reply::lines([line("ADDED", &pod("z", 10))]).hang(),
        _ => Reply::text(200, &list("items", &[pod("in-json", 1)], 5)),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&Scope::All, None, PLAIN);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    let in_json = Server::start(|_, seen| {
        let items: Vec<_> = many(1200).map(|(name, at)| pod(&name, at)).collect();
        match is_list(seen) {
            true => Reply::text(200, &list("items", &items, 9)),
            false => Reply::lines([]).hang(),
        }
    })
    .await;
    assert_eq!(held.rows.len(), 1200);
    assert_eq!(held.rows, listed(&in_json).await.rows);
    held.until(&mut watch, |held| held.rows.contains_key("z"))
        .await;
    assert!(held.troubles.is_empty() && held.skipped == 0);
    let asked = server.seen();
    assert_eq!(asked[0].uri, "/api/v1/pods?resourceVersion=0");
    assert!(asked[1].uri.contains("resourceVersion=9&"));
    assert_eq!(asked[1].headers["accept"], "application/json");
    assert_eq!(asked.len(), 2);
}

/// One list of pods in both forms, as kube-apiserver 1.34 gave it at one moment: the harness's fates and statuses by hand.
const PACKED: &[u8] = include_bytes!("lists/pods.protobuf");
const SPELLED: &str = include_str!("lists/pods.json");

#[tokio::test]
async fn what_a_real_apiserver_packed_is_what_it_spelled() {
    let server = |reply: fn() -> Reply| {
        Server::start(move |_, seen| match is_list(seen) {
            true => reply(),
            false => Reply::lines([]).hang(),
        })
    };
    let packed = server(|| speaks(PACKED, 1000)).await;
    let spelled = server(|| Reply::text(200, SPELLED)).await;
    let held = listed(&packed).await;
    assert_eq!(held.rows, listed(&spelled).await.rows);
    assert_eq!(held.skipped, 0);
    assert_eq!(packed.seen().into_iter().filter(is_list).count(), 1);
    let statuses: Vec<&str> = held.rows.values().map(|pod| &*pod.status).collect();
    assert_eq!(
        statuses,
        [
            "Evicted",
            "Completed",
            "Unknown",
            "Running",
            "Init:1/2",
            "Init:CrashLoopBackOff",
            "Init:Signal:9",
            "NotReady",
            "CrashLoopBackOff",
            "Running",
            "Init:0/1",
            "Signal:9",
        ]
    );
}

/// Answers lists in JSON where protobuf is not asked for, and something else where it is.
async fn talks_nonsense(nonsense: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |number, seen| match (is_list(seen), wants(seen)) {
        (true, true) => nonsense(),
        (true, false) => {
            let items = [pod("a", 1), pod("b", 2)];
            Reply::text(200, &list("items", &items, 5))
        }
        (false, _) if number < 4 => Reply::lines([server::error(410)]),
        (false, _) => Reply::lines([]).hang(),
    })
    .await
}

/// The rows come, nothing is said, and protobuf is asked for once: not even after the list has expired again.
async fn falls_back(what: &str, nonsense: impl Fn() -> Reply + Send + Sync + 'static) {
    let server = talks_nonsense(nonsense).await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, PLAIN);
    let mut held = Held::default();
    held.until(&mut watch, |held| held.listed == 1).await;
    assert_eq!(held.names(), ["a", "b"], "{what}");
    held.until(&mut watch, |held| held.listed == 2).await;
    assert_eq!(held.names(), ["a", "b"], "{what}");
    assert_eq!((held.troubles.len(), held.skipped), (0, 0), "{what}");
    let lists: Vec<Seen> = server.seen().into_iter().filter(is_list).collect();
    let wanted: Vec<bool> = lists.iter().map(wants).collect();
    assert_eq!(wanted, [true, false, false], "{what}");
}

#[tokio::test]
async fn a_server_or_proxy_that_refuses_protobuf_is_asked_in_json() {
    falls_back("not acceptable", || {
        Reply::status(406, "only the following media types are accepted")
    })
    .await;
    falls_back("a bad request", || Reply::text(400, "what?")).await;
}

#[tokio::test]
async fn broken_protobuf_is_asked_for_again_in_json() {
    let good = || vec![packed("ghost", 1), packed("a", 2)];
    let whole = packed_list(&good(), 5);
    let cut = whole[..whole.len() - 30].to_vec();
    let without = |bytes: &[u8]| packed_list(&[good(), vec![bytes.to_vec()]].concat(), 5);
    let mut latin = packed("a", 2);
    let at = latin.windows(6).position(|six| six == b"r/x:v1").unwrap();
    latin[at] = 0xe9;
    let mut compressed = whole.clone();
    let end = compressed.len() - 4;
    compressed.truncate(end);
    compressed.extend(message(&[(3, b"gzip"), (4, b"")]));
    let versionless = document(b"PodList", &field(1, b""));
    let broken: [(&str, Vec<u8>); 9] = [
        ("nothing at all", Vec::new()),
        ("a web page", b"<html>sign in</html>".to_vec()),
        ("json", list("items", &[pod("ghost", 1)], 5).into_bytes()),
        ("an envelope that is cut", cut),
        ("an item that is none", without(b"\x0a\xff\x01")),
        ("text that is none", without(&latin)),
        ("compressed within", compressed),
        ("another kind", document(b"Status", &field(3, b"what?"))),
        ("no version", versionless),
    ];
    for (what, body) in broken {
        falls_back(what, move || speaks(&body, 64)).await;
    }
}

#[tokio::test]
async fn an_item_without_end_is_not_waited_for() {
    // It says that it is 1 GB long.
    let head = message(&[(2, b"5")]);
    let of = message(&[(1, b"v1"), (2, b"PodList")]);
    let mut start = [b"k8s\0", &field(1, &of)[..], &[0x12]].concat();
    prost::encode_length_delimiter(2 << 30, &mut start).unwrap();
    start.extend([field(1, &head), vec![0x12]].concat());
    prost::encode_length_delimiter(1 << 30, &mut start).unwrap();
    falls_back("too long", move || speaks(&start, 64).hang()).await;
}

#[tokio::test]
async fn a_connection_that_breaks_says_nothing_about_the_form() {
    let server = Server::start(|number, seen| match (is_list(seen), number) {
        (true, 0) => {
            let whole = packed_list(&[packed("ghost", 1), packed("a", 2)], 5);
            speaks(&whole[..whole.len() - 30], 64).cut()
        }
        (true, _) if wants(seen) => speaks(&packed_list(&[packed("a", 2)], 5), 64),
        (true, _) => Reply::text(200, &list("items", &[pod("in-json", 1)], 5)),
        (false, _) => Reply::lines([]).hang(),
    })
    .await;
    let held = listed(&server).await;
    assert_eq!(held.names(), ["a"]);
    assert!(
        matches!(held.troubles[..], [FailureKind::Unreachable(_)]),
        "{:?}",
        held.troubles
    );
}

#[tokio::test]
async fn who_answers_in_json_is_asked_once() {
    let server = talks_nonsense(|| {
        Reply::text(200, &list("items", &[pod("a", 1)], 5))
            .header("content-type", "application/json")
    })
    .await;
    assert_eq!(listed(&server).await.names(), ["a"]);
    assert_eq!(server.seen().into_iter().filter(is_list).count(), 1);
}

#[tokio::test]
async fn a_refusal_in_protobuf_says_what_it_says_in_json() {
    let said = r#"pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "veza""#;
    let server = Server::start(move |number, _| {
        let mut status = message(&[(2, b"Failure")]);
        if number == 0 {
            // `retryAfterSeconds: 1`
            status.extend(message(&[(3, b"later"), (5, &[5 << 3, 1])]));
            let body = document(b"Status", &status);
            return speaks(&body, 64).refusing(429);
        }
        status.extend(message(&[(3, said.as_bytes()), (4, b"Forbidden")]));
        speaks(&document(b"Status", &status), 64).refusing(403)
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Pods>(&veza(), None, PLAIN);
    let Sighting::Troubled(failure) = next(&mut watch).await else {
        panic!("no trouble");
    };
    let wait = FailureKind::Throttled(Some(Duration::from_secs(1)));
    assert_eq!((failure.kind, &*failure.said), (wait, "later"));
    let Sighting::Denied(denial) = next(&mut watch).await else {
        panic!("not denied");
    };
    let FailureKind::Forbidden(rule) = &denial.failure.kind else {
        panic!("not forbidden");
    };
    assert_eq!(
        (&*rule.user, &*rule.verb, &*rule.namespace),
        ("viewer", "list", "veza")
    );
    assert_eq!(&*denial.failure.said, said);
}

#[tokio::test]
async fn other_kinds_are_asked_in_json_alone() {
    let server = Server::start(|_, seen| match is_list(seen) {
        true => Reply::text(200, &list("items", &[], 5)),
        false => Reply::lines([]).hang(),
    })
    .await;
    let mut watch = cluster(&server)
        .await
        .watch_with::<Services>(&veza(), None, PLAIN);
    while next(&mut watch).await != Sighting::Listed {}
    assert!(!server.seen().iter().any(wants));
}
