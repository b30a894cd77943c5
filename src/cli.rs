//! The subcommands: what was typed, and the headless face printed from the same App.

pub mod args;
