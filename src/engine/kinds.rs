//! Any kind by name: found among what the server has, then watched as the server's own table.

use crate::app::message::Fact;
use crate::app::reading::ReadingNews;
use crate::app::stock::Roll;
use crate::app::table::TableNews;
use crate::domain::target::Scope;
use crate::domain::uid::Uid;
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::{Cluster, Known, Sighting, TableFact};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How long until a kind that was not found, or a server that did not answer, is asked again.
const AGAIN: Duration = Duration::from_secs(15);

/// Watches the kind of that name for as long as somebody listens.
pub async fn watch(cluster: Cluster, name: Arc<str>, scope: Scope, facts: Sender<Fact>) {
    let to = Towards { name, facts };
    let known = loop {
        match cluster.kind_named(&to.name).await {
            Ok(known) => break known,
            Err(failure) => {
                let why = match failure.kind {
                    FailureKind::NotFound => unknown(&cluster, &to.name).await,
                    _ => format!("{failure}. {}", failure.advice()),
                };
                if to.say(TableNews::Trouble(why.into())).await.is_none() {
                    return;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let _ = to.carry(&cluster, &known, &scope).await;
}

/// The kind's name by which it is found again, whatever else is called the same.
fn full(known: &Known) -> Arc<str> {
    let everyday = Known::everyday(&known.kind).is_some_and(|own| own.group == known.group);
    if known.group.is_empty() || everyday {
        known.kind.as_str().into()
    } else {
        format!("{}.{}", known.kind, known.group).into()
    }
}

async fn unknown(cluster: &Cluster, name: &str) -> String {
    let all = cluster.kinds().await.unwrap_or_default();
    let nearest =
        nearest(&all, name).map_or(String::new(), |near| format!(" Did you mean :{near}?"));
    format!("There is no command {name}, and the server has no kind called {name}.{nearest}")
}

/// The name most like the one given, where one is.
fn nearest<'a>(all: &'a [Known], name: &str) -> Option<&'a str> {
    let names = |known: &'a Known| {
        let short = known.short.iter().map(String::as_str);
        short.chain([known.plural.as_str(), known.singular.as_str()])
    };
    all.iter()
        .flat_map(names)
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

struct Towards {
    name: Arc<str>,
    facts: Sender<Fact>,
}

impl Towards {
    async fn say(&self, news: TableNews) -> Option<()> {
        let fact = Fact::Reading(ReadingNews::Table(self.name.clone(), news));
        self.facts.send(fact).await.ok()
    }

    /// Carries what is watched; `None` when nobody listens.
    async fn carry(&self, cluster: &Cluster, known: &Known, scope: &Scope) -> Option<()> {
        self.say(TableNews::Known {
            kind: full(known),
            plural: known.plural.as_str().into(),
            namespaced: known.namespaced,
        })
        .await?;
        if !known.verbs.iter().any(|verb| verb == "list") {
            let why = format!(
                "The server does not list {}; it has no table.",
                known.plural
            );
            return self.say(TableNews::Trouble(why.into())).await;
        }
        let fallback = Some(cluster.namespace().clone());
        let mut watch = cluster.watch_table(known, scope, fallback);
        while let Some(sighting) = watch.next().await {
            for news in translate(sighting) {
                self.say(news).await?;
            }
        }
        Some(())
    }
}

fn translate(sighting: Sighting<TableFact>) -> Vec<TableNews> {
    let gone = |uids: Vec<Uid>| vec![TableNews::Rows(Roll::Gone(uids))];
    match sighting {
        Sighting::Listing => vec![TableNews::Rows(Roll::Listing)],
        Sighting::Rows(facts) => rows(facts),
        Sighting::Gone(uids) => gone(uids),
        Sighting::Listed => vec![TableNews::Rows(Roll::Listed)],
        Sighting::Heard => vec![TableNews::Heard],
        Sighting::Troubled(failure) => vec![TableNews::Trouble(failure.short())],
        Sighting::Denied(denial) => {
            let trouble = TableNews::Trouble(denial.short().into());
            let narrowed = denial.narrowed_to.map(TableNews::Narrowed);
            [trouble].into_iter().chain(narrowed).collect()
        }
        Sighting::Absent => vec![TableNews::Trouble(
            "the server no longer has this kind".into(),
        )],
        Sighting::Skipped(_) => Vec::new(),
    }
}

fn rows(facts: Vec<TableFact>) -> Vec<TableNews> {
    let (mut news, mut rows) = (Vec::new(), Vec::new());
    for fact in facts {
        match fact {
            TableFact::Columns(columns) => news.push(TableNews::Columns(columns)),
            TableFact::Row(row) => rows.push(row),
        }
    }
    if !rows.is_empty() {
        news.push(TableNews::Rows(Roll::Rows(rows)));
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_kind_has_a_nearest_name_and_nonsense_has_none() {
        let known = Known {
            kind: "Ingress".into(),
            plural: "ingresses".into(),
            singular: "ingress".into(),
            short: vec!["ing".into()],
            group: "networking.k8s.io".into(),
            ..Known::default()
        };
        let all = [known.clone()];
        assert_eq!(nearest(&all, "ingreses"), Some("ingresses"));
        assert_eq!(nearest(&all, "frobnicators"), None);
        assert_eq!(&*full(&known), "Ingress.networking.k8s.io");
        assert_eq!(&*full(&Known::everyday("deploy").unwrap()), "Deployment");
    }
}
