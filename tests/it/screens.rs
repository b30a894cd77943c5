//! The screens over what the App knows, drawn at the sizes people have: what must be on them is there, what a cluster says
//! cannot drive the terminal, and no order of commands at any size breaks them. [`night`] has the facts.

mod hostile;
mod incident;
mod narrow;
pub mod night;

use jiff::Timestamp;
use night::{after, backend, drawn, keys, rows, send, silent};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use vigie::app::App;
use vigie::app::command::{Command, Motion};
use vigie::app::compare::compare;
use vigie::app::message::{ClusterFact, Fact, Message};
use vigie::app::screen::Screen;
use vigie::app::stock::Roll;
use vigie::sim::scenario::Scenario;
use vigie::ui::theme::{Depth, Theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
/// So long into the story the release has gone bad and nobody has acted.
const BAD: u64 = 150;

fn themes() -> [Theme; 2] {
    ["night", "mono"].map(|name| Theme::named(name, &[], Depth::True).unwrap())
}

/// Draws a screen of the bad release at every size in both themes and looks at its rows.
fn at_every_size(screen: &Screen, look: impl Fn((u16, u16), &[String])) {
    for theme in themes() {
        for size in SIZES {
            let mut app = after(Scenario::BadRelease, BAD);
            send(&mut app, [Command::Open(screen.clone())]);
            let rows = rows(&drawn(&mut app, &theme, size));
            println!("{}", rows.join("\n"));
            assert!(rows[1].contains("✖ FAILING  veza-backend:"), "{}", rows[1]);
            look(size, &rows);
        }
    }
}

fn has(rows: &[String], words: &str) -> bool {
    rows.iter().any(|row| row.contains(words))
}

fn line<'a>(rows: &'a [String], words: &str) -> &'a str {
    rows.iter()
        .find(|row| row.contains(words))
        .unwrap_or_else(|| panic!("no row has {words:?}:\n{}", rows.join("\n")))
}

#[test]
fn the_overview_says_what_why_and_what_changed_at_every_size() {
    at_every_size(&Screen::Overview, |(width, _), rows| {
        assert!(has(rows, "SERVICE") && has(rows, "ERRORS") && has(rows, "P99"));
        assert!(has(rows, "├ what changed "), "{rows:#?}");
        assert!(has(
            rows,
            "K goes back from revision 43 (v1.1.0): suggested"
        ));
        assert!(
            has(rows, "veza-backend errors: "),
            "the chart has its title"
        );
        if width >= 120 {
            assert!(line(rows, "▌ ✖ veza-backend").contains("errors > 1 %, p99 > 500 ms"));
            assert!(has(rows, "veza-backend p99: ") && has(rows, "├ pods, "));
        }
    });
}

#[test]
fn sides_of_one_version_name_are_not_told_apart_by_it() {
    let mut app = after(Scenario::BadRelease, BAD);
    let object = backend();
    let told = |app: &App| compare(app, app.workload_named(&object).unwrap()).unwrap();
    assert!(told(&app).judged.is_some());
    let mut revisions: Vec<_> = app.cluster.revisions.iter().cloned().collect();
    for revision in &mut revisions {
        revision.version = Some("v1.1.0".into());
    }
    let fact = ClusterFact::Revisions(Roll::Rows(revisions));
    app.update(Message::Fact(Fact::Cluster(fact)), app.now);
    let told = told(&app);
    let old = told.old.unwrap();
    assert_eq!(told.judged, None);
    assert_eq!(
        told.errors.unwrap().real(),
        None,
        "before and after, no more"
    );
    assert_eq!(old.figures[0].value, None, "it has no pods and no traffic");
    assert!(old.figures[1].past && old.figures[1].value < Some(0.01));
    assert!(told.new.figures[1].value > Some(0.05), "it alone serves");
}

#[test]
fn the_rollout_sets_old_beside_new_and_says_what_happens_next() {
    at_every_size(&Screen::Rollout(backend()), |_, rows| {
        assert!(has(rows, "rollout Deployment/veza-backend: ● done"));
        assert!(has(
            rows,
            "The rollout is complete. K goes back from revision 43"
        ));
        let heading = line(rows, "DIFFERENCE");
        assert!(heading.contains("OLD 42 (v1.0.0)") && heading.contains("NEW 43 (v1.1.0)"));
        let errors = line(rows, "errors <= 1 %");
        assert!(
            errors.contains("✖ 2") && errors.contains("% before"),
            "{errors}"
        );
        assert!(
            errors.contains("points (± ") && errors.contains(", real)"),
            "{errors}"
        );
        assert!(line(rows, "p99 <= 500 ms").contains("✖ 9"), "{rows:#?}");
        assert!(
            has(rows, "┄ v1.0.0 ") && has(rows, "─ v1.1.0 "),
            "the chart names its lines"
        );
        assert!(has(rows, "REV VERSION"));
    });
}

