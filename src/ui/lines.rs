//! Words and cells that several screens share: levels, readings, ages, titles of panes with the age of what they show.

use super::theme::{Theme, Tone};
use super::view::View;
use super::widget::figures;
use super::widget::table::Cell;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::short;
use crate::domain::signal::Reading;
use crate::domain::verdict::Level;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The tone of a level.
pub fn level_tone(level: Level) -> Tone {
    match level {
        Level::Healthy => Tone::Healthy,
        Level::Watch => Tone::Watch,
        Level::Failing => Tone::Failing,
        Level::Unknown => Tone::Unknown,
    }
}

/// The word of a level.
pub fn level_word(level: Level) -> &'static str {
    level.word()
}

/// The sign of a level in its colour.
pub fn level_cell(theme: &Theme, level: Level) -> Cell<'static> {
    let tone = level_tone(level);
    Cell::new(theme.glyphs().tone(tone), theme.tone(tone))
}

/// A reading as a figure, in the style of a failing one where it is above its limit.
pub fn reading_cell(
    theme: &Theme,
    reading: Option<&Reading>,
    limit: Option<f64>,
    figure: fn(Option<f64>) -> String,
) -> Cell<'static> {
    let value = reading.and_then(Reading::value);
    let style = match value {
        Some(value) if limit.is_some_and(|limit| value > limit) => theme.tone(Tone::Failing),
        Some(_) => theme.text(),
        None => theme.dim(),
    };
    Cell::new(figure(value), style)
}

/// A share with a fixed number of digits: `21.4 %`.
pub fn share(value: Option<f64>) -> String {
    figures::percent(value, 1)
}

/// Milliseconds as people say them: `930 ms`, `1.2 s`.
pub fn millis(value: Option<f64>) -> String {
    figures::latency(value.map(|ms| ms / 1000.0))
}

/// Requests a second.
pub fn rate(value: Option<f64>) -> String {
    value.map_or_else(
        || figures::UNKNOWN.to_owned(),
        |rate| {
            if rate < 10.0 {
                format!("{rate:.1}")
            } else {
                format!("{rate:.0}")
            }
        },
    )
}

/// How long ago something began.
pub fn since(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(String::new, |at| short(now.duration_since(at)))
}

/// A time of day.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// A cell of plain words.
pub fn words(text: impl Into<String>, style: Style) -> Cell<'static> {
    Cell::new(
        super::widget::text::sanitize(&text.into()).into_owned(),
        style,
    )
}

/// Gives the border of the pane with the focus its colour, over what the neighbours drew on it; words stay as they are.
pub fn focus_frame(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let across = (area.x..=right).flat_map(|x| [(x, area.y), (x, bottom)]);
    let down = (area.y..=bottom).flat_map(|y| [(area.x, y), (right, y)]);
    for place in across.chain(down) {
        if let Some(cell) = buf.cell_mut(place)
            && theme.glyphs().directions(cell.symbol()).is_some()
        {
            cell.set_style(theme.border(true));
        }
    }
}

/// Whether what a source told is old, and how the title says it: ` · stale 41 s`.
pub fn staleness(view: &View<'_>, source: Source) -> (bool, String) {
    match view.app.link(source) {
        LinkState::Stale { age: Some(age), .. } => (true, format!(" · stale {}", short(age))),
        LinkState::Stale { age: None, why, .. } => (true, format!(" · no answer: {why}")),
        LinkState::Quiet(age) => (false, format!(" · quiet {}", short(age))),
        _ => (false, String::new()),
    }
}
