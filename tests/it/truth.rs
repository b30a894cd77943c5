//! Whole consoles on the simulated platform while something fails: rows stay, their age is said, nothing unknown is called well,
//! and what has come back is believed again. The App and the engine are real, and so is HTTP; only the platform is simulated.
//!
//! Length: one bad day per test, with the console they all share.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use vigie::app::kind::Kind;
use vigie::app::message::{Fact, Message};
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::link::{LinkState, Source};
use vigie::domain::signal::SignalName;
use vigie::domain::target::{Environment, Scope};
use vigie::domain::verdict::Level;
use vigie::engine::setting::Sources;
use vigie::engine::{Engine, Outside, WAITING};
use vigie::platform::kubernetes::Patience;
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::scenario::Scenario;
use vigie::sim::{NAMESPACE, Options, Running, start};

use crate::outside;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often polled sources are asked here.
const INTERVAL: SignedDuration = SignedDuration::from_millis(300);

struct Console {
    running: Running,
    app: App,
    engine: Engine,
    facts: mpsc::Receiver<Fact>,
}

/// What a test may vary.
struct Setup {
    scenario: Scenario,
    scope: Scope,
    prometheus: Option<String>,
    named: bool,
    interval: SignedDuration,
    before: Vec<Rule>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            scenario: Scenario::Healthy,
            scope: Scope::Namespace(NAMESPACE.into()),
            prometheus: None,
            named: true,
            interval: INTERVAL,
            before: Vec::new(),
        }
    }
}

fn rule(face: Face, path: &str, fault: Fault) -> Rule {
    Rule {
        face: Some(face),
        method: String::new(),
        path: path.into(),
        fault,
        times: None,
    }
}

impl Console {
    async fn open(setup: Setup) -> Self {
        let running = start(Options {
            scenario: setup.scenario,
            advance: Duration::from_secs(150),
            ..Options::default()
        })
        .await
        .unwrap();
        for rule in setup.before {
            running.faults().add(rule);
        }
        let prometheus = setup.prometheus.as_ref().unwrap_or(&running.prometheus);
        let sources = if setup.named {
            Sources {
                prometheus: outside::at(prometheus),
                alertmanager: outside::at(&running.alertmanager),
                ..Sources::default()
            }
        } else {
            Sources {
                scrape: Some(SignedDuration::from_millis(1200)),
                ..Sources::default()
            }
        };
        let outside = Outside {
            sources: Arc::new(sources),
            scope: setup.scope,
            patience: Patience {
                opening: Duration::from_secs(3),
                listing: Duration::from_secs(1),
                first: Duration::from_millis(50),
                longest: Duration::from_millis(400),
                ..Patience::default()
            },
            interval: setup.interval,
            ..outside::of(&running, Identity::Oncall).await
        };
        let target = outside::target(&outside, outside::production());
        let now = outside.clock.now();
        let settings = Settings {
            interval: setup.interval,
            ..Settings::default()
        };
        let (sender, facts) = mpsc::channel(WAITING);
        let environment = Arc::new(|at: vigie::engine::Place<'_>| Environment {
            name: if at.cluster.is_some() {
                "known"
            } else {
                "staging"
            }
            .into(),
            guarded: false,
        });
        Self {
            app: App::new(target, settings, Screen::Overview, now),
            engine: Engine::start(outside, environment, sender),
            facts,
            running,
        }
    }

    /// A console that has seen everything once.
    async fn settled(setup: Setup) -> Self {
        let mut console = Self::open(setup).await;
        console
            .until("everything was seen once", App::settled)
            .await;
        console
    }

    /// Takes in what happens for a moment.
    async fn turn(&mut self) {
        self.engine.reconcile(self.app.wants());
        let fact = tokio::time::timeout(Duration::from_millis(50), self.facts.recv()).await;
        let now = self.engine.clock().now();
        match fact {
            Ok(Some(fact)) => self.app.update(Message::Fact(fact), now),
            Ok(None) => panic!("the engine has ended"),
            Err(_) => self.app.update(Message::Tick, now),
        };
        while let Ok(fact) = self.facts.try_recv() {
            self.app.update(Message::Fact(fact), now);
        }
        self.app.refresh();
    }

    async fn until(&mut self, what: &str, so: impl Fn(&App) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so(&self.app) {
            assert!(
                Instant::now() < end,
                "never: {what}; {:?}, {:?}, {:?}",
                self.app.headline,
                self.app.link(Source::Kubernetes),
                self.app.link(Source::Prometheus)
            );
            self.turn().await;
        }
    }

    /// Lets time pass, watching that something holds throughout.
    async fn throughout(&mut self, time: Duration, what: &str, so: impl Fn(&App) -> bool) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn().await;
            assert!(
                so(&self.app),
                "not throughout: {what}; {:?}",
                self.app.headline
            );
        }
    }

    fn fail(&self, face: Face, path: &str, fault: Fault) {
        self.running.faults().add(rule(face, path, fault));
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<(Face, String)> {
        self.running.faults().take_asked()
    }
}

