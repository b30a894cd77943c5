//! Charts of signals in a pane, as every screen draws them: title with the values at the cursor, limit, marks of
//! revisions and of the onset, old data dimmed, and a sentence where there is nothing.

use super::lines::{clock, millis, rate, share, staleness};
use super::theme::Tone;
use super::view::View;
use super::widget::chart::{Chart, Mark, Series, Stroke};
use super::widget::figures;
use super::widget::pane::Pane;
use super::widget::text;
use crate::app::changes::ChangeKind;
use crate::app::chart::{Panel, WIDE};
use crate::domain::link::{LinkState, Source};
use crate::domain::object::ObjectRef;
use crate::domain::signal;
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// One line to draw.
pub struct Line<'a> {
    /// Its name in the title; empty for the only one.
    pub name: String,
    /// Its values.
    pub series: &'a signal::Series,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its colour.
    pub style: Style,
    /// How long ago it really was: last week's line is laid under this week's.
    pub ago: SignedDuration,
}

impl<'a> Line<'a> {
    /// The only line of a chart.
    pub fn only(series: &'a signal::Series, style: Style) -> Self {
        Self {
            name: String::new(),
            series,
            stroke: Stroke::Solid,
            style,
            ago: SignedDuration::ZERO,
        }
    }

    fn points(&self) -> Vec<(f64, Option<f64>)> {
        let at = |index| (self.series.at(index) + self.ago).as_second() as f64;
        let values = self.series.values.iter().enumerate();
        values.map(|(index, value)| (at(index), *value)).collect()
    }
}

/// What stands beside a line's name as its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Present {
    /// The end of the line.
    End,
    /// What was read apart from the line, or that it is not known.
    Read(Option<f64>),
}

/// A chart and its pane.
pub struct Question<'a> {
    /// The service whose changes are marked.
    pub object: &'a ObjectRef,
    /// What it is about: `veza-backend errors`.
    pub subject: String,
    /// The lines, later ones over earlier ones.
    pub lines: Vec<Line<'a>>,
    /// The value not to be crossed.
    pub limit: Option<f64>,
    /// What is measured now, where that is known better than by the end of the only line.
    pub present: Present,
    /// A value as a figure.
    pub figure: fn(Option<f64>) -> String,
    /// A remark at the right of the title.
    pub note: String,
    /// Whether its pane has the focus.
    pub focused: bool,
}

/// The figure of a panel's values.
pub fn figure(panel: Panel) -> fn(Option<f64>) -> String {
    match panel {
        Panel::Requests => rate,
        Panel::Errors | Panel::Saturation => share,
        Panel::Latency => millis,
    }
}

