//! The Deployment controller: from the old ReplicaSet to the new one within the bounds, revision by revision. Called by
//! `controllers` whenever something of a Deployment's has changed.

mod bounds;
mod replica_sets;
mod status;

use serde_json::Value;

use super::kind::Kind;
use super::state::{Source, State};
use super::store::Id;
use super::{replicas, tree};

pub use replica_sets::{REVISION, revision, set_for, template_hash};

use bounds::Bounds;
use replica_sets::{DESIRED, HISTORY, hand_on, hash_of, note_size, sets_of, size};
use status::{progress, write_status};

/// Brings one Deployment closer to what it wants; says whether anything changed.
pub fn reconcile(state: &mut State, id: &Id) -> bool {
    let Some(mut deployment) = state.store.tree(Kind::Deployment, &id.0, &id.1).cloned() else {
        return false;
    };
    let version = state.store.version();
    let mut sets = sets_of(state, &deployment);
    let paused = deployment["spec"]["paused"] == true;
    let hash = template_hash(&deployment["spec"]["template"]);
    let mut new = sets.iter().position(|set| hash_of(set) == hash);
    if !paused {
        renumber(state, &mut deployment, &mut sets, &mut new);
    }
    let rescaled = scale_all(state, &deployment, &mut sets);
    if !rescaled
        && !paused
        && let Some(new) = new
    {
        advance(state, &deployment, &mut sets, new);
    }
    write_status(state, deployment, &sets, new);
    state.store.version() != version
}

/// Makes the ReplicaSet of the present template if there is none, and gives it the highest number.
fn renumber(
    state: &mut State,
    deployment: &mut Value,
    sets: &mut Vec<Value>,
    new: &mut Option<usize>,
) {
    let at = |i: usize| Some(i) == *new;
    let highest = sets
        .iter()
        .enumerate()
        .filter(|(i, _)| !at(*i))
        .map(|(_, s)| revision(s))
        .max()
        .unwrap_or(0);
    let number = match *new {
        Some(index) if revision(&sets[index]) > highest => revision(&sets[index]),
        _ => highest + 1,
    };
    if let Some(index) = *new {
        promote(state, deployment, &mut sets[index], number);
    } else {
        let set = make_set(state, deployment, sets, number);
        sets.push(set);
        *new = Some(sets.len() - 1);
    }
    tree::put(
        deployment,
        &["metadata", "annotations", REVISION],
        number.to_string(),
    );
}

/// Gives the present template's ReplicaSet its number; an older one is kept as history.
fn promote(state: &mut State, deployment: &mut Value, set: &mut Value, number: i64) {
    let old = revision(set);
    if old != number {
        let past = tree::text(set, &["metadata", "annotations", HISTORY]);
        let history = if past.is_empty() {
            old.to_string()
        } else {
            format!("{past},{old}")
        };
        tree::put(set, &["metadata", "annotations", HISTORY], history);
        tree::put(
            set,
            &["metadata", "annotations", REVISION],
            number.to_string(),
        );
        progress(
            deployment,
            "FoundNewReplicaSet",
            &format!("Found new replica set \"{}\"", tree::id(set).1),
            state,
        );
    }
    hand_on(deployment, set);
    note_size(deployment, set);
    state.update(Kind::ReplicaSet, set.clone());
}

/// Makes the ReplicaSet of a new template, as large as the bounds allow at once.
fn make_set(state: &mut State, deployment: &mut Value, sets: &[Value], number: i64) -> Value {
    let all: i64 = sets.iter().map(size).sum();
    let replicas = if is_recreate(deployment) {
        0
    } else {
        Bounds::of(deployment).grow(0, all)
    };
    let set = state.create(
        Kind::ReplicaSet,
        set_for(deployment, replicas, number),
        "kube-controller-manager",
    );
    let name = tree::id(&set).1;
    progress(
        deployment,
        "NewReplicaSetCreated",
        &format!("Created new replica set \"{name}\""),
        state,
    );
    if replicas > 0 {
        tell(
            state,
            deployment,
            &format!("Scaled up replica set {name} from 0 to {replicas}"),
        );
    }
    set
}

fn is_recreate(deployment: &Value) -> bool {
    deployment["spec"]["strategy"]["type"] == "Recreate"
}

