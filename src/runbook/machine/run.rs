//! A run: its durable ledger, which is exactly the fold of its journal, and what lives only in this process.
//!
//! Length: the ledger and the only function that changes it stay together.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::runbook::check::Finding;
use crate::runbook::gate::Gate;
use crate::runbook::ids::EffectKey;
use crate::runbook::machine::fact::{
    Answers, Entry, Fact, Found, Intent, Outcome, Probe, Reason, RunState, Start, Status, Way,
};
use crate::runbook::machine::io::{Ask, Event, ReadId, Rollout};
use crate::runbook::model::{Runbook, Step, StepKind};
use crate::runbook::patch::{Action, ObjectRef, Planned};
use crate::runbook::preflight::Line;
use crate::runbook::revision::Revision;
use crate::runbook::template::{Scope, Text};

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
    /// The last words about it.
    pub message: String,
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
    /// Its effect.
    pub effect: Option<Mutation>,
    /// Its undo.
    pub undo: Option<Mutation>,
    /// The last sentence about it.
    pub message: String,
    /// Bad evaluations of its gate so far.
    pub bad: BTreeMap<String, u32>,
}

impl StepRecord {
    fn new(path: String) -> Self {
        Self {
            path,
            state: StepState::Pending,
            started_at: None,
            finished_at: None,
            plan: None,
            authorised: false,
            effect: None,
            undo: None,
            message: String::new(),
            bad: BTreeMap::new(),
        }
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
    /// A reason was given for going on over amber lines.
    pub reason: Option<String>,
    /// What a person must decide.
    pub human: Option<Human>,
    /// Going back.
    pub rolling_back: bool,
    /// How it ended.
    pub end: Option<End>,
    /// When it began.
    pub started_at: Timestamp,
    /// When the last entry was made.
    pub last_at: Timestamp,
    /// How many entries there are.
    pub entries: u64,
}

/// Why the machine asked a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    Resolve(usize),
    Revisions(usize),
    CheckObject(usize),
    Preflight,
    Plan(usize),
    DryRun(usize),
    BeforeIntent(usize),
    BeforeUndo(usize),
    Probe(usize, bool),
    Rollout(usize, bool),
}

/// What lives only in this process.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about this process, not one state"
)]
pub(super) struct Live {
    pub recording: Option<Vec<Entry>>,
    pub inbox: VecDeque<Event>,
    pub pending: Option<(ReadId, Purpose)>,
    pub next_read: ReadId,
    pub fresh: Option<(EffectKey, u32)>,
    pub in_flight: bool,
    pub asked: Option<Ask>,
    pub candidates: Vec<ObjectRef>,
    pub revisions: Vec<Revision>,
    pub gate: Option<(usize, Gate)>,
    pub measuring: Option<(ReadId, Timestamp)>,
    pub rollout: Option<Rollout>,
    pub findings: Vec<Finding>,
    pub stop: bool,
    pub halted: Option<String>,
    pub stopped: bool,
    pub offline_since: Option<Timestamp>,
    pub retry_at: Option<Timestamp>,
    pub confirm_resume: bool,
    pub extra: Answers,
    pub seen_version: String,
    pub again_at: Option<Timestamp>,
    pub deadline: Option<Timestamp>,
    pub down: bool,
    pub back: Option<(String, String)>,
}

/// One execution of a runbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub(super) book: Arc<Runbook>,
    pub(super) start: Start,
    pub(super) plan: Vec<Step>,
    pub(super) ledger: Ledger,
    pub(super) live: Live,
}

/// Why a run cannot begin or be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A step kind this version cannot carry out.
    #[error("step `{step}`: this version cannot carry out `{kind}` yet")]
    Unsupported {
        /// The step.
        step: String,
        /// Its kind.
        kind: String,
    },
    /// The runbook in hand is not the one the run began with.
    #[error("the runbook's behaviour differs from the one this run began with ({0})")]
    OtherModel(String),
    /// It may not run here.
    #[error("this runbook runs in {allowed}; this is {environment} (unknown counts as production)")]
    Environment {
        /// Where this is.
        environment: String,
        /// Where it may run.
        allowed: String,
    },
    /// The journal does not begin with the run's start.
    #[error("the journal does not begin with run.start")]
    NoStart,
}

