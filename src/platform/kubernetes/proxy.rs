//! Reaching something in the cluster through the API server, and finding the Services worth reaching.

use super::ask::{Ask, escape};
use super::classify::Attempt;
use super::client::Cluster;
use super::kinds::ServiceWire;
use super::list::Splitter;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::http::Question;
use bytes::Bytes;
use futures::io::AsyncBufReadExt as _;
use http::Method;
use std::sync::Arc;
use std::time::Duration;

/// The longest answer that is read.
const LONGEST: usize = 32 << 20;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way to one Service or pod.
#[derive(Debug, Clone)]
pub struct Proxy {
    cluster: Cluster,
    kind: &'static str,
    namespace: Arc<str>,
    /// `name:port`, `https:name:port`.
    place: Arc<str>,
    /// What is sent along with every question: the tenant.
    header: Option<(Arc<str>, Arc<str>)>,
}

/// What a Service looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Prometheus.
    Prometheus,
    /// Alertmanager.
    Alertmanager,
}

/// A Service that looks like a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it looks like.
    pub looks: Looks,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The port to use.
    pub port: u16,
    /// How much it looks like it: the best comes first.
    score: i32,
}

impl Proxy {
    /// What it leads to: `monitoring/prometheus:9090`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.place)
    }

    /// Sends a header along with every question.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.header = Some((name.into(), value.into()));
        self
    }

    /// Carries a question of any method with its headers and body; answered as [`Proxy::get`] is.
    pub async fn carry(&self, question: Question) -> Result<(u16, Bytes), Failure> {
        let verb = match question.method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "get",
        };
        let mut attempt = self.attempt(verb);
        attempt.changes = verb != "get";
        let mut ask = Ask::get(attempt, self.path(&question.path));
        ask.method = question.method;
        ask.headers = question.headers;
        if let Some(kind) = question.body.content_type() {
            ask.body = Some((kind, question.body.bytes().to_vec()));
        }
        self.ask(ask).await
    }

    /// Asks. Answers of the other side come back with their status; failures of the way to it as [`Failure`].
    pub async fn get(&self, path_and_query: &str) -> Result<(u16, Bytes), Failure> {
        let attempt = self.attempt("get");
        let ask = Ask::get(attempt, self.path(path_and_query));
        self.ask(ask).await
    }

    fn attempt(&self, verb: &'static str) -> Attempt {
        let resource = format!("{}/proxy", self.kind);
        Attempt::read(verb, "", &resource, &self.namespace, &self.place)
    }

    fn path(&self, path_and_query: &str) -> String {
        format!(
            "/api/v1/namespaces/{}/{}/{}/proxy/{}",
            escape(&self.namespace),
            self.kind,
            escape(&self.place),
            path_and_query.trim_start_matches('/')
        )
    }

    async fn ask(&self, mut ask: Ask) -> Result<(u16, Bytes), Failure> {
        let attempt = ask.attempt.clone();
        ask.accept = Some("*/*");
        ask.header = self.header.clone();
        let late = if attempt.changes {
            FailureKind::Interrupted
        } else {
            FailureKind::Timeout
        };
        match tokio::time::timeout(PATIENCE, self.fetch(ask, &attempt)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.cluster.failure(late, &attempt, "")),
        }
    }

    async fn fetch(&self, ask: Ask, attempt: &Attempt) -> Result<(u16, Bytes), Failure> {
        let (code, mut body) = match self.cluster.open_any(ask).await? {
            Ok(body) => (200, body),
            Err(refused) => {
                // The API server speaks of its own in a Status; anything else is the other side's answer.
                let own = serde_json::from_slice::<serde_json::Value>(&refused.body)
                    .is_ok_and(|value| value["kind"] == "Status");
                if own {
                    return Err(self.cluster.refused(&refused, attempt));
                }
                return Ok((refused.code, refused.body));
            }
        };
        let mut read = Vec::new();
        loop {
            let chunk = body.fill_buf().await.map_err(|error| {
                let text = format!("closed | {error}");
                super::classify::connection(&text, attempt, self.cluster.server())
            })?;
            let length = chunk.len();
            if length == 0 {
                return Ok((code, read.into()));
            }
            if read.len() + length > LONGEST {
                let said = "the answer is larger than 32 MB";
                return Err(self.cluster.failure(FailureKind::Malformed, attempt, said));
            }
            read.extend_from_slice(chunk);
            body.consume_unpin(length);
        }
    }
}

impl Cluster {
    /// The way to a Service's port, by number or name; `https:` before the name for a port that speaks TLS.
    pub fn service_proxy(&self, namespace: &str, name: &str, port: &str) -> Proxy {
        self.proxy("services", namespace, name, port)
    }

    /// The way to a pod's port; to its first one where none is named.
    pub fn pod_proxy(&self, namespace: &str, name: &str, port: Option<u16>) -> Proxy {
        let port = port.map(|port| port.to_string()).unwrap_or_default();
        self.proxy("pods", namespace, name, &port)
    }

