//! The second source of signals, where there is no Prometheus: the pods' own `/metrics` pages, fetched through a function
//! given from outside. Two scrapes make a rate; one alone is unknown. Moments are arguments, and what is kept between
//! scrapes is only the counters of the known metric families.

pub mod exposition;
mod snapshot;

use self::snapshot::{Increase, Snapshot};
use crate::domain::signal::{Part, Reading, ServiceSignals, SignalName};
use crate::domain::uid::Uid;
use crate::platform::http::HttpFailure;
use crate::platform::prometheus::histogram::Buckets;
use crate::platform::prometheus::read::{QUANTILES, Traffic};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// How many pages are fetched at once.
const AT_ONCE: usize = 8;
/// The longest page that is read, in bytes.
const PAGE: usize = 16 << 20;
/// Scrapes closer than this make no rate.
const APART: SignedDuration = SignedDuration::from_secs(1);

/// One pod whose page is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// The workload it belongs to.
    pub workload: Arc<str>,
    /// Its name.
    pub pod: Arc<str>,
    /// What tells it from one of the same name before it.
    pub uid: Uid,
    /// Its version, where it has one.
    pub version: Option<Arc<str>>,
    /// The port of its page, where it is not the first.
    pub port: Option<u16>,
    /// The path of its page.
    pub path: Arc<str>,
}

/// Fetches the page of a pod.
pub type Getter =
    Arc<dyn Fn(Target) -> BoxFuture<'static, Result<Bytes, HttpFailure>> + Send + Sync>;

/// Scrapes pods and remembers their last counters.
pub struct Scraper {
    get: Getter,
    last: HashMap<Uid, (Timestamp, Snapshot)>,
}

impl fmt::Debug for Scraper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scraper")
            .field("pods", &self.last.len())
            .finish_non_exhaustive()
    }
}

/// What came of scraping one pod.
enum Measured {
    Rates(Increase, f64),
    Unknown(String),
}

impl Scraper {
    /// A scraper that has seen nothing.
    pub fn new(get: Getter) -> Self {
        Self {
            get,
            last: HashMap::new(),
        }
    }

    /// Scrapes the targets, and tells each workload's signals, as a whole and by version.
    pub async fn read(&mut self, now: Timestamp, targets: &[Target]) -> Vec<ServiceSignals> {
        // Gathered first: a lazy map over borrows would keep the whole question from moving between threads.
        let fetches: Vec<_> = targets.iter().map(|t| (self.get)(t.clone())).collect();
        let pages: Vec<_> = stream::iter(fetches).buffered(AT_ONCE).collect().await;
        let mut last = std::mem::take(&mut self.last);
        let mut workloads: BTreeMap<_, Group> = BTreeMap::new();
        for (target, page) in targets.iter().zip(pages) {
            let before = last.remove(&target.uid);
            let measured = self.measure(now, target, page, before);
            let key = (target.namespace.clone(), target.workload.clone());
            workloads.entry(key).or_default().add(target, &measured);
        }
        let groups = workloads.into_iter();
        groups
            .flat_map(|((namespace, workload), group)| group.signals(now, &namespace, &workload))
            .collect()
    }

    fn measure(
        &mut self,
        now: Timestamp,
        target: &Target,
        page: Result<Bytes, HttpFailure>,
        before: Option<(Timestamp, Snapshot)>,
    ) -> Measured {
        let page = match page {
            Ok(page) if page.len() > PAGE => Err(HttpFailure::TooLarge(PAGE)),
            other => other,
        };
        let page = match page {
            Ok(page) => page,
            Err(failure) => {
                self.last
                    .extend(before.map(|kept| (target.uid.clone(), kept)));
                return Measured::Unknown(failure.short());
            }
        };
        let snapshot = Snapshot::read(&String::from_utf8_lossy(&page));
        let early = before
            .as_ref()
            .is_some_and(|(at, _)| now.duration_since(*at) < APART);
        if early {
            self.last
                .extend(before.map(|kept| (target.uid.clone(), kept)));
            return Measured::Unknown("the scrapes are too close to each other".into());
        }
        let measured = match &before {
            Some((at, earlier)) => {
                let seconds = now.duration_since(*at).as_secs_f64();
                Measured::Rates(snapshot.since(earlier), seconds)
            }
            None => Measured::Unknown("needs a second scrape".into()),
        };
        self.last.insert(target.uid.clone(), (now, snapshot));
        measured
    }
}

