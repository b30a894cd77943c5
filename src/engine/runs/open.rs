//! Opening a run: who we are and where, is it allowed here at all, its folder and journal; or, for one of before, that it
//! is the same cluster and who takes it over.

use super::carry::Carrier;
use super::lock;
use super::means::Means;
use super::report::Reporter;
use super::secrets::Secrets;
use super::{policy, records, rehearsals, rehearsing, witness};
use crate::app::runs::Refusal;
use crate::app::runs::order::Opening;
use crate::domain::incident;
use crate::domain::target::Environment;
use crate::engine::identity::Place;
use crate::engine::incidents::evidence;
use crate::engine::timekeeping::agree;
use crate::journal::runs::{keep_called, plan_json, restore};
use crate::journal::{Header, JournalError, RealDisk, Runs, fingerprint_key};
use crate::platform::failure::Failure;
use crate::runbook::ids::RunId;
use crate::runbook::machine::{Entry, Run, RunTarget, Start, carrier};
use crate::runbook::model::ParamType;
use crate::runbook::patch::ObjectRef;
use crate::runbook::preflight::Level;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The parameter that names the checklist of a release.
const EVIDENCE: &str = "evidence";

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
    // Deadlines go by the cluster's time, whatever this machine shows.
    agree(&means.clock, &means.cluster).await;
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
    let (severity, evidence) = incident_here(means, &here, &opening).await;
    let params = filled(means, &here, &opening, evidence)?;
    let unrecorded = opening.unrecorded;
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| refusal(format!("no randomness: {error}")))?;
    let start = Start {
        run: RunId::new(now, random),
        runbook: opening.book.id.clone(),
        version: opening.book.version.clone(),
        model: opening.book.model_digest(),
        params,
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
        reads_only: opening.unrecorded,
        answers: crate::runbook::machine::Answers {
            severity,
            ..opening.answers
        },
    };
    let mut run = Run::new(opening.book, start.clone(), now)
        .map_err(|error| refusal(format!("refused before the first effect: {error}")))?;
    second(means, &mut run);
    let header = Header {
        schema: crate::journal::runs::SCHEMA,
        created: now,
        app: env!("CARGO_PKG_VERSION").to_owned(),
        start: start.clone(),
    };
    if unrecorded {
        let secrets = Secrets::new(random_key()?);
        return Ok((Carrier::unrecorded(means.clone(), start, secrets), run));
    }
    let (state, text, plan) = (means.keeping.state.clone(), opening.text, plan_json(&run));
    let called = opening.called;
    let made = records::off(move || {
        let journal = Runs::new(&state, RealDisk).create(&header, &text, &plan)?;
        keep_called(&RealDisk, journal.dir(), &called)?;
        Ok::<_, JournalError>(journal)
    });
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
    let secrets = key(journal.dir().to_owned()).await?;
    let mut carrier = Carrier::new(means.clone(), start, journal, secrets);
    carrier.rehearses(run.runbook());
    carrier.reporter().claims.plan(&run, now);
    Ok((carrier, run))
}

/// The parameters with what the environment settles: where its secrets lie, unless no Vault is named here.
fn filled(
    means: &Means,
    here: &Here,
    opening: &Opening,
    evidence: Option<String>,
) -> Result<BTreeMap<String, Value>, Refusal> {
    const PATH: &str = "vault_path";
    let mut params = opening.params.clone();
    if let Some(run) = evidence {
        params.entry(EVIDENCE.to_owned()).or_insert(run.into());
    }
    let configured = (means.keeping.rules.vault_path)(&here.environment.name);
    let Some(configured) = configured.filter(|_| opening.book.param(PATH).is_some()) else {
        return Ok(params);
    };
    match params.get(PATH).and_then(Value::as_str) {
        None if means.vault.is_some() => {
            params.insert(PATH.to_owned(), configured.into());
        }
        Some(given) if given != configured => {
            return Err(refusal(format!(
                "refused before the first effect: vault_path is {given}, but the secrets of {} lie in {configured} ([environment.{}] vault_path)",
                opening.namespace, here.environment.name
            )));
        }
        _ => {}
    }
    Ok(params)
}

/// Who must agree, by the policy of now; and that this machine's user is not somebody else.
fn second(means: &Means, run: &mut Run) {
    let policy = (means.keeping.rules.policy)(&run.start().target.environment);
    run.demand_approvals(i64::from(policy.approvals));
    run.keep_from_approving(records::os_user());
}

