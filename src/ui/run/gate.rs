//! A gate being held: each metric with its limit, its value, its last values and whether it holds; how long all of
//! them held of how long they must, and when it ends whatever happens.

use crate::runbook::gate::{Gate, Mark, MetricSpec, Sample};
use crate::runbook::quantity::{say_duration, show_figure};
use crate::ui::paper::{Paper, Span, cut, sign};
use crate::ui::theme::{Theme, Tone};
use crate::ui::widget::sparkline::sparkline;
use crate::ui::widget::text;
use jiff::Timestamp;

const NAME: usize = 10;
const LIMIT: usize = 12;
const VALUE: usize = 8;
const SPARK: usize = 8;
/// Room that the word behind the sign needs.
const WORD: usize = 9;

/// Which columns there is room for.
struct Columns {
    limit: bool,
    spark: bool,
}

/// Writes a gate as it stands.
pub fn write(gate: &Gate, now: Timestamp, paper: &mut Paper<'_>) {
    let room = paper.width.saturating_sub(2);
    let columns = Columns {
        limit: room >= NAME + LIMIT + VALUE + 4 + WORD,
        spark: room >= NAME + LIMIT + VALUE + SPARK + 6 + WORD,
    };
    let tracks = gate.spec().metrics.iter().zip(gate.tracks());
    for (index, (metric, track)) in tracks.enumerate() {
        let bad = gate.bad().get(&format!("{index}:{}", metric.signal));
        let bad = bad.copied().unwrap_or(0);
        metric_row(metric, track, bad, &columns, paper);
    }
    samples_row(gate, now, &columns, paper);
    paper.gap();
    let progress = gate.progress(now);
    let theme = paper.theme;
    let held = progress.held.as_secs_f64();
    let tone = if last_is_bad(gate) {
        Tone::Watch
    } else {
        Tone::Moving
    };
    let deadline = format!("deadline {}", progress.deadline.strftime("%H:%M:%S"));
    paper.gauge(held, progress.hold.as_secs_f64(), tone, &deadline);
    let looks = match progress.evaluations {
        0 => "no evaluation yet".to_owned(),
        1 => "1 evaluation".to_owned(),
        many => format!("{many} evaluations"),
    };
    let next = progress.next.strftime("%H:%M:%S");
    paper.words(
        &format!("  {looks}, the next at {next}; a bad one begins the hold again"),
        theme.dim(),
    );
}

fn last_is_bad(gate: &Gate) -> bool {
    gate.tracks()
        .iter()
        .filter_map(|track| track.last())
        .any(|sample| sample.mark != Mark::Good)
}

fn metric_row(
    metric: &MetricSpec,
    track: &[Sample],
    bad: u32,
    columns: &Columns,
    paper: &mut Paper<'_>,
) {
    let theme = paper.theme;
    let last = track.last();
    let value = last.and_then(|sample| sample.value).map_or_else(
        || "–".to_owned(),
        |value| show_figure(value, metric.ok.unit()),
    );
    let values: Vec<Option<f64>> = track.iter().map(|sample| sample.value).collect();
    let tail = values
        .get(values.len().saturating_sub(SPARK)..)
        .unwrap_or_default();
    let line = sparkline(tail, SPARK, metric.ok.bound(), theme.glyphs());
    let (tone, words) = judged(metric, bad, last);
    let style = if tone == Tone::Healthy || tone == Tone::Idle {
        theme.text()
    } else {
        theme.tone(tone)
    };
    let row = Row {
        name: name(&metric.signal),
        limit: metric.ok.to_string(),
        value: (value, style),
        spark: line,
        tone,
        words,
    };
    write_row(row, columns, paper);
}

struct Row {
    name: String,
    limit: String,
    value: Span,
    spark: String,
    tone: Tone,
    words: String,
}

fn write_row(row: Row, columns: &Columns, paper: &mut Paper<'_>) {
    let theme: &Theme = paper.theme;
    let mut before = vec![("  ".to_owned(), theme.text())];
    before.push((text::pad_right(&row.name, NAME), theme.text()));
    if columns.limit {
        before.push((text::pad_right(&row.limit, LIMIT), theme.dim()));
    }
    before.push((text::pad_left(&row.value.0, VALUE), row.value.1));
    if columns.spark {
        before.push((format!("  {}", row.spark), theme.dim()));
    }
    let (mark, colour) = sign(theme, row.tone);
    before.push((format!("  {mark} "), colour));
    let taken: usize = before.iter().map(|(words, _)| text::width(words)).sum();
    let room = paper.width.saturating_sub(taken);
    if text::width(&row.words) <= room {
        before.push((row.words, colour));
        paper.row(before);
        return;
    }
    // A long reason goes below, where there is room for the whole of it.
    let (first, rest) = row.words.split_once(": ").unwrap_or(("", &row.words));
    before.push((cut(first, room), colour));
    paper.row(before);
    paper.hanging(&[("    ".into(), colour)], 0, rest, colour);
}

/// What a signal is called on the screen.
pub fn name(signal: &str) -> String {
    match signal {
        "error_ratio" => "errors".into(),
        "unauthorized_ratio" => "401 share".into(),
        other => text::sanitize(&other.replace('_', " ")).into_owned(),
    }
}

fn judged(metric: &MetricSpec, bad: u32, last: Option<&Sample>) -> (Tone, String) {
    let Some(sample) = last else {
        return (Tone::Idle, "not asked yet".into());
    };
    let so_often = match metric.fail_at {
        Some(limit) => format!(": {bad} of {limit} bad"),
        None => String::new(),
    };
    match sample.mark {
        Mark::Good => (Tone::Healthy, "holds".into()),
        Mark::Bad => (Tone::Failing, format!("too much{so_often}")),
        Mark::Fatal => (Tone::Failing, "fails at once".into()),
        Mark::Void => {
            let why = sample.why.as_deref().unwrap_or("no figure");
            (Tone::Unknown, format!("unknown: {why}"))
        }
    }
}

fn samples_row(gate: &Gate, now: Timestamp, columns: &Columns, paper: &mut Paper<'_>) {
    let need = gate.spec().min_requests;
    if need == 0 {
        return;
    }
    let asked = gate.tracks().iter().any(|track| !track.is_empty());
    let progress = gate.progress(now);
    let have = progress
        .requests
        .map_or_else(|| "–".to_owned(), |requests| requests.to_string());
    let (tone, words) = match (&progress.missing, progress.requests) {
        (Some(missing), _) => (Tone::Unknown, format!("too few: {}", missing.sentence())),
        (None, Some(_)) => (Tone::Healthy, "enough".into()),
        (None, None) if asked => (Tone::Unknown, "not counted".into()),
        _ => (Tone::Idle, "not asked yet".into()),
    };
    let style = paper.theme.tone(tone);
    let row = Row {
        name: "samples".into(),
        limit: format!("at least {need}"),
        value: (have, style),
        spark: " ".repeat(SPARK),
        tone,
        words,
    };
    write_row(row, columns, paper);
}

/// How long a gate must hold, in a sentence.
pub fn asked(gate: &Gate) -> String {
    let hold = say_duration(gate.spec().hold);
    let which = if gate.spec().any { "One" } else { "All" };
    format!("{which} of these must hold for {hold} without a break.")
}
