//! What is wrong with a pod, from its own status: one typed reason, the first that explains the rest.
//!
//! No moment is compared with the present here: how bad a reason is, and for how long, is `domain`'s to say.

use super::kinds::Condition;
use super::pool::Pool;
use super::status::{ContainerStatus, PodWire, Terminated};
use crate::domain::pod::Trouble;
use crate::platform::failure::bounded;
use std::sync::Arc;

/// The most characters kept of a runtime's message.
const MESSAGE: usize = 1000;

/// Waiting reasons that mean the image cannot be had.
const IMAGE: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// Judges a pod.
pub(super) fn trouble(pod: &PodWire<'_>, pool: &mut Pool) -> Option<Trouble> {
    let status = &pod.status;
    if &*status.reason == "NodeLost" || &*status.phase == "Unknown" {
        return Some(Trouble::NodeLost);
    }
    match &*status.phase {
        "Failed" => return Some(failed(pod, pool)),
        "Succeeded" => return None,
        _ => {}
    }
    if pod.metadata.deletion_timestamp.is_said() {
        return Some(Trouble::Lingering);
    }
    unscheduled(pod, pool)
        .or_else(|| containers(pod, pool))
        .or_else(|| unready(pod, pool))
}

fn message(text: &str) -> Arc<str> {
    bounded(text, MESSAGE).into()
}

fn failed(pod: &PodWire<'_>, pool: &mut Pool) -> Trouble {
    if let Some(reason) = pod.status.reason.some() {
        return Trouble::Failed {
            reason: pool.text(reason),
            message: message(&pod.status.message),
        };
    }
    let of = |container: &ContainerStatus<'_>| {
        let ended = container.state.terminated.as_ref()?;
        (ended.exit_code != 0).then(|| {
            (
                container.name.to_string(),
                ended.exit_code,
                ended.reason.to_string(),
            )
        })
    };
    let statuses = &pod.status;
    let all = statuses
        .init_container_statuses
        .iter()
        .chain(&statuses.container_statuses);
    let mut all = all;
    match all.find_map(of) {
        Some((name, code, reason)) => Trouble::Failed {
            reason: pool.text(if reason.is_empty() { "Error" } else { &reason }),
            message: format!("{name} ended with exit code {code}").into(),
        },
        None => Trouble::Failed {
            reason: pool.text("Failed"),
            message: message(&pod.status.message),
        },
    }
}

fn unscheduled(pod: &PodWire<'_>, pool: &mut Pool) -> Option<Trouble> {
    if pod.spec.node_name.some().is_some() {
        return None;
    }
    let condition = pod.condition("PodScheduled");
    Some(match condition {
        Some(c) if &*c.reason == "SchedulingGated" => Trouble::Starting {
            doing: pool.text("scheduling is gated"),
        },
        Some(c) if c.holds() == Some(false) => Trouble::Unschedulable {
            why: message(c.message.some().unwrap_or(&c.reason)),
        },
        _ => Trouble::Starting {
            doing: pool.text("scheduling"),
        },
    })
}

/// The worst of the containers, in the order of how much it explains.
fn containers(pod: &PodWire<'_>, pool: &mut Pool) -> Option<Trouble> {
    let status = &pod.status;
    let init = status.init_container_statuses.iter();
    let all = init.chain(&status.container_statuses);
    let mut starting = None;
    let mut restarted = None;
    for container in all.clone() {
        let waiting = container.state.waiting.as_ref();
        let reason = waiting.map_or("", |w| &*w.reason);
        let said = waiting.map_or("", |w| &*w.message);
        if IMAGE.contains(&reason) {
            let image = image_of(pod, container);
            return Some(Trouble::Image {
                image: pool.text(image),
                reason: pool.text(reason),
                message: message(said),
            });
        }
        match (reason, waiting.is_some()) {
            ("CrashLoopBackOff", _) => {
                let ended = container.last_state.terminated.as_ref();
                return Some(crash(&container.name, ended, true, pool));
            }
            ("ContainerCreating" | "PodInitializing" | "", true) => {
                let doing = if reason.is_empty() {
                    "ContainerCreating"
                } else {
                    reason
                };
                starting.get_or_insert_with(|| pool.text(doing));
            }
            (_, true) => {
                return Some(Trouble::Create {
                    container: pool.text(&container.name),
                    reason: pool.text(reason),
                    message: message(said),
                });
            }
            _ => {}
        }
        if let Some(ended) = unhappy_end(container) {
            restarted.get_or_insert_with(|| crash(&container.name, Some(ended), false, pool));
        }
    }
    let missing = status.container_statuses.is_empty();
    let running_init = running_init(pod).map(|name| format!("init container {name}"));
    restarted
        .filter(|_| !ready_since_its_restart(pod))
        .or_else(|| {
            let doing = match running_init {
                Some(doing) => pool.text(&doing),
                None => starting.or_else(|| missing.then(|| pool.text("ContainerCreating")))?,
            };
            Some(Trouble::Starting { doing })
        })
}

