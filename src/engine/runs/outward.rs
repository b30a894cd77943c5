//! Looks outside of objects, carried out: one request to a service, and what pods write, searched. What comes back is
//! bounded here and goes no further than its judgement; what a search finds leaves as a mask.

use super::checklist::port_of;
use super::means::Means;
use super::state::{known, text, unanswered};
use super::{measure, state};
use crate::platform::failure::{Failure as Failed, FailureKind};
use crate::platform::http::{Body, Direct, Http, Question as Asked};
use crate::platform::kubernetes::{LogNews, LogRequest};
use crate::runbook::machine::{Answer, Failure, ScanQuestion};
use crate::runbook::model::{Method, Texts, Via};
use crate::runbook::patch::ObjectRef;
use crate::runbook::request::Request;
use crate::runbook::scan::{Findings, Patterns};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// How much of a body is looked at.
const BODY: usize = 256 << 10;
/// How much of it is quoted where it is not what was expected.
const EXCERPT: usize = 200;
/// The most pods whose texts are searched.
const PODS: usize = 50;
/// How long one source of texts may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer's status and body, or why there is none.
type Answered = Result<(u16, Bytes), String>;

/// Sends one request and bounds its answer.
pub async fn ask(means: &Means, request: &Request) -> Result<Answer, Failure> {
    let answered = match request.via {
        Via::ServiceProxy => through_service(means, request).await?,
        Via::PodProxy => through_pod(means, request).await?,
        Via::Direct => straight(means, request).await?,
    };
    let (status, body) = match answered {
        Ok(answered) => answered,
        Err(why) => return Ok(Answer::Found(json!({"unanswered": why}))),
    };
    let part = String::from_utf8_lossy(&body[..body.len().min(BODY)]);
    let begins: String = part.chars().take(EXCERPT).collect();
    Ok(Answer::Found(json!({
        "status": status,
        "bytes": body.len(),
        "body": part,
        "cut": body.len() > BODY,
        "excerpt": (means.keeping.rules.cleaner)(&begins),
    })))
}

fn question(request: &Request) -> Asked {
    let method = match request.method {
        Method::Get => crate::platform::http::Method::GET,
        Method::Head => crate::platform::http::Method::HEAD,
    };
    Asked::new(method, &request.address.path, Body::Empty)
}

/// The other side's silence is an answer of the step; ours, or the API server's, is asked again.
fn silent(found: Result<(u16, Bytes), Failed>) -> Result<Answered, Failure> {
    match found {
        Ok(answered) => Ok(Ok(answered)),
        Err(failure) => match failure.kind {
            FailureKind::Server(_) | FailureKind::NotFound | FailureKind::Timeout => {
                Ok(Err(failure.to_string()))
            }
            _ => Err(unanswered(&failure)),
        },
    }
}

async fn through_service(means: &Means, request: &Request) -> Result<Answered, Failure> {
    let place = request.address.place(&request.home);
    let (name, namespace) = place.map_err(Failure::Invalid)?;
    let name = request.address.proxied(&name, None);
    let port = request.address.usual_port().to_string();
    let proxy = means.cluster.service_proxy(&namespace, &name, &port);
    silent(proxy.carry(question(request)).await)
}

async fn through_pod(means: &Means, request: &Request) -> Result<Answered, Failure> {
    let place = request.address.place(&request.home);
    let (name, namespace) = place.map_err(Failure::Invalid)?;
    let Some(pod) = pod(means, &namespace, &name).await? else {
        let why = format!(
            "there is no pod {name} in {namespace}, and no ready one behind a Service {name}"
        );
        return Ok(Err(why));
    };
    let port = request.address.port.or_else(|| port_of(&pod));
    let name = text(&pod["metadata"]["name"]);
    let name = request.address.proxied(&name, None);
    let proxy = means.cluster.pod_proxy(&namespace, &name, port);
    silent(proxy.carry(question(request)).await)
}

/// The pod of a name, or the first ready one behind the Service of that name.
async fn pod(means: &Means, namespace: &str, name: &str) -> Result<Option<Value>, Failure> {
    let pods = known("Pod").map_err(Failure::Invalid)?;
    match means.cluster.object_of(&pods, namespace, name).await {
        Ok(pod) => return Ok(Some(pod)),
        Err(failure) if failure.kind == FailureKind::NotFound => {}
        Err(failure) => return Err(unanswered(&failure)),
    }
    let service = ObjectRef {
        kind: "Service".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: String::new(),
    };
    super::service::ready(means, &service).await
}

async fn straight(means: &Means, request: &Request) -> Result<Answered, Failure> {
    let address = &request.address;
    let hosts = &means.keeping.rules.hosts;
    if !address.is_among(hosts.iter()) {
        return Err(Failure::Invalid(format!(
            "{} is not a host that runbooks may ask from here: name it in [runbooks] hosts",
            address.host
        )));
    }
    let direct = Direct::new(&Http::default(), &address.base());
    let direct = direct.map_err(|why| Failure::Invalid(why.short()))?;
    Ok(direct
        .whatever(question(request))
        .await
        .map_err(|why| why.short()))
}

