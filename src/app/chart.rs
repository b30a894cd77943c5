//! Which charts a screen shows, what they ask for, and the moment under their cursor. How they are drawn is `ui`'s.

use super::screen::Screen;
use super::state::App;
use super::wants::{RangeWant, SplitBy};
use crate::domain::object::ObjectRef;
use crate::domain::signal::{Part, SignalName, SignalSeries};
use jiff::SignedDuration;
use std::sync::Arc;

/// From so many columns on, charts stand side by side.
pub const WIDE: u16 = 100;
/// A large chart is at least so high, with its border.
const CHART_ROWS: u16 = 8;
/// The seconds of a week.
const WEEK_S: u32 = 7 * 24 * 3600;
/// So many presses cross a chart.
const CURSOR_STEPS: u32 = 90;

/// One large chart of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Panel {
    /// Requests a second.
    Requests,
    /// The share that fails.
    Errors,
    /// The times to answer.
    Latency,
    /// Use of what is limited.
    Saturation,
}

impl Panel {
    /// Every chart, most telling first.
    pub const ALL: [Self; 4] = [
        Self::Errors,
        Self::Latency,
        Self::Requests,
        Self::Saturation,
    ];

    /// What it is about, in a title.
    pub fn word(self, split: SplitBy) -> &'static str {
        match self {
            Self::Requests => "requests/s",
            Self::Errors => "errors",
            Self::Latency if split == SplitBy::Whole => "latency",
            Self::Latency => "p99",
            Self::Saturation => "saturation",
        }
    }

    /// The signals it draws: the three quantiles only where no line is split.
    pub fn signals(self, split: SplitBy) -> &'static [SignalName] {
        match self {
            Self::Requests => &[SignalName::Requests],
            Self::Errors => &[SignalName::ErrorRatio],
            Self::Latency if split == SplitBy::Whole => {
                &[SignalName::P50, SignalName::P95, SignalName::P99]
            }
            Self::Latency => &[SignalName::P99],
            Self::Saturation => &[SignalName::Saturation],
        }
    }
}

/// The charts of the signals screen that are in view, by the size of the terminal and the focus.
pub fn visible(app: &App) -> &'static [Panel] {
    let columns = if app.width >= WIDE { 2 } else { 1 };
    let rows = (app.height.saturating_sub(3) / CHART_ROWS).clamp(1, 4);
    let count = usize::from(columns * rows).min(Panel::ALL.len());
    let focus = app.here().place.pane % Panel::ALL.len();
    let from = (focus / count * count).min(Panel::ALL.len() - count);
    &Panel::ALL[from..from + count]
}

/// The question behind one line, or all lines, of a chart of one service.
pub fn question(app: &App, object: &ObjectRef, signal: SignalName, split: SplitBy) -> RangeWant {
    let service = (object.namespace.clone(), object.name.clone());
    RangeWant::of(Some(service), signal, split, app.span_s())
}

/// The same hours of last week.
pub fn last_week(app: &App, object: &ObjectRef, signal: SignalName) -> RangeWant {
    RangeWant {
        ago_s: WEEK_S,
        ..question(app, object, signal, SplitBy::Whole)
    }
}

/// Everything the signals screen of a service asks for now.
pub fn signals_ranges(app: &App, object: &ObjectRef) -> Vec<RangeWant> {
    let Some(object) = app.service_of(object) else {
        return Vec::new();
    };
    let mut ranges = Vec::new();
    for panel in visible(app) {
        let signals = panel.signals(app.split);
        ranges.extend(
            signals
                .iter()
                .map(|signal| question(app, &object, *signal, app.split)),
        );
        if let Some(signal) = signals.last().filter(|_| app.baseline) {
            ranges.push(last_week(app, &object, *signal));
        }
    }
    ranges
}

/// From so many rows on, the overview has room for more than errors and p99.
const TALL: u16 = 50;

/// Whether the overview has that room.
pub fn roomy(app: &App) -> bool {
    app.height >= TALL && app.width >= WIDE && !app.compact
}

