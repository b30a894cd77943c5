//! Which pods are spoken of by name to the signal sources: a few of every workload, by which a source shows whether it knows
//! this cluster, and those whose own pages are read where there is no Prometheus. Made anew only when too many have gone.

use super::cluster::Cluster;
use super::wants::Page;
use crate::domain::pod::Pod;
use crate::domain::uid::Uid;
use crate::domain::workload::Workload;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many names are enough.
const NAMES: usize = 100;
/// Of one workload.
const OF_ONE: usize = 2;
/// The most pods whose pages are read.
pub const PAGES: usize = 200;

/// The pods that are spoken of.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    uids: Vec<Uid>,
    names: Arc<Vec<Arc<str>>>,
    pages: Arc<Vec<Page>>,
    /// The state of the cluster's pods that this was made from.
    names_of: u64,
    /// The same, and of its workloads and revisions: which pod is whose may be learned after the pods themselves.
    pages_of: Option<(u64, u64)>,
}

impl Roster {
    /// Some pods by name.
    pub fn names(&self) -> Arc<Vec<Arc<str>>> {
        self.names.clone()
    }

    /// The pods whose pages are read; none where there is a Prometheus.
    pub fn pages(&self) -> Arc<Vec<Page>> {
        self.pages.clone()
    }

    /// Follows the cluster; `pages` says whether pages are read at all.
    pub fn follow(&mut self, cluster: &Cluster, pages: bool) {
        let state = cluster.pods_seen();
        if self.names_of != state && cluster.listed() {
            self.names_of = state;
            let here = self
                .uids
                .iter()
                .filter(|uid| cluster.pods.get(uid).is_some());
            let here = here.count();
            if here * 2 < self.uids.len() || here < NAMES.min(cluster.pods.len()) / 2 {
                self.call(cluster);
            }
        }
        if !pages {
            if self.pages_of.take().is_some() {
                self.pages = Arc::default();
            }
        } else if self.pages_of != Some((state, cluster.revised())) && cluster.listed() {
            self.pages_of = Some((state, cluster.revised()));
            let pages = read(cluster);
            if *self.pages != pages {
                self.pages = Arc::new(pages);
            }
        }
    }

    fn call<'c>(&mut self, cluster: &'c Cluster) {
        // Some of every namespace: a source often covers only a few.
        let mut spaces: BTreeMap<&str, Vec<&'c Workload>> = BTreeMap::new();
        for workload in cluster.all_workloads() {
            spaces
                .entry(&workload.namespace)
                .or_default()
                .push(workload);
        }
        let share = (NAMES / spaces.len().max(1)).max(1);
        let some = |workloads: Vec<&'c Workload>| {
            let pods = workloads.into_iter();
            pods.flat_map(|workload| cluster.pods_of(workload).take(OF_ONE))
                .take(share)
        };
        let mut called: Vec<&Pod> = spaces.into_values().flat_map(some).take(NAMES).collect();
        if called.is_empty() {
            called = cluster.pods.iter().take(NAMES).collect();
        }
        self.uids = called.iter().map(|pod| pod.uid.clone()).collect();
        self.names = Arc::new(called.iter().map(|pod| pod.name.clone()).collect());
    }
}

/// The pods of whole workloads, as many as may be read: half of a workload's pods would be half of its requests.
fn read(cluster: &Cluster) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for subject in cluster.subjects().iter() {
        let Some(workload) = cluster.workload_named(subject) else {
            continue;
        };
        let pods = cluster
            .pods_of(workload)
            .filter(|pod| &*pod.status == "Running");
        let mut own: Vec<Page> = pods
            .map(|pod| Page {
                namespace: pod.namespace.clone(),
                workload: workload.name.clone(),
                pod: pod.name.clone(),
                uid: pod.uid.clone(),
                version: version(cluster, pod),
            })
            .take(PAGES + 1)
            .collect();
        if pages.len() + own.len() <= PAGES {
            own.sort_by(|a, b| a.pod.cmp(&b.pod));
            pages.extend(own);
        }
    }
    pages
}

fn version(cluster: &Cluster, pod: &Pod) -> Option<Arc<str>> {
    let revision = cluster.revisions.get(&pod.owner.as_ref()?.uid)?;
    revision.version_name().map(Arc::from)
}
