//! A table whose figures hold still: widths depend on the room alone, never on the values. Narrow rooms drop
//! columns in a stated order; scrolling sideways brings the dropped ones back. Only visible rows are asked for.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::ui::theme::Theme;
use crate::ui::widget::{text, window};

/// The selected sign and the marked sign.
const GUTTER: u16 = 2;
/// The place of the scroll bar, kept free so that nothing moves when it appears.
const BAR: u16 = 1;
const GAP: u16 = 1;
/// Room in which most sentences fit.
const SAID: u16 = 64;

/// At which end of its column a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures. They are shown whole or not at all.
    Right,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// The heading.
    pub title: &'a str,
    /// Columns it needs.
    pub min: u16,
    /// Columns it may grow to.
    pub max: u16,
    /// Where values stand.
    pub align: Align,
    /// When room is short the highest goes first; zero never goes.
    pub drop: u8,
    /// Stays at the left while the others scroll.
    pub pinned: bool,
    /// Holds sentences: it is cut between words, and takes the room that is left before the others do.
    pub sentence: bool,
}

impl<'a> Column<'a> {
    /// A column of words that takes what room it can get between the two.
    pub fn words(title: &'a str, min: u16, max: u16) -> Self {
        Column {
            title,
            min,
            max,
            align: Align::Left,
            drop: 0,
            pinned: false,
            sentence: false,
        }
    }

    /// A column of sentences.
    pub fn sentence(title: &'a str, min: u16, max: u16) -> Self {
        Column {
            sentence: true,
            ..Column::words(title, min, max)
        }
    }

    /// A column of figures.
    pub fn figures(title: &'a str, width: u16) -> Self {
        Column {
            title,
            min: width,
            max: width,
            align: Align::Right,
            drop: 0,
            pinned: false,
            sentence: false,
        }
    }

    /// The same column with its place in the order of dropping.
    #[must_use]
    pub fn drops(mut self, order: u8) -> Self {
        self.drop = order;
        self
    }

    /// The same column, staying when the others scroll.
    #[must_use]
    pub fn pin(mut self) -> Self {
        self.pinned = true;
        self
    }
}

/// One value and how it looks.
#[derive(Clone, Debug, Default)]
pub struct Cell<'a> {
    /// The words or the figure.
    pub text: Cow<'a, str>,
    /// Its style; the row's lies over it where it is selected.
    pub style: Style,
    /// What is shown of a figure where the whole has no room; empty where nothing less is true.
    pub brief: Cow<'a, str>,
}

impl<'a> Cell<'a> {
    /// A value in a style.
    pub fn new(text: impl Into<Cow<'a, str>>, style: Style) -> Self {
        Cell {
            text: text.into(),
            style,
            brief: Cow::default(),
        }
    }

    /// The same value with what is shown of it where the whole has no room.
    #[must_use]
    pub fn or(mut self, brief: impl Into<Cow<'a, str>>) -> Self {
        self.brief = brief.into();
        self
    }

    /// As much of a figure as is shown in so many columns: the whole, or what stands for it, never a part.
    fn in_columns(&self, columns: u16) -> &str {
        let fits = |words: &str| text::width(&text::sanitize(words)) <= usize::from(columns);
        if fits(&self.text) || self.brief.is_empty() {
            &self.text
        } else {
            &self.brief
        }
    }
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Row<'a> {
    /// One value a column, in the order of the columns.
    pub cells: Vec<Cell<'a>>,
    /// Whether the operator marked it.
    pub marked: bool,
}

/// The table as it is to be drawn.
pub struct Table<'a, 'r> {
    /// The columns in order.
    pub columns: &'a [Column<'a>],
    /// The row of an index; asked only for what is visible.
    pub rows: &'a dyn Fn(usize) -> Row<'r>,
    /// How many rows there are.
    pub len: usize,
    /// The first visible row; see [`window::window`].
    pub offset: usize,
    /// The row under the cursor.
    pub selected: Option<usize>,
    /// How many columns are scrolled away at the left.
    pub scroll: usize,
    /// Whether the values are old: everything is dimmed.
    pub stale: bool,
    /// The sentence for no rows.
    pub empty: &'a str,
    /// How it looks.
    pub theme: &'a Theme,
}

