//! The words of operations: pods, workloads, rollouts, signals, alerts, verdicts, links. No I/O, no clock, no colour.
//!
//! Values are numbers, enums and moments; text that depends on the present is made by functions that take `now`.
//! What is not known is `None` or `Unknown`, never a default that looks like an answer.

pub mod alert;
pub mod event;
pub mod hidden;
pub mod incident;
pub mod kv;
pub mod link;
pub mod node;
pub mod object;
pub mod pod;
pub mod policy;
pub mod redact;
pub mod rollout;
#[doc(hidden)]
pub mod sample;
pub mod served;
pub mod service;
pub mod signal;
pub mod syslog;
pub mod table;
pub mod target;
pub mod uid;
pub mod verdict;
pub mod workload;
