//! ```text
//! ┌ rollout Deployment/veza-backend: moving ──────────────────────────── 1 of 3 pods updated ┐
//! │ As new pods become available old ones end: at most 1 above and 0 below 3 at a time.      │
//! │                 OLD 42 (v1.0.0)    NEW 43 (v1.1.0)    DIFFERENCE                          │
//! │ errors <= 1 %   0.2 %              ✖ 21.7 %           +21.5 points (± 0.9, real)          │
//! ├ errors: ┄ v1.0.0 0.2 %, ─ v1.1.0 21.7 % ─────┬ p99: ┄ v1.0.0 92 ms, ─ v1.1.0 982 ms ─────┤
//! ├ history ─────────────────────────────────────┴───────────────────────────────────────────┤
//! ├ pods that are not well, the newest revision's first ─────────────────────────────────────┤
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! A workload's rollout: what happens next, old and new side by side, their charts, the history, the pods that fail.

mod history;
mod sides;

use super::charts::{self, Line, Question};
use super::lines::{focus_frame, staleness};
use super::theme::Tone;
use super::view::View;
use super::widget::chart::Stroke;
use super::widget::pane::Pane;
use super::widget::text;
use crate::app::chart::{self, Panel};
use crate::app::lines::Lines;
use crate::app::next::next;
use crate::app::wants::SplitBy;
use crate::app::{list, panes};
use crate::domain::link::Source;
use crate::domain::object::ObjectRef;
use crate::domain::pod::Pod;
use crate::domain::rollout::RolloutState;
use crate::domain::signal::{Part, SignalName};
use crate::domain::verdict::Level;
use crate::domain::workload::Workload;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// A pane with one sentence, for a screen without anything to show.
pub fn nothing(view: &View<'_>, title: &str, words: &str, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let pane = Pane {
        title,
        note: "",
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::padded(area);
    let lines = text::wrap(&text::sanitize(words), usize::from(inside.width));
    for (y, line) in (inside.y..inside.bottom()).zip(lines) {
        text::put(buf, (inside.x, y), &line, inside.width, theme.dim());
    }
}

/// Draws the screen.
pub fn draw(view: &View<'_>, object: &ObjectRef, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let Some(workload) = app.workload_named(object) else {
        let words = if app.cluster.listed() {
            format!("{object} is not here: deleted, or of another namespace.")
        } else {
            "Reading the cluster.".into()
        };
        return nothing(view, "rollout", &words, area, buf);
    };
    let failing = list::new_and_failing(app, object);
    let sentence = sentence(view, workload, area.width);
    let facts = sides::facts(view, workload);
    let heights = heights(area.height, &sentence, facts.len(), failing.len());
    let mut y = area.y;
    let mut next = |height: u16| {
        let part = Rect::new(area.x, y, area.width, height);
        y += height.saturating_sub(1);
        part
    };
    let top = next(heights.top);
    top_pane(view, workload, (&sentence, &facts), top, buf);
    if heights.charts > 0 {
        chart_panes(view, workload, next(heights.charts), buf);
    }
    let focus = app.here().place.pane;
    let history_area = next(heights.history);
    let pods_area = next(heights.pods);
    if heights.history > 0 {
        history::draw(view, workload, history_area, buf);
    }
    if heights.pods > 0 {
        pods_pane(view, &failing, pods_area, buf);
    }
    if focus == panes::FIRST {
        focus_frame(view.theme, history_area, buf);
    }
}

struct Heights {
    top: u16,
    charts: u16,
    history: u16,
    pods: u16,
}

/// Who gets how many rows; neighbours share a border.
fn heights(all: u16, sentence: &[String], facts: usize, failing: usize) -> Heights {
    let top = (sentence.len() as u16 + facts as u16 + 3).min(all);
    let tight = all < 26;
    let most = if tight { 4 } else { (all / 4).max(4) };
    let wanted = (failing.min(200) as u16 + 3).clamp(4, most);
    let pods = if failing == 0 { 0 } else { wanted };
    let found = shared_out(all, top, pods, tight);
    // Without room for both, the history goes before the pods that fail.
    if found.history < 3 && pods > 0 {
        let pods = (all + 1).saturating_sub(top);
        return Heights {
            top: if pods < 4 { all } else { top },
            charts: 0,
            history: 0,
            pods: if pods < 4 { 0 } else { pods },
        };
    }
    found
}

fn shared_out(all: u16, top: u16, pods: u16, tight: bool) -> Heights {
    let borders = 2 + u16::from(pods > 0);
    let rest = (all + borders).saturating_sub(top + pods);
    let charts = if tight {
        rest.saturating_sub(5).min(8)
    } else {
        rest * 3 / 5
    };
    let (charts, history) = if charts < 6 {
        (0, rest.saturating_sub(1))
    } else {
        (charts, rest - charts)
    };
    if history < 3 {
        return Heights {
            top: all,
            charts: 0,
            history: 0,
            pods: 0,
        };
    }
    Heights {
        top,
        charts,
        history,
        pods,
    }
}

