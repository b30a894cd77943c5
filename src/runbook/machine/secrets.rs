//! Steps about a secret: what is asked, what a change of its keys comes to, and what a look at it leaves behind. The
//! machine sees names, versions and fingerprints; a value never comes this far.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::io::{
    Answer, Effect, ObjectState, ProofQuestion, Question, SecretQuestion,
};
use crate::runbook::machine::programs::line;
use crate::runbook::machine::prompting::filled_in;
use crate::runbook::machine::run::{Purpose, Run};
use crate::runbook::machine::theirs::{Unplanned, name_of};
use crate::runbook::model::{SecretStep, SetEntry, SetTo, Step, StepKind, Then, Undo, When};
use crate::runbook::patch::{FieldChange, ObjectRef, Planned, Source};
use crate::runbook::pointer::escaped;
use crate::runbook::template::{Scope, Text};

/// The annotation that asks External Secrets to copy now.
pub(super) const FORCE_SYNC: &str = "/metadata/annotations/force-sync";
/// Where `kubectl apply` leaves a copy of what it applied, values included.
const LAST_APPLIED: &str =
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

impl Run {
    /// The object a step acts on or looks at.
    pub(super) fn object_for(&self, step: &Step) -> Result<ObjectRef, String> {
        let StepKind::Secret(secret) = &step.kind else {
            if let StepKind::Exec { argv } = &step.kind {
                return Ok(self.program_of(argv));
            }
            if let Some(object) = self.made_object(step)? {
                return Ok(object);
            }
            let target = step.kind.target().ok_or("the step names no target")?;
            return self.object_of(step, target);
        };
        let scope = self.scope_of(step, None);
        let named = |kind: &str, ns: &Text, name: &Text| {
            Ok::<_, String>(ObjectRef {
                kind: kind.to_owned(),
                namespace: ns.fill(&scope)?,
                name: name.fill(&scope)?,
                uid: String::new(),
            })
        };
        match secret {
            SecretStep::Read { at, .. }
            | SecretStep::Patch { at, .. }
            | SecretStep::Destroy { at, .. }
            | SecretStep::Restore { at: Some(at), .. } => Ok(ObjectRef::vault(&at.fill(&scope)?)),
            SecretStep::Set { ns, name, .. } | SecretStep::Proof { ns, name, .. } => {
                named("Secret", ns, name)
            }
            SecretStep::Sync { ns, name, .. } => named("ExternalSecret", ns, name),
            SecretStep::Restore { at: None, .. } => Err("the step names no path".to_owned()),
            SecretStep::Consumers { .. } => Err("the step looks at no single object".to_owned()),
        }
    }

    /// What is asked to see a step's object as it is now.
    pub(super) fn question_for(&self, step: &Step, object: ObjectRef) -> Question {
        match &step.kind {
            StepKind::Secret(SecretStep::Sync { .. }) => Question::Object { object },
            StepKind::Secret(secret) => self.secret_question(step, secret, object).map_or_else(
                |_| Question::Secret(Box::default()),
                |asked| Question::Secret(Box::new(asked)),
            ),
            StepKind::Exec { argv } => Question::Program(self.program_of(argv)),
            kind => self.object_question(step, kind, object, None),
        }
    }

    fn secret_question(
        &self,
        step: &Step,
        secret: &SecretStep,
        object: ObjectRef,
    ) -> Result<SecretQuestion, String> {
        let scope = self.scope_of(step, None);
        let (from, keys) = match secret {
            SecretStep::Set { from, keys, .. } | SecretStep::Proof { from, keys, .. } => {
                (from.as_ref(), Some(keys))
            }
            SecretStep::Sync { from, keys, .. } => (Some(from), Some(keys)),
            _ => (None, None),
        };
        let beside = from.map(|at| at.fill(&scope)).transpose()?;
        let filled = |map: &BTreeMap<String, Text>| {
            let each = map.iter();
            let each = each.map(|(key, text)| Ok((name_of(key, &scope)?, text.fill(&scope)?)));
            each.collect::<Result<BTreeMap<_, _>, String>>()
        };
        let mut made = Vec::new();
        let mut texts = Vec::new();
        for entry in secret.set().into_iter().flatten().map(|(_, entry)| entry) {
            match &entry.to {
                SetTo::Secret(name) | SetTo::Move(_, Some(name)) => {
                    let declared = self
                        .book_of(step)
                        .secrets
                        .iter()
                        .find(|one| one.name == *name);
                    let declared = declared.ok_or(format!("no secret `{name}`"))?;
                    let declared = filled_in(declared, &scope)?;
                    if !made.contains(&declared) {
                        made.push(declared);
                    }
                }
                SetTo::Text(text) => texts.push(text.fill(&scope)?),
                _ => {}
            }
        }
        Ok(SecretQuestion {
            object,
            beside: beside.map(|at| ObjectRef::vault(&at)),
            keys: keys.map(filled).transpose()?.unwrap_or_default(),
            made,
            texts,
        })
    }

