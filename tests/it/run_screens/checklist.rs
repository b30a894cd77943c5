//! A checklist on its screen: what holds, what is false, a cursor over what is open, and evidence that is typed.

use super::*;

fn book() -> Arc<Runbook> {
    let shipped = vigie::runbook::SHIPPED.iter();
    let mut shipped = shipped.filter(|one| one.id == "deploy-checklist");
    let shipped = shipped.next().unwrap();
    Arc::new(format::parse(shipped.file, shipped.text).unwrap())
}

/// The deployment checklist where it first waits for a person.
pub fn open() -> (World, Run) {
    let mut world = World::new();
    let set = [
        ("namespace", "veza-production"),
        ("workload", "Deployment/veza-backend"),
    ];
    let start = world::start(&book(), &set, false);
    let run = world.begin_with(book(), start, |_| false);
    assert!(
        matches!(run.ask().unwrap().kind, AskKind::Checklist(_)),
        "{:?}",
        run.ask()
    );
    (world, run)
}

fn decided(effects: &[Effect]) -> Vec<String> {
    let orders = effects.iter().filter_map(|effect| match effect {
        Effect::Run(RunOrder::Perform(_, effects)) => Some(effects),
        _ => None,
    });
    let all = orders.flatten().filter_map(|effect| match effect {
        vigie::runbook::machine::Effect::Record(entries) => Some(entries),
        _ => None,
    });
    let facts = all
        .flatten()
        .map(|entry| serde_json::to_string(&entry.fact).unwrap());
    facts.collect()
}

/// Moves the cursor to the open item of that text.
fn choose(app: &mut App, text: &str) {
    let run = app.runs.present.as_ref().unwrap();
    let choices = vigie::app::ask::choices(run);
    let at = choices.iter().position(|choice| choice.label == text);
    for _ in 0..=at.unwrap_or_else(|| panic!("{text}: {choices:?}")) {
        obey(app, Command::Move(Motion::Down));
    }
}

#[test]
fn items_stand_with_what_was_seen_and_the_cursor_stays_in_view() {
    let (world, run) = open();
    let mut app = showing(run, &world);
    let shown = picture(&app, 120, 40);
    contains(
        &shown,
        &[
            "of 20 items are open",
            "All tests pass for this very commit",
            "(T43)",
            "nothing is chosen",
        ],
    );
    for size in [(80, 24), (120, 40)] {
        for item in [
            "All tests pass for this very commit: unit, integration, end to end",
            "Pods run without root, escalation, capabilities and a writable root",
        ] {
            let mut app = showing(open().1, &world);
            choose(&mut app, item);
            let shown = picture(&app, size.0, size.1);
            contains(&shown, &[&item[..20], "takes "]);
        }
    }
    choose(
        &mut app,
        "Pods run without root, escalation, capabilities and a writable root",
    );
    contains(
        &picture(&app, 120, 40),
        &[
            "FALSE: hardened was looked at",
            "takes a name and what was seen, or why it does not apply; tab in the dialog",
        ],
    );
}

#[test]
fn evidence_is_typed_and_tab_changes_its_kind() {
    let (world, run) = open();
    let mut app = showing(run, &world);
    choose(&mut app, "End-to-end tests pass on staging");
    obey(&mut app, Command::Enter);
    contains(
        &picture(&app, 120, 40),
        &[
            "End-to-end tests pass on staging",
            "address of the proof:",
            "tab: a name and what was seen",
        ],
    );
    obey(&mut app, Command::NextPane);
    contains(
        &picture(&app, 120, 40),
        &["your name: what you saw", "tab: an address"],
    );
    typed(&mut app, "Ada: 12 of 12");
    let facts = decided(&obey(&mut app, Command::Enter));
    assert!(
        facts.len() == 1
            && facts[0].contains("\"evidence\":\"attest\"")
            && facts[0].contains("\"name\":\"Ada\""),
        "{facts:?}"
    );
}

#[test]
fn what_is_false_takes_a_reason_and_stays_red_when_the_run_is_over() {
    let (world, run) = open();
    let mut app = showing(run.clone(), &world);
    choose(
        &mut app,
        "Pods run without root, escalation, capabilities and a writable root",
    );
    obey(&mut app, Command::Enter);
    typed(&mut app, "Ada");
    assert_eq!(
        decided(&obey(&mut app, Command::Enter)),
        Vec::<String>::new(),
        "a name alone goes past nothing"
    );
    contains(&picture(&app, 120, 40), &["was not seen to be true"]);
    let (mut world, mut run) = open();
    let give = |item: &str| match item {
        "hardened" => "attest:Ada: mended this week, ticket 44".to_owned(),
        "tests" | "scan" => "link:https://ci.example/7".to_owned(),
        _ => "attest:Ada: seen by hand today".to_owned(),
    };
    while let Some(ask) = run.ask().cloned() {
        let decision = match &ask.kind {
            AskKind::Checklist(items) => {
                let item = items.iter().find(|item| item.is_open()).unwrap();
                Decision::Item(item.id.clone(), give(&item.id))
            }
            AskKind::Confirm { .. } => Decision::Yes(None),
            other => panic!("{other:?}"),
        };
        let by = "ada".into();
        run = world.tell(run, Event::Decided { by, decision }, |_| false);
    }
    assert_eq!(
        run.ledger().state,
        RunState::Succeeded,
        "{:?}",
        run.ledger().end
    );
    let app = showing(run, &world);
    let shown = picture(&app, 120, 200);
    contains(
        &shown,
        &[
            "OVERRIDDEN: before.dashboards, before.hardened",
            "OVERRIDDEN by Ada at",
            "mended this week, ticket 44",
        ],
    );
}

#[test]
fn looking_again_is_a_way_and_sends_nothing() {
    let (world, run) = open();
    let mut app = showing(run, &world);
    choose(&mut app, "look again");
    let facts = decided(&obey(&mut app, Command::Enter));
    assert!(
        facts.len() == 1 && facts[0].contains("look again"),
        "{facts:?}"
    );
}
