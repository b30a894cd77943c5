//! Getting a key: free, another's who is at work, or another's who is silent. Nobody's clock is believed but our own, and
//! only a process of this machine is known to be gone without waiting.

use super::claims::{Claims, GLANCE, Moment, SILENCE, TRIES, Taken};
use super::paper::{HOLDS, Paper};
use crate::journal::process;
use crate::platform::failure::{Failure, FailureKind};
use jiff::SignedDuration;

impl Claims {
    /// Tries to get a key, looking again whenever it moved meanwhile.
    pub(super) async fn acquire(&self, key: &str) -> Result<Taken, Failure> {
        let mut last = None;
        for _ in 0..TRIES {
            let at = Moment::now();
            let found = match self.get(key).await {
                Ok(found) => found,
                Err(failure) if may_not(&failure) => {
                    return Ok(Taken::Without(failure.to_string()));
                }
                Err(failure) => return Err(failure),
            };
            let Some(paper) = found else {
                match self.create(key).await {
                    Ok(paper) => return Ok(Taken::Ours(at, paper)),
                    Err(failure) if may_not(&failure) => {
                        return Ok(Taken::Without(failure.to_string()));
                    }
                    // Somebody was faster, or the answer was lost: it is looked at.
                    Err(failure) => last = Some(failure),
                }
                continue;
            };
            if !self.free(&paper)
                && let Some(taken) = self.another(key, &paper).await?
            {
                return Ok(taken);
            }
            match self.change(key, &paper).await {
                Ok(paper) => return Ok(Taken::Ours(at, paper)),
                Err(failure) if may_not(&failure) => {
                    return Ok(Taken::Without(failure.to_string()));
                }
                Err(failure) => last = Some(failure),
            }
        }
        let why = "the lock changes faster than it can be taken";
        Err(last.unwrap_or_else(|| Failure::new(FailureKind::Conflict, "take a Lease", "", why)))
    }

    /// Whether a Lease may be taken at once and without a word: nobody's, ours already, or this very run's whose process
    /// on this machine is gone.
    pub(super) fn free(&self, paper: &Paper) -> bool {
        let same_run = *paper.told.run == *self.run();
        paper.holder.identity.is_empty()
            || paper.holder == self.me
            || (same_run && gone(paper) == Some(true))
    }

    /// What another's Lease means; `None` where it is this very run's and silent, so that it may be taken.
    pub(super) async fn another(&self, key: &str, paper: &Paper) -> Result<Option<Taken>, Failure> {
        if gone(paper) == Some(true) {
            return Ok(Some(Taken::Silent(Box::new(paper.clone()), None)));
        }
        let now = self.means.clock.now();
        let fresh = paper.renewed.is_some_and(|at| {
            let age = now.duration_since(at);
            age.abs() < SignedDuration::from_secs(HOLDS)
        });
        if fresh && *paper.told.run != *self.run() {
            return Ok(Some(Taken::Held(Box::new(paper.clone()))));
        }
        let text = format!(
            "{}: whether anybody still watches it is looked at for {} s",
            paper.told.words(),
            SILENCE.as_secs()
        );
        self.notice(text, false).await;
        let seen = Moment::now();
        while seen.0.elapsed() < SILENCE {
            tokio::time::sleep(GLANCE).await;
            match self.get(key).await {
                Ok(Some(now)) if now.version == paper.version => {}
                Ok(Some(now)) => return Ok(Some(Taken::Held(Box::new(now)))),
                Ok(None) => return Ok(None),
                // Not seen is not unchanged.
                Err(failure) => return Err(failure),
            }
        }
        if *paper.told.run == *self.run() {
            return Ok(None);
        }
        Ok(Some(Taken::Silent(Box::new(paper.clone()), Some(SILENCE))))
    }
}

/// Whether the process of a Lease's holder is known to be gone: only of this machine, this boot, this space of processes.
pub(super) fn gone(paper: &Paper) -> Option<bool> {
    let lives = process::lives(paper.holder.process.as_deref()?)?;
    Some(!lives)
}

pub(super) fn may_not(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Forbidden(_))
}
