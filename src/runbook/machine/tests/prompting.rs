//! Secrets that a person types, and those that are read from where they lie.

use super::fields::{HEAD, Lost, Shelf};
use super::*;

const SET: &str = "id = \"s\"\nkind = \"k8s.secret-set\"\nns = \"prod\"\nname = \"db\"\nset = { password = { secret = \"pw\" } }\nundo = \"none\"\nwhy = \"x\"";

fn text(source: &str, more: &str) -> String {
    let front = format!("[secrets.pw]\n{source}\n+++\n\n## A");
    let head = HEAD.replace("+++\n\n## A", &front);
    format!("{head}```toml step\n{SET}\n{more}\n```\n")
}

fn shelf(source: &str, more: &str) -> Shelf {
    let mut shelf = Shelf::new(
        &[],
        &[("Secret/db", json!({"data": {"password": "hmac:old"}}))],
    );
    shelf.book = Arc::new(format::parse("t", &text(source, more)).unwrap());
    shelf
}

fn begun(shelf: &mut Shelf, attended: bool) -> Run {
    let start = Start {
        attended,
        ..shelf.start()
    };
    let run = Run::new(shelf.book.clone(), start, shelf.now).unwrap();
    let (run, effects) = begin(run, shelf.now);
    shelf.drive(run, effects, 2000)
}

fn given(shelf: &mut Shelf, run: Run) -> Run {
    shelf.typed = true;
    let event = Event::Decided {
        by: "x".into(),
        decision: Decision::Given,
    };
    let (run, effects) = step(run, shelf.now, event);
    shelf.drive(run, effects, 2000)
}

#[test]
fn without_a_screen_nothing_is_begun_that_needs_something_typed() {
    let mut shelf = shelf("source = \"prompt\"", "");
    let run = begun(&mut shelf, false);
    let human = run.ledger().human.clone().unwrap();
    assert!(
        human
            .message
            .contains("the secret pw, which is typed at a terminal"),
        "{human:?}"
    );
    assert!(run.ledger().end.is_none() && shelf.writes.is_empty());
    assert_eq!(
        run.ledger().steps[0].state,
        StepState::Pending,
        "not even confirmed"
    );
}

#[test]
fn at_a_screen_it_is_asked_for_once_and_never_written_down() {
    let mut shelf = shelf("source = \"prompt\"", "");
    let run = begun(&mut shelf, true);
    assert_eq!(run.ask().unwrap().kind, AskKind::Secret("pw".into()));
    assert!(shelf.writes.is_empty());
    let run = given(&mut shelf, run);
    assert_eq!(
        run.ledger().state,
        RunState::Succeeded,
        "{:?}",
        run.ledger().human
    );
    assert_eq!(shelf.writes.len(), 1);
    let said = shelf.disk.iter().filter(|entry| matches!(&entry.fact, Fact::Decision { answer, .. } if answer == "gave the secret pw"));
    assert_eq!(said.count(), 1);
}

#[test]
fn whoever_types_it_has_not_confirmed_the_step() {
    let mut shelf = shelf("source = \"prompt\"", "type = \"sure\"");
    let run = begun(&mut shelf, true);
    let run = given(&mut shelf, run);
    let ask = run.ask().cloned().unwrap();
    assert!(
        matches!(&ask.kind, AskKind::Confirm { typed: Some(typed), .. } if typed == "sure"),
        "{ask:?}"
    );
    assert!(shelf.writes.is_empty());
}

#[test]
fn another_process_asks_for_it_again_before_it_sends() {
    let mut shelf = shelf("source = \"prompt\"", "");
    let run = begun(&mut shelf, true);
    shelf.lost = vec![Lost::Before];
    let mut limit = 0;
    let mut half = run.clone();
    // Up to the lost request: then the console dies, and what was typed with it.
    while !shelf
        .disk
        .iter()
        .any(|entry| matches!(entry.fact, Fact::Unknown { .. }))
    {
        limit += 1;
        shelf.typed = true;
        let event = Event::Decided {
            by: "x".into(),
            decision: Decision::Given,
        };
        let (next, effects) = step(run.clone(), shelf.now, event);
        let kept = shelf.disk.len();
        shelf.lost = vec![Lost::Before];
        half = shelf.drive(next, effects, limit);
        if !shelf
            .disk
            .iter()
            .any(|entry| matches!(entry.fact, Fact::Unknown { .. }))
        {
            shelf.disk.truncate(kept);
        }
    }
    drop(half);
    shelf.typed = false;
    let run = shelf.resume();
    assert_eq!(
        run.ask().map(|ask| ask.kind.clone()),
        Some(AskKind::Secret("pw".into())),
        "{:?}",
        run.ledger().human
    );
    assert!(shelf.writes.is_empty());
    let run = given(&mut shelf, run);
    assert_eq!(
        (run.ledger().state, shelf.writes.len()),
        (RunState::Succeeded, 1),
        "{:?}",
        run.ledger().human
    );
}

#[test]
fn one_that_lies_somewhere_needs_the_right_to_read_it_there() {
    for (source, right) in [
        (
            "source = \"k8s\"\nns = \"prod\"\nname = \"other\"\nkey = \"k\"",
            "get secrets/other in prod",
        ),
        (
            "source = \"vault\"\nat = \"secret/veza\"\nkey = \"k\"",
            "read secret/data/veza of Vault",
        ),
    ] {
        let mut shelf = shelf(source, "");
        let run = begun(&mut shelf, false);
        assert_eq!(
            run.ledger().state,
            RunState::Succeeded,
            "{:?}",
            run.ledger().human
        );
        assert!(
            shelf.asked.iter().any(|asked| asked == right),
            "{right}: {:?}",
            shelf.asked
        );
    }
}

#[test]
fn a_declaration_says_where_it_lies_and_nothing_else() {
    for (source, wanted) in [
        ("source = \"vault\"\nkey = \"k\"", "`at` is missing"),
        (
            "source = \"k8s\"\nns = \"n\"\nkey = \"k\"",
            "`name` is missing",
        ),
        (
            "source = \"prompt\"\nat = \"secret/x\"",
            "`at` says nothing",
        ),
        ("source = \"generate\"\nkey = \"k\"", "`key` says nothing"),
        ("source = \"prompt\"\nbytes = 64", "`bytes` says nothing"),
    ] {
        let problems = format::parse("t", &text(source, ""))
            .err()
            .unwrap_or_default();
        assert!(
            problems.iter().any(|one| one.message.contains(wanted)),
            "{source}: {problems:?}"
        );
    }
}
