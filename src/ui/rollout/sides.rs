//! The table of old against new, or, where a workload has no two sides, of what is known of its one.

use crate::app::compare::{Comparison, Difference, Figure, Side, compare};
use crate::domain::pod::short;
use crate::domain::signal::{SignalName, Thresholds};
use crate::domain::workload::{Image, Strategy, Workload, WorkloadKind};
use crate::ui::lines::{millis, rate, share, words};
use crate::ui::theme::Tone;
use crate::ui::view::View;
use crate::ui::widget::figures;
use crate::ui::widget::table::{Cell, Column, Row, Table};
use crate::ui::widget::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// The lines of the table, with its headings.
pub struct Facts {
    headings: [String; 3],
    lines: Vec<[Cell<'static>; 4]>,
}

impl Facts {
    /// How many lines there are below the headings.
    pub fn len(&self) -> usize {
        self.lines.len()
    }
}

/// What is known of both sides of a Deployment, or of any other workload.
pub fn facts(view: &View<'_>, workload: &Workload) -> Facts {
    match compare(view.app, workload) {
        Some(comparison) => both(view, workload, &comparison),
        None => one(view, workload),
    }
}

/// Draws the table.
pub fn draw(view: &View<'_>, facts: &Facts, area: Rect, buf: &mut Buffer) {
    let [old, new, difference] = &facts.headings;
    let columns = [
        Column::words("", 13, 15).pin(),
        Column::words(old, 15, 34),
        Column::words(new, 15, 34),
        Column::words(difference, 29, 60),
    ];
    let table = Table {
        columns: &columns,
        rows: &|index| {
            facts
                .lines
                .get(index)
                .map_or_else(Row::default, |cells| Row {
                    cells: cells.to_vec(),
                    marked: false,
                })
        },
        len: facts.lines.len(),
        offset: 0,
        selected: None,
        scroll: 0,
        stale: false,
        empty: "",
        theme: view.theme,
    };
    Widget::render(&table, area, buf);
}

fn both(view: &View<'_>, workload: &Workload, comparison: &Comparison) -> Facts {
    let (theme, now) = (view.theme, view.app.now);
    let limits = view.app.settings.limits.of(&workload.name);
    let (old, new) = (comparison.old.as_ref(), &comparison.new);
    let plain = |text: String| words(text, theme.text());
    let label = |text: &str| words(text.to_owned(), theme.dim());
    let of = |say: &dyn Fn(&Side) -> String| {
        [
            plain(old.map_or_else(|| figures::UNKNOWN.to_owned(), say)),
            plain(say(new)),
        ]
    };
    let line = |name: &str, [a, b]: [Cell<'static>; 2], c: String| {
        [label(name), a, b, words(c, theme.text())]
    };
    let same = old.is_some_and(|old| old.images == new.images);
    let pods = |side: &Side| format!("{}/{} ready", side.pods.0, side.pods.1);
    let restarts = |side: &Side| {
        side.restarts
            .map_or_else(|| figures::UNKNOWN.to_owned(), |n| n.to_string())
    };
    let age = |side: &Side| {
        side.created.map_or_else(
            || figures::UNKNOWN.to_owned(),
            |at| short(now.duration_since(at)),
        )
    };
    let judged = comparison.judged.map_or_else(String::new, |all| {
        format!(
            "{} of new judged",
            figures::count(Some(all.max(0.0) as u64))
        )
    });
    let mut lines = vec![
        line("pods", of(&pods), String::new()),
        line("restarts", of(&restarts), String::new()),
        line("requests/s", figures_of(view, comparison, 0, None), judged),
    ];
    lines.extend(measured(view, comparison, &limits));
    let unchanged = if same { "image unchanged" } else { "" };
    lines.push(line("image", images(view, comparison), unchanged.into()));
    lines.push(line("age", of(&age), String::new()));
    let heading = |word: &str, side: Option<&Side>| {
        side.map_or_else(|| word.to_owned(), |side| format!("{word} {}", side.title))
    };
    Facts {
        headings: [
            heading("OLD", old),
            heading("NEW", Some(new)),
            "DIFFERENCE".into(),
        ],
        lines,
    }
}

/// Both sides' images. Where a name has no room its beginning goes: the tag is what differs.
fn images(view: &View<'_>, comparison: &Comparison) -> [Cell<'static>; 2] {
    let theme = view.theme;
    let (old, new) = (comparison.old.as_ref(), &comparison.new);
    let said = |side: &Side, say: &dyn Fn(&Image) -> String| {
        side.images.iter().map(say).collect::<Vec<_>>().join(", ")
    };
    let short = |image: &Image| {
        let short = image.image.rsplit('/').next().unwrap_or(&image.image);
        text::sanitize(short).into_owned()
    };
    let tag = |image: &Image| {
        let tag = text::sanitize(image.tag());
        format!("{}:{tag}", theme.glyphs().ellipsis)
    };
    let telling =
        old.is_none_or(|old| old.images == new.images || said(old, &tag) != said(new, &tag));
    let cell = |side: Option<&Side>| match side {
        None => words(figures::UNKNOWN, theme.text()),
        Some(side) if telling => words(said(side, &short), theme.text()).or(said(side, &tag)),
        Some(side) => words(said(side, &short), theme.text()),
    };
    [cell(old), cell(Some(new))]
}

fn measured(
    view: &View<'_>,
    comparison: &Comparison,
    limits: &Thresholds,
) -> [[Cell<'static>; 4]; 2] {
    let theme = view.theme;
    let label = |name: &str, limit: String| {
        let limit = limit.replace(".0 %", " %");
        words(format!("{name} <= {limit}"), theme.dim())
    };
    let points = |by: Option<f64>| figures::signed(by.map(|by| by * 100.0), 1);
    let milliseconds = |by: Option<f64>| figures::signed(by, 0);
    let errors = difference(view, comparison.errors, "points", &points);
    let p99 = difference(view, comparison.p99, "ms", &milliseconds);
    let [a, b] = figures_of(view, comparison, 1, Some(limits.error_ratio));
    let [c, d] = figures_of(view, comparison, 2, Some(limits.p99_ms));
    [
        [
            label("errors", share(Some(limits.error_ratio))),
            a,
            b,
            errors,
        ],
        [label("p99", millis(Some(limits.p99_ms))), c, d, p99],
    ]
}

/// Both sides' figure of one signal; above its limit it carries the sign of failing.
fn figures_of(
    view: &View<'_>,
    comparison: &Comparison,
    which: usize,
    limit: Option<f64>,
) -> [Cell<'static>; 2] {
    let theme = view.theme;
    let unit: fn(Option<f64>) -> String = match which {
        0 => rate,
        1 => share,
        _ => millis,
    };
    let cell = |figure: Option<Figure>| {
        let Figure { value, past, .. } = figure.unwrap_or_default();
        let tone = match value {
            None => Tone::Idle,
            Some(value) if limit.is_some_and(|limit| value > limit) => Tone::Failing,
            Some(_) => Tone::Healthy,
        };
        let sign = match (limit, value) {
            (Some(_), Some(_)) => theme.glyphs().tone(tone),
            _ => " ",
        };
        let was = if past { " before" } else { "" };
        let style = match tone {
            Tone::Failing => theme.tone(tone),
            Tone::Idle => theme.dim(),
            _ => theme.text(),
        };
        words(format!("{sign} {}{was}", unit(value)), style)
    };
    let of = |side: Option<&Side>| cell(side.and_then(|side| side.figures.get(which).copied()));
    [of(comparison.old.as_ref()), of(Some(&comparison.new))]
}

fn difference(
    view: &View<'_>,
    difference: Option<Difference>,
    unit: &str,
    figure: &dyn Fn(Option<f64>) -> String,
) -> Cell<'static> {
    let theme = view.theme;
    let Some(difference) = difference else {
        return words(figures::UNKNOWN, theme.dim());
    };
    let by = figure(Some(difference.by));
    let margin = figure(difference.margin).trim_start_matches('+').to_owned();
    let (verdict, style) = match difference.real() {
        Some(true) => (format!(" (± {margin}, real)"), theme.strong()),
        Some(false) => (format!(" (± {margin}, not real)"), theme.text()),
        None => (", too few to tell".to_owned(), theme.dim()),
    };
    // The unit stands beside the figures already; the verdict stands nowhere else.
    words(format!("{by} {unit}{verdict}"), style).or(format!("{by}{verdict}"))
}

/// A workload whose controller shows no two sides: counts, template, strategy, readings.
fn one(view: &View<'_>, workload: &Workload) -> Facts {
    let (app, theme) = (view.app, view.theme);
    let line = |name: &str, text: String, more: String| {
        [
            words(name.to_owned(), theme.dim()),
            words(text, theme.text()),
            words(more, theme.text()),
            Cell::default(),
        ]
    };
    let reading = |name, unit: fn(Option<f64>) -> String| {
        let reading = app.signals.reading(&workload.namespace, &workload.name);
        unit(reading.and_then(|reading| reading.get(name).value()))
    };
    let (strategy, detail) = strategy(workload);
    let mut lines = vec![
        line(
            "pods",
            format!("{}/{} ready", workload.ready, workload.desired),
            format!("{} available", workload.available),
        ),
        line(
            "updated",
            format!("{} of {}", workload.updated, workload.desired),
            String::new(),
        ),
        line("strategy", strategy, detail),
    ];
    if let Some((current, update)) = &workload.stateful_revisions {
        lines.push(line(
            "revision",
            current.to_string(),
            format!("to {update}"),
        ));
    }
    for image in &workload.images {
        lines.push(line(
            "image",
            image.tag().to_owned(),
            image.image.to_string(),
        ));
    }
    let errors = reading(SignalName::ErrorRatio, share);
    lines.push(line(
        "signals",
        format!("errors {errors}"),
        format!("p99 {}", reading(SignalName::P99, millis)),
    ));
    let kind = match workload.kind {
        WorkloadKind::Deployment => "no ReplicaSets known",
        _ => "",
    };
    Facts {
        headings: ["NOW".into(), String::new(), kind.into()],
        lines,
    }
}

fn strategy(workload: &Workload) -> (String, String) {
    match &workload.strategy {
        Strategy::Rolling {
            max_unavailable,
            partition,
            ..
        } if workload.kind == WorkloadKind::StatefulSet => (
            "rolling".into(),
            format!("partition {partition}, unavailable {max_unavailable}"),
        ),
        Strategy::Rolling {
            max_surge,
            max_unavailable,
            ..
        } => (
            "rolling".into(),
            format!("surge {max_surge}, unavailable {max_unavailable}"),
        ),
        Strategy::Recreate => ("recreate".into(), String::new()),
        Strategy::OnDelete => ("on delete".into(), String::new()),
        Strategy::Other(name) => (name.to_string(), String::new()),
    }
}
