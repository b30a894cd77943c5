//! Silences: asked for once; where the answer was lost, looked for by their mark instead of being asked for again.

use super::{Alertmanager, decode};
use crate::platform::http::{Body, HttpFailure, Method};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A silence to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The labels an alert must have, each with this very value.
    pub labels: BTreeMap<String, String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who made it, as Alertmanager shows it: the program, not a person.
    pub by: String,
    /// Why.
    pub comment: String,
    /// A word of its own in the comment, by which it is found again.
    pub mark: String,
}

/// Why there is no silence, or none that is known of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silencing {
    /// There is none.
    #[error("{0}")]
    Not(String),
    /// Nobody knows.
    #[error("{0}")]
    Unknown(String),
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    comment: String,
}

impl Alertmanager {
    /// Makes a silence and gives its id.
    pub async fn silence(&self, silence: &Silence) -> Result<String, Silencing> {
        let matchers: Vec<_> = silence
            .labels
            .iter()
            .map(|(name, value)| {
                json!({"name": name, "value": value, "isRegex": false, "isEqual": true})
            })
            .collect();
        let document = json!({
            "matchers": matchers, "startsAt": silence.from.to_string(), "endsAt": silence.until.to_string(),
            "createdBy": silence.by, "comment": format!("{} [{}]", silence.comment, silence.mark),
        });
        let body = Body::Document("application/json", document.to_string().into());
        let asked = self.transport.ask(Method::POST, "/api/v2/silences", body);
        let made = match asked.await {
            Ok((status, body)) => decode::<Made>(status, &body),
            Err(failure) => Err(failure),
        };
        match made {
            Ok(made) => Ok(made.id),
            Err(
                failure @ (HttpFailure::Status(300..=499, _)
                | HttpFailure::Address(_)
                | HttpFailure::Credential(_)),
            ) => Err(Silencing::Not(failure.short())),
            Err(failure) => self.found(silence, &failure.short()).await,
        }
    }

    /// Looks for a silence whose answer was lost.
    async fn found(&self, silence: &Silence, why: &str) -> Result<String, Silencing> {
        let mark = format!("[{}]", silence.mark);
        match self.get::<Vec<Listed>>("/api/v2/silences").await {
            Ok(all) => {
                let ours = all.into_iter().find(|one| one.comment.ends_with(&mark));
                ours.map(|one| one.id).ok_or_else(|| {
                    Silencing::Not(format!("{why}; it was looked for and is not there"))
                })
            }
            Err(again) => Err(Silencing::Unknown(format!(
                "{why}; and it could not be looked for: {}",
                again.short()
            ))),
        }
    }
}
