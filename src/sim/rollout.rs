//! The Deployment controller: ReplicaSets by template, revisions, surge and unavailability, progress and its deadline. The arithmetic is in pure functions; the rest applies it.
//! Length: one controller, its arithmetic and its tables.

use serde_json::{Value, json};

use super::kind::Kind;
use super::seed::{fold, safe};
use super::state::{Source, State, Task};
use super::store::Id;
use super::{replicas, time, tree};

/// The annotation that numbers a ReplicaSet's template.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
/// Annotations that are a Deployment's or a ReplicaSet's own, and not handed on.
const OWN: [&str; 6] = [
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
];

/// What a rolling update may do, in pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many are wanted.
    pub replicas: i64,
    /// How many more there may be meanwhile.
    pub surge: i64,
    /// How many may be missing meanwhile.
    pub unavailable: i64,
}

impl Bounds {
    /// The bounds of a Deployment: numbers as they are, percentages rounded up for surge and down for unavailability; never both zero.
    pub fn of(deployment: &Value) -> Self {
        let replicas = tree::int(deployment, &["spec", "replicas"]);
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        let share = |value: &Value, up: bool| match value {
            Value::String(text) => {
                let percent = text.trim_end_matches('%').parse::<i64>().unwrap_or(25);
                let exact = percent * replicas;
                if up { (exact + 99) / 100 } else { exact / 100 }
            }
            Value::Number(number) => number.as_i64().unwrap_or_default(),
            _ => 1,
        };
        let surge = share(&rolling["maxSurge"], true);
        let mut unavailable = share(&rolling["maxUnavailable"], false).min(replicas);
        if surge == 0 && unavailable == 0 {
            unavailable = 1;
        }
        Self {
            replicas,
            surge,
            unavailable,
        }
    }

    /// How large the new ReplicaSet should be, given its size and the size of all.
    pub fn grow(self, new: i64, all: i64) -> i64 {
        if new >= self.replicas {
            return self.replicas;
        }
        let room = (self.replicas + self.surge - all).max(0);
        new + room.min(self.replicas - new)
    }

    /// How many old pods may go: unhealthy ones first as `cleanup`, then healthy ones as `healthy`.
    pub fn shrink(self, all: i64, new_unavailable: i64, available: i64) -> (i64, i64) {
        let least = self.replicas - self.unavailable;
        let cleanup = (all - least - new_unavailable).max(0);
        (cleanup, (available - least).max(0))
    }
}

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

/// The ReplicaSets a Deployment controls, oldest first.
pub fn sets_of(state: &State, deployment: &Value) -> Vec<Value> {
    let uid = tree::text(deployment, &["metadata", "uid"]);
    let namespace = tree::text(deployment, &["metadata", "namespace"]);
    let owned = |set: &&Value| tree::owned_by(set, uid);
    let mut sets: Vec<Value> = state
        .store
        .live(Kind::ReplicaSet, namespace)
        .filter(owned)
        .cloned()
        .collect();
    sets.sort_by_key(|set| {
        (
            tree::text(set, &["metadata", "creationTimestamp"]).to_owned(),
            revision(set),
        )
    });
    sets
}

/// The number of a ReplicaSet's or Deployment's revision.
pub fn revision(object: &Value) -> i64 {
    tree::text(object, &["metadata", "annotations", REVISION])
        .parse()
        .unwrap_or(0)
}

/// A template without what the controller adds and what an empty one means.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    tree::remove(&mut template, &["metadata", "labels", HASH]);
    tree::remove(&mut template, &["metadata", "creationTimestamp"]);
    template
}

/// The hash of the template a ReplicaSet was made from.
fn hash_of(set: &Value) -> &str {
    tree::text(set, &["metadata", "labels", HASH])
}

/// The hash a template is named by.
pub fn template_hash(template: &Value) -> String {
    let bits = fold(&bare(template).to_string());
    safe((bits ^ (bits >> 32)) as u32)
}

/// The ReplicaSet for a Deployment's present template.
pub fn set_for(deployment: &Value, replicas: i64, revision: i64) -> Value {
    let mut template = bare(&deployment["spec"]["template"]);
    let hash = template_hash(&template);
    tree::put(&mut template, &["metadata", "labels", HASH], hash.as_str());
    let mut selector = deployment["spec"]["selector"].clone();
    tree::put(&mut selector, &["matchLabels", HASH], hash.as_str());
    let name = format!("{}-{hash}", tree::text(deployment, &["metadata", "name"]));
    let mut set = json!({
        "metadata": {
            "namespace": deployment["metadata"]["namespace"], "name": name,
            "labels": template["metadata"]["labels"], "annotations": {},
            "ownerReferences": [replicas::reference(deployment)],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
        "status": {"replicas": 0},
    });
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        tree::put(&mut set, &["spec", "minReadySeconds"], seconds.clone());
    }
    hand_on(deployment, &mut set);
    tree::put(
        &mut set,
        &["metadata", "annotations", REVISION],
        revision.to_string(),
    );
    note_size(deployment, &mut set);
    set
}