/// The sign of a stroke in a title, so that lines are told apart there without colour.
pub fn stroke_sign(view: &View<'_>, stroke: Stroke) -> &'static str {
    match (view.theme.glyphs().braille, stroke) {
        (true, Stroke::Solid) => "─",
        (true, Stroke::Dotted) => "┄",
        (false, Stroke::Solid) => "*",
        (false, Stroke::Dotted) => "+",
    }
}

/// Draws a chart in its pane.
pub fn draw(view: &View<'_>, question: &Question<'_>, area: Rect, buf: &mut Buffer) {
    let (app, theme) = (view.app, view.theme);
    let (stale, age) = staleness(view, Source::Prometheus);
    let points: Vec<Vec<(f64, Option<f64>)>> = question.lines.iter().map(Line::points).collect();
    let series: Vec<Series<'_>> = question
        .lines
        .iter()
        .zip(&points)
        .map(|(line, points)| Series {
            name: &line.name,
            points,
            stroke: line.stroke,
            style: line.style,
            baseline: !line.ago.is_zero(),
        })
        .collect();
    let now = app.now.as_second() as f64;
    let range = (now - f64::from(app.span_s()), now);
    let marks = marks(view, question.object, range.0);
    let unit = |value: f64| (question.figure)(Some(value));
    let time =
        |seconds: f64| Timestamp::from_second(seconds as i64).map_or_else(|_| String::new(), clock);
    let silent = silence(view);
    let at = app.here().place.at.map(|at| at.as_second() as f64);
    let chart = Chart {
        subject: &question.subject,
        titled: false,
        series: &series,
        range,
        limit: question.limit,
        marks: &marks,
        cursor: at,
        close: false,
        unit: &unit,
        time: &time,
        empty: &silent,
        stale,
        theme,
    };
    let room = usize::from(area.width).saturating_sub(6 + text::width(&age));
    let title = format!("{}{age}", title(question, &series, at, room));
    Widget::render(
        &Pane {
            title: &title,
            note: &question.note,
            focused: question.focused,
            theme,
        },
        area,
        buf,
    );
    Widget::render(&chart, Pane::padded(area), buf);
}

/// Draws two charts side by side; where there is room for one, the first, or the second while the pane has the focus.
pub fn pair(
    view: &View<'_>,
    (first, second): (&Question<'_>, &Question<'_>),
    area: Rect,
    buf: &mut Buffer,
) {
    if area.width < WIDE {
        let shown = if first.focused { second } else { first };
        return draw(view, shown, area, buf);
    }
    let half = area.width / 2;
    let left = Rect {
        width: half + 1,
        ..area
    };
    let right = Rect {
        x: area.x + half,
        width: area.width - half,
        ..area
    };
    draw(view, first, left, buf);
    draw(view, second, right, buf);
}

/// The subject and the values at the cursor, or the last ones: as many as fit whole.
fn title(question: &Question<'_>, series: &[Series<'_>], at: Option<f64>, room: usize) -> String {
    let when = at
        .and_then(|at| Timestamp::from_second(at as i64).ok())
        .map_or_else(String::new, |at| format!(" at {}", clock(at)));
    // What is drawn last, over the others, is what matters most: it is named first.
    let values: Vec<String> = series
        .iter()
        .rev()
        .filter(|line| !line.baseline)
        .map(|line| {
            let value = match question.present {
                Present::Read(now) if at.is_none() => now,
                _ => value(line, at),
            };
            let value = (question.figure)(value);
            if line.name.is_empty() {
                value
            } else {
                format!("{} {value}", text::sanitize(line.name))
            }
        })
        .collect();
    let subject = text::sanitize(&question.subject);
    let said = |subject: &str, count: usize| {
        let shown = values.get(..count).unwrap_or_default().join(", ");
        match values.len() - count {
            0 if count == 0 => format!("{subject}{when}: {}", figures::UNKNOWN),
            0 => format!("{subject}{when}: {shown}"),
            more if count == 0 => format!("{subject}{when}: {more} lines"),
            more => format!("{subject}{when}: {shown}, {more} more"),
        }
    };
    // A value is worth more than the service's name, which stands in the charts beside it.
    let signal = subject
        .split_once(' ')
        .map_or(&*subject, |(_, signal)| signal);
    let counts = || (1..=values.len()).rev();
    counts()
        .map(|count| said(&subject, count))
        .chain(counts().map(|count| said(signal, count)))
        .chain([said(&subject, 0)])
        .find(|title| text::width(title) <= room)
        .unwrap_or_else(|| subject.clone().into_owned())
}

/// The value nearest to a moment, or the last one; a gap there is a gap.
fn value(series: &Series<'_>, at: Option<f64>) -> Option<f64> {
    let point = match at {
        None => series.points.last(),
        Some(at) => series
            .points
            .iter()
            .min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs())),
    };
    point.and_then(|point| point.1)
}

fn marks<'a>(view: &View<'a>, object: &ObjectRef, from: f64) -> Vec<Mark<'a>> {
    let theme = view.theme;
    let changes = view.app.changes.iter();
    changes
        .filter(|change| change.object == *object && change.at.as_second() as f64 >= from)
        .map(|change| {
            let onset = change.kind == ChangeKind::Onset;
            Mark {
                at: change.at.as_second() as f64,
                name: if onset {
                    "ONSET"
                } else {
                    change.mark.as_deref().unwrap_or("")
                },
                style: if onset {
                    theme.tone(Tone::Failing)
                } else {
                    theme.mark()
                },
            }
        })
        .collect()
}

/// Why there is nothing to draw.
fn silence(view: &View<'_>) -> String {
    match view.app.link(Source::Prometheus) {
        LinkState::Connecting => "Prometheus has not answered yet.".into(),
        LinkState::Absent(why) => format!("No Prometheus here: {why}."),
        LinkState::Stale { why, since, .. } => format!(
            "Prometheus has not answered since {} ({why}).",
            clock(since)
        ),
        _ => "No samples of this in this range.".into(),
    }
}
