//! The machine that carries a runbook out, as a pure function: a run and an event in, the run and its effects out.
//! It records before it acts, looks before it repeats, and asks before it decides for anybody. The engine carries
//! its effects out; the journal's entries, folded by [`replay`], are the run again.

mod act;
mod drive;
pub mod fact;
mod inputs;
pub mod io;
mod judging;
mod looking;
mod people;
mod plan;
mod run;
#[cfg(test)]
mod tests;

pub use drive::{begin, step};
pub use fact::{
    Answers, Entry, Fact, Found, Intent, Outcome, Probe, Reason, RunState, RunTarget, Start,
    Status, Way,
};
pub use io::{
    Answer, Ask, AskKind, Decision, Effect, Event, Failure, ObjectState, Question, ReadId, Rollout,
};
pub use run::{End, Human, Ledger, Mutation, Run, RunError, StepRecord, StepState, replay};
