//! What a run has to itself in the cluster, and how each key of it stands.

use super::paper::{HOLDS, Holder, Paper, Story};
use crate::app::message::{Fact as News, Notice};
use crate::engine::runs::means::Means;
use crate::journal::{host, process};
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Run, Start};
use crate::runbook::model::StepKind;
use crate::runbook::prose::bounded;
use jiff::Timestamp;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify};

/// How often a Lease is renewed.
pub(super) const RENEWED: Duration = Duration::from_secs(10);
/// For so long a renewal is relied on. Others wait [`HOLDS`] from when they saw it; the rest is for the request in flight.
pub(super) const RELIED_ON: Duration = Duration::from_secs(20);
/// How long another's Lease must not change, by our own clock, before its holder counts as gone.
pub(super) const SILENCE: Duration = Duration::from_secs(HOLDS as u64);
/// How often it is looked at meanwhile.
pub(super) const GLANCE: Duration = Duration::from_secs(2);
/// How long one request about a Lease may take: it must not outlast what it renews.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// How long the end of a run, or its stop for a person, waits for its Lease to say so.
pub(super) const LAST_WORD: Duration = Duration::from_secs(3);
/// Renewals because something new is to be told are so far apart at least.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How often a Lease that changes under our hands is looked at again.
pub(super) const TRIES: u32 = 5;

/// A moment by the two clocks of this machine: the one that nobody sets, and the one that goes on in sleep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) Instant, Timestamp);

impl Moment {
    pub(super) fn now() -> Self {
        Self(Instant::now(), Timestamp::now())
    }

    /// How long ago it was, by whichever clock says longer: what slept must not think that no time passed.
    pub(super) fn age(self) -> Duration {
        let slept = Timestamp::now().duration_since(self.1);
        self.0
            .elapsed()
            .max(Duration::try_from(slept).unwrap_or_default())
    }
}

/// How a key stands.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// Ours: uid, version, and when the last good renewal was begun.
    Ours(String, String, Moment),
    /// Another's, whose console is gone: taken when the first effect is sent, if it still stands as it was seen.
    Silent(Box<Paper>),
    /// Somebody took it from us: nothing more is sent.
    Lost(String),
    /// It cannot be had here, and nobody is kept out by it.
    Without,
}

#[derive(Debug)]
pub(super) struct Claim {
    pub(super) key: String,
    pub(super) standing: Standing,
}

/// What a run has to itself in the cluster.
pub struct Claims {
    pub(super) means: Arc<Means>,
    pub(super) id: RunId,
    pub(super) namespace: String,
    pub(super) me: Holder,
    pub(super) keys: Mutex<Vec<Claim>>,
    pub(super) story: std::sync::Mutex<Story>,
    pub(super) hurry: Notify,
    pub(super) kept: AtomicBool,
}

/// How taking a key ended.
pub(super) enum Taken {
    /// It is ours from this moment on.
    Ours(Moment, Box<Paper>),
    /// Somebody carries it now.
    Held(Box<Paper>),
    /// Somebody had it and is silent, for so long.
    Silent(Box<Paper>, Option<Duration>),
    /// We may not.
    Without(String),
}

impl Claims {
    /// Nothing claimed yet.
    pub fn new(means: Arc<Means>, start: &Start) -> Arc<Self> {
        let host = host().unwrap_or_else(|| "unknown".to_owned());
        let who = |text: &str| bounded(&text.replace('/', "-"), 80);
        let story = Story {
            run: start.run.to_string(),
            runbook: start.runbook.clone(),
            by: start.actor.clone(),
            started: Some(means.clock.now()),
            ..Story::default()
        };
        Arc::new(Self {
            id: start.run.clone(),
            namespace: start.target.namespace.clone(),
            me: Holder {
                identity: format!("{}@{}/{}", who(&start.actor), who(&host), start.run),
                process: process::mark(),
            },
            keys: Mutex::default(),
            story: std::sync::Mutex::new(story),
            hurry: Notify::new(),
            kept: AtomicBool::new(false),
            means,
        })
    }

    /// What the run's plan is, and when it began.
    pub fn plan(&self, run: &Run, started: Timestamp) {
        let mut story = self.story();
        story.steps = run.outline();
        let pauses = run
            .plan()
            .iter()
            .filter(|step| matches!(step.kind, StepKind::Wait { .. }));
        story.pauses = pauses.map(|step| step.id.clone()).collect();
        story.started = Some(started);
    }

    /// The plan as it is now: it grows where what a step found is gone through, and loses what is left out.
    pub fn outline(&self, steps: Vec<(String, usize)>) {
        self.story().steps = steps;
    }

    pub(super) fn story(&self) -> std::sync::MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run(&self) -> Arc<str> {
        self.story().run.as_str().into()
    }

    /// The run is woken at a moment.
    pub fn wakes(&self, at: Timestamp) {
        let now = self.means.clock.now();
        self.story().wakes(at, now);
    }

    /// Why nothing more is sent from here, where somebody else has one of the keys now.
    pub async fn lost(&self) -> Option<String> {
        let claims = self.keys.lock().await;
        claims.iter().find_map(|claim| match &claim.standing {
            Standing::Lost(why) => Some(why.clone()),
            _ => None,
        })
    }

    pub(super) async fn notice(&self, text: String, error: bool) {
        // Nobody may listen any more when the program is ending.
        let _ = self
            .means
            .facts
            .send(News::Notice(Notice { text, error }))
            .await;
    }
}
