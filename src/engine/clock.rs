//! The present moment, as a value that is handed around: the system's clock, or a simulated platform's own.

use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A clock.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    speed: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock of one's own.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            now: Arc::new(now),
            speed: Arc::new(|| 1.0),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The same clock, known to run so many times as fast as the machine's.
    #[must_use]
    pub fn running_at(self, speed: f64) -> Self {
        self.paced(move || speed)
    }

    /// The same clock, whose speed changes.
    #[must_use]
    pub fn paced(self, speed: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self {
            speed: Arc::new(speed),
            ..self
        }
    }

    /// How long to wait until this clock shows a moment; `None` when it does. One that stands still is looked at again.
    pub fn until(&self, at: Timestamp) -> Option<Duration> {
        let ahead = at.duration_since(self.now());
        if ahead.is_negative() || ahead.is_zero() {
            return None;
        }
        let wait = ahead.as_secs_f64() / (self.speed)().max(0.001);
        Some(Duration::from_secs_f64(wait.min(60.0)))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
