//! What is said of a workload, from hand-made evidence: level, sentence, cause, suggestion.
//!
//! Length: one table of what may be found, and the hand-made evidence all of it shares.

use super::{Cause, Evidence, Judgement, judge};
use crate::domain::alert::{Alert, AlertState, Severity};
use crate::domain::object::{Owner, Requirement, Selector};
use crate::domain::pod::{Pod, Trouble};
use crate::domain::rollout::{Revision, rollout_of};
use crate::domain::signal::{Reading, Series, ServiceSignals, SignalName, Thresholds};
use crate::domain::verdict::Level;
use crate::domain::workload::{Image, Strategy, Workload, WorkloadKind};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// 03:12:07 of the night in question.
const NOW: i64 = 1_772_593_927;

fn at(before: i64) -> Timestamp {
    Timestamp::from_second(NOW - before).unwrap()
}

fn backend() -> Workload {
    Workload {
        kind: WorkloadKind::Deployment,
        uid: "backend".into(),
        namespace: "veza-production".into(),
        name: "veza-backend".into(),
        labels: [].into(),
        selector: Selector(vec![Requirement::Is("app".into(), "veza-backend".into())]),
        desired: 3,
        current: 3,
        updated: 3,
        ready: 3,
        available: 3,
        generation: 1,
        observed: 1,
        paused: false,
        revision: Some(43),
        stateful_revisions: None,
        images: vec![Image {
            container: "backend".into(),
            image: "r/api:v1.1.0".into(),
        }],
        version: Some("v1.1.0".into()),
        strategy: Strategy::Recreate,
        progress: None,
        progress_deadline_s: Some(600),
        change_cause: None,
        writer: None,
        manager: None,
        created: None,
    }
}

fn revision() -> Revision {
    Revision {
        uid: "rs-43".into(),
        namespace: "veza-production".into(),
        name: "veza-backend-43".into(),
        owner: Some("backend".into()),
        number: Some(43),
        earlier: Vec::new(),
        images: Vec::new(),
        version: Some("v1.1.0".into()),
        labels: [].into(),
        created: None,
        returned: false,
        settled: None,
        desired: 3,
        current: 3,
        ready: 3,
        available: 3,
        change_cause: None,
        commit: None,
    }
}

/// Ten-second values that end now.
fn series(values: &[f64]) -> Series {
    let step = SignedDuration::from_secs(10);
    Series {
        start: at(10 * (values.len() as i64 - 1)),
        step,
        values: values
            .iter()
            .map(|value| value.is_finite().then_some(*value))
            .collect(),
    }
}

fn readings(errors: f64, p99: f64) -> ServiceSignals {
    let mut signals =
        ServiceSignals::unknown("veza-production", "veza-backend", at(0), "not asked");
    signals.set(SignalName::Requests, Reading::Known(60.0));
    signals.set(SignalName::ErrorRatio, Reading::of(errors));
    signals.set(SignalName::P99, Reading::of(p99));
    signals
}

fn pod(owner: &str, trouble: Option<Trouble>, age: i64) -> Pod {
    Pod {
        uid: format!("{owner}-{age}").as_str().into(),
        namespace: "veza-production".into(),
        name: "veza-backend-1".into(),
        labels: Arc::default(),
        owner: Some(Owner {
            kind: "ReplicaSet".into(),
            name: owner.into(),
            uid: owner.into(),
        }),
        ready: u16::from(trouble.is_none()),
        containers: 1,
        status: if trouble.is_some() {
            "CrashLoopBackOff".into()
        } else {
            "Running".into()
        },
        restarts: 4,
        last_restart: Some(at(3)),
        created: Some(at(age)),
        ready_since: Some(at(age)),
        serves: trouble.is_none(),
        node: None,
        container_names: Arc::from(["backend".into()]),
        images: Arc::from(["r/api:v1.1.0".into()]),
        deleting_since: None,
        trouble,
    }
}

fn crash() -> Trouble {
    Trouble::Crash {
        container: "backend".into(),
        exit_code: 1,
        reason: "Error".into(),
        ended: Some(at(3)),
        waiting: true,
    }
}

/// Everything a case may vary; the rest is a healthy service whose revision 43 took over long ago.
struct Case {
    workload: Workload,
    taken_over: Option<Timestamp>,
    pods: Vec<Pod>,
    signals: Option<ServiceSignals>,
    errors: Option<Series>,
    p99: Option<Series>,
    blind: Option<String>,
    alerts: Vec<Alert>,
    known_onset: Option<Timestamp>,
    known_cause: Option<Cause>,
    returned: bool,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            workload: backend(),
            taken_over: Some(at(86_400)),
            pods: (1..4).map(|n| pod("rs-43", None, 1000 + n)).collect(),
            signals: Some(readings(0.001, 240.0)),
            errors: Some(series(&[0.001; 60])),
            p99: Some(series(&[240.0; 60])),
            blind: None,
            alerts: Vec::new(),
            known_onset: None,
            known_cause: None,
            returned: false,
        }
    }
}

