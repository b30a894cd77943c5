//! A good approval, as it is recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A good approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// By whom, as the allowed signers name them.
    pub by: String,
    /// The fingerprint of the key.
    pub key: String,
    /// The digest it is bound to.
    pub digest: String,
    /// Until when it holds.
    pub expires: Timestamp,
    /// What names the signature: it is good once.
    pub id: String,
}
