//! What reaches the App: facts from outside and commands from the operator.

use super::command::Command;
use super::incidents::order::IncidentNews;
use super::kind::Kind;
use super::reading::ReadingNews;
use super::runs::news::RunNews;
use super::stock::Roll;
use super::wants::RangeWant;
use crate::domain::alert::Alert;
use crate::domain::event::Event;
use crate::domain::link::Source;
use crate::domain::node::{Autoscaler, Node};
use crate::domain::pod::Pod;
use crate::domain::rollout::Revision;
use crate::domain::service::Service;
use crate::domain::signal::{Name, ServiceSignals, SignalSeries};
use crate::domain::target::Environment;
use crate::domain::workload::Workload;
use jiff::SignedDuration;
use std::collections::HashSet;
use std::sync::Arc;

/// What a watch says of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchNews {
    /// Something was heard: an event, a bookmark, an answer.
    Heard,
    /// It does not answer, and why.
    Troubled(Arc<str>),
    /// It may not be seen: which right is missing.
    Denied(Arc<str>),
    /// It can be seen only in this namespace.
    Narrowed(Arc<str>),
    /// Nobody wants it any more.
    Closed,
}

/// What the API server's watches say.
#[derive(Debug, Clone, PartialEq)]
pub enum ClusterFact {
    /// Pods.
    Pods(Roll<Pod>),
    /// Workloads of one kind.
    Workloads(Kind, Roll<Workload>),
    /// ReplicaSets.
    Revisions(Roll<Revision>),
    /// Services.
    Services(Roll<Service>),
    /// Events.
    Events(Roll<Event>),
    /// Nodes.
    Nodes(Roll<Node>),
    /// Autoscalers.
    Autoscalers(Roll<Autoscaler>),
    /// The watch itself.
    Watch(Kind, WatchNews),
}

/// What a polled source says of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceNews {
    /// It answered.
    Heard,
    /// It did not, and why.
    Troubled(Arc<str>),
    /// There is none, and why.
    Absent(Arc<str>),
    /// It answered, but none of its series is of a pod of this cluster: what it tells is not believed.
    Stranger,
    /// There is none, but the pods' own pages were read; they are read again after so long.
    Scraped(SignedDuration),
}

/// Something learned from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// From the API server's watches.
    Cluster(ClusterFact),
    /// Who we are and where.
    Identity {
        /// The user, as the API server says.
        user: Option<Arc<str>>,
        /// The uid of the cluster.
        cluster_uid: Option<Arc<str>>,
        /// The environment by the configuration.
        environment: Environment,
    },
    /// A polled source answered, failed, or is not there.
    Source(Source, SourceNews),
    /// Readings of all services but those that were not asked about: what was last read of these stands.
    Signals(Vec<ServiceSignals>, Arc<HashSet<Name>>),
    /// Series over a range.
    Range(RangeWant, Vec<SignalSeries>),
    /// All alerts.
    Alerts(Vec<Alert>),
    /// About runs.
    Run(RunNews),
    /// About incidents.
    Incident(IncidentNews),
    /// Something read: a log, a document, a table, places.
    Reading(ReadingNews),
    /// A sentence for the last row.
    Notice(Notice),
}

/// A sentence for the last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// Whether it stays until a key is pressed.
    pub error: bool,
}

/// What reaches the App.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Something learned.
    Fact(Fact),
    /// Something asked.
    Command(Command),
    /// A second has passed.
    Tick,
}
