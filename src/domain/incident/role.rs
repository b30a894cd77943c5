//! Who does what in an incident: roles, never names.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What somebody does in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Decides.
    Commander,
    /// Stands in for the commander.
    Deputy,
    /// Writes down.
    Scribe,
    /// Speaks with those concerned.
    Liaison,
}

impl Role {
    /// All, in the order they are asked for.
    pub const ALL: [Self; 4] = [Self::Commander, Self::Deputy, Self::Scribe, Self::Liaison];

    /// The word typed and kept.
    pub fn word(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::Deputy => "deputy",
            Self::Scribe => "scribe",
            Self::Liaison => "liaison",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let long = match lower.as_str() {
            "ic" | "incident-commander" => "commander",
            other => other,
        };
        let found = Self::ALL.into_iter().find(|role| role.word() == long);
        found.ok_or_else(|| "a role is commander (ic), deputy, scribe or liaison".to_owned())
    }
}
