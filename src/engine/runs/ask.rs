//! The machine's questions, answered from the platform.

use super::means::Means;
use super::report::Reporter;
use super::state::{known, reference, text, unanswered};
use super::{
    approvals, checklist, clocks, lock, made, measure, named, outlook, outside, outward, owners,
    programs, request, revisions, rollout, secrets, service, state, tell,
};
use crate::platform::failure::FailureKind;
use crate::platform::kubernetes::{Manner, Right};
use crate::runbook::machine::{Answer, Event, Failure, GoingBack, Question, ReadId, Start};
use crate::runbook::patch::{Action, ObjectRef};
use crate::runbook::preflight::{Access, Level, Line, ObjectFacts, Requirement};
use crate::runbook::touch::{self, Touch};
use serde_json::Value;
use std::sync::Arc;

/// How often a rehearsal is tried again because the object's version moved on.
const REHEARSALS: u32 = 5;
/// The kinds that can be meant where none is named.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Answers a question; a rollout is answered again whenever it moves.
pub async fn answer(to: Reporter, start: Arc<Start>, id: ReadId, question: Question) {
    let means = &*to.means;
    let answered = match question {
        Question::Rollout {
            object,
            planned,
            generation,
        } => {
            return rollout::follow(&to, id, &object, planned.as_deref(), generation).await;
        }
        Question::Workload {
            namespace,
            reference,
        } => workload(means, &namespace, reference.as_deref()).await,
        Question::Revisions { object } => revisions::of(means, &start, &object).await,
        Question::Secret(asked) => secrets::state(means, &to.secrets, &asked).await,
        Question::Tell { channel, text, id } => {
            Ok(tell::send(means, &start, &channel, &text, id).await)
        }
        Question::Incident(keys) => tell::settle(means, &start, keys).await,
        Question::Consumers { namespace, key } => {
            secrets::consumers(means, &to.secrets, &namespace, &key).await
        }
        Question::Proof(asked) => secrets::pods(means, &to.secrets, &asked).await,
        Question::Synced {
            object,
            since,
            secret,
        } => return secrets::synced(&to, id, &object, &since, &secret).await,
        Question::Object { object } | Question::Probe { object, .. } => look(means, &object).await,
        Question::Made { object, from } => made::look(means, &object, from.as_ref()).await,
        Question::Http(request) => outward::ask(means, &request).await,
        Question::Scan(asked) => outward::scan(means, &asked).await,
        Question::Program(object) => programs::look(&means.keeping.rules, &start, object).await,
        Question::Service { object, set } => service::look(means, &object, &set).await,
        Question::Preflight {
            requirements,
            object,
            others,
            secrets,
            touch,
            back,
            gate,
            locks,
            suspends,
            programs,
            evidence,
        } => {
            let asked = Asked {
                requirements,
                object,
                others,
                secrets,
                touch,
                back,
                gate,
                locks,
                suspends,
                programs,
                evidence,
            };
            preflight(&to, &start, asked).await
        }
        Question::DryRun { action } => rehearse(&to, action).await,
        Question::Checklist { looks } => Ok(Answer::Checklist(
            checklist::look(means, &start, looks).await,
        )),
        Question::Approval {
            request,
            given,
            known,
            wait,
        } => approvals::look(means, &request, given, &known, wait).await,
    };
    let event = match answered {
        Ok(answer) => Event::Answered(id, Box::new(answer)),
        Err(failure) => Event::Unanswered(id, failure),
    };
    to.tell(event).await;
}

/// An object as it is now.
async fn look(means: &Means, object: &ObjectRef) -> Result<Answer, Failure> {
    let found = state::read(means, object).await?;
    Ok(found.map_or(Answer::Gone, Answer::Object))
}

async fn workload(means: &Means, namespace: &str, named: Option<&str>) -> Result<Answer, Failure> {
    let Some(named) = named else {
        return every(means, namespace, &KINDS).await;
    };
    let (kind, name) = named.split_once('/').unwrap_or(("Deployment", named));
    if name.is_empty() {
        return every(means, namespace, &[kind]).await;
    }
    let known = known(kind).map_err(Failure::Invalid)?;
    match means.cluster.object_of(&known, namespace, name).await {
        Ok(found) => Ok(Answer::Workload(reference(&known.kind, &found))),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(Answer::Gone),
        Err(failure) => Err(unanswered(&failure)),
    }
}

async fn every(means: &Means, namespace: &str, kinds: &[&str]) -> Result<Answer, Failure> {
    let (mut all, mut refused) = (Vec::new(), None);
    for kind in kinds {
        let known = known(kind).map_err(Failure::Invalid)?;
        match means.cluster.objects_of(&known, namespace, "").await {
            Ok(found) => all.extend(found.iter().map(|one| reference(kind, one))),
            Err(failure) => refused = Some(failure),
        }
    }
    match refused {
        Some(failure) if all.is_empty() => Err(unanswered(&failure)),
        _ => Ok(Answer::Workloads(all)),
    }
}

/// What the preflight is about.
struct Asked {
    requirements: Vec<Requirement>,
    object: ObjectRef,
    others: Vec<ObjectRef>,
    secrets: Vec<ObjectRef>,
    touch: Touch,
    back: Option<Box<GoingBack>>,
    gate: Option<u64>,
    locks: Vec<String>,
    suspends: Vec<String>,
    programs: Vec<String>,
    evidence: Vec<String>,
}

