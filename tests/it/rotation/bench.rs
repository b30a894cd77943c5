//! A platform whose time runs fast, and consoles on it that can be killed at any moment and opened again.
//!
//! Length: a platform and its console are made, killed and judged in one place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::message::{Fact as News, Message};
use vigie::app::runs::Runs;
use vigie::app::runs::order::RunRequest;
use vigie::app::runs::shelf::{Book, Origin};
use vigie::app::screen::Screen;
use vigie::app::services::Limits;
use vigie::app::{App, Settings};
use vigie::domain::signal::Thresholds;
use vigie::engine::clock::Clock;
use vigie::engine::runs::Keeping;
use vigie::engine::{Engine, EnvironmentOf, Outside, WAITING};
use vigie::journal::{RealDisk, Runs as Journals, disk};
use vigie::platform::http::{Direct, Http, Transport};
use vigie::platform::vault::{Token, Vault};
use vigie::runbook::SHIPPED;
use vigie::runbook::machine::{Answers, Decision, End, Fact, Human, Reason, Way};
use vigie::sim::access::Identity;
use vigie::sim::fault::{Face, Fault, Faults, Rule, When};
use vigie::sim::scenario::Scenario;
use vigie::sim::{self, NAMESPACE, Running, vault};

use crate::oracle::{self, Found, Scene};
use crate::outside;

/// How many times as fast as ours the platform's time runs.
const SPEED: f64 = 15.0;
/// How long a test waits before it gives up, by our time.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a gate has to be good here.
pub const HOLD: SignedDuration = SignedDuration::from_secs(1);

/// A platform and a folder for what its consoles keep.
pub struct Platform {
    /// The platform.
    pub running: Running,
    dir: TempDir,
    http: reqwest::Client,
}

/// Where a console is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// As soon as so many records are in the journal.
    Record(usize),
    /// At the n-th request of a kind: before it is served, or after, without its answer.
    Request {
        face: Face,
        method: &'static str,
        nth: u32,
        served: bool,
    },
}

/// How a console's part in a run ended.
#[derive(Debug)]
pub enum Ending {
    /// The run is over.
    Over(End),
    /// A person must decide.
    Asks(Human),
    /// It was killed.
    Killed,
    /// It could not begin or go on.
    Refused(String),
}

/// The shipped runbook with a gate that looks less often: a gap in what it sees voids it after two intervals, and at this
/// speed a busy machine makes gaps.
fn patient() -> Book {
    let shipped = SHIPPED.iter().find(|one| one.id == "jwt-rotate").unwrap();
    let text = shipped
        .text
        .replace("interval      = \"5s\"", "interval      = \"15s\"");
    assert_ne!(text, shipped.text);
    let book = Book::read(Origin::Shipped, shipped.file, &text);
    assert!(book.book.is_ok(), "{book:?}");
    book
}

impl Platform {
    /// A healthy platform with two services that read the key.
    pub async fn new() -> Self {
        let running = sim::start(sim::Options {
            scenario: Scenario::Healthy,
            advance: Duration::from_secs(240),
            speed: SPEED,
            ..sim::Options::default()
        })
        .await
        .unwrap();
        // The runs here wait so long for the old ones.
        running.world().with(|world| world.tokens_live(1_000));
        let platform = Self {
            running,
            dir: TempDir::new().unwrap(),
            http: reqwest::Client::new(),
        };
        for service in ["veza-frontend", "stream-server"] {
            platform.ask("DELETE", &deployment(service), None).await;
        }
        platform
    }

