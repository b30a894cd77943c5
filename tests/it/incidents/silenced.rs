//! Acknowledging with a silence, and silencing, at a console with its engine: what Alertmanager has of it, what the incident's
//! file has of it, and what is said where Alertmanager does not take it.

use crate::seat::Seat;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::time::Duration;
use vigie::app::App;
use vigie::app::command::Command;
use vigie::app::incidents::order::Wish;
use vigie::app::screen::Screen;
use vigie::domain::alert::AlertState;
use vigie::domain::incident::{AlertTurn, Event};
use vigie::sim::Options;
use vigie::sim::fault::{Face, Fault, Rule};
use vigie::sim::scenario::Scenario;

/// A console on a bad release whose alerts fire; an acknowledgement silences.
async fn console() -> Seat {
    let options = Options {
        scenario: Scenario::BadRelease,
        advance: Duration::from_secs(400),
        ..Options::default()
    };
    let quarter = SignedDuration::from_mins(15);
    let mut seat = Seat::new(options, |app| app.incidents.silences = Some(quarter)).await;
    seat.until("the platform and its alerts are known", |app| {
        app.settled() && app.incidents.known && app.place().is_some() && !firing(app).is_empty()
    })
    .await;
    seat.obey(Command::Open(Screen::Alerts));
    seat
}

fn firing(app: &App) -> Vec<String> {
    let heard = app.alerts.iter().filter(|alert| alert.heard());
    heard.map(|alert| alert.fingerprint.to_string()).collect()
}

fn quiet(app: &App) -> usize {
    let alerts = app.alerts.iter();
    let quiet = alerts.filter(|alert| matches!(alert.state, AlertState::Suppressed { .. }));
    quiet.count()
}

async fn silences(seat: &Seat) -> Vec<Value> {
    let url = format!("{}/api/v2/silences", seat.running.alertmanager);
    let said = reqwest::get(url).await.unwrap().text().await.unwrap();
    serde_json::from_str(&said).unwrap()
}

fn turns(app: &App) -> Vec<AlertTurn> {
    let records = &app.incident_shown().unwrap().records;
    let turn = |event: &Event| match event {
        Event::Alert(news) => Some(news.turn.clone()),
        _ => None,
    };
    let all = records.iter().filter_map(|record| turn(&record.event));
    all.filter(|turn| !matches!(turn, AlertTurn::Fired { .. } | AlertTurn::Resolved))
        .collect()
}

fn break_silences(seat: &Seat, fault: Fault) {
    seat.running.faults().add(Rule {
        face: Some(Face::Alertmanager),
        method: "POST".into(),
        path: "/api/v2/silences".into(),
        fault,
        times: None,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_acknowledgement_opens_the_incident_and_silences_for_a_quarter_of_an_hour() {
    let mut seat = console().await;
    let before = firing(&seat.app).len();
    seat.obey(Command::Incident(Wish::Acknowledge));
    let sheet = seat.picture(120, 40);
    assert!(
        sheet.contains("silent in Alertmanager for 15 min"),
        "{sheet}"
    );
    for _ in 0..3 {
        seat.obey(Command::Enter);
    }
    seat.until_said("is silent until", false).await;
    seat.until("Alertmanager says so itself", |app| quiet(app) == 1)
        .await;
    let all = silences(&seat).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    let silence = &all[0];
    assert_eq!(silence["createdBy"], "vigie-ack", "{silence:#}");
    assert!(
        silence["comment"].as_str().unwrap().contains("vigie-ack"),
        "{silence:#}"
    );
    let moment = |name: &str| {
        silence[name]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .unwrap()
    };
    let span = moment("endsAt").duration_since(moment("startsAt"));
    // Alertmanager moves a beginning that is over to its own present.
    assert!((895..=900).contains(&span.as_secs()), "{silence:#}");
    let matchers = silence["matchers"].as_array().unwrap();
    assert!(
        matchers.iter().any(|one| one["name"] == "alertname"),
        "{silence:#}"
    );
    assert!(
        matchers.iter().all(|one| one["isRegex"] == false),
        "{silence:#}"
    );
    let turns = turns(&seat.app);
    assert!(
        matches!(
            turns.as_slice(),
            [
                AlertTurn::Acknowledged {
                    silence_until: Some(_)
                },
                AlertTurn::Silenced { .. }
            ]
        ),
        "{turns:#?}"
    );
    assert!(seat.app.incident().unwrap().acknowledged.is_some());
    // Whether others fire as well is the platform's: this one is heard no more.
    assert_eq!(firing(&seat.app).len(), before - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_that_is_not_taken_is_said_and_the_acknowledgement_stands() {
    let mut seat = console().await;
    break_silences(&seat, Fault::Status(500, None));
    seat.obey(Command::Incident(Wish::Acknowledge));
    for _ in 0..3 {
        seat.obey(Command::Enter);
    }
    seat.until_said("was not silenced", true).await;
    seat.until("the file is read", |app| {
        app.incident()
            .is_some_and(|incident| incident.acknowledged.is_some())
    })
    .await;
    seat.until("what came of it stands there", |app| turns(app).len() == 2)
        .await;
    let turns = turns(&seat.app);
    assert!(
        matches!(turns[1], AlertTurn::Unsilenced { maybe: false, .. }),
        "{turns:#?}"
    );
    assert!(silences(&seat).await.is_empty());
    assert_eq!(quiet(&seat.app), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_by_hand_is_asked_for_once_and_what_broke_off_is_looked_up() {
    let mut seat = console().await;
    // Without any incident: the audit log has it.
    seat.obey(Command::Incident(Wish::Silence));
    seat.obey(Command::Enter);
    seat.type_in("deploying a fix");
    seat.obey(Command::Enter);
    seat.type_in("y");
    seat.obey(Command::Enter);
    seat.until_said("is silent until", false).await;
    let all = silences(&seat).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0]["createdBy"], "vigie");
    assert!(
        all[0]["comment"]
            .as_str()
            .unwrap()
            .contains("deploying a fix")
    );
    let audit = std::fs::read_to_string(seat.dir.path().join("audit.log")).unwrap();
    let (asked, taken) = (audit.find("silencing"), audit.find("\"silenced\""));
    assert!(
        asked.is_some() && asked < taken,
        "on disk before it is asked for: {audit}"
    );

    // Done, and the answer lost: it is not asked a second time.
    let mut seat = console().await;
    break_silences(&seat, Fault::DropAfter);
    seat.obey(Command::Incident(Wish::Silence));
    seat.obey(Command::Enter);
    seat.type_in("noise");
    seat.obey(Command::Enter);
    seat.type_in("y");
    seat.obey(Command::Enter);
    let mut tried = 0;
    while seat.said.iter().all(|one| !one.text.contains("silen")) {
        seat.turn().await;
        tried += 1;
        assert!(tried < 600, "{:#?}", seat.said);
    }
    assert_eq!(silences(&seat).await.len(), 1);
    let said = &seat
        .said
        .iter()
        .find(|one| one.text.contains("silen"))
        .unwrap();
    assert!(!said.text.contains("was not silenced"), "it was: {said:?}");
}
