//! Pods as a watch tells them, and what time alone makes of them.

use super::Cluster;
use crate::app::stock::Roll;
use crate::domain::pod::Pod;
use jiff::Timestamp;

impl Cluster {
    /// Takes in pods.
    pub(super) fn learn_pods(&mut self, roll: Roll<Pod>, now: Timestamp) {
        let (census, dirty, seen) = (&mut self.census, &mut self.dirty, &mut self.pods_seen);
        self.pods.apply(roll, |old, new| {
            let status = |pod: Option<&Pod>| pod.map(|pod| pod.status.clone());
            *seen += u64::from(status(old) != status(new));
            if census.take(old, new, now) {
                let owners = [old, new].map(|pod| pod?.owner.as_ref());
                dirty.extend(owners.into_iter().flatten().map(|owner| owner.uid.clone()));
            }
        });
    }

    /// Judges anew the pods whose level depends on the time; costs only the troubled ones.
    pub fn tick(&mut self, now: Timestamp) {
        let troubled: Vec<_> = self.census.troubled().iter().cloned().collect();
        for pod in troubled.iter().filter_map(|uid| self.pods.get(uid)) {
            if self.census.age(pod, now) {
                let owner = pod.owner.as_ref().map(|owner| owner.uid.clone());
                self.dirty.extend(owner);
            }
        }
    }
}
