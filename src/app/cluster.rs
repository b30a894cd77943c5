//! What is known of the cluster: the stocks of every watched kind, their links, and the indexes between them.

mod census;
mod order;
mod pods;

use self::census::Census;

use super::kind::Kind;
use super::message::{ClusterFact, WatchNews};
use super::stock::{Roll, Row, Stock};
use super::wants::Subject;
use crate::domain::event::Event;
use crate::domain::link::{Link, LinkState, Rhythm};
use crate::domain::node::{Autoscaler, Node};
use crate::domain::pod::Pod;
use crate::domain::rollout::Revision;
use crate::domain::service::Service;
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use crate::domain::workload::{Workload, WorkloadKind};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

macro_rules! rows {
    ($($kind:ty),*) => { $(impl Row for $kind { fn uid(&self) -> &Uid { &self.uid } })* };
}
rows!(Pod, Workload, Revision, Service, Event, Node, Autoscaler);

/// How one kind is watched.
#[derive(Debug, Clone)]
pub struct KindState {
    /// Its link.
    pub link: Link,
    /// The right that is missing, where one is.
    pub denied: Option<Arc<str>>,
    /// The only namespace it could be watched in, where all were wanted.
    pub narrowed: Option<Arc<str>>,
}

/// Everything learned from the API server's watches.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Pods.
    pub pods: Stock<Pod>,
    /// Deployments, StatefulSets and DaemonSets.
    pub workloads: BTreeMap<Kind, Stock<Workload>>,
    /// ReplicaSets.
    pub revisions: Stock<Revision>,
    /// Services.
    pub services: Stock<Service>,
    /// Events.
    pub events: Stock<Event>,
    /// Nodes.
    pub nodes: Stock<Node>,
    /// Autoscalers.
    pub autoscalers: Stock<Autoscaler>,
    /// How each watched kind is doing.
    pub kinds: BTreeMap<Kind, KindState>,
    census: Census,
    revisions_of: HashMap<Uid, BTreeSet<Uid>>,
    /// Workloads (by uid) whose judgement may have changed since it was last taken.
    dirty: BTreeSet<Uid>,
    subjects: Arc<Vec<Subject>>,
    named: HashMap<(WorkloadKind, Arc<str>, Arc<str>), Uid>,
    subjects_stale: bool,
    pods_seen: u64,
    revised: u64,
}

impl Cluster {
    /// Takes in what a watch says.
    pub fn learn(&mut self, fact: ClusterFact, now: Timestamp) {
        match fact {
            ClusterFact::Pods(roll) => self.learn_pods(roll, now),
            ClusterFact::Workloads(kind, roll) => {
                let (dirty, stale) = (&mut self.dirty, &mut self.subjects_stale);
                self.revised += u64::from(matches!(roll, Roll::Listed));
                *stale |= matches!(roll, Roll::Listed);
                let revised = &mut self.revised;
                let stock = self.workloads.entry(kind).or_default();
                stock.apply(roll, |old, new| {
                    *stale |= old.is_none() || new.is_none();
                    *revised += u64::from(release(old) != release(new));
                    dirty.extend(old.or(new).map(|w| w.uid.clone()));
                });
            }
            ClusterFact::Revisions(roll) => self.learn_revisions(roll),
            ClusterFact::Services(roll) => self.services.apply(roll, |_, _| {}),
            ClusterFact::Events(roll) => self.events.apply(roll, |_, _| {}),
            ClusterFact::Nodes(roll) => self.nodes.apply(roll, |_, _| {}),
            ClusterFact::Autoscalers(roll) => self.autoscalers.apply(roll, |_, _| {}),
            ClusterFact::Watch(kind, news) => self.hear(kind, news, now),
        }
    }

    /// The workloads as subjects of signals; made anew only after workloads or revisions changed.
    pub fn subjects(&self) -> Arc<Vec<Subject>> {
        self.subjects.clone()
    }

    /// Counts up whenever a pod comes, leaves, or changes what it does.
    pub fn pods_seen(&self) -> u64 {
        self.pods_seen
    }

    /// Counts up whenever a workload's release or a revision comes, leaves or changes.
    pub fn revised(&self) -> u64 {
        self.revised
    }

    /// The workload a subject stands for.
    pub fn workload_named(&self, subject: &Subject) -> Option<&Workload> {
        self.named
            .get(&(
                subject.kind,
                subject.namespace.clone(),
                subject.name.clone(),
            ))
            .and_then(|uid| self.workload(uid))
    }

