//! Objects as a run sees them: read from the server, never from a cache, with the facts that decide whether it may go on.

use super::means::Means;
use crate::platform::failure::{Failure as Failed, FailureKind};
use crate::platform::kubernetes::Known;
use crate::runbook::machine::{Failure, ObjectState};
use crate::runbook::model::APPLICATION;
use crate::runbook::patch::{ObjectRef, restorable};
use crate::runbook::preflight::ObjectFacts;
use crate::runbook::prose::bounded;
use crate::runbook::touch::runs_pods;
use serde_json::Value;

/// The kind of a workload.
pub fn known(kind: &str) -> Result<Known, String> {
    Known::everyday(kind).ok_or_else(|| format!("`{kind}` is not a kind of workload"))
}

/// Any kind a run may look at: a workload's without asking, another by discovery.
pub async fn kind_of(means: &Means, kind: &str) -> Result<Known, Failure> {
    let found = means.cluster.kind_named(kind).await;
    found.map_err(|failure| match failure.kind {
        FailureKind::NotFound if kind == APPLICATION => Failure::Gone(
            "Argo CD is not in this cluster: it has no kind Application.argoproj.io".to_owned(),
        ),
        FailureKind::NotFound => {
            Failure::Gone(format!("this cluster has no kind `{}`", bounded(kind, 80)))
        }
        _ => unanswered(&failure),
    })
}

/// Why a question has no answer, as the machine tells cases apart.
pub fn unanswered(failure: &Failed) -> Failure {
    let words = failure.to_string();
    match failure.kind {
        FailureKind::Forbidden(_) | FailureKind::Unauthorized => {
            Failure::Denied(format!("{words}. {}", failure.advice()))
        }
        FailureKind::NotFound | FailureKind::Gone => Failure::Gone(words),
        FailureKind::Invalid | FailureKind::Conflict | FailureKind::Setup => {
            Failure::Invalid(words)
        }
        _ => Failure::Offline(words),
    }
}

/// An object as it is now; `None` where there is none.
pub async fn read(means: &Means, object: &ObjectRef) -> Result<Option<ObjectState>, Failure> {
    let kind = kind_of(means, &object.kind).await?;
    let found = means
        .cluster
        .object_of(&kind, &object.namespace, &object.name)
        .await;
    let body = match found {
        Ok(body) => body,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
        Err(failure) => return Err(unanswered(&failure)),
    };
    let mut facts = facts(&body);
    facts.rolling &= runs_pods(&object.kind);
    if facts.rolling && object.kind == "Deployment" {
        let sets = replica_sets(means, &body).await?;
        facts.revision_uid = asked_for(&body, &sets).map(|set| text(&set["metadata"]["uid"]));
    } else if facts.rolling {
        let kept = controller_revisions(means, &body).await?;
        facts.revision_uid = kept_for(&body, &kept).map(|one| text(&one["metadata"]["uid"]));
    }
    facts.autoscaler = autoscaler(means, object).await;
    Ok(Some(ObjectState {
        object: reference(&object.kind, &body),
        resource_version: text(&body["metadata"]["resourceVersion"]),
        generation: body["metadata"]["generation"].as_i64().unwrap_or_default(),
        body,
        facts,
    }))
}

/// A string of JSON, or the empty one.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The pinned reference to an object that was read.
pub fn reference(kind: &str, body: &Value) -> ObjectRef {
    let meta = &body["metadata"];
    ObjectRef {
        kind: kind.to_owned(),
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        uid: text(&meta["uid"]),
    }
}

/// A label selector as a query.
pub fn selector(selector: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push(format!("{key}={}", text(value)));
    }
    for one in selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let values = one["values"].as_array().into_iter().flatten();
        let values: Vec<String> = values.map(text).collect();
        let (key, values) = (text(&one["key"]), values.join(","));
        match one["operator"].as_str() {
            Some("In") => parts.push(format!("{key} in ({values})")),
            Some("NotIn") => parts.push(format!("{key} notin ({values})")),
            Some("Exists") => parts.push(key),
            Some("DoesNotExist") => parts.push(format!("!{key}")),
            _ => {}
        }
    }
    parts.join(",")
}

/// The ReplicaSets a Deployment controls.
pub async fn replica_sets(means: &Means, deployment: &Value) -> Result<Vec<Value>, Failure> {
    let kind = known("ReplicaSet").map_err(Failure::Invalid)?;
    let namespace = text(&deployment["metadata"]["namespace"]);
    let picked = selector(&deployment["spec"]["selector"]);
    let all = means
        .cluster
        .objects_of(&kind, &namespace, &picked)
        .await
        .map_err(|failure| unanswered(&failure))?;
    let uid = &deployment["metadata"]["uid"];
    let owned = all.into_iter().filter(|set| {
        let owners = set["metadata"]["ownerReferences"].as_array();
        owners
            .into_iter()
            .flatten()
            .any(|owner| owner["uid"] == *uid)
    });
    Ok(owned.collect())
}

