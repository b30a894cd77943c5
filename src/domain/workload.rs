//! What runs pods: Deployments, StatefulSets, DaemonSets, with their counts and the state of their rollout.

use super::object::{Labels, Manager, ObjectRef, Selector};
use super::uid::Uid;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;

/// The kinds of workload the console judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
}

impl WorkloadKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// The kind's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// The kind's plural in request paths and rights.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a workload replaces its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// Step by step.
    Rolling {
        /// Pods above the wanted number, as written: `1` or `25%`.
        max_surge: Arc<str>,
        /// Pods below the wanted number, as written.
        max_unavailable: Arc<str>,
        /// A StatefulSet's partition.
        partition: u32,
    },
    /// All old pods go first.
    Recreate,
    /// Only when somebody deletes a pod.
    OnDelete,
    /// Something this version does not know.
    Other(Arc<str>),
}

/// The condition Progressing of a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its status: True, False, or unknown.
    pub holds: Option<bool>,
    /// Its reason: `NewReplicaSetAvailable`, `ProgressDeadlineExceeded`.
    pub reason: Arc<str>,
    /// Its message.
    pub message: Arc<str>,
    /// When it last changed.
    pub updated: Option<Timestamp>,
}

/// Who last wrote the specification, as managedFields say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The field manager: `kubectl-set`, `ci-deployer`.
    pub name: Arc<str>,
    /// When.
    pub at: Option<Timestamp>,
}

/// One container of a template and its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The container.
    pub container: Arc<str>,
    /// The image reference.
    pub image: Arc<str>,
}

impl Image {
    /// The short form people compare: the tag, or the first digits of the digest.
    pub fn tag(&self) -> &str {
        tag_of(&self.image)
    }
}

/// An image reference's tag, the first twelve digits of its digest, or the whole where there is neither.
pub fn tag_of(image: &str) -> &str {
    if let Some((_, digest)) = image.rsplit_once("@sha256:") {
        return digest.get(..12).unwrap_or(digest);
    }
    match image.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => image,
    }
}

/// One workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its uid.
    pub uid: Uid,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its labels.
    pub labels: Labels,
    /// Which pods are its own.
    pub selector: Selector,
    /// Pods wanted (for a DaemonSet: nodes that want one).
    pub desired: u32,
    /// Pods that exist.
    pub current: u32,
    /// Pods of the newest template.
    pub updated: u32,
    /// Pods ready.
    pub ready: u32,
    /// Pods available.
    pub available: u32,
    /// The specification's generation.
    pub generation: i64,
    /// The generation its controller has seen.
    pub observed: i64,
    /// Whether its rollout is paused.
    pub paused: bool,
    /// Its revision number, where its controller numbers them.
    pub revision: Option<u64>,
    /// A StatefulSet's revision names: current and update.
    pub stateful_revisions: Option<(Arc<str>, Arc<str>)>,
    /// The containers and images of its template.
    pub images: Vec<Image>,
    /// The label `version` of its template.
    pub version: Option<Arc<str>>,
    /// How it replaces pods.
    pub strategy: Strategy,
    /// The condition Progressing, where it has one.
    pub progress: Option<Progress>,
    /// Seconds a rollout may make no progress.
    pub progress_deadline_s: Option<u32>,
    /// The annotation kubernetes.io/change-cause.
    pub change_cause: Option<Arc<str>>,
    /// Who last wrote the specification.
    pub writer: Option<Writer>,
    /// Who would revert a change by hand.
    pub manager: Option<Manager>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

impl Workload {
    /// Names it.
    pub fn object(&self) -> ObjectRef {
        ObjectRef {
            kind: self.kind.name().into(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// What to call the version that its template asks for: the label, else the first image's tag.
    pub fn version_name(&self) -> Option<&str> {
        self.version
            .as_deref()
            .or_else(|| self.images.first().map(Image::tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_called_by_its_tag_or_digest() {
        assert_eq!(
            tag_of("registry.veza.app/veza-backend-api:v1.0.0"),
            "v1.0.0"
        );
        assert_eq!(tag_of("localhost:5000/app"), "localhost:5000/app");
        assert_eq!(tag_of("app@sha256:0123456789abcdef0"), "0123456789ab");
    }
}
