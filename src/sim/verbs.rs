//! What can be asked of the world: create, replace, patch, delete, evict, scale, with optimistic concurrency, preconditions and dry runs as an apiserver has them.
//! Length: the rules of writing are one subject.

use serde_json::{Value, json};

use super::kind::{Kind, Resource};
use super::refusal::Refusal;
use super::store::Id;
use super::world::World;
use super::{defaults, kubelet, patch, replicas, time, tree};

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
        mut body: Value,
        how: &Write,
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
        if how.dry_run {
            self.state.fill_metadata(kind, &mut body);
            tree::put(&mut body, &["apiVersion"], resource.api_version());
            tree::put(&mut body, &["kind"], resource.name);
            return Ok(body);
        }
        let made = self.state.create(kind, body, &how.by);
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
        let resource = kind.resource();
        let current = self.read(kind, at)?;
        if part == "scale" {
            let mut scale = scale_of(&current);
            patch.apply(resource, at.1, &mut scale)?;
            return self.scale(kind, at, &scale, how);
        }
        let mut wanted = current.clone();
        patch.apply(resource, at.1, &mut wanted)?;
        self.change(kind, current, wanted, part, how)
    }

    /// The scale of an object.
    pub fn read_scale(&self, kind: Kind, at: (&str, &str)) -> Result<Value, Refusal> {
        self.read(kind, at).map(|object| scale_of(&object))
    }

    fn scale(
        &mut self,
        kind: Kind,
        at: (&str, &str),
        scale: &Value,
        how: &Write,
    ) -> Result<Value, Refusal> {
        let current = self.read(kind, at)?;
        let mut wanted = current.clone();
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        tree::put(&mut wanted, &["spec", "replicas"], replicas);
        let version = tree::text(scale, &["metadata", "resourceVersion"]);
        if !version.is_empty() {
            tree::put(&mut wanted, &["metadata", "resourceVersion"], version);
        }
        self.change(kind, current, wanted, "", how)
            .map(|object| scale_of(&object))
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
        defaults::fill(kind, &mut wanted);
        defaults::check(kind, &wanted)?;
        defaults::check_change(kind, &current, &wanted)?;
        if wanted == current {
            return Ok(current);
        }
        if kind.has_generation() && wanted["spec"] != current["spec"] {
            let generation = tree::int(&current, &["metadata", "generation"]) + 1;
            tree::put(&mut wanted, &["metadata", "generation"], generation);
        }
        self.state.signed(
            &mut wanted,
            &how.by,
            if part == "status" {
                "f:status"
            } else {
                "f:spec"
            },
        );
        if how.dry_run {
            return Ok(wanted);
        }
        let kept = self.state.store.put(kind, wanted).tree().into_owned();
        self.settle();
        Ok(kept)
    }

    /// Deletes an object with what belongs to it; options are the request's `DeleteOptions`.
    pub fn delete(
        &mut self,
        kind: Kind,
        at: (&str, &str),
        options: &Value,
        how: &Write,
    ) -> Result<Value, Refusal> {
        let resource = kind.resource();
        let current = self.read(kind, at)?;
        for (key, word) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            let wanted = tree::text(options, &["preconditions", key]);
            let known = tree::text(&current, &["metadata", key]);
            if !wanted.is_empty() && wanted != known {
                let why = format!(
                    "Precondition failed: {word} in precondition: {wanted}, {word} in object meta: {known}"
                );
                return Err(Refusal::conflict(resource, at.1, &why));
            }
        }
        let done = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": at.1, "group": resource.group, "kind": resource.plural, "uid": current["metadata"]["uid"]},
        });
        if how.dry_run {
            return Ok(if kind == Kind::Pod { current } else { done });
        }
        let id: Id = (at.0.to_owned(), at.1.to_owned());
        if kind == Kind::Pod {
            let spec = current["spec"]["terminationGracePeriodSeconds"]
                .as_i64()
                .unwrap_or(30);
            let grace = options["gracePeriodSeconds"]
                .as_i64()
                .unwrap_or(spec)
                .max(0);
            kubelet::dismiss(&mut self.state, &id, grace);
            let left = self.read(kind, at).unwrap_or(current);
            self.settle();
            return Ok(left);
        }
        self.state.remove(kind, &id);
        if options["propagationPolicy"] != "Orphan" && options["orphanDependents"] != true {
            self.sweep(&current);
        }
        self.settle();
        Ok(done)
    }

    /// Removes what an object that is gone controlled.
    fn sweep(&mut self, owner: &Value) {
        let (namespace, _) = tree::id(owner);
        let uid = tree::text(owner, &["metadata", "uid"]).to_owned();
        for pod in replicas::pods_of(&self.state, owner) {
            kubelet::dismiss(&mut self.state, &tree::id(&pod), 30);
        }
        for kind in [
            Kind::ReplicaSet,
            Kind::ControllerRevision,
            Kind::EndpointSlice,
            Kind::Job,
        ] {
            let orphans: Vec<Value> = self
                .state
                .store
                .live(kind, &namespace)
                .filter(|o| tree::owned_by(o, &uid))
                .cloned()
                .collect();
            for object in orphans {
                self.state.remove(kind, &tree::id(&object));
                self.sweep(&object);
            }
        }
    }

    /// Evicts a pod, unless a disruption budget stands against it.
    pub fn evict(&mut self, at: (&str, &str), body: &Value, how: &Write) -> Result<Value, Refusal> {
        let pod = self.read(Kind::Pod, at)?;
        let budgets = self.state.store.live(Kind::PodDisruptionBudget, at.0);
        for budget in
            budgets.filter(|b| tree::labelled(&pod, &b["spec"]["selector"]["matchLabels"]))
        {
            let covered: Vec<&Value> = self
                .state
                .store
                .live(Kind::Pod, at.0)
                .filter(|p| tree::labelled(p, &budget["spec"]["selector"]["matchLabels"]))
                .collect();
            let healthy = covered
                .iter()
                .filter(|p| replicas::active(p) && tree::is_true(p, "Ready"))
                .count() as i64;
            let least = budget["spec"]["minAvailable"].as_i64().unwrap_or_else(|| {
                covered.len() as i64 - budget["spec"]["maxUnavailable"].as_i64().unwrap_or(0)
            });
            if healthy - 1 < least {
                let mut refusal = Refusal::new(
                    429,
                    "TooManyRequests",
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                );
                let message = format!(
                    "The disruption budget {} needs {least} healthy pods and has {healthy} currently",
                    tree::id(budget).1
                );
                refusal.details =
                    json!({"causes": [{"reason": "DisruptionBudget", "message": message}]});
                return Err(refusal);
            }
        }
        self.delete(Kind::Pod, at, &body["deleteOptions"], how)?;
        Ok(
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
        )
    }
}

