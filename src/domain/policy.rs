//! What an environment demands before anything is changed in it: plain values and the three built-in sets. The configuration
//! says which of them governs a target, the engine holds runs to it.

use std::time::Duration;

/// How an image must be named to be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageRule {
    /// A tag is enough (and shown in amber, for it can move).
    Tag,
    /// An image without a digest is refused.
    Digest,
}

/// What holds in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Nothing is changed until the operator arms.
    pub read_only: bool,
    /// How many other people must approve a run of critical risk: 0 or 1.
    pub approvals: u8,
    /// How old a successful rehearsal may be at most before a run of critical risk; none: no rehearsal is asked for.
    pub rehearsal: Option<Duration>,
    /// No gate is shorter than this.
    pub minimum_hold: Duration,
    /// How an image must be named.
    pub image: ImageRule,
    /// Runbooks may start programs of the operator's machine, as far as the configuration lists them.
    pub exec: bool,
}

impl Policy {
    /// Where people work: read-only until armed. Whatever is unknown counts as this.
    pub const fn production() -> Self {
        Self {
            read_only: true,
            approvals: 0,
            rehearsal: None,
            minimum_hold: Duration::ZERO,
            image: ImageRule::Tag,
            exec: false,
        }
    }

    /// Where releases are tried: nothing is asked for.
    pub const fn staging() -> Self {
        Self {
            read_only: false,
            exec: true,
            ..Self::production()
        }
    }

    /// The simulated platform: nothing is asked that a drill does not want to teach, and no drill reaches outside of it.
    pub const fn simulated() -> Self {
        Self {
            exec: false,
            ..Self::staging()
        }
    }

    /// Sorts the more careful policy last.
    pub fn strictness(&self) -> (bool, u8, bool, Duration, ImageRule, bool) {
        (
            self.read_only,
            self.approvals,
            self.rehearsal.is_some(),
            self.minimum_hold,
            self.image,
            !self.exec,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_stricter_than_the_others() {
        assert!(Policy::production().strictness() > Policy::staging().strictness());
        let digest = Policy {
            image: ImageRule::Digest,
            ..Policy::production()
        };
        assert!(digest.strictness() > Policy::production().strictness());
    }
}
