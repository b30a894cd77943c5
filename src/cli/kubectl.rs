//! The words people know: how `kubectl` names a workload and what `kubectl rollout status` says of it, from what we know of it.
//! Pure; our own sentence stands beside these where they are printed.

use crate::domain::workload::{Strategy, Workload, WorkloadKind};

/// A workload as it is typed: `Kind/name`, a short kind as in `sts/redis`, or the name of a Deployment.
pub fn named(typed: &str) -> (WorkloadKind, &str) {
    let Some((kind, name)) = typed.split_once('/') else {
        return (WorkloadKind::Deployment, typed);
    };
    let kind = kind.split('.').next().unwrap_or(kind).to_lowercase();
    let short = |of: WorkloadKind| match of {
        WorkloadKind::Deployment => "deploy",
        WorkloadKind::StatefulSet => "sts",
        WorkloadKind::DaemonSet => "ds",
    };
    WorkloadKind::ALL
        .into_iter()
        .find(|of| kind == of.plural() || kind == of.name().to_lowercase() || kind == short(*of))
        .map_or((WorkloadKind::Deployment, typed), |of| (of, name))
}

/// What `kubectl rollout status` says at this moment.
pub fn words(w: &Workload) -> String {
    match w.kind {
        WorkloadKind::Deployment => deployment(w),
        WorkloadKind::DaemonSet => daemon_set(w),
        WorkloadKind::StatefulSet => stateful_set(w),
    }
}

const NO_STATUS: &str = "error: rollout status is only available for RollingUpdate strategy type";

fn deployment(w: &Workload) -> String {
    let name = &w.name;
    if w.generation > w.observed {
        return "Waiting for deployment spec update to be observed...".into();
    }
    if w.progress
        .as_ref()
        .is_some_and(|progress| &*progress.reason == "ProgressDeadlineExceeded")
    {
        return format!("error: deployment \"{name}\" exceeded its progress deadline");
    }
    let waiting =
        |what: String| format!("Waiting for deployment \"{name}\" rollout to finish: {what}...");
    if w.updated < w.desired {
        waiting(format!(
            "{} out of {} new replicas have been updated",
            w.updated, w.desired
        ))
    } else if w.current > w.updated {
        waiting(format!(
            "{} old replicas are pending termination",
            w.current - w.updated
        ))
    } else if w.available < w.updated {
        waiting(format!(
            "{} of {} updated replicas are available",
            w.available, w.updated
        ))
    } else {
        format!("deployment \"{name}\" successfully rolled out")
    }
}

fn daemon_set(w: &Workload) -> String {
    let name = &w.name;
    if w.strategy == Strategy::OnDelete {
        return NO_STATUS.into();
    }
    if w.generation > w.observed {
        return "Waiting for daemon set spec update to be observed...".into();
    }
    let waiting =
        |what: String| format!("Waiting for daemon set \"{name}\" rollout to finish: {what}...");
    if w.updated < w.desired {
        waiting(format!(
            "{} out of {} new pods have been updated",
            w.updated, w.desired
        ))
    } else if w.available < w.desired {
        waiting(format!(
            "{} of {} updated pods are available",
            w.available, w.desired
        ))
    } else {
        format!("daemon set \"{name}\" successfully rolled out")
    }
}

fn stateful_set(w: &Workload) -> String {
    let partition = match &w.strategy {
        Strategy::OnDelete => return NO_STATUS.into(),
        Strategy::Rolling { partition, .. } => *partition,
        _ => 0,
    };
    if w.observed == 0 || w.generation > w.observed {
        return "Waiting for statefulset spec update to be observed...".into();
    }
    if w.ready < w.desired {
        return format!("Waiting for {} pods to be ready...", w.desired - w.ready);
    }
    if partition > 0 {
        let wanted = w.desired.saturating_sub(partition);
        return if w.updated < wanted {
            format!(
                "Waiting for partitioned roll out to finish: {} out of {wanted} new pods have been updated...",
                w.updated
            )
        } else {
            format!(
                "partitioned roll out complete: {} new pods have been updated...",
                w.updated
            )
        };
    }
    match &w.stateful_revisions {
        Some((current, update)) if current != update => format!(
            "waiting for statefulset rolling update to complete {} pods at revision {update}...",
            w.updated
        ),
        Some((current, _)) => format!(
            "statefulset rolling update complete {} pods at revision {current}...",
            w.current
        ),
        None => format!("statefulset rolling update complete {} pods...", w.current),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollout::tests::deployment_of;

    #[test]
    fn workloads_are_named_as_kubectl_names_them() {
        for (typed, kind, name) in [
            ("veza-backend", WorkloadKind::Deployment, "veza-backend"),
            ("Deployment/x", WorkloadKind::Deployment, "x"),
            ("deploy/x", WorkloadKind::Deployment, "x"),
            ("deployment.apps/x", WorkloadKind::Deployment, "x"),
            ("sts/redis", WorkloadKind::StatefulSet, "redis"),
            ("StatefulSet/redis", WorkloadKind::StatefulSet, "redis"),
            ("daemonsets/agent", WorkloadKind::DaemonSet, "agent"),
            ("pods/x", WorkloadKind::Deployment, "pods/x"),
        ] {
            assert_eq!(named(typed), (kind, name), "{typed}");
        }
    }

    #[test]
    fn a_deployment_is_waited_for_in_kubectls_words() {
        let said = |change: &dyn Fn(&mut Workload)| {
            let mut w = deployment_of("x");
            change(&mut w);
            words(&w)
        };
        let waiting = "Waiting for deployment \"x\" rollout to finish: ";
        assert_eq!(said(&|_| {}), "deployment \"x\" successfully rolled out");
        assert_eq!(
            said(&|w| w.updated = 1),
            format!("{waiting}1 out of 3 new replicas have been updated...")
        );
        assert_eq!(
            said(&|w| w.current = 4),
            format!("{waiting}1 old replicas are pending termination...")
        );
        assert_eq!(
            said(&|w| w.available = 2),
            format!("{waiting}2 of 3 updated replicas are available...")
        );
        assert_eq!(
            said(&|w| w.generation = 9),
            "Waiting for deployment spec update to be observed..."
        );
        let late =
            said(&|w| w.progress.as_mut().unwrap().reason = "ProgressDeadlineExceeded".into());
        assert_eq!(
            late,
            "error: deployment \"x\" exceeded its progress deadline"
        );
    }

    #[test]
    fn a_stateful_set_counts_by_revision_and_partition() {
        let mut w = deployment_of("redis");
        w.kind = WorkloadKind::StatefulSet;
        w.stateful_revisions = Some(("redis-a".into(), "redis-b".into()));
        w.updated = 1;
        assert_eq!(
            words(&w),
            "waiting for statefulset rolling update to complete 1 pods at revision redis-b..."
        );
        w.strategy = Strategy::Rolling {
            max_surge: "".into(),
            max_unavailable: "1".into(),
            partition: 1,
        };
        assert_eq!(
            words(&w),
            "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated..."
        );
        w.ready = 1;
        assert_eq!(words(&w), "Waiting for 2 pods to be ready...");
        w.strategy = Strategy::OnDelete;
        assert_eq!(words(&w), NO_STATUS);
    }
}
