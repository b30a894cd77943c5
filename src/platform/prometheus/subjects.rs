//! Whose signals are asked for: workloads by name, and how the series of a source are recognized as theirs.
//!
//! A pod's name says its workload exactly (the hash alphabet of Kubernetes has no vowels, so `api-canary-…` is never
//! taken for `api`); where series carry no pod, a label that names the workload or its Service decides.

use super::promql::{any_of, literal};
use crate::domain::workload::WorkloadKind;
use std::collections::HashMap;
use std::sync::Arc;

/// What Kubernetes makes hashes and suffixes of.
const HASH: &str = "[bcdfghjklmnpqrstvwxz2456789]";
/// Names generated for pods keep this much of what they are made from.
const KEPT: usize = 58;

/// How the pods of a workload are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodNames {
    /// `NAME-HASH-SUFFIX`.
    Deployment,
    /// `NAME-0`.
    StatefulSet,
    /// `NAME-SUFFIX`.
    DaemonSet,
    /// Exactly these.
    Exact(Vec<Arc<str>>),
}

impl From<WorkloadKind> for PodNames {
    fn from(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::Deployment => Self::Deployment,
            WorkloadKind::StatefulSet => Self::StatefulSet,
            WorkloadKind::DaemonSet => Self::DaemonSet,
        }
    }
}

/// One workload whose signals are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name, by which results come back.
    pub workload: Arc<str>,
    /// How its pods are named.
    pub pods: PodNames,
    /// The Services that lead to it; none known: its own name.
    pub services: Vec<Arc<str>>,
    /// Pod template hashes of its revisions, and the version each is called.
    pub versions: Vec<(Arc<str>, Arc<str>)>,
}

impl Subject {
    /// A workload of which only the name is known.
    pub fn new(namespace: &str, workload: &str, pods: PodNames) -> Self {
        Self {
            namespace: namespace.into(),
            workload: workload.into(),
            pods,
            services: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// A regular expression of its pods' names.
    pub fn pod_regex(&self) -> String {
        if cut_off(self) && !matches!(self.pods, PodNames::Exact(_)) {
            let kept: String = self.workload.chars().take(KEPT).collect();
            return format!("{}{HASH}{{5}}", literal(&kept));
        }
        pattern(&self.pods, &literal(&self.workload), self.workload.len())
    }

    /// What the console calls the version of a pod template hash.
    pub fn version<'a>(&'a self, hash: &'a str) -> &'a str {
        let known = self.versions.iter().find(|(known, _)| &**known == hash);
        known.map_or(hash, |(_, version)| version)
    }
}

fn pattern(pods: &PodNames, names: &str, longest: usize) -> String {
    match pods {
        PodNames::Deployment if longest + 12 > KEPT => {
            format!("({names})-({HASH}{{0,10}})-?{HASH}{{5}}")
        }
        PodNames::Deployment => format!("({names})-({HASH}{{1,10}})-{HASH}{{5}}"),
        PodNames::StatefulSet => format!("({names})-[0-9]+"),
        PodNames::DaemonSet => format!("({names})-{HASH}{{5}}"),
        PodNames::Exact(pods) => any_of(pods.iter().map(|pod| &**pod)),
    }
}

/// Whether the pods' names have no room for the whole name of the workload.
fn cut_off(subject: &Subject) -> bool {
    subject.workload.len() >= KEPT && !matches!(subject.pods, PodNames::StatefulSet)
}

/// A rule of `label_replace`: pods that match get this workload, and this part where versions are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRule {
    /// The pods.
    pub regex: String,
    /// The workload: a group, or a name.
    pub workload: String,
    /// The group of the revision's hash, where names have one.
    pub hash: bool,
}

/// Pods, named workloads and Services of several subjects, ready for queries and for reading their answers.
#[derive(Debug)]
pub struct Crowd<'a> {
    /// The subjects, in the order of the caller.
    pub subjects: &'a [Subject],
    keys: HashMap<(&'a str, Key<'a>), Claim>,
}

