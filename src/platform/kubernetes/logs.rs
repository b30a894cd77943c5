//! Logs of one container as a stream of lines: bounded, with the runtime's time stamps, and without loss over a cut connection.
//!
//! A stream that breaks is opened again at the last stamp seen, and lines already given are left out.

use super::ask::{Ask, escape};
use super::classify::Attempt;
use super::client::{Cluster, PATIENCE};
use super::lines::Lines;
use crate::platform::failure::{Failure, FailureKind};
use futures::{FutureExt as _, Stream};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// The longest line kept, in bytes; the rest of it is dropped and said to be.
pub const LONGEST_LINE: usize = 16 << 10;
/// Lines handed on at once.
const BATCH: usize = 256;

/// Which logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogRequest {
    /// The namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container; unset where the pod has one.
    pub container: Option<String>,
    /// Whether to stay and wait for more.
    pub follow: bool,
    /// Whether those of the container's last run are meant.
    pub previous: bool,
    /// Only lines after this moment.
    pub since: Option<Timestamp>,
    /// Only so many of the last lines.
    pub tail: Option<u32>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the runtime took it.
    pub at: Option<Timestamp>,
    /// Its text, as it came: escape it before drawing.
    pub text: String,
    /// Whether its end was cut off.
    pub cut: bool,
}

/// What a log has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum LogNews {
    /// It is open (again).
    Open,
    /// Lines, oldest first.
    Lines(Vec<LogLine>),
    /// It broke, or cannot be had; when following it is tried again, unless there is no such pod.
    Troubled(Failure),
    /// There is no more.
    Ended,
}

/// A log being read. Dropping it ends it.
#[derive(Debug)]
pub struct Logs {
    news: mpsc::Receiver<LogNews>,
    _task: AbortOnDropHandle<()>,
}

impl Logs {
    /// Waits for news; `None` after the end.
    pub async fn next(&mut self) -> Option<LogNews> {
        self.news.recv().await
    }
}

impl Stream for Logs {
    type Item = LogNews;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LogNews>> {
        self.news.poll_recv(cx)
    }
}

impl Cluster {
    /// Reads a log. Needs a running tokio runtime.
    pub fn logs(&self, request: LogRequest) -> Logs {
        let (sender, news) = mpsc::channel(4);
        let reading = Reading {
            cluster: self.clone(),
            request,
            sender,
            last: None,
            at_last: 0,
            skip: 0,
        };
        Logs {
            news,
            _task: AbortOnDropHandle::new(tokio::spawn(async move {
                let _ = reading.run().await;
            })),
        }
    }
}

struct Reading {
    cluster: Cluster,
    request: LogRequest,
    sender: mpsc::Sender<LogNews>,
    /// The newest stamp given, and how many lines had it.
    last: Option<Timestamp>,
    at_last: usize,
    /// How many lines of that stamp are still to be left out after opening again.
    skip: usize,
}

impl Reading {
    /// Reads until the end; `None` when nobody listens.
    async fn run(mut self) -> Option<()> {
        let mut wait = Duration::from_secs(1);
        loop {
            match self.open().await {
                Ok(lines) => {
                    self.say(LogNews::Open).await?;
                    if self.read(lines).await? > 0 {
                        wait = Duration::from_secs(1);
                    }
                }
                Err(failure) => {
                    let over = matches!(
                        failure.kind,
                        FailureKind::NotFound | FailureKind::Forbidden(_)
                    );
                    self.say(LogNews::Troubled(failure)).await?;
                    if over {
                        return self.say(LogNews::Ended).await;
                    }
                }
            }
            if !self.request.follow {
                return self.say(LogNews::Ended).await;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(15));
        }
    }

    async fn open(&mut self) -> Result<Lines, Failure> {
        let request = &self.request;
        let attempt = Attempt::read("get", "", "pods/log", &request.namespace, &request.pod);
        let mut path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?timestamps=true&follow={}",
            escape(&request.namespace),
            escape(&request.pod),
            request.follow
        );
        if let Some(container) = &request.container {
            let _ = write!(path, "&container={}", escape(container));
        }
        if request.previous {
            path.push_str("&previous=true");
        }
        if let (Some(tail), None) = (request.tail, self.last) {
            let _ = write!(path, "&tailLines={tail}");
        }
        // The server reads whole seconds: what is older than the last line is left out here.
        if let Some(since) = self.last.or(request.since) {
            let second = Timestamp::from_second(since.as_second()).unwrap_or(since);
            let _ = write!(path, "&sinceTime={}", escape(&second.to_string()));
        }
        self.skip = self.at_last;
        let mut ask = Ask::get(attempt, path);
        ask.accept = Some("*/*");
        let body = self.cluster.open(ask, PATIENCE).await?.body;
        Ok(Lines::cutting(body, LONGEST_LINE))
    }

    /// Reads one connection to its end: how many lines it gave, or `None` when nobody listens.
    async fn read(&mut self, mut lines: Lines) -> Option<usize> {
        let (mut batch, mut given) = (Vec::new(), 0);
        loop {
            let read = if let Some(read) = lines.advance().now_or_never() {
                read
            } else {
                given += self.flush(&mut batch).await?;
                lines.advance().await
            };
            let more = matches!(read, Ok(true));
            // The last line of a finished log may lack its end; while following it would come again.
            let rest = !more && read.is_ok() && !self.request.follow && !lines.line().is_empty();
            if (more || rest)
                && let Some(line) = self.take(&lines)
            {
                batch.push(line);
            }
            if !more || batch.len() >= BATCH {
                given += self.flush(&mut batch).await?;
            }
            if !more {
                return Some(given);
            }
        }
    }

    /// Makes a line, unless it was given before.
    fn take(&mut self, lines: &Lines) -> Option<LogLine> {
        let line = String::from_utf8_lossy(lines.line());
        let (stamp, text) = line.split_once(' ').unwrap_or((&line, ""));
        let at: Option<Timestamp> = stamp.parse().ok();
        let text = if at.is_some() { text } else { &*line };
        match (at, self.last) {
            (Some(at), Some(last)) if at < last => return None,
            (Some(at), Some(last)) if at == last => {
                if self.skip > 0 {
                    self.skip -= 1;
                    return None;
                }
                self.at_last += 1;
            }
            (Some(at), _) => {
                if self.request.since.is_some_and(|since| at < since) {
                    return None;
                }
                (self.last, self.at_last, self.skip) = (Some(at), 1, 0);
            }
            (None, _) => {}
        }
        Some(LogLine {
            at,
            text: text.to_owned(),
            cut: lines.was_cut(),
        })
    }

    async fn flush(&self, batch: &mut Vec<LogLine>) -> Option<usize> {
        let count = batch.len();
        if count > 0 {
            self.say(LogNews::Lines(std::mem::take(batch))).await?;
        }
        Some(count)
    }

    async fn say(&self, news: LogNews) -> Option<()> {
        self.sender.send(news).await.ok()
    }
}
