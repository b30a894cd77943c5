//! Faults between the world and whoever asks it: dropped, delayed, refused, cut or halved answers, and a latency on everything. Set by tests and by whoever runs the platform; applied by `serve`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Which face a request reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the faces")]
pub enum Face {
    Kubernetes,
    Prometheus,
    Alertmanager,
}

/// What is done to a request instead of, or around, answering it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before anything is done.
    DropBefore,
    /// It is done, then the connection breaks without an answer.
    DropAfter,
    /// It is done and answered, so much later.
    Delay(Duration),
    /// It is not done; the answer is this code, with these seconds of `Retry-After`.
    Status(u16, Option<u64>),
    /// It is done; half of the answer arrives, then the connection breaks.
    HalfBody,
    /// It is never answered.
    Hang,
    /// It is answered, and every sample in the answer is not a number.
    NotANumber,
}

/// A fault and the requests it meets.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The face; none for all.
    pub face: Option<Face>,
    /// The method; empty for all.
    pub method: String,
    /// How the path begins; empty for all.
    pub path: String,
    /// What happens.
    pub fault: Fault,
    /// How many more times; none until cleared.
    pub times: Option<u32>,
}

/// The fault script of one platform.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    latency_ms: AtomicU64,
    cut: watch::Sender<u64>,
    asked: Mutex<VecDeque<(Face, String)>>,
}

/// So many requests are remembered.
const ASKED: usize = 4_000;

impl Default for Faults {
    fn default() -> Self {
        Self {
            rules: Mutex::new(Vec::new()),
            latency_ms: AtomicU64::new(0),
            cut: watch::Sender::new(0),
            asked: Mutex::default(),
        }
    }
}

impl Faults {
    /// Adds a rule.
    pub fn add(&self, rule: Rule) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    /// Removes all rules and the latency.
    pub fn clear(&self) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.set_latency(Duration::ZERO);
    }

    /// Every answer comes so much later from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.latency_ms
            .store(latency.as_millis() as u64, Ordering::Relaxed);
    }

    /// How much later every answer comes.
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    /// Breaks every stream that is open now.
    pub fn cut_streams(&self) {
        self.cut.send_modify(|n| *n += 1);
    }

    /// Tells when streams are cut.
    pub fn cuts(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    /// The requests since this was last asked, as method and path, oldest first.
    pub fn take_asked(&self) -> Vec<(Face, String)> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.drain(..).collect()
    }

    fn note(&self, face: Face, method: &str, path: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push_back((face, format!("{method} {path}")));
        if asked.len() > ASKED {
            asked.pop_front();
        }
    }

    /// The fault a request meets, if any; it is counted.
    pub fn meet(&self, face: Face, method: &str, path: &str) -> Option<Fault> {
        self.note(face, method, path);
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |rule: &Rule| {
            rule.times != Some(0)
                && rule.face.is_none_or(|f| f == face)
                && (rule.method.is_empty() || rule.method.eq_ignore_ascii_case(method))
                && path.starts_with(&rule.path)
        };
        let rule = rules.iter_mut().find(|rule| fits(rule))?;
        rule.times = rule.times.map(|n| n - 1);
        Some(rule.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_meets_what_it_names_as_often_as_it_says() {
        let faults = Faults::default();
        let rule = Rule {
            face: Some(Face::Kubernetes),
            method: "patch".into(),
            path: "/apis/apps".into(),
            fault: Fault::DropAfter,
            times: Some(1),
        };
        faults.add(rule);
        assert_eq!(faults.meet(Face::Kubernetes, "GET", "/apis/apps/v1"), None);
        assert_eq!(
            faults.meet(Face::Prometheus, "PATCH", "/apis/apps/v1"),
            None
        );
        assert_eq!(
            faults.meet(Face::Kubernetes, "PATCH", "/apis/apps/v1"),
            Some(Fault::DropAfter)
        );
        assert_eq!(
            faults.meet(Face::Kubernetes, "PATCH", "/apis/apps/v1"),
            None
        );
    }
}
