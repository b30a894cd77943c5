//! Runs, carried out: the desk takes the App's orders in their order, opens journals, and gives every effect of the
//! present run to whoever performs it. What comes back is reported as facts. All file work is off the async threads.

pub mod allowed;
pub mod approvals;
mod ask;
mod carry;
mod checklist;
mod clocks;
pub mod close;
mod deed;
mod evidence;
pub mod export;
pub mod lease;
mod lines;
mod lock;
mod made;
mod means;
mod measure;
mod named;
mod open;
mod outlook;
mod outside;
mod outward;
mod owners;
pub mod policy;
mod programs;
mod reach;
pub mod records;
mod rehearsals;
mod rehearsing;
mod report;
mod request;
mod revisions;
mod rollout;
mod secrets;
mod service;
mod shared;
mod sides;
mod state;
mod stuck;
mod tell;
mod trust;
pub mod witness;
mod write;

use crate::app::message::Fact;
use crate::app::runs::Refusal;
use crate::app::runs::news::RunNews;
use crate::app::runs::order::RunOrder;
use carry::Carrier;
pub use means::{Keeping, Means};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

/// Takes orders for runs; dropping it ends the desk, and what was sent to a server stays to be probed.
#[derive(Debug)]
pub struct Desk {
    orders: UnboundedSender<RunOrder>,
    _work: AbortOnDropHandle<()>,
}

impl Desk {
    /// Opens the desk and lists the runs of before. Must be called inside a runtime.
    pub fn open(means: Means) -> Self {
        let (orders, waiting) = unbounded_channel();
        let work = tokio::spawn(work(Arc::new(means), waiting));
        // The desk was opened just now: it takes its first order.
        let _ = orders.send(RunOrder::List);
        Self {
            orders,
            _work: AbortOnDropHandle::new(work),
        }
    }

    /// Takes an order.
    pub fn take(&self, order: RunOrder) {
        // The desk ends only with the program.
        let _ = self.orders.send(order);
    }
}

async fn work(means: Arc<Means>, mut orders: UnboundedReceiver<RunOrder>) {
    let mut present: Option<Carrier> = None;
    while let Some(order) = orders.recv().await {
        match order {
            RunOrder::Open(opening) => {
                present = None;
                match open::open(&means, *opening).await {
                    Ok((carrier, run)) => {
                        present = Some(carrier);
                        means.tell(RunNews::Opened(Box::new(run))).await;
                    }
                    Err(refusal) => means.tell(RunNews::Refused(refusal)).await,
                }
            }
            RunOrder::Reopen(id) => {
                present = None;
                match open::reopen(&means, &id).await {
                    Ok(reopened) => {
                        present = Some(reopened.carrier);
                        let news = RunNews::Reopened {
                            run: Box::new(reopened.run),
                            entries: reopened.entries,
                            by: reopened.by,
                            hand_over: reopened.hand_over,
                        };
                        means.tell(news).await;
                    }
                    Err(refusal) => means.tell(RunNews::Refused(refusal)).await,
                }
            }
            RunOrder::Perform(run, effects) => {
                if let Some(carrier) = present.as_mut().filter(|carrier| *carrier.run() == run) {
                    for effect in effects {
                        carrier.take(effect).await;
                    }
                }
            }
            RunOrder::Outline(run, steps) => {
                if let Some(carrier) = present.as_ref().filter(|carrier| *carrier.run() == run) {
                    carrier.reporter().claims.outline(steps);
                }
            }
            RunOrder::Give { run, name, value } => {
                if let Some(carrier) = present.as_ref().filter(|carrier| *carrier.run() == run) {
                    let value = value.expose().as_bytes().to_vec();
                    carrier.reporter().secrets.remember(&name, value);
                }
            }
            RunOrder::WriteDown(deed) => deed::write_down(&means, *deed).await,
            RunOrder::Reread => {
                let shelf = means.keeping.shelf.clone();
                if let Ok(books) = records::off(move || shelf()).await {
                    means.tell(RunNews::Shelved(books)).await;
                }
            }
            RunOrder::Look => {
                let looking = means.clone();
                // Nobody waits for it: what others do must not hold up a run.
                tokio::spawn(async move {
                    let scope = looking.scope.namespace();
                    let namespace = scope.map_or("", |name| &**name);
                    if let Ok(found) = lease::announced(&looking.cluster, namespace).await {
                        looking.tell(RunNews::Announced(found)).await;
                    }
                });
            }
            RunOrder::List => {
                let state = means.keeping.state.clone();
                if let Ok(past) = records::off(move || records::past(&state)).await {
                    means.tell(RunNews::Listed(past)).await;
                }
            }
        }
    }
}

/// What is told where no runs are kept.
pub fn nowhere() -> Fact {
    Fact::Run(RunNews::Refused(Refusal {
        sentence: "runs are not kept here: there is no state directory".to_owned(),
        usage: false,
    }))
}
