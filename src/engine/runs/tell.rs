//! What a run tells people and the incident, carried out: one message once, one record in the incident's file.

use super::means::Means;
use super::records::Who;
use crate::domain::incident::NoticeTurn;
use crate::engine::incidents::{Hand, follow, tell};
use crate::platform::webhook::{self, Failure as Unsent, Message};
use crate::runbook::machine::{Answer, Failure, Start};
use serde_json::json;
use std::collections::BTreeMap;

/// Sends a message. It is never tried twice: what broke off may have arrived. Where an incident is open, those concerned
/// have heard of it then, and its file says so.
pub async fn send(means: &Means, start: &Start, channel: &str, text: &str, id: String) -> Answer {
    let (ledger, place) = (means.incidents(), follow::place(start));
    let open = super::records::off(move || ledger.open_at(&place).into_iter().next()).await;
    let incident = open.ok().flatten();
    let hand = hand(means, start);
    let now = hand.now;
    let Some(channel) = means.keeping.rules.channels.named(channel) else {
        let why = format!("there is no channel {channel}: name it as [channels.{channel}]");
        return Answer::Found(json!({"sent": "no", "why": why}));
    };
    let message = Message {
        id,
        kind: "update".to_owned(),
        incident: incident.as_ref().map(|incident| incident.id.to_string()),
        severity: incident
            .as_ref()
            .map(|incident| incident.severity().to_string()),
        text: (means.keeping.rules.cleaner)(text),
        at: now.to_string(),
    };
    if let Some(incident) = incident {
        let sent = tell::one(&means.incidents(), &hand, &incident, channel, &message).await;
        return Answer::Found(match sent.0 {
            NoticeTurn::Sent => json!({"sent": "yes", "channel": channel.name}),
            NoticeTurn::MaybeSent { why } => json!({"sent": "maybe", "why": why}),
            NoticeTurn::Failed { why } => json!({"sent": "no", "why": why}),
            NoticeTurn::Sending { .. } => json!({"sent": "maybe", "why": sent.1}),
        });
    }
    Answer::Found(match webhook::post(channel, &message).await {
        Ok(webhook::Sent) => json!({"sent": "yes", "channel": channel.name}),
        Err(Unsent::Not(why)) => json!({"sent": "no", "why": why}),
        Err(Unsent::Maybe(why)) => json!({"sent": "maybe", "why": why}),
    })
}

/// Whoever carries the run out, in the server's time.
fn hand(means: &Means, start: &Start) -> Hand {
    Hand::by(&means.clock, Who::Cluster(start.actor.clone()))
}

/// Settles something of the incident that is open where the run is.
pub async fn settle(
    means: &Means,
    start: &Start,
    keys: BTreeMap<String, String>,
) -> Result<Answer, Failure> {
    let (ledger, place) = (means.incidents(), follow::place(start));
    let hand = hand(means, start);
    let set = super::records::off(move || ledger.set(&place, &hand, &keys)).await;
    match set {
        Ok(Ok(id)) => Ok(Answer::Found(json!({"incident": id.to_string()}))),
        Ok(Err(why)) | Err(why) => Err(Failure::Invalid(why)),
    }
}
