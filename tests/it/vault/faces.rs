//! The same requests to the simulated Vault and to the real one: code, errors and the shape of the answer must be the same.

use super::platform;
use super::real::setting;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One request: who, method, path, body.
type Ask = (&'static str, &'static str, &'static str, Value);

/// A path that the test has for itself: `PATH` is put in.
fn questions() -> Vec<Ask> {
    let data = "secret/data/PATH";
    let put = |cas: u64| json!({"options": {"cas": cas}, "data": {"a": "x", "n": 5}});
    vec![
        ("none", "GET", "sys/health", Value::Null),
        ("none", "GET", "sys/seal-status", Value::Null),
        ("none", "GET", data, Value::Null),
        ("wrong", "GET", data, Value::Null),
        ("wrong", "GET", "auth/token/lookup-self", Value::Null),
        ("oncall", "GET", "auth/token/lookup-self", Value::Null),
        ("root", "GET", "auth/token/lookup-self", Value::Null),
        (
            "oncall",
            "POST",
            "sys/capabilities-self",
            json!({"paths": ["secret/data/veza/production", "secret/destroy/veza/production", "x/y"]}),
        ),
        (
            "viewer",
            "POST",
            "sys/capabilities-self",
            json!({"paths": ["secret/metadata/veza/production"]}),
        ),
        (
            "root",
            "POST",
            "sys/capabilities-self",
            json!({"paths": ["secret/data/x"]}),
        ),
        ("root", "POST", "sys/capabilities-self", json!({})),
        ("oncall", "GET", "secret/data/veza/other", Value::Null),
        ("viewer", "GET", "secret/data/veza/production", Value::Null),
        ("root", "GET", data, Value::Null),
        ("root", "GET", "secret/metadata/PATH", Value::Null),
        ("root", "GET", "secret/subkeys/PATH", Value::Null),
        ("root", "PATCH", data, json!({"data": {"a": "b"}})),
        (
            "root",
            "POST",
            data,
            json!({"options": {"cas": 3}, "data": {"a": "x"}}),
        ),
        ("root", "POST", data, put(0)),
        ("root", "POST", data, put(0)),
        ("root", "POST", data, json!({"options": {}})),
        ("root", "GET", data, Value::Null),
        ("root", "GET", "secret/data/PATH?version=7", Value::Null),
        (
            "root",
            "PATCH",
            data,
            json!({"options": {"cas": 9}, "data": {"a": "y"}}),
        ),
        (
            "root",
            "PATCH",
            data,
            json!({"options": {"cas": 1}, "data": {"a": "y", "n": null, "o": {"p": "q"}}}),
        ),
        ("root", "PATCH", data, json!({"options": {"cas": 2}})),
        ("root", "GET", data, Value::Null),
        ("root", "GET", "secret/subkeys/PATH", Value::Null),
        ("root", "GET", "secret/subkeys/PATH?depth=1", Value::Null),
        ("root", "GET", "secret/metadata/PATH", Value::Null),
        (
            "root",
            "POST",
            "secret/metadata/PATH",
            json!({"cas_required": true}),
        ),
        ("root", "POST", data, json!({"data": {"a": "x"}})),
        ("root", "PATCH", data, json!({"data": {"a": "x"}})),
        ("root", "DELETE", data, Value::Null),
        ("root", "GET", data, Value::Null),
        ("root", "GET", "secret/subkeys/PATH", Value::Null),
        (
            "root",
            "PATCH",
            data,
            json!({"options": {"cas": 2}, "data": {"a": "y"}}),
        ),
        (
            "root",
            "POST",
            "secret/undelete/PATH",
            json!({"versions": [2]}),
        ),
        ("root", "GET", data, Value::Null),
        (
            "root",
            "PUT",
            "secret/destroy/PATH",
            json!({"versions": [1]}),
        ),
        (
            "root",
            "PUT",
            "secret/destroy/PATH",
            json!({"versions": [1]}),
        ),
        ("root", "PUT", "secret/destroy/PATH", json!({})),
        ("root", "GET", "secret/data/PATH?version=1", Value::Null),
        ("root", "GET", "secret/metadata/PATH", Value::Null),
        ("root", "GET", "secret/metadata/PATH?list=true", Value::Null),
        (
            "root",
            "POST",
            "secret/destroy/PATH-absent",
            json!({"versions": [1]}),
        ),
        ("root", "DELETE", "secret/data/PATH-absent", Value::Null),
        ("root", "POST", "secret/subkeys/PATH", json!({})),
        ("root", "GET", "kv/data/PATH", Value::Null),
        ("root", "DELETE", "secret/metadata/PATH", Value::Null),
        ("root", "GET", "secret/metadata/PATH", Value::Null),
    ]
}

async fn ask(
    url: &str,
    token: Option<&str>,
    (_, method, path, body): &Ask,
    own: &str,
) -> (u16, Value) {
    let client = reqwest_free::client();
    let path = path.replace("PATH", own);
    client.ask(url, token, method, &path, body).await
}

/// What is the same in every answer to a question: the names of the keys, the errors, the numbers of versions.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(at: &str, value: &Value, into: &mut BTreeSet<String>) {
        let leaf = match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (key, value) in fields {
                    walk(&format!("{at}/{key}"), value, into);
                }
                return;
            }
            Value::Number(_) if !at.ends_with("version") => "number".to_owned(),
            Value::String(text) if !text.is_empty() => "text".to_owned(),
            other => other.to_string(),
        };
        into.insert(format!("{at} {leaf}"));
    }
    let mut all = BTreeSet::new();
    walk("", value, &mut all);
    all
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test cluster with Vault: VIGIE_TEST_CLUSTER names its state directory"]
async fn real_and_simulated_answer_alike() {
    let running = platform().await;
    let real = setting("VAULT_ADDR");
    let own = format!("faces-{}", std::process::id());
    let mut different = Vec::new();
    for question in questions() {
        let who = question.0;
        let token = |simulated: bool| match who {
            "none" => None,
            "wrong" => Some("hvs.wrong".to_owned()),
            _ if simulated => Some(format!("simulated-vault-{who}")),
            "root" => Some("root-token".to_owned()),
            _ => Some(format!("{who}-vault-token")),
        };
        let theirs = ask(&real, token(false).as_deref(), &question, &own).await;
        let ours = ask(&running.vault, token(true).as_deref(), &question, &own).await;
        let (a, b) = (shape(&theirs.1), shape(&ours.1));
        if theirs.0 != ours.0 || a != b {
            let only = |x: &BTreeSet<String>, y: &BTreeSet<String>| {
                x.difference(y).cloned().collect::<Vec<_>>()
            };
            different.push(format!(
                "{} {} as {who}: real {} only {:?}, simulated {} only {:?}",
                question.1,
                question.2,
                theirs.0,
                only(&a, &b),
                ours.0,
                only(&b, &a)
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A client of its own, so that no mistake of ours is on both sides: the bytes of HTTP.
mod reqwest_free {
    use serde_json::Value;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    pub struct Client;

    pub fn client() -> Client {
        Client
    }

    impl Client {
        pub async fn ask(
            &self,
            url: &str,
            token: Option<&str>,
            method: &str,
            path: &str,
            body: &Value,
        ) -> (u16, Value) {
            let host = url.trim_start_matches("http://").trim_end_matches('/');
            let mut line = TcpStream::connect(host).await.unwrap();
            let text = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            let kind = if method == "PATCH" {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            let token = token
                .map(|token| format!("X-Vault-Token: {token}\r\n"))
                .unwrap_or_default();
            let head = format!(
                "{method} /v1/{path} HTTP/1.1\r\nHost: {host}\r\n{token}Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                text.len()
            );
            line.write_all((head + &text).as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            line.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8(answer).unwrap();
            let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
            let code = head.split(' ').nth(1).unwrap().parse().unwrap();
            let rest = if head.to_lowercase().contains("transfer-encoding: chunked") {
                let (_, rest) = rest.split_once("\r\n").unwrap_or_default();
                rest.rsplit_once("\r\n0\r\n")
                    .map_or(rest, |(rest, _)| rest)
                    .to_owned()
            } else {
                rest.to_owned()
            };
            (code, serde_json::from_str(&rest).unwrap_or_default())
        }
    }
}
