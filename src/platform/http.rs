//! Asking over HTTP: one shared client, bounded answers, time-outs, credentials that are never shown, and failures in one clause.
//! The sources of signals and alerts speak through a [`Transport`]: straight to a URL, or through a function given from
//! outside (the apiserver's service proxy). Nothing here knows what is asked.

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

mod question;

pub use ::http::{HeaderValue, Method};
pub use question::{Body, Question};

/// The longest answer that is read.
pub const ANSWER_LIMIT: usize = 32 << 20;
/// How long one question may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take to stand.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// The longest token file that is believed.
const TOKEN_LIMIT: usize = 64 << 10;
/// How much of somebody else's words goes into a failure.
const WORDS: usize = 200;

/// Why an answer did not come, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpFailure {
    /// No connection: refused, no such host, not trusted. Nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// The connection broke before an answer came; what was sent may have taken effect.
    #[error("{0}")]
    Lost(String),
    /// Nothing within the time that was given.
    #[error("no answer in {} s", .0.as_secs())]
    Timeout(Duration),
    /// An answer that says no: the status and the first words of the body.
    #[error("HTTP {0}{between}{1}", between = if .1.is_empty() { "" } else { ": " })]
    Status(u16, String),
    /// The answer broke off before its end.
    #[error("the answer broke off")]
    CutOff,
    /// The answer is not what the source should speak.
    #[error("{0}")]
    Malformed(String),
    /// The answer is longer than anything that is read, in bytes.
    #[error("the answer is over {} MiB", .0 >> 20)]
    TooLarge(usize),
    /// The address cannot be used.
    #[error("{0}")]
    Address(String),
    /// The token file cannot be used.
    #[error("{0}")]
    Credential(String),
}

impl HttpFailure {
    /// The failure in one short clause, safe to show.
    pub fn short(&self) -> String {
        clip(&self.to_string())
    }

    /// A status that is no success, with the first words of its body.
    pub fn status(status: u16, body: &[u8]) -> Self {
        let words = if is_page(body) {
            "a web page".to_owned()
        } else {
            clip(&String::from_utf8_lossy(&body[..body.len().min(WORDS * 4)]))
        };
        Self::Status(status, words)
    }
}

/// Whether a body is a web page where data was asked for.
pub fn is_page(body: &[u8]) -> bool {
    body.iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| *byte == b'<')
}

/// Somebody else's words, on one line and not too many.
pub(crate) fn clip(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().filter(|c| !c.is_control()).take(WORDS));
        if words.chars().count() >= WORDS {
            return words.chars().take(WORDS).chain(['…']).collect();
        }
    }
    words
}

/// An answer: its status and its body.
pub type Answer = Result<(u16, Bytes), HttpFailure>;

/// Asks through somebody else's connection.
pub type Relay = Arc<dyn Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync>;

/// The HTTP client of the house; cheap to clone, built at the first question.
#[derive(Clone, Default)]
pub struct Http(Arc<Clients>);

/// Plain HTTP needs no certificates, and the machine may have none; this machine needs no proxy.
#[derive(Default)]
struct Clients {
    near: OnceLock<reqwest::Client>,
    plain: OnceLock<reqwest::Client>,
    secure: OnceLock<reqwest::Client>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    fn client(&self, base: &reqwest::Url) -> Result<reqwest::Client, HttpFailure> {
        let near = matches!(
            base.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]" | "::1")
        );
        let secure = base.scheme() == "https";
        let cell = match (secure, near) {
            (true, _) => &self.0.secure,
            (false, true) => &self.0.near,
            (false, false) => &self.0.plain,
        };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("vigie/", env!("CARGO_PKG_VERSION")));
        if !secure {
            builder = builder.tls_certs_only([]);
        }
        if near && !secure {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| HttpFailure::Unreachable(cause(&error)))?;
        Ok(cell.get_or_init(|| client).clone())
    }
}

