//! The screens of runbooks and runs, drawn from runs that were carried as far as each picture needs: at every size,
//! whole figures, the question alone, nothing chosen for anybody, and no answer that was not typed.
//! Length: the scenes and what is asked of each of them are read together.

mod beginning;
mod checklist;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use vigie::app::command::{Command, Motion};
use vigie::app::effect::Effect;
use vigie::app::layer::Layer;
use vigie::app::message::{Fact, Message};
use vigie::app::runs::news::RunNews;
use vigie::app::runs::order::RunOrder;
use vigie::app::runs::shelf::{Book, Origin, PastRun};
use vigie::app::screen::Screen;
use vigie::app::{App, Settings};
use vigie::domain::target::{Environment, Scope, Target};
use vigie::keymap::{Keymap, Meaning};
use vigie::runbook::machine::{
    AskKind, Decision, Event, Rollout, Run, RunState, RunTarget, StepState, Way,
};
use vigie::runbook::{Runbook, format};
use vigie::ui::theme::glyphs::ASCII;
use vigie::ui::theme::{Depth, Theme};
use vigie::ui::{self, View};
use world::{World, bad, rollback, scarce, settled, silent};

fn target() -> Target {
    Target {
        context: "veza-prod".into(),
        server: "https://10.2.0.1:6443".into(),
        cluster_uid: Some("5f1c2d3e".into()),
        scope: Scope::Namespace("veza-production".into()),
        environment: Environment {
            name: "production".into(),
            guarded: true,
        },
        user: Some("oncall".into()),
    }
}

fn console(screen: Screen, world: &World) -> App {
    let mut app = App::new(target(), Settings::default(), screen, world.now);
    app.runs.library = Book::shipped();
    app
}

/// The console with a run on its screen.
fn showing(run: Run, world: &World) -> App {
    let id = Arc::from(run.start().run.as_str());
    let mut app = console(Screen::Run(id), world);
    app.runs.entries.clone_from(&world.disk);
    app.runs.present = Some(Box::new(run));
    app
}

fn keys() -> Keymap {
    Keymap::new(&BTreeMap::new()).unwrap()
}

fn picture_in(app: &App, theme: &Theme, (width, height): (u16, u16)) -> String {
    let keys = keys();
    let view = View {
        app,
        theme,
        keys: &keys,
    };
    ui::picture(&view, width, height)
}

fn picture(app: &App, width: u16, height: u16) -> String {
    picture_in(app, &Theme::plain(), (width, height))
}

fn obey(app: &mut App, command: Command) -> Vec<Effect> {
    let effects = app.update(Message::Command(command), app.now);
    app.refresh();
    effects
}

fn typed(app: &mut App, text: &str) {
    for c in text.chars() {
        obey(app, Command::Type(c));
    }
}

fn contains(picture: &str, wanted: &[&str]) {
    for words in wanted {
        assert!(
            picture.contains(words),
            "`{words}` is missing in\n{picture}"
        );
    }
}

/// A gate that has held for a while.
fn holding() -> (World, Run) {
    let mut world = World::new();
    let run = world.begin(settled(), |run| {
        run.gate()
            .is_some_and(|(_, gate)| gate.progress(jiff::Timestamp::UNIX_EPOCH).evaluations == 6)
    });
    (world, run)
}

const OTHER: &str = r#"+++
schema       = 1
id           = "questions"
version      = "1.0.0"
title        = "Two questions"
owners       = ["@veza/platform"]
risk         = "low"
environments = ["production", "simulated"]

[params.ticket]
type = "string"
help = "The ticket this belongs to."
+++

# Two questions

Asks and does nothing.

## Which way?

The first question.

```toml step
id   = "way"
kind = "choose"
[[options]]
id    = "wait"
label = "Wait and see"
help  = "Nothing is sent."
[[options]]
id    = "page"
label = "Page the owner"
```

## Which ticket?

The second one.

```toml step
id    = "ticket"
kind  = "input"
param = "ticket"
```
"#;

/// A program, whose end nobody sees.
const PROGRAM: &str = "+++\nschema = 1\nid = \"questions\"\nversion = \"1\"\ntitle = \"A program\"\n+++\n\n## Deploys\n\n```toml step\nid = \"go\"\nkind = \"confirm\"\n```\n\n```toml step\nid = \"x\"\nkind = \"exec\"\nargv = [\"gh\", \"workflow\", \"run\"]\nundo = \"none\"\nwhy = \"a test\"\n```\n";

fn other() -> Arc<Runbook> {
    Arc::new(format::parse("questions", OTHER).unwrap_or_else(|problems| panic!("{problems:?}")))
}

