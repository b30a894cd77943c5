//! The last row: keys of what has the focus, most used first, at most what fits, and the way to help always.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::ui::theme::Theme;
use crate::ui::widget::text;

const GAP: usize = 3;

/// A row of keys and what they do.
pub struct KeyHints<'a> {
    /// Key and words, most used first.
    pub hints: &'a [(&'a str, &'a str)],
    /// Stays whatever else must go.
    pub always: Option<(&'a str, &'a str)>,
    /// How it looks.
    pub theme: &'a Theme,
}

impl KeyHints<'_> {
    /// The hints that fit in so many columns, in order.
    fn shown(&self, columns: usize) -> Vec<(&str, &str)> {
        let size = |(key, words): &(&str, &str)| text::width(key) + 1 + text::width(words);
        let reserve = self.always.as_ref().map_or(0, |hint| size(hint) + GAP);
        let mut used = 0;
        let mut shown = Vec::new();
        for hint in self.hints {
            let gap = if shown.is_empty() { 0 } else { GAP };
            if used + gap + size(hint) + reserve > columns {
                break;
            }
            used += gap + size(hint);
            shown.push(*hint);
        }
        let gap = if shown.is_empty() { 0 } else { GAP };
        shown.extend(
            self.always
                .filter(|hint| used + gap + size(hint) <= columns),
        );
        shown
    }
}

impl Widget for &KeyHints<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.width < 2 || area.height == 0 {
            return;
        }
        let mut x = area.x + 1;
        for (key, words) in self.shown(usize::from(area.width - 1)) {
            x += text::put(buf, (x, area.y), key, area.right() - x, self.theme.key()) + 1;
            x +=
                text::put(buf, (x, area.y), words, area.right() - x, self.theme.dim()) + GAP as u16;
            if x >= area.right() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::sample::{buffer, picture};

    fn drawn(width: u16) -> String {
        let theme = Theme::plain();
        let hints = [
            ("enter", "open"),
            ("R", "rollout"),
            ("K", "rollback"),
            ("l", "logs"),
        ];
        let mut buf = buffer(width, 1);
        let row = KeyHints {
            hints: &hints,
            always: Some(("?", "help")),
            theme: &theme,
        };
        (&row).render(buf.area, &mut buf);
        picture(&buf)
    }

    #[test]
    fn the_least_used_keys_go_first_and_help_stays() {
        assert_eq!(
            drawn(60),
            " enter open   R rollout   K rollback   l logs   ? help"
        );
        assert_eq!(drawn(46), " enter open   R rollout   K rollback   ? help");
        assert_eq!(drawn(12), " ? help");
        assert_eq!(drawn(5), "");
    }

    #[test]
    fn every_width_draws_whole_hints_only() {
        for width in 0..80 {
            let line = drawn(width);
            assert!(!line.contains('…'), "{line}");
        }
    }
}
