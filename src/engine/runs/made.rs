//! Objects that a run makes, as they are before and while it waits for them: there, or what they are made from; a Job
//! that is complete, or failed.

use super::means::Means;
use super::state::{self, text};
use crate::runbook::machine::{Answer, Failure, ObjectState, Rollout};
use crate::runbook::patch::{ObjectRef, Planned, Standing};
use crate::runbook::preflight::ObjectFacts;
use crate::runbook::prose::bounded;
use serde_json::{Value, json};

/// The object, if it is there; else nothing but what it is made from.
pub async fn look(
    means: &Means,
    object: &ObjectRef,
    from: Option<&ObjectRef>,
) -> Result<Answer, Failure> {
    if let Some(found) = state::read(means, object).await? {
        return Ok(Answer::Object(found));
    }
    let body = match from {
        None => json!({}),
        Some(from) => {
            let Some(found) = state::read(means, from).await? else {
                return Err(Failure::Gone(format!(
                    "{} does not exist in {}",
                    from.short(),
                    from.namespace
                )));
            };
            let template = if from.kind == "CronJob" {
                found.body["spec"]["jobTemplate"].clone()
            } else {
                json!({"metadata": {"labels": found.body["metadata"]["labels"]}, "spec": found.body["spec"]})
            };
            json!({"template": template, "from": from.short()})
        }
    };
    Ok(Answer::Object(ObjectState {
        object: object.clone(),
        resource_version: String::new(),
        generation: 0,
        body,
        facts: ObjectFacts::default(),
    }))
}

/// How a Job that a run made stands.
pub async fn job(means: &Means, planned: &Planned) -> Result<Rollout, Failure> {
    let found = state::read(means, &planned.object).await?;
    Ok(found.map_or(Rollout::Gone, |found| standing(planned, &found.body)))
}

fn standing(planned: &Planned, body: &Value) -> Rollout {
    if planned.standing(body) != Standing::After {
        return Rollout::Gone;
    }
    let status = &body["status"];
    let conditions = status["conditions"].as_array();
    let holds = |kind: &str| {
        let mut all = conditions.into_iter().flatten();
        all.find(|one| one["type"] == kind && one["status"] == "True")
    };
    if let Some(failed) = holds("Failed") {
        let why = format!("{}: {}", text(&failed["reason"]), text(&failed["message"]));
        return Rollout::Stuck(format!("the Job failed: {}", bounded(&why, 200)));
    }
    let count = |name: &str| status[name].as_i64().unwrap_or_default();
    if holds("Complete").is_some() {
        return Rollout::Complete(format!(
            "the Job is complete: {} succeeded",
            count("succeeded")
        ));
    }
    if body["spec"]["suspend"] == true {
        return Rollout::Paused;
    }
    Rollout::Moving(format!(
        "{} active, {} succeeded, {} failed",
        count("active"),
        count("succeeded"),
        count("failed")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::patch::FieldChange;

    #[test]
    fn a_job_is_over_when_its_conditions_say_so() {
        let made = json!({"metadata": {"name": "j", "annotations": {"vigie/effect": "e"}}});
        let planned = Planned {
            kind: "k8s.job-run".into(),
            object: ObjectRef::default(),
            changes: vec![FieldChange::plain("", None, Some(made.clone()))],
            lines: Vec::new(),
        };
        let of = |kind: &str| {
            let mut body = made.clone();
            body["status"] = json!({"succeeded": 1, "conditions": [{"type": kind, "status": "True", "reason": "R", "message": "m"}]});
            standing(&planned, &body)
        };
        assert!(matches!(of("Complete"), Rollout::Complete(_)));
        assert_eq!(of("Failed"), Rollout::Stuck("the Job failed: R: m".into()));
        assert!(matches!(of("SuccessCriteriaMet"), Rollout::Moving(_)));
        assert_eq!(
            standing(&planned, &json!({"metadata": {"name": "j"}})),
            Rollout::Gone
        );
    }
}
