//! Incidents by their records: what may follow what, clocks at every moment that matters, the timeline, the report.

mod seen;

use super::*;
use jiff::{SignedDuration, Timestamp};

fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-03-04T03:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minutes)
}

fn opened(severity: Severity) -> Incident {
    let record = Record {
        ts: at(1),
        ts_src: Stamp::Server,
        skew_ms: 0,
        event: Event::Opened {
            incident: "INC-2026-014".parse().unwrap(),
            title: "checkout fails".into(),
            severity,
            detected_at: at(0),
            place: Place::default(),
        },
    };
    Incident::fold(&[record]).unwrap()
}

fn then(mut incident: Incident, events: &[(i64, Event)]) -> Incident {
    for (minutes, event) in events {
        incident
            .admit(event, at(*minutes))
            .unwrap_or_else(|why| panic!("{event:?}: {why}"));
        incident.learn(Record {
            ts: at(*minutes),
            ts_src: Stamp::Server,
            skew_ms: 0,
            event: event.clone(),
        });
    }
    incident
}

fn severity(from: Severity, to: Severity) -> Event {
    Event::Severity {
        from,
        to,
        reason: None,
        by: None,
    }
}

fn sent() -> Event {
    Event::Notice(NoticeNews {
        notice: "n".into(),
        channel: "ops".into(),
        turn: NoticeTurn::Sent,
    })
}

fn run(turn: RunTurn) -> Event {
    Event::Run(RunNews {
        run: "01J".into(),
        runbook: "rollback".into(),
        turn,
    })
}

fn timer(incident: &Incident, clock: Clock) -> Timer {
    clocks(incident)
        .into_iter()
        .find(|timer| timer.clock == clock)
        .unwrap_or_else(|| panic!("no clock {clock:?}"))
}

#[test]
fn each_severity_has_the_limits_of_the_customer_and_of_practice() {
    use Severity::{P0, P1, P2, P3};
    let minutes = |span: Option<SignedDuration>| span.map(|span| span.as_mins());
    for (severity, assess, notice, update, mitigate, recover) in [
        (P0, Some(5), Some(10), Some(15), Some(5), Some(240)),
        (P1, Some(10), Some(15), Some(30), Some(5), Some(240)),
        (P2, Some(60), None, Some(24 * 60), None, None),
        (P3, None, None, None, None, None),
    ] {
        assert_eq!(minutes(severity.assess()), assess, "{severity}");
        assert_eq!(minutes(severity.first_notice()), notice, "{severity}");
        assert_eq!(minutes(severity.update()), update, "{severity}");
        assert_eq!(minutes(severity.mitigate()), mitigate, "{severity}");
        assert_eq!(minutes(severity.recover()), recover, "{severity}");
    }
    // A Wednesday: three days on is Saturday, five working days on is Wednesday.
    let resolved = at(0);
    assert_eq!(
        P0.review(resolved),
        Some("2026-03-07T03:00:00Z".parse().unwrap())
    );
    assert_eq!(
        P1.review(resolved),
        Some("2026-03-11T03:00:00Z".parse().unwrap())
    );
    assert_eq!(P2.review(resolved), None);
}

#[test]
fn a_clock_is_calm_then_amber_at_sixty_per_cent_then_red_and_counts_up() {
    let incident = opened(Severity::P1);
    let ack = timer(&incident, Clock::Acknowledge);
    let second = |seconds| at(0) + SignedDuration::from_secs(seconds);
    for (seconds, strain, words) in [
        (0, Strain::Calm, "ack 05:00"),
        (179, Strain::Calm, "ack 02:01"),
        (180, Strain::Amber, "ack 02:00"),
        (228, Strain::Amber, "ack 01:12"),
        (299, Strain::Amber, "ack 00:01"),
        (300, Strain::Red, "ack late 00:00"),
        (372, Strain::Red, "ack late 01:12"),
        (1_200, Strain::Red, "ack late 15 m"),
        (3 * 3_600, Strain::Red, "ack late 2 h"),
    ] {
        assert_eq!(ack.strain(second(seconds)), strain, "{seconds}");
        assert_eq!(ack.words(second(seconds)), words, "{seconds}");
    }
    let update = timer(&then(incident, &[(2, sent())]), Clock::Update);
    assert_eq!(update.words(at(20)), "update in 12 m");
}

