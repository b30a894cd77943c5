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
    Vault,
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
    /// It is delivered twice, as by something in between that lost the first answer; the answer is the second one's.
    Duplicate,
    /// It is not done; the answer is this code, with a message that repeats everything that was sent.
    Echo(u16),
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

/// What else must be so for a rule to meet a request. The default adds nothing.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// So many requests that fit are let through first: 2 means the third.
    pub after: u32,
    /// Only requests that would change something: no questions in a body, no dry runs.
    pub writes: bool,
    /// The path and query must have this in them; empty for anything.
    pub with: String,
    /// They must not have this in them; empty for nothing.
    pub without: String,
}

impl When {
    /// The n-th request of those that fit, from 1.
    pub fn nth(n: u32) -> Self {
        Self {
            after: n.saturating_sub(1),
            ..Self::default()
        }
    }

    /// The n-th request that would change something, from 1.
    pub fn nth_write(n: u32) -> Self {
        Self {
            writes: true,
            ..Self::nth(n)
        }
    }

    fn fits(&self, face: Face, method: &str, target: &str) -> bool {
        (!self.writes || changes(face, method, target))
            && target.contains(&self.with)
            && (self.without.is_empty() || !target.contains(&self.without))
    }
}

/// Whether a request would change something.
pub fn changes(face: Face, method: &str, target: &str) -> bool {
    let question = |words: &[&str]| words.iter().any(|word| target.contains(word));
    match (face, method) {
        (_, "GET" | "HEAD" | "LIST" | "OPTIONS") | (Face::Prometheus, _) => false,
        (Face::Kubernetes, _) => !question(&["/selfsubject", "dryRun=All"]),
        (Face::Vault, _) => !question(&["/sys/capabilities"]),
        (Face::Alertmanager, _) => true,
    }
}

/// The fault script of one platform.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Vec<(Rule, When)>>,
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
        self.add_when(rule, When::default());
    }

    /// Adds a rule that holds only then.
    pub fn add_when(&self, rule: Rule, when: When) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((rule, when));
    }

    /// Whether every rule that was to meet a number of requests has met them.
    pub fn spent(&self) -> bool {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().all(|(rule, _)| rule.times.unwrap_or(0) == 0)
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

    /// The fault that a request for a path with its query meets, if any; it is counted.
    pub fn meet(&self, face: Face, method: &str, target: &str) -> Option<Fault> {
        let path = target.split('?').next().unwrap_or(target);
        self.note(face, method, path);
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, when) in rules.iter_mut() {
            let fits = rule.times != Some(0)
                && rule.face.is_none_or(|f| f == face)
                && (rule.method.is_empty() || rule.method.eq_ignore_ascii_case(method))
                && path.starts_with(&rule.path)
                && when.fits(face, method, target);
            if !fits {
                continue;
            }
            if when.after > 0 {
                when.after -= 1;
                continue;
            }
            rule.times = rule.times.map(|n| n - 1);
            return Some(rule.fault);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_write_is_the_third_that_would_change_something() {
        let faults = Faults::default();
        let rule = Rule {
            face: None,
            method: String::new(),
            path: String::new(),
            fault: Fault::DropBefore,
            times: Some(1),
        };
        let when = When {
            without: "/leases/".into(),
            ..When::nth_write(2)
        };
        faults.add_when(rule, when);
        let secret = "/api/v1/namespaces/a/secrets/s";
        for (face, method, target, met) in [
            (
                Face::Kubernetes,
                "PATCH",
                "/api/v1/namespaces/a/secrets/s?dryRun=All",
                false,
            ),
            (Face::Kubernetes, "PATCH", secret, false),
            (
                Face::Kubernetes,
                "POST",
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                false,
            ),
            (
                Face::Kubernetes,
                "PUT",
                "/apis/coordination.k8s.io/v1/namespaces/a/leases/x",
                false,
            ),
            (Face::Vault, "POST", "/v1/sys/capabilities-self", false),
            (Face::Vault, "GET", "/v1/secret/data/x", false),
            (Face::Vault, "PATCH", "/v1/secret/data/x", true),
            (Face::Kubernetes, "PATCH", secret, false),
        ] {
            assert_eq!(
                faults.meet(face, method, target).is_some(),
                met,
                "{method} {target}"
            );
        }
        assert!(faults.spent());
    }

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
