//! A ConfigMap that several write: each its own entries, on the version that was read, so that nothing is lost.

use super::lease::MANAGED;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{Cluster, Known, Manner};
use serde_json::{Map, Value, json};

/// Puts entries into it, null for those that go; makes it where there is none.
pub async fn put(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    entries: &Map<String, Value>,
    tries: u32,
) -> Result<(), Failure> {
    let same = |_: &Value| entries.clone();
    change(cluster, namespace, name, same, tries).await
}

/// The same with entries that depend on what is there.
pub async fn change(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    entries: impl Fn(&Value) -> Map<String, Value>,
    tries: u32,
) -> Result<(), Failure> {
    let kind = Known::everyday("ConfigMap").unwrap_or_default();
    let manner = Manner::default();
    let mut last = None;
    for _ in 0..tries {
        let sent = match cluster.object_of(&kind, namespace, name).await {
            Ok(found) => {
                let meta = &found["metadata"];
                let patch = json!({
                    "metadata": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]},
                    "data": entries(&found["data"]),
                });
                cluster.patch(&kind, namespace, name, &patch, &manner).await
            }
            Err(failure) if failure.kind == FailureKind::NotFound => {
                let mut data = entries(&Value::Null);
                data.retain(|_, value| !value.is_null());
                let body = json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED.0: MANAGED.1}},
                    "data": data,
                });
                cluster.create(&kind, namespace, &body, &manner).await
            }
            Err(failure) => return Err(failure),
        };
        match sent {
            Ok(_) => return Ok(()),
            // Somebody else wrote, or the answer was lost: read again, and the same entries once more.
            Err(failure)
                if matches!(
                    failure.kind,
                    FailureKind::Conflict | FailureKind::Interrupted
                ) =>
            {
                last = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    let why = "it changes faster than it can be written";
    Err(last.unwrap_or_else(|| Failure::new(FailureKind::Conflict, "write a ConfigMap", "", why)))
}
