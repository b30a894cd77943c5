//! Whom a Service would send its traffic to: the pods that are ready behind a selector, counted before it is switched.

use super::means::Means;
use super::state::{self, known, selector, text, unanswered};
use crate::runbook::machine::{Answer, Failure};
use crate::runbook::patch::ObjectRef;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A Service as it is, with the number of ready pods that it would select.
pub async fn look(
    means: &Means,
    object: &ObjectRef,
    set: &BTreeMap<String, Option<String>>,
) -> Result<Answer, Failure> {
    let Some(mut found) = state::read(means, object).await? else {
        return Ok(Answer::Gone);
    };
    let wanted = wanted(&found.body["spec"]["selector"], set);
    let empty = wanted.as_object().is_none_or(serde_json::Map::is_empty);
    // An empty selector selects nothing for a Service, and everything for whoever lists pods by it.
    found.facts.ready_pods = Some(if empty {
        0
    } else {
        let listed = behind(means, &object.namespace, wanted).await?;
        listed.iter().filter(|pod| is_ready(pod)).count() as u64
    });
    Ok(Answer::Object(found))
}

/// The first ready pod behind a Service.
pub async fn ready(means: &Means, object: &ObjectRef) -> Result<Option<Value>, Failure> {
    let found = state::read(means, object).await?;
    let labels = found.map(|found| found.body["spec"]["selector"].clone());
    let Some(labels) = labels.filter(|all| all.as_object().is_some_and(|all| !all.is_empty()))
    else {
        return Ok(None);
    };
    let pods = behind(means, &object.namespace, labels).await?;
    Ok(pods.into_iter().find(is_ready))
}

async fn behind(means: &Means, namespace: &str, labels: Value) -> Result<Vec<Value>, Failure> {
    let pods = known("Pod").map_err(Failure::Invalid)?;
    let by = selector(&json!({"matchLabels": labels}));
    let listed = means.cluster.objects_of(&pods, namespace, &by).await;
    listed.map_err(|failure| unanswered(&failure))
}

/// A selector with some of its labels set or gone.
fn wanted(now: &Value, set: &BTreeMap<String, Option<String>>) -> Value {
    let mut wanted = now.as_object().cloned().unwrap_or_default();
    for (label, value) in set {
        match value {
            Some(value) => drop(wanted.insert(label.clone(), json!(value))),
            None => drop(wanted.remove(label)),
        }
    }
    Value::Object(wanted)
}

/// Whether a pod takes traffic now: ready, and not on its way out.
fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    let ready = conditions.any(|one| one["type"] == "Ready" && text(&one["status"]) == "True");
    ready && pod["metadata"]["deletionTimestamp"].is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_changed_by_its_labels_alone() {
        let set = BTreeMap::from([
            ("version".to_owned(), Some("green".to_owned())),
            ("canary".to_owned(), None),
        ]);
        let now = json!({"app": "api", "version": "blue", "canary": "no"});
        assert_eq!(
            wanted(&now, &set),
            json!({"app": "api", "version": "green"})
        );
    }

    #[test]
    fn a_pod_that_is_ending_takes_no_traffic() {
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        assert!(is_ready(&ready));
        let mut ending = ready;
        ending["metadata"]["deletionTimestamp"] = json!("2026-03-04T03:00:00Z");
        assert!(!is_ready(&ending));
        assert!(!is_ready(&json!({})));
    }
}
