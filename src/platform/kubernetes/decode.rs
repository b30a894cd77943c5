//! From the lines of a watch and the items of a list to rows, whatever the kind.
//!
//! A line that cannot be read is counted, never fatal; one whose fields have wrong types is mended.

use super::ask::escape;
use super::classify::{Attempt, from_parts};
use super::kinds::{Identified, Kind};
use super::pool::Pool;
use super::protobuf::NotProtobuf;
use super::wire::{EventType, Line, LineType, Marked, StatusWire, mend, probe};
use crate::domain::uid::Uid;
use crate::platform::failure::Failure;
use serde::Deserialize;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// What is watched.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: Arc<str>,
    pub(super) namespaced: bool,
    /// Whether its list may come as a stream.
    pub(super) streams: bool,
    pub(super) accept: Option<&'static str>,
    /// The array that holds the items of its list.
    pub(super) items: &'static str,
    /// What its list is called in protobuf; `None` where only JSON is read.
    pub(super) packed: Option<&'static str>,
}

impl About {
    /// The path of its collection.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{}/{}", escape(namespace), self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

/// What one line of a watch says.
pub(super) enum Seen<R> {
    Rows(Vec<R>, String),
    Row(R, String),
    Gone(Uid, String),
    Mark { version: String, complete: bool },
    Refused(Failure),
    Nothing,
    Unreadable,
}

/// Reads the lines of a watch and the items of a list.
pub(super) trait Decode: Send + Sync + 'static {
    type Row: Send + Sync + 'static;

    fn about(&self) -> About;
    fn line(&mut self, line: &[u8], attempt: &Attempt, server: &str) -> Seen<Self::Row>;
    fn item(&mut self, item: &[u8]) -> Option<Self::Row>;
    /// An item of a list in protobuf.
    fn unpacked(&mut self, _item: &[u8]) -> Result<Option<Self::Row>, NotProtobuf> {
        Err(NotProtobuf)
    }
    /// The head of a list: rows it makes by itself, and its version.
    fn head(&mut self, head: &[u8]) -> (Vec<Self::Row>, String) {
        let marked: Marked<'_> = serde_json::from_slice(head).unwrap_or_default();
        (Vec::new(), marked.metadata.resource_version.to_string())
    }
    /// A list is complete: time to tidy.
    fn settled(&mut self) {}
}

/// Decodes a typed kind.
pub(super) struct Typed<K> {
    pool: Pool,
    kind: PhantomData<K>,
}

impl<K: Kind> Typed<K> {
    pub(super) fn new() -> Self {
        Self {
            pool: Pool::default(),
            kind: PhantomData,
        }
    }

    fn event(&mut self, event: EventType, object: K::Wire<'_>) -> Seen<K::Row> {
        let version = object.version().to_owned();
        match event {
            EventType::Added | EventType::Modified => match K::row(object, &mut self.pool) {
                Some(row) => Seen::Row(row, version),
                None => Seen::Unreadable,
            },
            EventType::Deleted => Seen::Gone(object.uid().into(), version),
            _ => Seen::Nothing,
        }
    }

    /// The slow way for objects with fields of the wrong type.
    fn mended(&mut self, line: &[u8]) -> Option<Seen<K::Row>> {
        let value = mend(line, |value| probe::<Line<K::Wire<'_>>>(value))?;
        let line = Line::<K::Wire<'_>>::deserialize(&value).ok()?;
        Some(self.event(line.event, line.object))
    }
}

impl<K: Kind> Decode for Typed<K> {
    type Row = K::Row;

    fn about(&self) -> About {
        About {
            group: K::GROUP.to_owned(),
            version: K::VERSION.to_owned(),
            plural: K::PLURAL.into(),
            namespaced: K::NAMESPACED,
            streams: true,
            accept: None,
            items: "items",
            packed: K::PACKED,
        }
    }

    fn line(&mut self, line: &[u8], attempt: &Attempt, server: &str) -> Seen<K::Row> {
        match serde_json::from_slice::<Line<K::Wire<'_>>>(line) {
            Ok(Line {
                event: EventType::Bookmark | EventType::Error,
                ..
            })
            | Err(_) => control(line, attempt, server)
                .or_else(|| self.mended(line))
                .unwrap_or(Seen::Unreadable),
            Ok(read) => self.event(read.event, read.object),
        }
    }

    fn item(&mut self, item: &[u8]) -> Option<K::Row> {
        if let Ok(wire) = serde_json::from_slice::<K::Wire<'_>>(item) {
            return K::row(wire, &mut self.pool);
        }
        let value = mend(item, |value| probe::<K::Wire<'_>>(value))?;
        K::row(K::Wire::deserialize(&value).ok()?, &mut self.pool)
    }

    fn unpacked(&mut self, item: &[u8]) -> Result<Option<K::Row>, NotProtobuf> {
        K::unpacked(item, &mut self.pool)
    }

    fn settled(&mut self) {
        self.pool.prune();
    }
}

/// Reads a bookmark or an error; `None` for lines about objects, and for what is no line at all.
pub(super) fn control<R>(line: &[u8], attempt: &Attempt, server: &str) -> Option<Seen<R>> {
    let kind: LineType = serde_json::from_slice(line).ok()?;
    match kind.event {
        EventType::Bookmark => {
            let read: Line<Marked<'_>> = serde_json::from_slice(line).ok()?;
            let mark = read.object.metadata;
            let end = mark.annotations.get("k8s.io/initial-events-end");
            Some(Seen::Mark {
                complete: end.is_some_and(|value| &**value == "true"),
                version: mark.resource_version.to_string(),
            })
        }
        EventType::Error => {
            let read = serde_json::from_slice::<Line<StatusWire<'_>>>(line);
            let status = read.map(|line| line.object).unwrap_or_default();
            let wait = Some(status.details.retry_after_seconds).filter(|seconds| *seconds > 0);
            let wait = wait.map(Duration::from_secs);
            let code = if status.code == 0 { 500 } else { status.code };
            Some(Seen::Refused(from_parts(
                code,
                &status.message,
                wait,
                attempt,
                server,
            )))
        }
        _ => None,
    }
}
