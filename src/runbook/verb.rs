//! How a planned change reaches the server: as a patch of the object, of its part `scale`, as a deletion or an eviction;
//! and what follows from that, such as the right it needs. Kinds of steps are told apart here by their name in files.

/// What a change is called that makes what an applied configuration names, where that is not there yet.
pub const CREATE: &str = "k8s.create";
/// The annotation of an object that a run made: the key of the effect.
pub const EFFECT: &str = "vigie/effect";

/// How a change is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A merge patch of the object.
    Patch,
    /// A merge patch of its part `scale`.
    Scale,
    /// A new object, which must not be there yet.
    Create,
    /// A configuration that is applied on the server, never by force.
    Apply,
    /// A deletion.
    Delete,
    /// An eviction, which asks the disruption budgets.
    Evict,
    /// Some keys of a Secret or of a path of Vault, their values filled in where they are sent.
    Keys,
    /// Versions of a path of Vault, for good.
    Destroy,
    /// A program of this machine is started.
    Run,
}

impl Verb {
    /// How changes of a step kind are sent.
    pub fn of(kind: &str) -> Self {
        match kind {
            "k8s.scale" => Self::Scale,
            "k8s.job-run" | CREATE => Self::Create,
            "k8s.apply" => Self::Apply,
            "k8s.delete" => Self::Delete,
            "k8s.evict" => Self::Evict,
            "k8s.secret-set" | "vault.kv-patch" | "vault.kv-restore" => Self::Keys,
            "vault.kv-destroy" => Self::Destroy,
            "exec" => Self::Run,
            _ => Self::Patch,
        }
    }

    /// Whether every field of a kind's change decides whether it stands, and is put back by its saved value.
    pub fn by_fields(kind: &str) -> bool {
        matches!(
            kind,
            "k8s.patch" | "k8s.service-selector" | "argocd.suspend" | "argocd.resume" | "k8s.apply"
        )
    }

    /// Whether the object is gone afterwards.
    pub fn removes(self) -> bool {
        matches!(self, Self::Delete | Self::Evict)
    }

    /// Whether the object is made by it.
    pub fn creates(self) -> bool {
        self == Self::Create
    }

    /// The right it needs: the verb, and the part of the resource with its slash. A program needs none of the cluster's.
    pub fn right(self) -> (&'static str, &'static str) {
        match self {
            Self::Patch | Self::Keys | Self::Apply => ("patch", ""),
            Self::Create => ("create", ""),
            Self::Destroy => ("update", ""),
            Self::Scale => ("patch", "/scale"),
            Self::Delete => ("delete", ""),
            Self::Evict => ("create", "/eviction"),
            Self::Run => ("", ""),
        }
    }

    /// How the request begins, for people.
    pub fn request(self) -> &'static str {
        match self {
            Self::Patch | Self::Scale | Self::Keys => "PATCH",
            Self::Apply => "PATCH (apply)",
            Self::Create => "POST",
            Self::Destroy => "POST destroy",
            Self::Delete => "DELETE",
            Self::Evict => "POST eviction",
            Self::Run => "RUN",
        }
    }
}