/// Gives a ReplicaSet the Deployment's annotations.
fn hand_on(deployment: &Value, set: &mut Value) {
    let annotations = deployment["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for (key, value) in annotations
        .into_iter()
        .filter(|(key, _)| !OWN.contains(&key.as_str()))
    {
        tree::put(set, &["metadata", "annotations", &key], value);
    }
}

fn note_size(deployment: &Value, set: &mut Value) {
    let bounds = Bounds::of(deployment);
    tree::put(
        set,
        &["metadata", "annotations", DESIRED],
        bounds.replicas.to_string(),
    );
    tree::put(
        set,
        &["metadata", "annotations", MAXIMUM],
        (bounds.replicas + bounds.surge).to_string(),
    );
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

fn size(set: &Value) -> i64 {
    tree::int(set, &["spec", "replicas"])
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

/// Sets the condition Progressing to true, for a reason; its update time is now.
fn progress(deployment: &mut Value, reason: &str, message: &str, state: &State) {
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

fn write_status(state: &mut State, mut deployment: Value, sets: &[Value], new: Option<usize>) {
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

/// Removes old, empty ReplicaSets beyond the limit of the history.
fn forget(state: &mut State, deployment: &Value, sets: &[Value], new: Option<usize>) {
    let limit = deployment["spec"]["revisionHistoryLimit"]
        .as_i64()
        .unwrap_or(10)
        .max(0) as usize;
    let mut empty: Vec<&Value> = sets
        .iter()
        .enumerate()
        .filter(|(i, set)| {
            Some(*i) != new && size(set) == 0 && tree::int(set, &["status", "replicas"]) == 0
        })
        .map(|(_, set)| set)
        .collect();
    empty.sort_by_key(|set| revision(set));
    let extra = empty.len().saturating_sub(limit);
    for id in empty[..extra]
        .iter()
        .map(|set| tree::id(set))
        .collect::<Vec<_>>()
    {
        state.remove(Kind::ReplicaSet, &id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(replicas: i64, surge: impl Into<Value>, unavailable: impl Into<Value>) -> Bounds {
        let (surge, unavailable) = (surge.into(), unavailable.into());
        Bounds::of(
            &json!({"spec": {"replicas": replicas, "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}}),
        )
    }

    #[test]
    fn percentages_round_up_for_surge_and_down_for_unavailability() {
        let table = [
            (10, json!("25%"), json!("25%"), (3, 2)),
            (3, json!("25%"), json!("25%"), (1, 0)),
            (1, json!("0%"), json!("25%"), (0, 1)),
            (4, json!(2), json!(1), (2, 1)),
            (2, json!(1), json!(5), (1, 2)),
        ];
        for (replicas, surge, unavailable, (s, u)) in table {
            let got = bounds(replicas, surge, unavailable);
            assert_eq!((got.surge, got.unavailable), (s, u));
        }
    }

    #[test]
    fn a_rolling_update_keeps_its_bounds_at_every_size() {
        let b = bounds(3, json!(1), json!(0));
        assert_eq!(b.grow(0, 3), 1);
        assert_eq!(b.grow(1, 4), 1);
        assert_eq!(b.grow(1, 3), 2);
        assert_eq!(b.grow(5, 5), 3);
        assert_eq!(b.shrink(4, 1, 3), (0, 0));
        assert_eq!(b.shrink(4, 0, 4), (1, 1));
        let b = bounds(10, json!(3), json!(2));
        assert_eq!(b.grow(0, 10), 3);
        assert_eq!(b.shrink(13, 3, 10), (2, 2));
    }

    #[test]
    fn the_hash_of_a_template_ignores_itself() {
        let plain = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"x": 1}});
        let hashed = json!({"metadata": {"labels": {"app": "a", HASH: "zzz"}}, "spec": {"x": 1}});
        assert_eq!(template_hash(&plain), template_hash(&hashed));
        let other = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"x": 2}});
        assert_ne!(template_hash(&plain), template_hash(&other));
    }

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
