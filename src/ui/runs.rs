//! Runs of before, unfinished ones first; and the run that is carried out, or why it is not here.

mod elsewhere;

use super::lines::{Listing, clock, listing, since, words};
use super::paper::Paper;
use super::run::{self, Shown, plan};
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row};
use super::widget::text;
use crate::app::list;
use crate::app::runs::shelf::PastRun;
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// From so many columns on, what a run is called is not cut for the sake of why it stands where it does.
const ROOMY: u16 = 110;

/// Draws the list, and below it what others announce.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let area = elsewhere::draw(view, area, buf);
    let app = view.app;
    let runs = app.past_runs();
    let open = |here: bool| {
        let open = runs.iter().filter(|run| !run.state.is_terminal());
        open.filter(|run| app.is_here(run) == here).count()
    };
    let mut note = format!("{}, {} unfinished", runs.len(), open(true));
    if open(false) > 0 {
        note = format!("{note} here, {} elsewhere", open(false));
    }
    let filter = &app.here().place.filter;
    let empty = if filter.is_empty() {
        "No run has been made from this machine. K opens the runbooks.".to_owned()
    } else {
        format!("No run passes the filter `{filter}`. esc clears it.")
    };
    // A day is wider than a time, and neither is ever cut.
    let began = if runs.iter().any(|run| is_old(view, run)) {
        10
    } else {
        8
    };
    // Where there is room, names and states are whole before the reasons are.
    let wide = |least: u16, most: u16, of: &dyn Fn(&PastRun) -> usize| {
        let widest = runs.iter().map(|run| of(run)).max().unwrap_or(0);
        let widest = u16::try_from(widest).unwrap_or(most);
        let room = area.width >= ROOMY;
        if room {
            widest.clamp(least, most)
        } else {
            least
        }
    };
    let names = wide(10, 20, &|run| text::width(&run.runbook));
    let states = wide(13, 22, &|run| text::width(plan::word(run.state)));
    let listed = Listing {
        name: "runs",
        title: "runs",
        note: &note,
        columns: vec![
            Column::words("", 1, 1).pin(),
            Column::words("RUNBOOK", names, 20).pin(),
            Column::words("STATE", states, 22),
            Column::words("BEGAN", began, began),
            Column::figures("AGO", 5).drops(4),
            Column::words("CLUSTER", 9, 24).drops(1),
            Column::words("NAMESPACE", 12, 24).drops(3),
            Column::words("BY", 8, 24).drops(5),
            Column::words("RUN", 9, 26).drops(7),
            Column::sentence("WHY", 16, 100).drops(2),
        ],
        rows: &|index| {
            runs.get(index)
                .map_or_else(Row::default, |run| row(view, run))
        },
        len: runs.len(),
        selected: list::at(app),
        focused: true,
        stale: false,
        empty: &empty,
        whole: None,
    };
    listing(view, &listed, area, buf);
}

/// Whether a run began so long ago that its day says more than its time: midnight alone makes nothing old.
fn is_old(view: &View<'_>, past: &PastRun) -> bool {
    view.app.now.duration_since(past.started) >= SignedDuration::from_hours(24)
}

fn row(view: &View<'_>, past: &PastRun) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let tone = plan::meaning(past.state);
    let began = if is_old(view, past) {
        past.started.strftime("%F").to_string()
    } else {
        clock(past.started)
    };
    let here = app.is_here(past);
    let why = match (&past.read_only, &past.reason) {
        (Some(why), _) => format!("can only be read: {why}"),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    };
    let (state, cluster) = if here || past.state.is_terminal() {
        (
            plan::word(past.state).to_owned(),
            past.target.context.clone(),
        )
    } else {
        ("elsewhere".to_owned(), past.target.context.clone())
    };
    let strong = if here { theme.strong() } else { theme.dim() };
    let id = if app.desk.identifiers {
        past.run.to_string()
    } else {
        short_id(&past.run)
    };
    Row {
        cells: vec![
            Cell::new(theme.glyphs().tone(tone), theme.tone(tone)),
            words(&*past.runbook, strong),
            words(state, theme.tone(tone)),
            words(began, theme.text()),
            Cell::new(since(Some(past.started), app.now), theme.text()),
            words(cluster, strong),
            words(past.target.namespace.clone(), theme.text()),
            words(past.actor.clone(), theme.dim()),
            words(id, theme.dim()),
            words(why, theme.text()),
        ],
        marked: false,
    }
}

/// The ends of an id: its first letters are the time it was made.
fn short_id(id: &str) -> String {
    match (id.get(..4), id.get(id.len().saturating_sub(2)..)) {
        (Some(head), Some(tail)) if id.len() > 8 => format!("{head}…{tail}"),
        _ => id.to_owned(),
    }
}

/// Below this many columns the keys need the room: the runs are said in fewer words.
const NARROW: u16 = 100;

/// Says at the end of the last row that runs are not over, whatever the screen; what is left of the row.
pub fn unfinished(view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let Some((full, brief)) = view.app.unfinished_words() else {
        return area;
    };
    let said = if area.width < NARROW { brief } else { full };
    let wide = text::width(&said) as u16 + 1;
    let rest = area.width.saturating_sub(wide + 1);
    let x = area.x + area.width.saturating_sub(wide);
    text::put(buf, (x, area.y), &said, wide, view.theme.tone(Tone::Watch));
    Rect {
        width: rest,
        ..area
    }
}

/// Draws the run of the screen.
pub fn draw_run(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    if let Some(run) = app.shown_run() {
        let shown = Shown {
            run,
            entries: &app.runs.entries,
        };
        return run::draw(view, shown, area, buf);
    }
    let pane = Pane {
        title: "run",
        note: "",
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::padded(area);
    let mut paper = Paper::new(theme, inside.width);
    let words = match (&app.runs.refused, app.runs.opening) {
        (Some(refused), _) => refused.sentence.as_str(),
        (None, Some(_)) => "Opening: the run gets its journal before anything else.",
        (None, None) => {
            "This run is not open here. K, then p lists the runs; enter takes one up again."
        }
    };
    paper.words(words, theme.text());
    paper.draw(inside, 0, buf);
}
