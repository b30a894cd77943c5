//! Where a declared secret comes from: made here, typed by a person, or read from where it lies. Taken once in a process,
//! so that what was confirmed is what is sent.

use super::Secrets;
use super::vault::{client, path, unanswered as vault_unanswered};
use crate::engine::runs::means::Means;
use crate::engine::runs::state::{known, unanswered};
use crate::platform::failure::FailureKind;
use crate::runbook::machine::Failure;
use crate::runbook::model::SecretDecl;
use crate::runbook::prose::bounded;
use crate::runbook::template::Text;
use base64::Engine as _;
use secrecy::ExposeSecret as _;

/// The fingerprint of a declared secret; `None` where a person has to type it first.
pub async fn take(
    means: &Means,
    secrets: &Secrets,
    declared: &SecretDecl,
) -> Result<Option<String>, Failure> {
    if let Some(print) = secrets.known(&declared.name) {
        return Ok(Some(print));
    }
    let value = match declared.source.as_str() {
        "prompt" => return Ok(None),
        "vault" => from_vault(means, declared).await?,
        "k8s" => from_cluster(means, declared).await?,
        _ => return secrets.make(declared).map(Some).map_err(Failure::Invalid),
    };
    Ok(Some(secrets.remember(&declared.name, value)))
}

fn text(of: Option<&Text>) -> &str {
    of.map_or("", Text::source)
}

fn missing(declared: &SecretDecl, place: &str) -> Failure {
    let key = bounded(text(declared.key.as_ref()), 80);
    Failure::Gone(format!(
        "secret {}: there is no key {key} in {}",
        declared.name,
        bounded(place, 120)
    ))
}

async fn from_vault(means: &Means, declared: &SecretDecl) -> Result<Vec<u8>, Failure> {
    let place = text(declared.at.as_ref());
    let read = client(means)?.read(&path(place)?, None).await;
    let read = read.map_err(|failure| vault_unanswered(&failure))?;
    let data = read.map(|read| read.data).unwrap_or_default();
    let value = data.get(text(declared.key.as_ref()));
    let value = value.ok_or_else(|| missing(declared, place))?;
    Ok(value.expose_secret().as_bytes().to_vec())
}

async fn from_cluster(means: &Means, declared: &SecretDecl) -> Result<Vec<u8>, Failure> {
    let (namespace, name) = declared
        .of
        .as_ref()
        .map_or(("", ""), |(ns, name)| (ns.source(), name.source()));
    let place = format!("Secret/{name} of {namespace}");
    let kind = known("Secret").map_err(Failure::Invalid)?;
    let body = match means.cluster.object_of(&kind, namespace, name).await {
        Ok(body) => body,
        Err(failure) if failure.kind == FailureKind::NotFound => {
            return Err(missing(declared, &place));
        }
        Err(failure) => return Err(unanswered(&failure)),
    };
    let value = body["data"][text(declared.key.as_ref())].as_str();
    let value = value.ok_or_else(|| missing(declared, &place))?;
    let standard = &base64::engine::general_purpose::STANDARD;
    // What it says of a value that is none would quote it.
    standard
        .decode(value)
        .map_err(|_| missing(declared, &place))
}
