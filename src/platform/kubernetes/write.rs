//! What changes something: merge patch, creation, deletion and eviction, each exactly one request, never repeated.
//!
//! A failure says whether it was refused or never sent ([`Failure::definite`]), or whether its outcome is unknown.

use super::ask::Ask;
use super::client::{Answer, Cluster};
use super::discovery::Known;
use crate::platform::failure::Failure;
use http::Method;
use serde_json::{Value, json};

/// Who we are among an object's field managers.
pub const FIELD_MANAGER: &str = "vigie";

/// How a change is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manner {
    /// Whether the server only tries it out.
    pub dry_run: bool,
    /// The id it gets in the cluster's audit log.
    pub audit_id: Option<String>,
}

/// What must still hold of an object for it to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Precondition {
    /// Its uid.
    pub uid: Option<String>,
    /// Its resourceVersion.
    pub resource_version: Option<String>,
}

/// A change that took effect (or, as a dry run, would).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// The object's resourceVersion after it; empty where the answer does not say.
    pub resource_version: String,
    /// Its generation after it.
    pub generation: Option<i64>,
    /// Its uid.
    pub uid: String,
    /// The audit id as the server echoed it.
    pub audit_id: Option<String>,
    /// The object as answered.
    pub object: Value,
}

impl Cluster {
    /// Patches an object by merge patch. Put `metadata.uid` and `metadata.resourceVersion` into the patch as preconditions.
    pub async fn patch(
        &self,
        known: &Known,
        namespace: &str,
        name: &str,
        patch: &Value,
        manner: &Manner,
    ) -> Result<Applied, Failure> {
        let mut ask = change(known, "patch", namespace, name, manner);
        merge(&mut ask, &known.object(namespace, name), patch, manner);
        self.changed(ask).await
    }

    /// Patches the part `scale` of a workload by merge patch, with the same preconditions.
    pub async fn scale(
        &self,
        known: &Known,
        namespace: &str,
        name: &str,
        patch: &Value,
        manner: &Manner,
    ) -> Result<Applied, Failure> {
        let mut ask = change(known, "patch", namespace, name, manner);
        ask.attempt.resource.push_str("/scale");
        let at = format!("{}/scale", known.object(namespace, name));
        merge(&mut ask, &at, patch, manner);
        self.changed(ask).await
    }

    /// Applies a configuration on the server, never by force: a field of another manager's is refused.
    pub async fn apply(
        &self,
        known: &Known,
        namespace: &str,
        name: &str,
        object: &Value,
        manner: &Manner,
    ) -> Result<Applied, Failure> {
        let mut ask = change(known, "patch", namespace, name, manner);
        merge(&mut ask, &known.object(namespace, name), object, manner);
        ask.body = Some((
            "application/apply-patch+yaml",
            object.to_string().into_bytes(),
        ));
        self.changed(ask).await
    }

    /// Creates an object.
    pub async fn create(
        &self,
        known: &Known,
        namespace: &str,
        object: &Value,
        manner: &Manner,
    ) -> Result<Applied, Failure> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let mut ask = change(known, "create", namespace, name, manner);
        ask.method = Method::POST;
        ask.path = format!(
            "{}?fieldManager={FIELD_MANAGER}{}",
            known.path(namespace),
            dry(manner)
        );
        ask.body = Some(("application/json", object.to_string().into_bytes()));
        self.changed(ask).await
    }

    /// Deletes an object, if it is still the one that was meant.
    pub async fn delete(
        &self,
        known: &Known,
        namespace: &str,
        name: &str,
        only_if: &Precondition,
        manner: &Manner,
    ) -> Result<Applied, Failure> {
        let mut ask = change(known, "delete", namespace, name, manner);
        ask.method = Method::DELETE;
        ask.path = known.object(namespace, name);
        ask.body = Some((
            "application/json",
            options(only_if, manner).to_string().into_bytes(),
        ));
        self.changed(ask).await
    }

    /// Asks that a pod leave its node, as far as its disruption budget allows: refused as throttled otherwise.
    pub async fn evict(
        &self,
        namespace: &str,
        pod: &str,
        only_if: &Precondition,
        manner: &Manner,
    ) -> Result<Applied, Failure> {
        let known = super::read::everyday("Pod");
        let mut ask = change(&known, "create", namespace, pod, manner);
        ask.attempt.resource.push_str("/eviction");
        ask.method = Method::POST;
        ask.path = format!("{}/eviction", known.object(namespace, pod));
        let body = json!({
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": { "name": pod, "namespace": namespace },
            "deleteOptions": options(only_if, manner),
        });
        ask.body = Some(("application/json", body.to_string().into_bytes()));
        self.changed(ask).await
    }

    async fn changed(&self, ask: Ask) -> Result<Applied, Failure> {
        let Answer { headers, body } = self.send(ask).await?;
        // It took effect: an answer that cannot be read does not change that.
        let object: Value = serde_json::from_slice(&body).unwrap_or_default();
        let meta = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Applied {
            resource_version: text(&meta["resourceVersion"]),
            generation: meta["generation"].as_i64(),
            uid: text(&meta["uid"]),
            audit_id: headers
                .get("audit-id")
                .and_then(|id| Some(id.to_str().ok()?.to_owned())),
            object,
        })
    }
}

fn change(known: &Known, verb: &'static str, namespace: &str, name: &str, manner: &Manner) -> Ask {
    let mut attempt = known.attempt(verb, namespace, name);
    attempt.changes = true;
    let mut ask = Ask::get(attempt, String::new());
    ask.audit_id.clone_from(&manner.audit_id);
    ask
}

/// Makes a request a merge patch of what stands at a path.
fn merge(ask: &mut Ask, at: &str, patch: &Value, manner: &Manner) {
    ask.method = Method::PATCH;
    ask.path = format!("{at}?fieldManager={FIELD_MANAGER}{}", dry(manner));
    let body = patch.to_string().into_bytes();
    ask.body = Some(("application/merge-patch+json", body));
}

fn dry(manner: &Manner) -> &'static str {
    if manner.dry_run { "&dryRun=All" } else { "" }
}

fn options(only_if: &Precondition, manner: &Manner) -> Value {
    let mut options = json!({ "apiVersion": "v1", "kind": "DeleteOptions" });
    let mut preconditions = serde_json::Map::new();
    if let Some(uid) = &only_if.uid {
        preconditions.insert("uid".to_owned(), json!(uid));
    }
    if let Some(version) = &only_if.resource_version {
        preconditions.insert("resourceVersion".to_owned(), json!(version));
    }
    options["preconditions"] = Value::Object(preconditions);
    // What an object made goes with it: some kinds would leave it behind.
    options["propagationPolicy"] = json!("Background");
    if manner.dry_run {
        options["dryRun"] = json!(["All"]);
    }
    options
}