    fn proxy(&self, kind: &'static str, namespace: &str, name: &str, port: &str) -> Proxy {
        Proxy {
            cluster: self.clone(),
            kind,
            namespace: namespace.into(),
            place: if port.is_empty() {
                name.into()
            } else {
                format!("{name}:{port}").into()
            },
            header: None,
        }
    }

    /// Services that look like Prometheus or Alertmanager, the likeliest first. Where the cluster may not be searched, these namespaces are.
    pub async fn find_sources(&self, namespaces: &[&str]) -> Result<Vec<Candidate>, Failure> {
        match self.sources_in(None).await {
            Err(failure) if matches!(failure.kind, FailureKind::Forbidden(_)) => {}
            found => return found,
        }
        let mut all = Vec::new();
        for namespace in namespaces {
            match self.sources_in(Some(namespace)).await {
                Ok(found) => all.extend(found),
                Err(failure) if matches!(failure.kind, FailureKind::Forbidden(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        all.sort_by_key(|candidate| -candidate.score);
        Ok(all)
    }

    async fn sources_in(&self, namespace: Option<&str>) -> Result<Vec<Candidate>, Failure> {
        let known = super::read::everyday("Service");
        let namespace = namespace.unwrap_or_default();
        let attempt = known.attempt("list", namespace, "");
        let path = format!("{}?resourceVersion=0", known.path(namespace));
        let answer = self.send(Ask::get(attempt, path)).await?;
        let mut splitter = Splitter::new("items");
        let mut found = Vec::new();
        splitter.feed(&answer.body, |item| {
            let wire = serde_json::from_slice::<ServiceWire<'_>>(item);
            found.extend(wire.ok().and_then(|wire| candidate(&wire)));
        });
        found.sort_by_key(|candidate| -candidate.score);
        Ok(found)
    }
}

fn candidate(wire: &ServiceWire<'_>) -> Option<Candidate> {
    let meta = &wire.metadata;
    let name = meta.name.some()?;
    let labelled = |word: &str| {
        ["app.kubernetes.io/name", "app", "k8s-app"]
            .iter()
            .any(|key| meta.labels.get(key).is_some_and(|value| &**value == word))
    };
    for (looks, word, usual) in [
        (Looks::Prometheus, "prometheus", 9090),
        (Looks::Alertmanager, "alertmanager", 9093),
    ] {
        let helper = [
            "operator",
            "exporter",
            "pushgateway",
            "adapter",
            "state-metrics",
            "thanos",
        ];
        if helper.iter().any(|other| name.contains(other)) {
            continue;
        }
        let ports = &wire.spec.ports;
        let usual_port = ports.iter().find(|port| port.port == usual);
        let web = |port: &&super::kinds::PortWire<'_>| {
            matches!(&*port.name, "web" | "http" | "http-web" | "https") || port.port == 80
        };
        let port = usual_port
            .or_else(|| ports.iter().find(web))
            .or(ports.first())?;
        // The monitoring stacks put both programs' names into one release; the word must end the name or be a label.
        let named = name == word || name.ends_with(&format!("-{word}"));
        let score = 4 * i32::from(labelled(word))
            + 3 * i32::from(named)
            + 2 * i32::from(usual_port.is_some() && name.contains(word))
            - i32::from(name.ends_with("-operated") || name.ends_with("-headless"));
        if score >= 3 {
            return Some(Candidate {
                looks,
                namespace: (&*meta.namespace).into(),
                name: name.into(),
                port: port.port,
                score,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(text: &str) -> Option<(Looks, u16, i32)> {
        let wire: ServiceWire<'_> = serde_json::from_str(text).unwrap();
        candidate(&wire).map(|found| (found.looks, found.port, found.score))
    }

    #[test]
    fn services_are_known_by_label_name_and_port() {
        let of = |name: &str, labels: &str, port: u16| {
            looks(&format!(
                r#"{{"metadata":{{"name":"{name}","namespace":"m","labels":{{{labels}}}}},"spec":{{"ports":[{{"name":"web","port":{port}}}]}}}}"#
            ))
        };
        assert_eq!(
            of("prometheus", "", 9090),
            Some((Looks::Prometheus, 9090, 5))
        );
        assert_eq!(
            of("kube-prometheus-stack-prometheus", "", 9090),
            Some((Looks::Prometheus, 9090, 5))
        );
        assert_eq!(
            of(
                "prometheus-server",
                r#""app.kubernetes.io/name":"prometheus""#,
                80
            ),
            Some((Looks::Prometheus, 80, 4))
        );
        assert_eq!(
            of("x-kube-prometheus-alertmanager", "", 9093),
            Some((Looks::Alertmanager, 9093, 5))
        );
        assert_eq!(of("prometheus-node-exporter", "", 9100), None);
        assert_eq!(
            of("prometheus-operator", r#""app":"prometheus""#, 9090),
            None
        );
        assert_eq!(of("veza-backend", "", 9090), None);
        let operated = of("prometheus-operated", r#""app":"prometheus""#, 9090).unwrap();
        assert!(operated.2 < of("p-prometheus", r#""app":"prometheus""#, 9090).unwrap().2);
    }
}
