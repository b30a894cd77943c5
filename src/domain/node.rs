//! Nodes and autoscalers, as far as a verdict or a screen needs them.

use super::object::ObjectRef;
use super::uid::Uid;
use jiff::Timestamp;
use std::sync::Arc;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its uid.
    pub uid: Uid,
    /// Its name.
    pub name: Arc<str>,
    /// The condition Ready: true, false, or unknown when the kubelet went silent.
    pub ready: Option<bool>,
    /// Since when.
    pub ready_since: Option<Timestamp>,
    /// Whether it takes new pods.
    pub cordoned: bool,
    /// Pressure conditions that hold: `MemoryPressure`.
    pub pressure: Vec<Arc<str>>,
    /// The kubelet's version.
    pub version: Arc<str>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// One HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    /// Its uid.
    pub uid: Uid,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it scales.
    pub target: ObjectRef,
    /// The fewest pods.
    pub min: u32,
    /// The most pods.
    pub max: u32,
    /// Pods now.
    pub current: u32,
    /// Pods it wants.
    pub wanted: u32,
    /// Whether it could read its metrics.
    pub active: Option<bool>,
}
