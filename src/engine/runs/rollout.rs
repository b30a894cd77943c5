//! The rollout of a change, followed until it is done or cannot be: what `kubectl rollout status` says, and what it does
//! not notice: paused, superseded, an image that cannot be pulled.

use super::lines::Lines;
use super::means::Means;
use super::reach;
use super::report::Reporter;
use super::state::{known, selector, text, unanswered};
use super::stuck::hopeless;
use crate::domain::target::Scope;
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::{
    DaemonSets, Deployments, Pods, ReplicaSets, Sighting, StatefulSets, Watch,
};
use crate::runbook::machine::{Answer, Event, Failure, ReadId, Rollout};
use crate::runbook::patch::{ObjectRef, Planned, Standing};
use crate::runbook::prose::bounded;
use crate::runbook::verb::Verb;
use serde_json::Value;
use std::time::Duration;

/// Changes that come together are looked at together.
const TOGETHER: Duration = Duration::from_millis(100);
/// Without the right to watch, it is looked at this often.
const UNWATCHED: Duration = Duration::from_secs(5);
/// Answers with the rollout's standing now and whenever it moves, until it is aborted.
pub async fn follow(
    to: &Reporter,
    id: ReadId,
    object: &ObjectRef,
    planned: Option<&Planned>,
    generation: i64,
) {
    let means = &*to.means;
    let mut news = News::of(means, object);
    let mut told: Option<Rollout> = None;
    let mut lines = Lines::default();
    loop {
        let mut pods = Vec::new();
        let looked = match planned.filter(|planned| planned.verb() != Verb::Patch) {
            Some(planned) => reach::look(means, planned).await,
            None => look(means, object, planned, generation, &mut pods).await,
        };
        lines.look(to, &object.namespace, &pods).await;
        match looked {
            Ok(rollout) if told.as_ref() != Some(&rollout) => {
                told = Some(rollout.clone());
                let answer = Box::new(Answer::Rollout(rollout));
                to.tell(Event::Answered(id, answer)).await;
            }
            Ok(_) => {}
            // It may answer again: the step's own deadline decides how long that is waited for.
            Err(Failure::Offline(why)) => {
                let rollout = Rollout::Moving(format!("the cluster does not answer: {why}"));
                if told.as_ref() != Some(&rollout) {
                    told = Some(rollout.clone());
                    let answer = Box::new(Answer::Rollout(rollout));
                    to.tell(Event::Answered(id, answer)).await;
                }
            }
            Err(failure) => return to.tell(Event::Unanswered(id, failure)).await,
        }
        news.wait().await;
    }
}

/// What tells that something may have moved.
struct News {
    pods: Watch<<Pods as crate::platform::kubernetes::Kind>::Row>,
    object: Moves,
}

enum Moves {
    Deployment(Watch<<Deployments as crate::platform::kubernetes::Kind>::Row>),
    StatefulSet(Watch<<StatefulSets as crate::platform::kubernetes::Kind>::Row>),
    DaemonSet(Watch<<DaemonSets as crate::platform::kubernetes::Kind>::Row>),
    Other(Watch<<ReplicaSets as crate::platform::kubernetes::Kind>::Row>),
}

impl News {
    fn of(means: &Means, object: &ObjectRef) -> Self {
        let scope = Scope::Namespace(object.namespace.as_str().into());
        let cluster = &means.cluster;
        Self {
            pods: cluster.watch::<Pods>(&scope, None),
            object: match object.kind.as_str() {
                "Deployment" => Moves::Deployment(cluster.watch::<Deployments>(&scope, None)),
                "StatefulSet" => Moves::StatefulSet(cluster.watch::<StatefulSets>(&scope, None)),
                "DaemonSet" => Moves::DaemonSet(cluster.watch::<DaemonSets>(&scope, None)),
                _ => Moves::Other(cluster.watch::<ReplicaSets>(&scope, None)),
            },
        }
    }

    /// Waits for a change, and a little longer for those that come with it.
    async fn wait(&mut self) {
        let moved = async {
            loop {
                let says = tokio::select! {
                    says = self.pods.next() => tells(says.as_ref()),
                    says = self.object.next() => says,
                };
                if says {
                    return;
                }
            }
        };
        // Also where nothing may be watched, and where a change was missed.
        let _ = tokio::time::timeout(UNWATCHED, moved).await;
        tokio::time::sleep(TOGETHER).await;
    }
}

impl Moves {
    async fn next(&mut self) -> bool {
        match self {
            Self::Deployment(watch) => tells(watch.next().await.as_ref()),
            Self::StatefulSet(watch) => tells(watch.next().await.as_ref()),
            Self::DaemonSet(watch) => tells(watch.next().await.as_ref()),
            Self::Other(watch) => tells(watch.next().await.as_ref()),
        }
    }
}

