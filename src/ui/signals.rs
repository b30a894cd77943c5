//! ```text
//! ┌ veza-backend errors: 21.4 % ──────────── 15 m · whole service ┬ latency: p50 40 ms, p95 210 ms, p99 930 ms ┐
//! ├ veza-backend requests/s: 60 ──────────────────────────────────┼ saturation: 31.0 % ────────────────────────┤
//! └───────────────────────────────────────────────────────────────┴────────────────────────────────────────────┘
//! ```
//! One service's signals, large, on one time axis with one cursor. Only the charts in view are asked for.

use super::charts::{self, Line, Question};
use super::lines::millis;
use super::view::View;
use super::widget::chart::Stroke;
use super::widget::figures;
use crate::app::chart::{self, Panel, WIDE, split_word};
use crate::app::screen::Screen;
use crate::app::wants::SplitBy;
use crate::domain::object::ObjectRef;
use crate::domain::pod::short;
use crate::domain::signal::{Part, SignalName, SignalSeries};
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;

/// The most lines of one chart; more would be a tangle.
const LINES: usize = 6;

/// Draws the screen.
pub fn draw(view: &View<'_>, object: &ObjectRef, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let Some(object) = app.service_of(object) else {
        let words = format!("{object} is not among the workloads here.");
        return super::rollout::nothing(view, "signals", &words, area, buf);
    };
    let panels = chart::visible(app);
    let columns = if app.width >= WIDE && panels.len() > 1 {
        2
    } else {
        1
    };
    let rows = panels.len().div_ceil(columns);
    let focus = app.here().place.pane % Panel::ALL.len();
    let mut focused = None;
    for (index, panel) in panels.iter().enumerate() {
        let place = cell(area, (index % columns, columns), (index / columns, rows));
        let mut question = question(view, &object, *panel, Panel::ALL.get(focus) == Some(panel));
        if index == 0 {
            question.note = span_note(view);
        }
        charts::draw(view, &question, place, buf);
        if question.focused {
            focused = Some(place);
        }
    }
    if let Some(place) = focused {
        super::lines::focus_frame(view.theme, place, buf);
    }
}

/// One of so many equal parts of an area; neighbours share a border.
fn cell(area: Rect, (column, columns): (usize, usize), (row, rows): (usize, usize)) -> Rect {
    let part = |from: u16, size: u16, index: usize, count: usize| {
        let (index, count) = (index as u16, count as u16);
        let inner = size.saturating_sub(1);
        let start = from + inner * index / count;
        let end = from + inner * (index + 1) / count;
        (start, end - start + 1)
    };
    let (x, width) = part(area.x, area.width, column, columns);
    let (y, height) = part(area.y, area.height, row, rows);
    Rect::new(x, y, width, height)
}

/// Which stretch of time the charts show, and how they are split.
fn span_note(view: &View<'_>) -> String {
    let app = view.app;
    let week = if app.baseline {
        ", shaded: last week"
    } else {
        ""
    };
    let span = short(SignedDuration::from_secs(i64::from(app.span_s())));
    format!("{span}, {}{week}", split_word(app.split))
}

/// How much was judged and how sure the latest quantile is, for the title of its chart.
fn sureness(view: &View<'_>, object: &ObjectRef) -> String {
    let app = view.app;
    let Some(now) = app.signals.reading(&object.namespace, &object.name) else {
        return String::new();
    };
    let mut said = Vec::new();
    if let Some((lower, upper)) = now.detail.p99_between {
        said.push(if upper.is_finite() {
            format!(
                "p99 between {} and {}",
                millis(Some(lower)),
                millis(Some(upper))
            )
        } else {
            format!("p99 beyond the last bucket, {}", millis(Some(lower)))
        });
    }
    said.extend(now.requests().map(|count| {
        let window = now.detail.window.as_secs();
        format!(
            "{} requests in {window} s",
            figures::count(Some(count as u64))
        )
    }));
    said.join(", ")
}

