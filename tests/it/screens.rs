//! The screens over what the App knows, drawn at the sizes people have: what must be on them is there, what a cluster says
//! cannot drive the terminal, and no order of commands at any size breaks them. [`night`] has the facts.

pub mod night;

use jiff::Timestamp;
use night::{after, backend, drawn, keys, rows, send, silent};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use vigie::app::App;
use vigie::app::cluster::Cluster;
use vigie::app::command::{Command, Motion};
use vigie::app::kind::Kind;
use vigie::app::logs::{LogLine, LogNews, LogStream};
use vigie::app::message::{ClusterFact, Fact, Message};
use vigie::app::places::{ContextPlace, NamespacePlace, PlacesNews};
use vigie::app::reading::ReadingNews;
use vigie::app::screen::Screen;
use vigie::app::stock::Roll;
use vigie::app::table::{TableColumn, TableNews, TableRow};
use vigie::app::text::TextNews;
use vigie::domain::object::ObjectRef;
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
        assert!(height < 40 || has(rows, "(K rollback suggested)"));
        assert!(
            has(rows, "ScalingReplicaSet"),
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

/// Tells an App the pods and workloads of another again, under hostile names.
fn renamed(name: &str) -> App {
    let told = after(Scenario::ImageMissing, BAD);
    let mut app = silent(told.now);
    let Cluster {
        pods,
        workloads,
        revisions,
        events,
        ..
    } = &told.cluster;
    let mut facts = vec![ClusterFact::Pods(Roll::Rows(
        pods.iter()
            .cloned()
            .map(|mut pod| {
                (pod.name, pod.status, pod.node) = (name.into(), name.into(), Some(name.into()));
                pod
            })
            .collect(),
    ))];
    for (kind, stock) in workloads {
        let rows = stock.iter().cloned().map(|mut workload| {
            (workload.name, workload.version) = (name.into(), Some(name.into()));
            workload.change_cause = Some(name.into());
            workload
        });
        facts.push(ClusterFact::Workloads(*kind, Roll::Rows(rows.collect())));
    }
    let revisions = revisions.iter().cloned().map(|mut revision| {
        (revision.version, revision.commit) = (Some(name.into()), Some(name.into()));
        revision.change_cause = Some(name.into());
        revision
    });
    facts.push(ClusterFact::Revisions(Roll::Rows(revisions.collect())));
    let events = events.iter().cloned().map(|mut event| {
        (event.reason, event.message) = (name.into(), name.into());
        event.object = ObjectRef::new(name, name, name);
        event
    });
    facts.push(ClusterFact::Events(Roll::Rows(events.collect())));
    facts.push(ClusterFact::Pods(Roll::Listed));
    facts.push(ClusterFact::Watch(
        Kind::Pods,
        vigie::app::message::WatchNews::Heard,
    ));
    let now = app.now;
    for fact in facts {
        app.update(Message::Fact(Fact::Cluster(fact)), now);
    }
    let alerts = told.alerts.iter().cloned().map(|mut alert| {
        alert.name = name.into();
        alert.labels.insert(name.into(), name.into());
        alert.annotations.insert("summary".into(), name.into());
        alert
            .annotations
            .insert("runbook_url".into(), format!("https://x/{name}").into());
        alert
    });
    let alerts: Vec<_> = alerts.collect();
    app.update(Message::Fact(Fact::Alerts(alerts)), now);
    app.refresh();
    app
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
fn hostile_names_reach_no_cell_raw() {
    let long = "x".repeat(1024 * 1024);
    let names = [
        "\u{1b}[2J\u{1b}[31mred",
        "\u{1b}]52;c;aGk=\u{7}",
        "a\u{202e}gpj.exe\u{2066}",
        "\u{9b}31m\u{0}\r\n\ttab",
        &long,
    ];
    for name in names {
        let mut app = renamed(name);
        let service = app.services.in_order().next().unwrap().object.clone();
        let screens = [
            Screen::Overview,
            Screen::Pods,
            Screen::Workloads,
            Screen::Alerts,
            Screen::Timeline,
            Screen::Rollout(service.clone()),
            Screen::Signals(service),
        ];
        for screen in screens {
            send(&mut app, [Command::Open(screen)]);
            for layer in [
                None,
                Some(Command::Links),
                Some(Command::Explain),
                Some(Command::Palette),
            ] {
                send(&mut app, layer);
                harmless(&drawn(&mut app, &themes()[0], (120, 40)));
                if !app.layers.is_empty() {
                    send(&mut app, [Command::Escape]);
                }
            }
        }
    }
}

/// Tells an App what is read one thing at a time, in hostile words.
fn read_aloud(app: &mut App, name: &str) {
    let now = app.now;
    let tell = |app: &mut App, news: ReadingNews| {
        app.update(Message::Fact(Fact::Reading(news)), now);
        app.refresh();
    };
    match app.here().screen.clone() {
        Screen::Logs(_) => {
            for pod in ["one", name] {
                let stream = LogStream {
                    round: app.reading.logs.round,
                    pod: pod.into(),
                    container: name.into(),
                };
                let line = |text: String| LogLine {
                    at: Some(now),
                    text,
                    cut: false,
                };
                let lines = vec![
                    line(name.into()),
                    line(format!(
                        "{{\"level\":\"error\",\"msg\":{name:?},\"k\":{name:?}}}"
                    )),
                ];
                tell(
                    app,
                    ReadingNews::Logs(stream.clone(), LogNews::Lines(lines)),
                );
                tell(
                    app,
                    ReadingNews::Logs(stream, LogNews::Troubled(name.into())),
                );
            }
        }
        Screen::Describe(_) => {
            let want = app.reading.text.want.clone().unwrap();
            let object = serde_json::json!({"kind": name, "metadata": {"name": name, "annotations": {name: name}}});
            let news = TextNews::Described(Box::new(object), Err(name.into()));
            tell(app, ReadingNews::Text(want, news));
        }
        Screen::Yaml(_) => {
            let want = app.reading.text.want.clone().unwrap();
            tell(
                app,
                ReadingNews::Text(want, TextNews::Yaml(format!("a: {name}\n"))),
            );
        }
        Screen::Kind(asked) => {
            let column = TableColumn {
                name: name.into(),
                wide: false,
            };
            let row = TableRow {
                uid: "u".into(),
                namespace: name.into(),
                name: name.into(),
                created: None,
                cells: vec![name.into()],
            };
            for news in [
                TableNews::Columns(vec![column]),
                TableNews::Rows(Roll::Rows(vec![row])),
                TableNews::Trouble(name.into()),
            ] {
                tell(app, ReadingNews::Table(asked.clone(), news));
            }
        }
        Screen::Contexts => {
            let place = ContextPlace {
                name: name.into(),
                server: name.into(),
                namespace: Some(name.into()),
                plugin: Some(name.into()),
            };
            tell(
                app,
                ReadingNews::Places(PlacesNews::Contexts(Ok(vec![place]))),
            );
        }
        Screen::Namespaces => {
            let place = NamespacePlace {
                name: name.into(),
                environment: Some(name.into()),
                going: false,
            };
            tell(
                app,
                ReadingNews::Places(PlacesNews::Namespaces(Ok(vec![place]))),
            );
        }
        _ => {}
    }
}

#[test]
fn hostile_words_that_are_read_reach_no_cell_raw() {
    let long = "w\u{200b}\u{301}世界".repeat(20_000);
    let names = [
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
        "a\u{202e}gpj.exe\u{2066}\u{200f}",
        "zero\u{200b}width\u{feff}\u{ad}joined\u{200d}",
        "tab\tand\r\nline\u{0}\u{85}",
        &long,
    ];
    let object = backend();
    let screens = [
        Screen::Logs(object.clone()),
        Screen::Describe(object.clone()),
        Screen::Yaml(object),
        Screen::Kind("widgets".into()),
        Screen::Contexts,
        Screen::Namespaces,
    ];
    let mut app = after(Scenario::BadRelease, BAD);
    for name in names {
        for screen in &screens {
            send(&mut app, [Command::Open(screen.clone())]);
            read_aloud(&mut app, name);
            for toggle in [
                None,
                Some(Command::Wrap),
                Some(Command::Full),
                Some(Command::Wide),
            ] {
                send(&mut app, toggle);
                for size in [(40, 12), (80, 24), (120, 40)] {
                    harmless(&drawn(&mut app, &themes()[0], size));
                }
            }
            send(&mut app, [Command::Full]);
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