    /// A step that looks at a secret, begun.
    pub(super) fn look_at_secret(&mut self, now: Timestamp, index: usize, out: &mut Vec<Effect>) {
        let step = self.plan[index].clone();
        match self.asked_of_secret(&step) {
            Ok(question) => self.read(Purpose::Secret(index), question, out),
            Err(why) => self.fail(now, index, Reason::Input, why, Then::Pause, out),
        }
    }

    fn asked_of_secret(&self, step: &Step) -> Result<Question, String> {
        let StepKind::Secret(secret) = &step.kind else {
            return Err("the step is about no secret".to_owned());
        };
        let scope = self.scope_of(step, None);
        Ok(match secret {
            SecretStep::Consumers { ns, key } => Question::Consumers {
                namespace: ns.fill(&scope)?,
                key: key.fill(&scope)?,
            },
            SecretStep::Proof { consumers, .. } => {
                let found = scope.get(consumers).unwrap_or(Value::Null);
                let consumers = found.as_array().into_iter().flatten();
                let consumers: Vec<ObjectRef> = consumers
                    .filter_map(|one| serde_json::from_value(one.clone()).ok())
                    .collect();
                if consumers.is_empty() {
                    return Err("no workload is known to read it".to_owned());
                }
                let object = self.object_for(step)?;
                let secret = self.secret_question(step, secret, object)?;
                Question::Proof(Box::new(ProofQuestion { secret, consumers }))
            }
            _ => {
                let object = self.object_for(step)?;
                Question::Secret(Box::new(self.secret_question(step, secret, object)?))
            }
        })
    }

    /// What a look at a secret found.
    pub(super) fn saw_secret(
        &mut self,
        now: Timestamp,
        index: usize,
        answer: Answer,
        out: &mut Vec<Effect>,
    ) {
        match answer {
            Answer::Found(found) => self.finish(now, index, found, out),
            Answer::Object(state) => {
                let mut found = state.body;
                found["version"] = json!(state.resource_version);
                found["path"] = json!(state.object.name);
                let names = found["data"].as_object();
                let names: Vec<&String> = names.into_iter().flat_map(|data| data.keys()).collect();
                let names = json!(names);
                found["keys"] = names;
                if let StepKind::Secret(SecretStep::Read { key: Some(key), .. }) =
                    &self.plan[index].kind
                {
                    let step = &self.plan[index];
                    let key = key.fill(&self.scope_of(step, None)).unwrap_or_default();
                    let held = found["data"].get(&key).is_some();
                    found["key"] = json!(key);
                    found["has_key"] = json!(held);
                }
                self.finish(now, index, found, out);
            }
            _ => {
                let why = "there is nothing at that path".to_owned();
                self.fail(now, index, Reason::Drift, why, Then::Pause, out);
            }
        }
    }

    /// What External Secrets is asked for while it copies.
    pub(super) fn sync_question(&self, step: &Step, planned: &Planned) -> Option<Question> {
        let StepKind::Secret(sync @ SecretStep::Sync { ns, secret, .. }) = &step.kind else {
            return None;
        };
        let scope = self.scope_of(step, None);
        let object = ObjectRef {
            kind: "Secret".to_owned(),
            namespace: ns.fill(&scope).ok()?,
            name: secret.fill(&scope).ok()?,
            uid: String::new(),
        };
        let asked = planned.changes.first()?.after.as_ref()?.as_str()?;
        Some(Question::Synced {
            object: planned.object.clone(),
            since: asked.to_owned(),
            secret: Box::new(self.secret_question(step, sync, object).ok()?),
        })
    }

