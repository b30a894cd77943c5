//! Deleting and evicting: preconditions, grace, what goes along, and budgets that stand against it.

use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::refusal::Refusal;
use super::super::store::Id;
use super::super::world::World;
use super::super::{kubelet, replicas, tree};
use super::Write;

impl World {
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
