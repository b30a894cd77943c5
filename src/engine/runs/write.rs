//! The one place where a run changes the platform: exactly one request for each effect, its answer classified as done,
//! certainly not done, or unknown.

use super::report::Reporter;
use super::request;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::Manner;
use crate::runbook::ids::EffectKey;
use crate::runbook::machine::{Event, Status};
use crate::runbook::patch::Action;
use std::time::Duration;

/// The longest wait a throttling server gets before the world is looked at again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Sends one change and says what became of it.
pub async fn send(
    to: &Reporter,
    effect: EffectKey,
    attempt: u32,
    audit_id: String,
    action: Action,
) -> Event {
    let manner = Manner {
        dry_run: false,
        audit_id: Some(audit_id),
    };
    let sent = request::send(to, &action, &manner).await;
    let failure = match sent {
        Ok(applied) => {
            return Event::Performed {
                effect,
                attempt,
                http: 200,
                resource_version: applied.resource_version,
                generation: applied.generation.unwrap_or_default(),
            };
        }
        Err(failure) => failure,
    };
    if request::forbids(&action, &failure) {
        return Event::Refused {
            effect,
            attempt,
            status: Status::Denied,
            http: 429,
            message: request::budget(&failure),
        };
    }
    if let FailureKind::Throttled(Some(wait)) = failure.kind {
        tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
    }
    match class(&failure) {
        Some((status, http)) => Event::Refused {
            effect,
            attempt,
            status,
            http,
            message: failure.to_string(),
        },
        None => Event::Unknown {
            effect,
            attempt,
            why: failure.to_string(),
        },
    }
}

/// How the server refused; `None` where looking at the world decides. A request that was never sent is among those: the
/// probe finds it absent and it is tried again.
fn class(failure: &Failure) -> Option<(Status, u16)> {
    match &failure.kind {
        // A field that another manager applied: trying again changes nothing.
        FailureKind::Conflict if failure.said.contains("conflict with") => {
            Some((Status::Invalid, 409))
        }
        FailureKind::Conflict => Some((Status::Conflict, 409)),
        FailureKind::Forbidden(_) => Some((Status::Denied, 403)),
        FailureKind::Unauthorized => Some((Status::Denied, 401)),
        FailureKind::NotFound => Some((Status::Gone, 404)),
        // The uid is a precondition: a namesake refuses it as immutable.
        FailureKind::Invalid if failure.said.contains("metadata.uid") => Some((Status::Gone, 422)),
        FailureKind::Invalid => Some((Status::Invalid, 422)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::failure::Rule;

    fn of(kind: FailureKind, said: &str) -> Option<(Status, u16)> {
        class(&Failure::new(kind, "patch x", "h", said))
    }

    #[test]
    fn only_a_definite_refusal_is_one() {
        let rule = Box::new(Rule::default());
        assert_eq!(
            of(FailureKind::Forbidden(rule), ""),
            Some((Status::Denied, 403))
        );
        assert_eq!(of(FailureKind::Conflict, ""), Some((Status::Conflict, 409)));
        assert_eq!(
            of(FailureKind::Invalid, "metadata.uid: field is immutable"),
            Some((Status::Gone, 422))
        );
        for open in [
            FailureKind::Interrupted,
            FailureKind::Timeout,
            FailureKind::Server(503),
            FailureKind::Malformed,
            FailureKind::Unreachable("connection refused".into()),
            FailureKind::Throttled(None),
        ] {
            assert_eq!(of(open.clone(), ""), None, "{open:?}");
        }
    }
}
