//! What can go wrong outside: typed, with what was attempted, at whom, and what to try.
//!
//! Text a server sent is bounded here and kept as it came: escape it before drawing. Nothing of a credential
//! ever enters a failure. Which adapter failed is told by `to`; the adapters make these, the engine reads them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The most characters of a server's own text that are kept.
pub const SAID_LIMIT: usize = 500;

/// A failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What was attempted: `list pods in veza-production`.
    pub doing: Arc<str>,
    /// At whom: an address without credentials.
    pub to: Arc<str>,
    /// What the other side said, at most [`SAID_LIMIT`] characters; empty where it said nothing.
    pub said: Arc<str>,
    /// What to try, where whoever asked knows better than the kind does.
    pub tip: Option<Arc<str>>,
}

/// The right that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// The verb: `patch`.
    pub verb: String,
    /// The resource with its group: `deployments.apps`, `pods/log`.
    pub resource: String,
    /// The namespace; empty at cluster scope.
    pub namespace: String,
    /// The object's name; empty for all of them.
    pub name: String,
    /// Who was refused; empty where the server did not say.
    pub user: String,
}

/// The kinds of failure.
#[derive(Debug, Clone, PartialEq)]
pub enum FailureKind {
    /// No connection, for this reason: `connection refused`. Nothing was sent.
    Unreachable(Arc<str>),
    /// A certificate is past its date.
    TlsExpired,
    /// TLS cannot be agreed, for this reason.
    Tls(Arc<str>),
    /// The login is missing or no longer holds.
    Unauthorized,
    /// A right is missing.
    Forbidden(Box<Rule>),
    /// There is no such thing.
    NotFound,
    /// Somebody changed it meanwhile, or it exists already.
    Conflict,
    /// The request was refused as wrong: validation, admission.
    Invalid,
    /// The version asked for is no longer kept.
    Gone,
    /// Too many requests, or a budget forbids it now; the wait asked for, where one was.
    Throttled(Option<Duration>),
    /// The server failed with this status.
    Server(u16),
    /// No answer in time, to a question that changes nothing.
    Timeout,
    /// Sent, and the answer never came: whether it took effect is unknown.
    Interrupted,
    /// An answer that cannot be read.
    Malformed,
    /// What we were told to use cannot be used: a kubeconfig, a context, a plugin.
    Setup,
}

impl Failure {
    /// A failure; `said` is cut to its limit.
    pub fn new(kind: FailureKind, doing: &str, to: &str, said: &str) -> Self {
        Self {
            kind,
            doing: doing.into(),
            to: to.into(),
            said: bounded(said, SAID_LIMIT).into(),
            tip: None,
        }
    }

    /// The same with what to try.
    #[must_use]
    pub fn tip(self, tip: &str) -> Self {
        Self {
            tip: Some(tip.into()),
            ..self
        }
    }

    /// In one short clause, for the header: `connection refused`.
    pub fn short(&self) -> Arc<str> {
        match &self.kind {
            FailureKind::Unreachable(why) | FailureKind::Tls(why) => why.clone(),
            FailureKind::TlsExpired => "certificate expired".into(),
            FailureKind::Unauthorized => "login refused".into(),
            FailureKind::Forbidden(rule) => {
                format!("may not {} {}", rule.verb, rule.resource).into()
            }
            FailureKind::NotFound => "not found".into(),
            FailureKind::Conflict => "changed meanwhile".into(),
            FailureKind::Invalid => "refused as invalid".into(),
            FailureKind::Gone => "version no longer kept".into(),
            FailureKind::Throttled(Some(wait)) => {
                format!("asked to wait {} s", wait.as_secs().max(1)).into()
            }
            FailureKind::Throttled(None) => "too many requests".into(),
            FailureKind::Server(status) => format!("server error {status}").into(),
            FailureKind::Timeout => "no answer in time".into(),
            FailureKind::Interrupted => "answer lost, outcome unknown".into(),
            FailureKind::Malformed => "unreadable answer".into(),
            FailureKind::Setup => self.said.clone(),
        }
    }

