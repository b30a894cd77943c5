//! Puts a chart's parts into cells, quietest first: shade, limit, marks, cursor, lines, and the words last, where
//! they hide nothing.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::layout::Layout;
use super::spec::{Chart, Series};
use crate::ui::widget::canvas::Canvas;
use crate::ui::widget::text;

pub(super) fn paint(chart: &Chart<'_>, layout: &Layout, buf: &mut Buffer) {
    let braille = chart.theme.glyphs().braille;
    let mut canvas = Canvas::new(
        usize::from(layout.plot.width),
        usize::from(layout.plot.height),
        braille,
    );
    for series in chart.series {
        if series.baseline {
            shade(chart, series, layout, buf);
        } else {
            trace(series, layout, &mut canvas);
        }
    }
    limit(chart, layout, buf);
    for mark in chart.marks {
        upright(
            layout,
            mark.at,
            (chart.theme.glyphs().mark, mark.style),
            buf,
        );
    }
    if let Some(at) = chart.cursor {
        upright(
            layout,
            at,
            (chart.theme.glyphs().cursor, chart.theme.key()),
            buf,
        );
    }
    lines(&canvas, layout, buf);
    names(chart, layout, &canvas, buf);
    figures(chart, layout, buf);
    times(chart, layout, buf);
}

/// Each unbroken stretch of a series becomes one line.
fn trace(series: &Series<'_>, layout: &Layout, canvas: &mut Canvas) {
    let (wide, high) = canvas.dots();
    let to_dot = |at: f64, value: f64| {
        let x = layout.across(at)? * wide.saturating_sub(1) as f64;
        let y = (1.0 - layout.scale.share(value)) * high.saturating_sub(1) as f64;
        Some((x.round() as usize, y.round() as usize))
    };
    let mut stretch = Vec::new();
    for (at, value) in series.points {
        match value
            .filter(|value| value.is_finite())
            .map(|value| to_dot(*at, value))
        {
            Some(Some(dot)) => stretch.push(dot),
            // Outside the range is not a gap, but there is nothing to draw either.
            Some(None) => {}
            None => {
                canvas.line(&stretch, series.stroke, series.style);
                stretch.clear();
            }
        }
    }
    canvas.line(&stretch, series.stroke, series.style);
}

fn shade(chart: &Chart<'_>, series: &Series<'_>, layout: &Layout, buf: &mut Buffer) {
    let plot = layout.plot;
    let mut tops: Vec<Option<u16>> = vec![None; usize::from(plot.width)];
    for (at, value) in series.points {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            continue;
        };
        let share = layout.scale.share(value);
        let cells = (share * f64::from(plot.height)).round() as u16;
        let top = layout
            .column(*at)
            .and_then(|column| tops.get_mut(usize::from(column)));
        if let Some(top) = top {
            *top = Some(top.map_or(cells, |known| known.max(cells)));
        }
    }
    // A few points on many columns: each holds until the next, as far as their usual distance.
    let step = (tops.len() / series.points.len().max(1)) + 1;
    let mut held: Option<(u16, usize)> = None;
    for (column, top) in tops.iter().enumerate() {
        held = top
            .map(|top| (top, column))
            .or_else(|| held.filter(|(_, since)| column - since < step));
        let Some((cells, _)) = held else { continue };
        for up in 0..cells.min(plot.height) {
            let place = (plot.x + column as u16, plot.bottom() - 1 - up);
            text::put(buf, place, chart.theme.glyphs().shade, 1, series.style);
        }
    }
}

fn limit(chart: &Chart<'_>, layout: &Layout, buf: &mut Buffer) {
    let plot = layout.plot;
    let glyphs = chart.theme.glyphs();
    if let Some(row) = layout.limit_row {
        for x in plot.left()..plot.right() {
            text::put(
                buf,
                (x, plot.y + row),
                glyphs.limit,
                1,
                chart.theme.threshold(),
            );
        }
    }
}

fn upright(layout: &Layout, at: f64, (sign, style): (&str, Style), buf: &mut Buffer) {
    let Some(column) = layout.column(at) else {
        return;
    };
    for y in layout.plot.top()..layout.plot.bottom() {
        text::put(buf, (layout.plot.x + column, y), sign, 1, style);
    }
}

