//! The rows of the overview: one per workload, judged, in an order that holds still.

use super::cluster::Cluster;
use super::judge::{Evidence, Judgement, judge};
use super::signals::Signals;
use super::stock::looked;
use crate::domain::alert::Alert;
use crate::domain::object::ObjectRef;
use crate::domain::pod::Pod;
use crate::domain::rollout::{Revision, Rollout, RolloutState, rollout_of};
use crate::domain::signal::{ServiceSignals, SignalName, Thresholds};
use crate::domain::uid::Uid;
use crate::domain::verdict::Level;
use crate::domain::workload::{Workload, WorkloadKind};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// Rows do not change places for this long after a cursor key.
const HOLD_STILL: SignedDuration = SignedDuration::from_secs(2);
/// So many of the foremost rows, and so many of the others, are judged anew at a tick though nothing was heard of them.
const AT_A_TICK: usize = 64;

/// One workload as the overview shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceRow {
    /// The workload.
    pub uid: Uid,
    /// Its reference.
    pub object: ObjectRef,
    /// Pods ready.
    pub ready: u32,
    /// Pods wanted.
    pub desired: u32,
    /// Its rollout.
    pub rollout: Rollout,
    /// Its revision's number.
    pub revision: Option<u64>,
    /// Its version's name.
    pub version: Option<Arc<str>>,
    /// When its revision took over.
    pub taken_over: Option<Timestamp>,
    /// Its readings now; `None` where it was never measured.
    pub signals: Option<ServiceSignals>,
    /// What is judged of it.
    pub judgement: Judgement,
}

impl ServiceRow {
    /// How well it is.
    pub fn level(&self) -> Level {
        self.judgement.verdict.level
    }
}

/// Limits for all services and for single ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// For all that are not named.
    pub general: Thresholds,
    /// By name of the service.
    pub services: BTreeMap<String, Thresholds>,
}

impl Limits {
    /// The limits of one service.
    pub fn of(&self, service: &str) -> Thresholds {
        self.services.get(service).copied().unwrap_or(self.general)
    }
}

/// The judged workloads.
#[derive(Debug, Clone, Default)]
pub struct Services {
    rows: HashMap<Uid, ServiceRow>,
    order: BTreeSet<(RowPlace, Uid)>,
    /// Where each row stands in the order.
    places: HashMap<Uid, RowPlace>,
    /// Rows that came, went, or belong elsewhere since they were put in order.
    moved: BTreeSet<Uid>,
    /// When a revision was seen to take over, by workload and revision number.
    takeovers: HashMap<Uid, (u64, Option<Timestamp>)>,
    /// Rows that roll out, and rows whose trouble was measured.
    rolling: BTreeSet<Uid>,
    onsets: BTreeSet<Uid>,
    /// Rows whose judgement can change by time alone, and the last of them whose turn it was.
    restless: BTreeSet<Uid>,
    turn: Option<Uid>,
    told: u64,
    tally: Tally,
}

/// What row 2 and the charts need of all rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many workloads there are.
    pub all: usize,
    /// How many of them are not well, and that is known.
    pub unwell: usize,
    /// How many cannot be judged.
    pub unknown: usize,
    /// Of how many requests are counted.
    pub measured: usize,
    /// The first that rolls out.
    pub rolling: Option<Uid>,
    /// When the trouble of the worst of them began, of those whose trouble was measured.
    pub onset: Option<Timestamp>,
}

/// What a judgement is taken from.
pub struct Grounds<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The signals.
    pub signals: &'a Signals,
    /// The alerts.
    pub alerts: &'a [Alert],
    /// The limits.
    pub limits: &'a Limits,
    /// The present.
    pub now: Timestamp,
}

