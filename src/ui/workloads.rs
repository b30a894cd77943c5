//! ```text
//! ┌ workloads ──────────────────────────────────────────────────────────────────── 7, worst first ┐
//! │   KIND    NAME          READY  UPDATED  AVAIL  REV  ROLLOUT  IMAGES   MANAGED BY  HPA     AGE  │
//! └───────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! Every workload with its counts, its rollout, who manages it and who scales it.

use super::lines::{Listing, level_cell, listing, near, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::figures;
use super::widget::table::{Cell, Column, Row};
use crate::app::list;
use crate::app::services::ServiceRow;
use crate::domain::link::Source;
use crate::domain::object::Manager;
use crate::domain::rollout::RolloutState;
use crate::domain::target::Scope;
use crate::domain::workload::{Workload, WorkloadKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The columns of a row.
pub fn columns(all_namespaces: bool) -> Vec<Column<'static>> {
    let mut columns = vec![
        Column::words("", 1, 1).pin(),
        Column::words("NAME", 18, 36).pin(),
        Column::words("KIND", 6, 6),
    ];
    if all_namespaces {
        columns.push(Column::words("NAMESPACE", 12, 24));
    }
    columns.extend([
        Column::figures("READY", 7),
        Column::figures("UPDATED", 7).drops(5),
        Column::figures("AVAIL", 5).drops(6),
        Column::figures("REV", 4).drops(4),
        Column::words("ROLLOUT", 7, 7),
        Column::words("HPA", 12, 16).drops(7),
        Column::words("MANAGED BY", 12, 28).drops(8),
        Column::figures("AGE", 5),
        Column::words("IMAGES", 16, 80).drops(2),
    ]);
    columns
}

fn short_kind(kind: WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Deployment => "deploy",
        WorkloadKind::StatefulSet => "sts",
        WorkloadKind::DaemonSet => "ds",
    }
}

fn manager(manager: &Manager) -> String {
    match manager {
        Manager::ArgoCd(name) => format!("Argo CD {name}"),
        Manager::Flux(name) => format!("Flux {name}"),
        Manager::Helm(name) => format!("Helm {name}"),
    }
}

fn autoscaler(view: &View<'_>, workload: &Workload) -> String {
    let object = workload.object();
    let mut all = view.app.cluster.autoscalers.iter();
    all.find(|scaler| scaler.target == object)
        .map_or_else(String::new, |scaler| {
            let blind = if scaler.active == Some(false) {
                " blind"
            } else {
                ""
            };
            format!(
                "{}-{}, now {}{blind}",
                scaler.min, scaler.max, scaler.current
            )
        })
}

fn row(view: &View<'_>, service: &ServiceRow) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let Some(workload) = app.cluster.workload(&service.uid) else {
        return Row::default();
    };
    let tone = match service.rollout.state {
        RolloutState::Done => Tone::Idle,
        RolloutState::Moving => Tone::Moving,
        RolloutState::Paused => Tone::Watch,
        RolloutState::Stuck | RolloutState::Failed => Tone::Failing,
    };
    let counted = |count: u32| {
        let style = if count < workload.desired {
            theme.tone(Tone::Watch)
        } else {
            theme.text()
        };
        (count.to_string(), style)
    };
    let (updated, updated_style) = counted(workload.updated);
    let (available, available_style) = counted(workload.available);
    let images: Vec<&str> = workload.images.iter().map(|image| &*image.image).collect();
    let mut cells = vec![
        level_cell(theme, service.level()),
        words(&*workload.name, theme.strong()),
        Cell::new(short_kind(workload.kind), theme.dim()),
    ];
    if app.target.scope == Scope::All {
        cells.push(words(&*workload.namespace, theme.dim()));
    }
    cells.extend([
        Cell::new(
            format!("{}/{}", workload.ready, workload.desired),
            counted(workload.ready).1,
        ),
        Cell::new(updated, updated_style),
        Cell::new(available, available_style),
        Cell::new(
            workload
                .revision
                .map_or_else(|| figures::UNKNOWN.to_owned(), |n| n.to_string()),
            theme.text(),
        ),
        Cell::new(service.rollout.state.word(), theme.tone(tone)),
        words(autoscaler(view, workload), theme.text()),
        words(
            workload.manager.as_ref().map_or_else(String::new, manager),
            theme.text(),
        ),
        Cell::new(since(workload.created, app.now), theme.text()),
        words(images.join(", "), theme.text()),
    ]);
    Row {
        cells,
        marked: app.here().place.marked.contains(&service.uid),
    }
}

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let (stale, age) = staleness(view, Source::Kubernetes);
    let rows = list::service_lines(app);
    let total = app.services.len();
    let note = if rows.len() < total {
        format!("{} of {total} shown, worst first", rows.len())
    } else {
        format!("{total}, worst first")
    };
    let title = format!("workloads{age}");
    let selected = list::line_in(app, app.here().place.pane, &rows);
    let (from, shown) = near(&rows, selected, area);
    let listed = Listing {
        name: "workloads",
        title: &title,
        note: &note,
        columns: columns(app.target.scope == Scope::All),
        rows: &|index| {
            let row_at = shown.get(index.wrapping_sub(from));
            row_at.map_or_else(Row::default, |found| row(view, found))
        },
        len: rows.len(),
        selected,
        focused: true,
        stale,
        empty: super::overview::empty(view),
        whole: None,
    };
    listing(view, &listed, area, buf);
}
