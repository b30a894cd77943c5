//! The lock of what a run changes, among all machines: a Lease per key in the target's namespace, renewed while the run is
//! carried, looked at before every effect. A courtesy that names who is first and tells what goes on; that nothing is
//! changed twice rests on the preconditions of every change. Lease traffic has no intent in the journal, and is never
//! repeated blindly: what is not known is looked at.

mod acquire;
mod lines;
mod paper;
mod wire;

use super::means::Means;
use super::records;
use crate::app::message::{Fact as News, Notice};
use crate::app::runs::elsewhere::Elsewhere;
use crate::journal::{host, process};
use crate::platform::failure::Failure;
use crate::platform::kubernetes::{Cluster, Manner, Precondition};
use crate::runbook::machine::{Entry, Fact, Start};
use crate::runbook::preflight::{Level, Line};
use crate::runbook::prose::bounded;
use acquire::Taken;
use jiff::{SignedDuration, Timestamp};
use lines::{held, passed, without};
pub use paper::MANAGED;
use paper::{HOLDS, Holder, Paper, Story};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify};
use wire::{lease, within};

/// How often a Lease is renewed.
const RENEWED: Duration = Duration::from_secs(10);
/// For so long a renewal is relied on. Others wait [`HOLDS`] from when they saw it; the rest is for the request in flight.
const RELIED_ON: Duration = Duration::from_secs(20);
/// How long another's Lease must not change, by our own clock, before its holder counts as gone.
const SILENCE: Duration = Duration::from_secs(HOLDS as u64);
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_secs(2);
/// How long one request about a Lease may take: it must not outlast what it renews.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the end of a run, or its stop for a person, waits for its Lease to say so.
const LAST_WORD: Duration = Duration::from_secs(3);
/// Renewals because something new is to be told are so far apart at least.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a Lease that changes under our hands is looked at again.
const TRIES: u32 = 5;
/// What the preflight's line asks.
const ASKED: &str = "does anybody else run this?";

/// A moment by the two clocks of this machine: the one that nobody sets, and the one that goes on in sleep.
#[derive(Debug, Clone, Copy)]
struct Moment(Instant, Timestamp);

impl Moment {
    fn now() -> Self {
        Self(Instant::now(), Timestamp::now())
    }

    /// How long ago it was, by whichever clock says longer: what slept must not think that no time passed.
    fn age(self) -> Duration {
        let slept = Timestamp::now().duration_since(self.1);
        self.0
            .elapsed()
            .max(Duration::try_from(slept).unwrap_or_default())
    }
}

