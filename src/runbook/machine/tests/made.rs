//! Objects that a run makes: a Job from a template, what a configuration names. Made once, deleted only where they are
//! still what was made.

use super::fields::{Lost, Shelf, mistakes};
use super::*;

const JOB: &str = "id = \"j\"\nkind = \"k8s.job-run\"\nns = \"prod\"\nfrom = \"CronJob/nightly\"\ntimeout = { after = \"10m\", then = \"pause\" }";
const APPLY: &str = "id = \"a\"\nkind = \"k8s.apply\"\nns = \"prod\"\nundo = \"previous-values\"\nmanifest = { apiVersion = \"v1\", kind = \"ConfigMap\", metadata = { name = \"flags\" }, data = { on = \"yes\" } }";
const LAST: &str = "id = \"last\"\nkind = \"confirm\"\ntype = \"other\"";

fn nightly() -> Value {
    json!({"metadata": {"name": "nightly"}, "spec": {"jobTemplate": {"metadata": {"labels": {"app": "batch"}},
        "spec": {"ttlSecondsAfterFinished": 5, "suspend": true, "template": {"metadata": {"labels": {"app": "batch", "job-name": "x"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "r/batch:1"}]}}}}}})
}

fn shelf(fences: &[&str]) -> Shelf {
    Shelf::new(fences, &[("CronJob/nightly", nightly())])
}

fn made(shelf: &Shelf) -> Vec<(&String, &Value)> {
    let ours = shelf.objects.iter();
    ours.filter(|(name, _)| !name.starts_with("CronJob"))
        .collect()
}

#[test]
fn a_job_is_made_once_from_its_template_whatever_happens_to_the_answer() {
    for lost in [Lost::Never, Lost::Before, Lost::After] {
        let mut shelf = shelf(&[JOB]);
        shelf.lost = vec![lost];
        let run = shelf.run(2000);
        assert_eq!(
            run.ledger().state,
            RunState::Succeeded,
            "{lost:?} {:?}",
            run.ledger().human
        );
        let all = made(&shelf);
        assert_eq!((all.len(), shelf.writes.len()), (1, 1), "{lost:?}");
        let (name, job) = all[0];
        let key = crate::runbook::ids::EffectKey::new(&run.start().run, "j", false, 0);
        assert_eq!(*name, format!("Job/nightly-{}", &key.as_str()[..8]));
        assert_eq!(job["metadata"]["annotations"]["vigie/effect"], key.as_str());
        assert_eq!(job["metadata"]["labels"], json!({"app": "batch"}));
        let spec = &job["spec"];
        assert!(spec.get("ttlSecondsAfterFinished").is_none() && spec.get("suspend").is_none());
        assert_eq!(
            spec["template"]["metadata"]["labels"],
            json!({"app": "batch"})
        );
        assert_eq!(
            run.ledger().outs["j"]["name"],
            json!(name.trim_start_matches("Job/"))
        );
    }
    let mut shelf = shelf(&[JOB]);
    shelf.run(2000);
    for right in [
        "create jobs.batch in prod",
        "get cronjobs.batch/nightly in prod",
    ] {
        assert!(
            shelf.asked.iter().any(|asked| asked == right),
            "{right}: {:?}",
            shelf.asked
        );
    }
}

#[test]
fn killed_anywhere_nothing_is_made_twice() {
    for fence in [JOB, APPLY] {
        for lost in [Lost::Never, Lost::After] {
            let mut points = 0;
            for limit in 1..200 {
                let mut shelf = shelf(&[fence]);
                shelf.lost = vec![lost];
                let ended = shelf.run(limit).ledger().end.is_some();
                if shelf.disk.is_empty() {
                    continue;
                }
                points += 1;
                let run = shelf.resume();
                let found = (run.ledger().state, shelf.writes.len(), made(&shelf).len());
                assert_eq!(
                    found,
                    (RunState::Succeeded, 1, 1),
                    "{lost:?} after {limit}: {:?}",
                    run.ledger().human
                );
                if ended {
                    break;
                }
            }
            assert!(points > 12, "only {points} points");
        }
    }
}

#[test]
fn what_was_made_is_deleted_and_only_that() {
    for fence in [JOB, APPLY] {
        let mut shelf = shelf(&[fence, LAST]);
        let run = shelf.run(2000);
        assert_eq!(made(&shelf).len(), 1);
        let run = shelf.back(run);
        assert_eq!(
            run.ledger().state,
            RunState::RolledBack,
            "{:?}",
            run.ledger().end
        );
        assert!(made(&shelf).is_empty());
        let (_, last) = shelf.writes.last().unwrap();
        assert_eq!(
            *last,
            json!({"preconditions": {"uid": "u1"}}),
            "only the one that was made"
        );
    }
    let mut shelf = shelf(&[JOB, LAST]);
    let run = shelf.run(2000);
    let name = made(&shelf)[0].0.clone();
    shelf.objects.get_mut(&name).unwrap()["metadata"]["annotations"] =
        json!({"vigie/effect": "another"});
    let run = shelf.back(run);
    assert_eq!(run.ledger().state, RunState::RollbackIncomplete);
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.leftovers[0].contains("kubectl -n prod delete job"),
        "{end:?}"
    );
    assert_eq!(made(&shelf).len(), 1, "somebody else's is left");
}

