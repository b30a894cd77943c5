//! A standing watch: one list that streams, then changes, for as long as somebody listens.
//!
//! It never gives up and never loses rows it already gave: a broken stream is opened again where it broke, an expired one
//! begins a new list and says so, and everything between is told as a [`Sighting`]. Moments are the receiver's to stamp.

use super::ask::{Ask, escape};
use super::classify::Attempt;
use super::client::Cluster;
use super::decode::{About, Decode, Seen, Typed};
use super::kinds::Kind;
use super::lines::Lines;
use super::sighting::{Denial, Patience, Sighting};
use crate::domain::target::Scope;
use crate::domain::uid::Uid;
use crate::platform::failure::{Failure, FailureKind};
use futures::{FutureExt as _, Stream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

mod plain;

/// Rows handed on at once.
const BATCH: usize = 512;
/// Batches that may wait for the listener.
const WAITING: usize = 4;
/// How long the server keeps a watch open.
const SERVER_SECONDS: u32 = 290;
/// How often a missing right or kind is asked for again.
const SELDOM: Duration = Duration::from_mins(1);

/// A standing watch. Dropping it ends it.
#[derive(Debug)]
pub struct Watch<T> {
    sightings: mpsc::Receiver<Sighting<T>>,
    _task: AbortOnDropHandle<()>,
}

impl<T> Watch<T> {
    /// Waits for the next sighting.
    pub async fn next(&mut self) -> Option<Sighting<T>> {
        self.sightings.recv().await
    }
}

impl<T> Stream for Watch<T> {
    type Item = Sighting<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.sightings.poll_recv(cx)
    }
}

impl Cluster {
    /// Watches a kind. Where all namespaces may not be watched, `fallback` is watched instead. Needs a running tokio runtime.
    pub fn watch<K: Kind>(&self, scope: &Scope, fallback: Option<Arc<str>>) -> Watch<K::Row> {
        self.watch_with::<K>(scope, fallback, Patience::default())
    }

    /// The same with another patience.
    pub fn watch_with<K: Kind>(
        &self,
        scope: &Scope,
        fallback: Option<Arc<str>>,
        patience: Patience,
    ) -> Watch<K::Row> {
        start(self.clone(), Typed::<K>::new(), scope, fallback, patience)
    }
}

/// Starts a watch of whatever a decoder reads.
pub(super) fn start<D: Decode>(
    cluster: Cluster,
    decode: D,
    scope: &Scope,
    fallback: Option<Arc<str>>,
    patience: Patience,
) -> Watch<D::Row> {
    let (sender, sightings) = mpsc::channel(WAITING);
    let about = decode.about();
    let watching = Watching {
        cluster,
        namespace: scope.namespace().filter(|_| about.namespaced).cloned(),
        fallback: fallback.filter(|_| about.namespaced),
        streaming: about.streams && !patience.listing.is_zero(),
        about,
        decode,
        sender,
        patience,
        version: None,
        failures: 0,
        expired: false,
        rows: Vec::new(),
        gone: Vec::new(),
        skipped: 0,
    };
    Watch {
        sightings,
        _task: AbortOnDropHandle::new(tokio::spawn(watching.run())),
    }
}

/// How one connection ended.
enum End {
    /// It ended; whether it had said anything.
    Closed(bool),
    /// A plain list is complete.
    Listed,
    /// It failed.
    Failed(Failure),
    /// A streaming list is not to be had here.
    NoStream,
    /// A list in protobuf is not to be had here.
    NoProtobuf,
    /// Nobody listens any more.
    Unheard,
}

struct Watching<D: Decode> {
    cluster: Cluster,
    about: About,
    decode: D,
    namespace: Option<Arc<str>>,
    fallback: Option<Arc<str>>,
    streaming: bool,
    sender: mpsc::Sender<Sighting<D::Row>>,
    patience: Patience,
    /// Where to go on; unset until a list is complete.
    version: Option<String>,
    failures: u32,
    /// The last list was asked for because a version had expired, and nothing came of it yet.
    expired: bool,
    rows: Vec<D::Row>,
    gone: Vec<Uid>,
    skipped: u64,
}

