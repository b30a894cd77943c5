//! What works here, made from the keymap: the most particular place first.

use super::view::View;
use super::widget::dialog::{Dialog, Entry};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the help over the screen.
pub fn draw(view: &View<'_>, area: Rect, top: usize, buf: &mut Buffer) {
    let theme = view.theme;
    let hints = view.keys.hints(view.app);
    let mut entries = Vec::new();
    let mut group = "";
    for hint in hints.iter().filter(|hint| !hint.keys.is_empty()) {
        if hint.group != group {
            group = hint.group;
            entries.push(Entry::new(group, "", theme.strong()));
        }
        entries.push(Entry::new(&hint.keys, hint.words, theme.text()));
    }
    let dialog = Dialog {
        title: "keys that work here",
        entries: &entries,
        prompt: None,
        refused: "",
        left: "esc close",
        right: "j k scroll",
        scroll: top,
        frame: theme.border(true),
        theme,
    };
    Widget::render(&dialog, area, buf);
}
