//! ```text
//!  vigie  veza-prod ▸ veza-production  PRODUCTION  read-only   oncall     03:12:07 UTC   k8s live  prom live 3 s
//!  ✖ FAILING  veza-backend: 21 % of requests fail since 03:10:52, 40 s after revision 43 (v1.1.0) took over.
//!  ...
//!  enter open   R rollout   K runbooks   l logs   ? help
//! ```
//! The rows that never move: where I am and whether I can trust it; what is wrong; what the keys do.

mod whereabouts;

use super::lines::{level_tone, level_word};
use super::theme::Tone;
use super::view::{SMALLEST, View};
use super::widget::keyhints::KeyHints;
use super::widget::text;
use crate::app::layer::Layer;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The head, what the screen may use, and the foot.
pub fn areas(area: Rect) -> [Rect; 3] {
    let row = |y, height| Rect::new(area.x, area.y + y, area.width, height);
    [row(0, 2), row(2, area.height - 3), row(area.height - 1, 1)]
}

/// Rows 1 and 2.
pub fn head(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    whereabouts::draw(view, Rect { height: 1, ..area }, buf);
    row_two(
        view,
        Rect {
            y: area.y + 1,
            height: 1,
            ..area
        },
        buf,
    );
}

fn row_two(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let headline = &view.app.headline;
    let tone = if headline.moving {
        Tone::Moving
    } else {
        level_tone(headline.level)
    };
    let word = if headline.moving {
        "MOVING".into()
    } else {
        level_word(headline.level).to_uppercase()
    };
    let style = view.theme.tone(tone);
    let mark = format!("{} {word}", view.theme.glyphs().tone(tone));
    let x = area.x + 1 + text::put(buf, (area.x + 1, area.y), &mark, area.width, style) + 2;
    let room = usize::from(area.right().saturating_sub(x));
    let sentence = text::sanitize(&headline.text);
    let (brief, least) = (
        text::sanitize(&headline.brief),
        text::sanitize(&headline.least),
    );
    // The whole sentence, else the same in fewer words, as much of it as fits; the fewest where its first does not.
    let said = if text::width(&sentence) <= room {
        sentence
    } else if text::width(first_sentence(&brief)) <= room {
        at_a_sentence(&brief, room)
    } else {
        at_a_sentence(&least, room)
    };
    text::put(buf, (x, area.y), &said, room as u16, view.theme.strong());
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// As many whole sentences as fit, and a sign that there are more; of a first one too long, what fits.
fn at_a_sentence(text: &str, columns: usize) -> std::borrow::Cow<'_, str> {
    if text::width(text) <= columns {
        return text.into();
    }
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let whole = ends.filter_map(|end| text.get(..end));
    match whole.filter(|part| text::width(part) + 2 <= columns).last() {
        Some(part) => format!("{part} …").into(),
        None => text::at_a_word(text, columns),
    }
}

/// The last row: a line being typed, a message, or the keys.
pub fn foot(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let area = super::runs::unfinished(view, area, buf);
    let line = |prompt: &str, typed: &str, buf: &mut Buffer| {
        let caret = theme.glyphs().caret;
        let clean = text::sanitize(typed);
        let room = usize::from(area.width).saturating_sub(1 + text::width(prompt));
        let shown = text::tail(&clean, room.saturating_sub(text::width(caret)));
        let shown = format!("{prompt}{shown}{caret}");
        text::put(
            buf,
            (area.x + 1, area.y),
            &shown,
            area.width.saturating_sub(1),
            theme.key(),
        );
    };
    match app.layers.last() {
        Some(Layer::Filter { line: typed }) => return line("/", &typed.text, buf),
        Some(Layer::Palette { line: typed, .. }) => return line(":", &typed.text, buf),
        Some(Layer::Form(_) | Layer::Sheet(_)) => return,
        Some(Layer::Narrow { line: typed }) => return line("&", &typed.text, buf),
        _ => {}
    }
    if let Some((notice, _)) = &app.notice {
        let style = if notice.error {
            theme.tone(Tone::Failing)
        } else {
            theme.strong()
        };
        let words = text::sanitize(&notice.text);
        text::put(
            buf,
            (area.x + 1, area.y),
            &text::at_a_word(&words, usize::from(area.width).saturating_sub(1)),
            area.width - 1,
            style,
        );
        return;
    }
    let layer: Option<&[(&str, &str)]> = match app.layers.last() {
        Some(Layer::Links { .. }) => Some(&[("enter", "copy"), ("j k", "move"), ("esc", "close")]),
        Some(Layer::Help { .. }) => Some(&[("esc", "close"), ("j k", "scroll")]),
        Some(Layer::Explain { .. }) => Some(&[("esc", "close"), ("j k", "scroll"), ("o", "links")]),
        _ => None,
    };
    if let Some(hints) = layer {
        let hints = KeyHints {
            hints,
            always: None,
            theme,
        };
        return ratatui::widgets::Widget::render(&hints, area, buf);
    }
    let mut hints = view.keys.hints(app);
    let charts = hints.first().is_some_and(|hint| hint.group == "charts");
    hints.sort_by_key(|hint| foremost(hint.id, hint.group, charts));
    let mut said = std::collections::BTreeSet::new();
    let shown: Vec<(&str, &str)> = hints
        .iter()
        .filter(|hint| !hint.keys.is_empty() && !matches!(hint.words, "down" | "up" | "help"))
        .map(|hint| (hint.keys.as_str(), hint.words))
        .filter(|hint| said.insert(*hint))
        .collect();
    let hints = KeyHints {
        hints: &shown,
        always: Some(("?", "help")),
        theme,
    };
    ratatui::widgets::Widget::render(&hints, area, buf);
}

/// Where a key stands in the last row: what is used most in an emergency comes first; in a log, a text and a run their own.
fn foremost(id: &str, group: &str, charts: bool) -> (u8, usize) {
    const CHARTS: [&str; 5] = ["earlier", "later", "split", "baseline", "copy-query"];
    const OWN: [&str; 7] = [
        "logs",
        "in this text",
        "runbooks",
        "this runbook",
        "runs",
        "this run",
        "this incident",
    ];
    const TEXT: [&str; 9] = [
        "follow",
        "search",
        "narrow",
        "before-restart",
        "full",
        "wrap",
        "text-wrap",
        "next-match",
        "times",
    ];
    const ORDER: [&str; 13] = [
        "open",
        "go-there",
        "rollout",
        "runbooks",
        "logs",
        "explain",
        "links",
        "signals",
        "describe",
        "copy",
        "next-pane",
        "timeline",
        "filter",
    ];
    let within = |list: &[&str]| list.iter().position(|known| *known == id);
    if charts && let Some(at) = within(&CHARTS) {
        return (0, at);
    }
    if OWN.contains(&group) {
        return (1, within(&TEXT).unwrap_or(TEXT.len()));
    }
    (2, within(&ORDER).unwrap_or(ORDER.len()))
}

/// What a terminal too small to draw in says.
pub fn too_small(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let headline = &view.app.headline;
    let words = [
        format!("{}: {}", level_word(headline.level), headline.text),
        format!(
            "{}x{} is too small; {}x{} at least",
            area.width, area.height, SMALLEST.0, SMALLEST.1
        ),
    ];
    let lines = words
        .iter()
        .flat_map(|words| text::wrap(&text::sanitize(words), usize::from(area.width)));
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        text::put(buf, (area.x, y), &line, area.width, view.theme.text());
    }
}
