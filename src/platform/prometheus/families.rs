//! The metric families that need no configuration, and which of their labels say namespace, pod, version, route and status.
//! A [`Catalogue`] is what a source was found to hold for one scope; the client learns it in at most three requests.

use super::promql::{any_of, quote};
use crate::domain::target::Scope;
use jiff::Timestamp;

/// What a label is taken for, the most telling first.
struct Candidates {
    namespace: &'static [&'static str],
    pod: &'static [&'static str],
    workload: &'static [&'static str],
    service: &'static [&'static str],
    version: &'static [&'static str],
    route: &'static [&'static str],
    status: &'static [&'static str],
}

const ROUTES: &[&str] = &["route", "http_route", "path", "uri", "handler"];
/// Labels that may carry the status of an answer, the usual first.
pub const STATUSES: &[&str] = &[
    "status",
    "code",
    "status_code",
    "http_status",
    "http_status_code",
    "http_response_status_code",
    "response_code",
];

/// Metrics the services expose themselves.
const OWN: Candidates = Candidates {
    namespace: &[
        "namespace",
        "kubernetes_namespace",
        "k8s_namespace_name",
        "exported_namespace",
    ],
    pod: &[
        "exported_pod",
        "k8s_pod_name",
        "pod",
        "kubernetes_pod_name",
        "pod_name",
    ],
    workload: &[
        "deployment",
        "workload",
        "app",
        "app_kubernetes_io_name",
        "service_name",
    ],
    service: &["exported_service", "service", "kubernetes_name", "job"],
    version: &[
        "version",
        "app_version",
        "service_version",
        "app_kubernetes_io_version",
    ],
    route: ROUTES,
    status: STATUSES,
};

/// Metrics a mesh measures in front of the services.
const MESH: Candidates = Candidates {
    namespace: &["destination_workload_namespace"],
    pod: &[],
    workload: &["destination_workload"],
    service: &["destination_service_name"],
    version: &["destination_version"],
    route: &["request_url_path", "request_operation"],
    status: &["response_code"],
};

/// Metrics an ingress controller measures; its own namespace and pod are not the service's.
const INGRESS: Candidates = Candidates {
    namespace: &["exported_namespace", "namespace"],
    pod: &[],
    workload: &[],
    service: &["exported_service", "service"],
    version: &[],
    route: &["path"],
    status: &["status"],
};

struct Family {
    /// Counters of requests.
    counter: Option<&'static str>,
    /// Histogram of durations, and how many milliseconds its unit is.
    histogram: Option<(&'static str, f64)>,
    labels: &'static Candidates,
    matcher: &'static str,
    /// Whether the histogram's count is asked beside the counter: other services may have only that.
    both: bool,
}

const fn own(
    counter: Option<&'static str>,
    histogram: Option<(&'static str, f64)>,
    both: bool,
) -> Family {
    Family {
        counter,
        histogram,
        labels: &OWN,
        matcher: "",
        both,
    }
}

const FAMILIES: &[Family] = &[
    own(
        Some("http_requests_total"),
        Some(("http_request_duration_seconds", 1000.0)),
        true,
    ),
    own(
        None,
        Some(("http_server_request_duration_seconds", 1000.0)),
        true,
    ),
    own(None, Some(("http_server_duration_milliseconds", 1.0)), true),
    own(None, Some(("http_server_requests_seconds", 1000.0)), true),
    Family {
        counter: Some("istio_requests_total"),
        histogram: Some(("istio_request_duration_milliseconds", 1.0)),
        labels: &MESH,
        matcher: "reporter!=\"source\"",
        both: false,
    },
    Family {
        counter: Some("nginx_ingress_controller_requests"),
        histogram: Some(("nginx_ingress_controller_request_duration_seconds", 1000.0)),
        labels: &INGRESS,
        matcher: "",
        both: false,
    },
];

/// Memory in use, as the kubelets tell it.
pub const MEMORY: &str = "container_memory_working_set_bytes";
/// The limits that were asked for, as kube-state-metrics tells them.
pub const LIMITS: &str = "kube_pod_container_resource_limits";
/// The limits that hold, as the kubelets tell them.
pub const SPEC_LIMITS: &str = "container_spec_memory_limit_bytes";
/// Processor time used, as the kubelets tell it.
pub const CPU: &str = "container_cpu_usage_seconds_total";
/// Processor time allowed in a period, as the kubelets tell it.
pub const CPU_QUOTA: &str = "container_spec_cpu_quota";
/// How long such a period is.
pub const CPU_PERIOD: &str = "container_spec_cpu_period";
/// Periods in which a container was held back.
pub const THROTTLED: &str = "container_cpu_cfs_throttled_periods_total";
/// All periods in which it wanted to run.
pub const PERIODS: &str = "container_cpu_cfs_periods_total";

/// What tells of use and limits.
const RESOURCES: [&str; 8] = [
    MEMORY,
    LIMITS,
    SPEC_LIMITS,
    CPU,
    CPU_QUOTA,
    CPU_PERIOD,
    THROTTLED,
    PERIODS,
];

/// A metric that is there, and what its labels mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name: a counter, or the buckets of a histogram.
    pub name: String,
    /// Milliseconds in its unit, for durations.
    pub to_ms: f64,
    /// A matcher that always goes with it.
    pub matcher: &'static str,
    /// The label of the namespace.
    pub namespace: Option<&'static str>,
    /// Labels of the pod.
    pub pods: Vec<&'static str>,
    /// Labels that name the workload.
    pub workloads: Vec<&'static str>,
    /// Labels that name a Service.
    pub services: Vec<&'static str>,
    /// Labels of the version.
    pub versions: Vec<&'static str>,
    /// The label of the route.
    pub route: Option<&'static str>,
    /// Labels of the status.
    pub statuses: Vec<&'static str>,
}

/// What a source holds for a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// When it was learned.
    pub at: Timestamp,
    /// Counters of requests, the preferred first.
    pub traffic: Vec<Metric>,
    /// Buckets of durations, the preferred first.
    pub latency: Vec<Metric>,
    /// How series about use are labelled, where there are any: one metric stands for all of them.
    pub usage: Vec<Metric>,
    /// What tells of use and limits there.
    resources: Vec<&'static str>,
}

