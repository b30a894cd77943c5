//! ```text
//! ┌ services ──────────────────────────────────────────────────────── 4, worst first ┐
//! │   SERVICE       PODS  REVISION       REQ/S  ERRORS           P99          SINCE  │
//! ├ veza-backend errors: 21.4 % ───────────┬ veza-backend p99: 930 ms ──────────────┤
//! ├ what changed ──────────────────────────┴── K goes back from revision 43: suggested ┤
//! ├ pods: 1 of 9 not well ──────────────────────────────────────────────────────────┤
//! └─────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The question of 03:10 on one screen: what is failing, since when, what changed just before. One pane has the focus;
//! the charts are those of the service its pane's cursor stands on, wherever the focus is.

use super::charts::{self, Line, Present, Question};
use super::lines::{
    Listing, clock, focus_frame, level_cell, listing, millis, near, nothing, p99_cell, rate,
    reading_cell, share, since, staleness, words,
};
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::sparkline::sparkline;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::changes::{Change, ChangeKind, Note};
use crate::app::chart::{self, Panel};
use crate::app::lines::Lines;
use crate::app::next::suggestion;
use crate::app::services::ServiceRow;
use crate::app::{list, panes};
use crate::domain::link::Source;
use crate::domain::pod::Pod;
use crate::domain::rollout::RolloutState;
use crate::domain::signal::{self, SignalName};
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Charts so high are worth two rows of them.
const MORE_CHARTS: u16 = 24;

/// What the panes show, gathered once a frame.
struct Shown<'a> {
    services: Lines<'a, &'a ServiceRow>,
    changes: Lines<'a, &'a Change>,
    pods: Lines<'a, (&'a Pod, Level)>,
    /// The service whose charts are shown.
    service: Option<&'a ServiceRow>,
}

/// Draws the overview.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let services = list::service_lines(app);
    let at = list::line_in(app, panes::FIRST, &services);
    let shown = Shown {
        service: at.and_then(|at| services.get(at)),
        services,
        changes: list::change_lines(app),
        pods: list::overview_pods(app),
    };
    let heights = heights(area, &shown, app.compact);
    let mut y = area.y;
    let mut next = |height: u16| {
        let part = Rect::new(area.x, y, area.width, height);
        y += height.saturating_sub(1);
        part
    };
    // From top to bottom: a lower pane's title lies in the border it shares with the one above.
    let mut parts = vec![(panes::FIRST, next(heights.services))];
    if heights.charts > 0 {
        parts.push((panes::CHARTS, next(heights.charts)));
    }
    if heights.changes > 0 {
        parts.push((panes::CHANGES, next(heights.changes)));
    }
    if heights.pods > 0 {
        parts.push((panes::PODS, next(heights.pods)));
    }
    for (pane, part) in &parts {
        let part = *part;
        match *pane {
            panes::CHARTS => charts_pane(view, &shown, part, buf),
            panes::CHANGES => changes_pane(view, &shown, part, buf),
            panes::PODS => pods_pane(view, &shown, part, buf),
            _ => services_pane(view, &shown.services, at, part, buf),
        }
    }
    let focus = |(pane, _): &&(usize, Rect)| *pane == app.here().place.pane;
    if let Some((_, part)) = parts.iter().find(focus) {
        focus_frame(view.theme, *part, buf);
    }
}

struct Heights {
    services: u16,
    charts: u16,
    changes: u16,
    pods: u16,
}

/// Who gets how many rows; neighbours share a border, so the sum is as many more than the area as there are of them.
fn heights(area: Rect, shown: &Shown<'_>, compact: bool) -> Heights {
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
    if compact {
        let changes = if tight {
            5
        } else {
            (shown.changes.len().min(200) as u16 + 2).clamp(4, all / 4)
        };
        let wanted = (shown.pods.len().min(200) as u16) + 3;
        let services = (shown.services.len().clamp(1, 200) as u16) + 3;
        let pods = if shown.pods.is_empty() {
            0
        } else {
            wanted.min(all / 3)
        };
        // Without charts, what they had goes to the services.
        let rest = all + 1 + u16::from(pods > 0) - changes - pods;
        let pods = pods + rest.saturating_sub(services.max(all / 3)) * u16::from(pods > 0);
        return Heights {
            services: all + 1 + u16::from(pods > 0) - changes - pods,
            charts: 0,
            changes,
            pods,
        };
    }
    let wanted = (shown.services.len().clamp(1, 200) as u16) + 3;
    let services = wanted.min(if tight { 7 } else { all / 3 });
    if tight {
        let changes = 5;
        return Heights {
            services,
            charts: all + 2 - services - changes,
            changes,
            pods: 0,
        };
    }
    let changes = (shown.changes.len().min(200) as u16 + 2).clamp(4, (all / 5).max(6));
    let rest = all + 3 - services - changes;
    // A chart taller than this says no more; pods do.
    let charts = rest.min((all * 2 / 5).max(10));
    let wanted = (shown.pods.len().min(200) as u16) + 3;
    let pods = (rest - charts.min(rest)).max(5).min(wanted);
    if shown.pods.is_empty() {
        return Heights {
            services,
            charts: rest - 1,
            changes,
            pods: 0,
        };
    }
    Heights {
        services,
        charts: rest - pods,
        changes,
        pods,
    }
}

