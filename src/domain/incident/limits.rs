//! How long somebody may take to acknowledge, by severity, and where each limit comes from. They are kept in the incident's
//! file: what was missed stays missed, whatever a configuration says later or elsewhere.

use super::severity::Severity;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Where a limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The platform's own guide.
    Guide,
    /// Proposed here: the guide has one value for all, which fits no minor fault.
    Proposed,
    /// The configuration.
    Configured,
    /// Common practice of those who run services.
    Practice,
    /// What this program takes where nobody else says.
    House,
    /// The law.
    Law,
}

impl Origin {
    /// Its word beside a clock.
    pub fn word(self) -> &'static str {
        match self {
            Self::Guide => "guide",
            Self::Proposed => "proposed",
            Self::Configured => "configured",
            Self::Practice => "practice",
            Self::House => "default",
            Self::Law => "GDPR 33",
        }
    }
}

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How long, in seconds.
    #[serde(rename = "limit_s")]
    pub seconds: i64,
    /// Who says so.
    pub origin: Origin,
}

/// The limits for an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub struct Limits {
    p0: Limit,
    p1: Limit,
    p2: Limit,
    p3: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        let of = |minutes: i64, origin| Limit {
            seconds: minutes * 60,
            origin,
        };
        Self {
            p0: of(5, Origin::Guide),
            p1: of(5, Origin::Guide),
            p2: of(30, Origin::Proposed),
            p3: of(24 * 60, Origin::Proposed),
        }
    }
}

impl Limits {
    /// The limit at a severity.
    pub fn of(&self, severity: Severity) -> Limit {
        match severity {
            Severity::P0 => self.p0,
            Severity::P1 => self.p1,
            Severity::P2 => self.p2,
            Severity::P3 => self.p3,
        }
    }

    /// The same with another limit at a severity; one that is the known one keeps its origin.
    #[must_use]
    pub fn with(mut self, severity: Severity, span: SignedDuration) -> Self {
        let slot = match severity {
            Severity::P0 => &mut self.p0,
            Severity::P1 => &mut self.p1,
            Severity::P2 => &mut self.p2,
            Severity::P3 => &mut self.p3,
        };
        if slot.seconds != span.as_secs() {
            *slot = Limit {
                seconds: span.as_secs(),
                origin: Origin::Configured,
            };
        }
        self
    }

    /// From detection until somebody acknowledges.
    pub fn acknowledge(&self, severity: Severity) -> SignedDuration {
        SignedDuration::from_secs(self.of(severity).seconds)
    }

    /// From detection until the next one is called, where nobody acknowledged: when that limit has run out.
    pub fn escalate(&self, severity: Severity) -> Option<SignedDuration> {
        (severity <= Severity::P1).then(|| self.acknowledge(severity))
    }
}
