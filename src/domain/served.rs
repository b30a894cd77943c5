//! When each revision of a workload served, derived from what its objects say: creation times, and when the status of a
//! set without pods was last written, which is when its last pod went. What these do not tell stays unknown. Pure;
//! called by whoever shows or chooses revisions.

use super::rollout::Revision;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Sets of one workload whose status was written within this of each other were not all scaled down then.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(10);
/// So many of them, and a newer controller wrote them all anew: those times say nothing.
const ALL_ANEW: usize = 3;

/// What one revision's object says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trace {
    /// Its number.
    pub number: Option<i64>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Whether it was left and returned to: then its creation says nothing about its last time.
    pub returned: bool,
    /// When its status was last written.
    pub settled: Option<Timestamp>,
    /// Pods wanted or there.
    pub pods: u32,
    /// Pods available.
    pub available: u32,
}

/// When a revision's time ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// It has pods.
    Now,
    /// Then.
    At(Timestamp),
    /// It ended; when is not known.
    #[default]
    Unknown,
}

/// When a revision last served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Served {
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Until,
    /// Whether its pods became available and took the place of those before; `None` where nothing tells.
    pub took_over: Option<bool>,
}

impl Served {
    /// How long it was, up to now where it still serves.
    pub fn length(&self, now: Timestamp) -> Option<SignedDuration> {
        let until = match self.until {
            Until::Now => now,
            Until::At(at) => at,
            Until::Unknown => return None,
        };
        let length = until.duration_since(self.from?);
        (self.took_over != Some(false) && length >= SignedDuration::ZERO).then_some(length)
    }
}

impl Trace {
    /// What a ReplicaSet says.
    pub fn of(revision: &Revision) -> Self {
        Self {
            number: revision
                .number
                .and_then(|number| i64::try_from(number).ok()),
            created: revision.created,
            returned: revision.returned,
            settled: revision.settled,
            pods: revision.desired.max(revision.current),
            available: revision.available,
        }
    }

    fn ended(&self) -> Option<Timestamp> {
        self.settled.filter(|_| self.pods == 0)
    }
}

/// When each of a workload's revisions last served, in the order given.
pub fn served(traces: &[Trace]) -> Vec<Served> {
    let mut order: Vec<usize> = (0..traces.len()).collect();
    order.sort_by_key(|index| traces[*index].number);
    let mut sorted: Vec<Trace> = order.iter().map(|index| traces[*index]).collect();
    if written_anew(&sorted) {
        for trace in &mut sorted {
            trace.settled = None;
        }
    }
    let mut all = vec![Served::default(); traces.len()];
    for (at, index) in order.into_iter().enumerate() {
        all[index] = one(&sorted, at);
    }
    all
}

fn written_anew(sorted: &[Trace]) -> bool {
    let ends: Vec<Timestamp> = sorted.iter().filter_map(Trace::ended).collect();
    let near = |at: &Timestamp| {
        let same = |other: &&Timestamp| other.duration_since(*at).abs() <= AT_ONCE;
        ends.iter().filter(same).count()
    };
    ends.iter().any(|at| near(at) >= ALL_ANEW)
}

fn one(sorted: &[Trace], at: usize) -> Served {
    let trace = &sorted[at];
    let (before, after) = (&sorted[..at], &sorted[at + 1..]);
    let next = if trace.returned {
        after.first().and_then(began)
    } else {
        followed(sorted, trace.created)
    };
    let from = if trace.returned {
        // It was returned to when the one it replaced lost its pods.
        before.last().and_then(Trace::ended)
    } else {
        trace.created
    };
    let until = match (trace.pods, trace.ended(), next) {
        (1.., ..) => Until::Now,
        (_, Some(at), _) | (_, None, Some(at)) => Until::At(at),
        _ => Until::Unknown,
    };
    let until = match until {
        Until::At(at) if from.is_some_and(|from| at < from) => Until::Unknown,
        other => other,
    };
    Served {
        from,
        until,
        took_over: took_over(trace, before, next),
    }
}

