//! Waits go by the cluster's time: nobody ends one early by setting this machine's clock.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use vigie::app::command::Command;
use vigie::app::runs::Runs;
use vigie::app::runs::order::RunRequest;
use vigie::app::runs::shelf::{Book, Origin};
use vigie::runbook::machine::{Answers, Fact, RunState};
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;

use super::bench::Bench;

/// How long it waits, by the platform's time.
const SPAN: SignedDuration = SignedDuration::from_secs(90);
/// Two hours.
const FAR: i64 = 7_200;

const PATIENCE: &str = r#"+++
schema  = 1
id      = "patience"
version = "1.0.0"
title   = "Mark, wait, mark again"
owners  = ["@veza/platform"]
risk    = "low"
environments = ["development", "staging", "production", "simulated"]
+++

# Mark, wait, mark again

## Go

```toml step
id      = "go"
kind    = "confirm"
confirm = "yes"
```

## First

```toml step
id     = "first"
kind   = "k8s.annotate"
ns     = "veza-production"
target = "veza-backend"
set    = { "example.com/first" = "{{run.id}}" }
undo   = "previous-values"
```

## Wait

```toml step
id      = "patience"
kind    = "wait"
for     = "90s"
timeout = { after = "1h", then = "pause" }
```

## Second

```toml step
id     = "second"
kind   = "k8s.annotate"
ns     = "veza-production"
target = "veza-backend"
set    = { "example.com/second" = "{{run.id}}" }
undo   = "previous-values"
```
"#;

/// A console whose run has just begun to wait.
async fn waiting() -> Bench {
    let mut bench = Bench::new(Scenario::Healthy, Identity::Oncall).await;
    let book = Book::read(Origin::File("here".into()), "patience.runbook.md", PATIENCE);
    assert!(book.book.is_ok(), "{book:?}");
    bench.app.runs = Runs::new(vec![book]);
    let request = RunRequest {
        unattended: true,
        answers: Answers {
            confirm: vec!["veza-production".into()],
            yes: true,
            reason: Some("a test".into()),
            ..Answers::default()
        },
        ..RunRequest::new("patience", BTreeMap::new())
    };
    bench.command(Command::StartRun(Box::new(request)));
    bench.until("it waits", begun).await;
    bench
}

fn begun(runs: &Runs) -> bool {
    let mut entries = runs.entries.iter();
    entries.any(|entry| matches!(&entry.fact, Fact::Started { step } if step == "patience"))
}

/// Both changes were made, and the second so long after the first by the platform's own record.
async fn waited(bench: &mut Bench) {
    let end = bench.end().await;
    assert_eq!(end.state, RunState::Succeeded, "{end:?}\n{}", bench.story());
    let at = |mark: &str| -> Timestamp {
        let entries = bench.app.runs.entries.iter();
        let mut applied = entries
            .filter(|entry| matches!(&entry.fact, Fact::Outcome(outcome) if outcome.step == mark));
        applied.next().unwrap().ts
    };
    let between = at("second").duration_since(at("first"));
    assert!(between >= SPAN, "only {between}\n{}", bench.story());
    assert!(between < SPAN * 3, "{between}\n{}", bench.story());
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_the_machines_clock_ends_no_wait_and_is_noted() {
    for seconds in [FAR, -FAR] {
        let mut bench = waiting().await;
        bench.set_clock_ahead(seconds);
        waited(&mut bench).await;
        let told = bench.journal().iter().any(
            |fact| matches!(fact, Fact::Note { text, .. } if text.contains("clock was set 7")),
        );
        assert!(told, "{}", bench.story());
    }
}
