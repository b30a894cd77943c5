//! The objects and the log of their changes, ordered by one counter as in etcd. Pure: no controller, no time, no chance lives here.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;

use super::kind::{Kind, RESOURCES};
use super::tree;

/// Namespace and name.
pub type Id = (String, String);

/// How many changes the log keeps before it forgets the oldest.
const LOG: usize = 8192;

/// One stored version of an object: a tree, a text, or both once someone has asked for the text.
#[derive(Debug)]
pub struct Object {
    /// Namespace and name.
    pub id: Id,
    /// The counter's value when it was written.
    pub version: u64,
    tree: Option<Value>,
    text: OnceLock<Bytes>,
}

impl Object {
    /// The object as a tree.
    pub fn tree(&self) -> Cow<'_, Value> {
        match &self.tree {
            Some(tree) => Cow::Borrowed(tree),
            None => Cow::Owned(serde_json::from_slice(&self.text()).unwrap_or_default()),
        }
    }

    /// The object as a tree, if it is kept as one: what controllers look at.
    pub fn live(&self) -> Option<&Value> {
        self.tree.as_ref()
    }

    /// The object as JSON text, written once and shared after that.
    pub fn text(&self) -> Bytes {
        self.text
            .get_or_init(|| {
                let tree = self.tree.as_ref().unwrap_or(&Value::Null);
                Bytes::from(serde_json::to_vec(tree).unwrap_or_default())
            })
            .clone()
    }
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the wire's own words")]
pub enum What {
    Added,
    Modified,
    Deleted,
}

/// One entry of the log.
#[derive(Debug, Clone)]
pub struct Change {
    /// The counter's value.
    pub version: u64,
    /// The kind of the object.
    pub kind: Kind,
    /// What happened to it.
    pub what: What,
    /// The object as it is now, or as it last was.
    pub object: Arc<Object>,
    /// The object as it was before.
    pub before: Option<Arc<Object>>,
}

/// The asked version is older than the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// The oldest version that could still be asked for.
    pub oldest: u64,
}

/// All objects, and what happened to them lately.
#[derive(Debug)]
pub struct Store {
    tables: Vec<BTreeMap<Id, Arc<Object>>>,
    log: VecDeque<Change>,
    version: u64,
    compacted: u64,
    forgotten: u64,
}

impl Store {
    /// An empty store whose counter begins after `version`.
    pub fn new(version: u64) -> Self {
        Self {
            tables: RESOURCES.iter().map(|_| BTreeMap::new()).collect(),
            log: VecDeque::new(),
            version,
            compacted: version,
            forgotten: version,
        }
    }

