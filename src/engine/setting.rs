//! What the tasks that find and poll sources share: what is named, how often is asked, what is wanted, where facts go.

use super::clock::Clock;
use crate::app::message::{Fact, SourceNews};
use crate::app::wants::Wants;
use crate::domain::link::Source;
use crate::domain::target::Scope;
use crate::platform::http::Direct;
use crate::platform::kubernetes::Cluster;
use crate::platform::prometheus::{Prometheus, Template};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What is to be polled: the wants of the moment, and how often it was told to ask at once.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// What is wanted.
    pub wants: Arc<Wants>,
    /// Counts up when somebody wants an answer at once.
    pub hurry: u64,
}

/// How a source is polled.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// How often.
    pub interval: Duration,
    /// The window of rates.
    pub window: SignedDuration,
    /// The windows of services that have one of their own.
    pub windows: Arc<BTreeMap<String, SignedDuration>>,
    /// Where.
    pub scope: Scope,
    /// The present.
    pub clock: Clock,
}

/// A way that somebody named.
#[derive(Debug, Clone)]
pub enum Way {
    /// Straight to an address.
    Address(Direct),
    /// To a Service, through the API server's proxy.
    Service {
        /// Its namespace.
        namespace: Arc<str>,
        /// Its name.
        name: Arc<str>,
        /// Its port, by number or name; empty for the only one.
        port: Arc<str>,
        /// The tenant: the name of a header and its value.
        tenant: Option<(Arc<str>, Arc<str>)>,
    },
}

/// What is known of where a source may be, before anything was asked.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// What the configuration names for this context: then nothing else is tried.
    pub named: Option<Way>,
    /// What the environment's variables name: the last resort.
    pub ambient: Option<Direct>,
}

/// How the sources of one target are found and read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Prometheus.
    pub prometheus: Sought,
    /// Alertmanager.
    pub alertmanager: Sought,
    /// Signals by queries of one's own.
    pub templates: Vec<Template>,
    /// How often pods are scraped where there is no Prometheus.
    pub scrape: Option<SignedDuration>,
    /// How often Alertmanager is asked, where not as often as Prometheus.
    pub alerts: Option<SignedDuration>,
}

/// A Prometheus that was found, and what is known of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub prometheus: Arc<Prometheus>,
    /// Whether any of its series carries the name of a pod of this cluster; `None` until it was asked.
    pub knows_pods: Option<bool>,
    /// The window of rates that its scrapes allow.
    pub window: SignedDuration,
}

/// Everything the tasks of this file share.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The API server.
    pub cluster: Cluster,
    /// What is named.
    pub sources: Arc<Sources>,
    /// How polled sources are asked.
    pub rhythm: Rhythm,
    /// What is wanted.
    pub orders: watch::Receiver<Orders>,
    /// Where facts go.
    pub facts: mpsc::Sender<Fact>,
}

impl Setting {
    /// Tells what a source says of itself. False when nobody listens.
    pub async fn say(&self, source: Source, news: SourceNews) -> bool {
        self.facts.send(Fact::Source(source, news)).await.is_ok()
    }

    /// Rests until it is time to look again, or somebody asks for everything anew. False when nobody listens.
    pub async fn rest(&mut self, rest: Duration) -> bool {
        let hurry = self.orders.borrow().hurry;
        let turn = tokio::time::sleep(rest);
        tokio::pin!(turn);
        loop {
            tokio::select! {
                () = &mut turn => return true,
                changed = self.orders.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                    if self.orders.borrow_and_update().hurry != hurry {
                        return true;
                    }
                }
            }
        }
    }
}
