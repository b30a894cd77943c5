//! What can be asked of the world: read, create, replace, patch, with optimistic concurrency, preconditions and dry runs as
//! an apiserver has them. Applying, deleting and scaling have their own files.

mod applying;
mod remove;
mod rules;
mod scale;

use serde_json::{Value, json};

use super::kind::{Kind, Resource};
use super::refusal::Refusal;
use super::state::State;
use super::world::World;
use super::{defaults, kubelet, patch, tree};

use rules::{keep_identity, named_well, well_formed};

/// How a write is made.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// The field manager.
    pub by: String,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
}

impl Write {
    /// A real write by someone.
    pub fn by(name: &str) -> Self {
        Self {
            by: name.into(),
            dry_run: false,
        }
    }
}

/// A patch of one of the three kinds.
#[derive(Debug, Clone)]
pub enum Patch {
    /// JSON merge patch.
    Merge(Value),
    /// JSON patch.
    Json(Vec<Value>),
    /// Strategic merge patch.
    Strategic(Value),
}

impl Patch {
    fn apply(&self, resource: &Resource, name: &str, target: &mut Value) -> Result<(), Refusal> {
        match self {
            Self::Merge(body) => patch::merge(target, body),
            Self::Strategic(body) => patch::strategic(target, body),
            Self::Json(operations) => {
                patch::json(target, operations).map_err(|why| {
                    let mut refusal = Refusal::new(422, "Invalid", "the server rejected our request due to an error in our request");
                    refusal.details = json!({"name": name, "kind": resource.plural, "group": resource.group, "causes": [{"message": why}]});
                    refusal
                })?;
            }
        }
        Ok(())
    }
}

impl World {
    /// One object as a tree.
    pub fn read(&self, kind: Kind, (namespace, name): (&str, &str)) -> Result<Value, Refusal> {
        let object = self.state.store.get(kind, namespace, name);
        object
            .map(|o| o.tree().into_owned())
            .ok_or_else(|| Refusal::not_found(kind.resource(), name))
    }

    /// Makes a new object.
    pub fn create(
        &mut self,
        kind: Kind,
        namespace: &str,
        body: Value,
        how: &Write,
    ) -> Result<Value, Refusal> {
        self.make(kind, namespace, body, how, |state, body| {
            let part = match kind {
                Kind::Secret | Kind::ConfigMap => "f:data",
                _ => "f:spec",
            };
            state.signed(body, &how.by, part);
        })
    }

    /// Makes a new object that its writer signs.
    fn make(
        &mut self,
        kind: Kind,
        namespace: &str,
        mut body: Value,
        how: &Write,
        sign: impl FnOnce(&State, &mut Value),
    ) -> Result<Value, Refusal> {
        let resource = kind.resource();
        well_formed(resource, &body)?;
        self.name(kind, namespace, &mut body)?;
        for key in [
            "resourceVersion",
            "uid",
            "creationTimestamp",
            "generation",
            "managedFields",
        ] {
            tree::remove(&mut body, &["metadata", key]);
        }
        if matches!(
            kind,
            Kind::Deployment
                | Kind::ReplicaSet
                | Kind::StatefulSet
                | Kind::DaemonSet
                | Kind::Pod
                | Kind::Job
        ) {
            tree::remove(&mut body, &["status"]);
        }
        defaults::fill(kind, &mut body);
        defaults::check(kind, &body)?;
        tree::put(&mut body, &["apiVersion"], resource.api_version());
        tree::put(&mut body, &["kind"], resource.name);
        self.state.fill_metadata(kind, &mut body);
        if how.dry_run {
            return Ok(body);
        }
        sign(&self.state, &mut body);
        let made = self.state.store.put(kind, body).tree().into_owned();
        if kind == Kind::Pod {
            kubelet::adopt(&mut self.state, &made);
        }
        self.settle();
        Ok(made)
    }

