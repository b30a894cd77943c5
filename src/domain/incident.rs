//! Incidents: what went wrong for the people who use the platform, as a fold of the events written down about it. The file
//! is the journal's; here are its words, what may follow what, its clocks, its timeline and its report. Nobody is named
//! unless a name was typed.

mod clocks;
mod event;
mod figures;
mod fold;
mod id;
mod markdown;
mod report;
mod severity;
mod timeline;
mod words;

pub use clocks::{Clock, Late, Strain, Timer, clocks, header, missed};
pub use event::{
    AlertNews, AlertTurn, Event, NewIncident, NoticeNews, NoticeTurn, Place, Record, Role, RunNews,
    RunTurn, Stamp,
};
pub use fold::{Incident, NAME, Stage, TEXT, TITLE, TO_DO, Todo, detected, need};
pub use id::IncidentId;
pub use markdown::{Book, Report};
pub use report::report;
pub use severity::Severity;
pub use timeline::{Confidence, Row, merge, rows};
pub use words::{Language, say};

#[cfg(test)]
mod tests;
