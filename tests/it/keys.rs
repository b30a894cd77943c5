//! Keys in, state out: what chords do on each screen, as the one table of keys has it.

use crate::screens::night::{after, backend, press};
use vigie::app::App;
use vigie::app::effect::Effect;
use vigie::app::layer::Layer;
use vigie::app::list;
use vigie::app::message::Message;
use vigie::app::screen::Screen;
use vigie::app::wants::SplitBy;
use vigie::sim::scenario::Scenario;

fn bad_release() -> App {
    after(Scenario::BadRelease, 150)
}

/// Where chords lead, from the overview of a bad release.
fn leads(chords: &str) -> Screen {
    let mut app = bad_release();
    press(&mut app, chords);
    app.here().screen.clone()
}

#[test]
fn chords_lead_where_the_table_says() {
    let table = [
        ("enter", Screen::Rollout(backend())),
        ("R", Screen::Rollout(backend())),
        ("m", Screen::Signals(backend())),
        ("tab enter", Screen::Signals(backend())),
        ("tab tab enter", Screen::Rollout(backend())),
        ("T", Screen::Timeline),
        ("T esc esc", Screen::Overview),
        ("enter m [", Screen::Rollout(backend())),
        ("enter m [ ]", Screen::Signals(backend())),
        ("enter T -", Screen::Rollout(backend())),
        ("enter q", Screen::Overview),
        (": p o d s enter", Screen::Pods),
        (": p o d s enter shift-j", Screen::Rollout(first_owner())),
        (": n s enter", Screen::Namespaces),
        (": i n g enter", Screen::Kind("ingresses".into())),
        (": a l e r t s enter enter", Screen::Rollout(backend())),
    ];
    for (chords, screen) in table {
        assert_eq!(leads(chords), screen, "{chords}");
    }
}

/// The workload of the first pod in the list.
fn first_owner() -> vigie::domain::object::ObjectRef {
    let app = bad_release();
    let (pod, _) = app.cluster.pods_in_order().next().unwrap();
    app.cluster.workload_of(pod).unwrap().object()
}

#[test]
fn every_pane_keeps_its_cursor_and_enter_means_the_focused_one() {
    let mut app = bad_release();
    press(&mut app, "j");
    let second = list::selected(&app).unwrap();
    press(&mut app, "tab tab j j");
    assert_ne!(list::selected(&app).unwrap(), second);
    press(&mut app, "tab tab");
    assert_eq!(list::selected(&app).unwrap(), second, "back where it stood");
    press(&mut app, "tab tab tab enter");
    assert!(matches!(&app.here().screen, Screen::Logs(pod) if &*pod.kind == "Pod"));
}

#[test]
fn charts_take_their_keys_only_where_they_have_the_focus() {
    let mut app = bad_release();
    press(&mut app, "h");
    assert!(app.here().place.at.is_some());
    press(&mut app, "esc m v b 4 h h l");
    assert_eq!((app.split, app.baseline), (SplitBy::Version, true));
    assert_eq!(app.span_s(), 3600);
    let at = app.here().place.at.unwrap();
    press(&mut app, "l");
    assert_eq!(app.here().place.at, None, "{at}");
    press(&mut app, "0");
    assert_eq!(app.range_s, None);
}

#[test]
fn the_palette_goes_does_and_says_what_it_does_not_know() {
    let mut app = bad_release();
    press(&mut app, ": n s space p a y enter");
    let (notice, _) = app.notice.clone().unwrap();
    assert_eq!(notice.text, "Going to pay …");
    press(&mut app, ": f a u l t s enter");
    assert!(app.here().place.faults_only, "commands by their words");
    press(&mut app, ": t i m e l n i x enter");
    let (notice, _) = app.notice.clone().unwrap();
    assert!(
        notice.text.contains("did you mean `timeline`?"),
        "{}",
        notice.text
    );
    press(&mut app, ": x y z z y q q enter");
    let asked = Screen::Kind("xyzzyqq".into());
    assert_eq!(
        app.here().screen,
        asked,
        "the server may know what we do not"
    );
    press(&mut app, ": r o l l o u t space v e z a - b a enter");
    assert_eq!(app.here().screen, Screen::Rollout(backend()));
}

#[test]
fn layers_open_over_the_screen_and_escape_takes_only_them() {
    let mut app = bad_release();
    press(&mut app, "o");
    assert_eq!(app.layers, [Layer::Links { chosen: 0 }]);
    press(&mut app, "j");
    assert_eq!(app.layers, [Layer::Links { chosen: 1 }]);
    press(&mut app, "enter");
    assert!(app.layers.is_empty() && app.notice.is_some());
    press(&mut app, "X esc");
    assert_eq!(
        (app.layers.len(), &app.here().screen),
        (0, &Screen::Overview)
    );
    press(&mut app, "space");
    assert_eq!(app.here().place.marked.len(), 1);
    press(&mut app, "space ctrl-z");
    assert!(app.here().place.marked.is_empty() && app.here().place.faults_only);
}

