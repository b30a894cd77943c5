//! Steps about a secret: who reads it, which version is where, and how its keys change. They name keys and versions; a
//! value never stands in a runbook, and never in what follows from one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::runbook::model::guard::When;
use crate::runbook::template::{Path, Text};

/// The kinds, and whether each changes the world.
pub const SECRET_KINDS: &[(&str, bool)] = &[
    ("k8s.secret-consumers", false),
    ("k8s.secret-proof", false),
    ("vault.kv-read", false),
    ("k8s.secret-set", true),
    ("vault.kv-patch", true),
    ("vault.kv-restore", true),
    ("vault.kv-destroy", true),
    ("eso.sync", true),
];

/// What a step does with a secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum SecretStep {
    /// Finds the Secret that holds a key, the workloads that read it, and who owns it.
    #[serde(rename = "k8s.secret-consumers")]
    Consumers {
        /// Where.
        ns: Text,
        /// The key, as `jwt-secret`.
        key: Text,
    },
    /// Shows for every pod of the consumers which version it runs.
    #[serde(rename = "k8s.secret-proof")]
    Proof {
        /// Where.
        ns: Text,
        /// The Secret.
        name: Text,
        /// The workloads, as an earlier step found them.
        consumers: Path,
        /// The path in Vault that the Secret copies, where there is one.
        from: Option<Text>,
        /// Keys of the Secret to keys of the path.
        keys: BTreeMap<String, Text>,
    },
    /// Versions and key names of a path; values are never shown.
    #[serde(rename = "vault.kv-read")]
    Read {
        /// The path, mount first.
        at: Text,
        /// A key that should be there.
        key: Option<Text>,
    },
    /// Some keys of a path, by patch with check-and-set; the others stay as they are.
    #[serde(rename = "vault.kv-patch")]
    Patch {
        /// The path.
        at: Text,
        /// The version whose values of these keys must still stand.
        cas: Text,
        /// The keys.
        set: BTreeMap<String, SetEntry>,
    },
    /// The keys of the step get the values back that a version holds.
    #[serde(rename = "vault.kv-restore")]
    Restore {
        /// The path; the step's own in an undo.
        at: Option<Text>,
        /// The version.
        version: Text,
    },
    /// Versions are destroyed for good.
    #[serde(rename = "vault.kv-destroy")]
    Destroy {
        /// The path.
        at: Text,
        /// `all-before:N`.
        versions: Text,
    },
    /// Some keys of a Secret, copied from a path of Vault or set.
    #[serde(rename = "k8s.secret-set")]
    Set {
        /// Where.
        ns: Text,
        /// The Secret.
        name: Text,
        /// The path it copies.
        from: Option<Text>,
        /// Keys of the Secret to keys of the path.
        keys: BTreeMap<String, Text>,
        /// Keys set otherwise.
        set: BTreeMap<String, SetEntry>,
    },
    /// Asks External Secrets to copy now, and waits until the Secret has what Vault has.
    #[serde(rename = "eso.sync")]
    Sync {
        /// Where.
        ns: Text,
        /// The ExternalSecret.
        name: Text,
        /// The path it copies.
        from: Text,
        /// Keys of the Secret to keys of the path: these must be equal afterwards.
        keys: BTreeMap<String, Text>,
        /// The Secret it writes.
        secret: Text,
    },
}

/// What becomes of one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetEntry {
    /// Its new content.
    pub to: SetTo,
    /// Only where this holds.
    pub when: Option<When>,
}

/// The new content of a key.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetTo {
    /// A declared secret.
    Secret(String),
    /// What another key holds.
    Copy(Text),
    /// What another key holds, which is then gone; where that key is not there, a declared secret.
    Move(Text, Option<String>),
    /// It is gone.
    Delete,
    /// A text that is no secret.
    Text(Text),
}

impl SecretStep {
    /// The kind's name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Consumers { .. } => "k8s.secret-consumers",
            Self::Proof { .. } => "k8s.secret-proof",
            Self::Read { .. } => "vault.kv-read",
            Self::Patch { .. } => "vault.kv-patch",
            Self::Restore { .. } => "vault.kv-restore",
            Self::Destroy { .. } => "vault.kv-destroy",
            Self::Set { .. } => "k8s.secret-set",
            Self::Sync { .. } => "eso.sync",
        }
    }

    /// Whether it changes the world outside.
    pub fn mutates(&self) -> bool {
        SECRET_KINDS.contains(&(self.name(), true))
    }

    /// The keys that are set, where it sets some.
    pub fn set(&self) -> Option<&BTreeMap<String, SetEntry>> {
        match self {
            Self::Patch { set, .. } | Self::Set { set, .. } => Some(set),
            _ => None,
        }
    }
}
