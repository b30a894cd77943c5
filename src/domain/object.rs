//! Naming things in a cluster: kinds, references, owners, labels and selectors.

use super::uid::Uid;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The labels of an object; equal sets are shared between the pods of one template.
pub type Labels = BTreeMap<Arc<str>, Arc<str>>;

/// Which object: kind, namespace (empty where the kind has none) and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Its kind, as the cluster writes it: `Deployment`.
    pub kind: Arc<str>,
    /// Its namespace; empty for kinds without one.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl ObjectRef {
    /// Names an object.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// The controller that owns an object, as its ownerReferences say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The owner's kind.
    pub kind: Arc<str>,
    /// The owner's name.
    pub name: Arc<str>,
    /// The owner's uid.
    pub uid: Uid,
}

/// What must hold of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The label has this value.
    Is(Arc<str>, Arc<str>),
    /// The label has one of these values.
    In(Arc<str>, Vec<Arc<str>>),
    /// The label has none of these values.
    NotIn(Arc<str>, Vec<Arc<str>>),
    /// The label is set.
    Exists(Arc<str>),
    /// The label is not set.
    Missing(Arc<str>),
}

/// A label selector. An empty one selects nothing here: an empty target set is an error, never "all".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector(pub Vec<Requirement>);

impl Selector {
    /// Whether labels satisfy every requirement.
    pub fn matches(&self, labels: &Labels) -> bool {
        !self.0.is_empty()
            && self.0.iter().all(|requirement| match requirement {
                Requirement::Is(key, value) => labels.get(key) == Some(value),
                Requirement::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
                Requirement::NotIn(key, values) => {
                    labels.get(key).is_none_or(|v| !values.contains(v))
                }
                Requirement::Exists(key) => labels.contains_key(key),
                Requirement::Missing(key) => !labels.contains_key(key),
            })
    }
}

/// Who would revert a change made by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// An Argo CD application tracks the object.
    ArgoCd(Arc<str>),
    /// A Flux Kustomization or HelmRelease applies it.
    Flux(Arc<str>),
    /// A Helm release installed it; nothing reverts until the next upgrade.
    Helm(Arc<str>),
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArgoCd(name) => write!(f, "Argo CD application {name}"),
            Self::Flux(name) => write!(f, "Flux {name}"),
            Self::Helm(name) => write!(f, "Helm release {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect()
    }

    #[test]
    fn an_empty_selector_selects_nothing() {
        assert!(!Selector::default().matches(&labels(&[("app", "x")])));
    }

    #[test]
    fn every_requirement_must_hold() {
        let selector = Selector(vec![
            Requirement::Is("app".into(), "chat".into()),
            Requirement::NotIn("track".into(), vec!["canary".into()]),
            Requirement::Missing("paused".into()),
        ]);
        assert!(selector.matches(&labels(&[("app", "chat")])));
        assert!(!selector.matches(&labels(&[("app", "chat"), ("track", "canary")])));
        assert!(!selector.matches(&labels(&[("app", "chat"), ("paused", "yes")])));
        assert!(!selector.matches(&labels(&[("app", "other")])));
    }
}
