//! Rows as a quiet cluster has them, for tests and measurements to vary: a workload that stands, a pod that runs. The
//! console itself never makes one.

use super::object::{Owner, Selector};
use super::pod::Pod;
use super::workload::{Strategy, Workload, WorkloadKind};
use jiff::Timestamp;
use std::sync::Arc;

/// The namespace they stand in.
pub const NAMESPACE: &str = "crowd";

/// A StatefulSet with all its pods up.
pub fn workload(name: &str, pods: u32, created: Timestamp) -> Workload {
    Workload {
        kind: WorkloadKind::StatefulSet,
        uid: name.into(),
        namespace: NAMESPACE.into(),
        name: name.into(),
        labels: [].into(),
        selector: Selector(Vec::new()),
        desired: pods,
        current: pods,
        updated: pods,
        ready: pods,
        available: pods,
        generation: 1,
        observed: 1,
        paused: false,
        revision: None,
        stateful_revisions: None,
        images: Vec::new(),
        version: Some("v1.0.0".into()),
        strategy: Strategy::Recreate,
        progress: None,
        progress_deadline_s: None,
        change_cause: None,
        writer: None,
        manager: None,
        created: Some(created),
    }
}

/// A ready pod of a [`workload`].
pub fn pod(owner: &str, number: usize, created: Timestamp) -> Pod {
    Pod {
        uid: format!("{owner}-{number}").into(),
        namespace: NAMESPACE.into(),
        name: format!("{owner}-{number}").into(),
        labels: Arc::default(),
        owner: Some(Owner {
            kind: "StatefulSet".into(),
            name: owner.into(),
            uid: owner.into(),
        }),
        ready: 1,
        containers: 1,
        status: "Running".into(),
        restarts: 0,
        last_restart: None,
        created: Some(created),
        ready_since: Some(created),
        serves: true,
        node: Some("node-1".into()),
        container_names: Arc::from(["main".into()]),
        images: Arc::from(["r/main:v1.0.0".into()]),
        deleting_since: None,
        trouble: None,
    }
}
