//! The record of runs on this machine: append-only, hash-chained, on disk before anything is done. Run journals and
//! the audit log share one chain format's idea and one file-system seam; nothing here knows a platform.

mod append;
pub mod audit;
pub mod bundle;
pub mod copy;
pub mod cursor;
pub mod disk;
mod error;
pub mod incidents;
mod keys;
mod listing;
pub mod process;
pub mod pseudonym;
pub mod record;
pub mod runs;
pub mod tar;

pub use append::Journal;
pub use audit::{Audit, AuditEvent};
pub use cursor::Cursor;
pub use disk::host;
pub use disk::{Disk, RealDisk};
pub use error::{JournalError, in_words};
pub use incidents::{IncidentError, Incidents};
pub use keys::{fingerprint_key, forget_key};
pub use listing::RunListing;
pub use record::{Condition, Damage, Opened, Verified};
pub use runs::{Header, Runs};
