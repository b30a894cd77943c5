//! Where the audit log goes besides its file. The file is the buffer: a cursor for each sink says how far it was delivered, and
//! delivery goes on from there, at least once, whoever does it next. What is late, and what was pruned before it went, is said.

use super::runs::records::off;
use crate::domain::syslog as place;
use crate::journal::audit::number;
use crate::journal::{Audit, Cursor, RealDisk, host, in_words};
use crate::platform::syslog;
use crate::platform::webhook::{self, Address};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most records of one round.
const BATCH: usize = 200;
/// How often a console looks for what is new.
const ROUND: Duration = Duration::from_secs(5);

/// One place beside the file.
#[derive(Debug, Clone)]
pub enum Sink {
    /// Every record as it is, by POST.
    Webhook(Address),
    /// Every record as one message.
    Syslog(place::Address),
}

impl Sink {
    /// Its name, and its cursor's.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Syslog(_) => "syslog",
        }
    }

    /// Sends records in order; how many arrived, and why no more did.
    async fn send(&self, records: &[Value]) -> (usize, Option<String>) {
        match self {
            Self::Syslog(to) => {
                let messages: Vec<syslog::Message> = records.iter().map(message).collect();
                syslog::send(to, &messages).await
            }
            Self::Webhook(to) => {
                let line = match webhook::Line::to(to).await {
                    Ok(line) => line,
                    Err(why) => return (0, Some(why.to_string())),
                };
                for (sent, record) in records.iter().enumerate() {
                    let id = record["hash"].as_str().unwrap_or_default();
                    // What may have arrived is sent again: the id lets the other side notice.
                    if let Err(why) = line.post(id, record.to_string()).await {
                        return (sent, Some(why.to_string()));
                    }
                }
                (records.len(), None)
            }
        }
    }
}

/// How far a sink is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The sink.
    pub name: &'static str,
    /// The number of the last record that was delivered.
    pub delivered: u64,
    /// How many wait.
    pub waiting: u64,
    /// How many were pruned before they were delivered.
    pub lost: u64,
    /// Why the last try did not go on.
    pub failed: Option<String>,
}

/// How far a sink is, by its cursor.
pub fn standing(state: &Path, sink: &Sink) -> Result<Standing, String> {
    let cursor = Cursor::read(state, sink.name()).map_err(|error| in_words(&error))?;
    let waiting = waiting(state, &cursor)?;
    Ok(reckoned(sink, cursor, waiting.len()))
}

/// What waits after a cursor.
fn waiting(state: &Path, cursor: &Cursor) -> Result<Vec<Value>, String> {
    let read = Audit::new(state, RealDisk).after(cursor.seq);
    read.map_err(|error| format!("the audit log: {}", in_words(&error)))
}

fn reckoned(sink: &Sink, cursor: Cursor, waiting: usize) -> Standing {
    Standing {
        name: sink.name(),
        delivered: cursor.seq,
        waiting: waiting as u64,
        lost: cursor.lost,
        failed: cursor.failed,
    }
}

impl Cursor {
    /// Goes past what was pruned before it was delivered. What was pruned before there was a cursor was never meant for it.
    fn past_pruned(&mut self, waiting: &[Value]) {
        let gone = waiting.first().map_or(0, |first| number(first) - 1);
        if gone > self.seq {
            let missed = if self.seq == 0 { 0 } else { gone - self.seq };
            (self.lost, self.seq) = (self.lost + missed, gone);
        }
    }
}

/// Delivers what waits, a batch of it; none where another process does so now.
pub async fn deliver(state: &Path, sink: &Sink) -> Result<Option<Standing>, String> {
    let (at, name) = (state.to_owned(), sink.name());
    let read = off(move || {
        let held = Cursor::hold(&at, name).map_err(|error| in_words(&error))?;
        let Some((lock, cursor)) = held else {
            return Ok(None);
        };
        let waiting = waiting(&at, &cursor)?;
        Ok::<_, String>(Some((lock, cursor, waiting)))
    });
    let Some((lock, before, mut waiting)) = read.await?? else {
        return Ok(None);
    };
    let mut cursor = before.clone();
    cursor.past_pruned(&waiting);
    let left = waiting.len().saturating_sub(BATCH);
    waiting.truncate(BATCH);
    let (sent, failed) = sink.send(&waiting).await;
    if let Some(last) = waiting.get(..sent).and_then(<[Value]>::last) {
        cursor.seq = number(last);
    }
    cursor.failed = failed;
    let standing = reckoned(sink, cursor.clone(), waiting.len() - sent + left);
    let at = state.to_owned();
    let kept = off(move || {
        let _lock = lock;
        if cursor == before {
            return Ok(());
        }
        cursor.keep(&at, name).map_err(|error| in_words(&error))
    });
    kept.await??;
    Ok(Some(standing))
}

/// Delivers for as long as a console is open. Nothing waits for it.
pub async fn run(state: PathBuf, sinks: Vec<Sink>) {
    let mut seen = None;
    loop {
        let path = state.join("audit.log");
        let length = off(move || crate::journal::Disk::len(&RealDisk, &path).ok()).await;
        let length = length.ok().flatten();
        if length != seen {
            let mut done = true;
            for sink in &sinks {
                let came = deliver(&state, sink).await;
                done &= matches!(came, Ok(Some(Standing { waiting: 0, .. })));
            }
            seen = length.filter(|_| done);
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// A record as one message of syslog.
fn message(record: &Value) -> syslog::Message {
    let text = |pointer: &str| {
        let found = record.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let status = text("/status");
    syslog::Message {
        at: text("/ts"),
        warning: !matches!(status.as_str(), "" | "applied"),
        host: host().unwrap_or_default(),
        event: text("/event"),
        data: vec![
            ("seq", number(record).to_string()),
            ("hash", text("/hash")),
            ("prev", text("/prev")),
            ("run", text("/run/id")),
        ],
        text: record.to_string(),
    }
}