impl Run {
    /// A run about to begin; nothing is recorded yet.
    pub fn new(book: Arc<Runbook>, start: Start, now: Timestamp) -> Result<Self, RunError> {
        if start.model != book.model_digest() {
            return Err(RunError::OtherModel(start.model));
        }
        let environment = if start.target.environment == "unknown" {
            "production"
        } else {
            &start.target.environment
        };
        if !book.environments.is_empty()
            && !book
                .environments
                .iter()
                .any(|allowed| allowed == environment)
        {
            return Err(RunError::Environment {
                environment: start.target.environment,
                allowed: book.environments.join(", "),
            });
        }
        let mut plan = Vec::new();
        flatten(&book, &book.steps, "", &mut plan);
        for step in &plan {
            let supported = !matches!(
                step.kind,
                StepKind::Planned { .. }
                    | StepKind::Each { .. }
                    | StepKind::Checklist { .. }
                    | StepKind::Http { .. }
                    | StepKind::Notify { .. }
            );
            if !supported || step.each.is_some() || step.approve.is_some() {
                let kind = if step.approve.is_some() {
                    "approve"
                } else if step.each.is_some() {
                    "each"
                } else {
                    step.kind.name()
                };
                return Err(RunError::Unsupported {
                    step: step.id.clone(),
                    kind: kind.to_owned(),
                });
            }
        }
        let ledger = Ledger {
            state: RunState::Draft,
            steps: plan
                .iter()
                .map(|step| StepRecord::new(step.id.clone()))
                .collect(),
            params: start.params.clone(),
            outs: BTreeMap::new(),
            preflight: None,
            reason: start
                .answers
                .reason
                .clone()
                .filter(|reason| !reason.trim().is_empty()),
            human: None,
            rolling_back: false,
            end: None,
            started_at: now,
            last_at: now,
            entries: 0,
        };
        Ok(Self {
            book,
            start,
            plan,
            ledger,
            live: Live::default(),
        })
    }

    /// The durable part: what a replay of the journal gives.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the run started from.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// The runbook it carries out.
    pub fn runbook(&self) -> &Runbook {
        &self.book
    }

    /// The steps as they are carried out, blocks written out; same order as the ledger's.
    pub fn plan(&self) -> &[Step] {
        &self.plan
    }

    /// The gate being held, and its step's index.
    pub fn gate(&self) -> Option<&(usize, Gate)> {
        self.live.gate.as_ref()
    }

    /// How the awaited rollout stands.
    pub fn rollout(&self) -> Option<&Rollout> {
        self.live.rollout.as_ref()
    }

    /// The open question to the person.
    pub fn ask(&self) -> Option<&Ask> {
        self.live.asked.as_ref()
    }

    /// The last check's findings.
    pub fn findings(&self) -> &[Finding] {
        &self.live.findings
    }

    /// A request is on its way to the server.
    pub fn in_flight(&self) -> bool {
        self.live.in_flight
    }

    /// A stop was asked for and takes effect after this step.
    pub fn stopping(&self) -> bool {
        self.live.stop
    }

    /// Why nothing more can be recorded, if so.
    pub fn halted(&self) -> Option<&str> {
        self.live.halted.as_deref()
    }

    /// The index of the step that is carried out now or next.
    pub fn current(&self) -> Option<usize> {
        self.ledger.steps.iter().position(|step| {
            !matches!(
                step.state,
                StepState::Succeeded
                    | StepState::Skipped
                    | StepState::Undone
                    | StepState::UndoFailed
            )
        })
    }

    /// Whether something in the world was changed and not undone.
    pub fn has_effects(&self) -> bool {
        self.ledger.steps.iter().any(StepRecord::effective)
    }

    /// The outcome of an effect is not known: a resume must probe before anything else.
    pub fn unresolved(&self) -> Option<(usize, bool)> {
        let open = |mutation: &Option<Mutation>| {
            mutation.as_ref().is_some_and(|mutation| {
                matches!(mutation.state, StepState::Intent | StepState::Unknown)
            })
        };
        self.ledger
            .steps
            .iter()
            .enumerate()
            .find_map(|(index, step)| {
                if open(&step.effect) {
                    Some((index, false))
                } else if open(&step.undo) {
                    Some((index, true))
                } else {
                    None
                }
            })
    }

