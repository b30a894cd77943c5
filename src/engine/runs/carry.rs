//! One run's performer: records before anything follows, sends each effect once, asks, measures, wakes. Every effect of
//! the machine comes through [`Carrier::take`], in order.

use super::means::Means;
use super::report::Reporter;
use super::{ask, measure, records, write};
use crate::journal::{AuditEvent, Journal, RealDisk};
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Effect, Entry, Event, Fact, ReadId, Start};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// Carries one run out.
pub struct Carrier {
    to: Reporter,
    start: Arc<Start>,
    journal: Option<Journal<RealDisk>>,
    reads: HashMap<ReadId, AbortOnDropHandle<()>>,
    wakes: BTreeMap<Timestamp, AbortOnDropHandle<()>>,
    flights: Vec<AbortOnDropHandle<()>>,
}

impl Carrier {
    /// A performer with the run's journal.
    pub fn new(means: Arc<Means>, start: Start, journal: Journal<RealDisk>) -> Self {
        Self {
            to: Reporter {
                means,
                run: start.run.clone(),
                held: Arc::default(),
            },
            start: Arc::new(start),
            journal: Some(journal),
            reads: HashMap::new(),
            wakes: BTreeMap::new(),
            flights: Vec::new(),
        }
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
            } => {
                // Without a journal that takes the outcome, nothing is begun.
                if !self.journal.as_ref().is_some_and(Journal::is_writable) {
                    let why = "the journal takes nothing more: no action is taken".to_owned();
                    return self.to.tell(Event::RecordFailed(why)).await;
                }
                let to = self.to.clone();
                let sent = async move {
                    let event = write::send(&to.means, effect, attempt, audit_id, *action).await;
                    to.tell(event).await;
                };
                self.flights.retain(|flight| !flight.is_finished());
                self.flights
                    .push(AbortOnDropHandle::new(tokio::spawn(sent)));
            }
            Effect::Read(id, question) => {
                let asked = ask::answer(self.to.clone(), self.start.clone(), id, *question);
                self.read(id, asked);
            }
            Effect::Measure {
                id,
                spec,
                object,
                since,
            } => {
                let to = self.to.clone();
                let measured = async move {
                    let readings = measure::read(&to.means, &spec, object.as_ref(), since).await;
                    to.tell(Event::Measured(id, readings)).await;
                };
                self.read(id, measured);
            }
            Effect::Forget(id) => drop(self.reads.remove(&id)),
            Effect::Wake(at) => self.wake(at),
            Effect::Audit { event, fields } => self.audit(event, fields).await,
            // The App asks the person, and knows when nothing more will come.
            Effect::Ask(_) | Effect::Done(_) => {}
        }
    }

    fn read(&mut self, id: ReadId, work: impl Future<Output = ()> + Send + 'static) {
        self.reads.retain(|_, task| !task.is_finished());
        self.reads
            .insert(id, AbortOnDropHandle::new(tokio::spawn(work)));
    }

    /// On disk, journal first, or said to have failed: the machine goes on only from here.
    async fn record(&mut self, entries: Vec<Entry>) {
        let Some(mut journal) = self.journal.take() else {
            let why = "the journal is not open".to_owned();
            return self.to.tell(Event::RecordFailed(why)).await;
        };
        let ended = entries
            .iter()
            .any(|entry| matches!(entry.fact, Fact::End { .. }));
        let (state, start) = (self.to.means.keeping.state.clone(), self.start.clone());
        let written = records::off(move || {
            let written = journal
                .append(&entries)
                .map_err(|error| error.to_string())
                .and_then(|()| records::audit(&state, &start, &entries));
            (journal, written)
        });
        let event = match written.await {
            Ok((journal, written)) => {
                self.journal = Some(journal);
                written.map_or_else(Event::RecordFailed, |()| Event::Recorded)
            }
            Err(why) => Event::RecordFailed(why),
        };
        self.to.tell(event).await;
        if ended {
            self.to.held.lock().await.take();
        }
    }

    async fn audit(&mut self, event: String, fields: BTreeMap<String, String>) {
        let mut all = records::about(&self.start);
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
        let to = self.to.clone();
        self.wakes.entry(at).or_insert_with(|| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                while let Some(wait) = to.means.clock.until(at) {
                    tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
                }
                to.tell(Event::Tick).await;
            }))
        });
    }
}
