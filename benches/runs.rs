//! What the record and the format of runs cost: opening a long journal, appending to one, reading and checking a shelf of
//! runbooks. `cargo bench --bench runs`; `benches/README.md` has the figures.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot go on says so by panicking"
)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use vigie::journal::{Header, RealDisk, Runs};
use vigie::runbook::ids::RunId;
use vigie::runbook::lint::{lint, mojibake, shelf::calls};
use vigie::runbook::machine::{Answers, Entry, Fact, RunTarget, Start};
use vigie::runbook::{Runbook, SHIPPED, format};

/// Records of the long journal.
const RECORDS: usize = 10_000;
/// Runbooks of the large shelf.
const SHELF: usize = 200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_593_927 + second).unwrap()
}

fn start() -> Start {
    let book = format::parse(SHIPPED[0].file, SHIPPED[0].text).unwrap();
    Start {
        run: RunId::new(at(0), [7; 10]),
        runbook: book.id.clone(),
        version: book.version.clone(),
        model: book.model_digest(),
        params: BTreeMap::new(),
        target: RunTarget {
            cluster_uid: "5f1c2d3e".into(),
            namespace: "veza-production".into(),
            environment: "production".into(),
            ..RunTarget::default()
        },
        actor: "oncall".into(),
        typed: true,
        attended: true,
        dry_run: false,
        reads_only: false,
        answers: Answers::default(),
    }
}

/// What a long watch leaves: a line of progress, of the length they have.
fn entry(number: usize) -> Entry {
    Entry {
        ts: at(number as i64),
        fact: Fact::Progress {
            step: "go-back".into(),
            text: format!(
                "{} of 300 pods are new, 12 old pods are going (look {number})",
                number % 300
            ),
        },
    }
}

fn header() -> Header {
    Header {
        schema: 1,
        created: at(0),
        app: env!("CARGO_PKG_VERSION").to_owned(),
        start: start(),
    }
}

fn journal(records: usize) -> (tempfile::TempDir, PathBuf) {
    let state = tempfile::tempdir().unwrap();
    let runs = Runs::new(state.path(), RealDisk);
    let mut journal = runs.create(&header(), SHIPPED[0].text, &json!({})).unwrap();
    let first = Entry {
        ts: at(0),
        fact: Fact::Start(Box::new(start())),
    };
    let mut entries = vec![first];
    entries.extend((1..records).map(entry));
    journal.append(&entries).unwrap();
    let dir = journal.dir().to_owned();
    (state, dir)
}

fn runs(bench: &mut Criterion) {
    let (state, dir) = journal(RECORDS);
    let place = Runs::new(state.path(), RealDisk);
    bench.bench_function("a journal of 10000 records: read, verified, decoded", |b| {
        b.iter(|| black_box(place.peek(&dir).unwrap().1.len()));
    });
    bench.bench_function(
        "a journal of 10000 records: opened to go on, folded into its run",
        |b| {
            b.iter(|| {
                let open = place.open(&dir, at(1)).unwrap();
                let book = format::parse(SHIPPED[0].file, SHIPPED[0].text).unwrap();
                let run = vigie::runbook::machine::replay(book.into(), &open.entries).unwrap();
                black_box(run.ledger().entries)
            });
        },
    );
    let fresh = || {
        let state = tempfile::tempdir().unwrap();
        let runs = Runs::new(state.path(), RealDisk);
        let journal = runs.create(&header(), SHIPPED[0].text, &json!({})).unwrap();
        (state, journal)
    };
    bench.bench_function("one record appended and synced", |b| {
        let (_state, mut journal) = fresh();
        let mut count = 0;
        b.iter(|| {
            count += 1;
            journal.append(&[entry(count)]).unwrap();
        });
    });
}

/// A shelf of the shipped runbooks under many ids.
fn shelf() -> Vec<(String, String)> {
    let of = |number: usize| {
        let shipped = &SHIPPED[number % SHIPPED.len()];
        let own = format!("= \"{}\"", shipped.id);
        let other = format!("= \"{}-{number}\"", shipped.id);
        (
            format!("{number}.runbook.md"),
            shipped.text.replacen(&own, &other, 1),
        )
    };
    (0..SHELF).map(of).collect()
}

fn format_of(bench: &mut Criterion) {
    let files = shelf();
    bench.bench_function(
        "200 runbooks: parsed and linted, each and across the shelf",
        |b| {
            b.iter_batched(
                || (),
                |()| {
                    let read: Vec<Runbook> = files
                        .iter()
                        .map(|(file, text)| format::parse(file, text).unwrap())
                        .collect();
                    let known: Vec<&Runbook> = read.iter().collect();
                    let mut found = 0;
                    for ((file, text), book) in files.iter().zip(&read) {
                        found += lint(file, book, Some(jiff::civil::date(2026, 3, 4))).len();
                        found += mojibake(file, text).len() + calls(file, book, &known).len();
                    }
                    black_box(found)
                },
                BatchSize::PerIteration,
            );
        },
    );
}

criterion_group!(benches, runs, format_of);
criterion_main!(benches);
