//! A console with a night behind it: the facts of a simulated platform, heard once over real HTTP and told again to as
//! many Apps as a test wants, with a clock that stands still.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use vigie::app::command::Command;
use vigie::app::kind::Kind;
use vigie::app::message::{Fact, Message};
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::object::ObjectRef;
use vigie::domain::target::{Scope, Target};
use vigie::engine::{Engine, WAITING};
use vigie::keymap::chord::Sequence;
use vigie::keymap::{Keymap, Meaning};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::ui::theme::Theme;
use vigie::ui::{View, draw};

use crate::outside;

/// The namespace of the story.
pub const NS: &str = "veza-production";

/// The service that gets a bad release.
pub fn backend() -> ObjectRef {
    ObjectRef::new("Deployment", NS, "veza-backend")
}

fn target() -> Target {
    Target {
        context: "veza-demo".into(),
        server: "http://127.0.0.1".into(),
        cluster_uid: None,
        scope: Scope::Namespace(NS.into()),
        environment: outside::simulated(),
        user: None,
    }
}

/// A console that has heard nothing.
pub fn silent(now: Timestamp) -> App {
    App::new(target(), Settings::default(), Screen::Overview, now)
}

type Heard = Arc<(Vec<Fact>, Timestamp)>;

/// A console that has heard everything that the screens want of a scenario, so many seconds into it.
pub fn after(scenario: Scenario, seconds: u64) -> App {
    static TOLD: OnceLock<Mutex<BTreeMap<(&'static str, u64), Heard>>> = OnceLock::new();
    let told = TOLD.get_or_init(Mutex::default);
    let mut told = told.lock().unwrap();
    let heard = told
        .entry((scenario.name(), seconds))
        .or_insert_with(|| Arc::new(listen(scenario, seconds)))
        .clone();
    drop(told);
    let (facts, now) = &*heard;
    let mut app = silent(*now);
    app.keyed_offers = keys().offers();
    for fact in facts {
        app.update(Message::Fact(fact.clone()), *now);
    }
    app.refresh();
    assert!(app.settled(), "{}", app.headline.text);
    app
}

fn listen(scenario: Scenario, seconds: u64) -> (Vec<Fact>, Timestamp) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let patience = Duration::from_secs(60);
        tokio::time::timeout(patience, heard(scenario, seconds))
            .await
            .expect("every screen's questions are answered")
    })
}

async fn heard(scenario: Scenario, seconds: u64) -> (Vec<Fact>, Timestamp) {
    let running = crate::sim::still(scenario, seconds).await;
    let outside = outside::of(&running, Identity::Oncall).await;
    let now = outside.clock.now();
    let (sender, mut facts) = tokio::sync::mpsc::channel(WAITING);
    let environment = target().environment;
    let mut engine = Engine::start(outside, Arc::new(move |_| environment.clone()), sender);
    let mut app = silent(now);
    let mut all = Vec::new();
    let screens = [
        Screen::Overview,
        Screen::Rollout(backend()),
        Screen::Signals(backend()),
        Screen::Workloads,
        Screen::Timeline,
    ];
    for screen in screens {
        app.update(Message::Command(Command::Open(screen)), now);
        loop {
            app.refresh();
            let wants = app.wants();
            let ranges = wants.ranges.iter().all(|want| {
                let told = |fact: &Fact| matches!(fact, Fact::Range(known, _) if known == want);
                all.iter().any(told)
            });
            let watched = wants
                .watches
                .iter()
                .all(|kind| app.cluster.kinds.contains_key(kind));
            let whole = !wants.watches.contains(&Kind::Events) || app.cluster.events.listed();
            if ranges && watched && whole && app.settled() {
                break;
            }
            engine.reconcile(wants);
            let fact = facts.recv().await.unwrap();
            app.update(Message::Fact(fact.clone()), now);
            all.push(fact);
        }
    }
    // A watch that was closed on the way is told again as open: the rows stay either way.
    all.retain(|fact| !format!("{fact:?}").contains("Closed)"));
    (all, now)
}

/// Sends commands.
pub fn send(app: &mut App, commands: impl IntoIterator<Item = Command>) {
    let now = app.now;
    for command in commands {
        app.update(Message::Command(command), now);
        app.refresh();
    }
}

/// Types chords, parted by blanks; what they mean depends on where they are typed.
pub fn press(app: &mut App, chords: &str) {
    let keys = keys();
    for chord in chords.split_whitespace() {
        let sequence: Sequence = chord.parse().unwrap();
        match keys.meaning(app, sequence.chords()) {
            Meaning::Command(command) => send(app, [command]),
            other => panic!("{chord} on {}: {other:?}", app.here().screen.name()),
        }
    }
}

/// The shipped keys.
pub fn keys() -> Keymap {
    Keymap::new(&BTreeMap::new()).unwrap()
}

/// A console drawn at a size.
pub fn drawn(app: &mut App, theme: &Theme, (width, height): (u16, u16)) -> Buffer {
    (app.width, app.height) = (width, height);
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let keys = keys();
    let view = View {
        app,
        theme,
        keys: &keys,
    };
    draw(&view, area, &mut buf);
    buf
}

/// The rows of a buffer as text.
pub fn rows(buf: &Buffer) -> Vec<String> {
    (0..buf.area.height)
        .map(|y| {
            let row: String = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
            row.trim_end().to_owned()
        })
        .collect()
}
