//! Works a step's change out against an object as it is now. Every target is absolute; the result is data that a
//! person confirms and that is compared again right before it is sent.

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::runbook::machine::acts;
use crate::runbook::machine::io::ObjectState;
use crate::runbook::machine::run::Run;
use crate::runbook::machine::theirs::Unplanned;
use crate::runbook::model::{Step, StepKind, Target};
use crate::runbook::patch::{FieldChange, ObjectRef, Planned, changes, plan_rollback};

impl Run {
    /// The object a target names; its uid is known once an `input` step found it.
    pub(super) fn object_of(&self, step: &Step, target: &Target) -> Result<ObjectRef, String> {
        let scope = self.scope_of(step, None);
        let (namespace, text) = (target.ns.fill(&scope)?, target.target.fill(&scope)?);
        let (kind, name) = text.split_once('/').unwrap_or(("Deployment", &text));
        if name.is_empty() {
            return Err("the target is empty".to_owned());
        }
        let object = ObjectRef {
            kind: kind.to_owned(),
            namespace,
            name: name.to_owned(),
            uid: String::new(),
        };
        let known = self.ledger.outs.values().find(|out| {
            let is = |key: &str, wanted: &str| out.get(key).and_then(Value::as_str) == Some(wanted);
            is("kind", &object.kind)
                && is("name", &object.name)
                && is("namespace", &object.namespace)
        });
        let uid = known
            .and_then(|out| out.get("uid"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Ok(ObjectRef { uid, ..object })
    }

    /// Everything its steps are about, as far as it was found.
    pub fn objects(&self) -> Vec<ObjectRef> {
        let targets = self.plan.iter().filter(|step| step.kind.target().is_some());
        let mut all: Vec<ObjectRef> = Vec::new();
        for object in targets.filter_map(|step| self.object_for(step).ok()) {
            if !object.uid.is_empty() && !all.contains(&object) {
                all.push(object);
            }
        }
        all
    }

    /// What nobody else may carry out while this run does: the runbook's own keys, else the objects it is about.
    pub fn lock_keys(&self) -> Vec<String> {
        let scope = self.scope(None);
        let keys = self.book.lock.iter();
        let keys: Vec<String> = keys.filter_map(|key| key.fill(&scope).ok()).collect();
        if !keys.is_empty() {
            return keys;
        }
        let objects = self.objects();
        let key = |object: &ObjectRef| format!("{}/{}", object.namespace, object.short());
        objects.iter().map(key).collect()
    }

    /// What a step kind would change on this object.
    pub(super) fn plan_for(
        &self,
        step: &Step,
        kind: &StepKind,
        state: &ObjectState,
        now: Timestamp,
    ) -> Result<Planned, Unplanned> {
        let scope = self.scope_of(step, None);
        let paused = "/spec/paused";
        match kind {
            StepKind::Rollback { to, .. } => {
                let number = to.fill(&scope)?;
                let found = self
                    .revision_of(&number)
                    .ok_or_else(|| format!("revision {number} was not among those read"))?;
                let notes = found.get("annotations").and_then(Value::as_object);
                let (object, template) = (state.object.clone(), &found["template"]);
                Ok(plan_rollback(object, &state.body, template, notes))
            }
            StepKind::Delete { .. } | StepKind::Evict { .. } => {
                Ok(acts::removal(kind.name(), state)?)
            }
            StepKind::Scale { replicas, .. } => Ok(scaled(state, kind, replicas.number(&scope)?)?),
            StepKind::RolloutRestart { .. } => {
                if state.facts.paused {
                    let why = "the workload is paused: a restart would not happen";
                    return Err(why.to_owned().into());
                }
                let stamp = stamp_after(state, now);
                let line = format!("restart, stamped {stamp}");
                Ok(planned(state, kind, stamped(state, &stamp), line))
            }
            StepKind::Pause { .. } => {
                let change = field(state, paused, Some(json!(true)));
                Ok(planned(state, kind, vec![change], "pause the rollout"))
            }
            StepKind::Resume { .. } => {
                let change = field(state, paused, None);
                Ok(planned(state, kind, vec![change], "let the rollout go on"))
            }
            StepKind::SetImage {
                container, image, ..
            } => Ok(set_image(
                state,
                kind,
                container.as_deref(),
                &image.fill(&scope)?,
            )?),
            StepKind::Annotate { set, .. } => {
                let mut notes = serde_json::Map::new();
                for (key, text) in set {
                    notes.insert(key.clone(), json!(text.fill(&scope)?));
                }
                Ok(annotated(state, kind, notes))
            }
            StepKind::Exec { argv } => self.plan_program(step, argv, state),
            StepKind::Object(object) => self.plan_object(step, object, state),
            StepKind::Secret(secret) => self.plan_secret(step, secret, state, now),
            other => Err(format!("`{}` changes nothing", other.name()).into()),
        }
    }

    /// What an `input` step read of a revision, its template among it.
    fn revision_of(&self, number: &str) -> Option<&Value> {
        let number: i64 = number.parse().ok()?;
        let mut outs = self.ledger.outs.values();
        let found = outs.find(|out| out.get("number").and_then(Value::as_i64) == Some(number));
        found.filter(|found| found.get("template").is_some())
    }
}

fn field(state: &ObjectState, path: &str, after: Option<Value>) -> FieldChange {
    FieldChange {
        path: path.to_owned(),
        before: state.body.pointer(path).cloned(),
        after,
        from: None,
    }
}

/// Some changes of an object, without those that change nothing.
fn planned(
    state: &ObjectState,
    kind: &StepKind,
    mut changes: Vec<FieldChange>,
    line: impl Into<String>,
) -> Planned {
    changes.retain(|change| change.before != change.after);
    Planned {
        kind: kind.name().to_owned(),
        object: state.object.clone(),
        changes,
        lines: vec![line.into()],
    }
}

/// Another number of replicas.
fn scaled(state: &ObjectState, kind: &StepKind, wanted: i64) -> Result<Planned, String> {
    let Some(is) = state.body.pointer("/spec/replicas") else {
        return Err(acts::unscalable(state));
    };
    if !(0..=10_000).contains(&wanted) {
        return Err(format!("{wanted} replicas are out of the question"));
    }
    let line = format!("replicas {} → {wanted}", is.as_i64().unwrap_or(1));
    let change = field(state, "/spec/replicas", Some(json!(wanted)));
    Ok(planned(state, kind, vec![change], line))
}

/// More annotations.
fn annotated(
    state: &ObjectState,
    kind: &StepKind,
    notes: serde_json::Map<String, Value>,
) -> Planned {
    let path = "/metadata/annotations";
    let old = state.body.pointer(path).cloned();
    let old = old.unwrap_or_else(|| json!({}));
    let keys: Vec<String> = notes.keys().cloned().collect();
    let mut new = old.clone();
    for (key, text) in notes {
        new[key.as_str()] = text;
    }
    let line = format!("annotations {}", keys.join(", "));
    planned(state, kind, changes(&old, &new, path), line)
}

/// The moment of a restart, to the second; never the one that stands there, which would restart nothing.
fn stamp_after(state: &ObjectState, now: Timestamp) -> String {
    let at = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    let stands = state.body.pointer(at).and_then(Value::as_str);
    let stamp = now.round(Unit::Second).unwrap_or(now);
    if stands == Some(stamp.to_string().as_str()) {
        return (stamp + jiff::SignedDuration::from_secs(1)).to_string();
    }
    stamp.to_string()
}

/// The restart stamp, where the template may not have annotations yet.
fn stamped(state: &ObjectState, stamp: &str) -> Vec<FieldChange> {
    let old = state
        .body
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let mut new = old.clone();
    crate::runbook::patch::apply_merge(
        &mut new,
        &json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": stamp}}}),
    );
    changes(&old, &new, "/spec/template")
}

/// Another image, the label `version` following where there is one.
fn set_image(
    state: &ObjectState,
    kind: &StepKind,
    container: Option<&str>,
    image: &str,
) -> Result<Planned, String> {
    let old = state
        .body
        .pointer("/spec/template")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let mut new = old.clone();
    let containers = new
        .pointer_mut("/spec/containers")
        .and_then(Value::as_array_mut)
        .ok_or("the template has no containers")?;
    let chosen = match (container, containers.as_mut_slice()) {
        (None, [only]) => only,
        (None, _) => return Err("several containers: name one with `container`".to_owned()),
        (Some(name), all) => all
            .iter_mut()
            .find(|one| one.get("name").and_then(Value::as_str) == Some(name))
            .ok_or_else(|| format!("no container `{name}`"))?,
    };
    chosen["image"] = json!(image);
    let tag = image
        .split('@')
        .next()
        .and_then(|name| name.rsplit_once(':'))
        .map(|(_, tag)| tag)
        .filter(|tag| !tag.contains('/'));
    if let (Some(label), Some(tag)) = (new.pointer_mut("/metadata/labels/version"), tag) {
        *label = json!(tag);
    }
    let lines = crate::runbook::patch::template_lines(&old, &new);
    Ok(Planned {
        kind: kind.name().to_owned(),
        object: state.object.clone(),
        changes: changes(&old, &new, "/spec/template"),
        lines,
    })
}
