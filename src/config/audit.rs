//! The audit log: how long it is kept. The keys of `[audit]`.

use super::unit::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long the record is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditLog {
    /// How long records and the folders of runs that are over are kept at least; `vigie audit prune` removes what is older,
    /// nothing else does.
    pub retention: Time,
}

impl Default for AuditLog {
    fn default() -> Self {
        Self {
            retention: Time::seconds(400 * 24 * 3600),
        }
    }
}