/// By what a series named its workload, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key<'a> {
    /// By a pod's name.
    Pod(&'a str),
    /// By a label with the workload's name.
    Workload(&'a str),
    /// By a label with a Service's name.
    Service(&'a str),
}

impl<'a> Key<'a> {
    /// The mark of a label with a workload's name.
    pub const WORKLOAD: &'static str = "=";
    /// The mark of a label with a Service's name.
    pub const SERVICE: &'static str = "@";

    /// Reads a marked name.
    pub fn read(text: &'a str) -> Self {
        if let Some(name) = text.strip_prefix(Self::WORKLOAD) {
            Self::Workload(name)
        } else if let Some(name) = text.strip_prefix(Self::SERVICE) {
            Self::Service(name)
        } else {
            Self::Pod(text)
        }
    }

    /// How sure it is; less is surer.
    pub fn rank(self) -> u8 {
        match self {
            Self::Pod(_) => 0,
            Self::Workload(_) => 1,
            Self::Service(_) => 2,
        }
    }
}

/// Whose a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Of one subject, by index.
    One(usize),
    /// Of several, which cannot be told apart by it.
    Several,
}

impl<'a> Crowd<'a> {
    /// Learns the subjects' names.
    pub fn new(subjects: &'a [Subject]) -> Self {
        let mut crowd = Self {
            subjects,
            keys: HashMap::new(),
        };
        for (index, subject) in subjects.iter().enumerate() {
            crowd.claim(index, Key::Pod(&subject.workload));
            crowd.claim(index, Key::Workload(&subject.workload));
            if subject.services.is_empty() {
                crowd.claim(index, Key::Service(&subject.workload));
            }
            for service in &subject.services {
                crowd.claim(index, Key::Service(service));
            }
        }
        crowd
    }

    fn claim(&mut self, index: usize, key: Key<'a>) {
        let namespace: &'a str = &self.subjects[index].namespace;
        let claim = self.keys.entry((namespace, key));
        claim
            .and_modify(|claim| {
                if *claim != Claim::One(index) {
                    *claim = Claim::Several;
                }
            })
            .or_insert(Claim::One(index));
    }

    /// Whose a name is in a namespace.
    pub fn whose(&self, namespace: &'a str, key: Key<'a>) -> Option<Claim> {
        self.keys.get(&(namespace, key)).copied()
    }

    /// The subjects that share a key, and in words why it does not tell them apart.
    pub fn sharing(&self, namespace: &str, key: Key<'_>) -> (Vec<usize>, String) {
        let why = match key {
            Key::Pod(name) | Key::Workload(name) => format!("several workloads are called {name}"),
            Key::Service(name) => {
                format!("Service {name} leads to several workloads and its series name no pod")
            }
        };
        let shares = |subject: &Subject| {
            let mine = match key {
                Key::Pod(name) | Key::Workload(name) => &*subject.workload == name,
                Key::Service(name) => subject.services.iter().any(|s| &**s == name),
            };
            mine && &*subject.namespace == namespace
        };
        let all = self.subjects.iter().enumerate();
        let sharing = all.filter(|(_, subject)| shares(subject));
        (sharing.map(|(index, _)| index).collect(), why)
    }

    /// The rules that recognize pods, the surest last.
    pub fn pod_rules(&self) -> Vec<PodRule> {
        let mut rules = Vec::new();
        for kind in [
            PodNames::DaemonSet,
            PodNames::StatefulSet,
            PodNames::Deployment,
        ] {
            for long in [false, true] {
                rules.extend(self.rule(&kind, long));
            }
        }
        for subject in self.subjects {
            let named = matches!(&subject.pods, PodNames::Exact(pods) if !pods.is_empty());
            if named || (cut_off(subject) && !matches!(subject.pods, PodNames::Exact(_))) {
                rules.push(PodRule {
                    regex: subject.pod_regex(),
                    workload: super::promql::replacement(&subject.workload),
                    hash: false,
                });
            }
        }
        rules
    }

    fn rule(&self, kind: &PodNames, long: bool) -> Option<PodRule> {
        let is_long = |subject: &&Subject| (subject.workload.len() + 12 > KEPT) == long;
        let alike = self
            .subjects
            .iter()
            .filter(|s| s.pods == *kind && !cut_off(s));
        let mut names: Vec<&str> = alike.filter(is_long).map(|s| &*s.workload).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return None;
        }
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        Some(PodRule {
            regex: pattern(kind, &any_of(names), longest),
            workload: "$1".into(),
            hash: *kind == PodNames::Deployment,
        })
    }

    /// A regular expression of workload names, or of the Services that lead to them.
    pub fn names(&self, services: bool) -> String {
        let mut names: Vec<&str> = Vec::new();
        for subject in self.subjects {
            if !services || subject.services.is_empty() {
                names.push(&subject.workload);
            } else {
                names.extend(subject.services.iter().map(|s| &**s));
            }
        }
        names.sort_unstable();
        names.dedup();
        any_of(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str, pods: PodNames, services: &[&str]) -> Subject {
        Subject {
            services: services.iter().map(|s| (*s).into()).collect(),
            ..Subject::new("veza", name, pods)
        }
    }

    #[test]
    fn one_rule_a_kind_names_every_workload() {
        let subjects = [
            subject("api", PodNames::Deployment, &[]),
            subject("api.v2", PodNames::Deployment, &[]),
            subject("redis", PodNames::StatefulSet, &[]),
            subject(&"x".repeat(60), PodNames::Deployment, &[]),
        ];
        let rules = Crowd::new(&subjects).pod_rules();
        let regexes: Vec<&str> = rules.iter().map(|rule| &*rule.regex).collect();
        let long = format!("{}{HASH}{{5}}", "x".repeat(58));
        assert_eq!(
            regexes,
            [
                "(redis)-[0-9]+".to_owned(),
                format!("(api|api\\.v2)-({HASH}{{1,10}})-{HASH}{{5}}"),
                long
            ]
        );
        assert_eq!(rules[2].workload, "x".repeat(60));
    }

    #[test]
    fn a_service_in_front_of_two_workloads_tells_neither() {
        let subjects = [
            subject("api", PodNames::Deployment, &["api"]),
            subject("api-canary", PodNames::Deployment, &["api"]),
            subject("web", PodNames::Deployment, &["front"]),
        ];
        let crowd = Crowd::new(&subjects);
        let whose = |text| crowd.whose("veza", Key::read(text));
        assert_eq!(whose("api"), Some(Claim::One(0)));
        assert_eq!(whose("=api-canary"), Some(Claim::One(1)));
        assert_eq!(whose("@api"), Some(Claim::Several));
        assert_eq!(crowd.sharing("veza", Key::Service("api")).0, [0, 1]);
        assert_eq!(whose("@front"), Some(Claim::One(2)));
        assert_eq!(whose("@web"), None);
        assert_eq!(crowd.whose("other", Key::Pod("api")), None);
        assert_eq!(crowd.names(true), "api|front");
    }
}
