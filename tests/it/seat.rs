//! A console that nobody sits at: the App with its engine on a simulated platform. Whatever a test has it do goes the way
//! that keys go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::sync::mpsc;
use vigie::app::command::Command;
use vigie::app::drill::Cue;
use vigie::app::effect::Effect;
use vigie::app::message::{Fact as News, Message, Notice};
use vigie::app::runs::Runs;
use vigie::app::runs::shelf::Book;
use vigie::app::screen::Screen;
use vigie::app::services::Limits;
use vigie::app::{App, Settings};
use vigie::cli::drill::stage;
use vigie::domain::signal::Thresholds;
use vigie::engine::clock::Clock;
use vigie::engine::runs::Keeping;
use vigie::engine::runs::policy::Rules;
use vigie::engine::{Engine, EnvironmentOf, Outside, WAITING};
use vigie::keymap::Keymap;
use vigie::platform::http::{Direct, Http, Transport};
use vigie::platform::vault::{Token, Vault};
use vigie::sim::access::Identity;
use vigie::sim::{self, Running};
use vigie::ui::theme::{Depth, Theme};
use vigie::ui::{self, View};

use crate::outside;

/// How many times as fast as ours the platform's time runs in a drill.
const SPEED: f64 = 12.0;
/// How long a test waits, by our time.
const PATIENCE: Duration = Duration::from_secs(150);

/// The console.
pub struct Seat {
    pub app: App,
    pub engine: Engine,
    pub running: Running,
    /// What a drill wanted of its world.
    pub told: Vec<Cue>,
    /// What was said in the last row.
    pub said: Vec<Notice>,
    /// The state directory.
    pub dir: TempDir,
    facts: mpsc::Receiver<News>,
    ticked: Instant,
}

impl Seat {
    /// Somebody on call at a platform; `furnish` has the App before anything is heard.
    pub async fn new(options: sim::Options, furnish: impl FnOnce(&mut App)) -> Self {
        let running = sim::start(options).await.unwrap();
        let dir = TempDir::new().unwrap();
        let (clock, pace) = (running.clock(), running.clock());
        let clock = Clock::new(move || Timestamp::from_millisecond(clock.now_ms()).unwrap())
            .paced(move || pace.speed());
        let outside = Outside {
            clock: clock.clone(),
            interval: SignedDuration::from_millis(400),
            ..outside::of(&running, Identity::Oncall).await
        };
        let here = outside::simulated();
        let target = outside::target(&outside, here.clone());
        let environment: EnvironmentOf = Arc::new(move |_| here.clone());
        let settings = Settings {
            limits: limits(),
            simulated: true,
            ..Settings::default()
        };
        let mut app = App::new(target, settings, Screen::Overview, clock.now());
        app.runs = Runs::new(Book::shipped());
        furnish(&mut app);
        let (sender, facts) = mpsc::channel(WAITING);
        let mut engine = Engine::start(outside, environment.clone(), sender);
        let token = sim::vault::Identity::Oncall.token();
        let direct = Direct::new(&Http::default(), &running.vault).unwrap();
        engine.keep_runs(Keeping {
            shelf: Arc::new(Vec::new),
            state: dir.path().to_owned(),
            environment,
            limits: limits(),
            rules: Rules {
                policy: Arc::new(|_| vigie::domain::policy::Policy::simulated()),
                vault_path: Arc::new(|_| Some("secret/veza/production".into())),
                ..Rules::default()
            },
            vault: Some(Vault::new(
                Transport::Direct(direct),
                Token::default().or_given("the test", Some(token.into())),
            )),
        });
        Self {
            app,
            engine,
            facts,
            running,
            told: Vec::new(),
            said: Vec::new(),
            ticked: Instant::now(),
            dir,
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Run(order) => self.engine.carry(order),
                Effect::Incident(order) => self.engine.attend(order),
                Effect::Stage(cue) => {
                    self.told.push(cue);
                    let quicker = match cue {
                        Cue::Pace(speed) => Cue::Pace(if speed > 0.0 { SPEED } else { 0.0 }),
                        other => other,
                    };
                    stage(self.running.world(), quicker);
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, message: Message) {
        if let Message::Fact(News::Notice(notice)) = &message {
            self.said.push(notice.clone());
        }
        let now = self.engine.clock().now();
        let effects = self.app.update(message, now);
        self.perform(effects);
    }

    pub fn obey(&mut self, command: Command) {
        self.send(Message::Command(command));
        let effects = self.app.refresh();
        self.perform(effects);
    }

    /// Types, as into a form.
    pub fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            self.obey(Command::Type(c));
        }
    }

    pub async fn turn(&mut self) {
        self.engine.reconcile(self.app.wants());
        let fact = tokio::time::timeout(Duration::from_millis(100), self.facts.recv()).await;
        let mut next = fact.ok().flatten();
        while let Some(fact) = next {
            self.send(Message::Fact(fact));
            next = self.facts.try_recv().ok();
        }
        if self.ticked.elapsed() > Duration::from_millis(100) {
            self.ticked = Instant::now();
            self.send(Message::Tick);
        }
        let effects = self.app.refresh();
        self.perform(effects);
    }

    pub async fn until(&mut self, what: &str, so: impl Fn(&App) -> bool) {
        let began = Instant::now();
        while !so(&self.app) {
            assert!(
                began.elapsed() < PATIENCE,
                "waited in vain until {what}:\n{:#?}\n{:#?}\n{}",
                self.app.drill,
                self.said,
                self.picture(120, 40)
            );
            self.turn().await;
        }
    }

    /// Until something was said in the last row; an error only where one is wanted.
    pub async fn until_said(&mut self, words: &str, error: bool) {
        let began = Instant::now();
        let said = |seat: &Self| {
            let mut all = seat.said.iter();
            all.any(|one| one.error == error && one.text.contains(words))
        };
        while !said(self) {
            assert!(
                began.elapsed() < PATIENCE,
                "never said: {words}\n{:#?}\n{}",
                self.said,
                self.picture(120, 40)
            );
            self.turn().await;
        }
    }

    pub fn picture(&self, width: u16, height: u16) -> String {
        let keys = Keymap::new(&BTreeMap::new()).unwrap();
        let theme = Theme::from_sheet(&Theme::sheet("mono", &[]).unwrap(), Depth::None);
        let view = View {
            app: &self.app,
            theme: &theme,
            keys: &keys,
        };
        ui::picture(&view, width, height)
    }
}

fn limits() -> Limits {
    Limits {
        general: Thresholds {
            error_ratio: 0.01,
            p99_ms: 500.0,
            saturation: 0.9,
        },
        ..Limits::default()
    }
}
