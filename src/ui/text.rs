//! An object in words or as YAML: one long text, searched with `/`, `n` and `N`.

use super::lines::since;
use super::theme::{Theme, Tone};
use super::view::View;
use super::widget::pane::Pane;
use super::widget::text;
use super::widget::textview::TextView;
use crate::app::text::{Look, Manner, TextLine, TextStore};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::fmt::Write as _;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let store = &app.reading.text;
    let (title, note) = (title(view, store), note(view, store));
    let pane = Pane {
        title: &title,
        note: &note,
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::padded(area);
    if store.lines.is_empty() {
        return empty(view, inside, buf);
    }
    let place = &app.here().place;
    let line = |index: usize| {
        store
            .lines
            .get(index)
            .map_or_else(Line::default, |line| row(theme, line))
    };
    let lines = TextView {
        lines: &line,
        len: store.lines.len(),
        offset: place.top.min(store.lines.len() - 1),
        wrap: store.wrap,
        column: place.right,
        needle: &place.filter,
        theme,
    };
    Widget::render(&lines, inside, buf);
}

fn title(view: &View<'_>, store: &TextStore) -> String {
    let Some(want) = &store.want else {
        return String::new();
    };
    let manner = match want.manner {
        Manner::Described => "describe",
        Manner::Yaml => "yaml",
    };
    let mut title = format!("{manner} · {}", want.object);
    if !want.object.namespace.is_empty() && !view.app.target.scope.holds(&want.object.namespace) {
        let _ = write!(title, " in {}", want.object.namespace);
    }
    if let Some(trouble) = store.trouble.as_ref().filter(|_| !store.lines.is_empty()) {
        let _ = write!(title, " · not read again: {trouble}");
    }
    title
}

fn note(view: &View<'_>, store: &TextStore) -> String {
    let Some(read) = store.read else {
        return String::new();
    };
    let age = since(Some(read), view.app.now);
    let lines = store.lines.len();
    let word = if lines == 1 { "line" } else { "lines" };
    format!("read {age} ago, {lines} {word}, ctrl-r reads again")
}

fn row(theme: &Theme, line: &TextLine) -> Line<'static> {
    let style = match line.look {
        Look::Heading => theme.strong(),
        Look::Plain => Style::new(),
        Look::Dim => theme.dim(),
        Look::Good => theme.tone(Tone::Healthy),
        Look::Watch => theme.tone(Tone::Watch),
        Look::Bad => theme.tone(Tone::Failing),
    };
    let (label, rest) = line
        .text
        .split_at_checked(line.label)
        .unwrap_or(("", &line.text));
    Line::from(vec![
        Span::styled(label.to_owned(), theme.key()),
        Span::styled(rest.to_owned(), style),
    ])
}

fn empty(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let words = match &view.app.reading.text.trouble {
        Some(why) => format!("{why} ctrl-r reads again."),
        None => "It is being read.".to_owned(),
    };
    let lines = text::wrap(&text::sanitize(&words), usize::from(area.width));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        text::put(buf, (area.x, y), &line, area.width, view.theme.text());
    }
}
