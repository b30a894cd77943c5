//! Logs through every floor: from the simulated platform's HTTP to what the screen holds and draws.

use crate::reading::bench;
use std::collections::BTreeMap;
use vigie::app::command::{Command, Motion};
use vigie::app::logs::{LogLine, LogNews, LogStore, LogStream};
use vigie::app::message::{Fact, Message};
use vigie::app::reading::ReadingNews;
use vigie::app::screen::Screen;
use vigie::domain::object::ObjectRef;
use vigie::keymap::Keymap;
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;
use vigie::ui::theme::Theme;
use vigie::ui::{View, picture};

fn backend() -> ObjectRef {
    ObjectRef::new("Deployment", vigie::sim::NAMESPACE, "veza-backend")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_of_a_workload_are_those_of_all_its_pods_in_the_order_of_time() {
    let mut bench = bench(Scenario::BadRelease, Identity::Oncall).await;
    bench.does(Command::Open(Screen::Logs(backend())));
    let heard = |logs: &LogStore| logs.voices.len() >= 3 && logs.len() >= 300;
    bench
        .until("three pods are heard", |app| heard(&app.reading.logs))
        .await;
    let logs = &bench.app.reading.logs;
    let times: Vec<_> = logs.shown().iter().filter_map(|entry| entry.at).collect();
    assert!(times.is_sorted());
    let names = logs.names();
    assert_eq!(
        names
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        names.len()
    );
    assert!(bench.app.wants().logs.is_some());
    bench.does(Command::Escape);
    assert_eq!(
        bench.app.wants().logs,
        None,
        "what no screen shows is not read"
    );
    assert!(bench.app.reading.logs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_container_said_before_its_restart_can_be_read() {
    let mut bench = bench(Scenario::CrashLoop, Identity::Oncall).await;
    let pod = bench.pod("veza-backend", |pod| pod.restarts > 0);
    bench.app.history.open(Screen::Describe(pod));
    bench.does(Command::PreviousLogs);
    let said = |app: &vigie::app::App| {
        let shown = app.reading.logs.shown();
        shown
            .iter()
            .any(|entry| entry.line.text.contains("panic: cannot start"))
    };
    bench.until("the last words", said).await;
    assert!(bench.app.reading.logs.previous);
    bench.does(Command::PreviousLogs);
    assert!(
        !bench.app.reading.logs.previous,
        "the same key goes back to the present log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_lines_with_its_words_and_a_search_walks_through_matches() {
    let mut bench = bench(Scenario::BadRelease, Identity::Oncall).await;
    bench.does(Command::Open(Screen::Logs(backend())));
    bench
        .until("lines", |app| app.reading.logs.len() >= 300)
        .await;
    bench.types(Command::Narrow, "get tracks");
    let log = bench.log();
    assert!(
        !log.is_empty()
            && log
                .iter()
                .all(|line| line.contains("GET") && line.contains("tracks"))
    );
    bench.types(Command::Filter, "/api/v1/tracks/:id");
    let first = bench.app.reading.logs.found.expect("a match");
    bench.does(Command::PreviousMatch);
    let second = bench.app.reading.logs.found.expect("a match");
    assert_ne!(first, second);
    bench.does(Command::NextMatch);
    assert_eq!(bench.app.reading.logs.found, Some(first));
    bench.does(Command::Escape);
    assert!(bench.app.here().place.filter.is_empty() && !bench.app.reading.logs.filter.is_empty());
    bench.does(Command::Escape);
    assert!(bench.app.reading.logs.filter.is_empty());
    assert!(
        matches!(bench.app.here().screen, Screen::Logs(_)),
        "each escape takes away one thing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digits_choose_how_far_back_and_the_log_is_read_anew() {
    let mut bench = bench(Scenario::Healthy, Identity::Oncall).await;
    bench.does(Command::Open(Screen::Logs(backend())));
    bench
        .until("lines", |app| app.reading.logs.len() >= 300)
        .await;
    let round = bench.app.reading.logs.round;
    bench.does(Command::Range(1));
    let oldest =
        |app: &vigie::app::App| app.reading.logs.shown().first().and_then(|entry| entry.at);
    bench
        .until("lines again", |app| app.reading.logs.len() >= 300)
        .await;
    assert_eq!(
        (bench.app.reading.logs.round, bench.app.reading.logs.since_s),
        (round + 1, Some(300))
    );
    let age = bench.app.now.duration_since(oldest(&bench.app).unwrap());
    assert!(age.as_secs() <= 301, "{age:?}");
    bench.does(Command::Range(0));
    assert_eq!(bench.app.reading.logs.since_s, None);
}

/// A log that somebody hostile writes.
async fn hostile() -> (crate::reading::Bench, LogStream) {
    let mut bench = bench(Scenario::Healthy, Identity::Oncall).await;
    bench.does(Command::Open(Screen::Logs(ObjectRef::new(
        "Deployment",
        "elsewhere",
        "web",
    ))));
    let stream = LogStream {
        round: bench.app.reading.logs.round,
        pod: "web-\u{1b}[31m".into(),
        container: "app".into(),
    };
    (bench, stream)
}

fn drawn(bench: &crate::reading::Bench, width: u16, height: u16) -> String {
    let keys = Keymap::new(&BTreeMap::new()).unwrap();
    let theme = Theme::plain();
    let view = View {
        app: &bench.app,
        theme: &theme,
        keys: &keys,
    };
    picture(&view, width, height)
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_lines_are_bounded_and_harmless_on_every_screen() {
    let (mut bench, stream) = hostile().await;
    let raw = [
        "x".repeat(1 << 20),
        "\x1b[2J\x1b]52;c;AAAA\x07 \u{202e}evil".to_owned(),
        String::from_utf8_lossy(&[0xff, 0xfe, b'a', 0xc3, 0x28]).into_owned(),
        format!(
            "{{\"msg\":\"{}\",\"level\":\"\\u001b[31m\"}}",
            "y".repeat(1 << 20)
        ),
        format!("{}{}", "[".repeat(5000), "{\"a\":".repeat(5000)),
        String::new(),
    ];
    let line = |text: &String| LogLine {
        at: Some(bench.app.now),
        text: text.clone(),
        cut: false,
    };
    let lines = raw.iter().map(line).collect();
    let now = bench.app.now;
    let news = ReadingNews::Logs(stream, LogNews::Lines(lines));
    bench.app.update(Message::Fact(Fact::Reading(news)), now);
    for wrap in [false, true] {
        for (width, height) in [(40, 12), (80, 24), (120, 40), (300, 80)] {
            bench.app.height = height;
            for motion in [
                Motion::Last,
                Motion::Up,
                Motion::First,
                Motion::PageDown,
                Motion::Right,
            ] {
                bench.does(Command::Move(motion));
                let picture = drawn(&bench, width, height);
                assert!(picture.contains("logs"), "{picture}");
                assert!(!picture.chars().any(|c| c.is_control() && c != '\n'));
            }
        }
        if !wrap {
            bench.does(Command::Wrap);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_on_the_screen_in_words() {
    let (mut bench, stream) = hostile().await;
    let now = bench.app.now;
    let news = ReadingNews::Logs(stream, LogNews::Lost(214));
    bench.app.update(Message::Fact(Fact::Reading(news)), now);
    let picture = drawn(&bench, 80, 24);
    assert!(picture.contains("lost 214 lines"), "{picture}");
    assert!(picture.contains("214 lost"), "{picture}");
}
