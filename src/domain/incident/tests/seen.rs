//! Limits that stand in the file, who is called where nobody came, and what the cluster says of the time.

use super::*;

#[test]
fn an_acknowledgement_has_the_limit_that_stands_in_the_file_and_says_whose_it_is() {
    use Severity::{P0, P1, P2, P3};
    let minutes = |incident: &Incident, severity| incident.limits.acknowledge(severity).as_mins();
    let incident = opened(P2);
    let usual = [
        (P0, 5, "guide"),
        (P1, 5, "guide"),
        (P2, 30, "proposed"),
        (P3, 1_440, "proposed"),
    ];
    for (severity, limit, origin) in usual {
        assert_eq!(minutes(&incident, severity), limit, "{severity}");
        assert_eq!(incident.limits.of(severity).origin.word(), origin);
    }
    assert_eq!(timer(&incident, Clock::Acknowledge).due, at(30));
    let own = Limits::default()
        .with(P2, SignedDuration::from_mins(10))
        .with(P0, SignedDuration::from_mins(5));
    assert_eq!(
        own.of(P0).origin,
        Origin::Guide,
        "the same limit is the guide's"
    );
    let set = then(incident, &[(1, Event::Limits { acknowledge: own })]);
    assert_eq!(timer(&set, Clock::Acknowledge).due, at(10));
    assert_eq!(Clock::Acknowledge.origin(&set), Origin::Configured);
    // It stands there as it is read again.
    let text = serde_json::to_string(&set.records[1]).unwrap();
    assert_eq!(
        serde_json::from_str::<Record>(&text).unwrap(),
        set.records[1]
    );
}

#[test]
fn where_nobody_takes_it_on_somebody_else_is_to_be_called_and_that_stays_a_fact() {
    let incident = opened(Severity::P0);
    let words = |incident: &Incident, now| -> Vec<&str> {
        let shown = header(incident, 3, at(now)).into_iter();
        shown.map(|timer| timer.clock.word()).collect()
    };
    assert!(!words(&incident, 4).contains(&"escalate"));
    assert_eq!(words(&incident, 5)[..2], ["ack", "escalate"]);
    let facts = |incident: &Incident, now| -> Vec<(Clock, Option<Timestamp>)> {
        let late = missed(incident, at(now)).into_iter();
        late.map(|late| (late.clock, late.met)).take(2).collect()
    };
    assert_eq!(
        facts(&incident, 6),
        [(Clock::Acknowledge, None), (Clock::Escalate, None)]
    );
    let called = then(
        incident.clone(),
        &[(
            7,
            Event::Escalated {
                to: "second on call".into(),
            },
        )],
    );
    assert_eq!(words(&called, 8)[0], "ack");
    assert!(!words(&called, 8).contains(&"escalate"));
    assert_eq!(facts(&called, 9)[1], (Clock::Escalate, Some(at(7))));
    // Taken on in time, nobody is to be called; afterwards it is handed over instead.
    let taken = then(incident, &[(2, Event::Acknowledged {})]);
    assert!(
        clocks(&taken)
            .iter()
            .all(|timer| timer.clock != Clock::Escalate)
    );
    assert!(missed(&taken, at(6)).is_empty());
    let refused = taken.admit(&Event::Escalated { to: "x".into() }, at(7));
    assert!(refused.unwrap_err().contains("vigie incident handover"));
    // Medium ones wait for whoever has the day.
    assert!(missed(&opened(Severity::P2), at(29)).is_empty());
    let late = missed(&opened(Severity::P2), at(31));
    assert_eq!(
        late.iter().map(|late| late.clock).collect::<Vec<_>>(),
        [Clock::Acknowledge]
    );
}

