//! Any kind by name, as the server's own table: its columns, its words, watched.

use super::lines::{Listing, listing, since, words};
use super::view::View;
use super::widget::table::{Cell, Column, Row};
use crate::app::list;
use crate::app::table::TableStore;
use crate::domain::table::{TableColumn, TableRow};
use crate::domain::target::Scope;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::fmt::Write as _;

/// The widest column but the last.
const WIDEST: usize = 44;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let store = &app.reading.table;
    let rows: Vec<&TableRow> = list::table_rows(app).collect();
    let total = store.rows().count();
    let mut title = title_of(store);
    if let Some(trouble) = store.trouble.as_ref().filter(|_| total > 0) {
        let _ = write!(title, " · stale: {trouble}");
    }
    if let Some(namespace) = &store.narrowed {
        let _ = write!(title, " · only of {namespace}: no right to the others");
    }
    let note = if rows.len() < total {
        format!("{} of {total} shown", rows.len())
    } else {
        format!("{total}, by name")
    };
    let heard = store
        .heard
        .map(|at| format!(", heard {} ago", since(Some(at), app.now)));
    let note = format!("{note}{}", heard.unwrap_or_default());
    let spaced = app.target.scope == Scope::All && store.namespaced;
    let listed = Listing {
        name: &title_of(store),
        title: &title,
        note: &note,
        columns: columns(view, spaced),
        rows: &|index| {
            rows.get(index)
                .map_or_else(Row::default, |of| row(view, of, spaced))
        },
        len: rows.len(),
        selected: list::at(app),
        focused: true,
        stale: store.trouble.is_some(),
        empty: &empty(store),
        whole: None,
    };
    listing(view, &listed, area, buf);
}

/// What the objects are called together.
fn title_of(store: &TableStore) -> String {
    let name = store.plural.as_ref().or(store.name.as_ref());
    name.map_or(String::new(), ToString::to_string)
}

/// Which of the server's columns are shown: those for wide lists only where they are asked for.
fn shown<'a>(view: &View<'a>) -> impl Iterator<Item = (usize, &'a TableColumn)> {
    let (all, wide) = (view.app.reading.table.columns.iter(), view.app.wide);
    all.enumerate()
        .filter(move |(_, column)| wide || !column.wide)
}

fn columns<'a>(view: &View<'a>, spaced: bool) -> Vec<Column<'a>> {
    let store = &view.app.reading.table;
    let mut columns = Vec::new();
    if spaced {
        columns.push(Column::words("NAMESPACE", 12, 24).pin());
    }
    for (place, (index, column)) in shown(view).enumerate() {
        let title = column.name.chars().count();
        let widest = store
            .widths
            .get(index)
            .copied()
            .unwrap_or(0)
            .max(title)
            .min(WIDEST);
        let least = widest.min(if place == 0 { 24 } else { title.max(8) });
        let made = Column::words(&column.name, least as u16, widest as u16 + 2);
        columns.push(if place == 0 { made.pin() } else { made });
    }
    columns
}

fn row(view: &View<'_>, row: &TableRow, spaced: bool) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let mut cells = Vec::new();
    if spaced {
        cells.push(words(&*row.namespace, theme.dim()));
    }
    for (index, column) in shown(view) {
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

fn empty(store: &TableStore) -> String {
    let name = title_of(store);
    match &store.trouble {
        Some(why) => why.to_string(),
        None if store.listed() => format!("There are no {name} here."),
        None => format!("{name} are being listed."),
    }
}
