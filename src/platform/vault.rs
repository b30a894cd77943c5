//! Vault's key/value engine, version 2, and what Vault says of itself and of our token.
//!
//! Each verb is exactly one request, and what changes something is never repeated here: a [`Failure`] says whether it
//! certainly took no effect ([`Failure::definite`]) or has to be looked for. Values are [`SecretString`]s; what Vault says
//! when it refuses is cleaned of everything that was sent before it is kept. What is refused may still exist: Vault does
//! not tell those without rights whether a path is there.

mod body;
mod model;
mod refusal;
mod token;
mod wire;

pub use crate::domain::kv::KvPath;
use crate::domain::redact::Redactor;
use crate::platform::failure::Failure;
use crate::platform::http::{Body, HeaderValue, Method, Question, Transport, encode};
use body::{Change, Replacement};
use bytes::Bytes;
pub use model::{Health, KvData, Metadata, TokenInfo, VersionInfo, Written};
use refusal::Attempt;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
pub use token::Token;

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

/// A client of one Vault.
#[derive(Debug, Clone)]
pub struct Vault {
    transport: Transport,
    token: Token,
    namespace: Option<Arc<str>>,
}

impl Vault {
    /// A client; nothing is asked yet.
    pub fn new(transport: Transport, token: Token) -> Self {
        Self {
            transport,
            token,
            namespace: None,
        }
    }

