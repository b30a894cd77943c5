//! Signals where there is no Prometheus: the pods' own pages, read through the API server's pod proxy, a few at a time.
//! Who is scraped is the App's to say; how pages become signals is the platform's.

use super::setting::Setting;
use crate::app::message::{Fact, SourceNews};
use crate::app::wants::Page;
use crate::domain::link::Source;
use crate::domain::signal::{Reading, ServiceSignals, SignalName};
use crate::platform::failure::FailureKind;
use crate::platform::http::{HttpFailure, PATIENCE};
use crate::platform::kubernetes::Cluster;
use crate::platform::scrape::{Getter, Scraper, Target};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What remembers the last page of each pod.
#[derive(Debug)]
pub struct Pages(Scraper);

/// How long and how often the pages stand in.
#[derive(Debug)]
pub struct Turns {
    /// Between two scrapes.
    pub interval: SignedDuration,
    /// After this long, Prometheus is looked for again.
    pub rest: Duration,
    /// Why there is no Prometheus.
    pub why: Arc<str>,
}

impl Pages {
    /// Nothing was scraped yet.
    pub fn new(cluster: &Cluster) -> Self {
        let cluster = cluster.clone();
        let get: Getter = Arc::new(move |target: Target| {
            let proxy = cluster.pod_proxy(&target.namespace, &target.pod, target.port);
            Box::pin(async move {
                match proxy.get(&target.path).await {
                    Ok((200, page)) => Ok(page),
                    Ok((status, said)) => Err(HttpFailure::status(status, &said)),
                    Err(failure) => Err(match failure.kind {
                        FailureKind::Timeout => HttpFailure::Timeout(PATIENCE),
                        _ => HttpFailure::Unreachable(failure.short().to_string()),
                    }),
                }
            })
        });
        Self(Scraper::new(get))
    }
}

/// Scrapes until it is time to look for Prometheus again. False when nobody listens.
pub async fn stand_in(setting: &mut Setting, pages: &mut Pages, turns: Turns) -> bool {
    let began = Instant::now();
    let interval = Duration::try_from(turns.interval).unwrap_or(Duration::from_secs(15));
    loop {
        let wants = setting.orders.borrow_and_update().wants.clone();
        let mut readable = true;
        if wants.signals && !wants.pages.is_empty() {
            let targets: Vec<Target> = wants.pages.iter().map(target).collect();
            let readings = pages.0.read(setting.rhythm.clock.now(), &targets).await;
            readable = readings.iter().any(measured);
            let news = if readable {
                SourceNews::Scraped(turns.interval)
            } else {
                let first = readings.first().map(|r| r.get(SignalName::Requests));
                let detail = match first {
                    Some(Reading::Unknown(why)) => format!("; the pods' own pages: {why}"),
                    _ => String::new(),
                };
                SourceNews::Absent(format!("{}{detail}", turns.why).into())
            };
            // The news first: how readings are kept depends on where they come from.
            if !setting.say(Source::Prometheus, news).await {
                return false;
            }
            let readings = Fact::Signals(readings, Arc::default());
            if readable && setting.facts.send(readings).await.is_err() {
                return false;
            }
        }
        let left = turns.rest.saturating_sub(began.elapsed());
        if left.is_zero() {
            return true;
        }
        // Where no page can be read, nobody is asked more often than Prometheus is looked for.
        let pause = if readable { interval } else { left };
        if !wait(setting, pause, wants.pages.is_empty()).await {
            return false;
        }
    }
}

/// Whether a row says anything, or will after the next scrape.
fn measured(row: &ServiceSignals) -> bool {
    match row.get(SignalName::Requests) {
        Reading::Known(_) => true,
        Reading::Unknown(why) => {
            why.contains("second scrape") || why.contains("too close") || why.starts_with("only ")
        }
    }
}

/// Waits for the next turn, or for the first pages to be wanted.
async fn wait(setting: &mut Setting, pause: Duration, idle: bool) -> bool {
    let turn = tokio::time::sleep(pause);
    tokio::pin!(turn);
    loop {
        tokio::select! {
            () = &mut turn => return true,
            changed = setting.orders.changed() => {
                if changed.is_err() {
                    return false;
                }
                let wanted = !setting.orders.borrow_and_update().wants.pages.is_empty();
                if idle && wanted {
                    return true;
                }
            }
        }
    }
}

fn target(page: &Page) -> Target {
    Target {
        namespace: page.namespace.clone(),
        workload: page.workload.clone(),
        pod: page.pod.clone(),
        uid: page.uid.clone(),
        version: page.version.clone(),
        port: None,
        path: "/metrics".into(),
    }
}