impl Services {
    /// Judges workloads anew; those that are gone leave.
    pub fn refresh<'a>(&mut self, uids: impl IntoIterator<Item = &'a Uid>, grounds: &Grounds<'_>) {
        for uid in uids {
            if let Some(workload) = grounds.cluster.workload(uid) {
                let row = self.row(workload, grounds);
                let before = self.rows.insert(uid.clone(), row);
                self.follow(uid, before.as_ref());
            } else if let Some(before) = self.rows.remove(uid) {
                self.takeovers.remove(uid);
                self.follow(uid, Some(&before));
            }
        }
    }

    /// Keeps what rests on a row in step with it.
    fn follow(&mut self, uid: &Uid, before: Option<&ServiceRow>) {
        let now = self.rows.get(uid);
        let stands = |row: &ServiceRow| (row.level(), row.judgement.verdict.since);
        if before.map(stands) != now.map(stands) {
            self.moved.insert(uid.clone());
        }
        self.told += u64::from(before.map(tells) != now.map(tells));
        let counts = |row: Option<&ServiceRow>| {
            let level = row.map_or(Level::Healthy, ServiceRow::level);
            let requests = |signals: &ServiceSignals| signals.get(SignalName::Requests).value();
            let read = row.and_then(|row| row.signals.as_ref()).and_then(requests);
            [
                level >= Level::Watch,
                level == Level::Unknown,
                read.is_some(),
            ]
            .map(usize::from)
        };
        let ([unwell, unknown, read], was) = (counts(now), counts(before));
        self.tally.unwell = self.tally.unwell + unwell - was[0];
        self.tally.unknown = self.tally.unknown + unknown - was[1];
        self.tally.measured = self.tally.measured + read - was[2];
        let rolls = now.is_some_and(|row| row.rollout.state == RolloutState::Moving);
        let measured = now.is_some_and(|row| row.judgement.onset.is_some());
        let unsettled = now.is_some_and(|row| {
            row.level() != Level::Healthy || row.rollout.state != RolloutState::Done
        });
        for (set, holds) in [
            (&mut self.rolling, rolls),
            (&mut self.onsets, measured),
            (&mut self.restless, unsettled),
        ] {
            if holds {
                set.insert(uid.clone());
            } else {
                set.remove(uid);
            }
        }
    }

    /// Counts up whenever something changed that the list of changes rests on.
    pub fn told(&self) -> u64 {
        self.told
    }

    /// What is to be said of all rows.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Puts the rows in order: worst first, then longest-standing, then by name. Not while the cursor moves, unless rows came or went.
    pub fn arrange(&mut self, now: Timestamp, last_move: Option<Timestamp>) {
        let moving = last_move.is_some_and(|at| now.duration_since(at) < HOLD_STILL);
        let (rows, places) = (&self.rows, &self.places);
        let came_or_went = |uid: &Uid| rows.contains_key(uid) != places.contains_key(uid);
        if !moving || self.moved.iter().any(came_or_went) {
            for uid in std::mem::take(&mut self.moved) {
                self.put_in_place(uid);
            }
        }
        self.count();
    }

    fn put_in_place(&mut self, uid: Uid) {
        if let Some(old) = self.places.remove(&uid) {
            self.order.remove(&(old, uid.clone()));
        }
        if let Some(row) = self.rows.get(&uid) {
            looked::at_one();
            let place = place(row);
            self.places.insert(uid.clone(), place.clone());
            self.order.insert((place, uid));
        }
    }

    fn count(&mut self) {
        let first = |of: &BTreeSet<Uid>| {
            let placed = of
                .iter()
                .filter_map(|uid| Some((self.places.get(uid)?, uid)));
            placed.min().map(|(_, uid)| uid.clone())
        };
        let worst = first(&self.onsets).and_then(|uid| self.rows.get(&uid));
        let onset = worst.and_then(|row| row.judgement.onset);
        let rolling = first(&self.rolling);
        self.told += u64::from(self.tally.onset != onset);
        (self.tally.onset, self.tally.rolling) = (onset, rolling);
        self.tally.all = self.rows.len();
    }

    /// The rows in order.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &ServiceRow> {
        self.order.iter().filter_map(|(_, uid)| {
            looked::at_one();
            self.rows.get(uid)
        })
    }

    /// So many rows from there on.
    pub fn from(&self, from: usize, count: usize) -> Vec<&ServiceRow> {
        let uids = self.order.iter().skip(from).take(count);
        uids.filter_map(|(_, uid)| self.rows.get(uid)).collect()
    }

    /// How many rows are in order.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Where a row stands.
    pub fn position(&self, uid: &Uid) -> Option<usize> {
        let mut known = self.order.iter();
        known.position(|(_, known)| known == uid)
    }

    /// The rows whose trouble was measured, in no order.
    pub fn measured(&self) -> impl Iterator<Item = &ServiceRow> {
        self.onsets.iter().filter_map(|uid| self.rows.get(uid))
    }

    /// The row of one workload.
    pub fn get(&self, uid: &Uid) -> Option<&ServiceRow> {
        self.rows.get(uid)
    }

    /// The row of a workload by its reference.
    pub fn find(&self, object: &ObjectRef) -> Option<&ServiceRow> {
        self.rows.values().find(|row| row.object == *object)
    }

    /// Rows whose judgement can change by time alone: the foremost at every tick, of many others some in turn.
    pub fn restless(&mut self) -> BTreeSet<Uid> {
        let foremost = self.order.iter().take(AT_A_TICK).map(|(_, uid)| uid);
        let mut due: BTreeSet<Uid> = foremost
            .filter(|uid| self.restless.contains(*uid))
            .cloned()
            .collect();
        let from = self.turn.take().map_or(Bound::Unbounded, Bound::Excluded);
        let others = self.restless.range((from, Bound::Unbounded));
        let others: Vec<Uid> = others.take(AT_A_TICK).cloned().collect();
        self.turn = others.get(AT_A_TICK - 1).cloned();
        due.extend(others);
        due
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn row(&mut self, workload: &Workload, grounds: &Grounds<'_>) -> ServiceRow {
        let revisions = grounds.cluster.revisions_of(workload);
        let revision = current(workload, &revisions);
        let taken_over = self.taken_over(workload, revision, &revisions, grounds.now);
        let object = workload.object();
        let (namespace, name) = (&workload.namespace, &workload.name);
        let mut rollout = rollout_of(workload);
        // Pods that are well say nothing by themselves; only where none is ready does each of them count.
        let pods: Vec<(&Pod, Level)> = if workload.ready == 0 {
            let all = grounds.cluster.pods_of(workload);
            all.map(|pod| (pod, grounds.cluster.pod_level(pod)))
                .collect()
        } else {
            grounds.cluster.unwell_of(workload).collect()
        };
        let fails = |pod: &Pod, level| {
            level == Level::Failing
                && revision.is_some_and(|r| pod.owner.as_ref().is_some_and(|o| o.uid == r.uid))
        };
        if rollout.state == RolloutState::Moving
            && pods.iter().any(|(pod, level)| fails(pod, *level))
        {
            rollout.state = RolloutState::Stuck;
        }
        let signals = grounds.signals.reading(namespace, name);
        let before = self.rows.get(&workload.uid).map(|row| &row.judgement);
        let judgement = judge(&Evidence {
            workload,
            rollout: rollout.clone(),
            revision,
            taken_over,
            returned: taken_over
                .zip(revision.and_then(|revision| revision.created))
                .is_some_and(|(at, born)| workload.kind == WorkloadKind::Deployment && born < at),
            has_earlier: revisions.len() > 1,
            pods,
            all_pods: grounds.cluster.count_of(workload),
            new_serving: revision.map_or(0, |r| grounds.cluster.serving_of(&r.uid)),
            signals,
            errors: grounds.signals.errors(namespace, name),
            p99: grounds.signals.p99(namespace, name),
            measured: grounds.signals.measured(namespace, name)
                || !grounds.signals.answered() && grounds.signals.blind(grounds.now).is_some(),
            blind: grounds.signals.blind(grounds.now),
            alerts: grounds
                .alerts
                .iter()
                .filter(|alert| names(alert, workload))
                .collect(),
            thresholds: grounds.limits.of(name),
            now: grounds.now,
            known_onset: before
                .filter(|known| !known.beyond)
                .and_then(|known| known.onset),
            known_cause: before.and_then(|known| known.cause.as_ref()),
        });
        ServiceRow {
            uid: workload.uid.clone(),
            object,
            ready: workload.ready,
            desired: workload.desired,
            rollout,
            revision: workload.revision,
            version: workload.version_name().map(Arc::from),
            taken_over,
            signals: signals.cloned(),
            judgement,
        }
    }

    /// When the current revision took over: the birth of its ReplicaSet if that is the youngest; else when we saw the number change, or who wrote last says when.
    fn taken_over(
        &mut self,
        workload: &Workload,
        revision: Option<&Revision>,
        revisions: &[&Revision],
        now: Timestamp,
    ) -> Option<Timestamp> {
        if workload.kind != WorkloadKind::Deployment {
            return workload.writer.as_ref().and_then(|writer| writer.at);
        }
        let (number, revision) = (workload.revision?, revision?);
        let seen = match self.takeovers.get(&workload.uid) {
            Some((before, at)) if *before == number => *at,
            Some(_) => Some(now),
            None => None,
        };
        self.takeovers.insert(workload.uid.clone(), (number, seen));
        let youngest = revisions.iter().filter_map(|r| r.created).max();
        if revision.created.is_some() && revision.created == youngest {
            return revision.created;
        }
        let written = workload
            .writer
            .as_ref()
            .and_then(|writer| writer.at)
            .filter(|at| youngest.is_none_or(|born| *at > born));
        seen.or(written)
    }
}

