//! How fresh a source is. A link is data; its state at a moment is asked with `now`, so ages never go stale themselves.

use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::Arc;

/// A watch says something at least this often (bookmarks come about once a minute), or it is quiet.
pub const WATCH_PATIENCE: SignedDuration = SignedDuration::from_secs(75);

/// Where facts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The API server's watches.
    Kubernetes,
    /// Prometheus, or what speaks its API.
    Prometheus,
    /// Alertmanager.
    Alertmanager,
}

impl Source {
    /// The short name in the header.
    pub fn short(self) -> &'static str {
        match self {
            Self::Kubernetes => "k8s",
            Self::Prometheus => "prom",
            Self::Alertmanager => "alerts",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kubernetes => "kubernetes",
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "alertmanager",
        })
    }
}

/// How a source is listened to, which decides when silence means trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// A standing watch.
    Watch,
    /// Asked every so often.
    Poll(SignedDuration),
}

/// Why a source is not answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// In one short clause: `connection refused`.
    pub why: Arc<str>,
}

/// What is known of one source's freshness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// How it is listened to.
    pub rhythm: Rhythm,
    /// When it last said anything: an event, a bookmark, a good answer.
    pub heard: Option<Timestamp>,
    /// What is wrong, while something is.
    pub trouble: Option<Trouble>,
    /// Why there is no such source at all, where there is none.
    pub absent: Option<Arc<str>>,
}

/// A link's state at a moment.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkState {
    /// Nothing has been heard yet.
    Connecting,
    /// It speaks; last heard so long ago.
    Live(SignedDuration),
    /// It stands but has been silent longer than it should; it is being reopened.
    Quiet(SignedDuration),
    /// It does not answer; what is shown is so old (unknown if it never answered).
    Stale {
        /// Time since the last good word.
        age: Option<SignedDuration>,
        /// Since when it has been failing.
        since: Timestamp,
        /// Why.
        why: Arc<str>,
    },
    /// There is no such source here.
    Absent(Arc<str>),
}

impl Link {
    /// A link nothing has been heard from.
    pub fn new(rhythm: Rhythm) -> Self {
        Self {
            rhythm,
            heard: None,
            trouble: None,
            absent: None,
        }
    }

    /// A source that is not there.
    pub fn absent(why: &str) -> Self {
        Self {
            absent: Some(why.into()),
            ..Self::new(Rhythm::Watch)
        }
    }

    /// Something was heard: whatever was wrong is over.
    pub fn hear(&mut self, at: Timestamp) {
        self.heard = Some(self.heard.map_or(at, |before| before.max(at)));
        self.trouble = None;
        self.absent = None;
    }

    /// Something is wrong; the first moment of one trouble is kept.
    pub fn fail(&mut self, at: Timestamp, why: &str) {
        let since = self.trouble.as_ref().map_or(at, |trouble| trouble.since);
        self.trouble = Some(Trouble {
            since,
            why: why.into(),
        });
    }

    /// The state at a moment.
    pub fn state(&self, now: Timestamp) -> LinkState {
        if let Some(why) = &self.absent {
            return LinkState::Absent(why.clone());
        }
        let age = self
            .heard
            .map(|heard| now.duration_since(heard).max(SignedDuration::ZERO));
        if let Some(Trouble { since, why }) = &self.trouble {
            // What a standing watch had told was the present until it broke, however long it had nothing to tell.
            let age = match self.rhythm {
                Rhythm::Watch => age.map(|age| age.min(now.duration_since(*since))),
                Rhythm::Poll(_) => age,
            };
            return LinkState::Stale {
                age,
                since: *since,
                why: why.clone(),
            };
        }
        match (age, self.rhythm) {
            (None, _) => LinkState::Connecting,
            (Some(age), Rhythm::Watch) if age > WATCH_PATIENCE => LinkState::Quiet(age),
            (Some(age), Rhythm::Poll(interval)) if age > interval * 3 => LinkState::Stale {
                age: Some(age),
                since: now - (age - interval * 3),
                why: "no answer in three intervals".into(),
            },
            (Some(age), _) => LinkState::Live(age),
        }
    }

    /// Whether what it told may be taken as the present.
    pub fn trusted(&self, now: Timestamp) -> bool {
        matches!(self.state(now), LinkState::Live(_) | LinkState::Quiet(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_watch_is_live_then_quiet_and_stale_only_on_trouble() {
        let mut link = Link::new(Rhythm::Watch);
        assert_eq!(link.state(at(0)), LinkState::Connecting);
        link.hear(at(100));
        assert_eq!(
            link.state(at(175)),
            LinkState::Live(SignedDuration::from_secs(75))
        );
        assert_eq!(
            link.state(at(180)),
            LinkState::Quiet(SignedDuration::from_secs(80))
        );
        link.fail(at(181), "connection refused");
        link.fail(at(190), "connection refused");
        let LinkState::Stale { age, since, .. } = link.state(at(200)) else {
            panic!("not stale")
        };
        assert_eq!(
            (age, since),
            (Some(SignedDuration::from_secs(19)), at(181)),
            "it was the present until it broke"
        );
        link.hear(at(201));
        assert!(link.trusted(at(201)));
    }

    #[test]
    fn a_polled_source_is_stale_after_three_intervals() {
        let mut link = Link::new(Rhythm::Poll(SignedDuration::from_secs(5)));
        link.hear(at(0));
        assert!(link.trusted(at(15)));
        assert!(!link.trusted(at(16)));
    }
}
