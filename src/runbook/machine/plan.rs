//! Works a step's change out against an object as it is now. Every target is absolute; the result is data that a
//! person confirms and that is compared again right before it is sent.

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::runbook::machine::acts;
use crate::runbook::machine::io::ObjectState;
use crate::runbook::machine::run::Run;
use crate::runbook::model::{StepKind, Target};
use crate::runbook::patch::{FieldChange, ObjectRef, Planned, changes, plan_rollback};

impl Run {
    /// The object a target names; its uid is known once an `input` step found it.
    pub(super) fn object_of(&self, target: &Target) -> Result<ObjectRef, String> {
        let scope = self.scope(None);
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
        let targets = self.plan.iter().filter_map(|step| step.kind.target());
        let mut all: Vec<ObjectRef> = Vec::new();
        for object in targets.filter_map(|target| self.object_of(target).ok()) {
            if !object.uid.is_empty() && !all.contains(&object) {
                all.push(object);
            }
        }
        all
    }

    /// What a step kind would change on this object.
    #[expect(
        clippy::too_many_lines,
        reason = "one decision read from top to bottom, an arm for each case"
    )]
    pub(super) fn plan_for(
        &self,
        kind: &StepKind,
        state: &ObjectState,
        now: Timestamp,
    ) -> Result<Planned, String> {
        let scope = self.scope(None);
        let object = state.object.clone();
        let field = |path: &str, after: Option<Value>| FieldChange {
            path: path.to_owned(),
            before: state.body.pointer(path).cloned(),
            after,
        };
        let planned = |changes: Vec<FieldChange>, line: String| Planned {
            kind: kind.name().to_owned(),
            object: object.clone(),
            changes: changes
                .into_iter()
                .filter(|change| change.before != change.after)
                .collect(),
            lines: vec![line],
        };
        Ok(match kind {
            StepKind::Rollback { to, .. } => {
                let number = to.fill(&scope)?;
                let found = self
                    .revision_of(&number)
                    .ok_or_else(|| format!("revision {number} was not among those read"))?;
                let notes = found.get("annotations").and_then(Value::as_object);
                plan_rollback(object, &state.body, &found["template"], notes)
            }
            StepKind::Delete { .. } | StepKind::Evict { .. } => acts::removal(kind.name(), state)?,
            StepKind::Scale { .. } if state.body.pointer("/spec/replicas").is_none() => {
                return Err(acts::unscalable(state));
            }
            StepKind::Scale { replicas, .. } => {
                let wanted = replicas.number(&scope)?;
                if !(0..=10_000).contains(&wanted) {
                    return Err(format!("{wanted} replicas are out of the question"));
                }
                let now_is = state
                    .body
                    .pointer("/spec/replicas")
                    .and_then(Value::as_i64)
                    .unwrap_or(1);
                planned(
                    vec![field("/spec/replicas", Some(json!(wanted)))],
                    format!("replicas {now_is} → {wanted}"),
                )
            }
            StepKind::RolloutRestart { .. } => {
                if state.facts.paused {
                    return Err("the workload is paused: a restart would not happen".to_owned());
                }
                let stamp = now.round(Unit::Second).unwrap_or(now).to_string();
                planned(stamped(state, &stamp), format!("restart, stamped {stamp}"))
            }
            StepKind::Pause { .. } => planned(
                vec![field("/spec/paused", Some(json!(true)))],
                "pause the rollout".to_owned(),
            ),
            StepKind::Resume { .. } => planned(
                vec![field("/spec/paused", None)],
                "let the rollout go on".to_owned(),
            ),
            StepKind::SetImage {
                container, image, ..
            } => set_image(state, kind, container.as_deref(), &image.fill(&scope)?)?,
            StepKind::Annotate { set, .. } => {
                let mut annotations = state
                    .body
                    .pointer("/metadata/annotations")
                    .cloned()
                    .unwrap_or_else(|| json!({}));
                for (key, text) in set {
                    annotations[key.as_str()] = json!(text.fill(&scope)?);
                }
                let old = state
                    .body
                    .pointer("/metadata/annotations")
                    .cloned()
                    .unwrap_or_else(|| json!({}));
                planned(
                    changes(&old, &annotations, "/metadata/annotations"),
                    format!(
                        "annotations {}",
                        set.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                )
            }
            other => return Err(format!("`{}` changes nothing", other.name())),
        })
    }

    /// What an `input` step read of a revision, its template among it.
    fn revision_of(&self, number: &str) -> Option<&Value> {
        let number: i64 = number.parse().ok()?;
        let mut outs = self.ledger.outs.values();
        let found = outs.find(|out| out.get("number").and_then(Value::as_i64) == Some(number));
        found.filter(|found| found.get("template").is_some())
    }
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
