//! `vigie drill`: the console on a simulated platform, a fault the trainee does not know, the last page, and the record of
//! drills in the state directory. No name of a person is in it.

use super::args::{Drill as Asked, Output};
use super::console;
use super::exit::{Failed, OK, UNKNOWN};
use super::play;
use super::print;
use super::session::Start;
use super::shelf;
use crate::app::App;
use crate::app::drill::cases::{self, Stage};
use crate::app::drill::score::{Score, score};
use crate::app::drill::{Cue, Drill};
use crate::app::runs::shelf::Book;
use crate::app::screen::Screen;
use crate::keymap::Keymap;
use crate::sim::scenario::Scenario;
use crate::sim::shared::Shared;
use crate::sim::{self, vault};
use crate::terminal;
use crate::ui;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The page comes when the trouble stands and nothing has been done about it.
const PAGED_AT: Duration = Duration::from_secs(150);
/// The columns of the last page as text.
const COLUMNS: u16 = 100;
/// On a narrower terminal it is as wide as that, but no narrower than a line of figures.
const LEAST: u16 = 60;
/// Seeds that are picked for somebody are short enough to be typed.
const SEEDS: u64 = 9999;
/// In a fast drill sources are asked so many times as often, or their figures would be old.
const HURRY: u32 = 5;
/// The file of finished drills.
const RECORD: &str = "drills.jsonl";

/// `vigie drill`.
pub fn drill(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    let library = shelf::library(&start.loaded);
    if asked.list {
        return list(start, &library);
    }
    if let Some(id) = &asked.id
        && !library
            .iter()
            .any(|book| *book.id == **id && book.book.is_ok())
    {
        return Err(Failed::usage(format!(
            "there is no runbook `{id}` to rehearse; `vigie drill --list` prints those there are"
        )));
    }
    if let Some(why) = terminal::no_screen(|name| std::env::var(name).ok()) {
        return Err(Failed::usage(format!(
            "{why}, and a drill is done by a person at one; `vigie drill --list` prints what can be rehearsed"
        )));
    }
    let mut seed = match asked.seed {
        Some(seed) => seed,
        None => another(None)?,
    };
    console::runtime_of_two()?.block_on(async {
        loop {
            let id = asked.id.as_deref().map(Arc::from);
            let drill = Drill::new(
                cases::choose(asked.id.as_deref(), seed),
                id,
                seed,
                asked.fast,
            );
            let (code, app) = Box::pin(play(start, drill)).await?;
            let Some(app) = app else { return Ok(code) };
            let again = tell(start, &app)?;
            if !again {
                return Ok(code);
            }
            seed = another(Some(seed))?;
        }
    })
}

/// A seed nobody asked for, and not the one before.
fn another(before: Option<u64>) -> Result<u64, Failed> {
    let random = getrandom::u64()
        .map_err(|error| Failed::new(UNKNOWN, format!("no randomness: {error}")))?;
    let seed = random % SEEDS + 1;
    Ok(if Some(seed) == before {
        seed % SEEDS + 1
    } else {
        seed
    })
}

/// Plays one drill to its end.
async fn play(start: &Start, drill: Drill) -> Result<(u8, Option<App>), Failed> {
    let running = sim::start(sim::Options {
        scenario: scenario(drill.case.stage),
        seed: drill.seed,
        world: Some(play::another()?),
        advance: PAGED_AT,
        speed: 0.0,
        ..sim::Options::default()
    })
    .await?;
    let mut place = play::place(&running);
    place.vault_path = Some(format!("{}/{}", vault::MOUNT, vault::PATH));
    place.hurry = if drill.fast { HURRY } else { 1 };
    let mut session = start.session(place, Screen::Overview).await?;
    session.app.open_drill(drill);
    let world = running.world().clone();
    Box::pin(console::attended(
        start,
        session,
        Box::new(move |cue| stage(&world, cue)),
    ))
    .await
}

/// The scenario of the simulated platform that shows a case.
pub fn scenario(stage: Stage) -> Scenario {
    match stage {
        Stage::BadRelease => Scenario::BadRelease,
        Stage::CrashLoop => Scenario::CrashLoop,
        Stage::ImageMissing => Scenario::ImageMissing,
        Stage::SlowDependency => Scenario::SlowDependency,
        Stage::StuckPool => Scenario::StuckPool,
        Stage::StuckPod => Scenario::StuckPod,
        Stage::Rush => Scenario::Rush,
        Stage::Healthy => Scenario::Healthy,
        Stage::TwoKeys => Scenario::TwoKeys,
        Stage::External => Scenario::ExternalSecret,
    }
}

