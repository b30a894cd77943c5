//! Words and cells that several screens share: levels, readings, ages, titles of panes with the age of what they show.

use super::theme::{Theme, Tone};
use super::view::View;
use super::widget::figures;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row, Table, furthest};
use super::widget::text;
use super::widget::window::window;
use crate::app::lines::Lines;
use crate::app::services::ServiceRow;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::short;
use crate::domain::signal::{Reading, SignalName};
use crate::domain::verdict::Level;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use std::fmt::Write as _;

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

/// The p99 of a service; with a sign where it lies beyond the last bound of its histogram, and may be anything above.
pub fn p99_cell(theme: &Theme, row: &ServiceRow, limit: f64) -> Cell<'static> {
    let reading = row
        .signals
        .as_ref()
        .map(|signals| signals.get(SignalName::P99));
    let mut cell = reading_cell(theme, reading, Some(limit), millis);
    let beyond = row
        .signals
        .as_ref()
        .and_then(|signals| signals.detail.p99_at_least());
    if beyond.is_some() {
        cell.text = format!(">{}", cell.text).into();
    }
    cell
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

/// The sentence of an empty list: that nothing is there is only known once the cluster was read.
pub fn nothing(view: &View<'_>, known: &'static str) -> &'static str {
    match view.app.link(Source::Kubernetes) {
        LinkState::Connecting => "Nothing heard yet: waiting for the API server.",
        LinkState::Stale { .. } | LinkState::Absent(_) if !view.app.cluster.listed() => {
            "Nothing known: the API server does not answer. Row 2 says why."
        }
        _ if view.app.cluster.listed() => known,
        _ => "Reading the cluster.",
    }
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

/// Rows at the foot of a list that show its selected sentence whole.
const WHOLE: u16 = 2;
/// From so many columns on no sentence needs them.
const ROOMY: u16 = 160;
/// A list lower than this keeps all its rows for itself.
const LOW: u16 = 10;

/// One list in one pane: what nearly every screen is made of.
pub struct Listing<'a> {
    /// The name of the table in the configuration.
    pub name: &'a str,
    /// What is listed.
    pub title: &'a str,
    /// How many, in which order.
    pub note: &'a str,
    /// The columns as shipped.
    pub columns: Vec<Column<'a>>,
    /// The row of an index; asked only for what is visible.
    pub rows: &'a dyn Fn(usize) -> Row<'static>,
    /// How many rows there are.
    pub len: usize,
    /// The row under the cursor.
    pub selected: Option<usize>,
    /// Whether the pane has the focus.
    pub focused: bool,
    /// Whether the values are old.
    pub stale: bool,
    /// The sentence for no rows, where nothing is hidden by a filter.
    pub empty: &'a str,
    /// The sentence of the selected row, shown whole at the foot where a column may have cut it.
    pub whole: Option<&'a str>,
}

/// Draws a list in its pane.
pub fn listing(view: &View<'_>, list: &Listing<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let place = &app.here().place;
    let title = format!("{}{}", list.title, hidden_by(view, list.focused));
    let pane = Pane {
        title: &title,
        note: list.note,
        focused: list.focused,
        theme,
    };
    Widget::render(&pane, area, buf);
    let mut inside = Pane::inner(area);
    if let Some(said) = list
        .whole
        .filter(|_| area.width < ROOMY && inside.height > LOW)
    {
        inside.height -= WHOLE;
        let below = Rect {
            x: inside.x + 2,
            y: inside.bottom(),
            width: inside.width.saturating_sub(3),
            height: WHOLE,
        };
        whole(theme, said, below, buf);
    }
    let height = usize::from(inside.height.saturating_sub(1));
    let at = list.selected.unwrap_or(0);
    let chosen = app.settings.columns.get(list.name);
    let order = chosen.map_or_else(Vec::new, |names| order(&list.columns, names));
    let columns: Vec<Column<'_>> = if order.is_empty() {
        list.columns.clone()
    } else {
        let of = order.iter().filter_map(|index| list.columns.get(*index));
        of.copied().collect()
    };
    let row = |index: usize| {
        let mut row = (list.rows)(index);
        if !order.is_empty() {
            let mut cells = std::mem::take(&mut row.cells);
            let of = order.iter();
            row.cells = of
                .map(|index| {
                    cells
                        .get_mut(*index)
                        .map(std::mem::take)
                        .unwrap_or_default()
                })
                .collect();
        }
        row
    };
    let scroll = match (list.focused, app.wide) {
        (true, false) => place.right,
        (_, true) => furthest(&columns, inside.width),
        _ => 0,
    };
    let table = Table {
        columns: &columns,
        rows: &row,
        len: list.len,
        offset: window(at, at.saturating_sub(height / 2), height, list.len),
        selected: list.selected,
        scroll,
        stale: list.stale,
        empty: match (place.filter.is_empty(), place.faults_only) {
            (false, _) if list.focused => "Nothing passes the filter. esc clears it.",
            (true, true) if list.focused => "Nothing here is unwell. ctrl-z shows all.",
            _ => list.empty,
        },
        theme,
    };
    Widget::render(&table, inside, buf);
}

