//! Functions over the samples of a stretch: rates with Prometheus' extrapolation, and the `_over_time` family.

use super::quantile::of_values;
use super::value::{Edges, Sample};

/// A stretch of time: both ends in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Its start, included.
    pub from: i64,
    /// Its end, included.
    pub to: i64,
}

/// Whether a function only needs the outer samples of a counter that never went back.
pub fn needs_edges_only(name: &str) -> bool {
    matches!(name, "rate" | "increase")
}

/// `rate` or `increase` from the outer samples.
pub fn from_edges(name: &str, edges: &Edges, stretch: Stretch) -> Option<f64> {
    let gain = edges.last.value - edges.first.value;
    extrapolated(edges, gain, stretch, true).map(|gain| per_second(name, gain, stretch))
}

/// A function over samples; nothing when it yields no sample.
pub fn over(name: &str, samples: &[Sample], stretch: Stretch, parameter: f64) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let values = || samples.iter().map(|s| s.value);
    let count = samples.len() as f64;
    Some(match name {
        "rate" | "increase" | "delta" => {
            let edges = Edges {
                first: *first,
                last: *last,
                count: samples.len(),
            };
            let counter = name != "delta";
            let gain = last.value - first.value
                + if counter {
                    lost_to_resets(samples)
                } else {
                    0.0
                };
            per_second(name, extrapolated(&edges, gain, stretch, counter)?, stretch)
        }
        "irate" | "idelta" => return last_two(name, samples),
        "deriv" => return slope(samples),
        "changes" => pairs(samples, |a, b| {
            a.partial_cmp(&b).is_none_or(std::cmp::Ordering::is_ne) && !(a.is_nan() && b.is_nan())
        }),
        "resets" => pairs(samples, |a, b| b < a),
        "avg_over_time" => sum(values()) / count,
        "sum_over_time" => sum(values()),
        "min_over_time" => values().fold(f64::NAN, f64::min),
        "max_over_time" => values().fold(f64::NAN, f64::max),
        "count_over_time" => count,
        "last_over_time" => last.value,
        "present_over_time" => 1.0,
        "stddev_over_time" => {
            let mean = sum(values()) / count;
            (sum(values().map(|v| (v - mean).powi(2))) / count).sqrt()
        }
        "quantile_over_time" => of_values(parameter, &mut values().collect::<Vec<_>>()),
        _ => return None,
    })
}

/// Compensated addition, so that long stretches lose nothing.
pub fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = total + value;
        lost += if next.is_infinite() {
            0.0
        } else if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    total + lost
}

fn per_second(name: &str, gain: f64, stretch: Stretch) -> f64 {
    match name {
        "rate" => gain / (seconds(stretch.from, stretch.to)),
        _ => gain,
    }
}

fn seconds(from: i64, to: i64) -> f64 {
    (to - from) as f64 / 1000.0
}

fn lost_to_resets(samples: &[Sample]) -> f64 {
    let fell = |pair: &&[Sample]| pair[1].value < pair[0].value;
    samples
        .windows(2)
        .filter(fell)
        .map(|pair| pair[0].value)
        .sum()
}

/// Stretches the gain seen between the outer samples to the whole stretch: up to its ends where a sample is
/// near, by half an interval where none is, and for counters never to before they were zero.
fn extrapolated(edges: &Edges, gain: f64, stretch: Stretch, counter: bool) -> Option<f64> {
    if edges.count < 2 {
        return None;
    }
    let sampled = seconds(edges.first.at, edges.last.at);
    let average = sampled / (edges.count - 1) as f64;
    let mut to_start = seconds(stretch.from, edges.first.at);
    let to_end = seconds(edges.last.at, stretch.to);
    if counter && gain > 0.0 && edges.first.value >= 0.0 {
        to_start = to_start.min(sampled * (edges.first.value / gain));
    }
    let reach = |distance: f64| {
        if distance < average * 1.1 {
            distance
        } else {
            average / 2.0
        }
    };
    Some(gain * ((sampled + reach(to_start) + reach(to_end)) / sampled))
}

