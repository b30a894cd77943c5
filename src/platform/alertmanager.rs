//! Alertmanager, API version 2: the alerts it holds, whether it is there, and silences.
//! What it tells is hostile text: counted, cut and kept as it is; escaping is for whoever draws it.

mod silence;

pub use silence::{Silence, Silencing};

use crate::domain::alert::{Alert, AlertState, Severity};
use crate::platform::http::{Body, HttpFailure, Method, Transport, clip, is_page};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most alerts that are kept of one answer.
pub const ALERTS: usize = 5_000;
/// The most labels or annotations of one alert.
pub const LABELS: usize = 64;
/// The longest name of a label, in characters.
pub const NAME_LENGTH: usize = 128;
/// The longest value of a label or annotation, in characters.
pub const VALUE_LENGTH: usize = 2_048;
/// The most ids of what suppresses one alert.
const SUPPRESSORS: usize = 32;

/// What Alertmanager says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// The state of its cluster: `ready`, `settling`, `disabled`.
    pub cluster: String,
    /// When it started.
    pub since: Option<Timestamp>,
}

/// The alerts of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alerts {
    /// Them, by severity, name and fingerprint.
    pub alerts: Vec<Alert>,
    /// How many more there were than are kept.
    pub left_out: usize,
    /// How many could not be read.
    pub unreadable: usize,
}

/// A client of one Alertmanager.
#[derive(Debug, Clone)]
pub struct Alertmanager {
    transport: Transport,
}

