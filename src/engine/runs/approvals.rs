//! How a request for an approval and its answer travel: in a ConfigMap of the target's namespace, where both sides may
//! write it; else by hand. What is read there is only carried to who judges it.

use super::means::Means;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{Cluster, Known};
use crate::runbook::approval::Request;
use crate::runbook::machine::{Answer, Failure as Unanswered, Offered};
use crate::runbook::prose::bounded;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The ConfigMap.
pub const PLACE: &str = "vigie-approvals";
/// How often it is looked at while somebody waits for it.
const GLANCE: Duration = Duration::from_secs(3);
/// How often a write that meets another is tried again.
const TRIES: u32 = 5;
/// A request larger than this is carried by hand: a ConfigMap holds a megabyte, for everybody.
const ROOM: usize = 128 * 1024;
/// The most approvals of one request that are read.
const MOST: usize = 16;

/// Puts a request where others find it and looks for what they answered; with `wait`, until there is something new.
pub async fn look(
    means: &Means,
    request: &Request,
    given: Option<String>,
    known: &[String],
    wait: bool,
) -> Result<Answer, Unanswered> {
    let namespace = &request.target.namespace;
    let put = publish(&means.cluster, namespace, request).await;
    let place = put.map(|()| format!("ConfigMap {PLACE}"));
    loop {
        let found = answers(&means.cluster, namespace, &request.code()).await;
        let found = found.unwrap_or_default();
        let texts: Vec<String> = given
            .iter()
            .cloned()
            .chain(found)
            .filter(|text| !known.contains(text))
            .collect();
        if wait && texts.is_empty() {
            tokio::time::sleep(GLANCE).await;
            continue;
        }
        let Some(now) = server_time(&means.cluster, means.clock.now()).await else {
            if wait {
                tokio::time::sleep(GLANCE).await;
                continue;
            }
            let why = "the server's time is not known, and approvals hold by it";
            return Err(Unanswered::Offline(why.to_owned()));
        };
        return Ok(Answer::Offered(Offered {
            texts,
            signers: (means.keeping.rules.signers)(),
            now,
            place,
        }));
    }
}

/// The server's time, as an answer's head shows it to the second; where it shows none but answers, ours.
pub async fn server_time(cluster: &Cluster, ours: Timestamp) -> Option<Timestamp> {
    let version = cluster.version().await.ok()?;
    Some(version.clock.unwrap_or(ours))
}

fn config_map() -> Known {
    Known::everyday("ConfigMap").unwrap_or_default()
}

/// Lets others find a request; the error is a sentence for whoever carries it by hand.
async fn publish(cluster: &Cluster, namespace: &str, request: &Request) -> Result<(), String> {
    let text = request.text();
    if text.len() > ROOM {
        return Err("the request is too large for a ConfigMap".to_owned());
    }
    let entry = [(format!("{}.request", request.code()), json!(text))];
    let put = put(cluster, namespace, entry.into_iter().collect()).await;
    put.map_err(|failure| format!("the request could not be put into the namespace ({failure})"))
}

/// Puts what somebody signed beside the request.
pub async fn answer(
    cluster: &Cluster,
    namespace: &str,
    (code, key): (&str, &str),
    text: &str,
) -> Result<(), Failure> {
    let safe: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("{code}.{}", safe.chars().take(20).collect::<String>());
    put(
        cluster,
        namespace,
        [(name, json!(text))].into_iter().collect(),
    )
    .await
}

/// The request of a code; `None` where there is none.
pub async fn request(
    cluster: &Cluster,
    namespace: &str,
    code: &str,
) -> Result<Option<String>, Failure> {
    let found = read(cluster, namespace).await?;
    let text =
        found.and_then(|body| Some(body["data"][format!("{code}.request")].as_str()?.to_owned()));
    Ok(text)
}

/// The codes that are waited for in a namespace.
pub async fn codes(cluster: &Cluster, namespace: &str) -> Result<Vec<String>, Failure> {
    let found = read(cluster, namespace).await?.unwrap_or_default();
    let data = found["data"].as_object();
    let keys = data.into_iter().flatten().map(|(key, _)| key);
    let codes = keys.filter_map(|key| key.strip_suffix(".request"));
    Ok(codes.map(|code| bounded(code, 20)).collect())
}

/// What was answered to a request.
async fn answers(cluster: &Cluster, namespace: &str, code: &str) -> Result<Vec<String>, Failure> {
    let found = read(cluster, namespace).await?.unwrap_or_default();
    let data = found["data"].as_object();
    let answers = data.into_iter().flatten().filter(|(key, _)| {
        let rest = key
            .strip_prefix(code)
            .and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest != "request")
    });
    let texts = answers.filter_map(|(_, value)| Some(value.as_str()?.to_owned()));
    Ok(texts.take(MOST).collect())
}

/// Takes a request and its answers away; what stays is void anyhow.
pub async fn clear(cluster: &Cluster, namespace: &str, code: &str) {
    let Ok(Some(found)) = read(cluster, namespace).await else {
        return;
    };
    let data = found["data"].as_object();
    let own = |key: &&String| {
        key.strip_prefix(code)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let keys = data.into_iter().flatten().map(|(key, _)| key).filter(own);
    let gone: Map<String, Value> = keys.map(|key| (key.clone(), Value::Null)).collect();
    // A leftover is refused by its plan, its time and its being used.
    let _ = put(cluster, namespace, gone).await;
}

async fn read(cluster: &Cluster, namespace: &str) -> Result<Option<Value>, Failure> {
    match cluster.object_of(&config_map(), namespace, PLACE).await {
        Ok(body) => Ok(Some(body)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Writes entries, making the ConfigMap where there is none; what others write at the same time stays.
async fn put(
    cluster: &Cluster,
    namespace: &str,
    entries: Map<String, Value>,
) -> Result<(), Failure> {
    super::shared::put(cluster, namespace, PLACE, &entries, TRIES).await
}
