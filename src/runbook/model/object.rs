//! Steps that change named fields of one object, or where a Service sends its traffic. What they touch is what is
//! compared, put back and probed: field by field, by exact values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::runbook::template::Text;

/// The kinds.
pub const OBJECT_KINDS: &[&str] = &[
    "k8s.patch",
    "k8s.service-selector",
    "argocd.suspend",
    "argocd.resume",
];

/// The kind of an Application, by its full name: other tools have one too.
pub const APPLICATION: &str = "Application.argoproj.io";
/// Where Argo CD keeps its Applications unless it says otherwise.
pub const ARGO_HOME: &str = "argocd";

/// A Kubernetes object a step acts on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Its namespace.
    pub ns: Text,
    /// `Kind/name`, or a name.
    pub target: Text,
}

/// What a step does to the fields of an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum ObjectStep {
    /// Some fields get these values; everything beside them stays.
    #[serde(rename = "k8s.patch")]
    Patch {
        /// The object; an undo inherits the step's.
        #[serde(flatten)]
        at: Option<Target>,
        /// The fields, as a merge patch has them; strings in it may hold references.
        patch: Value,
        /// Fields that are to be absent, as JSON pointers.
        remove: Vec<Text>,
    },
    /// Labels of a Service's selector.
    #[serde(rename = "k8s.service-selector")]
    Selector {
        /// The Service; an undo inherits the step's.
        #[serde(flatten)]
        at: Option<Target>,
        /// Label to value; the other labels of the selector stay.
        set: BTreeMap<String, Text>,
    },
    /// An Application no longer syncs by itself. However the run ends, it does again afterwards.
    #[serde(rename = "argocd.suspend")]
    Suspend {
        /// The Application.
        #[serde(flatten)]
        at: Option<Target>,
    },
    /// An Application syncs by itself as it did before this run suspended it.
    #[serde(rename = "argocd.resume")]
    Resume {
        /// The Application.
        #[serde(flatten)]
        at: Option<Target>,
    },
}

impl ObjectStep {
    /// The kind's name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Patch { .. } => "k8s.patch",
            Self::Selector { .. } => "k8s.service-selector",
            Self::Suspend { .. } => "argocd.suspend",
            Self::Resume { .. } => "argocd.resume",
        }
    }

    /// The object it acts on.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Patch { at, .. }
            | Self::Selector { at, .. }
            | Self::Suspend { at }
            | Self::Resume { at } => at.as_ref(),
        }
    }
}

/// The fields that may be patched: nothing that the server or another tool keeps for itself.
pub const PATCHABLE: [&str; 4] = [
    "/spec",
    "/data",
    "/metadata/labels",
    "/metadata/annotations",
];

/// Whether what a JSON pointer names is inside of one of them.
pub fn patchable(pointer: &str) -> bool {
    PATCHABLE.iter().any(|open| {
        let rest = pointer.strip_prefix(open);
        rest.is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
    })
}

/// Every field of a merge patch, a list as a whole, by its JSON pointer.
pub fn fields(patch: &Value) -> Vec<(String, &Value)> {
    fn gather<'v>(value: &'v Value, path: &str, out: &mut Vec<(String, &'v Value)>) {
        let Some(inner) = value.as_object() else {
            return out.push((path.to_owned(), value));
        };
        for (key, value) in inner {
            let key = key.replace('~', "~0").replace('/', "~1");
            gather(value, &format!("{path}/{key}"), out);
        }
    }
    let mut all = Vec::new();
    gather(patch, "", &mut all);
    all
}
