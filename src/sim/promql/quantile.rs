//! Quantiles: of plain values by linear interpolation, and of classic histogram buckets.

/// The quantile of values, which are sorted in place.
pub fn of_values(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN counts as the smallest.
    values.sort_by(|a, b| {
        a.partial_cmp(b)
            .unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
    });
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// One bucket: its upper bound and how many observations are at or below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The upper bound.
    pub bound: f64,
    /// The cumulative count.
    pub count: f64,
}

/// The quantile of a classic histogram; the buckets are put in order in place.
pub fn of_buckets(q: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    if buckets
        .last()
        .is_none_or(|last| last.bound != f64::INFINITY)
    {
        return f64::NAN;
    }
    tidy(buckets);
    let last = buckets.len() - 1;
    let total = buckets[last].count;
    if last < 1 || total == 0.0 || total.is_nan() {
        return f64::NAN;
    }
    let rank = q * total;
    let at = buckets[..last].partition_point(|bucket| bucket.count < rank);
    if at == last {
        return buckets[last - 1].bound;
    }
    let Bucket { bound, count } = buckets[at];
    if at == 0 && bound <= 0.0 {
        return bound;
    }
    let below = if at > 0 {
        buckets[at - 1]
    } else {
        Bucket {
            bound: 0.0,
            count: 0.0,
        }
    };
    below.bound + (bound - below.bound) * ((rank - below.count) / (count - below.count))
}

/// Adds up buckets of one bound, and lets no cumulative count fall below the one before it.
fn tidy(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.bound.total_cmp(&kept.bound).is_eq();
        if same {
            kept.count += next.count;
        }
        same
    });
    let mut most = f64::NEG_INFINITY;
    for bucket in buckets {
        most = most.max(bucket.count);
        bucket.count = most;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (f64, &'static [(f64, f64)], f64);

    fn same(found: f64, expected: f64) -> bool {
        found.total_cmp(&expected).is_eq() || (found - expected).abs() < 1e-12
    }

    fn histogram(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs
            .iter()
            .map(|&(bound, count)| Bucket { bound, count })
            .collect()
    }

    #[test]
    fn buckets_are_interpolated_as_prometheus_does() {
        const INF: f64 = f64::INFINITY;
        const USUAL: &[(f64, f64)] = &[(0.1, 50.0), (0.2, 80.0), (0.5, 100.0), (INF, 100.0)];
        let cases: [Case; 9] = [
            (0.5, USUAL, 0.1),
            (0.65, USUAL, 0.15),
            (0.25, USUAL, 0.05),
            (0.99, USUAL, 0.485),
            (1.5, USUAL, INF),
            (-1.0, USUAL, -INF),
            // Beyond the largest finite bound there is nothing to interpolate to.
            (0.99, &[(0.1, 50.0), (1.0, 60.0), (INF, 100.0)], 1.0),
            // Counts that fall are lifted.
            (0.5, &[(0.1, 50.0), (0.2, 40.0), (INF, 100.0)], 0.1),
            (0.5, &[(-1.0, 60.0), (1.0, 100.0), (INF, 100.0)], -1.0),
        ];
        for (q, pairs, expected) in cases {
            let found = of_buckets(q, &mut histogram(pairs));
            assert!(
                same(found, expected),
                "{q} of {pairs:?}: {found}, not {expected}"
            );
        }
        for unknowable in [
            &[(0.1, 0.0), (INF, 0.0)][..],
            &[(0.1, 5.0)],
            &[(INF, 5.0)],
            &[],
        ] {
            assert!(
                of_buckets(0.5, &mut histogram(unknowable)).is_nan(),
                "{unknowable:?}"
            );
        }
    }

    #[test]
    fn values_are_interpolated_linearly() {
        assert!(same(of_values(0.5, &mut [3.0, 1.0, 2.0]), 2.0));
        assert!(same(of_values(0.25, &mut [10.0, 20.0]), 12.5));
        assert!(same(of_values(2.0, &mut [1.0]), f64::INFINITY));
        assert!(of_values(0.5, &mut []).is_nan());
    }
}