fn lines(canvas: &Canvas, layout: &Layout, buf: &mut Buffer) {
    let plot = layout.plot;
    for row in 0..plot.height {
        for column in 0..plot.width {
            let drawn = canvas.cell(usize::from(column), usize::from(row));
            let cell = buf.cell_mut((plot.x + column, plot.y + row));
            if let (Some((sign, style)), Some(cell)) = (drawn, cell) {
                cell.set_char(sign).set_style(style);
            }
        }
    }
}

/// Where in the first row words so wide hide no line, as far right as can be; over the oldest where it is full.
fn calm(canvas: &Canvas, columns: u16, wide: u16) -> Option<u16> {
    let last = columns.checked_sub(wide + 1)? + 1;
    let drawn = |x: u16| canvas.cell(usize::from(x), 0).is_some();
    let free = |from: &u16| !(*from..from + wide).any(drawn);
    Some((0..=last).rev().find(free).unwrap_or(0))
}

/// Names of marks stand beside their line in the first row where they hide neither a line nor each other; a limit
/// above the picture says so in the top corner.
fn names(chart: &Chart<'_>, layout: &Layout, canvas: &Canvas, buf: &mut Buffer) {
    let plot = layout.plot;
    let mut taken: Vec<(u16, u16, u16)> = Vec::new();
    if let Some(limit) = chart
        .limit
        .filter(|limit| !layout.scale.has_limit && *limit > layout.scale.high)
    {
        let words = format!("limit {} {}", (chart.unit)(limit), chart.theme.glyphs().up);
        let wide = text::width(&words) as u16;
        if let Some(from) = calm(canvas, plot.width, wide) {
            let place = (plot.x + from, plot.y);
            text::put(buf, place, &words, wide, chart.theme.threshold());
            taken.push((0, from, from + wide));
        }
    }
    for mark in chart.marks {
        let Some(column) = layout.column(mark.at) else {
            continue;
        };
        let clean = text::sanitize(mark.name);
        let wide = text::width(&clean) as u16;
        let right = column + 1;
        // At the right edge a name lies over its own line: at the left of it, it would read as another's.
        let from = right.min(plot.width.saturating_sub(wide));
        let to = from + wide;
        let free = |row: &u16| {
            let crossed =
                (from..to).any(|x| canvas.cell(usize::from(x), usize::from(*row)).is_some());
            let beside = taken
                .iter()
                .any(|(other, a, b)| other == row && from <= *b && *a <= to);
            !crossed && !beside && layout.limit_row != Some(*row)
        };
        let row = (0..plot.height).find(free);
        if let Some(row) = row.filter(|_| wide > 0 && to <= plot.width) {
            text::put(buf, (plot.x + from, plot.y + row), &clean, wide, mark.style);
            taken.push((row, from, to));
        }
    }
}

fn figures(chart: &Chart<'_>, layout: &Layout, buf: &mut Buffer) {
    for label in &layout.figures {
        let style = if label.limit {
            chart.theme.threshold()
        } else {
            chart.theme.dim()
        };
        let place = (layout.labels.x, layout.labels.y + label.row);
        // Half a figure would be a wrong figure.
        let whole = text::width(&label.words) <= usize::from(layout.labels.width);
        let words = if whole {
            label.words.as_str()
        } else {
            chart.theme.glyphs().ellipsis
        };
        text::put_right(buf, place, words, layout.labels.width, style);
    }
}

/// The ends first, then the newest changes, then even parts: as many as stand apart.
fn times(chart: &Chart<'_>, layout: &Layout, buf: &mut Buffer) {
    let row = layout.times;
    if row.height == 0 {
        return;
    }
    let mut marks: Vec<f64> = chart.marks.iter().map(|mark| mark.at).collect();
    marks.sort_by(|a, b| b.total_cmp(a));
    let even = [0.5, 0.25, 0.75].map(|share| layout.moment(share));
    let ends = [layout.moment(1.0), layout.moment(0.0)];
    let wanted = ends
        .into_iter()
        .chain(chart.cursor)
        .chain(marks)
        .chain(even);
    let mut taken: Vec<(u16, u16)> = Vec::new();
    for at in wanted {
        let Some(column) = layout.column(at) else {
            continue;
        };
        let words = (chart.time)(at);
        let wide = text::width(&words) as u16;
        if wide == 0 || wide > row.width {
            continue;
        }
        let from = column.saturating_sub(wide / 2).min(row.width - wide);
        let to = from + wide;
        if taken.iter().all(|(a, b)| to + 2 <= *a || *b + 2 <= from) {
            text::put(buf, (row.x + from, row.y), &words, wide, chart.theme.dim());
            taken.push((from, to));
        }
    }
}
