//! The record of runs on this machine, as the engine uses it: listing, what was rolled back from, audit records made of
//! journal entries. Everything here may block and is called through [`off`].

use crate::app::runs::shelf::PastRun;
use crate::journal::{Audit, AuditEvent, RealDisk, RunListing, Runs};
use crate::runbook::machine::{Entry, Fact, Intent, RunState, Start, Status};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Runs file work on a thread that may block; the error is a thread that broke.
pub async fn off<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| error.to_string())
}

/// Every run below a state directory.
pub fn past(state: &Path) -> Vec<PastRun> {
    let (listed, _) = Runs::new(state, RealDisk).list();
    listed.into_iter().map(listing).collect()
}

fn listing(run: RunListing) -> PastRun {
    let start = run.header.start;
    PastRun {
        run: start.run.as_str().into(),
        runbook: start.runbook.into(),
        state: run.state,
        reason: run.reason,
        started: run.header.created,
        ended: run.ended,
        target: start.target,
        actor: start.actor,
        journal: run.dir.join("journal").display().to_string(),
        read_only: run.read_only,
        carried: run.carried,
    }
}

/// The uids of revisions that earlier runs on this cluster went back from, those runs aside that were undone themselves.
pub fn rolled_back_from(state: &Path, cluster: &str) -> Vec<String> {
    let runs = Runs::new(state, RealDisk);
    let (listed, _) = runs.list();
    let here = listed
        .into_iter()
        .filter(|run| run.header.start.target.cluster_uid == cluster)
        .filter(|run| run.state != RunState::RolledBack);
    let left = here.filter_map(|run| {
        let (_, entries, _) = runs.peek(&run.dir).ok()?;
        let applied = entries.iter().any(|entry| {
            matches!(&entry.fact, Fact::Outcome(outcome) if outcome.status == Status::Applied)
        });
        let leaving = entries.iter().find_map(|entry| match &entry.fact {
            Fact::Done { out, .. } => out.get("leaving_uid")?.as_str().map(str::to_owned),
            _ => None,
        });
        leaving.filter(|_| applied)
    });
    left.collect()
}

/// Puts the entries that somebody will ask about later into the audit log.
pub fn audit(state: &Path, start: &Start, entries: &[Entry]) -> Result<(), String> {
    let events: Vec<AuditEvent> = entries
        .iter()
        .filter_map(|entry| {
            let mut fields = about(start);
            fields.extend(told(&entry.fact)?);
            Some(AuditEvent {
                ts: entry.ts,
                event: entry.fact.name(),
                fields,
            })
        })
        .collect();
    append(state, &events)
}

/// Puts records into the audit log.
pub fn append(state: &Path, events: &[AuditEvent]) -> Result<(), String> {
    if events.is_empty() {
        return Ok(());
    }
    Audit::new(state, RealDisk)
        .append(events)
        .map(drop)
        .map_err(|error| format!("the audit log: {error}"))
}

/// Who, with what, where, in which run.
pub fn about(start: &Start) -> Map<String, Value> {
    let fields = json!({
        "actor": {"k8s_user": start.actor},
        "app": {"version": env!("CARGO_PKG_VERSION")},
        "target": start.target,
        "run": {"id": start.run, "runbook": start.runbook, "version": start.version, "model": start.model},
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// What a fact says for the audit log; `None` where it says nothing anybody did.
fn told(fact: &Fact) -> Option<Map<String, Value>> {
    let fields = match fact {
        Fact::Intent(intent) | Fact::UndoIntent(intent) => effect(intent),
        Fact::Start(start) => json!({
            "params": start.params, "reason": start.answers.reason, "break_glass": start.answers.break_glass,
        }),
        Fact::Preflight { ok, lines } => json!({"ok": ok, "lines": lines}),
        Fact::Skipped { .. }
        | Fact::Started { .. }
        | Fact::Progress { .. }
        | Fact::Planned { .. }
        | Fact::Done { .. }
        | Fact::Param { .. }
        | Fact::Recovered { .. } => return None,
        other => serde_json::to_value(other).ok()?,
    };
    let mut fields = fields.as_object().cloned()?;
    fields.remove("event");
    Some(fields)
}

fn effect(intent: &Intent) -> Value {
    let planned = &intent.action.planned;
    json!({
        "step": intent.step, "effect": intent.effect, "attempt": intent.attempt, "k8s_audit_id": intent.audit_id,
        "kind": planned.kind, "object": planned.object, "lines": planned.lines,
        "precondition": {"resourceVersion": intent.action.resource_version, "uid": planned.object.uid},
    })
}
