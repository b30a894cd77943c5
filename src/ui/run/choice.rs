//! One way to answer a question, as it is written: its label with the cursor's mark, and what it does.

use crate::app::ask::Choice;
use crate::ui::paper::{Paper, Span};
use ratatui::style::Style;

/// Writes a choice.
pub fn write_choice(choice: &Choice, chosen: bool, paper: &mut Paper<'_>) {
    let theme = paper.theme;
    let (mark, style) = pointed(chosen, paper);
    paper.hanging(&[mark], 2, &choice.label, style);
    if !choice.effect.is_empty() {
        let blank = ("    ".to_owned(), Style::new());
        paper.hanging(&[blank], 4, &choice.effect, theme.dim());
    }
}

/// The mark of the cursor and the style of what it points at.
pub fn pointed(chosen: bool, paper: &Paper<'_>) -> (Span, Style) {
    let theme = paper.theme;
    if chosen {
        let mark = (format!("{} ", theme.glyphs().selected), theme.key());
        (mark, theme.strong().patch(theme.selected()))
    } else {
        (("  ".to_owned(), Style::new()), theme.text())
    }
}
