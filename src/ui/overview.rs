//! ```text
//! ┌ services ──────────────────────────────────────────────────────── 4, worst first ┐
//! │   SERVICE       PODS  REVISION       REQ/S  ERRORS           P99          SINCE  │
//! ├ veza-backend errors: 21.4 % ───────────┬ veza-backend p99: 930 ms ──────────────┤
//! ├ what changed ──────────────────────────┴────────────────────────────────────────┤
//! ├ pods that are not well ─────────────────────────────────────────────────────────┤
//! └─────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The question of 03:10 on one screen: what is failing, since when, what changed just before.

use super::lines::{clock, level_cell, millis, rate, reading_cell, share, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::chart::{Chart, Mark, Series, Stroke};
use super::widget::pane::Pane;
use super::widget::sparkline::sparkline;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::changes::{Change, ChangeKind, Note};
use crate::app::list;
use crate::app::services::ServiceRow;
use crate::domain::link::{LinkState, Source};
use crate::domain::pod::Pod;
use crate::domain::rollout::RolloutState;
use crate::domain::signal::{self, SignalName};
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the overview.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let rows: Vec<&ServiceRow> = list::services(view.app).collect();
    let unwell: Vec<(&Pod, Level)> = view
        .app
        .cluster
        .pods_in_order()
        .take_while(|(_, level)| *level != Level::Healthy)
        .take(8)
        .collect();
    let heights = heights(area, rows.len(), unwell.len());
    let mut y = area.y;
    let mut next = |height: u16| {
        let part = Rect::new(area.x, y, area.width, height);
        y += height.saturating_sub(1);
        part
    };
    // From top to bottom: a lower pane's title lies in the border it shares with the one above.
    services_pane(view, &rows, next(heights.services), buf);
    if heights.charts == 0 {
        return;
    }
    let charts = next(heights.charts);
    let cursor = list::selected(view.app).and_then(|item| view.app.services.get(&item.id));
    if let Some(row) = cursor.or(rows.first().copied()) {
        charts_pane(view, row, charts, buf);
    } else {
        let empty = Pane {
            title: "",
            note: "",
            focused: false,
            theme: view.theme,
        };
        Widget::render(&empty, charts, buf);
    }
    changes_pane(view, next(heights.changes), buf);
    if heights.pods > 0 {
        pods_pane(view, &unwell, next(heights.pods), buf);
    }
}

struct Heights {
    services: u16,
    charts: u16,
    changes: u16,
    pods: u16,
}

/// Who gets how many rows; neighbours share a border, so the sum is three more than the area.
fn heights(area: Rect, services: usize, unwell: usize) -> Heights {
    let all = area.height;
    if all < 16 {
        return Heights {
            services: all,
            charts: 0,
            changes: 0,
            pods: 0,
        };
    }
    let tight = all < 26;
    let wanted = (services.max(1) as u16).saturating_add(3);
    let services = wanted.min(if tight { 7 } else { all / 3 });
    let pods = if tight || unwell == 0 {
        0
    } else {
        (unwell as u16 + 2).min(all / 5).max(3)
    };
    let shared = if pods > 0 { 3 } else { 2 };
    let rest = all + shared - services - pods;
    let changes = if tight { 5 } else { (rest / 3).clamp(5, 12) };
    Heights {
        services,
        charts: rest - changes,
        changes,
        pods,
    }
}

fn services_pane(view: &View<'_>, rows: &[&ServiceRow], area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let (stale, age) = staleness(view, Source::Kubernetes);
    let total = app.services.in_order().count();
    let hidden = if rows.len() < total {
        format!("{} of {total} shown, ", rows.len())
    } else {
        format!("{total}, ")
    };
    let title = format!("services{age}");
    let pane = Pane {
        title: &title,
        note: &format!("{hidden}worst first"),
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let selected = list::position(&app.here().place, &list::items(app));
    let inside = Pane::inner(area);
    let height = usize::from(inside.height.saturating_sub(1));
    let columns = columns(app.target.scope == Scope::All);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            rows.get(index)
                .map_or_else(Row::default, |row| service_row(view, row))
        },
        len: rows.len(),
        offset: window(
            selected.unwrap_or(0),
            app.here().place.index.saturating_sub(height / 2),
            height,
            rows.len(),
        ),
        selected,
        scroll: app.here().place.right,
        stale,
        empty: empty(view),
        theme,
    };
    Widget::render(&table, inside, buf);
}

