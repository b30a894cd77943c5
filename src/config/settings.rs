//! Every key of the configuration, as types with their defaults. The JSON Schema, the reader's checks, `config show` and the
//! example are all derived from here; what a key means to the rest of the program is the business of who reads it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::ambient::{Ambient, Hidden};
use super::audit::AuditLog;
use super::channel::{Channel, Incidents};
use super::policy::{ImageRule, Policy};
pub use super::source::{Source, VaultSource};
use super::unit::{OffOr, Ratio, Time};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The theme: auto (night or day, as the terminal's ground is), night, day, contrast, distinct, mono, or one of your own.
    pub theme: String,
    /// Plain ASCII instead of box drawing and symbols.
    pub ascii: bool,
    /// Whether the mouse wheel scrolls (the terminal's own selection then needs shift).
    pub mouse: bool,
    /// How a change of level asks for attention.
    pub notify: Notify,
    /// Read-only everywhere, whatever the environment says.
    pub read_only: bool,
    /// The kubeconfig file; several are separated as in KUBECONFIG.
    pub kubeconfig: Option<String>,
    /// Where runs, journals, logs and crash reports are kept.
    pub state_dir: Option<String>,
    /// Where the console opens.
    pub start: Start,
    /// How often is asked and drawn.
    pub refresh: Refresh,
    /// What counts as too much, unless a service says otherwise.
    pub thresholds: Thresholds,
    /// Runbooks of your own.
    pub runbooks: Runbooks,
    /// The log file.
    pub log: Log,
    /// The audit log: the record of what was done.
    pub audit: AuditLog,
    /// What is particular about a service, by its name.
    pub services: BTreeMap<String, Service>,
    /// Where the numbers of a kubeconfig context come from, by the context's name.
    pub context: BTreeMap<String, Context>,
    /// Who may approve what others do.
    pub approvals: Approvals,
    /// What holds where: policy by environment.
    pub environment: BTreeMap<String, Environment>,
    /// Signals by PromQL, by the signal's name.
    pub signals: BTreeMap<String, Signal>,
    /// Keys of your own: a command and the chords that give it.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Who is told of incidents by webhook, by a name of your own.
    pub channels: BTreeMap<String, Channel>,
    /// Incidents.
    pub incidents: Incidents,
    /// Links that `o` offers: a name and an address with placeholders.
    pub links: BTreeMap<String, String>,
    /// Which columns a table shows, in this order.
    pub columns: BTreeMap<String, Vec<String>>,
    /// What the ecosystem's own variables name; never read from the file.
    #[serde(skip)]
    pub ambient: Ambient,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: "auto".into(),
            ascii: false,
            mouse: false,
            notify: Notify::Auto,
            read_only: false,
            kubeconfig: None,
            state_dir: None,
            start: Start::default(),
            refresh: Refresh::default(),
            thresholds: Thresholds::default(),
            runbooks: Runbooks::default(),
            log: Log::default(),
            audit: AuditLog::default(),
            services: BTreeMap::new(),
            context: BTreeMap::new(),
            approvals: Approvals::default(),
            environment: Environment::built_in(),
            signals: BTreeMap::new(),
            keys: BTreeMap::new(),
            channels: BTreeMap::new(),
            incidents: Incidents::default(),
            links: BTreeMap::new(),
            columns: BTreeMap::new(),
            ambient: Ambient::default(),
        }
    }
}

/// How attention is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    /// The bell, and what the terminal is known to understand beside it.
    #[default]
    Auto,
    /// The bell alone.
    Bell,
    /// OSC 9 (iTerm2, Windows Terminal) beside the bell.
    Osc9,
    /// OSC 777 (foot, ghostty, wezterm, urxvt) beside the bell.
    Osc777,
    /// Nothing.
    Off,
}

/// Where the console opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// The kubeconfig context; without it, the current one.
    pub context: Option<String>,
    /// The namespace; without it, the context's.
    pub namespace: Option<String>,
    /// All namespaces instead of one.
    pub all_namespaces: bool,
    /// The first screen.
    pub screen: String,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            context: None,
            namespace: None,
            all_namespaces: false,
            screen: "overview".into(),
        }
    }
}

