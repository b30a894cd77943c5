//! Events of the cluster, for the timeline and for reasons.

use super::object::ObjectRef;
use super::uid::Uid;
use jiff::Timestamp;
use std::sync::Arc;

/// One Event; repeats are counted, not listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its uid.
    pub uid: Uid,
    /// What it is about.
    pub object: ObjectRef,
    /// Whether it warns.
    pub warning: bool,
    /// Its reason: `BackOff`, `ScalingReplicaSet`.
    pub reason: Arc<str>,
    /// Its message, as it came.
    pub message: Arc<str>,
    /// When it was last seen.
    pub at: Option<Timestamp>,
    /// When it was first seen.
    pub first: Option<Timestamp>,
    /// How often.
    pub count: u32,
    /// Which component says so.
    pub source: Arc<str>,
}
