//! Applications that a run suspends: whatever becomes of the run, they sync again as they did.

use super::fields::{Lost, Shelf, mistakes};
use super::*;
use crate::runbook::machine::objects::is_suspension;

const SUSPEND: &str = "id = \"off\"\nkind = \"argocd.suspend\"\nname = \"veza\"";
const RESUME: &str = "id = \"on\"\nkind = \"argocd.resume\"\nname = \"veza\"";
const PATCH: &str = "id = \"p\"\nkind = \"k8s.patch\"\nns = \"prod\"\ntarget = \"Deployment/api\"\npatch = { spec = { minReadySeconds = 10 } }\nundo = \"previous-values\"";
/// Fails: the object is not there.
const FAILS: &str =
    "id = \"last\"\nkind = \"check\"\nns = \"prod\"\ntarget = \"Deployment/nobody\"";
/// Fails for good: what it finds is not what it checks.
const ENDS: &str = "id = \"last\"\nkind = \"check\"\nns = \"prod\"\ntarget = \"Deployment/api\"\non_failure = \"abort\"\n[[check]]\nthat = \"out.replicas\"\nis = 99";
const APPLICATION: &str = "Application.argoproj.io/veza";

fn application() -> Value {
    json!({"spec": {"project": "default", "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "retry": {"limit": 3}}}})
}

fn shelf(fences: &[&str]) -> Shelf {
    Shelf::new(
        fences,
        &[
            (APPLICATION, application()),
            ("Deployment/api", json!({"spec": {}})),
        ],
    )
}

fn sent(shelf: &Shelf) -> Vec<Value> {
    let ours = shelf.writes.iter().filter(|(name, _)| name == APPLICATION);
    ours.map(|(_, patch)| patch["spec"]["syncPolicy"]["automated"].clone())
        .collect()
}

#[test]
fn it_is_suspended_and_resumed_as_it_was() {
    let mut shelf = shelf(&[SUSPEND, PATCH, RESUME]);
    let run = shelf.run(2000);
    assert_eq!(
        run.ledger().state,
        RunState::Succeeded,
        "{:?}",
        run.ledger().human
    );
    assert_eq!(
        sent(&shelf),
        [Value::Null, json!({"prune": true, "selfHeal": true})]
    );
    assert_eq!(shelf.objects[APPLICATION], application());
    let put_back =
        |entry: &Entry| matches!(entry.fact, Fact::Ending { .. } | Fact::UndoDone { .. });
    assert!(
        !shelf.disk.iter().any(put_back),
        "it was resumed by a step already"
    );
    let rights = |verb: &str| format!("{verb} applications.argoproj.io/{} in argocd", "veza");
    assert!(shelf.asked.contains(&rights("patch")) && shelf.asked.contains(&rights("get")));
}

#[test]
fn it_is_resumed_however_the_run_ends() {
    // At its end, where the file forgot to.
    let mut forgot = shelf(&[SUSPEND, PATCH]);
    let run = forgot.run(2000);
    assert_eq!(run.ledger().state, RunState::Succeeded);
    assert_eq!(forgot.objects[APPLICATION], application());
    assert_eq!(
        forgot.objects["Deployment/api"]["spec"]["minReadySeconds"], 10,
        "and nothing else"
    );
    // Where a step ends it.
    let mut ended = shelf(&[SUSPEND, PATCH, ENDS]);
    let run = ended.run(2000);
    let end = run.ledger().end.clone().unwrap();
    assert_eq!(end.state, RunState::Failed, "{end:?}");
    assert_eq!(ended.objects[APPLICATION], application());
    assert_eq!(
        end.leftovers.len(),
        1,
        "the patch stays, and is listed: {end:?}"
    );
    // Where a person stops it.
    let mut stopped = shelf(&[SUSPEND, PATCH, FAILS]);
    let run = stopped.run(2000);
    assert_eq!(sent(&stopped), [Value::Null]);
    let (run, effects) = step(
        run,
        stopped.now,
        Event::Decided {
            by: "x".into(),
            decision: Decision::Way(Way::Stop),
        },
    );
    let run = stopped.drive(run, effects, 2000);
    assert_eq!(
        (run.ledger().state, sent(&stopped).len()),
        (RunState::Failed, 2)
    );
    assert_eq!(stopped.objects[APPLICATION], application());
    // And where everything is undone, last of all, past a barrier too.
    let barrier = PATCH.replace("undo = \"previous-values\"", "barrier = true");
    let mut back = shelf(&[SUSPEND, &barrier, FAILS]);
    let run = back.run(2000);
    let run = back.back(run);
    assert_eq!(
        back.objects[APPLICATION],
        application(),
        "{:?}",
        run.ledger().end
    );
}

#[test]
fn killed_anywhere_it_is_suspended_once_and_resumed_once() {
    for fences in [
        &[SUSPEND, PATCH][..],
        &[SUSPEND, PATCH, RESUME],
        &[SUSPEND, ENDS],
    ] {
        for lost in [Lost::Never, Lost::After, Lost::Before] {
            for limit in 1..300 {
                let mut shelf = shelf(fences);
                shelf.lost = vec![lost];
                let ended = shelf.run(limit).ledger().end.is_some();
                if shelf.disk.is_empty() || ended {
                    continue;
                }
                let run = shelf.resume();
                assert!(
                    run.ledger().end.is_some(),
                    "{lost:?} after {limit}: {:?}",
                    run.ledger().human
                );
                assert_eq!(sent(&shelf).len(), 2, "{lost:?} after {limit}");
                assert_eq!(shelf.objects[APPLICATION], application());
            }
        }
    }
}

#[test]
fn what_somebody_set_meanwhile_is_left() {
    let mut shelf = shelf(&[SUSPEND, FAILS, RESUME]);
    let run = shelf.run(2000);
    shelf.objects.get_mut(APPLICATION).unwrap()["spec"]["syncPolicy"]["automated"] =
        json!({"prune": false});
    let (run, effects) = step(
        run,
        shelf.now,
        Event::Decided {
            by: "x".into(),
            decision: Decision::Way(Way::Stop),
        },
    );
    let run = shelf.drive(run, effects, 2000);
    let end = run.ledger().end.clone().unwrap();
    assert_eq!(end.state, RunState::Failed);
    assert!(
        end.leftovers[0].contains("kubectl -n argocd patch application.argoproj.io veza"),
        "{end:?}"
    );
    assert_eq!(sent(&shelf).len(), 1);
}

#[test]
fn one_that_syncs_by_hand_is_left_as_it_is() {
    let mut shelf = shelf(&[SUSPEND, PATCH, RESUME]);
    shelf
        .objects
        .insert(APPLICATION.into(), json!({"spec": {"project": "default"}}));
    let run = shelf.run(2000);
    assert_eq!(
        run.ledger().state,
        RunState::Succeeded,
        "{:?}",
        run.ledger().human
    );
    assert!(sent(&shelf).is_empty());
}

#[test]
fn one_that_is_not_there_is_said_by_name() {
    let mut shelf = shelf(&[SUSPEND, PATCH]);
    shelf.objects.remove(APPLICATION);
    let run = shelf.run(2000);
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.refused
            && end
                .message
                .contains("Application.argoproj.io/veza does not exist in argocd"),
        "{end:?}"
    );
}

#[test]
fn a_file_cannot_keep_one_suspended_or_resume_a_strangers() {
    let kept = mistakes(&format!("{SUSPEND}\nundo = \"none\"\nwhy = \"x\""));
    assert!(
        kept.iter()
            .any(|one| one.contains("its way back is its own")),
        "{kept:?}"
    );
    let strange = mistakes(RESUME);
    assert!(
        strange
            .iter()
            .any(|one| one.contains("resumes what no step before it suspended")),
        "{strange:?}"
    );
    let shelf = shelf(&[SUSPEND]);
    assert!(shelf.book.steps.iter().any(is_suspension));
}
