//! Taking keys for a run before its first effect, and what is said of each.

use super::claims::{Claim, Claims, Standing, Taken};
use super::holding::keep;
use super::lines::{self, held, passed, without};
use crate::runbook::preflight::{Level, Line};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Claims {
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
                        lines.push(Line::new(Level::Red, lines::ASKED, why.clone()));
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

    pub(super) async fn claimed(&self, key: &str) -> (Option<Standing>, Line) {
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
                let line = Line::new(Level::Amber, lines::ASKED, fact).fix(format!(
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
    pub(super) async fn looked(&self, key: &str) -> (Option<Standing>, Line) {
        let line = match self.get(key).await {
            Ok(Some(paper))
                if !paper.holder.identity.is_empty() && paper.told.run != self.run() =>
            {
                held(&paper, Level::Noted)
            }
            Ok(_) => Line::new(Level::Passed, lines::ASKED, "nobody"),
            Err(failure) => Line::new(Level::Noted, lines::ASKED, failure.to_string()),
        };
        (None, line)
    }
}