fn last_two(name: &str, samples: &[Sample]) -> Option<f64> {
    let [.., before, last] = samples else {
        return None;
    };
    let between = seconds(before.at, last.at);
    if between == 0.0 {
        return None;
    }
    Some(match name {
        "idelta" => last.value - before.value,
        _ if last.value < before.value => last.value / between,
        _ => (last.value - before.value) / between,
    })
}

fn slope(samples: &[Sample]) -> Option<f64> {
    let first = samples.first().filter(|_| samples.len() > 1)?;
    let count = samples.len() as f64;
    let points = || samples.iter().map(|s| (seconds(first.at, s.at), s.value));
    let (x, y) = (sum(points().map(|p| p.0)), sum(points().map(|p| p.1)));
    let (xy, xx) = (
        sum(points().map(|p| p.0 * p.1)),
        sum(points().map(|p| p.0 * p.0)),
    );
    Some((xy - x * y / count) / (xx - x * x / count))
}

fn pairs(samples: &[Sample], differs: impl Fn(f64, f64) -> bool) -> f64 {
    samples
        .windows(2)
        .filter(|pair| differs(pair[0].value, pair[1].value))
        .count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) {
        assert!(
            found.is_some_and(|v| (v - expected).abs() < 1e-9),
            "{found:?} is not {expected}"
        );
    }

    fn every(step: i64, first: i64, values: &[f64]) -> Vec<Sample> {
        let at = |n: usize| first + step * n as i64;
        values
            .iter()
            .enumerate()
            .map(|(n, &value)| Sample { at: at(n), value })
            .collect()
    }

    #[test]
    fn a_rate_is_stretched_to_the_ends_as_prometheus_does() {
        let minute = Stretch {
            from: 0,
            to: 60_000,
        };
        // Samples on both ends: nothing to stretch.
        close(
            over(
                "rate",
                &every(15_000, 0, &[0.0, 15.0, 30.0, 45.0, 60.0]),
                minute,
                0.0,
            ),
            1.0,
        );
        // 10 s missing at each end, both within 1.1 intervals: 40 in 40 s become 60.
        close(
            over(
                "increase",
                &every(10_000, 10_000, &[100.0, 110.0, 120.0, 130.0, 140.0]),
                minute,
                0.0,
            ),
            60.0,
        );
        // 30 s missing at the start: only half an interval (5 s) is added; 30 in 30 s become 35.
        close(
            over(
                "increase",
                &every(10_000, 30_000, &[100.0, 110.0, 120.0, 130.0]),
                minute,
                0.0,
            ),
            35.0,
        );
        // A counter at 2 gaining 1 a second was zero 2 s before its first sample.
        close(
            over(
                "increase",
                &every(10_000, 10_000, &[2.0, 12.0, 22.0, 32.0, 42.0, 52.0]),
                minute,
                0.0,
            ),
            52.0,
        );
        assert_eq!(
            over("rate", &every(10_000, 10_000, &[2.0]), minute, 0.0),
            None
        );
    }

    #[test]
    fn a_reset_adds_what_was_there_before() {
        let stretch = Stretch {
            from: 0,
            to: 30_000,
        };
        let samples = every(10_000, 0, &[50.0, 60.0, 5.0, 15.0]);
        close(over("increase", &samples, stretch, 0.0), 25.0);
        close(over("resets", &samples, stretch, 0.0), 1.0);
        close(over("changes", &samples, stretch, 0.0), 3.0);
        close(over("delta", &samples, stretch, 0.0), -35.0);
        close(over("irate", &samples[..3], stretch, 0.0), 0.5);
    }

    #[test]
    fn edges_and_samples_agree() {
        let stretch = Stretch {
            from: 1000,
            to: 61_000,
        };
        let samples = every(5000, 3000, &[7.0, 9.0, 12.0, 12.0, 20.0]);
        let edges = Edges {
            first: samples[0],
            last: samples[4],
            count: 5,
        };
        assert_eq!(
            from_edges("rate", &edges, stretch),
            over("rate", &samples, stretch, 0.0)
        );
    }
}
