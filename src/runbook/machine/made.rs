//! Objects that a step makes: a Job from a template, or what a configuration in the file names. A mark on them says whose
//! they are, so that nothing is made twice and nothing of anybody else's is deleted.

use serde_json::{Value, json};

use crate::runbook::ids::EffectKey;
use crate::runbook::machine::io::{ObjectState, Question};
use crate::runbook::machine::objects::{of_fields, set_to};
use crate::runbook::machine::run::Run;
use crate::runbook::machine::theirs::Unplanned;
use crate::runbook::model::{ObjectStep, Step, StepKind, Undo, fields, is_manifest, kind_of};
use crate::runbook::patch::{FieldChange, ObjectRef, Planned, apply_merge};
use crate::runbook::pointer::unescaped;
use crate::runbook::prose::bounded;
use crate::runbook::template::fill_data;
use crate::runbook::verb::{CREATE, EFFECT};

/// Who we are among an object's field managers.
const MANAGER: &str = "vigie";
/// The largest object that is made: the journal keeps it.
const LARGEST: usize = 64 * 1024;
/// How much of a name is left for what comes before the key.
const PREFIX: usize = 52;
/// How much of the effect's key ends a name.
const SUFFIX: usize = 8;
/// Labels by which a Job's own controller knows its pods.
const OWN_LABELS: [&str; 4] = [
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "job-name",
    "batch.kubernetes.io/job-name",
];

impl Run {
    fn effect_of(&self, step: &Step) -> EffectKey {
        EffectKey::new(&self.start.run, &step.id, false, 0)
    }

    /// Whether a step made the object that its effect is about.
    pub(super) fn makes(&self, index: usize) -> bool {
        let effect = self.ledger.steps[index].effect.as_ref();
        effect.is_some_and(|effect| effect.action.planned.verb().creates())
    }

    /// The object a step makes or applies.
    pub(super) fn made_object(&self, step: &Step) -> Result<Option<ObjectRef>, String> {
        let StepKind::Object(object) = &step.kind else {
            return Ok(None);
        };
        let scope = self.scope_of(step, None);
        let (namespace, kind, name) = match object {
            ObjectStep::JobRun { ns, name, from } => {
                let from = from.fill(&scope)?;
                let base = match name {
                    Some(name) => name.fill(&scope)?,
                    None => from.split_once('/').map_or("", |(_, name)| name).to_owned(),
                };
                if base.is_empty() {
                    return Err("the Job has no name".to_owned());
                }
                let base: String = base.chars().take(PREFIX).collect();
                let key = self.effect_of(step);
                let name = format!("{base}-{}", &key.as_str()[..SUFFIX]);
                (ns.fill(&scope)?, "Job".to_owned(), name)
            }
            ObjectStep::Apply { ns, manifest } => {
                let manifest = fill_data(manifest, &scope)?;
                let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
                (ns.fill(&scope)?, kind_of(&manifest), name.to_owned())
            }
            _ => return Ok(None),
        };
        Ok(Some(ObjectRef {
            kind,
            namespace,
            name,
            uid: String::new(),
        }))
    }

    /// What is asked before an object is made.
    pub(super) fn made_question(
        &self,
        step: &Step,
        object: &ObjectStep,
        made: &ObjectRef,
    ) -> Option<Question> {
        let from = match object {
            ObjectStep::JobRun { from, .. } => {
                let from = from.fill(&self.scope_of(step, None)).ok()?;
                let (kind, name) = from.split_once('/')?;
                Some(ObjectRef {
                    kind: kind.to_owned(),
                    namespace: made.namespace.clone(),
                    name: name.to_owned(),
                    uid: String::new(),
                })
            }
            ObjectStep::Apply { .. } => None,
            _ => return None,
        };
        Some(Question::Made {
            object: made.clone(),
            from,
        })
    }

