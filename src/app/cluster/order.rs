//! The order of pods, asked for in stretches so that what is not in view is not looked at; and who is judged anew by name.

use super::Cluster;
use super::census::place;
use crate::domain::pod::Pod;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use crate::domain::workload::WorkloadKind;
use std::sync::Arc;

impl Cluster {
    /// Pods, worst first, then by namespace and name.
    pub fn pods_in_order(&self) -> impl DoubleEndedIterator<Item = (&Pod, Level)> {
        self.census
            .order()
            .iter()
            .filter_map(|(level, _, _, uid)| Some((self.pods.get(uid)?, level.0)))
    }

    /// So many pods from that place on.
    pub fn pods_from(&self, from: usize, count: usize) -> Vec<(&Pod, Level)> {
        let places = self.census.order().iter().skip(from).take(count);
        places
            .filter_map(|(level, _, _, uid)| Some((self.pods.get(uid)?, level.0)))
            .collect()
    }

    /// Where a pod stands among all.
    pub fn pod_position(&self, uid: &Uid) -> Option<usize> {
        let pod = self.pods.get(uid)?;
        let place = place(pod, self.pod_level(pod));
        let before = self.census.order().range(..&place).count();
        self.census.order().contains(&place).then_some(before)
    }

    /// How many pods are not well.
    pub fn pods_unwell(&self) -> usize {
        self.census.unwell()
    }

    /// Says that something else is known of services by these names: their namespaces and names.
    pub fn touch<'a>(&mut self, services: impl IntoIterator<Item = &'a (Arc<str>, Arc<str>)>) {
        for (namespace, name) in services {
            for kind in [
                WorkloadKind::Deployment,
                WorkloadKind::StatefulSet,
                WorkloadKind::DaemonSet,
            ] {
                let named = self.named.get(&(kind, namespace.clone(), name.clone()));
                self.dirty.extend(named.cloned());
            }
        }
    }
}