#[test]
fn a_missed_clock_stays_a_fact_whatever_the_severity_becomes() {
    let commander = Event::Role {
        role: Role::Commander,
        name: Some("Ada".into()),
    };
    let lowered = Event::Severity {
        from: Severity::P1,
        to: Severity::P3,
        reason: Some("only one customer".into()),
        by: Some("Ada".into()),
    };
    let missed_of = |incident: &Incident, now| -> Vec<(Clock, i64)> {
        let late = missed(incident, at(now));
        late.into_iter()
            .filter(|late| late.clock != Clock::Escalate)
            .map(|late| (late.clock, late.at.duration_since(at(0)).as_mins()))
            .collect()
    };
    let incident = opened(Severity::P1);
    assert_eq!(missed_of(&incident, 4), []);
    assert_eq!(missed_of(&incident, 5), [(Clock::Acknowledge, 5)]);
    let late = then(incident.clone(), &[(7, Event::Acknowledged {})]);
    assert_eq!(missed(&late, at(8))[0].met, Some(at(7)));
    let both = [(Clock::Acknowledge, 5), (Clock::Notice, 15)];
    assert_eq!(missed_of(&late, 16), both);
    let later = then(late, &[(16, commander.clone()), (16, lowered.clone())]);
    assert_eq!(missed_of(&later, 500)[..2], both);
    // Lowered in time, it never ran out; raised late, it ran out at once.
    let early = then(
        incident,
        &[(2, Event::Acknowledged {}), (3, commander), (3, lowered)],
    );
    assert_eq!(missed_of(&early, 500), []);
    let raised = then(early, &[(100, severity(Severity::P3, Severity::P0))]);
    let found = missed_of(&raised, 101);
    assert!(found.contains(&(Clock::Notice, 100)), "{found:?}");
}

#[test]
fn personal_data_starts_the_authority_s_clock_and_only_telling_it_stops_it() {
    let breach = |breach| Event::Breach {
        breach,
        reason: "dump of users found".into(),
    };
    let incident = opened(Severity::P0);
    let none = |incident: &Incident| {
        clocks(incident)
            .iter()
            .all(|timer| timer.clock != Clock::Authority)
    };
    assert!(none(&incident));
    let told = Event::Reported {
        reason: "CNIL 123".into(),
    };
    let refused = incident.admit(&told, at(9)).unwrap_err();
    assert!(refused.contains("vigie incident breach"), "{refused}");
    let known = then(incident, &[(10, breach(true))]);
    let due = timer(&known, Clock::Authority).due;
    assert_eq!(due.duration_since(at(10)).as_hours(), 72);
    let over = then(known.clone(), &[(60, Event::Resolved { reason: None })]);
    assert_eq!(timer(&over, Clock::Authority).met, None, "it runs on");
    assert_eq!(
        timer(&then(over, &[(90, told)]), Clock::Authority).met,
        Some(at(90))
    );
    assert!(none(&then(known, &[(20, breach(false))])));
}

#[test]
fn raising_needs_nothing_and_lowering_needs_the_commander_and_a_reason() {
    use Severity::{P0, P1, P2};
    let incident = opened(P1);
    assert_eq!(incident.admit(&severity(P1, P0), at(2)), Ok(()));
    let lower = |reason: Option<&str>, by: Option<&str>| Event::Severity {
        from: P1,
        to: P2,
        reason: reason.map(Into::into),
        by: by.map(Into::into),
    };
    let says = |incident: &Incident, event: &Event| incident.admit(event, at(2)).unwrap_err();
    assert!(says(&incident, &lower(None, Some("Ada"))).contains("--reason"));
    assert!(says(&incident, &lower(Some("small"), Some("Ada"))).contains("has none"));
    let led = then(
        incident,
        &[(
            2,
            Event::Role {
                role: Role::Commander,
                name: Some("Ada".into()),
            },
        )],
    );
    assert!(says(&led, &lower(Some("small"), None)).contains("--by \"Ada\""));
    assert!(says(&led, &lower(Some("small"), Some("Bob"))).contains("who is Ada"));
    assert_eq!(led.admit(&lower(Some("small"), Some("Ada")), at(3)), Ok(()));
    // Somebody else was quicker: what was meant for another severity is not taken.
    let raised = then(led, &[(3, severity(P1, P0))]);
    assert!(says(&raised, &severity(P1, P0)).contains("somebody else"));
}

