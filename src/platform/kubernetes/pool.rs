//! Shared strings, label sets and name lists: thousands of pods repeat a few of each, and keep one copy.
//!
//! One pool belongs to one watch. It forgets what nobody else holds, so that it never grows with the cluster's history.

use super::wire::{Pairs, Text};
use crate::domain::object::Labels;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

/// Below this many entries nothing is forgotten.
const SMALL: usize = 4096;

/// What a watch shares between its rows.
#[derive(Debug, Default)]
pub struct Pool {
    strings: HashSet<Arc<str>>,
    labels: HashMap<u64, Vec<Arc<Labels>>>,
    lists: HashMap<u64, Vec<Arc<[Arc<str>]>>>,
    hasher: RandomState,
    limit: usize,
}

impl Pool {
    /// The shared copy of a text.
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return known.clone();
        }
        if self.strings.len() >= self.limit.max(SMALL) {
            self.prune();
        }
        let new: Arc<str> = text.into();
        self.strings.insert(new.clone());
        new
    }

    /// The shared copy of a text, unless it is empty.
    pub(super) fn some(&mut self, text: &str) -> Option<Arc<str>> {
        (!text.is_empty()).then(|| self.text(text))
    }

    /// The shared copy of a label set.
    pub(super) fn labels(&mut self, pairs: &Pairs<'_, Text<'_>>) -> Arc<Labels> {
        let hash = self.hash_of(pairs.0.iter().map(|(key, value)| (&**key, &**value)));
        let same = |known: &&Arc<Labels>| {
            known.len() == pairs.0.len()
                && pairs
                    .0
                    .iter()
                    .all(|(key, value)| known.get(&**key).is_some_and(|own| **own == **value))
        };
        if let Some(known) = self.labels.get(&hash).and_then(|all| all.iter().find(same)) {
            return known.clone();
        }
        let new: Arc<Labels> = Arc::new(self.label_map(pairs));
        self.labels.entry(hash).or_default().push(new.clone());
        new
    }

    /// A label set of shared texts.
    pub(super) fn label_map(&mut self, pairs: &Pairs<'_, Text<'_>>) -> Labels {
        pairs
            .0
            .iter()
            .map(|(key, value)| (self.text(key), self.text(value)))
            .collect()
    }

    /// The shared copy of a list of texts.
    pub(super) fn list<'t>(
        &mut self,
        items: impl Iterator<Item = &'t str> + Clone,
    ) -> Arc<[Arc<str>]> {
        let hash = self.hash_of(items.clone());
        let same = |known: &&Arc<[Arc<str>]>| known.iter().map(|own| &**own).eq(items.clone());
        if let Some(known) = self.lists.get(&hash).and_then(|all| all.iter().find(same)) {
            return known.clone();
        }
        let new: Arc<[Arc<str>]> = items.map(|item| self.text(item)).collect();
        self.lists.entry(hash).or_default().push(new.clone());
        new
    }

    /// Forgets what nobody else holds.
    pub(super) fn prune(&mut self) {
        for sets in self.labels.values_mut() {
            sets.retain(|set| Arc::strong_count(set) > 1);
        }
        self.labels.retain(|_, sets| !sets.is_empty());
        for lists in self.lists.values_mut() {
            lists.retain(|list| Arc::strong_count(list) > 1);
        }
        self.lists.retain(|_, lists| !lists.is_empty());
        self.strings.retain(|text| Arc::strong_count(text) > 1);
        self.limit = self.strings.len() * 2;
    }

    fn hash_of<T: Hash>(&self, items: impl Iterator<Item = T>) -> u64 {
        let mut hasher: DefaultHasher = self.hasher.build_hasher();
        for item in items {
            item.hash(&mut hasher);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&'static str, &'static str)]) -> Pairs<'static, Text<'static>> {
        let text = |s: &'static str| Text(s.into());
        Pairs(of.iter().map(|(k, v)| (text(k), text(v))).collect())
    }

    #[test]
    fn equal_things_are_one_thing() {
        let mut pool = Pool::default();
        let (a, b) = (pool.text("node-1"), pool.text("node-1"));
        assert!(Arc::ptr_eq(&a, &b));
        let one = pool.labels(&pairs(&[("app", "x"), ("hash", "1")]));
        let two = pool.labels(&pairs(&[("app", "x"), ("hash", "1")]));
        let other = pool.labels(&pairs(&[("app", "x"), ("hash", "2")]));
        assert!(Arc::ptr_eq(&one, &two) && one != other);
        let (l, m) = (
            pool.list(["a", "b"].into_iter()),
            pool.list(["a", "b"].into_iter()),
        );
        assert!(Arc::ptr_eq(&l, &m));
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let mut pool = Pool::default();
        let kept = pool.text("kept");
        drop(pool.labels(&pairs(&[("a", "b")])));
        for number in 0..3 * SMALL {
            drop(pool.text(&number.to_string()));
        }
        assert!(pool.strings.len() <= SMALL);
        pool.prune();
        assert_eq!((pool.strings.len(), pool.labels.len()), (1, 0));
        assert!(Arc::ptr_eq(&kept, &pool.text("kept")));
    }
}
