//! What stands between a request and its effect beside the usual rights: rights that were taken away while the platform runs, and
//! webhooks that deny or forbid rehearsals. Set by tests and by whoever runs the platform.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::access::{Act, Identity};
use super::refusal::Refusal;

/// A right that was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// From whom.
    pub who: Identity,
    /// The verb; empty for all.
    pub verb: String,
    /// The resource with its part after a slash: `secrets`, `deployments/scale`.
    pub resource: String,
}

/// A webhook that is asked before writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name: `policy.veza.app`.
    pub name: String,
    /// The resource that it is asked about: `secrets`.
    pub resource: String,
    /// The verbs; none for all that write.
    pub verbs: Vec<&'static str>,
    /// It looks only at requests that have this in their body; empty for all.
    pub with: String,
    /// What it says when it denies; none where it allows. `{body}` repeats what was sent.
    pub denies: Option<String>,
    /// The code of its denial: 400, 403.
    pub code: u16,
    /// Whether it has side effects, so that a rehearsal cannot ask it.
    pub no_dry_run: bool,
}

impl Webhook {
    /// One that denies every write of a resource.
    pub fn denying(name: &str, resource: &str, message: &str) -> Self {
        Self {
            name: name.to_owned(),
            resource: resource.to_owned(),
            verbs: Vec::new(),
            with: String::new(),
            denies: Some(message.to_owned()),
            code: 403,
            no_dry_run: false,
        }
    }

    /// One that allows everything and forbids rehearsals.
    pub fn not_to_be_rehearsed(name: &str, resource: &str) -> Self {
        Self {
            denies: None,
            no_dry_run: true,
            ..Self::denying(name, resource, "")
        }
    }

    fn looks_at(&self, verb: &str, resource: &str, body: &Value) -> bool {
        self.resource == resource
            && (self.verbs.is_empty() || self.verbs.contains(&verb))
            && (self.with.is_empty() || body.to_string().contains(&self.with))
    }

    fn refusal(&self, dry_run: bool, body: &Value) -> Option<Refusal> {
        let name = &self.name;
        if dry_run && self.no_dry_run {
            let said = format!("admission webhook \"{name}\" does not support dry run");
            return Some(Refusal::bad_request(said));
        }
        let said = self.denies.as_ref()?;
        let said = said.replace("{body}", &body.to_string());
        let reason = match self.code {
            403 => "Forbidden",
            400 => "BadRequest",
            _ => "Unknown",
        };
        let said = format!("admission webhook \"{name}\" denied the request: {said}");
        Some(Refusal::new(self.code, reason, said))
    }
}

/// What was set.
#[derive(Debug, Default)]
pub struct Admission {
    denials: Mutex<Vec<Denial>>,
    webhooks: Mutex<Vec<Webhook>>,
}

impl Admission {
    /// Takes a right away.
    pub fn take_away(&self, denial: Denial) {
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        denials.push(denial);
    }

    /// Gives all rights back.
    pub fn give_back(&self) {
        let mut denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        denials.clear();
    }

    /// Sets up a webhook.
    pub fn add(&self, webhook: Webhook) {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        webhooks.push(webhook);
    }

    /// Removes all webhooks.
    pub fn clear(&self) {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        webhooks.clear();
    }

    /// Whether somebody may, with what was taken away.
    pub fn may(&self, who: Identity, act: &Act<'_>) -> bool {
        if !who.may(act) {
            return false;
        }
        let resource = if act.part.is_empty() {
            act.resource.to_owned()
        } else {
            format!("{}/{}", act.resource, act.part)
        };
        let denials = self.denials.lock().unwrap_or_else(PoisonError::into_inner);
        !denials.iter().any(|denial| {
            denial.who == who
                && denial.resource == resource
                && (denial.verb.is_empty() || denial.verb == act.verb)
        })
    }

    /// Why no webhook lets a write through.
    pub fn objection(
        &self,
        verb: &str,
        resource: &str,
        dry_run: bool,
        body: &Value,
    ) -> Option<Refusal> {
        let webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = webhooks
            .iter()
            .filter(|webhook| webhook.looks_at(verb, resource, body));
        asked.find_map(|webhook| webhook.refusal(dry_run, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_right_goes_and_comes_back() {
        let admission = Admission::default();
        let act = Act {
            verb: "patch",
            group: "",
            resource: "secrets",
            part: "",
            namespace: "veza-production",
            name: "x",
        };
        assert!(admission.may(Identity::Oncall, &act));
        admission.take_away(Denial {
            who: Identity::Oncall,
            verb: "patch".into(),
            resource: "secrets".into(),
        });
        assert!(!admission.may(Identity::Oncall, &act) && admission.may(Identity::Second, &act));
        admission.give_back();
        assert!(admission.may(Identity::Oncall, &act));
    }

    #[test]
    fn a_webhook_denies_in_the_apiservers_words() {
        let admission = Admission::default();
        admission.add(Webhook::denying("policy.veza.app", "secrets", "got {body}"));
        let refused = admission.objection("patch", "secrets", false, &json!({"a": 1}));
        assert_eq!(
            refused.unwrap().message,
            "admission webhook \"policy.veza.app\" denied the request: got {\"a\":1}"
        );
        assert!(
            admission
                .objection("patch", "configmaps", false, &json!({}))
                .is_none()
        );
        admission.clear();
        admission.add(Webhook::not_to_be_rehearsed("w", "secrets"));
        let rehearsed = admission.objection("patch", "secrets", true, &json!({}));
        assert_eq!(rehearsed.unwrap().code, 400);
        assert!(
            admission
                .objection("patch", "secrets", false, &json!({}))
                .is_none()
        );
    }
}
