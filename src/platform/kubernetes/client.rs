//! The client: one pinned cluster, one login, one HTTP request for every call.
//!
//! Building it makes no request. Reads renew an expired plugin login once and ask again; writes never ask twice.

use super::ask::{Ask, escape};
use super::classify::{Attempt, refusal, transport};
use super::lines::Body;
use super::setup::{Options, setup_of};
use super::{answer, connect, plugin, protobuf, setup};
use crate::platform::failure::{Failure, FailureKind, public_address};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use kube::client::AuthError;
use kube::config::{Config, ExecConfig};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer may take to begin and to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A plugin that failed without a terminal is left alone for so long: some open a browser at every try.
const PLUGIN_REST: Duration = Duration::from_mins(2);

/// One cluster, as one identity. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    client: RwLock<(kube::Client, u64)>,
    /// When the login last could not be renewed silently.
    renewing: tokio::sync::Mutex<Option<(Instant, Failure)>>,
    config: Config,
    plugin: Option<ExecConfig>,
    server: Arc<str>,
    context: Arc<str>,
    namespace: Arc<str>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.inner.context)
            .field("server", &self.inner.server)
            .finish_non_exhaustive()
    }
}

/// Who the API server says we are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The user's name.
    pub username: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// What the API server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its version: `v1.34.4`.
    pub version: String,
    /// Its clock, as the answer's head shows it.
    pub clock: Option<Timestamp>,
}

/// A good answer.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A good answer that is read while it arrives.
pub(super) struct Opened {
    /// Whether it says that it is protobuf.
    pub(super) protobuf: bool,
    pub(super) body: Body,
}

/// A bad one: its status, how long it asks to wait, and what it says.
pub(super) struct Refused {
    pub(super) code: u16,
    pub(super) wait: Option<Duration>,
    pub(super) body: Bytes,
}

