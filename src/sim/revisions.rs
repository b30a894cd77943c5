//! The history of StatefulSets and DaemonSets: a ControllerRevision for every template they have had, the present one
//! with the highest number. Their controllers in `sets` keep it; `kubectl rollout history` and `undo` read it.

use serde_json::{Value, json};

use super::kind::Kind;
use super::rollout::template_hash;
use super::seed::{Rng, fold};
use super::state::State;
use super::{replicas, tree};

/// The label that ties a pod to the revision it was made from.
pub const LABEL: &str = "controller-revision-hash";
/// The label under which a StatefulSet's revision carries its hash.
const HASH: &str = "controller.kubernetes.io/hash";

/// The name of the revision of a set's present template.
pub fn name(set: &Value) -> String {
    format!(
        "{}-{}",
        tree::text(set, &["metadata", "name"]),
        template_hash(&set["spec"]["template"])
    )
}

/// What the pods of a set's present template are labelled with: a StatefulSet's with the revision's name, a DaemonSet's with its hash.
pub fn label(set: &Value) -> String {
    if set["kind"] == "DaemonSet" {
        template_hash(&set["spec"]["template"])
    } else {
        name(set)
    }
}

/// Sees to it that the present template has a revision and that it is the latest; forgets what exceeds the history.
pub fn keep(state: &mut State, set: &Value) {
    let name = name(set);
    let known = revisions_of(state, set);
    let highest = known
        .iter()
        .filter(|revision| tree::id(revision).1 != name)
        .map(number)
        .max()
        .unwrap_or(0);
    match known.iter().find(|r| tree::id(r).1 == name) {
        Some(revision) if number(revision) > highest => {}
        Some(revision) => {
            let mut latest = revision.clone();
            tree::put(&mut latest, &["revision"], highest + 1);
            state.update(Kind::ControllerRevision, latest);
        }
        None => make(state, set, &name, highest + 1),
    }
    forget(state, set, &name);
}

/// The revisions a set controls, lowest number first.
fn revisions_of(state: &State, set: &Value) -> Vec<Value> {
    let uid = tree::text(set, &["metadata", "uid"]);
    let mut revisions: Vec<Value> = state
        .store
        .live(Kind::ControllerRevision, &tree::id(set).0)
        .filter(|revision| tree::owned_by(revision, uid))
        .cloned()
        .collect();
    revisions.sort_by_key(number);
    revisions
}

fn number(revision: &Value) -> i64 {
    tree::int(revision, &["revision"])
}

fn make(state: &mut State, set: &Value, name: &str, number: i64) {
    let hash = template_hash(&set["spec"]["template"]);
    let mut template = set["spec"]["template"].clone();
    tree::put(&mut template, &["$patch"], "replace");
    let mut labels = set["spec"]["template"]["metadata"]["labels"].clone();
    let key = if set["kind"] == "DaemonSet" {
        LABEL
    } else {
        HASH
    };
    tree::put(&mut labels, &[key], hash);
    let resource = Kind::ControllerRevision.resource();
    // Its identity follows from owner and template: history kept or not, the rest of a seed's world is the same.
    let uid = Rng::new(fold(&format!("{}{name}", set["metadata"]["uid"]))).uuid();
    let mut revision = json!({
        "apiVersion": resource.api_version(), "kind": resource.name,
        "metadata": {
            "namespace": set["metadata"]["namespace"], "name": name, "uid": uid, "creationTimestamp": state.stamp(),
            "labels": labels, "ownerReferences": [replicas::reference(set)],
        },
        "data": {"spec": {"template": template}}, "revision": number,
    });
    if let Some(notes) = set["metadata"].get("annotations") {
        tree::put(&mut revision, &["metadata", "annotations"], notes.clone());
    }
    state.signed(&mut revision, "kube-controller-manager", "f:revision");
    state.update(Kind::ControllerRevision, revision);
}