/// The pods of one workload.
#[derive(Default)]
struct Group {
    parts: BTreeMap<Part, Sum>,
}

#[derive(Default)]
struct Sum {
    pods: usize,
    measured: usize,
    why_not: Option<String>,
    traffic: Traffic,
    buckets: Vec<(f64, f64)>,
}

impl Group {
    fn add(&mut self, target: &Target, measured: &Measured) {
        let version = target.version.clone().map(Part::Version);
        for part in [Some(Part::Whole), version].into_iter().flatten() {
            self.parts.entry(part).or_default().add(measured);
        }
    }

    fn signals(&self, now: Timestamp, namespace: &str, workload: &str) -> Vec<ServiceSignals> {
        let rows = self.parts.iter();
        rows.map(|(part, sum)| {
            let mut row = ServiceSignals::unknown(namespace, workload, now, "no limit known");
            row.part = part.clone();
            sum.write(&mut row);
            row
        })
        .collect()
    }
}

impl Sum {
    fn add(&mut self, measured: &Measured) {
        self.pods += 1;
        match measured {
            Measured::Unknown(why) => self.why_not = Some(why.clone()),
            Measured::Rates(increase, seconds) => {
                self.measured += 1;
                for (class, count) in &increase.requests {
                    self.traffic.add(*class, count / seconds);
                }
                let buckets = increase.buckets.iter();
                self.buckets
                    .extend(buckets.map(|(bound, count)| (*bound, count / seconds)));
            }
        }
    }

