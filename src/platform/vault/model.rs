//! What Vault tells: how it is, whose a token is, what versions there are and what is in one.

use jiff::Timestamp;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};

/// How a Vault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it was set up at all.
    pub initialized: bool,
    /// Whether it is sealed: then it does nothing else than say so.
    pub sealed: bool,
    /// Whether it waits for another node to fail.
    pub standby: bool,
    /// Its version.
    pub version: String,
    /// Its clock, to the second.
    pub time: Option<Timestamp>,
}

/// Whose token it is and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenInfo {
    /// What Vault calls its owner: `token`, `ldap-alice`.
    pub display_name: String,
    /// The entity it belongs to; empty where it belongs to none.
    pub entity_id: String,
    /// Its policies.
    pub policies: BTreeSet<String>,
    /// The seconds it still lives; none where it does not end.
    pub ttl: Option<u64>,
    /// Whether its life can be prolonged.
    pub renewable: bool,
    /// How often it may still be used; none where that is not counted.
    pub uses: Option<u64>,
}

/// What is known of a path without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// When it was first written.
    pub created: Timestamp,
    /// Its newest version; 0 where there is none yet.
    pub current_version: u64,
    /// Whether a write must name the version it follows.
    pub cas_required: bool,
    /// Who wrote last, where Vault says so.
    pub last_updated_by: Option<String>,
    /// The versions that are kept.
    pub versions: BTreeMap<u64, VersionInfo>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// When it was written.
    pub created: Timestamp,
    /// Since when it counts as deleted; it can be brought back.
    pub deleted: Option<Timestamp>,
    /// Whether its data is gone for good.
    pub destroyed: bool,
}

/// The values of one version.
#[derive(Debug, Clone)]
pub struct KvData {
    /// Which version.
    pub version: u64,
    /// When it was written.
    pub created: Timestamp,
    /// The values by their keys.
    pub data: BTreeMap<String, SecretString>,
    /// The keys whose value is no text: it stands in `data` as JSON.
    pub json: BTreeSet<String>,
}

/// A version that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its number.
    pub version: u64,
    /// When, by Vault's clock.
    pub at: Timestamp,
}
