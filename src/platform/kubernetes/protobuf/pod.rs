//! A Pod in protobuf, slim, and as the same wire form that JSON is read into: what it means is said in one place.
//!
//! Every field of the wire form is named where it is made, so that a new one cannot be forgotten here.
//! What a pod has not is read as JSON's decoder reads what is missing. Moments are whole seconds, as the API server takes
//! and gives them; one without seconds is no moment, which JSON writes as `null`.

use super::{NotProtobuf, text};
use crate::platform::kubernetes::kinds::Condition;
use crate::platform::kubernetes::status::{
    ContainerSpec, ContainerStatus, Gate, PodSpec, PodStatus, PodWire, Running, State, Terminated,
    Waiting,
};
use crate::platform::kubernetes::wire::{Meta, Moment, OwnerReference, Pairs};
use prost::Message;
use std::marker::PhantomData;

/// A Pod.
#[derive(Clone, PartialEq, Message)]
pub(in crate::platform::kubernetes) struct PodMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<MetaMessage>,
    #[prost(message, optional, tag = "2")]
    pub(super) spec: Option<SpecMessage>,
    #[prost(message, optional, tag = "3")]
    pub(super) status: Option<StatusMessage>,
}

/// What it says of itself.
#[derive(Clone, PartialEq, Message)]
pub(super) struct MetaMessage {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "5")]
    pub(super) uid: String,
    #[prost(string, tag = "6")]
    pub(super) resource_version: String,
    #[prost(int64, tag = "7")]
    pub(super) generation: i64,
    #[prost(message, optional, tag = "8")]
    pub(super) creation_timestamp: Option<Time>,
    #[prost(message, optional, tag = "9")]
    pub(super) deletion_timestamp: Option<Time>,
    #[prost(int64, optional, tag = "10")]
    pub(super) deletion_grace_period_seconds: Option<i64>,
    #[prost(message, repeated, tag = "11")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "13")]
    pub(super) owner_references: Vec<OwnerMessage>,
}

/// A moment. Its fractions are not read: the API server drops them too.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Time {
    #[prost(int64, optional, tag = "1")]
    pub(super) seconds: Option<i64>,
}

/// A label.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

/// An owner.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OwnerMessage {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
    #[prost(bool, optional, tag = "6")]
    pub(super) controller: Option<bool>,
}

/// Its specification.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SpecMessage {
    #[prost(message, repeated, tag = "2")]
    pub(super) containers: Vec<ContainerMessage>,
    #[prost(string, tag = "10")]
    pub(super) node_name: String,
    #[prost(message, repeated, tag = "20")]
    pub(super) init_containers: Vec<ContainerMessage>,
    #[prost(message, repeated, tag = "28")]
    pub(super) readiness_gates: Vec<GateMessage>,
}

/// A container's specification.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerMessage {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) image: String,
    #[prost(string, optional, tag = "24")]
    pub(super) restart_policy: Option<String>,
}

/// A condition the pod waits for before it counts as ready.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GateMessage {
    #[prost(string, tag = "1")]
    pub(super) condition_type: String,
}

/// Its status.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusMessage {
    #[prost(string, tag = "1")]
    pub(super) phase: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) conditions: Vec<ConditionMessage>,
    #[prost(string, tag = "3")]
    pub(super) message: String,
    #[prost(string, tag = "4")]
    pub(super) reason: String,
    #[prost(message, repeated, tag = "8")]
    pub(super) container_statuses: Vec<ContainerStatusMessage>,
    #[prost(message, repeated, tag = "10")]
    pub(super) init_container_statuses: Vec<ContainerStatusMessage>,
}

/// A condition.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ConditionMessage {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) status: String,
    #[prost(message, optional, tag = "4")]
    pub(super) last_transition_time: Option<Time>,
    #[prost(string, tag = "5")]
    pub(super) reason: String,
    #[prost(string, tag = "6")]
    pub(super) message: String,
}

/// A container's status.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ContainerStatusMessage {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) state: Option<StateMessage>,
    #[prost(message, optional, tag = "3")]
    pub(super) last_state: Option<StateMessage>,
    #[prost(bool, tag = "4")]
    pub(super) ready: bool,
    #[prost(int32, tag = "5")]
    pub(super) restart_count: i32,
    #[prost(string, tag = "6")]
    pub(super) image: String,
    #[prost(bool, optional, tag = "9")]
    pub(super) started: Option<bool>,
}

/// The one of three states a container is in.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StateMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) waiting: Option<WaitingMessage>,
    #[prost(message, optional, tag = "2")]
    pub(super) running: Option<RunningMessage>,
    #[prost(message, optional, tag = "3")]
    pub(super) terminated: Option<TerminatedMessage>,
}

/// It waits.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WaitingMessage {
    #[prost(string, tag = "1")]
    pub(super) reason: String,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// It runs.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RunningMessage {
    #[prost(message, optional, tag = "1")]
    pub(super) started_at: Option<Time>,
}

