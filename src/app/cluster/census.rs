//! Every pod under its owner, at its level, in its place: what is looked up of pods without looking at them all. A change that
//! leaves a pod where it stands moves nothing but what is counted of it.

use crate::domain::pod::Pod;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Where a pod stands in lists: worst first, then by name.
pub type PodPlace = (Reverse<Level>, Arc<str>, Arc<str>, Uid);

/// Pods by owner, by level and in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Census {
    owners: HashMap<Uid, Owned>,
    /// Pods that are not well.
    unwell: usize,
    /// Pods whose level depends on the time.
    troubled: BTreeSet<Uid>,
    order: BTreeSet<PodPlace>,
}

/// The pods of one owner; a pod that nobody owns stands under itself.
#[derive(Debug, Clone, Default, PartialEq)]
struct Owned {
    pods: BTreeSet<Uid>,
    unwell: BTreeMap<Uid, Level>,
    serving: usize,
}

/// Where a pod stands at a level.
pub fn place(pod: &Pod, level: Level) -> PodPlace {
    (
        Reverse(level),
        pod.namespace.clone(),
        pod.name.clone(),
        pod.uid.clone(),
    )
}

/// The uid a pod stands under.
fn head(pod: &Pod) -> &Uid {
    pod.owner.as_ref().map_or(&pod.uid, |owner| &owner.uid)
}

impl Owned {
    fn level(&self, pod: &Uid) -> Level {
        self.unwell.get(pod).copied().unwrap_or(Level::Healthy)
    }

    /// Gives the level before, and the one now.
    fn turn(&mut self, pod: &Pod, now: Timestamp) -> (Level, Level) {
        let level = pod.level(now);
        let before = if level == Level::Healthy {
            self.unwell.remove(&pod.uid)
        } else {
            self.unwell.insert(pod.uid.clone(), level)
        };
        (before.unwrap_or(Level::Healthy), level)
    }
}

impl Census {
    /// Takes in one pod as it was and as it is; says whether a judgement of its owner can rest on the difference.
    pub fn take(&mut self, old: Option<&Pod>, new: Option<&Pod>, now: Timestamp) -> bool {
        if let (Some(old), Some(new)) = (old, new)
            && stands_alike(old, new)
        {
            return self.turn(old, new, now);
        }
        old.inspect(|pod| self.leave(pod));
        new.inspect(|pod| self.enter(pod, now));
        true
    }

    /// A pod that stays under its owner and keeps its name.
    fn turn(&mut self, old: &Pod, new: &Pod, now: Timestamp) -> bool {
        let owned = self.owners.entry(head(new).clone()).or_default();
        let (before, level) = owned.turn(new, now);
        owned.serving = owned.serving + usize::from(new.serves) - usize::from(old.serves);
        self.follow(new, before, level);
        match (old.trouble.is_some(), new.trouble.is_some()) {
            (false, true) => drop(self.troubled.insert(new.uid.clone())),
            (true, false) => drop(self.troubled.remove(&new.uid)),
            _ => {}
        }
        before != level || !tells_alike(old, new)
    }

    /// Keeps the count and the order in step with a pod's level.
    fn follow(&mut self, pod: &Pod, before: Level, level: Level) {
        if before == level {
            return;
        }
        self.order.remove(&place(pod, before));
        self.order.insert(place(pod, level));
        self.unwell += usize::from(level != Level::Healthy);
        self.unwell -= usize::from(before != Level::Healthy);
    }

    fn leave(&mut self, pod: &Pod) {
        let Some(owned) = self.owners.get_mut(head(pod)) else {
            return;
        };
        let level = owned.level(&pod.uid);
        owned.pods.remove(&pod.uid);
        owned.unwell.remove(&pod.uid);
        owned.serving -= usize::from(pod.serves);
        if owned.pods.is_empty() {
            self.owners.remove(head(pod));
        }
        self.order.remove(&place(pod, level));
        self.unwell -= usize::from(level != Level::Healthy);
        self.troubled.remove(&pod.uid);
    }

    fn enter(&mut self, pod: &Pod, now: Timestamp) {
        let owned = self.owners.entry(head(pod).clone()).or_default();
        owned.pods.insert(pod.uid.clone());
        owned.serving += usize::from(pod.serves);
        let (_, level) = owned.turn(pod, now);
        self.order.insert(place(pod, level));
        self.unwell += usize::from(level != Level::Healthy);
        if pod.trouble.is_some() {
            self.troubled.insert(pod.uid.clone());
        }
    }

