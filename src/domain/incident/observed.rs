//! What the cluster says happened while an incident went on: its Events, the conditions of rollouts, what a deployer left on a
//! revision. Each has a name by which it is taken once, however many consoles see it and however often.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The most of them that one incident's file takes.
pub const OBSERVED: usize = 300;
/// What happened so long before it was detected may have to do with it.
pub const BEFORE: SignedDuration = SignedDuration::from_mins(15);
/// Names the record after which no more of them are taken.
pub(super) const FULL: &str = "full";

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Witness {
    /// An Event of the cluster.
    Event,
    /// A condition in an object's status.
    Condition,
    /// Whoever deploys: what stands on a revision, or was said by hand.
    Deploy,
}

impl Witness {
    /// What its rows are called in the timeline.
    pub fn row(self) -> &'static str {
        match self {
            Self::Event => "kubernetes.event",
            Self::Condition => "kubernetes.condition",
            Self::Deploy => "deploy",
        }
    }

    /// The source of its rows.
    pub fn source(self) -> &'static str {
        match self {
            Self::Event | Self::Condition => "kubernetes",
            Self::Deploy => "deploy",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Names it: the same thing seen again has the same name.
    pub key: String,
    /// Who says so.
    pub witness: Witness,
    /// Of what: `Deployment/veza-backend`; empty where nothing was named.
    pub object: String,
    /// What happened, in the source's words.
    pub text: String,
    /// When, as the source gives it.
    pub at: Option<Timestamp>,
}

/// The name under which an Event is taken once: repeats of one reason on pods of one workload within a quarter of an hour are
/// the same thing.
pub fn event_key((kind, name): (&str, &str), reason: &str, at: Timestamp) -> String {
    let name = match kind {
        "Pod" => stem(name, 2),
        "ReplicaSet" => stem(name, 1),
        _ => name,
    };
    let quarter = at.as_second().div_euclid(BEFORE.as_secs());
    format!("event {kind}/{name} {reason} {quarter}")
}

/// A generated name without its last parts; a name that has fewer stays whole.
fn stem(name: &str, parts: usize) -> &str {
    let mut short = name;
    for _ in 0..parts {
        match short.rsplit_once('-') {
            Some((before, _)) if !before.is_empty() => short = before,
            _ => return short,
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_one_workload_say_one_thing_a_quarter_of_an_hour() {
        let at = |minutes: i64| Timestamp::from_second(1_772_000_100 + minutes * 60).unwrap();
        let key = |name, minutes| event_key(("Pod", name), "BackOff", at(minutes));
        assert_eq!(
            key("api-6755db74d8-rd4vx", 0),
            key("api-6755db74d8-x2x2x", 1)
        );
        assert_ne!(
            key("api-6755db74d8-rd4vx", 0),
            key("api-6755db74d8-rd4vx", 15)
        );
        assert_ne!(
            key("api-6755db74d8-rd4vx", 0),
            key("web-6755db74d8-rd4vx", 0)
        );
        assert_eq!(stem("single", 2), "single");
        assert_eq!(stem("-x", 1), "-x");
    }
}
