//! Runs against the simulated platform: through App, machine, engine and journal as the console goes, and through the
//! real binary as a script does. The platform's own record of writes is the witness.

mod approvals;
pub mod bench;
pub mod binary;
mod clocks;
mod faults;
pub mod locks;

use bench::Bench;
use vigie::app::command::Command;
use vigie::runbook::machine::{Fact, Reason, RunState};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::scenario::Scenario;

/// Where the workload is patched.
pub const BACKEND: &str = "/apis/apps/v1/namespaces/veza-production/deployments/veza-backend";

/// What happens to the next so many changes.
pub fn on_patch(fault: Fault, times: u32) -> Rule {
    Rule {
        face: Some(Face::Kubernetes),
        method: "PATCH".into(),
        path: BACKEND.into(),
        fault,
        times: Some(times),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_ends_well_with_one_change_that_was_recorded_before() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.roll_back(&[("hold", "15s")]);
    let end = bench.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{}", bench.story());
    let writes = bench.changes();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    let entries = bench.journal();
    let intent = entries.iter().position(
        |fact| matches!(fact, Fact::Intent(intent) if intent.audit_id == writes[0].audit_id),
    );
    let outcome = entries
        .iter()
        .position(|fact| matches!(fact, Fact::Outcome(_)));
    assert!(intent.is_some() && intent < outcome, "{}", bench.story());
    assert!(writes[0].body["metadata"]["uid"].is_string());
    assert!(writes[0].body["metadata"]["resourceVersion"].is_string());
    assert_eq!(
        bench.image().await,
        "registry.veza.app/veza-backend-api:v1.0.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_choose_the_revision_and_say_why() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.roll_back(&[("hold", "15s")]);
    bench
        .until("the revision is chosen", |runs| {
            runs.entries
                .iter()
                .any(|entry| matches!(&entry.fact, Fact::Done { step, .. } if step == "revision"))
        })
        .await;
    let chosen = bench.journal().into_iter().find_map(|fact| match fact {
        Fact::Done { step, out } if step == "revision" => Some(out),
        _ => None,
    });
    let chosen = chosen.unwrap();
    let evidence = chosen["evidence"].as_str().unwrap();
    assert!(evidence.starts_with("signals were good"), "{evidence}");
    assert_eq!(chosen["image"], "registry.veza.app/veza-backend-api:v1.0.0");
    assert_eq!(
        chosen["leaving_image"],
        "registry.veza.app/veza-backend-api:v1.1.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_viewer_is_refused_before_the_first_effect_with_the_missing_rule() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Viewer).await;
    bench.roll_back(&[]);
    let end = bench.end().await;
    assert!(end.refused, "{end:?}");
    assert!(
        end.message.contains("patch deployments.apps/veza-backend"),
        "{end:?}"
    );
    assert!(bench.all_writes().is_empty(), "not even a rehearsal");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_the_change_is_probed_and_never_repeated() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.before_the_change().await;
    bench.faults().add(on_patch(Fault::DropAfter, 1));
    bench.go();
    bench.settled().await;
    assert_eq!(bench.changes().len(), 1, "{:#?}", bench.changes());
    let facts = bench.journal();
    assert!(
        facts
            .iter()
            .any(|fact| matches!(fact, Fact::Unknown { .. }))
    );
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Probed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_lost_before_the_change_is_sent_again_with_one_effect() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.before_the_change().await;
    bench.faults().add(on_patch(Fault::DropBefore, 1));
    bench.go();
    bench.settled().await;
    assert_eq!(bench.changes().len(), 1, "{:#?}", bench.changes());
    let intents: Vec<String> = bench
        .journal()
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Intent(intent) => Some(intent.audit_id),
            _ => None,
        })
        .collect();
    assert_eq!(intents.len(), 2, "{}", bench.story());
    assert_eq!(bench.changes()[0].audit_id, intents[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_is_not_tried_again() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.before_the_change().await;
    bench.faults().add(on_patch(Fault::Status(403, None), 9));
    bench.go();
    let human = bench.human().await;
    assert_eq!(human.reason, Reason::Denied, "{}", bench.story());
    let tried = bench
        .journal()
        .into_iter()
        .filter(|fact| matches!(fact, Fact::Intent(_)));
    assert_eq!(tried.count(), 1);
    assert!(bench.changes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_change_of_the_same_fields_stops_the_run() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.before_the_change().await;
    bench.release_something_else().await;
    bench.go();
    let human = bench.human().await;
    assert_eq!(human.reason, Reason::Conflict, "{}", bench.story());
    assert!(bench.changes().is_empty(), "{:#?}", bench.changes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_prometheus_makes_the_gate_inconclusive() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.before_the_change_of("rollback-short").await;
    bench.faults().add(Rule {
        face: Some(Face::Prometheus),
        method: String::new(),
        path: String::new(),
        fault: Fault::Status(503, None),
        times: None,
    });
    bench.go();
    let human = bench.human().await;
    assert_eq!(human.reason, Reason::Gate, "{}", bench.story());
    assert!(human.message.starts_with("inconclusive"), "{human:?}");
    assert_eq!(bench.changes().len(), 1, "held, not undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_does_not_help_fails_its_gate() {
    let mut bench = Bench::new(Scenario::SlowDependency, Identity::Oncall).await;
    bench.roll_back(&[("hold", "15s"), ("revision", "41")]);
    let human = bench.human().await;
    assert_eq!(human.reason, Reason::Gate, "{}", bench.story());
    assert!(human.message.starts_with("fail"), "{human:?}");
    assert_eq!(
        bench.changes().len(),
        1,
        "the way back is a person's choice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_goes_back_to_a_controller_revision() {
    let mut bench = Bench::new(Scenario::Healthy, Identity::Oncall).await;
    bench.stateful_set().await;
    let before = bench.revisions_of_the_set().await;
    assert_eq!(before, [(1, "v1".into()), (2, "v2".into())]);
    let mut request = bench.request(&[("hold", "15s"), ("revision", "1")]);
    request
        .params
        .insert("workload".into(), "StatefulSet/veza-queue".into());
    bench.command(Command::StartRun(Box::new(request)));
    bench.settled().await;
    let after = bench.revisions_of_the_set().await;
    assert_eq!(after, [(2, "v2".into()), (3, "v1".into())]);
    // Its controller may write it while it is read, and then the first try is refused; it changed once.
    assert_eq!(bench.changes().len(), 1, "{}", bench.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_place_is_refused_without_its_confirmation() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    let mut request = bench.request(&[]);
    request.unattended = true;
    request.answers.confirm.clear();
    bench.command(Command::StartRun(Box::new(request)));
    let refusal = bench.refusal().await;
    assert!(
        refusal.sentence.contains("--confirm veza-production"),
        "{refusal:?}"
    );
    assert!(!refusal.usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_that_takes_no_record_stops_everything() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    // A file where the folder of runs would be.
    std::fs::write(bench.state().join("runs"), "").unwrap();
    bench.roll_back(&[]);
    bench.refusal().await;
    assert!(bench.all_writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rollback_after_the_recovery_is_refused_and_changes_nothing() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    bench.roll_back(&[("hold", "15s")]);
    let end = bench.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{}", bench.story());
    bench.command(Command::PutRunAway);
    bench.roll_back(&[("hold", "15s")]);
    bench
        .until("the second one began", |runs| !runs.entries.is_empty())
        .await;
    let end = bench.end().await;
    assert!(
        end.refused
            && end
                .message
                .contains("is the last good one and runs already"),
        "{end:?}\n{}",
        bench.story()
    );
    assert_eq!(bench.changes().len(), 1);
    assert_eq!(
        bench.image().await,
        "registry.veza.app/veza-backend-api:v1.0.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_takes_the_bad_releases_notes_away_with_it() {
    let mut bench = Bench::new(Scenario::BadRelease, Identity::Oncall).await;
    let cause = "kubernetes.io/change-cause";
    let bad = bench.object().await["metadata"]["annotations"][cause].clone();
    assert!(
        bad.as_str().is_some_and(|cause| cause.contains("v1.1.0")),
        "{bad}"
    );
    bench.roll_back(&[("hold", "15s")]);
    bench.settled().await;
    let after = bench.object().await["metadata"]["annotations"].clone();
    assert!(
        after[cause]
            .as_str()
            .is_none_or(|cause| !cause.contains("v1.1.0")),
        "{after}"
    );
    assert_eq!(after["deployment.kubernetes.io/revision"], "44");
}
