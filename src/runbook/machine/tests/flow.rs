//! A rollback from its beginning to each of its ends, and the answers of a person.

use super::*;

#[test]
fn a_rollback_goes_to_the_last_good_revision_with_one_write() {
    let mut world = World::new();
    let run = world.run(start());
    assert_eq!(
        state_of(&run),
        (RunState::Succeeded, None),
        "{:?}",
        run.ledger().end
    );
    assert_eq!(
        (world.writes, world.template.clone()),
        (1, template("v1.0.0"))
    );
    let (audit_id, body) = &world.bodies[0];
    assert!(audit_id.ends_with("-1") && audit_id.len() <= 64);
    assert_eq!(
        body["metadata"],
        json!({"uid": "u1", "resourceVersion": "100"})
    );
    assert_eq!(run.title(3), "Go back to revision 42");
    assert_eq!(world.count("gate.verdict"), 1);
}

#[test]
fn faults_of_the_write_as_a_table() {
    let many = |fault, times| std::iter::repeat_n(fault, times).collect::<Vec<_>>();
    let table = [
        (
            "commit then reset",
            vec![Fault::DropAfter],
            RunState::Succeeded,
            None,
            1,
            1,
        ),
        (
            "drop before commit",
            vec![Fault::DropBefore],
            RunState::Succeeded,
            None,
            1,
            2,
        ),
        (
            "benign conflict",
            vec![Fault::Conflict],
            RunState::Succeeded,
            None,
            1,
            2,
        ),
        (
            "five benign conflicts",
            many(Fault::Conflict, 5),
            RunState::Succeeded,
            None,
            1,
            6,
        ),
        (
            "six benign conflicts",
            many(Fault::Conflict, 6),
            RunState::NeedsHuman,
            Some(Reason::Conflict),
            0,
            6,
        ),
        (
            "hostile conflict",
            vec![Fault::ConflictHostile],
            RunState::NeedsHuman,
            Some(Reason::Conflict),
            0,
            1,
        ),
        (
            "denied",
            vec![Fault::Denied],
            RunState::NeedsHuman,
            Some(Reason::Denied),
            0,
            1,
        ),
        (
            "deleted and made again",
            vec![Fault::Recreated],
            RunState::NeedsHuman,
            Some(Reason::Conflict),
            0,
            1,
        ),
    ];
    for (name, faults, state, reason, writes, sent) in table {
        let mut world = World {
            faults,
            ..World::new()
        };
        let run = world.run(start());
        assert_eq!(
            (state_of(&run), world.writes, world.sent),
            ((state, reason), writes, sent),
            "{name}: {:?}",
            run.ledger().end
        );
    }
}

#[test]
fn gates_and_waits_end_in_the_documented_state() {
    type Row = (
        &'static str,
        fn() -> Vec<Reading>,
        Rollout,
        Reason,
        &'static str,
    );
    let table: [Row; 4] = [
        (
            "bad",
            bad,
            Rollout::Complete(String::new()),
            Reason::Gate,
            "fail",
        ),
        (
            "silent",
            silent,
            Rollout::Complete(String::new()),
            Reason::Gate,
            "inconclusive",
        ),
        (
            "stuck",
            good,
            Rollout::Stuck("ProgressDeadlineExceeded".into()),
            Reason::Timeout,
            "ProgressDeadline",
        ),
        (
            "never ready",
            good,
            Rollout::Moving("1 of 3".into()),
            Reason::Timeout,
            "1 of 3",
        ),
    ];
    for (name, reading, rollout, reason, words) in table {
        let mut world = World {
            reading,
            rollout,
            ..World::new()
        };
        let run = world.run(start());
        let human = run
            .ledger()
            .human
            .clone()
            .unwrap_or_else(|| panic!("{name}: {:?}", run.ledger().end));
        assert!(
            human.reason == reason && human.message.contains(words),
            "{name}: {human:?}"
        );
        assert!(human.ways.contains(&Way::RollBack), "{name}");
    }
}

#[test]
fn a_person_may_go_back_and_the_world_is_as_before() {
    let mut world = World {
        reading: bad,
        ..World::new()
    };
    let run = world.run(start());
    let (run, effects) = step(
        run,
        world.now,
        Event::Decided {
            by: "oncall".into(),
            decision: Decision::Way(Way::RollBack),
        },
    );
    let (run, _) = world.drive(run, effects, 1000);
    assert_eq!(
        (run.ledger().state, world.template.clone(), world.writes),
        (RunState::RolledBack, template("v1.1.0"), 2)
    );
}

#[test]
fn an_undo_never_overwrites_somebody_else_and_prints_the_command() {
    let mut world = World {
        reading: bad,
        ..World::new()
    };
    let run = world.run(start());
    world.template = template("v7.7.7");
    world.version += 1;
    let (run, effects) = step(
        run,
        world.now,
        Event::RollBack {
            by: "oncall".into(),
            reason: "worse".into(),
        },
    );
    let (run, _) = world.drive(run, effects, 1000);
    let end = run.ledger().end.clone().unwrap();
    assert_eq!(
        (end.state, world.template.clone()),
        (RunState::RollbackIncomplete, template("v7.7.7"))
    );
    assert!(
        end.leftovers[0].contains("kubectl -n prod rollout undo deployment/api"),
        "{:?}",
        end.leftovers
    );
}

#[test]
fn offline_before_and_after_the_request_never_guesses() {
    let mut world = World {
        offline: true,
        ..World::new()
    };
    let run = world.run(start());
    assert_eq!(
        (state_of(&run), world.sent),
        ((RunState::NeedsHuman, Some(Reason::Offline)), 0)
    );
    world.offline = false;
    let run = world.resume(Some("prod"));
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
}

#[test]
fn an_attended_run_asks_and_takes_the_answers() {
    let mut world = World::new();
    let mut run = world.run(Start {
        attended: true,
        answers: Answers::default(),
        ..start()
    });
    let mut kinds = Vec::new();
    for _ in 0..20 {
        let Some(ask) = run.ask().cloned() else { break };
        let decision = match &ask.kind {
            AskKind::Revision { suggested, .. } => {
                assert!(matches!(
                    suggested,
                    crate::runbook::revision::Choice::Take { number: 42, .. }
                ));
                kinds.push("revision");
                Decision::Value("41".into())
            }
            AskKind::Confirm { typed, plans, .. } if kinds.last() == Some(&"wrong") => {
                assert!(
                    plans[0].lines.contains(&"image v1.1.0 → v0.9.0".to_owned()),
                    "{plans:?}"
                );
                kinds.push("confirm");
                Decision::Yes(typed.clone())
            }
            AskKind::Confirm { .. } => {
                kinds.push("wrong");
                Decision::Yes(Some("pord".into()))
            }
            other => panic!("{other:?}"),
        };
        let (next, effects) = step(
            run,
            world.now,
            Event::Decided {
                by: "alice".into(),
                decision,
            },
        );
        run = world.drive(next, effects, 5000).0;
    }
    assert_eq!(
        (kinds, run.ledger().state, world.template.clone()),
        (
            vec!["revision", "wrong", "confirm"],
            RunState::Succeeded,
            template("v0.9.0")
        )
    );
}
