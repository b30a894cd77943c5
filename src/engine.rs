//! Runs effects: spawns watchers and polls, performs actions, reports facts back. Owns the clock.
//!
//! The engine compares what is wanted with what runs: it starts what is missing and ends what nobody wants.

pub mod clock;
mod polls;
pub mod runs;
mod watches;

use crate::app::kind::Kind;
use crate::app::message::{ClusterFact, Fact, SourceNews, WatchNews};
use crate::app::runs::order::RunOrder;
use crate::app::wants::Wants;
use crate::domain::link::Source;
use crate::domain::target::{Environment, Scope};
use crate::platform::alertmanager::Alertmanager;
use crate::platform::kubernetes::Cluster;
use crate::platform::prometheus::Prometheus;
use clock::Clock;
use jiff::SignedDuration;
use polls::{Orders, Rhythm};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

/// Facts that may wait to be taken in; whoever finds the queue full waits.
pub const WAITING: usize = 256;

/// The outside as it was found for one target.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The API server.
    pub cluster: Cluster,
    /// Prometheus, or why there is none.
    pub prometheus: Result<Arc<Prometheus>, Arc<str>>,
    /// Alertmanager, or why there is none.
    pub alertmanager: Result<Arc<Alertmanager>, Arc<str>>,
    /// Where to look.
    pub scope: Scope,
    /// How often polled sources are asked.
    pub interval: SignedDuration,
    /// The window of rates.
    pub window: SignedDuration,
    /// The present.
    pub clock: Clock,
}

/// Decides the environment from what the cluster says of itself: its uid, and the label of the namespace.
pub type EnvironmentOf = Arc<dyn Fn(Option<&str>, Option<&str>) -> Environment + Send + Sync>;

/// Everything that runs for one target. Dropping it ends all of it.
#[derive(Debug)]
pub struct Engine {
    outside: Outside,
    facts: mpsc::Sender<Fact>,
    watches: HashMap<Kind, AbortOnDropHandle<()>>,
    orders: watch::Sender<Orders>,
    polls: Vec<AbortOnDropHandle<()>>,
    runs: Option<runs::Desk>,
}

impl Engine {
    /// Begins: who are we and where is asked at once, everything else when it is wanted. Must be called inside a runtime.
    pub fn start(outside: Outside, environment: EnvironmentOf, facts: mpsc::Sender<Fact>) -> Self {
        let (orders, _) = watch::channel(Orders::default());
        let mut engine = Self {
            outside,
            facts,
            watches: HashMap::new(),
            orders,
            polls: Vec::new(),
            runs: None,
        };
        engine.spawn_polls();
        let identity = identity(engine.outside.clone(), environment, engine.facts.clone());
        engine
            .polls
            .push(AbortOnDropHandle::new(tokio::spawn(identity)));
        engine
    }

    fn spawn_polls(&mut self) {
        let Outside {
            interval,
            window,
            scope,
            clock,
            ..
        } = self.outside.clone();
        let interval = Duration::try_from(interval).unwrap_or(Duration::from_secs(5));
        let rhythm = Rhythm {
            interval,
            window,
            scope,
            clock,
        };
        match &self.outside.prometheus {
            Ok(source) => {
                let poll = polls::prometheus(
                    source.clone(),
                    rhythm.clone(),
                    self.orders.subscribe(),
                    self.facts.clone(),
                );
                self.polls.push(AbortOnDropHandle::new(tokio::spawn(poll)));
            }
            Err(why) => self.absent(Source::Prometheus, why.clone()),
        }
        match &self.outside.alertmanager {
            Ok(source) => {
                let poll = polls::alertmanager(
                    source.clone(),
                    rhythm,
                    self.orders.subscribe(),
                    self.facts.clone(),
                );
                self.polls.push(AbortOnDropHandle::new(tokio::spawn(poll)));
            }
            Err(why) => self.absent(Source::Alertmanager, why.clone()),
        }
    }

    fn absent(&mut self, source: Source, why: Arc<str>) {
        let facts = self.facts.clone();
        let said = async move {
            // Nobody listens any more when the console is ending.
            let _ = facts
                .send(Fact::Source(source, SourceNews::Absent(why)))
                .await;
        };
        self.polls.push(AbortOnDropHandle::new(tokio::spawn(said)));
    }

    /// Starts what is wanted and does not run, ends what runs and is not wanted.
    pub fn reconcile(&mut self, wants: Wants) {
        let ended: Vec<Kind> = self
            .watches
            .keys()
            .copied()
            .filter(|kind| !wants.watches.contains(kind))
            .collect();
        for kind in ended {
            self.watches.remove(&kind);
            // The queue may be full; then the kind's rows are simply kept a little longer.
            let _ = self
                .facts
                .try_send(Fact::Cluster(ClusterFact::Watch(kind, WatchNews::Closed)));
        }
        for kind in &wants.watches {
            self.watches.entry(*kind).or_insert_with(|| {
                let (cluster, scope) = (self.outside.cluster.clone(), self.outside.scope.clone());
                let watch = watches::watch(cluster, *kind, scope, self.facts.clone());
                AbortOnDropHandle::new(tokio::spawn(watch))
            });
        }
        self.orders.send_if_modified(|orders| {
            let changed = *orders.wants != wants;
            if changed {
                orders.wants = Arc::new(wants);
            }
            changed
        });
    }

    /// Asks every polled source now.
    pub fn ask_now(&self) {
        self.orders.send_modify(|orders| orders.hurry += 1);
    }

    /// Keeps runs from now on: lists those of before, begins and takes up.
    pub fn keep_runs(&mut self, keeping: runs::Keeping) {
        let outside = &self.outside;
        self.runs = Some(runs::Desk::open(runs::Means {
            cluster: outside.cluster.clone(),
            prometheus: outside.prometheus.clone(),
            window: outside.window,
            clock: outside.clock.clone(),
            keeping,
            facts: self.facts.clone(),
        }));
    }

    /// Does something for runs.
    pub fn carry(&self, order: RunOrder) {
        match &self.runs {
            Some(desk) => desk.take(order),
            // The queue may be full; then the refusal is lost, and nothing was begun.
            None => drop(self.facts.try_send(runs::nowhere())),
        }
    }

    /// The present.
    pub fn clock(&self) -> &Clock {
        &self.outside.clock
    }
}

/// Who we are, which cluster this is, and so which environment; asked until it is answered.
async fn identity(outside: Outside, environment: EnvironmentOf, facts: mpsc::Sender<Fact>) {
    let cluster = outside.cluster;
    let user = cluster
        .identity()
        .await
        .ok()
        .map(|identity| Arc::from(identity.username));
    let uid = cluster.cluster_uid().await.ok();
    let label = match outside.scope.namespace() {
        Some(namespace) => cluster.environment(namespace).await.ok().flatten(),
        None => None,
    };
    let environment = environment(uid.as_deref(), label.as_deref());
    let _ = facts
        .send(Fact::Identity {
            user,
            cluster_uid: uid,
            environment,
        })
        .await;
}
