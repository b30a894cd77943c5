//! What is read once: an object in words or as YAML, the contexts, the namespaces. Secrets come masked from the platform.

use super::outside::Outside;
use crate::app::message::Fact;
use crate::app::places::{ContextPlace, NamespacePlace, PlacesNews, PlacesWant};
use crate::app::reading::ReadingNews;
use crate::app::text::{Manner, TextNews, TextWant};
use crate::platform::failure::Failure;
use crate::platform::kubernetes::{Cluster, contexts};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

fn sentence(failure: &Failure) -> Arc<str> {
    format!("{failure}. {}", failure.advice()).into()
}

/// Reads a document.
pub async fn read(cluster: Cluster, want: TextWant, facts: Sender<Fact>) {
    let read = match want.manner {
        Manner::Described => cluster.describe(&want.object).await.map(|found| {
            let events = found.events.map_err(|failure| failure.short());
            TextNews::Described(Box::new(found.object), events)
        }),
        Manner::Yaml => cluster.yaml(&want.object).await.map(TextNews::Yaml),
    };
    let news = read.unwrap_or_else(|failure| TextNews::Failed(sentence(&failure)));
    // Nobody listens any more when the console is ending.
    let _ = facts
        .send(Fact::Reading(ReadingNews::Text(want, news)))
        .await;
}

/// Lists places to go to.
pub async fn places(outside: Outside, want: PlacesWant, facts: Sender<Fact>) {
    let news = match want {
        PlacesWant::Contexts(_) => PlacesNews::Contexts(kubeconfig(&outside)),
        PlacesWant::Namespaces(_) => {
            let found = outside.cluster.namespaces().await;
            let place = |found: crate::platform::kubernetes::read::Namespace| NamespacePlace {
                name: found.name,
                environment: found.environment,
                going: found.going,
            };
            let found = found.map(|all| all.into_iter().map(place).collect());
            PlacesNews::Namespaces(found.map_err(|failure| sentence(&failure)))
        }
    };
    let _ = facts.send(Fact::Reading(ReadingNews::Places(news))).await;
}

/// The contexts of the kubeconfig; none for a cluster that was named by its address.
fn kubeconfig(outside: &Outside) -> Result<Vec<ContextPlace>, Arc<str>> {
    if outside.options.server.is_some() {
        return Ok(Vec::new());
    }
    let found = contexts(&outside.options).map_err(|failure| sentence(&failure))?;
    let place = |info: crate::platform::kubernetes::ContextInfo| ContextPlace {
        name: info.name.into(),
        server: info.server.into(),
        namespace: info.namespace.map(Into::into),
        plugin: info.plugin.map(Into::into),
    };
    Ok(found.into_iter().map(place).collect())
}
