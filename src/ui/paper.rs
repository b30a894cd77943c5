//! A page that is written from top to bottom: words that wrap, facts behind their names, bars. Screens and questions of
//! a run are pages, so that whatever does not fit can be scrolled to and nothing is cut inside a figure.

use crate::runbook::preflight::{Level, Line};
use crate::ui::theme::{Theme, Tone};
use crate::ui::widget::gauge::bar;
use crate::ui::widget::{figures, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Room for the name of a fact.
const LABEL: usize = 11;
/// No bar is longer: beyond this it says nothing more.
const LONGEST_BAR: usize = 60;

/// Stands for a blank that no line may end at while a page is laid out.
const BOUND: char = '\u{e000}';

/// Words in a style.
pub type Span = (String, Style);

/// A page so many columns wide.
pub struct Paper<'t> {
    /// How it looks.
    pub theme: &'t Theme,
    /// Its columns.
    pub width: usize,
    rows: Vec<Vec<Span>>,
    /// The row a cursor stands in, where there is one.
    pointed: Option<usize>,
}

/// The sign of a meaning in its colour.
pub fn sign(theme: &Theme, tone: Tone) -> Span {
    (theme.glyphs().tone(tone).to_owned(), theme.tone(tone))
}

/// How a preflight line came out.
pub fn tone(level: Level) -> Tone {
    match level {
        Level::Passed => Tone::Healthy,
        Level::Amber => Tone::Watch,
        Level::Noted => Tone::Idle,
        Level::Red => Tone::Failing,
        Level::Unknown => Tone::Unknown,
    }
}

/// The words, or their beginning cut between words.
pub fn cut(words: &str, columns: usize) -> String {
    let clean = text::sanitize(words);
    if text::width(&clean) <= columns {
        return clean.into_owned();
    }
    let mut kept = text::wrap(&clean, columns.saturating_sub(2)).swap_remove(0);
    if text::width(&kept) + 2 <= columns {
        kept.push_str(" …");
    }
    kept
}

/// Binds figures to their units, so that a line never ends between the two.
fn bound(words: &str) -> String {
    let mut kept = String::with_capacity(words.len());
    let mut before = ' ';
    let mut rest = words.chars().peekable();
    while let Some(c) = rest.next() {
        let unit = rest
            .peek()
            .is_some_and(|next| matches!(next, '%' | 'm' | 's' | 'h' | 'd'));
        if c == ' ' && before.is_ascii_digit() && unit {
            kept.push(BOUND);
        } else {
            kept.push(c);
        }
        before = c;
    }
    kept
}

/// Prose of a runbook without the marks of its markup and without headings.
pub fn plain(prose: &str) -> String {
    let words = |line: &str| line.trim().replace(['*', '`'], "");
    let lines: Vec<String> = prose
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(words)
        .collect();
    lines.join(" ")
}

impl<'t> Paper<'t> {
    /// An empty page.
    pub fn new(theme: &'t Theme, width: u16) -> Self {
        Self {
            theme,
            width: usize::from(width),
            rows: Vec::new(),
            pointed: None,
        }
    }

