//! A run: its durable ledger, which is exactly the fold of its journal, and what lives only in this process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::runbook::check::Finding;
use crate::runbook::gate::Gate;
use crate::runbook::ids::EffectKey;
use crate::runbook::machine::fact::{Answers, Entry, RunState, Start};
use crate::runbook::machine::io::{Ask, Event, ReadId, Rollout};
use crate::runbook::machine::ledger::{Ledger, Mutation, StepRecord, StepState};
use crate::runbook::model::{Enclosing, Runbook, Step, StepKind, Undo, When};
use crate::runbook::patch::ObjectRef;
use crate::runbook::revision::Revision;
use crate::runbook::template::{Scope, Text};

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
    Secret(usize),
    Tell(usize),
    Checklist(usize),
    Outward(usize),
    Approval(usize),
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
    /// The secret a person is asked for.
    pub secret: Option<String>,
    /// The secrets that were given in this process.
    pub given: BTreeSet<String>,
    pub candidates: Vec<ObjectRef>,
    pub revisions: Vec<Revision>,
    pub gate: Option<(usize, Gate)>,
    pub measuring: Option<(ReadId, Timestamp)>,
    /// The step whose message is being sent in this process.
    pub telling: Option<usize>,
    pub rollout: Option<Rollout>,
    pub findings: Vec<Finding>,
    pub stop: bool,
    pub look_again: bool,
    pub halted: Option<String>,
    pub stopped: bool,
    pub offline_since: Option<Timestamp>,
    pub retry_at: Option<Timestamp>,
    pub confirm_resume: bool,
    pub extra: Answers,
    pub seen_version: String,
    pub again_at: Option<Timestamp>,
    /// When this process took the run up.
    pub taken_up: Option<Timestamp>,
    /// Who takes it over and has not said why.
    pub takes_over: Option<String>,
    /// Who took the run up in this process.
    pub by: Option<String>,
    /// So many others must agree before anything critical is changed.
    pub demanded: i64,
    /// Names beside the initiator's that may not approve.
    pub not_approving: Vec<String>,
    /// How far the server's clock is ahead, once it was looked at for approvals.
    pub server_ahead: Option<SignedDuration>,
    /// The look for approvals that goes on while the person is asked.
    pub approving: Option<ReadId>,
    /// The texts that were judged already.
    pub judged: Vec<String>,
    /// Why the glass is to be broken, until that is confirmed.
    pub glass: Option<String>,
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
        if let Some(step) = plan
            .iter()
            .find(|step| matches!(step.kind, StepKind::Call { .. }))
        {
            return Err(RunError::Unsupported {
                step: step.id.clone(),
                kind: "call of a runbook that is not here".to_owned(),
            });
        }
        for step in &plan {
            let supported = !matches!(step.kind, StepKind::Planned { .. });
            if !supported {
                let kind = step.kind.name();
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
            covered: BTreeSet::new(),
            reason: start
                .answers
                .reason
                .clone()
                .filter(|reason| !reason.trim().is_empty()),
            human: None,
            rolling_back: false,
            back: None,
            ending: None,
            end: None,
            started_at: now,
            active: SignedDuration::ZERO,
            last_at: now,
            entries: 0,
        };
        let mut run = Self {
            book,
            start,
            plan,
            ledger,
            live: Live::default(),
        };
        run.expand();
        Ok(run)
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

    /// Rights and facts are being looked at, and whether anybody else carries it.
    pub fn is_checking(&self) -> bool {
        matches!(self.live.pending, Some((_, Purpose::Preflight)))
    }

    /// A request is on its way to the server.
    pub fn in_flight(&self) -> bool {
        self.live.in_flight
    }

    /// From now on what its steps want typed is asked for, whatever the place was when it began.
    pub fn guard(&mut self) {
        self.start.typed = true;
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
            frame: "",
            call: "",
        }
    }

    /// The runbook a step is of: the one that is called where it stands, else the run's own.
    pub(super) fn book_of<'s>(&'s self, step: &'s Step) -> &'s Runbook {
        step.within.last().map_or(&*self.book, |call| &*call.book)
    }

    /// A parameter's name in the run: those of a called runbook stand behind the call's path.
    pub(super) fn param_name(step: &Step, name: &str) -> String {
        format!("{}{name}", prefix_of(step))
    }

    /// A parameter of the runbook a step is of.
    pub(super) fn param_of(&self, step: &Step, name: &str) -> Option<&Value> {
        self.ledger.params.get(&Self::param_name(step, name))
    }

    /// The values a step can refer to.
    pub(super) fn scope_of<'s>(&'s self, step: &'s Step, out: Option<&'s Value>) -> Scope<'s> {
        Scope {
            vars: Some(&step.vars),
            frame: step.id.rfind('/').map_or("", |at| &step.id[..=at]),
            call: prefix_of(step),
            ..self.scope(out)
        }
    }

    /// Whether an undo is possible, and back to which step; never of a run that is over.
    pub fn undo_reach(&self) -> Option<usize> {
        if self.ledger.end.is_some() {
            return None;
        }
        (self.after_barrier()..self.plan.len()).find(|index| {
            let record = self.ledger.steps.get(*index);
            let undo = self.plan.get(*index).and_then(|step| step.undo.as_ref());
            record.is_some_and(StepRecord::effective)
                && matches!(undo, Some(Undo::Restore | Undo::Act(..)))
        })
    }

    /// The first step after the last one from which nothing goes back.
    pub(super) fn after_barrier(&self) -> usize {
        let mut steps = self.ledger.steps.iter().zip(&self.plan);
        steps
            .rposition(|(record, step)| step.barrier && record.state == StepState::Succeeded)
            .map_or(0, |barrier| barrier + 1)
    }

    pub(super) fn timeout(&self, index: usize, from: Timestamp) -> Option<Timestamp> {
        let step = self.plan.get(index)?;
        let timeout = step.timeout.as_ref()?;
        let after = timeout
            .after
            .duration(&self.scope_of(step, None))
            .unwrap_or(SignedDuration::from_mins(10));
        Some(from + after)
    }
}

/// What stands before the names of a step's parameters.
fn prefix_of(step: &Step) -> &str {
    step.within.last().map_or("", |call| call.prefix.as_str())
}

/// Two conditions as one.
pub(super) fn both(outer: Option<When>, inner: Option<When>) -> Option<When> {
    match (outer, inner) {
        (Some(outer), Some(inner)) => Some(When::All(vec![outer, inner])),
        (outer, inner) => outer.or(inner),
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
                inner.when = both(step.when.clone(), inner.when.take());
            }
            plan.extend(expanded);
        } else if let StepKind::Call { runbook, with } = &step.kind
            && let Some(called) = book.calls.get(runbook)
        {
            let prefix = format!("{prefix}{}/", step.id);
            let mut expanded = Vec::new();
            flatten(called, &called.steps, &prefix, &mut expanded);
            let around = Enclosing {
                prefix,
                when: step.when.clone(),
                with: with.clone(),
                book: called.clone(),
                vars: step.vars.clone(),
            };
            for inner in &mut expanded {
                inner.section = step.section;
                inner.within.insert(0, around.clone());
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
