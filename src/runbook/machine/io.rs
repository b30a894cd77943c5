//! What goes into the machine and what comes out: events the engine reports, effects it is asked to carry out.
//!
//! Length: every event, question and answer of the machine, each with what it means.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::runbook::approval::Request;
use crate::runbook::gate::{GateSpec, Reading};
use crate::runbook::ids::EffectKey;
use crate::runbook::machine::fact::{Answers, Entry, Reason, RunState, Status, Way};
use crate::runbook::machine::forecast::Ahead;
use crate::runbook::machine::item::{Item, Look, Seen};
use crate::runbook::model::{Branch, SecretDecl, Texts};
use crate::runbook::patch::{Action, ObjectRef, Planned};
use crate::runbook::preflight::{Access, Line, ObjectFacts, Requirement};
use crate::runbook::request::Request as HttpRequest;
use crate::runbook::revision::{Choice, Revision};
use crate::runbook::touch::Touch;

/// Names a question so that its answer finds it.
pub type ReadId = u64;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The last [`Effect::Record`] is on disk.
    Recorded,
    /// It is not, and will not be.
    RecordFailed(String),
    /// A question's answer; a rollout is answered again whenever it moves.
    Answered(ReadId, Box<Answer>),
    /// A question that could not be answered.
    Unanswered(ReadId, Failure),
    /// The effect happened.
    Performed {
        /// Which.
        effect: EffectKey,
        /// Which attempt.
        attempt: u32,
        /// HTTP status.
        http: u16,
        /// The object's version afterwards.
        resource_version: String,
        /// Its generation afterwards.
        generation: i64,
    },
    /// The server definitely did not do it.
    Refused {
        /// Which.
        effect: EffectKey,
        /// Which attempt.
        attempt: u32,
        /// Anything but applied.
        status: Status,
        /// HTTP status.
        http: u16,
        /// The server's words.
        message: String,
    },
    /// A program ended by itself.
    Exited {
        /// Which.
        effect: EffectKey,
        /// Which attempt.
        attempt: u32,
        /// Its exit code; zero is success.
        code: i32,
        /// That, and the last it complained about.
        message: String,
        /// What it printed, where that is kept.
        said: Option<String>,
    },
    /// Whether it happened is not known: reset, timeout, 5xx after the request was written.
    Unknown {
        /// Which.
        effect: EffectKey,
        /// Which attempt.
        attempt: u32,
        /// What broke.
        why: String,
    },
    /// The answer to the open [`Ask`].
    Decided {
        /// Who.
        by: String,
        /// What.
        decision: Decision,
    },
    /// One evaluation's readings, in the order of the gate's metrics.
    Measured(ReadId, Vec<Reading>),
    /// Time passed; send at least at every [`Effect::Wake`] and once a second.
    Tick,
    /// Stop after the action in flight.
    StopRequested,
    /// The program is going down; nothing is rolled back.
    Interrupted(String),
    /// What was answered beforehand for a run that is about to be taken up again.
    Prepared(Answers),
    /// Take a replayed run up again; `confirm` is the text that lets it go on.
    Resume {
        /// Who.
        by: String,
        /// Why somebody else takes it over.
        hand_over: Option<String>,
        /// The confirmation text, if given.
        confirm: Option<String>,
    },
    /// Undo back to the last barrier.
    RollBack {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Close the run as it is.
    Abandon {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person's line for the record.
    Note {
        /// Who.
        by: String,
        /// What.
        text: String,
    },
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The platform does not answer; it is asked again.
    Offline(String),
    /// A right is missing, or the login is over.
    Denied(String),
    /// What was asked about does not exist.
    Gone(String),
    /// The server refused the question itself.
    Invalid(String),
}

/// Something to be asked of the platform.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Which workload is meant, or which there are.
    Workload {
        /// Where.
        namespace: String,
        /// `Kind/name` or a name.
        reference: Option<String>,
    },
    /// The revisions of a workload with evidence.
    Revisions {
        /// The workload.
        object: ObjectRef,
    },
    /// An object as it is now, read from the server and not from a cache; `uid` may be empty when not yet known.
    Object {
        /// Which.
        object: ObjectRef,
    },
    /// A program of this machine: its path and which file that is now, if it may be started here.
    Program(ObjectRef),
    /// A Service as it is now, with the number of ready pods that it would select.
    Service {
        /// Which.
        object: ObjectRef,
        /// What becomes of labels of its selector; `None` is that one goes.
        set: BTreeMap<String, Option<String>>,
    },
    /// An object that is to be made, if it is there; else what it is made from.
    Made {
        /// What is to be made.
        object: ObjectRef,
        /// Whose template it gets, where it gets somebody's.
        from: Option<ObjectRef>,
    },
    /// One request to a service.
    Http(Box<HttpRequest>),
    /// What pods write, searched.
    Scan(Box<ScanQuestion>),
    /// A Secret or a path of Vault as it is now: names, versions, and fingerprints where values would stand.
    Secret(Box<SecretQuestion>),
    /// One message to a channel, sent once; it was recorded that it will be.
    Tell {
        /// The channel.
        channel: String,
        /// The words.
        text: String,
        /// Names the message: the same when it is sent again.
        id: String,
    },
    /// Settles something of the incident that is open here.
    Incident(BTreeMap<String, String>),
    /// Who reads a key, and who owns the Secret that holds it.
    Consumers {
        /// Where.
        namespace: String,
        /// The key.
        key: String,
    },
    /// Which version each pod of the consumers runs.
    Proof(Box<ProofQuestion>),
    /// Whether External Secrets has copied since it was asked to; answered until forgotten.
    Synced {
        /// The ExternalSecret, as it was when it was asked.
        object: ObjectRef,
        /// The moment of the asking, as its annotation has it.
        since: String,
        /// What it should make equal.
        secret: Box<SecretQuestion>,
    },
    /// The same, to find out whether an effect landed.
    Probe {
        /// The effect.
        effect: EffectKey,
        /// Which object.
        object: ObjectRef,
    },
    /// Rights and facts before the first effect.
    Preflight {
        /// The rights to ask about.
        requirements: Vec<Requirement>,
        /// The object.
        object: ObjectRef,
        /// Further objects that are changed.
        others: Vec<ObjectRef>,
        /// Secrets and paths of Vault that are changed.
        secrets: Vec<ObjectRef>,
        /// What of the objects is touched.
        touch: Touch,
        /// The revision that is gone back to, where the plan does that.
        back: Option<Box<GoingBack>>,
        /// The requests a gate of the plan needs, where there is one: it should be able to judge.
        gate: Option<u64>,
        /// What nobody else may carry out meanwhile: the runbook's keys.
        locks: Vec<String>,
        /// The Applications that the plan suspends first.
        suspends: Vec<String>,
        /// The programs that are started, as the file names them.
        programs: Vec<String>,
        /// The runs of before that were named as evidence.
        evidence: Vec<String>,
    },
    /// The change with `dryRun=All`.
    DryRun {
        /// The change, with the version the object has now.
        action: Action,
    },
    /// What the items of a checklist that can be looked at look like.
    Checklist {
        /// One for each item.
        looks: Vec<Look>,
    },
    /// Whether somebody else approves; the request is put where they find it.
    Approval {
        /// What they are asked.
        request: Box<Request>,
        /// A text that was given here.
        given: Option<String>,
        /// Texts that were judged already.
        known: Vec<String>,
        /// Answer only when there is something new.
        wait: bool,
    },
    /// The rollout of our own change, from this generation on; answered until forgotten.
    Rollout {
        /// The workload.
        object: ObjectRef,
        /// What was changed: whether a later generation is still ours.
        planned: Option<Box<Planned>>,
        /// The generation our patch returned.
        generation: i64,
    },
}

