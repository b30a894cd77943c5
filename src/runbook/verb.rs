//! How a planned change reaches the server: as a patch of the object, of its part `scale`, as a deletion or an eviction;
//! and what follows from that, such as the right it needs. Kinds of steps are told apart here by their name in files.

/// How a change is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A merge patch of the object.
    Patch,
    /// A merge patch of its part `scale`.
    Scale,
    /// A deletion.
    Delete,
    /// An eviction, which asks the disruption budgets.
    Evict,
    /// Some keys of a Secret or of a path of Vault, their values filled in where they are sent.
    Keys,
    /// Versions of a path of Vault, for good.
    Destroy,
}

impl Verb {
    /// How changes of a step kind are sent.
    pub fn of(kind: &str) -> Self {
        match kind {
            "k8s.scale" => Self::Scale,
            "k8s.delete" => Self::Delete,
            "k8s.evict" => Self::Evict,
            "k8s.secret-set" | "vault.kv-patch" | "vault.kv-restore" => Self::Keys,
            "vault.kv-destroy" => Self::Destroy,
            _ => Self::Patch,
        }
    }

    /// Whether every field of a kind's change decides whether it stands, and is put back by its saved value.
    pub fn by_fields(kind: &str) -> bool {
        matches!(
            kind,
            "k8s.patch" | "k8s.service-selector" | "argocd.suspend" | "argocd.resume"
        )
    }

    /// Whether the object is gone afterwards.
    pub fn removes(self) -> bool {
        matches!(self, Self::Delete | Self::Evict)
    }

    /// The right it needs: the verb, and the part of the resource with its slash.
    pub fn right(self) -> (&'static str, &'static str) {
        match self {
            Self::Patch | Self::Keys => ("patch", ""),
            Self::Destroy => ("update", ""),
            Self::Scale => ("patch", "/scale"),
            Self::Delete => ("delete", ""),
            Self::Evict => ("create", "/eviction"),
        }
    }

    /// How the request begins, for people.
    pub fn request(self) -> &'static str {
        match self {
            Self::Patch | Self::Scale | Self::Keys => "PATCH",
            Self::Destroy => "POST destroy",
            Self::Delete => "DELETE",
            Self::Evict => "POST eviction",
        }
    }
}
