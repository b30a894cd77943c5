//! What is read for one screen: started when it is wanted, ended when it is not.

use super::outside::Outside;
use super::{kinds, logs, texts};
use crate::app::message::Fact;
use crate::app::places::PlacesWant;
use crate::app::text::TextWant;
use crate::app::wants::Wants;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio_util::task::AbortOnDropHandle;

type Task = AbortOnDropHandle<()>;

/// What is being read now.
#[derive(Debug, Default)]
pub struct Readers {
    logs: HashMap<logs::Stream, Task>,
    text: Option<(TextWant, Task)>,
    table: Option<(Arc<str>, Task)>,
    places: Option<(PlacesWant, Task)>,
}

impl Readers {
    /// What is a list is read anew at the next reconciliation.
    pub fn again(&mut self) {
        (self.table, self.places) = (None, None);
    }

    /// Starts what is wanted and does not run, ends what runs and is not wanted.
    pub fn reconcile(&mut self, outside: &Outside, facts: &Sender<Fact>, wants: &Wants) {
        let wanted = wants.logs.as_ref().map(logs::streams).unwrap_or_default();
        if !self.logs.is_empty() {
            self.logs.retain(|stream, _| wanted.contains(stream));
        }
        for stream in wanted {
            self.logs.entry(stream).or_insert_with_key(|stream| {
                let now = outside.clock.now();
                let read = logs::read(outside.cluster.clone(), stream.clone(), now, facts.clone());
                Task::new(tokio::spawn(read))
            });
        }
        keep(&mut self.text, wants.text.as_ref(), |want| {
            tokio::spawn(texts::read(outside.cluster.clone(), want, facts.clone()))
        });
        keep(&mut self.table, wants.table.as_ref(), |name| {
            let (cluster, scope) = (outside.cluster.clone(), outside.scope.clone());
            tokio::spawn(kinds::watch(cluster, name, scope, facts.clone()))
        });
        keep(&mut self.places, wants.places.as_ref(), |want| {
            tokio::spawn(texts::places(outside.clone(), want, facts.clone()))
        });
    }
}

fn keep<W: Clone + PartialEq>(
    running: &mut Option<(W, Task)>,
    wanted: Option<&W>,
    start: impl FnOnce(W) -> tokio::task::JoinHandle<()>,
) {
    if running.as_ref().map(|(want, _)| want) != wanted {
        *running = wanted.map(|want| (want.clone(), Task::new(start(want.clone()))));
    }
}
