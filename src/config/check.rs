//! Sense: what types cannot say about a configuration. Each complaint names its key; [`super::layer`] knows where that was written.

use super::mistake::nearest;
use super::settings::{Config, Source, VaultSource};
use super::unit::Time;
use crate::domain::kv::KvPath;
use crate::domain::syslog::Address;

/// Something that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The key, from the root.
    pub key: Vec<String>,
    /// What is wrong.
    pub sentence: String,
    /// What would do.
    pub hint: Option<String>,
}

/// The signals that have a meaning of their own.
pub const SIGNALS: [&str; 7] = [
    "requests",
    "error_ratio",
    "p50",
    "p95",
    "p99",
    "unauthorized_ratio",
    "saturation",
];

const IN_QUERIES: [&str; 4] = ["namespace", "service", "workload", "window"];
const IN_LINKS: [&str; 9] = [
    "context",
    "namespace",
    "service",
    "workload",
    "pod",
    "version",
    "image",
    "commit",
    "alert",
];

/// The longest span between two questions, and the longest that figures are taken over.
const MOST: Time = Time::seconds(3600);
/// The latest that somebody may take an incident on.
const LATEST: Time = Time::seconds(7 * 24 * 3600);

/// The shortest time that the record of what was done is kept.
const KEPT: Time = Time::seconds(30 * 24 * 3600);

/// Everything that makes no sense.
pub fn complaints(config: &Config) -> Vec<Complaint> {
    let mut found = Found(Vec::new());
    found.times(config);
    found.contexts(config);
    found.vault_paths(config);
    found.signals(config);
    found.links(config);
    found.channels(config);
    found.incidents(config);
    found.programs(config);
    found.audit(config);
    found.0
}

