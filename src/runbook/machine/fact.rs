//! What a run's journal says, one entry per fact. Folding these in order restores the run; nothing else does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::runbook::approval::granted::Granted;
use crate::runbook::ids::{EffectKey, RunId};
use crate::runbook::machine::item::Tick;
use crate::runbook::model::Then;
use crate::runbook::patch::{Action, Planned};
use crate::runbook::preflight::Line;

/// One record: when, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the clock the engine was given.
    pub ts: Timestamp,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// Where a run happens; the identity a resume must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTarget {
    /// Uid of namespace `kube-system`, or CA and address without that right.
    pub cluster_uid: String,
    /// The kubeconfig context.
    pub context: String,
    /// The server's address.
    pub server: String,
    /// The namespace.
    pub namespace: String,
    /// production, staging, simulated, unknown …
    pub environment: String,
}

/// Everything a run starts from.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own, and stands in journals under its name"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The run's id.
    pub run: RunId,
    /// The runbook's id.
    pub runbook: String,
    /// Its version.
    pub version: String,
    /// Digest of its model.
    pub model: String,
    /// Settled parameters.
    pub params: BTreeMap<String, Value>,
    /// Where.
    pub target: RunTarget,
    /// Who, as the server knows them.
    pub actor: String,
    /// Confirmations must be typed here.
    pub typed: bool,
    /// A person is at the screen; without one nothing is waited for.
    pub attended: bool,
    /// Nothing is sent: what would be is rehearsed where that can be done.
    pub dry_run: bool,
    /// Nor is anything rehearsed: the platform is only read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_only: bool,
    /// Answers given beforehand.
    pub answers: Answers,
}

/// What `--confirm`, `--yes`, `--answer` and `--reason` settled beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Answers {
    /// Texts for typed confirmations.
    pub confirm: Vec<String>,
    /// Plain confirmations are yes.
    pub yes: bool,
    /// Answers by step id.
    pub step: BTreeMap<String, String>,
    /// Why this run is made.
    pub reason: Option<String>,
    /// Why it goes past what the policy refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
    /// How bad the incident is that was open here when it began, for conditions that ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
}

/// How the answer begins with which somebody takes a run over.
pub const TAKES_OVER: &str = "takes over: ";

/// Who carried the run last: whoever began it, or took it over and said why.
pub fn carrier<'e>(start: &'e Start, entries: &'e [Entry]) -> &'e str {
    let took = entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Resumed {
            by,
            reason: Some(_),
            ..
        } => Some(by),
        Fact::Decision {
            by,
            answer,
            accepted: true,
            ..
        } if answer.starts_with(TAKES_OVER) => Some(by),
        _ => None,
    });
    took.unwrap_or(&start.actor)
}

/// Why a run needs a person: the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// A confirmation.
    Confirm,
    /// Somebody else's agreement.
    Approval,
    /// An answer or a decision.
    Input,
    /// A gate that did not pass.
    Gate,
    /// A deadline.
    Timeout,
    /// Somebody else changed what is touched.
    Conflict,
    /// A right is missing.
    Denied,
    /// The platform does not answer.
    Offline,
    /// An effect whose outcome is not known.
    Unknown,
    /// The world is not what was seen before.
    Drift,
    /// Another run holds the lock.
    Lock,
    /// The journal cannot be written.
    Journal,
    /// Clocks disagree.
    Clock,
}

/// The states of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Collecting what the plan needs.
    Draft,
    /// Asking whether it may and is safe.
    Preflight,
    /// Nothing stands in the way.
    Ready,
    /// Steps are carried out.
    Running,
    /// Time or the platform must move.
    Waiting,
    /// A person must decide.
    NeedsHuman,
    /// Going back to the last barrier.
    RollingBack,
    /// Every step done.
    Succeeded,
    /// Stopped, nothing undone, leftovers listed.
    Failed,
    /// Everything undone.
    RolledBack,
    /// Something could not be undone.
    RollbackIncomplete,
    /// Ended before or without effects.
    Aborted,
    /// Closed by a named person.
    Abandoned,
}

impl RunState {
    /// Whether nothing more will happen.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Failed
                | Self::RolledBack
                | Self::RollbackIncomplete
                | Self::Aborted
                | Self::Abandoned
        )
    }
}

/// What a person may decide when something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Look, wait, measure or plan again.
    Again,
    /// Undo back to the last barrier.
    RollBack,
    /// End here, leaving things as they are.
    Stop,
}

/// An effect about to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The step.
    pub step: String,
    /// Its key.
    pub effect: EffectKey,
    /// From one.
    pub attempt: u32,
    /// The request's `Audit-ID`.
    pub audit_id: String,
    /// What will be sent, preconditions included.
    pub action: Box<Action>,
}

