//! One App with its engine on a simulated platform, pumped by hand until something holds: what the console's loop does, without a terminal.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::message::{Fact, Message};
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::object::ObjectRef;
use vigie::engine::setting::Sources;
use vigie::engine::{Engine, Outside};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, Running};

use crate::outside;

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
    let outside = Outside {
        sources: Arc::new(Sources {
            alertmanager: outside::at(&running.alertmanager),
            ..Sources::default()
        }),
        ..outside::of(&running, who).await
    };
    let target = outside::target(&outside, outside::simulated());
    let (sender, facts) = mpsc::channel(vigie::engine::WAITING);
    let now = outside.clock.now();
    let app = App::new(target, Settings::default(), Screen::Overview, now);
    let engine = Engine::start(outside, Arc::new(|_| outside::simulated()), sender);
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
