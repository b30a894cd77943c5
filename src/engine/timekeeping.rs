//! The cluster's time, which deadlines go by: asked for in the head of an answer, and learned by the clock everybody
//! here is given.

use super::clock::{Clock, EQUAL};
use crate::platform::kubernetes::Cluster;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The head of an answer tells its second: what is no further off is no difference.
pub const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// How often the cluster is asked.
const AGAIN: Duration = Duration::from_mins(5);

/// Learns the cluster's time for as long as it is let.
pub async fn keep(clock: Clock, cluster: Cluster) {
    loop {
        agree(&clock, &cluster).await;
        tokio::time::sleep(AGAIN).await;
    }
}

/// Asks the cluster for its time and learns it; whether it was told.
pub async fn agree(clock: &Clock, cluster: &Cluster) -> bool {
    // By the steady time: what others learn while the answer is on its way does not count twice.
    let Some((server, (asked, answered))) = ask(cluster, || clock.steady()).await else {
        return false;
    };
    let known = clock.ahead();
    let more = ahead(server, (asked + known, answered + known));
    clock.learn(known + more.unwrap_or_default());
    true
}

/// The server's time, and the moments between which it was told.
pub async fn ask(
    cluster: &Cluster,
    now: impl Fn() -> Timestamp,
) -> Option<(Timestamp, (Timestamp, Timestamp))> {
    let asked = now();
    let server = cluster.version().await.ok()?.clock?;
    Some((server, (asked, now())))
}

/// How far the server's time is ahead of ours, if it was not that of a moment between the question and its answer.
fn ahead(server: Timestamp, (asked, answered): (Timestamp, Timestamp)) -> Option<SignedDuration> {
    if outside(server, (asked - SECOND, answered)) <= EQUAL {
        return None;
    }
    let middle = asked + answered.duration_since(asked) / 2;
    Some(server.duration_since(middle))
}

/// How far a moment is outside of a span.
pub fn outside(at: Timestamp, (from, to): (Timestamp, Timestamp)) -> SignedDuration {
    let (before, after) = (from.duration_since(at), at.duration_since(to));
    before.max(after).max(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    #[test]
    fn a_moment_within_the_question_and_its_answer_is_no_distance() {
        for (moment, wanted) in [(0, 0), (5, 0), (-3, 3), (12, 2)] {
            let off = outside(at(moment), (at(0), at(10)));
            assert_eq!(off.as_secs(), wanted, "{moment}");
        }
    }

    #[test]
    fn only_a_time_that_cannot_be_that_of_the_answer_is_learned() {
        for (server, wanted) in [
            (0, None),
            (4, None),
            (5, None),
            (94, Some(92)),
            (-7200, Some(-7202)),
        ] {
            let found = ahead(at(server), (at(0), at(4)));
            assert_eq!(found.map(|ahead| ahead.as_secs()), wanted, "{server}");
        }
    }
}