    /// In a namespace of Vault's own (Enterprise, HCP, OpenBao).
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.trim_matches('/').into());
        self
    }

    /// Where answers come from, without credentials.
    pub fn address(&self) -> String {
        self.transport.address()
    }

    /// Where the token was found: `VAULT_TOKEN`, a file's name.
    pub async fn token_source(&self) -> Result<Arc<str>, Failure> {
        let found = self.token.read().await;
        found
            .map(|(_, source)| source)
            .map_err(|why| refusal::no_token(&self.attempt("find Vault's token"), &why))
    }

    /// How it is; needs no token.
    pub async fn health(&self) -> Result<Health, Failure> {
        let attempt = self.attempt("ask how Vault is");
        let mut question = Question::new(Method::GET, "/v1/sys/health", Body::Empty);
        question.headers = self.common(&attempt)?;
        let asked = self.transport.send(question).await;
        let (status, body) = asked.map_err(|failure| refusal::unasked(&failure, &attempt))?;
        wire::health(&body).ok_or_else(|| refusal::unreadable(status, &attempt))
    }

    /// Whose token it is.
    pub async fn token(&self) -> Result<TokenInfo, Failure> {
        let attempt = self
            .attempt("look up Vault's token")
            .on("read", "auth/token/lookup-self");
        let body = self.get("/v1/auth/token/lookup-self", &attempt).await?;
        wire::token(&body).ok_or_else(|| refusal::unreadable(200, &attempt))
    }

    /// What the token may do at these paths of the API, such as [`KvPath::data`].
    pub async fn capabilities(
        &self,
        paths: &[String],
    ) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
        let attempt = self
            .attempt("ask what Vault's token may do")
            .on("update", "sys/capabilities-self");
        let body = json!({ "paths": paths }).to_string();
        let question = Question::new(
            Method::POST,
            "/v1/sys/capabilities-self",
            Body::Document(JSON, body.into()),
        );
        let answer = self.ask(question, &attempt).await?;
        wire::capabilities(&answer, paths).ok_or_else(|| refusal::unreadable(200, &attempt))
    }

    /// What is known of a path without its values; none where it has no versions.
    pub async fn metadata(&self, at: &KvPath) -> Result<Option<Metadata>, Failure> {
        let attempt = self.at("list the versions of", "read", at, &at.metadata());
        let asked = self.get(&sent(at, "metadata"), &attempt).await;
        found(asked, wire::metadata, &attempt)
    }

    /// The names of a version's keys, without their values; none where the version is not there.
    pub async fn subkeys(
        &self,
        at: &KvPath,
        version: Option<u64>,
    ) -> Result<Option<Vec<String>>, Failure> {
        let attempt = self.at("list the keys of", "read", at, &at.subkeys());
        let path = versioned(format!("{}?depth=1", sent(at, "subkeys")), version);
        let asked = self.get(&path, &attempt).await;
        found(asked, wire::subkeys, &attempt)
    }

    /// The values of a version, the newest unless another is named; none where it is deleted, destroyed or was never there.
    pub async fn read(&self, at: &KvPath, version: Option<u64>) -> Result<Option<KvData>, Failure> {
        let attempt = self.at("read", "read", at, &at.data());
        let path = versioned(sent(at, "data"), version);
        let asked = self.get(&path, &attempt).await;
        found(asked, wire::data, &attempt)
    }

    /// Changes these keys and leaves the others as they are, if `cas` is still the newest version; `None` takes a key away.
    pub async fn patch(
        &self,
        at: &KvPath,
        cas: u64,
        changes: &BTreeMap<String, Option<SecretString>>,
    ) -> Result<Written, Failure> {
        let sent = changes.values().flatten();
        let attempt = self
            .at("patch", "patch", at, &at.data())
            .changing(redactor(sent));
        let body = body::secret(&Change { cas, changes }).ok_or_else(|| attempt.unsendable())?;
        self.written(Method::PATCH, MERGE, at, body, &attempt).await
    }

    /// Writes a whole new version with these keys and no others, if `cas` is still the newest version (0: there is none).
    pub async fn write(
        &self,
        at: &KvPath,
        cas: u64,
        data: &BTreeMap<String, SecretString>,
    ) -> Result<Written, Failure> {
        let none = BTreeSet::new();
        self.put(at, cas, data, &none).await
    }

    /// What [`Self::patch`] does, for a token that may only read and write: the version that was read, with these changes,
    /// as a whole new one, if it is still the newest.
    pub async fn replace(
        &self,
        at: &KvPath,
        base: &KvData,
        changes: &BTreeMap<String, Option<SecretString>>,
    ) -> Result<Written, Failure> {
        let mut whole = base.clone();
        for (key, value) in changes {
            whole.json.remove(key);
            match value {
                Some(value) => drop(whole.data.insert(key.clone(), value.clone())),
                None => drop(whole.data.remove(key)),
            }
        }
        self.put(at, base.version, &whole.data, &whole.json).await
    }

    async fn put(
        &self,
        at: &KvPath,
        cas: u64,
        data: &BTreeMap<String, SecretString>,
        json: &BTreeSet<String>,
    ) -> Result<Written, Failure> {
        let right = if cas == 0 { "create" } else { "update" };
        let attempt = self
            .at("write", right, at, &at.data())
            .changing(redactor(data.values()));
        let body = body::secret(&Replacement { cas, data, json });
        let body = body.ok_or_else(|| attempt.unsendable())?;
        self.written(Method::POST, JSON, at, body, &attempt).await
    }

    /// Makes the data of versions unreadable for good.
    pub async fn destroy(&self, at: &KvPath, versions: &[u64]) -> Result<(), Failure> {
        let mut doing = String::new();
        for version in versions {
            let between = if doing.is_empty() { "" } else { ", " };
            // Writing to a text cannot fail.
            let _ = write!(doing, "{between}{version}");
        }
        let attempt = self
            .at(
                &format!("destroy version {doing} of"),
                "update",
                at,
                &at.destroy(),
            )
            .changing(Redactor::default());
        let body = json!({ "versions": versions }).to_string();
        let body = Body::Document(JSON, body.into());
        let question = Question::new(Method::PUT, &sent(at, "destroy"), body);
        self.ask(question, &attempt).await.map(drop)
    }

    async fn written(
        &self,
        method: Method,
        kind: &'static str,
        at: &KvPath,
        body: Bytes,
        attempt: &Attempt,
    ) -> Result<Written, Failure> {
        let question = Question::new(method, &sent(at, "data"), Body::Document(kind, body));
        let answer = self.ask(question, attempt).await?;
        wire::written(&answer).ok_or_else(|| refusal::unreadable(200, attempt))
    }

    async fn get(&self, path: &str, attempt: &Attempt) -> Result<Bytes, Failure> {
        let question = Question::new(Method::GET, path, Body::Empty);
        self.ask(question, attempt).await
    }

    /// Asks with the token; gives the body of an answer that says yes.
    async fn ask(&self, mut question: Question, attempt: &Attempt) -> Result<Bytes, Failure> {
        let found = self.token.read().await;
        let (token, source) = found.map_err(|why| refusal::no_token(attempt, &why))?;
        let attempt = attempt.with_token(&token, &source);
        question.headers = self.common(&attempt)?;
        let mut value = HeaderValue::from_str(token.expose_secret())
            .map_err(|_| refusal::no_token(&attempt, "it cannot be sent as it is"))?;
        value.set_sensitive(true);
        question.headers.push(("x-vault-token", value));
        let asked = self.transport.send(question).await;
        let (status, body) = asked.map_err(|failure| refusal::unasked(&failure, &attempt))?;
        match status {
            200..300 => Ok(body),
            _ => Err(refusal::refused(status, &body, &attempt)),
        }
    }

    /// The headers of every question.
    fn common(&self, attempt: &Attempt) -> Result<Vec<(&'static str, HeaderValue)>, Failure> {
        let mut headers = vec![("x-vault-request", HeaderValue::from_static("true"))];
        if let Some(namespace) = &self.namespace {
            let value = HeaderValue::from_str(namespace).map_err(|_| attempt.unsendable())?;
            headers.push(("x-vault-namespace", value));
        }
        Ok(headers)
    }

    fn attempt(&self, doing: &str) -> Attempt {
        Attempt::new(doing, &self.address())
    }

    fn at(&self, verb: &str, right: &'static str, at: &KvPath, path: &str) -> Attempt {
        self.attempt(&format!("{verb} {at}")).on(right, path)
    }
}