fn live(app: &App, source: Source) -> bool {
    matches!(app.link(source), LinkState::Live(_))
}

fn stale(app: &App, source: Source) -> bool {
    matches!(app.link(source), LinkState::Stale { .. })
}

fn backend(app: &App) -> Level {
    let row = app
        .services
        .in_order()
        .find(|row| &*row.object.name == "veza-backend");
    row.map_or(Level::Unknown, |row| row.level())
}

/// Whether the backend is well by its figures, and not only by its pods.
fn measured(app: &App) -> bool {
    let (namespace, name) = (NAMESPACE.into(), "veza-backend".into());
    let reading = app.signals.reading(&namespace, &name);
    let known =
        reading.is_some_and(|reading| reading.get(SignalName::ErrorRatio).value().is_some());
    known && backend(app) == Level::Healthy
}

/// The rows of a cut console stay, and it says how old they are until it is live again.
async fn survives(fault: Fault) {
    let mut console = Console::settled(Setup::default()).await;
    let (pods, services) = (
        console.app.cluster.pods.len(),
        console.app.services.in_order().count(),
    );
    assert!(pods > 5 && services > 2, "{pods} pods, {services} services");
    console.fail(Face::Kubernetes, "", fault);
    console.running.faults().cut_streams();
    console
        .until("the trouble is said", |app| stale(app, Source::Kubernetes))
        .await;
    console
        .throughout(
            Duration::from_millis(700),
            "rows stay and are not called well",
            |app| {
                app.cluster.pods.len() == pods
                    && app.services.in_order().count() == services
                    && app.headline.level == Level::Unknown
                    && app.headline.text.contains("has not answered for")
            },
        )
        .await;
    console.running.faults().clear();
    console
        .until("it comes back by itself", |app| {
            live(app, Source::Kubernetes) && app.headline.level != Level::Unknown
        })
        .await;
    assert_eq!(console.app.cluster.pods.len(), pods);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_apiserver_leaves_the_rows_and_their_age() {
    survives(Fault::DropBefore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_apiserver_leaves_the_rows_and_their_age() {
    survives(Fault::Status(503, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttling_apiserver_leaves_the_rows_and_their_age() {
    survives(Fault::Status(429, Some(1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apiserver_that_accepts_and_never_answers_leaves_the_rows_and_their_age() {
    survives(Fault::Hang).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apiserver_that_never_answered_is_said_and_nothing_is_well() {
    let mut console = Console::open(Setup {
        before: vec![rule(Face::Kubernetes, "", Fault::Hang)],
        ..Setup::default()
    })
    .await;
    console
        .until("it is said", |app| {
            stale(app, Source::Kubernetes) && app.headline.text.contains("no answer in time")
        })
        .await;
    assert_eq!(console.app.headline.level, Level::Unknown);
    console.running.faults().clear();
    console
        .until("it comes by itself", |app| {
            live(app, Source::Kubernetes) && backend(app) == Level::Healthy
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_login_leaves_the_rows_and_is_said() {
    let mut console = Console::settled(Setup::default()).await;
    let pods = console.app.cluster.pods.len();
    console.fail(Face::Kubernetes, "", Fault::Status(401, None));
    console.running.faults().cut_streams();
    console
        .until("the login is said", |app| {
            stale(app, Source::Kubernetes) && app.headline.text.contains("login refused")
        })
        .await;
    assert_eq!(console.app.cluster.pods.len(), pods);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_gone_is_listed_anew_without_losing_a_row() {
    let mut console = Console::settled(Setup::default()).await;
    let pods = console.app.cluster.pods.len();
    console.running.faults().add(Rule {
        times: Some(5),
        ..rule(Face::Kubernetes, "", Fault::Status(410, None))
    });
    console.running.faults().cut_streams();
    console
        .throughout(Duration::from_secs(2), "rows stay", |app| {
            app.cluster.pods.len() == pods
        })
        .await;
    console
        .until("it is live", |app| live(app, Source::Kubernetes))
        .await;
}

/// Where signals cannot be had, nothing that has signals is called well, and the sentence says why.
async fn blinds(fault: Fault) {
    let mut console = Console::settled(Setup::default()).await;
    console.until("it is well by its figures", measured).await;
    console.fail(Face::Prometheus, "", fault);
    console
        .until("it is unknown", |app| backend(app) == Level::Unknown)
        .await;
    let text = &console.app.headline.text;
    assert!(text.contains("prom does not answer"), "{text}");
    assert_eq!(console.app.headline.level, Level::Unknown);
    assert!(console.app.disbelief().is_some());
    console.running.faults().clear();
    console.until("it is well again", measured).await;
    assert_eq!(console.app.disbelief(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_fails_makes_services_unknown() {
    blinds(Fault::Status(500, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_is_cut_makes_services_unknown() {
    blinds(Fault::DropBefore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_says_nothing_makes_services_unknown() {
    blinds(Fault::Hang).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_that_are_no_numbers_are_unknown_and_nothing_is_called_well() {
    let mut console = Console::settled(Setup::default()).await;
    console.until("it is well by its figures", measured).await;
    console.fail(Face::Prometheus, "/api/v1/query", Fault::NotANumber);
    let (namespace, name) = (NAMESPACE.into(), "veza-backend".into());
    console
        .until("they are unknown", |app| {
            let reading = app.signals.reading(&namespace, &name);
            reading.is_some_and(|reading| {
                [
                    SignalName::Requests,
                    SignalName::ErrorRatio,
                    SignalName::P99,
                ]
                .into_iter()
                .all(|signal| reading.get(signal).value().is_none())
            })
        })
        .await;
    console
        .throughout(Duration::from_secs(1), "nothing is well", |app| {
            backend(app) == Level::Unknown && app.headline.level == Level::Unknown
        })
        .await;
    console.running.faults().clear();
    console.until("it is well again", measured).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alertmanager_that_fails_is_said_and_its_alerts_are_kept() {
    let mut console = Console::settled(Setup {
        scenario: Scenario::BadRelease,
        ..Setup::default()
    })
    .await;
    console
        .until("an alert fires", |app| !app.alerts.is_empty())
        .await;
    console.fail(Face::Alertmanager, "", Fault::Status(500, None));
    console
        .until("it is stale", |app| stale(app, Source::Alertmanager))
        .await;
    assert!(!console.app.alerts.is_empty());
    console.running.faults().clear();
    console
        .until("it is live", |app| live(app, Source::Alertmanager))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_may_not_be_seen_is_said_and_the_others_are_seen() {
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets");
    let mut console = Console::open(Setup {
        before: vec![rule(Face::Kubernetes, &path, Fault::Status(403, None))],
        ..Setup::default()
    })
    .await;
    console
        .until("it is said", |app| {
            app.notice.as_ref().is_some_and(|(notice, _)| {
                notice
                    .text
                    .contains("statefulsets may not be seen: may not")
            })
        })
        .await;
    console.until("the others are seen", App::settled).await;
    assert!(
        console
            .app
            .cluster
            .restriction(Kind::StatefulSets)
            .is_some()
    );
    assert_eq!(console.app.cluster.restriction(Kind::Pods), None);
    assert!(live(&console.app, Source::Kubernetes) && !console.app.cluster.pods.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_all_namespaces_sees_his_own_and_is_told() {
    let mut before: Vec<Rule> = ["deployments", "replicasets", "statefulsets", "daemonsets"]
        .map(|kind| {
            rule(
                Face::Kubernetes,
                &format!("/apis/apps/v1/{kind}"),
                Fault::Status(403, None),
            )
        })
        .into();
    before.push(rule(
        Face::Kubernetes,
        "/api/v1/pods",
        Fault::Status(403, None),
    ));
    let mut console = Console::open(Setup {
        scope: Scope::All,
        before,
        ..Setup::default()
    })
    .await;
    console
        .until("it is narrowed", |app| {
            app.cluster
                .restriction(Kind::Pods)
                .is_some_and(|text| text.contains("only in"))
        })
        .await;
    assert!(console.app.notice.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_we_are_is_asked_until_it_is_answered_and_guarded_until_then() {
    let path = "/api/v1/namespaces/kube-system";
    let mut console = Console::open(Setup {
        before: vec![Rule {
            times: Some(1),
            ..rule(Face::Kubernetes, path, Fault::Status(500, None))
        }],
        ..Setup::default()
    })
    .await;
    console
        .until("the user is known", |app| app.target.user.is_some())
        .await;
    assert!(
        console.app.target.environment.guarded,
        "the cluster is not known yet"
    );
    console
        .until("the cluster is known", |app| {
            app.target.cluster_uid.is_some()
        })
        .await;
    assert!(!console.app.target.environment.guarded);
    assert_eq!(&*console.app.target.environment.name, "known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_of_another_cluster_is_not_believed() {
    let other = start(Options {
        scenario: Scenario::BadRelease,
        seed: 77,
        advance: Duration::from_secs(150),
        ..Options::default()
    })
    .await
    .unwrap();
    let mut console = Console::open(Setup {
        prometheus: Some(other.prometheus.clone()),
        ..Setup::default()
    })
    .await;
    console
        .until("it is a stranger", |app| app.signals.stranger())
        .await;
    let app = &console.app;
    assert!(
        app.disbelief()
            .unwrap()
            .contains("knows no pod of this cluster")
    );
    assert!(
        app.services.in_order().all(|row| row.signals.is_none()),
        "the other cluster's numbers stand beside our workloads"
    );
    console
        .until("row 2 says so", |app| {
            app.headline.level == Level::Unknown
                && app.headline.text.contains("knows no pod of this cluster")
        })
        .await;
    let found = console.engine.prometheus().unwrap();
    assert_eq!(found.knows_pods, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_nobody_named_are_found_through_the_apiserver() {
    let mut console = Console::settled(Setup {
        named: false,
        ..Setup::default()
    })
    .await;
    console
        .until("signals are had", |app| backend(app) == Level::Healthy)
        .await;
    let found = console.engine.prometheus().unwrap();
    assert_eq!(
        found.prometheus.address(),
        "monitoring/prometheus:9090 through the API server"
    );
    assert_eq!(found.knows_pods, Some(true));
    assert!(live(&console.app, Source::Alertmanager));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_prometheus_the_pods_own_pages_stand_in() {
    let away = |path: &str| rule(Face::Kubernetes, path, Fault::Status(403, None));
    let mut console = Console::open(Setup {
        named: false,
        before: vec![
            away("/api/v1/namespaces/monitoring"),
            away("/api/v1/services"),
        ],
        ..Setup::default()
    })
    .await;
    console
        .until("they are read", |app| {
            app.source_name(Source::Prometheus) == "scrape"
        })
        .await;
    let (namespace, name) = (NAMESPACE.into(), "veza-backend".into());
    console
        .until("two scrapes make a rate", |app| {
            app.signals
                .reading(&namespace, &name)
                .is_some_and(|reading| reading.get(SignalName::Requests).value().is_some())
        })
        .await;
    console
        .until("readings become a chart", |app| {
            app.signals
                .errors(&namespace, &name)
                .is_some_and(|series| series.points() >= 2)
        })
        .await;
    assert!(live(&console.app, Source::Prometheus));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_nothing_to_ask_it_is_said_and_pods_are_judged() {
    let away = |path: &str| rule(Face::Kubernetes, path, Fault::Status(403, None));
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods/");
    let mut console = Console::settled(Setup {
        named: false,
        before: vec![
            away("/api/v1/namespaces/monitoring"),
            away("/api/v1/services"),
            away(&pods),
        ],
        ..Setup::default()
    })
    .await;
    let LinkState::Absent(why) = console.app.link(Source::Prometheus) else {
        panic!("{:?}", console.app.link(Source::Prometheus));
    };
    assert!(why.contains("Prometheus"), "{why}");
    console
        .until("pods are judged", |app| {
            app.headline.level == Level::Healthy
                && app.headline.text.contains("Judged by pods alone")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_screen_uses_is_not_fetched_and_when_nothing_changes_nothing_is_asked() {
    let mut console = Console::settled(Setup {
        interval: SignedDuration::from_mins(5),
        ..Setup::default()
    })
    .await;
    console
        .until("we know who we are", |app| {
            app.target.user.is_some() && app.target.cluster_uid.is_some()
        })
        .await;
    let asked = console.asked();
    for unused in [
        "/events",
        "/nodes",
        "horizontalpodautoscalers",
        "/services",
        "/log",
    ] {
        let found = asked
            .iter()
            .find(|(face, path)| *face == Face::Kubernetes && path.contains(unused));
        assert_eq!(found, None, "nobody looks at {unused}");
    }
    // Versions are learned after workloads: the question about them comes once more.
    console
        .throughout(Duration::from_secs(1), "it stays", |_| true)
        .await;
    console.asked();
    console
        .throughout(Duration::from_secs(3), "it stays", |_| true)
        .await;
    assert_eq!(console.asked(), [], "nothing has changed");
}
