//! Everything that changed, newest first: revisions, alerts, onsets.

use super::overview::change_row;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Column, Row, Table};
use super::widget::window::window;
use crate::app::changes::Change;
use crate::app::list;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let changes: Vec<&Change> = list::changes(app).collect();
    let note = format!("{}, newest first", changes.len());
    Widget::render(
        &Pane {
            title: "timeline",
            note: &note,
            focused: true,
            theme,
        },
        area,
        buf,
    );
    let inside = Pane::inner(area);
    let selected = list::position(&app.here().place, &list::items(app));
    let height = usize::from(inside.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let columns = [
        Column::words("TIME", 8, 8).pin(),
        Column::words("WHAT", 7, 7),
        Column::words("OF", 14, 22),
        Column::words("", 20, 140),
        Column::words("", 20, 20).drops(3),
    ];
    let table = Table {
        columns: &columns,
        rows: &|index| {
            changes
                .get(index)
                .map_or_else(Row::default, |change| change_row(view, change))
        },
        len: changes.len(),
        offset: window(at, at.saturating_sub(height / 2), height, changes.len()),
        selected,
        scroll: app.here().place.right,
        stale: false,
        empty: "Nothing changed in the last 24 hours, as far as the cluster remembers.",
        theme,
    };
    Widget::render(&table, inside, buf);
}
