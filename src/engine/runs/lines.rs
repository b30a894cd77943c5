//! The last lines of pods that fail while a rollout is waited for: what they say themselves, beside what the platform
//! says of them. Read once for each restart and no more often than [`APART`]; nothing is read of pods that are well.

use super::means::Means;
use super::report::Reporter;
use crate::app::runs::lines::PodLines;
use crate::app::runs::news::RunNews;
use crate::platform::kubernetes::{LogNews, LogRequest};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// The most pods that are read.
const PODS: usize = 2;
/// The last lines of each.
const LINES: u32 = 4;
/// Between two readings.
const APART: Duration = Duration::from_secs(5);
/// A log that does not answer is left.
const PATIENCE: Duration = Duration::from_secs(4);

/// One container that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failing {
    pod: String,
    container: String,
    restarts: u64,
    /// It waits to be started again: its last words are those of before.
    previous: bool,
}

/// Remembers what was read.
#[derive(Default)]
pub struct Lines {
    known: Vec<Failing>,
    read: Option<Instant>,
}

impl Lines {
    /// Looks at the new pods of a rollout and reads what is new.
    pub async fn look(&mut self, to: &Reporter, namespace: &str, pods: &[Value]) {
        let failing: Vec<Failing> = pods.iter().filter_map(failing).take(PODS).collect();
        let rested = self.read.is_none_or(|read| read.elapsed() >= APART);
        if failing.is_empty() || !rested {
            return;
        }
        let news = failing != self.known || failing.iter().any(|one| !one.previous);
        if !news {
            return;
        }
        self.read = Some(Instant::now());
        let mut all = Vec::new();
        for one in &failing {
            all.extend(read(&to.means, namespace, one).await);
        }
        self.known = failing;
        if !all.is_empty() {
            to.means.tell(RunNews::Lines(to.run.clone(), all)).await;
        }
    }
}

/// The first container of a pod that ended badly or is not ready after it was started again.
fn failing(pod: &Value) -> Option<Failing> {
    let containers = pod["status"]["containerStatuses"].as_array();
    containers.into_iter().flatten().find_map(|one| {
        let restarts = one["restartCount"].as_u64().unwrap_or(0);
        let waits = one["state"]["waiting"].is_object();
        let ended = one["state"]["terminated"]["exitCode"].as_i64();
        let bad = restarts > 0 || ended.is_some_and(|code| code != 0);
        let slow = one["state"]["running"].is_object();
        (one["ready"] != true && (bad || slow)).then(|| Failing {
            pod: super::state::text(&pod["metadata"]["name"]),
            container: super::state::text(&one["name"]),
            restarts,
            previous: waits && restarts > 0,
        })
    })
}

async fn read(means: &Means, namespace: &str, one: &Failing) -> Option<PodLines> {
    let mut log = means.cluster.logs(LogRequest {
        namespace: namespace.to_owned(),
        pod: one.pod.clone(),
        container: Some(one.container.clone()),
        follow: false,
        previous: one.previous,
        since: None,
        tail: Some(LINES),
    });
    let mut lines = Vec::new();
    let all = async {
        while let Some(news) = log.next().await {
            match news {
                LogNews::Lines(more) => lines.extend(more.into_iter().map(|line| line.text)),
                LogNews::Open => {}
                LogNews::Troubled(_) | LogNews::Ended => break,
            }
        }
    };
    // What came until then is shown.
    let _ = tokio::time::timeout(PATIENCE, all).await;
    lines.retain(|line| !line.trim().is_empty());
    (!lines.is_empty()).then(|| PodLines {
        pod: one.pod.clone(),
        container: one.container.clone(),
        previous: one.previous,
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: &Value) -> Value {
        json!({"metadata": {"name": "api-1"}, "status": {"containerStatuses": [status]}})
    }

    #[test]
    fn only_pods_that_fail_are_read_and_a_crash_by_its_last_words() {
        let crashed = pod(
            &json!({"name": "api", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}),
        );
        assert!(failing(&crashed).is_some_and(|one| one.previous && one.restarts == 3));
        let starting = pod(
            &json!({"name": "api", "ready": false, "restartCount": 0, "state": {"running": {}}}),
        );
        assert!(failing(&starting).is_some_and(|one| !one.previous));
        let well = pod(
            &json!({"name": "api", "ready": true, "restartCount": 1, "state": {"running": {}}}),
        );
        assert_eq!(failing(&well), None);
        let no_image = pod(
            &json!({"name": "api", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}),
        );
        assert_eq!(failing(&no_image), None, "it has said nothing yet");
    }
}
