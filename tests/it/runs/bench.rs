//! One console on one simulated platform whose time runs fast: what a test does to it, and what it can see afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::message::{Fact as News, Message};
use vigie::app::runs::order::RunRequest;
use vigie::app::runs::shelf::{Book, Origin};
use vigie::app::runs::{Refusal, Runs};
use vigie::app::screen::Screen;
use vigie::app::services::Limits;
use vigie::app::{App, Settings};
use vigie::domain::signal::Thresholds;
use vigie::engine::runs::Keeping;
use vigie::engine::runs::policy::Rules;
use vigie::engine::setting::Sources;
use vigie::engine::{Engine, EnvironmentOf, Outside, WAITING};
use vigie::platform::http::{Direct, Http, Transport};
use vigie::platform::vault::{Token, Vault};
use vigie::runbook::SHIPPED;
use vigie::runbook::machine::{Answers, AskKind, Decision, End, Fact, Human};
use vigie::sim::access::Identity;
use vigie::sim::fault::Faults;
use vigie::sim::scenario::Scenario;
use vigie::sim::shared::Written;
use vigie::sim::{self, Running, vault};

use super::BACKEND;
use crate::{oracle, outside};

/// How many times as fast as ours the platform's time runs.
const SPEED: f64 = 15.0;
/// The trouble stands by then.
const ADVANCE: Duration = Duration::from_secs(240);
/// How long a test waits before it gives up, by our time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A console and its platform.
pub struct Bench {
    /// The console's state.
    pub app: App,
    engine: Engine,
    facts: mpsc::Receiver<News>,
    running: Running,
    dir: TempDir,
    http: reqwest::Client,
    shift: Arc<AtomicI64>,
}

/// The shipped runbook with a gate that gives up after two minutes.
fn short() -> Book {
    let text = SHIPPED[0]
        .text
        .replace("\"rollback\"\nversion", "\"rollback-short\"\nversion")
        .replace("deadline     = \"30m\"", "deadline     = \"2m\"")
        .replace("default = \"3m\"", "default = \"1m\"")
        .replace("max     = \"20m\"", "max     = \"1m\"");
    let book = Book::read(Origin::Shipped, "rollback-short.runbook.md", &text);
    assert!(
        &*book.id == "rollback-short" && book.book.is_ok(),
        "{book:?}"
    );
    book
}

impl Bench {
    /// A console of somebody on a platform in trouble.
    pub async fn new(scenario: Scenario, who: Identity) -> Self {
        Self::ruled(scenario, who, Rules::default()).await
    }

    /// The same where something else holds than by default.
    pub async fn ruled(scenario: Scenario, who: Identity, rules: Rules) -> Self {
        let running = sim::start(sim::Options {
            scenario,
            advance: ADVANCE,
            speed: SPEED,
            ..sim::Options::default()
        })
        .await
        .unwrap();
        let dir = TempDir::new().unwrap();
        let shift = Arc::new(AtomicI64::new(0));
        let (true_clock, off) = (outside::clock(&running), shift.clone());
        let shown = true_clock.clone();
        let clock = true_clock
            .beside(move || shown.now() + SignedDuration::from_secs(off.load(Ordering::Relaxed)))
            .running_at(SPEED);
        let outside = Outside {
            sources: Arc::new(Sources {
                prometheus: outside::at(&running.prometheus),
                ..Sources::default()
            }),
            clock: clock.clone(),
            ..outside::of(&running, who).await
        };
        let guarded = outside::production();
        let target = outside::target(&outside, guarded.clone());
        let environment: EnvironmentOf = Arc::new(move |_| guarded.clone());
        let mut app = App::new(target, Settings::default(), Screen::Overview, clock.now());
        let mut library = Book::shipped();
        library.push(short());
        app.runs = Runs::new(library);
        let direct = Direct::new(&Http::default(), &running.vault).unwrap();
        let token = vault::Identity::Oncall.token();
        let token = Token::default().or_given("the test's token", Some(token.into()));
        let (sender, facts) = mpsc::channel(WAITING);
        let mut engine = Engine::start(outside, environment.clone(), sender);
        engine.keep_runs(Keeping {
            shelf: std::sync::Arc::new(Vec::new),
            state: dir.path().to_owned(),
            environment,
            limits: Limits {
                general: Thresholds {
                    error_ratio: 0.01,
                    p99_ms: 500.0,
                    saturation: 0.9,
                },
                ..Limits::default()
            },
            rules,
            vault: Some(Vault::new(Transport::Direct(direct), token)),
        });
        Self {
            app,
            engine,
            facts,
            running,
            dir,
            http: reqwest::Client::new(),
            shift,
        }
    }

