//! Watching: the changes after a version as JSON lines, with bookmarks, initial events, selectors, and the end that a compaction brings.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::super::kind::Resource;
use super::super::refusal::Refusal;
use super::super::select::Selection;
use super::super::shared::Shared;
use super::super::store::{Change, Object, What};
use super::super::tree;
use super::answer::{self, Shape};
use super::asked::Asked;
use super::route::Path;
use super::{list, table};

/// How often a quiet watch says where it stands.
const BOOKMARK: Duration = Duration::from_mins(1);
/// How long a watch lasts that names no end.
const LONGEST: u64 = 1800;

struct Watch {
    shared: Shared,
    resource: &'static Resource,
    namespace: String,
    selection: Selection,
    shape: Shape,
    include: String,
    bookmarks: bool,
    headed: bool,
    cursor: u64,
    lines: VecDeque<String>,
    done: bool,
    ends: Instant,
    marked: Instant,
    changes: Receiver<u64>,
    cuts: Receiver<u64>,
}

/// Opens a watch.
pub fn watch(
    shared: &Shared,
    asked: &Asked,
    resource: &'static Resource,
) -> Result<Response, Refusal> {
    let mut selection = list::selection(asked)?;
    if let Path::Object { name, .. } = &asked.path
        && !name.is_empty()
    {
        selection = Selection::parse("", &format!("metadata.name={name}"))?;
    }
    let initial = asked.query.is_true("sendInitialEvents");
    if initial && asked.query.text("resourceVersionMatch") != "NotOlderThan" {
        let why =
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Refusal::invalid(resource, "", "resourceVersionMatch", why));
    }
    let from = asked.query.text("resourceVersion");
    let version: u64 = if from.is_empty() {
        0
    } else {
        from.parse().map_err(|_| {
            Refusal::bad_request(format!(
                "Invalid value: \"{from}\": strconv.ParseUint: parsing \"{from}\": invalid syntax"
            ))
        })?
    };
    let seconds = asked
        .query
        .number("timeoutSeconds")
        .filter(|n| *n > 0)
        .map_or(LONGEST, |n| n as u64);
    let mut watch = Watch {
        shared: shared.clone(),
        resource,
        namespace: list::namespace(asked).to_owned(),
        selection,
        shape: asked.shape,
        include: asked.query.text("includeObject").to_owned(),
        bookmarks: asked.query.is_true("allowWatchBookmarks"),
        headed: false,
        cursor: version,
        lines: VecDeque::new(),
        done: false,
        ends: Instant::now() + Duration::from_secs(seconds),
        marked: Instant::now(),
        changes: shared.changes(),
        cuts: shared.faults().cuts(),
    };
    watch.cuts.mark_unchanged();
    if version == 0 || initial {
        watch.begin(initial);
    } else if let Err(gone) = shared.with(|world| world.store().since(version).map(drop)) {
        return Err(Refusal::expired(version, gone.oldest));
    }
    let stream = futures::stream::unfold(watch, |mut watch| async move {
        watch.next().await.map(|block| (block, watch))
    });
    Ok(answer::of_type(
        200,
        "application/json",
        Body::from_stream(stream),
    ))
}

impl Watch {
    /// Sends everything there is, then follows from there.
    fn begin(&mut self, marked: bool) {
        let shared = self.shared.clone();
        let (objects, version, now) = shared.with(|world| {
            let all = world.store().list(self.resource.kind, &self.namespace);
            let taken: Vec<_> = all
                .filter(|o| self.selection.is_all() || self.selection.takes(&o.tree()))
                .cloned()
                .collect();
            (taken, world.store().version(), world.now_ms())
        });
        for object in &objects {
            self.send("ADDED", object, now);
        }
        self.cursor = version;
        if marked {
            self.bookmark(true);
        }
    }

