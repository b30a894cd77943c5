//! The cost of one pod's change must not grow with the number of pods: counted in rows looked at, never in time.

use super::kind::Kind;
use super::message::{ClusterFact, Fact, Message, WatchNews};
use super::screen::Screen;
use super::state::{App, Settings};
use super::stock::{Roll, looked};
use crate::domain::pod::Pod;
use crate::domain::sample;
use crate::domain::target::{Environment, Scope, Target};
use jiff::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_second(1_772_593_927).unwrap()
}

fn name(number: usize) -> String {
    format!("service-{number}")
}

/// A pod; one that restarted no longer serves.
fn pod(number: usize, workloads: usize, restarts: u32) -> Pod {
    Pod {
        restarts,
        serves: restarts == 0,
        ..sample::pod(&name(number % workloads), number, now())
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
        scope: Scope::Namespace(sample::NAMESPACE.into()),
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
        .map(|n| sample::workload(&name(n), (pods / workloads) as u32, now()))
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
