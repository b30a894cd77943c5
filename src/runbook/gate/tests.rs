//! The rules of a gate as tables.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::runbook::model::Side;
use crate::runbook::quantity::Limit;

fn metric(signal: &str, ok: &str, abort: Option<&str>, fail_at: Option<u32>) -> MetricSpec {
    MetricSpec {
        signal: signal.into(),
        query: None,
        ok: Limit::parse(ok).unwrap(),
        abort: abort.map(|abort| Limit::parse(abort).unwrap()),
        relative: None,
        fail_at,
    }
}

fn spec() -> GateSpec {
    GateSpec {
        interval: SignedDuration::from_secs(15),
        initial_delay: SignedDuration::ZERO,
        hold: SignedDuration::from_secs(180),
        deadline: SignedDuration::from_secs(1800),
        min_requests: 20,
        fail_scope_run: false,
        any: false,
        side: Side::All,
        metrics: vec![
            metric("success_ratio", ">= 99 %", Some("< 95 %"), Some(5)),
            metric("p99", "<= 500 ms", None, Some(5)),
        ],
    }
}

/// Runs a gate with one reading list per tick until it decides; returns the verdict and the seconds it took.
fn run(spec: GateSpec, mut readings: impl FnMut(usize) -> Vec<Reading>) -> (Verdict, i64) {
    let start = Timestamp::from_second(1_000_000).unwrap();
    let interval = spec.interval;
    let mut gate = Gate::new(spec, start, BTreeMap::new());
    for tick in 0..1000 {
        let now = start + interval * tick;
        let verdict = gate.observe(now, readings(tick as usize));
        if !matches!(verdict, Verdict::Pending(_)) {
            return (verdict, now.duration_since(start).as_secs());
        }
    }
    panic!("never decided");
}

fn both(success: f64, p99: f64) -> Vec<Reading> {
    vec![Reading::of(success, 100.0), Reading::of(p99, 100.0)]
}

fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pending(_) => "pending",
        Verdict::Pass => "pass",
        Verdict::Fail { .. } => "fail",
        Verdict::Inconclusive { .. } => "inconclusive",
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table with its cases")]
fn the_truth_table_holds() {
    type Row = (
        &'static str,
        Box<dyn FnMut(usize) -> Vec<Reading>>,
        &'static str,
        i64,
    );
    let table: Vec<Row> = vec![
        (
            "100 % and 240 ms throughout",
            Box::new(|_| both(1.0, 0.24)),
            "pass",
            180,
        ),
        (
            "exactly 99 % and 500 ms",
            Box::new(|_| both(0.99, 0.5)),
            "pass",
            180,
        ),
        (
            "100 then 94 %",
            Box::new(|tick| both(if tick < 4 { 1.0 } else { 0.94 }, 0.24)),
            "fail",
            60,
        ),
        (
            "98.9 flapping with 99.5",
            Box::new(|tick| both(if tick % 2 == 0 { 0.989 } else { 0.995 }, 0.24)),
            "fail",
            120,
        ),
        (
            "NaN",
            Box::new(|_| both(f64::NAN, 0.24)),
            "inconclusive",
            1800,
        ),
        (
            "infinite",
            Box::new(|_| both(1.0, f64::INFINITY)),
            "inconclusive",
            1800,
        ),
        (
            "two series",
            Box::new(|_| {
                vec![
                    Reading::unknown("2 series where 1 was asked for"),
                    Reading::of(0.2, 100.0),
                ]
            }),
            "inconclusive",
            1800,
        ),
        (
            "no reading at all",
            Box::new(|_| Vec::new()),
            "inconclusive",
            1800,
        ),
        (
            "500s in two of five",
            Box::new(|tick| {
                if tick % 5 < 2 {
                    vec![Reading::unknown("HTTP 500"), Reading::unknown("HTTP 500")]
                } else {
                    both(1.0, 0.2)
                }
            }),
            "inconclusive",
            1800,
        ),
        (
            "one void in six",
            Box::new(|tick| {
                if tick % 6 == 3 {
                    vec![Reading::unknown("timeout"), Reading::unknown("timeout")]
                } else {
                    both(1.0, 0.2)
                }
            }),
            "pass",
            180,
        ),
        (
            "no traffic",
            Box::new(|_| {
                vec![
                    Reading {
                        rate: Some(0.0),
                        ..Reading::of(1.0, 0.0)
                    },
                    Reading::of(0.2, 0.0),
                ]
            }),
            "inconclusive",
            1800,
        ),
        (
            "19 of 20 requests",
            Box::new(|_| vec![Reading::of(1.0, 19.0), Reading::of(0.2, 19.0)]),
            "inconclusive",
            1800,
        ),
        (
            "20 of 20 requests",
            Box::new(|_| vec![Reading::of(1.0, 20.0), Reading::of(0.2, 20.0)]),
            "pass",
            180,
        ),
        (
            "bad, then good from minute two on",
            Box::new(|tick| both(if (1..5).contains(&tick) { 0.97 } else { 1.0 }, 0.2)),
            "pass",
            255,
        ),
    ];
    for (name, readings, wanted, seconds) in table {
        let (verdict, took) = run(spec(), readings);
        assert_eq!(
            (kind(&verdict), took),
            (wanted, seconds),
            "{name}: {verdict:?}"
        );
    }
}

