//! The cost of one pod's change must not grow with the number of pods: counted in rows looked at, never in time.

use super::kind::Kind;
use super::message::{ClusterFact, Fact, Message, WatchNews};
use super::screen::Screen;
use super::state::{App, Settings};
use super::stock::{Roll, looked};
use crate::domain::object::{Owner, Selector};
use crate::domain::pod::Pod;
use crate::domain::target::{Environment, Scope, Target};
use crate::domain::workload::{Strategy, Workload, WorkloadKind};
use jiff::Timestamp;
use std::sync::Arc;

fn now() -> Timestamp {
    Timestamp::from_second(1_772_593_927).unwrap()
}

fn workload(number: usize, pods: usize) -> Workload {
    let name: Arc<str> = format!("service-{number}").into();
    let pods = pods as u32;
    Workload {
        kind: WorkloadKind::StatefulSet,
        uid: name.clone(),
        namespace: "crowd".into(),
        name,
        labels: [].into(),
        selector: Selector(Vec::new()),
        desired: pods,
        current: pods,
        updated: pods,
        ready: pods,
        available: pods,
        generation: 1,
        observed: 1,
        paused: false,
        revision: None,
        stateful_revisions: None,
        images: Vec::new(),
        version: None,
        strategy: Strategy::Recreate,
        progress: None,
        progress_deadline_s: None,
        change_cause: None,
        writer: None,
        manager: None,
        created: None,
    }
}

fn pod(number: usize, workloads: usize, restarts: u32) -> Pod {
    let owner: Arc<str> = format!("service-{}", number % workloads).into();
    Pod {
        uid: format!("pod-{number}").into(),
        namespace: "crowd".into(),
        name: format!("{owner}-{number}").into(),
        labels: Arc::default(),
        owner: Some(Owner {
            kind: "StatefulSet".into(),
            name: owner.clone(),
            uid: owner,
        }),
        ready: 1,
        containers: 1,
        status: "Running".into(),
        restarts,
        last_restart: None,
        created: Some(now()),
        ready_since: Some(now()),
        serves: true,
        node: None,
        container_names: Arc::from([]),
        images: Arc::from([]),
        deleting_since: None,
        trouble: None,
    }
}

fn learn(app: &mut App, fact: ClusterFact) {
    app.update(Message::Fact(Fact::Cluster(fact)), now());
}

fn console(pods: usize, workloads: usize) -> App {
    let target = Target {
        context: "crowd".into(),
        server: "https://127.0.0.1".into(),
        cluster_uid: None,
        scope: Scope::Namespace("crowd".into()),
        environment: Environment {
            name: "production".into(),
            guarded: true,
        },
        user: None,
    };
    let mut app = App::new(target, Settings::default(), Screen::Overview, now());
    for kind in [Kind::Pods, Kind::StatefulSets] {
        learn(&mut app, ClusterFact::Watch(kind, WatchNews::Heard));
    }
    let rows = (0..workloads)
        .map(|n| workload(n, pods / workloads))
        .collect();
    for roll in [Roll::Rows(rows), Roll::Listed] {
        learn(&mut app, ClusterFact::Workloads(Kind::StatefulSets, roll));
    }
    let rows = (0..pods).map(|n| pod(n, workloads, 0)).collect();
    for roll in [Roll::Rows(rows), Roll::Listed] {
        learn(&mut app, ClusterFact::Pods(roll));
    }
    app.refresh();
    app
}

/// Rows looked at for one pod's change, as the loop takes it in.
fn cost(app: &mut App, workloads: usize) -> usize {
    looked::at();
    learn(
        app,
        ClusterFact::Pods(Roll::Rows(vec![pod(17, workloads, 1)])),
    );
    app.refresh();
    app.wants();
    looked::at()
}

#[test]
fn a_pods_change_costs_the_same_among_ten_times_as_many() {
    let few = cost(&mut console(1_000, 50), 50);
    let many = cost(&mut console(10_000, 500), 500);
    assert!(few > 0 && many * 2 <= few * 3, "{few} rows, then {many}");
}

#[test]
fn a_pods_change_costs_the_same_in_a_workload_of_ten_times_as_many() {
    let few = cost(&mut console(1_000, 1), 1);
    let many = cost(&mut console(10_000, 1), 1);
    assert!(few > 0 && many * 2 <= few * 3, "{few} rows, then {many}");
}

#[test]
fn a_second_without_news_looks_at_no_row_that_is_well() {
    let mut app = console(1_000, 50);
    looked::at();
    app.update(Message::Tick, now());
    app.refresh();
    app.wants();
    let rows = looked::at();
    assert!(rows <= 10, "{rows} rows");
}