/// Searches what pods write. A source that cannot be read leaves the verdict open, whatever the others hold.
pub async fn scan(means: &Means, asked: &ScanQuestion) -> Result<Answer, Failure> {
    let patterns = Patterns::new(asked.pattern.as_deref()).map_err(Failure::Invalid)?;
    let pods = pods(means, asked).await?;
    let (mut findings, mut open, mut lines) = (Findings::default(), Vec::new(), 0);
    if pods.is_empty() {
        open.push("there are no pods to read".to_owned());
    }
    if pods.len() > PODS {
        open.push(format!("{PODS} of {} pods were read", pods.len()));
    }
    for pod in pods.iter().take(PODS) {
        let name = text(&pod["metadata"]["name"]);
        let read = match asked.texts {
            Texts::Logs => logs(means, asked, pod, &patterns, &mut findings).await,
            Texts::Metrics => metrics(means, asked, pod, &patterns, &mut findings).await,
        };
        match read {
            Ok(0) => open.push(format!("{name} holds nothing to read")),
            Ok(read) => lines += read,
            Err(why) => open.push(format!("{name}: {why}")),
        }
    }
    let words = findings.words();
    let verdict = match (words.is_empty(), open.is_empty()) {
        (false, _) => "found",
        (true, true) => "clean",
        (true, false) => "inconclusive",
    };
    open.truncate(10);
    Ok(Answer::Found(json!({
        "verdict": verdict, "findings": words, "why": open, "pods": pods.len().min(PODS), "lines": lines,
    })))
}

async fn pods(means: &Means, asked: &ScanQuestion) -> Result<Vec<Value>, Failure> {
    let kind = known("Pod").map_err(Failure::Invalid)?;
    let namespace = &asked.namespace;
    if let Some(selector) = &asked.selector {
        let found = means.cluster.objects_of(&kind, namespace, selector).await;
        return found.map_err(|failure| unanswered(&failure));
    }
    let named = asked.target.as_deref().unwrap_or_default();
    let (kind, name) = named.split_once('/').unwrap_or(("Deployment", named));
    let object = ObjectRef {
        kind: kind.to_owned(),
        namespace: namespace.clone(),
        name: name.to_owned(),
        uid: String::new(),
    };
    if state::read(means, &object).await?.is_none() {
        return Err(Failure::Gone(format!("{} does not exist", object.short())));
    }
    let found = measure::pods(means, &object).await;
    found.map_err(Failure::Invalid)
}

/// The lines of every container of a pod.
async fn logs(
    means: &Means,
    asked: &ScanQuestion,
    pod: &Value,
    patterns: &Patterns,
    findings: &mut Findings,
) -> Result<u64, String> {
    let name = text(&pod["metadata"]["name"]);
    let containers = pod["spec"]["containers"].as_array();
    let mut lines = 0;
    for container in containers.into_iter().flatten() {
        let request = LogRequest {
            namespace: asked.namespace.clone(),
            pod: name.clone(),
            container: Some(text(&container["name"])),
            follow: false,
            previous: false,
            since: asked.since,
            tail: Some(asked.sample),
        };
        let reading = means.cluster.logs(request);
        let all = timeout(PATIENCE, whole(reading, &name, patterns, findings)).await;
        lines +=
            all.map_err(|_| format!("its log did not end within {} s", PATIENCE.as_secs()))??;
    }
    Ok(lines)
}

async fn whole(
    mut reading: crate::platform::kubernetes::Logs,
    place: &str,
    patterns: &Patterns,
    findings: &mut Findings,
) -> Result<u64, String> {
    let mut read = 0;
    loop {
        match reading.next().await {
            Some(LogNews::Lines(lines)) => {
                read += lines.len() as u64;
                for line in lines {
                    patterns.search(place, &line.text, findings);
                }
            }
            Some(LogNews::Open) => {}
            Some(LogNews::Troubled(failure)) => return Err(failure.short().to_string()),
            Some(LogNews::Ended) => return Ok(read),
            None => return Err("its log broke off".to_owned()),
        }
    }
}

/// The labels of the metrics a pod exports.
async fn metrics(
    means: &Means,
    asked: &ScanQuestion,
    pod: &Value,
    patterns: &Patterns,
    findings: &mut Findings,
) -> Result<u64, String> {
    let name = text(&pod["metadata"]["name"]);
    let proxy = means
        .cluster
        .pod_proxy(&asked.namespace, &name, port_of(pod));
    match proxy.get("metrics").await {
        Ok((200, body)) => {
            let text = String::from_utf8_lossy(&body);
            Ok(patterns.search_metrics(&name, &text, findings) as u64)
        }
        Ok((status, _)) => Err(format!("its metrics answer {status}")),
        Err(failure) => Err(failure.short().to_string()),
    }
}
