//! From a status or a broken connection to a typed failure. Nothing of an answer's body is kept but Vault's own short
//! sentences (`errors`), and those only after everything that was sent has been taken out of them.

use crate::domain::redact::Redactor;
use crate::platform::failure::{Failure, FailureKind, Rule, bounded};
use crate::platform::http::{HttpFailure, clip};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The sentence of a sealed Vault.
const SEALED: &str = "Vault is sealed";
/// What a write is told whose version is not the newest any more.
const STALE: &str = "check-and-set parameter did not match";
/// What a path is told that no engine answers.
const NO_ENGINE: &str = "no handler for route";
/// How much of what was said is looked at.
const LOOKED_AT: usize = 4_096;

/// What is being attempted.
#[derive(Clone, Default)]
pub struct Attempt {
    doing: String,
    to: String,
    right: &'static str,
    path: String,
    changes: bool,
    sent: Redactor,
    token: String,
}

impl Attempt {
    pub fn new(doing: &str, to: &str) -> Self {
        Self {
            doing: doing.to_owned(),
            to: to.to_owned(),
            ..Self::default()
        }
    }

    /// Needs this right at this path of the API.
    pub fn on(mut self, right: &'static str, path: &str) -> Self {
        self.right = right;
        path.clone_into(&mut self.path);
        self
    }

    /// Changes something, and sends what must not come back.
    pub fn changing(mut self, sent: Redactor) -> Self {
        self.changes = true;
        self.sent = sent;
        self
    }

    /// The same with this token, found there.
    pub fn with_token(&self, token: &SecretString, source: &str) -> Self {
        let mut with = self.clone();
        with.sent.learn(token.expose_secret());
        source.clone_into(&mut with.token);
        with
    }

    /// What cannot be written as a request.
    pub fn unsendable(&self) -> Failure {
        self.failure(FailureKind::Invalid, "the request cannot be written")
    }

    fn failure(&self, kind: FailureKind, said: &str) -> Failure {
        Failure::new(kind, &self.doing, &self.to, said)
    }

    fn rule(&self) -> FailureKind {
        FailureKind::Forbidden(Box::new(Rule {
            verb: self.right.to_owned(),
            resource: self.path.clone(),
            namespace: "Vault".to_owned(),
            ..Rule::default()
        }))
    }
}

/// There is no token to ask with.
pub fn no_token(attempt: &Attempt, why: &str) -> Failure {
    let said = format!("no Vault token: {why}");
    attempt
        .failure(FailureKind::Setup, &said)
        .tip("Put one into VAULT_TOKEN or ~/.vault-token (`vault login`), or name a file as token_file of [context.NAME.vault].")
}

/// An answer of 2xx, or of a check of health, that is none of Vault's. What was sent may have taken effect.
pub fn unreadable(status: u16, attempt: &Attempt) -> Failure {
    let said = format!("HTTP {status}, but not as Vault answers");
    attempt.failure(FailureKind::Malformed, &said)
}

/// No answer, or none that could be read to its end.
pub fn unasked(failure: &HttpFailure, attempt: &Attempt) -> Failure {
    let lost = if attempt.changes {
        FailureKind::Interrupted
    } else {
        FailureKind::Timeout
    };
    match failure {
        HttpFailure::Unreachable(why) => {
            attempt.failure(FailureKind::Unreachable(why.as_str().into()), "")
        }
        HttpFailure::Timeout(_) => attempt.failure(lost, ""),
        HttpFailure::Lost(_) | HttpFailure::CutOff if attempt.changes => {
            attempt.failure(FailureKind::Interrupted, "")
        }
        HttpFailure::Lost(why) => {
            attempt.failure(FailureKind::Unreachable(why.as_str().into()), "")
        }
        HttpFailure::CutOff => {
            attempt.failure(FailureKind::Unreachable("the answer broke off".into()), "")
        }
        HttpFailure::Malformed(_) | HttpFailure::TooLarge(_) => {
            attempt.failure(FailureKind::Malformed, "")
        }
        HttpFailure::Address(why) | HttpFailure::Credential(why) => {
            attempt.failure(FailureKind::Setup, why)
        }
        HttpFailure::Status(300..400, _) => attempt
            .failure(
                FailureKind::Unreachable("it redirects elsewhere".into()),
                "",
            )
            .tip("A standby sends to the active node: name that one's address."),
        HttpFailure::Status(403, why) => attempt.failure(attempt.rule(), &attempt.sent.clean(why)),
        HttpFailure::Status(status, why) => {
            attempt.failure(FailureKind::Server(*status), &attempt.sent.clean(why))
        }
    }
}

#[derive(Deserialize, Default)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

/// An answer that says no.
pub fn refused(status: u16, body: &[u8], attempt: &Attempt) -> Failure {
    let errors: Errors = serde_json::from_slice(body).unwrap_or_default();
    // Vault lists several errors on lines of their own under a heading.
    let all = errors.errors.join("; ");
    let said = clip(&attempt.sent.clean(&bounded(&all, LOOKED_AT)));
    let has = |words: &str| all.contains(words);
    let of = |kind| attempt.failure(kind, &said);
    match status {
        400 if has(STALE) => of(FailureKind::Conflict),
        401 => of(FailureKind::Unauthorized).tip(&attempt.renew()),
        403 if has("invalid token") || has("bad token") => {
            of(FailureKind::Unauthorized).tip(&attempt.renew())
        }
        403 => of(attempt.rule()),
        404 => of(FailureKind::NotFound),
        408 if attempt.changes => of(FailureKind::Interrupted),
        408 => of(FailureKind::Timeout),
        429 => of(FailureKind::Throttled(None)),
        503 if has(SEALED) => attempt
            .failure(FailureKind::Unreachable(SEALED.into()), "")
            .tip("It must be unsealed by its keepers; until then it neither reads nor writes."),
        400..500 => of(FailureKind::Invalid),
        _ => of(FailureKind::Server(status)),
    }
}

/// Whether a failure only says that nothing is there. A path that no engine answers is a mistake, not an absence.
pub fn is_nothing(failure: &Failure) -> bool {
    failure.kind == FailureKind::NotFound && !failure.said.contains(NO_ENGINE)
}

impl Attempt {
    fn renew(&self) -> String {
        format!(
            "Vault does not take the token from {}: get a new one (`vault login`).",
            self.token
        )
    }
}

#[cfg(test)]
mod tests;
