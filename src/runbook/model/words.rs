//! The closed sets of words a runbook may use, each an enum with the word files write for it. Their names are part of
//! the format; what follows from a word is decided by the machine.

use serde::Serialize;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word of the set, as files write it.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The value a word names.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// The word for this value.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// How much a mistake can cost.
    Risk {
        /// Reads, or trivially undone.
        Low = "low",
        /// Undone in minutes.
        Medium = "medium",
        /// Users may notice.
        High = "high",
        /// Sessions, secrets or data are at stake.
        Critical = "critical",
    }
}

words! {
    /// What a failed step leads to.
    OnFailure {
        /// Stop and ask a person.
        Pause = "pause",
        /// Undo back to the last barrier.
        Rollback = "rollback",
        /// End, leaving things as they are.
        Abort = "abort",
        /// Go on; only steps that are not critical.
        Continue = "continue",
    }
}

words! {
    /// How a request gets to its service.
    Via {
        /// Through the API server, to a port of a Service.
        ServiceProxy = "service-proxy",
        /// Through the API server, to a pod, or to a ready pod of a Service.
        PodProxy = "pod-proxy",
        /// From this machine, to a host the configuration names.
        Direct = "direct",
    }
}

words! {
    /// What is asked of a service: only what changes nothing.
    Method {
        /// The answer with its body.
        Get = "GET",
        /// Only how it would be.
        Head = "HEAD",
    }
}

words! {
    /// What is searched.
    Texts {
        /// What containers wrote.
        Logs = "logs",
        /// The labels of the metrics a pod exports.
        Metrics = "metrics",
    }
}

words! {
    /// What becomes of traffic when nobody watches.
    LostObserver {
        /// It stays where it is.
        Hold = "hold",
        /// It goes back at take-over.
        Rollback = "rollback",
    }
}

words! {
    /// Where a decision or a failure goes.
    Then {
        /// On to the next step.
        Next = "next",
        /// Ask a person.
        Ask = "ask",
        /// The same as asking, for timeouts.
        Pause = "pause",
        /// Undo back to the last barrier.
        Rollback = "rollback",
        /// End, leaving things as they are.
        Abort = "abort",
        /// Go on although it failed.
        Continue = "continue",
        /// Judge again from zero.
        RestartGate = "restart-gate",
    }
}

words! {
    /// What a parameter may hold.
    ParamType {
        /// One line.
        String = "string",
        /// Several lines.
        Text = "text",
        /// A whole number.
        Int = "int",
        /// true or false.
        Bool = "bool",
        /// As `3m`.
        Duration = "duration",
        /// Rising percentages.
        PercentList = "percent-list",
        /// One of `choices`.
        Choice = "choice",
        /// A namespace.
        Namespace = "namespace",
        /// A name Kubernetes accepts.
        K8sName = "k8s-name",
        /// An image with a digest.
        ImageDigest = "image-digest",
        /// An image with a tag or a digest.
        Image = "image",
        /// `Kind/name`, or a name: a Deployment.
        K8sRef = "k8s-ref",
        /// A path in Vault's KV version 2.
        VaultKv2 = "vault-kv2",
        /// An http or https address.
        Url = "url",
        /// A cron line.
        Cron = "cron",
        /// A regular expression.
        Regex = "regex",
        /// A run of before, by its id: looked up before the first effect.
        Run = "run",
    }
}

words! {
    /// Where a form's choices come from.
    LiveList {
        /// The workloads of the namespace.
        Workloads = "workloads",
        /// The revisions of the chosen workload, judged.
        Revisions = "revisions",
        /// The pods of the namespace.
        Pods = "pods",
    }
}

words! {
    /// Which side of a split a gate judges.
    Side {
        /// Everything.
        All = "all",
        /// The version being left.
        Old = "old",
        /// The version being taken.
        New = "new",
    }
}

words! {
    /// What counts as evidence for an item of a checklist.
    Evidence {
        /// The program looks by itself.
        Auto = "auto",
        /// An address where the proof is.
        Link = "link",
        /// A named person vouches for it.
        Attest = "attest",
        /// It does not apply, for a reason.
        Na = "n/a",
    }
}

words! {
    /// What the platform is asked for an `auto` item.
    Glance {
        /// The workload's rollout is complete and all its pods are available.
        RolloutComplete = "rollout-complete",
        /// Every workload of the namespace is.
        AllHealthy = "all-healthy",
        /// No alert of severity critical speaks of the namespace.
        NoCriticalAlert = "no-critical-alert",
        /// A named signal of the workload is within a limit.
        Signal = "signal",
        /// The workload's signals can be read at all.
        SignalsRead = "signals-read",
        /// Alerting rules speak of the workload, or of every service.
        AlertRules = "alert-rules",
        /// No container of the workload has restarted for half an hour.
        NoRestarts = "no-restarts",
        /// The workload runs this image.
        ImageRuns = "image-runs",
        /// Every image of the workload is pinned by a digest or a tag that says a version.
        ImagePinned = "image-pinned",
        /// A ConfigMap or Secret has these keys.
        KeysPresent = "keys-present",
        /// Every container has requests and limits.
        ResourcesSet = "resources-set",
        /// The pods run without rights they do not need.
        Hardened = "hardened",
        /// So many replicas are wanted.
        Replicas = "replicas",
        /// A disruption budget protects the pods.
        Budget = "budget",
        /// An autoscaler drives the workload.
        Autoscaler = "autoscaler",
        /// There is an earlier revision to go back to.
        EarlierRevision = "earlier-revision",
        /// Every pod answers 200 on a path.
        Answers = "answers",
        /// The present is outside of these weekly windows.
        OutsideWindows = "outside-windows",
    }
}

impl Glance {
    /// The keys it takes besides `ask` and `ns`: those it needs, and those it may have.
    pub fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::AllHealthy | Self::NoCriticalAlert => (&[], &[]),
            Self::RolloutComplete
            | Self::SignalsRead
            | Self::AlertRules
            | Self::NoRestarts
            | Self::ImagePinned
            | Self::ResourcesSet
            | Self::Hardened
            | Self::Budget
            | Self::Autoscaler
            | Self::EarlierRevision => (&["target"], &[]),
            Self::Signal => (&["target", "signal", "limit"], &[]),
            Self::Replicas => (&["target", "limit"], &[]),
            Self::ImageRuns => (&["target", "image"], &[]),
            Self::KeysPresent => (&["target"], &["keys", "values"]),
            Self::Answers => (&["target", "path"], &[]),
            Self::OutsideWindows => (&["windows"], &[]),
        }
    }
}
