//! The platform's own clock: wall time, shifted to a base and sped up. The only place of the simulator that reads the machine's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Base plus elapsed time times speed, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base_ms: i64,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// A clock that shows `base_ms` (or the machine's time) now and runs `speed` times as fast; 0 stands still.
    pub fn start(base_ms: Option<i64>, speed: f64) -> Self {
        let wall = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as i64)
        };
        Self {
            base_ms: base_ms.unwrap_or_else(wall),
            started: Instant::now(),
            speed: if speed.is_finite() {
                speed.max(0.0)
            } else {
                1.0
            },
        }
    }

    /// The present moment.
    pub fn now_ms(&self) -> i64 {
        let elapsed = self.started.elapsed().as_secs_f64() * 1000.0;
        self.base_ms + (elapsed * self.speed) as i64
    }

    /// How long to wait, by the machine's clock, until this clock shows a moment; none when it never will.
    pub fn until(&self, at_ms: i64) -> Option<Duration> {
        let ahead = (at_ms - self.now_ms()).max(0) as f64;
        (self.speed > 0.0)
            .then(|| Duration::from_secs_f64((ahead / 1000.0 / self.speed).min(3600.0)))
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
}
