//! Why a verdict is what it is, over the screen: findings, figures with their limits, pods, what was released, sources.

use super::lines::level_tone;
use super::view::View;
use super::widget::dialog::{Dialog, Entry};
use crate::app::explain::explain;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the explanation over the screen.
pub fn draw(view: &View<'_>, area: Rect, top: usize, buf: &mut Buffer) {
    let theme = view.theme;
    let (title, lines) = explain(view.app);
    let said: Vec<(String, ratatui::style::Style)> = lines
        .iter()
        .map(|line| match line.level.map(level_tone) {
            Some(tone) => (
                format!("{} {}", theme.glyphs().tone(tone), line.text),
                theme.tone(tone),
            ),
            None => (line.text.clone(), theme.text()),
        })
        .collect();
    let entries: Vec<Entry<'_>> = lines
        .iter()
        .zip(&said)
        .map(|(line, (text, style))| {
            // A line that goes on stands under the one before it: its label is blank, not absent.
            let label = if line.label.is_empty() {
                " "
            } else {
                line.label
            };
            Entry::new(label, text, *style)
        })
        .collect();
    let dialog = Dialog {
        title: &title,
        entries: &entries,
        prompt: None,
        refused: "",
        left: "esc close",
        right: "j k scroll, o links",
        scroll: top,
        frame: theme.border(true),
        theme,
    };
    // However far one scrolls, something stays in view.
    let most = dialog.below(area).saturating_add(top);
    let dialog = Dialog {
        scroll: top.min(most.saturating_sub(usize::from(most > 0 && top > most))),
        ..dialog
    };
    Widget::render(&dialog, area, buf);
}