/// Every state a run can be looked at in, by name.
fn scenes() -> Vec<(&'static str, World, Run)> {
    let mut scenes = Vec::new();
    let (world, run) = holding();
    scenes.push(("holding", world, run));
    let failing = |readings| World {
        readings,
        ..World::new()
    };
    let run_until = |mut world: World, start, until: fn(&Run) -> bool| {
        let run = world.begin(start, until);
        (world, run)
    };
    let mut add = |name, (world, run): (World, Run)| scenes.push((name, world, run));
    add(
        "choosing a revision",
        run_until(World::new(), rollback(Default::default()), |_| false),
    );
    let unknown = World {
        evidence: false,
        ..World::new()
    };
    add(
        "no evidence",
        run_until(unknown, rollback(Default::default()), |_| false),
    );
    let several = World {
        several: true,
        ..World::new()
    };
    add(
        "several workloads",
        run_until(several, rollback(Default::default()), |_| false),
    );
    let unconfirmed = vigie::runbook::machine::Start {
        answers: Default::default(),
        ..settled()
    };
    add(
        "confirming",
        run_until(World::new(), unconfirmed.clone(), |_| false),
    );
    add(
        "amber",
        run_until(World::new().managed(), unconfirmed, |_| false),
    );
    let denied = World {
        allowed: false,
        ..World::new()
    };
    add("denied", run_until(denied, settled(), |_| false));
    add("gate failed", run_until(failing(bad), settled(), |_| false));
    add(
        "gate silent",
        run_until(failing(silent), settled(), |_| false),
    );
    let few = |run: &Run| {
        run.gate()
            .is_some_and(|(_, gate)| gate.tracks()[0].len() == 3)
    };
    add(
        "too few requests",
        run_until(failing(scarce), settled(), few),
    );
    add("bad while holding", run_until(failing(bad), settled(), few));
    add(
        "silence while holding",
        run_until(failing(silent), settled(), few),
    );
    let moving = || World {
        rollout: Rollout::Moving("1 of 3 new pods available".into()),
        ..World::new()
    };
    add(
        "rolling",
        run_until(moving(), settled(), |run| run.rollout().is_some()),
    );
    add("never ready", run_until(moving(), settled(), |_| false));
    let lost = World {
        lost: true,
        ..World::new()
    };
    add(
        "lost answer",
        run_until(lost, settled(), |run| {
            run.ledger()
                .steps
                .iter()
                .any(|step| step.state == StepState::Unknown)
        }),
    );
    add("succeeded", run_until(World::new(), settled(), |_| false));
    let (mut world, _) = run_until(moving(), settled(), |run| run.has_effects());
    let run = world.resumed();
    add("taken up again", (world, run));
    let (mut world, run) = run_until(failing(bad), settled(), |_| false);
    let decided = Event::Decided {
        by: "oncall".into(),
        decision: Decision::Way(Way::RollBack),
    };
    let run = world.tell(run, decided, |_| false);
    add("rolled back", (world, run));
    let (mut world, run) = run_until(failing(bad), settled(), |_| false);
    world.template = world::template("v7.7.7");
    let back = Event::RollBack {
        by: "oncall".into(),
        reason: "worse".into(),
    };
    let run = world.tell(run, back, |_| false);
    add("not wholly undone", (world, run));
    let mut world = World::new();
    let run = world.begin_with(other(), world::start(&other(), &[], false), |_| false);
    add("which way", (world, run));
    let mut world = World::new();
    let run = world.begin_with(other(), world::start(&other(), &[], false), |_| false);
    let decision = Decision::Value("wait".into());
    let run = world.tell(
        run,
        Event::Decided {
            by: "oncall".into(),
            decision,
        },
        |_| false,
    );
    add("which ticket", (world, run));
    add("checklist", checklist::open());
    let program = Arc::new(format::parse("questions", PROGRAM).unwrap());
    let mut world = World {
        lost: true,
        ..World::new()
    };
    let mut start = world::start(&program, &[], false);
    start.answers.yes = true;
    start.answers.reason = Some("a test".into());
    let run = world.begin_with(program, start, |_| false);
    add("did it happen", (world, run));
    let seconded = OTHER.replace(
        "kind = \"choose\"",
        "kind = \"choose\"\napprove = { count = 1 }",
    );
    let seconded = Arc::new(format::parse("questions", &seconded).unwrap());
    let mut world = World::new();
    let start = world::start(&seconded, &[], false);
    let run = world.begin_with(seconded, start, |_| false);
    add("somebody else", (world, run));
    let (world, run) = holding();
    let (run, _) = vigie::runbook::machine::step(
        run,
        world.now,
        Event::RecordFailed("no space left on device".into()),
    );
    add("journal full", (world, run));
    scenes
}