impl Case {
    fn judged(&self) -> Judgement {
        let revision = revision();
        let now = at(0);
        judge(&Evidence {
            workload: &self.workload,
            rollout: rollout_of(&self.workload),
            revision: Some(&revision),
            taken_over: self.taken_over,
            returned: self.returned,
            has_earlier: true,
            pods: self.pods.iter().map(|pod| (pod, pod.level(now))).collect(),
            all_pods: self.pods.len(),
            new_serving: {
                let new = |pod: &&Pod| pod.owner.as_ref().is_some_and(|o| o.uid == revision.uid);
                self.pods
                    .iter()
                    .filter(new)
                    .filter(|pod| pod.serves)
                    .count()
            },
            signals: self.signals.as_ref(),
            errors: self.errors.as_ref(),
            p99: self.p99.as_ref(),
            measured: self.signals.is_some() || self.errors.is_some(),
            blind: self.blind.clone(),
            alerts: self.alerts.iter().collect(),
            thresholds: Thresholds::default(),
            now,
            known_onset: self.known_onset,
            known_cause: self.known_cause.as_ref(),
        })
    }
}

/// Quiet, then so many bad values up to now.
fn onset(bad: usize, quiet: f64, loud: f64) -> Series {
    let mut values = vec![quiet; 60 - bad];
    values.extend(vec![loud; bad]);
    series(&values)
}

#[test]
fn a_bad_release_is_said_with_its_onset_and_its_revision() {
    let case = Case {
        taken_over: Some(at(115)),
        signals: Some(readings(0.214, 930.0)),
        errors: Some(onset(8, 0.001, 0.2)),
        p99: Some(onset(7, 240.0, 900.0)),
        ..Case::default()
    };
    let judged = case.judged();
    assert_eq!(judged.verdict.level, Level::Failing);
    assert_eq!(
        judged.verdict.reason,
        "veza-backend: 21 % of requests fail since 03:10:57, 45 s after revision 43 (v1.1.0) took over"
    );
    assert_eq!(judged.why, "errors above 1 %, p99 above 500 ms");
    assert!(judged.rollback);
}

#[test]
fn trouble_without_a_release_before_it_suggests_no_way_back() {
    let judged = Case {
        signals: Some(readings(0.1, 240.0)),
        errors: Some(onset(8, 0.001, 0.1)),
        ..Case::default()
    }
    .judged();
    assert_eq!(
        judged.verdict.reason,
        "veza-backend: 10 % of requests fail since 03:10:57"
    );
    assert_eq!((judged.rollback, judged.cause), (false, None));
}

#[test]
fn a_revision_that_was_bad_before_it_took_over_is_not_to_blame_alone() {
    let judged = Case {
        taken_over: Some(at(115)),
        signals: Some(readings(0.1, 240.0)),
        errors: Some(series(&[0.1; 60])),
        ..Case::default()
    }
    .judged();
    assert_eq!(judged.verdict.level, Level::Failing);
    assert!(!judged.rollback);
}

#[test]
fn trouble_older_than_what_is_known_has_no_hour_and_no_cause() {
    let judged = Case {
        taken_over: Some(at(950)),
        signals: Some(readings(0.1, 240.0)),
        errors: Some(series(&[0.1; 60])),
        ..Case::default()
    }
    .judged();
    let reason = &judged.verdict.reason;
    assert!(
        reason.starts_with("veza-backend: 10 % of requests fail for more than "),
        "{reason}"
    );
    assert_eq!(judged.cause, None);
    assert!(judged.beyond);
}

#[test]
fn an_onset_that_was_said_is_not_said_anew_for_coarser_values() {
    let case = |known_onset| Case {
        signals: Some(readings(0.1, 240.0)),
        errors: Some(onset(8, 0.001, 0.1)),
        known_onset,
        ..Case::default()
    };
    let first = case(None).judged().onset.unwrap();
    let said = first - SignedDuration::from_secs(7);
    assert_eq!(case(Some(said)).judged().onset, Some(said));
    let other = first - SignedDuration::from_mins(9);
    assert_eq!(case(Some(other)).judged().onset, Some(first));
}

#[test]
fn going_back_is_no_cause_of_what_was_there_before() {
    let bad = || Case {
        taken_over: Some(at(115)),
        signals: Some(readings(0.214, 240.0)),
        errors: Some(onset(8, 0.001, 0.2)),
        ..Case::default()
    };
    let first = bad().judged();
    let blamed = first.cause.clone().unwrap();
    assert!(first.rollback && !blamed.left);
    let back = |seconds: i64| Case {
        taken_over: Some(first.onset.unwrap() + SignedDuration::from_secs(seconds)),
        pods: vec![pod(
            "rs-43",
            Some(Trouble::Unready { what: "api".into() }),
            100,
        )],
        returned: true,
        known_onset: first.onset,
        ..bad()
    };
    let seen = Case {
        known_cause: first.cause.clone(),
        ..back(6)
    };
    let judged = seen.judged();
    assert!(!judged.rollback, "{judged:?}");
    assert_eq!(
        judged.cause,
        Some(Cause {
            left: true,
            ..blamed
        })
    );
    assert_eq!(
        back(6).judged().cause,
        None,
        "who came later knows of no cause"
    );
    let settling = back(-30).judged();
    assert_eq!(settling.cause, None, "rates look back past the return");
    let long_after = Case {
        pods: Vec::new(),
        ..back(-300)
    };
    assert!(long_after.judged().cause.is_some());
}

