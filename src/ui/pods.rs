//! ```text
//! ┌ pods ──────────────────────────────────────────────────────────────── 9, worst first ┐
//! │   NAME                          READY  STATUS            RESTARTS   AGE  NODE    WHY  │
//! └──────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! Every pod with what kubectl would print, and our own reason beside it.

use super::lines::{level_cell, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::kind::Kind;
use crate::app::lines::Lines;
use crate::app::list;
use crate::domain::link::Source;
use crate::domain::pod::Pod;
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// The columns of a pod's row.
pub fn columns(all_namespaces: bool) -> Vec<Column<'static>> {
    let mut columns = vec![
        Column::words("", 1, 1).pin(),
        Column::words("NAME", 24, 46).pin(),
    ];
    if all_namespaces {
        columns.push(Column::words("NAMESPACE", 12, 20));
    }
    columns.extend([
        Column::words("READY", 5, 5),
        Column::words("STATUS", 17, 26),
        Column::figures("RESTARTS", 8).drops(2),
        Column::figures("AGE", 5),
        Column::words("NODE", 8, 20).drops(4),
        Column::words("WHY", 20, 120).drops(3),
    ]);
    columns
}

/// A pod as a row.
pub fn row(view: &View<'_>, pod: &Pod, level: Level) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let loud = match level {
        Level::Failing => theme.tone(Tone::Failing),
        Level::Watch => theme.tone(Tone::Watch),
        _ => theme.text(),
    };
    let mut cells = vec![level_cell(theme, level), words(&*pod.name, theme.text())];
    if app.target.scope == Scope::All {
        cells.push(words(&*pod.namespace, theme.dim()));
    }
    cells.extend([
        Cell::new(format!("{}/{}", pod.ready, pod.containers), theme.text()),
        words(&*pod.status, loud),
        Cell::new(
            pod.restarts.to_string(),
            if pod.restarts > 0 {
                theme.tone(Tone::Watch)
            } else {
                theme.dim()
            },
        ),
        Cell::new(since(pod.created, app.now), theme.text()),
        words(pod.node.as_deref().unwrap_or("–"), theme.dim()),
        words(pod.reason(app.now).unwrap_or_default(), theme.text()),
    ]);
    Row {
        cells,
        marked: app.here().place.marked.contains(&pod.uid),
    }
}

/// A pane that lists pods.
pub struct Listed<'a, 'l> {
    /// What it is called.
    pub title: &'a str,
    /// A remark at the right of the title.
    pub note: &'a str,
    /// The pods in order, with their levels.
    pub pods: &'a Lines<'l, (&'l Pod, Level)>,
    /// The line under the cursor.
    pub selected: Option<usize>,
    /// Whether it has the focus.
    pub focused: bool,
    /// Whether the reason is what the pane is for, and stays when room is short.
    pub reasons: bool,
}

/// Draws a pane that lists pods.
pub fn listed(view: &View<'_>, listed: &Listed<'_, '_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let (stale, age) = staleness(view, Source::Kubernetes);
    let title = format!("{}{age}", listed.title);
    let pane = Pane {
        title: &title,
        note: listed.note,
        focused: listed.focused,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::inner(area);
    let height = usize::from(inside.height.saturating_sub(1));
    let (at, len) = (listed.selected.unwrap_or(0), listed.pods.len());
    let mut columns = columns(app.target.scope == Scope::All);
    for column in columns.iter_mut().filter(|_| listed.reasons) {
        column.drop = match column.title {
            "WHY" => 0,
            "AGE" => 4,
            "RESTARTS" => 5,
            "NODE" => 6,
            _ => column.drop,
        };
    }
    let offset = window(at, at.saturating_sub(height / 2), height, len);
    let shown = listed.pods.stretch(offset, height);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            let row_at = shown.get(index.wrapping_sub(offset));
            row_at.map_or_else(Row::default, |(pod, level)| row(view, pod, *level))
        },
        len,
        offset,
        selected: listed.selected,
        scroll: if listed.focused {
            app.here().place.right
        } else {
            0
        },
        stale,
        empty: "No pods here.",
        theme,
    };
    Widget::render(&table, inside, buf);
}

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let (stale, age) = staleness(view, Source::Kubernetes);
    let total = app.cluster.pods.len();
    let pods = list::pod_lines(app);
    let note = if pods.len() < total {
        format!("{} of {total} shown, worst first", pods.len())
    } else {
        format!("{total}, worst first")
    };
    let less = app.cluster.restriction(Kind::Pods);
    let less = less.map_or(String::new(), |less| format!(" ({less})"));
    let title = format!("pods{age}{less}");
    Widget::render(
        &Pane {
            title: &title,
            note: &note,
            focused: true,
            theme,
        },
        area,
        buf,
    );
    let inside = Pane::inner(area);
    let place = &app.here().place;
    let selected = list::line_in(app, place.pane, &pods);
    let height = usize::from(inside.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let columns = columns(app.target.scope == Scope::All);
    let offset = window(at, at.saturating_sub(height / 2), height, pods.len());
    let shown = pods.stretch(offset, height);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            let row_at = shown.get(index.wrapping_sub(offset));
            row_at.map_or_else(Row::default, |(pod, level)| row(view, pod, *level))
        },
        len: pods.len(),
        offset,
        selected,
        scroll: place.right,
        stale,
        empty: if place.filter.is_empty() {
            "No pods here."
        } else {
            "No pod passes the filter. esc clears it."
        },
        theme,
    };
    Widget::render(&table, inside, buf);
}