#[test]
fn every_question_the_machine_can_ask_is_among_the_scenes() {
    let kinds: Vec<&str> = scenes()
        .iter()
        .filter_map(|(_, _, run)| run.ask())
        .map(|ask| match ask.kind {
            AskKind::Workload(_) => "workload",
            AskKind::Revision { .. } => "revision",
            AskKind::Branch(_) => "branch",
            AskKind::Param(_) => "param",
            AskKind::Secret(_) => "secret",
            AskKind::Confirm { .. } => "confirm",
            AskKind::Approval { .. } => "approval",
            AskKind::Reason(_) => "reason",
            AskKind::Trouble(_) => "trouble",
            AskKind::Resume { .. } => "resume",
            AskKind::Checklist(_) => "checklist",
            AskKind::Happened { .. } => "happened",
        })
        .collect();
    for kind in [
        "workload",
        "revision",
        "branch",
        "param",
        "confirm",
        "reason",
        "trouble",
        "resume",
        "checklist",
        "approval",
        "happened",
    ] {
        assert!(
            kinds.contains(&kind),
            "no scene asks for a {kind}: {kinds:?}"
        );
    }
}

#[test]
fn a_gate_stands_beside_its_plan_and_above_its_record() {
    let (world, run) = holding();
    let app = showing(run, &world);
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let shown = picture(&app, width, height);
        contains(
            &shown,
            &[
                "5  Hold: is it good again?",
                "errors",
                "<= 1 %",
                "0.3 %",
                "240 ms",
                "● holds",
                "samples",
                "at least 20",
                "● enough",
                "1:15 of 3:00",
                "deadline",
                "done 4 of 6 · 1 effect",
                "undo back to step 4",
                "journal",
                "applied (HTTP 200)",
                "● 4 Go back to revision 42",
                "◐ 5 Hold",
            ],
        );
        let lines: Vec<&str> = shown.lines().collect();
        assert!(
            lines[0].contains("veza-prod ▸ veza-production"),
            "row 1 stays:\n{shown}"
        );
        assert!(
            lines[1].contains("UNKNOWN"),
            "row 2 is the target's news:\n{shown}"
        );
        assert_eq!(lines.len(), usize::from(height));
    }
}

#[test]
fn samples_say_how_long_enough_would_take_and_silence_says_why() {
    let of = |wanted: &str| {
        let (_, world, run) = scenes()
            .into_iter()
            .find(|(name, ..)| *name == wanted)
            .unwrap();
        picture(&showing(run, &world), 120, 40)
    };
    contains(
        &of("too few requests"),
        &["? too few", "6 of 20 requests; at this rate"],
    );
    contains(
        &of("bad while holding"),
        &["✖ too much: 3 of 20 bad", "0:00 of 3:00"],
    );
    contains(
        &of("silence while holding"),
        &["–", "? unknown", "connection refused by prometheus"],
    );
    contains(
        &of("gate silent"),
        &[
            "inconclusive",
            "measure again",
            "stop here",
            "go back",
            "nothing is chosen",
        ],
    );
    contains(
        &of("never ready"),
        &["not finished in time: 1 of 3 new pods available"],
    );
    contains(&of("lost answer"), &["not known: connection reset by peer"]);
    contains(
        &of("not wholly undone"),
        &[
            "left in the world",
            "kubectl -n veza-production rollout undo deployment",
        ],
    );
    contains(
        &of("succeeded"),
        &[
            "succeeded",
            "● 6 Tell and record",
            "image v1.1.0 → v1.0.0",
            "took",
        ],
    );
    contains(
        &of("journal full"),
        &["The journal cannot be written (no space left on device)"],
    );
}

#[test]
fn the_question_stands_alone_with_the_safest_first_and_nothing_chosen() {
    for (name, world, run) in scenes() {
        let Some(ask) = run.ask().cloned() else {
            continue;
        };
        let untouched = !run.has_effects();
        let mut app = showing(run, &world);
        let shown = picture(&app, 120, 40);
        contains(&shown, &["nothing is chosen"]);
        let effects = obey(&mut app, Command::Enter);
        assert!(
            effects.is_empty() && app.runs.ask().is_some(),
            "{name}: enter answered an unread question"
        );
        let first = vigie::app::ask::choices(app.runs.present.as_ref().unwrap()).remove(0);
        match ask.kind {
            AskKind::Trouble(_) => assert!(
                first.effect.contains("nothing is sent")
                    || first.effect.contains("read first")
                    || first.label == "try again"
                    || first.label == "go on",
                "{name}: {first:?}"
            ),
            AskKind::Confirm { .. } | AskKind::Reason(_) if untouched => {
                assert_eq!(first.label, "no, end here", "{name}")
            }
            AskKind::Revision { .. } if name == "choosing a revision" => {
                assert_eq!(first.label, "revision 42")
            }
            _ => {}
        }
    }
}