fn empty(view: &View<'_>) -> &'static str {
    match view.app.link(Source::Kubernetes) {
        LinkState::Connecting => "Nothing heard yet: waiting for the API server.",
        LinkState::Stale { .. } | LinkState::Absent(_) => {
            "Nothing known: the API server does not answer. Row 2 says why."
        }
        _ if !view.app.here().place.filter.is_empty() => {
            "No service passes the filter. esc clears it."
        }
        _ if view.app.cluster.listed() => "No workloads here. :ns goes elsewhere.",
        _ => "Reading the cluster.",
    }
}

fn columns(all_namespaces: bool) -> Vec<Column<'static>> {
    let mut columns = vec![
        Column::words("", 1, 1).pin(),
        Column::words("SERVICE", 14, 22).pin(),
    ];
    if all_namespaces {
        columns.push(Column::words("NAMESPACE", 12, 20));
    }
    columns.extend([
        Column::words("PODS", 7, 7),
        Column::words("REVISION", 15, 18).drops(3),
        Column::figures("REQ/S", 6).drops(7),
        Column::figures("ERRORS", 7),
        Column::words("", 8, 8).drops(9),
        Column::figures("P99", 7),
        Column::words("", 8, 8).drops(8),
        Column::figures("SINCE", 5).drops(4),
        Column::words("WHY", 16, 60).drops(5),
    ]);
    columns
}

fn service_row(view: &View<'_>, row: &ServiceRow) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let limits = app.settings.limits.of(&row.object.name);
    let reading = |name| row.signals.as_ref().map(|signals| signals.get(name));
    let tail = |series: Option<&signal::Series>, least: f64| {
        let line = series.map_or_else(String::new, |series| {
            sparkline(recent(series), 8, least, theme.glyphs())
        });
        Cell::new(line, theme.dim())
    };
    let (namespace, name) = (&row.object.namespace, &row.object.name);
    let moving = matches!(
        row.rollout.state,
        RolloutState::Moving | RolloutState::Stuck
    );
    let sign = if moving { theme.glyphs().moving } else { " " };
    let pods_style = if row.ready < row.desired {
        theme.tone(Tone::Watch)
    } else {
        theme.text()
    };
    let mut cells = vec![
        level_cell(theme, row.level()),
        words(&**name, theme.strong()),
    ];
    if app.target.scope == Scope::All {
        cells.push(words(&**namespace, theme.dim()));
    }
    let revision = [
        row.revision.map(|n| n.to_string()),
        row.version.as_deref().map(str::to_owned),
        row.taken_over.map(|at| since(Some(at), app.now)),
    ];
    cells.extend([
        Cell::new(format!("{}/{} {sign}", row.ready, row.desired), pods_style),
        words(
            revision.into_iter().flatten().collect::<Vec<_>>().join(" "),
            theme.text(),
        ),
        reading_cell(theme, reading(SignalName::Requests), None, rate),
        reading_cell(
            theme,
            reading(SignalName::ErrorRatio),
            Some(limits.error_ratio),
            share,
        ),
        tail(app.signals.errors(namespace, name), limits.error_ratio),
        reading_cell(theme, reading(SignalName::P99), Some(limits.p99_ms), millis),
        tail(app.signals.p99(namespace, name), limits.p99_ms),
        Cell::new(since(row.judgement.verdict.since, app.now), theme.text()),
        words(row.judgement.why.clone(), theme.text()),
    ]);
    Row {
        cells,
        marked: app.here().place.marked.contains(&row.uid),
    }
}

/// The last five minutes or so: what a sparkline is for.
fn recent(series: &signal::Series) -> &[Option<f64>] {
    let points = (300 / series.step.as_secs().max(1)).max(8) as usize;
    &series.values[series.values.len().saturating_sub(points)..]
}

fn charts_pane(view: &View<'_>, row: &ServiceRow, area: Rect, buf: &mut Buffer) {
    let one = area.width < 100;
    let limits = view.app.settings.limits.of(&row.object.name);
    let (namespace, name) = (&row.object.namespace, &row.object.name);
    let errors = Question {
        row,
        word: "errors",
        series: view.app.signals.errors(namespace, name),
        limit: limits.error_ratio,
        figure: share,
    };
    let p99 = Question {
        row,
        word: "p99",
        series: view.app.signals.p99(namespace, name),
        limit: limits.p99_ms,
        figure: millis,
    };
    if one {
        let shown = if view.app.here().place.pane.is_multiple_of(2) {
            errors
        } else {
            p99
        };
        chart(view, &shown, area, buf);
        return;
    }
    let half = area.width / 2;
    chart(
        view,
        &errors,
        Rect {
            width: half + 1,
            ..area
        },
        buf,
    );
    chart(
        view,
        &p99,
        Rect {
            x: area.x + half,
            width: area.width - half,
            ..area
        },
        buf,
    );
}

struct Question<'a> {
    row: &'a ServiceRow,
    word: &'static str,
    series: Option<&'a signal::Series>,
    limit: f64,
    figure: fn(Option<f64>) -> String,
}

