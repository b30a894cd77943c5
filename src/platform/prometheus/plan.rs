//! The queries: one a metric for all subjects at once, grouped by workload, and reading whose a returned series is.

use super::families::Metric;
use super::promql::{duration, quote, relabel};
use super::subjects::{Claim, Crowd, Key, Subject};
use super::wire::Labels;
use crate::domain::signal::{Part, Split};
use crate::domain::target::Scope;
use jiff::SignedDuration;

pub(super) const WORKLOAD: &str = "vigie_workload";
pub(super) const PART: &str = "vigie_part";
/// The label that says what is used.
pub(super) const RESOURCE: &str = "vigie_resource";
const CLASS: &str = "vigie_class";

/// What a series counts, told by its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It carries no status.
    Unsaid,
    /// It neither failed nor was refused.
    Other,
    /// It failed.
    Failed,
    /// It was refused as unauthorized.
    Unauthorized,
}

impl Class {
    /// The class of a status as a service writes it.
    pub fn of(status: Option<&str>) -> Self {
        match status {
            None | Some("") => Self::Unsaid,
            Some("401") => Self::Unauthorized,
            Some(status) if status.len() == 3 && status.starts_with('5') => Self::Failed,
            Some(_) => Self::Other,
        }
    }
}

/// What a grouped query keeps apart besides workload and part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Kinds of status.
    Class,
    /// Bounds of buckets.
    Bounds,
}

/// Whose a series is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// One subject's: its index and how surely (less is surer).
    One(usize, u8),
    /// Several subjects', which it does not tell apart; why not.
    Several(Vec<usize>, String),
    /// Nobody's that was asked for.
    Nobody,
}

/// A question about one metric.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The metric.
    pub metric: &'a Metric,
    /// The subjects.
    pub crowd: &'a Crowd<'a>,
    /// Where.
    pub scope: &'a Scope,
    /// The window of the rate.
    pub window: SignedDuration,
    /// What the answer is split by.
    pub split: Split,
}

/// One way a series can tell its workload: by a label that matches.
struct Way {
    label: &'static str,
    regex: String,
    pod: bool,
    mark: &'static str,
}

impl Plan<'_> {
    /// The query; nothing when no label of the metric can tell a workload.
    pub fn query(&self, keep: Keep) -> Option<String> {
        let ways = self.ways();
        let each: Vec<String> = (0..ways.len())
            .map(|index| self.way(&ways, index, keep))
            .collect();
        if each.is_empty() {
            return None;
        }
        let kept = match keep {
            Keep::Class => CLASS,
            Keep::Bounds => "le",
        };
        let mut by = vec![WORKLOAD, kept];
        by.extend(self.metric.namespace);
        by.extend((self.split != Split::Whole).then_some(PART));
        Some(format!("sum by ({}) ({})", by.join(","), each.join(" or ")))
    }

    fn ways(&self) -> Vec<Way> {
        let rules = self.crowd.pod_rules();
        let pods: Vec<&str> = rules.iter().map(|rule| &*rule.regex).collect();
        let way = |label, regex, pod, mark| Way {
            label,
            regex,
            pod,
            mark,
        };
        let mut ways = Vec::new();
        if !pods.is_empty() {
            let labels = self.metric.pods.iter();
            ways.extend(labels.map(|label| way(*label, pods.join("|"), true, "")));
        }
        let (names, services) = (self.crowd.names(false), self.crowd.names(true));
        for label in &self.metric.workloads {
            ways.push(way(label, names.clone(), false, Key::WORKLOAD));
        }
        for label in &self.metric.services {
            ways.push(way(label, services.clone(), false, Key::SERVICE));
        }
        ways.truncate(4);
        ways
    }

    fn way(&self, ways: &[Way], index: usize, keep: Keep) -> String {
        let (metric, way) = (self.metric, &ways[index]);
        let mut matchers = vec![format!("{}=~{}", way.label, quote(&way.regex))];
        for earlier in &ways[..index] {
            matchers.push(format!("{}!~{}", earlier.label, quote(&earlier.regex)));
        }
        matchers.extend(metric.namespace.map(|label| in_scope(label, self.scope)));
        matchers.extend((!metric.matcher.is_empty()).then(|| metric.matcher.to_owned()));
        let mut by: Vec<&str> = vec![way.label];
        by.extend(metric.namespace);
        match keep {
            Keep::Class => by.extend(&metric.statuses),
            Keep::Bounds => by.push("le"),
        }
        match self.split {
            Split::Version => by.extend(&metric.versions),
            Split::Route => by.extend(metric.route),
            Split::Whole | Split::Pod => {}
        }
        by.sort_unstable();
        by.dedup();
        let rates = format!(
            "sum by ({}) (rate({}{{{}}}[{}]))",
            by.join(","),
            metric.name,
            matchers.join(","),
            duration(self.window)
        );
        let named = self.split_up(self.name(rates, way), way);
        match keep {
            Keep::Class => classed(named, &metric.statuses),
            Keep::Bounds => named,
        }
    }

    fn name(&self, mut vector: String, way: &Way) -> String {
        if !way.pod {
            let marked = format!("{}$1", way.mark);
            let names = format!("({})", way.regex);
            return relabel(&vector, WORKLOAD, &marked, way.label, &names);
        }
        for rule in self.crowd.pod_rules() {
            vector = relabel(&vector, WORKLOAD, &rule.workload, way.label, &rule.regex);
        }
        vector
    }

    fn split_up(&self, mut vector: String, way: &Way) -> String {
        match self.split {
            Split::Pod if way.pod => relabel(&vector, PART, "=$1", way.label, "(.+)"),
            Split::Whole | Split::Pod => vector,
            Split::Route => match self.metric.route {
                Some(route) => relabel(&vector, PART, "=$1", route, "(.+)"),
                None => vector,
            },
            Split::Version => {
                for label in self.metric.versions.iter().rev() {
                    vector = relabel(&vector, PART, "=$1", label, "(.+)");
                }
                if way.pod {
                    vector = by_hash(vector, way.label, self.crowd);
                }
                vector
            }
        }
    }

    /// Whose a returned series is.
    pub fn owner(&self, labels: &Labels) -> Owner {
        owner(labels, self.metric.namespace, self.crowd, self.scope)
    }
}

