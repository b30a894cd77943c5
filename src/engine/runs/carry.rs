//! One run's performer: records before anything follows, sends each effect once, asks, measures, wakes. Every effect of
//! the machine comes through [`Carrier::take`], in order.

use super::clocks::Clocks;
use super::lease::{self, Claims};
use super::means::Means;
use super::records::Who;
use super::report::Reporter;
use super::secrets::Secrets;
use super::{approvals, ask, measure, policy, programs, records, rehearsals, rehearsing, write};
use crate::app::runs::news::RunNews;
use crate::engine::incidents::follow::follow;
use crate::journal::{AuditEvent, Journal, RealDisk};
use crate::runbook::Runbook;
use crate::runbook::ids::{EffectKey, RunId};
use crate::runbook::machine::{
    Answer, Effect, Entry, Event, Fact, Question, ReadId, Start, Status,
};
use crate::runbook::model::Risk;
use crate::runbook::patch::Action;
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// Carries one run out.
pub struct Carrier {
    to: Reporter,
    start: Arc<Start>,
    journal: Option<Journal<RealDisk>>,
    /// Its good end is evidence for a run of the same model elsewhere.
    rehearses: bool,
    /// Only a look ahead: nothing is recorded, so nothing is done.
    ahead: bool,
    reads: HashMap<ReadId, AbortOnDropHandle<()>>,
    wakes: BTreeMap<Timestamp, AbortOnDropHandle<()>>,
    flights: Vec<AbortOnDropHandle<()>>,
    clocks: Arc<Clocks>,
}

impl Carrier {
    /// A performer with the run's journal.
    pub fn new(
        means: Arc<Means>,
        start: Start,
        journal: Journal<RealDisk>,
        secrets: Secrets,
    ) -> Self {
        Self {
            journal: Some(journal),
            ahead: false,
            ..Self::unrecorded(means, start, secrets)
        }
    }

    /// A performer that keeps no record and so changes nothing: a look ahead.
    pub fn unrecorded(means: Arc<Means>, start: Start, secrets: Secrets) -> Self {
        let clocks = Arc::new(Clocks::of(&means.clock));
        Self {
            to: Reporter {
                claims: Claims::new(means.clone(), &start),
                means,
                run: start.run.clone(),
                by: start.actor.as_str().into(),
                held: Arc::default(),
                secrets: Arc::new(secrets),
            },
            start: Arc::new(start),
            journal: None,
            ahead: true,
            rehearses: false,
            reads: HashMap::new(),
            wakes: BTreeMap::new(),
            flights: Vec::new(),
            clocks,
        }
    }

    /// Lets the good end of a critical runbook be evidence, where this is a place to rehearse in.
    pub fn rehearses(&mut self, book: &Runbook) {
        let here = &self.start.target.environment;
        self.rehearses =
            book.risk == Risk::Critical && !self.start.dry_run && *here == rehearsals::place(book);
    }

    /// Who tells what happens, with the lock of what is changed.
    pub fn reporter(&self) -> &Reporter {
        &self.to
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.start.run
    }

    /// Performs one effect. What takes time goes on by itself; only recording is waited for.
    pub async fn take(&mut self, effect: Effect) {
        match effect {
            Effect::Record(entries) => self.record(entries).await,
            Effect::Perform {
                effect,
                attempt,
                audit_id,
                action,
            } => self.perform(effect, attempt, audit_id, action).await,
            Effect::Read(id, question) => {
                // Rehearsed or not, the policy would refuse it: that is said before the confirmation.
                if let Question::DryRun { action } = &*question
                    && let Some(why) = self.against(action)
                {
                    let answer = Box::new(Answer::DryRunRefused(why));
                    return self.to.tell(Event::Answered(id, answer)).await;
                }
                let asked = ask::answer(self.to.clone(), self.start.clone(), id, *question);
                self.read(id, asked);
            }
            Effect::Measure {
                id,
                spec,
                object,
                others,
                since,
                before,
                ours,
            } => {
                let (to, clocks) = (self.to.clone(), self.clocks.clone());
                let look = measure::Look {
                    spec,
                    object,
                    since,
                    before,
                    ours,
                };
                let measured = async move {
                    let readings = measure::worst(&to.means, &clocks, look, others).await;
                    to.tell(Event::Measured(id, readings)).await;
                };
                self.read(id, measured);
            }
            Effect::Forget(id) => drop(self.reads.remove(&id)),
            Effect::Wake(at) => {
                self.to.claims.wakes(at);
                self.wake(at);
            }
            Effect::Audit { event, fields } => self.audit(event, fields).await,
            // The App asks the person, and knows when nothing more will come.
            Effect::Ask(_) | Effect::Done(_) => {}
        }
    }

