//! Pods as a watch tells them, kept in step with every index that rests on them; and what time alone makes of them.

use super::{Cluster, forget, place};
use crate::app::stock::Roll;
use crate::domain::pod::Pod;
use crate::domain::verdict::Level;
use jiff::Timestamp;

impl Cluster {
    /// Takes in pods.
    pub(super) fn learn_pods(&mut self, roll: Roll<Pod>, now: Timestamp) {
        let Self {
            pods,
            pods_of,
            troubled,
            levels,
            order,
            dirty,
            pods_seen,
            unwell_of,
            serving_of,
            unwell,
            ..
        } = self;
        pods.apply(roll, |old, new| {
            let does = |pod: Option<&Pod>| pod.map(|pod| pod.status.clone());
            *pods_seen += u64::from(does(old) != does(new));
            // Most changes leave a pod where it stands: nothing but what is counted of it moves.
            if let (Some(old), Some(new)) = (old, new)
                && levels.get(&new.uid) == Some(&new.level(now))
                && stands_alike(old, new)
            {
                if let Some(owner) = new.owner.as_ref().filter(|_| !tells_alike(old, new)) {
                    let serving = serving_of.entry(owner.uid.clone()).or_default();
                    *serving = *serving + usize::from(new.serves) - usize::from(old.serves);
                    dirty.insert(owner.uid.clone());
                }
                return;
            }
            if let Some(old) = old {
                let level = levels.remove(&old.uid).unwrap_or(Level::Healthy);
                order.remove(&place(old, level));
                *unwell -= usize::from(level != Level::Healthy);
                troubled.remove(&old.uid);
                if let Some(owner) = &old.owner {
                    forget(pods_of, &owner.uid, &old.uid);
                    forget(unwell_of, &owner.uid, &old.uid);
                    if let Some(serving) = serving_of.get_mut(&owner.uid) {
                        *serving -= usize::from(old.serves);
                    }
                    if !pods_of.contains_key(&owner.uid) {
                        serving_of.remove(&owner.uid);
                    }
                    dirty.insert(owner.uid.clone());
                }
            }
            if let Some(new) = new {
                let level = new.level(now);
                levels.insert(new.uid.clone(), level);
                order.insert(place(new, level));
                *unwell += usize::from(level != Level::Healthy);
                if new.trouble.is_some() {
                    troubled.insert(new.uid.clone());
                }
                if let Some(owner) = &new.owner {
                    if level != Level::Healthy {
                        let unwell = unwell_of.entry(owner.uid.clone()).or_default();
                        unwell.insert(new.uid.clone());
                    }
                    *serving_of.entry(owner.uid.clone()).or_default() += usize::from(new.serves);
                    pods_of
                        .entry(owner.uid.clone())
                        .or_default()
                        .insert(new.uid.clone());
                    dirty.insert(owner.uid.clone());
                }
            }
        });
    }

    /// Judges anew the pods whose level depends on the time; costs only the troubled ones.
    pub fn tick(&mut self, now: Timestamp) {
        for uid in &self.troubled {
            let Some(pod) = self.pods.get(uid) else {
                continue;
            };
            let level = pod.level(now);
            let Some(before) = self.levels.insert(uid.clone(), level) else {
                continue;
            };
            if before != level {
                self.order.remove(&place(pod, before));
                self.order.insert(place(pod, level));
                self.unwell += usize::from(level != Level::Healthy);
                self.unwell -= usize::from(before != Level::Healthy);
                if let Some(owner) = &pod.owner {
                    if level == Level::Healthy {
                        forget(&mut self.unwell_of, &owner.uid, uid);
                    } else {
                        let unwell = self.unwell_of.entry(owner.uid.clone()).or_default();
                        unwell.insert(uid.clone());
                    }
                }
                self.dirty
                    .extend(pod.owner.as_ref().map(|owner| owner.uid.clone()));
            }
        }
    }
}

/// Whether two tellings of one pod, of the same level, stand at the same place in every index.
fn stands_alike(old: &Pod, new: &Pod) -> bool {
    old.owner == new.owner
        && old.name == new.name
        && old.namespace == new.namespace
        && old.trouble.is_some() == new.trouble.is_some()
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
    use std::collections::BTreeMap;

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

    fn told(tellings: Vec<Vec<Pod>>) -> Cluster {
        let mut cluster = Cluster::default();
        for rows in tellings {
            cluster.learn_pods(Roll::Rows(rows), now());
        }
        cluster
    }

    proptest! {
        #[test]
        fn the_indexes_are_those_of_the_last_telling_whatever_came_before(
            tellings in prop::collection::vec(prop::collection::vec(telling(), 1..4), 1..12)
        ) {
            let last: BTreeMap<_, _> = tellings.iter().flatten().map(|pod| (pod.uid.clone(), pod.clone())).collect();
            let (grown, fresh) = (told(tellings), told(vec![last.into_values().collect()]));
            prop_assert_eq!(&grown.order, &fresh.order);
            prop_assert_eq!(&grown.levels, &fresh.levels);
            prop_assert_eq!(&grown.pods_of, &fresh.pods_of);
            prop_assert_eq!(&grown.unwell_of, &fresh.unwell_of);
            prop_assert_eq!(&grown.serving_of, &fresh.serving_of);
            prop_assert_eq!(&grown.troubled, &fresh.troubled);
            prop_assert_eq!(grown.unwell, fresh.unwell);
        }
    }
}
