//! Steps that change named fields of an object: what they come to on the object as it is, and whom a Service would send
//! its traffic to. Every field is compared by its exact value, so that nobody else's change is written over.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::runbook::machine::io::{ObjectState, Question};
use crate::runbook::machine::ledger::{StepRecord, StepState};
use crate::runbook::machine::run::Run;
use crate::runbook::machine::theirs::Unplanned;
use crate::runbook::model::{ObjectStep, Step, StepKind, fields, patchable};
use crate::runbook::patch::{FieldChange, ObjectRef, Planned, field_lines};
use crate::runbook::pointer::{escaped, unescaped};
use crate::runbook::prose::bounded;
use crate::runbook::template::fill_data;

/// The longest old value that is kept for the way back.
const LARGEST: usize = 64 * 1024;
/// Where an Application keeps how it syncs by itself.
const AUTOMATED: &str = "/spec/syncPolicy/automated";
/// Where a Service keeps whom it sends its traffic to.
const SELECTOR: &str = "/spec/selector";

impl Run {
    /// What a step about fields would change on this object.
    pub(super) fn plan_object(
        &self,
        step: &Step,
        object: &ObjectStep,
        state: &ObjectState,
    ) -> Result<Planned, Unplanned> {
        let scope = self.scope_of(step, None);
        let changes = match object {
            ObjectStep::Suspend { .. } => vec![set_to(state, AUTOMATED, None)?],
            ObjectStep::Resume { .. } => vec![self.as_suspended(state)?],
            ObjectStep::JobRun { .. } => return self.plan_job(step, state),
            ObjectStep::Apply { manifest, .. } => {
                let manifest = fill_data(manifest, &scope)?;
                return self.plan_apply(step, &manifest, state);
            }
            ObjectStep::Patch { patch, remove, .. } => {
                let patch = fill_data(patch, &scope)?;
                let removed: Result<Vec<String>, String> =
                    remove.iter().map(|text| text.fill(&scope)).collect();
                patched(state, &patch, &removed?)?
            }
            ObjectStep::Selector { set, .. } => {
                if state
                    .body
                    .pointer(SELECTOR)
                    .is_none_or(|all| all == &json!({}))
                {
                    let name = state.object.short();
                    let why = format!("{name} has no selector: its endpoints are somebody's own");
                    return Err(why.into());
                }
                let mut changes = Vec::new();
                for (key, text) in set {
                    let value = label(&text.fill(&scope)?)?;
                    changes.push(set_to(state, &pointer(SELECTOR, key), Some(json!(value)))?);
                }
                changes
            }
        };
        let mut planned = of_fields(object.name(), state, changes);
        if let Some(pods) = state
            .facts
            .ready_pods
            .filter(|_| !planned.changes.is_empty())
        {
            planned.lines.push(format!("ready pods behind it: {pods}"));
        }
        Ok(planned)
    }

    /// How an Application synced before this run suspended it. Who set it otherwise since is not written over.
    fn as_suspended(&self, state: &ObjectState) -> Result<FieldChange, Unplanned> {
        let same = |planned: &&Planned| {
            let (ours, now) = (&planned.object, &state.object);
            planned.kind == "argocd.suspend"
                && ours.short() == now.short()
                && ours.namespace == now.namespace
        };
        let mut plans = self
            .ledger
            .steps
            .iter()
            .filter_map(|record| record.plan.as_ref());
        let name = state.object.short();
        let Some(suspended) = plans.rfind(same) else {
            return Err(
                format!("this run did not suspend {name}: there is nothing to resume").into(),
            );
        };
        let saved = suspended
            .changes
            .first()
            .and_then(|change| change.before.clone());
        let change = set_to(state, AUTOMATED, saved.clone())?;
        if change.before.is_some() && change.before != saved {
            return Err(Unplanned::Theirs(format!(
                "somebody set how {name} syncs since it was suspended: it is left as it is"
            )));
        }
        Ok(change)
    }

    /// Whether an Application is still suspended by this run, or may be.
    pub(super) fn holds_suspended(&self) -> bool {
        let open = |(record, step): (&StepRecord, &Step)| {
            let doubtful = record.effect.as_ref().is_some_and(|effect| {
                matches!(effect.state, StepState::Intent | StepState::Unknown)
            });
            is_suspension(step)
                && (record.effective() || doubtful)
                && record.state != StepState::UndoFailed
        };
        self.ledger.steps.iter().zip(&self.plan).any(open)
    }

    /// Whether every Application it suspended was resumed by a step of its own since.
    pub(super) fn resumed_itself(&self) -> bool {
        let mut steps = self.ledger.steps.iter().zip(&self.plan).enumerate();
        steps.all(|(index, (record, step))| {
            let planned = record.effect.as_ref().map(|effect| &effect.action.planned);
            let Some(ours) = planned.filter(|_| is_suspension(step) && record.effective()) else {
                return true;
            };
            self.ledger.steps[index..].iter().any(|later| {
                let effect = later.effect.as_ref().filter(|_| later.effective());
                effect.is_some_and(|effect| {
                    let planned = &effect.action.planned;
                    planned.kind == "argocd.resume" && planned.object == ours.object
                })
            })
        })
    }