    /// Sends one effect, if a journal takes its outcome, the policy lets it, and the run is still carried here.
    async fn perform(
        &mut self,
        effect: EffectKey,
        attempt: u32,
        audit_id: String,
        action: Box<Action>,
    ) {
        // Without a journal that takes the outcome, nothing is begun.
        if !self.journal.as_ref().is_some_and(Journal::is_writable) {
            let why = "the journal takes nothing more: no action is taken".to_owned();
            return self.to.tell(Event::RecordFailed(why)).await;
        }
        if let Some(message) = self.against(&action) {
            let (status, http) = (Status::Invalid, 0);
            let refused = Event::Refused {
                effect,
                attempt,
                status,
                http,
                message,
            };
            return self.to.tell(refused).await;
        }
        let (to, start) = (self.to.clone(), self.start.clone());
        let sent = async move {
            // Whoever is no longer the one who carries this run sends nothing more.
            let event = match to.claims.hold().await {
                Ok(taken) => {
                    if !taken.is_empty() {
                        lease::write_down(&to.means, &start, taken).await;
                    }
                    if action.planned.object.is_program() {
                        programs::start(&to, &start, effect, attempt, &action).await
                    } else {
                        write::send(&to, effect, attempt, audit_id, *action).await
                    }
                }
                Err(message) => {
                    if let Some(why) = to.claims.lost().await {
                        to.means.tell(RunNews::Lost(start.run.clone(), why)).await;
                    }
                    Event::Refused {
                        effect,
                        attempt,
                        status: Status::Locked,
                        http: 0,
                        message,
                    }
                }
            };
            to.tell(event).await;
        };
        self.flights.retain(|flight| !flight.is_finished());
        self.flights
            .push(AbortOnDropHandle::new(tokio::spawn(sent)));
    }

    /// What the policy has against a change, unless the run goes past it.
    fn against(&self, action: &Action) -> Option<String> {
        let rules = &self.to.means.keeping.rules;
        let environment = &self.start.target.environment;
        let policy = (rules.policy)(environment);
        let why = policy::unpinned(&policy, environment, action);
        why.filter(|_| self.start.answers.break_glass.is_none())
    }

    /// Who carries it out.
    fn who(&self) -> Who {
        Who::Cluster(self.start.actor.clone())
    }

    fn read(&mut self, id: ReadId, work: impl Future<Output = ()> + Send + 'static) {
        self.reads.retain(|_, task| !task.is_finished());
        self.reads
            .insert(id, AbortOnDropHandle::new(tokio::spawn(work)));
    }

    /// On disk, journal first, or said to have failed: the machine goes on only from here.
    async fn record(&mut self, entries: Vec<Entry>) {
        if self.ahead {
            return self.to.tell(Event::Recorded).await;
        }
        let Some(mut journal) = self.journal.take() else {
            let why = "the journal is not open".to_owned();
            return self.to.tell(Event::RecordFailed(why)).await;
        };
        let ended = entries
            .iter()
            .any(|entry| matches!(entry.fact, Fact::End { .. }));
        let (state, start) = (self.to.means.keeping.state.clone(), self.start.clone());
        let who = self.who();
        let told = entries.clone();
        let ledger = self.to.means.incidents();
        let clock = self.to.means.clock.clone();
        let written = records::off(move || {
            let written = journal
                .append(&entries)
                .map_err(|error| error.to_string())
                .and_then(|()| records::audit(&state, &start, &who, &entries));
            // The journal is the record: a copy that fails stops nothing.
            let copied = follow(&ledger, &start, &who, &entries, &clock);
            (journal, written, copied.err())
        });
        let event = match written.await {
            Ok((journal, written, missed)) => {
                if self.rehearses {
                    rehearsing::keep(&self.to.means, &self.start, &told, journal.head()).await;
                }
                self.to.claims.learn(&told, journal.head()).await;
                self.clear_approvals(&told);
                self.journal = Some(journal);
                if let Some(why) = missed {
                    self.to
                        .means
                        .warn(format!("Not in the incident's file: {why}"))
                        .await;
                }
                written.map_or_else(Event::RecordFailed, |()| Event::Recorded)
            }
            Err(why) => Event::RecordFailed(why),
        };
        self.to.tell(event).await;
        if ended {
            let dir = self
                .journal
                .as_ref()
                .map(|journal| journal.dir().to_owned());
            forget_key(dir).await;
            self.to.held.lock().await.take();
        }
    }

    /// What was approved is no longer asked for.
    fn clear_approvals(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Fact::Approval { code, .. } = &entry.fact {
                let (to, code) = (self.to.clone(), code.clone());
                let namespace = self.start.target.namespace.clone();
                let cleared =
                    async move { approvals::clear(&to.means.cluster, &namespace, &code).await };
                self.flights
                    .push(AbortOnDropHandle::new(tokio::spawn(cleared)));
            }
        }
    }

    async fn audit(&mut self, event: String, fields: BTreeMap<String, String>) {
        if self.ahead {
            return;
        }
        let mut all = records::about(&self.start, &self.who());
        all.insert("fields".to_owned(), json!(fields));
        let event = AuditEvent {
            ts: self.to.means.clock.now(),
            event,
            fields: all,
        };
        let state = self.to.means.keeping.state.clone();
        let written = records::off(move || records::append(&state, &[event])).await;
        if let Err(why) | Ok(Err(why)) = written {
            self.to.tell(Event::RecordFailed(why)).await;
        }
    }

    fn wake(&mut self, at: Timestamp) {
        self.wakes.retain(|_, task| !task.is_finished());
        let (to, clocks) = (self.to.clone(), self.clocks.clone());
        self.wakes.entry(at).or_insert_with(|| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                while let Some(wait) = to.means.clock.until(at) {
                    tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
                    if let Some(text) = clocks.jumped(&to.means.clock) {
                        let by = "the clock".to_owned();
                        to.tell(Event::Note { by, text }).await;
                    }
                }
                to.tell(Event::Tick).await;
            }))
        });
    }
}

/// The run is over: what its fingerprints were taken with is of no more use.
async fn forget_key(dir: Option<PathBuf>) {
    if let Some(dir) = dir {
        // One that cannot be removed opens nothing: a fingerprint only says whether two values are the same.
        let _ = records::off(move || crate::journal::forget_key(&RealDisk, &dir)).await;
    }
}
