//! One App with its engine on a simulated platform, pumped by hand until something holds: what the console's loop does, without a terminal.

use std::time::Duration;
use tokio::sync::mpsc;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::message::{Fact, Message};
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::object::ObjectRef;
use vigie::domain::target::{Environment, Scope, Target};
use vigie::engine::clock::Clock;
use vigie::engine::setting::{Sought, Sources, Way};
use vigie::engine::{Engine, Outside};
use vigie::platform::http::{Direct, Http};
use vigie::platform::kubernetes::{Cluster, Options, Patience};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, Running};

/// A console without a screen.
pub struct Bench {
    pub app: App,
    pub engine: Engine,
    pub facts: mpsc::Receiver<Fact>,
    _running: Running,
}

/// A platform that stands still two and a half minutes into its scenario, seen as somebody.
pub async fn bench(scenario: Scenario, who: Identity) -> Bench {
    let options = sim::Options {
        scenario,
        advance: Duration::from_secs(150),
        speed: 0.0,
        base: Some(1_772_593_927_000),
        ..sim::Options::default()
    };
    let running = sim::start(options).await.unwrap();
    let options = Options {
        server: Some(running.address_of(who).to_owned()),
        ..Options::default()
    };
    seen(running, options).await
}

async fn seen(running: Running, options: Options) -> Bench {
    let cluster = Cluster::connect(&options).await.unwrap();
    let scope = Scope::Namespace(sim::NAMESPACE.into());
    let direct = Direct::new(&Http::default(), &running.alertmanager).unwrap();
    let time = running.clock();
    let clock = Clock::new(move || jiff::Timestamp::from_millisecond(time.now_ms()).unwrap());
    let target = Target {
        context: sim::CONTEXT.into(),
        server: cluster.server().clone(),
        cluster_uid: None,
        scope: scope.clone(),
        environment: simulated(),
        user: None,
    };
    let interval = jiff::SignedDuration::from_secs(5);
    let outside = Outside {
        cluster,
        options,
        sources: std::sync::Arc::new(Sources {
            alertmanager: Sought {
                named: Some(Way::Address(direct)),
                ambient: None,
            },
            ..Sources::default()
        }),
        scope,
        patience: Patience::default(),
        windows: std::sync::Arc::default(),
        interval,
        window: jiff::SignedDuration::from_mins(1),
        clock: clock.clone(),
    };
    let (sender, facts) = mpsc::channel(vigie::engine::WAITING);
    let app = App::new(target, Settings::default(), Screen::Overview, clock.now());
    let engine = Engine::start(outside, std::sync::Arc::new(|_, _| simulated()), sender);
    let mut bench = Bench {
        app,
        engine,
        facts,
        _running: running,
    };
    bench
        .until("the pods are listed", |app| app.cluster.listed())
        .await;
    bench
}

fn simulated() -> Environment {
    Environment {
        name: "simulated".into(),
        guarded: false,
    }
}

impl Bench {
    /// Takes in facts until something holds.
    pub async fn until(&mut self, what: &str, done: impl Fn(&App) -> bool) {
        let pumping = async {
            loop {
                self.app.refresh();
                self.engine.reconcile(self.app.wants());
                if done(&self.app) {
                    return;
                }
                let fact = self.facts.recv().await.expect("the engine goes on");
                let now = self.engine.clock().now();
                self.app.update(Message::Fact(fact), now);
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(30), pumping).await;
        assert!(ended.is_ok(), "it never happened: {what}");
    }

    /// The operator does something.
    pub fn does(&mut self, command: Command) -> Vec<Effect> {
        let now = self.engine.clock().now();
        let effects = self.app.update(Message::Command(command), now);
        self.app.refresh();
        self.engine.reconcile(self.app.wants());
        effects
    }

    /// The operator types words after a key and ends with enter.
    pub fn types(&mut self, key: Command, words: &str) -> Vec<Effect> {
        self.does(key);
        for c in words.chars() {
            self.does(Command::Type(c));
        }
        self.does(Command::Enter)
    }

    /// The name of a pod whose name begins so and which is as wanted.
    pub fn pod(&self, begin: &str, is: impl Fn(&vigie::domain::pod::Pod) -> bool) -> ObjectRef {
        let mut pods = self.app.cluster.pods.iter();
        let pod = pods
            .find(|pod| pod.name.starts_with(begin) && is(pod))
            .expect("such a pod");
        ObjectRef::new("Pod", sim::NAMESPACE, &pod.name)
    }

    /// The lines of the document on the screen.
    pub fn document(&self) -> String {
        self.app.reading.text.whole()
    }

    /// The lines of the log on the screen.
    pub fn log(&self) -> Vec<String> {
        let shown = self.app.reading.logs.shown();
        shown
            .iter()
            .map(|entry| entry.line.text.to_string())
            .collect()
    }
}