/// It ended.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TerminatedMessage {
    #[prost(int32, tag = "1")]
    pub(super) exit_code: i32,
    #[prost(int32, tag = "2")]
    pub(super) signal: i32,
    #[prost(string, tag = "3")]
    pub(super) reason: String,
    #[prost(message, optional, tag = "6")]
    pub(super) finished_at: Option<Time>,
}

impl PodMessage {
    /// Reads an item of a list.
    pub(in crate::platform::kubernetes) fn read(item: &[u8]) -> Result<Self, NotProtobuf> {
        Ok(Self::decode(item)?)
    }

    /// The same as JSON would have it, borrowed.
    pub(in crate::platform::kubernetes) fn wire(&self) -> PodWire<'_> {
        PodWire {
            metadata: self.metadata.as_ref().map(meta).unwrap_or_default(),
            spec: self.spec.as_ref().map(spec).unwrap_or_default(),
            status: self.status.as_ref().map(status).unwrap_or_default(),
            life: PhantomData,
        }
    }
}

fn all<'m, M, W>(messages: &'m [M], wire: impl FnMut(&'m M) -> W) -> Vec<W> {
    messages.iter().map(wire).collect()
}

fn moment(time: Option<&Time>) -> Moment<'_> {
    time.and_then(|time| time.seconds)
        .map_or_else(Moment::default, Moment::Seconds)
}

fn meta(of: &MetaMessage) -> Meta<'_> {
    Meta {
        name: text(&of.name),
        namespace: text(&of.namespace),
        uid: text(&of.uid),
        resource_version: text(&of.resource_version),
        generation: of.generation,
        creation_timestamp: moment(of.creation_timestamp.as_ref()),
        deletion_timestamp: moment(of.deletion_timestamp.as_ref()),
        deletion_grace_period_seconds: of.deletion_grace_period_seconds.unwrap_or_default(),
        labels: Pairs(all(&of.labels, |label| {
            (text(&label.key), text(&label.value))
        })),
        owner_references: all(&of.owner_references, |owner| OwnerReference {
            kind: text(&owner.kind),
            name: text(&owner.name),
            uid: text(&owner.uid),
            controller: owner.controller.unwrap_or_default(),
            life: PhantomData,
        }),
        life: PhantomData,
    }
}

fn spec(of: &SpecMessage) -> PodSpec<'_> {
    PodSpec {
        node_name: text(&of.node_name),
        containers: all(&of.containers, container),
        init_containers: all(&of.init_containers, container),
        readiness_gates: all(&of.readiness_gates, |gate| Gate {
            condition_type: text(&gate.condition_type),
            life: PhantomData,
        }),
        life: PhantomData,
    }
}

fn container(of: &ContainerMessage) -> ContainerSpec<'_> {
    ContainerSpec {
        name: text(&of.name),
        image: text(&of.image),
        restart_policy: text(of.restart_policy.as_deref().unwrap_or_default()),
        life: PhantomData,
    }
}

fn status(of: &StatusMessage) -> PodStatus<'_> {
    PodStatus {
        phase: text(&of.phase),
        reason: text(&of.reason),
        message: text(&of.message),
        conditions: all(&of.conditions, |condition| Condition {
            kind: text(&condition.kind),
            status: text(&condition.status),
            reason: text(&condition.reason),
            message: text(&condition.message),
            last_transition_time: moment(condition.last_transition_time.as_ref()),
            // Conditions of pods have none.
            last_update_time: Moment::default(),
            life: PhantomData,
        }),
        init_container_statuses: all(&of.init_container_statuses, container_status),
        container_statuses: all(&of.container_statuses, container_status),
        life: PhantomData,
    }
}

fn container_status(of: &ContainerStatusMessage) -> ContainerStatus<'_> {
    ContainerStatus {
        name: text(&of.name),
        image: text(&of.image),
        ready: of.ready,
        started: of.started,
        restart_count: of.restart_count.try_into().unwrap_or_default(),
        state: of.state.as_ref().map(state).unwrap_or_default(),
        last_state: of.last_state.as_ref().map(state).unwrap_or_default(),
        life: PhantomData,
    }
}

fn state(of: &StateMessage) -> State<'_> {
    State {
        waiting: of.waiting.as_ref().map(|waiting| Waiting {
            reason: text(&waiting.reason),
            message: text(&waiting.message),
            life: PhantomData,
        }),
        running: of.running.as_ref().map(|running| Running {
            started_at: moment(running.started_at.as_ref()),
            life: PhantomData,
        }),
        terminated: of.terminated.as_ref().map(|ended| Terminated {
            exit_code: ended.exit_code,
            signal: ended.signal,
            reason: text(&ended.reason),
            finished_at: moment(ended.finished_at.as_ref()),
            life: PhantomData,
        }),
        life: PhantomData,
    }
}

#[cfg(test)]
pub(in crate::platform::kubernetes) mod tests;
