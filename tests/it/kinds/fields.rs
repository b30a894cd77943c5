//! Named fields of objects: patched, switched, put back.

use serde_json::{Value, json};
use vigie::app::command::Command;
use vigie::runbook::machine::{Decision, Fact, Reason, RunState, Way};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};

use super::bench::Kinds;
use crate::runs::BACKEND;

const SERVICE: &str = "/api/v1/namespaces/veza-production/services/veza-backend";
const PATCH: &str = "id = \"p\"\nkind = \"k8s.patch\"\nns = \"veza-production\"\ntarget = \"Deployment/veza-backend\"\npatch = { spec = { minReadySeconds = 7 }, metadata = { labels = { tier = \"gold\" } } }\nundo = \"previous-values\"";
const SWITCH: &str = "id = \"s\"\nkind = \"k8s.service-selector\"\nns = \"veza-production\"\nname = \"veza-backend\"\nset = { version = \"v1.0.0\" }\nundo = \"previous-values\"";
/// Fails, so that a person is asked.
const CHECK: &str = "id = \"c\"\nkind = \"check\"\nns = \"veza-production\"\ntarget = \"Deployment/veza-backend\"\n[[check]]\nthat = \"out.paused\"\nis = true";

fn on(path: &str, fault: Fault) -> Rule {
    Rule {
        face: Some(Face::Kubernetes),
        method: "PATCH".into(),
        path: path.into(),
        fault,
        times: Some(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_patched_once_although_the_answer_was_lost() {
    let mut kinds = Kinds::new(&[PATCH], Identity::Oncall).await;
    kinds.bench.faults().add(on(BACKEND, Fault::DropAfter));
    let end = kinds.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{}", kinds.bench.story());
    let writes = kinds.writes();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert!(writes[0].body["metadata"]["uid"].is_string());
    let object = kinds.bench.object().await;
    assert_eq!(object["spec"]["minReadySeconds"], 7);
    assert_eq!(object["metadata"]["labels"]["tier"], "gold");
    let found = kinds.bench.examine("a patch");
    assert!(
        found
            .entries
            .iter()
            .any(|entry| matches!(&entry.fact, Fact::Probed(_)))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_back_field_by_field() {
    let mut kinds = Kinds::new(&[PATCH, SWITCH, CHECK], Identity::Oncall).await;
    let before = (
        kinds.bench.object().await,
        kinds.bench.ask("GET", SERVICE, None).await,
    );
    kinds.begin(false);
    kinds.bench.human().await;
    assert_eq!(kinds.writes().len(), 2, "{}", kinds.bench.story());
    let service = kinds.bench.ask("GET", SERVICE, None).await;
    assert_eq!(service["spec"]["selector"]["version"], "v1.0.0");
    kinds
        .bench
        .command(Command::Decide(Decision::Way(Way::RollBack)));
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::RolledBack, "{}", kinds.bench.story());
    let after = (
        kinds.bench.object().await,
        kinds.bench.ask("GET", SERVICE, None).await,
    );
    let fields = |object: &Value| (object["spec"].clone(), object["metadata"]["labels"].clone());
    assert_eq!(fields(&after.0), fields(&before.0));
    assert_eq!(fields(&after.1), fields(&before.1));
    kinds.bench.examine("back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_not_switched_to_pods_that_are_not_there() {
    let green = SWITCH.replace("v1.0.0", "green");
    let mut kinds = Kinds::new(&[&green], Identity::Oncall).await;
    let end = kinds.end().await;
    assert!(
        end.refused && end.message.contains("no ready pod has the labels"),
        "{end:?}"
    );
    assert!(kinds.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_value_in_between_is_left_as_it_is() {
    let diff = "id = \"d\"\nkind = \"diff\"\nof = \"p\"";
    let sure = "id = \"sure\"\nkind = \"confirm\"\ntype = \"sure\"";
    let mut kinds = Kinds::new(&[diff, sure, PATCH], Identity::Oncall).await;
    kinds.begin(false);
    kinds
        .bench
        .until("it asks", |runs| runs.ask().is_some())
        .await;
    let theirs = json!({"spec": {"minReadySeconds": 3}});
    kinds.bench.ask("PATCH", BACKEND, Some(theirs)).await;
    let yes = Decision::Yes(Some("sure".into()));
    kinds.bench.command(Command::Decide(yes));
    let human = kinds.bench.human().await;
    assert_eq!(human.reason, Reason::Conflict, "{}", kinds.bench.story());
    assert_eq!(kinds.bench.object().await["spec"]["minReadySeconds"], 3);
    assert!(kinds.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_patch_is_told_before_anything_is_sent() {
    let mut kinds = Kinds::new(&[SWITCH], Identity::Viewer).await;
    let end = kinds.end().await;
    assert!(
        end.refused
            && end
                .message
                .contains("patch services/veza-backend in veza-production"),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_asks_for_somebody_elses_word_waits_for_it() {
    let approve = "id = \"eyes\"\nkind = \"approve\"\nnot = \"initiator\"\nttl = \"10m\"";
    let mut kinds = Kinds::new(&[approve, PATCH], Identity::Oncall).await;
    kinds.begin(false);
    let refusal = kinds.bench.refusal().await;
    assert!(
        refusal.sentence.contains("nobody may approve here"),
        "{refusal:?}"
    );
    assert!(kinds.writes().is_empty());
}
