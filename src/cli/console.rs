//! The console: taking the terminal, running the loop, giving it back; and one screen as text.

use super::args::value::{FrameSize, Screen as Typed};
use super::attendance::{Attendance, how};
use super::exit::{Failed, OK, UNKNOWN};
use super::session::{Session, Start};
use super::{alert, kubectl};
use crate::app::App;
use crate::app::screen::{History, Screen};
use crate::config::Loaded;
use crate::config::settings::Notify as Configured;
use crate::domain::object::ObjectRef;
use crate::domain::target::Scope;
use crate::keymap::{Keymap, table};
use crate::terminal::{self, Guard, Notify, Options};
use crate::tui::{Console, Ending, Stage, Way};
use crate::ui::theme::{Depth, Theme, default_theme, depth::depth, glyphs};
use crate::ui::{self, View};
use std::time::Duration;

/// The runtime of a command. One thread beside this one is plenty, because the work is waiting, and what a watch hands on need
/// not wake another.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    with_threads(1)
}

/// The runtime where a simulated platform runs beside the console.
pub fn runtime_of_two() -> Result<tokio::runtime::Runtime, Failed> {
    with_threads(2)
}

fn with_threads(threads: usize) -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?)
}

/// `vigie` without a command.
pub fn open(start: &Start, open: Option<Typed>, alert: Option<&str>) -> Result<u8, Failed> {
    if let Some(why) = terminal::no_screen(|name| std::env::var(name).ok()) {
        return Err(Failed::usage(format!(
            "{why}; `vigie status` says the same as text, `vigie demo --frame 120x40` shows a screen"
        )));
    }
    runtime()?.block_on(async {
        let session = if let Some(text) = alert {
            alert::session(start, text).await?
        } else {
            let mut session = start.session(start.place(), Screen::Overview).await?;
            let open = open.or_else(|| start.loaded.config().start.screen.parse().ok());
            session.app.history = History::new(screen(open, &session.app.target.scope));
            session
        };
        Box::pin(live(start, session)).await
    })
}

fn screen(open: Option<Typed>, scope: &Scope) -> Screen {
    let namespace = scope.namespace().map_or("", |name| &**name);
    let workload = |name: &str| {
        let (kind, name) = kubectl::named(name);
        ObjectRef::new(kind.name(), namespace, name)
    };
    let named = |name: &str| {
        table::places()
            .into_iter()
            .find(|(known, _)| *known == name)
    };
    match open {
        None => Screen::Overview,
        Some(Typed::Named(name)) => named(&name).map_or(Screen::Overview, |(_, screen)| screen),
        Some(Typed::Rollout(name)) => Screen::Rollout(workload(&name)),
        Some(Typed::Signals(name)) => Screen::Signals(workload(&name)),
    }
}

/// Takes the terminal and runs until the operator leaves.
pub async fn live(start: &Start, session: Session) -> Result<u8, Failed> {
    let (code, _) = Box::pin(attended(start, session, Box::new(|_| ()))).await?;
    Ok(code)
}