/// What is searched, and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanQuestion {
    /// Where.
    pub namespace: String,
    /// A workload.
    pub target: Option<String>,
    /// Or labels of pods.
    pub selector: Option<String>,
    /// What of them.
    pub texts: Texts,
    /// A regular expression; personal data where there is none.
    pub pattern: Option<String>,
    /// So many of each container's last lines.
    pub sample: u32,
    /// Only what was written after.
    pub since: Option<Timestamp>,
}

/// What is asked about a secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretQuestion {
    /// The Secret, or the path of Vault.
    pub object: ObjectRef,
    /// The path of Vault that a Secret copies, to compare with.
    pub beside: Option<ObjectRef>,
    /// Keys of the Secret to keys of that path.
    pub keys: BTreeMap<String, String>,
    /// Declared secrets whose fingerprints are wanted; made on the first question.
    pub made: Vec<SecretDecl>,
    /// Texts whose fingerprints are wanted.
    pub texts: Vec<String>,
}

/// What is asked about the pods that read a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct ProofQuestion {
    /// The Secret.
    pub secret: SecretQuestion,
    /// The workloads that read it.
    pub consumers: Vec<ObjectRef>,
}

/// A chosen revision, for what going back to it does not bring back.
#[derive(Clone, Debug, PartialEq)]
pub struct GoingBack {
    /// Its number.
    pub to: i64,
    /// When it began to serve, where that is known.
    pub to_began: Option<Timestamp>,
    /// The revision that is left.
    pub from: Option<i64>,
    /// When that one began.
    pub from_began: Option<Timestamp>,
    /// The chosen one's template.
    pub template: Value,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The workload meant.
    Workload(ObjectRef),
    /// Those there are.
    Workloads(Vec<ObjectRef>),
    /// The revisions.
    Revisions(Vec<Revision>),
    /// The object.
    Object(ObjectState),
    /// It does not exist.
    Gone,
    /// Rights and facts; `more` are the engine's own lines (identity, clock, policy, lock, disk).
    Preflight {
        /// What the server said about each right.
        access: Vec<Access>,
        /// Facts about the object.
        facts: Option<ObjectFacts>,
        /// Lines of the engine's own.
        more: Vec<Line>,
    },
    /// The dry run's object.
    DryRun(Value),
    /// The dry run was refused, and the change would be too.
    DryRunRefused(String),
    /// This server cannot rehearse it, and why.
    CannotRehearse(String),
    /// How the rollout stands.
    Rollout(Rollout),
    /// What was found, as data without any secret value.
    Found(Value),
    /// What was seen of a checklist's items; what could not be seen says why.
    Checklist(Vec<Seen>),
    /// What was found of approvals.
    Offered(Offered),
}

