//! The audit log: how long it is kept, and where it goes besides its file. The keys of `[audit]`.

use super::unit::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long the record is kept, and who else has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditLog {
    /// How long records and the folders of runs that are over are kept at least; `vigie audit prune` removes what is older,
    /// nothing else does.
    pub retention: Time,
    /// A file with an address that every record is posted to, read anew each time: who knows it can write there.
    pub webhook_file: Option<String>,
    /// A syslog that every record is sent to: unix:/dev/log, udp:HOST:PORT or tcp:HOST:PORT.
    pub syslog: Option<String>,
}

impl Default for AuditLog {
    fn default() -> Self {
        Self {
            retention: Time::seconds(400 * 24 * 3600),
            webhook_file: None,
            syslog: None,
        }
    }
}
