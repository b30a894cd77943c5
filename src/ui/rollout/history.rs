//! The history of a workload: its revisions with images, pods, ages, causes and commits, the newest first.

use crate::app::services::current;
use crate::app::{list, panes};
use crate::domain::pod::short;
use crate::domain::rollout::Revision;
use crate::domain::served::{Served, Trace, served};
use crate::domain::workload::{Workload, WorkloadKind};
use crate::ui::lines::{since, words};
use crate::ui::theme::Tone;
use crate::ui::view::View;
use crate::ui::widget::figures;
use crate::ui::widget::pane::Pane;
use crate::ui::widget::table::{Cell, Column, Row, Table};
use crate::ui::widget::window::window;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the pane.
pub fn draw(view: &View<'_>, workload: &Workload, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let object = workload.object();
    let revisions: Vec<&Revision> = list::revisions(app, &object).collect();
    let newest = current(workload, &revisions).map(|revision| revision.uid.clone());
    let focused = app.here().place.pane == panes::FIRST;
    let note = format!("{}, newest first", revisions.len());
    let pane = Pane {
        title: "history",
        note: &note,
        focused,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::inner(area);
    let traces: Vec<Trace> = revisions.iter().map(|one| Trace::of(one)).collect();
    let times = served(&traces);
    let ids: Vec<_> = revisions.iter().map(|revision| &revision.uid).collect();
    let selected = list::line_of(app, panes::FIRST, &ids);
    let height = usize::from(inside.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let columns = [
        Column::words("", 1, 1).pin(),
        Column::figures("REV", 4).pin(),
        Column::words("VERSION", 10, 20),
        Column::words("PODS", 5, 7),
        Column::figures("AGE", 5),
        Column::figures("SERVED", 6).drops(1),
        Column::words("IMAGE", 24, 60).drops(2),
        Column::words("COMMIT", 8, 12).drops(3),
        Column::words("CHANGE CAUSE", 16, 60).drops(4),
    ];
    let empty = match workload.kind {
        WorkloadKind::Deployment => "No ReplicaSets of it are known.",
        _ => {
            "Only Deployments keep their history in ReplicaSets; `:kind controllerrevisions` lists this one's."
        }
    };
    let table = Table {
        columns: &columns,
        rows: &|index| {
            revisions.get(index).map_or_else(Row::default, |revision| {
                let newest = newest.as_ref() == Some(&revision.uid);
                row(view, revision, times.get(index), newest)
            })
        },
        len: revisions.len(),
        offset: window(at, at.saturating_sub(height / 2), height, revisions.len()),
        selected: selected.filter(|_| focused),
        scroll: app.here().place.right,
        stale: false,
        empty,
        theme,
    };
    Widget::render(&table, inside, buf);
}

/// How long it served when last it did; `never` where its pods never took over.
fn length(times: Option<&Served>, now: Timestamp) -> String {
    let Some(times) = times else {
        return figures::UNKNOWN.to_owned();
    };
    if times.took_over == Some(false) {
        return "never".to_owned();
    }
    times
        .length(now)
        .map_or_else(|| figures::UNKNOWN.to_owned(), short)
}

fn row(view: &View<'_>, revision: &Revision, times: Option<&Served>, newest: bool) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let tone = match (newest, revision.current > 0) {
        (true, _) => Tone::Moving,
        (false, true) => Tone::Watch,
        (false, false) => Tone::Idle,
    };
    let sign = match tone {
        Tone::Moving => theme.glyphs().more,
        Tone::Watch => theme.glyphs().moving,
        _ => " ",
    };
    let number = revision
        .number
        .map_or_else(|| figures::UNKNOWN.to_owned(), |n| n.to_string());
    let images: Vec<&str> = revision.images.iter().map(|image| &*image.image).collect();
    let commit: String = revision
        .commit
        .iter()
        .flat_map(|commit| commit.chars().take(12))
        .collect();
    let strong = if newest { theme.strong() } else { theme.text() };
    Row {
        cells: vec![
            Cell::new(sign, theme.tone(tone)),
            Cell::new(number, strong),
            words(revision.version_name().unwrap_or(figures::UNKNOWN), strong),
            words(
                format!("{}/{}", revision.ready, revision.desired),
                theme.text(),
            ),
            Cell::new(since(revision.created, app.now), theme.text()),
            Cell::new(length(times, app.now), theme.text()),
            words(images.join(", "), theme.text()),
            words(commit, theme.text()),
            words(revision.change_cause.as_deref().unwrap_or(""), theme.dim()),
        ],
        marked: app.here().place.marked.contains(&revision.uid),
    }
}
