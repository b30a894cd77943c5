//! The rows of the overview: one per workload, judged, in an order that holds still.

use super::cluster::Cluster;
use super::judge::{Evidence, Judgement, judge};
use super::signals::Signals;
use super::stock::looked;
use crate::domain::alert::Alert;
use crate::domain::object::{ObjectRef, Uid};
use crate::domain::pod::Pod;
use crate::domain::rollout::{Revision, Rollout, RolloutState, rollout_of};
use crate::domain::signal::{ServiceSignals, Thresholds};
use crate::domain::verdict::Level;
use crate::domain::workload::{Workload, WorkloadKind};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Rows do not change places for this long after a cursor key.
const HOLD_STILL: SignedDuration = SignedDuration::from_secs(2);

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
    order: Vec<Uid>,
    /// When a revision was seen to take over, by workload and revision number.
    takeovers: HashMap<Uid, (u64, Option<Timestamp>)>,
    /// Whether a row came, went, or changed in what its place, the tally or the changes rest on.
    unsettled: bool,
    tally: Tally,
}

/// What row 2 and the charts need of all rows; made anew only when one of them changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many workloads there are.
    pub all: usize,
    /// How many of them are not well.
    pub unwell: usize,
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
                let now = self.rows.get(uid);
                self.unsettled |= !same(before.as_ref(), now);
            } else {
                self.unsettled |= self.rows.remove(uid).is_some();
                self.takeovers.remove(uid);
            }
        }
    }

    /// Whether something changed since the rows were last arranged that others rest on.
    pub fn unsettled(&self) -> bool {
        self.unsettled
    }

    /// What is to be said of all rows.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Puts the rows in order: worst first, then longest-standing, then by name. Not while the cursor moves, unless rows came or went.
    pub fn arrange(&mut self, now: Timestamp, last_move: Option<Timestamp>) {
        if !self.unsettled {
            return;
        }
        let moving = last_move.is_some_and(|at| now.duration_since(at) < HOLD_STILL);
        self.order.retain(|uid| self.rows.contains_key(uid));
        if moving && self.order.len() == self.rows.len() {
            self.count();
            return;
        }
        self.unsettled = false;
        let mut keyed: Vec<_> = self
            .rows
            .values()
            .map(|row| (place(row), row.uid.clone()))
            .collect();
        keyed.sort();
        self.order = keyed.into_iter().map(|(_, uid)| uid).collect();
        self.count();
    }

    fn count(&mut self) {
        let mut tally = Tally::default();
        for row in self.in_order() {
            tally.all += 1;
            tally.unwell += usize::from(row.level() != Level::Healthy);
            if tally.rolling.is_none() && row.rollout.state == RolloutState::Moving {
                tally.rolling = Some(row.uid.clone());
            }
            tally.onset = tally.onset.or(row.judgement.onset);
        }
        self.tally = tally;
    }

    /// The rows in order.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &ServiceRow> {
        self.order.iter().filter_map(|uid| {
            looked::at_one();
            self.rows.get(uid)
        })
    }

    /// The row of one workload.
    pub fn get(&self, uid: &str) -> Option<&ServiceRow> {
        self.rows.get(uid)
    }

    /// The row of a workload by its reference.
    pub fn find(&self, object: &ObjectRef) -> Option<&ServiceRow> {
        self.rows.values().find(|row| row.object == *object)
    }

    /// The rows whose judgement can change by time alone.
    pub fn restless(&self) -> Vec<Uid> {
        self.rows
            .values()
            .filter(|row| row.level() != Level::Healthy || row.rollout.state != RolloutState::Done)
            .map(|row| row.uid.clone())
            .collect()
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
        let level = |pod: &'_ Pod| grounds.cluster.pod_level(&pod.uid);
        let pods: Vec<(&Pod, Level)> = if workload.ready == 0 {
            let all = grounds.cluster.pods_of(workload);
            all.map(|pod| (pod, level(pod))).collect()
        } else {
            let unwell = grounds.cluster.unwell_of(workload);
            unwell.map(|pod| (pod, level(pod))).collect()
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
        let judgement = judge(&Evidence {
            workload,
            rollout: rollout.clone(),
            revision,
            taken_over,
            has_earlier: revisions.len() > 1,
            pods,
            all_pods: grounds.cluster.count_of(workload),
            new_serving: revision.map_or(0, |r| grounds.cluster.serving_of(&r.uid)),
            signals,
            errors: grounds.signals.errors(namespace, name),
            p99: grounds.signals.p99(namespace, name),
            measured: grounds.signals.measured(namespace, name),
            blind: grounds.signals.blind(grounds.now),
            alerts: grounds
                .alerts
                .iter()
                .filter(|alert| names(alert, workload))
                .collect(),
            thresholds: grounds.limits.of(name),
            now: grounds.now,
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

/// Whether two judgements of a workload are the same in all that its place, the tally and the changes rest on.
fn same(before: Option<&ServiceRow>, now: Option<&ServiceRow>) -> bool {
    let (Some(before), Some(now)) = (before, now) else {
        return false;
    };
    let (a, b) = (&before.judgement, &now.judgement);
    // The sentence of what is well counts its pods; nothing rests on that.
    let said = now.level() == Level::Healthy || a.verdict.reason == b.verdict.reason;
    said && before.level() == now.level()
        && a.verdict.since == b.verdict.since
        && (a.onset, a.rollback) == (b.onset, b.rollback)
        && a.cause == b.cause
        && a.why == b.why
        && before.rollout.state == now.rollout.state
        && before.taken_over == now.taken_over
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
