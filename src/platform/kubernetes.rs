//! Kubernetes: one pinned cluster as a set of verbs, and its objects translated into the words of the domain.
//!
//! [`Cluster`] is the client; [`Cluster::watch`] and [`Cluster::watch_table`] the standing watches; [`read`], [`discovery`],
//! [`access`], [`logs`] and [`proxy`] what is asked; [`write`] what changes something, one request each.
//! The only room that knows `kube`. Nothing here repeats a write, reads the clock, or knows what a runbook is.

pub mod access;
mod answer;
mod ask;
mod classify;
pub mod client;
mod connect;
mod decode;
pub mod discovery;
mod kinds;
pub mod lines;
mod list;
pub mod logs;
mod plugin;
mod pod;
mod pool;
mod protobuf;
pub mod proxy;
pub mod read;
pub mod setup;
mod sighting;
mod status;
pub mod table;
mod trouble;
pub mod watch;
mod wire;
mod workload;
pub mod write;
pub mod yaml;

pub use access::{Access, Right};
pub use client::{Cluster, Identity, Version};
pub use discovery::Known;
pub use kinds::{Autoscalers, Events, Identified, Kind, Nodes, Services};
pub use logs::{LogLine, LogNews, LogRequest, Logs};
pub use pod::Pods;
pub use pool::Pool;
pub use protobuf::NotProtobuf;
pub use proxy::{Candidate, Looks, Proxy};
pub use setup::{ContextInfo, Options, contexts, plugin_of};
pub use sighting::{Denial, Patience, Sighting};
pub use table::TableFact;
pub use watch::Watch;
pub use workload::{DaemonSets, Deployments, ReplicaSets, StatefulSets};
pub use write::{Applied, Manner, Precondition};