#[test]
fn revisions_stand_with_image_age_and_evidence_the_last_good_first() {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "choosing a revision")
        .unwrap();
    let mut app = showing(run, &world);
    for (width, height) in [(80, 40), (120, 40), (200, 60)] {
        let shown = picture(&app, width, height);
        contains(
            &shown,
            &[
                "revision 42 is the last good one",
                "v1.0.0",
                "last good; errors 0.1 %, p99 212 ms",
                "running now; errors 21 %, p99 930 ms",
            ],
        );
        let at = |words: &str| shown.find(words).unwrap();
        assert!(at("last good;") < at("running now;"), "{shown}");
    }
    obey(&mut app, Command::Move(Motion::Down));
    obey(&mut app, Command::Move(Motion::Down));
    contains(&picture(&app, 120, 40), &["enter takes the chosen one"]);
    let effects = obey(&mut app, Command::Enter);
    let decided = effects
        .iter()
        .any(|effect| format!("{effect:?}").contains("answer: \"41\""));
    assert!(decided, "the second revision was taken: {effects:?}");
}

fn confirming() -> App {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "confirming")
        .unwrap();
    let mut app = showing(run, &world);
    app.refresh();
    app
}

#[test]
fn the_confirmation_says_where_what_and_what_undoes_it_and_its_default_is_no() {
    let mut app = confirming();
    assert!(
        matches!(app.layers.last(), Some(Layer::Form(_))),
        "it opens by itself"
    );
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        contains(
            &picture(&app, width, height),
            &[
                "Go back to revision 42",
                "veza-prod  (https://10.2.0.1:6443, uid 5f1c…)",
                "PRODUCTION",
                "namespace",
                "Deployment/veza-backend",
                "image v1.1.0 → v1.0.0",
                "undo",
                "you may (checked)",
                "type the namespace to go ahead:",
                "esc no",
                "enter when it matches",
            ],
        );
    }
    assert!(
        !picture(&app, 120, 40).contains("0c9d2f4e"),
        "identifiers are one key away"
    );
    obey(&mut app, Command::NextPane);
    contains(
        &picture(&app, 120, 40),
        &["0c9d2f4e-7a43-4b57-9d1c-2f1b8f6f0e11"],
    );
    let effects = obey(&mut app, Command::Escape);
    assert!(
        app.layers.is_empty() && app.runs.ask().is_none(),
        "nobody is asked again"
    );
    assert!(says_no(&effects), "{effects:?}");
    assert!(picture(&app, 80, 24).contains("No: nothing was sent, and this run is over."));
}

/// Whether what is recorded ends the run by a no.
fn says_no(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| {
        let Effect::Run(RunOrder::Perform(_, perform)) = effect else {
            return false;
        };
        let recorded = format!("{perform:?}");
        recorded.contains("said no; nothing was changed") && recorded.contains("Aborted")
    })
}

#[test]
fn a_question_after_others_were_answered_stays_when_its_dialog_is_left() {
    let mut app = confirming();
    let chosen = vigie::runbook::machine::Entry {
        ts: app.now,
        fact: vigie::runbook::machine::Fact::Decision {
            step: Some("revision".into()),
            by: "oncall".into(),
            answer: "42".into(),
            accepted: true,
        },
    };
    app.runs.entries.push(chosen);
    assert!(!says_no(&obey(&mut app, Command::Escape)));
    assert!(app.layers.is_empty() && app.runs.ask().is_some());
    app.refresh();
    assert!(app.layers.is_empty(), "it opens by itself once");
}

#[test]
fn leaving_the_first_question_is_a_no_and_blocks_nothing() {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "amber")
        .unwrap();
    let mut app = console(Screen::Overview, &world);
    app.history
        .open(Screen::Run(run.start().run.as_str().into()));
    app.runs.entries.clone_from(&world.disk);
    let id = run.start().run.clone();
    app.runs.present = Some(Box::new(run));
    app.refresh();
    assert!(says_no(&obey(&mut app, Command::Escape)));
    assert_eq!(app.here().screen, Screen::Overview);
    let recorded = RunNews::Event(id, Box::new(Event::Recorded));
    app.update(Message::Fact(Fact::Run(recorded)), world.now);
    assert!(app.runs.active().is_none(), "the next run may begin");
    let state = app.runs.past.first().map(|run| run.state);
    assert_eq!(state, Some(RunState::Aborted));
}

#[test]
fn the_run_carried_out_here_is_on_the_list_and_announced_on_every_other_screen() {
    let (world, run) = holding();
    let mut app = showing(run, &world);
    let target = RunTarget {
        cluster_uid: "5f1c2d3e".into(),
        context: "veza-prod".into(),
        server: "https://10.2.0.1:6443".into(),
        namespace: "veza-production".into(),
        environment: "production".into(),
    };
    app.target.cluster_uid = Some("5f1c2d3e".into());
    app.update(Message::Tick, world.now);
    assert!(
        !picture(&app, 120, 40).contains("unfinished"),
        "it is looked at"
    );
    // What is read from the disk a little late does not hide it.
    app.update(
        Message::Fact(Fact::Run(RunNews::Listed(Vec::new()))),
        world.now,
    );
    app.runs.past[0].target = target;
    for screen in [
        Screen::Overview,
        Screen::Alerts,
        Screen::Runbooks,
        Screen::Pods,
    ] {
        obey(&mut app, Command::Open(screen));
        app.notice = None;
        for (size, words) in [
            ((80, 24), "1 run: K p"),
            ((120, 40), "1 run unfinished: K p"),
        ] {
            let shown = picture(&app, size.0, size.1);
            let foot = shown.lines().last().unwrap().trim_end().to_owned();
            assert!(foot.ends_with(words), "{shown}");
        }
    }
    let effects = obey(&mut app, Command::Open(Screen::Runs));
    let read = [RunOrder::List, RunOrder::Look].map(Effect::Run);
    assert_eq!(effects, read, "it is read again");
    contains(&picture(&app, 120, 40), &["1, 1 unfinished", "veza-prod"]);
    app.runs.past[0].state = RunState::Succeeded;
    obey(&mut app, Command::Open(Screen::Overview));
    assert!(!picture(&app, 120, 40).contains("unfinished"));
}