/// Removes the oldest revisions beyond the limit of the history; the present one and those with pods do not count.
fn forget(state: &mut State, set: &Value, present: &str) {
    let limit = set["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(10);
    let worn: Vec<String> = replicas::pods_of(state, set)
        .iter()
        .map(|pod| tree::text(pod, &["metadata", "labels", LABEL]).to_owned())
        .collect();
    let idle: Vec<Value> = revisions_of(state, set)
        .into_iter()
        .filter(|revision| {
            let name = tree::id(revision).1;
            name != present && !worn.iter().any(|label| name.ends_with(label.as_str()))
        })
        .collect();
    let extra = idle.len().saturating_sub(limit.max(0) as usize);
    for revision in &idle[..extra] {
        state.remove(Kind::ControllerRevision, &tree::id(revision));
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::super::verbs::{Patch, Write};
    use super::super::world::World;
    use super::*;

    const START: i64 = 1_795_316_412_000;
    const AT: (&str, &str) = ("monitoring", "prometheus");

    fn world() -> World {
        World::new(Scenario::Healthy, 1, START)
    }

    fn history(world: &World, kind: Kind, at: (&str, &str)) -> Vec<(i64, Value)> {
        let set = world.read(kind, at).unwrap();
        revisions_of(&world.state, &set)
            .into_iter()
            .map(|r| (number(&r), r["data"].clone()))
            .collect()
    }

    fn image(world: &mut World, kind: Kind, at: (&str, &str), tag: &str) {
        let body =
            json!({"spec": {"template": {"spec": {"containers": [{"name": at.1, "image": tag}]}}}});
        world
            .patch(kind, at, "", &Patch::Strategic(body), &Write::by("t"))
            .unwrap();
    }

    #[test]
    fn a_changed_template_is_the_next_revision_and_an_old_one_comes_back_as_the_latest() {
        let mut world = world();
        for (kind, at) in [
            (Kind::StatefulSet, AT),
            (Kind::DaemonSet, ("monitoring", "node-exporter")),
        ] {
            let before = history(&world, kind, at);
            let (last, data) = before.last().unwrap().clone();
            image(&mut world, kind, at, "r.io/other:v9");
            let after = history(&world, kind, at);
            assert_eq!(after.len(), before.len() + 1);
            assert_eq!(after.last().unwrap().0, last + 1);
            world
                .patch(
                    kind,
                    at,
                    "",
                    &Patch::Strategic(data.clone()),
                    &Write::by("t"),
                )
                .unwrap();
            let back = history(&world, kind, at);
            assert_eq!(back.len(), after.len(), "no revision is made twice");
            assert_eq!(back.last().unwrap(), &(last + 2, data));
        }
    }

    #[test]
    fn the_pods_follow_a_revision_back() {
        let mut world = world();
        let data = history(&world, Kind::StatefulSet, AT)
            .last()
            .unwrap()
            .1
            .clone();
        image(&mut world, Kind::StatefulSet, AT, "r.io/other:v9");
        world.advance(START + 60_000);
        let running = |world: &World| {
            let pod = world
                .read(Kind::Pod, ("monitoring", "prometheus-0"))
                .unwrap();
            tree::text(&pod["spec"]["containers"][0], &["image"]).to_owned()
        };
        assert_eq!(running(&world), "r.io/other:v9");
        world
            .patch(
                Kind::StatefulSet,
                AT,
                "",
                &Patch::Strategic(data),
                &Write::by("t"),
            )
            .unwrap();
        world.advance(START + 120_000);
        assert!(running(&world).contains("quay.io/prometheus/prometheus:"));
    }

    #[test]
    fn the_history_is_as_long_as_its_limit_and_goes_with_its_set() {
        let mut world = world();
        let limit = Patch::Merge(json!({"spec": {"revisionHistoryLimit": 2}}));
        world
            .patch(Kind::StatefulSet, AT, "", &limit, &Write::by("t"))
            .unwrap();
        for n in 1..6 {
            image(
                &mut world,
                Kind::StatefulSet,
                AT,
                &format!("r.io/other:v{n}"),
            );
            let later = world.now_ms() + 60_000;
            world.advance(later);
        }
        assert_eq!(history(&world, Kind::StatefulSet, AT).len(), 3);
        world
            .delete(Kind::StatefulSet, AT, &json!({}), &Write::by("t"))
            .unwrap();
        let left = world
            .store()
            .live(Kind::ControllerRevision, "monitoring")
            .filter(|r| tree::id(r).1.starts_with("prometheus-"))
            .count();
        assert_eq!(left, 0);
    }
}
