//! Old and new of one Deployment, as signals tell them apart: by the hash in their pods' names or by the label `version`.

use super::means::Means;
use super::state::{asked_for, known, number, replica_sets, text};
use crate::domain::signal::{Part, ServiceSignals};
use crate::runbook::machine::Failure;
use crate::runbook::patch::ObjectRef;
use serde_json::Value;
use std::sync::Arc;

/// The names by which each side may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// What is being replaced, or was last.
    pub old: Option<Vec<String>>,
    /// What the template asks for.
    pub new: Vec<String>,
}

impl Sides {
    /// The hashes, each standing for itself.
    pub fn versions(&self) -> Vec<(Arc<str>, Arc<str>)> {
        let hashes = [self.old.as_ref(), Some(&self.new)];
        let hashes = hashes
            .into_iter()
            .flatten()
            .filter_map(|names| names.first());
        hashes
            .map(|hash| (Arc::from(hash.as_str()), Arc::from(hash.as_str())))
            .collect()
    }
}

/// The sides of an object now.
pub async fn of(means: &Means, object: &ObjectRef) -> Result<Sides, String> {
    if object.kind != "Deployment" {
        return Err(format!(
            "old and new pods of a {} are not told apart by their names",
            object.kind
        ));
    }
    let kind = known(&object.kind)?;
    let body = means
        .cluster
        .object_of(&kind, &object.namespace, &object.name)
        .await
        .map_err(|failure| failure.short().to_string())?;
    let sets = replica_sets(means, &body)
        .await
        .map_err(|failure| match failure {
            Failure::Offline(why)
            | Failure::Denied(why)
            | Failure::Gone(why)
            | Failure::Invalid(why) => why,
        })?;
    among(&body, &sets).ok_or_else(|| "which revision is the new one is not known".to_owned())
}

/// Old is another set with pods; where there is none, the one before in number.
fn among(body: &Value, sets: &[Value]) -> Option<Sides> {
    let new = asked_for(body, sets)?;
    let uid = &new["metadata"]["uid"];
    let others = || sets.iter().filter(|set| set["metadata"]["uid"] != *uid);
    let with_pods = others().filter(|set| set["status"]["replicas"].as_i64() > Some(0));
    let old = with_pods
        .max_by_key(|set| number(set))
        .or_else(|| others().max_by_key(|set| number(set)));
    Some(Sides {
        old: old.map(names),
        new: names(new),
    })
}

fn names(set: &Value) -> Vec<String> {
    let label = set.pointer("/spec/template/metadata/labels/version");
    let hash = text(&set["metadata"]["labels"]["pod-template-hash"]);
    let label = label.and_then(Value::as_str).map(str::to_owned);
    std::iter::once(hash).chain(label).collect()
}

/// The part of one side among those that were read.
pub fn part<'a>(
    all: &'a [ServiceSignals],
    names: Option<&Vec<String>>,
) -> Result<&'a ServiceSignals, String> {
    let names = names.ok_or("there is no other revision to compare with")?;
    let told = |one: &&ServiceSignals| matches!(&one.part, Part::Version(_));
    let found = all.iter().find(|one| {
        matches!(&one.part, Part::Version(name) if names.iter().any(|known| **known == **name))
    });
    found.ok_or_else(|| {
        if all.iter().any(|one| told(&one)) {
            let name = names.last().map_or("it", String::as_str);
            format!("no requests to version {name}")
        } else {
            "the series do not tell versions apart".to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(number: i64, version: &str, pods: i64) -> Value {
        json!({"metadata": {"uid": format!("u{number}"), "labels": {"pod-template-hash": format!("h{number}")},
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()}},
            "spec": {"template": {"metadata": {"labels": {"version": version}}}}, "status": {"replicas": pods}})
    }

    #[test]
    fn old_is_what_still_has_pods_else_the_one_before() {
        let body = json!({"spec": {"template": {"metadata": {"labels": {"version": "v3"}}}}});
        let sides = |sets: &[Value]| {
            let sides = among(&body, sets).unwrap();
            (
                sides.new[0].clone(),
                sides.old.map(|names| names[1].clone()),
            )
        };
        let sets = [set(41, "v1", 2), set(42, "v2", 0), set(43, "v3", 1)];
        assert_eq!(sides(&sets), ("h43".into(), Some("v1".into())));
        let sets = [set(41, "v1", 0), set(42, "v2", 0), set(43, "v3", 3)];
        assert_eq!(sides(&sets), ("h43".into(), Some("v2".into())));
        assert_eq!(sides(&sets[2..]), ("h43".into(), None));
    }
}