    /// Gives a new object its name and namespace, if nothing stands against them.
    fn name(&mut self, kind: Kind, namespace: &str, body: &mut Value) -> Result<(), Refusal> {
        let resource = kind.resource();
        let mut name = tree::text(body, &["metadata", "name"]).to_owned();
        let prefix = tree::text(body, &["metadata", "generateName"]).to_owned();
        if name.is_empty() && !prefix.is_empty() {
            name = format!("{prefix}{}", self.state.rng.suffix(5));
        }
        if !named_well(&name) {
            return Err(Refusal::invalid(
                resource,
                &name,
                "metadata.name",
                "Required value: name or generateName is required",
            ));
        }
        if resource.namespaced {
            if self
                .state
                .store
                .get(Kind::Namespace, "", namespace)
                .is_none()
            {
                return Err(Refusal::not_found(Kind::Namespace.resource(), namespace));
            }
            let stated = tree::text(body, &["metadata", "namespace"]);
            if !stated.is_empty() && stated != namespace {
                return Err(Refusal::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            tree::put(body, &["metadata", "namespace"], namespace);
        }
        if self.state.store.get(kind, namespace, &name).is_some() {
            return Err(Refusal::exists(resource, &name));
        }
        tree::put(body, &["metadata", "name"], name);
        Ok(())
    }

    /// Replaces an object, or its status or scale.
    pub fn replace(
        &mut self,
        kind: Kind,
        at: (&str, &str),
        part: &str,
        body: &Value,
        how: &Write,
    ) -> Result<Value, Refusal> {
        let resource = kind.resource();
        well_formed(resource, body)?;
        let current = self.read(kind, at)?;
        if tree::text(body, &["metadata", "name"]) != at.1 {
            return Err(Refusal::bad_request(
                "the name of the object does not match the name on the URL",
            ));
        }
        let uid = tree::text(body, &["metadata", "uid"]);
        let known = tree::text(&current, &["metadata", "uid"]);
        if !uid.is_empty() && uid != known {
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {known}"
            );
            return Err(Refusal::conflict(resource, at.1, &why));
        }
        if kind == Kind::Lease && tree::text(body, &["metadata", "resourceVersion"]).is_empty() {
            return Err(Refusal::invalid(
                resource,
                at.1,
                "metadata.resourceVersion",
                "Invalid value: 0x0: must be specified for an update",
            ));
        }
        if part == "scale" {
            return self.scale(kind, at, body, how);
        }
        self.change(kind, current, body.clone(), part, how)
    }

    /// Patches an object, or its status or scale.
    pub fn patch(
        &mut self,
        kind: Kind,
        at: (&str, &str),
        part: &str,
        patch: &Patch,
        how: &Write,
    ) -> Result<Value, Refusal> {
        if part == "scale" {
            return self.patch_scale(kind, at, patch, how);
        }
        let current = self.read(kind, at)?;
        let mut wanted = current.clone();
        patch.apply(kind.resource(), at.1, &mut wanted)?;
        self.change(kind, current, wanted, part, how)
    }

    /// Makes an object what is wanted, if nothing stands against it.
    fn change(
        &mut self,
        kind: Kind,
        current: Value,
        mut wanted: Value,
        part: &str,
        how: &Write,
    ) -> Result<Value, Refusal> {
        let (resource, (_, name)) = (kind.resource(), tree::id(&current));
        well_formed(resource, &wanted)?;
        keep_identity(resource, &name, &current, &mut wanted)?;
        if part == "status" {
            let status = wanted["status"].clone();
            wanted = current.clone();
            tree::put(&mut wanted, &["status"], status);
        } else if kind.has_status() {
            match current.get("status") {
                Some(status) => tree::put(&mut wanted, &["status"], status.clone()),
                None => drop(tree::remove(&mut wanted, &["status"])),
            }
        }
        let mut wanted = admitted(kind, &current, wanted)?;
        if wanted == current {
            return Ok(current);
        }
        let written = match kind {
            _ if part == "status" => "f:status",
            // What they hold stands beside their metadata; a write of a label alone is none of their content.
            Kind::Secret | Kind::ConfigMap if wanted["data"] != current["data"] => "f:data",
            Kind::Secret | Kind::ConfigMap => "f:metadata",
            _ => "f:spec",
        };
        let template = wanted["spec"].get("template") != current["spec"].get("template");
        self.state
            .signed_with(&mut wanted, &how.by, written, template);
        Ok(self.keep(kind, wanted, how))
    }

    /// Keeps an admitted object, unless it is only a rehearsal.
    fn keep(&mut self, kind: Kind, wanted: Value, how: &Write) -> Value {
        if how.dry_run {
            return wanted;
        }
        let kept = self.state.store.put(kind, wanted).tree().into_owned();
        self.settle();
        kept
    }
}

/// What is wanted with its defaults and its count of changes, if it may replace what is there.
fn admitted(kind: Kind, current: &Value, mut wanted: Value) -> Result<Value, Refusal> {
    defaults::fill(kind, &mut wanted);
    defaults::check(kind, &wanted)?;
    defaults::check_change(kind, current, &wanted)?;
    if kind.has_generation() && wanted["spec"] != current["spec"] {
        let generation = tree::int(current, &["metadata", "generation"]) + 1;
        tree::put(&mut wanted, &["metadata", "generation"], generation);
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Scenario;
    use super::*;

    const AT: (&str, &str) = ("veza-production", "veza-backend");

    fn world() -> World {
        World::new(Scenario::Healthy, 1, 1_795_316_412_000)
    }

    fn merge(world: &mut World, body: Value, dry_run: bool) -> Result<Value, Refusal> {
        world.patch(
            Kind::Deployment,
            AT,
            "",
            &Patch::Merge(body),
            &Write {
                by: "t".into(),
                dry_run,
            },
        )
    }

    #[test]
    fn a_stale_version_is_a_conflict_and_a_foreign_uid_is_invalid() {
        let mut world = world();
        let stale = merge(
            &mut world,
            json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}}),
            false,
        )
        .unwrap_err();
        assert_eq!((stale.code, stale.reason), (409, "Conflict"));
        let foreign = merge(
            &mut world,
            json!({"metadata": {"uid": "other", "labels": {"a": "b"}}}),
            false,
        )
        .unwrap_err();
        assert_eq!((foreign.code, foreign.reason), (422, "Invalid"));
        assert!(
            foreign.message.contains("metadata.uid")
                && foreign.message.contains("field is immutable")
        );
    }

    #[test]
    fn a_dry_run_answers_with_the_change_and_changes_nothing() {
        let mut world = world();
        let before = world.store().version();
        let body = json!({"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}});
        let answer = merge(&mut world, body.clone(), true).unwrap();
        assert_eq!(
            answer["spec"]["template"]["metadata"]["annotations"]["a"],
            "b"
        );
        assert_eq!(world.store().version(), before);
        let generation = |v: &Value| tree::int(v, &["metadata", "generation"]);
        let first = merge(&mut world, body.clone(), false).unwrap();
        let again = merge(&mut world, body, false).unwrap();
        assert_eq!(generation(&first), generation(&again));
    }

    #[test]
    fn nonsense_is_refused_before_it_reaches_a_controller() {
        let mut world = world();
        for body in [
            json!({"spec": "x"}),
            json!({"spec": {"selector": {"matchLabels": {"app": "x"}}}}),
            json!({"spec": {"replicas": -1}}),
            json!({"spec": {"template": {"spec": {"containers": []}}}}),
            json!({"metadata": {"labels": {"a": 1}}}),
            json!([1]),
        ] {
            let refused = merge(&mut world, body.clone(), false).unwrap_err();
            assert!(matches!(refused.code, 400 | 422), "{body}");
        }
    }

    #[test]
    fn an_eviction_respects_the_budget() {
        let mut world = world();
        let budget = json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "veza-backend"}}}});
        world
            .create(Kind::PodDisruptionBudget, AT.0, budget, &Write::by("t"))
            .unwrap();
        let pod = world
            .store()
            .live(Kind::Pod, AT.0)
            .find(|p| p["metadata"]["labels"]["app"] == "veza-backend")
            .map(tree::id)
            .unwrap();
        let refused = world
            .evict((&pod.0, &pod.1), &json!({}), &Write::by("t"))
            .unwrap_err();
        assert_eq!(refused.code, 429);
    }

    #[test]
    fn preconditions_of_a_deletion_hold() {
        let mut world = world();
        let refused = world
            .delete(
                Kind::Deployment,
                AT,
                &json!({"preconditions": {"uid": "x"}}),
                &Write::by("t"),
            )
            .unwrap_err();
        assert_eq!(refused.code, 409);
        assert!(world.read(Kind::Deployment, AT).is_ok());
    }

    #[test]
    fn a_deleted_deployment_takes_its_sets_and_pods_along() {
        let mut world = world();
        world
            .delete(
                Kind::Deployment,
                (AT.0, "chat-server"),
                &json!({}),
                &Write::by("t"),
            )
            .unwrap();
        let later = world.now_ms() + 60_000;
        world.advance(later);
        assert_eq!(world.store().list(Kind::Pod, AT.0).count(), 7);
        assert!(
            !world
                .store()
                .live(Kind::ReplicaSet, AT.0)
                .any(|s| s["metadata"]["labels"]["app"] == "chat-server")
        );
    }
}
