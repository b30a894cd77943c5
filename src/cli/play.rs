//! `vigie demo` and `vigie sim`: the simulated platform, with the console on it or alone.

use super::args::value::FrameSize;
use super::args::{Demo, Output, Play, Sim};
use super::console;
use super::exit::{Failed, OK, UNKNOWN};
use super::print;
use super::session::{Place, Start};
use crate::app::screen::Screen;
use crate::config::settings::{Context, Hidden, Source, VaultSource};
use crate::domain::target::Scope;
use crate::engine::clock::Clock;
use crate::platform::kubernetes::Options;
use crate::sim::scenario::Scenario;
use crate::sim::{self, Running};
use crate::terminal::{self, Signals};
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// A picture shows the platform so long after its scenario began: the trouble stands, and what to do is not yet done.
const PICTURE_AT: Duration = Duration::from_secs(150);
/// Every picture is of the same night, so that it can be compared.
const PICTURE_NIGHT_MS: i64 = 1_772_593_927_000;
/// How long a picture may take to come together.
const PATIENCE: Duration = Duration::from_secs(20);
/// A picture without a terminal to measure.
const USUAL: FrameSize = FrameSize {
    width: 120,
    height: 40,
};

fn scenario(play: &Play) -> Result<Scenario, Failed> {
    let Some(name) = &play.scenario else {
        return Ok(Scenario::default());
    };
    let found = Scenario::ALL
        .into_iter()
        .find(|scenario| scenario.name() == name);
    found.ok_or_else(|| {
        let known = Scenario::ALL.map(Scenario::name).join(", ");
        Failed::usage(format!("there is no scenario `{name}`; there are {known}"))
    })
}

/// A world that no other command of this machine looks at: its runs and locks are its own.
pub fn another() -> Result<u64, Failed> {
    getrandom::u64().map_err(|error| Failed::new(UNKNOWN, format!("no randomness: {error}")))
}

/// `vigie demo`.
pub fn demo(start: &Start, demo: &Demo) -> Result<u8, Failed> {
    let terminal = terminal::no_screen(|name| std::env::var(name).ok()).is_none();
    let json = start.global.output == Output::Json;
    let picture = demo.frame.or_else(|| (json || !terminal).then_some(USUAL));
    let mut options = sim::Options {
        scenario: scenario(&demo.play)?,
        seed: demo.play.seed,
        world: Some(another()?),
        ..sim::Options::default()
    };
    if picture.is_some() {
        options = sim::Options {
            advance: PICTURE_AT,
            speed: 0.0,
            base: Some(PICTURE_NIGHT_MS),
            world: None,
            ..options
        };
    }
    let name = options.scenario.name();
    console::runtime_of_two()?.block_on(async {
        let running = sim::start(options).await?;
        let session = start.session(place(&running), Screen::Overview).await?;
        let Some(size) = picture else { return Box::pin(console::live(start, session)).await };
        let frame = console::picture(start, session, size, PATIENCE).await?;
        if json {
            let lines: Vec<&str> = frame.lines().collect();
            let (scenario, seed) = (name, demo.play.seed);
            return print::text(&print::line(&json!({
                "schema": 1, "scenario": scenario, "seed": seed, "width": size.width, "height": size.height, "lines": lines,
            })));
        }
        print::text(&frame)?;
        if demo.frame.is_none() {
            print::note("this is one look at a simulated platform; in a terminal, `vigie demo` shows it live");
        }
        Ok(OK)
    })
}

/// Where a simulated platform is found; from here on it is a platform like any other.
pub fn place(running: &Running) -> Place {
    let source = |url: &str| {
        Some(Source {
            url: Some(url.to_owned()),
            ..Source::default()
        })
    };
    let (clock, pace) = (running.clock(), running.clock());
    Place {
        options: Options {
            server: Some(running.address_of(sim::access::Identity::Oncall).to_owned()),
            ..Options::default()
        },
        sources: Context {
            prometheus: source(&running.prometheus),
            alertmanager: source(&running.alertmanager),
            vault: Some(VaultSource {
                url: Some(running.vault.clone()),
                ..VaultSource::default()
            }),
            ..Context::default()
        },
        vault_token: Some(Hidden::new(&sim::vault::Identity::Oncall.token())),
        name: Some(sim::CONTEXT.into()),
        scope: Some(Scope::Namespace(sim::NAMESPACE.into())),
        simulated: true,
        vault_path: None,
        hurry: 1,
        cluster: None,
        clock: Clock::new(move || {
            Timestamp::from_millisecond(clock.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
        })
        .paced(move || pace.speed()),
    }
}

/// `vigie sim`.
pub fn sim(asked: &Sim) -> Result<u8, Failed> {
    let usual = sim::Options::default();
    let options = sim::Options {
        scenario: scenario(&asked.play)?,
        seed: asked.play.seed,
        world: Some(another()?),
        pods: asked.pods.map_or(usual.pods, |pods| pods as usize),
        churn: asked.churn.map_or(usual.churn, |churn| churn as usize),
        ..usual
    };
    console::runtime_of_two()?.block_on(async {
        let mut signals = Signals::listen()?;
        let running = sim::start(options).await?;
        let folder = match &asked.dir {
            Some(folder) => folder.clone(),
            None => std::env::temp_dir().join(format!("vigie-sim-{}", std::process::id())),
        };
        let kubeconfig = write_kubeconfig(&folder, &running.kubeconfig())?;
        print::text(&format!(
            "export KUBECONFIG={}\nexport PROMETHEUS_URL={}\nexport ALERTMANAGER_URL={}\nexport VAULT_ADDR={}\nexport VAULT_TOKEN={}\n",
            quoted(&kubeconfig.display().to_string()),
            running.prometheus,
            running.alertmanager,
            running.vault,
            sim::vault::Identity::Oncall.token()
        ))?;
        let ended = signals.next().await;
        if asked.dir.is_none() {
            // What was made for this run alone goes with it; if it cannot, nothing is lost.
            let _ = std::fs::remove_dir_all(&folder);
        }
        Ok(ended.exit_code())
    })
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn write_kubeconfig(folder: &Path, text: &str) -> Result<std::path::PathBuf, Failed> {
    let path = folder.join("kubeconfig");
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| {
        Failed::usage(format!(
            "cannot write {}: {}",
            path.display(),
            crate::journal::in_words(&error)
        ))
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        assert_eq!(
            quoted("/tmp/vigie-sim-7/kubeconfig"),
            "/tmp/vigie-sim-7/kubeconfig"
        );
        assert_eq!(quoted("/tmp/a b's"), r"'/tmp/a b'\''s'");
    }
}
