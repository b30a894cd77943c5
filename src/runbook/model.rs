//! A runbook as plain data: what the file says, typed, with its prose beside it. These types are the reference
//! of the format; serialised without prose they are the executable model whose digest approvals bind to.
//!
//! Length: the whole vocabulary of steps in one place reads better than apart.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use crate::runbook::check::{Check, Test};
use crate::runbook::place::Place;
use crate::runbook::quantity::Limit;
use crate::runbook::template::{Path, Slot, Text};

/// A whole runbook file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Runbook {
    /// Version of the format.
    pub schema: i64,
    /// Its name in commands and journals.
    pub id: String,
    /// Its own version.
    pub version: String,
    /// For people.
    #[serde(skip)]
    pub title: String,
    /// Who keeps it.
    #[serde(skip)]
    pub owners: Vec<String>,
    /// Overdue after this day, as `2026-06-01`.
    #[serde(skip)]
    pub review_by: Option<String>,
    /// Chooses the default guards.
    pub risk: Risk,
    /// Where it may run; empty means anywhere.
    pub environments: Vec<String>,
    /// Exclusivity keys.
    pub lock: Vec<Text>,
    /// Active time of the run.
    pub timeout: Option<SignedMillis>,
    /// What a failed step does unless it says otherwise.
    pub on_failure: OnFailure,
    /// What happens to traffic when the console vanished.
    pub on_lost_observer: LostObserver,
    /// A rehearsal this needs.
    pub rehearse: Option<Rehearse>,
    /// Parameters in file order.
    pub params: Vec<Param>,
    /// Declared secrets in file order.
    pub secrets: Vec<SecretDecl>,
    /// Reusable gates by name.
    pub gates: BTreeMap<String, GateDecl>,
    /// What of the customer's document it implements.
    #[serde(skip)]
    pub sources: Vec<DocRef>,
    /// Where it departs from that, and why.
    #[serde(skip)]
    pub deviations: Vec<Deviation>,
    /// Checklist items of the front matter.
    pub checklist: Vec<ChecklistItem>,
    /// Reusable blocks by id.
    pub blocks: BTreeMap<String, Vec<Step>>,
    /// The steps in document order.
    pub steps: Vec<Step>,
    /// The headings the steps stand under.
    #[serde(skip)]
    pub sections: Vec<Section>,
    /// The text before the first section.
    #[serde(skip)]
    pub intro: String,
}

/// A heading with its prose; what the plan pane shows as one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// All prose under it, joined.
    pub prose: String,
}

/// A duration that serialises as whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedMillis(pub SignedDuration);

impl Serialize for SignedMillis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.as_millis() as i64)
    }
}

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
    }
}

words! {
    /// Where a form's choices come from.
    LiveList {
        /// The workloads of the namespace.
        Workloads = "workloads",
        /// The revisions of the chosen workload, judged.
        Revisions = "revisions",
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

/// A declared parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it may hold.
    #[serde(rename = "type")]
    pub ty: ParamType,
    /// Used when nothing is given.
    pub default: Option<Value>,
    /// Must be given.
    pub required: bool,
    /// A glob with `*` the text must match.
    pub pattern: Option<String>,
    /// Least value, as written.
    pub min: Option<String>,
    /// Greatest value, as written.
    pub max: Option<String>,
    /// Allowed values of a choice.
    pub choices: Vec<String>,
    /// A live list for the form.
    pub from: Option<LiveList>,
    /// For the form.
    #[serde(skip)]
    pub help: Option<String>,
    /// Where it is declared.
    #[serde(skip)]
    pub place: Place,
}

/// A declared secret; it never has a default and never a value here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecretDecl {
    /// Its name.
    pub name: String,
    /// generate, prompt, vault or k8s.
    pub source: String,
    /// How many random bytes.
    pub bytes: Option<i64>,
    /// How they are written.
    pub encoding: Option<String>,
}

/// A rehearsal the runbook asks for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearse {
    /// In which environment.
    #[serde(rename = "in")]
    pub environment: String,
    /// Not older than this.
    pub max_age: SignedMillis,
}

/// A pointer into the customer's document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocRef {
    /// The document.
    pub doc: String,
    /// The paragraph.
    pub reference: String,
}

/// A departure from the customer's document.
#[derive(Clone, Debug, PartialEq)]
pub struct Deviation {
    /// From which paragraph.
    pub reference: String,
    /// Why.
    pub why: String,
    /// The trap avoided, as `T20`.
    pub trap: Option<String>,
}

/// One item to tick.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChecklistItem {
    /// Its id within the list.
    pub id: String,
    /// What must be true.
    #[serde(skip)]
    pub text: String,
    /// auto, link, attest or n/a.
    pub evidence: Vec<String>,
}