    fn write(&self, row: &mut ServiceSignals) {
        let why_not = match (&self.why_not, self.measured) {
            (Some(why), 0) => why.as_str(),
            _ => "no traffic series",
        };
        for name in [
            SignalName::Requests,
            SignalName::ErrorRatio,
            SignalName::UnauthorizedRatio,
        ] {
            row.set(name, self.traffic.reading(name, why_not));
        }
        if self.measured > 0 && self.measured < self.pods {
            let why = format!(
                "only {} of {} pods could be measured",
                self.measured, self.pods
            );
            row.set(SignalName::Requests, Reading::unknown(&why));
        }
        let buckets = Buckets::new(self.buckets.clone());
        for (name, share) in QUANTILES {
            let reading = match self.measured {
                0 => Reading::unknown(why_not),
                _ => buckets.quantile(share),
            };
            row.set(name, reading);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn target(pod: &str, version: &str) -> Target {
        Target {
            namespace: "veza".into(),
            workload: "api".into(),
            pod: pod.into(),
            uid: pod.into(),
            version: Some(version.into()),
            port: None,
            path: "/metrics".into(),
        }
    }

    fn page(ok: u64, failed: u64, quick: u64, all: u64) -> String {
        format!(
            "http_requests_total{{status=\"200\"}} {ok}\nhttp_requests_total{{status=\"503\"}} {failed}\n\
             http_request_duration_seconds_bucket{{le=\"0.1\"}} {quick}\nhttp_request_duration_seconds_bucket{{le=\"0.2\"}} {all}\n\
             http_request_duration_seconds_bucket{{le=\"+Inf\"}} {all}\nhttp_request_duration_seconds_count {all}\n"
        )
    }

    type Pages = Arc<Mutex<HashMap<String, Result<String, HttpFailure>>>>;

    fn scraper() -> (Scraper, Pages) {
        let pages = Pages::default();
        let served = pages.clone();
        let get: Getter = Arc::new(move |target| {
            let page = served.lock().unwrap().get(&*target.pod).cloned();
            let page = page.unwrap_or(Err(HttpFailure::Status(404, String::new())));
            Box::pin(async move { page.map(Bytes::from) })
        });
        (Scraper::new(get), pages)
    }

    fn set(pages: &Pages, pod: &str, page: String) {
        pages.lock().unwrap().insert(pod.into(), Ok(page));
    }

    fn read(scraper: &mut Scraper, second: i64, targets: &[Target]) -> Vec<ServiceSignals> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(scraper.read(at(second), targets))
    }

    #[test]
    fn two_scrapes_make_signals_and_one_alone_does_not() {
        let (mut scraper, pages) = scraper();
        let targets = [target("a", "v1"), target("b", "v2")];
        set(&pages, "a", page(100, 0, 50, 100));
        set(&pages, "b", page(100, 0, 50, 100));
        let first = read(&mut scraper, 0, &targets);
        assert_eq!(
            first[0].get(SignalName::Requests),
            &Reading::unknown("needs a second scrape")
        );
        assert_eq!(
            first[0].get(SignalName::P99),
            &Reading::unknown("needs a second scrape")
        );
        set(&pages, "a", page(200, 0, 150, 200));
        set(&pages, "b", page(180, 20, 50, 200));
        let rows = read(&mut scraper, 10, &targets);
        let value = |row: usize, name| rows[row].get(name).value().unwrap();
        assert_eq!(rows.len(), 3);
        assert!((value(0, SignalName::Requests) - 20.0).abs() < 1e-9);
        assert!((value(0, SignalName::ErrorRatio) - 0.1).abs() < 1e-9);
        assert!((value(1, SignalName::ErrorRatio)).abs() < 1e-9);
        assert!((value(2, SignalName::ErrorRatio) - 0.2).abs() < 1e-9);
        assert!((value(2, SignalName::P50) - 150.0).abs() < 1e-6);
        assert_eq!(
            rows[0].get(SignalName::Saturation),
            &Reading::unknown("no limit known")
        );
    }

    #[test]
    fn a_counter_that_falls_began_again_at_zero() {
        let (mut scraper, pages) = scraper();
        let targets = [target("a", "v1")];
        set(&pages, "a", page(1000, 5, 10, 10));
        read(&mut scraper, 0, &targets);
        set(&pages, "a", page(50, 0, 20, 20));
        let rows = read(&mut scraper, 10, &targets);
        assert_eq!(rows[0].get(SignalName::Requests), &Reading::Known(5.0));
        assert_eq!(rows[0].get(SignalName::ErrorRatio), &Reading::Known(0.0));
    }

    #[test]
    fn pods_that_cannot_be_measured_are_said() {
        let (mut scraper, pages) = scraper();
        let targets = [target("a", "v1"), target("b", "v1")];
        set(&pages, "a", page(0, 0, 0, 0));
        let rows = read(&mut scraper, 0, &targets[1..]);
        assert_eq!(
            rows[0].get(SignalName::ErrorRatio),
            &Reading::unknown("HTTP 404")
        );
        read(&mut scraper, 10, &targets);
        set(&pages, "a", page(100, 1, 100, 100));
        let rows = read(&mut scraper, 20, &targets);
        assert_eq!(
            rows[0].get(SignalName::Requests),
            &Reading::unknown("only 1 of 2 pods could be measured")
        );
        assert!(rows[0].get(SignalName::ErrorRatio).value().is_some());
        set(&pages, "a", "<html>hello</html>".into());
        let rows = read(&mut scraper, 30, &targets[..1]);
        assert_eq!(
            rows[0].get(SignalName::ErrorRatio),
            &Reading::unknown("no traffic series")
        );
        assert_eq!(
            rows[0].get(SignalName::P99),
            &Reading::unknown("no latency series")
        );
    }
}
