//! Which revision was the last good one: a pure choice with its evidence. Not the previous one by habit, because
//! the previous one may be as bad, and after one undo it is the very one that was left.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::served::{Trace, served};

    fn rev(number: i64, created_h: i64, evidence: Evidence) -> Revision {
        Revision {
            number,
            uid: format!("u{number}"),
            name: format!("api-{number}"),
            image: format!("api:v{number}"),
            images: vec![format!("api:v{number}")],
            created_at: Timestamp::from_second(1_700_000_000 + created_h * 60).unwrap(),
            available_s: None,
            served: Served::default(),
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

    /// The same with what their creation times tell, as the engine fills it in.
    fn timed(mut revisions: Vec<Revision>) -> Vec<Revision> {
        let traces: Vec<Trace> = revisions
            .iter()
            .map(|revision| Trace {
                number: Some(revision.number),
                created: Some(revision.created_at),
                pods: u32::from(revision.current),
                available: u32::from(revision.current),
                ..Trace::default()
            })
            .collect();
        let now = Timestamp::from_second(1_700_000_000 + 100_000).unwrap();
        for (revision, times) in revisions.iter_mut().zip(served(&traces)) {
            let took_over = revision.served.took_over.or(times.took_over);
            revision.served = Served { took_over, ..times };
            revision.available_s = revision.served.length(now).map(|span| span.as_secs());
        }
        revisions
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
        let never = |revision: Revision| Revision {
            served: Served {
                took_over: Some(false),
                ..Served::default()
            },
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
                "no signals: the previous stood for hours and never became available",
                vec![
                    rev(41, 0, unknown()),
                    never(rev(42, 600, unknown())),
                    current(rev(43, 1200, unknown())),
                ],
                Some((41, false)),
            ),
            (
                "the only other one never became available",
                vec![
                    never(rev(42, 600, unknown())),
                    current(rev(43, 1200, unknown())),
                ],
                None,
            ),
            (
                "good figures do not save one that was rolled back from",
                vec![
                    rev(41, 0, good()),
                    rolled(rev(42, 600, good())),
                    current(rev(43, 1200, bad())),
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
            let choice = choose(&timed(revisions));
            assert_eq!(taken(&choice), wanted, "{name}: {choice:?}");
        }
    }

    #[test]
    fn what_is_passed_over_is_named_with_the_fact_that_rules_it_out() {
        let never = Served {
            took_over: Some(false),
            ..Served::default()
        };
        let choice = choose(&timed(vec![
            rev(40, 0, good()),
            Revision {
                rolled_back_from: true,
                ..rev(41, 300, unknown())
            },
            Revision {
                served: never,
                ..rev(42, 600, unknown())
            },
            current(rev(43, 1200, bad())),
        ]));
        let Choice::Take { evidence, .. } = choice else {
            panic!("{choice:?}");
        };
        assert_eq!(
            evidence,
            "signals were good while it served: errors 0.1 %; passed over: 42 never became available in place of the one before; 41 was itself rolled back from"
        );
    }

    #[test]
    fn exactly_an_hour_is_enough_and_a_minute_less_is_not() {
        let with = |minutes: i64| {
            choose(&timed(vec![
                rev(40, 0, bad()),
                rev(42, 600, unknown()),
                current(rev(43, 600 + minutes, unknown())),
            ]))
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