/// The ReplicaSet whose template the Deployment asks for: the newest of those with the same.
pub fn asked_for<'a>(deployment: &Value, sets: &'a [Value]) -> Option<&'a Value> {
    let wanted = restorable(&deployment["spec"]["template"]);
    sets.iter()
        .filter(|set| restorable(&set["spec"]["template"]) == wanted)
        .max_by_key(|set| number(set))
}

/// The ControllerRevisions a StatefulSet or DaemonSet keeps.
pub async fn controller_revisions(means: &Means, body: &Value) -> Result<Vec<Value>, Failure> {
    let kind = known("ControllerRevision").map_err(Failure::Invalid)?;
    let namespace = text(&body["metadata"]["namespace"]);
    let all = means
        .cluster
        .objects_of(&kind, &namespace, "")
        .await
        .map_err(|failure| unanswered(&failure))?;
    let uid = &body["metadata"]["uid"];
    let of_it = |one: &Value| {
        let owners = one["metadata"]["ownerReferences"].as_array();
        owners.is_some_and(|all| all.iter().any(|owner| owner["uid"] == *uid))
    };
    Ok(all.into_iter().filter(of_it).collect())
}

/// The template a ControllerRevision brings back.
pub fn kept_template(one: &Value) -> Option<Value> {
    let mut template = one.pointer("/data/spec/template")?.clone();
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    Some(template)
}

/// The ControllerRevision whose template a set asks for: the newest of those with the same.
fn kept_for<'a>(body: &Value, kept: &'a [Value]) -> Option<&'a Value> {
    let wanted = restorable(&body["spec"]["template"]);
    kept.iter()
        .filter(|one| kept_template(one).is_some_and(|kept| restorable(&kept) == wanted))
        .max_by_key(|one| one["revision"].as_i64())
}

/// A ReplicaSet's revision number.
pub fn number(set: &Value) -> Option<i64> {
    set["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        .as_str()?
        .parse()
        .ok()
}

fn facts(body: &Value) -> ObjectFacts {
    let (spec, status) = (&body["spec"], &body["status"]);
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let behind = count(&body["metadata"]["generation"]) > count(&status["observedGeneration"]);
    let updated = count(&status["updatedReplicas"]);
    let (nodes, new) = (
        count(&status["desiredNumberScheduled"]),
        count(&status["updatedNumberScheduled"]),
    );
    let rolling = behind
        || new < nodes
        || count(&status["numberAvailable"]) < nodes
        || (spec["replicas"].is_i64()
            && (updated < wanted
                || count(&status["replicas"]) > updated
                || count(&status["availableReplicas"]) < updated));
    ObjectFacts {
        paused: spec["paused"] == true,
        rolling,
        revision_uid: None,
        managers: super::owners::marks(body),
        replicas: wanted,
        progress_deadline_s: spec["progressDeadlineSeconds"].as_i64(),
        autoscaler: None,
        ready_pods: None,
    }
}

/// The autoscaler that decides an object's replicas; unknown counts as none, for only the template is changed.
pub async fn autoscaler(means: &Means, object: &ObjectRef) -> Option<String> {
    let kind = known("HorizontalPodAutoscaler").ok()?;
    let all = means.cluster.objects_of(&kind, &object.namespace, "").await;
    all.ok()?
        .iter()
        .find(|one| {
            let target = &one["spec"]["scaleTargetRef"];
            target["kind"] == object.kind.as_str() && target["name"] == object.name.as_str()
        })
        .map(|one| text(&one["metadata"]["name"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selector_keeps_every_condition() {
        let asked = json!({"matchLabels": {"app": "api"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]});
        assert_eq!(selector(&asked), "app=api,tier in (a,b),!old");
    }

    #[test]
    fn a_workload_rolls_until_every_replica_is_updated_and_available() {
        let of = |updated: i64, all: i64, available: i64| {
            facts(&json!({"metadata": {"generation": 2}, "spec": {"replicas": 3},
                "status": {"observedGeneration": 2, "updatedReplicas": updated, "replicas": all, "availableReplicas": available}}))
            .rolling
        };
        assert!(!of(3, 3, 3));
        assert!(of(1, 4, 3) && of(3, 4, 3) && of(3, 3, 2));
    }
}
