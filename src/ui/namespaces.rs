//! ```text
//! ┌ namespaces ─────────────────────────────────────────────────────── 6, enter goes there ┐
//! │   NAMESPACE         STANDS    CRITICAL  WARNING  AS OF   WHY                             │
//! └──────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! The namespaces of the cluster with the worst that is known of each: by its alerts, and by having looked. Without
//! either it is unknown: no alert is not the same as well.

use super::lines::{Listing, level_cell, level_tone, listing, since, words};
use super::view::View;
use super::widget::table::{Cell, Column, Row};
use crate::app::{App, list};
use crate::domain::alert::Severity;
use crate::domain::link::{LinkState, Source};
use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let names = list::namespaces(app);
    let note = format!("{}, enter goes there, 0 all", names.len());
    let title = match &app.reading.places.namespaces {
        None => "namespaces · being listed".to_owned(),
        Some(Ok(_)) => "namespaces".into(),
        Some(Err(why)) => format!("namespaces · only those we know of: {why}"),
    };
    let selected = list::at(app);
    let under = selected.and_then(|at| names.get(at));
    let whole = under.map(|name| standing(view, name).why);
    let listed = Listing {
        name: "namespaces",
        title: &title,
        note: &note,
        columns: vec![
            Column::words("", 1, 1).pin(),
            Column::words("NAMESPACE", 18, 40).pin(),
            Column::words("STANDS", 8, 8),
            Column::figures("CRITICAL", 8),
            Column::figures("WARNING", 7),
            Column::figures("AS OF", 6).drops(3),
            Column::words("ENVIRONMENT", 11, 14).drops(4),
            Column::sentence("WHY", 20, 120).drops(2),
        ],
        rows: &|index| {
            names
                .get(index)
                .map_or_else(Row::default, |name| row(view, name))
        },
        len: names.len(),
        selected,
        focused: true,
        stale: false,
        empty: "No namespace is known here.",
        whole: Some(whole.as_deref().unwrap_or("")),
    };
    listing(view, &listed, area, buf);
}

/// What is known of one namespace: by having looked, and by its alerts.
struct Standing {
    level: Level,
    why: String,
    as_of: String,
    /// Critical alerts and warnings, where Alertmanager is heard.
    alerts: Option<(usize, usize)>,
}

fn standing(view: &View<'_>, name: &Arc<str>) -> Standing {
    let app = view.app;
    let heard = matches!(
        app.link(Source::Alertmanager),
        LinkState::Live(_) | LinkState::Quiet(_)
    );
    let mine = || {
        let all = app.alerts.iter().filter(|alert| alert.heard());
        all.filter(|alert| alert.namespace() == Some(name))
    };
    let count = |severity: Severity| mine().filter(|alert| alert.severity == severity).count();
    let (critical, warnings) = (count(Severity::Critical), count(Severity::Warning));
    let scope = Scope::Namespace(name.clone());
    let known = app.reading.places.known(&app.target.context, &scope);
    let known = known.map(|known| (known.level, known.text.clone(), known.at));
    let known = seen(app, name).or(known);
    let (mut level, mut why) = match &known {
        Some((level, text, _)) => (*level, text.clone()),
        None if heard => (Level::Unknown, "no alerts; not looked at".to_owned()),
        None => (Level::Unknown, "not looked at".to_owned()),
    };
    // That nothing fires is no reason to call well what nobody looked at, nor to doubt what somebody did.
    let fires = match (critical, warnings) {
        (0, 0) => None,
        (0, _) => Some(Level::Watch),
        _ => Some(Level::Failing),
    };
    if let Some(fires) = fires.filter(|fires| *fires > level || known.is_none()) {
        level = fires;
        let loudest = mine().min_by_key(|alert| alert.severity);
        why = loudest.map_or(why, |alert| format!("{}: {}", alert.name, alert.summary()));
    }
    Standing {
        level,
        why,
        as_of: known.map_or("–".into(), |(_, _, at)| since(Some(at), app.now)),
        alerts: heard.then_some((critical, warnings)),
    }
}

/// What is seen of a namespace while all of them are looked at.
fn seen(app: &App, name: &Arc<str>) -> Option<(Level, String, Timestamp)> {
    if app.target.scope != Scope::All || !app.cluster.listed() {
        return None;
    }
    let mut rows = app.services.in_order();
    let mut rows = rows.by_ref().filter(|row| row.object.namespace == *name);
    let Some(worst) = rows.next() else {
        return Some((Level::Unknown, "no workloads".into(), app.now));
    };
    let said = match (worst.level(), rows.count()) {
        (Level::Healthy, 0) => "1 workload is well".to_owned(),
        (Level::Healthy, more) => format!("{} workloads are well", more + 1),
        _ => worst.judgement.verdict.reason.clone(),
    };
    Some((worst.level(), said, app.now))
}

fn row(view: &View<'_>, name: &Arc<str>) -> Row<'static> {
    let (app, theme) = (view.app, view.theme);
    let here = app.target.scope.namespace() == Some(name);
    let Standing {
        level,
        why,
        as_of,
        alerts,
    } = standing(view, name);
    let figure = |count: Option<usize>| count.map_or_else(|| "–".into(), |count| count.to_string());
    let (critical, warnings) = (alerts.map(|all| all.0), alerts.map(|all| all.1));
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
    if app.settings.simulated {
        environment = "simulated".into();
    }
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