    /// A Job as it is to be made.
    pub(super) fn plan_job(&self, step: &Step, state: &ObjectState) -> Result<Planned, Unplanned> {
        let (object, body) = (&state.object, &state.body);
        if body["metadata"]["name"].is_string() {
            let why = format!(
                "{} is there already, and this run did not make it",
                object.short()
            );
            return Err(Unplanned::Theirs(why));
        }
        let template = &body["template"];
        if !template["spec"].is_object() {
            return Err("there is no template to make a Job from".to_owned().into());
        }
        let mut spec = template["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            // One that removes itself could not be told from one that never was, and was to run now.
            for key in [
                "ttlSecondsAfterFinished",
                "suspend",
                "selector",
                "manualSelector",
            ] {
                fields.remove(key);
            }
        }
        let mut meta = json!({"name": object.name, "namespace": object.namespace,
            "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"]});
        let labels = [
            meta.pointer_mut("/labels"),
            spec.pointer_mut("/template/metadata/labels"),
        ];
        for labels in labels
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            labels.retain(|key, _| !OWN_LABELS.contains(&key.as_str()));
        }
        let mark = json!({"annotations": {EFFECT: self.effect_of(step), "cronjob.kubernetes.io/instantiate": "manual"}});
        apply_merge(&mut meta, &mark);
        let manifest =
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec});
        let from = body["from"].as_str().unwrap_or_default();
        let mut lines = vec![format!(
            "make {} from {}",
            object.short(),
            bounded(from, 80)
        )];
        let containers = manifest.pointer("/spec/template/spec/containers");
        for container in containers.and_then(Value::as_array).into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default();
            lines.push(format!("image {}", bounded(image, 160)));
        }
        creation("k8s.job-run", object, without_nulls(manifest), lines)
    }

    /// A configuration against what is there: made, or applied where it differs.
    pub(super) fn plan_apply(
        &self,
        step: &Step,
        manifest: &Value,
        state: &ObjectState,
    ) -> Result<Planned, Unplanned> {
        is_manifest(manifest)?;
        let object = &state.object;
        if !state.body["metadata"]["name"].is_string() {
            let mut made = manifest.clone();
            let mark = json!({"metadata": {"namespace": object.namespace, "annotations": {EFFECT: self.effect_of(step)}}});
            apply_merge(&mut made, &mark);
            let lines = vec![format!("make {}, which is not there", object.short())];
            return creation(CREATE, object, made, lines);
        }
        let identity = ["/apiVersion", "/kind", "/metadata/name"];
        let wanted = fields(manifest).into_iter();
        let wanted = wanted.filter(|(path, _)| !identity.contains(&path.as_str()));
        let mut changes = Vec::new();
        for (path, value) in wanted {
            let change = set_to(state, &path, Some(value.clone()))?;
            let items = |value: &Option<Value>| value.as_ref().and_then(Value::as_array).cloned();
            let tables = |value: &Option<Value>| {
                items(value).is_some_and(|all| all.iter().any(Value::is_object))
            };
            let there = Planned {
                kind: "k8s.apply".to_owned(),
                object: object.clone(),
                changes: vec![change.clone()],
                lines: Vec::new(),
            };
            if there.carried_by(&state.body).is_ok() {
                continue;
            }
            if tables(&change.after) && matches!(step.undo, Some(Undo::Restore)) {
                return Err(format!(
                    "`{}` is a list of tables: going back would replace it as a whole; write `undo = \"none\"` with `why`, or `barrier = true`",
                    bounded(&path, 80)
                )
                .into());
            }
            changes.push(change);
        }
        // What this program put there by a patch, applying would call somebody else's.
        let lists = |change: &FieldChange| change.after.as_ref().is_some_and(Value::is_array);
        let own = |change: &FieldChange| !lists(change) && is_ours(&state.body, &change.path);
        let kind = if !changes.is_empty() && changes.iter().all(own) {
            "k8s.patch"
        } else {
            "k8s.apply"
        };
        Ok(of_fields(kind, state, changes))
    }
}

/// Whether a field was last written by a patch of this program, and is claimed by nobody who applied it.
fn is_ours(body: &Value, path: &str) -> bool {
    let entries = body["metadata"]["managedFields"].as_array();
    let holds = |entry: &&Value| {
        let mut parts = path.split('/').skip(1).map(unescaped);
        let found = parts.try_fold(&entry["fieldsV1"], |at, part| at.get(format!("f:{part}")));
        found.is_some()
    };
    let holders: Vec<&Value> = entries.into_iter().flatten().filter(holds).collect();
    let ours = |entry: &&Value| entry["manager"] == MANAGER && entry["operation"] == "Update";
    let applied = |entry: &&Value| entry["operation"] == "Apply" && entry["manager"] != MANAGER;
    holders.iter().any(ours) && !holders.iter().any(applied)
}

fn creation(
    kind: &str,
    object: &ObjectRef,
    manifest: Value,
    lines: Vec<String>,
) -> Result<Planned, Unplanned> {
    if manifest.to_string().len() > LARGEST {
        let kib = LARGEST / 1024;
        return Err(format!("{} is larger than {kib} KiB", object.short()).into());
    }
    Ok(Planned {
        kind: kind.to_owned(),
        object: object.clone(),
        changes: vec![FieldChange::plain("", None, Some(manifest))],
        lines,
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(all) => {
            let kept = all.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        other => other,
    }
}