    /// The Applications that the plan suspends before it changes anything else: these put nothing back meanwhile.
    pub(super) fn suspends(&self) -> Vec<String> {
        let changing = self.plan.iter().filter(|step| step.kind.mutates());
        let first = changing.take_while(|step| is_suspension(step));
        let names = first.filter_map(|step| Some(self.object_for(step).ok()?.name));
        names.collect()
    }

    /// What is asked to see the object of such a step as it is now; `back` is its way back, where that is taken.
    pub(super) fn object_question(
        &self,
        step: &Step,
        kind: &StepKind,
        object: ObjectRef,
        back: Option<&Planned>,
    ) -> Question {
        if let (StepKind::Object(made), None) = (kind, back)
            && let Some(question) = self.made_question(step, made, &object)
        {
            return question;
        }
        let StepKind::Object(ObjectStep::Selector { set, .. }) = kind else {
            return Question::Object { object };
        };
        let scope = self.scope_of(step, None);
        let set: BTreeMap<String, Option<String>> = match back {
            Some(back) => back.changes.iter().map(of_label).collect(),
            None => set
                .iter()
                .filter_map(|(key, text)| Some((key.clone(), Some(text.fill(&scope).ok()?))))
                .collect(),
        };
        Question::Service { object, set }
    }
}

/// Whether a step suspends an Application: its undo comes however the run ends.
pub(super) fn is_suspension(step: &Step) -> bool {
    matches!(step.kind, StepKind::Object(ObjectStep::Suspend { .. }))
}

/// Why a Service may not be switched over: nobody would answer behind it.
pub(super) fn unserved(planned: &Planned, state: &ObjectState) -> Option<String> {
    if planned.kind != "k8s.service-selector" {
        return None;
    }
    match state.facts.ready_pods {
        Some(0) => Some(format!(
            "no ready pod has the labels that {} would select: it would send its traffic to nobody (T24)",
            state.object.short()
        )),
        None => Some(format!(
            "whether a ready pod is behind the new selector of {} is not known",
            state.object.short()
        )),
        Some(_) => None,
    }
}

/// The fields of a merge patch, each against what stands there.
fn patched(
    state: &ObjectState,
    patch: &Value,
    removed: &[String],
) -> Result<Vec<FieldChange>, String> {
    let kind = state.object.kind.split('.').next().unwrap_or_default();
    if kind.eq_ignore_ascii_case("secret") || kind.eq_ignore_ascii_case("secrets") {
        return Err("a Secret is not patched: use k8s.secret-set".to_owned());
    }
    let set = fields(patch).into_iter();
    let set = set.map(|(path, value)| (path, Some(value.clone())));
    let gone = removed.iter().map(|path| (path.clone(), None));
    let mut changes = Vec::new();
    for (path, after) in set.chain(gone) {
        if !patchable(&path) {
            return Err(format!("`{}` is not to be patched", bounded(&path, 80)));
        }
        changes.push(set_to(state, &path, after)?);
    }
    Ok(changes)
}

/// One field that gets a value, or goes.
pub(super) fn set_to(
    state: &ObjectState,
    path: &str,
    after: Option<Value>,
) -> Result<FieldChange, String> {
    let before = state.body.pointer(path).cloned();
    let too_long = |value: &Value| value.to_string().len() > LARGEST;
    if before.as_ref().is_some_and(too_long) {
        return Err(format!(
            "`{}` holds more than {} KiB: too much to be kept for the way back",
            bounded(path, 80),
            LARGEST / 1024
        ));
    }
    let parts: Vec<usize> = path.match_indices('/').map(|(at, _)| at).skip(1).collect();
    let solid = parts.into_iter().map(|at| &path[..at]).find(|parent| {
        let found = state.body.pointer(parent);
        found.is_some_and(|found| !found.is_object())
    });
    match solid {
        Some(parent) => Err(format!("`{}` is no table there", bounded(parent, 80))),
        None => Ok(FieldChange::plain(path, before, after)),
    }
}

/// Some changes of an object, without those that change nothing.
pub(super) fn of_fields(kind: &str, state: &ObjectState, mut changes: Vec<FieldChange>) -> Planned {
    let meant = changes.len();
    changes.retain(|change| change.before != change.after);
    let lines = if changes.is_empty() {
        vec![format!("all {meant} fields have their values already")]
    } else {
        field_lines(&changes)
    };
    Planned {
        kind: kind.to_owned(),
        object: state.object.clone(),
        changes,
        lines,
    }
}

fn pointer(base: &str, key: &str) -> String {
    format!("{base}/{}", escaped(key))
}

/// A label's name and the value it gets.
fn of_label(change: &FieldChange) -> (String, Option<String>) {
    let key = change.path.strip_prefix(SELECTOR).unwrap_or(&change.path);
    let key = key.trim_start_matches('/');
    let value = change.after.as_ref().and_then(Value::as_str);
    (unescaped(key), value.map(str::to_owned))
}

/// A value a label can have: anything else would be read as a part of the selector.
fn label(value: &str) -> Result<String, String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if value.is_empty() || value.len() > 63 || !value.chars().all(inner) {
        return Err(format!("`{}` is no value of a label", bounded(value, 80)));
    }
    Ok(value.to_owned())
}
