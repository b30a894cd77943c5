//! What gives way when room is short, and what must not: where I am, how often a pod restarted, what happened.

use super::night::{NS, after, backend, drawn, rows, send};
use super::themes;
use vigie::app::command::Command;
use vigie::app::screen::Screen;
use vigie::sim::scenario::Scenario;

#[test]
fn restarts_are_written_as_kubectl_writes_them_and_the_age_goes_before_the_count() {
    for screen in [Screen::Overview, Screen::Pods] {
        for width in [80, 100, 120, 160, 200] {
            let mut app = after(Scenario::CrashLoop, 60);
            send(&mut app, [Command::Open(screen.clone())]);
            let pod = app.cluster.pods.iter().max_by_key(|pod| pod.restarts);
            let (name, count) = pod.map(|pod| (pod.name.clone(), pod.restarts)).unwrap();
            assert!(count > 0, "the story has a pod that restarts");
            let rows = rows(&drawn(&mut app, &themes()[0], (width, 50)));
            let Some(row) = rows
                .iter()
                .skip(2)
                .find(|row| row.contains("CrashLoopBackOff  "))
            else {
                assert!(screen == Screen::Overview && width < 120, "{rows:#?}");
                continue;
            };
            let said = row.split_once("CrashLoopBackOff").unwrap().1.trim_start();
            assert!(
                said.starts_with(&format!("{count} ")),
                "{width}: {name}: {row}"
            );
            let aged = said
                .split_once(" ago)")
                .is_some_and(|(age, _)| age.contains(" ("));
            assert_eq!(aged, width >= 120, "{width}: {row}");
        }
    }
}

#[test]
fn the_context_and_the_namespace_are_the_last_to_give_way() {
    for armed in [false, true] {
        for width in [40, 60, 80, 100, 120] {
            let mut app = after(Scenario::BadRelease, 30);
            app.target.context = NS.into();
            app.target.user = Some("oncall@veza.example".into());
            app.target.environment.name = "production".into();
            app.target.environment.guarded = true;
            app.armed_until = armed.then(|| app.now + jiff::SignedDuration::from_mins(14));
            let rows = rows(&drawn(&mut app, &themes()[0], (width, 24)));
            let row = &rows[0];
            assert!(row.contains(&format!(" ▸ {NS}")), "{width}: {row}");
            if width >= 60 {
                assert!(row.contains(&format!("{NS} ▸ {NS}")), "{width}: {row}");
                assert!(row.contains("PRODUCTION"), "{width}: {row}");
            }
            if width >= 80 {
                assert!(row.contains("live") && row.contains(':'), "{width}: {row}");
            }
            assert_eq!(row.contains("ARMED 14 m"), armed, "{width}: {row}");
        }
    }
}

#[test]
fn silent_sources_are_said_beside_the_whole_place() {
    for seconds in [0, 300] {
        let mut app = super::night::silent(jiff::Timestamp::UNIX_EPOCH);
        app.now += jiff::SignedDuration::from_secs(seconds);
        let rows = rows(&drawn(&mut app, &themes()[0], (80, 24)));
        assert!(
            rows[0].contains(&format!("veza-demo ▸ {NS}")),
            "{}",
            rows[0]
        );
        assert!(rows[0].contains('…'), "unknown is as loud: {}", rows[0]);
    }
    let mut app = after(Scenario::BadRelease, 30);
    app.now += jiff::SignedDuration::from_mins(10);
    app.refresh();
    let rows = rows(&drawn(&mut app, &themes()[0], (60, 24)));
    assert!(
        rows[0].contains(&format!("veza-demo ▸ {NS}")),
        "{}",
        rows[0]
    );
    assert!(rows[0].contains("stale 10 m"), "{}", rows[0]);
}

#[test]
fn what_happened_stays_on_a_narrow_timeline() {
    for width in [60, 80, 120] {
        let mut app = after(Scenario::BadRelease, super::BAD);
        send(&mut app, [Command::Open(Screen::Timeline)]);
        let rows = rows(&drawn(&mut app, &themes()[0], (width, 24)));
        assert!(super::has(&rows, "WHAT HAPPENED"), "{width}: {rows:#?}");
        let of = super::line(&rows, "ONSET").contains("veza-backend");
        assert!(of || width < 80, "{rows:#?}");
    }
}

#[test]
fn what_differs_between_two_sides_is_whole_on_a_narrow_screen() {
    let mut app = after(Scenario::BadRelease, super::BAD);
    send(&mut app, [Command::Open(Screen::Rollout(backend()))]);
    let rows = rows(&drawn(&mut app, &themes()[0], (80, 24)));
    let image = super::line(&rows, " image ");
    assert!(
        image.contains(":v1.0.0") && image.contains(":v1.1.0"),
        "{image}"
    );
    for signal in ["errors <= 1 %", "p99 <= 500 ms"] {
        let said = super::line(&rows, signal);
        assert!(said.contains("real)") || said.contains("to tell"), "{said}");
    }
    assert!(
        super::line(&rows, "p99 <= 500 ms").contains(", real)"),
        "{rows:#?}"
    );
}

#[test]
fn of_a_line_too_long_for_the_row_the_end_that_is_typed_is_seen() {
    let mut app = after(Scenario::BadRelease, 30);
    send(&mut app, [Command::Palette]);
    let line = format!("run rollback reason={}end", "x".repeat(120));
    send(&mut app, line.chars().map(Command::Type));
    let rows = rows(&drawn(&mut app, &themes()[0], (80, 24)));
    let last = rows.last().unwrap();
    assert!(last.starts_with(" :") && last.contains("xend▏"), "{last}");
}
