//! ```text
//!  vigie  veza-prod ▸ veza-production  PRODUCTION  read-only   oncall     03:12:07 UTC   k8s live 0 s  prom live 3 s
//!  ✖ FAILING  veza-backend: 21 % of requests fail since 03:10:52, 40 s after revision 43 (v1.1.0) took over.
//!  ...
//!  enter open   R rollout   K runbooks   l logs   ? help
//! ```
//! The rows that never move: where I am and whether I can trust it; what is wrong; what the keys do.

use super::lines::{level_tone, level_word};
use super::theme::Tone;
use super::view::{SMALLEST, View};
use super::widget::keyhints::KeyHints;
use super::widget::text;
use crate::app::layer::Layer;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::short;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The head, what the screen may use, and the foot.
pub fn areas(area: Rect) -> [Rect; 3] {
    let row = |y, height| Rect::new(area.x, area.y + y, area.width, height);
    [row(0, 2), row(2, area.height - 3), row(area.height - 1, 1)]
}

/// One word or figure of row 1; the least important go first when room is short.
struct Segment {
    text: String,
    style: Style,
    /// Zero stays whatever happens.
    drop: u8,
    right: bool,
}

/// Rows 1 and 2.
pub fn head(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let mut segments = place(view);
    segments.extend(trust(view, false));
    if total(&segments) > usize::from(area.width) {
        segments = place(view);
        segments.extend(trust(view, true));
    }
    while total(&segments) > usize::from(area.width) {
        let Some(worst) = segments
            .iter()
            .enumerate()
            .filter(|(_, s)| s.drop > 0)
            .max_by_key(|(_, s)| s.drop)
        else {
            break;
        };
        let index = worst.0;
        segments.remove(index);
    }
    row_one(&segments, Rect { height: 1, ..area }, buf);
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

fn total(segments: &[Segment]) -> usize {
    segments
        .iter()
        .map(|segment| text::width(&segment.text) + 2)
        .sum()
}

fn place(view: &View<'_>) -> Vec<Segment> {
    let (app, theme) = (view.app, view.theme);
    let target = &app.target;
    let left = |text: &str, style, drop| Segment {
        text: text::sanitize(text).into_owned(),
        style,
        drop,
        right: false,
    };
    let environment = target.environment.name.to_uppercase();
    let armed = app.armed();
    let guarded = target.environment.guarded;
    let guard = match app.armed_until {
        Some(until) if armed && guarded => {
            format!("ARMED {}", short(until.duration_since(app.now)))
        }
        _ if armed => "may change things".to_owned(),
        _ => "read-only".into(),
    };
    let mut segments = vec![
        left("vigie", theme.key(), 9),
        left(
            &format!("{} ▸ {}", target.context, target.scope),
            theme.strong(),
            0,
        ),
        left(
            &environment,
            if guarded {
                theme.tone(Tone::Watch)
            } else {
                theme.dim()
            },
            0,
        ),
        left(
            &guard,
            if armed && guarded {
                theme.armed()
            } else {
                theme.dim()
            },
            if armed && guarded { 0 } else { 6 },
        ),
    ];
    segments.extend(target.user.as_ref().map(|user| left(user, theme.dim(), 8)));
    segments
}

fn trust(view: &View<'_>, brief: bool) -> Vec<Segment> {
    let (app, theme) = (view.app, view.theme);
    let clock = app.now.strftime("%H:%M:%S").to_string();
    let clock = if brief { clock } else { format!("{clock} UTC") };
    let mut segments = vec![Segment {
        text: clock,
        style: theme.text(),
        drop: 7,
        right: true,
    }];
    for source in [Source::Kubernetes, Source::Prometheus, Source::Alertmanager] {
        let (words, style) = link_words(view, &app.link(source), brief);
        segments.push(Segment {
            text: format!("{} {words}", app.source_name(source)),
            style,
            drop: 0,
            right: true,
        });
    }
    segments
}

fn link_words(view: &View<'_>, state: &LinkState, brief: bool) -> (String, Style) {
    let theme = view.theme;
    match state {
        LinkState::Connecting => ("…".into(), theme.tone(Tone::Unknown)),
        LinkState::Live(age) if brief => (short(*age), theme.dim()),
        LinkState::Live(age) => (format!("live {}", short(*age)), theme.dim()),
        LinkState::Quiet(age) => (format!("quiet {}", short(*age)), theme.tone(Tone::Watch)),
        LinkState::Stale { age: Some(age), .. } => {
            (format!("stale {}", short(*age)), theme.tone(Tone::Unknown))
        }
        LinkState::Stale { age: None, .. } => ("no answer".into(), theme.tone(Tone::Unknown)),
        LinkState::Absent(_) => ("none".into(), theme.dim()),
    }
}

fn row_one(segments: &[Segment], area: Rect, buf: &mut Buffer) {
    let mut x = area.x + 1;
    for segment in segments.iter().filter(|segment| !segment.right) {
        x += text::put(
            buf,
            (x, area.y),
            &segment.text,
            area.right().saturating_sub(x),
            segment.style,
        ) + 2;
    }
    let right: usize = segments
        .iter()
        .filter(|s| s.right)
        .map(|s| text::width(&s.text) + 2)
        .sum();
    let mut x = x.max(area.right().saturating_sub(right as u16).max(area.x));
    for segment in segments.iter().filter(|segment| segment.right) {
        if x >= area.right() {
            break;
        }
        x += text::put(
            buf,
            (x, area.y),
            &segment.text,
            area.right() - x,
            segment.style,
        ) + 2;
    }
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
    let room = area.right().saturating_sub(x);
    let sentence = text::sanitize(&headline.text);
    text::put(
        buf,
        (x, area.y),
        &at_a_word(&sentence, usize::from(room)),
        room,
        view.theme.strong(),
    );
}

/// A sentence cut between words, so that no figure is shown in half.
fn at_a_word(sentence: &str, columns: usize) -> String {
    if text::width(sentence) <= columns {
        return sentence.to_owned();
    }
    let mut kept = text::wrap(sentence, columns.saturating_sub(2))
        .into_iter()
        .next()
        .unwrap_or_default();
    kept.push_str(" …");
    kept
}

/// The last row: a line being typed, a message, or the keys.
pub fn foot(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let line = |prompt: &str, typed: &str, buf: &mut Buffer| {
        let caret = theme.glyphs().caret;
        let shown = format!("{prompt}{}{caret}", text::sanitize(typed));
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
        Some(Layer::Form(_)) => return,
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
            &at_a_word(&words, usize::from(area.width).saturating_sub(1)),
            area.width - 1,
            style,
        );
        return;
    }
    let hints = view.keys.hints(app);
    let mut hints = hints;
    let charts = hints.first().is_some_and(|hint| hint.group == "charts");
    hints.sort_by_key(|hint| foremost(hint.id, charts));
    let shown: Vec<(&str, &str)> = hints
        .iter()
        .filter(|hint| !hint.keys.is_empty() && !matches!(hint.words, "down" | "up" | "help"))
        .map(|hint| (hint.keys.as_str(), hint.words))
        .collect();
    let hints = KeyHints {
        hints: &shown,
        always: Some(("?", "help")),
        theme,
    };
    ratatui::widgets::Widget::render(&hints, area, buf);
}

/// Where a key stands in the last row: what is used most in an emergency comes first.
fn foremost(id: &str, charts: bool) -> usize {
    const CHARTS: [&str; 4] = ["earlier", "later", "split", "baseline"];
    const ORDER: [&str; 11] = [
        "open",
        "rollout",
        "runbooks",
        "logs",
        "explain",
        "links",
        "signals",
        "copy",
        "next-pane",
        "timeline",
        "filter",
    ];
    let known = ORDER.iter().position(|known| *known == id);
    if charts && CHARTS.contains(&id) {
        return 0;
    }
    known.map_or(ORDER.len() + 1, |known| known + 1)
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
