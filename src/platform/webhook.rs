//! Notifications by webhook: one POST, at most once a call, and an honest answer about whether it arrived. The address is a
//! secret: it is never shown, logged or part of an error.

use crate::platform::http::clip;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest text that is sent, in characters.
const LONGEST: usize = 3_000;
/// The longest address that is read of a file.
const ADDRESS: usize = 4_096;

/// How the other side wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `{"text": "…"}`, as Slack and what speaks like it.
    #[default]
    Slack,
    /// A document of its own, with `"schema": 1`.
    Json,
}

/// Where the address comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// It is known.
    Url(String),
    /// A file has it, read anew each time.
    File(PathBuf),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(hidden)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// A way to tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: String,
    /// Where it goes to.
    pub address: Address,
    /// How.
    pub format: Format,
}

/// What is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Names this message: the same when it is sent again, so that the other side may notice.
    pub id: String,
    /// What kind: `incident`, `severity`, `resolved`, `update`.
    pub kind: String,
    /// The incident, where it is about one.
    pub incident: Option<String>,
    /// How bad, where that is known.
    pub severity: Option<String>,
    /// In words.
    pub text: String,
    /// When, RFC 3339.
    pub at: String,
}

/// It arrived: the other side said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent;

/// Why it may not have arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It definitely did not: nothing was sent, or the other side refused it.
    #[error("not sent: {0}")]
    Not(String),
    /// It may have: the connection broke, or nothing was heard, after bytes were sent.
    #[error("maybe sent: {0}")]
    Maybe(String),
}

/// Sends a message, once. It is for the caller to have written down that it will be, and what came of it.
pub async fn post(channel: &Channel, message: &Message) -> Result<Sent, Failure> {
    let line = Line::to(&channel.address).await?;
    let body = body(channel.format, message).to_string();
    line.post(&message.id, body).await
}

/// A webhook whose address is known, for as many documents as there are.
pub struct Line {
    url: reqwest::Url,
    client: reqwest::Client,
}

impl Line {
    /// The way there; nothing is sent yet.
    pub async fn to(to: &Address) -> Result<Self, Failure> {
        let url = address(to).await.map_err(Failure::Not)?;
        let near = matches!(
            url.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]" | "::1")
        );
        let mut builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE / 2)
            .redirect(reqwest::redirect::Policy::none())
            // A connection of before may be gone: sent over a new one, a reset says more.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("vigie/", env!("CARGO_PKG_VERSION")));
        if url.scheme() == "http" {
            builder = builder.tls_certs_only([]);
            if near {
                builder = builder.no_proxy();
            }
        }
        let client = builder
            .build()
            .map_err(|_| Failure::Not("no client for it could be made".to_owned()))?;
        Ok(Self { url, client })
    }

    /// Sends a document of JSON, once, under an id that is the same whenever it is sent again.
    pub async fn post(&self, id: &str, body: String) -> Result<Sent, Failure> {
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("idempotency-key", id)
            .body(body);
        match request.send().await {
            Ok(answer) => judged(answer.status().as_u16()),
            Err(error) if error.is_builder() || error.is_connect() => Err(Failure::Not(why(error))),
            Err(error) => Err(Failure::Maybe(why(error))),
        }
    }
}

/// What the other side's status says.
fn judged(status: u16) -> Result<Sent, Failure> {
    match status {
        200..=299 => Ok(Sent),
        300..=399 => Err(Failure::Not(format!(
            "it redirects elsewhere (HTTP {status}); name the address it redirects to"
        ))),
        // A gateway that heard nothing does not know whether what is behind it did.
        502 | 504 => Err(Failure::Maybe(format!("HTTP {status} of a gateway"))),
        _ => Err(Failure::Not(format!("HTTP {status}"))),
    }
}

/// The reason without the address: the outermost words name it, the innermost cause does not.
fn why(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut inner: &(dyn std::error::Error + 'static) = &error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    match inner.downcast_ref::<std::io::Error>() {
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ => clip(&inner.to_string()),
    }
}

