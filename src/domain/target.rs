//! The pinned target: which cluster, which namespace, as whom. Every call outside carries it.

use std::fmt;
use std::sync::Arc;

/// One namespace, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One namespace.
    Namespace(Arc<str>),
    /// Every namespace the operator may see.
    All,
}

impl Scope {
    /// The namespace's name, where there is one.
    pub fn namespace(&self) -> Option<&Arc<str>> {
        match self {
            Self::Namespace(name) => Some(name),
            Self::All => None,
        }
    }

    /// Whether an object of that namespace belongs to the scope.
    pub fn holds(&self, namespace: &str) -> bool {
        self.namespace().is_none_or(|own| **own == *namespace)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.namespace().map_or("all namespaces", |name| name))
    }
}

/// What kind of place this is; it decides what is asked before something is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name in the configuration: `production`, `staging`, `simulated`.
    pub name: Arc<str>,
    /// Whether the rules of production hold here: unknown places count as production.
    pub guarded: bool,
}

/// Where the console looks and acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The kubeconfig's context, or `in-cluster`.
    pub context: Arc<str>,
    /// The API server's address.
    pub server: Arc<str>,
    /// The uid of the namespace `kube-system`, once it is known.
    pub cluster_uid: Option<Arc<str>>,
    /// The namespace, or all.
    pub scope: Scope,
    /// The environment, once it is known; production until then.
    pub environment: Environment,
    /// Who the API server says we are, once it has answered.
    pub user: Option<Arc<str>>,
}
