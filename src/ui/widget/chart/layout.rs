//! Where the parts of a chart are: the labels at the left, the plot, the times below, and the way from moments and
//! values to columns and rows.

use ratatui::layout::Rect;

use super::spec::Chart;
use crate::ui::widget::scale::Scale;
use crate::ui::widget::text;

/// A label beside a row of the plot.
pub(super) struct Label {
    /// Row of the plot.
    pub(super) row: u16,
    /// The figure.
    pub(super) words: String,
    /// Whether it is the limit's.
    pub(super) limit: bool,
}

/// A round figure without its noughts: `30 %` and not `30.0 %`. Beside an axis digits need not line up.
fn round(figure: &str) -> String {
    let (number, unit) = figure.split_once(' ').map_or((figure, ""), |parts| parts);
    let number = match number.split_once('.') {
        Some((whole, rest)) if rest.bytes().all(|digit| digit == b'0') => whole,
        _ => number,
    };
    match unit {
        "" => number.to_owned(),
        _ if number == "0" => number.to_owned(),
        unit => format!("{number} {unit}"),
    }
}

/// The parts of a chart in an area.
pub(super) struct Layout {
    /// Where lines are drawn.
    pub(super) plot: Rect,
    /// Where labels are written.
    pub(super) labels: Rect,
    /// The row of the times.
    pub(super) times: Rect,
    /// The vertical scale.
    pub(super) scale: Scale,
    /// The figures at the left, top first.
    pub(super) figures: Vec<Label>,
    /// The row of the limit, if it is inside.
    pub(super) limit_row: Option<u16>,
    range: (f64, f64),
}

impl Layout {
    pub(super) fn new(chart: &Chart<'_>, area: Rect) -> Layout {
        let scale = chart.scale();
        let height = area.height.saturating_sub(1).max(1);
        let row = |share: f64| ((1.0 - share) * f64::from(height - 1)).round() as u16;
        let limit = chart.limit.filter(|_| scale.has_limit);
        // On the bottom row its label would stand for the bottom's, and rest would look like trouble.
        let highest = if limit.is_some_and(|limit| limit > scale.low) {
            height.saturating_sub(2)
        } else {
            height
        };
        let limit_row = limit.map(|limit| row(scale.share(limit)).min(highest));
        let mut figures = Vec::new();
        for share in [1.0, 0.5, 0.0] {
            let own = row(share);
            let words = round(&(chart.unit)(scale.at(share)));
            // Half of a small figure may round to the same words: one of the two would be wrong.
            let taken = |label: &Label| label.row == own || label.words == words;
            if limit_row != Some(own) && !figures.iter().any(taken) {
                figures.push(Label {
                    row: own,
                    words,
                    limit: false,
                });
            }
        }
        if let (Some(limit), Some(row)) = (limit, limit_row) {
            figures.push(Label {
                row,
                words: round(&(chart.unit)(limit)),
                limit: true,
            });
        }
        let widest = figures
            .iter()
            .map(|label| text::width(&label.words))
            .max()
            .unwrap_or(0) as u16;
        // A unit with endless names must not push the plot out.
        let margin = (widest + 1).min(area.width / 2);
        let plot = Rect::new(area.x + margin, area.y, area.width - margin, height);
        Layout {
            plot,
            labels: Rect::new(area.x, area.y, margin - 1, height),
            times: Rect::new(plot.x, area.y + height, plot.width, area.height - height),
            scale,
            figures,
            limit_row,
            range: chart.range,
        }
    }

    /// How far right a moment lies, 0 to 1, if it is inside the range.
    pub(super) fn across(&self, at: f64) -> Option<f64> {
        let (from, to) = self.range;
        let share = (at - from) / (to - from);
        (share.is_finite() && (0.0..=1.0).contains(&share)).then_some(share)
    }

    /// The column of the plot a moment falls in.
    pub(super) fn column(&self, at: f64) -> Option<u16> {
        let last = f64::from(self.plot.width.saturating_sub(1));
        self.across(at).map(|share| (share * last).round() as u16)
    }

    /// The moment at a share of the range.
    pub(super) fn moment(&self, share: f64) -> f64 {
        self.range.0 + (self.range.1 - self.range.0) * share
    }
}