/// How bad the incident is that is open here, which conditions of the runbook may ask; and the checklist it links, where the
/// runbook takes one and nothing speaks against it. One that raises doubts is left to whoever names it.
async fn incident_here(
    means: &Means,
    here: &Here,
    opening: &Opening,
) -> (Option<String>, Option<String>) {
    let place = incident::Place::on(
        (&here.uid, means.cluster.server()),
        &context(means),
        Some(&opening.namespace),
        &here.environment.name,
    );
    let ledger = means.incidents();
    let takes = opening.book.param(EVIDENCE);
    let takes = takes.is_some_and(|param| param.ty == ParamType::Run);
    let (state, namespace) = (means.keeping.state.clone(), opening.namespace.clone());
    let looked = records::off(move || {
        let open = ledger.open_at(&place);
        let first = open.first();
        let linked = first.filter(|_| takes).map(|one| one.linked.clone());
        let mut linked = linked.unwrap_or_default().into_iter().rev();
        let good = linked.find_map(|(run, ..)| {
            let found = evidence::of(&state, &run).ok()?;
            let clean = found.good && found.checklist && found.overridden.is_empty();
            (clean && found.namespace == namespace).then_some(found.run)
        });
        (first.map(|one| one.severity().to_string()), good)
    });
    looked.await.unwrap_or_default()
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
    let glass = opening.answers.break_glass.is_some();
    let seconded = policy::seconded(&demands, &name, &opening.book);
    let signers = means.keeping.rules.signers.clone();
    let known = if policy::wants_rehearsal(&demands, &opening.book).is_some() {
        rehearsing::there(means, rehearsals::place(&opening.book)).await
    } else {
        (Vec::new(), String::new())
    };
    let looked = records::off(move || {
        let grounds = policy::Grounds {
            signers: signers(),
            rehearsals: known,
        };
        policy::refusals(&demands, &name, &asked, &state, &grounds, now)
    });
    let mut refused = looked.await.map_err(refusal)?;
    if glass && !opening.answers.confirm.contains(&opening.namespace) {
        return Err(refusal(format!(
            "--break-glass wants --confirm {} as well",
            opening.namespace
        )));
    }
    if glass && seconded && refused.iter().all(|why| !why.contains("second person")) {
        let name = &here.environment.name;
        refused.push(format!("{name} wants a second person for this run"));
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
        let begun = &open.header.start;
        let by = records::Who::Cluster(carrier(begun, &open.entries).to_owned());
        witness::mend(&state, begun, &open.entries, &by).map_err(refusal)?;
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
    second(means, &mut run);
    let before = carrier(&start, &open.entries);
    let mut hand_over =
        (here.user != before).then(|| format!("{} takes over from {before}", here.user));
    // From here on the record says who really did it.
    start.actor.clone_from(&here.user);
    let secrets = key(open.journal.dir().to_owned()).await?;
    let mut carrier = Carrier::new(means.clone(), start, open.journal, secrets);
    carrier.rehearses(run.runbook());
    locked_here(carrier.reporter().clone(), run.objects()).await?;
    let claims = &carrier.reporter().claims;
    claims.plan(&run, open.header.created);
    for line in claims.take(&run.lock_keys(), false).await {
        match line.level {
            Level::Red => return Err(refusal(format!("{}: {}", line.text, line.fact))),
            // Only what is silent and another's; what may not be asked is said again by the preflight.
            Level::Amber if claims.takes_over().await => {
                hand_over = Some(format!("{} takes over: {}", here.user, line.fact));
            }
            _ => {}
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

/// Takes the locks of this machine for everything a run of before changes.
async fn locked_here(to: Reporter, objects: Vec<ObjectRef>) -> Result<(), Refusal> {
    for object in objects {
        let line = lock::take(&to, &object).await;
        if line.level == Level::Red {
            return Err(refusal(format!("{}: {}", object.short(), line.fact)));
        }
    }
    Ok(())
}

fn random_key() -> Result<[u8; 32], Refusal> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| refusal(format!("no randomness: {error}")))?;
    Ok(key)
}

/// What a run takes fingerprints of secrets with: the same after a crash, or what it planned could not be recognised.
async fn key(dir: PathBuf) -> Result<Secrets, Refusal> {
    let fresh = random_key()?;
    let kept = records::off(move || fingerprint_key(&RealDisk, &dir, fresh)).await;
    let kept = kept
        .map_err(refusal)?
        .map_err(|error| refusal(format!("the key for fingerprints cannot be kept: {error}")))?;
    Ok(Secrets::new(kept))
}

fn unopened(error: &JournalError) -> Refusal {
    refusal(error.to_string())
}
