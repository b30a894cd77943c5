//! Applications of Argo CD that a run suspends: they sync again however the run ends.

use serde_json::{Value, json};
use vigie::app::command::Command;
use vigie::runbook::machine::{Decision, Fact, RunState, Way};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};

use super::bench::Kinds;
use crate::runs::BACKEND;

const SUSPEND: &str = "id = \"off\"\nkind = \"argocd.suspend\"\nname = \"veza\"";
const RESUME: &str = "id = \"on\"\nkind = \"argocd.resume\"\nname = \"veza\"";
const PATCH: &str = "id = \"p\"\nkind = \"k8s.patch\"\nns = \"veza-production\"\ntarget = \"Deployment/veza-backend\"\npatch = { spec = { minReadySeconds = 7 } }\nundo = \"previous-values\"";
const FAILS: &str = "id = \"c\"\nkind = \"check\"\nns = \"veza-production\"\ntarget = \"Deployment/veza-backend\"\n[[check]]\nthat = \"out.paused\"\nis = true";
const PLACE: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";

fn policy() -> Value {
    json!({"automated": {"prune": true, "selfHeal": true}})
}

/// A console where an Application owns the backend and heals itself.
async fn owned(fences: &[&str]) -> Kinds {
    let kinds = Kinds::new(fences, Identity::Oncall).await;
    let space = json!({"metadata": {"name": "argocd"}});
    kinds
        .bench
        .ask("POST", "/api/v1/namespaces", Some(space))
        .await;
    let application = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "veza", "namespace": "argocd"},
        "spec": {"project": "default", "source": {"repoURL": "https://git.veza.app/platform"}, "destination": {"namespace": "veza-production"}, "syncPolicy": policy()}});
    kinds.bench.ask("POST", PLACE, Some(application)).await;
    let mark = json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "veza:apps/Deployment:veza-production/veza-backend"}}});
    kinds.bench.ask("PATCH", BACKEND, Some(mark)).await;
    kinds
}

async fn now(kinds: &Kinds) -> Value {
    let application = kinds.bench.ask("GET", &format!("{PLACE}/veza"), None).await;
    application["spec"]["syncPolicy"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_heals_itself_is_no_obstacle_where_it_is_suspended_first() {
    let mut alone = owned(&[PATCH]).await;
    let end = alone.end().await;
    assert!(
        end.refused && end.message.contains("heals itself"),
        "{end:?}"
    );
    let mut kinds = owned(&[SUSPEND, PATCH, RESUME]).await;
    kinds.bench.faults().add(Rule {
        face: Some(Face::Kubernetes),
        method: "PATCH".into(),
        path: PLACE.into(),
        fault: Fault::DropAfter,
        times: Some(2),
    });
    let end = kinds.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{}", kinds.bench.story());
    assert_eq!(now(&kinds).await, policy());
    let paths: Vec<String> = kinds.writes().into_iter().map(|write| write.path).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert!(
        paths[0].ends_with("/veza") && paths[1] == BACKEND && paths[2].ends_with("/veza"),
        "{paths:?}"
    );
    kinds.bench.examine("argo");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_syncs_again_although_the_run_was_stopped_half_way() {
    let mut kinds = owned(&[SUSPEND, PATCH, FAILS, RESUME]).await;
    kinds.begin(false);
    kinds.bench.human().await;
    assert!(
        now(&kinds).await["automated"].is_null(),
        "{}",
        kinds.bench.story()
    );
    kinds
        .bench
        .command(Command::Decide(Decision::Way(Way::Stop)));
    let end = kinds.bench.end().await;
    assert_eq!(end.state, RunState::Failed, "{end:?}");
    assert!(
        end.leftovers.len() == 1 && end.leftovers[0].contains("Deployment/veza-backend"),
        "{end:?}"
    );
    assert_eq!(now(&kinds).await, policy());
    let found = kinds.bench.examine("stopped");
    assert!(
        found
            .entries
            .iter()
            .any(|entry| matches!(entry.fact, Fact::Ending { .. }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_not_there_is_named() {
    let mut kinds = owned(&[&SUSPEND.replace("veza", "nobody")]).await;
    let end = kinds.end().await;
    assert!(
        end.message
            .contains("Application.argoproj.io/nobody does not exist in argocd"),
        "{end:?}"
    );
    assert!(kinds.writes().is_empty());
}
