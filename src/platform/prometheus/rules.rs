//! The alerting rules that Prometheus evaluates: their names, what they ask, whether they can be evaluated. Hostile text like
//! all answers: counted and cut; escaping is for whoever draws it.

use super::Prometheus;
use super::wire::{QueryFailure, json, open};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most rules that are kept of one answer.
pub const RULES: usize = 2_000;

/// One alerting rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRule {
    /// The alert it raises.
    pub name: String,
    /// What it asks.
    pub query: String,
    /// The values of the labels it adds.
    pub labels: Vec<String>,
    /// Whether its last evaluation went well.
    pub well: bool,
}

impl AlertRule {
    /// Whether it names something in what it asks or adds.
    pub fn names(&self, service: &str) -> bool {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        let mut texts = std::iter::once(&self.query).chain(&self.labels);
        texts.any(|text| {
            let mut found = text.match_indices(service);
            found.any(|(at, _)| {
                edge(text[..at].chars().next_back())
                    && edge(text[at + service.len()..].chars().next())
            })
        })
    }

    /// Whether it picks nothing by a service's name: then it is about every service.
    pub fn is_general(&self) -> bool {
        const PICKS: [&str; 6] = ["service", "deployment", "workload", "app", "pod", "job"];
        let picks = |name: &str| {
            let mut found = self.query.match_indices(name);
            found.any(|(at, _)| {
                let word = self.query[..at]
                    .chars()
                    .next_back()
                    .is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let rest = self.query[at + name.len()..].trim_start();
                let rest = rest.strip_prefix("=~").or_else(|| rest.strip_prefix('='));
                // Whoever matches everything picks nothing.
                let value = rest.map(|rest| rest.trim_start().trim_start_matches('"'));
                word && value
                    .is_some_and(|value| !value.starts_with(".+") && !value.starts_with(".*"))
            })
        };
        !PICKS.into_iter().any(picks)
    }
}

impl Prometheus {
    /// Its alerting rules.
    pub async fn alert_rules(&self) -> Result<Vec<AlertRule>, QueryFailure> {
        let (status, body) = self.call("/api/v1/rules", &[("type", "alert")]).await?;
        let mut all = rules(status, &body)?;
        all.truncate(RULES);
        Ok(all)
    }
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
struct RawRule {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    health: String,
}

/// The alerting rules of an answer.
fn rules(status: u16, body: &[u8]) -> Result<Vec<AlertRule>, QueryFailure> {
    let (data, _) = open(status, body)?;
    let groups = json::<Groups>(data.get())?.groups;
    let all = groups.into_iter().flat_map(|group| group.rules);
    let alerting = all.filter(|rule| rule.kind == "alerting");
    let rules = alerting.map(|rule| AlertRule {
        name: rule.name,
        query: rule.query,
        labels: rule.labels.into_values().collect(),
        // One that was not evaluated yet is not known to be wrong.
        well: rule.health != "err",
    });
    Ok(rules.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(query: &str, label: &str) -> AlertRule {
        AlertRule {
            name: "High".into(),
            query: query.into(),
            labels: vec![label.into()],
            well: true,
        }
    }

    #[test]
    fn a_rule_is_about_whom_it_names_or_about_everybody() {
        let general = rule(
            "sum by (service) (rate(http_requests_total[5m])) > 1",
            "critical",
        );
        assert!(general.is_general() && !general.names("veza-backend"));
        let every = rule("up{job=~\".+\"} == 0", "critical");
        assert!(every.is_general());
        let own = rule("x{service=\"veza-backend\"} > 1", "critical");
        assert!(own.names("veza-backend") && !own.is_general() && !own.names("veza"));
        let other = rule("x{service = \"chat-server\"} > 1", "critical");
        assert!(!other.names("veza-backend") && !other.is_general());
        assert!(rule("up == 0", "veza-backend").names("veza-backend"));
    }
}
