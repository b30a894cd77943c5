//! Everything the world consists of, and the small acts every controller needs: make, change, tell as an Event, come back later. Rules live in the controllers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::kind::Kind;
use super::ledger::{Ledger, PodKey};
use super::scenario::Scenario;
use super::seed::{Rng, fold, mix};
use super::store::{Id, Store};
use super::tokens::{Keys, Sessions};
use super::vault::Vault;
use super::{time, tree};

/// How long before the scenario the customer put its secrets into Vault: 63 days.
const VAULT_AGE: i64 = 63 * 86_400_000;

/// Something to be done at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The next step in the life of the pod with this uid.
    Pod(Id, String),
    /// Controllers look again (deadlines, readiness long enough).
    Look,
    /// Traffic is divided again.
    Traffic,
    /// Autoscalers look at what their pods use.
    Autoscale,
    /// The next step of the scenario.
    Story(usize),
    /// The crowd changes.
    Churn,
    /// An ExternalSecret is worked on.
    Sync(Id),
    /// An ExternalSecret is looked at again.
    Refresh(Id),
}

/// Where a pod stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Waiting,
    Pulling,
    PullFailed,
    Running,
    Restarting,
    Settled,
    Leaving,
}

/// What its kubelet remembers of a pod.
#[derive(Debug, Clone)]
pub struct Kubelet {
    /// The pod's uid: a namesake is another pod.
    pub uid: String,
    /// Where it stands.
    pub stage: Stage,
    /// How often it crashed.
    pub crashes: u32,
    /// How often its image could not be pulled.
    pub pulls: u32,
    /// The signing keys that it started with.
    pub keys: Keys,
}

/// The whole world.
#[derive(Debug)]
pub struct State {
    /// The present moment.
    pub now_ms: i64,
    /// The objects.
    pub store: Store,
    /// What the pods have served.
    pub ledger: Ledger,
    /// Chance.
    pub rng: Rng,
    /// Which of the worlds with this seed it is.
    pub world: Option<u64>,
    /// The Vault of the platform.
    pub vault: Vault,
    /// What the kubelets remember.
    pub kubelets: BTreeMap<Id, Kubelet>,
    /// What goes wrong.
    pub scenario: Scenario,
    /// Since when the scenario's trouble lasts, if it is of the kind that has no release.
    pub trouble_ms: Option<i64>,
    /// The pods that the trouble is stuck in, for as long as they live.
    pub stuck: BTreeSet<PodKey>,
    /// Since when each version of each service (namespace, service, version) serves.
    pub serving: BTreeMap<(String, String, String), i64>,
    /// How much of a service's usual traffic reaches each pod, in requests a second.
    pub shares: BTreeMap<PodKey, f64>,
    /// Who is signed in with which key.
    pub sessions: Sessions,
    /// Whether the controller of ExternalSecrets does nothing.
    pub external_rests: bool,
    heard: BTreeMap<(String, String, String), String>,
    tasks: BTreeMap<(i64, u64), Task>,
    tickets: u64,
}

impl State {
    /// An empty world.
    pub fn new(scenario: Scenario, seed: u64, now_ms: i64) -> Self {
        Self {
            now_ms,
            store: Store::new(180_000 + mix(seed) % 40_000),
            ledger: Ledger::default(),
            rng: Rng::new(seed),
            world: None,
            vault: Vault::new(now_ms - VAULT_AGE),
            kubelets: BTreeMap::new(),
            scenario,
            trouble_ms: None,
            stuck: BTreeSet::new(),
            serving: BTreeMap::new(),
            shares: BTreeMap::new(),
            sessions: Sessions::default(),
            external_rests: false,
            heard: BTreeMap::new(),
            tasks: BTreeMap::new(),
            tickets: 0,
        }
    }

    /// The present moment as the wire has it.
    pub fn stamp(&self) -> Value {
        Value::from(time::stamp(self.now_ms))
    }

    /// Comes back to a task after so many milliseconds.
    pub fn after(&mut self, ms: i64, task: Task) {
        self.tickets += 1;
        self.tasks
            .insert((self.now_ms + ms.max(1), self.tickets), task);
    }

    /// Comes back to a task after a while that chance picks.
    pub fn after_about(&mut self, low: i64, high: i64, task: Task) {
        let ms = self.rng.between(low, high);
        self.after(ms, task);
    }

