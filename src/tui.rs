//! The loop: input, facts and frames go in, update decides, a frame is drawn when something changed.
//!
//! Nothing awaits in the input arm: a key is obeyed and drawn at once, whatever the network does. Facts are drained
//! before a frame, and frames they cause are capped, so that a storm of changes costs no more than a few frames.

use crate::app::App;
use crate::app::command::{Command, Motion};
use crate::app::drill::Cue;
use crate::app::effect::Effect;
use crate::app::links::COPIED;
use crate::app::message::{Fact, Message, Notice};
use crate::app::places::Destination;
use crate::engine::{Engine, Errand};
use crate::keymap::chord::Chord;
use crate::keymap::{Keymap, Meaning};
use crate::terminal::{self, Canvas, Guard, Input, Notify, Resumed, Signal, Signals};
use crate::ui::theme::Theme;
use crate::ui::{self, View};
use crossterm::event::{Event, MouseEventKind};
use futures::future::LocalBoxFuture;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// How long the record of a run may take when the console is left.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Facts taken in before a frame.
const DRAIN: usize = 1024;

/// A session on another target.
pub struct Opened {
    /// The state.
    pub app: App,
    /// What runs outside.
    pub engine: Engine,
    /// What it reports.
    pub facts: mpsc::Receiver<Fact>,
}

/// A session being opened.
pub struct Opening<'a> {
    /// Whether a credential plugin will want the terminal.
    pub terminal: bool,
    /// The session, or why there is none.
    pub session: LocalBoxFuture<'a, Result<Box<Opened>, String>>,
}

/// Does what a drill wants of its world.
pub type Stage<'a> = Box<dyn Fn(Cue) + 'a>;

/// Opens a session on another target.
pub type Reopen<'a> = Box<dyn Fn(Destination) -> Opening<'a> + 'a>;

/// What the screen is left for.
enum Away<'a> {
    Errand(Errand),
    Going(LocalBoxFuture<'a, Result<Box<Opened>, String>>),
}

/// Everything the loop works with.
pub struct Console<'a> {
    /// The state.
    pub app: App,
    /// What runs outside.
    pub engine: Engine,
    /// What it reports.
    pub facts: mpsc::Receiver<Fact>,
    /// What the keys do.
    pub keys: Keymap,
    /// How it looks.
    pub theme: Theme,
    /// How attention is asked for.
    pub notify: Notify,
    /// The terminal, while it is ours.
    pub guard: Option<Guard>,
    /// How it is taken.
    pub terminal: terminal::Options,
    /// Frames that facts cause are at least this far apart; a key is drawn at once.
    pub frame: Duration,
    /// How another target is opened.
    pub reopen: Reopen<'a>,
    /// How a drill reaches its world; nothing does where there is no drill.
    pub stage: Stage<'a>,
    /// What is under way.
    pub way: Way<'a>,
}

/// Said once, because tmux keeps what is copied to itself unless told otherwise.
const TMUX: &str = "tmux passes it on with `set -g set-clipboard on`.";

/// What is under way beside the loop.
#[derive(Default)]
pub struct Way<'a> {
    away: Option<Away<'a>>,
    going: Option<LocalBoxFuture<'a, Result<Box<Opened>, String>>>,
    /// What tmux needs to pass a clipboard on was said.
    told: bool,
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The operator left.
    Left,
    /// The system said so.
    Signal(Signal),
}

enum Happened {
    Input(Option<io::Result<Event>>),
    Facts,
    Tick,
    Frame,
    Resumed,
    Signal(Signal),
    Opened(Result<Box<Opened>, String>),
}

