//! ```text
//! ┌ namespaces ─────────────────────────────────────────────────────── 6, enter goes there ┐
//! │   NAMESPACE         STANDS    CRITICAL  WARNING  AS OF   WHY                             │
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The namespaces of the cluster with the worst that is known of each: by its alerts, and by having looked. Without
//! either it is unknown: no alert is not the same as well.

use super::lines::{level_cell, level_tone, since, words};
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row, Table};
use super::widget::window::window;
use crate::app::list;
use crate::domain::alert::{Alert, Severity};
use crate::domain::link::{LinkState, Source};
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;
use std::sync::Arc;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let names = list::namespaces(app);
    let note = format!("{}, enter goes there, 0 all", names.len());
    let title = match &app.reading.places.namespaces {
        None => "namespaces · being listed".to_owned(),
        Some(Ok(_)) => "namespaces".into(),
        Some(Err(why)) => format!("namespaces · only those we know of: {why}"),
    };
    let pane = Pane {
        title: &title,
        note: &note,
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::inner(area);
    let selected = list::position(&app.here().place, &list::items(app));
    let height = usize::from(inside.height.saturating_sub(1));
    let at = selected.unwrap_or(0);
    let columns = [
        Column::words("", 1, 1).pin(),
        Column::words("NAMESPACE", 20, 40).pin(),
        Column::words("STANDS", 8, 8),
        Column::figures("CRITICAL", 8),
        Column::figures("WARNING", 7),
        Column::figures("AS OF", 6).drops(3),
        Column::words("ENVIRONMENT", 11, 14).drops(4),
        Column::words("WHY", 16, 90).drops(2),
    ];
    let table = Table {
        columns: &columns,
        rows: &|index| {
            names
                .get(index)
                .map_or_else(Row::default, |name| row(view, name))
        },
        len: names.len(),
        offset: window(at, at.saturating_sub(height / 2), height, names.len()),
        selected,
        scroll: app.here().place.right,
        stale: false,
        empty: "No namespace passes the filter. esc clears it.",
        theme,
    };
    Widget::render(&table, inside, buf);
}

/// What is known of one namespace.
struct Standing {
    level: Level,
    why: String,
    as_of: String,
}

fn standing(
    view: &View<'_>,
    name: &Arc<str>,
    critical: usize,
    warnings: usize,
    heard: bool,
) -> Standing {
    let app = view.app;
    let scope = Scope::Namespace(name.clone());
    let known = app.reading.places.known(&app.target.context, &scope);
    let alerts = match (critical, warnings) {
        (0, 0) => Level::Unknown,
        (0, _) => Level::Watch,
        _ => Level::Failing,
    };
    let (level, mut why) = match known {
        Some(known) => (known.level, known.text.clone()),
        None if heard => (Level::Unknown, "no alerts; not looked at".to_owned()),
        None => (Level::Unknown, "not looked at".to_owned()),
    };
    if alerts > level {
        let first = app
            .alerts
            .iter()
            .find(|alert| alert.heard() && alert.namespace() == Some(name));
        why = first.map_or(why, |alert| format!("{}: {}", alert.name, alert.summary()));
    }
    Standing {
        level: level.max(alerts),
        why,
        as_of: known.map_or("–".into(), |known| since(Some(known.at), app.now)),
    }
}

fn row(view: &View<'_>, name: &Arc<str>) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let here = app.target.scope.namespace() == Some(name);
    let heard = matches!(
        app.link(Source::Alertmanager),
        LinkState::Live(_) | LinkState::Quiet(_)
    );
    let count = |severity: Severity| {
        let loud = |alert: &&Alert| {
            alert.heard() && alert.severity == severity && alert.namespace() == Some(name)
        };
        app.alerts.iter().filter(loud).count()
    };
    let (critical, warnings) = (count(Severity::Critical), count(Severity::Warning));
    let Standing { level, why, as_of } = standing(view, name, critical, warnings, heard);
    let figure = |count: usize| {
        if heard {
            count.to_string()
        } else {
            "–".into()
        }
    };
    let listed = app
        .reading
        .places
        .namespaces
        .as_ref()
        .and_then(|found| found.as_ref().ok());
    let place = listed.and_then(|all| all.iter().find(|place| place.name == *name));
    let mut environment = place
        .and_then(|place| place.environment.as_deref())
        .unwrap_or("")
        .to_owned();
    if place.is_some_and(|place| place.going) {
        environment = "deleting".into();
    }
    let cells = vec![
        level_cell(theme, level),
        words(&**name, if here { theme.strong() } else { theme.text() }),
        Cell::new(level.word(), theme.tone(level_tone(level))),
        Cell::new(figure(critical), theme.text()),
        Cell::new(figure(warnings), theme.text()),
        Cell::new(as_of, theme.dim()),
        words(environment, theme.dim()),
        words(why, theme.text()),
    ];
    Row {
        cells,
        marked: here,
    }
}
