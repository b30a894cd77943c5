//! Whether what a step about secrets touches is still what this run looked at: somebody else's change is kept and said,
//! never written over.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::runbook::machine::fact::Reason;
use crate::runbook::machine::io::ObjectState;
use crate::runbook::machine::run::Run;
use crate::runbook::model::{SetEntry, SetTo, Step};
use crate::runbook::patch::FieldChange;
use crate::runbook::template::{Scope, Text};

/// Why a change could not be worked out.
#[derive(Debug)]
pub(super) enum Unplanned {
    /// What the step asks for cannot be.
    Cannot(String),
    /// Somebody else changed what it touches.
    Theirs(String),
}

impl From<String> for Unplanned {
    fn from(why: String) -> Self {
        Self::Cannot(why)
    }
}

impl Unplanned {
    /// The reason and the sentence.
    pub(super) fn told(self) -> (Reason, String) {
        match self {
            Self::Cannot(why) => (Reason::Input, why),
            Self::Theirs(why) => (Reason::Conflict, why),
        }
    }
}

impl Run {
    /// Whether a Secret is the one that was found at the beginning, no namesake that was made since, and whether the keys
    /// that are to be changed still hold what they held then, but for what this run put there.
    pub(super) fn as_found(
        &self,
        state: &ObjectState,
        changes: &[FieldChange],
    ) -> Result<(), Unplanned> {
        let object = &state.object;
        let here = |out: &&Value| out["secret"].as_str() == Some(object.name.as_str());
        let mut found = self.ledger.outs.values().filter(here);
        let Some(found) = found.find(|out| out["secret_uid"].is_string()) else {
            return Ok(());
        };
        if found["secret_uid"].as_str() != Some(object.uid.as_str()) {
            return Err(Unplanned::Theirs(format!(
                "{} was deleted and made anew since it was looked at: whoever did that may have put another key there",
                object.short()
            )));
        }
        let mut expected = found["data"].clone();
        self.overlay(state, &mut expected);
        let differing: Vec<&str> = changes
            .iter()
            .filter(|change| change.before != change.after && change.from.is_some())
            .filter_map(|change| change.path.rsplit('/').next())
            .filter(|key| expected.get(key) != state.body["data"].get(key))
            .collect();
        if differing.is_empty() {
            return Ok(());
        }
        Err(Unplanned::Theirs(format!(
            "somebody changed {} of {} since it was looked at: it is left as it is",
            differing.join(", "),
            object.short()
        )))
    }

    /// Puts over the keys of an object what this run has put there.
    fn overlay(&self, state: &ObjectState, expected: &mut Value) {
        for record in &self.ledger.steps {
            let effect = record.effect.as_ref().filter(|_| record.effective());
            let planned = effect.map(|effect| &effect.action.planned);
            let ours = planned.filter(|planned| planned.object.short() == state.object.short());
            for change in ours.into_iter().flat_map(|planned| &planned.changes) {
                let key = change.path.rsplit('/').next().unwrap_or_default();
                match (&change.after, expected.as_object_mut()) {
                    (Some(after), Some(keys)) => drop(keys.insert(key.to_owned(), after.clone())),
                    (None, Some(keys)) => drop(keys.remove(key)),
                    (_, None) => {}
                }
            }
        }
    }

    /// Whether the keys that are touched still hold what they held at the version a step was written for, but for what
    /// this run put there. Whoever wrote in between may have touched other keys: those stay, for a patch names only its own.
    pub(super) fn still_stands(
        &self,
        step: &Step,
        cas: &Text,
        set: &BTreeMap<String, SetEntry>,
        state: &ObjectState,
    ) -> Result<(), Unplanned> {
        if cas.source() == "fresh" {
            return Ok(());
        }
        let here = |out: &&Value| out["path"].as_str() == Some(state.object.name.as_str());
        let mut seen = self.ledger.outs.values().filter(here);
        let seen = if cas.source() == "last-of-this-run" {
            seen.next()
        } else {
            let wanted = cas.fill(&self.scope_of(step, None))?;
            seen.find(|out| out["version"].as_str() == Some(wanted.as_str()))
        };
        let Some(mut expected) = seen.map(|out| out["data"].clone()) else {
            let why = "the version it was planned on was not read in this run";
            return Err(why.to_owned().into());
        };
        self.overlay(state, &mut expected);
        let value = |body: &Value, key: &str| body.get(key).cloned().unwrap_or(Value::Null);
        let scope = self.scope_of(step, None);
        let mut touched = Vec::new();
        for (key, entry) in set {
            touched.push(name_of(key, &scope)?);
            if let SetTo::Copy(other) | SetTo::Move(other, _) = &entry.to {
                touched.push(other.fill(&scope)?);
            }
        }
        touched.sort();
        touched.dedup();
        let differing: Vec<String> = touched
            .into_iter()
            .filter(|key| value(&expected, key) != value(&state.body["data"], key))
            .collect();
        if differing.is_empty() {
            return Ok(());
        }
        Err(Unplanned::Theirs(format!(
            "somebody changed {} of {} since it was read; it is at version {} now",
            differing.join(", "),
            state.object.name,
            state.resource_version
        )))
    }
}

/// A key's name with its references filled in.
pub(super) fn name_of(key: &str, scope: &Scope<'_>) -> Result<String, String> {
    Text::parse(key)?.fill(scope)
}
