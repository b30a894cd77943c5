//! Logs that somebody looks at: one stream for each container, carried into facts. A console that cannot keep up
//! is never waited for long: what did not fit is counted and said.

use crate::app::logs::{LogLine, LogNews, LogStream};
use crate::app::message::Fact;
use crate::app::reading::ReadingNews;
use crate::app::wants::LogWant;
use crate::platform::kubernetes::{self as k8s, Cluster, LogRequest};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How long lines wait for room before they are given up.
const PATIENCE: Duration = Duration::from_millis(250);

/// One stream that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stream {
    from: LogStream,
    namespace: Arc<str>,
    previous: bool,
    since_s: Option<u32>,
    tail: u32,
}

/// The streams behind a want.
pub fn streams(want: &LogWant) -> Vec<Stream> {
    let one = |pod: &Arc<str>, container: &Arc<str>| Stream {
        from: LogStream {
            round: want.round,
            pod: pod.clone(),
            container: container.clone(),
        },
        namespace: want.namespace.clone(),
        previous: want.previous,
        since_s: want.since_s,
        tail: want.tail,
    };
    let pods = want.pods.iter();
    pods.flat_map(|(pod, containers)| containers.iter().map(move |container| one(pod, container)))
        .collect()
}

impl Stream {
    fn request(&self, now: Timestamp) -> LogRequest {
        let back = |seconds: u32| now - SignedDuration::from_secs(i64::from(seconds));
        LogRequest {
            namespace: self.namespace.to_string(),
            pod: self.from.pod.to_string(),
            container: Some(self.from.container.to_string()),
            // What a container said before its restart will not grow.
            follow: !self.previous,
            previous: self.previous,
            since: self.since_s.map(back),
            tail: Some(self.tail),
        }
    }
}

/// Reads a stream until it ends or nobody listens.
pub async fn read(cluster: Cluster, stream: Stream, now: Timestamp, facts: Sender<Fact>) {
    let mut logs = cluster.logs(stream.request(now));
    let mut to = Towards {
        from: stream.from,
        facts,
        lost: 0,
        patience: PATIENCE,
    };
    let mut going = to.say(LogNews::Begun).await;
    while going.is_some() {
        let Some(news) = logs.next().await else {
            return;
        };
        going = match news {
            k8s::LogNews::Open => to.say(LogNews::Open).await,
            k8s::LogNews::Lines(lines) => to.lines(lines).await,
            k8s::LogNews::Troubled(failure) => {
                let why = if failure.said.is_empty() {
                    failure.short()
                } else {
                    failure.said
                };
                to.say(LogNews::Troubled(why)).await
            }
            k8s::LogNews::Ended => to.say(LogNews::Ended).await,
        };
    }
}

struct Towards {
    from: LogStream,
    facts: Sender<Fact>,
    /// Lines given up since it was last said.
    lost: u64,
    patience: Duration,
}

impl Towards {
    fn fact(&self, news: LogNews) -> Fact {
        Fact::Reading(ReadingNews::Logs(self.from.clone(), news))
    }

    /// Says something that must be heard; `None` when nobody listens.
    async fn say(&mut self, news: LogNews) -> Option<()> {
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            let lost = self.fact(LogNews::Lost(lost));
            self.facts.send(lost).await.ok()?;
        }
        self.facts.send(self.fact(news)).await.ok()
    }

    /// Hands lines on, or gives them up where there is no room for them in time.
    async fn lines(&mut self, lines: Vec<k8s::LogLine>) -> Option<()> {
        let count = lines.len() as u64;
        let wanted = if self.lost > 0 { 2 } else { 1 };
        let Ok(room) = tokio::time::timeout(self.patience, self.facts.reserve_many(wanted)).await
        else {
            self.lost += count;
            return Some(());
        };
        let mut room = room.ok()?;
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            let lost = self.fact(LogNews::Lost(lost));
            room.next()?.send(lost);
        }
        let line = |line: k8s::LogLine| LogLine {
            at: line.at,
            text: line.text,
            cut: line.cut,
        };
        let lines = lines.into_iter().map(line).collect();
        room.next()?.send(self.fact(LogNews::Lines(lines)));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    fn lines(count: usize) -> Vec<k8s::LogLine> {
        let line = k8s::LogLine {
            at: None,
            text: "x".into(),
            cut: false,
        };
        vec![line; count]
    }

    fn news(fact: Fact) -> LogNews {
        match fact {
            Fact::Reading(ReadingNews::Logs(_, news)) => news,
            other => panic!("{other:?} is not of a log"),
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_said_before_what_fits_again() {
        let (facts, mut heard) = mpsc::channel(2);
        let from = LogStream {
            round: 1,
            pod: "p".into(),
            container: "c".into(),
        };
        let mut to = Towards {
            from,
            facts,
            lost: 0,
            patience: Duration::ZERO,
        };
        for _ in 0..4 {
            to.lines(lines(107)).await.unwrap();
        }
        assert_eq!(to.lost, 214);
        heard.recv().await.unwrap();
        heard.recv().await.unwrap();
        to.lines(lines(3)).await.unwrap();
        assert_eq!(news(heard.recv().await.unwrap()), LogNews::Lost(214));
        assert!(matches!(news(heard.recv().await.unwrap()), LogNews::Lines(all) if all.len() == 3));
        drop(heard);
        assert_eq!(to.lines(lines(1)).await, None);
    }
}