/// How often is asked and drawn. Kubernetes is watched, never polled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Refresh {
    /// Between two questions to Prometheus.
    pub metrics: Time,
    /// Between two questions to Alertmanager.
    pub alerts: Time,
    /// Between two scrapes of a pod, where there is no Prometheus.
    pub scrape: Time,
    /// Frames a second at most.
    #[schemars(range(min = 1, max = 120))]
    pub frames: u16,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            metrics: Time::seconds(5),
            alerts: Time::seconds(5),
            scrape: Time::seconds(15),
            frames: 30,
        }
    }
}

/// What counts as too much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// The share of requests that may fail.
    pub error_ratio: Ratio,
    /// The time in which 99 of 100 requests are answered.
    pub p99: Time,
    /// The share of its limit that a container may use.
    pub saturation: Ratio,
    /// The window that rates and quantiles are taken over.
    pub window: Time,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            error_ratio: Ratio::percent(1.0),
            p99: Time::millis(500),
            saturation: Ratio::percent(90.0),
            window: Time::seconds(60),
        }
    }
}

/// Thresholds of one service; what is left out is as for all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceThresholds {
    /// The share of requests that may fail.
    pub error_ratio: Option<Ratio>,
    /// The time in which 99 of 100 requests are answered.
    pub p99: Option<Time>,
    /// The share of its limit that a container may use.
    pub saturation: Option<Ratio>,
    /// The window that rates and quantiles are taken over.
    pub window: Option<Time>,
}

/// Runbooks of your own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Runbooks {
    /// Folders with `*.runbook.md` files; one with the id of a shipped runbook takes its place.
    pub folders: Vec<String>,
    /// The language that titles and texts are shown in where a translation stands beside the runbook.
    pub language: String,
    /// Hosts outside of the cluster that a step of kind http may ask from this machine, each with or without a port.
    pub hosts: Vec<String>,
    /// Programs of this machine that a step of kind exec may start, by their absolute paths; where the environment lets it.
    pub exec: Vec<String>,
    /// Variables of the environment that such a program gets beside PATH, HOME and the language, by their names.
    pub exec_env: Vec<String>,
}

impl Default for Runbooks {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            language: "en".into(),
            hosts: Vec::new(),
            exec: Vec::new(),
            exec_env: Vec::new(),
        }
    }
}

/// The log file, in `state_dir`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What is written to it.
    pub level: Level,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// And what was surprising.
    #[default]
    Warn,
    /// And what was done.
    Info,
    /// And how.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// What is particular about a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// What counts as too much for this one.
    pub thresholds: ServiceThresholds,
    /// Who answers for it; named in the update that `c` copies.
    pub owners: Vec<String>,
    /// Links of this service, beside and before the general ones.
    pub links: BTreeMap<String, String>,
    /// Whether it signs the tokens that others verify: it is restarted last when their key changes.
    pub issues_tokens: bool,
}

/// The sources of a kubeconfig context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// The environment, whatever would match otherwise.
    pub environment: Option<String>,
    /// Its Prometheus.
    pub prometheus: Option<Source>,
    /// Its Alertmanager.
    pub alertmanager: Option<Source>,
    /// Its Vault.
    pub vault: Option<VaultSource>,
}

/// The second pair of eyes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approvals {
    /// The file of those who may approve, in OpenSSH's format of allowed signers; keep it where changes are reviewed.
    pub allowed_signers: Option<String>,
    /// The key with which `vigie approve` signs; its public half is enough where an agent has the other.
    pub key: Option<String>,
}

/// What a target must be to belong to an environment. `*` stands for anything. A namespace whose label `environment` is the
/// environment's name belongs to it as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Cluster identities: the uid of the namespace kube-system.
    pub clusters: Vec<String>,
    /// Names of kubeconfig contexts.
    pub contexts: Vec<String>,
    /// Names of namespaces.
    pub namespaces: Vec<String>,
}

