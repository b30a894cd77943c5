//! Runs of others, below those of this machine: who, what, where it stands and what comes next; orphans first.

use crate::app::runs::elsewhere::Elsewhere;
use crate::ui::paper::Paper;
use crate::ui::theme::Tone;
use crate::ui::view::View;
use crate::ui::widget::pane::Pane;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// The most rows they take of the screen, as a part of it.
const PART: u16 = 2;

/// Draws them at the bottom; what is left of the area.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    let now = view.app.now;
    let mut runs: Vec<&Elsewhere> = view.app.others().collect();
    if runs.is_empty() {
        return area;
    }
    runs.sort_by_key(|run| run.silent(now).is_none());
    let orphans = runs.iter().filter(|run| run.silent(now).is_some()).count();
    let many = runs.len();
    let mut paper = Paper::new(view.theme, Pane::padded(area).width);
    for run in runs {
        let ahead = run.ahead();
        let ahead = if ahead.is_empty() {
            ahead
        } else {
            format!("; {ahead}")
        };
        if let Some(long) = run.silent(now) {
            let line = format!(
                "ORPHANED RUN {}{ahead}; silent for {} s",
                run.words(),
                long.as_secs()
            );
            paper.words(&line, view.theme.tone(Tone::Failing));
            paper.words(&run.take_over(), view.theme.text());
        } else {
            paper.words(&format!("{}{ahead}", run.words()), view.theme.text());
        }
    }
    let wanted = paper.len() as u16 + 2;
    let height = wanted.min((area.height / PART).max(4)).min(area.height);
    let list = Rect {
        height: area.height - height,
        ..area
    };
    let bottom = Rect {
        y: area.y + list.height,
        height,
        ..area
    };
    let note = format!("{many}, {orphans} orphaned");
    let pane = Pane {
        title: "runs of others",
        note: &note,
        focused: false,
        theme: view.theme,
    };
    Widget::render(&pane, bottom, buf);
    paper.draw(Pane::padded(bottom), 0, buf);
    list
}