fn tell(state: &mut State, deployment: &Value, message: &str) {
    let source = Source::controller("deployment-controller");
    state.event(deployment, false, "ScalingReplicaSet", message, &source);
}

fn resize(state: &mut State, deployment: &Value, set: &mut Value, to: i64) {
    let from = size(set);
    if from == to {
        return;
    }
    tree::put(set, &["spec", "replicas"], to);
    tree::put(
        set,
        &["metadata", "generation"],
        tree::int(set, &["metadata", "generation"]) + 1,
    );
    note_size(deployment, set);
    state.update(Kind::ReplicaSet, set.clone());
    let way = if to > from { "up" } else { "down" };
    let name = tree::id(set).1;
    tell(
        state,
        deployment,
        &format!("Scaled {way} replica set {name} from {from} to {to}"),
    );
}

/// After a change of the wanted number: the sets that have pods share it in proportion. Says whether it did something.
fn scale_all(state: &mut State, deployment: &Value, sets: &mut [Value]) -> bool {
    let bounds = Bounds::of(deployment);
    let known = |set: &Value| {
        tree::text(set, &["metadata", "annotations", DESIRED])
            .parse::<i64>()
            .ok()
    };
    let live: Vec<usize> = (0..sets.len()).filter(|i| size(&sets[*i]) > 0).collect();
    let changed = live
        .iter()
        .any(|i| known(&sets[*i]).is_some_and(|n| n != bounds.replicas));
    if let [only] = live[..] {
        let current = hash_of(&sets[only]) == template_hash(&deployment["spec"]["template"]);
        if (changed || current)
            && size(&sets[only]) != bounds.replicas
            && (changed || deployment["spec"]["paused"] == true)
        {
            resize(state, deployment, &mut sets[only], bounds.replicas);
            return true;
        }
        return false;
    }
    if !changed || live.is_empty() {
        return false;
    }
    let all: i64 = live.iter().map(|i| size(&sets[*i])).sum();
    let most = if bounds.replicas > 0 {
        bounds.replicas + bounds.surge
    } else {
        0
    };
    let mut left = most - all;
    for (place, index) in live.iter().enumerate() {
        let part = if place + 1 == live.len() {
            left
        } else {
            (size(&sets[*index]) * (most - all)) / all.max(1)
        };
        left -= part;
        let to = (size(&sets[*index]) + part).max(0);
        resize(state, deployment, &mut sets[*index], to);
        note_size(deployment, &mut sets[*index]);
        state.update(Kind::ReplicaSet, sets[*index].clone());
    }
    true
}

/// One step of the way from old to new.
fn advance(state: &mut State, deployment: &Value, sets: &mut [Value], new: usize) {
    let bounds = Bounds::of(deployment);
    let olds: Vec<usize> = (0..sets.len()).filter(|i| *i != new).collect();
    if is_recreate(deployment) {
        for i in &olds {
            resize(state, deployment, &mut sets[*i], 0);
        }
        let left = olds
            .iter()
            .any(|i| !replicas::pods_of(state, &sets[*i]).is_empty());
        if !left {
            resize(state, deployment, &mut sets[new], bounds.replicas);
        }
        return;
    }
    let all: i64 = sets.iter().map(size).sum();
    let to = bounds.grow(size(&sets[new]), all);
    if to != size(&sets[new]) {
        return resize(state, deployment, &mut sets[new], to);
    }
    let available = |set: &Value| tree::int(set, &["status", "availableReplicas"]);
    let new_unavailable = (size(&sets[new]) - available(&sets[new])).max(0);
    let mut cleanup = bounds.shrink(all, new_unavailable, 0).0;
    let may = cleanup;
    for i in &olds {
        let down = (size(&sets[*i]) - available(&sets[*i])).max(0).min(cleanup);
        cleanup -= down;
        let to = size(&sets[*i]) - down;
        resize(state, deployment, &mut sets[*i], to);
    }
    let available_all: i64 = sets.iter().map(|set| available(set).min(size(set))).sum();
    let mut healthy = bounds
        .shrink(all, new_unavailable, available_all)
        .1
        .min(may);
    for i in &olds {
        let down = size(&sets[*i]).min(healthy);
        healthy -= down;
        let to = size(&sets[*i]) - down;
        resize(state, deployment, &mut sets[*i], to);
    }
}