/// A column that is shown: which, where, how wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Index among the columns.
    pub column: usize,
    /// Distance from the left edge of the table.
    pub x: u16,
    /// Columns of the screen.
    pub width: u16,
}

/// Which columns are shown in a table so wide, after scrolling past that many.
pub fn slots(columns: &[Column<'_>], width: u16, scroll: usize) -> Vec<Slot> {
    let room = width.saturating_sub(GUTTER + BAR);
    let mut shown: Vec<usize> = if scroll == 0 {
        kept(columns, room)
    } else {
        scrolled(columns, room, scroll)
    };
    while needed(columns, &shown) > room && shown.len() > 1 {
        shown.pop();
    }
    let mut widths: Vec<u16> = shown
        .iter()
        .map(|index| min(columns, *index).min(room))
        .collect();
    grow(columns, &shown, &mut widths, room);
    let mut x = GUTTER;
    let mut slots = Vec::with_capacity(shown.len());
    for (column, width) in shown.into_iter().zip(widths) {
        slots.push(Slot { column, x, width });
        x += width + GAP;
    }
    slots
}

/// How far a table so wide can scroll: until its last column is in view, zero when none was dropped.
pub fn furthest(columns: &[Column<'_>], width: u16) -> usize {
    if slots(columns, width, 0).len() == columns.len() {
        return 0;
    }
    let loose = columns.iter().filter(|column| !column.pinned).count();
    let in_view = |scroll: usize| {
        slots(columns, width, scroll)
            .last()
            .map(|slot| slot.column + 1)
    };
    let last = (1..loose).find(|scroll| in_view(*scroll) == Some(columns.len()));
    last.unwrap_or(loose.saturating_sub(1))
}

fn min(columns: &[Column<'_>], index: usize) -> u16 {
    columns.get(index).map_or(0, |column| column.min)
}

fn needed(columns: &[Column<'_>], shown: &[usize]) -> u16 {
    let gaps = GAP.saturating_mul(shown.len().saturating_sub(1) as u16);
    shown
        .iter()
        .fold(gaps, |sum, index| sum.saturating_add(min(columns, *index)))
}

/// All columns but those dropped for want of room.
fn kept(columns: &[Column<'_>], room: u16) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let order = |index: usize| columns.get(index).map_or(0, |column| column.drop);
    while needed(columns, &shown) > room {
        let next = shown
            .iter()
            .enumerate()
            .max_by_key(|(_, index)| order(**index));
        match next {
            Some((at, index)) if order(*index) > 0 => shown.remove(at),
            _ => break,
        };
    }
    shown
}

/// The pinned columns and, after the scrolled ones, as many as fit whole.
fn scrolled(columns: &[Column<'_>], room: u16, scroll: usize) -> Vec<usize> {
    let (pinned, loose): (Vec<usize>, Vec<usize>) = (0..columns.len())
        .partition(|index| columns.get(*index).is_some_and(|column| column.pinned));
    let from = scroll.min(loose.len().saturating_sub(1));
    let mut shown = pinned;
    for index in loose.into_iter().skip(from) {
        shown.push(index);
        if needed(columns, &shown) > room {
            shown.pop();
            break;
        }
    }
    shown
}

/// Gives the room that is left to the columns that may grow, a column of the screen at a time.
fn grow(columns: &[Column<'_>], shown: &[usize], widths: &mut [u16], room: u16) {
    let gaps = GAP.saturating_mul(shown.len().saturating_sub(1) as u16);
    let used: u16 = widths
        .iter()
        .fold(gaps, |sum, width| sum.saturating_add(*width));
    let mut left = room.saturating_sub(used);
    // A sentence of some length is worth more than blanks behind names; then all take what they may.
    for first in [true, false] {
        loop {
            let before = left;
            for (index, width) in shown.iter().zip(widths.iter_mut()) {
                let may = columns.get(*index).is_some_and(|column| {
                    let said = column.sentence && *width < SAID;
                    *width < column.max && (said || !first)
                });
                if may && left > 0 {
                    *width += 1;
                    left -= 1;
                }
            }
            if left == before {
                break;
            }
        }
    }
}

impl Table<'_, '_> {
    fn put(&self, buf: &mut Buffer, place: (u16, u16), slot: Slot, words: &str, style: Style) {
        let align = self
            .columns
            .get(slot.column)
            .map_or(Align::Left, |column| column.align);
        if align == Align::Left {
            let sentence = self.columns.get(slot.column).is_some_and(|c| c.sentence);
            if sentence {
                let clean = text::sanitize(words);
                let cut = text::at_a_word(&clean, usize::from(slot.width));
                text::put(buf, place, &cut, slot.width, style);
            } else {
                text::put(buf, place, words, slot.width, style);
            }
            return;
        }
        let clean = text::sanitize(words);
        let whole = text::width(&clean) <= usize::from(slot.width);
        let shown = if whole {
            clean.as_ref()
        } else {
            self.theme.glyphs().ellipsis
        };
        text::put_right(buf, place, shown, slot.width, style);
    }

    fn header(&self, area: Rect, slots: &[Slot], buf: &mut Buffer) {
        let style = self.theme.dim();
        for slot in slots {
            let title = self
                .columns
                .get(slot.column)
                .map_or("", |column| column.title);
            self.put(buf, (area.x + slot.x, area.y), *slot, title, style);
        }
        let hidden = slots
            .last()
            .is_some_and(|slot| slot.column + 1 < self.columns.len());
        if hidden && area.width > GUTTER + BAR {
            text::put(
                buf,
                (area.right() - 1, area.y),
                self.theme.glyphs().more,
                1,
                style,
            );
        }
    }

    fn row(&self, index: usize, area: Rect, slots: &[Slot], buf: &mut Buffer) {
        let glyphs = self.theme.glyphs();
        let row = (self.rows)(index);
        for slot in slots {
            let Some(cell) = row.cells.get(slot.column) else {
                continue;
            };
            let style = self.theme.text().patch(cell.style);
            let shown = cell.in_columns(slot.width);
            self.put(buf, (area.x + slot.x, area.y), *slot, shown, style);
        }
        if self.stale {
            buf.set_style(area, self.theme.dim());
        }
        if row.marked {
            text::put(
                buf,
                (area.x + 1, area.y),
                glyphs.marked,
                1,
                self.theme.key(),
            );
        }
        if self.selected == Some(index) {
            let bar = Rect {
                width: area.width.saturating_sub(BAR),
                ..area
            };
            buf.set_style(bar, self.theme.selected());
            text::put(buf, (area.x, area.y), glyphs.selected, 1, self.theme.key());
        }
    }

    fn scroll_bar(&self, body: Rect, buf: &mut Buffer) {
        let height = usize::from(body.height);
        let Some((from, size)) = window::thumb(self.offset, height, self.len) else {
            return;
        };
        let glyphs = self.theme.glyphs();
        for y in 0..height {
            let on = (from..from + size).contains(&y);
            let (sign, style) = if on {
                (glyphs.thumb, self.theme.text())
            } else {
                (glyphs.track, self.theme.border(false))
            };
            text::put(buf, (body.right() - 1, body.y + y as u16), sign, 1, style);
        }
    }

    fn sentence(&self, body: Rect, buf: &mut Buffer) {
        let room = body.width.saturating_sub(GUTTER + BAR);
        let clean = text::sanitize(self.empty);
        for (y, line) in (body.y..body.bottom()).zip(text::wrap(&clean, usize::from(room))) {
            text::put(buf, (body.x + GUTTER, y), &line, room, self.theme.dim());
        }
    }
}

impl Widget for &Table<'_, '_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.width <= GUTTER + BAR || area.height == 0 {
            return;
        }
        let slots = slots(self.columns, area.width, self.scroll);
        self.header(Rect { height: 1, ..area }, &slots, buf);
        let body = Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
        if self.len == 0 {
            self.sentence(body, buf);
            return;
        }
        for (index, y) in (self.offset..self.len).zip(body.y..body.bottom()) {
            self.row(
                index,
                Rect {
                    y,
                    height: 1,
                    ..body
                },
                &slots,
                buf,
            );
        }
        self.scroll_bar(body, buf);
    }
}

#[cfg(test)]
mod tests;
