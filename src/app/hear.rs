//! Which containers the log on the screen listens to, and how many there would be.

use super::screen::Screen;
use super::state::App;
use super::wants::LogWant;
use crate::domain::object::ObjectRef;
use std::sync::Arc;

/// Containers heard at once.
const STREAMS: usize = 40;
/// Lines of each container to begin with.
const TAIL: u32 = 200;
/// Lines of each container where a time was chosen.
const SINCE_TAIL: u32 = 5000;

/// Pods by name, with the containers of each that are meant.
type Containers = Vec<(Arc<str>, Vec<Arc<str>>)>;

impl App {
    /// How many containers the log on the screen hears, and how many there are.
    pub fn log_streams(&self) -> (usize, usize) {
        let Screen::Logs(object) = &self.here().screen else {
            return (0, 0);
        };
        let count = |all: &Containers| all.iter().map(|(_, own)| own.len()).sum();
        let mut pods = self.containers(object);
        let all = count(&pods);
        bound(&mut pods);
        (count(&pods), all)
    }

    fn containers(&self, object: &ObjectRef) -> Containers {
        let pods = self.pods_of(object);
        let mut pods: Containers = pods
            .map(|pod| (pod.name.clone(), pod.container_names.to_vec()))
            .collect();
        pods.sort();
        pods
    }

    /// The streams that are wanted for a log.
    pub(super) fn log_want(&self, object: &ObjectRef) -> Option<LogWant> {
        let logs = &self.reading.logs;
        let mut pods = self.containers(object);
        bound(&mut pods);
        (!pods.is_empty()).then(|| LogWant {
            round: logs.round,
            namespace: object.namespace.clone(),
            pods,
            previous: logs.previous,
            since_s: logs.since_s,
            tail: if logs.since_s.is_some() {
                SINCE_TAIL
            } else {
                TAIL
            },
        })
    }
}

/// Keeps as many containers as are heard at once.
fn bound(pods: &mut Containers) {
    let mut room = STREAMS;
    for (_, containers) in pods.iter_mut() {
        containers.truncate(room);
        room -= containers.len();
    }
    pods.retain(|(_, containers)| !containers.is_empty());
}
