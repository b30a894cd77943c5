//! One request taken apart, and what its answer is made from. Every part of the Kubernetes face works on these two.

use axum::body::Bytes;
use http::Method;
use std::sync::Arc;

use super::super::access::Identity;
use super::super::ledger::{Ledger, PodKey};
use super::super::shared::Shared;
use super::answer::Shape;
use super::route::{Path, Query};

/// The version this apiserver says it is.
pub const VERSION: &str = "v1.33.5";

/// The text a pod's `/metrics` has at a moment.
pub type Exposition = Arc<dyn Fn(&Ledger, &PodKey, i64) -> Option<String> + Send + Sync>;

/// What answers are made from.
#[derive(Clone)]
pub struct Api {
    /// The world.
    pub shared: Shared,
    /// What a pod's metrics are.
    pub exposition: Option<Exposition>,
}

/// One request, taken apart.
pub struct Asked {
    /// Who asks.
    pub who: Identity,
    /// The method.
    pub method: Method,
    /// What the path names.
    pub path: Path,
    /// The query.
    pub query: Query,
    /// The shape the answer is wanted in.
    pub shape: Shape,
    /// The content type of the body.
    pub content: String,
    /// The program that asks.
    pub agent: String,
    /// The request's identifier in the audit log.
    pub audit_id: String,
    /// The path as it was sent.
    pub uri: String,
    /// The body.
    pub body: Bytes,
}

impl Asked {
    /// Who is named as the manager of the fields that this request writes.
    pub fn manager(&self) -> String {
        let named = self.query.text("fieldManager");
        if named.is_empty() {
            self.agent.split('/').next().unwrap_or("unknown").to_owned()
        } else {
            named.to_owned()
        }
    }
}
