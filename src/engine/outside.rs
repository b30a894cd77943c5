//! The outside as the engine was given it: one target, its sources, the patience and the clock.

use super::clock::Clock;
use super::setting::Sources;
use crate::domain::target::Scope;
use crate::platform::kubernetes::{Cluster, Options, Patience};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The outside as it was found for one target.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The API server.
    pub cluster: Cluster,
    /// Where its sources may be.
    pub sources: Arc<Sources>,
    /// How it was found.
    pub options: Options,
    /// Where to look.
    pub scope: Scope,
    /// How long watches wait.
    pub patience: Patience,
    /// How often polled sources are asked.
    pub interval: SignedDuration,
    /// The window of rates.
    pub window: SignedDuration,
    /// The windows of services that have one of their own.
    pub windows: Arc<BTreeMap<String, SignedDuration>>,
    /// The present.
    pub clock: Clock,
}