/// The revision that the workload's template asks for.
pub fn current<'a>(workload: &Workload, revisions: &[&'a Revision]) -> Option<&'a Revision> {
    revisions
        .iter()
        .copied()
        .find(|r| r.number.is_some() && r.number == workload.revision)
        .or_else(|| revisions.first().copied())
}

/// Whether an alert speaks of a workload: by its namespace and one of the labels people use, or by the name of one of its pods.
fn names(alert: &Alert, workload: &Workload) -> bool {
    let here = alert
        .namespace()
        .is_none_or(|namespace| *namespace == workload.namespace);
    let pod = alert.labels.get("pod").is_some_and(|pod| {
        pod.strip_prefix(&*workload.name)
            .is_some_and(|rest| rest.starts_with('-'))
    });
    here && (alert.service() == Some(&workload.name) || pod)
}

/// What the list of changes tells of a row. Its few words count only with an onset: then they are its text.
fn tells(row: &ServiceRow) -> impl PartialEq + '_ {
    let judgement = &row.judgement;
    let why = judgement.onset.map(|_| &judgement.why);
    let at = (judgement.onset, row.taken_over);
    (at, judgement.rollback, &judgement.cause, why)
}

/// Worst first, then longest-standing, then by name.
type RowPlace = (
    Reverse<u8>,
    Reverse<Option<Reverse<Timestamp>>>,
    Arc<str>,
    Arc<str>,
);

fn place(row: &ServiceRow) -> RowPlace {
    let rank = match row.level() {
        Level::Failing => 3,
        Level::Watch => 2,
        Level::Unknown => 1,
        Level::Healthy => 0,
    };
    let since = row.judgement.verdict.since.map(Reverse);
    (
        Reverse(rank),
        Reverse(since),
        row.object.name.clone(),
        row.object.namespace.clone(),
    )
}
