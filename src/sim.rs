//! The simulated platform: one pure, seeded world served over HTTP on the loopback interface. Imports nothing of ours.

pub mod alertmanager;
pub mod ledger;
pub mod prometheus;
pub mod promql;
pub mod series;