#[test]
fn the_six_steps_follow_each_other_in_the_customer_s_order() {
    let mut incident = opened(Severity::P1);
    let mut seen = vec![incident.stage()];
    let applied = RunTurn::Outcome {
        step: "5".into(),
        status: "applied".into(),
        text: String::new(),
    };
    let pass = RunTurn::Gate {
        step: "6".into(),
        verdict: "PASS".into(),
        text: "all good".into(),
    };
    let exported = Event::Exported {
        language: "en".into(),
        files: vec![],
    };
    for (minute, event) in [
        (2, Event::Acknowledged {}),
        (3, severity(Severity::P1, Severity::P1)),
        (4, sent()),
        (5, run(applied)),
        (9, run(pass)),
        (20, Event::Resolved { reason: None }),
        (30, exported),
    ] {
        incident = then(incident, &[(minute, event)]);
        if seen.last() != Some(&incident.stage()) {
            seen.push(incident.stage());
        }
    }
    assert_eq!(seen[..6], Stage::ORDER);
    assert_eq!(seen[6], Stage::Over);
    assert_eq!(incident.mitigated, Some(at(9)));
}

#[test]
fn a_resolved_incident_takes_notes_and_nothing_that_would_change_it() {
    let over = then(
        opened(Severity::P2),
        &[(9, Event::Resolved { reason: None })],
    );
    let note = Event::Note { text: "x".into() };
    assert_eq!(over.admit(&note, at(10)), Ok(()));
    for event in [
        Event::Acknowledged {},
        severity(Severity::P2, Severity::P0),
        Event::Resolved { reason: None },
    ] {
        let why = over.admit(&event, at(10)).unwrap_err();
        assert!(why.contains("vigie incident reopen INC-2026-014"), "{why}");
    }
    let reason = "it came back".to_owned();
    let again = then(over, &[(11, Event::Reopened { reason })]);
    assert!(again.is_open());
}

