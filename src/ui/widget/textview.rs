//! Long text on a screen: wrapped or scrolled sideways, with the matches of a search laid over. Lines are asked for
//! one by one, so that a log of any length costs what is visible.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use unicode_segmentation::UnicodeSegmentation;

use crate::ui::theme::Theme;
use crate::ui::widget::text;

/// A view of lines.
pub struct TextView<'a, 'l> {
    /// The line of an index.
    pub lines: &'a dyn Fn(usize) -> Line<'l>,
    /// How many lines there are.
    pub len: usize,
    /// The first visible line.
    pub offset: usize,
    /// Whether long lines go on below; else they go on at the right.
    pub wrap: bool,
    /// Columns scrolled away at the left, when not wrapping.
    pub column: usize,
    /// What is searched; empty for nothing. Case does not matter.
    pub needle: &'a str,
    /// How it looks.
    pub theme: &'a Theme,
}

/// One letter of a line, with how it looks.
struct Letter {
    sign: String,
    wide: usize,
    style: Style,
}

impl TextView<'_, '_> {
    /// The offset that shows the last line at the bottom.
    pub fn tail(&self, area: Rect) -> usize {
        let mut left = usize::from(area.height);
        let mut first = self.len;
        while first > 0 {
            let rows = self.rows_of(first - 1, area.width);
            if rows > left {
                break;
            }
            left -= rows;
            first -= 1;
        }
        // A last line longer than the screen is shown from its beginning.
        first.min(self.len.saturating_sub(1))
    }

    fn rows_of(&self, index: usize, width: u16) -> usize {
        if !self.wrap {
            return 1;
        }
        rows(self.letters(index), usize::from(width)).len()
    }

    fn letters(&self, index: usize) -> Vec<Letter> {
        let line = (self.lines)(index);
        let base = self.theme.text().patch(line.style);
        let mut letters = Vec::new();
        for span in &line.spans {
            let clean = text::sanitize(&span.content);
            let style = base.patch(span.style);
            let letter = |sign: &str| Letter {
                sign: sign.to_owned(),
                wide: text::width(sign),
                style,
            };
            letters.extend(clean.graphemes(true).map(letter));
        }
        highlight(&mut letters, self.needle, self.theme.found());
        letters
    }
}

/// Lays the style over every match. Matches are found in the text as it is shown, across changes of style.
fn highlight(letters: &mut [Letter], needle: &str, style: Style) {
    let needle = text::sanitize(needle).to_lowercase();
    if needle.is_empty() {
        return;
    }
    let mut hay = String::new();
    let mut starts = Vec::with_capacity(letters.len());
    for letter in letters.iter() {
        starts.push(hay.len());
        hay.push_str(&letter.sign.to_lowercase());
    }
    for (from, found) in hay.match_indices(&needle) {
        let to = from + found.len();
        for (letter, start) in letters.iter_mut().zip(&starts) {
            if (from..to).contains(start) {
                letter.style = letter.style.patch(style);
            }
        }
    }
}

/// The letters in rows of at most so many columns; never no row.
fn rows(letters: Vec<Letter>, columns: usize) -> Vec<Vec<Letter>> {
    let mut rows = vec![Vec::new()];
    let mut used = 0;
    for letter in letters.into_iter().filter(|letter| letter.wide <= columns) {
        if used + letter.wide > columns {
            rows.push(Vec::new());
            used = 0;
        }
        used += letter.wide;
        if let Some(row) = rows.last_mut() {
            row.push(letter);
        }
    }
    rows
}

/// What is left of a line when so many columns are scrolled away; half a wide letter becomes a blank.
fn scrolled(letters: Vec<Letter>, mut columns: usize) -> Vec<Letter> {
    let mut rest = Vec::with_capacity(letters.len());
    for letter in letters {
        if columns == 0 {
            rest.push(letter);
        } else if letter.wide <= columns {
            columns -= letter.wide;
        } else {
            rest.push(Letter {
                sign: " ".into(),
                wide: letter.wide - columns,
                style: letter.style,
            });
            columns = 0;
        }
    }
    rest
}

