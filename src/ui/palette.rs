//! What a line typed after `:` may mean, in a list over the last row; the chosen one is what enter does.

use super::lines::words;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Column, Row, Table};
use super::widget::window::window;
use crate::app::palette::{argued, kind, meant, rank, unknown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

/// The most lines that are shown at once.
const SHOWN: usize = 12;

/// Draws the list at the bottom of the screen's area.
pub fn draw(view: &View<'_>, area: Rect, (typed, chosen): (&str, usize), buf: &mut Buffer) {
    let theme = view.theme;
    let offers = view.app.offers();
    let found = rank(&offers, typed);
    let argument = argued(typed);
    let sentence = match (&argument, kind(&offers, typed)) {
        (Some(said), _) => said.sentence(),
        (None, Some(said)) => format!("{}, if the server has such a kind", said.sentence()),
        (None, None) => unknown(&offers, typed),
    };
    let len = if argument.is_some() { 0 } else { found.len() };
    let rows = len.clamp(2, SHOWN) as u16;
    let height = (rows + 3).min(area.height);
    let over = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    Clear.render(over, buf);
    buf.set_style(over, theme.ground().patch(theme.text()));
    let note = format!("{len}");
    let pane = Pane {
        title: "go to, or do",
        note: if len == 0 { "" } else { &note },
        focused: true,
        theme,
    };
    Widget::render(&pane, over, buf);
    let columns = [
        Column::words("NAME", 22, 48),
        Column::sentence("", 30, 70),
        Column::words("KEYS", 10, 16).drops(2),
    ];
    let inside = Pane::inner(over);
    let meant = meant(&found, typed, chosen).filter(|_| len > 0);
    let chosen = meant.unwrap_or(0);
    let visible = usize::from(inside.height.saturating_sub(1));
    let table = Table {
        columns: &columns,
        rows: &|index| {
            found.get(index).map_or_else(Row::default, |offer| Row {
                cells: vec![
                    words(offer.name.clone(), theme.strong()),
                    words(offer.words.clone(), theme.text()),
                    words(offer.keys.clone(), theme.key()),
                ],
                marked: false,
            })
        },
        len,
        offset: window(chosen, 0, visible, len),
        selected: meant,
        scroll: 0,
        stale: false,
        empty: &sentence,
        theme,
    };
    Widget::render(&table, inside, buf);
}
