//! A change worked out against one object: as it is confirmed, compared again, sent, and undone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::field::{FieldChange, ObjectRef};
use super::merge::{covers, set};
use super::words::change_lines;
use crate::runbook::prose::bounded;
use crate::runbook::verb::Verb;

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

    /// Compares a fresh object with the plan. A removal has landed once the object is going.
    pub fn standing(&self, object: &Value) -> Standing {
        if self.verb().removes() {
            return if object.pointer("/metadata/deletionTimestamp").is_some() {
                Standing::After
            } else {
                Standing::Before
            };
        }
        let at = |change: &FieldChange| object.pointer(&change.path).cloned();
        if self.changes.iter().all(|change| at(change) == change.after) {
            return Standing::After;
        }
        let differing: Vec<String> = self
            .changes
            .iter()
            .filter(|change| at(change) != change.before)
            .map(|change| {
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

    /// The way back: the same fields with old and new exchanged.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|change| FieldChange {
                path: change.path.clone(),
                before: change.after.clone(),
                after: change.before.clone(),
            })
            .collect();
        let lines = match self.kind.as_str() {
            "k8s.rollback" | "k8s.set-image" => change_lines(&changes),
            _ => {
                let lines = self.lines.iter();
                lines.map(|line| reverse_line(line)).collect()
            }
        };
        Self {
            kind: self.kind.clone(),
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

    /// What a person can type to go back; a restart and a removal have no way back.
    pub fn way_back(&self) -> Option<String> {
        let none = self.verb().removes() || self.kind == "k8s.rollout-restart";
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