    /// When the next task is due.
    pub fn due(&self) -> Option<i64> {
        self.tasks.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next task, if it is due by a moment; the present becomes its time.
    pub fn take(&mut self, until_ms: i64) -> Option<Task> {
        if self.due()? > until_ms {
            return None;
        }
        let ((at, _), task) = self.tasks.pop_first()?;
        self.now_ms = self.now_ms.max(at);
        Some(task)
    }

    /// Makes an object: gives it what the apiserver gives (uid, time, generation, who wrote it) and stores it.
    pub fn create(&mut self, kind: Kind, mut value: Value, by: &str) -> Value {
        let resource = kind.resource();
        tree::put(&mut value, &["apiVersion"], resource.api_version());
        tree::put(&mut value, &["kind"], resource.name);
        self.fill_metadata(kind, &mut value);
        self.signed(&mut value, by, "f:spec");
        self.store.put(kind, value).tree().into_owned()
    }

    /// A new identifier, which no other world has; chance goes on the same in all of them.
    pub fn uid(&mut self) -> String {
        let uid = self.rng.uuid();
        match self.world {
            None => uid,
            Some(world) => Rng::new(fold(&uid) ^ mix(world)).uuid(),
        }
    }

    /// The name of this cluster: anyone can see that it is simulated.
    pub fn cluster_uid(&self) -> String {
        match self.world {
            None => "simulated-platform".to_owned(),
            Some(world) => format!("simulated-{:016x}", mix(world)),
        }
    }

    /// Gives an object its uid, time and generation where it has none.
    pub fn fill_metadata(&mut self, kind: Kind, value: &mut Value) {
        let uid = self.uid();
        let stamp = self.stamp();
        let meta = tree::object(&mut tree::object(value)["metadata"]);
        meta.entry("uid").or_insert(Value::from(uid));
        meta.entry("creationTimestamp").or_insert(stamp);
        if kind.has_generation() {
            meta.entry("generation").or_insert(Value::from(1));
        }
    }

    /// Notes who wrote which part of an object, as managed fields do: one entry for each writer, with all it ever wrote.
    pub fn signed(&self, value: &mut Value, by: &str, part: &str) {
        self.signed_with(value, by, part, true);
    }

    /// The same, where the template of pods may have stayed as it was.
    pub fn signed_with(&self, value: &mut Value, by: &str, part: &str, template: bool) {
        let owns = |field: &Value| field["manager"] == by && field["fieldsV1"].get(part).is_some();
        let before = value["metadata"]["managedFields"].as_array();
        let before = before.and_then(|fields| fields.iter().find(|field| owns(field)));
        let released = before.is_some_and(|field| {
            let template = field["fieldsV1"][part].get("f:template");
            template.is_some()
        });
        let has = value["spec"].get("template").is_some();
        let written = match part {
            "f:spec" if has && (template || released) => json!({"f:template": {}}),
            _ => json!({}),
        };
        let api = value["apiVersion"].clone();
        let mut entry = json!({
            "manager": by, "operation": "Update", "apiVersion": api, "time": self.stamp(),
            "fieldsType": "FieldsV1", "fieldsV1": {part: written},
        });
        if part == "f:status" {
            tree::put(&mut entry, &["subresource"], "status");
        }
        let fields = tree::object(&mut tree::object(value)["metadata"])
            .entry("managedFields")
            .or_insert(json!([]));
        let Some(fields) = fields.as_array_mut() else {
            return;
        };
        fields.retain(|field| !owns(field));
        fields.push(entry);
    }

    /// Stores a changed object.
    pub fn update(&mut self, kind: Kind, value: Value) {
        self.store.put(kind, value);
    }

    /// Removes an object.
    pub fn remove(&mut self, kind: Kind, id: &Id) {
        self.store.remove(kind, &id.0, &id.1);
    }

    /// Tells something about an object as an Event; told again, the same Event counts.
    pub fn event(
        &mut self,
        about: &Value,
        warning: bool,
        reason: &str,
        message: &str,
        source: &Source<'_>,
    ) {
        let (namespace, name) = tree::id(about);
        let namespace = if namespace.is_empty() {
            "default".to_owned()
        } else {
            namespace
        };
        let uid = tree::text(about, &["metadata", "uid"]).to_owned();
        let key = (uid.clone(), reason.to_owned(), message.to_owned());
        if let Some(known) = self.heard.get(&key)
            && let Some(mut event) = self.store.tree(Kind::Event, &namespace, known).cloned()
        {
            let count = tree::int(&event, &["count"]) + 1;
            tree::put(&mut event, &["count"], count);
            tree::put(&mut event, &["lastTimestamp"], self.stamp());
            self.update(Kind::Event, event);
            return;
        }
        let event_name = format!("{name}.{:016x}", self.rng.bits());
        let mut origin = json!({"component": source.component});
        if let Some(host) = source.host {
            tree::put(&mut origin, &["host"], host);
        }
        let mut involved = json!({
            "apiVersion": about["apiVersion"], "kind": about["kind"], "namespace": namespace, "name": name,
            "uid": uid, "resourceVersion": about["metadata"]["resourceVersion"],
        });
        if let Some(container) = source.container {
            tree::put(
                &mut involved,
                &["fieldPath"],
                format!("spec.containers{{{container}}}"),
            );
        }
        let event = json!({
            "metadata": {"namespace": namespace, "name": event_name},
            "involvedObject": involved, "reason": reason, "message": message, "source": origin,
            "type": if warning { "Warning" } else { "Normal" }, "count": 1,
            "firstTimestamp": self.stamp(), "lastTimestamp": self.stamp(), "eventTime": null,
            "reportingComponent": source.component, "reportingInstance": source.host.unwrap_or_default(),
        });
        self.create(Kind::Event, event, source.component);
        self.heard.insert(key, event_name);
    }

    /// Forgets Events nobody told again for an hour, and services' records older than a day.
    pub fn prune(&mut self) {
        let oldest = self.now_ms - 3_600_000;
        let old: Vec<Id> = self
            .store
            .live(Kind::Event, "")
            .filter(|event| {
                time::parse(tree::text(event, &["lastTimestamp"])).is_some_and(|at| at < oldest)
            })
            .map(tree::id)
            .collect();
        for id in &old {
            self.remove(Kind::Event, id);
        }
        if !old.is_empty() {
            let names: std::collections::BTreeSet<&String> =
                old.iter().map(|(_, name)| name).collect();
            self.heard.retain(|_, name| !names.contains(name));
        }
        self.ledger.forget_before(self.now_ms - 86_400_000);
    }
}

/// Who tells an Event.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The component.
    pub component: &'a str,
    /// The node it runs on.
    pub host: Option<&'a str>,
    /// The container it is about.
    pub container: Option<&'a str>,
}