    /// A section's title with what is known filled in.
    pub fn title(&self, section: usize) -> String {
        let title = self
            .book
            .sections
            .get(section)
            .map_or("", |section| section.title.as_str());
        Text::parse(title)
            .ok()
            .and_then(|text| text.fill(&self.scope(None)).ok())
            .unwrap_or_else(|| {
                let cut = title.split("{{").next().unwrap_or(title).trim();
                format!("{cut} …")
            })
    }

    pub(super) fn scope<'s>(&'s self, out: Option<&'s Value>) -> Scope<'s> {
        Scope {
            run: self.start.run.as_str(),
            params: Some(&self.ledger.params),
            steps: Some(&self.ledger.outs),
            out,
            vars: None,
        }
    }

    /// Whether an undo is possible, and back to which step.
    pub fn undo_reach(&self) -> Option<usize> {
        let after = self
            .ledger
            .steps
            .iter()
            .zip(&self.plan)
            .rposition(|(record, step)| step.barrier && record.state == StepState::Succeeded)
            .map_or(0, |barrier| barrier + 1);
        (after..self.plan.len()).find(|index| {
            self.ledger
                .steps
                .get(*index)
                .is_some_and(StepRecord::effective)
        })
    }

    /// Folds one entry in. This is the only way the ledger changes.
    pub(super) fn apply(&mut self, entry: &Entry) {
        self.ledger.last_at = entry.ts;
        self.ledger.entries += 1;
        match &entry.fact {
            Fact::Start(_) => self.ledger.started_at = entry.ts,
            Fact::Preflight { ok, lines } => {
                self.ledger.preflight = Some((*ok, lines.clone()));
                self.ledger.state = if *ok {
                    RunState::Ready
                } else {
                    RunState::Preflight
                };
            }
            Fact::NeedsHuman {
                reason,
                message,
                step,
                ways,
            } => self.needs(Human {
                reason: *reason,
                message: message.clone(),
                step: step.clone(),
                ways: ways.clone(),
            }),
            Fact::Resumed { .. } => self.resumed(),
            Fact::RollingBack { .. } => {
                self.ledger.rolling_back = true;
                self.ledger.human = None;
                self.ledger.state = RunState::RollingBack;
            }
            Fact::End {
                state,
                refused,
                message,
                leftovers,
            } => {
                self.ledger.human = None;
                self.ledger.state = *state;
                self.ledger.end = Some(End {
                    state: *state,
                    refused: *refused,
                    message: message.clone(),
                    leftovers: leftovers.clone(),
                });
            }
            Fact::Param { name, value } => {
                self.ledger.params.insert(name.clone(), value.clone());
            }
            Fact::Decision {
                step,
                answer,
                accepted,
                ..
            } => self.decided(step.as_deref(), answer, *accepted),
            Fact::Interrupted { .. }
            | Fact::Note { .. }
            | Fact::Recovered { .. }
            | Fact::Progress { .. } => {}
            other => self.apply_step(entry.ts, other),
        }
    }

