//! Why a request is refused, in the apiserver's own words: code, reason and message of a `Status`. Made by the verbs and the face; knows neither.

use serde_json::{Value, json};

use super::kind::Resource;
use super::tree;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP code.
    pub code: u16,
    /// The machine's word for it.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
    /// What the request was about.
    pub details: Value,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
        }
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        self
    }

    /// 400
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 404 of an object.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self::new(404, "NotFound", message).about(resource, name)
    }

    /// 404 of a path.
    pub fn no_such_path() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
    }

    /// 405
    pub fn not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    /// 405 of what needs a process behind the pod.
    pub fn nobody_inside(part: &str, pod: &str) -> Self {
        let message = format!(
            "pods/{part} is not served: pod \"{pod}\" is simulated and no process runs in it; `kubectl logs` shows what it says"
        );
        Self::new(405, "MethodNotAllowed", message)
    }

    /// 409 of a configuration that other managers stand against.
    pub fn contested(resource: &Resource, name: &str, conflicts: &[String]) -> Self {
        let message = format!(
            "Apply failed with {} conflict{}: {}",
            conflicts.len(),
            if conflicts.len() == 1 { "" } else { "s" },
            conflicts.join(", ")
        );
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|why| {
                let field = why.rsplit(": ").next().unwrap_or_default();
                json!({"reason": "FieldManagerConflict", "message": why, "field": field})
            })
            .collect();
        let mut refusal = Self::new(409, "Conflict", message).about(resource, name);
        tree::put(&mut refusal.details, &["causes"], Value::from(causes));
        refusal
    }

    /// 409 because it is there already.
    pub fn exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// 409 because it has changed meanwhile.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 409 for another reason.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            resource.qualified()
        );
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 410: the asked version is no longer known.
    pub fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(
            410,
            "Expired",
            format!("too old resource version: {asked} ({oldest})"),
        )
    }

    /// 422 because of one field.
    pub fn invalid(resource: &Resource, name: &str, field: &str, why: &str) -> Self {
        let kind = if resource.group.is_empty() {
            resource.name.to_owned()
        } else {
            format!("{}.{}", resource.name, resource.group)
        };
        let message = format!("{kind} \"{name}\" is invalid: {field}: {why}");
        let mut refusal = Self::new(422, "Invalid", message).about(resource, name);
        tree::put(&mut refusal.details, &["kind"], resource.name);
        let reason = if why.starts_with("Required") {
            "FieldValueRequired"
        } else {
            "FieldValueInvalid"
        };
        tree::put(
            &mut refusal.details,
            &["causes"],
            json!([{"reason": reason, "message": why, "field": field}]),
        );
        refusal
    }

    /// The `Status` object.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            tree::put(&mut status, &["details"], self.details.clone());
        }
        status
    }
}
