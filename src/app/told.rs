//! What was told of changes while it could be seen: who released a revision that is no longer current, when trouble and
//! alerts that are over began and ended. What the cluster and the sources say now is [`super::changes`]'s.

use super::changes::{Change, ChangeKind};
use crate::domain::object::ObjectRef;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most that is remembered of what is over.
const MOST: usize = 200;

/// What an open change is known by: its kind, its object, and for an alert its words.
type Key = (ChangeKind, ObjectRef, String);

/// What was told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    rollouts: BTreeMap<(ObjectRef, Arc<str>), Change>,
    open: BTreeMap<Key, Change>,
    over: Vec<Change>,
}

impl Told {
    /// Joins what is told now with what was told before. `ended` says since when a change that is told no longer is over,
    /// where that is known.
    pub fn join(
        &mut self,
        mut fresh: Vec<Change>,
        from: Timestamp,
        ended: impl Fn(&Change) -> Option<Timestamp>,
    ) -> Vec<Change> {
        self.forget(from);
        let mut seen = Vec::new();
        for change in &mut fresh {
            match (&change.kind, &change.mark) {
                (ChangeKind::Rollout, Some(mark)) => self.recall(change, mark.clone()),
                (ChangeKind::Rollout, None) => {}
                _ => {
                    let key = key(change);
                    if let Some(before) = self.open.get(&key) {
                        change.at = change.at.min(before.at);
                    }
                    self.open.insert(key.clone(), change.clone());
                    seen.push(key);
                }
            }
        }
        let gone: Vec<Key> = self
            .open
            .keys()
            .filter(|key| !seen.contains(key))
            .cloned()
            .collect();
        for key in gone {
            let Some(mut change) = self.open.remove(&key) else {
                continue;
            };
            change.note = None;
            if let Some(at) = ended(&change) {
                let word = if change.kind == ChangeKind::Onset {
                    "recovered"
                } else {
                    "over"
                };
                change.text = format!("{}; {word} at {}", change.text, super::judge::clock(at));
                self.over.push(change);
            } else {
                fresh.push(change.clone());
                self.open.insert(key, change);
            }
        }
        let excess = self.over.len().saturating_sub(MOST);
        self.over.drain(..excess);
        fresh.extend(self.over.iter().cloned());
        let told = |change: &Change| {
            let same = |other: &Change| other.object == change.object && other.mark == change.mark;
            fresh.iter().any(same)
        };
        let left: Vec<Change> = self
            .rollouts
            .values()
            .filter(|change| !told(change))
            .cloned()
            .collect();
        fresh.extend(left);
        fresh.sort_by(|a, b| (b.at, b.kind, &b.object).cmp(&(a.at, a.kind, &a.object)));
        fresh
    }

    /// While a revision was current, more was known of it than can be read from it later.
    fn recall(&mut self, change: &mut Change, mark: Arc<str>) {
        let key = (change.object.clone(), mark);
        match self.rollouts.get(&key) {
            Some(before) if before.text.len() > change.text.len() => {
                (change.at, change.text) = (before.at, before.text.clone());
            }
            _ => {
                let kept = Change {
                    note: None,
                    ..change.clone()
                };
                self.rollouts.insert(key, kept);
            }
        }
    }

    fn forget(&mut self, from: Timestamp) {
        self.rollouts.retain(|_, change| change.at >= from);
        self.open.retain(|_, change| change.at >= from);
        self.over.retain(|change| change.at >= from);
    }
}

fn key(change: &Change) -> Key {
    let words = match change.kind {
        ChangeKind::Alert => change.text.clone(),
        _ => String::new(),
    };
    (change.kind, change.object.clone(), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn change(kind: ChangeKind, second: i64, text: &str, mark: Option<&str>) -> Change {
        Change {
            at: at(second),
            kind,
            object: ObjectRef::new("Deployment", "veza", "backend"),
            text: text.into(),
            note: None,
            mark: mark.map(Into::into),
        }
    }

    #[test]
    fn trouble_that_is_over_stays_and_says_when() {
        let mut told = Told::default();
        let onset = change(ChangeKind::Onset, 100, "errors above 1 %", None);
        told.join(vec![onset], at(0), |_| None);
        let blind = told.join(Vec::new(), at(0), |_| None);
        assert_eq!(blind[0].text, "errors above 1 %", "silence ends nothing");
        for _ in 0..2 {
            let after = told.join(Vec::new(), at(0), |_| Some(at(160)));
            let texts: Vec<&str> = after.iter().map(|c| c.text.as_str()).collect();
            assert_eq!(texts, ["errors above 1 %; recovered at 00:02:40"]);
            assert_eq!(after[0].at, at(100));
        }
        assert!(
            told.join(Vec::new(), at(101), |_| None).is_empty(),
            "out of sight"
        );
    }

    #[test]
    fn who_released_a_revision_is_remembered_when_it_is_no_longer_current() {
        let mut told = Told::default();
        let current = "revision 42 → 43, image v1.0.0 → v1.1.0, by ci-deployer";
        let rollout = |text, mark| change(ChangeKind::Rollout, 100, text, Some(mark));
        told.join(vec![rollout(current, "43")], at(0), |_| None);
        let later = vec![
            rollout("revision 43 → 44, by oncall", "44"),
            rollout("revision 43", "43"),
        ];
        let after = told.join(later, at(0), |_| None);
        assert!(after.iter().any(|c| c.text == current), "{after:?}");
        let alone = told.join(Vec::new(), at(0), |_| None);
        assert_eq!(alone.len(), 2, "a pruned revision is not forgotten");
    }
}