    /// The counter.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.tables[kind as usize].get(&(namespace.to_owned(), name.to_owned()))
    }

    /// One object's tree, for reading.
    pub fn tree(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.get(kind, namespace, name).and_then(|o| o.live())
    }

    /// The objects of a kind in a namespace, or in all (empty), by namespace and name.
    pub fn list(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        let all = namespace.is_empty();
        let from = (namespace.to_owned(), String::new());
        self.tables[kind as usize]
            .range(from..)
            .take_while(move |((ns, _), _)| all || ns == namespace)
            .map(|(_, object)| object)
    }

    /// The trees of a kind in a namespace, or in all (empty): what controllers look at.
    pub fn live(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Value> {
        self.list(kind, namespace)
            .filter_map(|object| object.live())
    }

    /// Writes an object, new or not; its version is stamped into it. Nothing happens when nothing changes.
    pub fn put(&mut self, kind: Kind, mut value: Value) -> Arc<Object> {
        let id = tree::id(&value);
        let before = self.tables[kind as usize].get(&id).cloned();
        if let Some(before) = &before {
            tree::put(
                &mut value,
                &["metadata", "resourceVersion"],
                before.version.to_string(),
            );
            if before.live() == Some(&value) {
                return Arc::clone(before);
            }
        }
        let version = self.version + 1;
        tree::put(
            &mut value,
            &["metadata", "resourceVersion"],
            version.to_string(),
        );
        let object = Object {
            id,
            version,
            tree: Some(value),
            text: OnceLock::new(),
        };
        self.write(kind, object)
    }

    /// Writes an object that is kept as text; the text is made with the version it gets.
    pub fn put_text(&mut self, kind: Kind, id: Id, text: impl FnOnce(u64) -> String) {
        let version = self.version + 1;
        let object = Object {
            id,
            version,
            tree: None,
            text: OnceLock::from(Bytes::from(text(version))),
        };
        self.write(kind, object);
    }

    fn write(&mut self, kind: Kind, object: Object) -> Arc<Object> {
        let object = Arc::new(object);
        self.version = object.version;
        let before = self.tables[kind as usize].insert(object.id.clone(), Arc::clone(&object));
        let what = if before.is_some() {
            What::Modified
        } else {
            What::Added
        };
        self.record(Change {
            version: self.version,
            kind,
            what,
            object: Arc::clone(&object),
            before,
        });
        object
    }

    /// Removes an object; watchers see it with the version of its removal.
    pub fn remove(&mut self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let id = (namespace.to_owned(), name.to_owned());
        let before = self.tables[kind as usize].remove(&id)?;
        self.version += 1;
        let mut tree = before.tree().into_owned();
        tree::put(
            &mut tree,
            &["metadata", "resourceVersion"],
            self.version.to_string(),
        );
        let object = Arc::new(Object {
            id,
            version: self.version,
            tree: Some(tree),
            text: OnceLock::new(),
        });
        self.record(Change {
            version: self.version,
            kind,
            what: What::Deleted,
            object: Arc::clone(&object),
            before: Some(before),
        });
        Some(object)
    }

    fn record(&mut self, change: Change) {
        self.log.push_back(change);
        while self.log.len() > LOG {
            if let Some(old) = self.log.pop_front() {
                self.compacted = old.version;
            }
        }
    }

    /// Forgets the whole log: who is behind must list again.
    pub fn compact(&mut self) {
        self.log.clear();
        self.compacted = self.version;
        self.forgotten = self.version;
    }

    /// Whether a list begun at a version may still be continued: the log may be short where everything changes,
    /// and pages are kept alive longer than it.
    pub fn continues(&self, version: u64) -> Result<(), Gone> {
        if version < self.forgotten {
            return Err(Gone {
                oldest: self.forgotten,
            });
        }
        Ok(())
    }

    /// The changes after a version, oldest first.
    pub fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Gone> {
        if version < self.compacted {
            return Err(Gone {
                oldest: self.compacted,
            });
        }
        let first = self.log.partition_point(|change| change.version <= version);
        Ok(self.log.range(first..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, n: i64) -> Value {
        json!({"metadata": {"namespace": "a", "name": name}, "n": n})
    }

    #[test]
    fn every_write_that_changes_something_moves_the_counter() {
        let mut store = Store::new(10);
        assert_eq!(store.put(Kind::Pod, pod("x", 1)).version, 11);
        assert_eq!(store.put(Kind::Pod, pod("x", 1)).version, 11);
        assert_eq!(store.put(Kind::Pod, pod("x", 2)).version, 12);
        assert_eq!(store.remove(Kind::Pod, "a", "x").unwrap().version, 13);
        let seen: Vec<_> = store
            .since(10)
            .unwrap()
            .map(|c| (c.version, c.what))
            .collect();
        let expected = [(11, What::Added), (12, What::Modified), (13, What::Deleted)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_was_forgotten_is_gone_and_not_empty() {
        let mut store = Store::new(10);
        store.put(Kind::Pod, pod("x", 1));
        store.compact();
        assert_eq!(store.since(10).err(), Some(Gone { oldest: 11 }));
        assert_eq!(store.since(11).unwrap().count(), 0);
    }

    #[test]
    fn a_list_keeps_to_its_namespace() {
        let mut store = Store::new(0);
        store.put(Kind::Pod, pod("x", 1));
        store.put_text(Kind::Pod, ("b".into(), "y".into()), |v| {
            format!("{{\"v\":{v}}}")
        });
        assert_eq!(store.list(Kind::Pod, "a").count(), 1);
        assert_eq!(store.list(Kind::Pod, "").count(), 2);
        assert_eq!(store.live(Kind::Pod, "").count(), 1);
        assert_eq!(store.get(Kind::Pod, "b", "y").unwrap().tree()["v"], 2);
    }
}
