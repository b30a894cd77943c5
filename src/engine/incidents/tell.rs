//! Telling people by the channels that the configuration names: recorded before it is sent and after. What broke off after
//! bytes were sent may have arrived; that is said, and nothing sends it again by itself.

use super::{Hand, Ledger};
use crate::domain::incident::{Event, Incident, NoticeNews, NoticeTurn};
use crate::engine::runs::records;
use crate::platform::webhook::{self, Channel, Failure, Message};
use std::sync::Arc;

/// What a person told somebody by other means.
pub const BY_HAND: &str = "by hand";

/// Nobody took an incident on, and somebody else is called.
const ESCALATED: &str = "escalated";

/// Who is told of what.
#[derive(Debug, Clone, Default)]
pub struct Channels(pub Arc<Vec<(Channel, Vec<String>)>>);

impl Channels {
    /// The channels that want this kind of thing.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Channel> {
        // Whoever hears that one was opened hears as well that nobody took it on.
        let kind = if kind == ESCALATED { "incident" } else { kind };
        let wanted = move |(_, on): &&(Channel, Vec<String>)| on.iter().any(|one| one == kind);
        self.0.iter().filter(wanted).map(|(channel, _)| channel)
    }

    /// The channel of that name.
    pub fn named(&self, name: &str) -> Option<&Channel> {
        let mut all = self.0.iter().map(|(channel, _)| channel);
        all.find(|channel| channel.name == name)
    }
}

/// What kind of thing an event is for those who are told; most are for nobody but the file.
pub fn kind(event: &Event) -> Option<&'static str> {
    match event {
        Event::Opened { .. } | Event::Reopened { .. } => Some("incident"),
        Event::Escalated { .. } => Some(ESCALATED),
        Event::Severity { from, to, .. } if from != to => Some("severity"),
        Event::Resolved { .. } => Some("resolved"),
        _ => None,
    }
}

/// What is said of an incident by itself.
pub fn text(incident: &Incident, kind: &str) -> String {
    let (id, title, place) = (incident.id, &incident.title, &incident.place);
    let severity = incident.severity();
    match kind {
        ESCALATED => format!("{id} {severity}: nobody has taken it on: {title} ({place})"),
        "severity" => format!("{id} is {severity} now: {title}"),
        "resolved" => format!("{id} is resolved: {title}"),
        _ => format!("{id} {severity} is open: {title} ({place})"),
    }
}

/// The records of something that was told by other means.
pub fn by_hand(hand: &Hand, text: &str) -> Vec<Event> {
    let news = |turn| {
        Event::Notice(NoticeNews {
            notice: format!("{} {BY_HAND}", hand.now),
            channel: BY_HAND.to_owned(),
            turn,
        })
    };
    vec![
        news(NoticeTurn::Sending {
            text: text.to_owned(),
        }),
        news(NoticeTurn::Sent),
    ]
}

/// Sends a text to every channel that wants it, and says what came of each; none where nobody wants it.
pub async fn send(
    ledger: &Ledger,
    hand: &Hand,
    channels: &Channels,
    incident: &Incident,
    kind: &str,
    text: &str,
) -> Option<String> {
    let text = (ledger.cleaner)(text);
    let mut came = Vec::new();
    for channel in channels.of(kind) {
        let message = Message {
            id: format!("{} {} {kind} {}", incident.id, hand.now, channel.name),
            kind: kind.to_owned(),
            incident: Some(incident.id.to_string()),
            severity: Some(incident.severity().to_string()),
            text: text.clone(),
            at: hand.now.to_string(),
        };
        came.push(one(ledger, hand, incident, channel, &message).await.1);
    }
    (!came.is_empty()).then(|| came.join(" "))
}

/// Sends one message, recorded before and after; what came of it, and that in words.
pub async fn one(
    ledger: &Ledger,
    hand: &Hand,
    incident: &Incident,
    channel: &Channel,
    message: &Message,
) -> (NoticeTurn, String) {
    let name = &channel.name;
    let sending = NoticeTurn::Sending {
        text: message.text.clone(),
    };
    if let Err(why) = write(ledger, hand, incident, channel, message, sending).await {
        let said = format!("{name}: not sent, for it could not be recorded: {why}.");
        return (NoticeTurn::Failed { why }, said);
    }
    let (turn, said) = match webhook::post(channel, message).await {
        Ok(webhook::Sent) => (NoticeTurn::Sent, format!("{name}: sent.")),
        Err(Failure::Not(why)) => {
            let said = format!("{name}: not sent: {why}.");
            (NoticeTurn::Failed { why }, said)
        }
        Err(Failure::Maybe(why)) => {
            let said = format!("{name}: MAYBE SENT: {why}.");
            (NoticeTurn::MaybeSent { why }, said)
        }
    };
    match write(ledger, hand, incident, channel, message, turn.clone()).await {
        Ok(()) => (turn, said),
        Err(why) => (turn, format!("{said} That is not recorded: {why}.")),
    }
}

async fn write(
    ledger: &Ledger,
    hand: &Hand,
    incident: &Incident,
    channel: &Channel,
    message: &Message,
    turn: NoticeTurn,
) -> Result<(), String> {
    let (ledger, hand, id) = (ledger.clone(), hand.clone(), incident.id);
    let event = Event::Notice(NoticeNews {
        notice: message.id.clone(),
        channel: channel.name.clone(),
        turn,
    });
    let written = records::off(move || ledger.write(id, &hand, |_| Ok(vec![event])));
    written.await?.map(drop).map_err(|error| error.to_string())
}