fn services_pane(
    view: &View<'_>,
    rows: &Lines<'_, &ServiceRow>,
    selected: Option<usize>,
    area: Rect,
    buf: &mut Buffer,
) {
    let app = view.app;
    let (stale, age) = staleness(view, Source::Kubernetes);
    let total = app.services.len();
    let hidden = if rows.len() < total {
        format!("{} of {total} shown, ", rows.len())
    } else {
        format!("{total}, ")
    };
    let (from, shown) = near(rows, selected, area);
    let services = Listing {
        name: "services",
        title: &format!("services{age}"),
        note: &format!("{hidden}worst first"),
        columns: columns(app.target.scope == Scope::All),
        rows: &|index| {
            let row_at = shown.get(index.wrapping_sub(from));
            row_at.map_or_else(Row::default, |row| service_row(view, row))
        },
        len: rows.len(),
        selected,
        focused: app.here().place.pane == panes::FIRST,
        stale,
        empty: empty(view),
        whole: None,
    };
    listing(view, &services, area, buf);
}

/// The sentence for no workloads.
pub fn empty(view: &View<'_>) -> &'static str {
    nothing(view, "No workloads here. :ns goes elsewhere.")
}

/// The columns of a row.
pub fn columns(all_namespaces: bool) -> Vec<Column<'static>> {
    let mut columns = vec![
        Column::words("", 1, 1).pin(),
        Column::words("SERVICE", 13, 30).pin(),
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
        Column::sentence("WHY", 26, 110).drops(5),
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
        p99_cell(theme, row, limits.p99_ms),
        tail(app.signals.p99(namespace, name), limits.p99_ms),
        Cell::new(since(row.judgement.verdict.since, app.now), theme.text()),
        // Short, so that what is cut is not a figure.
        words(row.judgement.why.replace(" above ", " > "), theme.text()),
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

fn charts_pane(view: &View<'_>, shown: &Shown<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let focused = app.here().place.pane == panes::CHARTS;
    let Some(row) = shown.service else {
        let empty = Pane {
            title: "",
            note: "",
            focused,
            theme,
        };
        Widget::render(&empty, area, buf);
        return;
    };
    let limits = app.settings.limits.of(&row.object.name);
    let (namespace, name) = (&row.object.namespace, &row.object.name);
    let only = |series| Line::only(series, theme.series_new());
    // The table above and the title must not differ by the seconds between two answers.
    let present = |name| {
        let signals = row
            .signals
            .as_ref()
            .filter(|_| app.signals.link.trusted(app.now));
        signals.map_or(Present::End, |signals| {
            Present::Read(signals.get(name).value())
        })
    };
    let errors = Question {
        present: present(SignalName::ErrorRatio),
        object: &row.object,
        subject: format!("{name} errors"),
        lines: app
            .signals
            .errors(namespace, name)
            .map(only)
            .into_iter()
            .collect(),
        limit: Some(limits.error_ratio),
        figure: share,
        note: String::new(),
        focused,
    };
    let p99 = Question {
        present: present(SignalName::P99),
        subject: format!("{name} p99"),
        lines: app
            .signals
            .p99(namespace, name)
            .map(only)
            .into_iter()
            .collect(),
        limit: Some(limits.p99_ms),
        figure: millis,
        note: String::new(),
        ..errors
    };
    if !chart::roomy(app) || area.height < MORE_CHARTS {
        return charts::pair(view, (&errors, &p99), area, buf);
    }
    let upper = Rect {
        height: area.height / 2 + 1,
        ..area
    };
    let lower = Rect {
        y: area.y + area.height / 2,
        height: area.height - area.height / 2,
        ..area
    };
    charts::pair(view, (&errors, &p99), upper, buf);
    let [requests, saturation] = [Panel::Requests, Panel::Saturation]
        .map(|panel| super::signals::question(view, &row.object, panel, focused));
    charts::pair(view, (&requests, &saturation), lower, buf);
}

fn changes_pane(view: &View<'_>, shown: &Shown<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let focused = app.here().place.pane == panes::CHANGES;
    let note = shown
        .service
        .and_then(suggestion)
        .unwrap_or_else(|| "newest first".into());
    let pane = Pane {
        title: "what changed",
        note: &note,
        focused,
        theme,
    };
    let columns = [
        Column::words("", 8, 8).pin(),
        Column::words("", 7, 7),
        Column::words("", 14, 30),
        Column::sentence("", 40, 160),
        Column::words("", 20, 20).drops(3),
    ];
    Widget::render(&pane, area, buf);
    let inside = Pane::inner(area);
    let selected = list::line_in(app, panes::CHANGES, &shown.changes);
    let at = selected.filter(|_| focused).unwrap_or(0);
    let height = usize::from(inside.height);
    let len = shown.changes.len();
    let offset = window(at, at.saturating_sub(height / 2), height, len);
    let changes = shown.changes.stretch(offset, height);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            let change_at = changes.get(index.wrapping_sub(offset));
            change_at.map_or_else(Row::default, |change| change_row(view, change))
        },
        len,
        offset,
        selected: selected.filter(|_| focused),
        scroll: 0,
        stale: false,
        empty: nothing(
            view,
            "Nothing changed in the last 24 hours, as far as the cluster remembers.",
        ),
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
fn change_row(view: &View<'_>, change: &Change) -> Row<'static> {
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

fn pods_pane(view: &View<'_>, shown: &Shown<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let focused = app.here().place.pane == panes::PODS;
    let unwell = list::overview_unwell(app);
    let title = match unwell {
        0 => "pods, all well".to_owned(),
        some => format!("pods, {some} not well"),
    };
    let selected = list::line_in(app, panes::PODS, &shown.pods);
    let note = format!("{}, worst first", app.cluster.pods.len());
    let listed = super::pods::Listed {
        title: &title,
        note: &note,
        pods: &shown.pods,
        selected: selected.filter(|_| focused),
        focused,
        reasons: false,
    };
    super::pods::listed(view, &listed, area, buf);
}