#[test]
fn too_little_traffic_says_how_long_it_would_take() {
    let slow = || {
        vec![
            Reading {
                rate: Some(0.1),
                ..Reading::of(1.0, 6.0)
            },
            Reading {
                rate: Some(0.1),
                ..Reading::of(0.2, 6.0)
            },
        ]
    };
    let (verdict, _) = run(spec(), |_| slow());
    let Verdict::Inconclusive { why, lost: false } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(
        why.contains("6 of 20 requests; at this rate 3m20s bring enough"),
        "{why}"
    );
    let mut gate = Gate::new(spec(), Timestamp::UNIX_EPOCH, BTreeMap::new());
    let Verdict::Pending(progress) = gate.observe(Timestamp::UNIX_EPOCH, slow()) else {
        panic!()
    };
    assert_eq!(progress.missing.unwrap().need, 20);
}

#[test]
fn an_old_version_that_is_bad_already_makes_a_relative_gate_inconclusive_and_says_so() {
    let mut spec = spec();
    spec.metrics = vec![MetricSpec {
        relative: Some(Limit::parse("<= 50 ms").unwrap()),
        ..metric("p99", "<= 500 ms", None, Some(2))
    }];
    let reading = |new: f64, old: f64| {
        vec![Reading {
            baseline: Some(Ok(old)),
            ..Reading::of(new, 100.0)
        }]
    };
    let (verdict, _) = run(spec.clone(), |_| reading(0.7, 0.8));
    let Verdict::Inconclusive { why, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(why.contains("old version is bad already"), "{why}");
    assert_eq!(kind(&run(spec.clone(), |_| reading(0.3, 0.25)).0), "pass");
    assert_eq!(kind(&run(spec, |_| reading(0.4, 0.25)).0), "fail");
}

#[test]
fn a_console_asleep_for_four_minutes_voids_the_gate_at_once() {
    let start = Timestamp::from_second(1_000_000).unwrap();
    let mut gate = Gate::new(spec(), start, BTreeMap::new());
    assert_eq!(kind(&gate.observe(start, both(1.0, 0.2))), "pending");
    assert_eq!(
        kind(&gate.observe(start + SignedDuration::from_secs(45 - 15), both(1.0, 0.2))),
        "pending",
        "exactly two intervals are no gap"
    );
    let verdict = gate.observe(start + SignedDuration::from_secs(270), both(1.0, 0.2));
    assert!(
        matches!(&verdict, Verdict::Inconclusive { lost: true, why } if why.contains("gap of 4m")),
        "{verdict:?}"
    );
    assert!(matches!(
        gate.tick(start + SignedDuration::from_secs(270)),
        Verdict::Inconclusive { lost: true, .. }
    ));
}

#[test]
fn still_bad_at_the_deadline_is_a_failure_even_without_fail_at() {
    let mut spec = spec();
    spec.metrics
        .iter_mut()
        .for_each(|metric| metric.fail_at = None);
    let (verdict, took) = run(spec, |_| both(0.97, 0.2));
    assert_eq!((kind(&verdict), took), ("fail", 1800));
}

#[test]
fn bad_evaluations_add_up_over_the_run_only_when_the_gate_says_so() {
    let start = Timestamp::from_second(1_000_000).unwrap();
    let earlier = BTreeMap::from([("0:success_ratio".to_owned(), 4)]);
    let mut over_run = Gate::new(
        GateSpec {
            fail_scope_run: true,
            ..spec()
        },
        start,
        earlier.clone(),
    );
    assert_eq!(kind(&over_run.observe(start, both(0.98, 0.2))), "fail");
    let mut own = Gate::new(spec(), start, earlier);
    assert_eq!(kind(&own.observe(start, both(0.98, 0.2))), "pending");
}

#[test]
fn any_needs_one_good_metric_and_all_needs_each() {
    let marks = [Mark::Good, Mark::Bad, Mark::Void];
    assert_eq!(
        (combine(true, &marks), combine(false, &marks)),
        (Mark::Good, Mark::Bad)
    );
    assert_eq!(
        (
            combine(true, &marks[1..]),
            combine(false, &[Mark::Good, Mark::Void])
        ),
        (Mark::Void, Mark::Void)
    );
    assert_eq!(combine(false, &[Mark::Good, Mark::Fatal]), Mark::Fatal);
}
