//! The machine that carries a runbook out, as a pure function: a run and an event in, the run and its effects out.
//! It records before it acts, looks before it repeats, and asks before it decides for anybody. The engine carries
//! its effects out; the journal's entries, folded by [`replay`], are the run again.

mod act;
mod acts;
mod ahead;
mod approving;
mod checklist;
mod drive;
mod expand;
pub mod fact;
mod fold;
mod forecast;
mod inputs;
pub mod io;
pub mod item;
mod judging;
mod ledger;
mod limits;
mod looking;
mod made;
mod objects;
mod outward;
mod people;
mod plan;
mod programs;
mod prompting;
mod rehearsal;
mod run;
mod secrets;
mod silence;
mod steps;
mod telling;
#[cfg(test)]
mod tests;
mod theirs;
mod traps;
mod undo;
mod waiting;

pub use approving::BREAKS_GLASS;
pub use drive::{begin, step};
pub use fact::{
    Answers, Entry, Fact, Found, Intent, Outcome, Probe, Reason, RunState, RunTarget, Start,
    Status, Way, carrier,
};
pub use fold::replay;
pub use forecast::{Ahead, Forecast};
pub use io::{
    Answer, Ask, AskKind, Decision, Effect, Event, Failure, GoingBack, ObjectState, Offered,
    ProofQuestion, Question, ReadId, Rollout, ScanQuestion, SecretQuestion,
};
pub use ledger::{End, Human, Ledger, Mutation, StepRecord, StepState};
pub use programs::{Order, order};
pub use rehearsal::rehearsal_words;
pub use run::{Run, RunError};
