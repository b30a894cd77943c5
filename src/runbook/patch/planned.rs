//! A change worked out against one object: as it is confirmed, compared again, sent, and undone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::field::{FieldChange, ObjectRef, Source};
use super::merge::{covers, set};
use super::words::{change_lines, field_lines};
use crate::runbook::pointer::unescaped;
use crate::runbook::prose::bounded;
use crate::runbook::verb::{EFFECT, Verb};

/// A change worked out against one object, as it is confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The step kind.
    pub kind: String,
    /// The object.
    pub object: ObjectRef,
    /// The fields touched.
    pub changes: Vec<FieldChange>,
    /// What a person reads.
    pub lines: Vec<String>,
}

/// How an object stands to a planned change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every touched field has its old value.
    Before,
    /// Every touched field has its new value.
    After,
    /// Somebody else changed something we touch.
    Diverged(Vec<String>),
}

impl Planned {
    /// How it is sent.
    pub fn verb(&self) -> Verb {
        Verb::of(&self.kind)
    }

    /// Whether it is about values that are never shown: its changes hold fingerprints.
    pub fn is_secret(&self) -> bool {
        self.changes.iter().any(|change| change.from.is_some())
    }

    /// The same change as `fresh` works it out now, if what was confirmed still holds: the same fields, from the same
    /// sources, over the same old values. Only what will be put there may have changed, as a key made anew does.
    pub fn renewed(&self, fresh: &Self) -> Result<Self, Vec<String>> {
        let same = |one: &FieldChange, other: &FieldChange| one.path == other.path;
        let mut differing = Vec::new();
        for change in &self.changes {
            match fresh.changes.iter().find(|other| same(change, other)) {
                Some(other) if other.before == change.before => {}
                Some(_) => differing.push(format!("{} was changed", last(&change.path))),
                None => differing.push(format!("{} is no longer to be set", last(&change.path))),
            }
        }
        let more = |other: &&FieldChange| !self.changes.iter().any(|change| same(change, other));
        let more = fresh.changes.iter().filter(more);
        differing.extend(more.map(|other| format!("{} would be set as well", last(&other.path))));
        if differing.is_empty() {
            Ok(fresh.clone())
        } else {
            Err(differing)
        }
    }

    /// Compares a fresh object with the plan. A removal has landed once the object is going.
    pub fn standing(&self, object: &Value) -> Standing {
        if self.verb().removes() {
            return if object.pointer("/metadata/deletionTimestamp").is_some() {
                Standing::After
            } else {
                Standing::Before
            };
        }
        if self.verb().creates() {
            let mark = |object: &Value| object["metadata"]["annotations"][EFFECT].clone();
            let meant = self
                .changes
                .first()
                .and_then(|change| change.after.as_ref());
            return match object["metadata"]["name"].as_str() {
                None => Standing::Before,
                Some(_) if meant.is_some_and(|meant| mark(meant) == mark(object)) => {
                    Standing::After
                }
                Some(_) => {
                    let name = self.object.short();
                    Standing::Diverged(vec![format!("somebody else made {name} meanwhile")])
                }
            };
        }
        let at = |change: &FieldChange| object.pointer(&change.path).cloned();
        // The server adds its defaults to what it takes.
        let is = |found: &Option<Value>, meant: &Option<Value>| match (found, meant) {
            (Some(found), Some(meant)) if self.verb() == Verb::Apply => covers(found, meant),
            (found, meant) => found == meant,
        };
        if self
            .changes
            .iter()
            .all(|change| is(&at(change), &change.after))
        {
            return Standing::After;
        }
        let differing: Vec<String> = self
            .changes
            .iter()
            .filter(|change| at(change) != change.before)
            .map(|change| {
                if change.from.is_some() {
                    return format!("{} was changed by somebody else", last(&change.path));
                }
                format!(
                    "{}: confirmed at {}, is {}",
                    change.path,
                    short(change.before.as_ref()),
                    short(at(change).as_ref())
                )
            })
            .collect();
        if differing.is_empty() {
            Standing::Before
        } else {
            Standing::Diverged(differing)
        }
    }

    /// The fields that decide whether it stands: what runs, where the change touches that. Annotations beside it are
    /// somebody's notes.
    fn decisive(&self) -> Vec<&FieldChange> {
        let runs = |change: &&FieldChange| change.path.starts_with("/spec");
        if Verb::by_fields(&self.kind) {
            return self.changes.iter().collect();
        }
        if self.changes.iter().any(|change| runs(&change)) {
            self.changes.iter().filter(runs).collect()
        } else {
            self.changes.iter().collect()
        }
    }

    /// Whether the change stands in an object, by what decides it alone.
    pub fn in_force(&self, object: &Value) -> Standing {
        let decisive = Self {
            changes: self.decisive().into_iter().cloned().collect(),
            ..self.clone()
        };
        decisive.standing(object)
    }

    /// The same change without notes that somebody else wrote since: they stay as they are.
    #[must_use]
    pub fn beside(mut self, object: &Value) -> Self {
        let decisive: Vec<FieldChange> = self.decisive().into_iter().cloned().collect();
        self.changes.retain(|change| {
            decisive.contains(change) || object.pointer(&change.path) == change.before.as_ref()
        });
        self
    }

    /// The merge patch of the touched fields, without preconditions.
    pub fn patch(&self) -> Value {
        let mut patch = json!({});
        for change in &self.changes {
            set(
                &mut patch,
                &change.path,
                change.after.clone().unwrap_or(Value::Null),
            );
        }
        patch
    }

