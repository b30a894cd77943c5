//! What leaves the console, counted at the simulated platform: nothing while nothing changes, and one request a kind until the
//! table stands. The App and the engine are real, and so is HTTP; times are measured in `benches/`, never asserted.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use vigie::app::message::{Fact, Message};
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::target::{Environment, Scope, Target};
use vigie::engine::clock::Clock;
use vigie::engine::setting::{Sought, Sources, Way};
use vigie::engine::{Engine, Outside, WAITING};
use vigie::keymap::Keymap;
use vigie::platform::http::{Direct, Http};
use vigie::platform::kubernetes::{Cluster, Options as Reach, Patience};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::scenario::Scenario;
use vigie::sim::{Options, Running, start};
use vigie::ui::theme::{Depth, Theme};
use vigie::ui::{View, picture};

const PATIENCE: Duration = Duration::from_secs(30);
/// What a verdict rests on, as it is listed in all namespaces.
const VITAL: [&str; 5] = [
    "/api/v1/pods",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
];

struct Console {
    running: Running,
    app: App,
    engine: Engine,
    facts: mpsc::Receiver<Fact>,
}

/// The address of a source, as the configuration would name it.
fn address(url: &str) -> Sought {
    Sought {
        named: Some(Way::Address(Direct::new(&Http::default(), url).unwrap())),
        ambient: None,
    }
}

fn rule(face: Face, path: &str, fault: Fault, times: Option<u32>) -> Rule {
    Rule {
        face: Some(face),
        method: String::new(),
        path: path.into(),
        fault,
        times,
    }
}

impl Console {
    /// On all namespaces; sources are asked only when they are told to.
    async fn open(screen: Screen, rules: Vec<Rule>) -> Self {
        let running = start(Options {
            scenario: Scenario::Healthy,
            advance: Duration::from_secs(150),
            ..Options::default()
        })
        .await
        .unwrap();
        for rule in rules {
            running.faults().add(rule);
        }
        let reach = Reach {
            server: Some(running.address_of(Identity::Oncall).to_owned()),
            ..Reach::default()
        };
        let clock = running.clock();
        let clock = Clock::new(move || Timestamp::from_millisecond(clock.now_ms()).unwrap());
        let interval = SignedDuration::from_hours(1);
        let outside = Outside {
            cluster: Cluster::connect(&reach).await.unwrap(),
            options: reach,
            sources: Arc::new(Sources {
                prometheus: address(&running.prometheus),
                alertmanager: address(&running.alertmanager),
                ..Sources::default()
            }),
            scope: Scope::All,
            patience: Patience::default(),
            interval,
            window: SignedDuration::from_mins(1),
            windows: Arc::default(),
            clock: clock.clone(),
        };
        let environment = Environment {
            name: "simulated".into(),
            guarded: false,
        };
        let target = Target {
            context: "sim".into(),
            server: running.kubernetes.clone().into(),
            cluster_uid: None,
            scope: Scope::All,
            environment: environment.clone(),
            user: None,
        };
        let settings = Settings {
            interval,
            ..Settings::default()
        };
        let (sender, facts) = mpsc::channel(WAITING);
        let decide = Arc::new(move |_: vigie::engine::Place<'_>| environment.clone());
        Self {
            app: App::new(target, settings, screen, clock.now()),
            engine: Engine::start(outside, decide, sender),
            facts,
            running,
        }
    }

    async fn turn(&mut self) {
        self.engine.reconcile(self.app.wants());
        let fact = tokio::time::timeout(Duration::from_millis(20), self.facts.recv()).await;
        let now = self.engine.clock().now();
        match fact {
            Ok(fact) => self.app.update(Message::Fact(fact.unwrap()), now),
            Err(_) => self.app.update(Message::Tick, now),
        };
        self.app.refresh();
    }

    async fn until(&mut self, so: impl Fn(&App) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so(&self.app) {
            assert!(Instant::now() < end, "never: {:?}", self.app.headline);
            self.turn().await;
        }
    }

    /// How often each path was asked for since this was last asked.
    fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for (_, what) in self.running.faults().take_asked() {
            *asked.entry(what).or_default() += 1;
        }
        asked
    }

    fn picture(&self) -> String {
        let theme = Theme::from_sheet(&Theme::sheet("mono", &[]).unwrap(), Depth::None);
        let keys = Keymap::new(&BTreeMap::new()).unwrap();
        let view = View {
            app: &self.app,
            theme: &theme,
            keys: &keys,
        };
        picture(&view, 120, 40)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_changes_nothing_is_asked() {
    let mut console = Console::open(Screen::Overview, Vec::new()).await;
    console.until(App::settled).await;
    // What was begun before is ended: who we are, which cluster this is, the charts of the first subjects.
    for _ in 0..50 {
        console.turn().await;
    }
    assert!(!console.asked().is_empty());
    for _ in 0..100 {
        console.turn().await;
    }
    assert_eq!(console.asked(), BTreeMap::new());
    // And it is not deaf: told to ask, it asks.
    console.engine.ask_now();
    for _ in 0..20 {
        console.turn().await;
    }
    assert!(!console.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_changes_only_the_clock_and_ages_are_drawn() {
    let mut console = Console::open(Screen::Pods, Vec::new()).await;
    console.until(App::settled).await;
    let before = console.picture();
    let later = console.app.now + SignedDuration::from_secs(1);
    console.app.update(Message::Tick, later);
    console.app.refresh();
    let after = console.picture();
    assert_ne!(before, after, "the clock went on");
    let lines = before.lines().zip(after.lines());
    for (old, new) in lines.filter(|(old, new)| old != new) {
        let words = |line: &str| {
            line.chars()
                .filter(|c| !"0123456789: smhd".contains(*c))
                .collect::<String>()
        };
        assert_eq!(words(old), words(new), "{old}\n{new}");
    }
}

/// Everything but the lists that a verdict rests on is never answered.
fn nothing_else_answers() -> Vec<Rule> {
    let elsewhere = [
        "/api/v1/namespaces",
        "/api/v1/services",
        "/apis/authentication.k8s.io",
        "/version",
    ];
    let elsewhere = elsewhere.map(|path| rule(Face::Kubernetes, path, Fault::Hang, None));
    let sources =
        [Face::Prometheus, Face::Alertmanager].map(|face| rule(face, "", Fault::Hang, None));
    elsewhere.into_iter().chain(sources).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_rests_on_one_request_a_kind() {
    let mut console = Console::open(Screen::Overview, nothing_else_answers()).await;
    console.until(|app| app.cluster.listed()).await;
    let asked = console.asked();
    for path in VITAL {
        assert_eq!(asked.get(&format!("GET {path}")), Some(&1), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_lists_do_not_stream_it_rests_on_two_one_after_the_other() {
    let mut rules = nothing_else_answers();
    rules.extend(VITAL.map(|path| rule(Face::Kubernetes, path, Fault::Status(422, None), Some(1))));
    let mut console = Console::open(Screen::Overview, rules).await;
    console.until(|app| app.cluster.listed()).await;
    let asked = console.asked();
    for path in VITAL {
        // The refused stream, the list; the watch that goes on from there may have begun.
        let times = asked.get(&format!("GET {path}")).copied().unwrap_or(0);
        assert!((2..=3).contains(&times), "{path}: {asked:?}");
    }
}
