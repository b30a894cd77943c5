//! A chart that answers a question: the present value, three labels, the limit with its figure, the changes with
//! their names, gaps as gaps, old and new told apart by stroke as well as by colour.

mod layout;
mod paint;
pub mod spec;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

pub use self::spec::{Chart, Mark, Series};
use crate::ui::theme::Theme;
pub use crate::ui::widget::canvas::Stroke;
use crate::ui::widget::text;

const LEAST_WIDTH: u16 = 20;
const LEAST_HEIGHT: u16 = 4;

impl Widget for &Chart<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let mut area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if area.width < LEAST_WIDTH || area.height < LEAST_HEIGHT {
            let words = if self.has_values() {
                self.headline()
            } else {
                self.empty.to_owned()
            };
            sentence(&words, self.theme, area, buf);
            return;
        }
        if self.titled {
            text::put(
                buf,
                (area.x, area.y),
                &self.headline(),
                area.width,
                self.theme.strong(),
            );
            area = Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            };
        }
        if !self.has_values() {
            sentence(self.empty, self.theme, area, buf);
            return;
        }
        let layout = layout::Layout::new(self, area);
        paint::paint(self, &layout, buf);
        if self.stale {
            buf.set_style(area, self.theme.dim());
        }
    }
}

fn sentence(words: &str, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let clean = text::sanitize(words);
    let lines = text::wrap(&clean, usize::from(area.width));
    let from = usize::from(area.height).saturating_sub(lines.len()) / 2;
    for (y, line) in (area.y + from as u16..area.bottom()).zip(lines) {
        text::put(buf, (area.x, y), &line, area.width, theme.dim());
    }
}

#[cfg(test)]
mod tests;
