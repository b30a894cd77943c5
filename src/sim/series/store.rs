//! The metric families of the simulated pods with their labels, and the ledger as a store that queries choose
//! series from.

use std::sync::Arc;

use super::load::{self, Gauge, Load, Ramp};
use super::scrape::Scrapes;
use crate::sim::ledger::{Behaviour, Ledger, PodKey, Track};
use crate::sim::promql::ast::Selector;
use crate::sim::promql::labels::{Labels, NAME};
use crate::sim::promql::value::{Edges, Sample, Series, Store};

/// The upper bounds of the latency buckets, in seconds.
pub const BOUNDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The routes that requests take: method, path, share of the requests.
const ROUTES: [(&str, &str, f64); 3] = [
    ("GET", "/api/v1/items", 0.55),
    ("GET", "/api/v1/session", 0.3),
    ("POST", "/api/v1/items", 0.15),
];
const STATUSES: [&str; 3] = ["200", "401", "500"];

/// What a container may use, as the services' templates say: memory in bytes, processor in cores.
const LIMITS: [(&str, &str, f64); 2] = [("memory", "byte", 1_073_741_824.0), ("cpu", "core", 1.0)];

/// A metric family: name, type, help.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name; histograms have series with suffixes.
    pub name: &'static str,
    /// Its type as the text format spells it.
    pub kind: &'static str,
    /// Its help.
    pub help: &'static str,
    /// Whether the pod itself exports it; others come from the cluster's own exporters.
    pub own: bool,
}

const fn family(name: &'static str, kind: &'static str, own: bool, help: &'static str) -> Family {
    Family {
        name,
        kind,
        help,
        own,
    }
}

/// All families there are.
pub const FAMILIES: [Family; 9] = [
    family(
        "http_requests_total",
        "counter",
        true,
        "Requests served, by method, route and status.",
    ),
    family(
        "http_request_duration_seconds",
        "histogram",
        true,
        "Time to answer a request.",
    ),
    family(
        "process_resident_memory_bytes",
        "gauge",
        true,
        "Resident memory size in bytes.",
    ),
    family(
        "process_cpu_seconds_total",
        "counter",
        true,
        "Total user and system CPU time spent in seconds.",
    ),
    family(
        "process_start_time_seconds",
        "gauge",
        true,
        "Start time of the process since unix epoch in seconds.",
    ),
    family("up", "gauge", false, "Whether the last scrape succeeded."),
    family(
        "kube_pod_container_resource_limits",
        "gauge",
        false,
        "The number of requested limit resource by a container.",
    ),
    family(
        "container_memory_working_set_bytes",
        "gauge",
        false,
        "Current working set of the container in bytes.",
    ),
    family(
        "container_cpu_usage_seconds_total",
        "counter",
        false,
        "Cumulative cpu time consumed by the container in core-seconds.",
    ),
];

/// What a series measures.
pub(super) enum Measure {
    Ramp(Ramp),
    Gauge(Gauge, Arc<Load>),
    Constant(f64),
    Up,
}

impl Measure {
    pub(super) fn value(&self, at: i64) -> f64 {
        match self {
            Self::Ramp(ramp) => ramp.value(at),
            Self::Gauge(gauge, load) => load.gauge(*gauge, at),
            Self::Constant(value) => *value,
            Self::Up => 1.0,
        }
    }
}

/// One series of one pod.
pub(super) struct PodSeries {
    pub(super) labels: Labels,
    scrapes: Arc<Scrapes>,
    pub(super) measure: Measure,
    /// Absent until something was counted, as a client library creates a label when it is first used.
    pub(super) born_by_use: bool,
}

impl PodSeries {
    fn sample(&self, at: i64) -> Sample {
        Sample {
            at,
            value: self.measure.value(at),
        }
    }

    fn exists(&self, sample: &Sample) -> bool {
        !self.born_by_use || sample.value >= 1.0
    }
}

