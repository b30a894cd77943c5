//! Where the evidence of rehearsals is in the cluster: looked up before a critical run, kept at the good end of one in the
//! place for that.

use super::means::Means;
use super::rehearsals::{Rehearsal, read};
use super::{records, shared};
use crate::engine::identity::Place;
use crate::journal::audit::{line, verify_bytes};
use crate::journal::record::GENESIS;
use crate::journal::{AuditEvent, Verified};
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::Known;
use crate::runbook::machine::{Entry, Fact, RunState, Start};
use crate::runbook::prose::bounded;
use serde_json::{Map, Value, json};

/// The ConfigMap, and its entry.
const KEPT: &str = "vigie-rehearsals";
const RECORDS: &str = "records";
/// From this size on the chain begins anew: a ConfigMap holds a megabyte.
const ROOM: usize = 400 * 1024;
/// The most namespaces that are asked.
const MOST: usize = 20;
/// How often a write that meets another is tried again.
const TRIES: u32 = 5;

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