#[test]
fn names_of_commands_are_what_configurations_rely_on() {
    let names: Vec<&str> = vigie::keymap::table::table()
        .iter()
        .map(|entry| entry.id)
        .collect();
    for name in [
        "open",
        "rollout",
        "signals",
        "logs",
        "previous-logs",
        "describe",
        "yaml",
        "owner",
        "mark",
        "earlier",
        "later",
        "split",
        "baseline",
        "range-5m",
        "range-trouble",
        "links",
        "explain",
        "next-pane",
        "copy",
        "filter",
        "palette",
        "timeline",
        "faults-only",
        "older",
        "newer",
        "last-view",
        "back",
        "escape",
        "refresh",
        "help",
        "interrupt",
        "copy-query",
        "compact",
        "wide",
        "save",
        "full",
    ] {
        assert!(
            names.contains(&name),
            "{name} went away: rebindings of it would break"
        );
    }
}

/// Types chords and gives what the last of them asks for outside.
fn asked_by(app: &mut App, chords: &str) -> Vec<Effect> {
    let (before, last) = chords.rsplit_once(' ').unwrap_or(("", chords));
    press(app, before);
    let sequence: vigie::keymap::chord::Sequence = last.parse().unwrap();
    let vigie::keymap::Meaning::Command(command) =
        crate::screens::night::keys().meaning(app, sequence.chords())
    else {
        panic!("{last} means nothing");
    };
    let now = app.now;
    let effects = app.update(Message::Command(command), now);
    app.refresh();
    effects
}

#[test]
fn marked_rows_are_copied_by_name_and_no_others() {
    for key in ["c", "y"] {
        let mut app = bad_release();
        press(&mut app, ": p o d s enter");
        let names: Vec<String> = list::items(&app)
            .iter()
            .map(|item| item.object.name.to_string())
            .collect();
        let effects = asked_by(&mut app, &format!("space j j space {key}"));
        let wanted = format!("{}\n{}", names[0], names[2]);
        assert_eq!(effects, [Effect::Copy(wanted)], "{key}");
        assert_eq!(app.here().screen, Screen::Pods, "{key} stays here");
    }
}

#[test]
fn the_promql_of_a_chart_is_copied_where_charts_have_the_focus() {
    let mut app = bad_release();
    let effects = asked_by(&mut app, "m y");
    let [Effect::Copy(text)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert!(
        text.contains("rate(http_requests_total{") && text.contains("status=~\"5..\""),
        "{text}"
    );
    let effects = asked_by(&mut app, "tab y");
    let [Effect::Copy(text)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert!(text.contains("# p99\nhistogram_quantile(0.99, "), "{text}");
    press(&mut app, "esc");
    press(&mut app, "y");
    assert_eq!(app.here().screen, Screen::Yaml(backend()), "not on a row");
}

#[test]
fn a_screen_is_saved_and_a_text_as_a_whole() {
    let mut app = bad_release();
    let effects = asked_by(&mut app, "ctrl-s");
    let wanted = Effect::Save {
        name: "overview".into(),
        text: None,
    };
    assert_eq!(effects, [wanted]);
    let effects = asked_by(&mut app, "l ctrl-s");
    assert!(
        matches!(&effects[..], [Effect::Save { name, text: Some(_) }] if name == "logs-veza-backend"),
        "{effects:?}"
    );
}

#[test]
fn the_help_is_about_the_screen_below_it() {
    let mut app = bad_release();
    press(&mut app, "?");
    let hints = crate::screens::night::keys().hints(&app);
    let words: Vec<&str> = hints.iter().map(|hint| hint.words).collect();
    assert!(words.contains(&"rollout") && words.contains(&"last week"));
    assert!(!words.contains(&"next match"), "nothing is searched here");
    let open = hints.iter().filter(|hint| hint.keys == "enter").count();
    assert_eq!(open, 1, "no key stands there twice");
    press(&mut app, "esc X o");
    assert_eq!(
        app.layers,
        [Layer::Links { chosen: 0 }],
        "as the dialog says"
    );
}

#[test]
fn a_log_may_have_the_screen_for_its_lines_alone() {
    let mut app = bad_release();
    press(&mut app, "l f");
    assert!(app.reading.logs.full);
    press(&mut app, "f");
    assert!(!app.reading.logs.full);
}
