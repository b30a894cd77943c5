//! Opening a run: who we are and where, is it allowed here at all, its folder and journal; or, for one of before, that it
//! is the same cluster and who takes it over.

use super::carry::Carrier;
use super::lock;
use super::means::Means;
use super::{policy, records};
use crate::app::runs::Refusal;
use crate::app::runs::order::Opening;
use crate::domain::incident;
use crate::domain::target::Environment;
use crate::engine::identity::Place;
use crate::journal::runs::{plan_json, restore};
use crate::journal::{Header, JournalError, RealDisk, Runs};
use crate::platform::failure::Failure;
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Entry, Run, RunTarget, Start, carrier};
use crate::runbook::preflight::Level;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A run of before, ready to be taken up.
pub struct Reopened {
    /// Its performer.
    pub carrier: Carrier,
    /// The run as its journal tells it.
    pub run: Run,
    /// What its journal holds.
    pub entries: Vec<Entry>,
    /// Who takes it up.
    pub by: String,
    /// Why somebody else takes it over.
    pub hand_over: Option<String>,
}

/// Who we are and where, as the server says.
struct Here {
    user: String,
    uid: Arc<str>,
    environment: Environment,
}

fn refusal(sentence: impl Into<String>) -> Refusal {
    Refusal {
        sentence: sentence.into(),
        usage: false,
    }
}

fn failed(failure: &Failure) -> Refusal {
    refusal(format!("{failure}\n{}", failure.advice()))
}

async fn here(means: &Means, namespace: &str) -> Result<Here, Refusal> {
    let identity = means.cluster.identity().await.map_err(|f| failed(&f))?;
    let uid = means.cluster.cluster_uid().await.map_err(|f| failed(&f))?;
    // Without the right to look, the namespace's label is not known: its name still is.
    let label = means.cluster.environment(namespace).await.ok().flatten();
    let environment = (means.keeping.environment)(Place {
        cluster: Some(&uid),
        namespace: Some(namespace),
        label: label.as_deref(),
    });
    Ok(Here {
        user: identity.username,
        uid,
        environment,
    })
}

/// Gives a new run its id, its folder and its performer.
pub async fn open(means: &Arc<Means>, opening: Opening) -> Result<(Carrier, Run), Refusal> {
    let here = here(means, &opening.namespace).await?;
    if means.keeping.rules.locked && !opening.dry_run {
        return Err(locked());
    }
    let confirmed = opening.answers.confirm.contains(&opening.namespace);
    if here.environment.guarded && !opening.attended && !opening.dry_run && !confirmed {
        return Err(refusal(format!(
            "{} is {} and read-only until armed; --confirm {} arms this one run",
            opening.namespace, here.environment.name, opening.namespace
        )));
    }
    means.trusted.store(false, Ordering::Relaxed);
    let now = means.clock.now();
    let passed = held(means, &here, &opening, now).await?;
    let unrecorded = opening.unrecorded;
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| refusal(format!("no randomness: {error}")))?;
    let severity = severity_here(means, &here, &opening).await;
    let start = Start {
        run: RunId::new(now, random),
        runbook: opening.book.id.clone(),
        version: opening.book.version.clone(),
        model: opening.book.model_digest(),
        params: opening.params,
        target: RunTarget {
            cluster_uid: here.uid.to_string(),
            context: context(means),
            server: means.cluster.server().to_string(),
            namespace: opening.namespace,
            environment: here.environment.name.to_string(),
        },
        actor: here.user,
        typed: here.environment.guarded,
        attended: opening.attended,
        dry_run: opening.dry_run,
        answers: crate::runbook::machine::Answers {
            severity,
            ..opening.answers
        },
    };
    let run = Run::new(opening.book, start.clone(), now)
        .map_err(|error| refusal(format!("refused before the first effect: {error}")))?;
    let header = Header {
        schema: crate::journal::runs::SCHEMA,
        created: now,
        app: env!("CARGO_PKG_VERSION").to_owned(),
        start: start.clone(),
    };
    if unrecorded {
        return Ok((Carrier::unrecorded(means.clone(), start), run));
    }
    let (state, text, plan) = (means.keeping.state.clone(), opening.text, plan_json(&run));
    let made = records::off(move || Runs::new(&state, RealDisk).create(&header, &text, &plan));
    let journal = made.await.map_err(refusal)?.map_err(|error| {
        refusal(format!(
            "the record cannot be written, so nothing is done: {error}"
        ))
    })?;
    if !passed.is_empty() {
        let carrier_start = start.clone();
        let (state, at) = (means.keeping.state.clone(), now);
        let written = records::off(move || policy::write_down(&state, &carrier_start, &passed, at));
        written.await.map_err(refusal)?.map_err(refusal)?;
    }
    Ok((Carrier::new(means.clone(), start, journal), run))
}