impl Series for PodSeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn newest(&self, at: i64, oldest: i64) -> Option<Sample> {
        let scrape = self.scrapes.newest(at).filter(|&scrape| scrape > oldest)?;
        match (&self.measure, self.scrapes.silent(scrape)) {
            (Measure::Up, true) => Some(Sample {
                at: scrape,
                value: 0.0,
            }),
            (_, true) => None,
            (_, false) => Some(self.sample(scrape)).filter(|sample| self.exists(sample)),
        }
    }

    fn samples(&self, from: i64, to: i64) -> Vec<Sample> {
        let scrapes = self.scrapes.between(from, to);
        if matches!(self.measure, Measure::Up) {
            let value = |at| f64::from(u8::from(!self.scrapes.silent(at)));
            return scrapes
                .map(|at| Sample {
                    at,
                    value: value(at),
                })
                .collect();
        }
        let heard = scrapes
            .filter(|&at| !self.scrapes.silent(at))
            .map(|at| self.sample(at));
        heard.filter(|sample| self.exists(sample)).collect()
    }

    fn edges(&self, from: i64, to: i64) -> Option<Option<Edges>> {
        let Measure::Ramp(ramp) = &self.measure else {
            return None;
        };
        let edges = || {
            let (mut first, last) = self.scrapes.outer(from, to)?;
            if self.born_by_use && ramp.value(first) < 1.0 {
                first = self
                    .scrapes
                    .first_where(first, last, |at| ramp.value(at) >= 1.0)?;
            }
            Some(Edges {
                first: self.sample(first),
                last: self.sample(last),
                count: self.scrapes.count(first, last),
            })
        };
        Some(edges())
    }
}

/// Takes a series: its labels, whether it appears by use, and how to make its measure if the labels are wanted.
type Add<'a> = &'a mut dyn FnMut(Labels, bool, &dyn Fn() -> Measure);

/// One pod's part of the store: what its series share.
pub(super) struct Pod {
    service: String,
    pub(super) target: Labels,
    key: PodKey,
    load: Arc<Load>,
    pub(super) scrapes: Arc<Scrapes>,
}

/// The ledger as a store of series.
pub struct LedgerStore<'a> {
    /// The record of what was served.
    pub ledger: &'a Ledger,
    /// What the noise is drawn from.
    pub seed: u64,
    /// The present, in milliseconds; there are no samples after it.
    pub now_ms: i64,
}

impl Store for LedgerStore<'_> {
    fn select(&self, selector: &Selector, from: i64, to: i64) -> Vec<Box<dyn Series>> {
        let wanted: Vec<&Family> = FAMILIES
            .iter()
            .filter(|family| may_name(selector, family))
            .collect();
        let mut found: Vec<Box<dyn Series>> = Vec::new();
        if wanted.is_empty() {
            return found;
        }
        let of_pod = |key: &PodKey| {
            let accepts = |name: &str, value: &str| {
                selector
                    .matchers
                    .iter()
                    .filter(|m| m.name == name)
                    .all(|m| m.accepts(value))
            };
            accepts("namespace", &key.namespace) && accepts("pod", &key.pod)
        };
        for (key, track) in self.ledger.pods.iter().filter(|(key, _)| of_pod(key)) {
            if track.began_ms > to || track.ended_ms.is_some_and(|ended| ended < from) {
                continue;
            }
            let pod = Pod::new(key, track, self);
            for family in &wanted {
                let accept = |labels: &Labels| selector.accepts(labels);
                found.extend(
                    pod.series(family, &accept)
                        .into_iter()
                        .map(|series| Box::new(series) as Box<dyn Series>),
                );
            }
        }
        found.sort_by(|a, b| a.labels().cmp(b.labels()));
        found
    }
}

/// Whether a series of the family could carry a name that the selector accepts.
fn may_name(selector: &Selector, family: &Family) -> bool {
    let names: Vec<String> = match family.kind {
        "histogram" => ["_bucket", "_sum", "_count"]
            .map(|end| format!("{}{end}", family.name))
            .to_vec(),
        _ => vec![family.name.to_owned()],
    };
    let of_name = || selector.matchers.iter().filter(|m| m.name == NAME);
    names.iter().any(|name| of_name().all(|m| m.accepts(name)))
}

impl Pod {
    pub(super) fn new(key: &PodKey, track: &Track, store: &LedgerStore<'_>) -> Self {
        let target = Labels::new([
            ("instance", format!("{}:8080", key.pod)),
            ("job", "pods".to_owned()),
            ("namespace", key.namespace.clone()),
            ("pod", key.pod.clone()),
            ("service", track.service.clone()),
            ("version", track.version.clone()),
        ]);
        Self {
            service: track.service.clone(),
            target,
            key: key.clone(),
            load: Arc::new(Load::new(key, track, store.seed)),
            scrapes: Arc::new(Scrapes::new(key, track, store.ledger, store.now_ms)),
        }
    }

