//! From a status code or a broken connection to a typed failure.
//!
//! The one question that matters for writes is answered here: was it refused or never sent, or is its outcome unknown?

use super::protobuf;
use super::wire::StatusWire;
use crate::platform::failure::{Failure, FailureKind, Rule};
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What is being attempted.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempt {
    pub(super) verb: &'static str,
    /// The resource with its subresource: `pods/log`.
    pub(super) resource: String,
    pub(super) group: String,
    pub(super) namespace: String,
    pub(super) name: String,
    /// Whether it may change something, so that a lost answer leaves the outcome unknown.
    pub(super) changes: bool,
}

impl Attempt {
    pub(super) fn read(
        verb: &'static str,
        group: &str,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> Self {
        Self {
            verb,
            resource: resource.to_owned(),
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            changes: false,
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        if !self.namespace.is_empty() {
            write!(f, " in {}", self.namespace)?;
        }
        Ok(())
    }
}

/// A refusal by status code and body; `wait` is the header Retry-After.
pub(super) fn refusal(
    code: u16,
    body: &[u8],
    wait: Option<Duration>,
    attempt: &Attempt,
    server: &str,
) -> Failure {
    let packed = protobuf::status(body);
    let (status, plain) = match &packed {
        Some(status) => (status.wire(), "".into()),
        None => (
            serde_json::from_slice(body).unwrap_or_default(),
            String::from_utf8_lossy(&body[..body.len().min(2048)]),
        ),
    };
    let status: StatusWire<'_> = status;
    let said = status.message.some().unwrap_or(&plain);
    let asked = (status.details.retry_after_seconds > 0)
        .then(|| Duration::from_secs(status.details.retry_after_seconds));
    // Which budget forbids an eviction, and why, is said in the cause alone.
    let budget = status.details.causes.iter();
    let budget = budget.filter(|cause| &*cause.reason == "DisruptionBudget");
    let said = budget.fold(said.to_owned(), |said, cause| {
        format!("{said} {}", &*cause.message)
    });
    from_parts(code, &said, wait.or(asked), attempt, server)
}

/// The same from what the client library read.
pub(super) fn from_parts(
    code: u16,
    said: &str,
    wait: Option<Duration>,
    attempt: &Attempt,
    server: &str,
) -> Failure {
    let kind = match code {
        401 => FailureKind::Unauthorized,
        403 if said.contains(" is forbidden: ") && !said.contains(" cannot ") => {
            FailureKind::Invalid
        }
        403 => FailureKind::Forbidden(Box::new(rule(said, attempt))),
        404 => FailureKind::NotFound,
        409 | 412 => FailureKind::Conflict,
        410 => FailureKind::Gone,
        429 => FailureKind::Throttled(wait),
        408 if attempt.changes => FailureKind::Interrupted,
        408 => FailureKind::Timeout,
        503 if wait.is_some() && !attempt.changes => FailureKind::Throttled(wait),
        400..=499 => FailureKind::Invalid,
        _ => FailureKind::Server(code),
    };
    Failure::new(kind, &attempt.to_string(), server, said)
}

/// Reads the missing right out of the server's sentence; what it does not say is what we asked for.
fn rule(said: &str, attempt: &Attempt) -> Rule {
    let after = |mark: &str| {
        let rest = &said[said.find(mark)? + mark.len()..];
        Some(rest[..rest.find('"')?].to_owned())
    };
    let verb = said
        .split_once(" cannot ")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    let group = after("API group \"").unwrap_or_else(|| attempt.group.clone());
    let resource = after("resource \"").unwrap_or_else(|| attempt.resource.clone());
    Rule {
        verb: verb.unwrap_or(attempt.verb).to_owned(),
        resource: if group.is_empty() {
            resource
        } else {
            format!("{resource}.{group}")
        },
        namespace: after("in the namespace \"").unwrap_or_else(|| {
            if said.contains("at the cluster scope") {
                String::new()
            } else {
                attempt.namespace.clone()
            }
        }),
        name: attempt.name.clone(),
        user: after("User \"").unwrap_or_default(),
    }
}

/// An error of the client library: no connection, no login, a broken answer.
pub(super) fn transport(error: &kube::Error, attempt: &Attempt, server: &str) -> Failure {
    let fail = |kind, said: &str| Failure::new(kind, &attempt.to_string(), server, said);
    match error {
        kube::Error::Auth(_) => fail(FailureKind::Unauthorized, "the login could not be renewed"),
        kube::Error::RustlsTls(_) => fail(
            FailureKind::Tls("the kubeconfig's certificates cannot be used".into()),
            "",
        ),
        kube::Error::FromUtf8(_) | kube::Error::SerdeError(_) => fail(FailureKind::Malformed, ""),
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => {
            fail(FailureKind::Invalid, "the request cannot be written")
        }
        other => connection(&chain(other), attempt, server),
    }
}

/// All messages of an error and its causes, innermost last.
fn chain(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..12 {
        let Some(inner) = cause else { break };
        text.push_str(" | ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// What a broken connection means. Whatever broke while connecting was never sent.
pub(super) fn connection(text: &str, attempt: &Attempt, server: &str) -> Failure {
    let lower = text.to_ascii_lowercase();
    let fail = |kind| Failure::new(kind, &attempt.to_string(), server, "");
    let connecting = lower.contains("(connect)")
        || lower.contains("tcp connect error")
        || lower.contains("dns error");
    if lower.contains("certificate") || lower.contains("handshake") || lower.contains("tls ") {
        if lower.contains("expired") {
            return fail(FailureKind::TlsExpired);
        }
        return fail(FailureKind::Tls(tls_reason(&lower).into()));
    }
    if lower.contains("auth error") || lower.contains("oidc") || lower.contains("token file") {
        return fail(FailureKind::Unauthorized);
    }
    if connecting || !attempt.changes {
        return fail(FailureKind::Unreachable(reason(&lower)));
    }
    fail(FailureKind::Interrupted)
}

fn tls_reason(lower: &str) -> &'static str {
    if lower.contains("unknownissuer") {
        "certificate of an unknown authority"
    } else if lower.contains("notvalidforname") {
        "certificate is for another name"
    } else if lower.contains("notvalidyet") {
        "certificate is not valid yet"
    } else if lower.contains("certificaterequired") || lower.contains("handshakefailure") {
        "client certificate refused"
    } else {
        "TLS handshake failed"
    }
}

fn reason(lower: &str) -> Arc<str> {
    for (mark, reason) in [
        ("connection refused", "connection refused"),
        ("failed to lookup", "name cannot be resolved"),
        ("dns error", "name cannot be resolved"),
        ("name or service not known", "name cannot be resolved"),
        ("network is unreachable", "network is unreachable"),
        ("no route to host", "no route to host"),
        ("deadline has elapsed", "connection timed out"),
        ("timed out", "connection timed out"),
        ("proxy", "the proxy refuses"),
        ("connection reset", "connection reset"),
        ("broken pipe", "connection closed"),
        ("closed", "connection closed"),
        ("eof", "connection closed"),
        ("incomplete", "connection closed"),
    ] {
        if lower.contains(mark) {
            return reason.into();
        }
    }
    "connection failed".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch() -> Attempt {
        Attempt {
            changes: true,
            ..Attempt::read("patch", "apps", "deployments", "veza", "api")
        }
    }

    #[test]
    fn a_missing_right_is_read_from_the_servers_sentence() {
        let said = r#"deployments.apps "api" is forbidden: User "viewer" cannot patch resource "deployments" in API group "apps" in the namespace "veza-production""#;
        let failure = from_parts(403, said, None, &patch(), "h");
        let FailureKind::Forbidden(rule) = failure.kind else {
            panic!("not forbidden");
        };
        let expected = Rule {
            verb: "patch".into(),
            resource: "deployments.apps".into(),
            namespace: "veza-production".into(),
            name: "api".into(),
            user: "viewer".into(),
        };
        assert_eq!(*rule, expected);
    }

    #[test]
    fn a_quota_is_not_a_missing_right() {
        let said = r#"pods "x" is forbidden: exceeded quota: compute"#;
        assert_eq!(
            from_parts(403, said, None, &patch(), "h").kind,
            FailureKind::Invalid
        );
    }

    #[test]
    fn codes_are_refusals_except_the_servers_own_faults() {
        for (code, definite) in [
            (400, true),
            (404, true),
            (409, true),
            (422, true),
            (429, true),
        ] {
            assert_eq!(
                from_parts(code, "", None, &patch(), "h").definite(),
                definite,
                "{code}"
            );
        }
        for code in [408, 500, 502, 503, 504] {
            let wait = Some(Duration::from_secs(1));
            assert!(
                !from_parts(code, "", wait, &patch(), "h").definite(),
                "{code}"
            );
        }
    }

    #[test]
    fn what_broke_before_it_was_sent_is_no_unknown_outcome() {
        let refused =
            "client error (Connect) | tcp connect error | Connection refused (os error 111)";
        assert_eq!(
            connection(refused, &patch(), "h").kind,
            FailureKind::Unreachable("connection refused".into())
        );
        let reset = "client error (SendRequest) | connection error | Connection reset by peer";
        assert_eq!(
            connection(reset, &patch(), "h").kind,
            FailureKind::Interrupted
        );
        let read = Attempt {
            changes: false,
            ..patch()
        };
        assert_eq!(
            connection(reset, &read, "h").kind,
            FailureKind::Unreachable("connection reset".into())
        );
        let expired = "client error (Connect) | invalid peer certificate: Expired";
        assert_eq!(
            connection(expired, &patch(), "h").kind,
            FailureKind::TlsExpired
        );
    }
}
