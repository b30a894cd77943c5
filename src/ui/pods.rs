//! ```text
//! ┌ pods ──────────────────────────────────────────────────────────────── 9, worst first ┐
//! │   NAME                          READY  STATUS            RESTARTS   AGE  NODE    WHY  │
//! └──────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! Every pod with what kubectl would print, and our own reason beside it.

use super::lines::{Listing, level_cell, listing, near, nothing, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::table::{Cell, Column, Row};
use crate::app::kind::Kind;
use crate::app::lines::Lines;
use crate::app::list;
use crate::domain::link::Source;
use crate::domain::pod::Pod;
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The columns of a pod's row on a screen so wide.
pub fn columns(all_namespaces: bool, width: u16) -> Vec<Column<'static>> {
    let restarts = if width >= ROOMY { RESTARTED } else { 8 };
    let mut columns = vec![
        Column::words("", 1, 1).pin(),
        Column::words("NAME", 30, 50).pin(),
    ];
    if all_namespaces {
        columns.push(Column::words("NAMESPACE", 12, 20));
    }
    columns.extend([
        Column::words("READY", 5, 5),
        Column::words("STATUS", 17, 24),
        Column::figures("RESTARTS", restarts).drops(2),
        Column::figures("AGE", 5),
        Column::words("NODE", 9, 28).drops(4),
        Column::sentence("WHY", 20, 120).drops(3),
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
        restarts(view, pod),
        Cell::new(since(pod.created, app.now), theme.text()),
        words(pod.node.as_deref().unwrap_or("–"), theme.dim()),
        words(pod.reason(app.now).unwrap_or_default(), theme.text()),
    ]);
    Row {
        cells,
        marked: app.here().place.marked.contains(&pod.uid),
    }
}

/// A terminal at least this wide shows how long ago the last restart was.
const ROOMY: u16 = 120;
/// Room for `123 (7d23h ago)`.
const RESTARTED: u16 = 15;

/// How often it restarted and how long ago, as `kubectl get pods` writes it; the age goes before the count does.
fn restarts(view: &View<'_>, pod: &Pod) -> Cell<'static> {
    let (theme, count) = (view.theme, pod.restarts.to_string());
    let style = if pod.restarts > 0 {
        theme.tone(Tone::Watch)
    } else {
        theme.dim()
    };
    let Some(at) = pod.last_restart else {
        return Cell::new(count, style);
    };
    let ago = kubectl_age(view.app.now.duration_since(at).as_secs());
    Cell::new(format!("{count} ({ago} ago)"), style).or(count)
}

/// A duration as kubectl writes ages: `12s`, `5m3s`, `47m`, `3h20m`, `2d4h`.
fn kubectl_age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / (24 * 365));
    let both = |large: i64, unit: &str, small: i64, smaller: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{smaller}"),
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => both(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => both(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => both(days, "d", hours % 24, "h"),
        () if years < 2 => format!("{days}d"),
        () if years < 8 => both(years, "y", days % 365, "d"),
        () => format!("{years}y"),
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
    let (stale, age) = staleness(view, Source::Kubernetes);
    let mut columns = columns(view.app.target.scope == Scope::All, view.app.width);
    for column in columns.iter_mut().filter(|_| listed.reasons) {
        column.drop = match column.title {
            "WHY" => 0,
            "AGE" => 4,
            "RESTARTS" => 5,
            "NODE" => 6,
            _ => column.drop,
        };
    }
    let (from, shown) = near(listed.pods, listed.selected, area);
    let pods = Listing {
        name: "pods",
        title: &format!("{}{age}", listed.title),
        note: listed.note,
        columns,
        rows: &|index| {
            let row_at = shown.get(index.wrapping_sub(from));
            row_at.map_or_else(Row::default, |(pod, level)| row(view, pod, *level))
        },
        len: listed.pods.len(),
        selected: listed.selected,
        focused: listed.focused,
        stale,
        empty: "No pods here.",
        whole: None,
    };
    listing(view, &pods, area, buf);
}

/// Draws the screen. Of many pods only those near the cursor are looked at.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let (stale, age) = staleness(view, Source::Kubernetes);
    let (total, lines) = (app.cluster.pods.len(), list::pod_lines(app));
    let note = if lines.len() < total {
        format!("{} of {total} shown, worst first", lines.len())
    } else {
        format!("{total}, worst first")
    };
    let less = app.cluster.restriction(Kind::Pods);
    let less = less.map_or(String::new(), |less| format!(" ({less})"));
    let selected = list::line_in(app, app.here().place.pane, &lines);
    let (from, shown) = near(&lines, selected, area);
    let under = selected.and_then(|at| shown.get(at - from));
    let whole = under.and_then(|(pod, _)| Some((pod, pod.reason(app.now)?)));
    let whole = whole.map_or(String::new(), |(pod, why)| format!("{}: {why}", pod.name));
    let pods = Listing {
        name: "pods",
        title: &format!("pods{age}{less}"),
        note: &note,
        columns: columns(app.target.scope == Scope::All, app.width),
        rows: &|index| {
            let row_at = shown.get(index.wrapping_sub(from));
            row_at.map_or_else(Row::default, |(pod, level)| row(view, pod, *level))
        },
        len: lines.len(),
        selected,
        focused: true,
        stale,
        empty: nothing(view, "No pods here."),
        whole: Some(&whole),
    };
    listing(view, &pods, area, buf);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_kubectl_writes_them() {
        let table = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (303, "5m3s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (12_000, "3h20m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (187_200, "2d4h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (66_000_000, "2y33d"),
        ];
        for (seconds, words) in table {
            assert_eq!(kubectl_age(seconds), words, "{seconds}");
        }
    }
}