impl Catalogue {
    /// Whether nothing that is known was found.
    pub fn is_empty(&self) -> bool {
        self.traffic.is_empty() && self.latency.is_empty()
    }

    /// Whether a metric of use or limits is there.
    pub fn tells(&self, resource: &str) -> bool {
        self.resources.contains(&resource)
    }

    /// The metrics that count requests and durations, by name, for a line in a report.
    pub fn names(&self) -> Vec<&str> {
        let all = self.traffic.iter().chain(&self.latency);
        all.map(|metric| metric.name.as_str()).collect()
    }
}

/// A regular expression of every metric name that is looked for.
fn name_regex() -> String {
    let counters = FAMILIES.iter().filter_map(|family| family.counter);
    let histograms = FAMILIES.iter().filter_map(|family| family.histogram);
    format!(
        "{}|({})_(bucket|count)",
        any_of(counters.chain(RESOURCES)),
        any_of(histograms.map(|(name, _)| name))
    )
}

/// Every label that may say the namespace.
fn namespace_labels() -> Vec<&'static str> {
    let mut labels: Vec<&str> = Vec::new();
    for family in FAMILIES {
        for label in family.labels.namespace {
            if !labels.contains(label) {
                labels.push(label);
            }
        }
    }
    labels
}

/// Selectors of all that is looked for in a scope.
pub fn selectors(scope: &Scope) -> Vec<String> {
    let names = quote(&name_regex());
    let matcher = |label: &str| match scope {
        Scope::Namespace(namespace) => format!("{label}={}", quote(namespace)),
        Scope::All => format!("{label}!=\"\""),
    };
    let labels = namespace_labels().into_iter();
    labels
        .map(|label| format!("{{__name__=~{names},{}}}", matcher(label)))
        .collect()
}

/// The selector of what is looked for and tells no namespace.
pub fn selector_without_namespace() -> String {
    let labels = namespace_labels();
    let none: Vec<String> = labels.iter().map(|l| format!("{l}=\"\"")).collect();
    format!("{{__name__=~{},{}}}", quote(&name_regex()), none.join(","))
}

/// The names among these that count requests or durations.
pub fn requests_among(names: &[String]) -> Vec<&str> {
    let known = names.iter().map(String::as_str);
    known.filter(|name| !RESOURCES.contains(name)).collect()
}