/// An object's facts with what its owners say of themselves.
async fn facts(
    means: &Means,
    object: &ObjectRef,
    suspends: &[String],
) -> Result<Option<(Value, ObjectFacts)>, Failure> {
    let Some(found) = state::read(means, object).await? else {
        return Ok(None);
    };
    let mut facts = found.facts;
    facts.managers = owners::look(means, &found.body, facts.managers).await;
    for manager in &mut facts.managers {
        if manager.tool == "Argo CD" && suspends.contains(&manager.name) {
            manager.self_heals = Some(false);
            manager.fact = Some("this run suspends its automatic sync first".to_owned());
        }
    }
    Ok(Some((found.body, facts)))
}

async fn preflight(to: &Reporter, start: &Start, asked: Asked) -> Result<Answer, Failure> {
    let means = &*to.means;
    let mut access = Vec::new();
    let follows = outlook::lines(means, &asked.requirements, &asked.object).await;
    for requirement in asked.requirements {
        access.push(may(means, requirement).await?);
    }
    let object = &asked.object;
    let found = if object.is_program() {
        None
    } else {
        facts(means, object, &asked.suspends).await?
    };
    let place = &start.target;
    let mut more = vec![
        Line::new(
            Level::Passed,
            "who and where",
            format!(
                "{} in {} ({}), environment {}",
                start.actor, place.namespace, place.context, place.environment
            ),
        ),
        Line::new(
            Level::Passed,
            "the record can be written",
            means.keeping.state.display().to_string(),
        ),
    ];
    more.extend(clocks::line(means, object, asked.gate.is_some()).await);
    more.extend(named::lines(means, start, &asked.evidence).await);
    more.push(lock::take(to, object).await);
    more.extend(secrets::vault_lines(means, &asked.secrets).await?);
    more.extend(to.claims.take(&asked.locks, start.dry_run).await);
    more.extend(follows);
    more.extend(programs::lines(&means.keeping.rules, start, &asked.programs).await);
    for other in &asked.others {
        let found = facts(means, other, &asked.suspends).await?;
        more.extend(touch::others(
            asked.touch,
            other,
            found.as_ref().map(|(_, facts)| facts),
        ));
    }
    if let (Some(back), Some((body, _))) = (&asked.back, &found) {
        more.extend(outside::lines(means, &object.namespace, body, back).await);
    }
    if let Some(least) = asked.gate {
        more.push(measure::outlook(means, object, least).await);
    }
    Ok(Answer::Preflight {
        access,
        facts: found.map(|(_, facts)| facts),
        more,
    })
}

/// Asks for one right. A server that cannot say is not a server that says no.
async fn may(means: &Means, requirement: Requirement) -> Result<Access, Failure> {
    if requirement.in_vault() {
        return secrets::may_in_vault(means, requirement).await;
    }
    let (resource, part) = requirement.parts();
    let right = Right {
        verb: requirement.verb.clone(),
        group: requirement.group.clone(),
        resource: resource.to_owned(),
        subresource: part.to_owned(),
        namespace: requirement.namespace.clone(),
        name: requirement.name.clone(),
    };
    let (allowed, reason) = match means.cluster.may(&right).await {
        Ok(said) => (Some(said.allowed), said.reason),
        Err(failure) => match unanswered(&failure) {
            Failure::Offline(why) => return Err(Failure::Offline(why)),
            _ => (None, failure.to_string()),
        },
    };
    Ok(Access {
        requirement,
        allowed,
        reason,
    })
}

/// Rehearses a change on the server. The version of a restless object moves on between reading and rehearsing: then it is
/// read again, as long as it is the same object.
async fn rehearse(to: &Reporter, mut action: Action) -> Result<Answer, Failure> {
    let means = &*to.means;
    let object = action.planned.object.clone();
    if object.in_vault() {
        return Ok(Answer::CannotRehearse("Vault has no dry run".to_owned()));
    }
    if object.is_program() {
        return Ok(Answer::CannotRehearse(
            "a program has no dry run".to_owned(),
        ));
    }
    let manner = Manner {
        dry_run: true,
        audit_id: None,
    };
    let mut tried = 0;
    loop {
        let failure = match request::send(to, &action, &manner).await {
            Ok(applied) => return Ok(Answer::DryRun(applied.object)),
            Err(failure) => failure,
        };
        match failure.kind {
            FailureKind::Conflict if tried < REHEARSALS => {
                tried += 1;
                let Some(now) = state::read(means, &object).await? else {
                    return Ok(Answer::Gone);
                };
                if now.object.uid != object.uid {
                    return Ok(Answer::Gone);
                }
                action.resource_version = text(&now.body["metadata"]["resourceVersion"]);
            }
            FailureKind::Invalid if cannot(&failure.said) => {
                return Ok(Answer::CannotRehearse(failure.said.to_string()));
            }
            FailureKind::NotFound => return Ok(Answer::Gone),
            _ if request::forbids(&action, &failure) => {
                return Ok(Answer::DryRunRefused(request::budget(&failure)));
            }
            FailureKind::Invalid | FailureKind::Forbidden(_) | FailureKind::Conflict => {
                return Ok(Answer::DryRunRefused(failure.to_string()));
            }
            _ => return Err(unanswered(&failure)),
        }
    }
}

/// A webhook that does not say that it has no side effects forbids rehearsing, not the change.
fn cannot(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("dry run") || said.contains("dryrun")
}
