//! Whose numbers these are: finds the Prometheus and the Alertmanager of the target, off the first frame's path, and keeps
//! them polled. What the configuration names for the context is taken as it is; else a Service of this cluster that looks
//! like one, through the API server's proxy; else what the environment's variables name; else there is none, and why.

use super::clock::Clock;
use super::polls::{self, Ended};
use super::scrape::{self, Pages};
use super::setting::{Found, Setting, Way};
use crate::app::message::SourceNews;
use crate::domain::link::Source;
use crate::platform::alertmanager::Alertmanager;
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::http::{Body, HttpFailure, PATIENCE, Relay, Transport};
use crate::platform::kubernetes::Cluster;
use crate::platform::kubernetes::proxy::{Candidate, Looks, Proxy};
use crate::platform::prometheus::Prometheus;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Where there is none, it is looked for again after so long.
const REST: Duration = Duration::from_mins(1);
/// Where it could not even be looked for, after so long.
const SOON: Duration = Duration::from_secs(5);
/// So many likely Services are tried.
const TRIED: usize = 3;
/// Where sources usually live, for those who may not search the whole cluster.
const USUAL: [&str; 4] = ["monitoring", "observability", "prometheus", "kube-system"];

/// What one look for a source came to.
enum Look {
    /// This way; `searched` where nobody named it, so that it is looked for again when it is lost.
    Found { way: Transport, searched: bool },
    /// There is none.
    None(Arc<str>),
    /// The cluster could not be asked.
    Later(Arc<str>),
}

/// Services that look like sources, the likeliest first. Boxed, because a list of borrowed places keeps a question from
/// moving between threads.
fn search(cluster: Cluster) -> BoxFuture<'static, Result<Vec<Candidate>, Failure>> {
    Box::pin(async move {
        let own = cluster.namespace().clone();
        let mut places = USUAL.to_vec();
        places.push(&own);
        cluster.find_sources(&places).await
    })
}

impl Setting {
    /// Looks for a source; asks nothing where one is named.
    fn look(&self, looks: Looks) -> BoxFuture<'_, Look> {
        Box::pin(self.looked(looks))
    }

    async fn looked(&self, looks: Looks) -> Look {
        let sought = match looks {
            Looks::Prometheus => &self.sources.prometheus,
            Looks::Alertmanager => &self.sources.alertmanager,
        };
        if let Some(way) = &sought.named {
            let way = transport(&self.cluster, way);
            return Look::Found {
                way,
                searched: false,
            };
        }
        let services = search(self.cluster.clone()).await;
        let candidates: Vec<Candidate> = services
            .iter()
            .flatten()
            .filter(|candidate| candidate.looks == looks)
            .take(TRIED)
            .cloned()
            .collect();
        let mut why = None;
        for candidate in candidates {
            let way = through(&self.cluster, &candidate);
            match answers(looks, &way, &self.rhythm.clock).await {
                Ok(()) => {
                    let searched = true;
                    return Look::Found { way, searched };
                }
                Err(failure) => why = why.or_else(|| Some(format!("{}: {failure}", way.address()))),
            }
        }
        if let Some(direct) = &sought.ambient {
            return Look::Found {
                way: Transport::Direct(direct.clone()),
                searched: false,
            };
        }
        let name = word(looks);
        match (services, why) {
            (_, Some(why)) => {
                Look::None(format!("{name} was found but cannot be read ({why})").into())
            }
            (Ok(_), None) => Look::None(
                format!(
                    "no {name} is configured for this context, and no Service here looks like one"
                )
                .into(),
            ),
            (Err(failure), None) => Look::Later(failure.short()),
        }
    }
}

fn word(looks: Looks) -> &'static str {
    match looks {
        Looks::Prometheus => "Prometheus",
        Looks::Alertmanager => "Alertmanager",
    }
}

/// Finds Prometheus and keeps it polled; where there is none, the pods' own pages stand in.
pub async fn signals(mut setting: Setting, found: watch::Sender<Option<Found>>) {
    let mut pages = Pages::new(&setting.cluster);
    let mut said: Option<Arc<str>> = None;
    loop {
        let rest = match setting.look(Looks::Prometheus).await {
            Look::Found { way, searched } => {
                let templates = setting.sources.templates.clone();
                let source = Arc::new(Prometheus::new(way, templates));
                found.send_replace(Some(Found {
                    prometheus: source,
                    knows_pods: None,
                    window: setting.rhythm.window,
                }));
                said = None;
                let poll: BoxFuture<'_, Ended> =
                    Box::pin(polls::prometheus(&mut setting, &found, searched));
                if poll.await == Ended::Closed {
                    return;
                }
                found.send_replace(None);
                Duration::ZERO
            }
            Look::None(why) => {
                // The same again, for those who wait for the search to end.
                found.send_replace(None);
                if said.as_ref() != Some(&why) {
                    let absent = SourceNews::Absent(why.clone());
                    if !setting.say(Source::Prometheus, absent).await {
                        return;
                    }
                    said = Some(why.clone());
                }
                if let Some(interval) = setting.sources.scrape {
                    let turns = scrape::Turns {
                        interval,
                        rest: REST,
                        why,
                    };
                    let turn: BoxFuture<'_, bool> =
                        Box::pin(scrape::stand_in(&mut setting, &mut pages, turns));
                    if !turn.await {
                        return;
                    }
                    Duration::ZERO
                } else {
                    REST
                }
            }
            Look::Later(why) => {
                found.send_replace(None);
                let troubled = SourceNews::Troubled(why);
                if !setting.say(Source::Prometheus, troubled).await {
                    return;
                }
                SOON
            }
        };
        if !setting.rest(rest).await {
            return;
        }
    }
}

