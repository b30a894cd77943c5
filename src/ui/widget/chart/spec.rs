//! What a chart shows, as values: lines, limit, marks, cursor. How it is laid out and painted lies beside this.

use ratatui::style::Style;

use crate::ui::theme::Theme;
use crate::ui::widget::canvas::Stroke;
use crate::ui::widget::figures;
use crate::ui::widget::scale::Scale;

/// One line of a chart.
pub struct Series<'a> {
    /// Its name, shown when there are several.
    pub name: &'a str,
    /// Seconds and value, in order of time; none is a gap.
    pub points: &'a [(f64, Option<f64>)],
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its colour.
    pub style: Style,
    /// Drawn as shaded ground below the others: the same hours of last week.
    pub baseline: bool,
}

/// Something that happened at a moment.
pub struct Mark<'a> {
    /// When, in seconds.
    pub at: f64,
    /// Its name: a revision, `ONSET`.
    pub name: &'a str,
    /// How the line and the name look.
    pub style: Style,
}

/// Everything a chart shows.
pub struct Chart<'a> {
    /// What the question is about: `veza-backend errors`.
    pub subject: &'a str,
    /// Whether the first row is the headline; not where a pane carries it.
    pub titled: bool,
    /// The lines, later ones over earlier ones.
    pub series: &'a [Series<'a>],
    /// From when to when, in seconds.
    pub range: (f64, f64),
    /// The value not to be crossed.
    pub limit: Option<f64>,
    /// Whether the scale lies close around the values instead of starting at zero.
    pub close: bool,
    /// What happened.
    pub marks: &'a [Mark<'a>],
    /// The moment under the cursor.
    pub cursor: Option<f64>,
    /// A value as a figure with its unit.
    pub unit: &'a dyn Fn(f64) -> String,
    /// A moment as a local time.
    pub time: &'a dyn Fn(f64) -> String,
    /// The sentence for no values at all.
    pub empty: &'a str,
    /// Whether the values are old: everything is dimmed.
    pub stale: bool,
    /// How it looks.
    pub theme: &'a Theme,
}

impl Chart<'_> {
    /// The subject with its present value, or with the values under the cursor.
    pub fn headline(&self) -> String {
        let at = self
            .cursor
            .map_or(String::new(), |at| format!(" at {}", (self.time)(at)));
        let lines: Vec<&Series<'_>> = self
            .series
            .iter()
            .filter(|series| !series.baseline)
            .collect();
        let value = |series: &Series<'_>| {
            let value = self.value(series);
            value.map_or_else(|| figures::UNKNOWN.to_owned(), |value| (self.unit)(value))
        };
        let values: Vec<String> = match lines.as_slice() {
            [one] => vec![value(one)],
            many => many
                .iter()
                .map(|series| format!("{} {}", series.name, value(series)))
                .collect(),
        };
        if values.is_empty() {
            return format!("{}{at}: {}", self.subject, figures::UNKNOWN);
        }
        format!("{}{at}: {}", self.subject, values.join(", "))
    }

    /// The value under the cursor, or the last one. A gap there is a gap, whatever was before it.
    fn value(&self, series: &Series<'_>) -> Option<f64> {
        let point = match self.cursor {
            None => series.points.last(),
            Some(at) => {
                let far = |point: &&(f64, Option<f64>)| (point.0 - at).abs();
                series
                    .points
                    .iter()
                    .min_by(|a, b| far(a).total_cmp(&far(b)))
            }
        };
        point
            .and_then(|point| point.1)
            .filter(|value| value.is_finite())
    }

    /// The vertical scale for what is in the range.
    pub fn scale(&self) -> Scale {
        let visible =
            |point: &&(f64, Option<f64>)| point.0 >= self.range.0 && point.0 <= self.range.1;
        let points = self
            .series
            .iter()
            .flat_map(|series| series.points.iter().filter(visible));
        let values = points.filter_map(|point| point.1);
        if self.close {
            Scale::around(values, self.limit)
        } else {
            Scale::over(values, self.limit)
        }
    }

    /// Whether there is anything to draw.
    pub fn has_values(&self) -> bool {
        let known = |point: &(f64, Option<f64>)| point.1.is_some_and(f64::is_finite);
        self.series
            .iter()
            .any(|series| series.points.iter().any(known))
    }
}
