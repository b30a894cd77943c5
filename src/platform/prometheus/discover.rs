//! Learning what a Prometheus holds: which metric families of a namespace, with which labels, and whether it knows this cluster's pods.

use super::families::{self, Catalogue};
use super::wire::{self, QueryFailure};
use super::{Prometheus, promql, seconds};
use crate::domain::target::Scope;
use crate::platform::http::{Body, Method, form};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, PoisonError};

/// How long what was learned of a source holds.
const CATALOGUE_HOLDS: SignedDuration = SignedDuration::from_mins(10);
/// How long it holds that nothing was found.
const EMPTY_HOLDS: SignedDuration = SignedDuration::from_secs(30);
/// Labels that may carry a pod's name.
const POD_LABELS: [&str; 5] = [
    "pod",
    "exported_pod",
    "kubernetes_pod_name",
    "pod_name",
    "k8s_pod_name",
];

/// A stretch that may have begun with its target tells only by so many scrapes.
const FEWEST_SCRAPES: u8 = 4;

impl Prometheus {
    /// What the source holds for a scope; learned in at most three requests, remembered, refreshed rarely.
    pub async fn discover(
        &self,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Arc<Catalogue>, QueryFailure> {
        let key = format!("{scope:?}");
        let known = self.remembered(&key);
        if let Some(known) = known {
            let age = now.duration_since(known.at);
            let holds = if known.is_empty() {
                EMPTY_HOLDS
            } else {
                CATALOGUE_HOLDS
            };
            if age >= SignedDuration::ZERO && age < holds {
                return Ok(known);
            }
        }
        let found = Arc::new(self.learn(scope, now).await?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, found.clone());
        Ok(found)
    }

    fn remembered(&self, key: &str) -> Option<Arc<Catalogue>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    async fn learn(&self, scope: &Scope, now: Timestamp) -> Result<Catalogue, QueryFailure> {
        let names = "/api/v1/label/__name__/values";
        let mut found = self.list(names, &families::selectors(scope), now).await?;
        let nameless = families::requests_among(&found).is_empty();
        if nameless && matches!(scope, Scope::Namespace(_)) {
            let anywhere = [families::selector_without_namespace()];
            found.extend(self.list(names, &anywhere, now).await?);
        }
        let requests = families::requests_among(&found);
        if requests.is_empty() {
            return Ok(families::catalogue(now, &found, &[]));
        }
        let selector = match scope {
            Scope::Namespace(_) if !nameless => families::selectors(scope),
            _ => vec![format!(
                "{{__name__=~{}}}",
                promql::quote(&promql::any_of(requests))
            )],
        };
        let labels = self.list("/api/v1/labels", &selector, now).await?;
        Ok(families::catalogue(now, &found, &labels))
    }

    async fn list(
        &self,
        path: &str,
        selectors: &[String],
        now: Timestamp,
    ) -> Result<Vec<String>, QueryFailure> {
        let (start, end) = (seconds(now - SignedDuration::from_mins(10)), seconds(now));
        let mut pairs = vec![("start", start.as_str()), ("end", end.as_str())];
        pairs.extend(selectors.iter().map(|s| ("match[]", s.as_str())));
        let query = form(pairs);
        let asked = self
            .transport
            .ask(Method::GET, &format!("{path}?{query}"), Body::Empty)
            .await?;
        Ok(wire::data(asked.0, &asked.1)?.result)
    }

    /// How far apart its scrapes are at most; `None` where the source cannot tell yet. Where it is young, or was away for a
    /// while, one stretch alone would make them look far apart: the densest of three tells.
    pub async fn scrape_interval(
        &self,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Option<SignedDuration>, QueryFailure> {
        let count = |selector: &str| {
            // A stretch that lies wholly in the past is not cut short by a target that has only just come.
            let past = format!("max(count_over_time(up{selector}[5m] offset 5m))");
            let recent = format!("max(count_over_time(up{selector}[5m]) >= {FEWEST_SCRAPES})");
            let last = format!("max(count_over_time(up{selector}[1m]) >= {FEWEST_SCRAPES}) * 5");
            let more = |a: &str, b: &str| format!("({a} > {b} or {b} or {a})");
            more(&more(&past, &recent), &last)
        };
        let promql = match scope {
            Scope::Namespace(name) => {
                let here = format!("{{namespace={}}}", promql::quote(name));
                format!("{} or {}", count(&here), count(""))
            }
            Scope::All => count(""),
        };
        let answered = self.query(now, &promql).await?;
        let scrapes = answered.result.first().map_or(0.0, |sample| sample.value);
        Ok((scrapes >= 2.0).then(|| SignedDuration::from_secs_f64((300.0 / scrapes).round())))
    }

    /// Namespace and name of pods that it scrapes, as its own series about them say; without ordinals, which every cluster has.
    pub async fn scraped_pods(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(Arc<str>, Arc<str>)>, QueryFailure> {
        let answered = self
            .query(now, "count by (namespace, pod) (up{pod!=\"\"})")
            .await?;
        let pods = answered.result.iter().filter_map(|sample| {
            let label = |name| sample.labels.get(name).map(|text| Arc::from(&**text));
            Some((label("namespace")?, label("pod")?))
        });
        Ok(pods
            .filter(|(_, pod): &(Arc<str>, Arc<str>)| !ordinal(pod))
            .collect())
    }

    /// Whether any series carries the name of one of these pods; without that, the source speaks of another cluster.
    pub async fn knows_pods(
        &self,
        pods: &[Arc<str>],
        now: Timestamp,
    ) -> Result<bool, QueryFailure> {
        let mut sample: Vec<&str> = pods.iter().map(|name| &**name).collect();
        // Ordinals such as `redis-0` are called the same in every cluster: they are asked about only for want of better ones.
        if !sample.iter().all(|name| ordinal(name)) {
            sample.retain(|name| !ordinal(name));
        }
        sample.truncate(20);
        if sample.is_empty() {
            return Err(QueryFailure::Question(
                "there are no pods to ask about".into(),
            ));
        }
        let names = promql::quote(&promql::any_of(sample));
        let counts = POD_LABELS.map(|label| format!("count({{{label}=~{names}}})"));
        let answered = self.query(now, &counts.join(" or ")).await?;
        Ok(answered.result.iter().any(|sample| sample.value > 0.0))
    }
}

/// Whether a pod is called by a number, as those of a StatefulSet are: the same in every cluster.
fn ordinal(name: &str) -> bool {
    let tail = name.rsplit('-').next().unwrap_or(name);
    tail.bytes().all(|byte| byte.is_ascii_digit())
}
