//! The words of operations: pods, workloads, rollouts, signals, alerts, verdicts, links. No I/O, no clock, no colour.