    /// Makes the subjects anew if they may have changed; an equal list stays the same one.
    pub fn refresh_subjects(&mut self) {
        // A question about half of them would be asked again at once.
        if !self.subjects_stale || !self.listed() {
            return;
        }
        self.subjects_stale = false;
        let name = |w: &Workload| ((w.kind, w.namespace.clone(), w.name.clone()), w.uid.clone());
        self.named = self.all_workloads().map(name).collect();
        let mut subjects: Vec<Subject> = self
            .all_workloads()
            .map(|workload| self.subject(workload))
            .collect();
        subjects
            .sort_by(|a, b| (&a.namespace, &a.name, a.kind).cmp(&(&b.namespace, &b.name, b.kind)));
        if *self.subjects != subjects {
            self.subjects = Arc::new(subjects);
        }
    }

    fn subject(&self, workload: &Workload) -> Subject {
        let versions = self
            .revisions_of(workload)
            .into_iter()
            .filter_map(|revision| {
                let hash = revision.labels.get("pod-template-hash")?;
                Some((hash.clone(), Arc::from(revision.version_name()?)))
            });
        Subject {
            kind: workload.kind,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            versions: versions.collect(),
        }
    }

    /// What may be seen of a kind less than was wanted, in one sentence.
    pub fn restriction(&self, kind: Kind) -> Option<String> {
        let state = self.kinds.get(&kind)?;
        let name = kind.plural();
        match (&state.denied, &state.narrowed) {
            (Some(right), _) => Some(format!("{name} may not be seen: {right}")),
            (None, Some(namespace)) => Some(format!("{name} can be seen only in {namespace}")),
            (None, None) => None,
        }
    }

    fn hear(&mut self, kind: Kind, news: WatchNews, now: Timestamp) {
        let state = self.kinds.entry(kind).or_insert_with(|| KindState {
            link: Link::new(Rhythm::Watch),
            denied: None,
            narrowed: None,
        });
        match news {
            WatchNews::Heard => {
                state.link.hear(now);
                state.denied = None;
            }
            WatchNews::Troubled(why) => state.link.fail(now, &why),
            WatchNews::Denied(right) => {
                state.link = Link::absent(&right);
                state.denied = Some(right);
            }
            WatchNews::Narrowed(namespace) => state.narrowed = Some(namespace),
            WatchNews::Closed => drop(self.kinds.remove(&kind)),
        }
    }

    fn learn_revisions(&mut self, roll: Roll<Revision>) {
        let Self {
            revisions,
            revisions_of,
            dirty,
            subjects_stale,
            revised,
            ..
        } = self;
        *subjects_stale |= matches!(roll, Roll::Listed);
        revisions.apply(roll, |old, new| {
            if made(old) != made(new) {
                *subjects_stale = true;
                *revised += 1;
            }
            if let Some((old, owner)) = old.and_then(|old| Some((old, old.owner.as_ref()?))) {
                forget(revisions_of, owner, &old.uid);
                dirty.insert(owner.clone());
            }
            if let Some((new, owner)) = new.and_then(|new| Some((new, new.owner.as_ref()?))) {
                revisions_of
                    .entry(owner.clone())
                    .or_default()
                    .insert(new.uid.clone());
                dirty.insert(owner.clone());
            }
        });
    }

    /// The workloads whose judgement may have changed, each once; asking forgets them.
    pub fn take_dirty(&mut self) -> BTreeSet<Uid> {
        let touched = std::mem::take(&mut self.dirty);
        touched
            .into_iter()
            .map(|uid| {
                self.revisions
                    .get(&uid)
                    .and_then(|revision| revision.owner.clone())
                    .unwrap_or(uid)
            })
            .collect()
    }

