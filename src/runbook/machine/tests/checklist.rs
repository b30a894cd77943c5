//! Checklists: what is seen, what is given, what cannot be ticked away.

use super::*;
use crate::runbook::machine::fact::Answers;
use crate::runbook::machine::item::{Look, Seen, read_evidence};
use crate::runbook::model::Evidence;

const BOOK: &str = r#"+++
schema  = 1
id      = "list"
version = "1.0.0"
title   = "List"
[params.namespace]
type = "namespace"
[params.config]
type = "string"
+++

## List

```toml step
id   = "pre"
kind = "checklist"
[[items]]
id = "tests"
text = "Tests pass"
evidence = ["link"]
[[items]]
id = "quiet"
text = "Quiet"
evidence = ["auto"]
[items.check]
ask = "no-critical-alert"
ns = "{{params.namespace}}"
[[items]]
id = "way"
text = "Not applicable or seen"
evidence = ["auto", "n/a"]
[items.check]
ask = "all-healthy"
ns = "{{params.namespace}}"
[[items]]
id = "left"
text = "Left out"
evidence = ["attest"]
when = { param = "config", is = "set" }
[[items]]
id = "known"
text = "A value of the run"
evidence = ["auto"]
[items.check]
that = "params.namespace"
is = "prod"
```

## Record

```toml step
id = "record"
kind = "audit"
event = "list.done"
[with]
sum = "{{steps.pre.summary}}"
gone = "{{steps.pre.overridden}}"
```
"#;

fn run(attended: bool, answers: Answers) -> (Run, Vec<Effect>) {
    let book = Arc::new(crate::runbook::format::parse("t", BOOK).unwrap());
    let start = Start {
        run: RunId::new(Timestamp::UNIX_EPOCH, [7; 10]),
        runbook: "list".into(),
        version: "1.0.0".into(),
        model: book.model_digest(),
        params: BTreeMap::from([("namespace".to_owned(), json!("prod"))]),
        target: RunTarget::default(),
        actor: "oncall".into(),
        typed: false,
        attended,
        dry_run: false,
        reads_only: false,
        answers,
    };
    begin(
        Run::new(book, start, Timestamp::UNIX_EPOCH).unwrap(),
        Timestamp::UNIX_EPOCH,
    )
}

/// Records what is to be recorded and answers looks, until the run waits; gives what it last asked.
fn carry(
    mut run: Run,
    mut effects: Vec<Effect>,
    seen: &dyn Fn(&Look) -> Seen,
    log: &mut Vec<Entry>,
) -> (Run, Option<Ask>, Vec<Effect>) {
    let (mut asked, mut rest) = (None, Vec::new());
    while !effects.is_empty() {
        let mut next = Vec::new();
        for effect in effects {
            let event = match effect {
                Effect::Record(entries) => {
                    log.extend(entries);
                    Event::Recorded
                }
                Effect::Read(id, question) => {
                    let Question::Checklist { looks } = *question else {
                        panic!("{question:?}")
                    };
                    Event::Answered(
                        id,
                        Box::new(Answer::Checklist(looks.iter().map(seen).collect())),
                    )
                }
                Effect::Ask(ask) => {
                    asked = Some(*ask);
                    continue;
                }
                other => {
                    rest.push(other);
                    continue;
                }
            };
            let (moved, more) = step(run, Timestamp::UNIX_EPOCH, event);
            run = moved;
            next.extend(more);
        }
        effects = next;
    }
    (run, asked, rest)
}

fn saw(holds: Option<bool>) -> impl Fn(&Look) -> Seen {
    move |look| Seen {
        item: look.item.clone(),
        holds,
        said: "as seen".into(),
    }
}

fn give(run: Run, item: &str, text: &str, log: &mut Vec<Entry>) -> (Run, Option<Ask>, Vec<Effect>) {
    let decision = Decision::Item(item.into(), text.into());
    let (run, effects) = step(
        run,
        Timestamp::UNIX_EPOCH,
        Event::Decided {
            by: "ada".into(),
            decision,
        },
    );
    carry(run, effects, &saw(Some(true)), log)
}

