//! The console: taking the terminal, running the loop, giving it back; and one screen as text.

use super::args::value::{FrameSize, Screen as Typed};
use super::exit::{Failed, OK, UNKNOWN};
use super::session::{Session, Start};
use crate::app::screen::Screen;
use crate::config::settings::Notify as Configured;
use crate::domain::object::ObjectRef;
use crate::keymap::{Keymap, table};
use crate::terminal::{self, Guard, Notify, Options};
use crate::tui::{Console, Ending, Way};
use crate::ui::theme::{Depth, Theme, default_theme, depth::depth, glyphs};
use crate::ui::{self, View};
use std::io::IsTerminal as _;
use std::time::Duration;

/// The runtime of a command. Two threads beside this one are plenty: the work is waiting.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}

/// `vigie` without a command.
pub fn open(start: &Start, open: Option<Typed>, _alert: Option<&str>) -> Result<u8, Failed> {
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(Failed::usage(
            "there is no terminal here; `vigie status` says the same as text, `vigie demo --frame 120x40` shows a screen",
        ));
    }
    runtime()?.block_on(async {
        let session = start.session(start.place(), screen(open, start)).await?;
        Box::pin(live(start, session)).await
    })
}

fn screen(open: Option<Typed>, _start: &Start) -> Screen {
    let workload = |name: &str| ObjectRef::new("Deployment", "", name);
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
    let config = start.loaded.config();
    let keys = Keymap::new(&config.keys).map_err(|error| Failed::usage(error.to_string()))?;
    let theme = theme(start)?;
    let state = start.loaded.state_dir();
    terminal::install_panic_hook(state.join("crashes"), None);
    let variable = |name: &str| std::env::var(name).ok();
    let options = Options {
        mouse: config.mouse,
        kitty_keys: terminal::knows_kitty_keys(variable),
    };
    let Session {
        app,
        engine,
        facts,
        place,
    } = session;
    let guard = Some(Guard::enter(options)?);
    let console = Console {
        app,
        engine,
        facts,
        keys,
        theme,
        notify: notify(config.notify),
        guard,
        terminal: options,
        reopen: super::reopen::reopen(start, place),
        way: Way::default(),
    };
    let ending = Box::pin(console.run()).await;
    match ending.map_err(|error| Failed::new(UNKNOWN, format!("the terminal: {error}")))? {
        Ending::Left => Ok(OK),
        Ending::Signal(signal) => Ok(signal.exit_code()),
    }
}

fn notify(configured: Configured) -> Notify {
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
    let own = own_themes(start);
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

fn own_themes(start: &Start) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(start.loaded.themes_dir()) else {
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
