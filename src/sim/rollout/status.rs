//! A Deployment's status: its numbers, whether it is available, and how its progress stands against its deadline.

use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::state::{State, Task};
use super::super::{time, tree};
use super::bounds::Bounds;
use super::replica_sets::forget;

/// Sets the condition Progressing to true, for a reason; its update time is now.
pub fn progress(deployment: &mut Value, reason: &str, message: &str, state: &State) {
    condition(
        deployment,
        ("Progressing", "True"),
        (reason, message),
        state,
    );
}

fn condition(
    deployment: &mut Value,
    (kind, status): (&str, &str),
    (reason, message): (&str, &str),
    state: &State,
) {
    let now = state.stamp();
    let old = tree::condition(deployment, kind).cloned();
    if old.as_ref().is_some_and(|c| {
        c["status"] == status
            && c["reason"] == reason
            && c["message"] == message
            && reason != "ReplicaSetUpdated"
    }) {
        return;
    }
    let since = old
        .filter(|c| c["status"] == status)
        .map_or(now.clone(), |c| c["lastTransitionTime"].clone());
    let new = json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": since,
    });
    let mut all: Vec<Value> = tree::list(deployment, &["status", "conditions"]).to_vec();
    match all.iter_mut().find(|c| c["type"] == kind) {
        Some(place) => *place = new,
        None => all.push(new),
    }
    tree::put(deployment, &["status", "conditions"], Value::from(all));
}

/// The numbers a status counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    all: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

impl Counts {
    fn read(status: &Value) -> Self {
        let n = |key| tree::int(status, &[key]);
        Self {
            all: n("replicas"),
            updated: n("updatedReplicas"),
            ready: n("readyReplicas"),
            available: n("availableReplicas"),
        }
    }

    /// Whether everything wanted is there, new and available, and nothing else is.
    fn complete(self, wanted: i64) -> bool {
        self.updated == wanted && self.all == wanted && self.available == wanted
    }

    /// Whether these numbers are further on than those before.
    fn beyond(self, before: Self) -> bool {
        self.updated > before.updated
            || self.all - self.updated < before.all - before.updated
            || self.ready > before.ready
            || self.available > before.available
    }
}

/// Writes the status from what the ReplicaSets report; a complete rollout forgets old ones.
pub fn write_status(state: &mut State, mut deployment: Value, sets: &[Value], new: Option<usize>) {
    let before = Counts::read(&deployment["status"]);
    let fresh: Vec<Value> = sets
        .iter()
        .map(|set| {
            let (namespace, name) = tree::id(set);
            state
                .store
                .tree(Kind::ReplicaSet, &namespace, &name)
                .cloned()
                .unwrap_or_default()
        })
        .collect();
    let sum = |key: &str| {
        fresh
            .iter()
            .map(|s| tree::int(s, &["status", key]))
            .sum::<i64>()
    };
    let now = Counts {
        all: sum("replicas"),
        updated: new.map_or(0, |i| tree::int(&fresh[i], &["status", "replicas"])),
        ready: sum("readyReplicas"),
        available: sum("availableReplicas"),
    };
    let bounds = Bounds::of(&deployment);
    write_counts(&mut deployment, now, bounds);
    let (status, why) = if now.available >= bounds.replicas - bounds.unavailable {
        ("True", AVAILABLE)
    } else {
        ("False", UNAVAILABLE)
    };
    condition(&mut deployment, ("Available", status), why, state);
    write_progress(
        state,
        &mut deployment,
        now.beyond(before),
        (now, bounds.replicas),
        new.map(|i| &fresh[i]),
    );
    state.update(Kind::Deployment, deployment.clone());
    if now.complete(bounds.replicas) {
        forget(state, &deployment, &fresh, new);
    }
}

const AVAILABLE: (&str, &str) = (
    "MinimumReplicasAvailable",
    "Deployment has minimum availability.",
);

const UNAVAILABLE: (&str, &str) = (
    "MinimumReplicasUnavailable",
    "Deployment does not have minimum availability.",
);

/// Writes the numbers of a status; zeros are left out, as on the wire.
fn write_counts(deployment: &mut Value, now: Counts, bounds: Bounds) {
    let conditions = deployment["status"]["conditions"].clone();
    let mut status = json!({"observedGeneration": deployment["metadata"]["generation"]});
    let unavailable = (bounds.replicas.max(now.all) - now.available).max(0);
    let counts = [
        ("replicas", now.all),
        ("updatedReplicas", now.updated),
        ("readyReplicas", now.ready),
        ("availableReplicas", now.available),
        ("unavailableReplicas", unavailable),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        tree::put(&mut status, &[key], count);
    }
    if !conditions.is_null() {
        tree::put(&mut status, &["conditions"], conditions);
    }
    tree::put(deployment, &["status"], status);
}

fn write_progress(
    state: &mut State,
    deployment: &mut Value,
    moved: bool,
    (now, wanted): (Counts, i64),
    new: Option<&Value>,
) {
    let name = new.map(|set| tree::id(set).1).unwrap_or_default();
    let reason = tree::condition(deployment, "Progressing")
        .map(|c| tree::text(c, &["reason"]).to_owned())
        .unwrap_or_default();
    if deployment["spec"]["paused"] == true {
        if reason != "DeploymentPaused" {
            condition(
                deployment,
                ("Progressing", "Unknown"),
                ("DeploymentPaused", "Deployment is paused"),
                state,
            );
        }
        return;
    }
    if reason == "DeploymentPaused" {
        condition(
            deployment,
            ("Progressing", "Unknown"),
            ("DeploymentResumed", "Deployment is resumed"),
            state,
        );
    }
    if now.complete(wanted) {
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        return progress(deployment, "NewReplicaSetAvailable", &message, state);
    }
    if reason == "NewReplicaSetAvailable" && !moved {
        return;
    }
    if moved {
        let message = format!("ReplicaSet \"{name}\" is progressing.");
        progress(deployment, "ReplicaSetUpdated", &message, state);
    }
    let Some(deadline) = deployment["spec"]["progressDeadlineSeconds"].as_i64() else {
        return;
    };
    let since = tree::condition(deployment, "Progressing")
        .and_then(|c| time::parse(tree::text(c, &["lastUpdateTime"])));
    let due = since.unwrap_or(state.now_ms) + deadline * 1000;
    if state.now_ms > due {
        let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
        condition(
            deployment,
            ("Progressing", "False"),
            ("ProgressDeadlineExceeded", &message),
            state,
        );
    } else {
        state.after(due - state.now_ms + 1_000, Task::Look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_any_number_that_went_the_right_way() {
        let c = |all, updated, ready, available| Counts {
            all,
            updated,
            ready,
            available,
        };
        assert!(c(4, 1, 3, 3).beyond(c(3, 0, 3, 3)));
        assert!(c(3, 1, 3, 3).beyond(c(4, 1, 3, 3)));
        assert!(!c(4, 1, 3, 3).beyond(c(4, 1, 3, 3)));
        assert!(!c(4, 1, 2, 2).beyond(c(4, 1, 3, 3)));
    }
}
