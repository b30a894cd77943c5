//! Secrets that a person types: asked for at a screen, once, and never anywhere else. What was typed does not come here;
//! only that it was.

use jiff::Timestamp;

use crate::runbook::machine::fact::{Fact, Reason};
use crate::runbook::machine::io::{Effect, ObjectState};
use crate::runbook::machine::run::Run;
use crate::runbook::model::{SecretDecl, SetTo, Step, StepKind};
use crate::runbook::preflight::{Requirement, VAULT};
use crate::runbook::template::{Scope, Text};

/// How the record says that a secret was typed.
pub const GAVE: &str = "gave the secret ";

impl Run {
    /// The secrets a step sets that a person types.
    fn typed_secrets<'s>(&'s self, step: &'s Step) -> impl Iterator<Item = &'s SecretDecl> {
        self.declared_in(step).filter(|one| one.is_typed())
    }

    /// The declared secrets a step sets.
    fn declared_in<'s>(&'s self, step: &'s Step) -> impl Iterator<Item = &'s SecretDecl> {
        let set = match &step.kind {
            StepKind::Secret(secret) => secret.set(),
            _ => None,
        };
        let entries = set.into_iter().flat_map(|set| set.values());
        let names = entries.filter_map(|entry| match &entry.to {
            SetTo::Secret(name) | SetTo::Move(_, Some(name)) => Some(name),
            _ => None,
        });
        let declared = &self.book_of(step).secrets;
        names.filter_map(move |name| {
            let mut found = declared.iter();
            found.find(|one| one.name == *name)
        })
    }

    /// The rights to read declared secrets from where they lie, for the steps still ahead.
    pub(super) fn source_rights(&self) -> Vec<Requirement> {
        let mut needed = Vec::new();
        for (step, _) in self.remaining() {
            let scope = self.scope_of(step, None);
            for declared in self.declared_in(step) {
                let Ok(declared) = filled_in(declared, &scope) else {
                    continue;
                };
                needed.extend(right_to(&declared));
            }
        }
        needed
    }

    /// Nobody is at a screen, and a step ahead needs something typed: asked for before the first effect. Whether it was.
    pub(super) fn nobody_types(&mut self, now: Timestamp, out: &mut Vec<Effect>) -> bool {
        if self.start.attended || self.start.dry_run {
            return false;
        }
        let steps = self.plan.iter().zip(&self.ledger.steps);
        let mut ahead = steps.filter(|(step, record)| {
            !record.is_over() && !record.effective() && !self.unwanted(step)
        });
        let open = |one: &&SecretDecl| !self.live.given.contains(&one.name);
        let found = ahead.find_map(|(step, _)| {
            let open = self.typed_secrets(step).find(open)?;
            Some((step.id.clone(), open))
        });
        let Some((step, name)) = found.map(|(step, one)| (step, one.name.clone())) else {
            return false;
        };
        let at = self
            .current()
            .map(|index| self.ledger.steps[index].path.clone());
        let fact = Fact::NeedsHuman {
            reason: Reason::Input,
            message: format!(
                "step {step} needs the secret {name}, which is typed at a terminal or read from standard input; it is taken from no argument, environment or record"
            ),
            step: at,
            ways: Vec::new(),
        };
        self.live.secret = Some(name);
        self.record(now, vec![fact], out);
        true
    }

    /// A secret that a step needs and nobody has typed yet is asked for; whether it was.
    pub(super) fn asks_for_secret(
        &mut self,
        now: Timestamp,
        index: usize,
        state: &ObjectState,
        out: &mut Vec<Effect>,
    ) -> bool {
        let step = &self.plan[index];
        let made = |one: &&SecretDecl| state.body["made"].get(&one.name).is_some();
        let open = self.typed_secrets(step).find(|one| !made(one));
        let Some(name) = open.map(|one| one.name.clone()) else {
            return false;
        };
        let message =
            format!("the secret {name} is typed now; it is shown nowhere and kept in memory alone");
        self.live.secret = Some(name);
        // A look ahead may have been for another step than the one that is begun.
        let at = self.current().unwrap_or(index);
        self.await_person(now, at, Reason::Input, message, out);
        true
    }
}

/// The right to read a declared secret from where it lies.
fn right_to(declared: &SecretDecl) -> Option<Requirement> {
    let (group, resource, namespace, name) = match (&declared.at, &declared.of) {
        (Some(at), _) => {
            let (mount, path) = at.source().split_once('/')?;
            let resource = format!("{mount}/data/{path}");
            (VAULT, resource, String::new(), at.source().to_owned())
        }
        (None, Some((ns, name))) => {
            let place = (ns.source().to_owned(), name.source().to_owned());
            ("", "secrets".to_owned(), place.0, place.1)
        }
        (None, None) => return None,
    };
    Some(Requirement {
        verb: if group == VAULT { "read" } else { "get" }.to_owned(),
        group: group.to_owned(),
        resource,
        namespace,
        name,
        undo: false,
    })
}

/// A declaration with its references filled in.
pub(super) fn filled_in(declared: &SecretDecl, scope: &Scope<'_>) -> Result<SecretDecl, String> {
    let filled = |text: &Text| Ok::<_, String>(Text::literal(&text.fill(scope)?));
    let of = declared.of.as_ref();
    Ok(SecretDecl {
        at: declared.at.as_ref().map(filled).transpose()?,
        of: of
            .map(|(ns, name)| Ok::<_, String>((filled(ns)?, filled(name)?)))
            .transpose()?,
        key: declared.key.as_ref().map(filled).transpose()?,
        ..declared.clone()
    })
}