/// How bad the incident is that is open here: conditions of the runbook may ask.
async fn severity_here(means: &Means, here: &Here, opening: &Opening) -> Option<String> {
    let place = incident::Place::on(
        (&here.uid, means.cluster.server()),
        &context(means),
        Some(&opening.namespace),
        &here.environment.name,
    );
    let ledger = means.incidents();
    let open = records::off(move || ledger.open_at(&place)).await.ok()?;
    open.first().map(|one| one.severity().to_string())
}

/// What the policy refuses here, where it was gone past for a stated reason; otherwise it is refused.
async fn held(
    means: &Means,
    here: &Here,
    opening: &Opening,
    now: jiff::Timestamp,
) -> Result<Vec<String>, Refusal> {
    if opening.dry_run {
        return Ok(Vec::new());
    }
    let name = here.environment.name.to_string();
    let demands = (means.keeping.rules.policy)(&name);
    let (state, asked) = (means.keeping.state.clone(), opening.clone());
    let looked = records::off(move || policy::refusals(&demands, &name, &asked, &state, now));
    let refused = looked.await.map_err(refusal)?;
    let glass = opening.answers.break_glass.is_some();
    if glass && !opening.answers.confirm.contains(&opening.namespace) {
        return Err(refusal(format!(
            "--break-glass wants --confirm {} as well",
            opening.namespace
        )));
    }
    if refused.is_empty() || glass {
        return Ok(refused);
    }
    Err(refusal(format!(
        "refused before the first effect: {}\n`vigie run {} … --break-glass REASON --confirm {}` goes past the policy, and the record says so",
        refused.join("; "),
        opening.book.id,
        opening.namespace
    )))
}

fn locked() -> Refusal {
    refusal(
        "read-only: --read-only, VIGIE_READ_ONLY or read_only = true says that nothing is changed from here; leave it out, or add --dry-run",
    )
}

/// The context as the console names it.
fn context(means: &Means) -> String {
    let named = means.keeping.rules.context.clone();
    named.unwrap_or_else(|| means.cluster.context().to_string())
}

/// Reads a run of before from its journal.
pub async fn reopen(means: &Arc<Means>, id: &str) -> Result<Reopened, Refusal> {
    let (state, id, now) = (
        means.keeping.state.clone(),
        id.to_owned(),
        means.clock.now(),
    );
    means.trusted.store(false, Ordering::Relaxed);
    let opened = records::off(move || {
        let runs = Runs::new(&state, RealDisk);
        let dir = runs.find(&id).map_err(|sentence| Refusal {
            sentence,
            usage: true,
        })?;
        let open = runs.open(&dir, now).map_err(|error| unopened(&error))?;
        let run = restore(&open).map_err(|error| unopened(&error))?;
        Ok::<_, Refusal>((open, run))
    });
    let (open, mut run) = opened.await.map_err(refusal)??;
    let mut start = open.header.start;
    if let Some(end) = &run.ledger().end {
        return Err(refusal(format!(
            "run {} is over: {}",
            start.run, end.message
        )));
    }
    if means.keeping.rules.locked {
        return Err(locked());
    }
    let here = here(means, &start.target.namespace).await?;
    if *here.uid != *start.target.cluster_uid {
        return Err(refusal(format!(
            "run {} belongs to cluster {} ({}); this is cluster {} at {}: choose its context with --context",
            start.run,
            start.target.cluster_uid,
            start.target.context,
            here.uid,
            means.cluster.server()
        )));
    }
    // A simulated platform ends with its process, and the next one is another world of the same name.
    if &*here.environment.name == "simulated" && *start.target.server != **means.cluster.server() {
        return Err(refusal(format!(
            "run {} belongs to the simulated platform at {}, which has ended; close it with `vigie abandon {}`",
            start.run, start.target.server, start.run
        )));
    }
    // The stricter of then and now: a place that has become guarded asks for its name.
    if here.environment.guarded {
        run.guard();
    }
    let before = carrier(&start, &open.entries);
    let hand_over =
        (here.user != before).then(|| format!("{} takes over from {before}", here.user));
    // From here on the record says who really did it.
    start.actor.clone_from(&here.user);
    let carrier = Carrier::new(means.clone(), start, open.journal);
    for object in run.objects() {
        let line = lock::take(carrier.reporter(), &object).await;
        if line.level == Level::Red {
            return Err(refusal(format!("{}: {}", object.short(), line.fact)));
        }
    }
    Ok(Reopened {
        carrier,
        run,
        entries: open.entries,
        by: here.user,
        hand_over,
    })
}

fn unopened(error: &JournalError) -> Refusal {
    refusal(error.to_string())
}
