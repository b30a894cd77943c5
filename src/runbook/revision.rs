//! Which revision was the last good one: a pure choice with its evidence. Not the previous one by habit, because
//! the previous one may be as bad, and after one undo it is the very one that was left.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::runbook::quantity::show_duration;

/// How long a revision must have stood before the next to count without signals.
const STOOD: SignedDuration = SignedDuration::from_hours(1);

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
    /// How long its pods were available, where known, in seconds.
    pub available_s: Option<i64>,
    /// Hash of its template.
    pub template_hash: String,
    /// Who or what made it, where known.
    pub change_cause: Option<String>,
    /// What signals say about it.
    pub evidence: Evidence,
    /// Our audit says it was itself rolled back from.
    pub rolled_back_from: bool,
    /// It is the one the workload's template asks for now.
    pub current: bool,
    /// Its pod template.
    pub template: Value,
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
    /// A person must choose, and why.
    Ask(String),
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
    let others: Vec<&Revision> = newest_first
        .iter()
        .copied()
        .filter(|revision| !same_as(revision, leaving))
        .collect();
    let take = |revision: &Revision, evidence: String, amber| Choice::Take {
        uid: revision.uid.clone(),
        number: revision.number,
        evidence,
        amber,
    };
    if let Some((good, why)) = others.iter().find_map(|revision| match &revision.evidence {
        Evidence::Good(why) => Some((revision, why)),
        _ => None,
    }) {
        return take(
            good,
            format!("signals were good while it served: {why}"),
            false,
        );
    }
    let stood = others.iter().find(|revision| {
        !revision.rolled_back_from
            && !matches!(revision.evidence, Evidence::Bad(_))
            && stood(revision, revisions).is_some_and(|span| span >= STOOD)
    });
    if let Some(revision) = stood {
        let span = stood_text(revision, revisions);
        return take(
            revision,
            format!(
                "no signals from then; it stood {span} before the next and was not rolled back from"
            ),
            false,
        );
    }
    match others.as_slice() {
        [] => Choice::Ask("there is no other revision to go back to".to_owned()),
        [only] if matches!(only.evidence, Evidence::Bad(_)) => Choice::Ask(format!(
            "the only other revision, {}, was bad too",
            only.number
        )),
        [only] => take(
            only,
            format!(
                "short history: revision {} is the only other one, and nothing shows that it was good",
                only.number
            ),
            true,
        ),
        several => Choice::Ask(format!(
            "none of {} other revisions is known to have been good",
            several.len()
        )),
    }
}

/// Going back to the same template would change nothing.
fn same_as(revision: &Revision, leaving: &Revision) -> bool {
    revision.uid == leaving.uid || revision.template_hash == leaving.template_hash
}

/// How long a revision stood until a later one was made, by creation times.
fn stood(revision: &Revision, all: &[Revision]) -> Option<SignedDuration> {
    let next = all
        .iter()
        .filter(|other| other.number > revision.number)
        .map(|other| other.created_at)
        .filter(|at| *at > revision.created_at)
        .min()?;
    Some(next.duration_since(revision.created_at))
}

fn stood_text(revision: &Revision, all: &[Revision]) -> String {
    stood(revision, all).map_or_else(
        || "an unknown time".to_owned(),
        |span| show_duration(SignedDuration::from_mins(span.as_mins())),
    )
}

