//! Which revision was the last good one: a pure choice with its evidence. Not the previous one by habit, because
//! the previous one may be as bad, and after one undo it is the very one that was left.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::served::{Served, Until};
use crate::runbook::quantity::show_duration;

/// How long a revision must have stood before the next to count without signals.
const STOOD: SignedDuration = SignedDuration::from_hours(1);
/// The most revisions that are named as passed over.
const TOLD: usize = 3;

/// What signals say about the time a revision served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "level", content = "why")]
pub enum Evidence {
    /// Within limits while it served, and the sentence for it.
    Good(String),
    /// Not within limits, and the sentence for it.
    Bad(String),
    /// No data, and why.
    Unknown(String),
}

/// One revision of a workload, as the platform knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number.
    pub number: i64,
    /// Uid of its ReplicaSet or ControllerRevision: the pin.
    pub uid: String,
    /// Name of that object.
    pub name: String,
    /// The first container's image.
    pub image: String,
    /// Every container's image, first included.
    pub images: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How long it served when last it did, as far as its objects tell, in seconds.
    pub available_s: Option<i64>,
    /// From when until when that was, and whether it took over at all.
    pub served: Served,
    /// Hash of its template.
    pub template_hash: String,
    /// Who or what made it, where known.
    pub change_cause: Option<String>,
    /// What signals say about it.
    pub evidence: Evidence,
    /// Our audit says it was itself rolled back from.
    pub rolled_back_from: bool,
    /// The run that went back to it and ended well, the last of them.
    #[serde(default)]
    pub restored_by: Option<String>,
    /// It is the one the workload's template asks for now.
    pub current: bool,
    /// Its pod template.
    pub template: Value,
    /// The annotations its workload had, as its object keeps them; none where that keeps none.
    #[serde(default)]
    pub annotations: Option<Map<String, Value>>,
}

/// What was chosen, or that a person must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This revision, by uid.
    Take {
        /// Its uid.
        uid: String,
        /// Its number.
        number: i64,
        /// Why it is believed good.
        evidence: String,
        /// Thin evidence: a reason is asked for.
        amber: bool,
    },
    /// The last good one runs already: going back from it would make things worse.
    Stay {
        /// Its number.
        number: i64,
        /// Why it is believed good.
        evidence: String,
    },
    /// A person must choose, and why.
    Ask(String),
}

/// What speaks for one revision, or against it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// Its signals were good, in words.
    Good(String),
    /// No signals, but it stood for long.
    Stood(String),
    /// Nothing shows that it was good.
    Open(String),
    /// A fact rules it out.
    Out(String),
}

/// Facts decide in this order: left on purpose, bad, good, never there, stood.
fn standing(revision: &Revision) -> Standing {
    if revision.rolled_back_from {
        return Standing::Out("was itself rolled back from".to_owned());
    }
    match &revision.evidence {
        Evidence::Bad(why) => return Standing::Out(format!("was bad: {why}")),
        Evidence::Good(why) => {
            return Standing::Good(format!("signals were good while it served: {why}"));
        }
        Evidence::Unknown(_) => {}
    }
    if let Some(run) = &revision.restored_by {
        return Standing::Good(format!("run {run} went back to it and found it good"));
    }
    if revision.served.took_over == Some(false) {
        return Standing::Out("never became available in place of the one before".to_owned());
    }
    match revision.available_s.map(SignedDuration::from_secs) {
        Some(span) if span >= STOOD => Standing::Stood(format!(
            "no signals from then; it stood {} {} and was not rolled back from",
            coarse(span),
            match revision.served.until {
                Until::Now => "and still serves",
                _ => "before the next",
            }
        )),
        Some(span) => Standing::Open(format!("no signals, and it stood only {}", coarse(span))),
        None => Standing::Open("no signals, and how long it stood is not known".to_owned()),
    }
}