impl Cluster {
    /// Builds the client of the chosen context. No request is made; a credential plugin runs here, once, and owns the terminal meanwhile.
    pub async fn connect(options: &Options) -> Result<Self, Failure> {
        let made = setup_of(options).await?;
        let server: Arc<str> =
            public_address(made.config.cluster_url.to_string().trim_end_matches('/')).into();
        let client = build(&made.config, made.plugin.as_ref(), true).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                client: RwLock::new((client, 0)),
                renewing: tokio::sync::Mutex::new(None),
                namespace: made.config.default_namespace.as_str().into(),
                config: made.config,
                plugin: made.plugin,
                server,
                context: made.context.as_str().into(),
            }),
        })
    }

    /// The API server's address, without credentials.
    pub fn server(&self) -> &Arc<str> {
        &self.inner.server
    }

    /// The context's name, `in-cluster`, or `direct`.
    pub fn context(&self) -> &Arc<str> {
        &self.inner.context
    }

    /// The namespace the context names, else `default`.
    pub fn namespace(&self) -> &Arc<str> {
        &self.inner.namespace
    }

    /// Whether the login comes from a credential plugin.
    pub fn uses_plugin(&self) -> bool {
        self.inner.plugin.is_some()
    }

    /// Signs in again. With `terminal`, the plugin owns the terminal until it is done.
    pub async fn sign_in(&self, terminal: bool) -> Result<(), Failure> {
        let (_, generation) = self.client();
        self.renew(generation, terminal).await
    }

    /// Who we are, as the API server sees it.
    pub async fn identity(&self) -> Result<Identity, Failure> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Review {
            status: ReviewStatus,
        }
        #[derive(Deserialize, Default)]
        #[serde(default, rename_all = "camelCase")]
        struct ReviewStatus {
            user_info: Identity,
        }
        let group = "authentication.k8s.io";
        let attempt = Attempt::read("create", group, "selfsubjectreviews", "", "");
        let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews".to_owned();
        let review: Review = self.json(Ask::post(attempt, path, &body)).await?;
        Ok(review.status.user_info)
    }

    /// What names this cluster for good: the uid of `kube-system`, or without that right its authority and address.
    pub async fn cluster_uid(&self) -> Result<Arc<str>, Failure> {
        let attempt = Attempt::read("get", "", "namespaces", "", "kube-system");
        let path = "/api/v1/namespaces/kube-system".to_owned();
        match self.json::<Value>(Ask::get(attempt, path)).await {
            Ok(found) => match found["metadata"]["uid"].as_str() {
                Some(uid) if !uid.is_empty() => Ok(uid.into()),
                _ => Ok(self.fingerprint()),
            },
            Err(failure) => match failure.kind {
                FailureKind::Forbidden(_) | FailureKind::NotFound => Ok(self.fingerprint()),
                _ => Err(failure),
            },
        }
    }

    fn fingerprint(&self) -> Arc<str> {
        let mut digest = Sha256::new();
        for certificate in self.inner.config.root_cert.iter().flatten() {
            digest.update(certificate);
        }
        digest.update(self.inner.server.as_bytes());
        let digest = digest.finalize();
        let hex = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        format!("authority-{hex}").into()
    }

    /// The API server's version and clock.
    pub async fn version(&self) -> Result<Version, Failure> {
        let attempt = Attempt::read("get", "", "/version", "", "");
        let answer = self
            .send(Ask::get(attempt.clone(), "/version".into()))
            .await?;
        let body: Value = self.read(&answer.body, &attempt)?;
        let clock = answer.headers.get("date").and_then(|date| {
            let parser = jiff::fmt::rfc2822::DateTimeParser::new();
            parser.parse_timestamp(date.as_bytes()).ok()
        });
        Ok(Version {
            version: body["gitVersion"].as_str().unwrap_or_default().to_owned(),
            clock,
        })
    }

    /// The label `environment` of a namespace, where it has one.
    pub async fn environment(&self, namespace: &str) -> Result<Option<String>, Failure> {
        let attempt = Attempt::read("get", "", "namespaces", "", namespace);
        let path = format!("/api/v1/namespaces/{}", escape(namespace));
        let found: Value = self.json(Ask::get(attempt, path)).await?;
        let label = &found["metadata"]["labels"]["environment"];
        Ok(label.as_str().map(str::to_owned))
    }

    /// Asks and decodes.
    pub(super) async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Failure> {
        let attempt = ask.attempt.clone();
        let answer = self.send(ask).await?;
        self.read(&answer.body, &attempt)
    }

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        body: &[u8],
        attempt: &Attempt,
    ) -> Result<T, Failure> {
        // The decoder's own text quotes the body, and the body may be a Secret: only the place is said.
        serde_json::from_slice(body).map_err(|error| {
            let place = format!("at line {}, column {}", error.line(), error.column());
            self.failure(FailureKind::Malformed, attempt, &place)
        })
    }

    /// Asks, and reads the whole answer. Only a read is asked again, once, after its plugin login was renewed.
    pub(super) async fn send(&self, ask: Ask) -> Result<Answer, Failure> {
        let (client, generation) = self.client();
        let first = self.exchange(client, &ask).await;
        let Err(failure) = &first else { return first };
        if failure.kind != FailureKind::Unauthorized || !self.uses_plugin() {
            return first;
        }
        let renewed = self.renew(generation, false).await;
        if ask.attempt.changes || renewed.is_err() {
            return first;
        }
        self.exchange(self.client().0, &ask).await
    }

    async fn exchange(&self, client: kube::Client, ask: &Ask) -> Result<Answer, Failure> {
        let attempt = &ask.attempt;
        let request = self.request(ask, false)?;
        let asking = async {
            let answer = self.answered(client, request, attempt).await?;
            let answer = answer.map_err(|refused| self.refused(&refused, attempt))?;
            let (http::response::Parts { headers, .. }, body) = answer.into_parts();
            let body = answer::whole(body).await;
            let body = body.map_err(|error| transport(&error, attempt, &self.inner.server))?;
            match body {
                Some(body) => Ok(Answer { headers, body }),
                // It took effect, however much was said about it.
                None if attempt.changes => Ok(Answer {
                    headers,
                    body: Bytes::new(),
                }),
                None => {
                    let said = "the answer is larger than 64 MB";
                    Err(self.failure(FailureKind::Malformed, attempt, said))
                }
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(outcome) => outcome,
            Err(_) if attempt.changes => Err(self.failure(FailureKind::Interrupted, attempt, "")),
            Err(_) => Err(self.failure(FailureKind::Timeout, attempt, "")),
        }
    }

    /// Opens an answer that is read while it arrives and begins within so long. Never for writes.
    pub(super) async fn open(&self, ask: Ask, patience: Duration) -> Result<Opened, Failure> {
        let (client, generation) = self.client();
        let first = self.opened(client, &ask, patience).await;
        match &first {
            Err(failure) if failure.kind == FailureKind::Unauthorized && self.uses_plugin() => {}
            _ => return first,
        }
        if self.renew(generation, false).await.is_err() {
            return first;
        }
        self.opened(self.client().0, &ask, patience).await
    }

    async fn opened(
        &self,
        client: kube::Client,
        ask: &Ask,
        patience: Duration,
    ) -> Result<Opened, Failure> {
        let attempt = &ask.attempt;
        let request = self.request(ask, true)?;
        let answering = self.answered(client, request, attempt);
        match tokio::time::timeout(patience, answering).await {
            Ok(Ok(Ok(answer))) => Ok(Opened {
                protobuf: protobuf::is_said(answer.headers()),
                body: answer::stream(answer.into_body()),
            }),
            Ok(Ok(Err(refused))) => Err(self.refused(&refused, attempt)),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(self.failure(FailureKind::Timeout, attempt, "")),
        }
    }

    /// Opens an answer that is read while it arrives; one with a bad status comes as status and body.
    pub(super) async fn open_any(&self, ask: Ask) -> Result<Result<Body, Refused>, Failure> {
        let attempt = &ask.attempt;
        let request = self.request(&ask, true)?;
        let answering = self.answered(self.client().0, request, attempt);
        match tokio::time::timeout(PATIENCE, answering).await {
            Ok(answered) => Ok(answered?.map(|answer| answer::stream(answer.into_body()))),
            Err(_) => Err(self.failure(FailureKind::Timeout, attempt, "")),
        }
    }

    /// Asks once. A bad status comes with what was said beside it.
    async fn answered(
        &self,
        client: kube::Client,
        request: Request<Vec<u8>>,
        attempt: &Attempt,
    ) -> Result<Result<Response<kube::client::Body>, Refused>, Failure> {
        let answer = client.send(request.map(kube::client::Body::from)).await;
        let answer = answer.map_err(|error| transport(&error, attempt, &self.inner.server))?;
        if answer.status().is_success() {
            return Ok(Ok(answer));
        }
        let (parts, body) = answer.into_parts();
        Ok(Err(Refused {
            code: parts.status.as_u16(),
            wait: answer::retry_after(&parts.headers),
            body: answer::refusal_text(body).await,
        }))
    }

    pub(super) fn refused(&self, refused: &Refused, attempt: &Attempt) -> Failure {
        let Refused { code, wait, body } = refused;
        refusal(*code, body, *wait, attempt, &self.inner.server)
    }

    fn request(&self, ask: &Ask, stream: bool) -> Result<Request<Vec<u8>>, Failure> {
        ask.request(stream).map_err(|_| {
            self.failure(
                FailureKind::Invalid,
                &ask.attempt,
                "the request cannot be written",
            )
        })
    }

    pub(super) fn failure(&self, kind: FailureKind, attempt: &Attempt, said: &str) -> Failure {
        Failure::new(kind, &attempt.to_string(), &self.inner.server, said)
    }

    fn client(&self) -> (kube::Client, u64) {
        let held = self.inner.client.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs the plugin again, unless somebody else just did.
    async fn renew(&self, seen: u64, terminal: bool) -> Result<(), Failure> {
        let mut refused = self.inner.renewing.lock().await;
        if self.client().1 != seen {
            return Ok(());
        }
        if let Some((at, failure)) = &*refused
            && !terminal
            && at.elapsed() < PLUGIN_REST
        {
            return Err(failure.clone());
        }
        match build(&self.inner.config, self.inner.plugin.as_ref(), terminal).await {
            Ok(client) => {
                let held = self.inner.client.write();
                *held.unwrap_or_else(PoisonError::into_inner) = (client, seen + 1);
                *refused = None;
                Ok(())
            }
            Err(failure) => {
                *refused = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }
}

async fn build(
    config: &Config,
    plugin: Option<&ExecConfig>,
    terminal: bool,
) -> Result<kube::Client, Failure> {
    let mut config = config.clone();
    if let Some(plugin) = plugin {
        plugin::authenticate(plugin, &mut config.auth_info, terminal).await?;
    }
    connect::client(&config).map_err(|error| match error {
        kube::Error::Auth(AuthError::ReadTokenFile(error, path)) => setup::setup(&format!(
            "the token file {} cannot be read: {}",
            path.display(),
            error.kind()
        )),
        kube::Error::Auth(AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_)) => {
            setup::setup("the token or password in the kubeconfig cannot be sent as it is")
        }
        kube::Error::Auth(_) => Failure::new(FailureKind::Unauthorized, "sign in", "", ""),
        kube::Error::RustlsTls(_) => setup::setup("a certificate in the kubeconfig cannot be used"),
        kube::Error::InferKubeconfig(error) => setup::setup_failure(&error),
        kube::Error::ProxyProtocolUnsupported { .. } => {
            setup::setup("this kind of proxy is not supported")
        }
        _ => setup::setup("the client cannot be built from the kubeconfig"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_stands_without_any_request_and_shows_no_secret() {
        let options = Options {
            server: Some("http://user:hush@127.0.0.1:9".into()),
            ..Options::default()
        };
        let cluster = Cluster::connect(&options).await.unwrap();
        assert_eq!(&**cluster.server(), "http://127.0.0.1:9");
        assert!(!format!("{cluster:?}").contains("hush"));
    }
}
