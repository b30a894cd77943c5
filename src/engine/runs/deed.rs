//! What somebody did at the console that belongs into the audit log without being part of a run: arming, disarming.

use super::means::Means;
use super::records;
use crate::app::message::{Fact, Notice};
use crate::app::runs::order::Deed;
use crate::journal::AuditEvent;
use serde_json::json;

/// Writes a deed down; where it cannot be written, the person is told.
pub async fn write_down(means: &Means, deed: Deed) {
    let mut actor = records::actor(deed.by.as_deref());
    actor["tty"] = json!(true);
    let fields = json!({
        "actor": actor,
        "app": {"version": env!("CARGO_PKG_VERSION")},
        "target": deed.target,
        "reason": deed.reason,
    });
    let event = AuditEvent {
        ts: means.clock.now(),
        event: deed.event.to_owned(),
        fields: fields.as_object().cloned().unwrap_or_default(),
    };
    let state = means.keeping.state.clone();
    let written = records::off(move || records::append(&state, &[event])).await;
    if let Err(why) | Ok(Err(why)) = written {
        let notice = Notice {
            text: format!("Not in the audit log: {why}"),
            error: true,
        };
        // Nobody may listen any more when the program is ending.
        let _ = means.facts.send(Fact::Notice(notice)).await;
    }
}
