//! The `Scale` of a workload, read, replaced and patched as if it were an object of its own.

use serde_json::{Value, json};

use super::super::kind::Kind;
use super::super::refusal::Refusal;
use super::super::world::World;
use super::super::{time, tree};
use super::{Patch, Write};

impl World {
    /// The scale of an object.
    pub fn read_scale(&self, kind: Kind, at: (&str, &str)) -> Result<Value, Refusal> {
        self.read(kind, at).map(|object| scale_of(&object))
    }

    /// Sets what a scale says.
    pub(super) fn scale(
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

    /// Patches the scale of an object.
    pub(super) fn patch_scale(
        &mut self,
        kind: Kind,
        at: (&str, &str),
        patch: &Patch,
        how: &Write,
    ) -> Result<Value, Refusal> {
        let mut scale = self.read_scale(kind, at)?;
        patch.apply(kind.resource(), at.1, &mut scale)?;
        self.scale(kind, at, &scale, how)
    }
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
