//! A pod's counters as integrals of its behaviour, and its gauges. Noise is a bend in time: each counter runs a
//! little ahead or behind on a grid of seeded knots, so that rates waver while totals stay true and never fall.

use std::sync::Arc;

use crate::sim::ledger::{Behaviour, PodKey, Span, Track};

const MEBIBYTE: f64 = 1_048_576.0;
/// How long a fresh process takes to fill its caches, in milliseconds.
const WARM_UP: f64 = 90_000.0;

/// Scrambles the bits of a number: the source of all noise here.
pub fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A gauge of a pod.
#[derive(Debug, Clone, Copy)]
pub enum Gauge {
    /// Resident memory of the process.
    Memory,
    /// Working set of its container.
    WorkingSet,
}

/// What a pod did, ready to be integrated.
#[derive(Debug)]
pub struct Load {
    salt: u64,
    began: i64,
    starts: Arc<[i64]>,
    spans: Vec<Span>,
}

impl Load {
    /// The load of a pod of the ledger.
    pub fn new(key: &PodKey, track: &Track, seed: u64) -> Self {
        let name = key.namespace.bytes().chain([b'/']).chain(key.pod.bytes());
        Self {
            salt: name.fold(mixed(seed), |hash, byte| mixed(hash ^ u64::from(byte))),
            began: track.began_ms,
            starts: track.spans.iter().map(|span| span.from_ms).collect(),
            spans: track.spans.clone(),
        }
    }

    /// When the pod began, in milliseconds.
    pub fn began(&self) -> i64 {
        self.began
    }

    /// A counter that grows at a rate per second that follows from the behaviour; `stream` chooses its noise.
    pub fn ramp(&self, stream: &str, whole: bool, rate: impl Fn(&Behaviour) -> f64) -> Ramp {
        let salt = stream
            .bytes()
            .fold(self.salt, |hash, byte| mixed(hash ^ u64::from(byte)));
        // Errors come in bursts, the bulk of the traffic is steady.
        let warp = Warp {
            salt,
            strength: if stream == "500" { 2.5 } else { 1.0 },
        };
        let mut total = 0.0;
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.spans.len());
        for span in &self.spans {
            let bent = warp.at(span.from_ms);
            total += pieces
                .last()
                .map_or(0.0, |last| last.rate * (bent - last.bent));
            pieces.push(Piece {
                bent,
                total,
                rate: rate(&span.behaviour) / 1000.0,
            });
        }
        Ramp {
            starts: Arc::clone(&self.starts),
            pieces,
            warp,
            whole,
        }
    }

    /// The value of a gauge at a moment.
    pub fn gauge(&self, gauge: Gauge, at: i64) -> f64 {
        let after = self.starts.partition_point(|&start| start <= at);
        let behaviour = after.checked_sub(1).map(|n| self.spans[n].behaviour);
        let in_flight = behaviour.map_or(0.0, |b| b.rps * mean_seconds(&b));
        let warmth = ((at - self.began) as f64 / WARM_UP).clamp(0.0, 1.0);
        let waver = knot(self.salt, at, 45_000) * 4.0;
        let mebibytes = 48.0 + 40.0 * warmth + 2.0 * in_flight.min(60.0) + waver;
        let share = match gauge {
            Gauge::Memory => 1.0,
            Gauge::WorkingSet => 1.08,
        };
        (mebibytes * share * MEBIBYTE).round()
    }
}

/// A counter.
#[derive(Debug)]
pub struct Ramp {
    starts: Arc<[i64]>,
    pieces: Vec<Piece>,
    warp: Warp,
    whole: bool,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    bent: f64,
    total: f64,
    rate: f64,
}

impl Ramp {
    /// Its value at a moment.
    pub fn value(&self, at: i64) -> f64 {
        let after = self.starts.partition_point(|&start| start <= at);
        let Some(piece) = after.checked_sub(1).map(|n| self.pieces[n]) else {
            return 0.0;
        };
        let value = piece.total + piece.rate * (self.warp.at(at) - piece.bent);
        if self.whole { value.floor() } else { value }
    }
}

/// Time, slightly bent: always forward, never more than a few seconds off.
#[derive(Debug, Clone, Copy)]
struct Warp {
    salt: u64,
    strength: f64,
}