/// A source behind a URL.
#[derive(Clone)]
pub struct Direct {
    http: Http,
    base: reqwest::Url,
    token_file: Option<PathBuf>,
    tenant: Option<(String, String)>,
    patience: Duration,
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct")
            .field("base", &self.address())
            .field("token_file", &self.token_file)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl Direct {
    /// A source at an `http` or `https` address.
    pub fn new(http: &Http, base: &str) -> Result<Self, HttpFailure> {
        let bad = |why: &str| HttpFailure::Address(format!("the address is not usable: {why}"));
        let base = reqwest::Url::parse(base.trim()).map_err(|error| bad(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad("it must begin with http:// or https://"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(bad("it must end with the path"));
        }
        Ok(Self {
            http: http.clone(),
            base,
            token_file: None,
            tenant: None,
            patience: PATIENCE,
        })
    }

    /// Sends the token in this file, which is read again for every question.
    #[must_use]
    pub fn token_file(mut self, path: PathBuf) -> Self {
        self.token_file = Some(path);
        self
    }

    /// Sends this tenant as `X-Scope-OrgID`.
    #[must_use]
    pub fn tenant(self, tenant: &str) -> Self {
        self.tenant_in("X-Scope-OrgID", tenant)
    }

    /// Sends this tenant in a header of another name.
    #[must_use]
    pub fn tenant_in(mut self, header: &str, tenant: &str) -> Self {
        self.tenant = Some((header.to_owned(), tenant.to_owned()));
        self
    }

    /// Waits so long for an answer instead of [`PATIENCE`].
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The address without credentials.
    pub fn address(&self) -> String {
        let mut shown = self.base.clone();
        let hidden = shown.set_username("").is_ok() && shown.set_password(None).is_ok();
        if hidden {
            shown.to_string()
        } else {
            "a hidden address".to_owned()
        }
    }

    /// Asks, and takes whatever status comes, that of a redirection too: it is not followed.
    pub async fn whatever(&self, question: Question) -> Answer {
        match tokio::time::timeout(self.patience, self.ask(question)).await {
            Ok(Err(HttpFailure::Status(status, _))) => Ok((status, Bytes::new())),
            Ok(answer) => answer,
            Err(_) => Err(HttpFailure::Timeout(self.patience)),
        }
    }

    async fn ask(&self, question: Question) -> Answer {
        let Question {
            method,
            path,
            headers,
            body,
        } = question;
        let base = self.base.as_str().trim_end_matches('/');
        let mut request = self
            .http
            .client(&self.base)?
            .request(method, format!("{base}{path}"))
            .header("accept", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(path) = &self.token_file {
            request = request.bearer_auth(token(path).await?);
        }
        if let Some((header, tenant)) = &self.tenant {
            request = request.header(header, tenant);
        }
        if let Some(kind) = body.content_type() {
            request = request.header("content-type", kind).body(body.bytes());
        }
        let answer = request.send().await.map_err(|error| unsent(&error))?;
        let status = answer.status().as_u16();
        if answer.status().is_redirection() {
            let words = "it redirects elsewhere (a login page?)".to_owned();
            return Err(HttpFailure::Status(status, words));
        }
        Ok((status, whole(answer).await?))
    }
}

/// The body, read piece by piece so that no answer can fill the memory.
async fn whole(mut answer: reqwest::Response) -> Result<Bytes, HttpFailure> {
    let mut body = BytesMut::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() > ANSWER_LIMIT => {
                return Err(HttpFailure::TooLarge(ANSWER_LIMIT));
            }
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => return Ok(body.freeze()),
            Err(_) => return Err(HttpFailure::CutOff),
        }
    }
}

async fn token(path: &PathBuf) -> Result<String, HttpFailure> {
    let bad = |why: &str| HttpFailure::Credential(format!("token file {}: {why}", path.display()));
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| bad(&error.kind().to_string()))?;
    let token = text.trim();
    let sound = !token.is_empty()
        && token.len() <= TOKEN_LIMIT
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if sound {
        Ok(token.to_owned())
    } else {
        Err(bad("it does not hold one token"))
    }
}

fn unsent(error: &reqwest::Error) -> HttpFailure {
    if error.is_connect() && error.is_timeout() {
        let seconds = CONNECT_PATIENCE.as_secs();
        HttpFailure::Unreachable(format!("no connection in {seconds} s"))
    } else if error.is_connect() || error.is_builder() {
        HttpFailure::Unreachable(cause(error))
    } else if error.is_timeout() {
        HttpFailure::Timeout(CONNECT_PATIENCE)
    } else if error.is_request() {
        HttpFailure::Lost(cause(error))
    } else {
        HttpFailure::Malformed(cause(error))
    }
}

/// The innermost cause, which is the one that helps; the outer ones repeat the address.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    let words = match inner.downcast_ref::<std::io::Error>() {
        Some(error) if error.raw_os_error().is_some() => error.kind().to_string(),
        _ => inner.to_string(),
    };
    clip(&words)
}