/// Puts a catalogue together from the names and labels that were found.
pub fn catalogue(at: Timestamp, names: &[String], labels: &[String]) -> Catalogue {
    let has = |name: &str| names.iter().any(|known| known == name);
    let (mut traffic, mut latency) = (Vec::new(), Vec::new());
    for family in FAMILIES {
        let counter = family.counter.filter(|name| has(name));
        traffic.extend(counter.map(|name| metric(family, name.to_owned(), 1.0, labels)));
        let Some((base, to_ms)) = family.histogram else {
            continue;
        };
        let count = format!("{base}_count");
        if has(&count) && (family.both || counter.is_none()) {
            traffic.push(metric(family, count, 1.0, labels));
        }
        let bucket = format!("{base}_bucket");
        if has(&bucket) {
            latency.push(metric(family, bucket, to_ms, labels));
        }
    }
    Catalogue {
        at,
        traffic,
        latency,
        usage: (has(MEMORY) || has(CPU)).then(usage).into_iter().collect(),
        resources: RESOURCES.into_iter().filter(|name| has(name)).collect(),
    }
}

/// What a counter of a known family counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Counted {
    /// Requests.
    Requests,
    /// Requests answered within the bound of the label `le`.
    Within {
        /// Milliseconds in the bound's unit.
        to_ms: f64,
    },
}

/// What a metric that a service exposes itself counts, and its place in the order of preference.
pub fn counted(name: &str) -> Option<(usize, Counted)> {
    let own = FAMILIES.iter().enumerate();
    let mut own = own.filter(|(_, family)| !family.labels.pod.is_empty());
    own.find_map(|(index, family)| {
        if family.counter == Some(name) {
            return Some((2 * index, Counted::Requests));
        }
        let (base, to_ms) = family.histogram?;
        match name.strip_prefix(base)? {
            "_count" => Some((2 * index + 1, Counted::Requests)),
            "_bucket" => Some((2 * index, Counted::Within { to_ms })),
            _ => None,
        }
    })
}

/// Use of memory and processors, as the kubelets label it.
fn usage() -> Metric {
    Metric {
        name: MEMORY.to_owned(),
        to_ms: 1.0,
        matcher: "",
        namespace: Some("namespace"),
        pods: vec!["pod"],
        workloads: Vec::new(),
        services: Vec::new(),
        versions: Vec::new(),
        route: None,
        statuses: Vec::new(),
    }
}

fn metric(family: &Family, name: String, to_ms: f64, labels: &[String]) -> Metric {
    let present = |candidates: &'static [&'static str], most: usize| -> Vec<&'static str> {
        let known = candidates.iter().copied();
        known
            .filter(|label| labels.iter().any(|l| l == label))
            .take(most)
            .collect()
    };
    let candidates = family.labels;
    Metric {
        name,
        to_ms,
        matcher: family.matcher,
        namespace: present(candidates.namespace, 1).first().copied(),
        pods: present(candidates.pod, 2),
        workloads: present(candidates.workload, 2),
        services: present(candidates.service, 2),
        versions: present(candidates.version, 2),
        route: present(candidates.route, 1).first().copied(),
        statuses: present(candidates.status, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_counter_wins_and_its_histogram_gives_the_times() {
        let names = strings(&[
            "http_requests_total",
            "http_request_duration_seconds_bucket",
            "http_server_request_duration_seconds_count",
        ]);
        let labels = strings(&["pod", "namespace", "code", "le", "service"]);
        let found = catalogue(Timestamp::UNIX_EPOCH, &names, &labels);
        assert_eq!(
            found.names(),
            [
                "http_requests_total",
                "http_server_request_duration_seconds_count",
                "http_request_duration_seconds_bucket"
            ]
        );
        let first = &found.traffic[0];
        assert_eq!(
            (first.pods.as_slice(), first.statuses.as_slice()),
            (&["pod"][..], &["code"][..])
        );
        assert_eq!(
            (first.namespace, first.services.as_slice()),
            (Some("namespace"), &["service"][..])
        );
    }

    #[test]
    fn an_ingress_controllers_own_namespace_is_not_the_services() {
        let names = strings(&["nginx_ingress_controller_requests"]);
        let labels = strings(&[
            "namespace",
            "exported_namespace",
            "pod",
            "exported_service",
            "status",
        ]);
        let found = catalogue(Timestamp::UNIX_EPOCH, &names, &labels);
        assert_eq!(found.traffic[0].namespace, Some("exported_namespace"));
        assert!(found.traffic[0].pods.is_empty());
    }

    #[test]
    fn a_hostile_namespace_stays_a_string() {
        let all = selectors(&Scope::Namespace("a\"} or up{x=\"".into()));
        assert!(
            all.iter()
                .all(|selector| selector.contains(r#"="a\"} or up{x=\""}"#))
        );
        assert_eq!(all.len(), namespace_labels().len());
    }
}
