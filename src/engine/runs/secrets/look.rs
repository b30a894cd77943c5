//! A Secret or a path of Vault as the machine sees it: names, versions, and a fingerprint where a value would stand.

use super::Secrets;
use super::vault::{client, path, unanswered as vault_unanswered};
use crate::engine::runs::means::Means;
use crate::engine::runs::state::{known, reference, text, unanswered};
use crate::platform::failure::FailureKind;
use crate::platform::vault::{KvPath, Metadata, Vault};
use crate::runbook::machine::{Answer, Failure, ObjectState, SecretQuestion};
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::ObjectFacts;
use base64::Engine as _;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

/// Where `kubectl apply` leaves a copy of what it applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is there now.
pub async fn state(
    means: &Means,
    secrets: &Secrets,
    asked: &SecretQuestion,
) -> Result<Answer, Failure> {
    let found = if asked.object.in_vault() {
        in_vault(means, secrets, &asked.object).await?
    } else {
        in_cluster(means, secrets, &asked.object).await?
    };
    let Some(mut state) = found else {
        return Ok(Answer::Gone);
    };
    if let Some(beside) = &asked.beside {
        let there = in_vault(means, secrets, beside).await?;
        state.body["beside"] = there.map_or(
            Value::Null,
            |there| json!({"data": there.body["data"], "version": there.resource_version}),
        );
        state.body["pairs"] = json!(asked.keys);
    }
    for declared in &asked.made {
        // What nobody has typed yet has no fingerprint: the machine asks for it.
        if let Some(print) = super::source::take(means, secrets, declared).await? {
            state.body["made"][declared.name.as_str()] = json!(print);
        }
    }
    for text in &asked.texts {
        let print = secrets.keep(text.as_bytes().to_vec());
        state.body["texts"][text.as_str()] = json!(print);
    }
    Ok(Answer::Object(state))
}

async fn in_vault(
    means: &Means,
    secrets: &Secrets,
    object: &ObjectRef,
) -> Result<Option<ObjectState>, Failure> {
    let (vault, at) = (client(means)?, path(&object.name)?);
    let metadata = vault.metadata(&at).await;
    let Some(metadata) = metadata.map_err(|failure| vault_unanswered(&failure))? else {
        return Ok(None);
    };
    let current = metadata.current_version;
    let data = values(secrets, vault, &at, current).await?;
    let uid = metadata.created.to_string();
    let body = json!({
        "metadata": {"uid": uid},
        "data": data,
        "versions": versions(&metadata),
        "created": metadata.versions.get(&current).map(|version| version.created.to_string()),
        "updated_by": metadata.last_updated_by,
    });
    Ok(Some(ObjectState {
        object: ObjectRef {
            uid,
            ..object.clone()
        },
        resource_version: current.to_string(),
        generation: i64::try_from(current).unwrap_or(i64::MAX),
        body,
        facts: ObjectFacts::default(),
    }))
}

/// The fingerprints of a version's values, which are kept; nothing where the version is deleted or destroyed.
pub async fn values(
    secrets: &Secrets,
    vault: &Vault,
    at: &KvPath,
    version: u64,
) -> Result<Map<String, Value>, Failure> {
    let read = vault.read(at, Some(version)).await;
    let read = read.map_err(|failure| vault_unanswered(&failure))?;
    let data = read.map(|read| read.data).unwrap_or_default();
    let each = data.into_iter().map(|(key, value)| {
        let print = secrets.keep(value.expose_secret().as_bytes().to_vec());
        (key, json!(print))
    });
    Ok(each.collect())
}

fn versions(metadata: &Metadata) -> Map<String, Value> {
    let each = metadata.versions.iter().map(|(number, version)| {
        let state = match (version.destroyed, version.deleted) {
            (true, _) => "destroyed",
            (false, Some(_)) => "deleted",
            (false, None) => "there",
        };
        (number.to_string(), json!(state))
    });
    each.collect()
}

async fn in_cluster(
    means: &Means,
    secrets: &Secrets,
    object: &ObjectRef,
) -> Result<Option<ObjectState>, Failure> {
    let kind = known(&object.kind).map_err(Failure::Invalid)?;
    let (namespace, name) = (&object.namespace, &object.name);
    let body = match means.cluster.object_of(&kind, namespace, name).await {
        Ok(body) => body,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
        Err(failure) => return Err(unanswered(&failure)),
    };
    Ok(Some(ObjectState {
        object: reference(&object.kind, &body),
        resource_version: text(&body["metadata"]["resourceVersion"]),
        generation: 0,
        body: shown(secrets, &body),
        facts: ObjectFacts::default(),
    }))
}

/// A Secret as it may be seen: fingerprints where values stand, in the copy that `kubectl apply` leaves as well.
pub fn shown(secrets: &Secrets, body: &Value) -> Value {
    let mut shown = json!({
        "metadata": {"uid": body["metadata"]["uid"]},
        "data": prints(secrets, body),
    });
    if let Some(copy) = body["metadata"]["annotations"][LAST_APPLIED].as_str() {
        shown["metadata"]["annotations"][LAST_APPLIED] = json!(secrets.print(copy.as_bytes()));
    }
    shown
}

/// The fingerprints of a Secret's values, which are kept.
pub fn prints(secrets: &Secrets, body: &Value) -> Map<String, Value> {
    let data = body["data"].as_object().into_iter().flatten();
    let each = data.filter_map(|(key, value)| {
        let standard = &base64::engine::general_purpose::STANDARD;
        let value = standard.decode(value.as_str()?).ok()?;
        Some((key.clone(), json!(secrets.keep(value))))
    });
    each.collect()
}
