//! Rollouts: the revisions of a workload, the state of a rollout and the sentence that says it.

use super::object::Labels;
use super::uid::Uid;
use super::workload::{Image, Strategy, Workload, WorkloadKind};
use jiff::Timestamp;
use std::sync::Arc;

/// One revision of a Deployment: a ReplicaSet.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The ReplicaSet's uid.
    pub uid: Uid,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The uid of the Deployment that owns it.
    pub owner: Option<Uid>,
    /// The annotation deployment.kubernetes.io/revision.
    pub number: Option<u64>,
    /// The numbers it had before it was returned to: the annotation deployment.kubernetes.io/revision-history.
    pub earlier: Vec<u64>,
    /// The containers and images of its template.
    pub images: Vec<Image>,
    /// The label `version` of its template.
    pub version: Option<Arc<str>>,
    /// Its labels.
    pub labels: Labels,
    /// When it was created; a revision that was returned to keeps its first date.
    pub created: Option<Timestamp>,
    /// Whether it was left once and returned to.
    pub returned: bool,
    /// When its status was last written.
    pub settled: Option<Timestamp>,
    /// Pods wanted of it.
    pub desired: u32,
    /// Pods that exist.
    pub current: u32,
    /// Pods ready.
    pub ready: u32,
    /// Pods available.
    pub available: u32,
    /// The annotation kubernetes.io/change-cause.
    pub change_cause: Option<Arc<str>>,
    /// The commit its images were built from, where an annotation says so.
    pub commit: Option<Arc<str>>,
}

impl Revision {
    /// What to call its version: the label, else the first image's tag.
    pub fn version_name(&self) -> Option<&str> {
        self.version
            .as_deref()
            .or_else(|| self.images.first().map(Image::tag))
    }

    /// `43 (v1.1.0)`, with what is known of it.
    pub fn title(&self) -> String {
        match (self.number, self.version_name()) {
            (Some(number), Some(version)) => format!("{number} ({version})"),
            (Some(number), None) => number.to_string(),
            (None, Some(version)) => version.to_owned(),
            (None, None) => self.name.to_string(),
        }
    }
}

/// The state of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RolloutState {
    /// Every pod is of the newest template and available.
    Done,
    /// It goes on.
    Moving,
    /// Somebody paused it.
    Paused,
    /// It goes on in name only: its newest pods fail.
    Stuck,
    /// Its deadline passed without progress.
    Failed,
}

impl RolloutState {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Moving => "moving",
            Self::Paused => "paused",
            Self::Stuck => "stuck",
            Self::Failed => "failed",
        }
    }
}

/// A rollout's state with the sentence `kubectl rollout status` would print, or our better one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The state.
    pub state: RolloutState,
    /// Why, in one sentence.
    pub reason: String,
}

impl Rollout {
    fn new(state: RolloutState, reason: impl Into<String>) -> Self {
        Self {
            state,
            reason: reason.into(),
        }
    }
}

/// Judges a rollout from the workload alone, in the order in which kubectl asks. Failing pods make it *stuck*: that is the caller's to add.
pub fn rollout_of(workload: &Workload) -> Rollout {
    if workload.observed < workload.generation {
        return Rollout::new(
            RolloutState::Moving,
            "waiting for the controller to see the new specification",
        );
    }
    match workload.kind {
        WorkloadKind::Deployment => deployment(workload),
        WorkloadKind::DaemonSet => daemon_set(workload),
        WorkloadKind::StatefulSet => stateful_set(workload),
    }
}

fn deployment(w: &Workload) -> Rollout {
    if let Some(progress) = &w.progress
        && &*progress.reason == "ProgressDeadlineExceeded"
    {
        let limit = w
            .progress_deadline_s
            .map_or(String::new(), |s| format!(" of {s} s"));
        return Rollout::new(
            RolloutState::Failed,
            format!(
                "no progress within the deadline{limit}: {} of {} pods updated, {} available",
                w.updated, w.desired, w.available
            ),
        );
    }
    let pending = if w.updated < w.desired {
        Some(format!("{} of {} pods updated", w.updated, w.desired))
    } else if w.current > w.updated {
        let old = w.current - w.updated;
        let pods = if old == 1 { "pod" } else { "pods" };
        Some(format!("{old} old {pods} still to end"))
    } else if w.available < w.updated {
        Some(format!(
            "{} of {} updated pods available",
            w.available, w.updated
        ))
    } else {
        None
    };
    match pending {
        None if w.paused => Rollout::new(
            RolloutState::Paused,
            "paused: every pod is of the newest template, and no later one rolls out until it is resumed",
        ),
        None => Rollout::new(
            RolloutState::Done,
            format!("{} of {} pods updated and available", w.updated, w.desired),
        ),
        Some(what) if w.paused => Rollout::new(RolloutState::Paused, format!("paused: {what}")),
        Some(what) => Rollout::new(RolloutState::Moving, what),
    }
}

