//! Decision 8 and its edges: which revision is taken, which stays, and when a person is asked.

use super::*;
use crate::domain::served::{Trace, served};

fn rev(number: i64, created_h: i64, evidence: Evidence) -> Revision {
    Revision {
        number,
        uid: format!("u{number}"),
        name: format!("api-{number}"),
        image: format!("api:v{number}"),
        images: vec![format!("api:v{number}")],
        created_at: Timestamp::from_second(1_700_000_000 + created_h * 60).unwrap(),
        available_s: None,
        served: Served::default(),
        template_hash: format!("h{number}"),
        change_cause: None,
        evidence,
        rolled_back_from: false,
        current: false,
        restored_by: None,
        template: Value::Null,
        annotations: None,
    }
}

fn unknown() -> Evidence {
    Evidence::Unknown("no Prometheus".into())
}

fn good() -> Evidence {
    Evidence::Good("errors 0.1 %".into())
}

fn bad() -> Evidence {
    Evidence::Bad("errors 21 %".into())
}

fn current(revision: Revision) -> Revision {
    Revision {
        current: true,
        ..revision
    }
}

/// The same with what their creation times tell, as the engine fills it in.
fn timed(mut revisions: Vec<Revision>) -> Vec<Revision> {
    let traces: Vec<Trace> = revisions
        .iter()
        .map(|revision| Trace {
            number: Some(revision.number),
            created: Some(revision.created_at),
            pods: u32::from(revision.current),
            available: u32::from(revision.current),
            ..Trace::default()
        })
        .collect();
    let now = Timestamp::from_second(1_700_000_000 + 100_000).unwrap();
    for (revision, times) in revisions.iter_mut().zip(served(&traces)) {
        let took_over = revision.served.took_over.or(times.took_over);
        revision.served = Served { took_over, ..times };
        revision.available_s = revision.served.length(now).map(|span| span.as_secs());
    }
    revisions
}

