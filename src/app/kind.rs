//! The kinds the console watches.

use crate::domain::workload::WorkloadKind;

/// The kinds the console watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Pods.
    Pods,
    /// Deployments.
    Deployments,
    /// StatefulSets.
    StatefulSets,
    /// DaemonSets.
    DaemonSets,
    /// ReplicaSets.
    ReplicaSets,
    /// Services.
    Services,
    /// Events.
    Events,
    /// Nodes.
    Nodes,
    /// HorizontalPodAutoscalers.
    Autoscalers,
}

impl Kind {
    /// Whether a verdict cannot be had without it.
    pub fn vital(self) -> bool {
        matches!(self, Self::Pods | Self::Deployments)
    }

    /// The kind of workload it lists, if it lists workloads.
    pub fn workload(self) -> Option<WorkloadKind> {
        match self {
            Self::Deployments => Some(WorkloadKind::Deployment),
            Self::StatefulSets => Some(WorkloadKind::StatefulSet),
            Self::DaemonSets => Some(WorkloadKind::DaemonSet),
            _ => None,
        }
    }

    /// The plural in the API.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Deployments => "deployments",
            Self::StatefulSets => "statefulsets",
            Self::DaemonSets => "daemonsets",
            Self::ReplicaSets => "replicasets",
            Self::Services => "services",
            Self::Events => "events",
            Self::Nodes => "nodes",
            Self::Autoscalers => "horizontalpodautoscalers",
        }
    }
}