    /// A request of `admin`, which must succeed; a body is merged into what is there.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.running.address_of(Identity::Admin));
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Lets both services read the next and the previous key as well, where they are there.
    pub async fn accept_two_keys(&self) {
        let template = |key: &str| {
            let name = key.to_uppercase().replace('-', "_");
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "veza-secrets", "key": key, "optional": true}}})
        };
        for service in ["veza-backend", "chat-server"] {
            let object = self.ask("GET", &deployment(service), None).await;
            let mut containers = object["spec"]["template"]["spec"]["containers"].clone();
            let env = containers[0]["env"].as_array_mut().unwrap();
            env.extend(["jwt-secret-next", "jwt-secret-previous"].map(template));
            let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
            self.ask("PATCH", &deployment(service), Some(patch)).await;
        }
        for service in ["veza-backend", "chat-server"] {
            for _ in 0..2_000 {
                let object = self.ask("GET", &deployment(service), None).await;
                let status = &object["status"];
                let all = &object["spec"]["replicas"];
                if status["observedGeneration"] == object["metadata"]["generation"]
                    && status["updatedReplicas"] == *all
                    && status["replicas"] == *all
                    && status["availableReplicas"] == *all
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Gives the Secret to External Secrets, which copies the whole path.
    pub async fn hand_to_external_secrets(&self, policy: &str) {
        let external = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "veza", "namespace": NAMESPACE},
            "spec": {"refreshPolicy": policy, "refreshInterval": "1h", "secretStoreRef": {"name": "vault", "kind": "ClusterSecretStore"},
                "target": {"name": "veza-secrets"},
                "dataFrom": [{"extract": {"key": "veza/production"}, "rewrite": [{"regexp": {"source": "_", "target": "-"}}]}]},
        });
        let place = format!("/apis/external-secrets.io/v1/namespaces/{NAMESPACE}/externalsecrets");
        self.ask("POST", &place, Some(external)).await;
        // It works a moment after it is told.
        let mut secret = Value::Null;
        for _ in 0..2000 {
            secret = self.ask("GET", oracle::SECRET, None).await;
            if secret["metadata"]["ownerReferences"][0]["kind"] == "ExternalSecret" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody took the Secret: {secret}");
    }

    /// The fault script.
    pub fn faults(&self) -> &Faults {
        self.running.faults()
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        self.dir.path()
    }

    /// The folder of the only run, if there is one.
    pub fn folder(&self) -> Option<PathBuf> {
        let (listed, _) = Journals::new(self.state(), RealDisk).list();
        listed.first().map(|run| run.dir.clone())
    }

    /// The id of the only run.
    pub fn run(&self) -> Option<String> {
        let (listed, _) = Journals::new(self.state(), RealDisk).list();
        listed.first().map(|run| run.header.start.run.to_string())
    }

    /// Everything against the oracle.
    pub fn examine(&self, case: &str) -> Found {
        let scene = Scene {
            running: &self.running,
            state: self.state(),
            said: &[],
            hold: HOLD,
        };
        scene.examine(case)
    }

    /// A console of the person on call.
    pub async fn console(&self) -> Console {
        self.console_by(outside::clock(&self.running)).await
    }

    /// One on a machine with this clock.
    pub async fn console_by(&self, clock: Clock) -> Console {
        let clock = clock.running_at(SPEED);
        let outside = Outside {
            clock: clock.clone(),
            ..outside::of(&self.running, Identity::Oncall).await
        };
        let guarded = outside::production();
        let target = outside::target(&outside, guarded.clone());
        let environment: EnvironmentOf = Arc::new(move |_| guarded.clone());
        let mut app = App::new(target, Settings::default(), Screen::Overview, clock.now());
        app.runs = Runs::new(vec![patient()]);
        let (sender, facts) = mpsc::channel(WAITING);
        let direct = Direct::new(&Http::default(), &self.running.vault).unwrap();
        let direct = direct.patience(Duration::from_millis(1_500));
        let token = vault::Identity::Oncall.token();
        let token = Token::default().or_given("the test's token", Some(token.into()));
        let mut engine = Engine::start(outside, environment.clone(), sender);
        engine.keep_runs(Keeping {
            shelf: Arc::new(Vec::new),
            state: self.state().to_owned(),
            environment,
            limits: Limits {
                general: Thresholds {
                    error_ratio: 0.01,
                    p99_ms: 500.0,
                    saturation: 0.9,
                },
                ..Limits::default()
            },
            rules: vigie::engine::runs::policy::Rules::default(),
            vault: Some(Vault::new(Transport::Direct(direct), token)),
        });
        Console { app, engine, facts }
    }

    /// Arms the fault that a point needs.
    pub fn arm(&self, point: Point) {
        let Point::Request {
            face,
            method,
            nth,
            served,
        } = point
        else {
            return;
        };
        let fault = if served {
            Fault::Delay(Duration::from_mins(10))
        } else {
            Fault::Hang
        };
        let rule = Rule {
            face: Some(face),
            method: method.into(),
            path: String::new(),
            fault,
            times: Some(1),
        };
        self.faults().add_when(rule, When::nth(nth));
    }

    /// Waits until no console holds the run any more.
    pub async fn released(&self) {
        let Some(folder) = self.folder() else {
            return;
        };
        for _ in 0..1_000 {
            if !disk::held(&folder.join("lock")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the run is still held");
    }
}

/// The path of one of the services.
pub fn deployment(name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")
}

/// One console.
pub struct Console {
    /// Its state.
    pub app: App,
    engine: Engine,
    facts: mpsc::Receiver<News>,
}

/// What is answered beforehand.
fn answers() -> Answers {
    Answers {
        confirm: vec![NAMESPACE.into()],
        yes: true,
        reason: Some("a test".into()),
        ..Answers::default()
    }
}

impl Console {
    /// A rotation, answered beforehand.
    pub fn request(set: &[(&str, &str)]) -> RunRequest {
        let mut params = BTreeMap::from([
            ("namespace".to_owned(), NAMESPACE.to_owned()),
            ("strategy".to_owned(), "cutover".to_owned()),
            ("vault_path".to_owned(), "secret/veza/production".to_owned()),
            ("refresh_ttl".to_owned(), "1s".to_owned()),
            ("hold".to_owned(), "1s".to_owned()),
        ]);
        let each = set.iter();
        params.extend(each.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        params.retain(|_, value| !value.is_empty());
        RunRequest {
            unattended: true,
            answers: answers(),
            ..RunRequest::new("jwt-rotate", params)
        }
    }

    /// Begins a rotation.
    pub fn begin(&mut self, set: &[(&str, &str)]) {
        let request = Self::request(set);
        self.command(Command::StartRun(Box::new(request)));
    }

    /// Takes one up.
    pub fn resume(&mut self, run: &str) {
        self.command(Command::ResumeRun {
            run: run.into(),
            answers: answers(),
        });
    }

    /// Gives a command.
    pub fn command(&mut self, command: Command) {
        self.send(Message::Command(command));
    }

    /// Decides what is asked.
    pub fn decide(&mut self, way: Way) {
        self.command(Command::Decide(Decision::Way(way)));
    }

    fn send(&mut self, message: Message) {
        let now = self.engine.clock().now();
        for effect in self.app.update(message, now) {
            if let Effect::Run(order) = effect {
                self.engine.carry(order);
            }
        }
    }

    fn killed(&self, platform: &Platform, point: Option<Point>) -> bool {
        match point {
            None => false,
            Some(Point::Record(count)) => self.app.runs.entries.len() >= count,
            Some(Point::Request { .. }) => platform.faults().spent(),
        }
    }

    /// Takes in what happens until something is so.
    pub async fn until(&mut self, what: &str, mut so: impl FnMut(&Runs) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !so(&self.app.runs) {
            let fact = tokio::time::timeout_at(deadline, self.facts.recv()).await;
            let Ok(Some(fact)) = fact else {
                panic!("waited in vain until {what}:\n{}", self.story());
            };
            self.send(Message::Fact(fact));
        }
    }

    /// Whether it is at a gate that takes longer than any test waits.
    pub async fn judges_for_long(&mut self) -> bool {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let run = self.app.runs.present.as_ref();
            let long = run.is_some_and(|run| run.start().params["hold"] == "20m");
            if run.is_some() && !long {
                return false;
            }
            let back = |fact: &Fact| matches!(fact, Fact::RollingBack { .. });
            let entries = &self.app.runs.entries;
            if entries.iter().any(|entry| back(&entry.fact)) || self.app.runs.refused.is_some() {
                return false;
            }
            let resumed = entries
                .iter()
                .rposition(|entry| matches!(entry.fact, Fact::Resumed { .. }));
            let judges =
                |fact: &Fact| matches!(fact, Fact::Started { step } if step.ends_with("/well"));
            if resumed.is_some() && entries.iter().any(|entry| judges(&entry.fact)) {
                return true;
            }
            let fact = tokio::time::timeout_at(deadline, self.facts.recv()).await;
            let Ok(Some(fact)) = fact else {
                panic!("waited in vain until it goes on:\n{}", self.story());
            };
            self.send(Message::Fact(fact));
        }
    }

    /// Goes on until the run is over, asks or is killed.
    pub async fn until_over(&mut self, platform: &Platform, point: Option<Point>) -> Ending {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if self.killed(platform, point) {
                if let Some(Point::Request { served: true, .. }) = point {
                    // What was asked is served before the line breaks.
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
                return Ending::Killed;
            }
            let runs = &self.app.runs;
            if let Some(refused) = &runs.refused {
                return Ending::Refused(refused.sentence.clone());
            }
            if let Some(run) = &runs.present {
                if let Some(end) = &run.ledger().end {
                    return Ending::Over(end.clone());
                }
                if let Some(why) = run.halted() {
                    return Ending::Refused(why.to_string());
                }
                if runs.ask().is_some()
                    && let Some(human) = &run.ledger().human
                {
                    return Ending::Asks(human.clone());
                }
            }
            let glance = Duration::from_millis(2);
            match tokio::time::timeout(glance, self.facts.recv()).await {
                Ok(Some(fact)) => self.send(Message::Fact(fact)),
                Ok(None) => panic!("the engine has ended:\n{}", self.story()),
                Err(_) => assert!(
                    tokio::time::Instant::now() < deadline,
                    "waited in vain until it is over:\n{}",
                    self.story()
                ),
            }
        }
    }

    /// The run as lines, for a test that fails.
    pub fn story(&self) -> String {
        story(&self.app.runs.entries)
    }
}

/// Journal entries as lines.
pub fn story(entries: &[vigie::runbook::machine::Entry]) -> String {
    let lines = entries.iter().map(|entry| {
        let text = serde_json::to_string(entry).unwrap();
        text.chars().take(500).collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Platform {
    /// What stands in the journal, for a test that fails.
    pub fn story(&self) -> String {
        let Some(folder) = self.folder() else {
            return "no run".to_owned();
        };
        let (_, entries, _) = Journals::new(self.state(), RealDisk).peek(&folder).unwrap();
        story(&entries)
    }

    /// Asks whether a key that was rotated is everywhere, and whatever else was there is as it was.
    pub fn rotated(&self, case: &str, found: &Found) {
        let (vault, secret) = (
            oracle::vault_values(&self.running),
            oracle::secret(&self.running),
        );
        let key = &vault["jwt_secret"];
        assert!(key.len() == 86, "{case}: a new key of one line");
        assert_eq!(secret.get("jwt-secret"), Some(key), "{case}: O6");
        for gone in ["jwt-secret-next", "jwt-secret-previous"] {
            assert!(!secret.contains_key(gone), "{case}: O6 {gone}");
        }
        for gone in ["jwt_secret_next", "jwt_secret_previous"] {
            assert!(!vault.contains_key(gone), "{case}: O6 {gone}");
        }
        self.untouched(case);
        assert!(
            found.entries.len() > 20,
            "{case}: {}",
            story(&found.entries)
        );
    }

    /// Asks whether everything is as it was before.
    pub fn as_before(&self, case: &str) {
        let (vault, secret) = (
            oracle::vault_values(&self.running),
            oracle::secret(&self.running),
        );
        assert_eq!(vault["jwt_secret"], OLD, "{case}: O6");
        assert_eq!(secret["jwt-secret"], OLD, "{case}: O6");
        self.untouched(case);
    }

    /// The keys that are nobody's business here.
    pub fn untouched(&self, case: &str) {
        let (vault, secret) = (
            oracle::vault_values(&self.running),
            oracle::secret(&self.running),
        );
        for (key, value) in vault::customers_secrets() {
            if key != "jwt_secret" {
                assert_eq!(
                    vault.get(key).map(String::as_str),
                    Some(value),
                    "{case}: O6 {key}"
                );
            }
        }
        for (key, value) in [
            (
                "database-url",
                "postgresql://veza:not-a-real-password@postgres:5432/veza_db",
            ),
            ("redis-url", "redis://redis:6379"),
            ("stripe-api-key", "not-a-real-key"),
        ] {
            assert_eq!(
                secret.get(key).map(String::as_str),
                Some(value),
                "{case}: O6 {key}"
            );
        }
    }
}

/// The key before anything.
pub const OLD: &str = "first-signing-key-not-a-real-secret";

/// Whether a person is asked for something that a new look may settle.
pub fn may_look_again(human: &Human) -> bool {
    human.ways.contains(&Way::Again) && human.reason != Reason::Conflict
}