fn tells<T>(sighting: Option<&Sighting<T>>) -> bool {
    matches!(
        sighting,
        Some(Sighting::Rows(_) | Sighting::Gone(_) | Sighting::Listed)
    )
}

async fn look(
    means: &Means,
    object: &ObjectRef,
    planned: Option<&Planned>,
    generation: i64,
    new: &mut Vec<Value>,
) -> Result<Rollout, Failure> {
    let kind = known(&object.kind).map_err(Failure::Invalid)?;
    let (cluster, namespace) = (&means.cluster, &object.namespace);
    let body = match cluster.object_of(&kind, namespace, &object.name).await {
        Ok(body) => body,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(Rollout::Gone),
        Err(failure) => return Err(unanswered(&failure)),
    };
    if text(&body["metadata"]["uid"]) != object.uid {
        return Ok(Rollout::Gone);
    }
    let standing = standing(&object.kind, &body, planned, generation);
    if !matches!(standing, Rollout::Moving(_)) {
        return Ok(standing);
    }
    let picked = selector(&body["spec"]["selector"]);
    let pods = known("Pod").map_err(Failure::Invalid)?;
    // Pods that may not be seen only cost the early end.
    let pods = cluster.objects_of(&pods, namespace, &picked).await;
    let (asked, left): (Vec<_>, Vec<_>) = pods
        .unwrap_or_default()
        .into_iter()
        .partition(|pod| asked_for(pod, &body));
    *new = asked;
    if let Some(words) = left.iter().find_map(|pod| waits_for_ever(&body, pod)) {
        return Ok(Rollout::Moving(words));
    }
    let hopeless = new.iter().find_map(hopeless);
    Ok(hopeless.map_or(standing, Rollout::Stuck))
}

/// Whether a pod has the images the template asks for: one of the new.
fn asked_for(pod: &Value, body: &Value) -> bool {
    let wanted = body["spec"]["template"]["spec"]["containers"].as_array();
    let has = pod["spec"]["containers"].as_array();
    wanted.is_some_and(|wanted| {
        wanted.iter().all(|one| {
            let same =
                |other: &&Value| other["name"] == one["name"] && other["image"] == one["image"];
            has.into_iter().flatten().any(|other| same(&other))
        })
    }) && !pod["metadata"]["deletionTimestamp"].is_string()
}

/// A StatefulSet that replaces its pods in order waits for a broken pod of the revision left before it goes on, also
/// when the template is mended: only deleting that pod lets it.
fn waits_for_ever(body: &Value, pod: &Value) -> Option<String> {
    let ordered =
        body["kind"] == "StatefulSet" && body["spec"]["podManagementPolicy"] != "Parallel";
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|one| one["type"] == "Ready" && one["status"] == "True");
    let going = pod["metadata"]["deletionTimestamp"].is_string();
    (ordered && !ready && !going).then(|| {
        let (namespace, name) = (
            text(&pod["metadata"]["namespace"]),
            text(&pod["metadata"]["name"]),
        );
        format!(
            "{name} is of the revision left and not ready: a StatefulSet waits for it before it goes on. \
             Delete it: kubectl -n {namespace} delete pod {name}"
        )
    })
}

/// How the present rollout stands, whoever began it.
pub fn by_itself(kind: &str, body: &Value) -> Rollout {
    standing(kind, body, None, i64::MAX)
}

/// How a rollout stands by the object alone.
fn standing(kind: &str, body: &Value, planned: Option<&Planned>, generation: i64) -> Rollout {
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    let now = count(&body["metadata"]["generation"]);
    let ours = |planned: &Planned| planned.in_force(body) == Standing::After;
    if now > generation && planned.is_some_and(|planned| !ours(planned)) {
        return Rollout::Superseded(format!("generation {now} after ours, {generation}"));
    }
    if body["spec"]["paused"] == true {
        return Rollout::Paused;
    }
    if now > count(&body["status"]["observedGeneration"]) {
        return Rollout::Moving("the change is not yet taken up".to_owned());
    }
    match kind {
        "StatefulSet" => stateful_set(body),
        "DaemonSet" => daemon_set(body),
        _ => deployment(body),
    }
}

fn deployment(body: &Value) -> Rollout {
    let status = &body["status"];
    let count = |name: &str| status[name].as_i64().unwrap_or_default();
    let conditions = status["conditions"].as_array();
    let late = conditions
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "Progressing" && one["reason"] == "ProgressDeadlineExceeded");
    if let Some(late) = late {
        let words = bounded(&text(&late["message"]), 200);
        return Rollout::Stuck(format!("progress deadline exceeded: {words}"));
    }
    let wanted = body["spec"]["replicas"].as_i64().unwrap_or(1);
    let (updated, all, available) = (
        count("updatedReplicas"),
        count("replicas"),
        count("availableReplicas"),
    );
    if updated < wanted {
        Rollout::Moving(format!("{updated} of {wanted} pods are new"))
    } else if all > updated {
        Rollout::Moving(match all - updated {
            1 => "1 old pod is going".to_owned(),
            old => format!("{old} old pods are going"),
        })
    } else if available < updated {
        Rollout::Moving(format!("{available} of {updated} new pods are available"))
    } else {
        Rollout::Complete(format!(
            "{available} of {wanted} pods are new and available"
        ))
    }
}

