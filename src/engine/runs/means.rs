//! What carrying a run out takes: the platform, the clock, where the record is kept, and whom to tell.

use crate::app::message::{Fact, Notice};
use crate::app::runs::news::RunNews;
use crate::app::runs::shelf::Book;
use crate::app::services::Limits;
use crate::domain::target::Scope;
use crate::engine::clock::Clock;
use crate::engine::identity::EnvironmentOf;
use crate::engine::incidents::Ledger;
use crate::engine::setting::Found;
use crate::platform::alertmanager::Alertmanager;
use crate::platform::kubernetes::Cluster;
use crate::platform::prometheus::Prometheus;
use crate::platform::vault::Vault;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

/// Reads every runbook there is; it may block.
pub type Shelf = Arc<dyn Fn() -> Vec<Book> + Send + Sync>;

/// Where runs are kept and what governs them.
#[derive(Clone)]
pub struct Keeping {
    /// The state directory.
    pub state: PathBuf,
    /// Which environment a place is in.
    pub environment: EnvironmentOf,
    /// What counted as good for a revision.
    pub limits: Limits,
    /// What holds for them.
    pub rules: super::policy::Rules,
    /// The target's Vault, where one is named.
    pub vault: Option<Vault>,
    /// Reads the runbooks anew.
    pub shelf: Shelf,
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeping({})", self.state.display())
    }
}

/// Everything a run is carried out with.
#[derive(Debug, Clone)]
pub struct Means {
    /// The API server.
    pub cluster: Cluster,
    /// What is looked at.
    pub scope: Scope,
    /// The Prometheus of the target, once it is found.
    pub prometheus: watch::Receiver<Option<Found>>,
    /// The Alertmanager of the target, once it is found.
    pub alertmanager: watch::Receiver<Option<Arc<Alertmanager>>>,
    /// Whether this run's pods were found in its series.
    pub trusted: Arc<AtomicBool>,
    /// The target's Vault, where one is named.
    pub vault: Option<Vault>,
    /// The window of rates.
    pub window: SignedDuration,
    /// The windows of services that have one of their own.
    pub windows: Arc<BTreeMap<String, SignedDuration>>,
    /// The present.
    pub clock: Clock,
    /// Where runs are kept.
    pub keeping: Keeping,
    /// Who listens.
    pub facts: Sender<Fact>,
}

impl Means {
    /// The Prometheus whose numbers may be believed, or why there is none: on one that does not know these pods no gate passes.
    pub fn prometheus(&self) -> Result<Arc<Prometheus>, Arc<str>> {
        match &*self.prometheus.borrow() {
            Some(found) if found.knows_pods == Some(false) => {
                Err("Prometheus does not know these pods".into())
            }
            Some(found) => Ok(found.prometheus.clone()),
            None => Err("there is no Prometheus".into()),
        }
    }

    /// The window of a service's rates: the one its scrapes allow, unless it has a longer one of its own.
    pub fn window_of(&self, service: &str) -> SignedDuration {
        let found = self.prometheus.borrow().as_ref().map(|found| found.window);
        let general = found.unwrap_or(self.window);
        let least = if general > self.window {
            general
        } else {
            SignedDuration::ZERO
        };
        let own = self.windows.get(service).copied();
        own.unwrap_or(general).max(least)
    }

    /// Where incidents are kept.
    pub fn incidents(&self) -> Ledger {
        Ledger {
            state: self.keeping.state.clone(),
            cleaner: self.keeping.rules.cleaner,
        }
    }

    /// Says in the last row what went wrong beside the work.
    pub async fn warn(&self, text: String) {
        let notice = Notice { text, error: true };
        // Nobody may listen any more when the program is ending.
        let _ = self.facts.send(Fact::Notice(notice)).await;
    }

    /// Tells what happened; nobody may listen any more when the program is ending.
    pub async fn tell(&self, news: RunNews) {
        let _ = self.facts.send(Fact::Run(news)).await;
    }
}