#[test]
fn what_holds_is_settled_and_only_the_rest_is_asked() {
    let mut log = Vec::new();
    let (run, effects) = run(true, Answers::default());
    let (run, ask, _) = carry(run, effects, &saw(Some(true)), &mut log);
    let ask = ask.unwrap();
    assert_eq!(ask.message, "1 item is open: tests (link)");
    let (run, ask, _) = give(run, "tests", "attest:Ada: they pass", &mut log);
    assert!(
        ask.unwrap().message.contains("takes link"),
        "a mere word is no pipeline"
    );
    let (run, ask, _) = give(run, "tests", "link:https://u:p@ci/1", &mut log);
    assert!(ask.unwrap().message.contains("password"));
    let (run, ask, rest) = give(run, "tests", "link:https://ci.example/run/1", &mut log);
    assert_eq!(ask, None);
    assert_eq!(run.ledger().state, RunState::Succeeded);
    let audit = rest.iter().find_map(|effect| match effect {
        Effect::Audit { fields, .. } => Some(fields.clone()),
        _ => None,
    });
    let audit = audit.unwrap();
    assert_eq!(
        (audit["sum"].as_str(), audit["gone"].as_str()),
        ("5 items: 1 by link, 1 left out, 3 seen", "none")
    );
    let again = replay(Arc::new(run.runbook().clone()), &log).unwrap();
    assert_eq!(again.ledger(), run.ledger(), "the record is the run");
}

#[test]
fn what_was_seen_to_be_false_takes_a_name_and_a_reason_and_stays_red() {
    let mut log = Vec::new();
    let (run, effects) = run(true, Answers::default());
    let (run, _, _) = carry(run, effects, &saw(Some(false)), &mut log);
    for (text, why) in [
        ("attest:Ada", "wants a reason"),
        ("link:https://x.example/y", "takes attest"),
        ("na:does not matter at all", "takes attest"),
        ("attest::nobody says so at all", "who they are"),
    ] {
        let (after, ask, _) = give(run.clone(), "quiet", text, &mut Vec::new());
        assert!(ask.unwrap().message.contains(why), "{text}");
        assert_eq!(after.overridden(), Vec::<String>::new());
    }
    let (run, _, _) = give(
        run,
        "quiet",
        "attest:Ada: it is the drill's own alert",
        &mut log,
    );
    let (run, _, _) = give(run, "way", "na:there is but one service here", &mut log);
    let (run, ask, _) = give(run, "tests", "link:https://ci.example/1", &mut log);
    assert_eq!(ask, None);
    let end = run.ledger().end.clone().unwrap();
    assert_eq!(
        end.message,
        "every step is done; OVERRIDDEN: pre.quiet, pre.way"
    );
    assert!(log.iter().any(|entry| matches!(&entry.fact, Fact::Ticked(tick) if tick.overridden && tick.name.as_deref() == Some("Ada"))));
}

#[test]
fn what_could_not_be_seen_is_never_green_and_may_be_looked_at_again() {
    let mut log = Vec::new();
    let (run, effects) = run(true, Answers::default());
    let (run, ask, _) = carry(run, effects, &saw(None), &mut log);
    assert!(
        ask.unwrap()
            .message
            .starts_with("3 items are open: tests (link); quiet is not known")
    );
    let decided = Event::Decided {
        by: "ada".into(),
        decision: Decision::Again,
    };
    let (run, effects) = step(run, Timestamp::UNIX_EPOCH, decided);
    let (_, ask, _) = carry(run, effects, &saw(Some(true)), &mut log);
    assert_eq!(ask.unwrap().message, "1 item is open: tests (link)");
}

#[test]
fn headless_answers_settle_items_and_what_is_left_stops_the_run() {
    let mut answers = Answers::default();
    answers.step.insert(
        "pre.quiet".into(),
        "attest:Ada: the alert is about the drill".into(),
    );
    let (run1, effects) = run(false, answers.clone());
    let (run1, ask, rest) = carry(run1, effects, &saw(Some(false)), &mut Vec::new());
    assert!(rest.contains(&Effect::Done(RunState::NeedsHuman)));
    let open = ask.unwrap().message;
    assert_eq!(
        open,
        "2 items are open: tests (link); way is false: as seen (attest, n/a)"
    );
    assert_eq!(run1.overridden(), ["pre.quiet"]);
    answers
        .step
        .insert("pre.tests".into(), "link:ftp://x".into());
    let (run2, effects) = run(false, answers);
    let (_, ask, _) = carry(run2, effects, &saw(Some(true)), &mut Vec::new());
    assert!(
        ask.unwrap()
            .message
            .starts_with("--answer pre.tests: `ftp://x` is no address")
    );
}

#[test]
fn evidence_is_read_as_it_is_typed() {
    let read = |text: &str| {
        read_evidence(text).map(|(kind, name, text)| (kind, name.unwrap_or_default(), text))
    };
    assert_eq!(
        read("attest:Ada Lovelace: all: green"),
        Ok((Evidence::Attest, "Ada Lovelace".into(), "all: green".into()))
    );
    assert_eq!(
        read("na: none here"),
        Ok((Evidence::Na, String::new(), "none here".into()))
    );
    for wrong in [
        "",
        "attest",
        "attest:",
        "na:",
        "link:",
        "link:http://",
        "link:https://a b",
        "tick:x",
        "attest:A\u{1b}[2J",
    ] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
    assert!(read(&format!("na:{}", "x".repeat(501))).is_err());
}
