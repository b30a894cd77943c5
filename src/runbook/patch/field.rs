//! One object, pinned, and one of its fields with old and new value.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One object, pinned by its uid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `Kind/name`.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// What a person types to look at it.
    pub fn look(&self) -> String {
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
}
