//! How bad an incident is, and how long each thing may then take. The limits are the customer's where they name one, else
//! those of common practice; a level without a limit has no clock.

use super::role::Role;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Critical: production down, data breach.
    P0,
    /// High: a major feature broken, performance degraded.
    P1,
    /// Medium: a minor feature broken.
    P2,
    /// Low: cosmetic.
    P3,
}

const fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Self; 4] = [Self::P0, Self::P1, Self::P2, Self::P3];

    /// Its short name.
    pub fn word(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::P0 => "critical: production down, data breach",
            Self::P1 => "high: major feature broken, performance degradation",
            Self::P2 => "medium: minor feature broken",
            Self::P3 => "low: cosmetic issues",
        }
    }

    /// The next worse one.
    pub fn raised(self) -> Option<Self> {
        match self {
            Self::P0 => None,
            Self::P1 => Some(Self::P0),
            Self::P2 => Some(Self::P1),
            Self::P3 => Some(Self::P2),
        }
    }

    /// Whether this is worse than another.
    pub fn above(self, other: Self) -> bool {
        self < other
    }

    /// From the acknowledgement until the severity is settled.
    pub fn assess(self) -> Option<SignedDuration> {
        match self {
            Self::P0 => Some(minutes(5)),
            Self::P1 => Some(minutes(10)),
            Self::P2 => Some(minutes(60)),
            Self::P3 => None,
        }
    }

    /// From detection until those concerned have heard of it.
    pub fn first_notice(self) -> Option<SignedDuration> {
        match self {
            Self::P0 => Some(minutes(10)),
            Self::P1 => Some(minutes(15)),
            Self::P2 | Self::P3 => None,
        }
    }

    /// Between two updates.
    pub fn update(self) -> Option<SignedDuration> {
        match self {
            Self::P0 => Some(minutes(15)),
            Self::P1 => Some(minutes(30)),
            Self::P2 => Some(SignedDuration::from_hours(24)),
            Self::P3 => None,
        }
    }

    /// From the decision to mitigate until it is mitigated.
    pub fn mitigate(self) -> Option<SignedDuration> {
        match self {
            Self::P0 | Self::P1 => Some(minutes(5)),
            Self::P2 | Self::P3 => None,
        }
    }

    /// From detection until the service is back.
    pub fn recover(self) -> Option<SignedDuration> {
        match self {
            Self::P0 | Self::P1 => Some(SignedDuration::from_hours(4)),
            Self::P2 | Self::P3 => None,
        }
    }

    /// The roles it asks for.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::P0 => &Role::ALL,
            Self::P1 => &[Role::Commander, Role::Scribe],
            Self::P2 | Self::P3 => &[],
        }
    }

    /// Until when the post-mortem is due: three calendar days for P0, five working days for P1, in UTC.
    pub fn review(self, resolved: Timestamp) -> Option<Timestamp> {
        match self {
            Self::P0 => Some(resolved + SignedDuration::from_hours(72)),
            Self::P1 => working_days(resolved, 5),
            Self::P2 | Self::P3 => None,
        }
    }
}

/// So many working days later, at the same time of day.
fn working_days(from: Timestamp, days: u32) -> Option<Timestamp> {
    let mut at = from.to_zoned(TimeZone::UTC);
    let mut left = days;
    while left > 0 {
        at = at.checked_add(Span::new().days(1)).ok()?;
        if !matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    Some(at.timestamp())
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.trim();
        let found = Self::ALL
            .into_iter()
            .find(|one| one.word().eq_ignore_ascii_case(wanted));
        found.ok_or_else(|| {
            "a severity is P0 (production down, data breach), P1 (major feature broken), P2 (minor feature broken) or P3 \
             (cosmetic); unsure, take the higher"
                .to_owned()
        })
    }
}
