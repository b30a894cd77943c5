//! What a cluster says cannot drive the terminal: hostile names, lines and texts on every screen, at every size.

use super::night::{after, backend, drawn, send, silent};
use super::{BAD, harmless, themes};
use vigie::app::App;
use vigie::app::cluster::Cluster;
use vigie::app::command::Command;
use vigie::app::kind::Kind;
use vigie::app::logs::{LogLine, LogNews, LogStream};
use vigie::app::message::{ClusterFact, Fact, Message};
use vigie::app::places::{ContextPlace, NamespacePlace, PlacesNews};
use vigie::app::reading::ReadingNews;
use vigie::app::screen::Screen;
use vigie::app::stock::Roll;
use vigie::app::table::TableNews;
use vigie::app::text::TextNews;
use vigie::domain::object::ObjectRef;
use vigie::domain::table::{TableColumn, TableRow};
use vigie::sim::scenario::Scenario;

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