fn taken(choice: &Choice) -> Option<(i64, bool)> {
    match choice {
        Choice::Take { number, amber, .. } => Some((*number, *amber)),
        Choice::Stay { .. } | Choice::Ask(_) => None,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table with its cases")]
fn decision_eight_as_a_table() {
    let rolled = |revision: Revision| Revision {
        rolled_back_from: true,
        ..revision
    };
    let never = |revision: Revision| Revision {
        served: Served {
            took_over: Some(false),
            ..Served::default()
        },
        ..revision
    };
    let table = [
        (
            "the previous was good",
            vec![
                rev(41, 0, good()),
                rev(42, 600, good()),
                current(rev(43, 1200, bad())),
            ],
            Some((42, false)),
        ),
        (
            "the previous was bad too",
            vec![
                rev(41, 0, good()),
                rev(42, 600, bad()),
                current(rev(43, 1200, bad())),
            ],
            Some((41, false)),
        ),
        (
            "signals win over standing time",
            vec![
                rev(41, 0, good()),
                rev(42, 600, unknown()),
                current(rev(43, 1200, bad())),
            ],
            Some((41, false)),
        ),
        (
            "no signals: it stood for hours",
            vec![
                rev(41, 0, unknown()),
                rev(42, 600, unknown()),
                current(rev(43, 1200, unknown())),
            ],
            Some((42, false)),
        ),
        (
            "no signals: the previous stood ten minutes",
            vec![
                rev(41, 0, unknown()),
                rev(42, 600, unknown()),
                current(rev(43, 610, unknown())),
            ],
            Some((41, false)),
        ),
        (
            "no signals: the previous was rolled back from",
            vec![
                rev(41, 0, unknown()),
                rolled(rev(42, 600, unknown())),
                current(rev(43, 1200, unknown())),
            ],
            Some((41, false)),
        ),
        (
            "no signals: the previous stood for hours and never became available",
            vec![
                rev(41, 0, unknown()),
                never(rev(42, 600, unknown())),
                current(rev(43, 1200, unknown())),
            ],
            Some((41, false)),
        ),
        (
            "the only other one never became available",
            vec![
                never(rev(42, 600, unknown())),
                current(rev(43, 1200, unknown())),
            ],
            None,
        ),
        (
            "good figures do not save one that was rolled back from",
            vec![
                rev(41, 0, good()),
                rolled(rev(42, 600, good())),
                current(rev(43, 1200, bad())),
            ],
            Some((41, false)),
        ),
        (
            "a known bad one is never taken for standing long",
            vec![rev(42, 0, bad()), current(rev(43, 1200, unknown()))],
            None,
        ),
        (
            "one other, short history",
            vec![rev(42, 600, unknown()), current(rev(43, 610, unknown()))],
            Some((42, true)),
        ),
        (
            "several, none known",
            vec![
                rev(41, 598, unknown()),
                rev(42, 600, unknown()),
                current(rev(43, 610, unknown())),
            ],
            None,
        ),
        ("alone", vec![current(rev(43, 610, unknown()))], None),
        ("nothing known to run", vec![rev(43, 610, good())], None),
        (
            "after an undo: the bad one has a lower number now",
            vec![
                rev(43, 1200, bad()),
                rev(41, 0, good()),
                current(rev(44, 600, unknown())),
            ],
            Some((41, false)),
        ),
    ];
    for (name, revisions, wanted) in table {
        let choice = choose(&timed(revisions));
        assert_eq!(taken(&choice), wanted, "{name}: {choice:?}");
    }
}

#[test]
fn what_is_passed_over_is_named_with_the_fact_that_rules_it_out() {
    let never = Served {
        took_over: Some(false),
        ..Served::default()
    };
    let choice = choose(&timed(vec![
        rev(40, 0, good()),
        Revision {
            rolled_back_from: true,
            ..rev(41, 300, unknown())
        },
        Revision {
            served: never,
            ..rev(42, 600, unknown())
        },
        current(rev(43, 1200, bad())),
    ]));
    let Choice::Take { evidence, .. } = choice else {
        panic!("{choice:?}");
    };
    assert_eq!(
        evidence,
        "signals were good while it served: errors 0.1 %; passed over: 42 never became available in place of the one before; 41 was itself rolled back from"
    );
}

#[test]
fn the_last_good_one_that_runs_already_is_not_gone_back_from() {
    let back = |revision: Revision| Revision {
        restored_by: Some("01J".into()),
        ..current(revision)
    };
    let before = || rev(41, 0, good());
    let left = || Revision {
        rolled_back_from: true,
        ..rev(43, 1200, bad())
    };
    for (case, now) in [
        ("its signals are good", current(rev(44, 600, good()))),
        ("a run went back to it", back(rev(44, 600, unknown()))),
    ] {
        let choice = choose(&[before(), left(), now]);
        assert!(
            matches!(choice, Choice::Stay { number: 44, .. }),
            "{case}: {choice:?}"
        );
    }
    for (case, now) in [
        ("it is bad now", back(rev(44, 600, bad()))),
        (
            "a run went back from it later",
            Revision {
                rolled_back_from: true,
                ..current(rev(44, 600, good()))
            },
        ),
    ] {
        let choice = choose(&[before(), left(), now]);
        assert_eq!(taken(&choice), Some((41, false)), "{case}");
    }
}

#[test]
fn exactly_an_hour_is_enough_and_a_minute_less_is_not() {
    let with = |minutes: i64| {
        choose(&timed(vec![
            rev(40, 0, bad()),
            rev(42, 600, unknown()),
            current(rev(43, 600 + minutes, unknown())),
        ]))
    };
    assert_eq!(taken(&with(60)), Some((42, false)));
    assert_eq!(taken(&with(59)), None);
}

#[test]
fn a_revision_with_the_same_template_is_not_another_one() {
    let twin = Revision {
        template_hash: "h43".into(),
        ..rev(41, 0, good())
    };
    assert_eq!(taken(&choose(&[twin, current(rev(43, 1200, bad()))])), None);
}
