//! The revisions of a workload with their templates, and what is known about how each of them served.

use super::evidence;
use super::means::Means;
use super::records;
use super::state::{
    asked_for, controller_revisions, kept_template, known, number, replica_sets, text, unanswered,
};
use crate::domain::served::{Served, Trace, served};
use crate::platform::failure::FailureKind;
use crate::runbook::machine::{Answer, Failure, Start};
use crate::runbook::patch::{ObjectRef, restorable};
use crate::runbook::revision::{Evidence, Revision};
use jiff::Timestamp;
use serde_json::Value;

/// The revisions of a workload, newest first.
pub async fn of(means: &Means, start: &Start, object: &ObjectRef) -> Result<Answer, Failure> {
    let kind = known(&object.kind).map_err(Failure::Invalid)?;
    let found = means
        .cluster
        .object_of(&kind, &object.namespace, &object.name)
        .await;
    let body = match found {
        Ok(body) => body,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(Answer::Gone),
        Err(failure) => return Err(unanswered(&failure)),
    };
    let mut found: Vec<Traced> = if object.kind == "Deployment" {
        let sets = replica_sets(means, &body).await?;
        let current = asked_for(&body, &sets).map(|set| text(&set["metadata"]["uid"]));
        let read = sets.iter().filter_map(|set| of_set(set, current.as_ref()));
        read.collect()
    } else {
        let kept = controller_revisions(means, &body).await?;
        kept.iter()
            .filter_map(|one| of_controller(one, &body))
            .collect()
    };
    newest_alone_is_current(&mut found);
    let mut revisions = timed(found, means.clock.now());
    revisions.sort_by_key(|revision: &Revision| std::cmp::Reverse(revision.number));
    evidence::gather(means, object, &mut revisions).await;
    let (state, cluster) = (
        means.keeping.state.clone(),
        start.target.cluster_uid.clone(),
    );
    let judged = records::off(move || records::judged(&state, &cluster)).await;
    let judged = judged.unwrap_or_default();
    for revision in &mut revisions {
        revision.rolled_back_from = judged.left.contains(&revision.uid);
        revision.restored_by = judged.restored.get(&revision.uid).cloned();
    }
    Ok(Answer::Revisions(revisions))
}

/// A revision, and what its object says of when it served.
type Traced = (Revision, Trace);

/// Several revisions may have the template that runs; the newest of them is the one.
fn newest_alone_is_current(found: &mut [Traced]) {
    let newest = found
        .iter()
        .filter(|(revision, _)| revision.current)
        .map(|(revision, _)| revision.number)
        .max();
    for (revision, _) in found {
        revision.current = Some(revision.number) == newest;
    }
}

/// The revisions with the times they served.
fn timed(found: Vec<Traced>, now: Timestamp) -> Vec<Revision> {
    let traces: Vec<Trace> = found.iter().map(|(_, trace)| *trace).collect();
    let all = found.into_iter().zip(served(&traces));
    all.map(|((revision, _), served)| Revision {
        available_s: served.length(now).map(|span| span.as_secs()),
        served,
        ..revision
    })
    .collect()
}