/// How the server answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The step.
    pub step: String,
    /// The effect.
    pub effect: EffectKey,
    /// The attempt.
    pub attempt: u32,
    /// Applied, or why definitely not.
    pub status: Status,
    /// The HTTP status.
    pub http: Option<u16>,
    /// The object's version afterwards.
    pub resource_version: Option<String>,
    /// The object's generation afterwards: the rollout that is ours.
    pub generation: Option<i64>,
    /// The server's words.
    pub message: String,
    /// What a program printed, bounded and cleaned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// Whether an effect happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It did.
    Applied,
    /// 409 or a failed precondition: it did not.
    Conflict,
    /// 401 or 403: it did not.
    Denied,
    /// 404 or another uid: it did not.
    Gone,
    /// 400, 422, admission: it did not.
    Invalid,
    /// Never sent: somebody else carries the run now.
    Locked,
    /// A program ended with another code than zero.
    Failed,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The step.
    pub step: String,
    /// The effect.
    pub effect: EffectKey,
    /// What was found.
    pub found: Found,
    /// The fields that decided.
    pub detail: Vec<String>,
    /// The object's generation.
    pub generation: Option<i64>,
    /// Its version, where that names what the effect made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The world against an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// It landed.
    Present,
    /// It did not, and the fields are as confirmed.
    Absent,
    /// Something else is there.
    Diverged,
}

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[allow(
    missing_docs,
    reason = "the fields are named after the facts they hold; each variant is documented"
)]
pub enum Fact {
    /// The run exists.
    #[serde(rename = "run.start")]
    Start(Box<Start>),
    /// The preflight's page.
    #[serde(rename = "run.preflight")]
    Preflight {
        ok: bool,
        lines: Vec<Line>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        covers: Vec<String>,
    },
    /// A person must decide.
    #[serde(rename = "run.needs-human")]
    NeedsHuman {
        reason: Reason,
        message: String,
        step: Option<String>,
        ways: Vec<Way>,
    },
    /// Somebody took the run up again.
    #[serde(rename = "run.resumed")]
    Resumed {
        by: String,
        hand_over: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The program stopped.
    #[serde(rename = "run.interrupted")]
    Interrupted { why: String },
    /// Going back begins.
    #[serde(rename = "run.rolling-back")]
    RollingBack { by: String, reason: String },
    /// The run is over.
    #[serde(rename = "run.end")]
    End {
        state: RunState,
        refused: bool,
        message: String,
        leftovers: Vec<String>,
    },
    /// It is about to end so; what must not stay behind is put back first, whatever else stays.
    #[serde(rename = "run.ending")]
    Ending { state: RunState, message: String },
    /// A person's line.
    #[serde(rename = "run.note")]
    Note { by: String, text: String },
    /// The journal was mended after a torn write.
    #[serde(rename = "journal.recovered")]
    Recovered { aside: String, bytes: u64 },
    /// A step began.
    #[serde(rename = "step.started")]
    Started { step: String },
    /// A step's condition is false, and so are those of the steps of the same call right after it.
    #[serde(rename = "step.skipped")]
    Skipped {
        step: String,
        reason: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        more: Vec<String>,
    },
    /// A step's change was worked out; this is what is confirmed.
    #[serde(rename = "step.planned")]
    Planned { step: String, plan: Box<Planned> },
    /// A step waits for a person.
    #[serde(rename = "step.awaiting")]
    Awaiting {
        step: String,
        reason: Reason,
        message: String,
    },
    /// A person, or an answer given beforehand, decided.
    #[serde(rename = "decision")]
    Decision {
        step: Option<String>,
        by: String,
        answer: String,
        accepted: bool,
    },
    /// An item of a checklist was looked at; `holds` is none where it could not be found out.
    #[serde(rename = "checklist.looked")]
    Looked {
        step: String,
        item: String,
        holds: Option<bool>,
        said: String,
    },
    /// A person gave evidence for an item of a checklist.
    #[serde(rename = "checklist.item")]
    Ticked(Tick),
    /// Somebody else agreed.
    #[serde(rename = "approval")]
    Approval {
        step: String,
        code: String,
        granted: Granted,
        text: String,
    },
    /// What somebody offered as an approval is none.
    #[serde(rename = "approval.refused")]
    ApprovalRefused { step: String, why: String },
    /// A parameter was settled.
    #[serde(rename = "param")]
    Param { name: String, value: Value },
    /// An effect is about to be sent.
    #[serde(rename = "step.intent")]
    Intent(Intent),
    /// The server answered.
    #[serde(rename = "step.outcome")]
    Outcome(Outcome),
    /// No answer that settles it.
    #[serde(rename = "step.unknown")]
    Unknown {
        step: String,
        effect: EffectKey,
        attempt: u32,
        why: String,
    },
    /// The world was looked at.
    #[serde(rename = "step.probe")]
    Probed(Probe),
    /// A message is about to be sent: if nothing follows, it may have been.
    #[serde(rename = "step.sending")]
    Sending { step: String, channel: String },
    /// Something moved.
    #[serde(rename = "step.progress")]
    Progress { step: String, text: String },
    /// A gate decided.
    #[serde(rename = "gate.verdict")]
    Verdict {
        step: String,
        verdict: String,
        why: String,
        metrics: Vec<String>,
        bad: BTreeMap<String, u32>,
    },
    /// A step is done.
    #[serde(rename = "step.done")]
    Done { step: String, out: Value },
    /// A step failed.
    #[serde(rename = "step.failed")]
    Failed {
        step: String,
        reason: Reason,
        message: String,
        then: Then,
    },
    /// An undo is about to be sent.
    #[serde(rename = "undo.intent")]
    UndoIntent(Intent),
    /// The server answered an undo.
    #[serde(rename = "undo.outcome")]
    UndoOutcome(Outcome),
    /// No answer that settles an undo.
    #[serde(rename = "undo.unknown")]
    UndoUnknown {
        step: String,
        effect: EffectKey,
        attempt: u32,
        why: String,
    },
    /// The world was looked at for an undo.
    #[serde(rename = "undo.probe")]
    UndoProbed(Probe),
    /// A step is undone.
    #[serde(rename = "undo.done")]
    UndoDone { step: String, message: String },
    /// A step could not be undone.
    #[serde(rename = "undo.failed")]
    UndoFailed {
        step: String,
        message: String,
        command: Option<String>,
    },
}

impl Fact {
    /// The event's name, as the journal has it.
    pub fn name(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| {
                value
                    .get("event")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            })
            .unwrap_or_default()
    }
}