/// An answer that may say that there is nothing.
fn found<T>(
    asked: Result<Bytes, Failure>,
    read: impl Fn(&[u8]) -> Option<T>,
    attempt: &Attempt,
) -> Result<Option<T>, Failure> {
    match asked {
        Ok(body) => match read(&body) {
            Some(found) => Ok(Some(found)),
            None => Err(refusal::unreadable(200, attempt)),
        },
        Err(failure) if refusal::is_nothing(&failure) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// A path of the API as it is sent.
fn sent(at: &KvPath, part: &str) -> String {
    let mut sent = String::from("/v1");
    for one in at.mount.split('/').chain([part]).chain(at.path.split('/')) {
        sent.push('/');
        encode(&mut sent, one);
    }
    sent
}

fn versioned(path: String, version: Option<u64>) -> String {
    match version {
        Some(version) if path.contains('?') => format!("{path}&version={version}"),
        Some(version) => format!("{path}?version={version}"),
        None => path,
    }
}

fn redactor<'a>(values: impl Iterator<Item = &'a SecretString>) -> Redactor {
    Redactor::of(values.map(SecretString::expose_secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::http::{Direct, Http};

    #[test]
    fn a_path_is_sent_with_nothing_in_it_that_has_a_meaning() {
        let odd = KvPath::parse("kv/a b/ü?x=1#%2e").unwrap();
        assert_eq!(
            sent(&odd, "data"),
            "/v1/kv/data/a%20b/%C3%BC%3Fx%3D1%23%252e"
        );
        assert_eq!(versioned("/x".into(), Some(3)), "/x?version=3");
        assert_eq!(
            versioned("/x?depth=1".into(), Some(3)),
            "/x?depth=1&version=3"
        );
    }

    #[test]
    fn a_client_shows_no_token() {
        let direct = Direct::new(&Http::default(), "http://127.0.0.1:9");
        let token = Token::default().or_given("VAULT_TOKEN", Some("hush".into()));
        let vault = Vault::new(Transport::Direct(direct.unwrap()), token);
        assert!(!format!("{vault:?}").contains("hush"));
    }
}
