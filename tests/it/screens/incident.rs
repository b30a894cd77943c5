//! Incidents at the console: opened, acknowledged and silenced with a key each, clocks in row 1 on every screen, what was
//! noticed written once, and nothing sent that was not filled in.

use super::night::{after, drawn, keys, rows, send};
use super::{BAD, SIZES, has, themes};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use vigie::app::App;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::incidents::order::{Ask, IncidentNews, Wish};
use vigie::app::layer::Layer;
use vigie::app::message::{Fact, Message};
use vigie::app::runs::order::RunOrder;
use vigie::app::runs::shelf::Book;
use vigie::app::screen::Screen;
use vigie::domain::incident::{AlertNews, AlertTurn, Event, Incident, Record, Severity, Stamp};
use vigie::keymap::Meaning;
use vigie::keymap::chord::Sequence;
use vigie::sim::scenario::Scenario;

/// Obeys commands one after the other; what the last of them asks for, before anything is judged anew.
fn asks(app: &mut App, commands: impl IntoIterator<Item = Command>) -> Vec<Ask> {
    let now = app.now;
    let mut last = Vec::new();
    for command in commands {
        last = app.update(Message::Command(command), now);
    }
    orders(last)
}

fn orders(effects: Vec<Effect>) -> Vec<Ask> {
    let order = |effect| match effect {
        Effect::Incident(order) => Some(order.ask),
        _ => None,
    };
    effects.into_iter().filter_map(order).collect()
}

fn typed(text: &str) -> Vec<Command> {
    text.chars().map(Command::Type).collect()
}

/// A console in the bad release, its incidents read: none.
fn console() -> App {
    let mut app = after(Scenario::BadRelease, BAD);
    app.runs.library = Book::shipped();
    hear(&mut app, vec![]);
    app
}

fn hear(app: &mut App, all: Vec<Incident>) {
    let all = all.into_iter().map(Arc::new).collect();
    let now = app.now;
    app.update(
        Message::Fact(Fact::Incident(IncidentNews::Listed(all))),
        now,
    );
    app.refresh();
}

/// An incident at the console's place, opened so many seconds ago.
fn open(app: &App, ago: i64, events: &[Event]) -> Incident {
    let at = app.now - SignedDuration::from_secs(ago);
    let first = Event::Opened {
        incident: "INC-2026-014".parse().unwrap(),
        title: "checkout\u{1b}[31m fails".into(),
        severity: Severity::P1,
        detected_at: at,
        place: app.place().unwrap(),
    };
    let record = |event: &Event| Record {
        ts: at,
        ts_src: Stamp::Server,
        skew_ms: 0,
        event: event.clone(),
    };
    let records: Vec<Record> = std::iter::once(&first).chain(events).map(record).collect();
    Incident::fold(&records).unwrap()
}

fn meaning(app: &App, chord: &str) -> Option<Command> {
    let sequence: Sequence = chord.parse().unwrap();
    match keys().meaning(app, sequence.chords()) {
        Meaning::Command(command) => Some(command),
        _ => None,
    }
}