#[test]
fn signals_show_every_chart_where_there_is_room_and_ask_only_for_those() {
    at_every_size(&Screen::Signals(backend()), |(width, _), rows| {
        assert!(has(rows, "veza-backend errors: "));
        assert!(has(rows, "p99 "), "quantiles by name");
        assert!(has(rows, "15 m, whole service"));
        assert_eq!(has(rows, "veza-backend requests/s: "), width >= 120);
    });
    let mut app = after(Scenario::BadRelease, BAD);
    send(&mut app, [Command::Open(Screen::Signals(backend()))]);
    let asked = |app: &mut App, size: (u16, u16)| {
        (app.width, app.height) = size;
        let wants = app.wants();
        wants
            .ranges
            .iter()
            .filter(|want| want.service.is_some())
            .count()
    };
    assert_eq!(
        asked(&mut app, (120, 40)),
        6,
        "errors, three quantiles, requests, saturation"
    );
    assert_eq!(asked(&mut app, (80, 24)), 4, "errors and three quantiles");
    send(&mut app, [Command::Split, Command::Baseline]);
    assert_eq!(
        asked(&mut app, (80, 24)),
        4,
        "errors, p99, and both of last week"
    );
    send(&mut app, [Command::Open(Screen::Overview)]);
    assert_eq!(asked(&mut app, (120, 40)), 0);
}

#[test]
fn the_cursor_of_the_charts_tells_the_values_of_that_second() {
    let mut app = after(Scenario::BadRelease, BAD);
    send(&mut app, [Command::Open(Screen::Signals(backend()))]);
    let night = &themes()[0];
    let now = rows(&drawn(&mut app, night, (120, 40)));
    send(&mut app, vec![Command::Earlier; 40]);
    let then = rows(&drawn(&mut app, night, (120, 40)));
    let at = app
        .here()
        .place
        .at
        .unwrap()
        .strftime("%H:%M:%S")
        .to_string();
    let titled = then
        .iter()
        .filter(|row| row.contains(&format!(" at {at}: ")))
        .count();
    assert!(
        titled >= 2,
        "every chart's title tells that second: {then:#?}"
    );
    assert_ne!(line(&now, "errors"), line(&then, "errors"));
    send(&mut app, vec![Command::Later; 41]);
    assert_eq!(app.here().place.at, None, "past the present it lets go");
}

#[test]
fn workloads_alerts_and_timeline_carry_their_columns() {
    at_every_size(&Screen::Workloads, |(width, _), rows| {
        let heading = line(rows, "NAME");
        assert!(
            heading.contains("READY") && heading.contains("ROLLOUT") && heading.contains("AGE")
        );
        assert!(width < 120 || heading.contains("IMAGES") && heading.contains("UPDATED"));
        assert!(line(rows, "▌ ✖ veza-backend").contains("deploy"));
    });
    at_every_size(&Screen::Alerts, |_, rows| {
        assert!(has(rows, "HighErrorRate") && has(rows, "critical"));
        assert!(
            has(rows, "https://runbooks.example/high-error-rate"),
            "the whole alert is there"
        );
    });
    at_every_size(&Screen::Timeline, |(_, height), rows| {
        assert!(has(rows, "ONSET") && has(rows, "alert "));
        assert!(height < 60 || has(rows, "(K rollback suggested)"));
        assert!(
            has(rows, "ScalingRepl"),
            "events of the cluster are among them"
        );
    });
}

#[test]
fn links_and_the_reason_lie_over_the_screen() {
    let night = &themes()[0];
    for size in SIZES {
        let mut app = after(Scenario::BadRelease, BAD);
        send(&mut app, [Command::Links]);
        let shown = rows(&drawn(&mut app, night, size));
        assert!(
            has(&shown, "https://runbooks.example/high-error-rate"),
            "{shown:#?}"
        );
        assert!(has(&shown, "enter copies"));
        send(&mut app, [Command::Escape, Command::Explain]);
        let shown = rows(&drawn(&mut app, night, size));
        assert!(has(&shown, "why veza-backend is failing"), "{shown:#?}");
        assert!(has(&shown, "findings") && has(&shown, "errors above 1 %"));
    }
}

#[test]
fn without_a_release_before_it_the_sentence_says_so() {
    let mut app = after(Scenario::SlowDependency, 240);
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    println!("{}", shown.join("\n"));
    assert!(has(
        &shown,
        "Nothing was released before this; rollback is not suggested."
    ));
    assert!(!has(&shown, "K goes back"));
}

#[test]
fn a_pod_that_cannot_start_is_named_on_its_rollout_with_its_reason() {
    let night = &themes()[0];
    for size in SIZES {
        let mut app = after(Scenario::ImageMissing, BAD);
        let service = app.services.in_order().next().unwrap().object.clone();
        send(&mut app, [Command::Open(Screen::Rollout(service))]);
        let shown = rows(&drawn(&mut app, night, size));
        println!("{}", shown.join("\n"));
        assert!(
            has(&shown, "ImagePull") || has(&shown, "ErrImagePull"),
            "{shown:#?}"
        );
        assert!(has(&shown, "pods that are not well"));
    }
}

