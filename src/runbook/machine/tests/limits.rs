//! The time a runbook allows: whole runs and single steps that are out of it stop for a person.

use super::*;
use crate::runbook::machine::run::Purpose;

/// The shipped rollback with something else in its text.
fn bent(from: &str, to: &str) -> Arc<Runbook> {
    let text = SHIPPED[0].text;
    assert!(text.contains(from), "{from}");
    Arc::new(format::parse("rollback", &text.replace(from, to)).unwrap())
}

fn human(run: &Run) -> Human {
    let human = run.ledger().human.clone();
    human.unwrap_or_else(|| panic!("{:?}", run.ledger().end))
}

#[test]
fn a_run_out_of_time_stops_for_a_person_and_waiting_for_one_costs_it_nothing() {
    let mut world = World {
        reading: silent,
        ..World::new()
    };
    let run = world.run(start());
    assert_eq!(human(&run).reason, Reason::Gate, "its gate gives up first");
    world.now += SignedDuration::from_hours(8);
    let again = Decision::Way(Way::Again);
    let run = world.decide(run, "oncall", again.clone());
    let over = human(&run);
    assert!(
        over.is_over_time() && over.message.starts_with("the 1h of work"),
        "{over:?}"
    );
    assert!(over.ways.contains(&Way::RollBack));
    assert_eq!(world.done.last(), Some(&RunState::NeedsHuman));
    let recorded = world.disk.len();
    let mut run = run;
    for _ in 0..100 {
        world.now += SignedDuration::from_mins(10);
        let (next, effects) = step(run, world.now, Event::Tick);
        run = world.drive(next, effects, 1).0;
    }
    assert_eq!((world.disk.len(), world.sent), (recorded, 1), "it stays");
    world.reading = good;
    let run = world.decide(run, "oncall", again);
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
}

#[test]
fn out_of_time_right_before_the_change_nothing_is_sent() {
    let mut world = World::new();
    let (mut run, mut queue) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
    while !matches!(run.live.pending, Some((_, Purpose::BeforeIntent(_)))) {
        (run, queue) = world.drive(run, queue, 1);
    }
    world.now += SignedDuration::from_mins(61);
    let (run, _) = world.drive(run, queue, 5000);
    assert!(human(&run).is_over_time());
    assert_eq!((world.sent, world.count("step.intent")), (0, 0));
    let run = world.decide(run, "oncall", Decision::Way(Way::Again));
    assert_eq!((run.ledger().state, world.writes), (RunState::Succeeded, 1));
}

#[test]
fn time_in_which_nobody_carried_a_run_is_not_its_own() {
    let mut world = World::new();
    let (mut run, mut queue) = begin(Run::new(book(), start(), world.now).unwrap(), world.now);
    while world.count("step.outcome") == 0 {
        (run, queue) = world.drive(run, queue, 1);
    }
    drop(run);
    world.now += SignedDuration::from_hours(30);
    let run = world.resume(Some("prod"));
    assert_eq!(run.ledger().state, RunState::Succeeded);
    assert!(run.ledger().active < SignedDuration::from_mins(10));
}

#[test]
fn a_step_that_judges_or_looks_has_its_own_time() {
    let target = "target = \"{{params.workload}}\"\n[on]";
    let timed =
        "target = \"{{params.workload}}\"\ntimeout = { after = \"2m\", then = \"continue\" }\n[on]";
    let mut world = World {
        book: bent(target, timed),
        reading: silent,
        ..World::new()
    };
    let run = world.run(start());
    let late = human(&run);
    assert_eq!(
        (late.reason, late.step.as_deref()),
        (Reason::Timeout, Some("hold")),
        "a gate without a verdict is not gone on from: {late:?}"
    );
    let took = world.now.duration_since(run.ledger().started_at);
    assert!(took < SignedDuration::from_mins(3), "{took}");
    world.reading = good;
    let book = bent("timeout      = \"60m\"", "timeout      = \"2s\"");
    let mut world = World {
        book,
        offline: true,
        ..World::new()
    };
    let run = world.run(start());
    assert!(human(&run).is_over_time(), "before it gives up as offline");
}