/// One step: the keys every kind shares, and its kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Unique in its file.
    pub id: String,
    /// Index into the runbook's sections.
    #[serde(skip)]
    pub section: usize,
    /// The prose right above the fence.
    #[serde(skip)]
    pub prose: String,
    /// Where the fence begins.
    #[serde(skip)]
    pub place: Place,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
    /// Runs only if this holds.
    pub when: Option<When>,
    /// How long it may take, and what then.
    pub timeout: Option<Timeout>,
    /// Automatic repeats.
    pub retry: Option<Retry>,
    /// Overrides the runbook's.
    pub on_failure: Option<OnFailure>,
    /// A confirmation of its own.
    pub confirm: Confirm,
    /// A second person.
    pub approve: Option<Approve>,
    /// The way back.
    pub undo: Option<Undo>,
    /// Nothing before this is undone once it is done.
    pub barrier: bool,
    /// Values kept for later steps.
    pub capture: BTreeMap<String, Path>,
    /// Post-conditions.
    pub checks: Vec<Check>,
    /// A failure here ends the run's hope of success.
    pub critical: bool,
    /// Evidence asked for.
    pub evidence: Option<String>,
    /// Its output is not shown.
    pub sensitive_output: bool,
    /// What to wait for after the effect.
    pub wait: Option<WaitFor>,
    /// Once for each of these.
    pub each: Option<Each>,
}

/// A guard a person answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// None.
    #[default]
    No,
    /// A yes.
    Yes,
    /// This text, typed.
    Type(Text),
}

/// Who else must agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Approve {
    /// How many.
    pub count: i64,
    /// Who may not.
    pub not: Option<String>,
    /// For how long an approval holds.
    pub ttl: Option<SignedMillis>,
    /// Only in this environment.
    pub when_env: Option<String>,
}

/// A deadline with its consequence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeout {
    /// After how long.
    pub after: Slot<SignedDuration>,
    /// What happens then.
    pub then: Then,
}

/// Automatic repeats of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retry {
    /// How often.
    pub max: i64,
    /// Pause between.
    pub backoff: Option<SignedMillis>,
    /// transient, conflict.
    pub on: Vec<String>,
}

/// A condition for running a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Every one holds.
    All(Vec<When>),
    /// At least one holds.
    Any(Vec<When>),
    /// A single test.
    Test(Subject, Test),
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A value.
    Value(Path),
    /// The environment's name.
    Env,
    /// The open incident's severity.
    Severity,
}

/// The way back from a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Undo {
    /// There is none, and the step says why.
    None,
    /// The fields touched get their saved values back.
    Restore,
    /// Another action, possibly conditional.
    Act(Box<StepKind>, Option<When>),
}

/// What follows an effect before the step is done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitFor {
    /// The rollout of our own change is complete.
    Rollout,
}

/// Repetition over a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Each {
    /// The list.
    #[serde(rename = "in")]
    pub over: Path,
    /// The loop variable.
    #[serde(rename = "as")]
    pub var: Option<String>,
    /// Order of roles.
    pub order: Vec<String>,
    /// How many at once.
    pub serial: i64,
}

/// A gate as the file declares it, inline or by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateDecl {
    /// Between evaluations.
    pub interval: Slot<SignedDuration>,
    /// Before the first one.
    pub initial_delay: Option<Slot<SignedDuration>>,
    /// Unbroken good time that passes.
    pub hold: Slot<SignedDuration>,
    /// From the start to the end, whatever happened.
    pub deadline: Slot<SignedDuration>,
    /// Requests below which an evaluation is void.
    pub min_requests: i64,
    /// Bad evaluations add up over the run.
    pub fail_scope_run: bool,
    /// One good metric is enough.
    pub any: bool,
    /// What is judged.
    pub metrics: Vec<MetricDecl>,
}

/// One metric of a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricDecl {
    /// A named signal.
    pub signal: String,
    /// A raw query instead of the named signal.
    pub query: Option<Text>,
    /// Good means within this.
    pub ok: Limit,
    /// Outside means failed at once.
    pub abort: Option<Limit>,
    /// Good also means: not worse than the old side by more than this.
    pub relative: Option<Limit>,
    /// So many bad evaluations fail the gate.
    pub fail_at: Option<i64>,
    /// Judged only if this holds.
    pub when: Option<When>,
}

/// Where a gate's verdict leads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateOn {
    /// All good.
    pub pass: Then,
    /// Judged bad.
    pub fail: ThenBy,
    /// Not judged.
    pub inconclusive: Then,
    /// Sleep, crash, or a gap.
    pub lost: Then,
}

/// A consequence, possibly depending on a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ThenBy {
    /// Always the same.
    Fixed(Then),
    /// Looked up by the parameter's value.
    Param {
        /// The parameter.
        param: String,
        /// Value to consequence.
        map: BTreeMap<String, Then>,
    },
}

