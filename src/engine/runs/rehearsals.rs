//! Evidence that a runbook was rehearsed: the good end of a run of the same model in the place for that, kept in this
//! machine's journals and in a ConfigMap of the namespace where it ran, which is a chain of its own: a record that was
//! changed counts for nothing, and nothing behind it.

use super::means::Means;
use super::{records, shared};
use crate::engine::identity::Place;
use crate::journal::audit::{line, verify_bytes};
use crate::journal::record::GENESIS;
use crate::journal::{AuditEvent, RealDisk, Runs, Verified};
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::Known;
use crate::runbook::Runbook;
use crate::runbook::machine::{Entry, Fact, RunState, Start};
use crate::runbook::prose::bounded;
use crate::runbook::quantity::show_duration;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The ConfigMap, and its entry.
const KEPT: &str = "vigie-rehearsals";
const RECORDS: &str = "records";
/// From this size on the chain begins anew: a ConfigMap holds a megabyte.
const ROOM: usize = 400 * 1024;
/// The most namespaces that are asked.
const MOST: usize = 20;
/// How often a write that meets another is tried again.
const TRIES: u32 = 5;

/// One good end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    run: String,
    runbook: String,
    model: String,
    ended: Timestamp,
}

/// Where a runbook is rehearsed.
pub fn place(book: &Runbook) -> &str {
    let named = book.rehearse.as_ref();
    named.map_or("staging", |rehearse| rehearse.environment.as_str())
}

/// Those that this machine's journals tell of; a damaged one tells of nothing. Blocks.
pub fn here(state: &Path, place: &str) -> Vec<Rehearsal> {
    let (runs, _) = Runs::new(state, RealDisk).list();
    let good = runs.into_iter().filter(|run| {
        let start = &run.header.start;
        let well = run.state == RunState::Succeeded && run.read_only.is_none();
        well && !start.dry_run && start.target.environment == place
    });
    let read = good.filter_map(|run| {
        let start = run.header.start;
        Some(Rehearsal {
            run: start.run.to_string(),
            runbook: start.runbook,
            model: start.model,
            ended: run.ended?,
        })
    });
    read.collect()
}

/// Those that the cluster knows of, and in words where it was asked.
pub async fn there(means: &Means, place: &str) -> (Vec<Rehearsal>, String) {
    let namespaces = match means.cluster.namespaces().await {
        Ok(found) => found,
        Err(failure) => return (Vec::new(), format!("not in the cluster ({failure})")),
    };
    let uid = means.cluster.cluster_uid().await.ok();
    let fits = namespaces.into_iter().filter(|one| {
        let environment = (means.keeping.environment)(Place {
            cluster: uid.as_deref(),
            namespace: Some(&one.name),
            label: one.environment.as_deref(),
        });
        *environment.name == *place
    });
    let names: Vec<String> = fits.take(MOST).map(|one| one.name.to_string()).collect();
    if names.is_empty() {
        return (
            Vec::new(),
            format!("this cluster has no namespace of {place}"),
        );
    }
    let kind = Known::everyday("ConfigMap").unwrap_or_default();
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for name in &names {
        match means.cluster.object_of(&kind, name, KEPT).await {
            Ok(body) => match read(body["data"][RECORDS].as_str().unwrap_or_default()) {
                Ok(kept) => found.extend(kept),
                Err(why) => silent.push(format!("{name}: {why}")),
            },
            Err(failure) if failure.kind == FailureKind::NotFound => {}
            Err(failure) => silent.push(format!("{name}: {}", failure.short())),
        }
    }
    let mut asked = format!("in ConfigMap {KEPT} of {}", names.join(", "));
    if !silent.is_empty() {
        asked = format!("{asked} ({})", bounded(&silent.join("; "), 300));
    }
    (found, asked)
}

/// Reads a chain; one that does not hold counts for nothing.
fn read(text: &str) -> Result<Vec<Rehearsal>, String> {
    match verify_bytes(text.as_bytes(), None) {
        Verified::Ok { .. } => {}
        Verified::Broken(damage) => {
            return Err(format!("its chain is broken at record {}", damage.record));
        }
        Verified::Incomplete { .. } => return Err("its chain is not whole".to_owned()),
    }
    let records = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let read = records.filter_map(|record| {
        let text = |key: &str| record["run"][key].as_str().map(|text| bounded(text, 100));
        Some(Rehearsal {
            run: text("id")?,
            runbook: text("runbook")?,
            model: text("model")?,
            ended: record["ts"].as_str()?.parse().ok()?,
        })
    });
    Ok(read.collect())
}