/// How a source is reached.
#[derive(Clone)]
pub enum Transport {
    /// Straight to its address.
    Direct(Direct),
    /// Through somebody else's connection.
    Relay {
        /// What to call the way: `monitoring/prometheus:9090 through the apiserver`.
        name: Arc<str>,
        /// Asks one question.
        relay: Relay,
    },
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(direct) => direct.fmt(f),
            Self::Relay { name, .. } => f.debug_tuple("Relay").field(name).finish(),
        }
    }
}

impl Transport {
    /// Where answers come from, without credentials.
    pub fn address(&self) -> String {
        match self {
            Self::Direct(direct) => direct.address(),
            Self::Relay { name, .. } => name.to_string(),
        }
    }

    /// Asks one question; any status but a redirection is an answer.
    pub async fn ask(&self, method: Method, path_and_query: &str, body: Body) -> Answer {
        self.send(Question::new(method, path_and_query, body)).await
    }

    /// Asks one question that may have headers of its own; any status but a redirection is an answer.
    pub async fn send(&self, question: Question) -> Answer {
        let (patience, asked): (_, BoxFuture<'_, Answer>) = match self {
            Self::Direct(direct) => (direct.patience, Box::pin(direct.ask(question))),
            Self::Relay { relay, .. } => (PATIENCE, relay(question)),
        };
        let (status, body) = tokio::time::timeout(patience, asked)
            .await
            .map_err(|_| HttpFailure::Timeout(patience))??;
        if body.len() > ANSWER_LIMIT {
            return Err(HttpFailure::TooLarge(ANSWER_LIMIT));
        }
        Ok((status, body))
    }
}

/// Pairs as an encoded form, which is also a query.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode(&mut out, key);
        out.push('=');
        encode(&mut out, value);
    }
    out
}

/// One piece of a path or a form, escaped.
pub(crate) fn encode(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        let direct = Direct::new(&Http::default(), "https://joe:hunter2@prom.example/x/").unwrap();
        let transport = Transport::Direct(direct);
        assert!(!format!("{transport:?}{}", transport.address()).contains("hunter2"));
        assert_eq!(transport.address(), "https://prom.example/x/");
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_with_the_reason() {
        for bad in [
            "",
            "prometheus:9090",
            "ftp://x/",
            "http://x/?a=b",
            "http://",
        ] {
            let failure = Direct::new(&Http::default(), bad).unwrap_err();
            assert!(failure.short().starts_with("the address is not usable"));
        }
    }

    #[test]
    fn a_failure_is_one_short_clause_whatever_the_other_side_says() {
        let body = format!("bad\n\u{1b}[31m{}", "x ".repeat(9_000));
        let short = HttpFailure::status(500, body.as_bytes()).short();
        assert!(short.starts_with("HTTP 500: bad [31mx x"));
        assert!(short.chars().count() <= WORDS + 1 && !short.chars().any(char::is_control));
        let page = HttpFailure::status(502, b"\n <html>x</html>");
        assert_eq!(page.short(), "HTTP 502: a web page");
        assert_eq!(HttpFailure::status(503, b"").short(), "HTTP 503");
    }

    #[test]
    fn forms_survive_every_character() {
        assert_eq!(
            form([("a b", "x=\"é\"&"), ("c", "")]),
            "a%20b=x%3D%22%C3%A9%22%26&c="
        );
    }
}