    /// Sets this console's clock so many seconds beside the platform's.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.shift.store(seconds, Ordering::Relaxed);
    }

    /// A rollback of the backend, answered beforehand.
    pub fn request(&self, set: &[(&str, &str)]) -> RunRequest {
        let mut params: BTreeMap<String, String> = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        params.insert("workload".into(), "veza-backend".into());
        RunRequest {
            unattended: true,
            answers: Answers {
                confirm: vec!["veza-production".into()],
                reason: Some("a test".into()),
                ..Answers::default()
            },
            ..RunRequest::new("rollback", params)
        }
    }

    /// Begins it.
    pub fn roll_back(&mut self, set: &[(&str, &str)]) {
        let request = self.request(set);
        self.command(Command::StartRun(Box::new(request)));
    }

    /// Gives a command.
    pub fn command(&mut self, command: Command) {
        self.send(Message::Command(command));
    }

    fn send(&mut self, message: Message) {
        let now = self.engine.clock().now();
        for effect in self.app.update(message, now) {
            if let Effect::Run(order) = effect {
                self.engine.carry(order);
            }
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

    /// The end of the run.
    pub async fn end(&mut self) -> End {
        let over = |runs: &Runs| {
            let run = runs.present.as_ref();
            run.is_some_and(|run| run.ledger().end.is_some())
        };
        self.until("the run is over", over).await;
        let run = self.app.runs.present.as_ref().unwrap();
        run.ledger().end.clone().unwrap()
    }

    /// Why the run could not begin.
    pub async fn refusal(&mut self) -> Refusal {
        self.until("it is refused", |runs| runs.refused.is_some())
            .await;
        self.app.runs.refused.clone().unwrap()
    }

    /// What a person must decide, once the run cannot go on alone.
    pub async fn human(&mut self) -> Human {
        self.until("a person is needed", |runs| runs.ask().is_some())
            .await;
        let run = self.app.runs.present.as_ref().unwrap();
        run.ledger().human.clone().unwrap()
    }

    /// A run that waits for its confirmation, everything before it done.
    pub async fn before_the_change(&mut self) {
        self.before_the_change_of("rollback").await;
    }

    /// The same of a runbook.
    pub async fn before_the_change_of(&mut self, runbook: &str) {
        let mut request = self.request(&[("hold", "15s")]);
        request.runbook = runbook.into();
        request.unattended = false;
        request.answers.confirm.clear();
        self.command(Command::StartRun(Box::new(request)));
        loop {
            self.until("it asks", |runs| runs.ask().is_some()).await;
            let ask = self.app.runs.ask().unwrap().clone();
            match ask.kind {
                AskKind::Confirm { typed, plans, .. } => {
                    assert_eq!(typed.as_deref(), Some("veza-production"));
                    assert_eq!(plans.len(), 1);
                    return;
                }
                AskKind::Revision { suggested, .. } => {
                    let vigie::runbook::revision::Choice::Take { number, .. } = suggested else {
                        panic!("nothing suggested: {}", self.story());
                    };
                    self.command(Command::Decide(Decision::Value(number.to_string())));
                }
                other => panic!("asked {other:?}"),
            }
        }
    }

    /// The confirmation.
    pub fn go(&mut self) {
        let typed = Some("veza-production".to_owned());
        self.command(Command::Decide(Decision::Yes(typed)));
    }

    /// The change and its rollout are done.
    pub async fn settled(&mut self) {
        self.until("the change is done", |runs| {
            runs.entries
                .iter()
                .any(|entry| matches!(&entry.fact, Fact::Done { step, .. } if step == "go-back"))
        })
        .await;
    }

    /// Everything against the oracle, for the one run of this console.
    pub fn examine(&self, case: &str) -> oracle::Found {
        let scene = oracle::Scene {
            running: &self.running,
            state: self.dir.path(),
            said: &[],
            hold: SignedDuration::from_secs(1),
        };
        scene.examine(case)
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

    /// The platform itself.
    pub fn world(&self) -> &vigie::sim::shared::Shared {
        self.running.world()
    }

    /// The fault script.
    pub fn faults(&self) -> &Faults {
        self.running.faults()
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        self.dir.path()
    }

    /// What is on disk of the run.
    pub fn journal(&self) -> Vec<Fact> {
        let entries = self.app.runs.entries.iter();
        entries.map(|entry| entry.fact.clone()).collect()
    }

    /// The run as lines, for a test that fails.
    pub fn story(&self) -> String {
        let lines = self.app.runs.entries.iter();
        let lines = lines.map(|entry| {
            let text = serde_json::to_string(entry).unwrap();
            text.chars().take(400).collect::<String>()
        });
        let refused = format!("refused: {:?}", self.app.runs.refused);
        lines.chain([refused]).collect::<Vec<_>>().join("\n")
    }

    /// Everything anybody wrote to workloads.
    pub fn all_writes(&self) -> Vec<Written> {
        let writes = self.running.world().writes();
        writes
            .into_iter()
            .filter(|write| {
                let of = |kind| write.path.contains(kind);
                (of("/deployments/") || of("/statefulsets/")) && write.user != "admin"
            })
            .collect()
    }

    /// The changes that took effect.
    pub fn changes(&self) -> Vec<Written> {
        self.all_writes()
            .into_iter()
            .filter(|write| !write.dry_run && write.code == 200)
            .collect()
    }

    /// The workload as it is.
    pub async fn object(&self) -> Value {
        let url = format!("{}{BACKEND}", self.running.address_of(Identity::Admin));
        let answer = self.http.get(url).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// The image the workload asks for.
    pub async fn image(&self) -> String {
        let object = self.object().await;
        let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().unwrap().to_owned()
    }

    /// A StatefulSet of two revisions of which the second is asked for, without signals of its own.
    pub async fn stateful_set(&self) {
        let place = "/apis/apps/v1/namespaces/veza-production/statefulsets";
        let base = self.running.address_of(Identity::Admin);
        let template = |tag: &str| {
            json!({"metadata": {"labels": {"app": "veza-queue"}},
                "spec": {"containers": [{"name": "queue", "image": format!("registry.veza.app/veza-queue:{tag}")}]}})
        };
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "veza-queue"},
            "spec": {"replicas": 2, "serviceName": "veza-queue", "selector": {"matchLabels": {"app": "veza-queue"}}, "template": template("v1")}});
        let made = self
            .http
            .post(format!("{base}{place}"))
            .body(set.to_string());
        let made = made.header("content-type", "application/json").send().await;
        assert_eq!(made.unwrap().status(), 201);
        let patch = json!({"spec": {"template": template("v2")}});
        // The first template is noted before the second one comes.
        for _ in 0..200 {
            let noted = self.revisions_of_the_set().await;
            if !noted.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let changed = self.http.patch(format!("{base}{place}/veza-queue"));
        let changed = changed
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string());
        assert_eq!(changed.send().await.unwrap().status(), 200);
    }

    /// Number and image of each revision of that set, oldest first.
    pub async fn revisions_of_the_set(&self) -> Vec<(i64, String)> {
        let url = format!(
            "{}/apis/apps/v1/namespaces/veza-production/controllerrevisions",
            self.running.address_of(Identity::Admin)
        );
        let list: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let mut all: Vec<(i64, String)> = list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["metadata"]["ownerReferences"][0]["name"] == "veza-queue")
            .map(|one| {
                let image = &one["data"]["spec"]["template"]["spec"]["containers"][0]["image"];
                let tag = image.as_str().unwrap().rsplit(':').next().unwrap();
                (one["revision"].as_i64().unwrap(), tag.to_owned())
            })
            .collect();
        all.sort();
        all
    }

    /// Somebody else releases another image.
    pub async fn release_something_else(&self) {
        let url = format!("{}{BACKEND}", self.running.address_of(Identity::Admin));
        let patch = json!({"spec": {"template": {"metadata": {"labels": {"version": "v1.2.0"}}}}});
        let answer = self
            .http
            .patch(url)
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
}
