//! What a rotation says of its own future, and what it leaves out: one record a call, read back as before, and journals of
//! before read as ever.

use super::rotation::World;
use super::*;
use std::collections::BTreeSet;

/// A rotation as far as its first confirmation, which waits for somebody.
fn confirming(strategy: &str, more: &[(&str, &str)]) -> Run {
    let mut world = World::new(strategy);
    world.params.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    world.asks_first();
    let (run, _) = world.run(usize::MAX);
    assert!(
        matches!(
            run.ask().map(|ask| &ask.kind),
            Some(AskKind::Confirm { .. })
        ),
        "{:?}",
        run.ask()
    );
    run
}

fn ahead(run: &Run) -> (&[Ahead], bool) {
    match run.ask().map(|ask| &ask.kind) {
        Some(AskKind::Confirm { ahead, undo, .. }) => (ahead, *undo),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_confirmation_names_only_what_this_strategy_sends_and_what_of_it_is_final() {
    let run = confirming("cutover", &[]);
    let (steps, undo) = ahead(&run);
    let sentences: Vec<String> = steps.iter().map(Ahead::sentence).collect();
    assert!(
        undo,
        "a cutover without a leak can be taken back: {sentences:#?}"
    );
    let told = sentences.join("\n");
    assert!(!told.contains("jwt_secret_previous"), "{told}");
    assert!(
        steps
            .iter()
            .all(|step| run.title(step.section) == "Sign with the new key")
    );
    assert_eq!(steps.iter().filter(|step| step.restart).count(), 3);

    let run = confirming("cutover", &[("leaked", "true")]);
    let (steps, undo) = ahead(&run);
    let last: Vec<&str> = steps
        .iter()
        .filter(|step| !step.undo)
        .map(|step| step.step.as_str())
        .collect();
    assert_eq!(
        (undo, last),
        (false, vec!["switch", "destroy"]),
        "a leaked key never comes back"
    );

    let run = confirming("overlap", &[]);
    let (steps, undo) = ahead(&run);
    let headings: BTreeSet<String> = steps.iter().map(|step| run.title(step.section)).collect();
    assert_eq!(headings.len(), 3, "{headings:?}");
    assert!(!undo && steps.iter().any(|step| step.step == "retire" && !step.undo));
}

#[test]
fn the_rest_of_a_rotation_takes_its_gates_its_restarts_and_its_wait() {
    let forecast = confirming("overlap", &[]).forecast();
    assert_eq!(forecast.holds, SignedDuration::from_secs(45));
    assert_eq!(forecast.waits, SignedDuration::from_secs(7 * 86_400 + 10));
    assert_eq!(forecast.restarts.len(), 9);
    let forecast = confirming("cutover", &[]).forecast();
    assert_eq!(forecast.holds, SignedDuration::from_secs(15));
    assert_eq!(forecast.waits, SignedDuration::ZERO);
    assert_eq!(forecast.restarts.len(), 3);
}

#[test]
fn what_others_are_told_grows_with_the_plan_and_counts_as_the_screen_does() {
    let world = World::new("cutover");
    let fresh = Run::new(world.book.clone(), world.start(), world.now).unwrap();
    let (before, run) = (fresh.outline(), confirming("cutover", &[]));
    let after = run.outline();
    let restarts = |outline: &[(String, usize)]| {
        outline
            .iter()
            .filter(|(step, _)| step.contains("restart["))
            .count()
    };
    assert_eq!((restarts(&before), restarts(&after)), (0, 3));
    let (step, number) = after
        .iter()
        .find(|(step, _)| step.contains("restart["))
        .unwrap();
    let index = run.plan().iter().position(|one| one.id == *step).unwrap();
    assert_eq!(run.place_of(index), Some((*number, 11)));
    assert!(
        after.iter().all(|(step, _)| !step.starts_with("announce")),
        "left out: {after:?}"
    );
}

#[test]
fn what_is_left_out_takes_one_record_a_call_and_reads_back_the_same() {
    let mut world = World::new("cutover");
    let (run, _) = world.run(usize::MAX);
    assert_eq!(run.ledger().state, RunState::Succeeded);
    let skipped: Vec<(String, usize)> = world
        .disk
        .iter()
        .filter_map(|entry| match &entry.fact {
            Fact::Skipped { step, more, .. } => Some((step.clone(), more.len())),
            _ => None,
        })
        .collect();
    let records = |call: &str| {
        skipped
            .iter()
            .filter(|(step, _)| step.starts_with(call))
            .count()
    };
    assert_eq!(
        (records("announced/"), records("retired/")),
        (1, 1),
        "{skipped:?}"
    );
    let all: usize = skipped.iter().map(|(_, more)| more + 1).sum();
    let left_out = |run: &Run| {
        let steps = run.ledger().steps.iter();
        steps
            .filter(|step| step.state == StepState::Skipped)
            .count()
    };
    assert_eq!(all, left_out(&run));
    let again = replay(world.book.clone(), &world.disk).unwrap();
    assert_eq!(again.ledger(), run.ledger());
    // The same told one by one, as journals of before have it.
    let mut old = Vec::new();
    for entry in &world.disk {
        if let Fact::Skipped { step, reason, more } = &entry.fact {
            for step in std::iter::once(step).chain(more) {
                let mut told = serde_json::to_value(entry).unwrap();
                told.as_object_mut().unwrap().remove("more");
                told["step"] = json!(step);
                told["reason"] = json!(reason);
                old.push(serde_json::from_value(told).unwrap());
            }
        } else {
            old.push(entry.clone());
        }
    }
    let old = replay(world.book.clone(), &old).unwrap();
    assert_eq!(left_out(&old), left_out(&run));
    assert_eq!(
        (old.ledger().state, &old.ledger().outs),
        (run.ledger().state, &run.ledger().outs)
    );
}

#[test]
fn while_it_goes_back_the_step_that_is_undone_is_known() {
    let mut world = World::new("cutover");
    // As far as the first restart, and back from there.
    let (mut run, mut queue) = (
        Run::new(world.book.clone(), world.start(), world.now).unwrap(),
        Vec::new(),
    );
    let (next, effects) = begin(run, world.now);
    run = next;
    queue.extend(effects);
    let mut seen = BTreeSet::new();
    let mut back = false;
    while let Some(effect) = (!queue.is_empty()).then(|| queue.remove(0)) {
        if let Some(event) = world.perform(effect, &mut BTreeSet::new()) {
            let (next, more) = step(run, world.now, event);
            run = next;
            queue.extend(more);
        }
        let effects = run
            .ledger()
            .steps
            .iter()
            .filter(|step| step.effective())
            .count();
        if !back && effects == 3 {
            back = true;
            let event = Event::RollBack {
                by: "oncall".into(),
                reason: "worse".into(),
            };
            let (next, more) = step(run, world.now, event);
            run = next;
            queue.extend(more);
        }
        if let Some(index) = run.undoing() {
            seen.insert(run.plan()[index].id.clone());
        }
    }
    assert_eq!(
        run.ledger().state,
        RunState::RolledBack,
        "{:?}",
        run.ledger().human
    );
    assert!(run.undoing().is_none(), "it is over");
    assert!(seen.len() >= 3 && seen.contains("switch"), "{seen:?}");
}