    /// How many rows are written.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Puts another page below this one.
    pub fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
    }

    /// The next row is where the cursor stands.
    pub fn point(&mut self) {
        self.pointed = Some(self.rows.len());
    }

    /// The row to begin at, so that the cursor and some rows around it are seen.
    pub fn in_view(&self, top: usize, height: usize) -> usize {
        const AROUND: usize = 7;
        let Some(at) = self.pointed else { return top };
        let last = (at + AROUND).min(self.rows.len());
        let above = top.min(at.saturating_sub(1));
        above.max(last.saturating_sub(height)).min(at)
    }

    /// An empty row.
    pub fn gap(&mut self) {
        if self.rows.last().is_some_and(|row| !row.is_empty()) {
            self.rows.push(Vec::new());
        }
    }

    /// Words, wrapped.
    pub fn words(&mut self, words: &str, style: Style) {
        self.hanging(&[], 0, words, style);
    }

    /// Words behind something, wrapped so that they hang under their beginning.
    pub fn hanging(&mut self, before: &[Span], indent: usize, words: &str, style: Style) {
        let taken: usize = before.iter().map(|(words, _)| text::width(words)).sum();
        let start = indent.max(taken).min(self.width / 2);
        let room = self.width.saturating_sub(start).max(1);
        let clean = text::sanitize(words).into_owned();
        for (at, line) in text::wrap(&bound(&clean), room).into_iter().enumerate() {
            let line = line.replace(BOUND, " ");
            let mut row = Vec::new();
            let used = if at == 0 {
                row.extend(before.iter().cloned());
                taken
            } else {
                0
            };
            row.push((" ".repeat(start.saturating_sub(used)), Style::new()));
            row.push((line, style));
            self.rows.push(row);
        }
    }

    /// A fact behind its name.
    pub fn fact(&mut self, label: &str, value: &str, style: Style) {
        let label = (
            text::pad_right(label, LABEL.min(self.width / 3)),
            self.theme.dim(),
        );
        self.hanging(&[label], 0, value, style);
    }

    /// One row as it is; the caller has seen to it that it fits.
    pub fn row(&mut self, spans: Vec<Span>) {
        self.rows.push(spans);
    }

    /// A sign, words, and more words under them.
    pub fn judged(&mut self, tone: Tone, words: &str, style: Style) {
        let (sign, colour) = sign(self.theme, tone);
        self.hanging(&[(format!("{sign} "), colour)], 2, words, style);
    }

    /// A check of the preflight: how it came out, what was asked, the fact that decided, what would mend it.
    pub fn check(&mut self, line: &Line) {
        let style = if matches!(line.level, Level::Passed | Level::Noted) {
            self.theme.text()
        } else {
            self.theme.strong()
        };
        self.judged(tone(line.level), &line.words(), style);
        for fix in line.fix.iter().flat_map(|fix| fix.lines()) {
            let room = self.width.saturating_sub(4);
            // A rule is copied as it is written: its indentation is part of it.
            let (indent, rest) = fix.split_at(fix.len() - fix.trim_start().len());
            let before = (
                format!("    {}", indent.get(..room.min(indent.len())).unwrap_or("")),
                Style::new(),
            );
            let style = self.theme.key();
            self.hanging(&[before], 0, rest, style);
        }
    }

    /// A bar, the time done of the time asked, and a remark.
    pub fn gauge(&mut self, done: f64, total: f64, tone: Tone, remark: &str) {
        let times = format!(
            "{} of {}",
            figures::clock(Some(done)),
            figures::clock(Some(total))
        );
        let beside = text::width(&times) + text::width(remark) + 6;
        let together = self.width >= beside + 10;
        let taken = if together {
            beside
        } else {
            text::width(&times) + 4
        };
        let columns = self.width.saturating_sub(taken).min(LONGEST_BAR);
        let share = if total > 0.0 { done / total } else { 1.0 };
        let bar = bar(share, columns, self.theme.glyphs());
        let mut row = vec![
            (format!("  {bar}  "), self.theme.tone(tone)),
            (times, self.theme.strong()),
        ];
        if together {
            row.push((format!("  {remark}"), self.theme.text()));
        }
        self.rows.push(row);
        if !together {
            self.hanging(&[("  ".into(), Style::new())], 0, remark, self.theme.text());
        }
    }

    /// The page as lines of text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let line: String = row.iter().map(|(words, _)| words.as_str()).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Puts the page into an area from row `top` on; says how many rows lie below.
    pub fn draw(&self, area: Rect, top: usize, buf: &mut Buffer) -> usize {
        let height = usize::from(area.height);
        let top = top.min(self.rows.len().saturating_sub(height));
        for (row, y) in self.rows.iter().skip(top).zip(area.y..area.bottom()) {
            let mut x = area.x;
            for (words, style) in row {
                let room = area.right().saturating_sub(x);
                x += text::put(buf, (x, y), words, room, *style);
            }
        }
        self.rows.len().saturating_sub(top + height)
    }
}