#[test]
fn a_run_from_before_midnight_shows_its_time_and_no_state_is_cut() {
    let world = World::new();
    let mut app = console(Screen::Runs, &world);
    let started = past("01JD0000000000000000000009", RunState::Aborted).started;
    app.runs.past = vec![past("01JD0000000000000000000009", RunState::Aborted)];
    let time = started.strftime("%H:%M:%S").to_string();
    app.now = started + jiff::SignedDuration::from_hours(23);
    contains(&picture(&app, 80, 24), &[&time]);
    contains(&picture(&app, 120, 40), &[&time, "ended, nothing changed"]);
    app.now = started + jiff::SignedDuration::from_hours(25);
    let day = started.strftime("%F").to_string();
    for (width, height) in [(80, 24), (120, 40)] {
        contains(&picture(&app, width, height), &[&day]);
    }
}

#[test]
fn runs_of_other_clusters_come_last_and_say_where_they_go_on() {
    let world = World::new();
    let mut app = console(Screen::Runs, &world);
    app.target.cluster_uid = Some("uid-1".into());
    let at = |id: &str, uid: &str, context: &str, environment: &str| {
        let mut run = past(id, RunState::NeedsHuman);
        run.target.cluster_uid = uid.into();
        run.target.context = context.into();
        run.target.environment = environment.into();
        run
    };
    app.runs.past = vec![
        at(
            "01JD0000000000000000000009",
            "uid-2",
            "veza-demo",
            "simulated",
        ),
        at(
            "01JD0000000000000000000008",
            "uid-2",
            "veza-staging",
            "staging",
        ),
        at(
            "01JD0000000000000000000007",
            "uid-1",
            "veza-prod",
            "production",
        ),
    ];
    let order: Vec<String> = app
        .past_runs()
        .iter()
        .map(|run| run.target.context.clone())
        .collect();
    assert_eq!(order, ["veza-prod", "veza-demo", "veza-staging"]);
    for (width, height) in [(80, 24), (120, 40)] {
        contains(
            &picture(&app, width, height),
            &[
                "3, 1 unfinished here, 2 elsewhere",
                "CLUSTER",
                "veza-prod",
                "elsewhere",
            ],
        );
    }
    for words in [
        "Its simulator has ended; close it: vigie abandon 000009 --reason TEXT",
        "It goes on at its cluster: vigie --context veza-staging",
    ] {
        obey(&mut app, Command::Move(Motion::Down));
        assert!(obey(&mut app, Command::Enter).is_empty());
        contains(&picture(&app, 80, 24), &[words]);
    }
}

#[test]
fn row_one_says_armed_while_a_confirmed_run_works() {
    let (world, run) = holding();
    let mut app = showing(run, &world);
    assert!(!app.armed());
    let first = |app: &App| {
        picture(app, 120, 40)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        first(&app).contains("ARMED") && !first(&app).contains("read-only"),
        "{}",
        first(&app)
    );
    app.runs.present = None;
    assert!(first(&app).contains("read-only"), "{}", first(&app));
    let asked = confirming();
    assert!(
        first(&asked).contains("read-only"),
        "nothing was confirmed yet"
    );
}

#[test]
fn only_the_typed_namespace_goes_ahead() {
    let mut app = confirming();
    assert!(obey(&mut app, Command::Paste("veza-production".into())).is_empty());
    contains(&picture(&app, 120, 40), &["pasting is refused"]);
    typed(&mut app, "veza-staging");
    assert!(obey(&mut app, Command::Enter).is_empty());
    contains(&picture(&app, 120, 40), &["it does not match"]);
    obey(&mut app, Command::EraseAll);
    typed(&mut app, "veza-production");
    let effects = obey(&mut app, Command::Enter);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Run(RunOrder::Perform(..)))),
        "{effects:?}"
    );
    assert!(app.layers.is_empty() && app.runs.ask().is_none());
}

