//! The simulated platform: one pure, seeded world served over HTTP on the loopback interface. Imports nothing of ours.

pub mod ledger;