/// How a key stands.
#[derive(Debug, Clone)]
enum Standing {
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
struct Claim {
    key: String,
    standing: Standing,
}

/// What a run has to itself in the cluster.
pub struct Claims {
    means: Arc<Means>,
    namespace: String,
    me: Holder,
    claims: Mutex<Vec<Claim>>,
    story: std::sync::Mutex<Story>,
    hurry: Notify,
    kept: AtomicBool,
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
            namespace: start.target.namespace.clone(),
            me: Holder {
                identity: format!("{}@{}/{}", who(&start.actor), who(&host), start.run),
                process: process::mark(),
            },
            claims: Mutex::default(),
            story: std::sync::Mutex::new(story),
            hurry: Notify::new(),
            kept: AtomicBool::new(false),
            means,
        })
    }

    /// What the run's plan is, and when it began.
    pub fn plan(&self, steps: Vec<String>, started: Timestamp) {
        let mut story = self.story();
        story.steps = steps;
        story.started = Some(started);
    }

    fn story(&self) -> std::sync::MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the keys for this run, or says who has them. A mere look takes nothing.
    pub async fn take(self: &Arc<Self>, keys: &[String], look: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut claims = self.claims.lock().await;
        for key in keys {
            let known = claims.iter().position(|claim| claim.key == *key);
            if let Some(known) = known.and_then(|at| claims.get(at)) {
                match &known.standing {
                    Standing::Ours(..) => {
                        lines.push(passed());
                        continue;
                    }
                    Standing::Lost(why) => {
                        lines.push(Line::new(Level::Red, ASKED, why.clone()));
                        continue;
                    }
                    Standing::Silent(_) | Standing::Without => {}
                }
            }
            let (standing, line) = if look {
                self.looked(key).await
            } else {
                self.claimed(key).await
            };
            lines.push(line);
            claims.retain(|claim| claim.key != *key);
            if let Some(standing) = standing {
                let key = key.clone();
                claims.push(Claim { key, standing });
            }
        }
        let ours = |claim: &Claim| matches!(claim.standing, Standing::Ours(..));
        if claims.iter().any(ours) && !self.kept.swap(true, Ordering::Relaxed) {
            tokio::spawn(keep(Arc::downgrade(self)));
        }
        lines
    }

    async fn claimed(&self, key: &str) -> (Option<Standing>, Line) {
        match self.acquire(key).await {
            Ok(Taken::Ours(at, paper)) => {
                let standing = Standing::Ours(paper.uid, paper.version, at);
                (Some(standing), passed())
            }
            Ok(Taken::Held(paper)) => (None, held(&paper, Level::Red)),
            Ok(Taken::Silent(paper, silent)) => {
                let how = silent.map_or_else(
                    || "its process on this machine is gone".to_owned(),
                    |long| format!("not heard of for {} s", long.as_secs()),
                );
                let fact = format!(
                    "{}; {how}: its lock is taken over with the first change",
                    paper.told.words()
                );
                let line = Line::new(Level::Amber, ASKED, fact).fix(format!(
                    "say why you take it over, as the reason; or {}",
                    paper.told.take_over()
                ));
                (Some(Standing::Silent(paper)), line)
            }
            Ok(Taken::Without(why)) => (Some(Standing::Without), without(&why)),
            Err(failure) => (Some(Standing::Without), without(&failure.to_string())),
        }
    }

    /// What somebody who changes nothing is told.
    async fn looked(&self, key: &str) -> (Option<Standing>, Line) {
        let line = match self.get(key).await {
            Ok(Some(paper))
                if !paper.holder.identity.is_empty() && paper.told.run != self.run() =>
            {
                held(&paper, Level::Noted)
            }
            Ok(_) => Line::new(Level::Passed, ASKED, "nobody"),
            Err(failure) => Line::new(Level::Noted, ASKED, failure.to_string()),
        };
        (None, line)
    }

    fn run(&self) -> Arc<str> {
        self.story().run.as_str().into()
    }

    /// Whether an effect may be sent: every key is still ours, or could be renewed or taken over just now. The error is the
    /// sentence why not; what was taken over is in the answer.
    pub async fn hold(&self) -> Result<Vec<String>, String> {
        let mut taken = Vec::new();
        let mut claims = self.claims.lock().await;
        for claim in claims.iter_mut() {
            match claim.standing.clone() {
                Standing::Without => {}
                Standing::Lost(why) => return Err(why),
                Standing::Ours(_, _, at) if at.age() < RELIED_ON => {}
                Standing::Ours(..) => self.renew(claim).await?,
                Standing::Silent(paper) => {
                    let words = paper.told.words();
                    self.take_over(claim, &paper).await?;
                    taken.push(words);
                }
            }
        }
        Ok(taken)
    }

    /// Whether another's lock will be taken over with the first effect.
    pub async fn takes_over(&self) -> bool {
        let claims = self.claims.lock().await;
        let silent = |claim: &Claim| matches!(claim.standing, Standing::Silent(_));
        claims.iter().any(silent)
    }

    /// Takes another's silent Lease, if it still stands as it was seen.
    async fn take_over(&self, claim: &mut Claim, seen: &Paper) -> Result<(), String> {
        let at = Moment::now();
        match self.change(&claim.key, seen).await {
            Ok(paper) => {
                claim.standing = Standing::Ours(paper.uid, paper.version, at);
                Ok(())
            }
            Err(failure) => match self.get(&claim.key).await {
                // The answer was lost, and it took effect.
                Ok(Some(paper)) if paper.holder == self.me => {
                    claim.standing = Standing::Ours(paper.uid, paper.version, at);
                    Ok(())
                }
                Ok(Some(paper)) if paper.version != seen.version => {
                    let why = format!("not sent: {} after all", paper.told.words());
                    claim.standing = Standing::Lost(why.clone());
                    Err(why)
                }
                _ => Err(format!(
                    "not sent: the lock could not be taken over: {failure}"
                )),
            },
        }
    }

    /// Renews one of ours; after this it is ours by a fresh moment, or the error says why nothing is sent.
    async fn renew(&self, claim: &mut Claim) -> Result<(), String> {
        for _ in 0..TRIES {
            let Standing::Ours(uid, version, _) = claim.standing.clone() else {
                return Ok(());
            };
            let at = Moment::now();
            let story = self.story().clone();
            let now = self.means.clock.now();
            let patch = paper::renewal((&uid, &version), &claim.key, &self.me, &story, now);
            let failure = match self.patch(&claim.key, &patch).await {
                Ok(paper) => {
                    claim.standing = Standing::Ours(paper.uid, paper.version, at);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            match self.get(&claim.key).await {
                Ok(Some(paper)) if paper.holder == self.me => {
                    // Somebody touched it, or our own answer was lost: again, from how it stands now.
                    let since = match &claim.standing {
                        Standing::Ours(_, _, since) => *since,
                        _ => at,
                    };
                    claim.standing = Standing::Ours(paper.uid, paper.version, since);
                }
                Ok(Some(paper)) => return Err(self.lost(claim, &paper)),
                // Whoever took it may have ended since and given it back: what is gone is not ours any more.
                Ok(None) => {
                    let why = "the lock of this run is gone: somebody took it over and ended, or took it away; nothing more is sent from here".to_owned();
                    claim.standing = Standing::Lost(why.clone());
                    return Err(why);
                }
                Err(_) => return Err(unrenewed(&failure)),
            }
        }
        Err("not sent: the lock changes faster than it can be renewed".to_owned())
    }

    /// Somebody else has it now.
    fn lost(&self, claim: &mut Claim, paper: &Paper) -> String {
        let why = if paper.holder.identity.is_empty() {
            "the lock of this run was given back by somebody else; nothing more is sent from here"
                .to_owned()
        } else {
            format!(
                "the lock of this run was taken over: {}; nothing more is sent from here",
                paper.told.words()
            )
        };
        claim.standing = Standing::Lost(why.clone());
        why
    }

    /// Renews all of ours; says what was lost by it.
    async fn renew_all(&self) -> Vec<String> {
        let mut lost = Vec::new();
        let mut claims = self.claims.lock().await;
        for claim in claims.iter_mut() {
            if matches!(claim.standing, Standing::Ours(..)) {
                // What could not be renewed is renewed before the next effect, or that is not sent.
                let _ = self.renew(claim).await;
                if let Standing::Lost(why) = &claim.standing {
                    lost.push(why.clone());
                }
            }
        }
        lost
    }

    /// Learns from the journal where the run stands, and lets its Lease say so: at once where a person is waited for or
    /// the run is over, else with the next renewal, which comes soon.
    pub async fn learn(&self, entries: &[Entry], head: &str) {
        let (mut ended, mut waits, mut moved) = (false, false, false);
        {
            let mut story = self.story();
            head.clone_into(&mut story.head);
            for entry in entries {
                match &entry.fact {
                    Fact::End { .. } => ended = true,
                    Fact::NeedsHuman { message, step, .. } => {
                        waits = true;
                        story.waits = Some(message.clone());
                        story.step = step.clone().or(story.step.take());
                    }
                    Fact::Awaiting { message, step, .. } => {
                        waits = true;
                        story.waits = Some(message.clone());
                        story.step = Some(step.clone());
                    }
                    Fact::Interrupted { why } => {
                        waits = true;
                        story.waits = Some(format!("interrupted: {why}"));
                    }
                    Fact::Started { step } => {
                        moved = true;
                        (story.waits, story.until) = (None, None);
                        story.step = Some(step.clone());
                    }
                    Fact::Decision { accepted: true, .. } | Fact::Resumed { .. } => {
                        story.waits = None;
                        moved = true;
                    }
                    _ => {}
                }
            }
        }
        if ended {
            let _ = tokio::time::timeout(LAST_WORD, self.release()).await;
        } else if waits {
            let _ = tokio::time::timeout(LAST_WORD, self.renew_all()).await;
        } else if moved {
            self.hurry.notify_one();
        }
    }

    /// The run waits for a moment that is not near.
    pub fn waits_until(&self, at: Timestamp) {
        let far = at.duration_since(self.means.clock.now()) > SignedDuration::from_mins(2);
        self.story().until = far.then_some(at);
    }

    /// Gives back what is ours, if it still is: the run is over.
    async fn release(&self) {
        let mut claims = self.claims.lock().await;
        for claim in claims.drain(..) {
            let Standing::Ours(uid, version, _) = &claim.standing else {
                continue;
            };
            if self.remove(&claim.key, uid, version).await.is_ok() {
                continue;
            }
            // Touched by somebody, or not ours to delete: given back if it still is ours.
            if let Ok(Some(paper)) = self.get(&claim.key).await
                && paper.holder == self.me
                && self
                    .remove(&claim.key, &paper.uid, &paper.version)
                    .await
                    .is_err()
            {
                let nobody = serde_json::json!({
                    "metadata": {"uid": paper.uid, "resourceVersion": paper.version},
                    "spec": {"holderIdentity": null},
                });
                // Then it is silent in half a minute by itself.
                let _ = self.patch(&claim.key, &nobody).await;
            }
        }
    }

    async fn notice(&self, text: String, error: bool) {
        // Nobody may listen any more when the program is ending.
        let _ = self
            .means
            .facts
            .send(News::Notice(Notice { text, error }))
            .await;
    }
}

/// Renews until nobody carries the run any more.
async fn keep(claims: Weak<Claims>) {
    let mut told = false;
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(held) = claims.upgrade() else { return };
        let rest = RENEWED.saturating_sub(PAUSE);
        // The run may be dropped while nothing is due: then this ends at the next turn.
        let hurried = tokio::time::timeout(rest, held.hurry.notified());
        let _ = hurried.await;
        if Arc::strong_count(&held) == 1 {
            return;
        }
        let lost = held.renew_all().await;
        if let Some(why) = lost.into_iter().next().filter(|_| !told) {
            told = true;
            held.notice(why, true).await;
        }
    }
}