/// Whether one of them is good for a run of this runbook now; else what there is instead.
pub fn judge(
    known: &[Rehearsal],
    book: &Runbook,
    age: SignedDuration,
    now: Timestamp,
) -> Result<(), String> {
    let mut own: Vec<&Rehearsal> = known.iter().filter(|one| one.runbook == book.id).collect();
    own.sort_by_key(|one| std::cmp::Reverse(one.ended));
    let model = book.model_digest();
    let at = |one: &Rehearsal| {
        format!(
            "run {} of {}",
            one.run,
            one.ended.strftime("%Y-%m-%d %H:%MZ")
        )
    };
    match own.iter().find(|one| one.model == model) {
        Some(same) if now.duration_since(same.ended) <= age => Ok(()),
        Some(same) => {
            let old = show_duration(SignedDuration::from_secs(
                now.duration_since(same.ended).as_secs(),
            ));
            Err(format!("the last one, {}, is {old} old", at(same)))
        }
        None => Err(own.first().map_or_else(
            || "there is none".to_owned(),
            |other| format!("the last one, {}, was of another version of it", at(other)),
        )),
    }
}

/// Keeps the good end of a run as evidence, where it stands among these entries. What cannot be kept in the cluster is
/// still in this machine's journal.
pub async fn keep(means: &Means, start: &Start, entries: &[Entry], head: &str) {
    let good = entries.iter().find(|entry| {
        matches!(
            entry.fact,
            Fact::End {
                state: RunState::Succeeded,
                ..
            }
        )
    });
    let Some(end) = good else { return };
    let who = records::Who::Cluster(start.actor.clone());
    let mut fields = records::about(start, &who);
    fields.insert("journal_head".to_owned(), json!(head));
    let event = AuditEvent {
        ts: end.ts,
        event: "rehearsal".to_owned(),
        fields,
    };
    let namespace = &start.target.namespace;
    let entry = |data: &Value| -> Map<String, Value> {
        let before = data[RECORDS].as_str().unwrap_or_default();
        // What was changed by somebody is not gone on from.
        let (seq, prev) = match verify_bytes(before.as_bytes(), None) {
            Verified::Ok { records, head, .. } if before.len() < ROOM => (records, head),
            _ => (0, GENESIS.to_owned()),
        };
        let before = if seq == 0 { "" } else { before };
        let (bytes, _) = line(&event, seq + 1, &prev);
        let whole = format!("{before}{}", String::from_utf8_lossy(&bytes));
        [(RECORDS.to_owned(), json!(whole))].into_iter().collect()
    };
    let kept = shared::change(&means.cluster, namespace, KEPT, entry, TRIES);
    if let Err(why) = kept.await {
        tracing::warn!("the rehearsal is not in {KEPT} of {namespace}: {why}");
    }
    let state = means.keeping.state.clone();
    let _ = records::off(move || records::append(&state, &[event])).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(models: &[&str]) -> String {
        let (mut text, mut prev) = (String::new(), GENESIS.to_owned());
        for (index, model) in models.iter().enumerate() {
            let fields =
                json!({"run": {"id": format!("r{index}"), "runbook": "b", "model": model}});
            let event = AuditEvent {
                ts: Timestamp::from_second(1_772_000_000 + index as i64).unwrap(),
                event: "rehearsal".into(),
                fields: fields.as_object().cloned().unwrap(),
            };
            let (bytes, head) = line(&event, index as u64 + 1, &prev);
            text.push_str(&String::from_utf8(bytes).unwrap());
            prev = head;
        }
        text
    }

    #[test]
    fn a_chain_that_was_changed_is_no_evidence() {
        let whole = chain(&["m1", "m2"]);
        assert_eq!(read(&whole).unwrap().len(), 2);
        assert!(read(&whole.replace("m2", "m3")).is_err());
        assert!(read(&whole[..whole.len() - 3]).is_err());
        let second = whole.lines().nth(1).unwrap();
        assert!(read(&format!("{second}\n")).is_err());
        assert_eq!(read("").unwrap(), []);
    }
}