impl Source<'static> {
    /// A controller of the control plane.
    pub fn controller(component: &'static str) -> Self {
        Self {
            component,
            host: None,
            container: None,
        }
    }
}

/// Sets a condition in an object's status; the time of its last transition moves only when its status does.
pub fn set_condition(value: &mut Value, kind: &str, status: bool, why: (&str, &str), now: &Value) {
    let status = if status { "True" } else { "False" };
    let old = tree::condition(value, kind).cloned();
    let since = match &old {
        Some(old) if old["status"] == status => old["lastTransitionTime"].clone(),
        _ => now.clone(),
    };
    let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": since});
    if !why.0.is_empty() {
        tree::put(&mut condition, &["reason"], why.0);
        tree::put(&mut condition, &["message"], why.1);
    }
    let status = tree::object(&mut tree::object(value)["status"]);
    let list = status.entry("conditions").or_insert(json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    match list.iter_mut().find(|c| c["type"] == kind) {
        Some(place) => *place = condition,
        None => list.push(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_the_order_of_their_time_and_move_the_present() {
        let mut state = State::new(Scenario::Healthy, 1, 1_000);
        state.after(50, Task::Look);
        state.after(10, Task::Traffic);
        assert_eq!(state.take(1_005), None);
        assert_eq!(state.take(2_000), Some(Task::Traffic));
        assert_eq!(state.take(2_000), Some(Task::Look));
        assert_eq!(state.now_ms, 1_050);
    }

    #[test]
    fn an_event_told_twice_is_one_event_that_counts() {
        let mut state = State::new(Scenario::Healthy, 1, 1_000);
        let pod = json!({"kind": "Pod", "metadata": {"namespace": "a", "name": "x", "uid": "u"}});
        for _ in 0..3 {
            state.event(
                &pod,
                true,
                "BackOff",
                "again",
                &Source::controller("kubelet"),
            );
        }
        let events: Vec<_> = state.store.live(Kind::Event, "a").collect();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["count"], 3);
    }
}