    /// Every workload, Deployments first, in no order among themselves.
    pub fn all_workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.values().flat_map(Stock::iter)
    }

    /// One workload.
    pub fn workload(&self, uid: &Uid) -> Option<&Workload> {
        self.workloads.values().find_map(|stock| stock.get(uid))
    }

    /// The workload a pod belongs to.
    pub fn workload_of(&self, pod: &Pod) -> Option<&Workload> {
        let owner = pod.owner.as_ref()?;
        match self.revisions.get(&owner.uid) {
            Some(revision) => self.workload(revision.owner.as_ref()?),
            None => self.workload(&owner.uid),
        }
    }

    /// The revisions of a Deployment, newest number first.
    pub fn revisions_of(&self, workload: &Workload) -> Vec<&Revision> {
        let uids = self.revisions_of.get(&workload.uid).into_iter().flatten();
        let mut revisions: Vec<_> = uids.filter_map(|uid| self.revisions.get(uid)).collect();
        revisions.sort_by_key(|revision| (Reverse(revision.number), Reverse(revision.created)));
        revisions
    }

    /// The pods of a workload, in no order.
    pub fn pods_of<'a>(&'a self, workload: &'a Workload) -> impl Iterator<Item = &'a Pod> {
        let owners = self.owners(workload);
        owners.flat_map(|owner| self.pods_owned_by(owner))
    }

    /// Who owns the pods of a workload: its revisions, or itself.
    fn owners<'a>(&'a self, workload: &'a Workload) -> impl Iterator<Item = &'a Uid> {
        let through = self.revisions_of.get(&workload.uid).into_iter().flatten();
        through.chain(std::iter::once(&workload.uid))
    }

    /// The pods of a workload that are not well, with their levels.
    pub fn unwell_of<'a>(
        &'a self,
        workload: &'a Workload,
    ) -> impl Iterator<Item = (&'a Pod, Level)> {
        let owners = self.owners(workload);
        let unwell = owners.flat_map(|owner| self.census.unwell_of(owner));
        unwell.filter_map(|(uid, level)| Some((self.pods.get(uid)?, level)))
    }

    /// How many pods a workload has.
    pub fn count_of(&self, workload: &Workload) -> usize {
        let owners = self.owners(workload);
        owners.map(|owner| self.census.count_of(owner)).sum()
    }

    /// How many pods of one owner serve.
    pub fn serving_of(&self, owner: &Uid) -> usize {
        self.census.serving_of(owner)
    }

    /// The pods of one owner, in no order.
    pub fn pods_owned_by(&self, owner: &Uid) -> impl Iterator<Item = &Pod> {
        let uids = self.census.owned_by(owner);
        uids.filter_map(|uid| self.pods.get(uid))
    }

    /// The level of a pod as last judged.
    pub fn pod_level(&self, pod: &Pod) -> Level {
        self.census.level(pod)
    }

    /// The worst link of the kinds a verdict rests on, at a moment.
    pub fn link(&self, now: Timestamp) -> LinkState {
        let rank = |state: &LinkState| match state {
            LinkState::Live(_) => 0,
            LinkState::Quiet(_) => 1,
            LinkState::Connecting => 2,
            LinkState::Stale { .. } => 3,
            LinkState::Absent(_) => 4,
        };
        let vital = self
            .kinds
            .iter()
            .filter(|(kind, state)| kind.vital() || state.denied.is_none())
            .map(|(_, state)| state.link.state(now));
        vital
            .reduce(|a, b| {
                if (rank(&a), age(&b)) < (rank(&b), age(&a)) {
                    b
                } else {
                    a
                }
            })
            .unwrap_or(LinkState::Connecting)
    }

    /// Whether the lists a verdict rests on have all been seen.
    pub fn listed(&self) -> bool {
        // All of them, not those heard of so far: a list that came first is not the whole.
        let workloads = [Kind::Deployments, Kind::StatefulSets, Kind::DaemonSets]
            .iter()
            .all(|kind| self.workloads.get(kind).is_some_and(Stock::listed) || self.denied(*kind));
        (self.pods.listed() || self.denied(Kind::Pods)) && workloads
    }

    /// Whether a kind may not be seen.
    pub fn denied(&self, kind: Kind) -> bool {
        self.kinds
            .get(&kind)
            .is_some_and(|state| state.denied.is_some())
    }
}

/// What the changes tell of a workload by itself.
fn release(workload: Option<&Workload>) -> Option<(Option<u64>, Option<Arc<str>>)> {
    workload.map(|w| {
        (
            w.revision,
            w.writer.as_ref().map(|writer| writer.name.clone()),
        )
    })
}

/// What the changes and the subjects tell of a revision.
fn made(revision: Option<&Revision>) -> Option<(Option<u64>, Option<Timestamp>, Option<&str>)> {
    revision.map(|r| (r.number, r.created, r.version_name()))
}

/// Drops one object from its owner's set, and the set with the last of them.
fn forget(index: &mut HashMap<Uid, BTreeSet<Uid>>, owner: &Uid, uid: &Uid) {
    if let Some(siblings) = index.get_mut(owner) {
        siblings.remove(uid);
        if siblings.is_empty() {
            index.remove(owner);
        }
    }
}

fn age(state: &LinkState) -> jiff::SignedDuration {
    match state {
        LinkState::Live(age) | LinkState::Quiet(age) | LinkState::Stale { age: Some(age), .. } => {
            *age
        }
        _ => jiff::SignedDuration::ZERO,
    }
}
