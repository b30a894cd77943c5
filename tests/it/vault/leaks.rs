//! Whatever Vault or something before it answers: no value that was sent, and no token, is in what we say of it.

use super::{client, production};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;

const VALUE: &str = "planted/+signing \"key\" 7f3a9c";
const TOKEN: &str = "hvs.planted-token-5d1e";

/// Answers every request with a status and this body.
fn server(status: u16, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for line in listener.incoming() {
            let mut line = line.unwrap();
            let mut seen = Vec::new();
            let mut piece = [0; 4096];
            while !seen.ends_with(b"}") {
                match line.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => seen.extend_from_slice(&piece[..length]),
                }
            }
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = line.write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}

fn echoes() -> Vec<String> {
    let json = serde_json::to_string(VALUE).unwrap();
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = VALUE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    vec![
        VALUE.to_owned(),
        json[1..json.len() - 1].to_owned(),
        STANDARD.encode(VALUE),
        URL_SAFE_NO_PAD.encode(VALUE),
        STANDARD.encode(format!("{{\"data\":{{\"jwt_secret\":{json}}}}}")),
        hex,
        percent,
        TOKEN.to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_brings_a_value_or_the_token_into_a_failure() {
    let changes = super::change("jwt_secret", VALUE);
    let data = BTreeMap::from([("jwt_secret".to_owned(), VALUE.into())]);
    for echo in echoes() {
        for (status, body) in [
            (
                400,
                serde_json::json!({"errors": [format!("cannot take {echo}!")]}).to_string(),
            ),
            (
                400,
                serde_json::json!({"errors": [echo.clone()], "data": {"x": echo.clone()}})
                    .to_string(),
            ),
            (500, echo.clone()),
            (403, format!("<html><body>{echo}</body></html>")),
            (200, format!("{{\"data\":{{\"version\":\"{echo}\"")),
            (302, echo.clone()),
            (
                404,
                serde_json::json!({"errors": [format!("no handler for route {echo}")]}).to_string(),
            ),
        ] {
            let vault = client(&server(status, body), TOKEN);
            let failures = [
                vault.patch(&production(), 1, &changes).await.unwrap_err(),
                vault.write(&production(), 1, &data).await.unwrap_err(),
            ];
            for failure in failures {
                let said = format!(
                    "{failure}\n{failure:?}\n{}\n{}",
                    failure.short(),
                    failure.advice()
                );
                for hidden in echoes() {
                    assert!(!said.contains(&hidden), "{status}: {said}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_held_shows_nothing() {
    let vault = client("http://user:hush@127.0.0.1:9", TOKEN);
    let changes = super::change("jwt_secret", VALUE);
    let said = format!("{vault:?} {changes:?} {}", vault.address());
    for hidden in [VALUE, TOKEN, "hush"] {
        assert!(!said.contains(hidden), "{said}");
    }
}
