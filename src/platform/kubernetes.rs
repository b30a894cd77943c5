//! Kubernetes: one pinned cluster as a set of verbs, and its objects translated into the words of the domain.
//!
//! [`Cluster`] is the client; [`Cluster::watch`] the standing watches. The only room that knows `kube`.
//! Nothing here retries a write, reads the clock, or knows what a runbook is.

mod classify;
pub mod client;
mod kinds;
mod lines;
mod list;
mod plugin;
mod pod;
mod pool;
pub mod setup;
mod trouble;
pub mod watch;
mod wire;
mod workload;

pub use client::{Cluster, Identity, Version};
pub use kinds::{
    Autoscalers, DaemonSets, Deployments, Events, Identified, Kind, Nodes, Pods, ReplicaSets,
    Services, StatefulSets,
};
pub use pool::Pool;
pub use setup::{ContextInfo, Options, contexts, plugin_of};
pub use watch::{Denial, Patience, Sighting, Watch};