/// One environment: what belongs to it, and what it demands. What an environment of your own leaves out is as in production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Environment {
    /// What belongs to it.
    #[serde(rename = "match")]
    pub belongs: Match,
    /// Nothing is changed until armed.
    pub read_only: bool,
    /// 1: a second person approves runs of critical risk.
    #[schemars(range(max = 1))]
    pub approvals: u8,
    /// "7d": a run of critical risk needs a successful one in staging, not older.
    pub rehearsal: OffOr,
    /// No gate is shorter than this.
    pub minimum_hold: Time,
    /// How an image must be named to be released.
    pub image: Image,
    /// Runbooks may start the programs that `[runbooks] exec` lists.
    pub exec: bool,
    /// Where in Vault its secrets lie: what a runbook's `vault_path` is unless somebody says otherwise.
    pub vault_path: Option<String>,
}

/// How an image must be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Image {
    /// A tag is enough.
    #[default]
    Tag,
    /// An image without a digest is refused.
    Digest,
}

impl Default for Environment {
    fn default() -> Self {
        Self::from_policy(&Policy::production(), Match::default())
    }
}

impl Environment {
    fn from_policy(policy: &Policy, belongs: Match) -> Self {
        let millis = |time: std::time::Duration| Time::millis(time.as_millis() as u64);
        Self {
            belongs,
            read_only: policy.read_only,
            approvals: policy.approvals,
            rehearsal: OffOr(policy.rehearsal.map(millis)),
            minimum_hold: millis(policy.minimum_hold),
            image: match policy.image {
                ImageRule::Tag => Image::Tag,
                ImageRule::Digest => Image::Digest,
            },
            exec: policy.exec,
            vault_path: None,
        }
    }

    /// What it demands.
    pub fn policy(&self) -> Policy {
        Policy {
            read_only: self.read_only,
            approvals: self.approvals,
            rehearsal: self.rehearsal.0.map(Time::get),
            minimum_hold: self.minimum_hold.get(),
            image: match self.image {
                Image::Tag => ImageRule::Tag,
                Image::Digest => ImageRule::Digest,
            },
            exec: self.exec,
        }
    }

    fn built_in() -> BTreeMap<String, Self> {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        let production = Match {
            namespaces: words(&["*-production", "production", "*-prod", "prod"]),
            ..Match::default()
        };
        let staging = Match {
            namespaces: words(&["*-staging", "staging"]),
            ..Match::default()
        };
        let simulated = Match {
            clusters: words(&["simulated-*"]),
            ..Match::default()
        };
        BTreeMap::from([
            (
                "production".to_owned(),
                Self::from_policy(&Policy::production(), production),
            ),
            (
                "staging".to_owned(),
                Self::from_policy(&Policy::staging(), staging),
            ),
            (
                "simulated".to_owned(),
                Self {
                    vault_path: Some("secret/veza/production".into()),
                    ..Self::from_policy(&Policy::simulated(), simulated)
                },
            ),
        ])
    }
}

/// One signal by PromQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signal {
    /// One series. Placeholders: {namespace}, {service}, {workload}, {window}.
    pub query: String,
    /// One series for one version; {version} beside the others.
    pub by_version: Option<String>,
    /// The services it is for. `*` stands for anything.
    pub services: Vec<String>,
}

impl Default for Signal {
    fn default() -> Self {
        Self {
            query: String::new(),
            by_version: None,
            services: vec!["*".into()],
        }
    }
}

impl Config {
    /// Where in Vault the secrets of an environment lie.
    pub fn vault_path(&self, environment: &str) -> Option<&str> {
        self.environment.get(environment)?.vault_path.as_deref()
    }

    /// The services that sign tokens, by name; none where nobody says so.
    pub fn token_issuers(&self) -> Vec<&str> {
        let services = self.services.iter();
        services
            .filter(|(_, service)| service.issues_tokens)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// What counts as too much for a service.
    pub fn thresholds_for(&self, service: &str) -> Thresholds {
        let all = self.thresholds.clone();
        let Some(own) = self
            .services
            .get(service)
            .map(|service| &service.thresholds)
        else {
            return all;
        };
        Thresholds {
            error_ratio: own.error_ratio.unwrap_or(all.error_ratio),
            p99: own.p99.unwrap_or(all.p99),
            saturation: own.saturation.unwrap_or(all.saturation),
            window: own.window.unwrap_or(all.window),
        }
    }
}
