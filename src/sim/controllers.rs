//! Which controller has to look at what: read from the log of changes, so that one pod's change costs the work of its own owners and no more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kind::Kind;
use super::state::State;
use super::store::Id;
use super::{external, replicas, rollout, routing, sets, tree};

/// The most rounds at one moment: a controller that never rests must not stop the world.
const ROUNDS: usize = 64;

/// Lets the controllers work on everything that changed after a version, until nothing is left; gives the version reached.
pub fn settle(state: &mut State, after: u64) -> u64 {
    let mut reached = after;
    let mut places: BTreeSet<String> = BTreeSet::new();
    for _ in 0..ROUNDS {
        if state.store.version() == reached {
            break;
        }
        let work = affected(state, reached, &mut places);
        reached = state.store.version();
        for (kind, id) in work {
            reconcile(state, kind, &id);
        }
    }
    if !places.is_empty() {
        routing::route(state, &places);
    }
    state.store.version()
}

/// Lets every controller look at everything it owns.
pub fn review(state: &mut State) {
    for kind in OWNERS {
        let ids: Vec<Id> = state.store.live(kind, "").map(tree::id).collect();
        for id in ids {
            reconcile(state, kind, &id);
        }
    }
}

/// ReplicaSets before Deployments: what pods do is counted before it is judged.
const OWNERS: [Kind; 4] = [
    Kind::ReplicaSet,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
];

fn reconcile(state: &mut State, kind: Kind, id: &Id) {
    match kind {
        Kind::ReplicaSet => drop(replicas::reconcile(state, id)),
        Kind::Deployment => drop(rollout::reconcile(state, id)),
        Kind::StatefulSet => drop(sets::reconcile_stateful(state, id)),
        Kind::DaemonSet => drop(sets::reconcile_daemon(state, id)),
        Kind::ExternalSecret => external::told(state, id),
        Kind::Secret => external::written(state, id),
        _ => {}
    }
}

/// The owners that what changed after a version concerns, and the namespaces whose traffic it may move.
fn affected(state: &State, after: u64, places: &mut BTreeSet<String>) -> BTreeSet<(Kind, Id)> {
    let mut work = BTreeSet::new();
    let Ok(changes) = state.store.since(after) else {
        for kind in OWNERS {
            work.extend(
                state
                    .store
                    .live(kind, "")
                    .map(|object| (kind, tree::id(object))),
            );
        }
        places.extend(
            state
                .store
                .list(Kind::Namespace, "")
                .map(|n| n.id.1.clone()),
        );
        return work;
    };
    for change in changes {
        let Some(object) = change.object.live() else {
            continue;
        };
        match change.kind {
            Kind::Pod => {
                places.insert(change.object.id.0.clone());
                work.extend(owners(state, object));
            }
            Kind::Service => {
                places.insert(change.object.id.0.clone());
            }
            Kind::ReplicaSet => {
                work.insert((change.kind, change.object.id.clone()));
                work.extend(owners(state, object));
            }
            Kind::Deployment
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::ExternalSecret
            | Kind::Secret => {
                work.insert((change.kind, change.object.id.clone()));
            }
            Kind::Node => {
                let daemons = state.store.live(Kind::DaemonSet, "");
                work.extend(daemons.map(|set| (Kind::DaemonSet, tree::id(set))));
            }
            _ => {}
        }
    }
    work
}

/// Who controls an object, and who controls that.
fn owners(state: &State, object: &Value) -> Vec<(Kind, Id)> {
    let mut owners = Vec::new();
    let mut object = Some(object);
    while let Some(owned) = object {
        let namespace = tree::text(owned, &["metadata", "namespace"]);
        let list = tree::list(owned, &["metadata", "ownerReferences"]);
        let owner = list.iter().find(|owner| owner["controller"] == true);
        let kind = owner.and_then(|o| OWNERS.into_iter().find(|k| o["kind"] == k.resource().name));
        let (Some(owner), Some(kind)) = (owner, kind) else {
            break;
        };
        let name = tree::text(owner, &["name"]);
        owners.push((kind, (namespace.to_owned(), name.to_owned())));
        object = state.store.tree(kind, namespace, name);
    }
    owners
}
