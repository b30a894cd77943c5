//! Whether a Prometheus is this cluster's: by the pods in view, and where it knows none of them, by the pods of whatever
//! it does scrape. A namespace that is not scraped makes no stranger of it.

use crate::domain::target::Scope;
use crate::platform::kubernetes::Cluster;
use crate::platform::prometheus::Prometheus;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many pods are asked about in one question.
const SOME: usize = 20;
/// So many namespaces that it scrapes are compared with the cluster's.
const PLACES: usize = 6;

/// Whom a source knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knows {
    /// Pods that are looked at.
    These,
    /// Pods of this cluster, but none that is looked at; or it cannot be told whose pods it knows.
    Others,
    /// No pod of this cluster.
    Nobody,
}

/// Asks; `None` where the source could not be asked.
pub async fn ask(
    source: &Prometheus,
    cluster: &Cluster,
    scope: &Scope,
    pods: &[Arc<str>],
    now: Timestamp,
) -> Option<Knows> {
    if any_of(source, pods, now).await? {
        return Some(Knows::These);
    }
    let scraped = source.scraped_pods(now).await.ok()?;
    if scraped.is_empty() {
        let sample = cluster.pod_names("").await;
        return Some(match sample {
            Ok(names) => by_name(scope, any_of(source, &names, now).await?),
            Err(_) => Knows::Others,
        });
    }
    let mut known = BTreeMap::<Arc<str>, BTreeSet<Arc<str>>>::new();
    for (namespace, pod) in scraped {
        known.entry(namespace).or_default().insert(pod);
    }
    let mut places: Vec<_> = known.into_iter().collect();
    // Where we look first, then where it knows most.
    places.sort_by_key(|(place, pods)| {
        let here = scope.namespace() == Some(place);
        (!here, std::cmp::Reverse(pods.len()))
    });
    let mut refused = false;
    for (place, pods) in places.into_iter().take(PLACES) {
        match cluster.pod_names(&place).await {
            Ok(names) if names.iter().any(|name| pods.contains(name)) => {
                return Some(by_name(scope, true).or_these(scope.holds(&place)));
            }
            Ok(_) => {}
            Err(_) => refused = true,
        }
    }
    Some(if refused {
        Knows::Others
    } else {
        Knows::Nobody
    })
}

impl Knows {
    fn or_these(self, these: bool) -> Self {
        if these { Self::These } else { self }
    }
}

/// What an answer about pods of the whole cluster says of those that are looked at.
fn by_name(scope: &Scope, any: bool) -> Knows {
    match (any, scope) {
        (false, _) => Knows::Nobody,
        (true, Scope::All) => Knows::These,
        (true, Scope::Namespace(_)) => Knows::Others,
    }
}

/// Whether a source knows any of these pods, a handful at a time; `None` where it could not be asked.
async fn any_of(source: &Prometheus, pods: &[Arc<str>], now: Timestamp) -> Option<bool> {
    for some in pods.chunks(SOME) {
        if source.knows_pods(some, now).await.ok()? {
            return Some(true);
        }
    }
    Some(false)
}
