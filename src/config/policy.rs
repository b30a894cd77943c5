//! What an environment demands before anything is changed in it. Plain values and the three built-in sets; which of them
//! governs a target is decided in [`super::place`]. Imports nothing.

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
        }
    }

    /// Where releases are tried: nothing is asked for.
    pub const fn staging() -> Self {
        Self {
            read_only: false,
            ..Self::production()
        }
    }

    /// The simulated platform: nothing is asked that a drill does not want to teach.
    pub const fn simulated() -> Self {
        Self::staging()
    }

    /// Sorts the more careful policy last.
    pub fn strictness(&self) -> (bool, u8, bool, Duration, ImageRule) {
        (
            self.read_only,
            self.approvals,
            self.rehearsal.is_some(),
            self.minimum_hold,
            self.image,
        )
    }
}

/// Whether a name fits a pattern in which `*` stands for anything and `?` for one character.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut retry) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some('?') => (p, n) = (p + 1, n + 1),
            Some(same) if *same == name[n] => (p, n) = (p + 1, n + 1),
            _ => match retry {
                Some((star, from)) => {
                    (p, n) = (star + 1, from + 1);
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name, expected) in [
            ("*-production", "veza-production", true),
            ("*-production", "veza-production-2", false),
            ("prod", "prod", true),
            ("prod", "preprod", false),
            ("*", "", true),
            ("a*b*c", "aXbbYc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

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
