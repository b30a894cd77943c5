//! That a console was opened and left, for the audit log. Written beside the drawing, so that no frame waits for a disk;
//! what could not be written is said once the screen is given back.

use super::print;
use super::session::Session;
use crate::engine::clock::Clock;
use crate::engine::runs::records;
use crate::journal::AuditEvent;
use crate::tui::Ending;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use tokio::task::JoinHandle;

/// Somebody at a console.
pub struct Attendance {
    state: PathBuf,
    clock: Clock,
    fields: Map<String, Value>,
    begun: JoinHandle<Result<(), String>>,
}

impl Attendance {
    /// A console opens.
    pub fn begin(state: PathBuf, session: &Session) -> Self {
        let target = &session.app.target;
        let mut actor = records::actor(target.user.as_deref());
        actor["tty"] = json!(true);
        let namespace = target.scope.namespace().map(ToString::to_string);
        let fields = json!({
            "actor": actor,
            "app": {"version": env!("CARGO_PKG_VERSION")},
            "target": {
                "context": target.context.to_string(), "server": target.server.to_string(),
                "namespace": namespace.unwrap_or_default(), "environment": target.environment.name.to_string(),
            },
        });
        let clock = session.engine.clock().clone();
        let fields = fields.as_object().cloned().unwrap_or_default();
        let begun = write(state.clone(), &clock, "console.start", fields.clone());
        Self {
            state,
            clock,
            fields,
            begun,
        }
    }

    /// It is left, and how.
    pub async fn end(mut self, how: &str) {
        self.fields.insert("reason".to_owned(), json!(how));
        let begun = self.begun.await;
        let ended = write(self.state, &self.clock, "console.stop", self.fields).await;
        for written in [begun, ended] {
            if let Ok(Err(why)) = written {
                print::note(&format!("not in the audit log: {why}"));
            }
        }
    }
}

fn write(
    state: PathBuf,
    clock: &Clock,
    event: &str,
    fields: Map<String, Value>,
) -> JoinHandle<Result<(), String>> {
    let event = AuditEvent {
        ts: clock.now(),
        event: event.to_owned(),
        fields,
    };
    tokio::task::spawn_blocking(move || records::append(&state, &[event]))
}

/// How a console was left, in words.
pub fn how(ending: &std::io::Result<Ending>) -> String {
    match ending {
        Ok(Ending::Left) => "left".to_owned(),
        Ok(Ending::Signal(signal)) => format!("{signal:?}").to_lowercase(),
        Err(error) => format!("the terminal: {error}"),
    }
}
