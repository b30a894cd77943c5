//! What changed: revisions, alerts and onsets in one order, newest first.

use super::cluster::Cluster;
use super::services::Services;
use crate::domain::alert::Alert;
use crate::domain::object::ObjectRef;
use crate::domain::rollout::Revision;
use crate::domain::workload::Workload;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// The most changes that are kept.
const MOST: usize = 500;

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A revision took over.
    Rollout,
    /// An alert began to fire.
    Alert,
    /// Measured trouble began.
    Onset,
}

impl ChangeKind {
    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::Alert => "alert",
            Self::Onset => "ONSET",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: ChangeKind,
    /// Of what.
    pub object: ObjectRef,
    /// What happened.
    pub text: String,
    /// What else there is to say: that it came after the onset, or that going back is suggested.
    pub note: Option<Note>,
    /// A short name for a mark on a chart: a revision's number.
    pub mark: Option<Arc<str>>,
}

/// What else there is to say of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// It came after the worst service's trouble began.
    AfterOnset,
    /// Going back from it is suggested.
    RollbackSuggested,
}

/// Everything that changed within the horizon, newest first.
pub fn changes(
    cluster: &Cluster,
    services: &Services,
    alerts: &[Alert],
    horizon: SignedDuration,
    now: Timestamp,
) -> Vec<Change> {
    let from = now - horizon;
    let mut all: Vec<Change> = cluster
        .all_workloads()
        .flat_map(|workload| rollouts(cluster, services, workload))
        .collect();
    all.extend(
        alerts
            .iter()
            .filter(|alert| alert.heard())
            .filter_map(alert),
    );
    all.extend(onsets(services));
    all.retain(|change| change.at >= from);
    all.sort_by(|a, b| (b.at, b.kind, &b.object).cmp(&(a.at, a.kind, &a.object)));
    all.truncate(MOST);
    let onset = services.tally().onset;
    let suggesting: Vec<_> = services
        .in_order()
        .filter(|row| row.judgement.rollback)
        .collect();
    for change in &mut all {
        let suggested = change.kind == ChangeKind::Rollout
            && suggesting
                .iter()
                .any(|row| row.object == change.object && row.taken_over == Some(change.at));
        change.note = if suggested {
            Some(Note::RollbackSuggested)
        } else if change.kind != ChangeKind::Onset && onset.is_some_and(|onset| change.at > onset) {
            Some(Note::AfterOnset)
        } else {
            None
        };
    }
    all
}

/// The takeovers of a workload's revisions, as far as their dates are known: the current one's, and the birth of those before.
fn rollouts(cluster: &Cluster, services: &Services, workload: &Workload) -> Vec<Change> {
    let revisions = cluster.revisions_of(workload);
    let row = services.get(&workload.uid);
    let mut found = Vec::new();
    for (index, revision) in revisions.iter().enumerate() {
        let current = revision.number.is_some() && revision.number == workload.revision;
        let at = if current {
            row.and_then(|row| row.taken_over)
        } else {
            revision.created
        };
        let Some(at) = at else { continue };
        let before = revisions.get(index + 1).copied();
        if before.is_none() && revision.number == Some(1) {
            continue; // the first revision is a birth, not a change
        }
        let returned = current
            && revision
                .created
                .is_some_and(|born| born + SignedDuration::from_secs(2) < at);
        let by = if current {
            workload.writer.as_ref().map(|writer| writer.name.clone())
        } else {
            None
        };
        found.push(Change {
            at,
            kind: ChangeKind::Rollout,
            object: workload.object(),
            text: text(revision, before, by.as_deref(), returned),
            note: None,
            mark: revision.number.map(|number| number.to_string().into()),
        });
    }
    found
}

fn text(
    revision: &Revision,
    before: Option<&Revision>,
    by: Option<&str>,
    returned: bool,
) -> String {
    let number = |r: &Revision| r.number.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let mut parts = vec![match before {
        Some(before) => format!("revision {} → {}", number(before), number(revision)),
        None => format!("revision {}", number(revision)),
    }];
    if let Some((old, new)) =
        before.and_then(|b| Some((b.version_name()?, revision.version_name()?)))
    {
        parts.push(if old == new {
            format!("image {new} unchanged")
        } else {
            format!("image {old} → {new}")
        });
    }
    if returned {
        parts.push("back to an earlier template".into());
    }
    if let Some(by) = by {
        parts.push(format!("by {by}"));
    }
    if let Some(commit) = &revision.commit {
        parts.push(format!(
            "commit {}",
            commit.chars().take(12).collect::<String>()
        ));
    }
    parts.join(", ")
}

fn alert(alert: &Alert) -> Option<Change> {
    let object = ObjectRef::new(
        "Alert",
        alert.namespace().map_or("", |n| n),
        alert.service().unwrap_or(&alert.name),
    );
    let text = format!(
        "{} {}: {}",
        alert.name,
        alert.severity.word(),
        alert.summary()
    );
    Some(Change {
        at: alert.since?,
        kind: ChangeKind::Alert,
        object,
        text,
        note: None,
        mark: None,
    })
}

fn onsets(services: &Services) -> impl Iterator<Item = Change> {
    services.measured().filter_map(|row| {
        let at = row.judgement.onset?;
        let after = row.judgement.cause.as_ref().map_or(String::new(), |cause| {
            format!(
                ", {} after revision {}",
                super::judge::spoken(cause.before),
                cause.revision
            )
        });
        Some(Change {
            at,
            kind: ChangeKind::Onset,
            object: row.object.clone(),
            text: format!("{}{after}", row.judgement.why),
            note: None,
            mark: None,
        })
    })
}
