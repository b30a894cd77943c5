//! ```text
//! ┌ logs · Deployment/veza-backend · 3 pods · following ───────────────────── 612 lines ┐
//! │ 03:12:06.114 a rd4vx  ERROR query failed route=/api/v1/tracks                       │
//! │              b 8k2fp  lost 214 lines: they came too fast                            │
//! └─────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The logs of a pod or of all pods of a workload, in one order: time, pod with its own letter and colour, line.

use super::lines::staleness;
use super::theme::{Theme, Tone};
use super::view::View;
use super::widget::pane::Pane;
use super::widget::text;
use super::widget::textview::TextView;
use crate::app::logs::line::{Readable, Weight};
use crate::app::logs::{Entry, LogStore};
use crate::domain::link::Source;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::fmt::Write as _;

/// The columns of the longest short name.
const NAME: usize = 16;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let logs = &app.reading.logs;
    let shown = logs.shown();
    let (title, note) = (title(view, logs), note(logs, shown.len()));
    let pane = Pane {
        title: &title,
        note: &note,
        focused: true,
        theme,
    };
    // Full: the lines alone, so that a mouse can take them.
    let inside = if logs.full {
        area
    } else {
        Widget::render(&pane, area, buf);
        Pane::padded(area)
    };
    let place = &app.here().place;
    let Some(bottom) = logs.bottom_in(&shown) else {
        return empty(view, inside, buf);
    };
    let names = names(logs);
    let wide = names
        .iter()
        .map(|name| text::width(name))
        .max()
        .unwrap_or(0);
    let line = |index: usize| match shown.get(index) {
        Some(entry) => row(theme, logs, entry, names.get(entry.voice), wide),
        None => Line::default(),
    };
    let needle = place.filter.as_str();
    let mut lines = TextView {
        lines: &line,
        len: bottom + 1,
        offset: 0,
        wrap: logs.wrap,
        column: place.right,
        needle,
        theme,
    };
    lines.offset = lines.tail(inside);
    lines.len = shown.len();
    Widget::render(&lines, inside, buf);
}

fn title(view: &View<'_>, logs: &LogStore) -> String {
    let (_, age) = staleness(view, Source::Kubernetes);
    let object = logs
        .object
        .as_ref()
        .map_or(String::new(), ToString::to_string);
    let mut title = format!("logs · {object}");
    let (heard, all) = view.app.log_streams();
    if heard < all {
        let _ = write!(
            title,
            " · {heard} of {all} streams, a pod alone has all of its own"
        );
    } else if logs.voices.len() > 1 {
        let _ = write!(title, " · {} streams", logs.voices.len());
    }
    title.push_str(match (logs.previous, logs.bottom) {
        (true, _) => " · before the last restart",
        (false, None) => " · following",
        (false, Some(_)) => " · held",
    });
    if let Some(since) = logs.since_s {
        let (count, unit) = if since < 3600 {
            (since / 60, "min")
        } else {
            (since / 3600, "h")
        };
        let _ = write!(title, " · last {count} {unit}");
    }
    if !logs.filter.is_empty() {
        let _ = write!(title, " · only \"{}\"", logs.filter);
    }
    title + &age
}

fn note(logs: &LogStore, shown: usize) -> String {
    let lines = if logs.len() == 1 { "line" } else { "lines" };
    let mut note = if shown == logs.len() {
        format!("{shown} {lines}")
    } else {
        format!("{shown} of {} {lines}", logs.len())
    };
    if logs.dropped > 0 {
        let _ = write!(note, ", {} older dropped", logs.dropped);
    }
    if logs.lost > 0 {
        let _ = write!(note, ", {} lost", logs.lost);
    }
    note
}

/// `a rd4vx`: a letter for each, and its short name; nothing where there is one alone.
fn names(logs: &LogStore) -> Vec<String> {
    if logs.voices.len() < 2 {
        return Vec::new();
    }
    let letters = ('a'..='z').chain('A'..='Z').chain(std::iter::repeat('·'));
    let names = logs.names();
    let name = |(name, letter): (String, char)| {
        let clean = text::sanitize(&name).into_owned();
        format!("{letter} {}", text::fit(&clean, NAME))
    };
    names.into_iter().zip(letters).map(name).collect()
}

fn row(
    theme: &Theme,
    logs: &LogStore,
    entry: &Entry,
    name: Option<&String>,
    wide: usize,
) -> Line<'static> {
    let mut spans = Vec::with_capacity(8);
    if !logs.timeless {
        let at = entry.at.map(|at| at.strftime("%H:%M:%S%.3f").to_string());
        spans.push(Span::styled(
            format!("{:<13}", at.unwrap_or_default()),
            theme.dim(),
        ));
    }
    if let Some(name) = name {
        spans.push(Span::styled(
            text::pad_right(name, wide + 2),
            theme.nth(entry.voice),
        ));
    }
    if entry.ours {
        spans.push(Span::styled(
            entry.line.text.to_string(),
            theme.tone(Tone::Unknown),
        ));
    } else {
        said(theme, &entry.line, &mut spans);
    }
    let found = logs.found == Some(entry.seq);
    Line::from(spans).style(if found { theme.strong() } else { Style::new() })
}

fn said(theme: &Theme, line: &Readable, spans: &mut Vec<Span<'static>>) {
    let (whole, fields) = (&*line.text, line.fields as usize);
    let mut put = |from: usize, to: usize, style: Style| {
        let part = whole.get(from..to).unwrap_or_default();
        if !part.is_empty() {
            spans.push(Span::styled(part.to_owned(), style));
        }
    };
    let plain = match line.level {
        Some((Weight::Debug, ..)) => theme.dim(),
        _ => Style::new(),
    };
    let mut from = 0;
    if let Some((weight, start, end)) = line.level {
        let (start, end) = (start as usize, end as usize);
        put(0, start, plain);
        put(start, end, weight_style(theme, weight));
        from = end;
    }
    let fields = fields.max(from);
    put(from, fields, plain);
    put(fields, whole.len(), theme.dim());
    if line.cut {
        spans.push(Span::styled(" … cut here", theme.tone(Tone::Unknown)));
    }
}

fn weight_style(theme: &Theme, weight: Weight) -> Style {
    match weight {
        Weight::Error => theme.tone(Tone::Failing),
        Weight::Warning => theme.tone(Tone::Watch),
        Weight::Info => theme.key(),
        Weight::Debug => theme.dim(),
    }
}

fn empty(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let logs = &view.app.reading.logs;
    let words = if !logs.filter.is_empty() && !logs.is_empty() {
        "No line has these words. esc clears the filter.".to_owned()
    } else if logs.voices.is_empty() {
        "No pod is heard yet.".to_owned()
    } else if logs.previous && logs.voices.iter().all(|voice| voice.ended) {
        "No log from before the last restart.".to_owned()
    } else {
        let heard = logs
            .voices
            .iter()
            .filter(|voice| voice.trouble.is_none())
            .count();
        match heard {
            0 => "No stream is open yet.".to_owned(),
            1 => "One stream is open, and it has said nothing yet.".to_owned(),
            many => format!("{many} streams are open, and none has said anything yet."),
        }
    };
    let lines = text::wrap(&words, usize::from(area.width));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        text::put(buf, (area.x, y), &line, area.width, view.theme.dim());
    }
}
