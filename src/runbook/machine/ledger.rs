//! The durable part of a run: what its journal says, step by step.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::runbook::approval::granted::Granted;
use crate::runbook::ids::EffectKey;
use crate::runbook::machine::fact::{Reason, RunState, Status, Way};
use crate::runbook::machine::item::ItemRecord;
use crate::runbook::patch::{Action, Planned};
use crate::runbook::preflight::Line;

/// The states of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Its condition is false.
    Skipped,
    /// Begun; nothing was sent.
    Running,
    /// A person must allow it.
    Authorising,
    /// Its intent is on disk; sent or about to be.
    Intent,
    /// The server did it.
    Applied,
    /// The server definitely did not do it.
    Rejected,
    /// Nobody knows yet.
    Unknown,
    /// Somebody else changed what it touches.
    Diverged,
    /// Done, post-conditions included.
    Succeeded,
    /// Not done, or its post-conditions do not hold.
    Failed,
    /// Undone.
    Undone,
    /// It could not be undone.
    UndoFailed,
}

/// How one effect stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    /// Its key.
    pub effect: EffectKey,
    /// The last attempt.
    pub attempt: u32,
    /// What was or will be sent.
    pub action: Action,
    /// Where it stands.
    pub state: StepState,
    /// The server's class of refusal.
    pub refused: Option<Status>,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// The generation afterwards.
    pub generation: Option<i64>,
    /// The version afterwards.
    pub version: Option<String>,
    /// The last words about it.
    pub message: String,
    /// What a program printed.
    pub said: Option<String>,
}

/// A step's record.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// `id`, or `use-id/inner-id`.
    pub path: String,
    /// Its state.
    pub state: StepState,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The change as it was worked out and confirmed.
    pub plan: Option<Planned>,
    /// A person allowed it.
    pub authorised: bool,
    /// Others who agreed with it.
    pub approvals: Vec<Granted>,
    /// Those of them that were used: each is good for one change.
    pub spent: Vec<String>,
    /// Somebody went past the second pair of eyes.
    pub glass: bool,
    /// Its effect.
    pub effect: Option<Mutation>,
    /// Its undo.
    pub undo: Option<Mutation>,
    /// The last sentence about it.
    pub message: String,
    /// Bad evaluations of its gate so far.
    pub bad: BTreeMap<String, u32>,
    /// Items of its checklist by id, as far as anything is known of them.
    pub items: BTreeMap<String, ItemRecord>,
}

impl StepRecord {
    pub(super) fn new(path: String) -> Self {
        Self {
            path,
            state: StepState::Pending,
            started_at: None,
            finished_at: None,
            plan: None,
            authorised: false,
            approvals: Vec::new(),
            spent: Vec::new(),
            glass: false,
            effect: None,
            undo: None,
            message: String::new(),
            bad: BTreeMap::new(),
            items: BTreeMap::new(),
        }
    }

    /// Whether nothing more comes of it: it was left out, or it is done.
    pub fn is_over(&self) -> bool {
        matches!(self.state, StepState::Skipped | StepState::Succeeded)
    }

    /// Whether its effect is in the world.
    pub fn effective(&self) -> bool {
        self.effect
            .as_ref()
            .is_some_and(|effect| effect.state == StepState::Applied)
            && !matches!(self.state, StepState::Undone)
    }
}

/// What a person must decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Human {
    /// Why.
    pub reason: Reason,
    /// The sentence.
    pub message: String,
    /// The step.
    pub step: Option<String>,
    /// The ways out; empty means the step's own question.
    pub ways: Vec<Way>,
}

impl Human {
    /// Whether it is the whole run whose time is over.
    pub fn is_over_time(&self) -> bool {
        self.reason == Reason::Timeout && self.step.is_none()
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The state.
    pub state: RunState,
    /// Refused before the first effect: exit code 4.
    pub refused: bool,
    /// The sentence.
    pub message: String,
    /// What is left in the world.
    pub leftovers: Vec<String>,
}

/// What the journal says: the fold of its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// The run's state.
    pub state: RunState,
    /// The steps in order.
    pub steps: Vec<StepRecord>,
    /// Parameters as they are now.
    pub params: BTreeMap<String, Value>,
    /// What steps left behind, by id.
    pub outs: BTreeMap<String, Value>,
    /// The preflight's page, and whether it lets the run go on.
    pub preflight: Option<(bool, Vec<Line>)>,
    /// The steps it looked at; a later one needs another look.
    pub covered: BTreeSet<String>,
    /// A reason was given for going on over amber lines.
    pub reason: Option<String>,
    /// What a person must decide.
    pub human: Option<Human>,
    /// Going back.
    pub rolling_back: bool,
    /// Why it goes back, where somebody or a step said so.
    pub back: Option<String>,
    /// How it will end, once what must not stay behind is put back.
    pub ending: Option<(RunState, String)>,
    /// How it ended.
    pub end: Option<End>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it was at work up to the last entry, since somebody last gave it more time.
    pub active: SignedDuration,
    /// When the last entry was made.
    pub last_at: Timestamp,
    /// How many entries there are.
    pub entries: u64,
}