fn chart(view: &View<'_>, question: &Question<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let (old, age) = staleness(view, Source::Prometheus);
    let points: Vec<(f64, Option<f64>)> = question.series.map_or_else(Vec::new, |series| {
        (0..series.values.len())
            .map(|index| (series.at(index).as_second() as f64, series.values[index]))
            .collect()
    });
    let now = app.now.as_second() as f64;
    let range = (now - f64::from(app.span_s()), now);
    let marks: Vec<Mark<'_>> = app
        .changes
        .iter()
        .filter(|change| {
            change.object == question.row.object && change.at.as_second() as f64 >= range.0
        })
        .map(|change| {
            let onset = change.kind == ChangeKind::Onset;
            let style = if onset {
                theme.tone(Tone::Failing)
            } else {
                theme.mark()
            };
            Mark {
                at: change.at.as_second() as f64,
                name: if onset {
                    "ONSET"
                } else {
                    change.mark.as_deref().unwrap_or("")
                },
                style,
            }
        })
        .collect();
    let subject = format!("{} {}", question.row.object.name, question.word);
    let unit = |value: f64| (question.figure)(Some(value));
    let time = |seconds: f64| {
        jiff::Timestamp::from_second(seconds as i64).map_or_else(|_| String::new(), clock)
    };
    let silent = silence(view);
    let chart = Chart {
        subject: &subject,
        titled: false,
        series: &[Series {
            name: "",
            points: &points,
            stroke: Stroke::Solid,
            style: theme.series_new(),
            baseline: false,
        }],
        range,
        limit: Some(question.limit),
        marks: &marks,
        cursor: None,
        close: false,
        unit: &unit,
        time: &time,
        empty: &silent,
        stale: old,
        theme,
    };
    let title = format!("{}{age}", chart.headline());
    Widget::render(
        &Pane {
            title: &title,
            note: "",
            focused: false,
            theme,
        },
        area,
        buf,
    );
    Widget::render(&chart, Pane::padded(area), buf);
}

fn silence(view: &View<'_>) -> String {
    match view.app.link(Source::Prometheus) {
        LinkState::Connecting => "Prometheus has not answered yet.".into(),
        LinkState::Absent(why) => format!("No Prometheus here: {why}."),
        LinkState::Stale { why, since, .. } => format!(
            "Prometheus has not answered since {} ({why}).",
            clock(since)
        ),
        _ => "No samples of this service in this range.".into(),
    }
}

fn changes_pane(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let pane = Pane {
        title: "what changed",
        note: "newest first",
        focused: false,
        theme,
    };
    Widget::render(&pane, area, buf);
    let columns = [
        Column::words("", 8, 8).pin(),
        Column::words("", 7, 7),
        Column::words("", 14, 18),
        Column::words("", 20, 160),
        Column::words("", 20, 20).drops(3),
    ];
    let inside = Pane::inner(area);
    let changes = &app.changes;
    let table = Table {
        columns: &columns,
        rows: &|index| {
            changes
                .get(index)
                .map_or_else(Row::default, |change| change_row(view, change))
        },
        len: changes.len().min(usize::from(inside.height)),
        offset: 0,
        selected: None,
        scroll: 0,
        stale: false,
        empty: "Nothing changed in the last 24 hours, as far as the cluster remembers.",
        theme,
    };
    // The table's heading row carries no titles here; it is drawn into the border and the border over it.
    let shifted = Rect {
        y: inside.y.saturating_sub(1),
        height: inside.height + 1,
        ..inside
    };
    Widget::render(&table, shifted, buf);
    Widget::render(&pane, area, buf);
}

/// One change as a row.
pub fn change_row(view: &View<'_>, change: &Change) -> Row<'static> {
    let theme = view.theme;
    let style = match change.kind {
        ChangeKind::Onset => theme.tone(Tone::Failing),
        ChangeKind::Alert => theme.tone(Tone::Watch),
        ChangeKind::Rollout => theme.text(),
    };
    let note = match change.note {
        Some(Note::AfterOnset) => Cell::new("after the onset", theme.dim()),
        Some(Note::RollbackSuggested) => Cell::new("K rollback suggested", theme.key()),
        None => Cell::default(),
    };
    let cells = vec![
        Cell::new(clock(change.at), theme.dim()),
        Cell::new(change.kind.word(), style),
        words(&*change.object.name, theme.strong()),
        words(change.text.clone(), theme.text()),
        note,
    ];
    Row {
        cells,
        marked: false,
    }
}

fn pods_pane(view: &View<'_>, unwell: &[(&Pod, Level)], area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let (stale, age) = staleness(view, Source::Kubernetes);
    let title = format!("pods that are not well{age}");
    let pane = Pane {
        title: &title,
        note: "",
        focused: false,
        theme,
    };
    let inside = Pane::inner(area);
    let columns = super::pods::columns(view.app.target.scope == Scope::All);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            unwell.get(index).map_or_else(Row::default, |(pod, level)| {
                super::pods::row(view, pod, *level)
            })
        },
        len: unwell.len().min(usize::from(inside.height)),
        offset: 0,
        selected: None,
        scroll: 0,
        stale,
        empty: "",
        theme,
    };
    let shifted = Rect {
        y: inside.y.saturating_sub(1),
        height: inside.height + 1,
        ..inside
    };
    Widget::render(&table, shifted, buf);
    Widget::render(&pane, area, buf);
}