/// Marks pods with their revision's hash, for the workloads whose revisions are known.
pub(super) fn by_hash(vector: String, pod: &str, crowd: &Crowd<'_>) -> String {
    let known = crowd.subjects.iter().filter(|s| !s.versions.is_empty());
    let known: Vec<Subject> = known.cloned().collect();
    let rules = Crowd::new(&known).pod_rules();
    rules
        .iter()
        .filter(|rule| rule.hash)
        .fold(vector, |v, rule| relabel(&v, PART, "#$2", pod, &rule.regex))
}

fn classed(mut vector: String, statuses: &[&str]) -> String {
    for (class, regex) in [("other", ".+"), ("failed", "5.."), ("unauthorized", "401")] {
        for status in statuses {
            vector = relabel(&vector, CLASS, class, status, regex);
        }
    }
    vector
}

pub(super) fn in_scope(label: &str, scope: &Scope) -> String {
    match scope {
        Scope::Namespace(namespace) => format!("{label}={}", quote(namespace)),
        Scope::All => format!("{label}!=\"\""),
    }
}

/// Whose a series is, by the labels our queries leave on it.
pub fn owner(labels: &Labels, namespace: Option<&str>, crowd: &Crowd<'_>, scope: &Scope) -> Owner {
    let told = namespace.and_then(|label| labels.get(label));
    let namespace: &str = match (told, scope) {
        (Some(told), _) => told,
        (None, Scope::Namespace(namespace)) => namespace,
        (None, Scope::All) => return Owner::Nobody,
    };
    let Some(text) = labels.get(WORKLOAD) else {
        return Owner::Nobody;
    };
    let key = Key::read(text);
    match crowd.whose(namespace, key) {
        Some(Claim::One(index)) => Owner::One(index, key.rank()),
        Some(Claim::Several) => {
            let (subjects, why) = crowd.sharing(namespace, key);
            Owner::Several(subjects, why)
        }
        None => Owner::Nobody,
    }
}

/// The class of a series.
pub fn class(labels: &Labels) -> Class {
    match labels.get(CLASS).map(String::as_str) {
        Some("failed") => Class::Failed,
        Some("unauthorized") => Class::Unauthorized,
        Some(_) => Class::Other,
        None => Class::Unsaid,
    }
}

