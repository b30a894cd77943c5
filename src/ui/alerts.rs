//! ```text
//! ┌ alerts ────────────────────────────────────────────────────────────────────── 2, loudest first ┐
//! │   ALERT            SEVERITY  SERVICE        SINCE  STATE    SUMMARY                             │
//! └────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! What Alertmanager holds, loudest first, silenced ones marked.

use super::lines::{Listing, clock, focus_frame, listing, since, staleness, words};
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::table::{Cell, Column, Row};
use super::widget::text;
use crate::app::list;
use crate::domain::alert::{Alert, Severity};
use crate::domain::link::{LinkState, Source};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// From so many columns on, the whole alert stands beside the list.
const BESIDE: u16 = 150;
/// From so many rows on, it stands below.
const BELOW: u16 = 16;

/// Draws the screen: the list, and where there is room the whole alert under the cursor.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let app = view.app;
    let alerts: Vec<&Alert> = list::alerts(app).collect();
    let ids: Vec<_> = alerts.iter().map(|alert| &alert.fingerprint).collect();
    let selected = list::line_of(app, app.here().place.pane, &ids);
    let chosen = selected.and_then(|at| alerts.get(at));
    let rows = alerts.len().clamp(1, 100) as u16 + 3;
    let Some(alert) = chosen.filter(|_| area.width >= BESIDE || area.height >= BELOW) else {
        return listed(view, (&alerts, selected), area, buf);
    };
    let (first, second) = if area.width >= BESIDE {
        let left = area.width * 3 / 5;
        (
            Rect {
                width: left,
                ..area
            },
            Rect {
                x: area.x + left - 1,
                width: area.width - left + 1,
                ..area
            },
        )
    } else {
        let upper = rows.min(area.height / 2);
        (
            Rect {
                height: upper,
                ..area
            },
            Rect {
                y: area.y + upper - 1,
                height: area.height - upper + 1,
                ..area
            },
        )
    };
    listed(view, (&alerts, selected), first, buf);
    whole(view, alert, second, buf);
    focus_frame(view.theme, first, buf);
}

/// Everything an alert says of itself.
fn whole(view: &View<'_>, alert: &Alert, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let pane = Pane {
        title: &alert.name,
        note: "enter opens what it names, o links",
        focused: false,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::padded(area);
    let label = (inside.width / 4).clamp(8, 22);
    let rest = inside.width.saturating_sub(label + 1);
    let firing = alert.since.map_or_else(
        || alert.state.word().to_owned(),
        |at| {
            format!(
                "{} since {} UTC",
                alert.state.word(),
                at.strftime("%Y-%m-%d %H:%M:%S")
            )
        },
    );
    let annotations = alert
        .annotations
        .iter()
        .map(|(key, value)| (&**key, &**value));
    let labels = alert.labels.iter().map(|(key, value)| (&**key, &**value));
    let rule = alert.generator.iter().map(|rule| ("rule", &**rule));
    let facts = std::iter::once(("state", firing.as_str()))
        .chain(annotations)
        .chain(labels)
        .chain(rule);
    let mut y = inside.y;
    for (key, value) in facts {
        let key = text::sanitize(key).into_owned();
        for (index, line) in text::wrap(&text::sanitize(value), usize::from(rest.max(1)))
            .iter()
            .take(4)
            .enumerate()
        {
            if y >= inside.bottom() {
                return;
            }
            if index == 0 {
                let fitted = text::fit(&key, usize::from(label));
                text::put(buf, (inside.x, y), &fitted, label, theme.dim());
            }
            text::put(buf, (inside.x + label + 1, y), line, rest, theme.text());
            y += 1;
        }
    }
}

fn listed(
    view: &View<'_>,
    (alerts, selected): (&[&Alert], Option<usize>),
    area: Rect,
    buf: &mut Buffer,
) {
    let app = view.app;
    let (stale, age) = staleness(view, Source::Alertmanager);
    let total = app.alerts.len();
    let shown = if alerts.len() < total {
        format!("{} of {total} shown", alerts.len())
    } else {
        total.to_string()
    };
    let listed = Listing {
        name: "alerts",
        title: &format!("alerts{age}"),
        note: &format!("{shown}, loudest first"),
        columns: vec![
            Column::words("", 1, 1).pin(),
            Column::words("ALERT", 16, 32).pin(),
            Column::words("SEVERITY", 8, 8),
            Column::words("NAMESPACE", 14, 22).drops(4),
            Column::words("SERVICE", 14, 24),
            Column::figures("SINCE", 5),
            Column::words("STATE", 10, 11).drops(3),
            Column::sentence("SUMMARY", 20, 120).drops(2),
        ],
        rows: &|index| {
            alerts
                .get(index)
                .map_or_else(Row::default, |alert| row(view, alert))
        },
        len: alerts.len(),
        selected,
        focused: true,
        stale,
        empty: &empty(view),
        whole: None,
    };
    listing(view, &listed, area, buf);
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
        Cell::new(state(view, alert), theme.dim()),
        words(&**alert.summary(), theme.text()),
    ];
    Row {
        cells,
        marked: app.here().place.marked.contains(&alert.fingerprint),
    }
}

/// Whether it is heard, and whether somebody took it on here.
fn state(view: &View<'_>, alert: &Alert) -> &'static str {
    match (alert.heard(), view.app.taken_on(alert)) {
        (true, true) => "taken on",
        (true, false) => alert.state.word(),
        (false, _) => "silenced",
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
