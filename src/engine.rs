//! Runs effects: spawns watchers and polls, performs actions, reports facts back. Owns the clock.
//!
//! The engine compares what is wanted with what runs: it starts what is missing and ends what nobody wants.

mod acquaintance;
pub mod clock;
pub mod exports;
mod identity;
pub mod incidents;
mod kinds;
mod logs;
pub mod outside;
mod polls;
pub mod pruning;
mod quiet;
mod reading;
pub mod runs;
mod scrape;
pub mod setting;
pub mod sinks;
mod sources;
mod terminal;
mod texts;
pub mod timekeeping;
mod watches;

use crate::app::incidents::order::IncidentOrder;
use crate::app::kind::Kind;
use crate::app::message::{ClusterFact, Fact, WatchNews};
use crate::app::runs::order::RunOrder;
use crate::app::wants::Wants;
use crate::platform::alertmanager::Alertmanager;
use crate::platform::http::Transport;
use clock::Clock;
pub use identity::{EnvironmentOf, Place};
pub use outside::Outside;
use reading::Readers;
use setting::{Found, Orders, Rhythm, Setting};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
pub use terminal::Errand;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

/// Facts that may wait to be taken in; whoever finds the queue full waits.
pub const WAITING: usize = 256;

/// Everything that runs for one target. Dropping it ends all of it.
#[derive(Debug)]
pub struct Engine {
    outside: Outside,
    facts: mpsc::Sender<Fact>,
    watches: HashMap<Kind, AbortOnDropHandle<()>>,
    orders: watch::Sender<Orders>,
    /// Held so that these tasks end with the engine.
    polls: Vec<AbortOnDropHandle<()>>,
    runs: Option<runs::Desk>,
    incidents: Option<incidents::desk::Desk>,
    prometheus: watch::Receiver<Option<Found>>,
    alertmanager: watch::Receiver<Option<Arc<Alertmanager>>>,
    readers: Readers,
}

impl Engine {
    /// Begins: who are we and where is asked at once, everything else when it is wanted. Must be called inside a runtime.
    pub fn start(outside: Outside, environment: EnvironmentOf, facts: mpsc::Sender<Fact>) -> Self {
        let (orders, asked) = watch::channel(Orders::default());
        let setting = setting(&outside, asked, facts.clone());
        let (found, prometheus) = watch::channel(None);
        let signals = sources::signals(setting.clone(), found);
        let (found, alertmanager) = watch::channel(None);
        let alerts = sources::alerts(setting, found);
        let (cluster, scope) = (outside.cluster.clone(), outside.scope.clone());
        let identity = identity::ask(cluster, scope, environment, facts.clone());
        let polls = vec![
            AbortOnDropHandle::new(tokio::spawn(signals)),
            AbortOnDropHandle::new(tokio::spawn(alerts)),
            AbortOnDropHandle::new(tokio::spawn(identity)),
        ];
        Self {
            outside,
            facts,
            watches: HashMap::new(),
            orders,
            polls,
            runs: None,
            incidents: None,
            prometheus,
            alertmanager,
            readers: Readers::default(),
        }
    }

    /// The Prometheus of this target, once it is found, and whether it knows these pods: on one that does not, no gate passes.
    pub fn prometheus(&self) -> Option<Found> {
        self.prometheus.borrow().clone()
    }

    /// The Alertmanager of this target, once it is found.
    pub fn alertmanager(&self) -> Option<Arc<Alertmanager>> {
        self.alertmanager.borrow().clone()
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
            if !self.watches.contains_key(kind) {
                let watch = self.begin(*kind);
                self.watches.insert(*kind, watch);
            }
        }
        self.readers.reconcile(&self.outside, &self.facts, &wants);
        self.orders.send_if_modified(|orders| {
            let changed = *orders.wants != wants;
            if changed {
                orders.wants = Arc::new(wants);
            }
            changed
        });
    }

    /// A way that somebody named, as something to be asked.
    pub fn reach(&self, way: &setting::Way) -> Transport {
        sources::transport(&self.outside.cluster, way)
    }

    fn begin(&self, kind: Kind) -> AbortOnDropHandle<()> {
        let from = watches::From {
            cluster: self.outside.cluster.clone(),
            scope: self.outside.scope.clone(),
            patience: self.outside.patience,
        };
        let watch = watches::watch(from, kind, self.facts.clone());
        AbortOnDropHandle::new(tokio::spawn(watch))
    }

    /// Asks every polled source now, and lists anew what is watched: what a new list does not name is gone.
    pub fn ask_now(&mut self) {
        self.orders.send_modify(|orders| orders.hurry += 1);
        let kinds: Vec<Kind> = self.watches.keys().copied().collect();
        for kind in kinds {
            let watch = self.begin(kind);
            self.watches.insert(kind, watch);
        }
        self.readers.again();
        if let Some(desk) = &self.runs {
            desk.take(RunOrder::List);
            desk.take(RunOrder::Reread);
        }
    }

    /// Keeps runs from now on: lists those of before, begins and takes up.
    pub fn keep_runs(&mut self, keeping: runs::Keeping) {
        let outside = &self.outside;
        // What is kept is dated by the cluster's time.
        let time = timekeeping::keep(outside.clock.clone(), outside.cluster.clone());
        self.polls.push(AbortOnDropHandle::new(tokio::spawn(time)));
        self.incidents = Some(incidents::desk::Desk::open(incidents::desk::Means {
            ledger: incidents::Ledger {
                state: keeping.state.clone(),
                cleaner: keeping.rules.cleaner,
            },
            clock: outside.clock.clone(),
            cluster: outside.cluster.clone(),
            alertmanager: self.alertmanager.clone(),
            channels: keeping.rules.channels.clone(),
            facts: self.facts.clone(),
        }));
        self.runs = Some(runs::Desk::open(runs::Means {
            cluster: outside.cluster.clone(),
            scope: outside.scope.clone(),
            prometheus: self.prometheus.clone(),
            alertmanager: self.alertmanager.clone(),
            trusted: Arc::default(),
            vault: keeping.vault.clone(),
            window: outside.window,
            windows: outside.windows.clone(),
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

    /// Does something for incidents.
    pub fn attend(&self, order: IncidentOrder) {
        match &self.incidents {
            Some(desk) => desk.take(order),
            // The queue may be full; then the refusal is lost, and nothing was begun.
            None => drop(self.facts.try_send(runs::nowhere())),
        }
    }

    /// What needs the terminal: run it while the screen is left. It says what came of it.
    pub fn errand(&self, errand: Errand) -> impl Future<Output = Result<String, String>> + use<> {
        terminal::run(self.outside.clone(), errand)
    }

    /// The outside it runs on.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The present.
    pub fn clock(&self) -> &Clock {
        &self.outside.clock
    }
}

/// What the tasks that find and poll sources share.
fn setting(
    outside: &Outside,
    orders: watch::Receiver<Orders>,
    facts: mpsc::Sender<Fact>,
) -> Setting {
    Setting {
        cluster: outside.cluster.clone(),
        sources: outside.sources.clone(),
        rhythm: Rhythm {
            interval: Duration::try_from(outside.interval).unwrap_or(Duration::from_secs(5)),
            window: outside.window,
            windows: outside.windows.clone(),
            scope: outside.scope.clone(),
            clock: outside.clock.clone(),
        },
        orders,
        facts,
    }
}