impl Alertmanager {
    /// A client; nothing is asked yet.
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// Where answers come from, without credentials.
    pub fn address(&self) -> String {
        self.transport.address()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, HttpFailure> {
        let answer = self.transport.ask(Method::GET, path, Body::Empty).await?;
        decode(answer.0, &answer.1)
    }

    /// All alerts, heard and suppressed.
    pub async fn alerts(&self) -> Result<Alerts, HttpFailure> {
        let path = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true";
        let raw: Vec<Value> = self.get(path).await?;
        let mut found = Alerts {
            left_out: raw.len().saturating_sub(ALERTS),
            ..Alerts::default()
        };
        for value in raw.into_iter().take(ALERTS) {
            let object = value.is_object();
            match serde_json::from_value::<RawAlert>(value) {
                Ok(raw) if object => found.alerts.push(raw.alert()),
                _ => found.unreadable += 1,
            }
        }
        found.alerts.sort_by(|a, b| {
            let key = |alert: &Alert| {
                (
                    alert.severity,
                    alert.name.clone(),
                    alert.fingerprint.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        Ok(found)
    }

    /// Whether it is there, and what it is.
    pub async fn status(&self) -> Result<Status, HttpFailure> {
        let raw: RawStatus = self.get("/api/v2/status").await?;
        Ok(Status {
            version: clip(&raw.version.version),
            cluster: clip(&raw.cluster.status),
            since: moment(&raw.uptime),
        })
    }
}

/// A refusal in Alertmanager's words: a JSON string, or an object with a message.
fn refused(status: u16, body: &[u8]) -> HttpFailure {
    let words = match serde_json::from_slice::<Value>(body) {
        Ok(Value::String(words)) => words,
        Ok(Value::Object(fields)) => match fields.get("message") {
            Some(Value::String(words)) => words.clone(),
            _ => return HttpFailure::status(status, body),
        },
        _ => return HttpFailure::status(status, body),
    };
    HttpFailure::Status(status, clip(&words))
}

fn decode<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, HttpFailure> {
    if !(200..300).contains(&status) {
        return Err(refused(status, body));
    }
    if is_page(body) {
        let why = "not an answer of Alertmanager: it is a web page";
        return Err(HttpFailure::Malformed(why.into()));
    }
    serde_json::from_slice(body).map_err(|error| {
        HttpFailure::Malformed(clip(&format!("not an answer of Alertmanager: {error}")))
    })
}

#[derive(Deserialize)]
struct RawStatus {
    #[serde(rename = "versionInfo")]
    version: RawVersion,
    #[serde(default)]
    cluster: RawCluster,
    #[serde(default)]
    uptime: String,
}

#[derive(Deserialize, Default)]
struct RawVersion {
    #[serde(default)]
    version: String,
}

#[derive(Deserialize, Default)]
struct RawCluster {
    #[serde(default)]
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawAlert {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
    status: RawAlertStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawAlertStatus {
    state: String,
    silenced_by: Option<Vec<String>>,
    inhibited_by: Option<Vec<String>>,
}

/// A text cut to a number of characters.
fn cut(text: &str, most: usize) -> Arc<str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Labels within bounds; those that say what an alert is come first, so that a flood of others cannot push them out.
fn bounded(all: &BTreeMap<String, String>) -> BTreeMap<Arc<str>, Arc<str>> {
    const TELLING: [&str; 12] = [
        "alertname",
        "severity",
        "namespace",
        "service",
        "deployment",
        "workload",
        "app",
        "pod",
        "summary",
        "description",
        "runbook",
        "runbook_url",
    ];
    let telling = |name: &str| !TELLING.contains(&name);
    let mut pairs: Vec<_> = all.iter().collect();
    pairs.sort_by_key(|(name, _)| telling(name));
    let kept = pairs.into_iter().take(LABELS);
    kept.map(|(name, value)| (cut(name, NAME_LENGTH), cut(value, VALUE_LENGTH)))
        .collect()
}

fn ids(all: Option<Vec<String>>) -> Vec<Arc<str>> {
    let all = all.unwrap_or_default().into_iter().take(SUPPRESSORS);
    all.map(|id| cut(&id, NAME_LENGTH)).collect()
}

impl RawAlert {
    fn alert(self) -> Alert {
        let labels = bounded(&self.labels);
        let name = labels.get("alertname").cloned();
        let severity = Severity::parse(labels.get("severity").map(|value| &**value));
        Alert {
            fingerprint: (&*cut(&self.fingerprint, NAME_LENGTH)).into(),
            name: name.unwrap_or_else(|| "(without a name)".into()),
            severity,
            state: self.status.state(),
            since: moment(&self.starts_at),
            annotations: bounded(&self.annotations),
            generator: self
                .generator_url
                .filter(|url| !url.is_empty())
                .map(|url| cut(&url, VALUE_LENGTH)),
            labels,
        }
    }
}

impl RawAlertStatus {
    fn state(self) -> AlertState {
        match self.state.as_str() {
            "suppressed" => AlertState::Suppressed {
                silenced_by: ids(self.silenced_by),
                inhibited_by: ids(self.inhibited_by),
            },
            "unprocessed" => AlertState::Unprocessed,
            _ => AlertState::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn alert(json: Value) -> Alert {
        serde_json::from_value::<RawAlert>(json).unwrap().alert()
    }

    #[test]
    fn a_flood_of_labels_is_cut_and_what_tells_the_alert_stays() {
        let mut labels: BTreeMap<String, String> = (0..500)
            .map(|i| (format!("a{i}"), "é".repeat(10_000)))
            .collect();
        labels.insert("severity".into(), "critical".into());
        labels.insert("alertname".into(), "HighErrorRate".into());
        labels.insert("service".into(), "api".into());
        let alert = alert(json!({"fingerprint": "f", "labels": labels}));
        assert_eq!(alert.labels.len(), LABELS);
        assert_eq!(&*alert.name, "HighErrorRate");
        assert_eq!(alert.severity, Severity::Critical);
        assert_eq!(alert.service().map(|name| &**name), Some("api"));
        assert!(
            alert
                .labels
                .values()
                .all(|v| v.chars().count() <= VALUE_LENGTH + 1)
        );
    }

    #[test]
    fn an_alert_of_which_little_is_known_is_still_one() {
        let alert = alert(
            json!({"status": {"state": "suppressed", "silencedBy": ["s1"], "inhibitedBy": null}}),
        );
        assert_eq!(&*alert.name, "(without a name)");
        assert_eq!(alert.since, None);
        assert!(!alert.heard());
        assert_eq!(
            alert.state,
            AlertState::Suppressed {
                silenced_by: vec!["s1".into()],
                inhibited_by: vec![]
            }
        );
    }

    #[test]
    fn a_refusal_is_in_its_own_words() {
        let says = |body: &str| refused(400, body.as_bytes()).short();
        assert_eq!(
            says(r#""end time must be in the future""#),
            "HTTP 400: end time must be in the future"
        );
        assert_eq!(
            says(r#"{"code":602,"message":"createdBy in body is required"}"#),
            "HTTP 400: createdBy in body is required"
        );
        assert_eq!(says("<html>"), "HTTP 400: a web page");
    }
}