#[test]
fn a_note_that_begins_with_the_word_becomes_an_action_item() {
    for (text, wanted) in [
        (format!("{TO_DO}: alert on queue"), Some("alert on queue")),
        (format!("{TO_DO} alert"), Some("alert")),
        (TO_DO.to_owned(), None),
        (format!("later {TO_DO}: no"), None),
    ] {
        let incident = then(opened(Severity::P3), &[(2, Event::Note { text })]);
        let found = incident.todos.first().map(|todo| todo.text.as_str());
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_notification_without_an_outcome_may_have_been_sent() {
    let notice = |turn| {
        Event::Notice(NoticeNews {
            notice: "n1".into(),
            channel: "ops".into(),
            turn,
        })
    };
    let sending = notice(NoticeTurn::Sending { text: "x".into() });
    let maybe = notice(NoticeTurn::MaybeSent {
        why: "reset".into(),
    });
    let open = then(opened(Severity::P1), &[(2, sending)]);
    assert!(open.unsure.contains_key("n1"));
    assert!(open.told.is_empty());
    let reset = then(open.clone(), &[(3, maybe)]);
    assert_eq!(reset.unsure["n1"], "ops: reset");
    for (turn, told) in [
        (NoticeTurn::Sent, 1),
        (NoticeTurn::Failed { why: "404".into() }, 0),
    ] {
        let settled = then(open.clone(), &[(3, notice(turn))]);
        assert!(settled.unsure.is_empty());
        assert_eq!(settled.told.len(), told);
    }
}

#[test]
fn records_out_of_order_are_shown_as_such() {
    let mut incident = opened(Severity::P1);
    for (minute, text) in [(9, "first"), (5, "second"), (12, "third")] {
        incident.learn(Record {
            ts: at(minute),
            ts_src: Stamp::Local,
            skew_ms: 0,
            event: Event::Note { text: text.into() },
        });
    }
    let rows = rows(&incident, at(13), Language::English);
    let notes: Vec<(&str, bool)> = rows
        .iter()
        .filter(|row| row.event == "incident.note")
        .map(|row| (row.text.as_str(), row.disorder))
        .collect();
    let wanted = [
        ("Note: second", false),
        ("Note: first", true),
        ("Note: third", false),
    ];
    assert_eq!(notes, wanted);
}

#[test]
fn the_report_fills_in_what_has_a_time_and_leaves_the_rest_to_people() {
    let incident = then(
        opened(Severity::P1),
        &[
            (7, Event::Acknowledged {}),
            (
                8,
                Event::Note {
                    text: "# not a heading | <b>nor</b> a `cell`".into(),
                },
            ),
            (
                9,
                Event::Breach {
                    breach: true,
                    reason: "dump".into(),
                },
            ),
            (40, Event::Resolved { reason: None }),
        ],
    );
    for language in [Language::English, Language::French] {
        let rows = rows(&incident, at(60), language);
        let text = report(&Report {
            incident: &incident,
            rows: &rows,
            books: &[],
            now: at(60),
            language,
        });
        let headings = text.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(headings, 15, "{text}");
        assert!(text.contains(language.pick("| 7 min 00 s | < 5 min 00 s |", "| 7 min 00 s |")));
        assert!(text.contains(r"\# not a heading \| \<b\>nor\</b\> a \`cell\`"));
        assert!(text.contains(language.pick(
            "| users affected | unknown |",
            "| utilisateurs touchés | valeur inconnue |"
        )));
        assert!(text.contains(language.pick("Art. 33", "art. 33")));
        assert!(text.contains(language.pick("nobody was named", "personne n'a été nommé")));
    }
}

#[test]
fn a_record_survives_being_written_and_a_later_one_is_no_error() {
    let incident = then(
        opened(Severity::P0),
        &[
            (2, severity(Severity::P0, Severity::P0)),
            (
                3,
                Event::Alert(AlertNews {
                    fingerprint: "f".into(),
                    name: "High".into(),
                    severity: "critical".into(),
                    service: None,
                    turn: AlertTurn::Fired {
                        since: Some(at(-1)),
                    },
                }),
            ),
            (
                4,
                run(RunTurn::Gate {
                    step: "s".into(),
                    verdict: "FAIL".into(),
                    text: "no".into(),
                }),
            ),
        ],
    );
    let text = serde_json::to_string(&incident.records).unwrap();
    let back: Vec<Record> = serde_json::from_str(&text).unwrap();
    assert_eq!(Incident::fold(&back), Some(incident));
    let later =
        r#"{"ts":"2026-03-04T03:00:00Z","ts_src":"server","event":"incident.danced","how":1}"#;
    let later: Record = serde_json::from_str(later).unwrap();
    assert_eq!(later.event, Event::Later);
}

#[test]
fn names_of_incidents_are_read_as_they_are_written() {
    let id: IncidentId = "inc-2026-014".parse().unwrap();
    assert_eq!(
        (id.to_string().as_str(), id.short().as_str()),
        ("INC-2026-014", "INC-14")
    );
    let long = "INC-2026-1234".parse::<IncidentId>().unwrap();
    assert_eq!(long.to_string(), "INC-2026-1234");
    for wrong in [
        "",
        "INC-",
        "INC-26-1",
        "INC-2026-0",
        "INC-2026-+1",
        "INC-2026-1/../x",
    ] {
        assert!(wrong.parse::<IncidentId>().is_err(), "{wrong}");
    }
}

#[test]
fn what_was_passed_over_on_the_way_to_the_end_was_not_done() {
    let over = Event::Resolved { reason: None };
    let passed = then(opened(Severity::P1), &[(9, over.clone())]);
    let did = |incident: &Incident| -> Vec<Stage> {
        let all = Stage::ORDER.into_iter();
        all.filter(|stage| incident.did(*stage)).collect()
    };
    assert_eq!(did(&passed), [Stage::RootCause]);
    let mitigated = Event::Mitigated { reason: "x".into() };
    let done = [
        (2, Event::Acknowledged {}),
        (3, severity(Severity::P1, Severity::P1)),
        (4, sent()),
        (5, mitigated),
        (9, over),
    ];
    let whole = then(opened(Severity::P1), &done);
    assert_eq!(did(&whole), Stage::ORDER[..5]);
}