impl<D: Decode> Watching<D> {
    async fn run(mut self) {
        loop {
            let begun = Instant::now();
            let end = match &self.version {
                Some(_) => self.follow().await,
                None if self.streaming => self.stream_list().await,
                None => self.plain_list().await,
            };
            self.rows.clear();
            self.gone.clear();
            let wait = match end {
                End::Unheard => return,
                End::Listed => None,
                // A connection that stood a while and spoke ended in peace; anything else must not spin.
                End::Closed(true)
                    if self.version.is_some() && begun.elapsed() >= self.patience.first =>
                {
                    self.failures = 0;
                    None
                }
                End::Closed(_) => Some(self.pause(None)),
                End::NoStream => {
                    self.streaming = false;
                    None
                }
                End::NoProtobuf => {
                    self.about.packed = None;
                    self.skipped = 0;
                    None
                }
                End::Failed(failure) => match self.failed(failure).await {
                    Some(wait) => wait,
                    None => return,
                },
            };
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// What to do after a failure: the wait, if one is needed. `None` when nobody listens.
    async fn failed(&mut self, failure: Failure) -> Option<Option<Duration>> {
        match &failure.kind {
            FailureKind::Gone => {
                self.version = None;
                let at_once = !std::mem::replace(&mut self.expired, true);
                return Some((!at_once).then(|| self.pause(None)));
            }
            FailureKind::Forbidden(_) => return self.denied(failure).await,
            // Whoever answers after this may have another past; a version of this one means nothing there.
            FailureKind::Unreachable(_)
            | FailureKind::Interrupted
            | FailureKind::Tls(_)
            | FailureKind::TlsExpired => self.version = None,
            FailureKind::NotFound => {
                self.version = None;
                self.say(Sighting::Absent).await?;
                return Some(Some(self.seldom()));
            }
            _ => {}
        }
        let asked = match failure.kind {
            FailureKind::Throttled(asked) => asked,
            _ => None,
        };
        self.say(Sighting::Troubled(failure)).await?;
        Some(Some(self.pause(asked)))
    }

    async fn denied(&mut self, failure: Failure) -> Option<Option<Duration>> {
        let verb = if self.version.is_some() || self.streaming {
            "watch"
        } else {
            "list"
        };
        let narrowed = match &self.namespace {
            None => self.fallback.take(),
            Some(_) => None,
        };
        let denial = Denial {
            verb,
            resource: self.about.plural.clone(),
            scope: self.namespace.clone().map_or(Scope::All, Scope::Namespace),
            narrowed_to: narrowed.clone(),
            failure,
        };
        self.version = None;
        self.say(Sighting::Denied(denial)).await?;
        if narrowed.is_some() {
            self.namespace = narrowed;
            return Some(None);
        }
        Some(Some(self.seldom()))
    }

    fn seldom(&self) -> Duration {
        SELDOM.min(self.patience.longest.saturating_mul(4))
    }

    /// The wait after a failure: doubled each time, at least what the server asked for, with jitter.
    fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = self
            .patience
            .first
            .saturating_mul(1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        let share = getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX));
        let own = doubled
            .min(self.patience.longest)
            .mul_f64(0.5 + share / 2.0);
        let own = own.max(self.patience.first);
        match asked {
            Some(asked) => own.max(
                asked
                    .min(Duration::from_mins(1))
                    .mul_f64(1.0 + share / 10.0),
            ),
            None => own,
        }
    }

    fn ask(&self, verb: &'static str, query: &str) -> Ask {
        let namespace = self.namespace.as_deref();
        let attempt = Attempt::read(
            verb,
            &self.about.group,
            &self.about.plural,
            namespace.unwrap_or_default(),
            "",
        );
        let mut ask = Ask::get(attempt, format!("{}?{query}", self.about.path(namespace)));
        ask.accept = self.about.accept;
        ask
    }

    /// A list that streams: objects, then a bookmark that says they are complete, then changes on the same connection.
    async fn stream_list(&mut self) -> End {
        let ask = self.ask(
            "watch",
            &format!("watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds={SERVER_SECONDS}"),
        );
        let attempt = ask.attempt.clone();
        match self.cluster.open(ask, self.patience.opening).await {
            Ok(opened) => {
                if self.say(Sighting::Listing).await.is_none() {
                    return End::Unheard;
                }
                self.listen(Lines::new(opened.body), &attempt).await
            }
            Err(failure) if failure.kind == FailureKind::Invalid => End::NoStream,
            Err(failure) => End::Failed(failure),
        }
    }

    /// Goes on where the last connection ended.
    async fn follow(&mut self) -> End {
        let version = escape(self.version.as_deref().unwrap_or_default());
        let ask = self.ask(
            "watch",
            &format!("watch=true&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds={SERVER_SECONDS}"),
        );
        let attempt = ask.attempt.clone();
        match self.cluster.open(ask, self.patience.opening).await {
            Ok(opened) => match self.say(Sighting::Heard).await {
                Some(()) => self.listen(Lines::new(opened.body), &attempt).await,
                None => End::Unheard,
            },
            Err(failure) => End::Failed(failure),
        }
    }

