//! The subcommands: what was typed, and the headless face printed from the same App.
//!
//! [`main`] parses, loads the configuration and hands over to one file per command; all they share is a [`session`].

pub mod args;
mod audit;
mod console;
mod exit;
mod play;
mod print;
mod reopen;
mod run;
mod runbook;
mod runs;
mod session;
mod shelf;
mod sources;
mod status;

use crate::config::{Folders, Inputs, Loaded, load};
use args::{Cli, Command, Global};
use clap::Parser as _;
use clap::error::ErrorKind;
use exit::Failed;
use std::process::ExitCode;

/// Runs what was typed; the exit code is the contract's.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no error; the stream may be closed already.
            let _ = error.print();
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            return ExitCode::from(if asked { exit::OK } else { exit::USAGE });
        }
    };
    ExitCode::from(run(cli).unwrap_or_else(|failed| failed.tell()))
}

fn run(cli: Cli) -> Result<u8, Failed> {
    let loaded = configuration(&cli.global)?;
    let start = session::Start {
        global: cli.global,
        loaded,
    };
    match cli.command {
        None => console::open(&start, cli.open, cli.alert.as_deref()),
        Some(Command::Demo(demo)) => play::demo(&start, &demo),
        Some(Command::Sim(sim)) => play::sim(&sim),
        Some(Command::Status(asked)) => status::status(&start, &asked),
        Some(Command::Completions { shell }) => print::text(&args::completions(shell)),
        Some(Command::Man) => print::text(
            &args::man().map_err(|error| Failed::new(exit::UNKNOWN, error.to_string()))?,
        ),
        Some(Command::Run(asked)) => run::run(&start, &asked),
        Some(Command::Resume(asked)) => run::resume(&start, &asked),
        Some(Command::Runs(asked)) => runs::runs(&start, &asked),
        Some(Command::Abandon(asked)) => runs::abandon(&start, &asked),
        Some(Command::Audit(asked)) => audit::audit(&start, &asked),
        Some(Command::Runbook(asked)) => runbook::runbook(&start, &asked),
        Some(_) => Err(Failed::usage("this command is not here yet")),
    }
}

/// The configuration, with every mistake in it told.
fn configuration(global: &Global) -> Result<Loaded, Failed> {
    let folders = Folders::of_this_machine()
        .ok_or_else(|| Failed::usage("there is no home folder; set HOME"))?;
    let inputs = Inputs {
        file: global.config.clone(),
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        flags: global.settings(),
        folders,
    };
    load(&inputs).map_err(|mistakes| Failed::usage(mistakes.to_string()))
}
