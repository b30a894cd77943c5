//! Long lists, of which only what is in view is looked at: how many lines there are, where an identity stands, and a stretch of
//! rows. What a list holds and in which order is `list`'s to say.

use crate::domain::uid::Uid;
use std::rc::Rc;

type Find<'a> = Box<dyn Fn(&Uid) -> Option<usize> + 'a>;
type Stretch<'a, R> = Box<dyn Fn(usize, usize) -> Vec<R> + 'a>;

/// A list in order.
pub struct Lines<'a, R> {
    len: usize,
    find: Find<'a>,
    stretch: Stretch<'a, R>,
}

impl<'a, R: Copy + 'a> Lines<'a, R> {
    /// A list that is looked at only where it is asked about: its length, where an identity stands, so many rows from there.
    pub fn new(
        len: usize,
        find: impl Fn(&Uid) -> Option<usize> + 'a,
        stretch: impl Fn(usize, usize) -> Vec<R> + 'a,
    ) -> Self {
        Self {
            len,
            find: Box::new(find),
            stretch: Box::new(stretch),
        }
    }

    /// A list that was gathered already, with the identity of a row.
    pub fn of(rows: Vec<R>, id: fn(&R) -> &Uid) -> Self {
        let rows = Rc::new(rows);
        let all = rows.clone();
        Self::new(
            rows.len(),
            move |wanted| all.iter().position(|row| id(row) == wanted),
            move |from, count| rows.iter().skip(from).take(count).copied().collect(),
        )
    }

    /// The first so many of it.
    #[must_use]
    pub fn first(mut self, most: usize) -> Self {
        self.len = self.len.min(most);
        self
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where an identity stands.
    pub fn find(&self, id: &Uid) -> Option<usize> {
        (self.find)(id).filter(|at| *at < self.len)
    }

    /// So many rows from there on, or as many as there are.
    pub fn stretch(&self, from: usize, count: usize) -> Vec<R> {
        (self.stretch)(from, count.min(self.len.saturating_sub(from)))
    }

    /// One row.
    pub fn get(&self, at: usize) -> Option<R> {
        self.stretch(at, 1).pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_list_knows_nothing_beyond_its_end() {
        let [a, b, c] = ["a", "b", "c"].map(Uid::from);
        let lines = Lines::of(vec![&a, &b, &c], |row| row).first(2);
        assert_eq!(
            (lines.len(), lines.find(&b), lines.find(&c)),
            (2, Some(1), None)
        );
        assert_eq!(lines.stretch(1, 9), [&b]);
        assert_eq!((lines.get(0), lines.get(2)), (Some(&a), None));
    }
}
