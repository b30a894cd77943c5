//! Holding what was taken: renewed while the run is carried, looked at before every effect, told where the run stands, and
//! given back at its end.

use super::claims::{Claim, Claims, LAST_WORD, Moment, PAUSE, RELIED_ON, RENEWED, Standing, TRIES};
use super::paper::{self, Paper};
use crate::app::runs::news::RunNews;
use crate::platform::failure::Failure;
use crate::runbook::machine::{Entry, Fact};
use std::sync::{Arc, Weak};

impl Claims {
    /// Whether an effect may be sent: every key is still ours, or could be renewed or taken over just now. The error is the
    /// sentence why not; what was taken over is in the answer.
    pub async fn hold(&self) -> Result<Vec<String>, String> {
        let mut taken = Vec::new();
        let mut claims = self.keys.lock().await;
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
        let claims = self.keys.lock().await;
        let silent = |claim: &Claim| matches!(claim.standing, Standing::Silent(_));
        claims.iter().any(silent)
    }

    /// Takes another's silent Lease, if it still stands as it was seen.
    pub(super) async fn take_over(&self, claim: &mut Claim, seen: &Paper) -> Result<(), String> {
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
    pub(super) async fn renew(&self, claim: &mut Claim) -> Result<(), String> {
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
                Ok(Some(paper)) => return Err(lost(claim, &paper)),
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

    /// Renews all of ours; says what was lost by it.
    pub(super) async fn renew_all(&self) -> Vec<String> {
        let mut lost = Vec::new();
        let mut claims = self.keys.lock().await;
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

    /// Gives back what is ours, if it still is: the run is over.
    pub(super) async fn release(&self) {
        let mut claims = self.keys.lock().await;
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
}

/// Renews until nobody carries the run any more.
pub(super) async fn keep(claims: Weak<Claims>) {
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
            held.notice(why.clone(), true).await;
            held.means.tell(RunNews::Lost(held.id.clone(), why)).await;
        }
    }
}

fn unrenewed(failure: &Failure) -> String {
    format!("not sent: the lock of this run could not be renewed: {failure}")
}

/// Somebody else has it now.
fn lost(claim: &mut Claim, paper: &Paper) -> String {
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
