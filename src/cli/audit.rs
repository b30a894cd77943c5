//! `vigie audit`: whether the record still is as it was written, the record itself, and what of it is old enough to go.

mod deliver;
mod prune;
mod show;
mod verify;

use super::args::Audit as Asked;
use super::exit::Failed;
use super::session::Start;
pub use deliver::{line, shortly};

/// `vigie audit`.
pub fn audit(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    match asked {
        Asked::Verify { file, anchor } => verify::verify(start, file.as_deref(), anchor.as_deref()),
        Asked::Show { run } => show::show(start, run.as_deref()),
        Asked::Status => deliver::status(start),
        Asked::Deliver => deliver::deliver(start),
        Asked::Prune {
            older_than,
            dry_run,
        } => prune::prune(start, *older_than, *dry_run),
    }
}