/// The same with a world that answers a drill; gives the App back as it was left, unless it crashed.
pub async fn attended(
    start: &Start,
    session: Session,
    stage: Stage<'_>,
) -> Result<(u8, Option<App>), Failed> {
    let config = start.loaded.config();
    let keys = Keymap::new(&config.keys).map_err(|error| Failed::usage(error.to_string()))?;
    let theme = theme(start)?;
    let mut crashes = terminal::crashes();
    terminal::install_panic_hook(
        start.loaded.state_dir().join("crashes"),
        std::env::home_dir(),
    );
    let variable = |name: &str| std::env::var(name).ok();
    let options = Options {
        mouse: config.mouse,
        kitty_keys: terminal::knows_kitty_keys(variable),
    };
    let attendance = Attendance::begin(start.loaded.state_dir(), &session);
    let sinks = super::shelf::sinks(&start.loaded);
    let delivery = (!sinks.is_empty())
        .then(|| tokio::spawn(crate::engine::sinks::run(start.loaded.state_dir(), sinks)));
    let _delivery = delivery.map(tokio_util::task::AbortOnDropHandle::new);
    let Session {
        app,
        engine,
        facts,
        place,
        ..
    } = session;
    let guard = Some(Guard::enter(options)?);
    let mut console = Console {
        app,
        engine,
        facts,
        keys,
        theme,
        notify: notify(config.notify),
        guard,
        terminal: options,
        frame: Duration::from_secs(1) / u32::from(config.refresh.frames.max(1)),
        reopen: super::reopen::reopen(start, place),
        stage,
        way: Way::default(),
    };
    // A thread beside the drawing one may panic: the screen is given back before it is told.
    let ending = tokio::select! {
        ending = Box::pin(console.run()) => ending,
        _ = crashes.changed() => {
            terminal::restore();
            if let Some(crash) = crashes.borrow().as_ref() {
                terminal::tell(crash);
            }
            attendance.end("crashed").await;
            return Ok((UNKNOWN, None));
        }
    };
    attendance.end(&how(&ending)).await;
    let ending = ending.map_err(|error| Failed::new(UNKNOWN, format!("the terminal: {error}")))?;
    let code = match ending {
        Ending::Left => OK,
        Ending::Signal(signal) => signal.exit_code(),
    };
    // The screen is given back before anything is printed.
    console.guard = None;
    Ok((code, Some(console.app)))
}

/// How attention is asked for.
pub fn notify(configured: Configured) -> Notify {
    match configured {
        Configured::Auto => Notify::Auto,
        Configured::Bell => Notify::Bell,
        Configured::Osc9 => Notify::Osc9,
        Configured::Osc777 => Notify::Osc777,
        Configured::Off => Notify::Off,
    }
}

/// The theme of the configuration, at the depth of this terminal.
fn theme(start: &Start) -> Result<Theme, Failed> {
    let config = start.loaded.config();
    let variable = |name: &str| std::env::var(name).ok();
    let depth = depth(&variable);
    let name = match config.theme.as_str() {
        "auto" => {
            let light = terminal::ground(Duration::from_millis(200), variable)
                .map(|ground| ground == terminal::Ground::Light);
            default_theme(depth, light).to_owned()
        }
        named => named.to_owned(),
    };
    let own = own_themes(&start.loaded);
    let own: Vec<(&str, &str)> = own
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let theme =
        Theme::named(&name, &own, depth).map_err(|error| Failed::usage(error.to_string()))?;
    Ok(if config.ascii {
        theme.with_glyphs(&glyphs::ASCII)
    } else {
        theme
    })
}

/// The person's own themes: name and text.
pub fn own_themes(loaded: &Loaded) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(loaded.themes_dir()) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let name = path
                .file_name()?
                .to_str()?
                .strip_suffix(".toml")?
                .to_owned();
            Some((name, std::fs::read_to_string(path).ok()?))
        })
        .collect()
}

/// One screen as text, once the platform has something to show.
pub async fn picture(
    start: &Start,
    mut session: Session,
    size: FrameSize,
    patience: Duration,
) -> Result<String, Failed> {
    let keys = Keymap::new(&start.loaded.config().keys)
        .map_err(|error| Failed::usage(error.to_string()))?;
    let settled = session.settle(patience).await;
    if !settled {
        return Err(Failed::new(
            UNKNOWN,
            format!(
                "nothing to show after {} s: {}",
                patience.as_secs(),
                session.app.headline.text
            ),
        ));
    }
    (session.app.width, session.app.height) = (size.width, size.height);
    let theme = Theme::from_sheet(
        &Theme::sheet("mono", &[]).map_err(|error| Failed::usage(error.to_string()))?,
        Depth::None,
    );
    let view = View {
        app: &session.app,
        theme: &theme,
        keys: &keys,
    };
    Ok(ui::picture(&view, size.width, size.height))
}
