//! Where the audit log goes besides its file: everything arrives in its order and at least once, what is late or lost is said.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use vigie::domain::syslog::Address;
use vigie::engine::sinks::{self, Sink};
use vigie::journal::{Audit, AuditEvent, Cursor, RealDisk};

use crate::command::Home;
use crate::incidents::hook;

const OK: Option<&str> = Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
const BUSY: Option<&str> = Some("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n");

/// Somebody did things; how many records there are.
async fn acted(home: &Home) -> usize {
    let open = ["incident", "open", "--severity", "P2", "--title", "t"];
    let (code, opened) = home.json(&open).await;
    assert_eq!(code, Some(0), "{opened}");
    let id = opened["incident"].as_str().unwrap();
    for text in ["one", "two"] {
        let said = home.run(&["incident", "note", id, text]).await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    log(&home.folder.path().join("state/vigie")).len()
}

fn log(state: &Path) -> Vec<Value> {
    Audit::new(state, RealDisk).read().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_hears_every_record_in_order_and_again_what_it_refused() {
    let home = Home::new();
    let all = acted(&home).await;
    assert!(all >= 3, "{all}");
    let answers = [OK, BUSY].into_iter();
    let (url, heard) = hook(answers.chain(std::iter::repeat_n(OK, all - 1)).collect()).await;
    home.write("siem", &url);
    let file = home.path("siem");
    home.write(
        "config/vigie/config.toml",
        &format!("[audit]\nwebhook_file = {file:?}\n"),
    );
    let refused = home.run(&["audit", "deliver"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.out.contains("HTTP 503"), "{refused:?}");
    let (code, standing) = home.json(&["audit", "status"]).await;
    let sink = &standing["sinks"][0];
    assert_eq!(
        (code, &sink["delivered"], &sink["waiting"]),
        (Some(1), &json!(1), &json!(all - 1)),
        "{standing}"
    );
    let doctor = home.run(&["doctor"]).await;
    let says = format!("webhook: delivered up to record 1, {} waiting", all - 1);
    assert!(doctor.out.contains(&says), "{doctor:?}");
    let done = home.run(&["audit", "deliver"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let heard = heard.await.unwrap();
    let numbers: Vec<u64> = heard
        .iter()
        .map(|request| {
            let body = request.split("\r\n\r\n").nth(1).unwrap();
            let record: Value = serde_json::from_str(body).unwrap();
            let id = format!("idempotency-key: {}", record["hash"].as_str().unwrap());
            assert!(request.contains(&id), "{request}");
            record["seq"].as_u64().unwrap()
        })
        .collect();
    let expected: Vec<u64> = [1, 2].into_iter().chain(2..=all as u64).collect();
    assert_eq!(numbers, expected, "each, and once more what was refused");
    let nothing = home.run(&["audit", "deliver"]).await;
    assert_eq!(nothing.code, Some(0), "nothing is sent twice: {nothing:?}");
    for said in [&refused, &done, &nothing] {
        let words = format!("{}{}", said.out, said.err);
        assert!(!words.contains("T0-very-secret"), "{words}");
    }
}

fn event(number: i64) -> AuditEvent {
    AuditEvent {
        ts: Timestamp::from_second(1_700_000_000 + number).unwrap(),
        event: "armed".into(),
        fields: Map::new(),
    }
}

/// A log of small files.
fn written(state: &Path, many: i64) {
    for number in 1..=many {
        let mut audit = Audit::new(state, RealDisk).rotating_at(600);
        audit.append(&[event(number)]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syslog_by_tcp_gets_each_record_with_its_hash() {
    let state = tempfile::tempdir().unwrap();
    written(state.path(), 9);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Address::Tcp(listener.local_addr().unwrap().to_string());
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    });
    let sink = Sink::Syslog(to);
    let came = sinks::deliver(state.path(), &sink).await.unwrap().unwrap();
    assert_eq!((came.delivered, came.waiting, came.lost), (9, 0, 0));
    let heard = heard.await.unwrap();
    let mut rest = heard.as_str();
    for record in log(state.path()) {
        let (length, after) = rest.split_once(' ').unwrap();
        let message = &after[..length.parse::<usize>().unwrap()];
        assert!(message.starts_with("<109>1 2023-11-14T"), "{message}");
        let hash = format!(" hash=\"{}\"", record["hash"].as_str().unwrap());
        assert!(message.contains(&hash), "{message}");
        rest = &after[message.len()..];
    }
    assert!(rest.is_empty(), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pruned_before_it_went_is_counted_as_lost() {
    let state = tempfile::tempdir().unwrap();
    written(state.path(), 9);
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let sink = Sink::Syslog(Address::Udp(socket.local_addr().unwrap().to_string()));
    let cursor = Cursor {
        seq: 1,
        ..Cursor::default()
    };
    cursor.keep(state.path(), sink.name()).unwrap();
    let standing = sinks::standing(state.path(), &sink).unwrap();
    assert_eq!((standing.delivered, standing.waiting), (1, 8));
    let files = Audit::new(state.path(), RealDisk).files();
    assert!(files.len() > 3, "{files:?}");
    for old in &files[..2] {
        std::fs::remove_file(old).unwrap();
    }
    let left = log(state.path());
    let first = left[0]["seq"].as_u64().unwrap();
    let came = sinks::deliver(state.path(), &sink).await.unwrap().unwrap();
    assert_eq!((came.delivered, came.lost), (9, first - 2), "{came:?}");
    let mut bytes = [0; 4_096];
    for _ in &left {
        let read = tokio::time::timeout(Duration::from_secs(10), socket.recv(&mut bytes));
        assert!(read.await.unwrap().unwrap() > 0);
    }
    // It stays said.
    let standing = sinks::standing(state.path(), &sink).unwrap();
    assert_eq!((standing.waiting, standing.lost), (0, first - 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_deliver_one_does() {
    let state = tempfile::tempdir().unwrap();
    written(state.path(), 2);
    let sink = Sink::Syslog("udp:127.0.0.1:9".parse().unwrap());
    let held = Cursor::hold(state.path(), sink.name()).unwrap();
    assert!(held.is_some());
    let came = sinks::deliver(state.path(), &sink).await.unwrap();
    assert_eq!(came, None, "another process has it");
    drop(held);
    let came = sinks::deliver(state.path(), &sink).await.unwrap();
    assert!(came.is_some_and(|came| came.delivered == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_none_is_a_mistake_of_the_configuration() {
    for (line, says) in [
        ("syslog = \"/dev/log\"", "it names no syslog"),
        ("syslog = \"tcp:siem\"", "it names no syslog"),
    ] {
        let home = Home::new();
        home.write("config/vigie/config.toml", &format!("[audit]\n{line}\n"));
        let said = home.run(&["audit", "status"]).await;
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(says), "{said:?}");
    }
    let home = Home::new();
    let said = home.run(&["audit", "status"]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("nowhere but into its file"), "{said:?}");
}