fn write(row: &[Letter], area: Rect, y: u16, more: (&str, Style), buf: &mut Buffer) {
    let mut x = area.x;
    let wide: usize = row.iter().map(|letter| letter.wide).sum();
    let goes_on = wide > usize::from(area.width) && area.width > 1;
    if goes_on {
        text::put(buf, (area.right() - 1, y), more.0, 1, more.1);
    }
    let area = Rect {
        width: area.width - u16::from(goes_on),
        ..area
    };
    for letter in row {
        if letter.wide == 0 || usize::from(area.right() - x) < letter.wide {
            if letter.wide > 0 {
                return;
            }
            continue;
        }
        buf.set_stringn(x, y, &letter.sign, letter.wide, letter.style);
        x += letter.wide as u16;
        if x >= area.right() {
            return;
        }
    }
}

impl Widget for &TextView<'_, '_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let mut y = area.y;
        let more = (self.theme.glyphs().more, self.theme.dim());
        for index in self.offset..self.len {
            let letters = self.letters(index);
            let shown = if self.wrap {
                rows(letters, usize::from(area.width))
            } else {
                vec![scrolled(letters, self.column)]
            };
            for row in shown {
                if y >= area.bottom() {
                    return;
                }
                write(&row, area, y, more, buf);
                y += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::sample::{buffer, lines};
    use proptest::prelude::*;
    use ratatui::style::Modifier;
    use ratatui::text::Span;

    const LOG: [&str; 4] = [
        "first line",
        "an ERROR in 世界 here",
        "evil \x1b[2J text",
        "last",
    ];

    fn log(index: usize) -> Line<'static> {
        Line::from(LOG[index])
    }

    fn view<'a, 'l>(
        lines: &'a dyn Fn(usize) -> Line<'l>,
        len: usize,
        theme: &'a Theme,
    ) -> TextView<'a, 'l> {
        TextView {
            lines,
            len,
            offset: 0,
            wrap: false,
            column: 0,
            needle: "",
            theme,
        }
    }

    fn drawn(view: &TextView<'_, '_>, width: u16, height: u16) -> Buffer {
        let mut buf = buffer(width, height);
        view.render(buf.area, &mut buf);
        buf
    }

    #[test]
    fn long_lines_go_on_at_the_right_or_below() {
        let theme = Theme::plain();
        let mut log = view(&log, 4, &theme);
        assert_eq!(
            lines(&drawn(&log, 13, 3)),
            ["first line", "an ERROR in ›", "evil \\e[2J t›"]
        );
        log.column = 13;
        assert_eq!(
            lines(&drawn(&log, 13, 2)),
            ["", " 界 here"],
            "half a wide letter is a blank"
        );
        log.column = 0;
        log.wrap = true;
        let wrapped = lines(&drawn(&log, 13, 4));
        assert_eq!(
            wrapped,
            ["first line", "an ERROR in", "世界 here", "evil \\e[2J te"]
        );
    }

    #[test]
    fn matches_are_laid_over_whatever_the_case_and_the_spans() {
        let theme = Theme::plain();
        let spans = |_: usize| {
            Line::from(vec![
                Span::raw("an ER"),
                Span::styled("ROR", Style::new().bold()),
            ])
        };
        let mut found = view(&spans, 1, &theme);
        found.needle = "error";
        let buf = drawn(&found, 12, 1);
        let reversed: Vec<bool> = (0..12)
            .map(|x| buf[(x, 0)].modifier.contains(Modifier::REVERSED))
            .collect();
        let want: Vec<bool> = (0..12).map(|x| (3..8).contains(&x)).collect();
        assert_eq!(reversed, want);
    }

    #[test]
    fn the_tail_shows_the_last_line_at_the_bottom() {
        let theme = Theme::plain();
        let mut log = view(&log, 4, &theme);
        log.wrap = true;
        let area = Rect::new(0, 0, 13, 3);
        log.offset = log.tail(area);
        assert_eq!(lines(&drawn(&log, 13, 3)), ["evil \\e[2J te", "xt", "last"]);
        assert_eq!(view(&|_| Line::default(), 0, &theme).tail(area), 0);
    }

    proptest! {
        #[test]
        fn any_text_in_any_room(
            width in 0u16..90, height in 0u16..30, words in any::<String>(), needle in ".{0,3}",
            wrap in any::<bool>(), column in 0usize..50
        ) {
            let theme = Theme::plain();
            let line = |_: usize| Line::from(words.as_str());
            let mut any = view(&line, 3, &theme);
            (any.wrap, any.column, any.needle) = (wrap, column, needle.as_str());
            let buf = drawn(&any, width, height);
            prop_assert!(buf.content().iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
            prop_assert!(any.tail(buf.area) < 3);
        }
    }
}