/// When the one after it was made, whatever number that one has since: one that was returned to has left its place.
fn followed(sorted: &[Trace], created: Option<Timestamp>) -> Option<Timestamp> {
    let later = |at: &Timestamp| created.is_some_and(|created| *at > created);
    sorted
        .iter()
        .filter_map(|trace| trace.created)
        .filter(later)
        .min()
}

/// When a revision's last time began, as far as its creation tells.
fn began(trace: &Trace) -> Option<Timestamp> {
    trace.created.filter(|_| !trace.returned)
}

/// A revision took over when every earlier one had lost its pods before the next one came.
fn took_over(trace: &Trace, before: &[Trace], next: Option<Timestamp>) -> Option<bool> {
    if trace.available > 0 {
        return Some(true);
    }
    if trace.pods > 0 {
        return None;
    }
    let next = next?;
    if before.is_empty() {
        return None;
    }
    let in_time = before
        .iter()
        .map(|other| match (other.pods, other.ended()) {
            (1.., _) => Some(false),
            (_, Some(ended)) => Some(ended <= next),
            _ => None,
        });
    in_time
        .reduce(|all, this| match (all, this) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    fn gone(number: i64, created: i64, settled: Option<i64>) -> Trace {
        Trace {
            number: Some(number),
            created: Some(at(created)),
            settled: settled.map(at),
            ..Trace::default()
        }
    }

    fn here(number: i64, created: i64) -> Trace {
        Trace {
            pods: 3,
            available: 3,
            ..gone(number, created, None)
        }
    }

    fn minutes(all: &[Served]) -> Vec<Option<i64>> {
        all.iter()
            .map(|one| one.length(at(1000)).map(|length| length.as_mins()))
            .collect()
    }

    fn took(all: &[Served]) -> Vec<Option<bool>> {
        all.iter().map(|one| one.took_over).collect()
    }

    #[test]
    fn a_revision_served_until_its_last_pod_went_or_else_until_the_next_was_made() {
        let known = served(&[here(3, 900), gone(2, 500, Some(901)), gone(1, 0, Some(502))]);
        assert_eq!(minutes(&known), [Some(100), Some(401), Some(502)]);
        assert_eq!(took(&known), [Some(true), Some(true), None]);
        let creation_only = served(&[gone(1, 0, None), gone(2, 500, None), here(3, 900)]);
        assert_eq!(minutes(&creation_only), [Some(500), Some(400), Some(100)]);
        assert_eq!(took(&creation_only), [None, None, Some(true)]);
    }

    #[test]
    fn one_that_was_passed_over_while_the_old_one_still_served_never_took_over() {
        let stuck = [
            gone(1, 0, Some(20)),
            gone(2, 10, Some(961)),
            gone(3, 900, Some(931)),
            gone(4, 930, Some(951)),
            here(5, 950),
        ];
        let all = served(&stuck);
        assert_eq!(
            took(&all),
            [None, Some(true), Some(false), Some(false), Some(true)]
        );
        assert_eq!(minutes(&all)[2..4], [None, None], "it was never available");
    }

    #[test]
    fn one_that_was_returned_to_began_when_the_one_between_lost_its_pods() {
        let back = Trace {
            returned: true,
            ..here(3, 0)
        };
        let all = served(&[back, gone(2, 500, Some(560))]);
        assert_eq!(minutes(&all), [Some(440), Some(60)]);
        let unknown = served(&[back, gone(2, 500, None)]);
        assert_eq!(
            minutes(&unknown),
            [None, None],
            "nothing tells when it ended"
        );
    }

    #[test]
    fn one_before_a_revision_that_was_returned_to_ended_when_that_one_first_came() {
        let back = Trace {
            returned: true,
            ..here(44, 100)
        };
        let all = served(&[gone(41, 0, None), gone(43, 500, None), back]);
        assert_eq!(minutes(&all)[0], Some(100), "not when 43 came");
    }

    #[test]
    fn a_status_written_anew_for_all_says_nothing() {
        let all = served(&[
            gone(1, 0, Some(990)),
            gone(2, 100, Some(990)),
            gone(3, 200, Some(990)),
            here(4, 300),
        ]);
        assert_eq!(took(&all), [None, None, None, Some(true)]);
        assert_eq!(minutes(&all)[0], Some(100));
    }
}
