//! A set of objects as a watch tells it: rows are kept while a new list arrives and swapped when it is complete.

use crate::domain::uid::Uid;
use std::collections::HashMap;

/// Counts the rows that are looked at, so that a test can hold the cost of an update against the number of rows.
#[cfg(test)]
pub(super) mod looked {
    use std::cell::Cell;
    thread_local! {
        static ROWS: Cell<usize> = const { Cell::new(0) };
    }
    /// One more.
    pub fn at_one() {
        ROWS.set(ROWS.get() + 1);
    }
    /// How many since this was last asked.
    pub fn at() -> usize {
        ROWS.replace(0)
    }
}

#[cfg(not(test))]
pub(super) mod looked {
    /// Nothing is counted outside tests.
    pub fn at_one() {}
}

/// What a watch says.
#[derive(Debug, Clone, PartialEq)]
pub enum Roll<T> {
    /// A new list begins; what is shown stays.
    Listing,
    /// Objects, new or changed.
    Rows(Vec<T>),
    /// Objects that are gone.
    Gone(Vec<Uid>),
    /// The list is complete: what it did not name is gone.
    Listed,
}

/// What is kept in a stock has a uid.
pub trait Row {
    /// The object's uid.
    fn uid(&self) -> &Uid;
}

/// The objects of one kind.
#[derive(Debug, Clone)]
pub struct Stock<T> {
    rows: HashMap<Uid, T>,
    incoming: Option<HashMap<Uid, T>>,
    listed: bool,
}

impl<T> Default for Stock<T> {
    fn default() -> Self {
        Self {
            rows: HashMap::new(),
            incoming: None,
            listed: false,
        }
    }
}

impl<T: Row> Stock<T> {
    /// Takes in what a watch says; `changed` hears of every object that is new, different or gone (before, after).
    pub fn apply(&mut self, roll: Roll<T>, mut changed: impl FnMut(Option<&T>, Option<&T>)) {
        match roll {
            // The first list may show as it comes; a later one, or the first begun anew, waits until it is whole.
            Roll::Listing => {
                self.incoming = (self.listed || !self.rows.is_empty()).then(HashMap::new);
            }
            Roll::Rows(rows) => {
                for row in rows {
                    match &mut self.incoming {
                        Some(incoming) => drop(incoming.insert(row.uid().clone(), row)),
                        None => self.upsert(row, &mut changed),
                    }
                }
            }
            Roll::Gone(uids) => {
                for uid in uids {
                    if let Some(incoming) = &mut self.incoming {
                        incoming.remove(&uid);
                    } else if let Some(old) = self.rows.remove(&uid) {
                        changed(Some(&old), None);
                    }
                }
            }
            Roll::Listed => {
                self.listed = true;
                if let Some(incoming) = self.incoming.take() {
                    self.swap(incoming, &mut changed);
                }
            }
        }
    }

    fn upsert(&mut self, row: T, changed: &mut impl FnMut(Option<&T>, Option<&T>)) {
        let uid = row.uid().clone();
        let old = self.rows.insert(uid.clone(), row);
        changed(old.as_ref(), self.rows.get(&uid));
    }

    fn swap(
        &mut self,
        incoming: HashMap<Uid, T>,
        changed: &mut impl FnMut(Option<&T>, Option<&T>),
    ) {
        let before = std::mem::replace(&mut self.rows, incoming);
        for (uid, old) in &before {
            changed(Some(old), self.rows.get(uid));
        }
        for (uid, new) in &self.rows {
            if !before.contains_key(uid) {
                changed(None, Some(new));
            }
        }
    }
}

impl<T> Stock<T> {
    /// Whether a complete list was ever seen.
    pub fn listed(&self) -> bool {
        self.listed
    }

    /// One object.
    pub fn get(&self, uid: &Uid) -> Option<&T> {
        looked::at_one();
        self.rows.get(uid)
    }

    /// Every object, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values().inspect(|_| looked::at_one())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets everything, as when the namespace changes.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Thing(Uid, u8);
    impl Row for Thing {
        fn uid(&self) -> &Uid {
            &self.0
        }
    }
    fn thing(uid: &str, value: u8) -> Thing {
        Thing(uid.into(), value)
    }

    #[test]
    fn a_second_list_replaces_the_first_only_when_complete() {
        let mut stock = Stock::default();
        let mut heard = Vec::new();
        for roll in [
            Roll::Listing,
            Roll::Rows(vec![thing("a", 1), thing("b", 1)]),
            Roll::Listed,
            Roll::Listing,
            Roll::Rows(vec![thing("b", 2)]),
        ] {
            stock.apply(roll, |old, new| heard.push((old.cloned(), new.cloned())));
        }
        assert_eq!((stock.len(), stock.get(&"b".into()).unwrap().1), (2, 1));
        heard.clear();
        stock.apply(Roll::Listed, |old, new| {
            heard.push((old.cloned(), new.cloned()));
        });
        heard.sort_by_key(|(old, _)| old.as_ref().map(|o| o.0.clone()));
        assert_eq!(
            heard,
            [
                (Some(thing("a", 1)), None),
                (Some(thing("b", 1)), Some(thing("b", 2)))
            ]
        );
        assert_eq!(stock.len(), 1);
    }

    #[test]
    fn the_first_list_shows_as_it_comes() {
        let mut stock = Stock::default();
        stock.apply(Roll::Listing, |_, _| {});
        stock.apply(Roll::Rows(vec![thing("a", 1)]), |_, _| {});
        assert_eq!((stock.len(), stock.listed()), (1, false));
        stock.apply(Roll::Gone(vec!["a".into()]), |_, _| {});
        assert!(stock.is_empty());
    }
}