#[test]
fn exactly_at_a_limit_is_within() {
    assert_eq!(
        Case {
            signals: Some(readings(0.01, 500.0)),
            ..Case::default()
        }
        .judged()
        .verdict
        .level,
        Level::Healthy
    );
}

#[test]
fn silence_is_unknown_and_never_healthy() {
    let mut silent = readings(0.0, 0.0);
    for name in SignalName::ALL {
        silent.set(name, Reading::unknown("no traffic series"));
    }
    let mut values = vec![0.001; 36];
    values.extend(vec![f64::NAN; 24]);
    let judged = Case {
        signals: Some(silent),
        errors: Some(series(&values)),
        ..Case::default()
    }
    .judged();
    assert_eq!(judged.verdict.level, Level::Unknown);
    assert_eq!(judged.why, "no traffic series for 4 m");
    let blind = Case {
        blind: Some("prom does not answer for 31 s (connection refused)".into()),
        ..Case::default()
    }
    .judged();
    assert_eq!(blind.verdict.level, Level::Unknown);
}

#[test]
fn a_workload_that_was_never_measured_is_judged_by_its_pods() {
    let judged = Case {
        signals: None,
        errors: None,
        p99: None,
        ..Case::default()
    }
    .judged();
    assert_eq!(judged.verdict.level, Level::Healthy);
}

#[test]
fn a_crashing_new_pod_names_revision_and_what_still_serves() {
    let mut workload = backend();
    (workload.updated, workload.current) = (1, 4);
    let mut pods: Vec<Pod> = (1..4).map(|n| pod("rs-42", None, 1000 + n)).collect();
    pods.push(pod("rs-43", Some(crash()), 61));
    let judged = Case {
        workload,
        pods,
        taken_over: Some(at(62)),
        ..Case::default()
    }
    .judged();
    assert_eq!(judged.verdict.level, Level::Failing);
    let said = "veza-backend: revision 43 (v1.1.0) cannot start (CrashLoopBackOff), 1 of 4 pods since 03:11:06; 3 of the old revision still serve";
    assert_eq!(judged.verdict.reason, said);
    assert!(judged.rollback);
}

#[test]
fn one_unwell_pod_of_an_old_template_is_watched_while_enough_serve() {
    let mut pods: Vec<Pod> = (1..4).map(|n| pod("rs-43", None, 1000 + n)).collect();
    pods.push(pod("rs-41", Some(crash()), 500));
    assert_eq!(
        Case {
            pods,
            ..Case::default()
        }
        .judged()
        .verdict
        .level,
        Level::Watch
    );
}

#[test]
fn no_ready_pod_is_the_first_thing_said() {
    let mut workload = backend();
    (workload.ready, workload.available) = (0, 0);
    let pods = (1..4)
        .map(|n| pod("rs-43", Some(crash()), 300 + n))
        .collect();
    let judged = Case {
        workload,
        pods,
        ..Case::default()
    }
    .judged();
    assert!(
        judged
            .verdict
            .reason
            .starts_with("veza-backend: none of its 3 pods is ready"),
        "{}",
        judged.verdict.reason
    );
}

#[test]
fn what_came_back_is_watched_for_a_while() {
    let mut values = vec![0.2; 40];
    values.extend(vec![0.001; 20]);
    let judged = Case {
        errors: Some(series(&values)),
        ..Case::default()
    }
    .judged();
    assert_eq!(
        (judged.verdict.level, judged.why.as_str()),
        (Level::Watch, "recovers")
    );
    assert_eq!(
        judged.verdict.reason,
        "veza-backend recovers: errors 0.1 % (limit 1 %), p99 240 ms, since 03:08:57"
    );
}

#[test]
fn a_critical_alert_counts_and_a_silenced_one_does_not() {
    let alert = |state| Alert {
        fingerprint: "f".into(),
        name: "HighErrorRate".into(),
        severity: Severity::Critical,
        state,
        since: Some(at(40)),
        labels: [].into(),
        annotations: [].into(),
        generator: None,
    };
    let fires = Case {
        alerts: vec![alert(AlertState::Active)],
        ..Case::default()
    }
    .judged();
    assert_eq!(fires.verdict.level, Level::Failing);
    let quiet = AlertState::Suppressed {
        silenced_by: vec!["s".into()],
        inhibited_by: Vec::new(),
    };
    assert_eq!(
        Case {
            alerts: vec![alert(quiet)],
            ..Case::default()
        }
        .judged()
        .verdict
        .level,
        Level::Healthy
    );
}
