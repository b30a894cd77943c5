//! The platform's own clock: wall time, shifted to a base and sped up. The only place of the simulator that reads the machine's clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Base plus elapsed time times speed, in milliseconds since the epoch. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct Clock {
    pace: Arc<Mutex<Pace>>,
}

/// How a clock has run since its speed last changed.
#[derive(Debug)]
struct Pace {
    base_ms: i64,
    started: Instant,
    speed: f64,
}

impl Pace {
    fn now_ms(&self) -> i64 {
        let elapsed = self.started.elapsed().as_secs_f64() * 1000.0;
        self.base_ms + (elapsed * self.speed) as i64
    }
}

fn sane(speed: f64) -> f64 {
    if speed.is_finite() {
        speed.max(0.0)
    } else {
        1.0
    }
}

impl Clock {
    /// A clock that shows `base_ms` (or the machine's time) now and runs `speed` times as fast; 0 stands still.
    pub fn start(base_ms: Option<i64>, speed: f64) -> Self {
        let wall = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as i64)
        };
        let pace = Pace {
            base_ms: base_ms.unwrap_or_else(wall),
            started: Instant::now(),
            speed: sane(speed),
        };
        Self {
            pace: Arc::new(Mutex::new(pace)),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present moment.
    pub fn now_ms(&self) -> i64 {
        self.pace().now_ms()
    }

    /// How many times as fast as the machine's it runs.
    pub fn speed(&self) -> f64 {
        self.pace().speed
    }

    /// From now on it runs so many times as fast; 0 stands still.
    pub fn run_at(&self, speed: f64) {
        let mut pace = self.pace();
        let base_ms = pace.now_ms();
        *pace = Pace {
            base_ms,
            started: Instant::now(),
            speed: sane(speed),
        };
    }

    /// Shows a later moment at once; it never goes back.
    pub fn leap_to(&self, at_ms: i64) {
        let mut pace = self.pace();
        let ahead = at_ms - pace.now_ms();
        pace.base_ms += ahead.max(0);
    }

    /// How long to wait, by the machine's clock, until this clock shows a moment; none when it never will.
    pub fn until(&self, at_ms: i64) -> Option<Duration> {
        let pace = self.pace();
        let ahead = (at_ms - pace.now_ms()).max(0) as f64;
        (pace.speed > 0.0)
            .then(|| Duration::from_secs_f64((ahead / 1000.0 / pace.speed).min(3600.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_without_speed_stands_still() {
        let clock = Clock::start(Some(1_000), 0.0);
        assert_eq!(clock.now_ms(), 1_000);
        assert_eq!(clock.until(2_000), None);
    }

    #[test]
    fn a_fast_clock_waits_less() {
        let clock = Clock::start(Some(0), 100.0);
        let wait = clock.until(1_000_000).unwrap();
        assert!(wait <= Duration::from_secs(10));
        assert!(clock.now_ms() >= 0);
    }

    #[test]
    fn a_clock_changes_its_pace_without_a_jump_and_leaps_only_forward() {
        let clock = Clock::start(Some(5_000), 0.0);
        clock.run_at(1000.0);
        assert!((5_000..65_000).contains(&clock.now_ms()));
        clock.run_at(0.0);
        let stood = clock.now_ms();
        clock.leap_to(stood - 1);
        assert_eq!(clock.now_ms(), stood);
        clock.clone().leap_to(stood + 604_800_000);
        assert_eq!(clock.now_ms(), stood + 604_800_000, "a clone is the same");
    }
}
