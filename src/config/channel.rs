//! Who is told of incidents, and what an acknowledgement does: the keys of `[channels.*]` and `[incidents]`.

use super::unit::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an acknowledgement does beside its record, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Incidents {
    /// Whether acknowledging an alert also silences it in Alertmanager for 15 minutes, marked vigie-ack.
    pub acknowledge_silences: bool,
    /// How long it may take until somebody acknowledges an incident, by its severity.
    pub acknowledge_within: Within,
}

/// A limit for each severity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Within {
    /// Critical.
    pub p0: Time,
    /// High.
    pub p1: Time,
    /// Medium.
    pub p2: Time,
    /// Low.
    pub p3: Time,
}

impl Default for Within {
    fn default() -> Self {
        Self {
            p0: Time::seconds(5 * 60),
            p1: Time::seconds(5 * 60),
            p2: Time::seconds(30 * 60),
            p3: Time::seconds(24 * 3600),
        }
    }
}

/// One way to tell people: an address that takes a POST. The address is a secret: it is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Channel {
    /// The address, http or https; better kept in a file.
    pub url: Option<String>,
    /// A file with the address, read anew each time.
    pub url_file: Option<String>,
    /// How the other side wants it: slack or json.
    pub format: ChannelFormat,
    /// What it is told of: incident (opened), severity, resolved, update.
    pub on: Vec<ChannelOn>,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            format: ChannelFormat::Slack,
            on: vec![
                ChannelOn::Incident,
                ChannelOn::Severity,
                ChannelOn::Resolved,
                ChannelOn::Update,
            ],
        }
    }
}

/// How a message is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelFormat {
    /// As Slack and what speaks like it.
    #[default]
    Slack,
    /// A document with a schema.
    Json,
}

/// What a channel is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOn {
    /// An incident was opened or reopened.
    Incident,
    /// Its severity changed.
    Severity,
    /// It is over.
    Resolved,
    /// What a person wants to be told.
    Update,
}

impl ChannelOn {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Severity => "severity",
            Self::Resolved => "resolved",
            Self::Update => "update",
        }
    }
}