/// What else the overview asks of the service its charts are of, where it has room to show it.
pub fn overview_more(app: &App, object: &ObjectRef) -> Vec<RangeWant> {
    if !roomy(app) {
        return Vec::new();
    }
    let panels = [Panel::Requests, Panel::Saturation].into_iter();
    let signals = panels.flat_map(|panel| panel.signals(SplitBy::Whole));
    signals
        .map(|signal| question(app, object, *signal, SplitBy::Whole))
        .collect()
}

/// The queries behind the charts that have the focus: what each is called, and its words.
pub fn queries(app: &App) -> Vec<(String, Arc<str>)> {
    let screen = &app.here().screen;
    let mut found = Vec::new();
    let mut add = |want: &RangeWant, of: &ObjectRef| {
        let mine = |s: &&SignalSeries| s.namespace == of.namespace && s.service == of.name;
        for series in app.signals.range(want).iter().filter(mine) {
            let name = match &series.part {
                Part::Whole => want.signal.id().to_owned(),
                part => format!("{} {}", want.signal.id(), part.name()),
            };
            if !series.query.is_empty() {
                found.push((name, series.query.clone()));
            }
        }
    };
    match screen {
        Screen::Signals(object) => {
            let panel = Panel::ALL[app.here().place.pane % Panel::ALL.len()];
            if let Some(object) = app.service_of(object) {
                for signal in panel.signals(app.split) {
                    add(&question(app, &object, *signal, app.split), &object);
                }
            }
        }
        Screen::Rollout(object) => {
            if let Some(object) = app.service_of(object) {
                for signal in [SignalName::ErrorRatio, SignalName::P99] {
                    add(&question(app, &object, signal, SplitBy::Version), &object);
                }
            }
        }
        _ => {
            if let Some(object) = app.workload_here() {
                for want in app.overview_ranges() {
                    add(&want, &object);
                }
            }
        }
    }
    found
}

/// What the comparison of old and new rests on.
pub const COMPARED: [SignalName; 3] = [
    SignalName::Requests,
    SignalName::ErrorRatio,
    SignalName::P99,
];

/// Everything the rollout screen of a workload asks for: old and new apart.
pub fn rollout_ranges(app: &App, object: &ObjectRef) -> Vec<RangeWant> {
    let Some(object) = app.service_of(object) else {
        return Vec::new();
    };
    let by_version = |signal| question(app, &object, signal, SplitBy::Version);
    COMPARED.map(by_version).into()
}

impl App {
    /// The service an object stands for, by its whole name; one named without its namespace is looked up.
    pub fn service_of(&self, object: &ObjectRef) -> Option<ObjectRef> {
        if !object.namespace.is_empty() {
            return Some(object.clone());
        }
        let named = |row: &&super::services::ServiceRow| row.object.name == object.name;
        self.services
            .in_order()
            .find(named)
            .map(|row| row.object.clone())
    }

    /// Moves the cursor of the charts so many steps; past the present it lets go.
    pub(super) fn move_in_charts(&mut self, steps: i32) {
        let (now, span) = (self.now, self.span_s());
        let step = SignedDuration::from_secs(i64::from((span / CURSOR_STEPS).max(5)));
        let place = &mut self.history.here_mut().place;
        let at = place.at.unwrap_or(now) + step * steps;
        let first = now - SignedDuration::from_secs(i64::from(span));
        place.at = (at < now).then_some(at.max(first));
    }

    /// The next way to split a chart.
    pub(super) fn split_next(&mut self) {
        self.split = match self.split {
            SplitBy::Whole => SplitBy::Version,
            SplitBy::Version => SplitBy::Pod,
            SplitBy::Pod => SplitBy::Route,
            SplitBy::Route => SplitBy::Whole,
        };
    }
}

/// How a split is called in a title.
pub fn split_word(split: SplitBy) -> &'static str {
    match split {
        SplitBy::Whole => "whole service",
        SplitBy::Version => "by version",
        SplitBy::Pod => "by pod",
        SplitBy::Route => "by route",
    }
}