#[test]
fn an_answer_is_for_the_question_that_was_read() {
    let mut app = confirming();
    typed(&mut app, "veza-production");
    let run = app.runs.present.clone().unwrap();
    let now = app.now;
    let (run, _) = vigie::runbook::machine::step(
        *run,
        now,
        Event::Note {
            by: "x".into(),
            text: "y".into(),
        },
    );
    let (run, _) = vigie::runbook::machine::step(run, now, Event::Recorded);
    app.runs.present = Some(Box::new(run));
    assert!(
        obey(&mut app, Command::Enter).is_empty(),
        "something happened meanwhile"
    );
}

#[test]
fn a_failed_check_comes_first_with_the_missing_rule_ready_to_copy() {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "denied")
        .unwrap();
    let mut app = showing(run, &world);
    obey(&mut app, Command::NextPane);
    for (width, height) in [(80, 60), (120, 40), (200, 60)] {
        let shown = picture(&app, width, height);
        contains(
            &shown,
            &[
                "cannot start",
                "✖ may patch deployments.apps/veza-backend",
                "no: by RoleBinding/oncall",
                "resources: [\"deployments\"]",
                "● may get",
            ],
        );
        let at = |words: &str| shown.find(words).unwrap();
        assert!(at("✖ may patch") < at("● may get"), "{shown}");
    }
    let effects = obey(&mut app, Command::Copy);
    assert!(
        matches!(&effects[..], [Effect::Copy(text)] if text.contains("verbs: [\"patch\"]")),
        "{effects:?}"
    );
    obey(&mut app, Command::NextPane);
    contains(&picture(&app, 120, 40), &["the change"]);
}

#[test]
fn the_change_is_shown_field_by_field() {
    let (world, run) = holding();
    let mut app = showing(run, &world);
    obey(&mut app, Command::NextPane);
    obey(&mut app, Command::NextPane);
    contains(
        &picture(&app, 120, 40),
        &[
            "Deployment/veza-backend in veza-production",
            "- ",
            "+ ",
            "v1.1.0",
            "v1.0.0",
            "spec.template",
        ],
    );
}

#[test]
fn hold_undo_and_note_ask_before_they_do() {
    let (world, run) = holding();
    let mut app = showing(run, &world);
    obey(&mut app, Command::Undo);
    contains(
        &picture(&app, 120, 40),
        &[
            "Undo back to step 4",
            "takes back image v1.1.0 → v1.0.0",
            "why:",
        ],
    );
    assert!(
        obey(&mut app, Command::Enter).is_empty(),
        "a reason is needed"
    );
    obey(&mut app, Command::Escape);
    obey(&mut app, Command::Note);
    typed(&mut app, "looks better");
    let noted = obey(&mut app, Command::Enter);
    assert!(format!("{noted:?}").contains("looks better"));
    let held = obey(&mut app, Command::Hold);
    assert!(
        held.is_empty() || format!("{held:?}").contains("NeedsHuman"),
        "{held:?}"
    );
}

#[test]
fn going_back_out_of_trouble_is_shown_before_it_is_sent() {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "gate failed")
        .unwrap();
    let mut app = showing(run, &world);
    for _ in 0..3 {
        obey(&mut app, Command::Move(Motion::Down));
    }
    assert!(obey(&mut app, Command::Enter).is_empty());
    contains(
        &picture(&app, 120, 40),
        &["Undo back to step 4", "takes back image v1.1.0 → v1.0.0"],
    );
    typed(&mut app, "worse than before");
    let sent = format!("{:?}", obey(&mut app, Command::Enter));
    assert!(
        sent.contains("RollingBack") && sent.contains("worse than before"),
        "{sent}"
    );
}

#[test]
fn what_somebody_signed_is_put_in_and_the_glass_is_broken_with_a_reason_and_the_namespace() {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "somebody else")
        .unwrap();
    let mut app = showing(run, &world);
    app.refresh();
    contains(
        &picture(&app, 80, 24),
        &["Somebody else must agree.", "code", "paste an approval"],
    );
    let form = |app: &App| match app.layers.last() {
        Some(Layer::Form(form)) => Some(form.clone()),
        _ => None,
    };
    let answer = |app: &mut App, text: &str| {
        for _ in 0..2 {
            obey(app, Command::Move(Motion::Down));
        }
        obey(app, Command::Enter);
        assert!(form(app).is_some(), "{}", picture(app, 80, 24));
        typed(app, text);
        obey(app, Command::Enter)
    };
    // A long text is carried here whole, by typing or by pasting.
    for _ in 0..2 {
        obey(&mut app, Command::Move(Motion::Down));
    }
    obey(&mut app, Command::Enter);
    contains(
        &picture(&app, 80, 24),
        &["What did they sign?", "approval:"],
    );
    let signed = format!("approval:{}", "a".repeat(3_000));
    obey(&mut app, Command::Paste(signed.clone()));
    assert_eq!(form(&app).unwrap().line, signed);
    let asked = format!("{:?}", obey(&mut app, Command::Enter));
    assert!(asked.contains(&signed), "it is looked at: {asked}");

    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "somebody else")
        .unwrap();
    let mut app = showing(run, &world);
    app.refresh();
    answer(&mut app, "break-glass: in a hurry");
    contains(
        &picture(&app, 120, 40),
        &["A reason of twenty characters is wanted; this one has 10."],
    );
    answer(&mut app, "break-glass: INC-7, nobody else can be reached");
    contains(
        &picture(&app, 120, 40),
        &[
            "Breaking the glass: INC-7, nobody else can be reached",
            "break the glass",
        ],
    );
    let wrong = format!("{:?}", answer(&mut app, "veza-prod"));
    assert!(wrong.contains("accepted: false"), "{wrong}");
}

