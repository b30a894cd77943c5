//! What a run tells people and the incident, carried out: one message once, one record in the incident's file.

use super::means::Means;
use super::records::Who;
use crate::domain::incident::Stamp;
use crate::engine::incidents::{Hand, follow};
use crate::platform::webhook::{self, Failure as Unsent, Message};
use crate::runbook::machine::{Answer, Failure, Start};
use serde_json::json;
use std::collections::BTreeMap;

/// Sends a message. It is never tried twice: what broke off may have arrived.
pub async fn send(means: &Means, channel: &str, text: &str, id: String) -> Answer {
    let now = means.clock.now();
    let Some(channel) = means.keeping.rules.channels.named(channel) else {
        let why = format!("there is no channel {channel}: name it as [channels.{channel}]");
        return Answer::Found(json!({"sent": "no", "why": why}));
    };
    let message = Message {
        id,
        kind: "update".to_owned(),
        incident: None,
        severity: None,
        text: (means.keeping.rules.cleaner)(text),
        at: now.to_string(),
    };
    Answer::Found(match webhook::post(channel, &message).await {
        Ok(webhook::Sent) => json!({"sent": "yes", "channel": channel.name}),
        Err(Unsent::Not(why)) => json!({"sent": "no", "why": why}),
        Err(Unsent::Maybe(why)) => json!({"sent": "maybe", "why": why}),
    })
}

/// Settles something of the incident that is open where the run is.
pub async fn settle(
    means: &Means,
    start: &Start,
    keys: BTreeMap<String, String>,
) -> Result<Answer, Failure> {
    let (ledger, place) = (means.incidents(), follow::place(start));
    let hand = Hand {
        now: means.clock.now(),
        stamp: Stamp::Local,
        who: Who::Cluster(start.actor.clone()),
    };
    let set = super::records::off(move || ledger.set(&place, &hand, &keys)).await;
    match set {
        Ok(Ok(id)) => Ok(Answer::Found(json!({"incident": id.to_string()}))),
        Ok(Err(why)) | Err(why) => Err(Failure::Invalid(why)),
    }
}
