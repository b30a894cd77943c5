//! Documents, tables of any kind, and places to go to, through every floor on the simulated platform.

use crate::reading::bench;
use vigie::app::command::Command;
use vigie::app::effect::Effect;
use vigie::app::list;
use vigie::app::places::Destination;
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::object::ObjectRef;
use vigie::domain::target::Scope;
use vigie::sim::access::Identity;
use vigie::sim::scenario::Scenario;

fn read(app: &App) -> bool {
    !app.reading.text.lines.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashing_pod_is_described_with_its_last_end_its_probes_and_its_events() {
    let mut bench = bench(Scenario::CrashLoop, Identity::Oncall).await;
    let pod = bench.pod("veza-backend", |pod| pod.restarts > 0);
    bench.does(Command::Open(Screen::Describe(pod)));
    bench.until("the description", read).await;
    let text = bench.document();
    for want in [
        "ended with code 1",
        "Readiness",
        "Conditions",
        "Events, newest first",
        "BackOff",
    ] {
        assert!(text.contains(want), "{want} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_without_its_values_in_words_and_as_yaml() {
    let mut bench = bench(Scenario::Healthy, Identity::Oncall).await;
    bench.types(Command::Palette, "secrets");
    bench
        .until("the table", |app| app.reading.table.rows().count() > 0)
        .await;
    let store = &bench.app.reading.table;
    let columns: Vec<&str> = store.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(columns, ["Name", "Type", "Data", "Age"]);
    bench.does(Command::Enter);
    bench.until("the description", read).await;
    let described = bench.document();
    bench.does(Command::Yaml);
    bench
        .until("the yaml", |app| {
            app.reading
                .text
                .lines
                .iter()
                .any(|line| line.text.contains("apiVersion"))
        })
        .await;
    for text in [described, bench.document()] {
        assert!(text.contains("*** (") && text.contains("bytes)"), "{text}");
    }
    let again = bench.app.reading.again;
    bench.does(Command::Refresh);
    let want = bench.app.wants().text.expect("a document");
    assert_eq!(want.again, again + 1, "ctrl-r reads again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_says_so_with_the_nearest_name() {
    let mut bench = bench(Scenario::Healthy, Identity::Oncall).await;
    bench.types(Command::Palette, "kind configmapz");
    bench
        .until("the sentence", |app| app.reading.table.trouble.is_some())
        .await;
    let why = bench.app.reading.table.trouble.clone().unwrap();
    assert_eq!(
        &*why,
        "There is no command configmapz, and the server has no kind called configmapz. Did you mean :configmaps?"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_names_the_missing_right() {
    let mut bench = bench(Scenario::Healthy, Identity::Viewer).await;
    bench.does(Command::Open(Screen::Yaml(ObjectRef::new(
        "Secret",
        vigie::sim::NAMESPACE,
        "veza-secrets",
    ))));
    bench
        .until("a refusal", |app| app.reading.text.trouble.is_some())
        .await;
    let why = bench.app.reading.text.trouble.clone().unwrap();
    assert!(why.contains("Ask for the right to get secrets"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_listed_and_enter_goes_there() {
    let mut bench = bench(Scenario::Healthy, Identity::Oncall).await;
    bench.does(Command::Open(Screen::Namespaces));
    bench
        .until("the list", |app| app.reading.places.namespaces.is_some())
        .await;
    let names = list::namespaces(&bench.app);
    assert!(
        names.len() > 2 && names.iter().any(|name| &**name == vigie::sim::NAMESPACE),
        "{names:?}"
    );
    bench.types(Command::Filter, "staging");
    let effects = bench.does(Command::Enter);
    let to = Destination {
        context: None,
        scope: Some(Scope::Namespace("veza-staging".into())),
    };
    assert_eq!(effects, [Effect::Go(to)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_namespaces_is_a_key_there_and_back_and_what_was_known_comes_along() {
    let mut bench = bench(Scenario::CrashLoop, Identity::Oncall).await;
    bench.until("a verdict", App::settled).await;
    bench.does(Command::Open(Screen::Pods));
    let to = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Go(to)] => to.scope.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(to(bench.does(Command::AllNamespaces)), Some(Scope::All));
    let mut target = bench.app.target.clone();
    target.scope = Scope::All;
    let level = bench.app.headline.level;
    let mut all = App::new(target, Settings::default(), Screen::Overview, bench.app.now);
    all.arrive_from(&mut bench.app);
    assert_eq!(
        all.here().screen,
        Screen::Pods,
        "the same screen, elsewhere"
    );
    let here = Scope::Namespace(vigie::sim::NAMESPACE.into());
    let known = all
        .reading
        .places
        .known(vigie::sim::CONTEXT, &here)
        .expect("it was looked at");
    assert_eq!(known.level, level);
    bench.app = all;
    assert_eq!(to(bench.does(Command::AllNamespaces)), Some(here));
}
