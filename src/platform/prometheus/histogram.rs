//! Quantiles of cumulative histograms, interpolated the way Prometheus does it.

use crate::domain::signal::Reading;

/// A cumulative histogram: what was at most so much, by rising bound.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Buckets {
    bounds: Vec<(f64, f64)>,
}

impl Buckets {
    /// Sorts bounds and adds what stands at the same one; a count that falls below the one before is lifted to it.
    pub fn new(mut bounds: Vec<(f64, f64)>) -> Self {
        bounds.retain(|(bound, _)| !bound.is_nan());
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        bounds.dedup_by(|next, kept| {
            let same = next.0.total_cmp(&kept.0).is_eq();
            if same {
                kept.1 += next.1;
            }
            same
        });
        let mut highest = f64::NEG_INFINITY;
        for (_, count) in &mut bounds {
            highest = highest.max(*count);
            if *count < highest {
                *count = highest;
            }
        }
        Self { bounds }
    }

    /// Bounds and what was at most that much.
    pub fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    /// All that was counted, where the histogram is whole.
    pub fn total(&self) -> Option<f64> {
        let (bound, count) = self.bounds.last()?;
        (*bound == f64::INFINITY).then_some(*count)
    }

    /// The value that a share of all is at most, in the unit of the bounds; or why it is not known.
    pub fn quantile(&self, share: f64) -> Reading {
        if self.bounds.is_empty() {
            return Reading::unknown("no latency series");
        }
        let Some(total) = self.total() else {
            return Reading::unknown("its histogram has no bucket for +Inf");
        };
        if self.bounds.len() < 2 {
            return Reading::unknown("its histogram has no buckets");
        }
        if self.bounds.iter().any(|(_, count)| !count.is_finite()) {
            return Reading::unknown("its histogram is not a number");
        }
        if total <= 0.0 {
            return Reading::unknown("no samples in the window");
        }
        let rank = share * total;
        let last = self.bounds.len() - 1;
        let index = self.bounds[..last]
            .iter()
            .position(|(_, count)| *count >= rank);
        let Some(index) = index else {
            return Reading::of(self.bounds[last - 1].0);
        };
        let (upper, within) = self.bounds[index];
        if index == 0 && upper <= 0.0 {
            return Reading::of(upper);
        }
        let (lower, below) = match index {
            0 => (0.0, 0.0),
            _ => self.bounds[index - 1],
        };
        if within <= below {
            return Reading::of(upper);
        }
        Reading::of(lower + (upper - lower) * ((rank - below) / (within - below)))
    }

    /// The bounds of the bucket a quantile lies in: how far the interpolated value may be from the truth.
    pub fn bracket(&self, share: f64) -> Option<(f64, f64)> {
        let rank = share * self.total().filter(|total| *total > 0.0)?;
        let index = self.bounds.iter().position(|(_, count)| *count >= rank)?;
        let lower = match index {
            0 => 0.0,
            _ => self.bounds[index - 1].0,
        };
        Some((lower, self.bounds[index].0))
    }

    /// The share that took longer than a bound.
    pub fn above(&self, bound: f64) -> Option<f64> {
        let total = self.total().filter(|total| *total > 0.0)?;
        let (_, within) = self.bounds.iter().rev().find(|(b, _)| *b <= bound)?;
        Some(1.0 - within / total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_are_interpolated_inside_their_bucket() {
        let buckets = Buckets::new(vec![(0.1, 50.0), (0.2, 90.0), (INF, 100.0)]);
        assert_eq!(buckets.quantile(0.5), Reading::Known(0.1));
        assert_eq!(buckets.quantile(0.25), Reading::Known(0.05));
        let p70 = buckets.quantile(0.7).value().unwrap();
        assert!((p70 - 0.15).abs() < 1e-12);
        assert_eq!(buckets.quantile(0.99), Reading::Known(0.2));
        assert_eq!(buckets.bracket(0.7), Some((0.1, 0.2)));
        assert!((buckets.above(0.1).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_histogram_that_says_nothing_is_unknown_with_the_reason() {
        for (bounds, why) in [
            (vec![], "no latency series"),
            (vec![(0.1, 1.0)], "its histogram has no bucket for +Inf"),
            (vec![(INF, 1.0)], "its histogram has no buckets"),
            (vec![(0.1, 0.0), (INF, 0.0)], "no samples in the window"),
            (
                vec![(0.1, f64::NAN), (INF, 4.0)],
                "its histogram is not a number",
            ),
        ] {
            assert_eq!(Buckets::new(bounds).quantile(0.99), Reading::unknown(why));
        }
    }

    #[test]
    fn counts_that_fall_are_lifted_and_equal_bounds_added() {
        let buckets = Buckets::new(vec![(INF, 10.0), (0.2, 5.0), (0.1, 3.0), (0.1, 3.0)]);
        assert_eq!(buckets.bounds(), [(0.1, 6.0), (0.2, 6.0), (INF, 10.0)]);
    }
}
