//! ```text
//! ┌ links ───────────────────────────────────────────── enter copies, esc closes ┐
//! │ WHAT              OF                  WHERE                                    │
//! │▌runbook           HighErrorRate       https://runbooks.example/high-error-rate │
//! └─────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The links of what is under the cursor, to be copied; the chosen one in full below.

use super::lines::words;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Column, Row, Table};
use super::widget::text;
use super::widget::window::window;
use crate::app::links::links;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

/// Draws the links over the screen.
pub fn draw(view: &View<'_>, area: Rect, chosen: usize, buf: &mut Buffer) {
    let theme = view.theme;
    let links = links(view.app);
    let chosen = chosen.min(links.len().saturating_sub(1));
    let width = area.width.saturating_sub(4).min(130);
    let full = links.get(chosen).map_or_else(Vec::new, |link| {
        text::wrap(
            &text::sanitize(&link.text),
            usize::from(width.saturating_sub(4)),
        )
    });
    let below = (full.len() as u16).min(4);
    let height = (links.len().min(100) as u16 + 4 + below).min(area.height);
    let over = Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    );
    Clear.render(over, buf);
    buf.set_style(over, theme.ground().patch(theme.text()));
    let pane = Pane {
        title: "links",
        note: "enter copies, esc closes",
        focused: true,
        theme,
    };
    Widget::render(&pane, over, buf);
    let inner = Pane::inner(over);
    let rows = inner.height.saturating_sub(below + 1);
    let columns = [
        Column::words("WHAT", 12, 18),
        Column::words("OF", 14, 26).drops(2),
        Column::words("WHERE", 20, 120),
    ];
    let table = Table {
        columns: &columns,
        rows: &|index| {
            links.get(index).map_or_else(Row::default, |link| Row {
                cells: vec![
                    words(link.what.clone(), theme.strong()),
                    words(link.of.clone(), theme.dim()),
                    words(link.text.clone(), theme.key()),
                ],
                marked: false,
            })
        },
        len: links.len(),
        offset: window(chosen, 0, usize::from(rows.saturating_sub(1)), links.len()),
        selected: Some(chosen),
        scroll: 0,
        stale: false,
        empty: "No links.",
        theme,
    };
    let listed = Rect {
        height: rows,
        ..inner
    };
    Widget::render(&table, listed, buf);
    let padded = Pane::padded(over);
    for (y, line) in (padded.y + rows + 1..padded.bottom()).zip(&full) {
        text::put(buf, (padded.x, y), line, padded.width, theme.text());
    }
}
