//! Steps that change named fields of one object, or where a Service sends its traffic. What they touch is what is
//! compared, put back and probed: field by field, by exact values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::runbook::pointer::escaped;
use crate::runbook::template::Text;

/// The kinds.
pub const OBJECT_KINDS: &[&str] = &[
    "k8s.patch",
    "k8s.service-selector",
    "argocd.suspend",
    "argocd.resume",
    "k8s.job-run",
    "k8s.apply",
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
    /// A Job with the template of a CronJob or of another Job; its name ends with the effect's key.
    #[serde(rename = "k8s.job-run")]
    JobRun {
        /// Where.
        ns: Text,
        /// What its name begins with; that of what it is made from where none is given.
        name: Option<Text>,
        /// `CronJob/NAME` or `Job/NAME`.
        from: Text,
    },
    /// A configuration that stands in the file, applied on the server and never by force.
    #[serde(rename = "k8s.apply")]
    Apply {
        /// Where.
        ns: Text,
        /// The object as far as it is to be so; strings in it may hold references.
        manifest: Value,
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
            Self::JobRun { .. } => "k8s.job-run",
            Self::Apply { .. } => "k8s.apply",
        }
    }

    /// The object it acts on.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Patch { at, .. }
            | Self::Selector { at, .. }
            | Self::Suspend { at }
            | Self::Resume { at } => at.as_ref(),
            Self::JobRun { .. } | Self::Apply { .. } => None,
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
            gather(value, &format!("{path}/{}", escaped(key)), out);
        }
    }
    let mut all = Vec::new();
    gather(patch, "", &mut all);
    all
}

/// Whether data is an object that a step may apply: named, of a kind that holds no secrets, and nothing in it that the
/// server alone decides.
pub fn is_manifest(found: &Value) -> Result<(), String> {
    let text = |pointer: &str| {
        found
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        if text(pointer).is_empty() {
            return Err(format!(
                "the manifest has no `{}`",
                pointer.trim_start_matches('/')
            ));
        }
    }
    if text("/kind") == "Secret" {
        return Err("a Secret is not applied: its values would stand in this file".to_owned());
    }
    let keys = |pointer: &str| {
        let map = found.pointer(pointer).and_then(Value::as_object);
        map.into_iter().flat_map(|map| map.keys())
    };
    if keys("").any(|key| key == "status") {
        return Err("the manifest holds a `status`, which only the server writes".to_owned());
    }
    let own = |key: &&String| !matches!(key.as_str(), "name" | "labels" | "annotations");
    match keys("/metadata").find(own) {
        Some(key) => Err(format!(
            "`metadata.{key}` does not belong into a manifest here: name, labels and annotations do, the namespace is `ns`"
        )),
        None => Ok(()),
    }
}

/// The kind of a manifest by its full name.
pub fn kind_of(manifest: &Value) -> String {
    let text = |key: &str| manifest[key].as_str().unwrap_or_default().to_owned();
    match text("apiVersion").split_once('/') {
        Some((group, _)) if !matches!(group, "apps" | "batch" | "autoscaling") => {
            format!("{}.{group}", text("kind"))
        }
        _ => text("kind"),
    }
}
