//! What a watch has to say to its listener, and how patient it is.

use crate::domain::target::Scope;
use crate::domain::uid::Uid;
use crate::platform::failure::{Failure, FailureKind};
use std::sync::Arc;
use std::time::Duration;

/// What a watch has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Sighting<T> {
    /// A new list begins. Keep the old rows until [`Sighting::Listed`]; a second `Listing` throws away what came since the first.
    Listing,
    /// Rows that are new or changed; between `Listing` and `Listed`, rows of the new list.
    Rows(Vec<T>),
    /// These are gone.
    Gone(Vec<Uid>),
    /// The new list is complete: swap.
    Listed,
    /// It speaks: a bookmark, or it was opened again.
    Heard,
    /// It does not answer; the rows stay. Said at every failed attempt.
    Troubled(Failure),
    /// A right is missing. With `narrowed_to`, one namespace is watched instead.
    Denied(Denial),
    /// The server does not know this kind.
    Absent,
    /// So many objects could not be read at all since it was last said.
    Skipped(u64),
}

/// A right that is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    /// The verb.
    pub verb: &'static str,
    /// The resource.
    pub resource: Arc<str>,
    /// Where it was asked for.
    pub scope: Scope,
    /// The namespace that is watched instead.
    pub narrowed_to: Option<Arc<str>>,
    /// What the server said.
    pub failure: Failure,
}

impl Denial {
    /// In one short clause: `may not list pods in veza-production`, or what else stood in the way.
    pub fn short(&self) -> String {
        match &self.failure.kind {
            FailureKind::Forbidden(rule) if rule.verb == "impersonate" => {
                format!("may not impersonate {} (--as)", rule.resource)
            }
            _ => format!("may not {} {} in {}", self.verb, self.resource, self.scope),
        }
    }
}

/// How patient a watch is. The defaults are the product's; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long an answer may take to begin.
    pub opening: Duration,
    /// Silence after which a watch is opened again.
    pub silence: Duration,
    /// Silence of a streaming list after which a plain list is tried; zero tries no streaming list at all.
    pub listing: Duration,
    /// The first wait after a failure; doubled up to `longest`.
    pub first: Duration,
    /// The longest wait after a failure.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            opening: Duration::from_secs(15),
            silence: Duration::from_secs(75),
            listing: Duration::from_secs(10),
            first: Duration::from_millis(500),
            longest: Duration::from_secs(15),
        }
    }
}
