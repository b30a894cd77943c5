//! The columns of each kind, in the order `kubectl get` shows them.

use super::super::super::kind::Kind;

/// The columns of a kind, parted by bars; those that only `-o wide` shows begin with a plus.
pub fn columns(kind: Kind) -> &'static str {
    match kind {
        Kind::Pod => "Name|Ready|Status|Restarts|Age|+IP|+Node|+Nominated Node|+Readiness Gates",
        Kind::Deployment => "Name|Ready|Up-to-date|Available|Age|+Containers|+Images|+Selector",
        Kind::ReplicaSet => "Name|Desired|Current|Ready|Age|+Containers|+Images|+Selector",
        Kind::StatefulSet => "Name|Ready|Age|+Containers|+Images",
        Kind::DaemonSet => {
            "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age|+Containers|+Images|+Selector"
        }
        Kind::Service => "Name|Type|Cluster-IP|External-IP|Port(s)|Age|+Selector",
        Kind::Event => {
            "Last Seen|Type|Reason|Object|+Subobject|+Source|Message|+First Seen|+Count|+Name"
        }
        Kind::Node => {
            "Name|Status|Roles|Age|Version|+Internal-IP|+External-IP|+OS-Image|+Kernel-Version|+Container-Runtime"
        }
        Kind::HorizontalPodAutoscaler => "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age",
        Kind::ControllerRevision => "Name|Controller|Revision|Age",
        Kind::ConfigMap => "Name|Data|Age",
        Kind::Secret => "Name|Type|Data|Age",
        Kind::Namespace => "Name|Status|Age",
        Kind::Ingress => "Name|Class|Hosts|Address|Ports|Age",
        Kind::Lease => "Name|Holder|Age",
        Kind::Endpoints => "Name|Endpoints|Age",
        _ => "Name|Age",
    }
}
