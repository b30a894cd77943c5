//! The record of runs on this machine, as the engine uses it: listing, what was rolled back from, audit records made of
//! journal entries. Everything here may block and is called through [`off`].

use crate::app::runs::shelf::PastRun;
use crate::journal::{Audit, AuditEvent, RealDisk, RunListing, Runs, host, in_words};
use crate::runbook::machine::{Entry, Fact, Found, Intent, Outcome, RunState, Start, Status};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
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

/// What earlier runs on a cluster say of revisions, by uid.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Gone back from, and not gone back to since.
    pub left: BTreeSet<String>,
    /// Gone back to by this run, which ended well, and not gone back from since.
    pub restored: BTreeMap<String, String>,
}

/// What the runs of before say of the revisions on a cluster, those aside that were undone themselves.
pub fn judged(state: &Path, cluster: &str) -> Judged {
    let runs = Runs::new(state, RealDisk);
    let (mut listed, _) = runs.list();
    listed.sort_by(|a, b| a.header.start.run.cmp(&b.header.start.run));
    let mut judged = Judged::default();
    let here = listed
        .into_iter()
        .filter(|run| run.header.start.target.cluster_uid == cluster)
        .filter(|run| run.state != RunState::RolledBack);
    for run in here {
        if let Ok((_, entries, _)) = runs.peek(&run.dir) {
            judged.learn(run.header.start.run.as_str(), run.state, &entries);
        }
    }
    judged
}

impl Judged {
    fn learn(&mut self, run: &str, state: RunState, entries: &[Entry]) {
        let applied = entries.iter().any(|entry| {
            matches!(&entry.fact, Fact::Outcome(outcome) if outcome.status == Status::Applied)
                || matches!(&entry.fact, Fact::Probed(probe) if probe.found == Found::Present)
        });
        let chosen = entries.iter().find_map(|entry| match &entry.fact {
            Fact::Done { out, .. } => out.get("leaving_uid").map(|leaving| (leaving, &out["uid"])),
            _ => None,
        });
        let uids = chosen.filter(|_| applied);
        let uids = uids.and_then(|(left, taken)| Some((left.as_str()?, taken.as_str()?)));
        let Some((left, taken)) = uids else { return };
        self.left.insert(left.to_owned());
        self.restored.remove(left);
        if state == RunState::Succeeded {
            self.left.remove(taken);
            self.restored.insert(taken.to_owned(), run.to_owned());
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// As the cluster knows them.
    Cluster(String),
    /// The cluster could not be asked: as this machine knows them.
    Machine(String),
}

impl Who {
    /// The user of this machine.
    pub fn here() -> Self {
        Self::Machine(os_user().unwrap_or_else(|| "unknown".to_owned()))
    }

    /// The name as it stands in sentences; one the cluster did not give says so.
    pub fn words(&self) -> String {
        match self {
            Self::Cluster(name) => name.clone(),
            Self::Machine(name) => {
                format!("{name} (user of this machine; the cluster did not say who)")
            }
        }
    }

    /// As the audit log has it.
    pub fn actor(&self) -> Value {
        let known = match self {
            Self::Cluster(name) => Some(name),
            Self::Machine(_) => None,
        };
        actor(known.map(String::as_str))
    }
}

/// Who acts, as cluster and machine know them.
pub fn actor(user: Option<&str>) -> Value {
    json!({"k8s_user": user, "os_user": os_user(), "host": host()})
}

/// The user of this machine, where it tells.
pub fn os_user() -> Option<String> {
    let variables = ["USER", "LOGNAME"].into_iter();
    let mut known = variables.filter_map(|name| std::env::var(name).ok());
    known.find(|name| !name.is_empty())
}

/// Puts the entries that somebody will ask about later into the audit log.
pub fn audit(state: &Path, start: &Start, who: &Who, entries: &[Entry]) -> Result<(), String> {
    append(state, &events(start, who, entries))
}

/// The same for entries that stand in the journal since a process was stopped, and says so of them.
pub fn audit_late(state: &Path, start: &Start, who: &Who, entries: &[Entry]) -> Result<(), String> {
    let mut events = events(start, who, entries);
    for event in &mut events {
        event.fields.insert("late".to_owned(), json!(true));
    }
    append(state, &events)
}

fn events(start: &Start, who: &Who, entries: &[Entry]) -> Vec<AuditEvent> {
    let each = entries.iter().filter_map(|entry| {
        let mut fields = about(start, who);
        fields.extend(told(&entry.fact)?);
        Some(AuditEvent {
            ts: entry.ts,
            event: entry.fact.name(),
            fields,
        })
    });
    each.collect()
}

/// Puts records into the audit log.
pub fn append(state: &Path, events: &[AuditEvent]) -> Result<(), String> {
    if events.is_empty() {
        return Ok(());
    }
    Audit::new(state, RealDisk)
        .append(events)
        .map(drop)
        .map_err(|error| format!("the audit log: {}", in_words(&error)))
}

/// Something that somebody did with this program, for the audit log.
pub fn by(who: &Who, ts: Timestamp, event: &str, (key, what): (&str, Value)) -> AuditEvent {
    let fields = [
        ("actor", who.actor()),
        ("app", json!({"version": env!("CARGO_PKG_VERSION")})),
        (key, what),
    ];
    AuditEvent {
        ts,
        event: event.to_owned(),
        fields: fields
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect(),
    }
}

/// Who, with what, where, in which run.
pub fn about(start: &Start, who: &Who) -> Map<String, Value> {
    let fields = json!({
        "actor": who.actor(),
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
        Fact::Outcome(outcome) | Fact::UndoOutcome(outcome) => {
            // What a program printed stays in the run's own record.
            let mut fields = serde_json::to_value(Outcome {
                said: None,
                ..outcome.clone()
            })
            .ok()?;
            fields["k8s_audit_id"] = json!(outcome.effect.audit_id(outcome.attempt));
            fields
        }
        Fact::Start(start) => json!({
            "params": start.params, "reason": start.answers.reason, "break_glass": start.answers.break_glass,
        }),
        Fact::Preflight { ok, lines, .. } => json!({"ok": ok, "lines": lines}),
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
