//! A pod's wire form, and the READY, STATUS and RESTARTS columns as the server's own printer makes them of it.
//!
//! The rules are those of Kubernetes 1.34: init containers first and in order, main containers from last to first,
//! restartable init containers counted among the ready ones.

use super::kinds::{Condition, identified};
use super::wire::{Meta, Moment, Text, slim};
use jiff::Timestamp;
use std::borrow::Cow;

slim! {
    /// A Pod.
    PodWire<'a> {
        metadata: Meta<'a>,
        spec: PodSpec<'a>,
        status: PodStatus<'a>,
    }
}

identified!(PodWire);

slim! {
    /// Its specification.
    PodSpec<'a> {
        node_name: Text<'a>,
        containers: Vec<ContainerSpec<'a>>,
        init_containers: Vec<ContainerSpec<'a>>,
        readiness_gates: Vec<Gate<'a>>,
    }
}

slim! {
    /// A container's specification.
    ContainerSpec<'a> {
        name: Text<'a>,
        image: Text<'a>,
        restart_policy: Text<'a>,
    }
}

slim! {
    /// A condition the pod waits for before it counts as ready.
    Gate<'a> {
        condition_type: Text<'a>,
    }
}

slim! {
    /// A pod's status.
    PodStatus<'a> {
        phase: Text<'a>,
        reason: Text<'a>,
        message: Text<'a>,
        conditions: Vec<Condition<'a>>,
        init_container_statuses: Vec<ContainerStatus<'a>>,
        container_statuses: Vec<ContainerStatus<'a>>,
    }
}

slim! {
    /// A container's status.
    ContainerStatus<'a> {
        name: Text<'a>,
        image: Text<'a>,
        ready: bool,
        started: Option<bool>,
        restart_count: u32,
        state: State<'a>,
        last_state: State<'a>,
    }
}

slim! {
    /// The one of three states a container is in.
    State<'a> {
        waiting: Option<Waiting<'a>>,
        running: Option<Running<'a>>,
        terminated: Option<Terminated<'a>>,
    }
}

slim! {
    /// It waits.
    Waiting<'a> {
        reason: Text<'a>,
        message: Text<'a>,
    }
}

slim! {
    /// It runs.
    Running<'a> {
        started_at: Moment<'a>,
    }
}

slim! {
    /// It ended.
    Terminated<'a> {
        exit_code: i32,
        signal: i32,
        reason: Text<'a>,
        finished_at: Moment<'a>,
    }
}

impl PodWire<'_> {
    pub(super) fn condition(&self, kind: &str) -> Option<&Condition<'_>> {
        self.status.conditions.iter().find(|c| &*c.kind == kind)
    }

    fn restartable(&self, name: &str) -> bool {
        let spec = self.spec.init_containers.iter().find(|c| &*c.name == name);
        spec.is_some_and(|c| &*c.restart_policy == "Always")
    }
}

/// What `kubectl get pods` prints of a pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns<'a> {
    pub(super) ready: u16,
    pub(super) containers: u16,
    pub(super) status: Cow<'a, str>,
    pub(super) restarts: u32,
    pub(super) last_restart: Option<Timestamp>,
}

/// Restarts and the last of them, added up.
#[derive(Default, Clone, Copy)]
struct Restarts(u32, Option<Timestamp>);

impl Restarts {
    fn add(&mut self, container: &ContainerStatus<'_>) {
        self.0 = self.0.saturating_add(container.restart_count);
        let ended = container.last_state.terminated.as_ref();
        self.1 = self.1.max(ended.and_then(|t| t.finished_at.moment()));
    }
}