    fn apply_step(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Started { step } => self.set(step, |record| {
                record.state = StepState::Running;
                record.started_at = Some(at);
            }),
            Fact::Skipped { step, reason } => self.set(step, |record| {
                record.state = StepState::Skipped;
                record.message.clone_from(reason);
            }),
            Fact::Planned { step, plan } => {
                self.set(step, |record| record.plan = Some((**plan).clone()));
            }
            Fact::Awaiting {
                step,
                reason,
                message,
            } => {
                self.set(step, |record| record.state = StepState::Authorising);
                self.needs(Human {
                    reason: *reason,
                    message: message.clone(),
                    step: Some(step.clone()),
                    ways: Vec::new(),
                });
            }
            Fact::Intent(intent) => self.intent(intent, false),
            Fact::UndoIntent(intent) => self.intent(intent, true),
            Fact::Outcome(outcome) => self.outcome(at, outcome, false),
            Fact::UndoOutcome(outcome) => self.outcome(at, outcome, true),
            Fact::Unknown { step, why, .. } => self.unknown(step, why, false),
            Fact::UndoUnknown { step, why, .. } => self.unknown(step, why, true),
            Fact::Probed(probe) => self.found(at, probe, false),
            Fact::UndoProbed(probe) => self.found(at, probe, true),
            Fact::Verdict {
                step,
                verdict,
                why,
                bad,
                ..
            } => self.set(step, |record| {
                record.message = format!("{verdict}: {why}");
                record.bad.clone_from(bad);
            }),
            Fact::Done { step, out } => self.done(at, step, out),
            Fact::Failed {
                step,
                message,
                then,
                ..
            } => {
                let goes_on = *then == crate::runbook::model::Then::Continue;
                self.set(step, |record| {
                    record.state = if goes_on {
                        StepState::Skipped
                    } else {
                        StepState::Failed
                    };
                    record.message.clone_from(message);
                    record.finished_at = Some(at);
                });
            }
            Fact::UndoDone { step, message } => self.set(step, |record| {
                record.state = StepState::Undone;
                record.message.clone_from(message);
            }),
            Fact::UndoFailed { step, message, .. } => self.set(step, |record| {
                record.state = StepState::UndoFailed;
                record.message.clone_from(message);
            }),
            _ => {}
        }
    }

    fn set(&mut self, path: &str, change: impl FnOnce(&mut StepRecord)) {
        if let Some(record) = self
            .ledger
            .steps
            .iter_mut()
            .find(|record| record.path == path)
        {
            change(record);
        }
        if !self.ledger.state.is_terminal() && self.ledger.human.is_none() {
            let preparing = self.ledger.preflight.as_ref().is_none_or(|(ok, _)| !ok);
            self.ledger.state = if self.ledger.rolling_back {
                RunState::RollingBack
            } else if preparing {
                RunState::Draft
            } else {
                RunState::Running
            };
        }
    }

    fn needs(&mut self, human: Human) {
        self.ledger.human = Some(human);
        self.ledger.state = RunState::NeedsHuman;
    }

    fn resumed(&mut self) {
        self.ledger.human = None;
        for record in &mut self.ledger.steps {
            if record.state == StepState::Authorising {
                record.state = StepState::Running;
            }
        }
        let more = self
            .ledger
            .steps
            .iter()
            .zip(&self.plan)
            .any(|(record, step)| {
                step.kind.mutates()
                    && !record.effective()
                    && !matches!(record.state, StepState::Skipped | StepState::Succeeded)
            });
        if more {
            // Rights and facts are asked again before anything more is sent.
            self.ledger.preflight = None;
        }
        self.ledger.state = if self.ledger.rolling_back {
            RunState::RollingBack
        } else if more {
            RunState::Draft
        } else {
            RunState::Running
        };
    }

    fn decided(&mut self, step: Option<&str>, answer: &str, accepted: bool) {
        if !accepted {
            return;
        }
        let human = self.ledger.human.take();
        if let Some(path) = step {
            let trouble = human.is_some_and(|human| !human.ways.is_empty());
            self.set(path, |record| {
                record.authorised |= !trouble;
                if record.state == StepState::Authorising
                    || (trouble && matches!(record.state, StepState::Failed | StepState::Diverged))
                {
                    record.state = again(record);
                }
            });
        } else if let Some(reason) = answer.strip_prefix("reason: ") {
            self.ledger.reason = Some(reason.to_owned());
            self.ledger.preflight = self.ledger.preflight.take().map(|(_, lines)| (true, lines));
            self.ledger.state = RunState::Ready;
        } else {
            self.ledger.state = if self.ledger.rolling_back {
                RunState::RollingBack
            } else {
                RunState::Running
            };
        }
    }

    fn intent(&mut self, intent: &Intent, undo: bool) {
        let mutation = Mutation {
            effect: intent.effect.clone(),
            attempt: intent.attempt,
            action: (*intent.action).clone(),
            state: StepState::Intent,
            refused: None,
            settled_at: None,
            generation: None,
            message: String::new(),
        };
        self.set(&intent.step, |record| {
            if undo {
                record.undo = Some(mutation);
            } else {
                record.state = StepState::Intent;
                record.effect = Some(mutation);
            }
        });
    }

    fn settle(&mut self, path: &str, undo: bool, change: impl FnOnce(&mut Mutation)) {
        self.set(path, |record| {
            let slot = if undo {
                &mut record.undo
            } else {
                &mut record.effect
            };
            if let Some(mutation) = slot {
                change(mutation);
                if !undo {
                    record.state = mutation.state;
                    record.message.clone_from(&mutation.message);
                }
            }
        });
    }

    fn outcome(&mut self, at: Timestamp, outcome: &Outcome, undo: bool) {
        self.settle(&outcome.step, undo, |mutation| {
            mutation.state = if outcome.status == Status::Applied {
                StepState::Applied
            } else {
                StepState::Rejected
            };
            mutation.refused = (outcome.status != Status::Applied).then_some(outcome.status);
            mutation.settled_at = Some(at);
            mutation.generation = outcome.generation;
            mutation.message.clone_from(&outcome.message);
        });
    }

    fn unknown(&mut self, path: &str, why: &str, undo: bool) {
        self.settle(path, undo, |mutation| {
            mutation.state = StepState::Unknown;
            why.clone_into(&mut mutation.message);
        });
    }

    fn found(&mut self, at: Timestamp, probe: &Probe, undo: bool) {
        self.settle(&probe.step, undo, |mutation| {
            mutation.settled_at = Some(at);
            mutation.state = match probe.found {
                Found::Present => StepState::Applied,
                Found::Absent => StepState::Rejected,
                Found::Diverged => StepState::Diverged,
            };
            mutation.refused = (probe.found == Found::Absent).then_some(Status::Conflict);
            mutation.generation = probe.generation;
            mutation.message = probe.detail.join("; ");
        });
    }

    fn done(&mut self, at: Timestamp, path: &str, out: &Value) {
        let mut started = None;
        self.set(path, |record| {
            record.state = StepState::Succeeded;
            record.finished_at = Some(at);
            started = record.started_at;
        });
        let mut out = if out.is_object() {
            out.clone()
        } else {
            json!({"value": out})
        };
        out["finished_at"] = json!(at.to_string());
        out["started_at"] = json!(started.unwrap_or(at).to_string());
        self.ledger.outs.insert(path.to_owned(), out);
    }

    pub(super) fn timeout(&self, index: usize, from: Timestamp) -> Option<Timestamp> {
        let timeout = self.plan.get(index)?.timeout.as_ref()?;
        let after = timeout
            .after
            .duration(&self.scope(None))
            .unwrap_or(SignedDuration::from_mins(10));
        Some(from + after)
    }
}