/// The part of a series; `Whole` where it says none.
pub fn part(labels: &Labels, split: Split, subject: &Subject) -> Part {
    let Some(text) = labels.get(PART).filter(|text| text.len() > 1) else {
        let resource = labels.get(RESOURCE).filter(|_| split == Split::Whole);
        return resource.map_or(Part::Whole, |name| Part::Resource(name.as_str().into()));
    };
    let (mark, name) = text.split_at(1);
    match split {
        Split::Whole => Part::Whole,
        Split::Version if mark == "#" => Part::Version(subject.version(name).into()),
        Split::Version => Part::Version(name.into()),
        Split::Pod => Part::Pod(name.into()),
        Split::Route => Part::Route(name.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::prometheus::families::catalogue;
    use crate::platform::prometheus::subjects::PodNames;
    use jiff::Timestamp;

    fn query(subjects: &[Subject], labels: &[&str], split: Split, keep: Keep) -> Option<String> {
        let strings = |all: &[&str]| -> Vec<String> { all.iter().map(|s| (*s).into()).collect() };
        let names = strings(&["http_requests_total"]);
        let known = catalogue(Timestamp::UNIX_EPOCH, &names, &strings(labels));
        let plan = Plan {
            metric: &known.traffic[0],
            crowd: &Crowd::new(subjects),
            scope: &Scope::Namespace("veza".into()),
            window: SignedDuration::from_mins(1),
            split,
        };
        plan.query(keep)
    }

    #[test]
    fn one_query_asks_for_all_workloads_by_their_pods() {
        let subjects = ["api", "web"].map(|name| Subject::new("veza", name, PodNames::StatefulSet));
        let labels = ["namespace", "pod", "code"];
        assert_eq!(
            query(&subjects, &labels, Split::Whole, Keep::Bounds).unwrap(),
            r#"sum by (vigie_workload,le,namespace) (label_replace(sum by (le,namespace,pod) (rate(http_requests_total{pod=~"(api|web)-[0-9]+",namespace="veza"}[60s])), "vigie_workload", "$1", "pod", "(api|web)-[0-9]+"))"#
        );
        let classes = query(&subjects, &labels, Split::Pod, Keep::Class).unwrap();
        assert!(classes.contains(r#""vigie_class", "failed", "code", "5..""#));
        assert!(classes.contains(r#""vigie_part", "=$1", "pod", "(.+)""#));
    }

    #[test]
    fn series_that_a_pod_explains_are_not_counted_again_by_a_name() {
        let subjects = [Subject::new("veza", "api", PodNames::StatefulSet)];
        let both = query(
            &subjects,
            &["namespace", "pod", "service"],
            Split::Whole,
            Keep::Class,
        );
        let both = both.unwrap();
        assert!(
            both.contains(r#"{service=~"api",pod!~"(api)-[0-9]+",namespace="veza"}"#),
            "{both}"
        );
        assert_eq!(
            query(&subjects, &["namespace"], Split::Whole, Keep::Class),
            None
        );
    }

    #[test]
    fn hostile_names_stay_in_their_strings() {
        let hostile = "a\"}) or up{x=\"$1|.*";
        let subjects = [Subject::new(
            "veza",
            hostile,
            PodNames::Exact(vec![hostile.into()]),
        )];
        let query = query(&subjects, &["namespace", "pod"], Split::Whole, Keep::Class).unwrap();
        let mut outside = String::new();
        let mut rest = query.chars();
        let mut quoted = false;
        while let Some(c) = rest.next() {
            match c {
                '\\' if quoted => drop(rest.next()),
                '"' => quoted = !quoted,
                c if !quoted => outside.push(c),
                _ => {}
            }
        }
        assert!(
            !quoted && !outside.contains(" or ") && !outside.contains("up{"),
            "{query}"
        );
        assert!(query.contains("$$1"), "{query}");
    }

    #[test]
    fn a_series_belongs_to_the_workload_its_labels_name() {
        let subjects = [
            Subject::new("veza", "é", PodNames::Deployment),
            Subject::new("veza", "é", PodNames::StatefulSet),
        ];
        let crowd = Crowd::new(&subjects);
        let scope = Scope::Namespace("veza".into());
        let of = |pairs: &[(&str, &str)], crowd: &Crowd<'_>| {
            let labels = pairs
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect();
            owner(&labels, Some("ns"), crowd, &scope)
        };
        assert_eq!(
            of(&[(WORKLOAD, "é")], &crowd),
            Owner::Several(vec![0, 1], "several workloads are called é".into())
        );
        let one = Crowd::new(&subjects[..1]);
        assert_eq!(of(&[(WORKLOAD, "é")], &one), Owner::One(0, 0));
        assert_eq!(of(&[("ns", "other"), (WORKLOAD, "é")], &one), Owner::Nobody);
        assert_eq!(of(&[], &one), Owner::Nobody);
    }
}
