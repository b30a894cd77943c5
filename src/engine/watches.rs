//! Standing watches: what the API server says, carried into facts.

use crate::app::kind::Kind;
use crate::app::message::{ClusterFact, Fact, WatchNews};
use crate::app::places::LOGIN_REFUSED;
use crate::app::stock::Roll;
use crate::domain::target::Scope;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{self as k8s, Cluster, Patience, Sighting};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Watches one kind until nobody listens. Where all namespaces may not be watched, the context's own is.
pub async fn watch(mut from: From, kind: Kind, facts: Sender<Fact>) {
    use ClusterFact as F;
    let workloads = move |roll| F::Workloads(kind, roll);
    if kind == Kind::Nodes {
        from.scope = Scope::All;
    }
    let to = Towards { from, kind, facts };
    match kind {
        Kind::Pods => to.carry::<k8s::Pods>(F::Pods).await,
        Kind::Deployments => to.carry::<k8s::Deployments>(workloads).await,
        Kind::StatefulSets => to.carry::<k8s::StatefulSets>(workloads).await,
        Kind::DaemonSets => to.carry::<k8s::DaemonSets>(workloads).await,
        Kind::ReplicaSets => to.carry::<k8s::ReplicaSets>(F::Revisions).await,
        Kind::Services => to.carry::<k8s::Services>(F::Services).await,
        Kind::Events => to.carry::<k8s::Events>(F::Events).await,
        Kind::Nodes => to.carry::<k8s::Nodes>(F::Nodes).await,
        Kind::Autoscalers => to.carry::<k8s::Autoscalers>(F::Autoscalers).await,
    }
}

/// Where a watch comes from.
pub struct From {
    /// The API server.
    pub cluster: Cluster,
    /// The namespace, or all.
    pub scope: Scope,
    /// How long it waits.
    pub patience: Patience,
}

/// Where a watch comes from and where its facts go.
struct Towards {
    from: From,
    kind: Kind,
    facts: Sender<Fact>,
}

impl Towards {
    async fn carry<K: k8s::Kind>(self, wrap: impl Fn(Roll<K::Row>) -> ClusterFact) {
        let From {
            cluster,
            scope,
            patience,
        } = &self.from;
        let fallback = Some(cluster.namespace().clone());
        let mut watch = cluster.watch_with::<K>(scope, fallback, *patience);
        while let Some(sighting) = watch.next().await {
            let (rows, news) = translate(sighting);
            let news = news.map(|news| ClusterFact::Watch(self.kind, news));
            for fact in rows.map(&wrap).into_iter().chain(news) {
                if self.facts.send(Fact::Cluster(fact)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// What is said of the objects, and what of the watch itself.
fn translate<T>(sighting: Sighting<T>) -> (Option<Roll<T>>, Option<WatchNews>) {
    match sighting {
        Sighting::Listing => (Some(Roll::Listing), None),
        Sighting::Rows(rows) => (Some(Roll::Rows(rows)), Some(WatchNews::Heard)),
        Sighting::Gone(uids) => (Some(Roll::Gone(uids)), Some(WatchNews::Heard)),
        Sighting::Listed => (Some(Roll::Listed), Some(WatchNews::Heard)),
        Sighting::Heard => (None, Some(WatchNews::Heard)),
        Sighting::Troubled(failure) => (None, Some(WatchNews::Troubled(why(&failure)))),
        Sighting::Denied(denial) => (None, Some(denied(&denial))),
        Sighting::Absent => (
            None,
            Some(WatchNews::Denied(
                "the server does not know this kind".into(),
            )),
        ),
        Sighting::Skipped(_) => (None, None),
    }
}

/// A refused login is told by one word of ours: the App offers the way to sign in again.
fn why(failure: &Failure) -> Arc<str> {
    match failure.kind {
        FailureKind::Unauthorized => LOGIN_REFUSED.into(),
        _ => failure.short(),
    }
}

fn denied(denial: &k8s::Denial) -> WatchNews {
    match &denial.narrowed_to {
        Some(namespace) => WatchNews::Narrowed(namespace.clone()),
        None => WatchNews::Denied(denial.short().into()),
    }
}
