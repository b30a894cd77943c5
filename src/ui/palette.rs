//! What a line typed after `:` may mean, in a list over the last row; the chosen one is what enter does.

use super::lines::words;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Column, Row, Table};
use super::widget::window::window;
use crate::app::palette::{argued, begun, kind, meant, rank, unknown};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

/// The most lines that are shown at once.
const SHOWN: usize = 12;

/// What a line that begins a run does, or why it cannot.
fn begins(view: &View<'_>, typed: &str) -> Option<String> {
    let request = begun(typed)?;
    let book = view.app.runs.book(&request.runbook)?;
    let Ok(book) = &book.book else {
        return Some(format!("{} cannot be read", request.runbook));
    };
    for (name, value) in &request.params {
        match book.param(name).map(|param| param.read(value)) {
            None => {
                let names: Vec<&str> = book.params.iter().map(|one| one.name.as_str()).collect();
                let names = names.join(", ");
                return Some(format!("there is no parameter {name}; there are {names}"));
            }
            Some(Err(why)) => return Some(why),
            Some(Ok(_)) => {}
        }
    }
    Some(format!(
        "enter starts {}; nothing is changed before it was shown and confirmed",
        request.runbook
    ))
}

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
    let begun = begins(view, typed);
    let sentence = begun.clone().unwrap_or(sentence);
    let len = if argument.is_some() || begun.is_some() {
        0
    } else {
        found.len()
    };
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
