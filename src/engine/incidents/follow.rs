//! A run that is carried out while an incident is open: what it says goes into the incident's file as well, without the names
//! of people. The run's own journal is the record; where this copy cannot be written the run goes on, and that is said.

use super::{Hand, Ledger};
use crate::domain::incident::{Event, Incident, IncidentId, Place, RunNews, RunTurn};
use crate::engine::clock::Clock;
use crate::engine::runs::records::{Who, os_user};
use crate::journal::host;
use crate::runbook::machine::{Entry, Fact, Start};
use crate::runbook::template::plain;

/// Stands where a person's name stood.
pub const SOMEBODY: &str = "[somebody]";

/// A text without these names.
pub fn nameless(text: &str, names: &[String]) -> String {
    let mut text = text.to_owned();
    for name in names.iter().filter(|name| name.chars().count() > 1) {
        text = without(&text, name);
    }
    text
}

/// A name as a word of its own; within a longer word it is none.
fn without(text: &str, name: &str) -> String {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let last = before.chars().next_back().or(kept.chars().next_back());
        kept.push_str(before);
        kept.push_str(if edge(last) && edge(after.chars().next()) {
            SOMEBODY
        } else {
            name
        });
        rest = after;
    }
    kept + rest
}

/// The names of people that the entries of a run may hold, the longest first.
pub fn names(start: &Start, entries: &[Entry]) -> Vec<String> {
    let mut names = vec![start.actor.clone()];
    names.extend(os_user());
    names.extend(host());
    for entry in entries {
        match &entry.fact {
            Fact::Resumed { by, .. }
            | Fact::Decision { by, .. }
            | Fact::Note { by, .. }
            | Fact::RollingBack { by, .. } => names.push(by.clone()),
            _ => {}
        }
    }
    // Numbers and places are no names.
    names.retain(|name| !name.is_empty() && *name != start.target.namespace);
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.dedup();
    names
}

/// What an entry says for an incident's file.
fn turn(start: &Start, fact: &Fact) -> Option<RunTurn> {
    let joined = |lines: &[String]| lines.join(", ");
    Some(match fact {
        Fact::Start(_) => RunTurn::Started {
            version: start.version.clone(),
            model: start.model.clone(),
            workload: start.params.get("workload").map(plain),
            reason: start.answers.reason.clone(),
            break_glass: start.answers.break_glass.clone(),
            dry_run: start.dry_run,
        },
        Fact::Intent(intent) | Fact::UndoIntent(intent) => {
            let planned = &intent.action.planned;
            let undo = matches!(fact, Fact::UndoIntent(_));
            let text = format!(
                "{}{} {}: {}",
                if undo { "undo: " } else { "" },
                planned.kind,
                planned.object.short(),
                joined(&planned.lines)
            );
            RunTurn::Intent {
                step: intent.step.clone(),
                text,
            }
        }
        Fact::Outcome(outcome) | Fact::UndoOutcome(outcome) => RunTurn::Outcome {
            step: outcome.step.clone(),
            status: word(&outcome.status),
            text: outcome.message.clone(),
        },
        Fact::Unknown { step, why, .. } | Fact::UndoUnknown { step, why, .. } => RunTurn::Outcome {
            step: step.clone(),
            status: "unknown".to_owned(),
            text: why.clone(),
        },
        Fact::Probed(probe) | Fact::UndoProbed(probe) => RunTurn::Outcome {
            step: probe.step.clone(),
            status: match word(&probe.found).as_str() {
                "present" => "applied".to_owned(),
                found => found.to_owned(),
            },
            text: format!("looked up: {}", joined(&probe.detail)),
        },
        Fact::Verdict {
            step, verdict, why, ..
        } => RunTurn::Gate {
            step: step.clone(),
            verdict: verdict.clone(),
            text: why.clone(),
        },
        Fact::Note { text, .. } => RunTurn::Note { text: text.clone() },
        Fact::End {
            state,
            message,
            leftovers,
            ..
        } => RunTurn::Ended {
            state: word(state),
            text: message.clone(),
            leftovers: leftovers.clone(),
        },
        _ => return None,
    })
}

fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Where a run is, as incidents have it.
pub fn place(start: &Start) -> Place {
    let target = &start.target;
    Place::on(
        (&target.cluster_uid, &target.server),
        &target.context,
        Some(&target.namespace),
        &target.environment,
    )
}

/// Puts entries of a run into the files of the incidents it belongs to: those that were open when it began, and on. A run
/// tells its times by this machine's clock; here they are told by the server's, which is so far ahead. Says for which that
/// failed.
pub fn follow(
    ledger: &Ledger,
    start: &Start,
    who: &Who,
    entries: &[Entry],
    clock: &Clock,
) -> Result<(), String> {
    if ledger.files().ids().is_empty() {
        return Ok(());
    }
    let news: Vec<(&Entry, RunTurn)> = entries
        .iter()
        .filter_map(|entry| Some((entry, turn(start, &entry.fact)?)))
        .collect();
    if news.is_empty() {
        return Ok(());
    }
    let begins = entries
        .iter()
        .any(|entry| matches!(entry.fact, Fact::Start(_)));
    let names = names(start, entries);
    let run = start.run.as_str();
    let (listed, _) = ledger.files().list();
    let mut failed = Vec::new();
    for read in listed {
        let incident = &read.incident;
        let linked = begun(incident, run);
        let joins = begins && incident.is_open() && incident.place.holds(&place(start));
        if !linked && !joins {
            continue;
        }
        for (entry, turn) in &news {
            let event = Event::Run(RunNews {
                run: run.to_owned(),
                runbook: start.runbook.clone(),
                turn: scrubbed(turn.clone(), &names),
            });
            let hand = Hand {
                now: entry.ts,
                ..Hand::by(clock, who.clone())
            };
            if let Err(error) = ledger.copy(incident.id, &hand, &event) {
                failed.push(format!("{}: {error}", incident.id));
                break;
            }
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("; "))
    }
}

/// Whether a run is linked to an incident.
pub fn begun(incident: &Incident, run: &str) -> bool {
    incident.records.iter().any(|record| {
        matches!(&record.event, Event::Run(news) if news.run == run && matches!(news.turn, RunTurn::Started { .. }))
    })
}

fn scrubbed(turn: RunTurn, names: &[String]) -> RunTurn {
    let clean = |text: String| nameless(&text, names);
    match turn {
        RunTurn::Outcome { step, status, text } => RunTurn::Outcome {
            step,
            status,
            text: clean(text),
        },
        RunTurn::Gate {
            step,
            verdict,
            text,
        } => RunTurn::Gate {
            step,
            verdict,
            text: clean(text),
        },
        RunTurn::Ended {
            state,
            text,
            leftovers,
        } => RunTurn::Ended {
            state,
            text: clean(text),
            leftovers: leftovers.into_iter().map(clean).collect(),
        },
        // What a person typed stays as it was typed.
        other => other,
    }
}

impl Ledger {
    /// The audit log has the run's entries already: only the incident's file is written.
    fn copy(&self, id: IncidentId, hand: &Hand, event: &Event) -> Result<(), String> {
        let event = crate::journal::incidents::clean::clean(event, &self.cleaner);
        let written = self.files().write(id, hand.dated(), |_| Ok(vec![event]));
        written.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_where_it_stands_alone_and_nowhere_else() {
        let names = ["alice".to_owned(), "oidc:bob@x.app".to_owned()];
        for (text, wanted) in [
            ("closed by alice: night", "closed by [somebody]: night"),
            ("alice", "[somebody]"),
            ("malice and alice-1 stay", "malice and alice-1 stay"),
            (
                "oidc:bob@x.app takes over from alice",
                "[somebody] takes over from [somebody]",
            ),
            ("alicealice alice", "alicealice [somebody]"),
        ] {
            assert_eq!(nameless(text, &names), wanted);
        }
    }
}
