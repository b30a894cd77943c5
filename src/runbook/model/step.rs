//! One step: its kind with the keys of that kind, and the keys every kind shares. A step may hold steps, so the three
//! types that refer to each other stand together here.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use crate::runbook::check::Check;
use crate::runbook::model::Runbook;
use crate::runbook::model::checklist::ChecklistItem;
use crate::runbook::model::gate::{GateDecl, GateOn};
use crate::runbook::model::guard::{Approve, Confirm, Each, Retry, Timeout, WaitFor, When};
use crate::runbook::model::look::LookStep;
use crate::runbook::model::object::{ObjectStep, Target};
use crate::runbook::model::secret::SecretStep;
use crate::runbook::model::words::{OnFailure, Side};
use crate::runbook::place::Place;
use crate::runbook::template::{Path, Slot, Text};

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
    /// Loop variables of a step that was written out of an `each`.
    #[serde(skip)]
    pub vars: BTreeMap<String, Value>,
    /// The calls it was written out of, outermost first.
    #[serde(skip)]
    pub within: Vec<Enclosing>,
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

/// A call that a step was written out of.
#[derive(Clone, Debug, PartialEq)]
pub struct Enclosing {
    /// The path of the call with a slash: before the names of everything in it.
    pub prefix: String,
    /// Runs only if this holds, outside of the call.
    pub when: Option<When>,
    /// What the call gives to the parameters of what is called.
    pub with: BTreeMap<String, Text>,
    /// What is called.
    pub book: Arc<Runbook>,
    /// The loop variables around the call.
    pub vars: BTreeMap<String, Value>,
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
    /// Somebody else's agreement with what follows; who and how many stands in the step's `approve`.
    #[serde(rename = "approve")]
    Approve,
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
        /// The signals of all of these: the worst of them is judged.
        targets: Option<Path>,
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
    /// The object is deleted.
    #[serde(rename = "k8s.delete")]
    Delete {
        /// The object.
        #[serde(flatten)]
        at: Option<Target>,
    },
    /// The pod is asked to leave, as far as its disruption budget allows.
    #[serde(rename = "k8s.evict")]
    Evict {
        /// The pod.
        #[serde(flatten)]
        at: Option<Target>,
    },
    /// The steps of a block.
    #[serde(rename = "use")]
    Use {
        /// The block's id.
        block: String,
    },
    /// Settles something of the incident that is open here.
    #[serde(rename = "incident.set")]
    IncidentSet {
        /// Its severity.
        severity: Option<Text>,
        /// `breach` (yes or no), `mitigated` (by what).
        set: BTreeMap<String, Text>,
    },
    /// Another runbook, with its own parameters.
    #[serde(rename = "call")]
    Call {
        /// Its id.
        runbook: String,
        /// Its parameters.
        with: BTreeMap<String, Text>,
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
    /// A program on this machine, started without a shell.
    #[serde(rename = "exec")]
    Exec {
        /// The program, then its arguments: each stays one argument, whatever is filled in.
        argv: Vec<Text>,
    },
    /// Something about a secret.
    #[serde(untagged)]
    Secret(SecretStep),
    /// Fields of an object.
    #[serde(untagged)]
    Object(ObjectStep),
    /// A look at what no object says.
    #[serde(untagged)]
    Look(LookStep),
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
            Self::Approve => "approve",
            Self::Check { .. } => "check",
            Self::Diff { .. } => "diff",
            Self::Gate { .. } => "gate",
            Self::Wait { .. } => "wait",
            Self::Rollback { .. } => "k8s.rollback",
            Self::Scale { .. } => "k8s.scale",
            Self::RolloutRestart { .. } => "k8s.rollout-restart",
            Self::Pause { .. } => "k8s.pause",
            Self::Resume { .. } => "k8s.resume",
            Self::SetImage { .. } => "k8s.set-image",
            Self::Annotate { .. } => "k8s.annotate",
            Self::Delete { .. } => "k8s.delete",
            Self::Evict { .. } => "k8s.evict",
            Self::Secret(step) => step.name(),
            Self::Object(step) => step.name(),
            Self::Look(step) => step.name(),
            Self::Planned { name, .. } => name,
            Self::Use { .. } => "use",
            Self::Call { .. } => "call",
            Self::IncidentSet { .. } => "incident.set",
            Self::Each { .. } => "each",
            Self::Audit { .. } => "audit",
            Self::Notify { .. } => "notify",
            Self::Exec { .. } => "exec",
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
            | Self::Annotate { .. }
            | Self::Delete { .. }
            | Self::Evict { .. }
            | Self::Exec { .. }
            | Self::Object(_) => true,
            Self::Secret(step) => step.mutates(),
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
        ) || matches!(
            self,
            Self::Secret(SecretStep::Consumers { .. } | SecretStep::Read { .. })
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
            | Self::Annotate { at, .. }
            | Self::Delete { at }
            | Self::Evict { at } => at.as_ref(),
            Self::Object(step) => step.target(),
            Self::Gate { target, .. } => target.as_ref(),
            Self::Check { object } => object.as_ref(),
            _ => None,
        }
    }
}

/// Kinds the format knows and the machine does not run yet: name, whether it mutates, its keys.
pub const PLANNED: &[(&str, bool, &[&str])] = &[
    ("traffic.detect", false, &["ns", "app"]),
    ("velero.status", false, &["ns"]),
    ("db.backup-status", false, &["ns", "name"]),
    ("rbac.review", false, &["ns"]),
    ("netpol.simulate", false, &["ns", "from", "to"]),
    ("traffic.weight", true, &["canary", "precondition"]),
    ("sealed.reencrypt", true, &["file"]),
    ("git.propose", true, &["file"]),
    ("velero.backup", true, &["ns", "name"]),
    ("velero.restore", true, &["name", "into"]),
];

/// Kinds the machine runs, and those with keys of their own.
pub const KINDS: &[&str] = &[
    "note",
    "input",
    "choose",
    "checklist",
    "confirm",
    "approve",
    "check",
    "diff",
    "http",
    "scan",
    "gate",
    "wait",
    "k8s.rollback",
    "k8s.scale",
    "k8s.rollout-restart",
    "k8s.pause",
    "k8s.resume",
    "k8s.set-image",
    "k8s.annotate",
    "k8s.delete",
    "k8s.evict",
    "k8s.patch",
    "k8s.service-selector",
    "argocd.suspend",
    "argocd.resume",
    "k8s.job-run",
    "k8s.apply",
    "k8s.secret-consumers",
    "k8s.secret-proof",
    "vault.kv-read",
    "k8s.secret-set",
    "vault.kv-patch",
    "vault.kv-restore",
    "vault.kv-destroy",
    "eso.sync",
    "use",
    "call",
    "incident.set",
    "each",
    "audit",
    "notify",
    "exec",
];