async fn address(address: &Address) -> Result<reqwest::Url, String> {
    let text = match address {
        Address::Url(url) => url.clone(),
        Address::File(path) => {
            let bad = |why: &str| format!("the address file {}: {why}", path.display());
            let text = tokio::fs::read_to_string(path)
                .await
                .map_err(|error| bad(&error.kind().to_string()))?;
            if text.len() > ADDRESS {
                return Err(bad("it holds more than one address"));
            }
            text
        }
    };
    let url = reqwest::Url::parse(text.trim())
        .map_err(|error| format!("its address is not usable: {error}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("its address must begin with http:// or https://".to_owned())
    }
}

/// What is posted. Names from the cluster cannot call people or make links of themselves.
fn body(format: Format, message: &Message) -> Value {
    let text: String = message.text.chars().take(LONGEST).collect();
    match format {
        Format::Slack => {
            let plain = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            json!({"text": plain})
        }
        Format::Json => json!({
            "schema": 1, "id": message.id, "event": message.kind, "incident": message.incident,
            "severity": message.severity, "text": text, "at": message.at,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    fn message() -> Message {
        Message {
            id: "n1".into(),
            kind: "incident".into(),
            incident: Some("INC-2026-014".into()),
            severity: Some("P1".into()),
            text: "<!channel> & checkout fails".into(),
            at: "2026-03-04T03:10:00Z".into(),
        }
    }

    fn channel(url: String, format: Format) -> Channel {
        Channel {
            name: "ops".into(),
            address: Address::Url(url),
            format,
        }
    }

    /// A server that reads one request and answers this, or closes.
    async fn once(answer: Option<&'static str>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://127.0.0.1:{}/hook/T0-very-secret",
            listener.local_addr().unwrap().port()
        );
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 8_192];
            let read = stream.read(&mut heard).await.unwrap();
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            String::from_utf8_lossy(&heard[..read]).into_owned()
        });
        (url, served)
    }

    #[tokio::test]
    async fn what_came_of_it_is_said_as_it_is_and_never_the_address() {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let gone = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        let gateway = "HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n";
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n";
        for (answer, maybe) in [
            (Some(ok), None),
            (Some(gone), Some(false)),
            (Some(elsewhere), Some(false)),
            (Some(gateway), Some(true)),
            (None, Some(true)),
        ] {
            let (url, served) = once(answer).await;
            let came = post(&channel(url, Format::Slack), &message()).await;
            let heard = served.await.unwrap();
            assert!(heard.contains("idempotency-key: n1"), "{heard}");
            assert!(
                heard.contains(r#"{"text":"&lt;!channel&gt; &amp; checkout fails"}"#),
                "{heard}"
            );
            let said = format!("{came:?}");
            assert!(!said.contains("secret"), "{said}");
            match came {
                Ok(Sent) => assert_eq!(maybe, None, "{answer:?}"),
                Err(Failure::Not(_)) => assert_eq!(maybe, Some(false), "{answer:?}"),
                Err(Failure::Maybe(_)) => assert_eq!(maybe, Some(true), "{answer:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_never_left_is_definitely_not_sent() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = nobody.local_addr().unwrap().port();
        drop(nobody);
        for url in [
            format!("http://127.0.0.1:{port}/hook/T0-very-secret"),
            "ftp://h/T0-very-secret".to_owned(),
            "not an address T0-very-secret".to_owned(),
        ] {
            let came = post(&channel(url, Format::Json), &message()).await;
            let said = format!("{came:?}");
            assert!(
                matches!(came, Err(Failure::Not(_))) && !said.contains("secret"),
                "{said}"
            );
        }
        let file = Channel {
            address: Address::File("/nowhere/at/all".into()),
            ..channel(String::new(), Format::Json)
        };
        assert!(matches!(
            post(&file, &message()).await,
            Err(Failure::Not(_))
        ));
        assert!(!format!("{:?}", channel("https://x/secret".into(), Format::Json)).contains("x/"));
    }

    #[test]
    fn the_document_has_its_schema() {
        let document = body(Format::Json, &message());
        assert_eq!(document["schema"], 1);
        assert_eq!(document["incident"], "INC-2026-014");
    }
}
