//! ```text
//! ┌ INC-2026-014 P1 checkout fails ────────────┬ timeline, newest first ───────────────────────┐
//! │ ● acknowledge                              │ 03:12:07  Acknowledged.                        │
//! │ ▲ assess: settle the severity              │ 03:11:10  Alert HighErrorRate critical: fires  │
//! │ ▲ severity 02:10   due 03:17:07            │                                                │
//! └────────────────────────────────────────────┴───────────────────────────────────────────────┘
//! ```
//! The incident that is open here: what comes next, its clocks, who does what, and everything that happened.

use super::lines::clock;
use super::paper::{Paper, sign};
use super::theme::Tone;
use super::view::View;
use super::widget::pane::Pane;
use super::widget::text;
use crate::domain::incident::{Incident, Language, Role, Stage, Strain, Timer, clocks, rows};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// From so many columns on, the timeline stands beside.
const BESIDE: u16 = 110;
/// Columns of the left part then.
const LEFT: u16 = 52;

/// Draws the screen.
pub fn draw(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let Some(incident) = app.incident_shown() else {
        return empty(view, area, buf);
    };
    let title = format!(
        "{} {} {}",
        incident.id,
        incident.severity(),
        text::sanitize(&incident.title)
    );
    let top = app.here().place.top;
    let state = if incident.is_open() { "" } else { "resolved" };
    let pane = |title, note, focused| Pane {
        title,
        note,
        focused,
        theme,
    };
    if area.width < BESIDE {
        Widget::render(&pane(title.as_str(), state, true), area, buf);
        let inside = Pane::padded(area);
        let mut paper = Paper::new(theme, inside.width);
        state_of(view, incident, &mut paper, true);
        paper.gap();
        happened(view, incident, &mut paper);
        paper.draw(inside, top, buf);
        return;
    }
    let left = Rect {
        width: LEFT.max(area.width / 3),
        ..area
    };
    let right = Rect {
        x: left.right() - 1,
        width: area.width - left.width + 1,
        ..area
    };
    Widget::render(&pane("timeline, newest first", "", false), right, buf);
    let inside = Pane::padded(right);
    let mut paper = Paper::new(theme, inside.width);
    happened(view, incident, &mut paper);
    paper.draw(inside, top, buf);
    Widget::render(&pane(title.as_str(), state, true), left, buf);
    let inside = Pane::padded(left);
    let mut paper = Paper::new(theme, inside.width);
    state_of(view, incident, &mut paper, false);
    paper.draw(inside, 0, buf);
}

fn empty(view: &View<'_>, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let pane = Pane {
        title: "incident",
        note: "",
        focused: true,
        theme,
    };
    Widget::render(&pane, area, buf);
    let inside = Pane::padded(area);
    let mut paper = Paper::new(theme, inside.width);
    let words = if view.app.incidents.known {
        "No incident is open here, and none was. I opens one."
    } else {
        "The incidents of this machine are being read."
    };
    paper.words(words, theme.text());
    paper.draw(inside, 0, buf);
}