    async fn listen(&mut self, mut lines: Lines, attempt: &Attempt) -> End {
        let mut spoke = false;
        loop {
            // What is already there is taken without waiting; only when nothing is, rows are handed on.
            let read = if let Some(read) = lines.advance().now_or_never() {
                read
            } else {
                if self.flush().await.is_none() {
                    return End::Unheard;
                }
                match self.patiently(&mut lines).await {
                    Some(read) => read,
                    None if self.version.is_none() => return End::NoStream,
                    None => return End::Closed(spoke),
                }
            };
            if !matches!(read, Ok(true)) {
                let kept = self.flush().await;
                return kept.map_or(End::Unheard, |()| End::Closed(spoke));
            }
            spoke = true;
            let server = self.cluster.server().clone();
            let seen = self.decode.line(lines.line(), attempt, &server);
            match self.take(seen).await {
                Some(None) => {}
                Some(Some(failure)) => return End::Failed(failure),
                None => return End::Unheard,
            }
        }
    }

    async fn patiently(&self, lines: &mut Lines) -> Option<std::io::Result<bool>> {
        let patience = if self.version.is_none() {
            self.patience.listing
        } else {
            self.patience.silence
        };
        tokio::time::timeout(patience, lines.advance()).await.ok()
    }

    /// Takes in what one line said. The outer `None`: nobody listens; the inner: no failure.
    async fn take(&mut self, seen: Seen<D::Row>) -> Option<Option<Failure>> {
        match seen {
            Seen::Row(row, version) => {
                self.before_rows().await?;
                self.rows.push(row);
                self.reached(version);
            }
            Seen::Rows(rows, version) => {
                self.before_rows().await?;
                self.rows.extend(rows);
                self.reached(version);
            }
            Seen::Gone(uid, version) => {
                if !self.rows.is_empty() {
                    self.flush().await?;
                }
                self.gone.push(uid);
                self.reached(version);
            }
            Seen::Mark { version, complete } => {
                if complete && self.version.is_none() {
                    self.complete(version).await?;
                } else if self.is_past(&version) {
                    return Some(Some(Failure::new(FailureKind::Gone, "", "", "")));
                } else {
                    self.reached(version);
                    self.flush().await?;
                    self.say(Sighting::Heard).await?;
                }
            }
            Seen::Refused(failure) => {
                self.flush().await?;
                return Some(Some(failure));
            }
            Seen::Unreadable => self.skipped += 1,
            Seen::Nothing => {}
        }
        if self.rows.len() + self.gone.len() >= BATCH {
            self.flush().await?;
        }
        Some(None)
    }

    /// Rows and departures keep their order.
    async fn before_rows(&mut self) -> Option<()> {
        if self.gone.is_empty() {
            return Some(());
        }
        self.flush().await
    }

    /// Whether a server says that it stands before where we are: it is not the one that told us.
    fn is_past(&self, version: &str) -> bool {
        let known = self.version.as_deref().and_then(|v| v.parse::<u64>().ok());
        let said = version.parse::<u64>().ok();
        known.zip(said).is_some_and(|(known, said)| said < known)
    }

    /// Remembers how far we are, once there is a complete list to go on from.
    fn reached(&mut self, version: String) {
        if self.version.is_some() && !version.is_empty() {
            self.version = Some(version);
            self.expired = false;
        }
    }

    async fn complete(&mut self, version: String) -> Option<()> {
        self.flush().await?;
        self.version = Some(version);
        if !self.expired {
            self.failures = 0;
        }
        self.say(Sighting::Listed).await?;
        self.decode.settled();
        Some(())
    }

    async fn flush(&mut self) -> Option<()> {
        if !self.rows.is_empty() {
            let rows = std::mem::take(&mut self.rows);
            self.say(Sighting::Rows(rows)).await?;
        }
        if !self.gone.is_empty() {
            let gone = std::mem::take(&mut self.gone);
            self.say(Sighting::Gone(gone)).await?;
        }
        if self.skipped > 0 {
            let skipped = std::mem::take(&mut self.skipped);
            self.say(Sighting::Skipped(skipped)).await?;
        }
        Some(())
    }

    async fn say(&self, sighting: Sighting<D::Row>) -> Option<()> {
        self.sender.send(sighting).await.ok()
    }

    fn broken(&self, error: &std::io::Error, attempt: &Attempt) -> Failure {
        super::classify::connection(&format!("closed | {error}"), attempt, self.cluster.server())
    }
}
