//! Before a run and beside it: the form it is started from, the shelf, a run that somebody else carries by now.

use super::{World, console, contains, holding, obey, picture, showing, typed};
use vigie::app::command::{Command, Motion};
use vigie::app::effect::Effect;
use vigie::app::layer::Layer;
use vigie::app::message::{Fact, Message};
use vigie::app::runs::news::RunNews;
use vigie::app::runs::order::RunOrder;
use vigie::app::screen::Screen;
use vigie::runbook::machine::Way;

/// What was ordered to be opened: the parameters.
fn opened(effects: &[Effect]) -> Option<Vec<(String, String)>> {
    effects.iter().find_map(|effect| match effect {
        Effect::Run(RunOrder::Open(opening)) => {
            let params = opening.params.iter();
            let text = |value: &serde_json::Value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            };
            Some(
                params
                    .map(|(name, value)| (name.clone(), text(value)))
                    .collect(),
            )
        }
        _ => None,
    })
}

#[test]
fn a_runbook_with_a_choice_is_started_from_a_form_and_what_does_not_fit_stays_there() {
    let world = World::new();
    let mut app = console(Screen::Runbook("jwt-rotate".into()), &world);
    contains(
        &picture(&app, 120, 40),
        &["with       namespace veza-production · strategy overlap · leaked false"],
    );
    assert!(
        opened(&obey(&mut app, Command::Enter)).is_none(),
        "it is asked first"
    );
    contains(
        &picture(&app, 80, 24),
        &[
            "Start jwt-rotate",
            "namespace     veza-production",
            "ctrl-s starts it",
        ],
    );
    obey(&mut app, Command::Enter);
    typed(&mut app, "c");
    contains(
        &picture(&app, 80, 24),
        &["strategy      cutover", "every session ends now"],
    );
    obey(&mut app, Command::Enter);
    typed(&mut app, "t");
    // The gate's time: too long, then one that fits.
    for _ in 0..5 {
        obey(&mut app, Command::NextPane);
    }
    obey(&mut app, Command::EraseAll);
    typed(&mut app, "3h");
    assert!(opened(&obey(&mut app, Command::Save)).is_none());
    contains(&picture(&app, 80, 24), &["at most 20m", "hold: 3h"]);
    obey(&mut app, Command::EraseAll);
    typed(&mut app, "2m");
    let given = opened(&obey(&mut app, Command::Save)).expect("it is started");
    let of = |name: &str| {
        given
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    };
    assert_eq!(of("strategy"), Some("cutover"));
    assert_eq!(of("leaked"), Some("true"));
    assert_eq!(of("hold"), Some("2m"));
    assert_eq!(of("namespace"), Some("veza-production"));
    assert_eq!(of("vault_path"), None, "what stays empty is not given");
}

#[test]
fn a_form_that_is_left_starts_nothing_and_one_without_a_choice_opens_on_its_key() {
    let world = World::new();
    let mut app = console(Screen::Runbook("jwt-rotate".into()), &world);
    obey(&mut app, Command::Enter);
    assert!(obey(&mut app, Command::Escape).is_empty());
    assert!(app.layers.is_empty());
    contains(&picture(&app, 80, 24), &["Left: nothing was started."]);

    let mut app = console(Screen::Runbook("restart".into()), &world);
    obey(&mut app, Command::FillIn);
    assert!(matches!(app.layers.last(), Some(Layer::Sheet(_))));
    contains(&picture(&app, 80, 24), &["Start restart", "workload"]);
}

#[test]
fn on_a_small_screen_the_field_that_is_filled_in_and_why_it_was_refused_are_seen() {
    let world = World::new();
    let mut app = console(Screen::Runbook("jwt-rotate".into()), &world);
    obey(&mut app, Command::Enter);
    for _ in 0..7 {
        obey(&mut app, Command::NextPane);
    }
    for size in [(40, 12), (60, 15)] {
        contains(&picture(&app, size.0, size.1), &["hold          5m"]);
    }
    obey(&mut app, Command::EraseAll);
    typed(&mut app, "3h");
    assert!(opened(&obey(&mut app, Command::Save)).is_none());
    for size in [(40, 12), (60, 15)] {
        contains(&picture(&app, size.0, size.1), &["at most 20m", "hold: 3h"]);
    }
}

