//! Whether the clocks agree that a run's judgements rest on: this machine's, the cluster's, and the one that dates the
//! samples of Prometheus. Looked at before the first effect, and again while a gate is held. Deadlines go by the cluster's
//! time whatever the machine shows; that somebody set its clock meanwhile is told.

use super::means::Means;
use super::trust;
use crate::engine::clock::Clock;
use crate::engine::timekeeping::{SECOND, ask, outside};
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::{Level, Line};
use jiff::{SignedDuration, Timestamp};
use std::sync::Mutex;

/// From here on a clock's distance is said.
const NEAR: SignedDuration = SignedDuration::from_secs(5);
/// From here on a gate would judge other moments than it says.
const FAR: SignedDuration = SignedDuration::from_secs(30);
/// While a gate is held, clocks that agreed are looked at again after this.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// How far ahead of now the newest sample is looked for; Prometheus looks back as far from any moment.
const AHEAD: SignedDuration = SignedDuration::from_mins(4);
/// The moment of the newest sample anybody took, by the clock of whoever dates them.
const NEWEST: &str = "max(timestamp(up))";

/// Remembers for one run when the clocks agreed, and how the machine's stood.
#[derive(Debug)]
pub struct Clocks {
    agreed: Mutex<Option<Timestamp>>,
    drift: Mutex<SignedDuration>,
}

impl Clocks {
    /// As this machine's clock stands now.
    pub fn of(clock: &Clock) -> Self {
        Self {
            agreed: Mutex::default(),
            drift: Mutex::new(clock.drift()),
        }
    }

    /// What is to be noted if this machine's clock was set since it was last asked.
    pub fn jumped(&self, clock: &Clock) -> Option<String> {
        let now = clock.drift();
        let mut drift = self.drift.lock().ok()?;
        let moved = now - *drift;
        if moved.abs() <= NEAR {
            return None;
        }
        *drift = now;
        let way = if moved.is_positive() { "ahead" } else { "back" };
        Some(format!(
            "this machine's clock was set {} s {way}; deadlines go by the cluster's time",
            (moved.abs().as_millis() + 500) / 1_000
        ))
    }

    /// Why nothing may be judged now, where a clock is off.
    pub async fn off(&self, means: &Means, object: &ObjectRef) -> Option<String> {
        let now = means.clock.now();
        let agreed = self.agreed.lock().ok().and_then(|agreed| *agreed);
        let recent = |agreed: Timestamp| {
            let since = now.duration_since(agreed);
            since >= SignedDuration::ZERO && since < AGAIN
        };
        if agreed.is_some_and(recent) {
            return None;
        }
        let off = match cluster(means).await {
            Some(off) if off > FAR => Some(far("the cluster's", off)),
            _ => samples(means, object).await,
        };
        if let Ok(mut agreed) = self.agreed.lock() {
            *agreed = off.is_none().then_some(now);
        }
        off
    }
}

fn far(whose: &str, off: SignedDuration) -> String {
    format!(
        "the clocks disagree: {whose} is {} s away from ours",
        off.as_secs()
    )
}

/// The distance between the cluster's clock and what this machine shows, at the least.
async fn cluster(means: &Means) -> Option<SignedDuration> {
    let (server, (asked, answered)) = ask(&means.cluster, || means.clock.wall()).await?;
    // The answer is dated, to the second, somewhere between the question and now.
    Some(outside(server, (asked - SECOND, answered)))
}

/// Why the samples are not of the moments that are asked about. One that is silent, or has no such series, says nothing of
/// its clock: its silence is told by whoever reads the signals.
async fn samples(means: &Means, object: &ObjectRef) -> Option<String> {
    let prometheus = trust::prometheus(means, object).await.ok()?;
    let asked = means.clock.now();
    let mut newest: Option<f64> = None;
    // Only from ahead is a sample seen that claims to come from there, and only from now one that is minutes old.
    for at in [asked, asked + AHEAD] {
        let answer = prometheus.query(at, NEWEST).await.ok()?;
        let values = answer.result.iter().map(|sample| sample.value);
        newest = values.chain(newest).reduce(f64::max);
    }
    let newest = Timestamp::from_second(newest? as i64).ok()?;
    // The newest sample is as old as the last scrape, which is no older than a window of rates.
    let slack = SignedDuration::from_secs(1) + means.window_of(&object.name);
    let off = outside(newest, (asked - slack, means.clock.now()));
    (off > FAR).then(|| far("that of Prometheus's newest sample", off))
}

/// What is said of the clocks before the first effect.
pub async fn line(means: &Means, object: &ObjectRef, gated: bool) -> Option<Line> {
    let text = "do the clocks agree?";
    let fix = "set this machine's clock, or the other one (NTP)";
    if gated && let Some(why) = samples(means, object).await {
        return Some(Line::new(Level::Red, text, why).fix(fix));
    }
    let off = cluster(means).await?;
    if off <= NEAR {
        let words = format!("within {} s", NEAR.as_secs());
        return Some(Line::new(Level::Passed, text, words));
    }
    let level = if off > FAR && gated {
        Level::Red
    } else {
        Level::Amber
    };
    let said = format!(
        "the cluster's is {} s away from this machine's; deadlines go by the cluster's",
        off.as_secs()
    );
    Some(Line::new(level, text, said).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn a_clock_that_is_set_is_told_once() {
        let at = |second: i64| Timestamp::from_second(1_772_000_000 + second).unwrap();
        let set = Arc::new(AtomicI64::new(300));
        let shown = set.clone();
        let clock = Clock::new(move || at(0)).beside(move || at(shown.load(Ordering::Relaxed)));
        let clocks = Clocks::of(&clock);
        assert_eq!(clocks.jumped(&clock), None, "as it was found");
        set.store(302, Ordering::Relaxed);
        assert_eq!(clocks.jumped(&clock), None);
        set.store(-6_900, Ordering::Relaxed);
        let told = clocks.jumped(&clock).unwrap();
        assert!(told.contains("7200 s back"), "{told}");
        assert_eq!(clocks.jumped(&clock), None, "once");
    }
}
