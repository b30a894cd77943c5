//! What happens when something happens that nobody foresaw: the handlers of errors and panics, and the log file. The command line
//! installs them first of all; a panic never reaches a person as one.

use super::exit::{Failed, UNKNOWN};
use crate::config::{Folders, Loaded};
use crate::terminal;
use color_eyre::config::{HookBuilder, Theme};
use std::io::IsTerminal as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Installs the handlers: plain where stderr is no terminal or colours are not wanted.
pub fn install() {
    let plain = !std::io::stderr().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    let theme = if plain { Theme::new() } else { Theme::dark() };
    let (_, errors) = HookBuilder::default()
        .theme(theme)
        .display_env_section(false)
        .into_hooks();
    // Somebody who embeds us may have installed handlers already; theirs are as good.
    let _ = errors.install();
    if let Some(folders) = Folders::of_this_machine() {
        terminal::install_panic_hook(folders.state.join("crashes"), Some(folders.home));
    }
}

/// Runs a command to its exit code. A panic has been told by then, with where its report is.
pub fn guarded(command: impl FnOnce() -> u8) -> u8 {
    catch_unwind(AssertUnwindSafe(command)).unwrap_or(UNKNOWN)
}

/// Opens the log file: `VIGIE_LOG` has directives, the configuration a level. A file that cannot be written is no reason to
/// refuse a command at night.
pub fn log(loaded: &Loaded) -> Result<(), Failed> {
    let directives = std::env::var("VIGIE_LOG")
        .ok()
        .filter(|said| !said.is_empty());
    let level = format!("{:?}", loaded.config().log.level).to_lowercase();
    let said = directives.as_deref().unwrap_or(&level);
    if said == "off" {
        return Ok(());
    }
    let path = loaded.state_dir().join("vigie.log");
    match terminal::log_to(&path, said) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput && directives.is_some() => {
            Err(Failed::usage(format!(
                "VIGIE_LOG: `{said}` cannot be read: {error}\nWrite a level such as debug, or directives such as info,kube=warn."
            )))
        }
        _ => Ok(()),
    }
}
