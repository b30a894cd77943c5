//! One integration binary: one link step, shared fixtures as ordinary modules.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a test that cannot go on says so by panicking, may talk about it, and reads as a story"
)]

mod acts;
mod bad_input;
mod cluster;
mod command;
mod config;
mod docs;
mod drills;
mod frugal;
mod headless;
mod incidents;
mod journal;
mod keys;
mod kinds;
mod kubectl;
mod kubernetes;
mod logs;
mod oracle;
mod outside;
mod pty;
mod queries;
mod random;
mod reading;
mod rotation;
mod run_screens;
mod runbooks;
mod runs;
mod screens;
mod seat;
mod sim;
mod sim_admission;
mod sim_lives;
mod sim_promql;
mod sim_signals;
mod sinks;
mod sources;
mod terminal;
mod texts;
mod themes;
mod tidy;
mod truth;
mod vault;