/// The object's own kind, and objects where objects must be.
fn well_formed(resource: &Resource, body: &Value) -> Result<(), Refusal> {
    let bad = |what: &str| {
        Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {what}",
            resource.name, resource.version, resource.name
        ))
    };
    let Some(fields) = body.as_object() else {
        return Err(bad("json: cannot unmarshal into Go value"));
    };
    for key in ["metadata", "spec", "status"] {
        if fields
            .get(key)
            .is_some_and(|part| !part.is_object() && !part.is_null())
        {
            return Err(bad(&format!(
                "json: cannot unmarshal into Go struct field .{key}"
            )));
        }
    }
    for key in ["labels", "annotations"] {
        let pairs = &body["metadata"][key];
        if !pairs.is_null()
            && !pairs
                .as_object()
                .is_some_and(|p| p.values().all(Value::is_string))
        {
            return Err(bad(&format!(
                "json: cannot unmarshal into Go struct field ObjectMeta.metadata.{key} of type string"
            )));
        }
    }
    Ok(())
}

fn named_well(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    !name.is_empty() && name.len() <= 253 && name.chars().all(allowed)
}

/// Name, uid and version must be the current ones where they are given; what the apiserver owns is restored.
fn keep_identity(
    resource: &Resource,
    name: &str,
    current: &Value,
    wanted: &mut Value,
) -> Result<(), Refusal> {
    let uid = tree::text(wanted, &["metadata", "uid"]);
    let known = tree::text(current, &["metadata", "uid"]);
    if !uid.is_empty() && uid != known {
        let why = format!("Invalid value: \"{uid}\": field is immutable");
        return Err(Refusal::invalid(resource, name, "metadata.uid", &why));
    }
    let version = tree::text(wanted, &["metadata", "resourceVersion"]);
    if !version.is_empty() && version != tree::text(current, &["metadata", "resourceVersion"]) {
        return Err(Refusal::modified(resource, name));
    }
    if tree::text(wanted, &["metadata", "name"]) != name {
        let why = "Invalid value: field is immutable";
        return Err(Refusal::invalid(resource, name, "metadata.name", why));
    }
    for key in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
    ] {
        match current["metadata"].get(key) {
            Some(value) => tree::put(wanted, &["metadata", key], value.clone()),
            None => drop(tree::remove(wanted, &["metadata", key])),
        }
    }
    for key in ["apiVersion", "kind"] {
        tree::put(wanted, &[key], current[key].clone());
    }
    Ok(())
}

/// The `Scale` of a workload.
fn scale_of(object: &Value) -> Value {
    let labels = object["spec"]["selector"]["matchLabels"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let selector: Vec<String> = labels
        .iter()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    let meta = &object["metadata"];
    let born = if meta["creationTimestamp"].is_null() {
        Value::from(time::stamp(0))
    } else {
        meta["creationTimestamp"].clone()
    };
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "creationTimestamp": born},
        "spec": {"replicas": tree::int(object, &["spec", "replicas"])},
        "status": {"replicas": tree::int(object, &["status", "replicas"]), "selector": selector.join(",")},
    })
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
