//! The handle all faces share: the world behind a lock, its clock, the faults, who wrote what. Asking it lets the world catch up with the clock first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::admission::Admission;
use super::clock::Clock;
use super::fault::Faults;
use super::ledger::Ledger;
use super::world::World;

/// How many writes are remembered.
const WRITES: usize = 10_000;

/// One mutating request, as an audit log has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// When.
    pub at_ms: i64,
    /// Who.
    pub user: String,
    /// The verb: create, update, patch, delete.
    pub verb: &'static str,
    /// The path, without the query.
    pub path: String,
    /// The `Audit-ID` of the request.
    pub audit_id: String,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// The code of the answer.
    pub code: u16,
    /// What was sent.
    pub body: Value,
}

/// One running platform, as its faces see it. Clones are the same platform.
#[derive(Debug, Clone)]
pub struct Shared {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    world: OnceLock<Mutex<World>>,
    clock: Clock,
    faults: Faults,
    admission: Admission,
    version: watch::Sender<u64>,
    writes: Mutex<VecDeque<Written>>,
}

impl Shared {
    /// A handle on a world that lives by a clock.
    pub fn new(world: World, clock: Clock) -> Self {
        let shared = Self::empty(clock);
        shared.furnish(world);
        shared
    }

    /// A handle on a world that is still being made: whoever asks it waits until it is there.
    pub fn later(clock: Clock, make: impl FnOnce() -> World + Send + 'static) -> Self {
        let shared = Self::empty(clock);
        let handle = shared.clone();
        std::thread::spawn(move || handle.furnish(make()));
        shared
    }

    fn empty(clock: Clock) -> Self {
        let inner = Inner {
            world: OnceLock::new(),
            clock,
            faults: Faults::default(),
            admission: Admission::default(),
            version: watch::Sender::new(0),
            writes: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    fn furnish(&self, world: World) {
        self.inner.version.send_replace(world.store().version());
        // It is furnished once; a second world would be another platform.
        let _ = self.inner.world.set(Mutex::new(world));
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.inner
            .world
            .wait()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the world catch up with the clock, then asks it; who watches hears of what changed.
    pub fn with<R>(&self, ask: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        world.advance(self.inner.clock.now_ms());
        let answer = ask(&mut world);
        let version = world.store().version();
        drop(world);
        self.inner.version.send_if_modified(|known| {
            let moved = *known != version;
            *known = version;
            moved
        });
        answer
    }

    /// Looks at the world as it was left, without letting time pass.
    pub fn peek<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.lock())
    }

    /// Asks what the pods have served, as of now.
    pub fn with_ledger<R>(&self, ask: impl FnOnce(&Ledger, i64) -> R) -> R {
        self.with(|world| ask(world.ledger(), world.now_ms()))
    }

    /// The clock of the platform.
    pub fn clock(&self) -> Clock {
        self.inner.clock.clone()
    }

    /// From now on the platform's time runs so many times as fast as the machine's.
    pub fn run_at(&self, speed: f64) {
        self.inner.clock.run_at(speed);
        self.wake();
    }

    /// Lets the platform's time go on to a later moment at once.
    pub fn leap_to(&self, at_ms: i64) {
        self.inner.clock.leap_to(at_ms);
        self.wake();
    }

    /// Whoever waits for a moment reckons anew.
    fn wake(&self) {
        self.inner.version.send_modify(|_| {});
    }

    /// The present moment of the platform.
    pub fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// The fault script.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Rights taken away, and webhooks.
    pub fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    /// Tells when objects have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.version.subscribe()
    }

    /// Notes a mutating request.
    pub fn note(&self, written: Written) {
        let mut writes = self
            .inner
            .writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        writes.push_back(written);
        if writes.len() > WRITES {
            writes.pop_front();
        }
    }

    /// Every mutating request so far, oldest first.
    pub fn writes(&self) -> Vec<Written> {
        let writes = self
            .inner
            .writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        writes.iter().cloned().collect()
    }

    /// Keeps the world in step with the clock for as long as it is polled.
    pub async fn live(self) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let due = self.with(|world| world.due());
            let wait = due
                .and_then(|at| self.inner.clock.until(at))
                .unwrap_or(Duration::from_hours(1));
            let wait = wait.max(Duration::from_millis(1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = changes.changed() => {}
            }
        }
    }
}