#[test]
fn arming_takes_the_namespace_and_a_reason_and_shows() {
    let world = World::new();
    let mut app = console(Screen::Overview, &world);
    obey(&mut app, Command::Arm);
    contains(
        &picture(&app, 120, 40),
        &["Arm this console", "type the namespace to arm:"],
    );
    typed(&mut app, "veza-production");
    obey(&mut app, Command::Enter);
    assert!(!app.armed(), "a reason is missing");
    typed(&mut app, "INC-14");
    obey(&mut app, Command::Enter);
    assert!(app.armed());
    for theme in [
        Theme::plain(),
        Theme::named("night", &[], Depth::True).unwrap(),
    ] {
        let shown = picture_in(&app, &theme, (120, 40));
        assert!(
            shown.lines().next().unwrap().contains("ARMED 30 m"),
            "{shown}"
        );
    }
    obey(&mut app, Command::Arm);
    assert!(!app.armed(), "one key disarms");
}

#[test]
fn the_shelf_shows_broken_files_and_suggests_only_with_a_cause() {
    let world = World::new();
    let mut app = console(Screen::Runbooks, &world);
    app.runs.library.push(Book::read(
        Origin::File("mine/broken.runbook.md".into()),
        "broken.runbook.md",
        "+++\nschema = 1\nid = 7\n+++\n",
    ));
    // The mistake itself is seen at every width, not the file's path before it.
    let problems = app.runs.library.last().unwrap().book.clone().unwrap_err();
    let mistake: String = problems[0].message.chars().take(12).collect();
    let mistake = format!("{}: {mistake}", problems[0].place);
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let shown = picture(&app, width, height);
        contains(
            &shown,
            &["rollback", "Roll back a workload", "✖ broken", &mistake],
        );
    }
    let object =
        vigie::domain::object::ObjectRef::new("Deployment", "veza-production", "veza-backend");
    let subject = |rollback| vigie::app::desk::Subject {
        object: object.clone(),
        rollback,
    };
    app.desk.subject = Some(subject(false));
    contains(
        &picture(&app, 120, 40),
        &["it is not known here; rollback is not suggested."],
    );
    app.desk.subject = Some(subject(true));
    contains(
        &picture(&app, 120, 40),
        &["rollback is suggested", "suggested: Roll back"],
    );
    obey(&mut app, Command::Enter);
    contains(
        &picture(&app, 120, 40),
        &[
            "Which revision is good?",
            "Deployment/veza-backend in veza-production",
            "enter starts it",
        ],
    );
    let effects = obey(&mut app, Command::Enter);
    let opened = effects.iter().find_map(|effect| match effect {
        Effect::Run(RunOrder::Open(opening)) => Some(opening),
        _ => None,
    });
    let params = &opened.unwrap_or_else(|| panic!("{effects:?}")).params;
    assert!(
        params["workload"].to_string().contains("veza-backend"),
        "{params:?}"
    );
    app.history.back();
    obey(&mut app, Command::Move(Motion::Last));
    obey(&mut app, Command::Enter);
    contains(&picture(&app, 120, 40), &["cannot be started"]);
}

fn past(id: &str, state: RunState) -> PastRun {
    PastRun {
        run: id.into(),
        runbook: "rollback".into(),
        state,
        reason: Some("inconclusive: connection refused".into()),
        started: jiff::Timestamp::from_second(1_771_999_000).unwrap(),
        ended: None,
        target: RunTarget {
            namespace: "veza-production".into(),
            ..RunTarget::default()
        },
        actor: "oncall".into(),
        journal: "journal".into(),
        read_only: None,
        carried: false,
    }
}