/// A container that ended badly: now, or before it was started again.
fn unhappy_end<'a>(container: &'a ContainerStatus<'a>) -> Option<&'a Terminated<'a>> {
    let now = container
        .state
        .terminated
        .as_ref()
        .filter(|t| t.exit_code != 0);
    let before = container.last_state.terminated.as_ref();
    now.or_else(|| before.filter(|t| container.state.running.is_some() && t.exit_code != 0))
}

/// Whether the pod became unready only after its containers had been ready again: then the restart does not explain it.
fn ready_since_its_restart(pod: &PodWire<'_>) -> bool {
    let Some(condition) = pod.condition("Ready").filter(|c| c.holds() == Some(false)) else {
        return false;
    };
    let unready = condition.last_transition_time.moment();
    let started = pod
        .status
        .container_statuses
        .iter()
        .filter_map(|c| c.state.running.as_ref()?.started_at.moment())
        .max();
    matches!((unready, started), (Some(unready), Some(started)) if unready > started)
}

fn running_init<'a>(pod: &'a PodWire<'_>) -> Option<&'a str> {
    let done = pod.condition("Initialized").and_then(Condition::holds) == Some(true);
    let running = |c: &&ContainerStatus<'_>| c.state.running.is_some() && c.started != Some(true);
    let first = pod.status.init_container_statuses.iter().find(running);
    first.filter(|_| !done).map(|c| &*c.name)
}

fn image_of<'a>(pod: &'a PodWire<'_>, container: &'a ContainerStatus<'_>) -> &'a str {
    let specs = pod.spec.init_containers.iter().chain(&pod.spec.containers);
    let spec = specs.clone().find(|spec| spec.name == container.name);
    spec.map_or(&*container.image, |spec| &*spec.image)
}

fn crash(name: &str, ended: Option<&Terminated<'_>>, waiting: bool, pool: &mut Pool) -> Trouble {
    Trouble::Crash {
        container: pool.text(name),
        exit_code: ended.map_or(0, |t| t.exit_code),
        reason: pool.text(ended.map_or("", |t| &*t.reason)),
        ended: ended.and_then(|t| t.finished_at.moment()),
        waiting,
    }
}

/// Which container or gate keeps a running pod from being ready.
fn unready(pod: &PodWire<'_>, pool: &mut Pool) -> Option<Trouble> {
    if pod.condition("Ready").and_then(Condition::holds) == Some(true) {
        return None;
    }
    let status = &pod.status;
    let waits = status.container_statuses.iter().find(|c| !c.ready);
    let what = match waits {
        Some(c) if c.state.terminated.is_some() => format!("{} has ended", &*c.name),
        Some(c) if c.started == Some(false) => format!("{} (startup probe)", &*c.name),
        Some(c) => format!("{} (readiness probe)", &*c.name),
        None => match unmet_gate(pod) {
            Some(gate) => format!("readiness gate {gate}"),
            None => pod
                .condition("Ready")
                .and_then(|c| c.message.some().or(c.reason.some()))
                .map_or_else(
                    || "not reported yet".to_owned(),
                    |said| bounded(said, MESSAGE),
                ),
        },
    };
    Some(Trouble::Unready {
        what: pool.text(&what),
    })
}

fn unmet_gate<'a>(pod: &'a PodWire<'_>) -> Option<&'a str> {
    let unmet = |gate: &&super::status::Gate<'_>| {
        let condition = pod.condition(&gate.condition_type);
        condition.and_then(Condition::holds) != Some(true)
    };
    let gate = pod.spec.readiness_gates.iter().find(unmet)?;
    Some(&gate.condition_type)
}
