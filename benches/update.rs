//! What one pod's change costs a console that watches 10 000 pods: taking it in and judging, and drawing a screen of 120x40.
//! `cargo bench --bench update`; `benches/README.md` says what else is measured, and how.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot go on says so by panicking"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::hint::black_box;
use vigie::app::kind::Kind;
use vigie::app::message::{ClusterFact, Fact, Message, WatchNews};
use vigie::app::screen::Screen;
use vigie::app::stock::Roll;
use vigie::app::{App, Settings};
use vigie::domain::pod::Pod;
use vigie::domain::sample;
use vigie::domain::target::{Environment, Scope, Target};
use vigie::keymap::Keymap;
use vigie::ui::theme::{Depth, Theme};
use vigie::ui::{self, View};

/// Pods of one workload.
const OF_ONE: usize = 20;

fn now() -> Timestamp {
    Timestamp::from_second(1_772_593_927).unwrap()
}

fn name(number: usize) -> String {
    format!("service-{number:05}")
}

/// A pod; with every change it serves, or no longer does.
fn pod(number: usize, restarts: u32) -> Pod {
    Pod {
        restarts,
        serves: restarts.is_multiple_of(2),
        ..sample::pod(&name(number / OF_ONE), number % OF_ONE, now())
    }
}

fn learn(app: &mut App, fact: ClusterFact) {
    app.update(Message::Fact(Fact::Cluster(fact)), now());
}

fn console(pods: usize, screen: Screen) -> App {
    let target = Target {
        context: "crowd".into(),
        server: "https://127.0.0.1".into(),
        cluster_uid: None,
        scope: Scope::Namespace(sample::NAMESPACE.into()),
        environment: Environment {
            name: "production".into(),
            guarded: true,
        },
        user: None,
    };
    let mut app = App::new(target, Settings::default(), screen, now());
    for kind in [Kind::Pods, Kind::StatefulSets] {
        learn(&mut app, ClusterFact::Watch(kind, WatchNews::Heard));
    }
    let workload = |number| sample::workload(&name(number), OF_ONE as u32, now());
    let rows = (0..pods / OF_ONE).map(workload).collect();
    learn(
        &mut app,
        ClusterFact::Workloads(Kind::StatefulSets, Roll::Rows(rows)),
    );
    learn(
        &mut app,
        ClusterFact::Workloads(Kind::StatefulSets, Roll::Listed),
    );
    let rows = (0..pods).map(|number| pod(number, 0)).collect();
    learn(&mut app, ClusterFact::Pods(Roll::Rows(rows)));
    learn(&mut app, ClusterFact::Pods(Roll::Listed));
    app.refresh();
    app
}

fn change(app: &mut App, count: u32) {
    let changed = pod(count as usize * 7919 % app.cluster.pods.len(), count);
    learn(app, ClusterFact::Pods(Roll::Rows(vec![changed])));
    black_box(app.refresh());
    black_box(app.wants());
}

fn update(bench: &mut Criterion) {
    for pods in [1_000, 10_000] {
        let mut app = console(pods, Screen::Overview);
        let mut count = 0;
        bench.bench_function(&format!("one pod of {pods}: update and refresh"), |b| {
            b.iter(|| {
                count += 1;
                change(&mut app, count);
            });
        });
    }
    for (name, screen) in [("overview", Screen::Overview), ("pods", Screen::Pods)] {
        let mut app = console(10_000, screen);
        let theme = Theme::from_sheet(&Theme::sheet("mono", &[]).unwrap(), Depth::None);
        let keys = Keymap::new(&BTreeMap::new()).unwrap();
        let area = Rect::new(0, 0, 120, 40);
        let mut buf = Buffer::empty(area);
        let mut count = 0;
        bench.bench_function(
            &format!("one pod of 10000: update, refresh and draw {name}"),
            |b| {
                b.iter(|| {
                    count += 1;
                    change(&mut app, count);
                    let view = View {
                        app: &app,
                        theme: &theme,
                        keys: &keys,
                    };
                    ui::draw(&view, area, &mut buf);
                });
            },
        );
    }
}

criterion_group!(benches, update);
criterion_main!(benches);
