//! Whether an act has reached what it was for: as many pods as were asked for, or a pod gone and its successor ready.
//! Asked by whoever follows a rollout; rollouts themselves are judged there.

use super::means::Means;
use super::state::{known, selector, text, unanswered};
use super::stuck::hopeless;
use crate::platform::failure::FailureKind;
use crate::runbook::machine::{Failure, Rollout};
use crate::runbook::patch::{ObjectRef, Planned, Standing};
use crate::runbook::verb::Verb;
use serde_json::Value;

/// How an act stands now.
pub async fn look(means: &Means, planned: &Planned) -> Result<Rollout, Failure> {
    if planned.verb().creates() {
        return super::made::job(means, planned).await;
    }
    let object = &planned.object;
    let body = read(means, object).await?;
    let body = body.filter(|body| text(&body["metadata"]["uid"]) == object.uid);
    match (planned.verb(), body) {
        (Verb::Delete | Verb::Evict, Some(_)) => Ok(Rollout::Moving("the pod is ending".into())),
        (Verb::Delete | Verb::Evict, None) => replaced(means, planned).await,
        (_, None) => Ok(Rollout::Gone),
        (_, Some(body)) => {
            let standing = reached(&body, planned);
            let moving = matches!(standing, Rollout::Moving(_));
            let stuck = if moving {
                stuck(means, &object.namespace, &body["spec"]["selector"]).await
            } else {
                None
            };
            Ok(stuck.unwrap_or(standing))
        }
    }
}

