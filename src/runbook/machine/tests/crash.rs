//! Interrupted anywhere and taken up again; any order of events.

use proptest::prelude::*;

use super::*;

#[test]
fn resume_without_the_confirmation_probes_reports_and_stops() {
    let mut world = World {
        faults: vec![Fault::DropAfter],
        ..World::new()
    };
    crash_after(&mut world, |fact| matches!(fact, Fact::Unknown { .. }));
    let run = world.resume(None);
    assert_eq!(
        (state_of(&run), world.count("step.probe"), world.writes),
        ((RunState::NeedsHuman, Some(Reason::Confirm)), 1, 1)
    );
    assert!(
        matches!(world.asks.last().map(|ask| &ask.kind), Some(AskKind::Resume { typed: Some(text) }) if text == "prod")
    );
    let said = world.asks.last().map(|ask| ask.message.clone());
    let said = said.unwrap_or_default();
    assert!(
        said.starts_with("found: ") && said.contains(" has the change of step "),
        "{said}"
    );
    assert!(
        said.contains("(looked at now") && said.contains("; next: "),
        "{said}"
    );
    let run = world.resume(Some("prod"));
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
}

/// Runs until a fact is on disk, then forgets everything but the disk and the world.
fn crash_after(world: &mut World, stop: impl Fn(&Fact) -> bool) {
    let (mut run, mut queue) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
    for _ in 0..5000 {
        if world.disk.iter().any(|entry| stop(&entry.fact)) {
            return;
        }
        (run, queue) = world.drive(run, queue, 1);
    }
    panic!("the fact never came");
}

#[test]
fn a_crash_at_every_record_and_every_boundary_leaves_exactly_one_write_after_resume() {
    let mut points = 0;
    for steps in 0..600 {
        let mut world = World::new();
        let (run, effects) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
        let (run, _) = world.drive(run, effects, steps);
        let ended = run.ledger().end.is_some();
        drop(run);
        if world.disk.is_empty() {
            continue;
        }
        points += 1;
        let run = world.resume(Some("prod"));
        assert_eq!(
            (run.ledger().state, world.writes, world.template.clone()),
            (RunState::Succeeded, 1, template("v1.0.0")),
            "killed after {steps} effects: {:?}",
            run.ledger().human
        );
        if ended {
            break;
        }
    }
    assert!(points > 40, "only {points} points");
}

#[test]
fn ctrl_c_once_stops_after_the_step_and_interruption_never_rolls_back() {
    let mut world = World {
        rollout: Rollout::Moving("0 of 3".into()),
        ..World::new()
    };
    crash_after(&mut world, |fact| matches!(fact, Fact::Outcome(_)));
    let run = world.resume(Some("prod"));
    assert_eq!(
        run.ledger().human.as_ref().map(|human| human.reason),
        Some(Reason::Timeout)
    );
    let (run, effects) = step(run, world.now, Event::Interrupted("SIGHUP".into()));
    let (run, _) = world.drive(run, effects, 50);
    assert_eq!(
        (
            world.count("run.interrupted"),
            world.count("run.rolling-back"),
            run.ledger().end.is_none()
        ),
        (1, 0, true)
    );

    let mut world = World::new();
    let (run, effects) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
    let (run, queue) = world.drive(run, effects, 5);
    let (run, more) = step(run, world.now, Event::StopRequested);
    let (run, _) = world.drive(run, queue.into_iter().chain(more).collect(), 5000);
    assert_eq!(
        (state_of(&run), world.sent),
        ((RunState::NeedsHuman, Some(Reason::Input)), 0)
    );
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        Just(Fault::DropBefore),
        Just(Fault::DropAfter),
        Just(Fault::Conflict),
        Just(Fault::ConflictHostile),
        Just(Fault::Denied),
        Just(Fault::Recreated)
    ]
}

/// An event out of order.
fn stray(kind: u8, run: &Run) -> Event {
    let effect = crate::runbook::ids::EffectKey::new(&run.start().run, "go-back", false, 0);
    match kind % 14 {
        0 => Event::Recorded,
        1 => Event::Tick,
        2 => Event::Performed {
            effect,
            attempt: 1,
            http: 200,
            resource_version: "1".into(),
            generation: 1,
        },
        3 => Event::Refused {
            effect,
            attempt: 1,
            status: Status::Conflict,
            http: 409,
            message: String::new(),
        },
        4 => Event::Unknown {
            effect,
            attempt: 1,
            why: String::new(),
        },
        5 => Event::Decided {
            by: "x".into(),
            decision: Decision::Yes(Some("prod".into())),
        },
        6 => Event::Decided {
            by: "x".into(),
            decision: Decision::Way(Way::RollBack),
        },
        7 => Event::StopRequested,
        8 => Event::RollBack {
            by: "x".into(),
            reason: String::new(),
        },
        9 => Event::Interrupted("x".into()),
        10 => Event::Resume {
            by: "x".into(),
            hand_over: None,
            confirm: Some("prod".into()),
        },
        11 => Event::Answered(u64::from(kind), Box::new(Answer::Gone)),
        12 => Event::Measured(u64::from(kind), Vec::new()),
        _ => Event::Decided {
            by: "x".into(),
            decision: Decision::Way(Way::Again),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Strays in any order, faults in any order, crashes at any point: `World::perform` asserts the recorded intent,
    /// `World::drive` that the ledger is the replay; here: the world is before, after or undone, never else.
    #[test]
    fn no_order_of_events_acts_without_an_intent_or_twice(faults in proptest::collection::vec(fault(), 0..4), strays in proptest::collection::vec((0_usize..40, any::<u8>()), 0..12), crashes in proptest::collection::vec(1_usize..80, 0..3)) {
        let hostile = faults.contains(&Fault::ConflictHostile) || faults.contains(&Fault::Recreated);
        let mut world = World { faults, ..World::new() };
        let (mut run, mut queue) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
        for (after, kind) in strays {
            (run, queue) = world.drive(run, queue, after);
            // `Recorded` is the engine's promise about the disk: a false one is not an order of events.
            if kind % 14 != 0 || run.live.recording.is_none() {
                let event = stray(kind, &run);
                let (next, more) = step(run, world.now, event);
                run = next;
                queue.extend(more);
            }
        }
        (run, _) = world.drive(run, queue, 400);
        for after in crashes {
            drop(run);
            world.now += SignedDuration::from_secs(60);
            let resumed = replay(book(), &world.disk).unwrap();
            let (next, effects) = step(resumed, world.now, Event::Resume { by: "x".into(), hand_over: None, confirm: Some("prod".into()) });
            run = world.drive(next, effects, after).0;
        }
        prop_assert!(world.writes <= 2, "one change and its undo at most, there were {}", world.writes);
        let known = [template("v1.1.0"), template("v1.0.0")];
        prop_assert!(hostile || known.contains(&world.template), "{}", world.template);
    }
}