    /// The series of one family that are accepted by their labels.
    pub(super) fn series(
        &self,
        family: &Family,
        accept: &dyn Fn(&Labels) -> bool,
    ) -> Vec<PodSeries> {
        let mut found = Vec::new();
        let mut add = |labels: Labels, born_by_use: bool, measure: &dyn Fn() -> Measure| {
            if accept(&labels) {
                found.push(PodSeries {
                    labels,
                    scrapes: Arc::clone(&self.scrapes),
                    measure: measure(),
                    born_by_use,
                });
            }
        };
        let own = |name: &str| with(&self.target, &[(NAME, name)]);
        let began = || Measure::Constant(self.load.began() as f64 / 1000.0);
        let gauge = |gauge| Measure::Gauge(gauge, Arc::clone(&self.load));
        let name = family.name;
        let usage = || self.container(name, "kubelet");
        match name {
            "http_requests_total" => self.requests(&mut add),
            "http_request_duration_seconds" => self.durations(&mut add),
            "process_resident_memory_bytes" => add(own(name), false, &|| gauge(Gauge::Memory)),
            "container_memory_working_set_bytes" => {
                add(usage(), false, &|| gauge(Gauge::WorkingSet));
            }
            "process_cpu_seconds_total" => add(own(name), false, &|| self.processor()),
            "container_cpu_usage_seconds_total" => add(usage(), false, &|| self.processor()),
            "process_start_time_seconds" => add(own(name), false, &began),
            "up" => add(own(name), false, &|| Measure::Up),
            _ => {
                for (resource, unit, value) in LIMITS {
                    let labels = self.container(name, "kube-state-metrics");
                    let labels = with(&labels, &[("resource", resource), ("unit", unit)]);
                    add(labels, false, &|| Measure::Constant(value));
                }
            }
        }
        found
    }

    fn requests(&self, add: Add<'_>) {
        for (method, route, share) in ROUTES {
            for status in STATUSES {
                let pairs = [
                    (NAME, "http_requests_total"),
                    ("method", method),
                    ("route", route),
                    ("status", status),
                ];
                let rate = move |b: &Behaviour| b.rps * share * share_of(status, b);
                let measure = || Measure::Ramp(self.load.ramp(status, true, rate));
                add(with(&self.target, &pairs), status != "200", &measure);
            }
        }
    }

    fn durations(&self, add: Add<'_>) {
        let named = |end: &str| {
            with(
                &self.target,
                &[(NAME, &format!("http_request_duration_seconds{end}"))],
            )
        };
        for bound in BOUNDS {
            let labels = with(&named("_bucket"), &[("le", &bound.to_string())]);
            let rate = move |b: &Behaviour| b.rps * load::share_below(bound, b);
            add(labels, false, &|| {
                Measure::Ramp(self.load.ramp("200", true, rate))
            });
        }
        let all = || Measure::Ramp(self.load.ramp("200", true, |b| b.rps));
        add(with(&named("_bucket"), &[("le", "+Inf")]), false, &all);
        add(named("_count"), false, &all);
        let seconds = |b: &Behaviour| b.rps * load::mean_seconds(b);
        add(named("_sum"), false, &|| {
            Measure::Ramp(self.load.ramp("200", false, seconds))
        });
    }

    fn processor(&self) -> Measure {
        Measure::Ramp(self.load.ramp("200", false, Behaviour::cores))
    }

    fn container(&self, name: &str, job: &str) -> Labels {
        Labels::new([
            (NAME, name),
            ("job", job),
            ("instance", job),
            ("namespace", &self.key.namespace),
            ("pod", &self.key.pod),
            ("container", &self.service),
        ])
    }
}

fn share_of(status: &str, b: &Behaviour) -> f64 {
    match status {
        "401" => b.unauthorized,
        "500" => b.errors,
        _ => (1.0 - b.errors - b.unauthorized).max(0.0),
    }
}

fn with(labels: &Labels, pairs: &[(&str, &str)]) -> Labels {
    let mut labels = labels.clone();
    for (name, value) in pairs {
        labels.set((*name).into(), (*value).into());
    }
    labels
}