/// The rows near the cursor: wherever the window of a list lies, it lies within them. Where the first stands, and the rows.
pub fn near<'a, R: Copy + 'a>(
    lines: &Lines<'a, R>,
    selected: Option<usize>,
    area: Rect,
) -> (usize, Vec<R>) {
    let reach = usize::from(area.height);
    let from = selected.unwrap_or(0).saturating_sub(reach);
    (from, lines.stretch(from, 2 * reach + 1))
}

/// What keeps rows from the list, and how many are marked, for its title.
fn hidden_by(view: &View<'_>, focused: bool) -> String {
    let place = &view.app.here().place;
    let mut said = String::new();
    if !focused {
        return said;
    }
    if !place.filter.is_empty() {
        let _ = write!(said, " · /{}", place.filter);
    }
    if place.faults_only {
        said.push_str(" · faults only");
    }
    if !place.marked.is_empty() {
        let _ = write!(said, " · {} marked", place.marked.len());
    }
    said
}

fn whole(theme: &Theme, said: &str, area: Rect, buf: &mut Buffer) {
    let clean = text::sanitize(said);
    let lines = text::wrap(&clean, usize::from(area.width.max(1)));
    let last = usize::from(area.height.saturating_sub(1));
    for (y, (index, line)) in (area.y..area.bottom()).zip(lines.iter().enumerate()) {
        // What does not fit in two rows says so.
        let cut = index == last && lines.len() > last + 1;
        let shown = if cut {
            format!("{line} …")
        } else {
            line.clone()
        };
        let fitted = text::at_a_word(&shown, usize::from(area.width));
        text::put(buf, (area.x, y), &fitted, area.width, theme.dim());
    }
}

/// The columns a configuration names, in its order; the sign of the level stays first. Empty where it names none of them.
fn order(columns: &[Column<'_>], names: &[String]) -> Vec<usize> {
    let place = |name: &String| {
        let name = name.to_lowercase().replace(['-', '_'], " ");
        let is = |column: &Column<'_>| !name.is_empty() && column.title.to_lowercase() == name;
        columns.iter().position(is)
    };
    let mut found: Vec<usize> = Vec::new();
    for index in names.iter().filter_map(place) {
        if !found.contains(&index) {
            found.push(index);
        }
    }
    let sign = columns
        .first()
        .is_some_and(|column| column.title.is_empty());
    if sign && !found.is_empty() {
        found.insert(0, 0);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_chooses_columns_and_their_order() {
        let columns = ["", "NAME", "READY", "MANAGED BY"].map(|title| Column::words(title, 1, 9));
        let names = |all: &[&str]| {
            all.iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(order(&columns, &names(&["managed-by", "name"])), [0, 3, 1]);
        assert_eq!(
            order(&columns, &names(&["name", "name", "nonsense"])),
            [0, 1]
        );
        assert!(order(&columns, &names(&["nonsense"])).is_empty());
    }
}