/// The evidence beside a revision in a list.
pub fn remark(revision: &Revision, all: &[Revision]) -> String {
    let mut parts = Vec::new();
    match &revision.evidence {
        Evidence::Good(why) => parts.push(format!("good: {why}")),
        Evidence::Bad(why) => parts.push(format!("bad: {why}")),
        Evidence::Unknown(why) => parts.push(format!("unknown: {why}")),
    }
    if revision.current {
        parts.push("running now".to_owned());
    } else if stood(revision, all).is_some() {
        parts.push(format!("stood {}", stood_text(revision, all)));
    }
    if revision.rolled_back_from {
        parts.push("was rolled back from".to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rev(number: i64, created_h: i64, evidence: Evidence) -> Revision {
        Revision {
            number,
            uid: format!("u{number}"),
            name: format!("api-{number}"),
            image: format!("api:v{number}"),
            images: vec![format!("api:v{number}")],
            created_at: Timestamp::from_second(1_700_000_000 + created_h * 60).unwrap(),
            available_s: None,
            template_hash: format!("h{number}"),
            change_cause: None,
            evidence,
            rolled_back_from: false,
            current: false,
            template: Value::Null,
        }
    }

    fn unknown() -> Evidence {
        Evidence::Unknown("no Prometheus".into())
    }

    fn good() -> Evidence {
        Evidence::Good("errors 0.1 %".into())
    }

    fn bad() -> Evidence {
        Evidence::Bad("errors 21 %".into())
    }

    fn current(revision: Revision) -> Revision {
        Revision {
            current: true,
            ..revision
        }
    }

    fn taken(choice: &Choice) -> Option<(i64, bool)> {
        match choice {
            Choice::Take { number, amber, .. } => Some((*number, *amber)),
            Choice::Ask(_) => None,
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table with its cases")]
    fn decision_eight_as_a_table() {
        let rolled = |revision: Revision| Revision {
            rolled_back_from: true,
            ..revision
        };
        let table = [
            (
                "the previous was good",
                vec![
                    rev(41, 0, good()),
                    rev(42, 600, good()),
                    current(rev(43, 1200, bad())),
                ],
                Some((42, false)),
            ),
            (
                "the previous was bad too",
                vec![
                    rev(41, 0, good()),
                    rev(42, 600, bad()),
                    current(rev(43, 1200, bad())),
                ],
                Some((41, false)),
            ),
            (
                "signals win over standing time",
                vec![
                    rev(41, 0, good()),
                    rev(42, 600, unknown()),
                    current(rev(43, 1200, bad())),
                ],
                Some((41, false)),
            ),
            (
                "no signals: it stood for hours",
                vec![
                    rev(41, 0, unknown()),
                    rev(42, 600, unknown()),
                    current(rev(43, 1200, unknown())),
                ],
                Some((42, false)),
            ),
            (
                "no signals: the previous stood ten minutes",
                vec![
                    rev(41, 0, unknown()),
                    rev(42, 600, unknown()),
                    current(rev(43, 610, unknown())),
                ],
                Some((41, false)),
            ),
            (
                "no signals: the previous was rolled back from",
                vec![
                    rev(41, 0, unknown()),
                    rolled(rev(42, 600, unknown())),
                    current(rev(43, 1200, unknown())),
                ],
                Some((41, false)),
            ),
            (
                "a known bad one is never taken for standing long",
                vec![rev(42, 0, bad()), current(rev(43, 1200, unknown()))],
                None,
            ),
            (
                "one other, short history",
                vec![rev(42, 600, unknown()), current(rev(43, 610, unknown()))],
                Some((42, true)),
            ),
            (
                "several, none known",
                vec![
                    rev(41, 598, unknown()),
                    rev(42, 600, unknown()),
                    current(rev(43, 610, unknown())),
                ],
                None,
            ),
            ("alone", vec![current(rev(43, 610, unknown()))], None),
            ("nothing known to run", vec![rev(43, 610, good())], None),
            (
                "after an undo: the bad one has a lower number now",
                vec![
                    rev(43, 1200, bad()),
                    rev(41, 0, good()),
                    current(rev(44, 600, unknown())),
                ],
                Some((41, false)),
            ),
        ];
        for (name, revisions, wanted) in table {
            let choice = choose(&revisions);
            assert_eq!(taken(&choice), wanted, "{name}: {choice:?}");
        }
    }

    #[test]
    fn exactly_an_hour_is_enough_and_a_minute_less_is_not() {
        let with = |minutes: i64| {
            choose(&[
                rev(40, 0, bad()),
                rev(42, 600, unknown()),
                current(rev(43, 600 + minutes, unknown())),
            ])
        };
        assert_eq!(taken(&with(60)), Some((42, false)));
        assert_eq!(taken(&with(59)), None);
    }

    #[test]
    fn a_revision_with_the_same_template_is_not_another_one() {
        let twin = Revision {
            template_hash: "h43".into(),
            ..rev(41, 0, good())
        };
        assert_eq!(taken(&choose(&[twin, current(rev(43, 1200, bad()))])), None);
    }
}