fn state_tone(state: RolloutState) -> Tone {
    match state {
        RolloutState::Done => Tone::Healthy,
        RolloutState::Moving => Tone::Moving,
        RolloutState::Paused => Tone::Watch,
        RolloutState::Stuck | RolloutState::Failed => Tone::Failing,
    }
}

/// What happens next, in at most two lines.
fn sentence(view: &View<'_>, workload: &Workload, width: u16) -> Vec<String> {
    let words = next(view.app, workload);
    let mut lines = text::wrap(
        &text::sanitize(&words),
        usize::from(width.saturating_sub(4)),
    );
    if lines.len() > 2 {
        lines.truncate(2);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

fn top_pane(
    view: &View<'_>,
    workload: &Workload,
    (sentence, facts): (&[String], &sides::Facts),
    area: Rect,
    buf: &mut Buffer,
) {
    let (app, theme) = (view.app, view.theme);
    let (_, age) = staleness(view, Source::Kubernetes);
    let row = app.services.get(&workload.uid);
    let state = row.map_or(RolloutState::Done, |row| row.rollout.state);
    let tone = state_tone(state);
    let sign = theme.glyphs().tone(tone);
    let title = format!(
        "rollout {}: {sign} {}{age}",
        workload.object(),
        state.word()
    );
    let reason = row.map_or("", |row| row.rollout.reason.as_str());
    let pane = Pane {
        title: &title,
        note: reason,
        focused: false,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::padded(area);
    for (y, line) in (inside.y..inside.bottom()).zip(sentence) {
        text::put(buf, (inside.x, y), line, inside.width, theme.strong());
    }
    let skip = (sentence.len() as u16).min(inside.height);
    let inner = Pane::inner(area);
    let rest = Rect {
        y: inner.y + skip,
        height: inner.height - skip.min(inner.height),
        ..inner
    };
    sides::draw(view, facts, rest, buf);
}

fn chart_panes(view: &View<'_>, workload: &Workload, area: Rect, buf: &mut Buffer) {
    let object = workload.object();
    let focused = view.app.here().place.pane == panes::CHARTS;
    let errors = question(view, &object, Panel::Errors, focused);
    let p99 = question(view, &object, Panel::Latency, focused);
    charts::pair(view, (&errors, &p99), area, buf);
}

/// Old and new in one chart; the whole service where they cannot be told apart.
fn question<'a>(
    view: &View<'a>,
    object: &'a ObjectRef,
    panel: Panel,
    focused: bool,
) -> Question<'a> {
    let (app, theme) = (view.app, view.theme);
    let limits = app.settings.limits.of(&object.name);
    let (signal, word, limit) = match panel {
        Panel::Errors => (SignalName::ErrorRatio, "errors", limits.error_ratio),
        _ => (SignalName::P99, "p99", limits.p99_ms),
    };
    let newest = app
        .workload_named(object)
        .and_then(|workload| workload.version_name())
        .map(str::to_owned);
    let want = chart::question(app, object, signal, SplitBy::Version);
    let mut lines: Vec<Line<'a>> = Vec::new();
    for series in app.signals.range(&want) {
        let Part::Version(version) = &series.part else {
            continue;
        };
        let new = Some(&**version) == newest.as_deref();
        let (stroke, style) = if new {
            (Stroke::Solid, theme.series_new())
        } else {
            (Stroke::Dotted, theme.series_old())
        };
        lines.push(Line {
            name: format!("{} {version}", charts::stroke_sign(view, stroke)),
            stroke,
            ..Line::only(&series.series, style)
        });
    }
    lines.sort_by_key(|line| line.stroke == Stroke::Solid);
    if lines.is_empty() {
        let whole = match panel {
            Panel::Errors => app.signals.errors(&object.namespace, &object.name),
            _ => app.signals.p99(&object.namespace, &object.name),
        };
        lines.extend(whole.map(|series| Line::only(series, theme.series_new())));
    }
    Question {
        present: charts::Present::End,
        object,
        subject: word.into(),
        lines,
        limit: Some(limit),
        figure: charts::figure(panel),
        note: String::new(),
        focused,
    }
}

fn pods_pane(view: &View<'_>, failing: &[(&Pod, Level)], area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let pods = Lines::of(failing.to_vec(), |(pod, _)| &pod.uid);
    let selected = list::line_in(app, panes::PODS, &pods);
    let focused = app.here().place.pane == panes::PODS;
    let table = super::pods::Listed {
        title: "pods that are not well",
        note: "the newest revision's first",
        pods: &pods,
        selected: selected.filter(|_| focused),
        focused,
        reasons: true,
    };
    super::pods::listed(view, &table, area, buf);
}