/// What comes next, the clocks, and the rest that is known; in few rows where room is short.
fn state_of(view: &View<'_>, incident: &Incident, paper: &mut Paper<'_>, brief: bool) {
    let theme = view.theme;
    let stage = incident.stage();
    if brief {
        let words = format!("enter: {}", stage.prompt());
        paper.judged(Tone::Moving, &words, theme.strong());
    } else {
        for step in Stage::ORDER {
            let passed = step < stage;
            let (tone, style) = match step.cmp(&stage) {
                std::cmp::Ordering::Less if incident.did(step) => (Tone::Healthy, theme.dim()),
                std::cmp::Ordering::Less => (Tone::Idle, theme.dim()),
                std::cmp::Ordering::Equal => (Tone::Moving, theme.strong()),
                std::cmp::Ordering::Greater => (Tone::Idle, theme.text()),
            };
            let whole = step.prompt();
            let name = whole.split(':').next().unwrap_or(whole);
            let words = if step == stage {
                format!("{whole}  (enter)")
            } else if passed && !incident.did(step) {
                format!("{name}, not recorded")
            } else {
                name.to_owned()
            };
            paper.judged(tone, &words, style);
        }
    }
    paper.gap();
    for timer in clocks(incident) {
        clock_row(view, incident, &timer, paper);
    }
    paper.gap();
    paper.fact("place", &incident.place.to_string(), theme.text());
    paper.fact("detected", &clock(incident.detected), theme.text());
    let roles: Vec<String> = incident
        .roles
        .iter()
        .map(|(role, name)| format!("{} {name}", role.word()))
        .collect();
    let roles = if roles.is_empty() {
        "nobody was named (r names one)".to_owned()
    } else {
        roles.join(", ")
    };
    paper.fact("roles", &roles, theme.text());
    let open: Vec<&str> = incident.roles_open().into_iter().map(Role::word).collect();
    if incident.is_open() && !open.is_empty() {
        let words = format!("{} wants {} (r)", incident.severity(), open.join(", "));
        paper.judged(Tone::Watch, &words, theme.text());
    }
    let breach = match incident.breach_said {
        Some(true) => "personal data is concerned",
        Some(false) => "no personal data",
        None => "not said yet whether personal data is concerned (b)",
    };
    paper.fact("data", breach, theme.text());
    let firing = incident.alerts.values().filter(|fires| **fires).count();
    let taken = incident.acknowledged_alerts.len();
    let alerts = format!("{firing} firing, {taken} acknowledged here");
    paper.fact("alerts", &alerts, theme.text());
    for (run, runbook, _) in &incident.linked {
        paper.fact("linked", &format!("{runbook} {run}"), theme.text());
    }
    for why in incident.unsure.values() {
        let words = format!("a message may have been sent: {why}");
        paper.judged(Tone::Unknown, &words, theme.text());
    }
    for todo in &incident.todos {
        paper.fact("action", &todo.text, theme.text());
    }
}

/// A moment with its day, where that is another one.
fn due(at: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let day = |at: jiff::Timestamp| at.strftime("%F").to_string();
    if day(at) == day(now) {
        clock(at)
    } else {
        at.strftime("%F %H:%M").to_string()
    }
}

fn clock_row(view: &View<'_>, incident: &Incident, timer: &Timer, paper: &mut Paper<'_>) {
    let (theme, now) = (view.theme, view.app.now);
    let (tone, words) = match (timer.met, timer.strain(now)) {
        (Some(met), _) if met > timer.due => {
            let words = format!("{} met late, at {}", timer.clock.word(), clock(met));
            (Tone::Watch, words)
        }
        (Some(met), _) => {
            let words = format!("{} met at {}", timer.clock.word(), clock(met));
            (Tone::Healthy, words)
        }
        (None, strain) => {
            let tone = match strain {
                Strain::Calm => Tone::Idle,
                Strain::Amber => Tone::Watch,
                Strain::Red => Tone::Failing,
            };
            let origin = timer.clock.origin(incident).word();
            let due = due(timer.due, now);
            (tone, format!("{}, due {due} ({origin})", timer.words(now)))
        }
    };
    let style = match tone {
        Tone::Failing | Tone::Watch => theme.tone(tone),
        _ => theme.text(),
    };
    let (mark, colour) = sign(theme, tone);
    let before = [(format!("{mark} "), colour)];
    paper.hanging(&before, 2, &words, style);
}

/// Everything that happened, newest first.
fn happened(view: &View<'_>, incident: &Incident, paper: &mut Paper<'_>) {
    let theme = view.theme;
    let mut all = rows(incident, view.app.now, Language::English);
    all.reverse();
    for row in all {
        let disorder = if row.disorder { "!" } else { " " };
        let before = [(format!("{}{disorder} ", clock(row.at)), theme.dim())];
        let style = match row.event.as_str() {
            "clock.missed" => theme.tone(Tone::Failing),
            "kubernetes.event" | "kubernetes.condition" => theme.dim(),
            "incident.note" => theme.strong(),
            _ => theme.text(),
        };
        paper.hanging(&before, 0, &row.text, style);
    }
}
