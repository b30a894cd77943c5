//! What the pods of the ledger would have exported, as series of samples on a scrape grid: pure functions of the
//! ledger, a seed and time. Integrals, scrape times, metric families and the text format are in the files below;
//! here is only what the faces need from outside. The Prometheus face queries this, the Kubernetes face serves
//! the text.

pub mod exposition;
pub mod load;
pub mod scrape;
pub mod store;

use std::sync::Arc;

pub use self::exposition::exposition;
pub use self::store::{BOUNDS, FAMILIES, Family, LedgerStore};
use super::ledger::Ledger;

/// Where the faces find the present moment and the record of what was served.
pub trait Platform: Send + Sync + 'static {
    /// The present, in milliseconds of the world's clock.
    fn now_ms(&self) -> i64;
    /// Lends the ledger, brought up to the present.
    fn with_ledger(&self, look: &mut dyn FnMut(&Ledger));
    /// What the noise of the series is drawn from.
    fn seed(&self) -> u64 {
        0
    }
}

/// A shared handle to the platform.
pub type Source = Arc<dyn Platform>;