    /// What to try, in one sentence.
    pub fn advice(&self) -> String {
        if let Some(tip) = &self.tip {
            return tip.to_string();
        }
        match &self.kind {
            FailureKind::Unreachable(_) => {
                format!(
                    "Check that {} can be reached from here (VPN, proxy, address).",
                    self.to
                )
            }
            FailureKind::TlsExpired => {
                "Renew the certificate, or check this machine's clock.".to_owned()
            }
            FailureKind::Tls(_) => format!(
                "Check certificate-authority and tls-server-name for {}.",
                self.to
            ),
            FailureKind::Unauthorized => {
                "Sign in again (`:login` in the console), then retry.".to_owned()
            }
            FailureKind::Forbidden(rule) => {
                let place = if rule.namespace.is_empty() {
                    "at cluster scope".to_owned()
                } else {
                    format!("in {}", rule.namespace)
                };
                format!(
                    "Ask for the right to {} {} {place}.",
                    rule.verb, rule.resource
                )
            }
            FailureKind::NotFound => "Check the name, the namespace and the context.".to_owned(),
            FailureKind::Conflict => "Read it again and decide again.".to_owned(),
            FailureKind::Invalid => {
                "Read what the server says; it will refuse this again.".to_owned()
            }
            FailureKind::Gone => "Read the list again.".to_owned(),
            FailureKind::Throttled(_) => "Wait; it is tried again by itself.".to_owned(),
            FailureKind::Server(_) | FailureKind::Timeout => {
                "Try again; if it stays, look at the server itself.".to_owned()
            }
            FailureKind::Interrupted => {
                "Look whether it took effect before repeating it.".to_owned()
            }
            FailureKind::Malformed => {
                "Check that the address belongs to the right kind of server.".to_owned()
            }
            FailureKind::Setup => "Check the kubeconfig and the context.".to_owned(),
        }
    }

    /// Whether the request certainly took no effect: it was refused, or never sent.
    pub fn definite(&self) -> bool {
        !matches!(
            self.kind,
            FailureKind::Server(_)
                | FailureKind::Timeout
                | FailureKind::Interrupted
                | FailureKind::Malformed
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.doing)?;
        if !self.to.is_empty() {
            write!(f, " at {}", self.to)?;
        }
        write!(f, ": {}", self.short())?;
        if !self.said.is_empty() && self.kind != FailureKind::Setup {
            write!(f, " ({})", self.said)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The first `limit` characters of a text, with an ellipsis where something was cut.
pub fn bounded(text: &str, limit: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => {
            let keep = text[..end]
                .char_indices()
                .next_back()
                .map_or(0, |(at, _)| at);
            format!("{}…", &text[..keep])
        }
    }
}

/// An address without the user and password it may carry.
pub fn public_address(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_is_bounded_by_characters() {
        let failure = Failure::new(FailureKind::Invalid, "x", "y", &"é".repeat(10_000));
        assert_eq!(failure.said.chars().count(), SAID_LIMIT);
        assert!(failure.said.ends_with('…'));
        assert_eq!(bounded("abc", 3), "abc");
        assert_eq!(bounded("abcd", 3), "ab…");
    }

    #[test]
    fn an_address_loses_its_password() {
        assert_eq!(public_address("https://u:p@ss@h:1/x@y"), "https://h:1/x@y");
        assert_eq!(public_address("https://h:1/x@y"), "https://h:1/x@y");
    }

    #[test]
    fn only_lost_answers_leave_the_outcome_open() {
        let of = |kind| Failure::new(kind, "patch x", "h", "").definite();
        assert!(of(FailureKind::Conflict) && of(FailureKind::Unreachable("refused".into())));
        assert!(of(FailureKind::Throttled(None)) && of(FailureKind::Invalid));
        assert!(!of(FailureKind::Interrupted) && !of(FailureKind::Server(502)));
    }

    #[test]
    fn a_failure_reads_as_one_sentence() {
        let refused = FailureKind::Unreachable("connection refused".into());
        let failure = Failure::new(refused, "list pods", "https://h", "");
        assert_eq!(
            failure.to_string(),
            "cannot list pods at https://h: connection refused"
        );
    }
}