/// Does in the world what a drill wants of it.
pub fn stage(world: &Shared, cue: Cue) {
    match cue {
        Cue::Pace(speed) => world.run_at(speed),
        Cue::Leap(at) => world.leap_to(at.as_millisecond()),
        Cue::Mend => world.with(sim::world::World::relieve),
        Cue::MoveVault => world.with(|world| {
            let now = world.now_ms();
            let vault = world.vault_mut();
            vault.change(vault::PATH, "redis_url", "redis://redis-2:6379", now);
        }),
    }
}

/// Prints the last page and writes the drill down; says whether another one is wanted.
fn tell(start: &Start, app: &App) -> Result<bool, Failed> {
    let Some(drill) = app.drill.as_ref().filter(|drill| drill.ended.is_some()) else {
        return Ok(false);
    };
    let keys = Keymap::new(&start.loaded.config().keys)
        .map_err(|error| Failed::usage(error.to_string()))?;
    let book = app.runs.book(drill.case.read);
    let book = book.and_then(|book| book.book.as_ref().ok());
    let score = score(drill, book.map(|book| &**book));
    let document = document(drill, &score);
    if start.global.output == Output::Json {
        print::text(&print::line(&document))?;
    } else if let Some(text) = ui::drill::text(app, &keys, app.width.clamp(LEAST, COLUMNS)) {
        print::text(&text)?;
    }
    if let Err(why) = keep(&record(start), &document) {
        print::note(&format!("the drill could not be written down: {why}"));
    }
    Ok(drill.again)
}

fn record(start: &Start) -> PathBuf {
    start.loaded.state_dir().join(RECORD)
}

/// A finished drill as it is kept and printed.
pub fn document(drill: &Drill, score: &Score) -> Value {
    let seconds = |span: Option<SignedDuration>| span.map(|span| span.as_secs());
    let took = |what: &str| {
        let time = score.times.iter().find(|time| time.what == what);
        seconds(time.and_then(|time| time.took))
    };
    let turns: Vec<Value> = score
        .turns
        .iter()
        .map(|(at, turn)| json!({"after_s": at.as_secs(), "what": turn.what, "told": turn.told}))
        .collect();
    json!({
        "schema": 1,
        "at": drill.ended.map(|at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "runbook": drill.runbook.as_deref(),
        "seed": drill.seed,
        "fast": drill.fast,
        "case": drill.case.id,
        "acknowledged": drill.marks.acknowledged.is_some(),
        "acknowledge_s": took("acknowledge"),
        "diagnosis_s": took("diagnosis"),
        "reached": score.reached,
        "reached_s": took("recovery").or_else(|| took("done")),
        "wrong_turns": turns,
    })
}

/// Adds a line to the record.
fn keep(file: &Path, document: &Value) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        let mut open = std::fs::OpenOptions::new();
        let mut file = open.create(true).append(true).open(file)?;
        file.write_all(print::line(document).as_bytes())
    });
    written.map_err(|error| crate::journal::in_words(&error))
}

/// What was written down so far; lines that cannot be read are left out.
fn kept(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// `vigie drill --list`.
fn list(start: &Start, library: &[Book]) -> Result<u8, Failed> {
    let kept = kept(&record(start));
    let books = library.iter().filter_map(|book| book.book.as_ref().ok());
    let rows: Vec<Value> = books
        .map(|book| {
            let faults = cases::fitting(Some(&book.id)).len();
            let of = |one: &&Value| one["runbook"] == json!(book.id);
            let last = kept.iter().rev().find(of);
            json!({
                "runbook": book.id, "title": book.title, "faults": faults,
                "drills": kept.iter().filter(of).count(),
                "last": last.cloned(),
            })
        })
        .collect();
    if start.global.output == Output::Json {
        return print::text(&print::line(&json!({"schema": 1, "drills": rows})));
    }
    let mut text = String::new();
    for row in &rows {
        let (id, title) = (row["runbook"].as_str(), row["title"].as_str());
        let last = match (row["drills"].as_u64(), row["last"]["reached_s"].as_i64()) {
            (Some(0) | None, _) => "not rehearsed yet".to_owned(),
            (Some(many), None) => format!("rehearsed {many} times, the last one not to its end"),
            (Some(many), Some(took)) => {
                let turns = row["last"]["wrong_turns"].as_array().map_or(0, Vec::len);
                format!(
                    "rehearsed {many} times, the last in {} with {turns} wrong turns",
                    ui::widget::figures::clock(Some(took as f64))
                )
            }
        };
        let (id, title) = (id.unwrap_or_default(), title.unwrap_or_default());
        // A string takes whatever is written.
        let _ = writeln!(text, "{id:<18}{title}\n{:<18}{last}", "");
    }
    text.push_str("\nvigie drill ID rehearses one, vigie drill any of them; --seed 0 is a first drill without a fault.\n");
    print::text(&text)?;
    Ok(OK)
}
