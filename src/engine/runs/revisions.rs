//! The revisions of a workload with their templates, and what is known about how each of them served.

use super::evidence;
use super::means::Means;
use super::records;
use super::state::{asked_for, known, number, replica_sets, text, unanswered};
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::read::ControllerRevision;
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
    let mut revisions = if object.kind == "Deployment" {
        let sets = replica_sets(means, &body).await?;
        let current = asked_for(&body, &sets).map(|set| text(&set["metadata"]["uid"]));
        let read = sets.iter().filter_map(|set| of_set(set, current.as_ref()));
        read.collect()
    } else {
        let uid = text(&body["metadata"]["uid"]);
        let listed = means
            .cluster
            .controller_revisions(&object.namespace, &uid)
            .await
            .map_err(|failure| unanswered(&failure))?;
        let read: Vec<Revision> = listed
            .iter()
            .filter_map(|one| of_controller(one, &body))
            .collect();
        read
    };
    newest_alone_is_current(&mut revisions);
    revisions.sort_by_key(|revision: &Revision| std::cmp::Reverse(revision.number));
    evidence::gather(means, object, &mut revisions).await;
    let (state, cluster) = (
        means.keeping.state.clone(),
        start.target.cluster_uid.clone(),
    );
    let left = records::off(move || records::rolled_back_from(&state, &cluster)).await;
    for revision in &mut revisions {
        revision.rolled_back_from = left.as_ref().is_ok_and(|left| left.contains(&revision.uid));
    }
    Ok(Answer::Revisions(revisions))
}

/// Several revisions may have the template that runs; the newest of them is the one.
fn newest_alone_is_current(revisions: &mut [Revision]) {
    let newest = revisions
        .iter()
        .filter(|revision| revision.current)
        .map(|revision| revision.number)
        .max();
    for revision in revisions {
        revision.current = Some(revision.number) == newest;
    }
}

fn images(template: &Value) -> Vec<String> {
    let containers = template["spec"]["containers"].as_array();
    containers
        .into_iter()
        .flatten()
        .map(|one| text(&one["image"]))
        .collect()
}

fn created(meta: &Value) -> Timestamp {
    meta["creationTimestamp"]
        .as_str()
        .and_then(|at| at.parse().ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

fn of_set(set: &Value, current: Option<&String>) -> Option<Revision> {
    let meta = &set["metadata"];
    let template = set["spec"]["template"].clone();
    let images = images(&template);
    let uid = text(&meta["uid"]);
    let cause = &meta["annotations"]["kubernetes.io/change-cause"];
    Some(Revision {
        number: number(set)?,
        current: current == Some(&uid),
        uid,
        name: text(&meta["name"]),
        image: images.first().cloned().unwrap_or_default(),
        images,
        created_at: created(meta),
        available_s: None,
        template_hash: text(&meta["labels"]["pod-template-hash"]),
        change_cause: cause.as_str().map(str::to_owned),
        evidence: Evidence::Unknown("not asked".to_owned()),
        rolled_back_from: false,
        template,
    })
}

fn of_controller(one: &ControllerRevision, body: &Value) -> Option<Revision> {
    let mut template = one.data.pointer("/spec/template")?.clone();
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    let images = images(&template);
    Some(Revision {
        number: i64::try_from(one.number).ok()?,
        current: restorable(&template) == restorable(&body["spec"]["template"]),
        uid: one.uid.to_string(),
        name: one.name.to_string(),
        image: images.first().cloned().unwrap_or_default(),
        images,
        created_at: one.created.unwrap_or(Timestamp::UNIX_EPOCH),
        available_s: None,
        template_hash: one.name.rsplit('-').next().unwrap_or_default().to_owned(),
        change_cause: None,
        evidence: Evidence::Unknown("not asked".to_owned()),
        rolled_back_from: false,
        template,
    })
}
