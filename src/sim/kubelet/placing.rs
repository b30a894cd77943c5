//! Where a pod is placed: the node it names, or the least crowded one that takes pods.

use super::super::kind::Kind;
use super::super::state::State;
use super::super::tree;

/// The least crowded node that takes pods.
pub fn pick(state: &State) -> Option<(String, String)> {
    let crowd = |name: &str| {
        state
            .store
            .live(Kind::Pod, "")
            .filter(|p| p["spec"]["nodeName"] == name)
            .count()
    };
    state
        .store
        .live(Kind::Node, "")
        .filter(|node| tree::is_true(node, "Ready") && node["spec"]["unschedulable"] != true)
        .map(|node| {
            let address = tree::list(node, &["status", "addresses"])
                .first()
                .map_or("", |a| tree::text(a, &["address"]));
            (
                tree::text(node, &["metadata", "name"]).to_owned(),
                address.to_owned(),
            )
        })
        .min_by_key(|(name, _)| crowd(name))
}

/// A node by name, with its address.
pub fn address_of(state: &State, name: &str) -> Option<(String, String)> {
    let node = state.store.tree(Kind::Node, "", name)?;
    let address = tree::list(node, &["status", "addresses"])
        .first()
        .map_or("", |a| tree::text(a, &["address"]));
    Some((name.to_owned(), address.to_owned()))
}
