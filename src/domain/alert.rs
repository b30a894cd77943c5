//! Alerts, as Alertmanager holds them.

use super::uid::Uid;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How loud an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody must act now.
    Critical,
    /// Somebody should look.
    Warning,
    /// To be known.
    Info,
    /// The label is missing or says something else.
    Other,
}

impl Severity {
    /// Reads the label `severity`.
    pub fn parse(label: Option<&str>) -> Self {
        match label.map(str::to_ascii_lowercase).as_deref() {
            Some("critical" | "page" | "error" | "p0" | "p1") => Self::Critical,
            Some("warning" | "warn" | "p2") => Self::Warning,
            Some("info" | "none" | "p3" | "notice") => Self::Info,
            _ => Self::Other,
        }
    }

    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Other => "other",
        }
    }
}

/// Whether an alert is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertState {
    /// It fires.
    Active,
    /// It fires, but a silence or another alert keeps it quiet: ids of those.
    Suppressed {
        /// Silences that hold it.
        silenced_by: Vec<Arc<str>>,
        /// Alerts that inhibit it.
        inhibited_by: Vec<Arc<str>>,
    },
    /// Alertmanager has not looked at it yet.
    Unprocessed,
}

impl AlertState {
    /// The word in reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suppressed { .. } => "suppressed",
            Self::Unprocessed => "unprocessed",
        }
    }
}

/// One alert. Labels and annotations are as they came: escape before drawing, never interpret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its fingerprint, which names it.
    pub fingerprint: Uid,
    /// The label `alertname`.
    pub name: Arc<str>,
    /// How loud.
    pub severity: Severity,
    /// Whether it is heard.
    pub state: AlertState,
    /// Since when it fires.
    pub since: Option<Timestamp>,
    /// Its labels.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Its annotations.
    pub annotations: BTreeMap<Arc<str>, Arc<str>>,
    /// Where its rule can be seen.
    pub generator: Option<Arc<str>>,
}

impl Alert {
    /// The namespace it speaks of.
    pub fn namespace(&self) -> Option<&Arc<str>> {
        ["namespace", "kubernetes_namespace", "exported_namespace"]
            .iter()
            .find_map(|key| self.labels.get(*key))
    }

    /// The service it speaks of, by the labels people use.
    pub fn service(&self) -> Option<&Arc<str>> {
        [
            "service",
            "deployment",
            "app",
            "workload",
            "statefulset",
            "daemonset",
            "job",
        ]
        .iter()
        .find_map(|key| self.labels.get(*key))
    }

    /// What it says of itself: summary, else description, else its name.
    pub fn summary(&self) -> &Arc<str> {
        ["summary", "message", "description"]
            .iter()
            .find_map(|key| self.annotations.get(*key))
            .unwrap_or(&self.name)
    }

    /// The runbook it names, if it names one.
    pub fn runbook(&self) -> Option<&Arc<str>> {
        self.annotations.get("runbook")
    }

    /// Whether anybody should hear it.
    pub fn heard(&self) -> bool {
        !matches!(self.state, AlertState::Suppressed { .. })
    }
}
