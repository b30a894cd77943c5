//! The log store: order, bounds, what was lost, filters.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + second).unwrap()
}

fn said(second: i64, text: &str) -> LogLine {
    LogLine {
        at: Some(at(second)),
        text: text.into(),
        cut: false,
    }
}

fn open() -> LogStore {
    let mut store = LogStore::default();
    store.open(Some(ObjectRef::new("Deployment", "n", "web")), false, None);
    store
}

fn stream(store: &LogStore, pod: &str) -> LogStream {
    LogStream {
        round: store.round,
        pod: pod.into(),
        container: "app".into(),
    }
}

fn learn(store: &mut LogStore, pod: &str, news: LogNews) {
    let stream = stream(store, pod);
    store.learn(&stream, news, at(1000));
}

fn texts(store: &LogStore) -> Vec<String> {
    let text = |entry: &&Entry| entry.line.text.to_string();
    store.shown().iter().map(text).collect()
}

#[test]
fn lines_of_several_pods_stand_in_the_order_of_time() {
    let mut store = open();
    learn(
        &mut store,
        "web-a",
        LogNews::Lines(vec![said(1, "a1"), said(5, "a5")]),
    );
    let late = vec![said(2, "b2"), said(3, "b3"), said(9, "b9")];
    learn(&mut store, "web-b", LogNews::Lines(late));
    assert_eq!(texts(&store), ["a1", "b2", "b3", "a5", "b9"]);
    assert_eq!(store.names(), ["a", "b"]);
}

#[test]
fn the_oldest_lines_go_and_are_counted() {
    let mut store = open();
    for round in 0..30 {
        let lines = (0..1000).map(|n| said(round * 1000 + n, "x")).collect();
        learn(&mut store, "web-a", LogNews::Lines(lines));
    }
    assert_eq!((store.len(), store.dropped), (LINES, 10_000));
    let long = "y".repeat(line::LONGEST);
    let lines = (0..2000).map(|n| said(40_000 + n, &long)).collect();
    learn(&mut store, "web-a", LogNews::Lines(lines));
    assert!(store.bytes <= BYTES);
    assert_eq!(
        store.bytes,
        store
            .entries
            .iter()
            .map(|e| e.line.text.len())
            .sum::<usize>()
    );
}

#[test]
fn what_was_lost_is_said_in_its_place() {
    let mut store = open();
    learn(&mut store, "web-a", LogNews::Lines(vec![said(1, "before")]));
    learn(&mut store, "web-a", LogNews::Lost(214));
    learn(&mut store, "web-a", LogNews::Lines(vec![said(9, "after")]));
    assert_eq!(
        texts(&store),
        ["before", "lost 214 lines: they came too fast", "after"]
    );
    assert_eq!(store.lost, 214);
    store.narrow("before");
    assert_eq!(texts(&store).len(), 2, "a loss is never filtered out");
}

#[test]
fn a_trouble_is_said_once_and_again_only_after_it_was_over() {
    let mut store = open();
    let trouble = || LogNews::Troubled("server error 500".into());
    learn(&mut store, "web-a", trouble());
    learn(&mut store, "web-a", trouble());
    assert_eq!(store.len(), 1);
    learn(&mut store, "web-a", LogNews::Open);
    learn(&mut store, "web-a", trouble());
    assert_eq!(store.len(), 2);
}

#[test]
fn a_stream_begun_again_gives_no_line_twice() {
    let mut store = open();
    learn(
        &mut store,
        "web-a",
        LogNews::Lines(vec![said(1, "one"), said(2, "two")]),
    );
    learn(&mut store, "web-a", LogNews::Begun);
    learn(
        &mut store,
        "web-a",
        LogNews::Lines(vec![said(2, "two"), said(3, "three")]),
    );
    assert_eq!(texts(&store), ["one", "two", "three"]);
}

#[test]
fn answers_to_an_older_question_are_left_out() {
    let mut store = open();
    let old = stream(&store, "web-a");
    store.open(store.object.clone(), true, None);
    store.learn(&old, LogNews::Lines(vec![said(1, "old")]), at(2));
    assert!(store.is_empty() && store.voices.is_empty());
}

#[test]
fn the_place_on_the_screen_holds_while_older_and_newer_lines_come() {
    let mut store = open();
    learn(
        &mut store,
        "web-a",
        LogNews::Lines(vec![said(2, "two"), said(4, "four")]),
    );
    store.bottom = Some(store.shown()[0].seq);
    learn(
        &mut store,
        "web-b",
        LogNews::Lines(vec![said(1, "one"), said(9, "nine")]),
    );
    let shown = store.shown();
    let bottom = store.bottom_in(&shown).unwrap();
    assert_eq!(&*shown[bottom].line.text, "two");
    store.narrow("nine");
    assert_eq!(store.bottom_in(&store.shown()), Some(0));
}

#[test]
fn lines_without_a_time_stay_behind_the_line_they_follow() {
    let mut store = open();
    let bare = LogLine {
        at: None,
        text: "  at main.rs".into(),
        cut: false,
    };
    learn(
        &mut store,
        "web-a",
        LogNews::Lines(vec![said(1, "panic"), bare]),
    );
    learn(&mut store, "web-b", LogNews::Lines(vec![said(2, "other")]));
    assert_eq!(texts(&store), ["panic", "  at main.rs", "other"]);
}
