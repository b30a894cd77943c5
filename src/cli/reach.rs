//! Why a target says nothing: the questions a person would ask next, asked of the cluster itself, and the answer in one sentence
//! with what to do. Used by the headless commands when there is nothing to judge.

use super::exit::{Failed, UNKNOWN};
use super::session::Session;
use crate::config::mistake::nearest;
use crate::domain::link::{LinkState, Source};
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{Cluster, Right};
use std::time::Duration;

/// How long each question may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A failure in a sentence, with what to do.
pub fn sentence(failure: &Failure) -> String {
    format!("{failure}\n{}", failure.advice())
}

/// What is wrong with the target, where it can say nothing: no way to it, no login, no such namespace, no right to look.
pub async fn trouble(session: &Session) -> Option<Failed> {
    let app = &session.app;
    let blind = !matches!(
        app.link(Source::Kubernetes),
        LinkState::Live(_) | LinkState::Quiet(_)
    );
    let empty = app.services.in_order().next().is_none() && app.cluster.pods.is_empty();
    if !blind && !empty {
        return None;
    }
    let cluster = &session.engine.outside().cluster;
    let namespace = app.target.scope.namespace().map(|name| &**name);
    let asked = tokio::time::timeout(PATIENCE, of(cluster, namespace)).await;
    asked.unwrap_or_else(|_| {
        Some(Failed::new(
            UNKNOWN,
            format!(
                "{} does not answer\nCheck that it can be reached from here (VPN, proxy, address).",
                cluster.server()
            ),
        ))
    })
}

/// The same of a cluster and a namespace.
pub async fn of(cluster: &Cluster, namespace: Option<&str>) -> Option<Failed> {
    let unknown = |failure: &Failure| Some(Failed::new(UNKNOWN, sentence(failure)));
    if let Err(failure) = cluster.version().await {
        return unknown(&failure);
    }
    match cluster.identity().await {
        Err(failure) if failure.kind == FailureKind::Unauthorized => return unknown(&failure),
        // Whoever may not act as another is refused everything; that is the right to ask for.
        Err(failure) if impersonation(&failure) => {
            let advice = failure.advice();
            let sentence = format!("you may not act as somebody else (--as)\n{advice}");
            return Some(Failed::new(UNKNOWN, sentence));
        }
        _ => {}
    }
    if let Some(failed) = no_namespace(cluster, namespace).await {
        return Some(failed);
    }
    let right = Right {
        verb: "list".into(),
        resource: "pods".into(),
        namespace: namespace.unwrap_or_default().into(),
        ..Right::default()
    };
    let refused = match cluster.may(&right).await {
        Ok(access) => !access.allowed,
        // Whoever may not even ask has no rights at all.
        Err(failure) => matches!(failure.kind, FailureKind::Forbidden(_)),
    };
    let place = namespace.map_or("at cluster scope".to_owned(), |name| format!("in {name}"));
    let hint = namespace.map_or(" Or name a namespace with -n.", |_| "");
    refused.then(|| {
        Failed::new(
            UNKNOWN,
            format!("you may not list pods {place}\nAsk for the right to get, list and watch pods {place}.{hint}"),
        )
    })
}

/// Whether what is refused is to act as somebody else.
fn impersonation(failure: &Failure) -> bool {
    matches!(&failure.kind, FailureKind::Forbidden(rule) if rule.verb == "impersonate")
}

/// A namespace that does not exist, with the nearest that does.
async fn no_namespace(cluster: &Cluster, namespace: Option<&str>) -> Option<Failed> {
    let name = namespace?;
    match cluster.environment(name).await {
        Err(failure) if failure.kind == FailureKind::NotFound => {}
        _ => return None,
    }
    let others = cluster.namespaces().await.unwrap_or_default();
    let near = nearest(name, others.iter().map(|one| &*one.name));
    let meant = near.map_or("`vigie -A` shows all of them.".to_owned(), |near| {
        format!("Did you mean {near}?")
    });
    Some(Failed::usage(format!(
        "there is no namespace {name} in {}\n{meant}",
        cluster.context()
    )))
}
