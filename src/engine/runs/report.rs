//! What everything that works for one run shares: with what, for which run, whom to tell, and the lock it holds.

use super::lease::Claims;
use super::means::Means;
use super::secrets::Secrets;
use crate::app::runs::news::RunNews;
use crate::journal::disk::Lock;
use crate::runbook::ids::RunId;
use crate::runbook::machine::Event;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Reports what happened to one run.
#[derive(Clone)]
pub struct Reporter {
    /// With what it is carried out.
    pub means: Arc<Means>,
    /// Which run.
    pub run: RunId,
    /// Who carries it out.
    pub by: Arc<str>,
    /// The lock of what is changed, once it was taken.
    pub held: Arc<Mutex<Option<Lock>>>,
    /// The secrets it has in hand.
    pub secrets: Arc<Secrets>,
    /// What it has to itself in the cluster.
    pub claims: Arc<Claims>,
}

impl Reporter {
    /// Tells an event.
    pub async fn tell(&self, event: Event) {
        let news = RunNews::Event(self.run.clone(), Box::new(event));
        self.means.tell(news).await;
    }
}