/// What the engine found of approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The texts that were offered for this request, in no order.
    pub texts: Vec<String>,
    /// The allowed signers' file, or why there is none.
    pub signers: Result<String, String>,
    /// The server's time.
    pub now: Timestamp,
    /// Where the request can be found, or why it must be carried by hand.
    pub place: Result<String, String>,
}

/// An object as read.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectState {
    /// Kind, namespace, name, uid.
    pub object: ObjectRef,
    /// Its version.
    pub resource_version: String,
    /// Its generation.
    pub generation: i64,
    /// The whole object as JSON.
    pub body: Value,
    /// Facts the engine knows how to read from it.
    pub facts: ObjectFacts,
}

/// How a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// On the way, in words.
    Moving(String),
    /// Done, in words.
    Complete(String),
    /// It cannot complete: deadline exceeded, image, configuration.
    Stuck(String),
    /// Somebody paused it.
    Paused,
    /// The generation moved on and the template is not ours.
    Superseded(String),
    /// The object is gone or another one.
    Gone,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append these to the journal as one batch, sync, then report [`Event::Recorded`].
    Record(Vec<Entry>),
    /// Send this once. It comes only after its intent was recorded.
    Perform {
        /// The effect.
        effect: EffectKey,
        /// The attempt.
        attempt: u32,
        /// The `Audit-ID` header.
        audit_id: String,
        /// What to send.
        action: Box<Action>,
    },
    /// Ask the platform.
    Read(ReadId, Box<Question>),
    /// No longer interested.
    Forget(ReadId),
    /// Ask the person.
    Ask(Box<Ask>),
    /// Take one reading of each metric.
    Measure {
        /// Answer with this.
        id: ReadId,
        /// What is judged.
        spec: Box<GateSpec>,
        /// Whose signals.
        object: Option<ObjectRef>,
        /// And the signals of these: the worst is judged.
        others: Vec<ObjectRef>,
        /// Count restarts from here.
        since: Timestamp,
        /// The moment before the run's first change, to compare with.
        before: Timestamp,
        /// What this run put there last: the judgement is about that.
        ours: Option<Box<Planned>>,
    },
    /// Send a tick at this moment.
    Wake(Timestamp),
    /// Put this into the audit log.
    Audit {
        /// The event.
        event: String,
        /// Its fields.
        fields: BTreeMap<String, String>,
    },
    /// Nothing more will come from this run unless it is resumed or decided.
    Done(RunState),
}