fn daemon_set(w: &Workload) -> Rollout {
    if w.strategy == Strategy::OnDelete {
        return Rollout::new(RolloutState::Done, "pods are replaced only when deleted");
    }
    if w.updated < w.desired {
        Rollout::new(
            RolloutState::Moving,
            format!("{} of {} pods updated", w.updated, w.desired),
        )
    } else if w.available < w.desired {
        Rollout::new(
            RolloutState::Moving,
            format!("{} of {} updated pods available", w.available, w.desired),
        )
    } else {
        Rollout::new(
            RolloutState::Done,
            format!("{} of {} pods updated and available", w.updated, w.desired),
        )
    }
}

fn stateful_set(w: &Workload) -> Rollout {
    let partition = match &w.strategy {
        Strategy::OnDelete => {
            return Rollout::new(RolloutState::Done, "pods are replaced only when deleted");
        }
        Strategy::Rolling { partition, .. } => *partition,
        _ => 0,
    };
    if w.observed == 0 {
        return Rollout::new(
            RolloutState::Moving,
            "waiting for the controller to see the new specification",
        );
    }
    if w.ready < w.desired {
        return Rollout::new(
            RolloutState::Moving,
            format!("{} of {} pods ready", w.ready, w.desired),
        );
    }
    if partition > 0 {
        let wanted = w.desired.saturating_sub(partition);
        return if w.updated < wanted {
            Rollout::new(
                RolloutState::Moving,
                format!(
                    "{} of {wanted} pods updated above partition {partition}",
                    w.updated
                ),
            )
        } else {
            Rollout::new(
                RolloutState::Done,
                format!("{} pods updated above partition {partition}", w.updated),
            )
        };
    }
    match &w.stateful_revisions {
        Some((current, update)) if current != update => Rollout::new(
            RolloutState::Moving,
            format!("{} of {} pods updated", w.updated, w.desired),
        ),
        _ => Rollout::new(
            RolloutState::Done,
            format!("{} of {} pods updated and ready", w.desired, w.desired),
        ),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::workload::Progress;

    /// A Deployment of three, all well.
    pub(crate) fn deployment_of(name: &str) -> Workload {
        Workload {
            kind: WorkloadKind::Deployment,
            uid: format!("uid-{name}").as_str().into(),
            namespace: "veza-production".into(),
            name: name.into(),
            labels: Labels::default(),
            selector: crate::domain::object::Selector(vec![
                crate::domain::object::Requirement::Is("app".into(), name.into()),
            ]),
            desired: 3,
            current: 3,
            updated: 3,
            ready: 3,
            available: 3,
            generation: 2,
            observed: 2,
            paused: false,
            revision: Some(42),
            stateful_revisions: None,
            images: vec![Image {
                container: "main".into(),
                image: "r/x:v1.0.0".into(),
            }],
            version: Some("v1.0.0".into()),
            strategy: Strategy::Rolling {
                max_surge: "1".into(),
                max_unavailable: "0".into(),
                partition: 0,
            },
            progress: Some(Progress {
                holds: Some(true),
                reason: "NewReplicaSetAvailable".into(),
                message: "".into(),
                updated: None,
            }),
            progress_deadline_s: Some(600),
            change_cause: None,
            writer: None,
            manager: None,
            created: None,
        }
    }

    #[test]
    fn the_questions_come_in_kubectls_order() {
        let state = |change: &dyn Fn(&mut Workload)| {
            let mut w = deployment_of("x");
            change(&mut w);
            rollout_of(&w)
        };
        assert_eq!(state(&|_| {}).state, RolloutState::Done);
        assert_eq!(state(&|w| w.generation = 3).state, RolloutState::Moving);
        assert_eq!(state(&|w| w.updated = 1).reason, "1 of 3 pods updated");
        assert_eq!(state(&|w| w.current = 4).reason, "1 old pod still to end");
        assert_eq!(
            state(&|w| w.available = 2).reason,
            "2 of 3 updated pods available"
        );
        assert_eq!(
            state(&|w| (w.updated, w.paused) = (1, true)).state,
            RolloutState::Paused
        );
        let late =
            state(&|w| w.progress.as_mut().unwrap().reason = "ProgressDeadlineExceeded".into());
        assert_eq!(late.state, RolloutState::Failed);
    }

    #[test]
    fn a_stateful_set_counts_above_its_partition() {
        let mut w = deployment_of("x");
        w.kind = WorkloadKind::StatefulSet;
        w.strategy = Strategy::Rolling {
            max_surge: "".into(),
            max_unavailable: "1".into(),
            partition: 2,
        };
        w.updated = 0;
        assert_eq!(
            rollout_of(&w).reason,
            "0 of 1 pods updated above partition 2"
        );
        w.updated = 1;
        assert_eq!(rollout_of(&w).state, RolloutState::Done);
    }
}