fn stateful_set(body: &Value) -> Rollout {
    let (spec, status) = (&body["spec"], &body["status"]);
    let count = |name: &str| status[name].as_i64().unwrap_or_default();
    if spec["updateStrategy"]["type"] == "OnDelete" {
        return Rollout::Stuck("its pods are replaced only when somebody deletes them".to_owned());
    }
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let (ready, updated) = (count("readyReplicas"), count("updatedReplicas"));
    let partition = spec["updateStrategy"]["rollingUpdate"]["partition"]
        .as_i64()
        .unwrap_or(0);
    if ready < wanted {
        Rollout::Moving(format!("{ready} of {wanted} pods are ready"))
    } else if partition > 0 {
        let due = wanted - partition;
        if updated < due {
            Rollout::Moving(format!("{updated} of {due} pods are new (partition)"))
        } else {
            Rollout::Complete(format!("{updated} pods are new, as the partition says"))
        }
    } else if status["updateRevision"] == status["currentRevision"] {
        Rollout::Complete(format!("{wanted} of {wanted} pods are new and ready"))
    } else {
        Rollout::Moving(format!("{updated} of {wanted} pods are new"))
    }
}

fn daemon_set(body: &Value) -> Rollout {
    let status = &body["status"];
    let count = |name: &str| status[name].as_i64().unwrap_or_default();
    if body["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Rollout::Stuck("its pods are replaced only when somebody deletes them".to_owned());
    }
    let (wanted, updated, available) = (
        count("desiredNumberScheduled"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
    );
    if updated < wanted {
        Rollout::Moving(format!("{updated} of {wanted} pods are new"))
    } else if available < wanted {
        Rollout::Moving(format!("{available} of {wanted} pods are available"))
    } else {
        Rollout::Complete(format!(
            "{available} of {wanted} pods are new and available"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(changed: &Value) -> Value {
        let mut body = json!({"metadata": {"generation": 5}, "spec": {"replicas": 3},
            "status": {"observedGeneration": 5, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}});
        crate::runbook::patch::apply_merge(&mut body, changed);
        body
    }

    #[test]
    fn a_deployments_rollout_stands_as_kubectl_says_and_says_more() {
        let table = [
            (json!({}), "Complete"),
            (json!({"metadata": {"generation": 6}}), "Moving"),
            (json!({"status": {"updatedReplicas": 1}}), "Moving"),
            (json!({"status": {"replicas": 4}}), "Moving"),
            (json!({"status": {"availableReplicas": 2}}), "Moving"),
            (json!({"spec": {"paused": true}}), "Paused"),
            (
                json!({"status": {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}}),
                "Stuck",
            ),
        ];
        for (changed, wanted) in table {
            let rollout = standing("Deployment", &body(&changed), None, 5);
            assert!(
                format!("{rollout:?}").starts_with(wanted),
                "{changed}: {rollout:?}"
            );
        }
    }

    #[test]
    fn a_later_generation_supersedes_only_where_the_template_is_not_ours() {
        let planned = |image: &str| Planned {
            kind: "k8s.rollback".into(),
            object: ObjectRef {
                kind: "Deployment".into(),
                namespace: "a".into(),
                name: "api".into(),
                uid: "u".into(),
            },
            changes: vec![crate::runbook::patch::FieldChange {
                path: "/spec/template/image".into(),
                before: Some(json!("v2")),
                after: Some(json!(image)),
                from: None,
            }],
            lines: Vec::new(),
        };
        let now = body(&json!({"spec": {"template": {"image": "v1"}}}));
        let scaled = standing("Deployment", &now, Some(&planned("v1")), 4);
        assert!(matches!(scaled, Rollout::Complete(_)), "{scaled:?}");
        let other = standing("Deployment", &now, Some(&planned("v0")), 4);
        assert!(matches!(other, Rollout::Superseded(_)), "{other:?}");
    }

    #[test]
    fn a_stateful_set_that_waits_for_a_broken_pod_says_which_to_delete() {
        let set = json!({"kind": "StatefulSet", "spec": {}});
        let pod = |ready: &str| {
            json!({"metadata": {"name": "db-2", "namespace": "a"},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}})
        };
        assert!(
            waits_for_ever(&set, &pod("False"))
                .is_some_and(|words| words.contains("delete pod db-2"))
        );
        assert_eq!(waits_for_ever(&set, &pod("True")), None);
        let parallel = json!({"kind": "StatefulSet", "spec": {"podManagementPolicy": "Parallel"}});
        assert_eq!(waits_for_ever(&parallel, &pod("False")), None);
    }
}
