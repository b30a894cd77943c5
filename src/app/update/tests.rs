//! What a message makes of the App: when nothing is said to be well, when attention is called, when it leaves.

use super::*;
use crate::app::kind::Kind;
use crate::app::message::{ClusterFact, SourceNews, WatchNews};
use crate::app::state::Settings;
use crate::app::stock::Roll;
use crate::domain::alert::{Alert, AlertState, Severity};
use crate::domain::object::ObjectRef;
use crate::domain::target::{Environment, Scope, Target};
use std::collections::BTreeMap;

fn console() -> App {
    let target = Target {
        context: "veza-prod".into(),
        server: "https://10.2.0.1:6443".into(),
        cluster_uid: None,
        scope: Scope::Namespace("veza-production".into()),
        environment: Environment {
            name: "production".into(),
            guarded: true,
        },
        user: None,
    };
    App::new(
        target,
        Settings::default(),
        Screen::Overview,
        Timestamp::UNIX_EPOCH,
    )
}

fn learn(app: &mut App, second: i64, fact: Fact) -> Vec<Effect> {
    app.update(Message::Fact(fact), Timestamp::from_second(second).unwrap());
    app.refresh()
}

fn settled() -> App {
    let mut app = console();
    for kind in [
        Kind::Pods,
        Kind::Deployments,
        Kind::StatefulSets,
        Kind::DaemonSets,
    ] {
        learn(
            &mut app,
            1,
            Fact::Cluster(ClusterFact::Watch(kind, WatchNews::Heard)),
        );
    }
    learn(&mut app, 1, Fact::Cluster(ClusterFact::Pods(Roll::Listed)));
    for kind in [Kind::Deployments, Kind::StatefulSets, Kind::DaemonSets] {
        let listed = ClusterFact::Workloads(kind, Roll::Listed);
        learn(&mut app, 1, Fact::Cluster(listed));
    }
    learn(
        &mut app,
        1,
        Fact::Source(Source::Prometheus, SourceNews::Absent("none".into())),
    );
    learn(
        &mut app,
        1,
        Fact::Source(Source::Alertmanager, SourceNews::Absent("none".into())),
    );
    assert!(app.settled());
    app
}

#[test]
fn nothing_is_said_to_be_well_before_the_lists_are_complete() {
    let mut app = console();
    assert_eq!(app.headline.level, Level::Unknown);
    learn(
        &mut app,
        1,
        Fact::Cluster(ClusterFact::Watch(Kind::Pods, WatchNews::Heard)),
    );
    assert_eq!(
        (app.headline.level, app.headline.text.as_str()),
        (Level::Unknown, "reading the cluster")
    );
}

#[test]
fn attention_is_called_once_for_a_change_and_not_for_the_start() {
    let mut app = settled();
    let cut = || {
        Fact::Cluster(ClusterFact::Watch(
            Kind::Pods,
            WatchNews::Troubled("connection refused".into()),
        ))
    };
    // An empty namespace is unknown already; a lost API server changes the sentence, not the level.
    assert_eq!(learn(&mut app, 2, cut()), []);
    assert!(
        app.headline
            .text
            .starts_with("the API server has not answered"),
        "{}",
        app.headline.text
    );
    app.announced = Some(Level::Healthy);
    let called = learn(&mut app, 3, cut());
    assert!(
        matches!(called.as_slice(), [Effect::Attention(_)]),
        "{called:?}"
    );
    assert_eq!(learn(&mut app, 4, cut()), []);
}

#[test]
fn a_second_interrupt_within_two_seconds_leaves() {
    let mut app = settled();
    let press = |app: &mut App, second| {
        let now = Timestamp::from_second(second).unwrap();
        app.update(Message::Command(Command::Interrupt), now);
    };
    press(&mut app, 10);
    assert!(!app.leaving);
    press(&mut app, 13);
    assert!(!app.leaving);
    press(&mut app, 14);
    assert!(app.leaving);
}

/// An alert that fires critically in a namespace, for the service of the same name everywhere.
fn alert(namespace: Option<&str>, fingerprint: &str) -> Alert {
    let mut labels = BTreeMap::from([("service".into(), "veza-backend".into())]);
    labels.extend(namespace.map(|name| ("namespace".into(), name.into())));
    Alert {
        fingerprint: fingerprint.into(),
        name: "HighErrorRate".into(),
        severity: Severity::Critical,
        state: AlertState::Active,
        since: Some(Timestamp::from_second(1).unwrap()),
        labels,
        annotations: BTreeMap::new(),
        generator: None,
    }
}

#[test]
fn an_alert_of_another_namespace_is_no_change_here() {
    let mut app = settled();
    let told = |app: &App| {
        app.changes
            .iter()
            .map(|c| c.object.clone())
            .collect::<Vec<_>>()
    };
    let elsewhere = alert(Some("veza-staging"), "a");
    learn(&mut app, 2, Fact::Alerts(vec![elsewhere.clone()]));
    assert_eq!(told(&app), []);
    assert!(
        app.headline
            .text
            .contains("1 critical alert in veza-staging")
    );
    let here = alert(Some("veza-production"), "b");
    learn(&mut app, 3, Fact::Alerts(vec![elsewhere.clone(), here]));
    let object = ObjectRef::new("Alert", "veza-production", "veza-backend");
    assert_eq!(told(&app), [object]);
    let unplaced = ObjectRef::new("Alert", "", "veza-backend");
    learn(&mut app, 4, Fact::Alerts(vec![elsewhere, alert(None, "c")]));
    assert!(told(&app).contains(&unplaced), "nobody knows where that is");
}
