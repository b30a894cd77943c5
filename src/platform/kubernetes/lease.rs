//! Leases: a courtesy between consoles. Moments come from the caller; every change carries the resourceVersion it saw.

use super::client::Cluster;
use super::read::everyday;
use super::write::{Applied, Manner};
use crate::platform::failure::{Failure, FailureKind};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A Lease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lease {
    /// Its name.
    pub name: String,
    /// Who holds it; empty when nobody does.
    pub holder: String,
    /// How long it holds without renewal, in seconds.
    pub seconds: u32,
    /// When it was taken.
    pub acquired: Option<Timestamp>,
    /// When it was last renewed, by the holder's clock.
    pub renewed: Option<Timestamp>,
    /// How often it changed hands.
    pub transitions: u32,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its resourceVersion; empty for one that is to be created.
    pub resource_version: String,
    /// Its uid.
    pub uid: String,
}

impl Cluster {
    /// A Lease by name; `None` where there is none.
    pub async fn lease(&self, namespace: &str, name: &str) -> Result<Option<Lease>, Failure> {
        match self.object_of(&everyday("Lease"), namespace, name).await {
            Ok(object) => Ok(Some(read(&object))),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The Leases of a namespace that a label selector picks.
    pub async fn leases(&self, namespace: &str, selector: &str) -> Result<Vec<Lease>, Failure> {
        let all = self
            .objects_of(&everyday("Lease"), namespace, selector)
            .await?;
        Ok(all.iter().map(read).collect())
    }

    /// Creates a Lease; a conflict means somebody was first.
    pub async fn create_lease(
        &self,
        namespace: &str,
        lease: &Lease,
        labels: &BTreeMap<String, String>,
    ) -> Result<Lease, Failure> {
        let mut object = write(lease);
        object["apiVersion"] = json!("coordination.k8s.io/v1");
        object["kind"] = json!("Lease");
        object["metadata"]["name"] = json!(lease.name);
        object["metadata"]["namespace"] = json!(namespace);
        object["metadata"]["labels"] = json!(labels);
        let made = self
            .create(&everyday("Lease"), namespace, &object, &Manner::default())
            .await?;
        Ok(after(lease, &made))
    }

    /// Renews, takes or gives up a Lease; a conflict means it changed since it was read.
    pub async fn update_lease(&self, namespace: &str, lease: &Lease) -> Result<Lease, Failure> {
        let mut patch = write(lease);
        patch["metadata"]["resourceVersion"] = json!(lease.resource_version);
        patch["metadata"]["uid"] = json!(lease.uid);
        let known = everyday("Lease");
        let made = self
            .patch(&known, namespace, &lease.name, &patch, &Manner::default())
            .await?;
        Ok(after(lease, &made))
    }
}

fn after(lease: &Lease, made: &Applied) -> Lease {
    Lease {
        resource_version: made.resource_version.clone(),
        uid: made.uid.clone(),
        ..lease.clone()
    }
}

fn write(lease: &Lease) -> Value {
    let moment = |at: Option<Timestamp>| at.map(|at| format!("{at:.6}"));
    json!({
        "metadata": { "annotations": lease.annotations },
        "spec": {
            // An empty holder is not valid: nobody is null.
            "holderIdentity": Some(&lease.holder).filter(|holder| !holder.is_empty()),
            "leaseDurationSeconds": lease.seconds.max(1),
            "acquireTime": moment(lease.acquired),
            "renewTime": moment(lease.renewed),
            "leaseTransitions": lease.transitions,
        },
    })
}

fn read(object: &Value) -> Lease {
    let (meta, spec) = (&object["metadata"], &object["spec"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| {
        value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0)
    };
    let moment = |value: &Value| value.as_str().and_then(|at| at.parse().ok());
    let notes = meta["annotations"].as_object();
    Lease {
        name: text(&meta["name"]),
        holder: text(&spec["holderIdentity"]),
        seconds: number(&spec["leaseDurationSeconds"]),
        acquired: moment(&spec["acquireTime"]),
        renewed: moment(&spec["renewTime"]),
        transitions: number(&spec["leaseTransitions"]),
        annotations: notes
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
        resource_version: text(&meta["resourceVersion"]),
        uid: text(&meta["uid"]),
    }
}
