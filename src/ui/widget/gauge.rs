//! How far a hold has come: a bar, the time done and the time asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::ui::theme::{Glyphs, Theme, Tone};
use crate::ui::widget::{figures, text};

/// A bar of so many columns. It is full only at the end, and shows something as soon as there is something.
pub fn bar(share: f64, columns: usize, glyphs: &Glyphs) -> String {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let mut full = (share * columns as f64).round() as usize;
    if share > 0.0 && full == 0 {
        full = columns.min(1);
    }
    if share < 1.0 && columns > 1 {
        full = full.min(columns - 1);
    }
    glyphs.full.repeat(full) + &glyphs.empty.repeat(columns - full)
}

/// A dwell: seconds done of seconds asked.
pub struct Gauge<'a> {
    /// Seconds that have held.
    pub done: f64,
    /// Seconds that must hold.
    pub total: f64,
    /// What it is.
    pub tone: Tone,
    /// How it looks.
    pub theme: &'a Theme,
}

impl Gauge<'_> {
    fn label(&self) -> String {
        format!(
            "{} / {}",
            figures::clock(Some(self.done)),
            figures::clock(Some(self.total))
        )
    }
}

impl Widget for &Gauge<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let label = self.label();
        let wide = label.len() as u16;
        if area.width < wide + 4 {
            // Half a figure is worse than none.
            let shown = if wide <= area.width {
                label.as_str()
            } else {
                ""
            };
            text::put(buf, (area.x, area.y), shown, area.width, self.theme.text());
            return;
        }
        let columns = area.width - wide - 1;
        let share = if self.total > 0.0 {
            self.done / self.total
        } else {
            1.0
        };
        let bar = bar(share, usize::from(columns), self.theme.glyphs());
        text::put(
            buf,
            (area.x, area.y),
            &bar,
            columns,
            self.theme.tone(self.tone),
        );
        text::put(
            buf,
            (area.x + columns + 1, area.y),
            &label,
            wide,
            self.theme.text(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::glyphs::{ASCII, UNICODE};
    use crate::ui::widget::sample::{buffer, picture};
    use proptest::prelude::*;

    fn drawn(width: u16, done: f64, total: f64) -> String {
        let mut buf = buffer(width, 1);
        let theme = Theme::plain();
        (&Gauge {
            done,
            total,
            tone: Tone::Moving,
            theme: &theme,
        })
            .render(buf.area, &mut buf);
        picture(&buf)
    }

    #[test]
    fn the_bar_is_full_only_at_the_end() {
        assert_eq!(bar(0.0, 4, &UNICODE), "░░░░");
        assert_eq!(bar(0.001, 4, &UNICODE), "█░░░");
        assert_eq!(bar(0.999, 4, &UNICODE), "███░");
        assert_eq!(bar(1.0, 4, &ASCII), "####");
        assert_eq!(bar(f64::NAN, 2, &ASCII), "..");
        assert_eq!(bar(0.5, 0, &ASCII), "");
    }

    #[test]
    fn the_times_stand_behind_the_bar() {
        assert_eq!(drawn(21, 130.0, 180.0), "███████░░ 2:10 / 3:00");
        assert_eq!(drawn(12, 130.0, 180.0), "2:10 / 3:00");
        assert_eq!(drawn(6, 130.0, 180.0), "");
    }

    proptest! {
        #[test]
        fn any_numbers_and_any_width_draw(width in 0u16..100, done in any::<f64>(), total in any::<f64>()) {
            drawn(width, done, total);
        }
    }
}