fn images(template: &Value) -> Vec<String> {
    let containers = template["spec"]["containers"].as_array();
    containers
        .into_iter()
        .flatten()
        .map(|one| text(&one["image"]))
        .collect()
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// When a part of an object was last written by anybody, as its managed fields say.
fn written(meta: &Value, part: impl Fn(&Value) -> bool) -> Option<Timestamp> {
    let fields = meta["managedFields"].as_array().into_iter().flatten();
    fields
        .filter(|field| part(field))
        .filter_map(|field| moment(&field["time"]))
        .max()
}

fn of_set(set: &Value, current: Option<&String>) -> Option<Traced> {
    let (meta, status) = (&set["metadata"], &set["status"]);
    let template = set["spec"]["template"].clone();
    let images = images(&template);
    let uid = text(&meta["uid"]);
    let notes = &meta["annotations"];
    let count = |value: &Value| u32::try_from(value.as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
    let number = number(set)?;
    let trace = Trace {
        number: Some(number),
        created: moment(&meta["creationTimestamp"]),
        returned: notes["deployment.kubernetes.io/revision-history"]
            .as_str()
            .is_some_and(|numbers| !numbers.is_empty()),
        settled: written(meta, |field| field["subresource"] == "status"),
        pods: count(&set["spec"]["replicas"]).max(count(&status["replicas"])),
        available: count(&status["availableReplicas"]),
    };
    let revision = Revision {
        number,
        current: current == Some(&uid),
        uid,
        name: text(&meta["name"]),
        image: images.first().cloned().unwrap_or_default(),
        images,
        created_at: trace.created.unwrap_or(Timestamp::UNIX_EPOCH),
        available_s: None,
        served: Served::default(),
        template_hash: text(&meta["labels"]["pod-template-hash"]),
        change_cause: notes["kubernetes.io/change-cause"]
            .as_str()
            .map(str::to_owned),
        evidence: Evidence::Unknown("not asked".to_owned()),
        rolled_back_from: false,
        restored_by: None,
        template,
        annotations: Some(notes.as_object().cloned().unwrap_or_default()),
    };
    Some((revision, trace))
}

fn of_controller(one: &Value, body: &Value) -> Option<Traced> {
    let meta = &one["metadata"];
    let template = kept_template(one)?;
    let images = images(&template);
    let current = restorable(&template) == restorable(&body["spec"]["template"]);
    let name = text(&meta["name"]);
    let number = one["revision"].as_i64()?;
    let created = moment(&meta["creationTimestamp"]);
    // One that is returned to gets a new number, and its writing is its new beginning.
    let began = written(meta, |field| field["fieldsV1"].get("f:revision").is_some());
    let trace = Trace {
        number: Some(number),
        created: began.max(created),
        pods: u32::from(current),
        ..Trace::default()
    };
    let cause = &template["metadata"]["annotations"]["kubernetes.io/change-cause"];
    let revision = Revision {
        number,
        current,
        uid: text(&meta["uid"]),
        image: images.first().cloned().unwrap_or_default(),
        images,
        created_at: created.unwrap_or(Timestamp::UNIX_EPOCH),
        available_s: None,
        served: Served::default(),
        template_hash: name.rsplit('-').next().unwrap_or_default().to_owned(),
        name,
        change_cause: cause.as_str().map(str::to_owned),
        evidence: Evidence::Unknown("not asked".to_owned()),
        rolled_back_from: false,
        restored_by: None,
        template,
        annotations: None,
    };
    Some((revision, trace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_set_without_pods_served_until_its_status_was_last_written() {
        let set = json!({"metadata": {"uid": "u", "name": "api-1", "creationTimestamp": "2026-03-04T03:00:00Z",
            "annotations": {"deployment.kubernetes.io/revision": "7", "deployment.kubernetes.io/revision-history": "3"},
            "managedFields": [
                {"manager": "m", "time": "2026-03-04T03:20:00Z", "fieldsV1": {"f:spec": {}}},
                {"manager": "m", "time": "2026-03-04T03:30:00Z", "subresource": "status", "fieldsV1": {"f:status": {}}}]},
            "spec": {"replicas": 0, "template": {}}, "status": {"replicas": 0}});
        let (_, trace) = of_set(&set, None).unwrap();
        assert_eq!(trace.settled, Some("2026-03-04T03:30:00Z".parse().unwrap()));
        assert!(trace.returned && trace.pods == 0 && trace.number == Some(7));
    }

    #[test]
    fn a_controller_revision_that_was_returned_to_begins_anew() {
        let body = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x:1"}]}}}});
        let one = json!({"revision": 4, "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"name": "a", "image": "x:1"}]}}}},
            "metadata": {"uid": "u", "name": "db-5f", "creationTimestamp": "2026-03-04T03:00:00Z",
                "managedFields": [{"time": "2026-03-04T05:00:00Z", "fieldsV1": {"f:data": {}, "f:revision": {}}}]}});
        let (revision, trace) = of_controller(&one, &body).unwrap();
        assert!(revision.current && revision.template_hash == "5f");
        assert_eq!(trace.created, Some("2026-03-04T05:00:00Z".parse().unwrap()));
    }
}