#[test]
fn one_key_opens_a_sheet_that_is_filled_in_and_three_enters_open_the_incident() {
    let mut app = console();
    let key = meaning(&app, "I").unwrap();
    assert_eq!(asks(&mut app, [key]), []);
    let enters = [Command::Enter, Command::Enter];
    assert_eq!(asks(&mut app, enters), [], "nothing before the last field");
    let asked = asks(&mut app, [Command::Enter]);
    let [Ask::Open(new, alert, None)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(new.severity, Severity::P1);
    assert!(new.title.contains("veza-backend"), "{}", new.title);
    assert_eq!(new.place.namespace.as_deref(), Some("veza-production"));
    assert_eq!(new.breach, None, "nobody said so, either way");
    assert!(
        matches!(
            alert.as_deref(),
            Some(AlertNews {
                turn: AlertTurn::Acknowledged { .. },
                ..
            })
        ),
        "{alert:?}"
    );
    // Left by escape, nothing is asked for.
    let mut app = console();
    let left = asks(&mut app, [Command::Incident(Wish::Open), Command::Escape]);
    assert!(left.is_empty() && app.layers.is_empty());
}

#[test]
fn the_clocks_stand_in_row_1_on_every_screen_and_size() {
    let screens = [
        Screen::Overview,
        Screen::Alerts,
        Screen::Timeline,
        Screen::Incident,
        Screen::Runs,
    ];
    for theme in themes() {
        for size in SIZES {
            for (ago, wanted) in [
                (60, "ack 04:00"),
                (228, "▲ ack 01:12"),
                (372, "✖ ack late 01:12"),
            ] {
                let mut app = console();
                let incident = open(&app, ago, &[]);
                hear(&mut app, vec![incident]);
                for screen in &screens {
                    send(&mut app, [Command::Open(screen.clone())]);
                    let rows = rows(&drawn(&mut app, &theme, size));
                    assert!(
                        rows[0].contains("P1 INC-14"),
                        "{size:?} {screen:?}: {}",
                        rows[0]
                    );
                    assert!(rows[0].contains(wanted), "{size:?} {screen:?}: {}", rows[0]);
                    assert!(rows[0].contains("veza-production"), "{}", rows[0]);
                    assert!(rows[1].contains("✖ FAILING  veza-backend:"), "{}", rows[1]);
                }
            }
        }
    }
}

#[test]
fn the_incident_s_screen_says_what_comes_next_at_every_size() {
    for theme in themes() {
        for size in SIZES {
            let mut app = console();
            let taken = Event::Acknowledged {};
            let note = Event::Note {
                text: "pool\u{202e} exhausted".into(),
            };
            let incident = open(&app, 100, &[taken, note]);
            hear(&mut app, vec![incident]);
            send(&mut app, [Command::Incident(Wish::Open)]);
            let rows = rows(&drawn(&mut app, &theme, size));
            println!("{}", rows.join("\n"));
            assert!(has(&rows, "INC-2026-014 P1 checkout"), "{rows:#?}");
            assert!(has(&rows, "assess: settle the severity"));
            assert!(has(&rows, "severity 08:20, due"), "{rows:#?}");
            assert!(has(&rows, "Note: pool"), "{rows:#?}");
            assert!(!rows.concat().contains(['\u{1b}', '\u{202e}']));
        }
    }
}

#[test]
fn an_incident_that_was_resolved_at_once_shows_what_nobody_recorded() {
    let mut app = console();
    let incident = open(&app, 100, &[Event::Acknowledged {}]);
    hear(&mut app, vec![incident]);
    send(&mut app, [Command::Incident(Wish::Resolve)]);
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(
        has(&shown, "nobody said that users are served"),
        "{shown:#?}"
    );
    assert!(has(&shown, "nobody was told (u)"), "{shown:#?}");
    let over = [Event::Acknowledged {}, Event::Resolved { reason: None }];
    let mut app = console();
    let incident = open(&app, 100, &over);
    hear(&mut app, vec![incident]);
    send(&mut app, [Command::Open(Screen::Incident)]);
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(has(&shown, "● acknowledge"), "{shown:#?}");
    for passed in ["○ notify, not recorded", "○ mitigate, not recorded"] {
        assert!(has(&shown, passed), "{passed}: {shown:#?}");
    }
}

#[test]
fn the_time_of_day_stays_beside_an_incident_s_first_clock_where_there_is_room() {
    let mut app = console();
    let incident = open(&app, 60, &[]);
    hear(&mut app, vec![incident]);
    let wanted = app.now.strftime("%H:%M:%S").to_string();
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(shown[0].contains(&wanted), "{}", shown[0]);
}

#[test]
fn an_alert_is_acknowledged_with_one_key_and_row_2_says_so() {
    let mut app = console();
    assert!(
        app.headline.text.contains("not acknowledged here"),
        "{}",
        app.headline.text
    );
    let incident = open(&app, 60, &[]);
    hear(&mut app, vec![incident]);
    send(&mut app, [Command::Open(Screen::Alerts)]);
    let key = meaning(&app, "a").unwrap();
    let asked = asks(&mut app, [key.clone()]);
    let [Ask::Acknowledge(id, news, None)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let news = (**news).clone();
    let all: Vec<Event> = app
        .alerts
        .iter()
        .map(|alert| {
            Event::Alert(AlertNews {
                fingerprint: alert.fingerprint.to_string(),
                ..news.clone()
            })
        })
        .collect();
    assert_eq!(id.short(), "INC-14");
    let incident = open(&app, 60, &all);
    assert!(
        incident.acknowledged.is_some(),
        "with its alert the incident is taken on"
    );
    hear(&mut app, vec![incident]);
    assert!(
        app.headline.text.contains("acknowledged in INC-14."),
        "{}",
        app.headline.text
    );
    let rows = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(has(&rows, "taken on"), "{rows:#?}");
    assert_eq!(asks(&mut app, [key]), [], "once is enough");
    // Where it is configured, a silence goes with it, and the record says which.
    let mut app = console();
    app.incidents.silences = Some(SignedDuration::from_mins(15));
    let incident = open(&app, 60, &[]);
    hear(&mut app, vec![incident]);
    let asked = asks(&mut app, [Command::Incident(Wish::Acknowledge)]);
    assert!(
        matches!(asked.as_slice(), [Ask::Acknowledge(_, _, Some(quiet))] if quiet.span.as_mins() == 15),
        "{asked:?}"
    );
}

#[test]
fn a_silence_is_confirmed_by_what_must_be_typed() {
    let mut app = console();
    send(&mut app, [Command::Open(Screen::Alerts)]);
    let key = meaning(&app, "z").unwrap();
    let commands = [
        vec![key, Command::Enter],
        typed("noise"),
        vec![Command::Enter],
    ]
    .concat();
    assert_eq!(asks(&mut app, commands), []);
    let rows = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(has(&rows, "POST /api/v2/silences"), "{rows:#?}");
    let wrong = [typed("n"), vec![Command::Enter]].concat();
    assert_eq!(asks(&mut app, wrong), []);
    assert!(
        matches!(app.layers.last(), Some(Layer::Sheet(_))),
        "it stays"
    );
    let right = [vec![Command::EraseAll], typed("y"), vec![Command::Enter]].concat();
    let asked = asks(&mut app, right);
    let [Ask::Silence(None, quiet)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!((quiet.span.as_mins(), quiet.reason.as_str()), (15, "noise"));
    assert!(quiet.labels.contains_key("alertname"));
    // Where nothing may be changed, it is not even asked.
    let mut app = console();
    app.settings.read_only = true;
    send(&mut app, [Command::Incident(Wish::Silence)]);
    assert!(app.layers.is_empty());
}

#[test]
fn what_changes_while_it_is_open_is_written_once() {
    let mut app = console();
    let incident = open(&app, 60, &[]);
    let all = vec![Arc::new(incident)];
    let now = app.now;
    app.update(
        Message::Fact(Fact::Incident(IncidentNews::Listed(all))),
        now,
    );
    let asked = orders(app.refresh());
    let [Ask::Notice(_, events)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let fired = events.iter().filter(
        |event| matches!(event, Event::Alert(news) if matches!(news.turn, AlertTurn::Fired { .. })),
    );
    assert_eq!(
        fired.count(),
        app.alerts
            .iter()
            .filter(|alert| alert.namespace().is_none_or(|n| **n == *"veza-production"))
            .count()
    );
    assert_eq!(
        orders(app.refresh()),
        [],
        "not again while it is on its way"
    );
    // The file has it: nothing more; the alert goes: that is written too.
    let events: Vec<Event> = events
        .iter()
        .filter(|event| matches!(event, Event::Alert(_)))
        .cloned()
        .collect();
    let incident = open(&app, 60, &events);
    hear(&mut app, vec![incident.clone()]);
    let now = app.now;
    app.update(Message::Fact(Fact::Alerts(vec![])), now);
    let asked = orders(app.refresh());
    assert!(
        matches!(asked.as_slice(), [Ask::Notice(_, events)] if events.iter().all(|event| matches!(event, Event::Alert(news) if news.turn == AlertTurn::Resolved))),
        "{asked:?}"
    );
}

#[test]
fn an_alert_leads_to_its_runbook_with_the_fields_filled_in() {
    let mut app = console();
    send(&mut app, [Command::Open(Screen::Alerts)]);
    let key = meaning(&app, "K").unwrap();
    send(&mut app, [key]);
    let rows = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(has(&rows, "rollback"), "{rows:#?}");
    send(&mut app, [Command::Enter]);
    let now = app.now;
    let effects = app.update(Message::Command(Command::Enter), now);
    let opening = effects.iter().find_map(|effect| match effect {
        Effect::Run(RunOrder::Open(opening)) => Some(opening),
        _ => None,
    });
    let opening = opening.unwrap_or_else(|| panic!("{effects:?}"));
    assert_eq!(opening.book.id, "rollback");
    assert_eq!(opening.params["workload"], "Deployment/veza-backend");
    assert_eq!(opening.params["namespace"], "veza-production");
}

#[test]
fn the_sheets_of_an_incident_send_what_was_filled_in_and_refuse_what_may_not_follow() {
    let mut app = console();
    let incident = open(&app, 60, &[]);
    hear(&mut app, vec![incident]);
    let note = [vec![Command::Note], typed("x"), vec![Command::Enter]].concat();
    let asked = asks(&mut app, note);
    assert!(
        matches!(asked.as_slice(), [Ask::Write(_, event, _)] if **event == Event::Note { text: "x".into() }),
        "{asked:?}"
    );
    // S offers the next higher: three enters raise it.
    let raise = [
        Command::Incident(Wish::Severity),
        Command::Enter,
        Command::Enter,
        Command::Enter,
    ];
    let asked = asks(&mut app, raise);
    assert!(
        matches!(asked.as_slice(), [Ask::Write(_, event, _)] if matches!(&**event, Event::Severity { to: Severity::P0, .. })),
        "{asked:?}"
    );
    // Lowering without a commander stays, with a sentence.
    let lower = [
        vec![Command::Incident(Wish::Severity)],
        typed("3"),
        vec![Command::Enter],
        typed("small"),
        vec![Command::Enter, Command::Enter],
    ]
    .concat();
    assert_eq!(asks(&mut app, lower), []);
    let refused = match app.layers.last() {
        Some(Layer::Sheet(sheet)) => sheet.refused.clone(),
        _ => None,
    };
    assert!(refused.is_some_and(|why| why.contains("commander")));
    let _: Timestamp = app.now;
}

#[test]
fn what_mitigates_is_offered_for_what_fails_and_not_for_nothing() {
    let mut app = console();
    let incident = open(&app, 30, &[Event::Acknowledged {}]);
    hear(&mut app, vec![incident]);
    let now = app.now;
    for command in [Command::Open(Screen::Incident), Command::Runbooks] {
        app.update(Message::Command(command), now);
    }
    app.refresh();
    for theme in themes() {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let shown = rows(&drawn(&mut app, &theme, size));
            assert!(has(&shown, "rollback is suggested"), "{shown:#?}");
            assert!(has(&shown, "suggested: Roll back"), "{shown:#?}");
        }
    }
    // The one that is suggested begins with what it is for.
    app.update(Message::Command(Command::Enter), now);
    app.refresh();
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(
        has(&shown, "for        Deployment/veza-backend"),
        "{shown:#?}"
    );
}