#[test]
fn a_configuration_is_applied_where_it_differs_and_goes_back() {
    let mut same = shelf(&[APPLY]);
    same.objects.insert(
        "ConfigMap/flags".into(),
        json!({"metadata": {"name": "flags"}, "data": {"on": "yes", "x": "1"}}),
    );
    let run = same.run(2000);
    assert_eq!(
        (run.ledger().state, same.writes.len()),
        (RunState::Succeeded, 0)
    );
    let mut other = shelf(&[APPLY, LAST]);
    let before = json!({"metadata": {"name": "flags"}, "data": {"on": "no", "x": "1"}});
    other
        .objects
        .insert("ConfigMap/flags".into(), before.clone());
    let run = other.run(2000);
    assert_eq!(
        other.writes,
        [("ConfigMap/flags".to_owned(), json!({"data": {"on": "yes"}}))]
    );
    let run = other.back(run);
    assert_eq!(
        run.ledger().state,
        RunState::RolledBack,
        "{:?}",
        run.ledger().end
    );
    assert_eq!(other.objects["ConfigMap/flags"], before);
}

#[test]
fn a_field_of_our_own_patch_is_patched_and_anybody_elses_applied() {
    let kind = |manager: &str, operation: &str, more: Value| {
        let mut shelf = shelf(&[APPLY]);
        let entry = |manager: &str, operation: &str| json!({"manager": manager, "operation": operation, "fieldsV1": {"f:data": {".": {}, "f:on": {}}}});
        let mut fields = vec![entry(manager, operation)];
        fields.extend(more.as_array().cloned().unwrap_or_default());
        shelf.objects.insert(
            "ConfigMap/flags".into(),
            json!({"metadata": {"name": "flags", "managedFields": fields}, "data": {"on": "no"}}),
        );
        let run = shelf.run(2000);
        assert_eq!(
            run.ledger().state,
            RunState::Succeeded,
            "{:?}",
            run.ledger().human
        );
        run.ledger().steps[1].plan.clone().unwrap().kind
    };
    let theirs =
        json!([{"manager": "argocd", "operation": "Apply", "fieldsV1": {"f:data": {"f:on": {}}}}]);
    assert_eq!(kind("vigie", "Update", Value::Null), "k8s.patch");
    assert_eq!(kind("vigie", "Apply", Value::Null), "k8s.apply");
    assert_eq!(kind("kubectl", "Update", Value::Null), "k8s.apply");
    assert_eq!(
        kind("vigie", "Update", theirs),
        "k8s.apply",
        "they claim it: the server says so"
    );
}

#[test]
fn a_list_that_could_not_go_back_is_not_applied_with_a_way_back() {
    let list = APPLY.replace(
        "data = { on = \"yes\" }",
        "spec = { ports = [{ port = 80 }] }",
    );
    let mut shelf = shelf(&[&list]);
    shelf.objects.insert("ConfigMap/flags".into(), json!({"metadata": {"name": "flags"}, "spec": {"ports": [{"port": 81, "protocol": "TCP"}]}}));
    let run = shelf.run(2000);
    assert!(
        run.ledger()
            .end
            .clone()
            .unwrap()
            .message
            .contains("going back would replace it as a whole")
    );
    shelf.objects.insert("ConfigMap/flags".into(), json!({"metadata": {"name": "flags"}, "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}}));
    shelf.disk.clear();
    assert_eq!(
        shelf.run(2000).ledger().state,
        RunState::Succeeded,
        "defaults are no difference"
    );
    assert!(shelf.writes.is_empty());
}

#[test]
fn what_may_not_be_made_is_a_mistake_of_the_file() {
    for (change, wanted) in [
        (
            ("kind = \"ConfigMap\"", "kind = \"Secret\""),
            "a Secret is not applied",
        ),
        (
            ("apiVersion = \"v1\", ", ""),
            "the manifest has no `apiVersion`",
        ),
        (
            ("name = \"flags\"", "name = \"flags\", namespace = \"x\""),
            "`metadata.namespace` does not belong",
        ),
        (("}, data =", "}, status = {}, data ="), "holds a `status`"),
    ] {
        let found = mistakes(&APPLY.replace(change.0, change.1));
        assert!(
            found.iter().any(|one| one.contains(wanted)),
            "{wanted}: {found:?}"
        );
    }
    let found = mistakes(&JOB.replace("CronJob/nightly", "Deployment/x"));
    assert!(
        found.iter().any(|one| one.contains("made from a CronJob")),
        "{found:?}"
    );
    let found = mistakes(&JOB.replace("timeout = { after = \"10m\", then = \"pause\" }", ""));
    assert!(
        found.iter().any(|one| one.contains("has no timeout")),
        "{found:?}"
    );
}
