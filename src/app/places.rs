//! Other places to go to: contexts and namespaces, with the worst that is known of each, and what is not known said.
//!
//! [`PlacesStore`] outlives a change of target; it knows neither the App nor its screens.

use crate::domain::target::Scope;
use crate::domain::verdict::Level;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a source does not answer when our login no longer holds.
pub const LOGIN_REFUSED: &str = "login refused";

/// One context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPlace {
    /// Its name.
    pub name: Arc<str>,
    /// The API server's address.
    pub server: Arc<str>,
    /// Its namespace, where it names one.
    pub namespace: Option<Arc<str>>,
    /// The credential plugin it runs, where it uses one.
    pub plugin: Option<Arc<str>>,
}

/// One namespace of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespacePlace {
    /// Its name.
    pub name: Arc<str>,
    /// Its label `environment`.
    pub environment: Option<Arc<str>>,
    /// Whether it is being deleted.
    pub going: bool,
}

/// Which places are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlacesWant {
    /// Contexts, and the how-many-eth time.
    Contexts(u64),
    /// Namespaces, and the how-many-eth time.
    Namespaces(u64),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlacesNews {
    /// The contexts, or why they cannot be read.
    Contexts(Result<Vec<ContextPlace>, Arc<str>>),
    /// The namespaces, or why they cannot be listed.
    Namespaces(Result<Vec<NamespacePlace>, Arc<str>>),
}

/// Where to go: what is unset stays as it is, but a new context begins at its own namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    /// Another context.
    pub context: Option<Arc<str>>,
    /// Another scope.
    pub scope: Option<Scope>,
}

/// What is known of a place, and when it was so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// How well it is.
    pub level: Level,
    /// In a sentence.
    pub text: String,
    /// As of when.
    pub at: Timestamp,
}

/// Places, and what is known of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlacesStore {
    /// The contexts; `None` until they are read.
    pub contexts: Option<Result<Vec<ContextPlace>, Arc<str>>>,
    /// The namespaces; `None` until they are listed.
    pub namespaces: Option<Result<Vec<NamespacePlace>, Arc<str>>>,
    /// Whether it was said that the login no longer holds.
    pub refused: bool,
    /// Where the operator was before all namespaces were opened.
    pub home: Option<Scope>,
    known: BTreeMap<(Arc<str>, Arc<str>), Known>,
}

/// All namespaces together, as a name that no namespace has.
fn name(scope: &Scope) -> Arc<str> {
    scope.namespace().cloned().unwrap_or_else(|| "*".into())
}

impl PlacesStore {
    /// Takes in what was found.
    pub fn learn(&mut self, news: PlacesNews) {
        match news {
            PlacesNews::Contexts(found) => self.contexts = Some(found),
            PlacesNews::Namespaces(found) => self.namespaces = Some(found),
        }
    }

    /// Remembers how well a place is.
    pub fn remember(&mut self, context: &Arc<str>, scope: &Scope, known: Known) {
        self.known.insert((context.clone(), name(scope)), known);
    }

    /// What is known of a scope of a context.
    pub fn known(&self, context: &str, scope: &Scope) -> Option<&Known> {
        self.known.get(&(context.into(), name(scope)))
    }

    /// The worst that is known of a context, and where in it.
    pub fn worst(&self, context: &str) -> Option<(&Arc<str>, &Known)> {
        let of = self
            .known
            .iter()
            .filter(|((known, _), _)| **known == *context);
        of.map(|((_, scope), known)| (scope, known))
            .max_by_key(|(_, known)| (known.level, known.at))
    }

    /// Leaves behind what belongs to one cluster.
    pub fn leave(&mut self) {
        (self.namespaces, self.refused) = (None, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_context_is_known_and_of_others_nothing() {
        let mut places = PlacesStore::default();
        let known = |level| Known {
            level,
            text: String::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        let prod: Arc<str> = "prod".into();
        places.remember(&prod, &Scope::Namespace("a".into()), known(Level::Healthy));
        places.remember(&prod, &Scope::Namespace("b".into()), known(Level::Failing));
        let (scope, worst) = places.worst("prod").unwrap();
        assert_eq!((&**scope, worst.level), ("b", Level::Failing));
        assert_eq!(places.worst("stage"), None);
        assert_eq!(places.known("prod", &Scope::All), None);
    }
}
