//! What happens next by itself, and whether going back is suggested: one sentence each, from what is known.

use super::services::ServiceRow;
use super::state::App;
use crate::domain::pod::short;
use crate::domain::rollout::{Revision, RolloutState};
use crate::domain::verdict::Level;
use crate::domain::workload::{Strategy, Workload, WorkloadKind};
use jiff::SignedDuration;

/// Whether going back is suggested, and why not where it is not. Nothing for what is well.
pub fn suggestion(row: &ServiceRow) -> Option<String> {
    let judgement = &row.judgement;
    if judgement.verdict.level != Level::Failing {
        return None;
    }
    let since = judgement.verdict.since;
    let later = |at| since.is_some_and(|since| at > since);
    Some(match (&judgement.cause, judgement.rollback) {
        (Some(cause), _) if cause.left => format!(
            "Revision {} is left already: rates look back a while; wait for them.",
            cause.revision
        ),
        (Some(cause), true) => format!("K goes back from revision {}: suggested", cause.revision),
        (Some(cause), false) => format!(
            "Before revision {} it was not known to be good; rollback is not suggested.",
            cause.revision
        ),
        (None, _) => match row.taken_over {
            Some(at) if later(at) => {
                "Another revision took over after this began: wait for what it does.".into()
            }
            _ => "Nothing was released before this; rollback is not suggested.".into(),
        },
    })
}

/// What happens next by itself, in one sentence.
pub fn next(app: &App, workload: &Workload) -> String {
    let row = app.services.get(&workload.uid);
    let state = row.map_or(RolloutState::Done, |row| row.rollout.state);
    match state {
        RolloutState::Done => match row.and_then(suggestion) {
            Some(sentence) => format!("The rollout is complete. {sentence}"),
            None => complete(workload),
        },
        RolloutState::Moving => moving(workload),
        RolloutState::Paused => {
            "Paused: no pod is replaced until somebody resumes the rollout.".into()
        }
        RolloutState::Stuck => {
            let back = back(app, workload);
            format!(
                "Its newest pods fail and the controller waits for them; the old ones go on serving.{}{back}",
                patience(app, workload)
            )
        }
        RolloutState::Failed => format!(
            "Past its deadline: the controller keeps trying and nothing else changes by itself.{}",
            back(app, workload)
        ),
    }
}

fn complete(workload: &Workload) -> String {
    match &workload.strategy {
        Strategy::OnDelete => {
            "Pods are replaced only when somebody deletes them (OnDelete).".into()
        }
        Strategy::Rolling { partition, .. } if *partition > 0 => format!(
            "Pods below ordinal {partition} keep the old template until the partition is lowered."
        ),
        _ => "Complete: nothing is left to happen by itself.".into(),
    }
}

fn moving(workload: &Workload) -> String {
    match (workload.kind, &workload.strategy) {
        (WorkloadKind::Deployment, Strategy::Recreate) => {
            "Recreate: all old pods end first, then the new ones start; requests fail in between."
                .into()
        }
        (
            WorkloadKind::Deployment,
            Strategy::Rolling {
                max_surge,
                max_unavailable,
                ..
            },
        ) => format!(
            "As new pods become available old ones end: at most {max_surge} above and {max_unavailable} below {} at a time.",
            workload.desired
        ),
        (WorkloadKind::StatefulSet, _) => {
            "One pod at a time, the highest ordinal first; each must be ready before the next."
                .into()
        }
        (
            WorkloadKind::DaemonSet,
            Strategy::Rolling {
                max_unavailable, ..
            },
        ) => format!("Node by node, at most {max_unavailable} unavailable at a time."),
        _ => "The controller replaces pods by its own strategy.".into(),
    }
}

/// How long until the controller calls it failed.
fn patience(app: &App, workload: &Workload) -> String {
    let since = workload
        .progress
        .as_ref()
        .and_then(|progress| progress.updated);
    let (Some(limit), Some(since)) = (workload.progress_deadline_s, since) else {
        return String::new();
    };
    let limit = SignedDuration::from_secs(i64::from(limit));
    let left = limit - app.now.duration_since(since);
    if left.is_positive() {
        format!(" It calls the rollout failed in {}.", short(left))
    } else {
        String::new()
    }
}

fn back(app: &App, workload: &Workload) -> String {
    let revisions = app.cluster.revisions_of(workload);
    let earlier = revisions
        .iter()
        .find(|revision| revision.number.is_some() && revision.number < workload.revision);
    earlier.map_or_else(String::new, |revision: &&Revision| {
        format!(" K goes back; revision {} was before it.", revision.title())
    })
}
