//! ```text
//! ┌ rollback 01JD…7Q ──────────────┬ 5  Hold: is it good again? ───────────────────────────────┐
//! │ ● 4 Go back to revision 42     │   errors      <= 1 %       0.3 %   ▆▃▂▁▁▁▁▁      ● holds   │
//! │ ◐ 5 Hold: is it good again?    │   ██████████░░░░  2:05 of 3:00        deadline 03:22:30   │
//! ├ journal ───────────────────────┴───────────────────────────────────────────────────────────┤
//! │ 03:13:02.114  intent   4  patch Deployment/veza-backend: image v1.1.0 → v1.0.0              │
//! └────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! A run: the plan left, the step right, the record below. Where a person must decide, the right pane is the question alone.

mod ahead;
mod changes;
mod checklist;
mod choice;
pub mod gate;
pub mod plan;
mod proof;
mod question;
mod record;
mod step;
mod why;
mod words;

pub use ahead::{final_steps, groups, many, takes, touched, vault};
pub use changes::changed;
pub use words::{sends, sends_what};

use super::paper::Paper;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::text;
use crate::app::desk::{RUN_PAGES, WHY};
use crate::runbook::machine::{Entry, Run};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// What is drawn of a run.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its record, oldest first.
    pub entries: &'a [Entry],
}

struct Parts {
    plan: Rect,
    step: Rect,
    record: Rect,
}

/// Neighbours share a border. A narrow screen has no room for the plan, a low one none for the record.
fn parts(area: Rect) -> Parts {
    let record = match area.height {
        0..=11 => 0,
        12..=21 => 6,
        height => (height / 4).clamp(6, 16),
    };
    let top = area.height - record + u16::from(record > 0);
    let plan = match area.width {
        0..=63 => 0,
        64..=99 => 30,
        100..=159 => 34,
        _ => 46,
    };
    let step = plan - u16::from(plan > 0);
    Parts {
        plan: Rect::new(area.x, area.y, plan, top),
        step: Rect::new(area.x + step, area.y, area.width - step, top),
        record: Rect::new(area.x, area.y + area.height - record, area.width, record),
    }
}

/// Draws a run into an area.
pub fn draw(view: &View<'_>, shown: Shown<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let parts = parts(area);
    let pane = |title: &str, note: &str, focused: bool, area: Rect, buf: &mut Buffer| {
        let pane = Pane {
            title,
            note,
            focused,
            theme,
        };
        Widget::render(&pane, area, buf);
    };
    if parts.plan.width > 0 {
        pane(&plan::name(shown.run), "", false, parts.plan, buf);
        let inside = Pane::padded(parts.plan);
        let mut paper = Paper::new(theme, inside.width);
        let lost = view.app.runs.lost().is_some();
        plan::write(shown.run, lost, usize::from(inside.height), &mut paper);
        paper.draw(inside, 0, buf);
    }
    if parts.record.height > 0 {
        let note = if shown.entries.len() == 1 {
            "1 entry".to_owned()
        } else {
            format!("{} entries, newest last", shown.entries.len())
        };
        pane("journal", &note, false, parts.record, buf);
        let inside = Pane::padded(parts.record);
        record::draw(shown.run, shown.entries, theme, inside, buf);
    }
    let inside = Pane::padded(parts.step);
    let mut paper = Paper::new(theme, inside.width);
    let (title, note) = page(view, shown, parts.plan.width == 0, &mut paper);
    let room = usize::from(inside.height);
    let top = paper.in_view(view.app.here().place.top, room);
    let above = top.min(paper.len().saturating_sub(room));
    let below = paper.len().saturating_sub(room + above);
    let note = match (above, below) {
        (0, 0) => note,
        (0, below) => format!("{below} more below"),
        (above, 0) => format!("{above} more above"),
        (above, below) => format!("{above} above, {below} below"),
    };
    let title = if above + below > 0 {
        // That there is more to read is worth more than the end of a title.
        let room = usize::from(parts.step.width).saturating_sub(text::width(&note) + 8);
        super::paper::cut(&title, room)
    } else {
        title
    };
    pane(&title, &note, true, parts.step, buf);
    paper.draw(inside, top, buf);
}

/// Writes the right pane; returns its title and the remark at the right of it.
fn page(view: &View<'_>, shown: Shown<'_>, alone: bool, paper: &mut Paper<'_>) -> (String, String) {
    let run = shown.run;
    let lost = view.app.runs.lost();
    let number = plan::number_of(run, plan::focus(run)).unwrap_or(0);
    let section = run
        .plan()
        .get(plan::focus(run))
        .map_or(0, |step| step.section);
    let title = match (alone, run.ledger().end.is_some()) {
        (_, true) => format!(
            "{}: {}",
            run.start().runbook,
            plan::word(run.ledger().state)
        ),
        _ if run.undoing().is_some() => format!("going back: {number}  {}", run.title(section)),
        (true, false) => format!(
            "{number} of {}  {}",
            run.sections().len(),
            run.title(section)
        ),
        (false, false) => format!("{number}  {}", run.title(section)),
    };
    match view.app.here().place.pane % RUN_PAGES {
        1 => {
            super::preflight::write(run, paper);
            ("preflight".into(), "tab: the change".into())
        }
        2 => {
            super::preflight::change(run, paper);
            ("the change".into(), "tab: why".into())
        }
        WHY => (why::write(run, paper), "e: the step".into()),
        _ => {
            if let Some(why) = lost {
                step::not_carried_here(run, why, paper);
            }
            let over = run.ledger().end.is_some() || run.halted().is_some() || lost.is_some();
            if run.ask().is_some() && !over {
                question::write(view, run, paper);
            } else {
                step::write(view, run, paper);
            }
            (title, "tab: preflight".into())
        }
    }
}