/// A question to the person.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The step, if it belongs to one.
    pub step: Option<String>,
    /// Why a person is needed.
    pub reason: Reason,
    /// The sentence.
    pub message: String,
    /// What is asked.
    pub kind: AskKind,
}

/// What is asked of a person, and what would answer it.
#[derive(Clone, Debug, PartialEq)]
pub enum AskKind {
    /// One of these; answered by [`Decision::Value`] with `Kind/name`.
    Workload(Vec<ObjectRef>),
    /// One of these; answered by [`Decision::Value`] with the number.
    Revision {
        /// With their evidence.
        revisions: Vec<Revision>,
        /// What the program would take.
        suggested: Choice,
    },
    /// One of these; answered by [`Decision::Value`] with the id.
    Branch(Vec<Branch>),
    /// Evidence for each open item; answered by [`Decision::Item`], one at a time, or by [`Decision::Again`].
    Checklist(Vec<Item>),
    /// A value of a parameter; answered by [`Decision::Value`].
    Param(String),
    /// A secret, which goes to whoever carries the run out; answered by [`Decision::Given`] once it is there.
    Secret(String),
    /// Go or no-go; answered by [`Decision::Yes`] or [`Decision::No`].
    Confirm {
        /// The text to type, or a plain yes.
        typed: Option<String>,
        /// The changes that will follow.
        plans: Vec<Planned>,
        /// What later steps will send.
        ahead: Vec<Ahead>,
        /// The preflight's page.
        lines: Vec<Line>,
        /// Whether everything can be undone.
        undo: bool,
    },
    /// Somebody else's agreement; answered by [`Decision::Value`] with a text that was carried here by hand, or with the way
    /// past it.
    Approval {
        /// The code they type.
        code: String,
        /// The request, to be carried by hand.
        request: String,
        /// What they agree to.
        plans: Vec<Planned>,
        /// The reason for going past it, which waits for the namespace to be typed.
        glass: Option<String>,
    },
    /// A reason for going on; answered by [`Decision::Value`].
    Reason(Vec<Line>),
    /// Whether a program did its work whose end nobody saw; answered by [`Decision::Value`] with `done: WHY` or
    /// `not-done: WHY`.
    Happened {
        /// Its command line.
        command: String,
        /// Whether it was to take something back.
        undo: bool,
    },
    /// Something went wrong; answered by [`Decision::Way`].
    Trouble(Vec<Way>),
    /// Where we are after a resume; answered by [`Decision::Yes`] or a way.
    Resume {
        /// The text to type, or a plain yes.
        typed: Option<String>,
    },
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Yes, with what was typed.
    Yes(Option<String>),
    /// No.
    No,
    /// A value.
    Value(String),
    /// A way out of trouble.
    Way(Way),
    /// Evidence for an item of a checklist: its id, and what [`super::item::read_evidence`] takes.
    Item(String, String),
    /// What can be looked at is looked at again.
    Again,
    /// What was asked for is where it belongs.
    Given,
}
