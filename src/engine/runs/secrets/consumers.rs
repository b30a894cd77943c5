//! Who reads a key: workloads and CronJobs by their templates, the Secret they read, and who owns it.

use super::Secrets;
use super::look::{LAST_APPLIED, prints};
use crate::engine::runs::means::Means;
use crate::engine::runs::state::{known, text, unanswered};
use crate::platform::failure::FailureKind;
use crate::runbook::consumers::{origin, owner, readers, reads_as_well};
use crate::runbook::machine::{Answer, Failure};
use crate::runbook::prose::bounded;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// The Secret that holds a key, and everything that reads it.
pub async fn find(
    means: &Means,
    kept: &Secrets,
    namespace: &str,
    key: &str,
) -> Result<Answer, Failure> {
    let secrets = listed(means, "Secret", namespace).await?;
    let holds = |secret: &str, key: &str| {
        let found = secrets.iter().find(|one| one["metadata"]["name"] == secret);
        found.is_some_and(|found| found["data"].get(key).is_some())
    };
    let mut workloads: Vec<(String, Value)> = Vec::new();
    let mut templates: Vec<Value> = Vec::new();
    for kind in WORKLOADS {
        for body in listed(means, kind, namespace).await? {
            let template = &body["spec"]["template"];
            let found = readers(template, key, holds);
            let mut names: Vec<&str> = found.iter().map(|one| one.secret.as_str()).collect();
            names.dedup();
            for secret in names {
                let how: Vec<&str> = found
                    .iter()
                    .filter(|one| one.secret == secret)
                    .map(|one| one.how.as_str())
                    .collect();
                workloads.push((
                    secret.to_owned(),
                    reader(means, kind, &body, &how.join(", ")),
                ));
                templates.push(template.clone());
            }
        }
    }
    let mut by_secret: BTreeMap<&str, usize> = BTreeMap::new();
    for (secret, _) in &workloads {
        *by_secret.entry(secret).or_default() += 1;
    }
    if by_secret.len() > 1 {
        let names: Vec<&str> = by_secret.into_keys().collect();
        return Err(Failure::Invalid(format!(
            "{} of several Secrets is read: {}; which one is meant cannot be told",
            bounded(key, 80),
            names.join(", ")
        )));
    }
    let secret = by_secret.into_keys().next().map(str::to_owned);
    let Some(secret) = secret else {
        return Ok(Answer::Found(json!({
            "workloads": [], "secret": null, "owner": "none", "keys": [],
            "unread": unread(&secrets, key, ""),
        })));
    };
    let body = secrets
        .iter()
        .find(|one| one["metadata"]["name"] == *secret);
    let mut found = described(means, kept, namespace, &secret, body).await?;
    let mut list: Vec<Value> = workloads.into_iter().map(|(_, one)| one).collect();
    // Whoever only verifies comes before whoever signs; among equals the name decides.
    list.sort_by_key(|one| (text(&one["role"]) == "issuer", text(&one["name"])));
    found["workloads"] = json!(list);
    found["unread"] = unread(&secrets, key, &secret);
    for other in ["next", "previous"] {
        let other = format!("{key}-{other}");
        let all = templates
            .iter()
            .all(|template| reads_as_well(template, &secret, &other));
        found["all_reference"][other.as_str()] = json!(all);
    }
    let next = found["all_reference"].as_object();
    let both = next.is_some_and(|all| all.values().all(|one| one == true));
    found["overlap"] = json!(both);
    Ok(Answer::Found(found))
}

async fn listed(means: &Means, kind: &str, namespace: &str) -> Result<Vec<Value>, Failure> {
    let kind = known(kind).map_err(Failure::Invalid)?;
    let all = means.cluster.objects_of(&kind, namespace, "").await;
    all.map_err(|failure| unanswered(&failure))
}

/// One workload that reads the key.
fn reader(means: &Means, kind: &str, body: &Value, how: &str) -> Value {
    let name = text(&body["metadata"]["name"]);
    let issues = means.keeping.rules.issuers.contains(&name);
    json!({
        "ref": format!("{kind}/{name}"),
        "kind": kind,
        "name": name,
        "namespace": body["metadata"]["namespace"],
        "uid": body["metadata"]["uid"],
        "role": if issues { "issuer" } else { "verifier" },
        "how": bounded(how, 200),
        "paused": body["spec"]["paused"] == true,
    })
}

/// Secrets that hold the key and are read by nobody.
fn unread(secrets: &[Value], key: &str, read: &str) -> Value {
    let names = secrets.iter().filter(|one| one["data"].get(key).is_some());
    let names = names.map(|one| text(&one["metadata"]["name"]));
    json!(
        names
            .filter(|name| name != read)
            .take(10)
            .collect::<Vec<_>>()
    )
}

/// What is known about the Secret itself.
async fn described(
    means: &Means,
    kept: &Secrets,
    namespace: &str,
    secret: &str,
    body: Option<&Value>,
) -> Result<Value, Failure> {
    let Some(body) = body else {
        return Err(Failure::Gone(format!(
            "Secret/{secret} is read by pods and does not exist"
        )));
    };
    let (word, name) = owner(body);
    let data = body["data"].as_object();
    let keys: Vec<&String> = data.into_iter().flat_map(|data| data.keys()).collect();
    let mut found = json!({
        "secret": secret,
        "secret_uid": body["metadata"]["uid"],
        "owner": word,
        "owner_name": name,
        "keys": keys,
        "data": prints(kept, body),
        "applied_copy": body["metadata"]["annotations"][LAST_APPLIED].is_string(),
    });
    if word == "externalsecret" {
        let external = external(means, namespace, secret, &name).await?;
        let origin = external.as_ref().map(origin).unwrap_or_default();
        found["external_secret"] = origin["name"].clone();
        found["refresh_policy"] = origin["refresh_policy"].clone();
        found["paths"] = origin["paths"].clone();
        found["owner_name"] = origin["name"].clone();
    }
    Ok(found)
}

/// The ExternalSecret that writes a Secret.
async fn external(
    means: &Means,
    namespace: &str,
    secret: &str,
    name: &str,
) -> Result<Option<Value>, Failure> {
    let kind = match means.cluster.kind_named("ExternalSecret").await {
        Ok(kind) => kind,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
        Err(failure) => return Err(unanswered(&failure)),
    };
    let all = means.cluster.objects_of(&kind, namespace, "").await;
    let all = all.map_err(|failure| unanswered(&failure))?;
    Ok(all.into_iter().find(|one| {
        let own = &one["metadata"]["name"];
        let target = one["spec"]["target"]["name"].as_str();
        *own == name || target.or(own.as_str()) == Some(secret)
    }))
}
