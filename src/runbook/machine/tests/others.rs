//! Somebody else's run taken over, a last good revision that runs already, and a change nothing could rehearse.

use super::*;

/// What another person's process does, with a reason given beforehand or not.
fn taken_over(world: &mut World, reason: Option<&str>) -> Run {
    let run = replay(world.book.clone(), &world.disk).unwrap();
    let answers = Answers {
        reason: reason.map(str::to_owned),
        ..Answers::default()
    };
    let (run, mut effects) = step(run, world.now, Event::Prepared(answers));
    let hand_over = (carrier(run.start(), &world.disk) != "ben")
        .then(|| "ben takes over from oncall".to_owned());
    let (run, more) = step(
        run,
        world.now,
        Event::Resume {
            by: "ben".into(),
            hand_over,
            confirm: Some("prod".into()),
        },
    );
    effects.extend(more);
    world.drive(run, effects, 5000).0
}

/// A run that stopped before its change, for want of a confirmation.
fn waiting() -> World {
    let mut world = World::new();
    let run = world.run(Start {
        answers: Answers {
            reason: Some("INC-1".into()),
            ..Answers::default()
        },
        ..start()
    });
    assert_eq!(state_of(&run).1, Some(Reason::Confirm));
    world
}

#[test]
fn whoever_takes_a_run_over_says_why_before_anything_is_sent() {
    let mut world = waiting();
    let run = taken_over(&mut world, None);
    let ask = run.ask().cloned().unwrap();
    assert!(
        matches!(ask.kind, AskKind::Reason(_)) && ask.message.contains("ben takes over from"),
        "{ask:?}"
    );
    assert_eq!((ask.reason, world.sent), (Reason::Input, 0));
    let run = world.decide(run, "ben", Decision::Value("oncall sleeps".into()));
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
    assert_eq!(carrier(run.start(), &world.disk), "ben");
    assert_eq!(
        run.ledger().reason.as_deref(),
        Some("INC-1"),
        "it keeps its own"
    );
    let confirmed = world.disk.iter().any(|entry| {
        matches!(&entry.fact, Fact::Decision { step: Some(step), by, .. } if step == "go" && by == "ben by --confirm")
    });
    assert!(confirmed, "{:#?}", world.disk);
}

#[test]
fn a_reason_given_beforehand_is_written_down_and_asked_for_once() {
    let mut world = waiting();
    world.rollout = Rollout::Moving("1 of 3".into());
    let run = taken_over(&mut world, Some("INC-9"));
    assert_eq!(state_of(&run).1, Some(Reason::Timeout), "it went on");
    let resumed = world.disk.iter().find_map(|entry| match &entry.fact {
        Fact::Resumed { reason, .. } => reason.clone(),
        _ => None,
    });
    assert_eq!(resumed.as_deref(), Some("INC-9"));
    world.rollout = Rollout::Complete("3 of 3".into());
    let run = taken_over(&mut world, None);
    assert_eq!(run.ledger().state, RunState::Succeeded, "it is ben's now");
}

#[test]
fn a_second_rollback_after_a_recovery_never_downgrades() {
    let mut world = World::new();
    assert_eq!(world.run(start()).ledger().state, RunState::Succeeded);
    let recovered = world.template.clone();
    world.disk.clear();
    let run = world.run(start());
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.refused
            && end
                .message
                .contains("revision 42 is the last good one and runs already"),
        "{end:?}"
    );
    assert_eq!((world.sent, &world.template), (1, &recovered));
    world.disk.clear();
    let run = world.run(Start {
        attended: true,
        ..start()
    });
    let ask = run.ask().cloned().unwrap();
    assert!(
        matches!(ask.kind, AskKind::Revision { .. }) && ask.message.contains("runs already"),
        "a person may still choose another: {ask:?}"
    );
    assert_eq!(world.sent, 1);
}

#[test]
fn a_change_that_cannot_be_rehearsed_is_an_amber_line_and_wants_a_reason() {
    let why = "admission webhook \"audit.example.com\" does not support dry run";
    let no_reason = || Start {
        answers: Answers {
            confirm: vec!["prod".into()],
            ..Answers::default()
        },
        ..start()
    };
    let world = || World {
        unrehearsed: Some(why),
        ..World::new()
    };
    let line = |run: &Run| {
        let (_, lines) = run.ledger().preflight.clone().unwrap();
        let found = lines.into_iter().find(|line| line.fact.contains(why));
        found.map(|line| line.level)
    };
    let amber = Some(crate::runbook::preflight::Level::Amber);
    let mut blind = world();
    let run = blind.run(no_reason());
    assert_eq!(line(&run), amber);
    let asked = run.ask().cloned().unwrap();
    assert!(
        matches!(asked.kind, AskKind::Reason(_)) && asked.message.contains(why),
        "{asked:?}"
    );
    assert_eq!(blind.sent, 0);
    drop(run);
    let run = blind.resume(Some("prod"));
    assert_eq!(line(&run), amber, "it is not forgotten on the way");
    assert_eq!((state_of(&run).1, blind.sent), (Some(Reason::Input), 0));
    let run = blind.decide(run, "oncall", Decision::Value("read by two".into()));
    assert_eq!((run.ledger().state, blind.writes), (RunState::Succeeded, 1));

    let mut ahead = world();
    let run = ahead.run(Start {
        dry_run: true,
        ..no_reason()
    });
    let end = run.ledger().end.clone().unwrap();
    assert!(
        end.state == RunState::Succeeded && end.message.contains(why),
        "{end:?}"
    );
    assert_eq!((line(&run), ahead.sent), (amber, 0));
}
