//! What keeps a run from its first effect.

use super::*;

#[test]
fn what_stops_a_run_before_the_first_effect_is_a_refusal_with_its_reason() {
    let facts = |facts: ObjectFacts| ObjectFacts {
        revision_uid: Some("r43".into()),
        ..facts
    };
    let heals = Manager {
        tool: "Argo CD".into(),
        name: "veza".into(),
        namespace: None,
        self_heals: Some(true),
        fact: None,
    };
    let table = [
        (
            "no right",
            World {
                allowed: false,
                ..World::new()
            },
            "may patch deployments.apps/api in prod",
        ),
        (
            "paused",
            World {
                facts: facts(ObjectFacts {
                    paused: true,
                    ..ObjectFacts::default()
                }),
                ..World::new()
            },
            "paused",
        ),
        (
            "foreign rollout",
            World {
                facts: ObjectFacts {
                    rolling: true,
                    revision_uid: Some("r44".into()),
                    ..ObjectFacts::default()
                },
                ..World::new()
            },
            "Another rollout",
        ),
        (
            "Argo CD heals",
            World {
                facts: facts(ObjectFacts {
                    managers: vec![heals],
                    ..ObjectFacts::default()
                }),
                ..World::new()
            },
            "T22",
        ),
    ];
    for (name, mut world, words) in table {
        let run = world.run(start());
        let end = run
            .ledger()
            .end
            .clone()
            .unwrap_or_else(|| panic!("{name}: {:?}", run.ledger()));
        assert!(
            end.refused && end.state == RunState::Aborted && end.message.contains(words),
            "{name}: {end:?}"
        );
        assert_eq!((world.sent, world.count("step.intent")), (0, 0), "{name}");
    }
    let mut own = World {
        facts: facts(ObjectFacts {
            rolling: true,
            ..ObjectFacts::default()
        }),
        ..World::new()
    };
    assert_eq!(
        own.run(start()).ledger().state,
        RunState::Succeeded,
        "a rollout of the revision being left is no obstacle"
    );
}

#[test]
fn nothing_is_sent_without_the_typed_namespace() {
    for confirm in [vec![], vec!["staging".to_owned()]] {
        let mut world = World::new();
        let run = world.run(Start {
            answers: Answers {
                confirm,
                yes: true,
                reason: Some("x".into()),
                ..Answers::default()
            },
            ..start()
        });
        assert_eq!(
            (state_of(&run), world.sent),
            ((RunState::NeedsHuman, Some(Reason::Confirm)), 0)
        );
        assert_eq!(world.done, [RunState::NeedsHuman]);
    }
}

#[test]
fn a_dry_run_rehearses_and_sends_nothing() {
    let mut world = World::new();
    let run = world.run(Start {
        dry_run: true,
        answers: Answers::default(),
        ..start()
    });
    assert_eq!((run.ledger().state, world.sent), (RunState::Succeeded, 0));
    assert!(
        run.ledger()
            .end
            .as_ref()
            .unwrap()
            .message
            .contains("dry run")
    );
}

#[test]
fn a_journal_that_cannot_be_written_stops_every_act() {
    let (run, _) = begin(
        Run::new(book(), start(), Timestamp::UNIX_EPOCH).unwrap(),
        Timestamp::UNIX_EPOCH,
    );
    let (run, effects) = step(
        run,
        Timestamp::UNIX_EPOCH,
        Event::RecordFailed("no space left".into()),
    );
    assert_eq!(
        (run.halted(), effects),
        (
            Some("no space left"),
            vec![Effect::Done(RunState::NeedsHuman)]
        )
    );
    let (_, effects) = step(run, Timestamp::UNIX_EPOCH, Event::Recorded);
    assert!(effects.is_empty(), "nothing follows: {effects:?}");
}

#[test]
fn a_no_before_the_first_effect_ends_the_run_untouched() {
    let mut world = World::new();
    let run = world.run(Start {
        attended: true,
        answers: Answers::default(),
        params: start()
            .params
            .into_iter()
            .chain([("revision".to_owned(), json!(42))])
            .collect(),
        ..start()
    });
    let (run, effects) = step(
        run,
        world.now,
        Event::Decided {
            by: "alice".into(),
            decision: Decision::No,
        },
    );
    let (run, _) = world.drive(run, effects, 50);
    assert_eq!((run.ledger().state, world.sent), (RunState::Aborted, 0));
}

#[test]
fn steps_this_version_cannot_carry_out_are_refused_at_the_start() {
    let text = SHIPPED[0].text.replace(
        "kind = \"diff\"\nof   = \"go-back\"",
        "kind = \"rbac.review\"\nns = \"{{params.namespace}}\"",
    );
    let book = Arc::new(format::parse("t", &text).unwrap());
    let start = Start {
        model: book.model_digest(),
        ..start()
    };
    assert!(matches!(
        Run::new(book, start.clone(), Timestamp::UNIX_EPOCH),
        Err(RunError::Unsupported { .. })
    ));
    assert!(matches!(
        Run::new(super::tests::book(), start, Timestamp::UNIX_EPOCH),
        Err(RunError::OtherModel(_))
    ));
}
