//! A pane: a border with a title at the left, a note at the right, and the focus in its colour. Panes whose
//! areas overlap by one row or column share that border and draw the right junctions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::ui::theme::Theme;
use crate::ui::widget::text;

const UP: usize = 1;
const DOWN: usize = 2;
const LEFT: usize = 4;
const RIGHT: usize = 8;

/// A border around an area.
pub struct Pane<'a> {
    /// What the pane shows.
    pub title: &'a str,
    /// A remark at the right: how many, how sorted, how stale.
    pub note: &'a str,
    /// Whether keys go here. Draw the focused pane last, so that shared borders are its own.
    pub focused: bool,
    /// How it looks.
    pub theme: &'a Theme,
}

impl Pane<'_> {
    /// What is left inside the border.
    pub fn inner(area: Rect) -> Rect {
        let width = area.width.saturating_sub(2);
        let height = area.height.saturating_sub(2);
        if width == 0 || height == 0 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        Rect::new(area.x + 1, area.y + 1, width, height)
    }

    /// [`Pane::inner`] with one blank column at either side.
    pub fn padded(area: Rect) -> Rect {
        let inner = Self::inner(area);
        if inner.width < 3 {
            return inner;
        }
        Rect::new(inner.x + 1, inner.y, inner.width - 2, inner.height)
    }

    fn headings(&self, area: Rect, buf: &mut Buffer) {
        let room = area.width.saturating_sub(2);
        if room < 3 {
            return;
        }
        let style = if self.focused {
            self.theme.strong()
        } else {
            self.theme.text()
        };
        let title = text::sanitize(self.title);
        let title = text::fit(&title, usize::from(room.saturating_sub(3)));
        let mut taken = 0;
        if !title.is_empty() {
            taken = text::put(
                buf,
                (area.x + 1, area.y),
                &format!(" {title} "),
                room,
                style,
            );
        }
        let note = text::sanitize(self.note);
        // What does not fit loses its last parts first; a note cut in a word says less than the line it stands on.
        let mut note = note.as_ref();
        let fits = |note: &str| taken + 3 + text::width(note) as u16 <= room;
        while !fits(note) {
            match note.rfind(", ") {
                Some(at) => note = note.get(..at).unwrap_or_default(),
                None => return,
            }
        }
        let wide = text::width(note) as u16 + 2;
        if wide > 2 {
            let x = area.right() - 1 - wide;
            text::put(
                buf,
                (x, area.y),
                &format!(" {note} "),
                wide,
                self.theme.dim(),
            );
        }
    }
}

/// Draws the border of an area, joined to lines that are already there.
pub fn frame(area: Rect, buf: &mut Buffer, style: Style, theme: &Theme) {
    if area.width < 2 || area.height < 2 || area.intersection(buf.area) != area {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.x + 1..right {
        join(buf, (x, area.y), LEFT | RIGHT, style, theme);
        join(buf, (x, bottom), LEFT | RIGHT, style, theme);
    }
    for y in area.y + 1..bottom {
        join(buf, (area.x, y), UP | DOWN, style, theme);
        join(buf, (right, y), UP | DOWN, style, theme);
    }
    join(buf, (area.x, area.y), DOWN | RIGHT, style, theme);
    join(buf, (right, area.y), DOWN | LEFT, style, theme);
    join(buf, (area.x, bottom), UP | RIGHT, style, theme);
    join(buf, (right, bottom), UP | LEFT, style, theme);
}

fn join(buf: &mut Buffer, place: (u16, u16), arms: usize, style: Style, theme: &Theme) {
    let glyphs = theme.glyphs();
    let Some(cell) = buf.cell_mut(place) else {
        return;
    };
    let before = glyphs.directions(cell.symbol()).unwrap_or(0);
    let symbol = glyphs.lines.get(before | arms).copied().unwrap_or(" ");
    cell.set_symbol(symbol).set_style(style);
}

impl Widget for &Pane<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        frame(area, buf, self.theme.border(self.focused), self.theme);
        if area.width >= 2 && area.height >= 2 {
            self.headings(area, buf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::glyphs::ASCII;
    use crate::ui::widget::sample::{buffer, picture};

    fn pane<'a>(title: &'a str, note: &'a str, theme: &'a Theme) -> Pane<'a> {
        Pane {
            title,
            note,
            focused: false,
            theme,
        }
    }

    #[test]
    fn title_left_note_right() {
        let theme = Theme::plain();
        let mut buf = buffer(30, 3);
        (&pane("services", "4, sorted", &theme)).render(buf.area, &mut buf);
        assert_eq!(
            picture(&buf),
            "\
┌ services ─────── 4, sorted ┐
│                            │
└────────────────────────────┘"
        );
    }

    #[test]
    fn a_note_without_room_loses_its_end_and_then_goes_and_a_title_is_cut() {
        let theme = Theme::plain();
        let mut buf = buffer(24, 2);
        (&pane("services", "4, sorted, by name", &theme)).render(buf.area, &mut buf);
        assert_eq!(
            picture(&buf),
            "┌ services ─ 4, sorted ┐\n└──────────────────────┘"
        );
        let theme = Theme::plain();
        let mut buf = buffer(16, 2);
        (&pane("services of a town", "4, sorted", &theme)).render(buf.area, &mut buf);
        assert_eq!(picture(&buf), "┌ services o… ─┐\n└──────────────┘");
    }

    #[test]
    fn neighbours_share_a_border() {
        let theme = Theme::plain();
        let mut buf = buffer(13, 5);
        (&pane("a", "", &theme)).render(Rect::new(0, 0, 13, 3), &mut buf);
        (&pane("b", "", &theme)).render(Rect::new(0, 2, 7, 3), &mut buf);
        (&pane("c", "", &theme)).render(Rect::new(6, 2, 7, 3), &mut buf);
        assert_eq!(
            picture(&buf),
            "\
┌ a ────────┐
│           │
├ b ──┬ c ──┤
│     │     │
└─────┴─────┘"
        );
    }

    #[test]
    fn ascii_borders_join_too() {
        let theme = Theme::plain().with_glyphs(&ASCII);
        let mut buf = buffer(9, 5);
        (&pane("a", "", &theme)).render(Rect::new(0, 0, 9, 3), &mut buf);
        (&pane("b", "", &theme)).render(Rect::new(0, 2, 9, 3), &mut buf);
        assert_eq!(
            picture(&buf),
            "+ a ----+\n|       |\n+ b ----+\n|       |\n+-------+"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_area_in_any_buffer(
            x in 0u16..90, y in 0u16..40, width in 0u16..300, height in 0u16..80, title in ".{0,20}"
        ) {
            let theme = Theme::plain();
            let mut buf = buffer(90, 40);
            (&pane(&title, &title, &theme)).render(Rect::new(x, y, width, height), &mut buf);
        }
    }

    #[test]
    fn no_size_is_too_small() {
        let theme = Theme::plain();
        for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 5), (2, 2), (5, 2), (7, 3)] {
            let mut buf = buffer(width, height);
            (&pane("title", "note", &theme)).render(buf.area, &mut buf);
            assert!(Pane::inner(buf.area).intersection(buf.area) == Pane::inner(buf.area));
            assert!(Pane::padded(buf.area).width <= width);
        }
    }
}