#[test]
fn the_form_does_not_ask_for_what_is_only_known_on_the_way() {
    let world = World::new();
    let mut app = console(Screen::Runbook("incident".into()), &world);
    obey(&mut app, Command::FillIn);
    contains(
        &picture(&app, 120, 40),
        &[
            "message     – (may stay empty)",
            "replicas    – (may stay empty)",
            "cause       – (may stay empty)",
        ],
    );
    assert!(
        opened(&obey(&mut app, Command::Save)).is_some(),
        "{:#?}",
        picture(&app, 120, 40)
    );
}

#[test]
fn a_line_that_begins_a_run_says_what_it_does_or_what_is_wrong_with_it() {
    let world = World::new();
    for (line, said) in [
        ("run jwt-rotate strategy=cutover", "enter starts jwt-rotate"),
        (
            "run jwt-rotate strategy=cut",
            "`cut` is not one of overlap, cutover",
        ),
        ("run jwt-rotate colour=red", "there is no parameter colour"),
    ] {
        let mut app = console(Screen::Overview, &world);
        obey(&mut app, Command::Palette);
        typed(&mut app, line);
        contains(&picture(&app, 120, 40), &[said]);
    }
}

#[test]
fn a_run_that_somebody_else_has_the_lock_of_is_read_only_and_says_who() {
    let (world, run) = holding();
    let id = run.start().run.clone();
    let mut app = showing(run, &world);
    let why = "the lock of this run was taken over: bob@laptop-7 runs rollback since 03:13Z, step 4 of 6 (go-back); nothing more is sent from here";
    let fact = Fact::Run(RunNews::Lost(id, why.into()));
    app.update(Message::Fact(fact), app.now);
    app.refresh();
    for size in [(80, 24), (120, 40), (200, 60)] {
        let shown = picture(&app, size.0, size.1);
        contains(
            &shown,
            &[
                "READ-ONLY: this run is not carried here any",
                "bob@laptop-7",
            ],
        );
        assert!(!shown.contains("undo back to"), "{shown}");
        assert!(!shown.contains(". hold"), "{shown}");
    }
    let before = app.runs.present.clone();
    for command in [
        Command::Undo,
        Command::Hold,
        Command::Note,
        Command::Enter,
        Command::Decide(vigie::runbook::machine::Decision::Way(Way::RollBack)),
        Command::RollBackRun {
            reason: "worse".into(),
        },
        Command::StopRun,
        Command::Move(Motion::Down),
    ] {
        let effects = obey(&mut app, command.clone());
        assert!(
            !effects
                .iter()
                .any(|effect| matches!(effect, Effect::Run(RunOrder::Perform(..)))),
            "{command:?}: {effects:?}"
        );
        assert!(app.layers.is_empty(), "{command:?} asks nothing");
    }
    assert_eq!(app.runs.present, before, "it is only looked at");
    assert!(app.runs.active().is_none(), "leaving it is no loss");
    // A second passes: nothing of it moves.
    app.update(Message::Tick, app.now);
    assert_eq!(app.runs.present, before);
}

#[test]
fn what_was_chosen_for_one_run_is_not_chosen_for_the_next_of_the_same_length() {
    let mut world = World::new();
    let start = vigie::runbook::machine::Start {
        answers: Default::default(),
        ..super::settled()
    };
    let run = world.begin(start, |_| false);
    let mut app = showing(run.clone(), &world);
    app.layers.clear();
    obey(&mut app, Command::Move(Motion::Down));
    obey(&mut app, Command::Move(Motion::Down));
    let chosen = |app: &vigie::app::App| app.desk.chosen(app.runs.present.as_ref().unwrap());
    assert!(chosen(&app).is_some(), "{}", picture(&app, 80, 24));
    let fact = Fact::Run(RunNews::Reopened {
        run: Box::new(run),
        entries: world.disk.clone(),
        by: "oncall".into(),
        hand_over: None,
    });
    app.update(Message::Fact(fact), app.now);
    assert!(
        app.desk
            .chosen(app.runs.present.as_ref().unwrap())
            .is_none()
    );
}
