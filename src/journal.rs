//! The record of runs on this machine: append-only, hash-chained, on disk before anything is done. Run journals and
//! the audit log share one chain format's idea and one file-system seam; nothing here knows a platform.

pub mod audit;
pub mod disk;
pub mod record;
pub mod runs;

pub use audit::{Audit, AuditEvent};
pub use disk::{Disk, RealDisk};
pub use record::{Condition, Damage, Opened, Verified};
pub use runs::{Header, Journal, JournalError, RunListing, Runs};