/// One of the large charts of a service.
pub fn question<'a>(
    view: &View<'a>,
    object: &'a ObjectRef,
    panel: Panel,
    focused: bool,
) -> Question<'a> {
    let (app, split) = (view.app, shown_split(view));
    let limits = app.settings.limits.of(&object.name);
    let mut lines = Vec::new();
    let signals = panel.signals(split);
    if let Some(signal) = signals
        .last()
        .filter(|_| app.baseline && split == app.split)
    {
        let want = chart::last_week(app, object, *signal);
        let ago = SignedDuration::from_secs(i64::from(want.ago_s));
        let found = app.signals.range(&want).first();
        lines.extend(found.map(|found| Line {
            ago,
            ..Line::only(&found.series, view.theme.dim())
        }));
    }
    lines.extend(current(view, object, panel));
    Question {
        object,
        subject: format!("{} {}", object.name, panel.word(split)),
        lines,
        limit: match panel {
            Panel::Errors => Some(limits.error_ratio),
            Panel::Latency => Some(limits.p99_ms),
            Panel::Saturation => Some(limits.saturation),
            Panel::Requests => None,
        },
        present: charts::Present::End,
        figure: charts::figure(panel),
        note: if panel == Panel::Latency && app.here().place.at.is_none() {
            sureness(view, object)
        } else {
            String::new()
        },
        focused,
    }
}

/// How lines are split: on the overview there is room for the whole alone.
fn shown_split(view: &View<'_>) -> SplitBy {
    match view.app.here().screen {
        Screen::Signals(_) => view.app.split,
        _ => SplitBy::Whole,
    }
}

/// This week's lines: one a quantile, or one a part, those with the highest last values.
fn current<'a>(view: &View<'a>, object: &ObjectRef, panel: Panel) -> Vec<Line<'a>> {
    let (app, theme) = (view.app, view.theme);
    let split = shown_split(view);
    let mut found: Vec<(SignalName, &SignalSeries)> = Vec::new();
    for signal in panel.signals(split) {
        let want = chart::question(app, object, *signal, split);
        let series = app.signals.range(&want).iter();
        found.extend(series.map(|series| (*signal, series)));
    }
    // Where it is known what is used, the worst of it would only lie over the others.
    if found
        .iter()
        .any(|(_, s)| matches!(s.part, Part::Resource(_)))
    {
        found.retain(|(_, s)| s.part != Part::Whole);
    }
    let nearest = nearest_limit(&found);
    let single = found.len() == 1 && found.iter().all(|(_, s)| s.part == Part::Whole);
    if split == SplitBy::Pod || split == SplitBy::Route {
        let last = |s: &SignalSeries| s.series.last().unwrap_or(f64::NEG_INFINITY);
        found.sort_by(|(_, a), (_, b)| last(b).total_cmp(&last(a)).then(a.part.cmp(&b.part)));
    }
    found.truncate(LINES);
    // The newest version, the worst part and the p99 are drawn solid, and last, over the others.
    let newest = newest_version(view, object);
    let many = found.len();
    let mut lines: Vec<Line<'a>> = found
        .into_iter()
        .enumerate()
        .map(|(index, (signal, series))| {
            let main = match &series.part {
                Part::Whole => matches!(signal, SignalName::P99) || many == 1,
                Part::Version(name) => Some(&**name) == newest.as_deref() || many == 1,
                Part::Pod(_) | Part::Route(_) => index == 0,
                Part::Resource(name) => Some(name) == nearest.as_ref(),
            };
            let stroke = if main { Stroke::Solid } else { Stroke::Dotted };
            let sign = charts::stroke_sign(view, stroke);
            let name = match &series.part {
                Part::Whole => signal.id(),
                part => part.name(),
            };
            Line {
                name: if single {
                    String::new()
                } else {
                    format!("{sign} {name}")
                },
                stroke,
                ..Line::only(&series.series, style(theme, main, index))
            }
        })
        .collect();
    lines.sort_by_key(|line| line.stroke == Stroke::Solid);
    lines
}

/// The use that is nearest to its limit now; what only holds back is none.
fn nearest_limit(found: &[(SignalName, &SignalSeries)]) -> Option<Arc<str>> {
    let uses = found.iter().filter_map(|(_, series)| match &series.part {
        Part::Resource(name) if &**name != "throttled" => Some((series.series.last()?, name)),
        _ => None,
    });
    uses.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}

fn style(theme: &super::theme::Theme, main: bool, index: usize) -> ratatui::style::Style {
    if main {
        theme.series_new()
    } else if index.is_multiple_of(2) {
        theme.series_old()
    } else {
        theme.text()
    }
}

fn newest_version(view: &View<'_>, object: &ObjectRef) -> Option<String> {
    let workload = view.app.workload_named(object)?;
    workload.version_name().map(str::to_owned)
}