    fn send(&mut self, what: &str, object: &Object, now: i64) {
        let line = match self.shape {
            Shape::Whole | Shape::Aggregated => {
                let text = object.text();
                format!(
                    "{{\"type\":\"{what}\",\"object\":{}}}\n",
                    String::from_utf8_lossy(&text)
                )
            }
            Shape::Metadata => format!(
                "{{\"type\":\"{what}\",\"object\":{}}}\n",
                answer::metadata_of(&object.tree())
            ),
            Shape::Table => {
                let rows = [object.tree().into_owned()];
                let mut value = table::table(
                    self.resource,
                    &rows,
                    (object.version, None),
                    now,
                    &self.include,
                );
                if self.headed {
                    tree::remove(&mut value, &["columnDefinitions"]);
                }
                self.headed = true;
                format!("{{\"type\":\"{what}\",\"object\":{value}}}\n")
            }
        };
        self.lines.push_back(line);
    }

    fn bookmark(&mut self, first: bool) {
        let mut meta =
            json!({"resourceVersion": self.cursor.to_string(), "creationTimestamp": null});
        if first {
            tree::put(
                &mut meta,
                &["annotations", "k8s.io/initial-events-end"],
                "true",
            );
        }
        let object = match self.shape {
            Shape::Table => {
                json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "columnDefinitions": [], "rows": []})
            }
            Shape::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta})
            }
            Shape::Whole | Shape::Aggregated => {
                json!({"kind": self.resource.name, "apiVersion": self.resource.api_version(), "metadata": meta})
            }
        };
        self.lines
            .push_back(format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n"));
        self.marked = Instant::now();
    }

    /// Takes in what has changed since the cursor.
    fn catch_up(&mut self) {
        let shared = self.shared.clone();
        let kind = self.resource.kind;
        let cursor = self.cursor;
        let (found, version, now) = shared.peek(|world| {
            let ours = |change: &&Change| change.kind == kind;
            let found = world
                .store()
                .since(cursor)
                .map(|changes| changes.filter(ours).cloned().collect::<Vec<_>>());
            (found, world.store().version(), world.now_ms())
        });
        match found {
            Ok(changes) => {
                for change in changes {
                    self.take(&change, now);
                }
                self.cursor = version;
            }
            Err(gone) => {
                let status: Value = Refusal::expired(cursor, gone.oldest).status();
                self.lines
                    .push_back(format!("{{\"type\":\"ERROR\",\"object\":{status}}}\n"));
                self.done = true;
            }
        }
    }

    /// A change as this watch sees it: what leaves the selection is deleted for it, what enters is added.
    fn take(&mut self, change: &Change, now: i64) {
        if !self.namespace.is_empty() && change.object.id.0 != self.namespace {
            return;
        }
        let seen =
            |object: &Object| self.selection.is_all() || self.selection.takes(&object.tree());
        let before = change.before.as_ref().is_some_and(|o| seen(o));
        let after = change.what != What::Deleted && seen(&change.object);
        match (before, after) {
            (false, true) => self.send("ADDED", &change.object, now),
            (true, true) => self.send("MODIFIED", &change.object, now),
            (true, false) => self.send("DELETED", &change.object, now),
            (false, false) => {}
        }
    }

    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        loop {
            if !self.lines.is_empty() {
                let mut block = String::new();
                while let Some(line) = self.lines.pop_front() {
                    block.push_str(&line);
                    if block.len() > 256 * 1024 {
                        break;
                    }
                }
                return Some(Ok(Bytes::from(block)));
            }
            if self.done {
                return None;
            }
            let mark = if self.bookmarks {
                self.marked + BOOKMARK
            } else {
                self.ends
            };
            self.changes.mark_unchanged();
            self.catch_up();
            if !self.lines.is_empty() || self.done {
                continue;
            }
            tokio::select! {
                _ = self.changes.changed() => {}
                _ = self.cuts.changed() => {
                    self.done = true;
                    return Some(Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
                }
                () = sleep_until(self.ends) => self.done = true,
                () = sleep_until(mark) => self.bookmark(false),
            }
        }
    }
}
