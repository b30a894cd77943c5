//! The target's Vault, as a run asks it: whether there is one, what it says of itself and of our token, and our rights.

use crate::engine::runs::means::Means;
use crate::platform::failure::{Failure as Failed, FailureKind};
use crate::platform::vault::{KvPath, Vault};
use crate::runbook::machine::Failure;
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::{Access, Level, Line, Requirement};
use crate::runbook::prose::bounded;
use crate::runbook::quantity::show_duration;
use jiff::SignedDuration;

/// A token that lives shorter than this may not see the run's end.
const SHORT: SignedDuration = SignedDuration::from_mins(30);

/// The Vault of the target.
pub fn client(means: &Means) -> Result<&Vault, Failure> {
    means.vault.as_ref().ok_or_else(|| {
        Failure::Invalid(
            "no Vault is named for this context: set VAULT_ADDR, or [context.NAME] vault"
                .to_owned(),
        )
    })
}

/// A path, mount first.
pub fn path(text: &str) -> Result<KvPath, Failure> {
    KvPath::parse(text).map_err(|why| Failure::Invalid(format!("the path {text:?}: {why}")))
}

/// Why a question to Vault has no answer. A path one may not see looks like one that is not there, and never the other
/// way round.
pub fn unanswered(failure: &Failed) -> Failure {
    let words = failure.to_string();
    match failure.kind {
        FailureKind::Forbidden(_) | FailureKind::Unauthorized => Failure::Denied(words),
        FailureKind::NotFound | FailureKind::Gone => Failure::Gone(words),
        FailureKind::Invalid | FailureKind::Conflict | FailureKind::Setup => {
            Failure::Invalid(words)
        }
        _ => Failure::Offline(words),
    }
}

/// What is said of Vault before the first effect, where a path of it is changed.
pub async fn lines(means: &Means, secrets: &[ObjectRef]) -> Result<Vec<Line>, Failure> {
    let paths: Vec<&str> = secrets
        .iter()
        .filter(|object| object.in_vault())
        .map(|object| object.name.as_str())
        .collect();
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let vault = match client(means) {
        Ok(vault) => vault,
        Err(Failure::Invalid(why)) => {
            let line = Line::new(Level::Red, "which Vault?", why);
            return Ok(vec![line]);
        }
        Err(failure) => return Err(failure),
    };
    let health = vault
        .health()
        .await
        .map_err(|failure| unanswered(&failure))?;
    if health.sealed {
        let why = format!("Vault is sealed ({})", vault.address());
        return Err(Failure::Offline(why));
    }
    let place = format!(
        "{} {}, {}",
        vault.address(),
        health.version,
        paths.join(", ")
    );
    Ok(vec![
        Line::new(Level::Passed, "which Vault?", bounded(&place, 300)),
        token(vault).await,
    ])
}

/// Whose token it is, and how long it lives.
async fn token(vault: &Vault) -> Line {
    let text = "whose token is Vault's?";
    let token = match vault.token().await {
        Ok(token) => token,
        Err(failure) => return Line::new(Level::Unknown, text, failure.to_string()),
    };
    let name = bounded(&token.display_name, 80);
    match token.ttl.filter(|ttl| *ttl > 0) {
        None => Line::new(Level::Passed, text, format!("{name}; it does not expire")),
        Some(ttl) => {
            let left = SignedDuration::from_secs(i64::try_from(ttl).unwrap_or(i64::MAX));
            let fact = format!("{name}; it lives {} more", show_duration(left));
            let level = if left < SHORT {
                Level::Amber
            } else {
                Level::Passed
            };
            let line = Line::new(level, text, fact);
            if level == Level::Amber {
                line.fix("vault login again, so that it outlives the run")
            } else {
                line
            }
        }
    }
}

/// Whether our token may do something.
pub async fn may(means: &Means, requirement: Requirement) -> Result<Access, Failure> {
    let vault = match client(means) {
        Ok(vault) => vault,
        Err(Failure::Invalid(reason)) => {
            return Ok(Access {
                requirement,
                allowed: None,
                reason,
            });
        }
        Err(failure) => return Err(failure),
    };
    let asked = vault.capabilities(std::slice::from_ref(&requirement.resource));
    let (allowed, reason) = match asked.await {
        Ok(found) => {
            let given = found
                .get(&requirement.resource)
                .cloned()
                .unwrap_or_default();
            let root = given.contains("root") && !given.contains("deny");
            let listed = given.into_iter().collect::<Vec<_>>();
            let allowed = root || listed.contains(&requirement.verb);
            let fact = format!("its capabilities are {}", listed.join(", "));
            (Some(allowed), fact)
        }
        Err(failure) => match unanswered(&failure) {
            Failure::Offline(why) => return Err(Failure::Offline(why)),
            _ => (None, failure.to_string()),
        },
    };
    Ok(Access {
        requirement,
        allowed,
        reason,
    })
}