/// A Kubernetes object a step acts on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Its namespace.
    pub ns: Text,
    /// `Kind/name`, or a name.
    pub target: Text,
}

/// One branch the operator may choose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Branch {
    /// What `when` compares with.
    pub id: String,
    /// What the button says.
    #[serde(skip)]
    pub label: String,
    /// What it does.
    #[serde(skip)]
    pub help: Option<String>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum StepKind {
    /// Something to read.
    #[serde(rename = "note")]
    Note,
    /// Settles a parameter, asking if nothing answered it.
    #[serde(rename = "input")]
    Input {
        /// The parameter settled.
        param: String,
    },
    /// The operator picks a branch.
    #[serde(rename = "choose")]
    Choose {
        /// The branches.
        options: Vec<Branch>,
    },
    /// Items to tick with evidence.
    #[serde(rename = "checklist")]
    Checklist {
        /// The items.
        items: Vec<ChecklistItem>,
    },
    /// A go or no-go.
    #[serde(rename = "confirm")]
    Confirm {
        /// What stands in the dialog.
        show: Vec<String>,
    },
    /// Looks, and holds what it sees against its checks.
    #[serde(rename = "check")]
    Check {
        /// The object to look at first, if any.
        object: Option<Target>,
    },
    /// Plans a later step's change and shows it, rehearsed on the server.
    #[serde(rename = "diff")]
    Diff {
        /// The later step.
        of: String,
    },
    /// One request to a service.
    #[serde(rename = "http")]
    Http {
        /// Where.
        url: Text,
        /// pod-proxy, service-proxy or direct.
        via: String,
        /// What the answer must be.
        expect: BTreeMap<String, Value>,
    },
    /// Judges signals over time.
    #[serde(rename = "gate")]
    Gate {
        /// A declared gate's name.
        #[serde(rename = "use")]
        named: Option<String>,
        /// An inline gate.
        gate: Option<Box<GateDecl>>,
        /// Overrides the declared hold.
        hold: Option<Slot<SignedDuration>>,
        /// Which side.
        side: Side,
        /// Whose signals, if not everything's.
        target: Option<Target>,
        /// Where each verdict leads.
        on: GateOn,
    },
    /// Time passes.
    #[serde(rename = "wait")]
    Wait {
        /// How long.
        #[serde(rename = "for")]
        span: Slot<SignedDuration>,
        /// And a margin.
        plus: Option<Slot<SignedDuration>>,
        /// Counted from here.
        since: Option<Path>,
    },
    /// The template of an earlier revision.
    #[serde(rename = "k8s.rollback")]
    Rollback {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
        /// The revision's number, or `steps.ID.before`.
        to: Text,
    },
    /// A number of replicas.
    #[serde(rename = "k8s.scale")]
    Scale {
        /// The object; an undo inherits the step's.
        #[serde(flatten)]
        at: Option<Target>,
        /// How many.
        replicas: Slot<i64>,
    },
    /// A restart stamp in the template.
    #[serde(rename = "k8s.rollout-restart")]
    RolloutRestart {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
    },
    /// `spec.paused = true`.
    #[serde(rename = "k8s.pause")]
    Pause {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
    },
    /// `spec.paused = false`.
    #[serde(rename = "k8s.resume")]
    Resume {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
    },
    /// Another image; the template's label `version` follows where there is one.
    #[serde(rename = "k8s.set-image")]
    SetImage {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
        /// The container; the only one if not named.
        container: Option<String>,
        /// The image.
        image: Text,
    },
    /// Annotations.
    #[serde(rename = "k8s.annotate")]
    Annotate {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
        /// Key to value.
        set: BTreeMap<String, Text>,
    },
    /// The steps of a block.
    #[serde(rename = "use")]
    Use {
        /// The block's id.
        block: String,
    },
    /// Steps repeated over a list.
    #[serde(rename = "each")]
    Each {
        /// The list and the variable.
        over: Each,
        /// The steps.
        #[serde(rename = "do")]
        body: Vec<Step>,
    },
    /// One record in the audit log.
    #[serde(rename = "audit")]
    Audit {
        /// Its event.
        event: String,
        /// Its fields.
        with: BTreeMap<String, Text>,
    },
    /// A message to the outside.
    #[serde(rename = "notify")]
    Notify {
        /// A configured channel.
        channel: String,
        /// What it says.
        text: Text,
    },
    /// A kind whose keys are kept as data; the machine of this version does not run it.
    #[serde(untagged)]
    Planned {
        /// Its name in files.
        #[serde(rename = "kind")]
        name: String,
        /// Its keys, references still unfilled.
        keys: BTreeMap<String, Value>,
    },
}