fn unrenewed(failure: &Failure) -> String {
    format!("not sent: the lock of this run could not be renewed: {failure}")
}

/// The runs that are announced in a namespace (empty: in any), by whomever.
pub async fn announced(cluster: &Cluster, namespace: &str) -> Result<Vec<Elsewhere>, Failure> {
    let selector = format!("{}={}", MANAGED.0, MANAGED.1);
    let kind = lease();
    let asked = cluster.objects_of(&kind, namespace, &selector);
    let found = within(asked, "list Leases", false).await?;
    let mut runs: Vec<Elsewhere> = found
        .iter()
        .map(paper::read)
        .filter(|paper| !paper.holder.identity.is_empty() && !paper.told.run.is_empty())
        .map(|paper| paper.told)
        .collect();
    runs.sort_by(|a, b| (&a.namespace, &a.run, &a.key).cmp(&(&b.namespace, &b.run, &b.key)));
    runs.dedup_by(|a, b| a.run == b.run);
    Ok(runs)
}

/// Takes back what a run that was closed by hand still announces; how many Leases that were.
pub async fn withdraw(cluster: &Cluster, namespace: &str, run: &str) -> Result<usize, Failure> {
    let selector = format!("{}={}", MANAGED.0, MANAGED.1);
    let kind = lease();
    let asked = cluster.objects_of(&kind, namespace, &selector);
    let found = within(asked, "list Leases", false).await?;
    let mut gone = 0;
    for body in &found {
        let paper = paper::read(body);
        if *paper.told.run != *run {
            continue;
        }
        let only_if = Precondition {
            uid: Some(paper.uid.clone()),
            resource_version: Some(paper.version.clone()),
        };
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let manner = Manner::default();
        let sent = cluster.delete(&kind, namespace, name, &only_if, &manner);
        within(sent, "delete a Lease", true).await?;
        gone += 1;
    }
    Ok(gone)
}

/// Writes a take-over into the audit log.
pub async fn write_down(means: &Means, start: &Start, from: Vec<String>) {
    let who = records::Who::Cluster(start.actor.clone());
    let mut fields = records::about(start, &who);
    fields.insert("from".to_owned(), Value::from(from));
    let event = crate::journal::AuditEvent {
        ts: means.clock.now(),
        event: "lock.taken-over".to_owned(),
        fields,
    };
    let state = means.keeping.state.clone();
    // The journal has it already, in the preflight's line and the reason.
    let _ = records::off(move || records::append(&state, &[event])).await;
}
