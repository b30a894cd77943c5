//! Kinds of steps whose rules only a real apiserver keeps: Jobs and what goes with them, server-side apply and who owns a
//! field, an Application that must sync again.

use serde_json::{Value, json};

use super::desk::{Desk, last};

const FAILS: &str = "id = \"c\"\nkind = \"check\"\nns = \"{NS}\"\ntarget = \"Deployment/veza-backend\"\non_failure = \"THEN\"\n[[check]]\nthat = \"out.paused\"\nis = true";
const JOB: &str = "id = \"j\"\nkind = \"k8s.job-run\"\nns = \"{NS}\"\nname = \"by-hand\"\nfrom = \"CronJob/nightly\"\ntimeout = { after = \"2m\", then = \"pause\" }";
const APPLY: &str = "id = \"a\"\nkind = \"k8s.apply\"\nns = \"{NS}\"\nundo = \"previous-values\"\nmanifest = { apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"flags\" }, data = { on = \"{{run.id}}\" } }";
const SUSPEND: &str = "id = \"off\"\nkind = \"argocd.suspend\"\nns = \"{NS}\"\nname = \"veza\"";
const PATCH: &str = "id = \"p\"\nkind = \"k8s.patch\"\nns = \"{NS}\"\ntarget = \"Deployment/veza-backend\"\npatch = { spec = { minReadySeconds = 3 } }\nundo = \"previous-values\"";

/// A run of these steps: its exit code and its last document.
fn run(desk: &Desk, id: &str, fences: &[&str]) -> (Option<i32>, Value) {
    let front = format!(
        "+++\nschema = 1\nid = \"{id}\"\nversion = \"1\"\ntitle = \"T\"\nrisk = \"low\"\n+++\n\n## Does it\n\n"
    );
    let confirm = "id = \"go\"\nkind = \"confirm\"\ntype = \"{NS}\"";
    let steps = [&[confirm], fences].concat();
    let steps = steps
        .iter()
        .map(|fence| format!("```toml step\n{fence}\n```\n\n"));
    let text = format!("{front}{}", steps.collect::<String>());
    let text = text.replace("{NS}", &desk.world.namespace);
    let folder = desk.home.path().join("config/vigie/runbooks");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{id}.runbook.md")), text).unwrap();
    let output = desk.run(&format!("{id} --reason drill"));
    (output.status.code(), last(&output))
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_job_is_made_waited_for_and_taken_away_with_its_pods() {
    let desk = Desk::new("jobs");
    let image = "--image=registry.veza.app/batch:1";
    desk.world.kubectl(&[
        "create",
        "cronjob",
        "nightly",
        image,
        "--schedule=0 3 * * *",
    ]);
    let (code, end) = run(&desk, "job", &[JOB]);
    assert_eq!(code, Some(0), "{end}");
    let changes = desk.changes();
    let [made] = &changes[..] else {
        panic!("one change, not {changes:#?}");
    };
    assert_eq!((&*made.verb, &*made.resource), ("create", "jobs"));
    assert!(desk.journal().contains(&made.id));
    let job = desk.world.kubectl(&["get", "jobs", "-o", "name"]);
    let succeeded = desk.field(job.trim(), ".status.succeeded");
    assert_eq!(succeeded, "1", "{job}");
    let (code, end) = run(&desk, "back", &[JOB, &FAILS.replace("THEN", "rollback")]);
    assert_eq!(
        (code, &end["state"]),
        (Some(1), &json!("rolled-back")),
        "{end}"
    );
    let left = desk.world.kubectl(&["get", "jobs", "-o", "name"]);
    assert_eq!(left, job, "the second one is gone, the first one stays");
    desk.world.wait_for("its pods go with it", || {
        let pods = desk.world.kubectl(&["get", "pods", "-o", "name"]);
        (pods.matches("by-hand").count() == 1).then_some(())
    });
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn a_configuration_is_applied_and_nobodys_field_is_taken() {
    let desk = Desk::new("apply");
    let held = |what: &str| desk.field("configmap/flags", &format!(".data.{what}"));
    let back = FAILS.replace("THEN", "rollback");
    // What is not there is made; what is ours is changed; both go back.
    let (code, end) = run(&desk, "made", &[APPLY, &back]);
    assert_eq!(
        (code, &end["state"]),
        (Some(1), &json!("rolled-back")),
        "{end}"
    );
    let (code, end) = run(&desk, "kept", &[APPLY]);
    assert_eq!(code, Some(0), "{end}");
    let first = held("on");
    let (code, end) = run(&desk, "again", &[APPLY, &back]);
    assert_eq!((code, held("on")), (Some(1), first), "{end}");
    // Somebody else's field is left, and they are named.
    desk.world.kubectl(&["delete", "configmap", "flags"]);
    desk.world
        .kubectl(&["create", "configmap", "flags", "--from-literal=on=theirs"]);
    let (code, end) = run(&desk, "theirs", &[APPLY]);
    let message = end["message"].as_str().unwrap_or_default();
    assert_eq!((code, held("on")), (Some(3), "theirs".to_owned()), "{end}");
    assert!(
        message.contains("conflict with \"kubectl-create\""),
        "{end}"
    );
    // Beside somebody else's fields it is applied, with what it is held to.
    desk.world.kubectl(&["delete", "configmap", "flags"]);
    desk.world
        .kubectl(&["create", "configmap", "flags", "--from-literal=x=1"]);
    let (code, end) = run(&desk, "beside", &[APPLY]);
    assert_eq!((code, held("x")), (Some(0), "1".to_owned()), "{end}");
    let applied = desk.changes().pop().unwrap();
    assert!(
        applied.body.contains("resourceVersion") && applied.body.contains("uid"),
        "{applied:#?}"
    );
}

#[test]
#[ignore = "needs VIGIE_TEST_CLUSTER"]
fn an_application_syncs_again_although_the_run_failed() {
    let desk = Desk::new("argo");
    let definition = super::owners::definition("argoproj.io", "v1alpha1", "Application");
    desk.apply(&definition.to_string());
    let crd = "crd/applications.argoproj.io";
    desk.world
        .kubectl(&["wait", crd, "--for=condition=Established", "--timeout=60s"]);
    let policy = json!({ "automated": { "prune": true, "selfHeal": true } });
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": { "name": "veza", "namespace": desk.world.namespace }, "spec": { "syncPolicy": policy },
    });
    desk.apply(&application.to_string());
    let now = || desk.field("applications.argoproj.io/veza", ".spec.syncPolicy");
    let before = now();
    let (code, end) = run(
        &desk,
        "argo",
        &[SUSPEND, PATCH, &FAILS.replace("THEN", "abort")],
    );
    assert_eq!((code, &end["state"]), (Some(1), &json!("failed")), "{end}");
    assert_eq!(now(), before);
    let verbs: Vec<String> = desk.changes().into_iter().map(|one| one.resource).collect();
    assert_eq!(verbs, ["applications", "deployments", "applications"]);
}