#[test]
fn a_severity_asks_for_its_roles_until_somebody_is_named() {
    use Role::{Commander, Deputy, Liaison, Scribe};
    let who = |role, name: Option<&str>| Event::Role {
        role,
        name: name.map(str::to_owned),
    };
    assert_eq!(
        opened(Severity::P0).roles_open(),
        [Commander, Deputy, Scribe, Liaison]
    );
    assert_eq!(opened(Severity::P3).roles_open(), []);
    let named = then(opened(Severity::P1), &[(1, who(Scribe, Some("Ada")))]);
    assert_eq!(named.roles_open(), [Commander]);
    let gone = then(named, &[(2, who(Scribe, None))]);
    assert_eq!(gone.roles_open(), [Commander, Scribe]);
}

fn seen(key: &str, witness: Witness, minutes: Option<i64>) -> Event {
    Event::Observed(Observation {
        key: key.into(),
        witness,
        object: "Pod/api-1".into(),
        text: format!("said {key}"),
        at: minutes.map(at),
    })
}

#[test]
fn what_the_cluster_says_stands_at_its_own_time_and_a_clock_that_is_ahead_is_seen() {
    let incident = then(
        opened(Severity::P1),
        &[
            (9, seen("late", Witness::Event, Some(-3))),
            (9, seen("ahead", Witness::Condition, Some(20))),
            (9, seen("timeless", Witness::Deploy, None)),
            (10, Event::Note { text: "n".into() }),
        ],
    );
    let rows = rows(&incident, at(30), Language::English);
    let row = |text: &str| rows.iter().find(|row| row.text.contains(text)).unwrap();
    let late = row("said late");
    assert_eq!((late.at, late.noted), (at(-3), Some(at(9))));
    assert_eq!(
        (late.source.as_str(), late.event.as_str()),
        ("kubernetes", "kubernetes.event")
    );
    assert_eq!(
        (late.confidence, late.disorder),
        (Confidence::Reported, false)
    );
    assert!(
        row("said ahead").disorder,
        "it happened after it was written down"
    );
    let timeless = row("said timeless");
    assert_eq!(
        (timeless.at, timeless.noted, timeless.source.as_str()),
        (at(9), None, "deploy")
    );
    assert!(
        !row("Note: n").disorder,
        "what was heard late turns nothing around"
    );
    assert!(rows.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn the_same_thing_is_taken_once_and_too_many_are_said_to_be_too_many() {
    let known = then(
        opened(Severity::P1),
        &[(2, seen("a", Witness::Event, Some(1)))],
    );
    let twice = [
        seen("a", Witness::Event, Some(1)),
        seen("b", Witness::Event, Some(1)),
    ];
    let twice = [&twice[..], &twice[1..]].concat();
    assert_eq!(known.news(twice), [seen("b", Witness::Event, Some(1))]);
    let many = (0..OBSERVED + 50).map(|n| seen(&n.to_string(), Witness::Event, Some(1)));
    let news = known.news(many.collect());
    assert_eq!(
        news.len(),
        OBSERVED,
        "all but one have room, and one says that it was too much"
    );
    let events: Vec<(i64, Event)> = news.into_iter().map(|event| (3, event)).collect();
    let full = then(known, &events);
    assert_eq!(full.news(vec![seen("later", Witness::Event, Some(4))]), []);
    assert_eq!(
        full.news(vec![Event::Note {
            text: "a note".into()
        }])
        .len(),
        1,
        "what people say is always taken"
    );
}

#[test]
fn a_record_says_how_far_its_clock_was_ahead() {
    let ours = at(5);
    let ahead = SignedDuration::from_secs(90);
    let record = Record::new(Dated::of(ours, Some(ahead)), Event::Acknowledged {});
    assert_eq!((record.ts, record.ts_src), (at(5) + ahead, Stamp::Server));
    assert_eq!(record.ts - record.skew(), ours);
    let mut incident = opened(Severity::P1);
    incident.learn(record);
    assert_eq!(incident.ahead, ahead);
    incident.learn(Record::new(
        Dated::of(at(6), None),
        Event::Note { text: "x".into() },
    ));
    assert_eq!(
        incident.ahead, ahead,
        "a clock that was not asked says nothing"
    );
}