    /// What a step about a secret would change, from the fingerprints of what is there.
    pub(super) fn plan_secret(
        &self,
        step: &Step,
        secret: &SecretStep,
        state: &ObjectState,
        now: Timestamp,
    ) -> Result<Planned, Unplanned> {
        let scope = self.scope_of(step, None);
        let (changes, line) = match secret {
            SecretStep::Patch { set, cas, .. } => {
                self.still_stands(step, cas, set, state)?;
                let changes = self.entries(step, set, &state.body)?;
                let lines = changes.iter().map(told).collect::<Vec<_>>().join(", ");
                (changes, lines)
            }
            SecretStep::Set { from, set, .. } => {
                let mut changes = self.entries(step, set, &state.body)?;
                if let Some(at) = from {
                    changes.extend(copies(&at.fill(&scope)?, &state.body));
                }
                self.as_found(state, &changes)?;
                if let Some(copy) = state.body.pointer(LAST_APPLIED) {
                    changes.push(FieldChange::plain(LAST_APPLIED, Some(copy.clone()), None));
                }
                let lines = changes.iter().map(told).collect::<Vec<_>>().join(", ");
                (changes, lines)
            }
            SecretStep::Destroy { versions, .. } => {
                let upto = versions.fill(&scope)?;
                let upto = upto.strip_prefix("all-before:");
                let upto: u64 = upto
                    .and_then(|number| number.trim().parse().ok())
                    .ok_or_else(|| "`versions` must be all-before:N".to_owned())?;
                let changes = destroyed(&state.body, upto);
                let names: Vec<&str> = changes
                    .iter()
                    .filter_map(|change| change.path.rsplit('/').next())
                    .collect();
                let line = format!(
                    "destroy version{} {} for good: whatever else they held is gone with them",
                    if names.len() == 1 { "" } else { "s" },
                    names.join(", ")
                );
                (changes, line)
            }
            SecretStep::Sync { .. } => {
                let before = state.body.pointer(FORCE_SYNC).cloned();
                let stamp = json!(now.as_second().to_string());
                let line = "ask External Secrets to copy now".to_owned();
                (
                    vec![FieldChange::plain(FORCE_SYNC, before, Some(stamp))],
                    line,
                )
            }
            other => return Err(format!("`{}` changes nothing", other.name()).into()),
        };
        let mut changes = changes;
        changes.retain(|change| change.before != change.after);
        Ok(Planned {
            kind: secret.name().to_owned(),
            object: state.object.clone(),
            lines: vec![if changes.is_empty() {
                "every key has its value already".to_owned()
            } else {
                line
            }],
            changes,
        })
    }

    /// The changes of the keys a step sets.
    fn entries(
        &self,
        step: &Step,
        set: &BTreeMap<String, SetEntry>,
        body: &Value,
    ) -> Result<Vec<FieldChange>, String> {
        let scope = self.scope_of(step, None);
        let held = |key: &str| body["data"].get(key).cloned();
        let made = |name: &str| {
            let print = body["made"].get(name).cloned();
            print.ok_or_else(|| format!("secret `{name}` was not made"))
        };
        let mut changes = Vec::new();
        for (key, entry) in set {
            if entry
                .when
                .as_ref()
                .is_some_and(|when| !self.holds(step, when))
            {
                continue;
            }
            let key = &name_of(key, &scope)?;
            let (after, from) = match &entry.to {
                SetTo::Secret(name) => (Some(made(name)?), Source::Secret(name.clone())),
                SetTo::Copy(other) => {
                    let other = other.fill(&scope)?;
                    let value = held(&other).ok_or_else(|| format!("there is no key `{other}`"))?;
                    (Some(value), Source::Key(other))
                }
                SetTo::Move(other, otherwise) => {
                    let other = other.fill(&scope)?;
                    match (held(&other), otherwise) {
                        (Some(value), _) => {
                            let source = Source::Key(other.clone());
                            changes.push(sealed(&other, held(&other), None, source.clone()));
                            (Some(value), source)
                        }
                        (None, Some(name)) => (Some(made(name)?), Source::Secret(name.clone())),
                        (None, None) => return Err(format!("there is no key `{other}`")),
                    }
                }
                SetTo::Delete => (None, Source::Key(key.clone())),
                SetTo::Text(text) => {
                    let text = text.fill(&scope)?;
                    let print = body["texts"].get(&text).cloned();
                    let print = print.ok_or("a text without a fingerprint")?;
                    (Some(print), Source::Text(text))
                }
            };
            changes.push(sealed(key, held(key), after, from));
        }
        Ok(changes)
    }