    /// Judges a pod anew as time goes; says whether its level changed.
    pub fn age(&mut self, pod: &Pod, now: Timestamp) -> bool {
        let Some(owned) = self.owners.get_mut(head(pod)) else {
            return false;
        };
        let (before, level) = owned.turn(pod, now);
        self.follow(pod, before, level);
        before != level
    }

    /// Pods whose level depends on the time.
    pub fn troubled(&self) -> &BTreeSet<Uid> {
        &self.troubled
    }

    /// Every pod in its place: worst first, then by namespace and name.
    pub fn order(&self) -> &BTreeSet<PodPlace> {
        &self.order
    }

    /// How many pods are not well.
    pub fn unwell(&self) -> usize {
        self.unwell
    }

    /// The level of a pod as last judged.
    pub fn level(&self, pod: &Pod) -> Level {
        let owned = self.owners.get(head(pod));
        owned.map_or(Level::Unknown, |owned| owned.level(&pod.uid))
    }

    /// The pods of one owner, in no order.
    pub fn owned_by(&self, owner: &Uid) -> impl Iterator<Item = &Uid> {
        let here = self.owners.get(owner).into_iter();
        here.flat_map(|owned| &owned.pods)
    }

    /// The pods of one owner that are not well, with their levels.
    pub fn unwell_of(&self, owner: &Uid) -> impl Iterator<Item = (&Uid, Level)> {
        let here = self.owners.get(owner).into_iter();
        here.flat_map(|owned| &owned.unwell)
            .map(|(uid, level)| (uid, *level))
    }

    /// How many pods one owner has.
    pub fn count_of(&self, owner: &Uid) -> usize {
        self.owners.get(owner).map_or(0, |owned| owned.pods.len())
    }

    /// How many pods of one owner serve.
    pub fn serving_of(&self, owner: &Uid) -> usize {
        self.owners.get(owner).map_or(0, |owned| owned.serving)
    }
}

/// Whether two tellings of one pod stand under the same owner and name.
fn stands_alike(old: &Pod, new: &Pod) -> bool {
    old.owner == new.owner && old.name == new.name && old.namespace == new.namespace
}

/// Whether a judgement can rest on either of them: pods that are well say no more than that they are.
fn tells_alike(old: &Pod, new: &Pod) -> bool {
    let what = |pod: &Pod| (pod.serves, pod.ready_since, pod.trouble.is_some());
    what(old) == what(new) && new.trouble.is_none() && old.status == new.status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pod::Trouble;
    use crate::domain::sample;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_772_593_927).unwrap()
    }

    /// A telling of one of a few pods: whose it is, whether it serves, what is wrong with it, and since when.
    fn telling() -> impl Strategy<Value = Pod> {
        (0..4_usize, 0..2_u8, any::<bool>(), 0..3_u8, 0..2_i64).prop_map(
            |(number, owner, serves, trouble, since)| {
                let owner = format!("service-{owner}");
                let mut pod = sample::pod(&owner, number, now());
                (pod.uid, pod.name) = (format!("{number}").into(), format!("pod-{number}").into());
                pod.serves = serves;
                pod.ready_since = Some(now() - jiff::SignedDuration::from_secs(since * 600));
                pod.trouble = match trouble {
                    0 => None,
                    1 => Some(Trouble::Unready { what: "api".into() }),
                    _ => Some(Trouble::NodeLost),
                };
                pod
            },
        )
    }

    fn told(tellings: impl IntoIterator<Item = Pod>) -> Census {
        let (mut census, mut known) = (Census::default(), BTreeMap::new());
        for pod in tellings {
            let old = known.insert(pod.uid.clone(), pod.clone());
            census.take(old.as_ref(), Some(&pod), now());
        }
        census
    }

    proptest! {
        #[test]
        fn the_census_is_that_of_the_last_telling_whatever_came_before(
            tellings in prop::collection::vec(telling(), 1..32), gone in 0..4_u8
        ) {
            let mut last: BTreeMap<_, _> = tellings.iter().map(|pod| (pod.uid.clone(), pod.clone())).collect();
            let mut grown = told(tellings);
            if let Some(pod) = last.remove(&format!("{gone}").into()) {
                grown.take(Some(&pod), None, now());
            }
            prop_assert_eq!(grown, told(last.into_values()));
        }
    }
}
