//! Objects that a run makes on the platform: Jobs, and what a configuration names.

use serde_json::{Value, json};
use vigie::app::command::Command;
use vigie::runbook::machine::{Decision, Fact, RunState, Way};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};

use super::bench::Kinds;

const JOBS: &str = "/apis/batch/v1/namespaces/veza-production/jobs";
const FLAGS: &str = "/api/v1/namespaces/veza-production/configmaps/flags";
const JOB: &str = "id = \"j\"\nkind = \"k8s.job-run\"\nns = \"veza-production\"\nname = \"by-hand\"\nfrom = \"CronJob/nightly\"\ntimeout = { after = \"10m\", then = \"pause\" }";
const APPLY: &str = "id = \"a\"\nkind = \"k8s.apply\"\nns = \"veza-production\"\nundo = \"previous-values\"\nmanifest = { apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"flags\" }, data = { on = \"{{run.id}}\" } }";
const FAILS: &str = "id = \"c\"\nkind = \"check\"\nns = \"veza-production\"\ntarget = \"Deployment/veza-backend\"\n[[check]]\nthat = \"out.paused\"\nis = true";

async fn with_cron_job(fences: &[&str]) -> Kinds {
    let kinds = Kinds::new(fences, Identity::Oncall).await;
    let template = json!({"metadata": {"labels": {"app": "nightly"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "registry.veza.app/batch:1"}]}});
    let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}}});
    let place = "/apis/batch/v1/namespaces/veza-production/cronjobs";
    kinds.bench.ask("POST", place, Some(cron)).await;
    kinds
}

/// The only Job there is, once it is there.
async fn job(kinds: &Kinds) -> Value {
    for _ in 0..2_000 {
        let mut list = kinds.bench.ask("GET", JOBS, None).await;
        if let Some(first) = list["items"].as_array_mut().and_then(|all| all.pop()) {
            return first;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("no Job came:\n{}", kinds.bench.story());
}

async fn ends(kinds: &Kinds, how: &str) {
    let name = job(kinds).await["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let status = json!({"status": {"succeeded": 1, "conditions": [{"type": how, "status": "True", "reason": "BackoffLimitExceeded", "message": "it crashed"}]}});
    kinds
        .bench
        .ask("PATCH", &format!("{JOBS}/{name}/status"), Some(status))
        .await;
}

fn lost() -> Rule {
    Rule {
        face: Some(Face::Kubernetes),
        method: "POST".into(),
        path: JOBS.into(),
        fault: Fault::DropAfter,
        times: Some(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_made_once_and_waited_for() {
    let mut kinds = with_cron_job(&[JOB]).await;
    kinds.bench.faults().add(lost());
    kinds.begin(true);
    let sent = |fact: &Fact| matches!(fact, Fact::Intent(_));
    kinds
        .bench
        .until("it is sent", |runs| {
            runs.entries.iter().any(|entry| sent(&entry.fact))
        })
        .await;
    ends(&kinds, "Complete").await;
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{}", kinds.bench.story());
    let writes = kinds.writes();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    let made = job(&kinds).await;
    let name = made["metadata"]["name"].as_str().unwrap();
    assert!(
        name.starts_with("by-hand-") && name.len() == "by-hand-".len() + 8,
        "{name}"
    );
    assert_eq!(
        made["metadata"]["annotations"]["vigie/effect"],
        json!(&writes[0].audit_id[..36])
    );
    kinds.bench.examine("a job");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_told_and_deleted_on_the_way_back() {
    let mut kinds = with_cron_job(&[JOB]).await;
    kinds.begin(false);
    kinds
        .bench
        .until("it waits", |runs| {
            runs.entries
                .iter()
                .any(|entry| matches!(entry.fact, Fact::Outcome(_)))
        })
        .await;
    ends(&kinds, "Failed").await;
    let human = kinds.bench.human().await;
    assert!(
        human
            .message
            .contains("the Job failed: BackoffLimitExceeded: it crashed"),
        "{human:?}"
    );
    kinds
        .bench
        .command(Command::Decide(Decision::Way(Way::RollBack)));
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::RolledBack, "{}", kinds.bench.story());
    let left = kinds.bench.ask("GET", JOBS, None).await;
    assert!(left["items"].as_array().is_none_or(Vec::is_empty), "{left}");
    kinds.bench.examine("a failed job");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_template_that_is_not_there_is_not_made() {
    let mut kinds = with_cron_job(&[&JOB.replace("nightly", "nobody")]).await;
    let end = kinds.end().await;
    assert!(
        end.message.contains("CronJob/nobody does not exist"),
        "{end:?}"
    );
    assert!(kinds.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_made_applied_and_put_back() {
    let mut kinds = Kinds::new(&[APPLY, FAILS], Identity::Oncall).await;
    kinds.begin(false);
    kinds.bench.human().await;
    let made = kinds.bench.ask("GET", FLAGS, None).await;
    assert_eq!(
        made["data"]["on"].as_str().map(str::len),
        Some(26),
        "{made}"
    );
    kinds
        .bench
        .command(Command::Decide(Decision::Way(Way::RollBack)));
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::RolledBack, "{}", kinds.bench.story());
    let all = kinds
        .bench
        .ask("GET", FLAGS.trim_end_matches("/flags"), None)
        .await;
    assert!(!all.to_string().contains("\"flags\""), "it is gone again");
    kinds.bench.examine("applied");

    let mut kinds = Kinds::new(&[APPLY, FAILS], Identity::Oncall).await;
    let there = json!({"metadata": {"name": "flags"}, "data": {"on": "no", "other": "1"}});
    kinds
        .bench
        .ask("POST", FLAGS.trim_end_matches("/flags"), Some(there))
        .await;
    kinds.begin(false);
    kinds.bench.human().await;
    let sent = kinds.writes();
    assert_eq!((sent.len(), sent[0].verb), (1, "patch"), "{sent:#?}");
    let held = sent[0].body["metadata"]["uid"].is_string()
        && sent[0].body["metadata"]["resourceVersion"].is_string();
    assert!(held, "{sent:#?}");
    kinds
        .bench
        .command(Command::Decide(Decision::Way(Way::RollBack)));
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::RolledBack, "{}", kinds.bench.story());
    let back = kinds.bench.ask("GET", FLAGS, None).await;
    assert_eq!(back["data"], json!({"on": "no", "other": "1"}));
    kinds.bench.examine("applied to what was there");
}
