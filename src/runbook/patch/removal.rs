//! An object as it is to be gone.

use serde_json::Value;

use super::field::{FieldChange, ObjectRef};
use super::planned::Planned;
use crate::runbook::verb::Verb;

/// Plans an object to be gone: its uid and its owners are what is no more.
pub fn plan_removal(kind: &str, object: ObjectRef, body: &Value) -> Planned {
    let gone = |path: &str| {
        let before = body.pointer(path).cloned();
        before.map(|before| FieldChange {
            path: path.to_owned(),
            before: Some(before),
            after: None,
            from: None,
        })
    };
    let going = body.pointer("/metadata/deletionTimestamp").is_some();
    let changes = ["/metadata/uid", "/metadata/ownerReferences"].map(gone);
    let grace = body.pointer("/spec/terminationGracePeriodSeconds");
    let grace = grace.and_then(Value::as_i64).unwrap_or(30);
    let line = match (going, Verb::of(kind)) {
        (true, _) => "it is going already".to_owned(),
        (false, Verb::Evict) => format!("evict it; it gets {grace} s to end"),
        (false, _) => format!("delete it; it gets {grace} s to end"),
    };
    Planned {
        kind: kind.to_owned(),
        object,
        changes: if going {
            Vec::new()
        } else {
            changes.into_iter().flatten().collect()
        },
        lines: vec![line],
    }
}
