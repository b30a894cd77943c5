//! The requests about one Lease, each within its time and never sent twice.

use super::claims::{Claims, PATIENCE};
use super::paper::{self, Paper};
use crate::platform::failure::{Failure, FailureKind};
use crate::platform::kubernetes::{Known, Manner, Precondition};
use serde_json::Value;

impl Claims {
    pub(super) async fn get(&self, key: &str) -> Result<Option<Paper>, Failure> {
        let (kind, name) = (lease(), paper::name_of(key));
        let asked = self.means.cluster.object_of(&kind, &self.namespace, &name);
        match within(asked, "get a Lease", false).await {
            Ok(body) => Ok(Some(paper::read(&body))),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn create(&self, key: &str) -> Result<Paper, Failure> {
        let (story, now) = (self.story().clone(), self.means.clock.now());
        let body = paper::fresh(&self.namespace, key, &self.me, &story, now);
        let (kind, manner) = (lease(), Manner::default());
        let sent = self
            .means
            .cluster
            .create(&kind, &self.namespace, &body, &manner);
        let made = within(sent, "create a Lease", true).await?;
        Ok(paper::read(&made.object))
    }

    /// Puts our name on a Lease that is as it was read.
    pub(super) async fn change(&self, key: &str, read: &Paper) -> Result<Paper, Failure> {
        let (story, now) = (self.story().clone(), self.means.clock.now());
        let patch = paper::take_over(read, key, &self.me, &story, now);
        self.patch(key, &patch).await
    }

    pub(super) async fn patch(&self, key: &str, patch: &Value) -> Result<Paper, Failure> {
        let (kind, manner, name) = (lease(), Manner::default(), paper::name_of(key));
        let cluster = &self.means.cluster;
        let sent = cluster.patch(&kind, &self.namespace, &name, patch, &manner);
        let changed = within(sent, "renew a Lease", true).await?;
        Ok(paper::read(&changed.object))
    }

    pub(super) async fn remove(&self, key: &str, uid: &str, version: &str) -> Result<(), Failure> {
        let (kind, manner, name) = (lease(), Manner::default(), paper::name_of(key));
        let only_if = Precondition {
            uid: Some(uid.to_owned()),
            resource_version: Some(version.to_owned()),
        };
        let cluster = &self.means.cluster;
        let sent = cluster.delete(&kind, &self.namespace, &name, &only_if, &manner);
        within(sent, "delete a Lease", true).await.map(drop)
    }
}

/// One request about a Lease, within its time.
pub(super) async fn within<T>(
    asked: impl Future<Output = Result<T, Failure>>,
    doing: &str,
    changes: bool,
) -> Result<T, Failure> {
    let late = if changes {
        FailureKind::Interrupted
    } else {
        FailureKind::Timeout
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answered) => answered,
        Err(_) => Err(Failure::new(late, doing, "", "")),
    }
}

pub(super) fn lease() -> Known {
    Known::everyday("Lease").unwrap_or_default()
}