impl Console<'_> {
    /// Runs until the operator leaves or the system says so. The terminal must have been taken.
    #[expect(
        clippy::too_many_lines,
        reason = "the loop: an arm for each thing that can happen, and one frame after it"
    )]
    pub async fn run(&mut self) -> io::Result<Ending> {
        let mut canvas = Canvas::on_stdout()?;
        let mut input = Input::listen();
        let mut signals = Signals::listen()?;
        let mut resumed = Resumed::listen()?;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut waiting = Vec::with_capacity(DRAIN);
        let mut typed: Vec<Chord> = Vec::new();
        self.app.keyed_offers = self.keys.offers();
        if self.draw(&mut canvas).is_err() {
            return Ok(Ending::Signal(Signal::Hangup));
        }
        let mut drawn = Instant::now();
        let mut due = false;
        let mut title = String::new();
        loop {
            let happened = tokio::select! {
                biased;
                signal = signals.next() => Happened::Signal(signal),
                () = resumed.next() => Happened::Resumed,
                event = input.next() => Happened::Input(event),
                () = tokio::time::sleep_until(drawn + self.frame), if due => Happened::Frame,
                _ = self.facts.recv_many(&mut waiting, DRAIN) => Happened::Facts,
                opened = arrived(&mut self.way.going) => Happened::Opened(opened),
                _ = tick.tick() => Happened::Tick,
            };
            let at_once = match happened {
                Happened::Signal(signal) => {
                    self.last_words("the console was told to end").await;
                    return Ok(Ending::Signal(signal));
                }
                // The terminal is gone: there is nobody to draw for.
                Happened::Input(None | Some(Err(_))) => {
                    self.last_words("the terminal is gone").await;
                    return Ok(Ending::Signal(Signal::Hangup));
                }
                Happened::Input(Some(Ok(event))) => self.take(&event, &mut typed),
                Happened::Facts => {
                    let patient = waiting.iter().all(|fact| self.app.can_wait(fact));
                    for fact in waiting.drain(..) {
                        self.tell(Message::Fact(fact));
                    }
                    if patient {
                        continue;
                    }
                    false
                }
                Happened::Tick => {
                    self.tell(Message::Tick);
                    true
                }
                Happened::Opened(opened) => {
                    if opened.is_ok() {
                        self.last_words("the console went to another target").await;
                    }
                    self.arrive(opened)
                }
                Happened::Resumed => {
                    // Given back first: what the terminal was set to meanwhile is nothing to return to.
                    self.guard = None;
                    self.guard = Some(Guard::enter(self.terminal)?);
                    canvas = Canvas::on_stdout()?;
                    true
                }
                Happened::Frame => true,
            };
            // What came is judged when it can be shown, once a frame, however much it was.
            if !at_once && drawn.elapsed() < self.frame {
                due = true;
                continue;
            }
            self.settle();
            let called = self.app.title();
            if called != title {
                // A terminal that cannot be written to is noticed at the next frame.
                let _ = terminal::write(&terminal::title(&called));
                title = called;
            }
            if self.app.leaving {
                self.last_words("the console was left").await;
                return Ok(Ending::Left);
            }
            if let Some(away) = self.way.away.take() {
                input.end().await;
                Box::pin(self.leave_for(away)).await?;
                canvas = Canvas::on_stdout()?;
                (input, signals) = (Input::listen(), Signals::listen()?);
                self.settle();
            }
            if self.draw(&mut canvas).is_err() {
                // It cannot be written to any more: the same as a hangup that nobody sent.
                self.last_words("the terminal is gone").await;
                return Ok(Ending::Signal(Signal::Hangup));
            }
            (drawn, due) = (Instant::now(), false);
        }
    }

    /// Before the engine goes: the record of a run under way gets its last line, or the time is up.
    async fn last_words(&mut self, why: &str) {
        if self.app.runs.active().is_none() {
            return;
        }
        let known = self.app.runs.entries.len();
        let effects = self.app.interrupted(why);
        self.perform(effects);
        let written = async {
            while !self.app.runs.interrupted_after(known) {
                let Some(fact) = self.facts.recv().await else {
                    return;
                };
                self.tell(Message::Fact(fact));
            }
        };
        // What could not be written in time is found by probing when the run is taken up again.
        drop(tokio::time::timeout(LAST_WORDS, written).await);
    }

    /// Takes in one event of the terminal; says whether a frame is due at once.
    fn take(&mut self, event: &Event, typed: &mut Vec<Chord>) -> bool {
        match event {
            Event::Key(key) => {
                let Some(chord) = Chord::pressed(key) else {
                    return false;
                };
                typed.push(chord);
                match self.keys.meaning(&self.app, typed) {
                    Meaning::Begun => return false,
                    Meaning::Command(command) => self.tell(Message::Command(command)),
                    Meaning::Nothing => {}
                }
                typed.clear();
            }
            Event::Paste(text) => self.tell(Message::Command(Command::Paste(text.clone()))),
            Event::Resize(columns, rows) => (self.app.width, self.app.height) = (*columns, *rows),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollDown => {
                    self.tell(Message::Command(Command::Move(Motion::Down)));
                }
                MouseEventKind::ScrollUp => self.tell(Message::Command(Command::Move(Motion::Up))),
                _ => return false,
            },
            Event::FocusGained | Event::FocusLost => return false,
        }
        true
    }

    fn tell(&mut self, message: Message) {
        let now = self.engine.clock().now();
        let effects = self.app.update(message, now);
        self.perform(effects);
    }

    /// After a batch: judge what it touched, and let the engine run what is wanted now.
    fn settle(&mut self) {
        let effects = self.app.refresh();
        self.perform(effects);
        self.engine.reconcile(self.app.wants());
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::AskNow => self.engine.ask_now(),
                Effect::Run(order) => self.engine.carry(order),
                Effect::Incident(order) => self.engine.attend(order),
                Effect::Go(to) => self.go(to),
                Effect::Stage(cue) => (self.stage)(cue),
                Effect::Login => self.way.away = Some(Away::Errand(Errand::Login)),
                Effect::Shell { object, container } => {
                    self.way.away = Some(Away::Errand(Errand::Shell { object, container }));
                }
                // A terminal that cannot be written to is noticed at the next frame.
                Effect::Copy(text) => {
                    drop(terminal::write(&terminal::copy(&text)));
                    if std::env::var_os("TMUX").is_some()
                        && !std::mem::replace(&mut self.way.told, true)
                    {
                        self.notice(format!("{COPIED} {TMUX}"), false);
                    }
                }
                Effect::Save { name, text } => self.save(&name, text),
                Effect::Attention(sentence) => {
                    let call = terminal::level_changed(self.notify, "vigie", &sentence, |name| {
                        std::env::var(name).ok()
                    });
                    drop(terminal::write(&call));
                }
            }
        }
    }

    /// Keeps a text, or what is on the screen, in a file beside which the console was started.
    fn save(&mut self, name: &str, text: Option<String>) {
        let view = View {
            app: &self.app,
            theme: &self.theme,
            keys: &self.keys,
        };
        let text = text.unwrap_or_else(|| ui::picture(&view, self.app.width, self.app.height));
        let at = self
            .engine
            .clock()
            .now()
            .strftime("%Y%m%d-%H%M%S")
            .to_string();
        match terminal::keep(&format!("vigie-{name}-{at}.txt"), &text) {
            Ok(path) => self.notice(format!("Saved as {}.", path.display()), false),
            Err(why) => self.notice(format!("It could not be saved: {why}."), true),
        }
    }

    fn go(&mut self, to: Destination) {
        let Opening { terminal, session } = (self.reopen)(to);
        if terminal {
            self.way.away = Some(Away::Going(session));
        } else {
            self.way.going = Some(session);
        }
    }

    /// Gives the terminal away, waits, takes it back. What is typed meanwhile is not ours.
    async fn leave_for(&mut self, away: Away<'_>) -> io::Result<()> {
        self.guard = None;
        let came = match away {
            Away::Errand(errand) => Came::Said(self.engine.errand(errand).await),
            Away::Going(session) => Came::Opened(session.await),
        };
        self.guard = Some(Guard::enter(self.terminal)?);
        match came {
            Came::Opened(opened) => drop(self.arrive(opened)),
            Came::Said(Ok(text)) => self.notice(text, false),
            Came::Said(Err(text)) => self.notice(text, true),
        }
        self.engine.ask_now();
        Ok(())
    }

    fn notice(&mut self, text: String, error: bool) {
        self.tell(Message::Fact(Fact::Notice(Notice { text, error })));
    }

    /// Turns to another target; the engine of the old one ends with it.
    fn arrive(&mut self, opened: Result<Box<Opened>, String>) -> bool {
        self.way.going = None;
        match opened {
            Ok(opened) => {
                let Opened {
                    mut app,
                    engine,
                    facts,
                } = *opened;
                app.arrive_from(&mut self.app);
                (self.app, self.engine, self.facts) = (app, engine, facts);
            }
            Err(why) => self.notice(why, true),
        }
        true
    }

    fn draw(&mut self, canvas: &mut Canvas) -> io::Result<()> {
        (self.app.width, self.app.height) = canvas.size()?;
        let view = View {
            app: &self.app,
            theme: &self.theme,
            keys: &self.keys,
        };
        canvas.draw(|frame| {
            let area = frame.area();
            ui::draw(&view, area, frame.buffer_mut());
        })
    }
}

enum Came {
    Said(Result<String, String>),
    Opened(Result<Box<Opened>, String>),
}

/// Waits for the session that is being opened, for ever where none is.
async fn arrived(
    going: &mut Option<LocalBoxFuture<'_, Result<Box<Opened>, String>>>,
) -> Result<Box<Opened>, String> {
    match going {
        Some(session) => session.await,
        None => std::future::pending().await,
    }
}