    /// Whether an undo waits until what it depends on was undone: a restart and a copy bring out what is there then.
    pub(super) fn undone_last(step: &Step) -> bool {
        matches!(
            &step.undo,
            Some(Undo::Act(kind, _)) if matches!(
                **kind,
                StepKind::RolloutRestart { .. } | StepKind::Secret(SecretStep::Sync { .. })
            )
        )
    }
}

/// What a changing step does, in a few words; `holds` says which of its keys are set at all.
pub(super) fn words_of(
    kind: &StepKind,
    scope: &Scope<'_>,
    holds: impl Fn(&When) -> bool,
) -> String {
    let name = |key: &str| name_of(key, scope).unwrap_or_else(|_| key.to_owned());
    let filled = |text: &Text| {
        text.fill(scope)
            .unwrap_or_else(|_| text.source().to_owned())
    };
    let StepKind::Secret(secret) = kind else {
        return match kind {
            StepKind::RolloutRestart { .. } => "restart, one workload at a time".to_owned(),
            StepKind::Exec { argv } => line(argv, scope),
            other => other.name().to_owned(),
        };
    };
    let entries = secret.set().map(|set| {
        let set = set
            .iter()
            .filter(|(_, entry)| entry.when.as_ref().is_none_or(&holds));
        let each = set.map(|(key, entry)| {
            let key = name(key);
            match &entry.to {
                SetTo::Secret(_) => format!("{key} = a new value"),
                SetTo::Copy(other) => format!("{key} = what {} holds", filled(other)),
                SetTo::Move(other, _) => {
                    format!("{key} = what {} holds, else a new value", filled(other))
                }
                SetTo::Delete => format!("{key} is removed"),
                SetTo::Text(_) => format!("{key} = a note"),
            }
        });
        each.collect::<Vec<_>>()
    });
    match secret {
        SecretStep::Set { keys, .. } if !keys.is_empty() => {
            let keys: Vec<String> = keys.keys().map(|key| name(key)).collect();
            format!("{} copied from Vault", keys.join(", "))
        }
        SecretStep::Sync { .. } => "External Secrets copies now".to_owned(),
        SecretStep::Destroy { .. } => "older versions are destroyed for good".to_owned(),
        _ => entries.unwrap_or_default().join(", "),
    }
}

fn sealed(key: &str, before: Option<Value>, after: Option<Value>, from: Source) -> FieldChange {
    FieldChange {
        path: format!("/data/{}", escaped(key)),
        before,
        after,
        from: Some(from),
    }
}

/// Keys of a Secret as the path beside it has them; a key the path does not have is removed.
fn copies(at: &str, body: &Value) -> Vec<FieldChange> {
    let pairs = body["pairs"].as_object().into_iter().flatten();
    pairs
        .filter_map(|(key, there)| {
            let there = there.as_str()?;
            let before = body["data"].get(key).cloned();
            let after = body["beside"]["data"].get(there).cloned();
            let from = Source::Vault {
                at: at.to_owned(),
                key: there.to_owned(),
            };
            Some(sealed(key, before, after, from))
        })
        .collect()
}

/// The versions before one that are still there.
fn destroyed(body: &Value, upto: u64) -> Vec<FieldChange> {
    let versions = body["versions"].as_object().into_iter().flatten();
    versions
        .filter(|(number, state)| {
            let number: u64 = number.parse().unwrap_or(u64::MAX);
            number < upto && state.as_str() != Some("destroyed")
        })
        .map(|(number, state)| FieldChange {
            path: format!("/versions/{number}"),
            before: Some(state.clone()),
            after: Some(json!("destroyed")),
            from: Some(Source::Destroyed),
        })
        .collect()
}

/// One change of a key, for people.
fn told(change: &FieldChange) -> String {
    let key = change.path.rsplit('/').next().unwrap_or_default();
    match (&change.from, &change.after) {
        (None, _) => "the copy of old values in its annotations is removed (T07)".to_owned(),
        (_, None) => format!("{key} removed"),
        (Some(Source::Secret(_)), _) => format!("{key} = a new value"),
        (Some(Source::Key(other)), _) => format!("{key} = what {other} holds"),
        (Some(Source::Vault { key: there, .. }), _) => format!("{key} = {there} of Vault"),
        (Some(Source::Text(text)), _) => format!("{key} = {text}"),
        (Some(Source::Kept(_) | Source::Destroyed), _) => format!("{key} as before"),
    }
}