impl Warp {
    fn at(&self, at: i64) -> f64 {
        // Knots of 0.15 s on a 5 s grid change a rate by at most 6 %, 1 s on a minute's grid by at most 3.3 %.
        let quick = 150.0 * knot(self.salt, at, 5000);
        let slow = 1000.0 * knot(!self.salt, at, 60_000);
        at as f64 + self.strength * (quick + slow)
    }
}

/// A seeded number between -1 and 1 on every multiple of `grid`, and straight lines between them.
fn knot(salt: u64, at: i64, grid: i64) -> f64 {
    let index = at.div_euclid(grid);
    let share = at.rem_euclid(grid) as f64 / grid as f64;
    let unit = |n: i64| (mixed(salt ^ mixed(n as u64)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
    unit(index) * (1.0 - share) + unit(index + 1) * share
}

/// The mean time to answer, in seconds.
pub fn mean_seconds(b: &Behaviour) -> f64 {
    b.median_ms / 1000.0 * (b.sigma * b.sigma / 2.0).exp()
}

/// The share of requests answered within a bound in seconds.
pub fn share_below(bound: f64, b: &Behaviour) -> f64 {
    let median = b.median_ms / 1000.0;
    if median <= 0.0 {
        return 1.0;
    }
    if b.sigma <= 0.0 {
        return f64::from(u8::from(median <= bound));
    }
    normal_below((bound / median).ln() / b.sigma)
}

/// The share of a standard normal distribution below `x`, by the series of its density near the middle and a
/// continued fraction in the tails.
fn normal_below(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x.abs() < 4.0 {
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while term.abs() > 1e-17 && n < 200.0 {
            n += 2.0;
            term *= x * x / n;
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let fraction = (1..=40)
        .rev()
        .fold(x.abs(), |inner, n| x.abs() + f64::from(n) / inner);
    let tail = density / fraction;
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(spans: &[(i64, f64)]) -> Load {
        let key = PodKey {
            namespace: "shop".into(),
            pod: "cart-1".into(),
        };
        let behaviour = |rps| Behaviour {
            rps,
            errors: 0.0,
            unauthorized: 0.0,
            median_ms: 60.0,
            sigma: 0.6,
        };
        let span = |&(from_ms, rps): &(i64, f64)| Span {
            from_ms,
            behaviour: behaviour(rps),
        };
        let track = Track {
            service: "cart".into(),
            version: "v1".into(),
            began_ms: spans[0].0,
            ended_ms: None,
            spans: spans.iter().map(span).collect(),
        };
        Load::new(&key, &track, 7)
    }

    #[test]
    fn the_normal_distribution_is_exact() {
        let known = [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.959_963_984_540_054, 0.025),
            (2.326_347_874_040_841, 0.99),
            (-5.0, 2.866_515_718_791_94e-7),
        ];
        for (x, expected) in known {
            assert!((normal_below(x) - expected).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn counters_never_fall_and_keep_the_mean_rate() {
        let start = 1_700_000_000_000;
        let ramp = load(&[(start, 20.0), (start + 600_000, 40.0)]).ramp("500", true, |b| b.rps);
        let values: Vec<f64> = (0..24_000).map(|n| ramp.value(start + n * 50)).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        let (first, second) = (ramp.value(start + 600_000), ramp.value(start + 1_200_000));
        assert!((first - 12_000.0).abs() < 200.0, "{first}");
        assert!((second - first - 24_000.0).abs() < 400.0, "{second}");
        assert!(ramp.value(start - 1).abs() < 1e-12);
    }

    #[test]
    fn rates_waver_a_little() {
        let start = 1_700_000_000_000;
        let ramp = load(&[(start, 100.0)]).ramp("200", false, |b| b.rps);
        let rates: Vec<f64> = (0..100)
            .map(|n| (ramp.value(start + n * 5000 + 5000) - ramp.value(start + n * 5000)) / 5.0)
            .collect();
        let least = rates.iter().copied().fold(f64::MAX, f64::min);
        let most = rates.iter().copied().fold(f64::MIN, f64::max);
        assert!(
            least > 88.0 && most < 112.0 && most - least > 3.0,
            "{least} to {most}"
        );
    }
}
