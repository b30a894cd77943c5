//! ```text
//! ┌ alerts ────────────────────────────────────────────────────────────────────── 2, loudest first ┐
//! │   ALERT            SEVERITY  SERVICE        SINCE  STATE    SUMMARY                             │
//! └────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! What Alertmanager holds, loudest first, silenced ones marked.

use super::lines::{clock, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::list;
use crate::domain::alert::{Alert, Severity};
use crate::domain::link::{LinkState, Source};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let alerts: Vec<&Alert> = list::alerts(app).collect();
    let (stale, age) = staleness(view, Source::Alertmanager);
    let (title, note) = (
        format!("alerts{age}"),
        format!("{}, loudest first", alerts.len()),
    );
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
    let selected = list::position(&app.here().place, &list::items(app));
    let height = usize::from(inside.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let columns = [
        Column::words("", 1, 1).pin(),
        Column::words("ALERT", 16, 32).pin(),
        Column::words("SEVERITY", 8, 8),
        Column::words("NAMESPACE", 14, 22).drops(4),
        Column::words("SERVICE", 14, 24),
        Column::figures("SINCE", 5),
        Column::words("STATE", 10, 11).drops(3),
        Column::words("SUMMARY", 20, 120).drops(2),
    ];
    let empty = empty(view);
    let table = Table {
        columns: &columns,
        rows: &|index| {
            alerts
                .get(index)
                .map_or_else(Row::default, |alert| row(view, alert))
        },
        len: alerts.len(),
        offset: window(at, at.saturating_sub(height / 2), height, alerts.len()),
        selected,
        scroll: app.here().place.right,
        stale,
        empty: &empty,
        theme,
    };
    Widget::render(&table, inside, buf);
}

fn row(view: &View<'_>, alert: &Alert) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let tone = match alert.severity {
        _ if !alert.heard() => Tone::Idle,
        Severity::Critical => Tone::Failing,
        Severity::Warning => Tone::Watch,
        Severity::Info | Severity::Other => Tone::Idle,
    };
    let cells = vec![
        Cell::new(theme.glyphs().tone(tone), theme.tone(tone)),
        words(&*alert.name, theme.strong()),
        Cell::new(alert.severity.word(), theme.tone(tone)),
        words(alert.namespace().map_or("–", |n| n), theme.dim()),
        words(alert.service().map_or("–", |s| s), theme.text()),
        Cell::new(since(alert.since, app.now), theme.text()),
        Cell::new(
            if alert.heard() {
                alert.state.word()
            } else {
                "silenced"
            },
            theme.dim(),
        ),
        words(&**alert.summary(), theme.text()),
    ];
    Row {
        cells,
        marked: false,
    }
}

fn empty(view: &View<'_>) -> String {
    match view.app.link(Source::Alertmanager) {
        LinkState::Connecting => "Alertmanager has not answered yet.".into(),
        LinkState::Absent(why) => format!("No Alertmanager here: {why}."),
        LinkState::Stale { why, since, .. } => format!(
            "Alertmanager has not answered since {} ({why}).",
            clock(since)
        ),
        LinkState::Live(age) | LinkState::Quiet(age) => format!(
            "No alerts. Alertmanager answered {} ago.",
            crate::domain::pod::short(age)
        ),
    }
}
