//! Any kind by name, as the server's own table: its columns, its words, watched.

use super::lines::{since, words};
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::list;
use crate::app::table::{TableColumn, TableRow, TableStore};
use crate::domain::target::Scope;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::fmt::Write as _;

/// The widest column but the last.
const WIDEST: usize = 44;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let store = &app.reading.table;
    let rows: Vec<&TableRow> = list::table_rows(app).collect();
    let total = store.rows().count();
    let name = store.plural.as_ref().or(store.name.as_ref());
    let mut title = name.map_or(String::new(), ToString::to_string);
    if let Some(trouble) = store.trouble.as_ref().filter(|_| total > 0) {
        let _ = write!(title, " · stale: {trouble}");
    }
    let note = if rows.len() < total {
        format!("{} of {total} shown", rows.len())
    } else {
        format!("{total}, by name")
    };
    let pane = Pane {
        title: &title,
        note: &note,
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::inner(area);
    let spaced = app.target.scope == Scope::All && store.namespaced;
    let columns = columns(store, spaced);
    let selected = list::position(&app.here().place, &list::items(app));
    let height = usize::from(inside.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let empty = empty(store, &app.here().place.filter);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            rows.get(index)
                .map_or_else(Row::default, |of| row(view, of, spaced))
        },
        len: rows.len(),
        offset: window(at, at.saturating_sub(height / 2), height, rows.len()),
        selected,
        scroll: app.here().place.right,
        stale: store.trouble.is_some(),
        empty: &empty,
        theme,
    };
    Widget::render(&table, inside, buf);
}

/// Which of the server's columns are shown: not those for wide lists.
fn narrow(store: &TableStore) -> impl Iterator<Item = (usize, &TableColumn)> {
    store
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.wide)
}

fn columns(store: &TableStore, spaced: bool) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    if spaced {
        columns.push(Column::words("NAMESPACE", 12, 24).pin());
    }
    for (shown, (index, column)) in narrow(store).enumerate() {
        let title = column.name.chars().count();
        let widest = store
            .widths
            .get(index)
            .copied()
            .unwrap_or(0)
            .max(title)
            .min(WIDEST);
        let least = widest.min(if shown == 0 { 24 } else { title.max(8) });
        let made = Column::words(&column.name, least as u16, widest as u16 + 2);
        columns.push(if shown == 0 { made.pin() } else { made });
    }
    columns
}

fn row(view: &View<'_>, row: &TableRow, spaced: bool) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let mut cells = Vec::new();
    if spaced {
        cells.push(words(&*row.namespace, theme.dim()));
    }
    for (index, column) in narrow(&app.reading.table) {
        let text = row.cells.get(index).map_or("", |cell| cell);
        // The server's age is of the moment it was asked.
        let age =
            (&*column.name == "Age" && row.created.is_some()).then(|| since(row.created, app.now));
        cells.push(match age {
            Some(age) => Cell::new(age, theme.text()),
            None => words(text, theme.text()),
        });
    }
    Row {
        cells,
        marked: app.here().place.marked.contains(&row.uid),
    }
}

fn empty(store: &TableStore, filter: &str) -> String {
    let name = store.plural.as_ref().or(store.name.as_ref());
    let name = name.map_or("", |name| name);
    match &store.trouble {
        Some(why) => why.to_string(),
        None if !filter.is_empty() => "No row passes the filter. esc clears it.".to_owned(),
        None if store.listed() => format!("There are no {name} here."),
        None => format!("{name} are being listed."),
    }
}