fn harmless(buf: &Buffer) {
    for cell in buf.content() {
        for c in cell.symbol().chars() {
            let bidi = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(
                !c.is_control() && !bidi,
                "{:?} reached the screen",
                cell.symbol()
            );
        }
    }
}

#[test]
fn at_80_columns_row_two_names_the_revision() {
    let mut app = after(Scenario::BadRelease, BAD);
    let shown = rows(&drawn(&mut app, &themes()[0], (80, 24)));
    assert!(
        shown[1].contains(" fail since ") && shown[1].contains(" after revision 43"),
        "{}",
        shown[1]
    );
}

#[test]
fn a_log_of_too_many_containers_says_how_many_it_hears() {
    let mut app = after(Scenario::BadRelease, BAD);
    let pods: Vec<_> = app.pods_of(&backend()).cloned().collect();
    let many = (0..57).map(|index| {
        let mut pod = pods[index % pods.len()].clone();
        pod.name = format!("veza-backend-5bdd6994c4-{index:05}").into();
        pod.uid = format!("uid-{index}").into();
        pod
    });
    let now = app.now;
    let fact = ClusterFact::Pods(Roll::Rows(many.collect()));
    app.update(Message::Fact(Fact::Cluster(fact)), now);
    app.refresh();
    send(&mut app, [Command::Logs]);
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    assert!(has(&shown, "40 of 60 streams"), "{shown:#?}");
    let wanted = app.wants().logs.unwrap();
    assert_eq!(wanted.pods.len(), 40);
}

#[test]
fn a_configuration_chooses_the_columns_of_a_table() {
    let mut app = after(Scenario::BadRelease, BAD);
    let names = ["name", "age", "ready"].map(str::to_owned).to_vec();
    app.settings.columns.insert("pods".into(), names);
    send(&mut app, [Command::Open(Screen::Pods)]);
    let shown = rows(&drawn(&mut app, &themes()[0], (120, 40)));
    let heading = line(&shown, "NAME");
    let at = |title: &str| heading.find(title);
    assert!(
        at("NAME") < at("AGE") && at("AGE") < at("READY"),
        "{heading}"
    );
    assert_eq!(at("STATUS"), None);
}

fn command() -> impl Strategy<Value = Command> {
    use Motion::{Down, First, HalfDown, Last, Left, PageDown, PageUp, Right, Up};
    let moves = proptest::sample::select(vec![
        Up, Down, First, Last, PageUp, PageDown, HalfDown, Left, Right,
    ]);
    let named: Vec<Command> = keys()
        .offers()
        .into_iter()
        .map(|offer| offer.command)
        .collect();
    let places: Vec<Command> = vigie::app::palette::fixed()
        .into_iter()
        .map(|offer| offer.command)
        .chain([Screen::Rollout(backend()), Screen::Signals(backend())].map(Command::Open))
        .collect();
    prop_oneof![
        3 => moves.prop_map(Command::Move),
        4 => proptest::sample::select(named),
        2 => proptest::sample::select(places),
        2 => Just(Command::Enter),
        1 => Just(Command::Escape),
        1 => Just(Command::Palette),
        1 => any::<char>().prop_map(Command::Type),
        1 => ".{0,12}".prop_map(Command::Paste),
        1 => Just(Command::Erase),
        1 => (0u8..10).prop_map(Command::Range),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn no_order_of_commands_at_any_size_breaks_a_screen(
        commands in proptest::collection::vec((command(), 40u16..=300, 12u16..=80, any::<bool>()), 1..40),
        image_missing in any::<bool>(),
    ) {
        let scenario = if image_missing { Scenario::ImageMissing } else { Scenario::BadRelease };
        let mut app = after(scenario, BAD);
        let theme = Theme::plain();
        for (command, width, height, look) in commands {
            send(&mut app, [command]);
            if look {
                harmless(&drawn(&mut app, &theme, (width, height)));
            }
        }
        drawn(&mut app, &theme, (40, 12));
    }
}

#[test]
fn a_console_that_has_heard_nothing_draws_every_screen() {
    let mut app = silent(Timestamp::UNIX_EPOCH);
    let screens = vigie::app::palette::places();
    for (_, screen) in screens {
        send(&mut app, [Command::Open(screen)]);
        for size in SIZES {
            harmless(&drawn(&mut app, &Theme::plain(), size));
        }
    }
    for screen in [Screen::Rollout(backend()), Screen::Signals(backend())] {
        send(&mut app, [Command::Open(screen)]);
        let shown = rows(&drawn(&mut app, &Theme::plain(), (80, 24)));
        assert!(
            has(&shown, "Reading the cluster.") || has(&shown, "Prometheus has not answered yet."),
            "{shown:#?}"
        );
    }
}