fn coarse(span: SignedDuration) -> String {
    if span < SignedDuration::from_mins(1) {
        return show_duration(SignedDuration::from_secs(span.as_secs()));
    }
    show_duration(SignedDuration::from_mins(span.as_mins()))
}

/// Chooses the last good revision among those of a workload.
pub fn choose(revisions: &[Revision]) -> Choice {
    let mut newest_first: Vec<&Revision> = revisions.iter().collect();
    newest_first.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    let Some(leaving) = newest_first
        .iter()
        .copied()
        .find(|revision| revision.current)
    else {
        return Choice::Ask("which revision runs now is not known".to_owned());
    };
    if let Standing::Good(evidence) = standing(leaving) {
        return Choice::Stay {
            number: leaving.number,
            evidence,
        };
    }
    let others: Vec<(&Revision, Standing)> = newest_first
        .iter()
        .copied()
        .filter(|revision| !same_as(revision, leaving))
        .map(|revision| (revision, standing(revision)))
        .collect();
    let good = others
        .iter()
        .position(|(_, standing)| matches!(standing, Standing::Good(_)));
    let stood = || {
        others
            .iter()
            .position(|(_, standing)| matches!(standing, Standing::Stood(_)))
    };
    if let Some(at) = good.or_else(stood) {
        let (revision, standing) = &others[at];
        let (Standing::Good(why) | Standing::Stood(why)) = standing else {
            return Choice::Ask("the evidence contradicts itself".to_owned());
        };
        let passed = passed_over(&others[..at]);
        return take(revision, format!("{why}{passed}"), false);
    }
    match others.as_slice() {
        [] => Choice::Ask("there is no other revision to go back to".to_owned()),
        [(only, Standing::Out(why))] => {
            Choice::Ask(format!("the only other revision, {}, {why}", only.number))
        }
        [(only, _)] => take(
            only,
            format!(
                "short history: revision {} is the only other one, and nothing shows that it was good",
                only.number
            ),
            true,
        ),
        several => Choice::Ask(format!(
            "none of {} other revisions is known to have been good{}",
            several.len(),
            passed_over(several)
        )),
    }
}

fn take(revision: &Revision, evidence: String, amber: bool) -> Choice {
    Choice::Take {
        uid: revision.uid.clone(),
        number: revision.number,
        evidence,
        amber,
    }
}

/// Why newer ones were not taken, so that nobody has to guess.
fn passed_over(newer: &[(&Revision, Standing)]) -> String {
    let told: Vec<String> = newer
        .iter()
        .take(TOLD)
        .map(|(revision, standing)| {
            let (Standing::Good(why)
            | Standing::Stood(why)
            | Standing::Open(why)
            | Standing::Out(why)) = standing;
            format!("{} {why}", revision.number)
        })
        .collect();
    if told.is_empty() {
        String::new()
    } else {
        format!("; passed over: {}", told.join("; "))
    }
}

/// Going back to the same template would change nothing.
fn same_as(revision: &Revision, leaving: &Revision) -> bool {
    revision.uid == leaving.uid || revision.template_hash == leaving.template_hash
}

/// The evidence beside a revision in a list.
pub fn remark(revision: &Revision) -> String {
    let mut parts = Vec::new();
    match &revision.evidence {
        Evidence::Good(why) => parts.push(format!("good: {why}")),
        Evidence::Bad(why) => parts.push(format!("bad: {why}")),
        Evidence::Unknown(why) => parts.push(format!("unknown: {why}")),
    }
    if revision.current {
        parts.push("running now".to_owned());
    }
    if revision.served.took_over == Some(false) {
        parts.push("never became available".to_owned());
    } else if let Some(seconds) = revision.available_s {
        parts.push(format!(
            "served {}",
            coarse(SignedDuration::from_secs(seconds))
        ));
    } else {
        parts.push("how long it served is not known".to_owned());
    }
    if revision.rolled_back_from {
        parts.push("was rolled back from".to_owned());
    }
    parts.join(", ")
}
