//! The lock of what a run changes, among all machines: a Lease per key in the target's namespace, renewed while the run is
//! carried, looked at before every effect. A courtesy that names who is first and tells what goes on; that nothing is
//! changed twice rests on the preconditions of every change. Lease traffic has no intent in the journal, and is never
//! repeated blindly: what is not known is looked at.

mod acquire;
mod claims;
mod holding;
mod lines;
mod paper;
mod taking;
mod wire;

use super::means::Means;
use super::records;
use crate::app::runs::elsewhere::Elsewhere;
use crate::platform::failure::Failure;
use crate::platform::kubernetes::{Cluster, Manner, Precondition};
use crate::runbook::machine::Start;
pub use claims::Claims;
pub use paper::MANAGED;
use serde_json::Value;
use wire::{lease, within};

/// The runs that are announced in a namespace (empty: in any), by whomever.
pub async fn announced(cluster: &Cluster, namespace: &str) -> Result<Vec<Elsewhere>, Failure> {
    let selector = format!("{}={}", MANAGED.0, MANAGED.1);
    let kind = lease();
    let asked = cluster.objects_of(&kind, namespace, &selector);
    let found = within(asked, "list Leases", false).await?;
    let mut runs: Vec<Elsewhere> = found
        .iter()
        .map(paper::read)
        .filter(|paper| !paper.holder.identity.is_empty() && !paper.told.run.is_empty())
        .map(|paper| paper.told)
        .collect();
    runs.sort_by(|a, b| (&a.namespace, &a.run, &a.key).cmp(&(&b.namespace, &b.run, &b.key)));
    runs.dedup_by(|a, b| a.run == b.run);
    Ok(runs)
}

/// Takes back what a run that was closed by hand still announces; how many Leases that were.
pub async fn withdraw(cluster: &Cluster, namespace: &str, run: &str) -> Result<usize, Failure> {
    let selector = format!("{}={}", MANAGED.0, MANAGED.1);
    let kind = lease();
    let asked = cluster.objects_of(&kind, namespace, &selector);
    let found = within(asked, "list Leases", false).await?;
    let mut gone = 0;
    for body in &found {
        let paper = paper::read(body);
        if *paper.told.run != *run {
            continue;
        }
        let only_if = Precondition {
            uid: Some(paper.uid.clone()),
            resource_version: Some(paper.version.clone()),
        };
        let name = body["metadata"]["name"].as_str().unwrap_or_default();
        let manner = Manner::default();
        let sent = cluster.delete(&kind, namespace, name, &only_if, &manner);
        within(sent, "delete a Lease", true).await?;
        gone += 1;
    }
    Ok(gone)
}

/// Writes a take-over into the audit log.
pub async fn write_down(means: &Means, start: &Start, from: Vec<String>) {
    let who = records::Who::Cluster(start.actor.clone());
    let mut fields = records::about(start, &who);
    fields.insert("from".to_owned(), Value::from(from));
    let event = crate::journal::AuditEvent {
        ts: means.clock.now(),
        event: "lock.taken-over".to_owned(),
        fields,
    };
    let state = means.keeping.state.clone();
    // The journal has it already, in the preflight's line and the reason.
    let _ = records::off(move || records::append(&state, &[event])).await;
}
