//! What each simulated pod has served, as spans of constant behaviour: the world writes it, the series are computed from it.
//!
//! Nothing is sampled when it happens. A counter at any moment is the integral of the spans up to it, so the
//! past can be asked at any resolution and two questions about one moment always agree. Times are milliseconds
//! since the Unix epoch in the world's own clock.

use std::collections::BTreeMap;

/// Which pod, by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
}

/// How a pod answers while a span lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Behaviour {
    /// Requests a second that reach it.
    pub rps: f64,
    /// The share of them answered with a 5xx, 0 to 1.
    pub errors: f64,
    /// The share of them answered with a 401, 0 to 1.
    pub unauthorized: f64,
    /// The median time to answer, in milliseconds; times are log-normal around it.
    pub median_ms: f64,
    /// The spread of that log-normal distribution.
    pub sigma: f64,
}

impl Behaviour {
    /// The cores that it keeps busy.
    pub fn cores(&self) -> f64 {
        (0.012 + self.rps * (0.0012 + 0.000_008 * self.median_ms)).min(0.5)
    }
}

/// One stretch of unchanging behaviour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// When it began.
    pub from_ms: i64,
    /// How the pod answered from then on.
    pub behaviour: Behaviour,
}

/// One pod's record.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// The service it belongs to.
    pub service: String,
    /// The version label of its template.
    pub version: String,
    /// When it first answered.
    pub began_ms: i64,
    /// When it stopped existing, if it did.
    pub ended_ms: Option<i64>,
    /// Its behaviour over time, oldest first.
    pub spans: Vec<Span>,
}

/// The record of all pods.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// Every pod that ever served, gone ones included until [`Ledger::forget_before`].
    pub pods: BTreeMap<PodKey, Track>,
    /// Stretches in which no scrape succeeded: from, until (open while it lasts).
    pub silences: Vec<(i64, Option<i64>)>,
}

impl Ledger {
    /// A pod begins to serve.
    pub fn begin(&mut self, key: PodKey, service: &str, version: &str, at_ms: i64) {
        let track = Track {
            service: service.into(),
            version: version.into(),
            began_ms: at_ms,
            ended_ms: None,
            spans: Vec::new(),
        };
        self.pods.insert(key, track);
    }

    /// From now on a pod behaves so. Says nothing of pods that never began.
    pub fn set(&mut self, key: &PodKey, at_ms: i64, behaviour: Behaviour) {
        let Some(track) = self.pods.get_mut(key) else {
            return;
        };
        match track.spans.last_mut() {
            Some(last) if last.behaviour == behaviour => {}
            Some(last) if last.from_ms >= at_ms => last.behaviour = behaviour,
            _ => track.spans.push(Span {
                from_ms: at_ms,
                behaviour,
            }),
        }
    }

    /// A pod is gone.
    pub fn end(&mut self, key: &PodKey, at_ms: i64) {
        if let Some(track) = self.pods.get_mut(key) {
            track.ended_ms.get_or_insert(at_ms);
        }
    }

    /// From now on every scrape fails, or succeeds again.
    pub fn silence(&mut self, at_ms: i64, silent: bool) {
        match (silent, self.silences.last_mut()) {
            (true, Some((_, None))) | (false, None | Some((_, Some(_)))) => {}
            (true, _) => self.silences.push((at_ms, None)),
            (false, Some((_, until))) => *until = Some(at_ms),
        }
    }

    /// Drops pods that ended before a moment.
    pub fn forget_before(&mut self, at_ms: i64) {
        self.pods
            .retain(|_, track| track.ended_ms.is_none_or(|ended| ended >= at_ms));
    }
}
