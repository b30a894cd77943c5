//! The vertical scale of a chart: round ends that hold the data, and the limit where it is near.

/// Ends that halve to round numbers too, so that the label in the middle is as short as the others.
const ROUND: [f64; 9] = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0];
/// A limit so many times above the data would press the data flat.
const FLAT: f64 = 6.0;
/// And a limit so many times the height of the data away from it, on a scale that lies close around it.
const NEAR: f64 = 2.5;

/// The range a chart shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The bottom: zero, unless values are below it.
    pub low: f64,
    /// The top, above the bottom.
    pub high: f64,
    /// Whether the limit lies inside.
    pub has_limit: bool,
}

impl Scale {
    /// A scale for finite values and perhaps a limit.
    pub fn over(values: impl Iterator<Item = f64>, limit: Option<f64>) -> Scale {
        let limit = limit.filter(|limit| limit.is_finite());
        let finite = values.filter(|value| value.is_finite());
        let (least, most) = finite.fold((0.0f64, 0.0f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        // With nothing but zeros the limit is the only sense of size there is.
        let near = limit.filter(|limit| most == 0.0 || *limit <= most * FLAT);
        // What is small beside its limit looks small: noise does not fill the picture.
        let floor = limit.map_or(0.0, |limit| limit / FLAT);
        let high = round_up(near.map_or(most.max(floor), |limit| most.max(limit * 1.1)));
        let low = 0.0 - round_up(-least);
        let high = if high > low { high } else { low + 1.0 };
        Scale {
            low,
            high,
            has_limit: near.is_some_and(|limit| (low..=high).contains(&limit)),
        }
    }

    /// A scale close around the values, for shares near the whole where zero is far away.
    pub fn around(values: impl Iterator<Item = f64>, limit: Option<f64>) -> Scale {
        let finite = values.filter(|value| value.is_finite());
        let ends = finite.fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let Some((least, most)) = ends else {
            return Scale::over(std::iter::empty(), limit);
        };
        let size = least.abs().max(most.abs());
        let span = round_up((most - least).max(size * 1e-3));
        let reach = |limit: &f64| (least - span * NEAR..=most + span * NEAR).contains(limit);
        let near = limit.filter(reach);
        let (least, most) = near.map_or((least, most), |limit| (least.min(limit), most.max(limit)));
        let step = round_up((most - least).max(size * 1e-3)) / 4.0;
        let low = (least / step).floor() * step;
        let high = (most / step).ceil() * step;
        if !(high > low && low.is_finite() && high.is_finite()) {
            return Scale::over([least, most].into_iter(), limit);
        }
        Scale {
            low,
            high,
            has_limit: near.is_some(),
        }
    }

    /// How far up a value lies: 0 at the bottom, 1 at the top.
    pub fn share(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        // Numbers at the edge of what can be counted have no place between the ends.
        if share.is_nan() {
            return 0.0;
        }
        share.clamp(0.0, 1.0)
    }

    /// The value at a share of the height.
    pub fn at(&self, share: f64) -> f64 {
        self.low + (self.high - self.low) * share
    }
}

/// The next round number, zero for what is not above it.
fn round_up(value: f64) -> f64 {
    if !value.is_normal() || value <= 0.0 {
        return 0.0;
    }
    let power = value.log10().floor() as i32;
    // Dividing keeps 0.3 the number that prints as 0.3.
    let sized = |factor: f64| {
        if power < 0 {
            factor / 10f64.powi(-power)
        } else {
            factor * 10f64.powi(power)
        }
    };
    let mut candidates = ROUND.iter().map(|factor| sized(*factor));
    let rounded = candidates
        .find(|candidate| *candidate >= value * (1.0 - 1e-9))
        .unwrap_or(sized(10.0));
    if rounded.is_finite() {
        rounded
    } else {
        f64::MAX / 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scale(values: &[f64], limit: Option<f64>) -> (f64, f64, bool) {
        let scale = Scale::over(values.iter().copied(), limit);
        (scale.low, scale.high, scale.has_limit)
    }

    #[test]
    fn ends_are_round_and_hold_the_data() {
        assert_eq!(scale(&[0.214], None), (0.0, 0.3, false));
        assert_eq!(scale(&[0.93], None), (0.0, 1.0, false));
        assert_eq!(scale(&[1.1], None), (0.0, 1.2, false));
        assert_eq!(scale(&[-3.0, 5.0], None), (-3.0, 6.0, false));
        assert_eq!(scale(&[], None), (0.0, 1.0, false));
        assert_eq!(scale(&[-2.0], None), (-2.0, 0.0, false));
    }

    #[test]
    fn a_near_limit_is_inside_and_a_far_one_is_not() {
        assert_eq!(scale(&[0.3], Some(0.5)), (0.0, 0.6, true));
        assert_eq!(scale(&[0.01], Some(0.5)), (0.0, 0.1, false));
        assert_eq!(
            scale(&[0.001], Some(0.01)),
            (0.0, 0.002, false),
            "noise does not fill the picture"
        );
        assert!(
            scale(&[0.0], Some(0.5)).2,
            "without any data the limit gives the size"
        );
        assert!(scale(&[9.0], Some(0.5)).2);
    }

    #[test]
    fn a_close_scale_leaves_zero_out() {
        let scale = Scale::around([0.9985, 0.9992].into_iter(), Some(0.99));
        assert!(
            scale.low > 0.99 && scale.high <= 1.0 && !scale.has_limit,
            "{scale:?}"
        );
        assert!(Scale::around([0.9985, 0.9992].into_iter(), Some(0.998)).has_limit);
    }

    proptest! {
        #[test]
        fn every_scale_has_a_height(values in proptest::collection::vec(any::<f64>(), 0..9), limit in proptest::option::of(any::<f64>())) {
            for scale in [Scale::over(values.iter().copied(), limit), Scale::around(values.iter().copied(), limit)] {
                prop_assert!(scale.high > scale.low);
                for value in values.iter().filter(|value| value.is_finite()) {
                    prop_assert!((0.0..=1.0).contains(&scale.share(*value)));
                }
            }
        }
    }
}