impl StepKind {
    /// The kind's name in files.
    pub fn name(&self) -> &str {
        match self {
            Self::Note => "note",
            Self::Input { .. } => "input",
            Self::Choose { .. } => "choose",
            Self::Checklist { .. } => "checklist",
            Self::Confirm { .. } => "confirm",
            Self::Check { .. } => "check",
            Self::Diff { .. } => "diff",
            Self::Http { .. } => "http",
            Self::Gate { .. } => "gate",
            Self::Wait { .. } => "wait",
            Self::Rollback { .. } => "k8s.rollback",
            Self::Scale { .. } => "k8s.scale",
            Self::RolloutRestart { .. } => "k8s.rollout-restart",
            Self::Pause { .. } => "k8s.pause",
            Self::Resume { .. } => "k8s.resume",
            Self::SetImage { .. } => "k8s.set-image",
            Self::Annotate { .. } => "k8s.annotate",
            Self::Planned { name, .. } => name,
            Self::Use { .. } => "use",
            Self::Each { .. } => "each",
            Self::Audit { .. } => "audit",
            Self::Notify { .. } => "notify",
        }
    }

    /// Whether it changes the world outside.
    pub fn mutates(&self) -> bool {
        match self {
            Self::Rollback { .. }
            | Self::Scale { .. }
            | Self::RolloutRestart { .. }
            | Self::Pause { .. }
            | Self::Resume { .. }
            | Self::SetImage { .. }
            | Self::Annotate { .. } => true,
            Self::Planned { name, .. } => PLANNED
                .iter()
                .any(|(known, mutates, _)| known == name && *mutates),
            _ => false,
        }
    }

    /// Whether it only collects what a plan needs: such steps run before the preflight.
    pub fn collects(&self) -> bool {
        matches!(
            self,
            Self::Note | Self::Input { .. } | Self::Choose { .. } | Self::Check { .. }
        )
    }

    /// The object it acts on.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Rollback { at, .. }
            | Self::Scale { at, .. }
            | Self::RolloutRestart { at }
            | Self::Pause { at }
            | Self::Resume { at }
            | Self::SetImage { at, .. }
            | Self::Annotate { at, .. } => at.as_ref(),
            Self::Gate { target, .. } => target.as_ref(),
            Self::Check { object } => object.as_ref(),
            _ => None,
        }
    }
}

/// Kinds the format knows and the machine does not run yet: name, whether it mutates, its keys.
pub const PLANNED: &[(&str, bool, &[&str])] = &[
    ("approve", false, &["count", "ttl", "not"]),
    ("scan", false, &["ns", "in", "pattern", "sample"]),
    ("k8s.secret-consumers", false, &["ns", "key"]),
    ("traffic.detect", false, &["ns", "app"]),
    ("velero.status", false, &["ns"]),
    ("db.backup-status", false, &["ns", "name"]),
    ("rbac.review", false, &["ns"]),
    ("netpol.simulate", false, &["ns", "from", "to"]),
    ("vault.kv-read", false, &["at"]),
    ("k8s.patch", true, &["ns", "target", "patch"]),
    ("k8s.apply", true, &["ns", "file"]),
    ("k8s.service-selector", true, &["ns", "name", "set"]),
    ("k8s.delete", true, &["ns", "target"]),
    ("k8s.secret-set", true, &["ns", "name", "from", "keys"]),
    ("k8s.job-run", true, &["ns", "name", "from"]),
    ("traffic.weight", true, &["canary", "precondition"]),
    ("vault.kv-patch", true, &["at", "cas", "set"]),
    ("vault.kv-restore", true, &["at", "version"]),
    ("vault.kv-destroy", true, &["at", "versions"]),
    ("eso.sync", true, &["ns", "name", "until"]),
    ("sealed.reencrypt", true, &["file"]),
    ("argocd.suspend", true, &["name"]),
    ("argocd.resume", true, &["name"]),
    ("git.propose", true, &["file"]),
    ("velero.backup", true, &["ns", "name"]),
    ("velero.restore", true, &["name", "into"]),
    ("exec", true, &["argv"]),
    ("call", false, &["runbook", "with"]),
    ("incident.set", false, &["severity", "set"]),
];

/// Kinds the machine runs, and those with keys of their own.
pub const KINDS: &[&str] = &[
    "note",
    "input",
    "choose",
    "checklist",
    "confirm",
    "check",
    "diff",
    "http",
    "gate",
    "wait",
    "k8s.rollback",
    "k8s.scale",
    "k8s.rollout-restart",
    "k8s.pause",
    "k8s.resume",
    "k8s.set-image",
    "k8s.annotate",
    "use",
    "each",
    "audit",
    "notify",
];

impl Runbook {
    /// The section and the number, from one, a step stands under.
    pub fn section_of(&self, step: &Step) -> (usize, Option<&Section>) {
        (step.section + 1, self.sections.get(step.section))
    }

    /// The declared parameter of that name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The step of that id among the top-level ones.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}
