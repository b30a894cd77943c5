//! One change as the one request it is: a patch, a patch of the part `scale`, a deletion or an eviction, each with its
//! precondition. Rehearsals and real changes go through here alike, so that what was rehearsed is what is sent.

use super::report::Reporter;
use super::secrets;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{Applied, Manner, Precondition};
use crate::runbook::patch::Action;
use crate::runbook::verb::Verb;
use serde_json::json;

/// Sends a change once.
pub async fn send(to: &Reporter, action: &Action, manner: &Manner) -> Result<Applied, Failure> {
    let means = &*to.means;
    let object = &action.planned.object;
    let unknown = |why: String| Failure::new(FailureKind::Invalid, "send a change", "", &why);
    if matches!(action.planned.verb(), Verb::Keys | Verb::Destroy) {
        return secrets::send(means, &to.secrets, action, manner).await;
    }
    let kind = means.cluster.kind_named(&object.kind).await?;
    let (cluster, namespace, name) = (&means.cluster, &*object.namespace, &*object.name);
    let only_if = Precondition {
        uid: Some(object.uid.clone()),
        resource_version: None,
    };
    match action.planned.verb() {
        Verb::Patch => {
            let body = action.body();
            cluster.patch(&kind, namespace, name, &body, manner).await
        }
        Verb::Scale => {
            let body = action.body();
            cluster.scale(&kind, namespace, name, &body, manner).await
        }
        Verb::Create => {
            let body = action.body();
            cluster.create(&kind, namespace, &body, manner).await
        }
        Verb::Apply => {
            let mut body = action.body();
            body["apiVersion"] = json!(kind.api_version());
            body["kind"] = json!(kind.kind);
            body["metadata"]["name"] = json!(name);
            cluster.apply(&kind, namespace, name, &body, manner).await
        }
        Verb::Delete => {
            let deleted = cluster.delete(&kind, namespace, name, &only_if, manner);
            deleted.await
        }
        Verb::Evict => cluster.evict(namespace, name, &only_if, manner).await,
        Verb::Keys | Verb::Destroy | Verb::Run => Err(unknown("sent elsewhere".to_owned())),
    }
}

/// Whether a disruption budget forbids an eviction: a definite no, that time may change.
pub fn forbids(action: &Action, failure: &Failure) -> bool {
    action.planned.verb() == Verb::Evict && matches!(failure.kind, FailureKind::Throttled(_))
}

/// What such a no says, in words.
pub fn budget(failure: &Failure) -> String {
    let said = if failure.said.is_empty() {
        "no reason given"
    } else {
        &failure.said
    };
    format!("a disruption budget does not let this pod go now: {said}")
}
