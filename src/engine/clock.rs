//! The present moment, as a value that is handed around: the cluster's time where it is known, told on by a clock that
//! nobody sets; or a simulated platform's own.

use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// A server says its time to the second: less than this is no difference.
pub const EQUAL: SignedDuration = SignedDuration::from_millis(1_500);

/// Tells a moment.
type Teller = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock. Its copies are one clock: what one of them learns of the cluster's time, all of them show.
#[derive(Clone)]
pub struct Clock {
    /// Goes evenly, through the sleep of the machine too, and is set by nobody.
    steady: Teller,
    /// What this machine shows, which somebody may set.
    wall: Teller,
    speed: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// How far the cluster's time is ahead of the steady one, in milliseconds.
    ahead: Arc<AtomicI64>,
    /// Whether the cluster's time is known.
    agreed: Arc<AtomicBool>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        let (began, since) = (Timestamp::now(), awake_or_not());
        let steady = move || {
            let passed = awake_or_not().saturating_sub(since);
            began + SignedDuration::try_from(passed).unwrap_or_default()
        };
        Self::new(steady).beside(Timestamp::now)
    }

    /// A clock of one's own.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let steady: Teller = Arc::new(now);
        Self {
            wall: steady.clone(),
            steady,
            speed: Arc::new(|| 1.0),
            ahead: Arc::default(),
            agreed: Arc::default(),
        }
    }

    /// The same clock on a machine that shows another time.
    #[must_use]
    pub fn beside(self, wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let wall = Arc::new(wall);
        Self { wall, ..self }
    }

    /// The present moment: the cluster's, as far as it is known.
    pub fn now(&self) -> Timestamp {
        let steady = self.steady();
        steady.checked_add(self.ahead()).unwrap_or(steady)
    }

    /// The same without what was learned of the cluster's time.
    pub fn steady(&self) -> Timestamp {
        (self.steady)()
    }

    /// How far the cluster's time is ahead of the steady one, as far as it is known.
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// What this machine shows.
    pub fn wall(&self) -> Timestamp {
        (self.wall)()
    }

    /// How far the machine's clock is ahead of the steady one: a change of this is somebody setting it.
    pub fn drift(&self) -> SignedDuration {
        self.wall().duration_since(self.steady())
    }

    /// Learns that the cluster's time is so much ahead of the steady one. Whoever else learned the same meanwhile changes
    /// nothing by it.
    pub fn learn(&self, ahead: SignedDuration) {
        let ahead = i64::try_from(ahead.as_millis()).unwrap_or_default();
        self.ahead.store(ahead, Ordering::Relaxed);
        self.agreed.store(true, Ordering::Relaxed);
    }

    /// Whether the cluster has told its time.
    pub fn agreed(&self) -> bool {
        self.agreed.load(Ordering::Relaxed)
    }

    /// How far the present moment is ahead of what this machine shows, in whole seconds; none where that is no more than
    /// the server's second.
    pub fn skew(&self) -> SignedDuration {
        let skew = self.now().duration_since(self.wall());
        if skew.abs() > EQUAL {
            SignedDuration::from_secs((skew.as_millis() as f64 / 1000.0).round() as i64)
        } else {
            SignedDuration::ZERO
        }
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

/// Time since the machine was started, its sleep included where the system counts that.
fn awake_or_not() -> Duration {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let passed = rustix::time::clock_gettime(id);
    Duration::try_from(passed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    #[test]
    fn setting_the_machines_clock_changes_nothing_but_what_the_machine_shows() {
        let set = Arc::new(AtomicI64::new(0));
        let shown = set.clone();
        let clock = Clock::new(|| at(100))
            .beside(move || at(100) + SignedDuration::from_secs(shown.load(Ordering::Relaxed)));
        set.store(7_200, Ordering::Relaxed);
        assert_eq!(clock.now(), at(100));
        assert_eq!(clock.wall(), at(7_300));
        assert_eq!(clock.drift(), SignedDuration::from_secs(7_200));
    }

    #[test]
    fn what_one_copy_learns_of_the_clusters_time_all_show() {
        let clock = Clock::new(|| at(0));
        let copy = clock.clone();
        assert!(!copy.agreed());
        clock.learn(SignedDuration::from_secs(-90));
        assert!(copy.agreed() && copy.skew() == SignedDuration::from_secs(-90));
        assert_eq!(copy.now(), at(-90));
        assert_eq!(copy.until(at(0)), Some(Duration::from_mins(1)));
        copy.learn(SignedDuration::from_secs(-90));
        assert_eq!(copy.now(), at(-90), "learned twice");
        clock.learn(SignedDuration::ZERO);
        assert_eq!(copy.now(), at(0));
    }

    #[test]
    fn the_systems_clock_goes_on_and_is_near_what_the_machine_shows() {
        let clock = Clock::system();
        let before = clock.now();
        assert!(clock.now() >= before);
        assert!(clock.drift().abs() < SignedDuration::from_secs(5));
    }
}
