//! `vigie runs` and `vigie abandon`: the runs of this machine, from their journals alone; with `--elsewhere` also what
//! others announce.

mod elsewhere;
mod export;

use super::args::{Abandon, OneRun, Output, Runs as Asked};
use super::console::runtime;
use super::exit::{Failed, OK, UNKNOWN, USAGE};
use super::print;
use super::session::Start;
use crate::app::runs::elsewhere::Elsewhere;
use crate::domain::target::Scope;
use crate::engine::clock::Clock;
use crate::engine::runs::records::Who;
use crate::engine::runs::{close, lease};
use crate::journal::{RealDisk, RunListing, Runs};
use crate::platform::kubernetes::Cluster;
use crate::ui::widget::text::sanitize;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

pub use export::proves;

/// Runs that are over and shown without `--all`.
const RECENT: usize = 10;

/// `vigie runs`.
pub fn runs(start: &Start, asked: &Asked) -> Result<u8, Failed> {
    if let Some(OneRun::Export(asked)) = &asked.one {
        return export::export(start, asked);
    }
    let (mut listed, broken) = Runs::new(&start.loaded.state_dir(), RealDisk).list();
    if !asked.all {
        let mut over = 0;
        listed.retain(|run| {
            over += usize::from(run.state.is_terminal());
            !run.state.is_terminal() || over <= RECENT
        });
    }
    let others = if asked.elsewhere {
        Some(others(start, &listed)?)
    } else {
        None
    };
    for (dir, why) in &broken {
        print::note(&format!("{}: {why}", dir.display()));
    }
    if start.global.output == Output::Json {
        let all: Vec<Value> = listed.iter().map(document).collect();
        let mut whole = json!({"schema": 1, "runs": all});
        if let Some(others) = &others {
            whole["elsewhere"] = others.iter().map(elsewhere::document).collect();
        }
        return print::text(&print::line(&whole));
    }
    let told = others.map_or_else(String::new, |others| elsewhere::told(&others));
    if listed.is_empty() {
        let none = "No runs yet. `vigie runbook list` says what can be run.\n";
        return print::text(&format!("{none}{told}"));
    }
    let mut text = format!(
        "{:<26}  {:<10}  {:<19}  {:<20}  {}\n",
        "RUN", "RUNBOOK", "STATE", "STARTED", "WHERE AND WHY"
    );
    for run in &listed {
        let at = &run.header.start;
        let why = run.read_only.as_ref().or(run.reason.as_ref());
        // A string takes whatever is written.
        let _ = writeln!(
            text,
            "{:<26}  {:<10}  {:<19}  {:<20}  {}{}",
            at.run,
            at.runbook,
            state(run),
            run.header.created.strftime("%Y-%m-%d %H:%M:%SZ"),
            sanitize(&place(run)),
            sanitize(&why.map_or(String::new(), |why| format!(": {why}")))
        );
    }
    text.push_str(&told);
    print::text(&text)
}

/// The runs that others announce where we look, without this machine's own.
fn others(start: &Start, own: &[RunListing]) -> Result<Vec<Elsewhere>, Failed> {
    let place = start.place();
    let mut found = runtime()?.block_on(async {
        let cluster = Cluster::connect(&place.options).await;
        let cluster = cluster.map_err(|failure| Failed::unconnected(&failure))?;
        let scope = place.scope.as_ref().map(Scope::namespace);
        let namespace = match scope {
            Some(None) => "".into(),
            Some(Some(name)) => name.clone(),
            None => cluster.namespace().clone(),
        };
        let found = lease::announced(&cluster, &namespace).await;
        found.map_err(|failure| Failed::new(UNKNOWN, format!("{failure}\n{}", failure.advice())))
    })?;
    found.retain(|run| {
        !own.iter()
            .any(|own| own.header.start.run.as_str() == &*run.run)
    });
    Ok(found)
}

/// The namespace, and the workload where one is settled.
fn place(run: &RunListing) -> String {
    let namespace = &run.header.start.target.namespace;
    match &run.workload {
        Some(workload) => format!("{namespace} {workload}"),
        None => namespace.clone(),
    }
}

fn state(run: &RunListing) -> String {
    let state = serde_json::to_value(run.state).unwrap_or_default();
    state.as_str().unwrap_or_default().to_owned()
}

fn document(run: &RunListing) -> Value {
    let start = &run.header.start;
    json!({
        "run": start.run, "runbook": start.runbook, "state": run.state, "reason": run.waits, "message": run.reason, "workload": run.workload,
        "started": run.header.created.to_string(), "ended": run.ended.map(|at| at.to_string()),
        "target": start.target, "actor": start.actor, "journal": run.dir.join("journal").display().to_string(),
        "read_only": run.read_only,
    })
}

/// How long the run's cluster may take to say who closes it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who closes a run: as its own cluster knows them, or, where that cannot be asked, as this machine does.
async fn closer(start: &Start, state: &Path, id: &str) -> (Who, Option<Announced>) {
    let runs = Runs::new(state, RealDisk);
    let target = runs.find(id).ok().and_then(|dir| runs.peek(&dir).ok());
    // A run that is not there is said by whoever closes it.
    let Some(start_of) = target.map(|(header, ..)| header.start) else {
        return (Who::here(), None);
    };
    let (target, run) = (start_of.target, start_of.run);
    let mut options = start.place().options;
    options.context = options.context.or(Some(target.context));
    let asked = async {
        let cluster = Cluster::connect(&options).await.ok()?;
        let (who, uid) = futures::join!(cluster.identity(), cluster.cluster_uid());
        if *uid.ok()? != *target.cluster_uid {
            return None;
        }
        let announced = Announced {
            cluster,
            namespace: target.namespace,
            run: run.to_string(),
        };
        Some((Who::Cluster(who.ok()?.username), Some(announced)))
    };
    let who = tokio::time::timeout(PATIENCE, asked).await;
    who.ok().flatten().unwrap_or_else(|| (Who::here(), None))
}

/// Where a run may still be announced.
struct Announced {
    cluster: Cluster,
    namespace: String,
    run: String,
}

impl Announced {
    /// Takes back what the closed run announces; where that cannot be, it is silent and may be taken over.
    async fn withdraw(self) {
        let taken = lease::withdraw(&self.cluster, &self.namespace, &self.run);
        if let Ok(Err(failure)) = tokio::time::timeout(PATIENCE, taken).await {
            print::note(&format!("its Lease stays: {failure}"));
        }
    }
}

/// `vigie abandon`.
pub fn abandon(start: &Start, asked: &Abandon) -> Result<u8, Failed> {
    if asked.reason.trim().is_empty() {
        return Err(Failed::usage("--reason says why the run is closed"));
    }
    let state = start.loaded.state_dir();
    // One for all: a connection ends with the runtime it was made in.
    let runtime = runtime()?;
    let (by, announced) = runtime.block_on(closer(start, &state, &asked.run));
    let now = Clock::system().now();
    let end =
        close::abandon(&state, &asked.run, &by, asked.reason.trim(), now).map_err(|refusal| {
            let code = if refusal.usage { USAGE } else { UNKNOWN };
            Failed::new(code, refusal.sentence)
        })?;
    if let Some(announced) = announced {
        runtime.block_on(announced.withdraw());
    }
    let mut text = format!("abandoned: {}\n", sanitize(&end.message));
    for left in &end.leftovers {
        // A string takes whatever is written.
        let _ = writeln!(text, "left in place: {}", sanitize(left));
    }
    print::text(&text)?;
    Ok(OK)
}
