//! ```text
//! ┌ contexts ───────────────────────────────────────────────────────── 3, enter goes there ┐
//! │   CONTEXT     WORST KNOWN  WHERE             AS OF   WHY                                 │
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The contexts of the kubeconfig. Nothing is asked of a cluster nobody chose: what was not seen is unknown, and says so.

use super::lines::{Listing, level_cell, level_tone, listing, since, words};
use super::view::View;
use super::widget::table::{Cell, Column, Row};
use crate::app::list;
use crate::app::places::ContextPlace;
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let places: Vec<ContextPlace> = list::contexts(app);
    let note = format!("{}, enter goes there", places.len());
    let trouble = match &app.reading.places.contexts {
        Some(Err(why)) => format!(" · {why}"),
        _ => String::new(),
    };
    let title = format!("contexts{trouble}");
    let selected = list::at(app);
    let whole = selected
        .and_then(|at| places.get(at))
        .map(|place| why(view, place));
    let listed = Listing {
        name: "contexts",
        title: &title,
        note: &note,
        columns: vec![
            Column::words("", 1, 1).pin(),
            Column::words("CONTEXT", 18, 40).pin(),
            Column::words("WORST KNOWN", 11, 11),
            Column::words("WHERE", 14, 24).drops(3),
            Column::figures("AS OF", 6),
            Column::sentence("WHY", 24, 90).drops(2),
            Column::words("SERVER", 16, 50).drops(4),
            Column::words("LOGIN", 6, 30).drops(5),
        ],
        rows: &|index| {
            places
                .get(index)
                .map_or_else(Row::default, |place| row(view, place))
        },
        len: places.len(),
        selected,
        focused: true,
        stale: false,
        empty: "The kubeconfig names no context.",
        whole: Some(whole.as_deref().unwrap_or("")),
    };
    listing(view, &listed, area, buf);
}

/// The worst that is known of a context, or that nothing is.
fn why(view: &View<'_>, place: &ContextPlace) -> String {
    match view.app.reading.places.worst(&place.name) {
        Some((_, known)) => known.text.clone(),
        None => "not looked at since this console began".into(),
    }
}

fn row(view: &View<'_>, place: &ContextPlace) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let here = place.name == app.target.context;
    let worst = app.reading.places.worst(&place.name);
    let level = worst.map_or(Level::Unknown, |(_, known)| known.level);
    let scope = worst.map_or("–".to_owned(), |(scope, _)| match &**scope {
        "*" => "all namespaces".into(),
        name => name.to_owned(),
    });
    let age = worst.map_or("–".to_owned(), |(_, known)| {
        since(Some(known.at), app.now)
    });
    let why = why(view, place);
    let name = if here { theme.strong() } else { theme.text() };
    let cells = vec![
        level_cell(theme, level),
        words(&*place.name, name),
        Cell::new(level.word(), theme.tone(level_tone(level))),
        words(scope, theme.dim()),
        Cell::new(age, theme.dim()),
        words(why, theme.text()),
        words(&*place.server, theme.dim()),
        words(place.plugin.as_deref().unwrap_or(""), theme.dim()),
    ];
    Row {
        cells,
        marked: here,
    }
}