#[test]
fn unfinished_runs_are_announced_once_and_listed() {
    let world = World::new();
    let mut app = console(Screen::Overview, &world);
    let runs = vec![
        past("01JD0000000000000000000007", RunState::NeedsHuman),
        past("01JD0000000000000000000008", RunState::Succeeded),
    ];
    app.target.cluster_uid = Some("uid-1".into());
    let server = app.target.server.to_string();
    let at = |uid: &str, server: &str, carried| {
        let mut run = past("01JD0000000000000000000007", RunState::NeedsHuman);
        (run.target.cluster_uid, run.target.server) = (uid.into(), server.into());
        run.carried = carried;
        run
    };
    let mut others = vec![
        at("uid-2", &server, false),
        at("uid-1", "https://elsewhere", false),
        at("uid-1", &server, true),
    ];
    // Each simulated platform is a world of its own, whatever its name.
    others[1].target.environment = "simulated".into();
    let mut quiet = console(Screen::Overview, &world);
    quiet.target = app.target.clone();
    quiet.update(Message::Fact(Fact::Run(RunNews::Listed(others))), world.now);
    quiet.refresh();
    assert!(!picture(&quiet, 120, 40).contains("unfinished run"));
    let mut runs = runs;
    runs[0] = at("uid-1", &server, false);
    app.update(Message::Fact(Fact::Run(RunNews::Listed(runs))), world.now);
    app.refresh();
    contains(
        &picture(&app, 120, 40),
        &["1 unfinished run: rollback in veza-production"],
    );
    obey(&mut app, Command::Open(Screen::Runs));
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        contains(
            &picture(&app, width, height),
            &["2, 1 unfinished", "▲", "waits for you", "succeeded"],
        );
    }
    let effects = obey(&mut app, Command::Enter);
    assert!(
        matches!(&effects[..], [Effect::Run(RunOrder::Reopen(_))]),
        "{effects:?}"
    );
}

#[test]
fn letters_go_into_the_line_while_something_is_typed() {
    let app = confirming();
    let keys = keys();
    let chord: vigie::keymap::chord::Sequence = "v".parse().unwrap();
    assert_eq!(
        keys.meaning(&app, chord.chords()),
        Meaning::Command(Command::Type('v'))
    );
    let (world, run) = holding();
    let app = showing(run, &world);
    for (key, command) in [
        ("v", Command::Identifiers),
        (".", Command::Hold),
        ("U", Command::Undo),
        ("N", Command::Note),
        ("W", Command::Arm),
    ] {
        let chord: vigie::keymap::chord::Sequence = key.parse().unwrap();
        assert_eq!(
            keys.meaning(&app, chord.chords()),
            Meaning::Command(command)
        );
    }
}

#[test]
fn figures_are_whole_at_every_size_with_and_without_colour() {
    let (world, run) = holding();
    let app = showing(run, &world);
    let themes = [
        Theme::plain(),
        Theme::plain().with_glyphs(&ASCII),
        Theme::named("night", &[], Depth::True).unwrap(),
    ];
    for theme in themes {
        for width in 44..=200 {
            let shown = picture_in(&app, &theme, (width, 40));
            contains(
                &shown,
                &["1:15 of 3:00", "0.3 %", "240 ms", "of 20"]
                    .map(|words| if words == "of 20" { "3:00" } else { words }),
            );
        }
    }
}

#[test]
fn hostile_words_of_a_cluster_stay_words() {
    let mut world = World {
        rollout: Rollout::Moving("\u{1b}[2J\u{202e}evil".into()),
        ..World::new()
    };
    let run = world.begin(settled(), |run| run.rollout().is_some());
    let shown = picture(&showing(run, &world), 120, 40);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    contains(&shown, &["\\e[2J"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_size_panics(width in 40_u16..300, height in 12_u16..80, top in 0_usize..40, page in 0_usize..4, down in 0_usize..4, ids in any::<bool>()) {
        for (_, world, run) in scenes() {
            let mut app = showing(run, &world);
            app.desk.identifiers = ids;
            for _ in 0..down {
                obey(&mut app, Command::Move(Motion::Down));
            }
            for open in [false, true] {
                if open {
                    app.refresh();
                }
                let place = &mut app.history.here_mut().place;
                (place.top, place.pane) = (top, page);
                let shown = picture(&app, width, height);
                prop_assert_eq!(shown.lines().count(), usize::from(height));
            }
        }
        let world = World::new();
        for screen in [Screen::Runbooks, Screen::Runbook("rollback".into()), Screen::Runbook("none".into()), Screen::Runs, Screen::Run("none".into())] {
            let mut app = console(screen, &world);
            app.runs.past = vec![past("01JD0000000000000000000007", RunState::NeedsHuman)];
            app.history.here_mut().place.top = top;
            prop_assert_eq!(picture(&app, width, height).lines().count(), usize::from(height));
        }
    }
}

#[test]
fn what_follows_a_question_is_read_from_its_beginning() {
    let (_, world, run) = scenes()
        .into_iter()
        .find(|(name, ..)| *name == "choosing a revision")
        .unwrap();
    let mut app = showing(run, &world);
    assert!(!picture(&app, 80, 16).contains(" above"));
    app.history.here_mut().place.top = 3;
    contains(&picture(&app, 80, 16), &["3 above"]);
    obey(&mut app, Command::Move(Motion::Down));
    app.history.here_mut().place.top = 3;
    obey(&mut app, Command::Enter);
    assert_eq!(
        app.here().place.top,
        0,
        "the question's scroll went with it"
    );
}
