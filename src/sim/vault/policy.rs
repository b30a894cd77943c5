//! Who asks Vault, and what each may do.

use std::collections::BTreeMap;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// May do everything.
    Root,
    /// Reads and patches the customer's secrets, and destroys their old versions.
    Oncall,
    /// Sees that they are there.
    Viewer,
}

/// The capabilities by the paths of the API.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    all: bool,
    rules: BTreeMap<String, Vec<&'static str>>,
}

/// What every token may do.
const DEFAULT: [(&str, &[&str]); 2] = [
    ("auth/token/lookup-self", &["read"]),
    ("sys/capabilities-self", &["update"]),
];

impl Identity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Root, Self::Oncall, Self::Viewer];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Oncall => "oncall",
            Self::Viewer => "viewer",
        }
    }

    /// The token of the simulated platform: public, worth nothing elsewhere.
    pub fn token(self) -> String {
        format!("simulated-vault-{}", self.name())
    }

    /// Whose a token is.
    pub fn of(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|who| who.token() == token)
    }

    /// The names of its policies.
    pub fn policies(self) -> Vec<&'static str> {
        match self {
            Self::Root => vec!["root"],
            Self::Oncall => vec!["default", "oncall"],
            Self::Viewer => vec!["default", "viewer"],
        }
    }

    /// What it may do at first.
    pub fn usual(self) -> Policy {
        let mut policy = Policy {
            all: self == Self::Root,
            rules: BTreeMap::new(),
        };
        let own: &[(&str, &[&'static str])] = match self {
            Self::Root => &[],
            Self::Oncall => &[
                ("secret/data/veza/production", &["read", "patch"]),
                ("secret/metadata/veza/production", &["read"]),
                ("secret/subkeys/veza/production", &["read"]),
                ("secret/destroy/veza/production", &["update"]),
            ],
            Self::Viewer => &[("secret/metadata/veza/*", &["read"])],
        };
        for (path, capabilities) in DEFAULT.iter().chain(own) {
            policy.set(path, capabilities);
        }
        policy
    }
}

impl Policy {
    /// Sets the capabilities at a path.
    pub fn set(&mut self, path: &str, capabilities: &[&'static str]) {
        if capabilities.is_empty() {
            self.rules.remove(path);
        } else {
            let mut sorted = capabilities.to_vec();
            sorted.sort_unstable();
            self.rules.insert(path.to_owned(), sorted);
        }
    }

    /// The capabilities at a path: the exact rule, else the longest that ends in `*`.
    pub fn at(&self, path: &str) -> Vec<&'static str> {
        if self.all {
            return vec!["root"];
        }
        if let Some(exact) = self.rules.get(path) {
            return exact.clone();
        }
        let fits = |rule: &str| {
            let prefix = rule.strip_suffix('*')?;
            path.starts_with(prefix).then_some(prefix.len())
        };
        let best = self
            .rules
            .iter()
            .filter_map(|(rule, capabilities)| Some((fits(rule)?, capabilities)))
            .max_by_key(|(length, _)| *length);
        best.map_or_else(|| vec!["deny"], |(_, capabilities)| capabilities.clone())
    }

    /// Whether it may.
    pub fn may(&self, capability: &str, path: &str) -> bool {
        let at = self.at(path);
        at.contains(&"root") || at.contains(&capability) && !at.contains(&"deny")
    }
}