/// A key from its parts.
fn at(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

struct Found(Vec<Complaint>);

impl Found {
    fn say(&mut self, key: Vec<String>, sentence: String, hint: Option<String>) {
        self.0.push(Complaint {
            key,
            sentence,
            hint,
        });
    }

    fn times(&mut self, config: &Config) {
        let least = |name: &str| {
            if name == "p99" {
                Time::millis(1)
            } else {
                Time::seconds(1)
            }
        };
        let refresh = [
            ("metrics", config.refresh.metrics),
            ("alerts", config.refresh.alerts),
            ("scrape", config.refresh.scrape),
        ];
        let thresholds = [
            ("p99", config.thresholds.p99),
            ("window", config.thresholds.window),
        ];
        let general = refresh
            .iter()
            .map(|one| ("refresh", one))
            .chain(thresholds.iter().map(|one| ("thresholds", one)));
        for (table, (name, time)) in general {
            let key = vec![table.to_owned(), (*name).to_owned()];
            self.at_least(key.clone(), *time, least(name));
            self.at_most(key, *time);
        }
        for (service, own) in &config.services {
            for (name, time) in [
                ("p99", own.thresholds.p99),
                ("window", own.thresholds.window),
            ] {
                let key = ["services", service, "thresholds", name]
                    .map(str::to_owned)
                    .to_vec();
                let time = time.unwrap_or(Time::seconds(1));
                self.at_least(key.clone(), time, least(name));
                self.at_most(key, time);
            }
        }
    }

    fn programs(&mut self, config: &Config) {
        let paths = &config.runbooks.exec;
        if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
            let sentence = format!("`{path}` is no absolute path: programs are not searched for");
            let hint = Some("write it as \"/usr/bin/gh\"".to_owned());
            self.say(at(&["runbooks", "exec"]), sentence, hint);
        }
        let name = |name: &String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.chars().all(plain)
        };
        if let Some(wrong) = config.runbooks.exec_env.iter().find(|one| !name(one)) {
            let sentence = format!("`{wrong}` is no variable's name");
            let hint = Some("name it without its value, as \"GH_TOKEN\"".to_owned());
            self.say(at(&["runbooks", "exec_env"]), sentence, hint);
        }
    }

    fn contexts(&mut self, config: &Config) {
        let known: Vec<&str> = config.environment.keys().map(String::as_str).collect();
        for (name, context) in &config.context {
            let vault = context.vault.as_ref().map(VaultSource::way);
            let sources = [
                ("prometheus", &context.prometheus),
                ("alertmanager", &context.alertmanager),
                ("vault", &vault),
            ];
            for (part, source) in sources {
                if let Some(source) = source {
                    self.source(&at(&["context", name, part]), source);
                }
            }
            let Some(environment) = context
                .environment
                .as_deref()
                .filter(|one| !known.contains(one))
            else {
                continue;
            };
            let hint = nearest(environment, known.iter().copied()).map_or_else(
                || format!("there are: {}", known.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            self.say(
                at(&["context", name, "environment"]),
                format!("there is no [environment.{environment}]"),
                Some(hint),
            );
        }
    }

    fn vault_paths(&mut self, config: &Config) {
        for (name, environment) in &config.environment {
            let path = environment.vault_path.as_deref();
            if let Some(Err(why)) = path.map(KvPath::parse) {
                self.say(at(&["environment", name, "vault_path"]), why, None);
            }
        }
    }

    fn signals(&mut self, config: &Config) {
        let with_version = [&IN_QUERIES[..], &["version"]].concat();
        for (name, signal) in &config.signals {
            let near = nearest(name, SIGNALS).filter(|_| !SIGNALS.contains(&name.as_str()));
            if let Some(near) = near {
                let sentence = format!("`{name}` is not a signal that anything asks for");
                self.say(
                    at(&["signals", name]),
                    sentence,
                    Some(format!("did you mean `{near}`?")),
                );
            }
            if signal.query.trim().is_empty() {
                self.say(
                    at(&["signals", name]),
                    format!("the signal `{name}` has no `query`"),
                    None,
                );
            }
            self.placeholders(&at(&["signals", name, "query"]), &signal.query, &IN_QUERIES);
            let by_version = signal.by_version.as_deref().unwrap_or_default();
            self.placeholders(
                &at(&["signals", name, "by_version"]),
                by_version,
                &with_version,
            );
        }
    }

    /// Who is told needs one address; it is never repeated here, for it is a secret.
    fn channels(&mut self, config: &Config) {
        for (name, channel) in &config.channels {
            let key = at(&["channels", name]);
            match (&channel.url, &channel.url_file) {
                (Some(_), Some(_)) => self.say(
                    key,
                    format!("`{name}` has both `url` and `url_file`; one of them is where it goes"),
                    None,
                ),
                (None, None) => self.say(
                    key,
                    format!("`{name}` has neither `url` nor `url_file`"),
                    Some("url_file = \"~/.config/vigie/ops-webhook\"".into()),
                ),
                (Some(url), None) if !is_address(url) => self.say(
                    at(&["channels", name, "url"]),
                    "it is not an address that begins with http:// or https://".to_owned(),
                    None,
                ),
                _ => {}
            }
            if channel.on.is_empty() {
                self.say(
                    at(&["channels", name, "on"]),
                    format!("`{name}` is told of nothing"),
                    Some("on = [\"incident\", \"severity\", \"resolved\", \"update\"]".into()),
                );
            }
        }
    }

    /// A limit that nobody can keep is none, nor is one that is never over.
    fn incidents(&mut self, config: &Config) {
        let within = &config.incidents.acknowledge_within;
        for (name, time) in [
            ("p0", within.p0),
            ("p1", within.p1),
            ("p2", within.p2),
            ("p3", within.p3),
        ] {
            let key = at(&["incidents", "acknowledge_within", name]);
            self.at_least(key.clone(), time, Time::seconds(60));
            if time > LATEST {
                let sentence = format!("`{name}` is {time}; it must be {LATEST} at most");
                self.say(key, sentence, None);
            }
        }
    }

    /// A record that is gone within a month answers no question that is asked later.
    fn audit(&mut self, config: &Config) {
        let key = at(&["audit", "retention"]);
        self.at_least(key, config.audit.retention, KEPT);
        let audit = &config.audit;
        if audit
            .syslog
            .as_deref()
            .is_some_and(|to| to.parse::<Address>().is_err())
        {
            let hint = "unix:/dev/log, udp:HOST:PORT or tcp:HOST:PORT".to_owned();
            let wrong = "it names no syslog".to_owned();
            self.say(at(&["audit", "syslog"]), wrong, Some(hint));
        }
    }

    fn links(&mut self, config: &Config) {
        for (name, link) in &config.links {
            self.link(&at(&["links", name]), link);
        }
        for (service, own) in &config.services {
            for (name, link) in &own.links {
                self.link(&at(&["services", service, "links", name]), link);
            }
        }
    }

    fn at_least(&mut self, key: Vec<String>, time: Time, least: Time) {
        if time < least {
            let name = key.last().cloned().unwrap_or_default();
            self.say(
                key,
                format!("`{name}` is {time}; it must be {least} at least"),
                None,
            );
        }
    }

    /// Whoever asks once an hour, or averages over more, sees nothing in time.
    fn at_most(&mut self, key: Vec<String>, time: Time) {
        if time > MOST {
            let name = key.last().cloned().unwrap_or_default();
            let sentence = format!("`{name}` is {time}; it must be {MOST} at most");
            self.say(key, sentence, None);
        }
    }

    fn source(&mut self, key: &[String], source: &Source) {
        let at = |part: &str| [key, &[part.to_owned()]].concat();
        let name = key.last().cloned().unwrap_or_default();
        match (&source.url, &source.service) {
            (Some(_), Some(_)) => self.say(
                at("service"),
                format!("`{name}` has both `url` and `service`; one of them is where it is"),
                None,
            ),
            (None, None) => {
                let hint = "url = \"https://…\", or service = \"monitoring/prometheus:9090\" to go through the apiserver";
                self.say(
                    key.to_vec(),
                    format!("`{name}` has neither `url` nor `service`"),
                    Some(hint.into()),
                );
            }
            (Some(url), None) => {
                if !is_address(url) {
                    self.say(
                        at("url"),
                        format!("{url:?} is not an address that begins with http:// or https://"),
                        None,
                    );
                }
            }
            (None, Some(service)) => {
                if !is_service(service) {
                    self.say(
                        at("service"),
                        format!("{service:?} is not NAMESPACE/NAME:PORT"),
                        Some("such as \"monitoring/prometheus:9090\"".into()),
                    );
                }
            }
        }
    }

    fn link(&mut self, key: &[String], link: &str) {
        if is_address(link) {
            self.placeholders(key, link, &IN_LINKS);
        } else {
            self.say(
                key.to_vec(),
                format!("{link:?} is not an address that begins with http:// or https://"),
                None,
            );
        }
    }

    fn placeholders(&mut self, key: &[String], text: &str, known: &[&str]) {
        for word in placeholders(text)
            .into_iter()
            .filter(|word| !known.contains(word))
        {
            let hint = nearest(word, known.iter().copied()).map_or_else(
                || format!("there are: {{{}}}", known.join("}, {")),
                |near| format!("did you mean {{{near}}}?"),
            );
            self.say(
                key.to_vec(),
                format!("nothing is put in for {{{word}}}"),
                Some(hint),
            );
        }
    }
}

fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace)
    })
}

