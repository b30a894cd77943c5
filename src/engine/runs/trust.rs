//! Whose numbers a run may believe: those of the Prometheus that carries the names of this cluster's pods, waited for while
//! it is still searched for. A gate never passes, and no revision is chosen, on another cluster's figures.

use super::means::Means;
use super::state::{known, text};
use crate::platform::prometheus::Prometheus;
use crate::runbook::patch::ObjectRef;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

/// The longest wait for a search that has not come to anything yet.
const SEARCH: Duration = Duration::from_secs(15);
/// So many pods are asked about in one question.
const SOME: usize = 20;
/// And so many questions are asked at most.
const QUESTIONS: usize = 5;

/// The Prometheus whose series are about this object's cluster, or why there is none.
pub async fn prometheus(means: &Means, object: &ObjectRef) -> Result<Arc<Prometheus>, String> {
    let mut found = means.prometheus.clone();
    let searching = found.borrow().is_none();
    if searching {
        // Whoever searches says so when nothing was found, too: then this does not wait.
        let _ = timeout(SEARCH, found.changed()).await;
    }
    let source = means.prometheus().map_err(|why| why.to_string())?;
    let seen = means
        .prometheus
        .borrow()
        .as_ref()
        .and_then(|found| found.knows_pods);
    if seen == Some(true) || means.trusted.load(Ordering::Relaxed) {
        return Ok(source);
    }
    for names in pods(means, object).await?.chunks(SOME).take(QUESTIONS) {
        let knows = source.knows_pods(names, means.clock.now()).await;
        if knows.map_err(|failure| String::from(&*failure.short()))? {
            means.trusted.store(true, Ordering::Relaxed);
            return Ok(source);
        }
    }
    Err("Prometheus does not know these pods".to_owned())
}

/// The names of the pods beside the object, its own first.
async fn pods(means: &Means, object: &ObjectRef) -> Result<Vec<Arc<str>>, String> {
    let kind = known("Pod")?;
    let all = means.cluster.objects_of(&kind, &object.namespace, "").await;
    let all = all.map_err(|failure| failure.to_string())?;
    let mut names: Vec<Arc<str>> = all
        .iter()
        .map(|pod| text(&pod["metadata"]["name"]).into())
        .collect();
    names.sort_by_key(|name| !name.starts_with(object.name.as_str()));
    Ok(names)
}
