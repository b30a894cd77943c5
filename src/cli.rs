//! The subcommands: what was typed, and the headless face printed from the same App.
//!
//! [`main`] parses, loads the configuration and hands over to one file per command; all they share is a [`session`].

mod alert;
mod approve;
pub mod args;
mod attendance;
mod audit;
mod config;
mod console;
mod doctor;
mod document;
pub mod drill;
mod exit;
mod incident;
mod kubectl;
mod play;
mod print;
mod reach;
mod reopen;
mod report;
mod rollout;
mod run;
mod runbook;
mod runs;
mod session;
mod shelf;
mod sources;
mod status;
mod vault;

use crate::config::{Folders, Inputs};
use args::{Cli, Command, Global};
use clap::Parser as _;
use clap::error::ErrorKind;
use exit::Failed;
use std::io::Write as _;
use std::process::ExitCode;

/// Runs what was typed; the exit code is the contract's.
pub fn main() -> ExitCode {
    report::install();
    ExitCode::from(report::guarded(typed))
}

fn typed() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no error.
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            let printed = error.print().and_then(|()| std::io::stdout().flush());
            return match printed {
                _ if !asked => exit::USAGE,
                // The reader may be gone already.
                Err(refused) if refused.kind() != std::io::ErrorKind::BrokenPipe => {
                    Failed::unwritten(&refused).tell()
                }
                _ => exit::OK,
            };
        }
    };
    run(cli).unwrap_or_else(|failed| failed.tell())
}

fn run(cli: Cli) -> Result<u8, Failed> {
    let inputs = inputs(&cli.global)?;
    match &cli.command {
        // These are wanted most where the configuration cannot be read.
        Some(Command::Completions { shell }) => return print::text(&args::completions(*shell)),
        Some(Command::Man) => return print::text(&args::man()?),
        Some(Command::Config(asked)) => return config::answer(&cli.global, *asked, &inputs),
        Some(Command::Doctor) => return doctor::doctor(cli.global, &inputs),
        _ => {}
    }
    let loaded = config::whole(&inputs).map_err(|mistakes| config::told(&mistakes))?;
    report::log(&loaded)?;
    let start = session::Start {
        global: cli.global,
        loaded,
    };
    match cli.command {
        None => console::open(&start, cli.open, cli.alert.as_deref()),
        Some(Command::Demo(demo)) => play::demo(&start, &demo),
        Some(Command::Drill(asked)) => drill::drill(&start, &asked),
        Some(Command::Sim(sim)) => play::sim(&sim),
        Some(Command::Status(asked)) => status::status(&start, &asked),
        Some(Command::Run(asked)) => run::run(&start, &asked),
        Some(Command::Resume(asked)) => run::resume(&start, &asked),
        Some(Command::Runs(asked)) => runs::runs(&start, &asked),
        Some(Command::Abandon(asked)) => runs::abandon(&start, &asked),
        Some(Command::Approve(asked)) => approve::approve(&start, &asked),
        Some(Command::Incident(asked)) => incident::incident(&start, asked),
        Some(Command::Audit(asked)) => audit::audit(&start, &asked),
        Some(Command::Runbook(asked)) => runbook::runbook(&start, &asked),
        Some(Command::Rollout(asked)) => rollout::rollout(&start, &asked),
        // These were answered above.
        Some(Command::Completions { .. } | Command::Man | Command::Config(_) | Command::Doctor) => {
            Ok(exit::OK)
        }
    }
}

/// What the configuration is made of.
fn inputs(global: &Global) -> Result<Inputs, Failed> {
    let folders = Folders::of_this_machine()
        .ok_or_else(|| Failed::usage("there is no home folder; set HOME"))?;
    Ok(Inputs {
        file: global.config.clone(),
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        flags: global.settings(),
        folders,
    })
}