/// Makes the columns.
pub(super) fn columns<'a>(pod: &'a PodWire<'_>) -> Columns<'a> {
    let status = &pod.status;
    let mut reason: Cow<'a, str> = Cow::Borrowed(status.reason.some().unwrap_or(&status.phase));
    let gated = |c: &Condition<'_>| &*c.kind == "PodScheduled" && &*c.reason == "SchedulingGated";
    if status.conditions.iter().any(gated) {
        reason = Cow::Borrowed("SchedulingGated");
    }
    let mut ready = 0;
    let (initializing, every, sidecars) = initialization(pod, &mut ready, &mut reason);
    let mut restarts = every;
    let initialized = pod.condition("Initialized").and_then(Condition::holds) == Some(true);
    if !initializing || initialized {
        restarts = sidecars;
        main_containers(pod, &mut restarts, &mut ready, &mut reason);
    }
    if pod.metadata.deletion_timestamp.is_said() {
        if &*status.reason == "NodeLost" {
            reason = Cow::Borrowed("Unknown");
        } else if !matches!(&*status.phase, "Failed" | "Succeeded") {
            reason = Cow::Borrowed("Terminating");
        }
    }
    let sidecar_specs = pod.spec.init_containers.iter();
    let sidecar_count = sidecar_specs
        .filter(|c| &*c.restart_policy == "Always")
        .count();
    Columns {
        ready,
        containers: (pod.spec.containers.len() + sidecar_count).min(usize::from(u16::MAX)) as u16,
        status: reason,
        restarts: restarts.0,
        last_restart: restarts.1.filter(|_| restarts.0 > 0),
    }
}

/// Walks the init containers up to the first that has not done its part. Says whether there is one, and the restarts: of all, of sidecars.
fn initialization<'a>(
    pod: &'a PodWire<'_>,
    ready: &mut u16,
    reason: &mut Cow<'a, str>,
) -> (bool, Restarts, Restarts) {
    let (mut every, mut sidecars) = (Restarts::default(), Restarts::default());
    for (index, container) in pod.status.init_container_statuses.iter().enumerate() {
        every.add(container);
        let restartable = pod.restartable(&container.name);
        if restartable {
            sidecars.add(container);
        }
        let state = &container.state;
        let ended = state.terminated.as_ref();
        if ended.is_some_and(|t| t.exit_code == 0) {
            continue;
        }
        if restartable && container.started == Some(true) {
            *ready += u16::from(container.ready);
            continue;
        }
        let waiting = state.waiting.as_ref().and_then(|w| w.reason.some());
        *reason = match (ended, waiting) {
            (Some(ended), _) => format!("Init:{}", ending(ended)).into(),
            (None, Some(waiting)) if waiting != "PodInitializing" => {
                format!("Init:{waiting}").into()
            }
            _ => format!("Init:{index}/{}", pod.spec.init_containers.len()).into(),
        };
        return (true, every, sidecars);
    }
    (false, every, sidecars)
}

fn main_containers<'a>(
    pod: &'a PodWire<'_>,
    restarts: &mut Restarts,
    ready: &mut u16,
    reason: &mut Cow<'a, str>,
) {
    let mut runs = false;
    for container in pod.status.container_statuses.iter().rev() {
        restarts.add(container);
        let state = &container.state;
        if let Some(waiting) = state.waiting.as_ref().and_then(|w| w.reason.some()) {
            *reason = Cow::Borrowed(waiting);
        } else if let Some(ended) = &state.terminated {
            *reason = ending(ended);
        } else if container.ready && state.running.is_some() {
            runs = true;
            *ready += 1;
        }
    }
    if runs && &**reason == "Completed" {
        let ready = pod.condition("Ready").and_then(Condition::holds) == Some(true);
        *reason = Cow::Borrowed(if ready { "Running" } else { "NotReady" });
    }
}

fn ending<'a>(ended: &'a Terminated<'_>) -> Cow<'a, str> {
    match ended.reason.some() {
        Some(reason) => Cow::Borrowed(reason),
        None if ended.signal != 0 => format!("Signal:{}", ended.signal).into(),
        None => format!("ExitCode:{}", ended.exit_code).into(),
    }
}
