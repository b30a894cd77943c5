//! One object, pinned, and one of its fields with old and new value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind under which a path of Vault goes.
const VAULT: &str = "Vault";
/// The kind under which a program of this machine goes.
const PROGRAM: &str = "Program";

/// One object, pinned by its uid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// As `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid: a namesake is another object.
    pub uid: String,
}

impl ObjectRef {
    /// `Kind/name`; of a program its path alone.
    pub fn short(&self) -> String {
        if self.is_program() {
            return self.name.clone();
        }
        format!("{}/{}", self.kind, self.name)
    }

    /// A path of Vault, mount first.
    pub fn vault(path: &str) -> Self {
        Self {
            kind: VAULT.to_owned(),
            namespace: String::new(),
            name: path.to_owned(),
            uid: String::new(),
        }
    }

    /// A program of this machine, by its path or its bare name, for a run about a namespace.
    pub fn program(namespace: &str, name: &str) -> Self {
        Self {
            kind: PROGRAM.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: String::new(),
        }
    }

    /// Whether it is a program of this machine and no object of a cluster.
    pub fn is_program(&self) -> bool {
        self.kind == PROGRAM
    }

    /// Whether it is a path of Vault and no object of a cluster.
    pub fn in_vault(&self) -> bool {
        self.kind == VAULT
    }

    /// What a person types to look at it.
    pub fn look(&self) -> String {
        if self.in_vault() {
            return format!("vault kv metadata get {}", self.name);
        }
        if self.is_program() {
            return "the tools of whatever it acts on".to_owned();
        }
        format!("{} get {} -o yaml", self.kubectl(), self.typed())
    }

    /// What a person types to go back to the template it had before the last change.
    pub fn undo(&self) -> String {
        format!("{} rollout undo {}", self.kubectl(), self.typed())
    }

    fn kubectl(&self) -> String {
        format!("kubectl -n {}", self.namespace)
    }

    fn typed(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }
}

/// One field an action touches: a JSON pointer outside of lists, its value before and after; `None` is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As `/spec/template/metadata/labels/version`.
    pub path: String,
    /// The value it had when this was planned.
    pub before: Option<Value>,
    /// The value it gets.
    pub after: Option<Value>,
    /// Where the value comes from, where it is never shown: `before` and `after` are fingerprints then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
}

impl FieldChange {
    /// A change whose values may be seen.
    pub fn plain(path: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self {
            path: path.into(),
            before,
            after,
            from: None,
        }
    }
}

/// Where a value comes from that no plan, journal or screen ever holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A declared secret, made in this process.
    Secret(String),
    /// What a key of the same path or Secret holds now.
    Key(String),
    /// What a key of a path of Vault holds now.
    Vault {
        /// The path.
        at: String,
        /// The key.
        key: String,
    },
    /// A text that is no secret.
    Text(String),
    /// What was there before this run changed it; with the path of Vault whose versions may still hold it.
    Kept(Option<String>),
    /// The version is destroyed.
    Destroyed,
}