async fn read(means: &Means, object: &ObjectRef) -> Result<Option<Value>, Failure> {
    let kind = known(&object.kind).map_err(Failure::Invalid)?;
    let (namespace, name) = (&object.namespace, &object.name);
    match means.cluster.object_of(&kind, namespace, name).await {
        Ok(body) => Ok(Some(body)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(unanswered(&failure)),
    }
}

/// Whether a workload has as many pods as it was scaled to.
fn reached(body: &Value, planned: &Planned) -> Rollout {
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    let (spec, status) = (&body["spec"], &body["status"]);
    let wanted = count(&spec["replicas"]);
    if planned.standing(body) != Standing::After {
        return Rollout::Superseded(format!("somebody set {wanted} replicas after us"));
    }
    let there = count(&status["replicas"]);
    let well = status["availableReplicas"]
        .as_i64()
        .unwrap_or_else(|| count(&status["readyReplicas"]));
    if count(&body["metadata"]["generation"]) > count(&status["observedGeneration"]) {
        Rollout::Moving("the change is not yet taken up".into())
    } else if there != wanted {
        Rollout::Moving(format!("{there} pods, {wanted} wanted"))
    } else if well < wanted {
        Rollout::Moving(format!("{well} of {wanted} pods are available"))
    } else {
        Rollout::Complete(format!("{wanted} of {wanted} pods are there and available"))
    }
}

/// A pod is gone: whether the one that controlled it has all its pods again.
async fn replaced(means: &Means, planned: &Planned) -> Result<Rollout, Failure> {
    let Some(owner) = controller(planned) else {
        return Ok(Rollout::Complete(
            "the pod is gone; nobody makes a new one".into(),
        ));
    };
    let name = owner.short();
    if !matches!(&*owner.kind, "ReplicaSet" | "StatefulSet" | "DaemonSet") {
        return Ok(Rollout::Complete(format!(
            "the pod is gone; it was {name}'s"
        )));
    }
    let body = read(means, &owner).await?;
    let Some(body) = body.filter(|body| text(&body["metadata"]["uid"]) == owner.uid) else {
        return Ok(Rollout::Complete(format!(
            "the pod is gone, and so is {name}"
        )));
    };
    let kind = known("Pod").map_err(Failure::Invalid)?;
    let picked = selector(&body["spec"]["selector"]);
    let pods = means.cluster.objects_of(&kind, &owner.namespace, &picked);
    let pods = pods.await.map_err(|failure| unanswered(&failure))?;
    let own: Vec<&Value> = pods.iter().filter(|pod| belongs(pod, &owner.uid)).collect();
    let standing = all_there(&name, &body, &own);
    let hopeless = own.iter().find_map(|pod| hopeless(pod));
    Ok(match (standing, hopeless) {
        (Rollout::Moving(_), Some(why)) => Rollout::Stuck(why),
        (standing, _) => standing,
    })
}

fn all_there(name: &str, body: &Value, own: &[&Value]) -> Rollout {
    let wanted = body["spec"]["replicas"]
        .as_i64()
        .or_else(|| body["status"]["desiredNumberScheduled"].as_i64())
        .unwrap_or(1);
    let ready = own.iter().filter(|pod| ready(pod)).count() as i64;
    if ready < wanted {
        Rollout::Moving(format!("{name}: {ready} of {wanted} pods are ready"))
    } else {
        Rollout::Complete(format!(
            "the pod is gone; {name} has {ready} of {wanted} pods ready"
        ))
    }
}

/// Whoever controlled a pod when its removal was planned.
fn controller(planned: &Planned) -> Option<ObjectRef> {
    let owners = planned
        .changes
        .iter()
        .find(|change| change.path == "/metadata/ownerReferences")?;
    let owners = owners.before.as_ref()?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    Some(ObjectRef {
        kind: text(&owner["kind"]),
        namespace: planned.object.namespace.clone(),
        name: text(&owner["name"]),
        uid: text(&owner["uid"]),
    })
}

fn belongs(pod: &Value, uid: &str) -> bool {
    let owners = pod["metadata"]["ownerReferences"].as_array();
    let going = pod["metadata"]["deletionTimestamp"].is_string();
    !going && owners.into_iter().flatten().any(|one| one["uid"] == uid)
}

fn ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// A pod of a workload that no waiting mends.
async fn stuck(means: &Means, namespace: &str, select: &Value) -> Option<Rollout> {
    let kind = known("Pod").ok()?;
    let picked = selector(select);
    // Pods that may not be seen only cost the early end.
    let pods = means.cluster.objects_of(&kind, namespace, &picked).await;
    let pods = pods.ok()?;
    let mut pods = pods
        .iter()
        .filter(|pod| !pod["metadata"]["deletionTimestamp"].is_string());
    pods.find_map(hopeless).map(Rollout::Stuck)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::patch::{FieldChange, plan_removal};
    use serde_json::json;

    fn object(kind: &str) -> ObjectRef {
        ObjectRef {
            kind: kind.into(),
            namespace: "prod".into(),
            name: "api".into(),
            uid: "u".into(),
        }
    }

    #[test]
    fn a_number_is_reached_when_so_many_pods_are_there_and_no_more() {
        let planned = Planned {
            kind: "k8s.scale".into(),
            object: object("Deployment"),
            changes: vec![FieldChange {
                path: "/spec/replicas".into(),
                before: Some(json!(3)),
                after: Some(json!(2)),
                from: None,
            }],
            lines: Vec::new(),
        };
        let of = |generation: i64, wanted: i64, there: i64, well: i64| {
            let body = json!({"metadata": {"generation": generation}, "spec": {"replicas": wanted},
                "status": {"observedGeneration": 4, "replicas": there, "availableReplicas": well}});
            let word = format!("{:?}", reached(&body, &planned));
            word.split('(').next().map(str::to_owned)
        };
        for (case, wanted) in [
            ((5, 2, 3, 3), "Moving"),
            ((4, 2, 3, 3), "Moving"),
            ((4, 2, 2, 1), "Moving"),
            ((4, 2, 2, 2), "Complete"),
            ((4, 5, 5, 5), "Superseded"),
        ] {
            let (generation, replicas, there, well) = case;
            assert_eq!(
                of(generation, replicas, there, well).as_deref(),
                Some(wanted),
                "{case:?}"
            );
        }
    }

    #[test]
    fn a_pod_is_replaced_when_its_owner_has_all_its_pods_ready() {
        let pod = json!({"metadata": {"uid": "u", "ownerReferences": [
            {"kind": "ReplicaSet", "name": "api-1", "uid": "r1", "controller": true}]}});
        let planned = plan_removal("k8s.delete", object("Pod"), &pod);
        let owner = controller(&planned).map(|owner| (owner.short(), owner.uid));
        assert_eq!(owner, Some(("ReplicaSet/api-1".into(), "r1".into())));
        let bare = plan_removal(
            "k8s.delete",
            object("Pod"),
            &json!({"metadata": {"uid": "u"}}),
        );
        assert_eq!(controller(&bare), None);
        let body = json!({"spec": {"replicas": 2}});
        let well = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let new = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        let moving = all_there("r", &body, &[&well, &new]);
        assert!(matches!(moving, Rollout::Moving(_)), "{moving:?}");
        let done = all_there("r", &body, &[&well, &well]);
        assert!(matches!(done, Rollout::Complete(_)), "{done:?}");
    }
}
