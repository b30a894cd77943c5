//! A change of keys as the one request it is: values are filled in here, from memory, and go nowhere but into its body.

use super::Secrets;
use super::look::{shown, values};
use super::vault::path;
use crate::engine::runs::means::Means;
use crate::engine::runs::state::known;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{Applied, Manner};
use crate::platform::vault::Vault;
use crate::runbook::patch::{Action, FieldChange, Source};
use crate::runbook::pointer::unescaped;
use crate::runbook::verb::Verb;
use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many older versions are looked through for a value this process no longer has.
const BACK: usize = 10;

/// Sends it once. What a refusal says is cleaned of every value that is known here.
pub async fn send(
    means: &Means,
    secrets: &Secrets,
    action: &Action,
    manner: &Manner,
) -> Result<Applied, Failure> {
    let sent = if action.planned.object.in_vault() {
        if manner.dry_run {
            // It would be the change itself.
            return Err(refused("Vault has no dry run"));
        }
        to_vault(means, secrets, action).await
    } else {
        to_cluster(means, secrets, action, manner).await
    };
    sent.map_err(|mut failure| {
        failure.said = secrets.cleaned(&failure.said).into();
        failure
    })
}

fn refused(why: &str) -> Failure {
    Failure::new(FailureKind::Setup, "send a change of keys", "", why)
}

async fn to_vault(means: &Means, secrets: &Secrets, action: &Action) -> Result<Applied, Failure> {
    let vault = means
        .vault
        .as_ref()
        .ok_or_else(|| refused("no Vault is named"))?;
    let at = path(&action.planned.object.name).map_err(|_| refused("the path is none"))?;
    let changes = &action.planned.changes;
    if action.planned.verb() == Verb::Destroy {
        let versions = changes.iter().filter_map(|change| {
            let number = change.path.rsplit('/').next()?;
            number.parse().ok()
        });
        let versions: Vec<u64> = versions.collect();
        vault.destroy(&at, &versions).await?;
        return Ok(Applied {
            resource_version: action.resource_version.clone(),
            ..Applied::default()
        });
    }
    let cas: u64 = action
        .resource_version
        .parse()
        .map_err(|_| refused("the version is no number"))?;
    let mut all = BTreeMap::new();
    for change in changes {
        let value = match print_of(change) {
            None => None,
            Some(print) => {
                let value = found(means, secrets, change, print).await?;
                let text = String::from_utf8(value.expose_secret().to_vec());
                let text = text.map_err(|_| refused("a value is not text"))?;
                Some(SecretString::from(text))
            }
        };
        all.insert(key_of(change), value);
    }
    let written = vault.patch(&at, cas, &all).await?;
    Ok(Applied {
        resource_version: written.version.to_string(),
        ..Applied::default()
    })
}

async fn to_cluster(
    means: &Means,
    secrets: &Secrets,
    action: &Action,
    manner: &Manner,
) -> Result<Applied, Failure> {
    let object = &action.planned.object;
    let kind = known(&object.kind).map_err(|why| refused(&why))?;
    let mut body =
        json!({"metadata": {"uid": object.uid, "resourceVersion": action.resource_version}});
    for change in &action.planned.changes {
        if change.from.is_none() {
            body["metadata"]["annotations"][key_of(change)] = Value::Null;
            continue;
        }
        let value = match print_of(change) {
            None => Value::Null,
            Some(print) => {
                let value = found(means, secrets, change, print).await?;
                let standard = &base64::engine::general_purpose::STANDARD;
                json!(standard.encode(value.expose_secret()))
            }
        };
        body["data"][key_of(change).as_str()] = value;
    }
    let patched = means
        .cluster
        .patch(&kind, &object.namespace, &object.name, &body, manner);
    let applied = patched.await?;
    // What was answered holds every value of the Secret: nobody else is to see more than fingerprints of it.
    Ok(Applied {
        object: shown(secrets, &applied.object),
        ..applied
    })
}

fn print_of(change: &FieldChange) -> Option<&str> {
    change.after.as_ref().and_then(Value::as_str)
}

fn key_of(change: &FieldChange) -> String {
    let key = change.path.rsplit('/').next().unwrap_or_default();
    unescaped(key)
}

/// The value of a fingerprint: from memory, or, for what was there before a run that another process began, from the
/// versions Vault still has.
async fn found(
    means: &Means,
    secrets: &Secrets,
    change: &FieldChange,
    print: &str,
) -> Result<SecretSlice<u8>, Failure> {
    if let Some(value) = secrets.value(print) {
        return Ok(value);
    }
    if let (Some(Source::Kept(Some(at))), Some(vault)) = (&change.from, &means.vault) {
        look_back(secrets, vault, at).await?;
    }
    secrets.value(print).ok_or_else(|| {
        refused(&format!(
            "the value of {} is no longer known: it was in the memory of the console that began this, and no version of Vault holds it",
            key_of(change)
        ))
    })
}

/// Takes the values of a path's older versions into memory.
async fn look_back(secrets: &Secrets, vault: &Vault, at: &str) -> Result<(), Failure> {
    let at = path(at).map_err(|_| refused("the path is none"))?;
    let Some(metadata) = vault.metadata(&at).await? else {
        return Ok(());
    };
    let there = metadata.versions.iter().rev();
    let there = there.filter(|(_, version)| !version.destroyed && version.deleted.is_none());
    for (number, _) in there.take(BACK) {
        // A version that went away meanwhile holds nothing.
        let _ = values(secrets, vault, &at, *number).await;
    }
    Ok(())
}