/// The state a step is tried again from.
fn again(record: &StepRecord) -> StepState {
    match &record.effect {
        Some(effect) if effect.state == StepState::Applied => StepState::Applied,
        _ => StepState::Running,
    }
}

/// Writes blocks out; inner ids become `use-id/inner-id`.
fn flatten(book: &Runbook, steps: &[Step], prefix: &str, plan: &mut Vec<Step>) {
    for step in steps {
        if let StepKind::Use { block } = &step.kind {
            let inner = book
                .blocks
                .get(block)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let mut expanded = Vec::new();
            flatten(book, inner, &format!("{prefix}{}/", step.id), &mut expanded);
            for inner in &mut expanded {
                inner.section = step.section;
                inner.when = match (step.when.clone(), inner.when.take()) {
                    (Some(outer), Some(inner)) => {
                        Some(crate::runbook::model::When::All(vec![outer, inner]))
                    }
                    (outer, inner) => outer.or(inner),
                };
            }
            plan.extend(expanded);
        } else {
            plan.push(Step {
                id: format!("{prefix}{}", step.id),
                ..step.clone()
            });
        }
    }
}

/// Restores a run from its journal's entries, in order. The runbook is the run's own snapshot.
pub fn replay(book: Arc<Runbook>, entries: &[Entry]) -> Result<Run, RunError> {
    let Some(Entry {
        ts,
        fact: Fact::Start(start),
    }) = entries.first()
    else {
        return Err(RunError::NoStart);
    };
    let mut run = Run::new(book, (**start).clone(), *ts)?;
    for entry in entries {
        run.apply(entry);
    }
    Ok(run)
}
