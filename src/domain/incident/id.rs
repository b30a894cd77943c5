//! The name of an incident: `INC-2026-014`, the fourteenth of its year on this machine.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IncidentId {
    /// The year it was opened in, in UTC.
    pub year: u16,
    /// Its number within the year, from one.
    pub number: u32,
}

impl IncidentId {
    /// As it stands in the header, where there is little room: `INC-14`.
    pub fn short(self) -> String {
        format!("INC-{}", self.number)
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}-{:03}", self.year, self.number)
    }
}

impl FromStr for IncidentId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.trim().to_ascii_uppercase();
        let parts = upper
            .strip_prefix("INC-")
            .and_then(|rest| rest.split_once('-'));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let parsed = parts
            .filter(|(year, number)| year.len() == 4 && digits(year) && digits(number))
            .and_then(|(year, number)| Some((year.parse().ok()?, number.parse().ok()?)))
            .filter(|(_, number)| *number > 0);
        match parsed {
            Some((year, number)) => Ok(Self { year, number }),
            None => Err("an incident is named like INC-2026-014".to_owned()),
        }
    }
}

impl TryFrom<String> for IncidentId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<IncidentId> for String {
    fn from(id: IncidentId) -> Self {
        id.to_string()
    }
}
