//! The promises of speed and memory, each measured from outside: the console runs as a process of its own in a pseudo terminal,
//! on the simulated platform of this process or on a real cluster, and is read, typed at and weighed as a person and `/proc` would.
//! `cargo bench --bench console` measures all, `-- table far` only those named; Linux only. What was promised stands beside it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    missing_docs,
    reason = "a measurement that cannot go on says so by panicking, and talking is its purpose"
)]

mod bare;
mod changes;
mod idle;
mod platform;
mod real;
mod relay;
mod running;
mod start;
mod terminal;

use std::time::Duration;

/// One measurement: its name on the command line, and what does it.
type Measure = (&'static str, fn());

const ALL: [Measure; 10] = [
    ("first", start::first_frame),
    ("table", start::table),
    ("far", start::far_away),
    ("idle", idle::idle),
    ("change", changes::change),
    ("storm", changes::storm),
    ("churn", changes::churn),
    ("churn-pods", changes::churn_pods),
    ("run", running::run),
    ("real", real::real),
];

fn main() {
    if !cfg!(target_os = "linux") {
        println!("these measurements read /proc: they need Linux");
        return;
    }
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, measure) in ALL {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            println!("--- {name}");
            measure();
        }
    }
}

/// One line of the report.
fn tell(what: &str, promised: &str, measured: &str) {
    println!("{what:<58} | {promised:<12} | {measured}");
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Times in order, so that shares of them can be named.
struct Times(Vec<Duration>);

impl Times {
    fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The time within which that share of them lies.
    fn share(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = ((self.0.len() as f64 * share).ceil() as usize).saturating_sub(1);
        self.0.get(at.min(last)).copied().unwrap_or_default()
    }

    fn median(&self) -> Duration {
        self.share(0.5)
    }

    fn said(&self) -> String {
        format!(
            "median {:.1} ms, p99 {:.1} ms, most {:.1} ms of {}",
            ms(self.median()),
            ms(self.share(0.99)),
            ms(self.share(1.0)),
            self.0.len()
        )
    }
}
