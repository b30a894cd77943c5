//! How far the API server's clock is ahead of this machine's: what an incident's times are told by.

use crate::engine::clock::Clock;
use crate::platform::kubernetes::Cluster;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::sync::Mutex;

/// The server says its time to the second: less than this is no difference.
const EQUAL: SignedDuration = SignedDuration::from_millis(1_500);
/// How long a record waits for the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// An answer holds so long.
const HOLDS: SignedDuration = SignedDuration::from_mins(5);
/// After silence it is asked again so much later.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// How far a moment the server named, between a question and its answer, is ahead: in whole seconds, as it names it.
pub fn between(before: Timestamp, server: Timestamp, after: Timestamp) -> SignedDuration {
    let middle = before + after.duration_since(before) / 2;
    // What it names is over by half a second on average.
    let ahead = server.duration_since(middle) + SignedDuration::from_millis(500);
    if ahead.abs() > EQUAL {
        SignedDuration::from_secs((ahead.as_millis() as f64 / 1000.0).round() as i64)
    } else {
        SignedDuration::ZERO
    }
}

/// How far the server's clock is ahead of a clock of ours; none where it does not say.
pub async fn ahead(cluster: &Cluster, clock: &Clock) -> Option<SignedDuration> {
    let before = clock.now();
    let server = cluster.version().await.ok()?.clock?;
    Some(between(before, server, clock.now()))
}

/// The same, asked now and then.
#[derive(Debug, Default)]
pub struct Skew(Mutex<Option<(Timestamp, Option<SignedDuration>)>>);

impl Skew {
    /// How far the server's clock is ahead, as last heard; asked where that was long ago.
    pub async fn of(&self, cluster: &Cluster, clock: &Clock) -> Option<SignedDuration> {
        let mut known = self.0.lock().await;
        let now = clock.now();
        if let Some((asked, heard)) = *known {
            let holds = if heard.is_some() { HOLDS } else { AGAIN };
            if now.duration_since(asked).abs() < holds {
                return heard;
            }
        }
        let asked = tokio::time::timeout(PATIENCE, ahead(cluster, clock)).await;
        let before = known.and_then(|(_, heard)| heard);
        let heard = asked.ok().flatten().or(before);
        *known = Some((now, heard));
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_no_difference_and_half_the_way_is_taken_off() {
        let at = |ms: i64| Timestamp::from_millisecond(1_772_000_000_000 + ms).unwrap();
        for (server, wanted) in [(0, 0), (1, 0), (60, 60), (-30, -30)] {
            let ahead = between(at(0), at(server * 1_000), at(1_000));
            assert_eq!(ahead.as_secs(), wanted, "{server}");
            assert_eq!(ahead.subsec_nanos(), 0, "{server}");
        }
    }
}