    /// The way back: the same fields with old and new exchanged. What a program did only another one takes back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        if self.verb() == Verb::Run {
            return self.clone();
        }
        if self.verb().creates() {
            return Self {
                kind: "k8s.delete".to_owned(),
                lines: vec![format!("delete {}", self.object.short())],
                ..self.clone()
            };
        }
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|change| FieldChange {
                path: change.path.clone(),
                before: change.after.clone(),
                after: change.before.clone(),
                from: change.from.as_ref().map(|from| self.kept(from)),
            })
            .collect();
        let lines = match self.kind.as_str() {
            "k8s.rollback" | "k8s.set-image" => change_lines(&changes),
            kind if Verb::by_fields(kind) => field_lines(&changes),
            _ if self.is_secret() => vec![format!("{} as before", keys_of(&changes))],
            _ => {
                let lines = self.lines.iter();
                lines.map(|line| reverse_line(line)).collect()
            }
        };
        // Fields that were applied go back by a patch: applying the old ones would leave them ours.
        let kind = if self.verb() == Verb::Apply {
            "k8s.patch".to_owned()
        } else {
            self.kind.clone()
        };
        Self {
            kind,
            object: self.object.clone(),
            changes,
            lines,
        }
    }

    /// Whether an answer of the server carries every new value; defaults the server adds are no difference.
    pub fn carried_by(&self, answer: &Value) -> Result<(), String> {
        if self.verb().removes() {
            // The answer is the object as it was, or only that it was done.
            return Ok(());
        }
        for change in self.decisive() {
            let found = answer.pointer(&change.path);
            let carried = match (&change.after, found) {
                (None, None) => true,
                (Some(after), Some(found)) => covers(found, after),
                _ => false,
            };
            if !carried {
                return Err(format!(
                    "the answer has {} at {}, meant was {}",
                    short(found),
                    change.path,
                    short(change.after.as_ref())
                ));
            }
        }
        Ok(())
    }

    /// What a person can type when the program cannot. A pod template holds values that are nobody's business: it goes
    /// back by its revision, whose patch is never shown.
    pub fn command(&self) -> String {
        if self.is_secret() {
            return self.secret_command();
        }
        if self.verb() == Verb::Run {
            return self.lines.join(" ");
        }
        if self
            .changes
            .iter()
            .any(|change| change.path.starts_with("/spec/template"))
        {
            return format!(
                "{} (first see `rollout history` for what came since)",
                self.object.undo()
            );
        }
        let ObjectRef {
            kind,
            namespace,
            name,
            ..
        } = &self.object;
        let kind = kind.to_lowercase();
        if self.verb().removes() {
            return format!("kubectl -n {namespace} delete {kind} {name}");
        }
        let patch = self.patch().to_string().replace('\'', r"'\''");
        format!("kubectl -n {namespace} patch {kind} {name} --type merge -p '{patch}'")
    }

    /// Where the values come from that were there before.
    fn kept(&self, from: &Source) -> Source {
        Source::Kept(match from {
            Source::Vault { at, .. } => Some(at.clone()),
            _ => self.object.in_vault().then(|| self.object.name.clone()),
        })
    }

    /// What a person does where values may not be written into a command.
    fn secret_command(&self) -> String {
        let keys = keys_of(&self.changes);
        if self.object.in_vault() {
            format!(
                "write {keys} of {} by `vault kv patch` with -cas and the value from standard input",
                self.object.name
            )
        } else {
            format!(
                "set {keys} of {} in {} from where its values are kept",
                self.object.short(),
                self.object.namespace
            )
        }
    }

    /// What a person can type to go back; a restart and a removal have no way back.
    pub fn way_back(&self) -> Option<String> {
        let stamps = ["k8s.rollout-restart", "eso.sync", "vault.kv-destroy"];
        let none = self.verb().removes()
            || self.verb() == Verb::Run
            || stamps.contains(&self.kind.as_str());
        (!none).then(|| self.inverse().command())
    }
}

/// An absolute change with its preconditions, ready to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What is changed.
    pub planned: Planned,
    /// The version the object had at the intent.
    pub resource_version: String,
}

impl Action {
    /// The body of the request: merge patch, `metadata.uid` and `metadata.resourceVersion` as preconditions; of a
    /// removal the uid alone, for a pod that fails changes its version all the time and stays the same pod.
    pub fn body(&self) -> Value {
        if self.planned.verb().removes() {
            return json!({"preconditions": {"uid": self.planned.object.uid}});
        }
        let mut body = self.planned.patch();
        if self.planned.verb().creates() {
            // That nothing of this name is there is the precondition.
            return body;
        }
        set(
            &mut body,
            "/metadata/uid",
            Value::from(self.planned.object.uid.clone()),
        );
        set(
            &mut body,
            "/metadata/resourceVersion",
            Value::from(self.resource_version.clone()),
        );
        body
    }
}

/// The last part of a path: a key's name.
fn last(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    bounded(&unescaped(name), 80)
}

/// The names of the keys that are changed.
fn keys_of(changes: &[FieldChange]) -> String {
    let keys: Vec<String> = changes.iter().map(|change| last(&change.path)).collect();
    keys.join(", ")
}

fn reverse_line(line: &str) -> String {
    let Some((left, after)) = line.split_once(" → ") else {
        return format!("undo: {line}");
    };
    match left.rsplit_once(' ') {
        Some((what, before)) => format!("{what} {after} → {before}"),
        None => format!("{after} → {left}"),
    }
}

fn short(value: Option<&Value>) -> String {
    value.map_or_else(
        || "absent".to_owned(),
        |value| bounded(&value.to_string(), 120),
    )
}