/// Finds Alertmanager and keeps it polled.
pub async fn alerts(mut setting: Setting, found: watch::Sender<Option<Arc<Alertmanager>>>) {
    if let Some(interval) = setting.sources.alerts {
        setting.rhythm.interval = Duration::try_from(interval).unwrap_or(setting.rhythm.interval);
    }
    loop {
        let (rest, news) = match setting.look(Looks::Alertmanager).await {
            Look::Found { way, searched } => {
                let source = Arc::new(Alertmanager::new(way));
                found.send_replace(Some(source.clone()));
                let ended = polls::alertmanager(source, &mut setting, searched).await;
                if ended == Ended::Closed {
                    return;
                }
                found.send_replace(None);
                continue;
            }
            Look::None(why) => (REST, SourceNews::Absent(why)),
            Look::Later(why) => (SOON, SourceNews::Troubled(why)),
        };
        if !setting.say(Source::Alertmanager, news).await || !setting.rest(rest).await {
            return;
        }
    }
}

/// Whether what stands behind a way is what it looks like.
async fn answers(looks: Looks, way: &Transport, clock: &Clock) -> Result<(), String> {
    match looks {
        Looks::Prometheus => {
            let asked = Prometheus::new(way.clone(), Vec::new());
            let answer = asked.query(clock.now(), "vector(1)").await;
            answer.map(drop).map_err(|failure| failure.short())
        }
        Looks::Alertmanager => {
            let answer = Alertmanager::new(way.clone()).status().await;
            answer.map(drop).map_err(|failure| failure.short())
        }
    }
}

/// The transport of a way that somebody named.
pub fn transport(cluster: &Cluster, way: &Way) -> Transport {
    match way {
        Way::Address(direct) => Transport::Direct(direct.clone()),
        Way::Service {
            namespace,
            name,
            port,
            tenant,
        } => {
            let mut proxy = cluster.service_proxy(namespace, name, port);
            if let Some((header, tenant)) = tenant {
                proxy = proxy.header(header, tenant);
            }
            relay(proxy)
        }
    }
}

fn through(cluster: &Cluster, candidate: &Candidate) -> Transport {
    let port = candidate.port.to_string();
    relay(cluster.service_proxy(&candidate.namespace, &candidate.name, &port))
}

/// A transport through the API server.
fn relay(proxy: Proxy) -> Transport {
    let name = format!("{} through the API server", proxy.name()).into();
    let relay: Relay = Arc::new(move |question| {
        let proxy = proxy.clone();
        Box::pin(async move {
            // A posted question needs the right to create; asked in the path, the right to get is enough.
            if matches!(question.body, Body::Form(_)) {
                return Ok((405, bytes::Bytes::new()));
            }
            let answer = proxy.carry(question).await;
            answer.map_err(|failure| carried(&failure))
        })
    });
    Transport::Relay { name, relay }
}

/// A failure of the API server's, as a failure of the way.
fn carried(failure: &Failure) -> HttpFailure {
    match &failure.kind {
        FailureKind::Timeout => HttpFailure::Timeout(PATIENCE),
        FailureKind::Forbidden(rule) => HttpFailure::Status(
            403,
            format!(
                "may not {} {} in {}",
                rule.verb, rule.resource, rule.namespace
            ),
        ),
        FailureKind::Interrupted => HttpFailure::CutOff,
        FailureKind::Malformed => HttpFailure::Malformed(failure.short().to_string()),
        FailureKind::Server(status) => {
            HttpFailure::Status(*status, "nothing answers behind the API server".into())
        }
        _ => HttpFailure::Unreachable(failure.short().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_said_as_one() {
        let rule = crate::platform::failure::Rule {
            verb: "get".into(),
            resource: "services/proxy".into(),
            namespace: "monitoring".into(),
            name: String::new(),
            user: String::new(),
        };
        let failure = Failure::new(FailureKind::Forbidden(Box::new(rule)), "", "", "");
        assert_eq!(
            carried(&failure).short(),
            "HTTP 403: may not get services/proxy in monitoring"
        );
    }
}
