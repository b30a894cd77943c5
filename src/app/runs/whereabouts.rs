//! Where runs belong and which are not over: the shelf in step with the run carried out here, which runs are this
//! cluster's, what is said of one elsewhere, and whether the present run is armed. Screens and commands ask here.

use super::Runs;
use super::elsewhere::Elsewhere;
use super::order::RunOrder;
use super::shelf::PastRun;
use crate::app::effect::Effect;
use crate::app::screen::Screen;
use crate::app::state::App;
use crate::runbook::machine::{AskKind, Fact, Run};
use crate::runbook::prose::bounded;
use std::sync::Arc;

/// What a simulated platform calls its environment: it ends with its process, and the next one is another world.
const SIMULATED: &str = "simulated";
/// How often runs are read again, in seconds: while their list is looked at, and while another process carries one.
const LOOKED_AT: i64 = 3;
const CARRIED: i64 = 10;
/// How often the cluster is asked for the runs of others, in seconds.
const OTHERS: i64 = 9;
/// The most characters of a context in a sentence.
const CONTEXT: usize = 40;

impl Runs {
    /// Brings the shelf to where the present run stands: what is carried out here is known before its journal is read.
    pub(super) fn shelve(&mut self) {
        let Some(run) = self.present.as_deref() else {
            return;
        };
        let (start, ledger) = (run.start(), run.ledger());
        let reason = match (&ledger.end, &ledger.human) {
            (Some(end), _) => Some(end.message.clone()),
            (None, Some(human)) => Some(human.message.clone()),
            (None, None) => None,
        };
        let known = self
            .past
            .iter_mut()
            .find(|past| *past.run == *start.run.as_str());
        if let Some(past) = known {
            if past.state == ledger.state && past.reason == reason {
                return;
            }
            past.state = ledger.state;
            past.reason = reason;
            past.ended = ledger.end.is_some().then_some(ledger.last_at);
        } else {
            self.past.push(PastRun {
                run: Arc::from(start.run.as_str()),
                runbook: start.runbook.as_str().into(),
                state: ledger.state,
                reason,
                started: ledger.started_at,
                ended: ledger.end.is_some().then_some(ledger.last_at),
                target: start.target.clone(),
                actor: start.actor.clone(),
                journal: String::new(),
                read_only: None,
                carried: ledger.end.is_none(),
            });
        }
        self.past
            .sort_by(|a, b| (a.state.is_terminal(), &b.run).cmp(&(b.state.is_terminal(), &a.run)));
    }
}

impl App {
    /// Whether a run belongs to the cluster that is looked at; while that is not known, none is said to be elsewhere.
    pub fn is_here(&self, run: &PastRun) -> bool {
        let Some(uid) = self.target.cluster_uid.as_deref() else {
            return true;
        };
        let simulated = run.target.environment == SIMULATED;
        *run.target.cluster_uid == *uid && (!simulated || *run.target.server == *self.target.server)
    }

    /// The runs of this cluster that are not over and can be gone on with, the present one among them.
    pub fn unfinished_here(&self) -> impl Iterator<Item = &PastRun> {
        let known = self.target.cluster_uid.is_some();
        self.runs.past.iter().filter(move |run| {
            known && !run.state.is_terminal() && run.read_only.is_none() && self.is_here(run)
        })
    }

    /// What every other screen says of runs that are not over, and the same in fewer columns.
    pub fn unfinished_words(&self) -> Option<(String, String)> {
        if self.here().screen == Screen::Runs {
            return None;
        }
        let shown = self.shown_run().map(|run| run.start().run.as_str());
        let open = self.unfinished_here();
        let many = open.filter(|run| Some(&*run.run) != shown).count();
        let runs = if many == 1 { "run" } else { "runs" };
        (many > 0).then(|| {
            (
                format!("{many} {runs} unfinished: K p"),
                format!("{many} {runs}: K p"),
            )
        })
    }

    /// What is said of a run that belongs to another cluster: where it goes on.
    pub(in crate::app) fn elsewhere(run: &PastRun) -> String {
        let from = run.run.len().saturating_sub(6);
        let id = run.run.get(from..).unwrap_or(&run.run);
        if run.state.is_terminal() {
            return format!("This run is over; vigie audit show --run {id} tells it.");
        }
        if run.target.environment == SIMULATED {
            return format!("Its simulator has ended; close it: vigie abandon {id} --reason TEXT");
        }
        format!(
            "It goes on at its cluster: vigie --context {}",
            bounded(&run.target.context, CONTEXT)
        )
    }

    /// Whether a change is under way that this one run was armed for.
    pub fn run_armed(&self) -> bool {
        let acts = |run: &Run| {
            let confirmed = run.plan().iter().zip(&run.ledger().steps);
            let mut confirmed = confirmed.filter(|(step, _)| step.kind.mutates());
            !run.start().dry_run
                && (run.has_effects()
                    || run.unresolved().is_some()
                    || confirmed.any(|(_, record)| record.authorised))
        };
        self.target.environment.guarded
            && !self.settings.read_only
            && self.runs.active().is_some_and(acts)
    }

    /// Whether the open question is the first that was put to anybody and nothing was sent: leaving it is a no.
    pub(in crate::app) fn leaving_is_no(&self) -> bool {
        let Some(run) = self.shown_run() else {
            return false;
        };
        let plain = run
            .ask()
            .is_some_and(|ask| matches!(ask.kind, AskKind::Confirm { .. } | AskKind::Reason(_)));
        let chosen = |fact: &Fact| match fact {
            Fact::Decision {
                accepted, answer, ..
            } => *accepted && !answer.starts_with("reason: "),
            Fact::Resumed { .. } => true,
            _ => false,
        };
        let mut entries = self.runs.entries.iter().chain(&self.runs.recording);
        plain
            && !run.has_effects()
            && run.unresolved().is_none()
            && !entries.any(|entry| chosen(&entry.fact))
    }

    /// The list of runs is read again whenever it is opened.
    pub(in crate::app) fn reread_runs(&self, before: &Screen) -> Vec<Effect> {
        let opened = self.here().screen == Screen::Runs && *before != Screen::Runs;
        if !opened {
            return Vec::new();
        }
        vec![Effect::Run(RunOrder::List), Effect::Run(RunOrder::Look)]
    }

    /// Whether the cluster is asked now which runs others announce: only while their list is looked at.
    pub(super) fn asks_for_others(&self) -> bool {
        self.here().screen == Screen::Runs
            && self.now.as_second() % OTHERS == 0
            && self.runs.active().is_none_or(|run| run.start().attended)
    }

    /// Runs that others carry out, as they announce them: those of this machine are in its own list.
    pub fn others(&self) -> impl Iterator<Item = &Elsewhere> {
        let own = |run: &Elsewhere| self.runs.past.iter().any(|past| past.run == run.run);
        self.runs.announced.iter().filter(move |run| !own(run))
    }

    /// Whether the runs are read again now: another process may have begun or ended one.
    pub(super) fn rereads_now(&self) -> bool {
        let second = self.now.as_second();
        let present = self.runs.active();
        if present.is_some_and(|run| !run.start().attended) {
            return false;
        }
        let present = present.map(|run| run.start().run.as_str());
        let mut others = self.runs.past.iter();
        let carried = |run: &PastRun| run.carried && Some(&*run.run) != present;
        (self.here().screen == Screen::Runs && second % LOOKED_AT == 0)
            || (second % CARRIED == 0 && others.any(carried))
    }
}
