//! Proof for every pod that it runs the new values, and whether External Secrets has copied: pods by the moment their
//! containers began, Secrets by fingerprints against Vault's version.

use super::Secrets;
use super::look;
use crate::engine::runs::means::Means;
use crate::engine::runs::measure;
use crate::engine::runs::report::Reporter;
use crate::engine::runs::state::{known, text, unanswered};
use crate::platform::failure::FailureKind;
use crate::runbook::consumers::origin;
use crate::runbook::machine::{
    Answer, Event, Failure, ObjectState, ProofQuestion, ReadId, Rollout, SecretQuestion,
};
use crate::runbook::outside::written;
use crate::runbook::patch::ObjectRef;
use crate::runbook::prose::bounded;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks at a controller that is to copy.
const PAUSE: Duration = Duration::from_millis(500);

/// Which version each pod of the consumers runs.
pub async fn pods(
    means: &Means,
    secrets: &Secrets,
    asked: &ProofQuestion,
) -> Result<Answer, Failure> {
    let Answer::Object(secret) = look::state(means, secrets, &asked.secret).await? else {
        return Ok(Answer::Gone);
    };
    let since = changed(means, &asked.secret.object).await?;
    let differing = unequal(&secret);
    let mut list = Vec::new();
    for consumer in &asked.consumers {
        let found = measure::pods(means, consumer).await;
        for pod in found.map_err(Failure::Offline)? {
            if pod["metadata"]["deletionTimestamp"].is_string() {
                continue;
            }
            let started = started(&pod);
            let new = started
                .zip(since)
                .is_some_and(|(started, since)| started >= since);
            list.push(json!({
                "workload": consumer.short(),
                "pod": pod["metadata"]["name"],
                "started": started.map(|at| at.to_string()),
                "new": new,
            }));
        }
    }
    let old = list.iter().filter(|pod| pod["new"] != true);
    let old: Vec<String> = old.map(|pod| text(&pod["pod"])).take(10).collect();
    let version = secret.body["beside"]["version"].clone();
    let prints: serde_json::Map<String, Value> = asked
        .secret
        .keys
        .keys()
        .filter_map(|key| Some((key.clone(), secret.body["data"].get(key)?.clone())))
        .collect();
    Ok(Answer::Found(json!({
        "pods": list,
        "count": list.len(),
        "old": old,
        "vault_version": version,
        "prints": prints,
        "differing": differing,
        "secret_written": since.map(|at| at.to_string()),
    })))
}

/// Keys of a Secret that do not have what the path beside it has.
fn unequal(secret: &ObjectState) -> Vec<String> {
    let pairs = secret.body["pairs"].as_object().into_iter().flatten();
    let own = |key: &str| secret.body["data"].get(key);
    let there = |key: &str| secret.body["beside"]["data"].get(key);
    let differing = pairs.filter(|(key, there_key)| {
        let there_key = there_key.as_str().unwrap_or_default();
        own(key) != there(there_key)
    });
    differing.map(|(key, _)| key.clone()).collect()
}

/// When a Secret's content was last written.
async fn changed(means: &Means, object: &ObjectRef) -> Result<Option<Timestamp>, Failure> {
    let kind = known("Secret").map_err(Failure::Invalid)?;
    let (namespace, name) = (&object.namespace, &object.name);
    let body = means.cluster.object_of(&kind, namespace, name).await;
    let body = body.map_err(|failure| unanswered(&failure))?;
    Ok(written(&body))
}

/// When the last of a pod's containers began: only then had all of them read their environment.
fn started(pod: &Value) -> Option<Timestamp> {
    let statuses = pod["status"]["containerStatuses"].as_array()?;
    let began = statuses.iter().map(|one| {
        let at = one["state"]["running"]["startedAt"].as_str()?;
        at.parse::<Timestamp>().ok()
    });
    // One container that does not run is no proof.
    began.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// Follows an ExternalSecret until it has copied since it was asked, and the Secret has what Vault has.
pub async fn synced(
    to: &Reporter,
    id: ReadId,
    object: &ObjectRef,
    since: &str,
    secret: &SecretQuestion,
) {
    let mut last = None;
    loop {
        let event = match stand(to, object, since, secret).await {
            Ok(rollout) if last.as_ref() == Some(&rollout) => None,
            Ok(rollout) => {
                last = Some(rollout.clone());
                Some(Event::Answered(id, Box::new(Answer::Rollout(rollout))))
            }
            // Whoever is silent for a while may speak again: the step's own deadline ends it.
            Err(Failure::Offline(_)) => None,
            Err(failure) => Some(Event::Unanswered(id, failure)),
        };
        if let Some(event) = event {
            let over = !matches!(&event, Event::Answered(_, answer)
                if matches!(&**answer, Answer::Rollout(Rollout::Moving(_))));
            to.tell(event).await;
            if over {
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn stand(
    to: &Reporter,
    object: &ObjectRef,
    since: &str,
    secret: &SecretQuestion,
) -> Result<Rollout, Failure> {
    let means = &*to.means;
    let kind = means.cluster.kind_named(&object.kind).await;
    let kind = kind.map_err(|failure| unanswered(&failure))?;
    let (namespace, name) = (&object.namespace, &object.name);
    let body = match means.cluster.object_of(&kind, namespace, name).await {
        Ok(body) => body,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(Rollout::Gone),
        Err(failure) => return Err(unanswered(&failure)),
    };
    if text(&body["metadata"]["uid"]) != object.uid {
        return Ok(Rollout::Gone);
    }
    if origin(&body)["refresh_policy"] == "CreatedOnce" {
        let why = "its refreshPolicy is CreatedOnce: it never copies again (T11)".to_owned();
        return Ok(Rollout::Stuck(why));
    }
    let asked: i64 = since.parse().unwrap_or(i64::MAX);
    let refreshed = body["status"]["refreshTime"].as_str();
    let refreshed = refreshed.and_then(|at| at.parse::<Timestamp>().ok());
    let fresh = refreshed.is_some_and(|at| at.as_second() >= asked);
    let conditions = body["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "Ready");
    let failed = ready.filter(|ready| ready["status"] == "False");
    if let Some(failed) = failed {
        let words = format!("{}: {}", text(&failed["reason"]), text(&failed["message"]));
        let words = bounded(&to.secrets.cleaned(&words), 300);
        return Ok(Rollout::Moving(format!("External Secrets says {words}")));
    }
    let state = look::state(means, &to.secrets, secret).await?;
    let Answer::Object(state) = state else {
        return Ok(Rollout::Moving("the Secret is not there yet".to_owned()));
    };
    let differing = unequal(&state);
    Ok(match (fresh, differing.is_empty()) {
        (true, true) => Rollout::Complete("copied, and every key has what Vault has".to_owned()),
        (true, false) => Rollout::Moving(format!(
            "copied, but {} is not what Vault has",
            differing.join(", ")
        )),
        (false, _) => Rollout::Moving("not copied since it was asked".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_proof_only_when_all_its_containers_run() {
        let pod = |second: Value| {
            json!({"status": {"containerStatuses": [
                {"state": {"running": {"startedAt": "2026-03-04T03:12:07Z"}}}, {"state": second}]}})
        };
        let late = json!({"running": {"startedAt": "2026-03-04T03:12:09Z"}});
        assert_eq!(started(&pod(late)), "2026-03-04T03:12:07Z".parse().ok());
        assert_eq!(started(&pod(json!({"waiting": {}}))), None);
        assert_eq!(started(&json!({})), None);
    }
}
