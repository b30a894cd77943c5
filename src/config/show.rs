//! What `vigie config show` says: every key, its value, who said it. Secrets never appear: an address loses its password.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::json;

use super::layer::{Merged, Origin, leaves};
use super::mistake::dotted;

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key, dotted.
    pub key: String,
    /// The value as TOML writes it, secrets masked.
    pub value: String,
    /// Who said it.
    pub origin: String,
}

/// Every key in effect. The environment's variables that are no keys of ours come last.
pub fn shown(merged: &Merged, variables: &BTreeMap<String, String>) -> Vec<Shown> {
    let mut lines: Vec<Shown> = leaves(&merged.table)
        .into_iter()
        .map(|key| {
            let value = key.iter().try_fold(None, |at: Option<&toml::Value>, part| {
                Some(Some(at.map_or_else(
                    || merged.table.get(part),
                    |value| value.get(part.as_str()),
                )?))
            });
            let value = value
                .flatten()
                .map_or_else(String::new, ToString::to_string);
            let origin = merged
                .origins
                .get(&key)
                .unwrap_or(&Origin::Default)
                .to_string();
            // The whole address of a channel is a secret: whoever has it can write there.
            let secret =
                matches!(&key[..], [table, _, last] if table == "channels" && last == "url");
            let value = if secret && !value.is_empty() {
                "\"***\"".to_owned()
            } else {
                masked(&value)
            };
            Shown {
                key: dotted(&key),
                value,
                origin,
            }
        })
        .collect();
    for (name, what) in [
        ("PROMETHEUS_URL", "prometheus"),
        ("ALERTMANAGER_URL", "alertmanager"),
        ("VAULT_ADDR", "vault"),
        ("VAULT_NAMESPACE", "vault namespace"),
    ] {
        if let Some(url) = variables.get(name).filter(|url| !url.is_empty()) {
            let key = format!("{what} (where no [context.*] names one)");
            lines.push(Shown {
                key,
                value: masked(&format!("{url:?}")),
                origin: name.into(),
            });
        }
    }
    if variables
        .get("VAULT_TOKEN")
        .is_some_and(|token| !token.is_empty())
    {
        lines.push(Shown {
            key: "vault token".into(),
            value: "\"***\"".into(),
            origin: "VAULT_TOKEN".into(),
        });
    }
    lines
}

/// For people.
pub fn text(lines: &[Shown]) -> String {
    let cell = |line: &Shown| format!("{} = {}", line.key, line.value);
    let width = lines
        .iter()
        .map(|line| cell(line).chars().count())
        .max()
        .unwrap_or(0)
        .min(72);
    lines.iter().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{:width$}  # {}", cell(line), line.origin);
        all
    })
}

/// For programs.
pub fn document(file: Option<&str>, lines: &[Shown]) -> serde_json::Value {
    let keys: Vec<_> = lines
        .iter()
        .map(|line| json!({"key": line.key, "value": line.value, "origin": line.origin}))
        .collect();
    json!({"schema": 1, "file": file, "keys": keys})
}

/// Without the password of `scheme://user:password@host`, and without a token in a query.
fn masked(value: &str) -> String {
    let mut rest = value;
    let mut out = String::new();
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = after
            .find(['/', '"', '\'', '?', '#', ' ', ','])
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(ends);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                let _ = write!(out, "***@{host}");
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    for word in ["token=", "password=", "secret=", "key="] {
        if let Some(at) = out.to_lowercase().find(word) {
            let from = at + word.len();
            let to = out[from..]
                .find(['&', '"', '\'', '#', ' '])
                .map_or(out.len(), |end| from + end);
            out.replace_range(from..to, "***");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_masked() {
        for (value, expected) in [
            (
                "\"http://ada:secret@prom:9090/x\"",
                "\"http://***@prom:9090/x\"",
            ),
            (
                "\"https://prom/x?token=abc&y=1\"",
                "\"https://prom/x?token=***&y=1\"",
            ),
            ("\"http://prom\"", "\"http://prom\""),
            (
                "[\"http://a:b@c\", \"http://d:e@f\"]",
                "[\"http://***@c\", \"http://***@f\"]",
            ),
            ("\"night\"", "\"night\""),
        ] {
            assert_eq!(masked(value), expected);
        }
    }
}