fn is_service(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    text.split_once('/').is_some_and(|(namespace, rest)| {
        label(namespace)
            && rest
                .split_once(':')
                .is_some_and(|(name, port)| label(name) && label(port))
    })
}

/// The words in `{braces}`. PromQL's own braces never hold a bare word, so they are not mistaken for one.
pub fn placeholders(text: &str) -> Vec<&str> {
    let inside = text
        .match_indices('{')
        .filter_map(|(at, _)| text[at + 1..].split_once('}').map(|(word, _)| word));
    inside
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_bare_words_in_braces() {
        assert_eq!(
            placeholders(r#"sum(rate(x{job="{service}",code=~"5.."}[{window}]))"#),
            ["service", "window"]
        );
        assert_eq!(placeholders("{a"), Vec::<&str>::new());
    }

    #[test]
    fn services_and_addresses_are_told_from_other_text() {
        for (text, good) in [
            ("monitoring/prometheus:9090", true),
            ("a/b:http", true),
            ("prometheus:9090", false),
            ("a/b", false),
            ("/b:1", false),
            ("a/b:", false),
        ] {
            assert_eq!(is_service(text), good, "{text}");
        }
        for (text, good) in [
            ("http://x", true),
            ("https://x/y?z", true),
            ("x:9090", false),
            ("http://", false),
            ("http:///x", false),
            ("http://a b", false),
        ] {
            assert_eq!(is_address(text), good, "{text}");
        }
    }
}
