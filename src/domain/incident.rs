//! Incidents: what went wrong for the people who use the platform, as a fold of the events written down about it. The file
//! is the journal's; here are its words, what may follow what, its clocks, its timeline and its report. Nobody is named
//! unless a name was typed.

mod admit;
mod clocks;
mod event;
mod figures;
mod fold;
mod id;
mod limits;
mod markdown;
mod news;
mod observed;
mod report;
mod role;
mod severity;
mod timeline;
mod words;

pub use admit::{NAME, TEXT, TITLE, detected, need};
pub use clocks::{Clock, Late, Strain, Timer, clocks, header, missed};
pub use event::{
    AlertNews, AlertTurn, Dated, Event, NewIncident, NoticeNews, NoticeTurn, Place, Record,
    RunNews, RunTurn, Stamp,
};
pub use fold::{Incident, Stage, TO_DO, Todo};
pub use id::IncidentId;
pub use limits::{Limit, Limits, Origin};
pub use markdown::{Book, Report};
pub use observed::{BEFORE, OBSERVED, Observation, Witness, event_key};
pub use report::report;
pub use role::Role;
pub use severity::Severity;
pub use timeline::{Confidence, Row, merge, rows};
pub use words::{Language, say};

#[cfg(test)]
mod tests;
