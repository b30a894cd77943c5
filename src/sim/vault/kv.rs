//! The key/value engine: paths, their versions, and what each request does to them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Asked, Moment};
use crate::sim::time;

/// How many versions are kept unless a path says otherwise.
const KEPT: u64 = 10;
const STALE: &str = "check-and-set parameter did not match the current version";

/// The engine.
#[derive(Debug, Default)]
pub struct Kv {
    entries: BTreeMap<String, Entry>,
}

/// One path.
#[derive(Debug, Default)]
pub struct Entry {
    created: Moment,
    updated: Moment,
    by: Value,
    current: u64,
    /// Whether a write must name the version it follows.
    pub cas_required: bool,
    max_versions: u64,
    custom: Value,
    versions: BTreeMap<u64, Version>,
}

#[derive(Debug)]
struct Version {
    created: Moment,
    by: Value,
    deleted_by: Value,
    deleted: Option<Moment>,
    destroyed: bool,
    values: Map<String, Value>,
}

impl Version {
    fn readable(&self) -> bool {
        self.deleted.is_none() && !self.destroyed
    }

    fn metadata(&self, number: u64, custom: &Value) -> Value {
        json!({
            "created_time": nano(self.created), "custom_metadata": custom,
            "deletion_time": self.deleted.map_or(String::new(), nano), "destroyed": self.destroyed, "version": number,
        })
    }
}

/// Who did something, as the engine keeps it.
fn by(asked: &Asked<'_>, operation: &str) -> Value {
    actor(asked.who, operation)
}

/// The same of anybody.
pub fn actor(who: &str, operation: &str) -> Value {
    json!({"actor": "token", "operation": operation, "client_id": format!("simulated-client-{who}")})
}

fn nano((ms, below): Moment) -> String {
    time::nano(ms, below)
}

impl Kv {
    /// A path, made if it is not there.
    pub fn entry(&mut self, path: &str) -> &mut Entry {
        self.entries.entry(path.to_owned()).or_default()
    }

    /// The newest values, if they can be read.
    pub fn newest(&self, path: &str) -> Option<&Map<String, Value>> {
        let entry = self.entries.get(path)?;
        let version = entry.versions.get(&entry.current)?;
        version.readable().then_some(&version.values)
    }

    /// The number of the newest version.
    pub fn current(&self, path: &str) -> u64 {
        self.entries.get(path).map_or(0, |entry| entry.current)
    }

    /// Whether a write to a path would be its first.
    pub fn is_new(&self, path: &str) -> bool {
        self.current(path) == 0
    }

    /// Writes a new version.
    pub fn put(&mut self, path: &str, values: Map<String, Value>, at: Moment, by: Value) -> Value {
        let entry = self.entry(path);
        if entry.current == 0 && entry.versions.is_empty() {
            entry.created = at;
        }
        entry.updated = at;
        entry.by = by.clone();
        entry.current += 1;
        let version = Version {
            created: at,
            by,
            deleted_by: Value::Null,
            deleted: None,
            destroyed: false,
            values,
        };
        let said = version.metadata(entry.current, &entry.custom);
        entry.versions.insert(entry.current, version);
        let kept = if entry.max_versions == 0 {
            KEPT
        } else {
            entry.max_versions
        };
        let oldest = entry.current.saturating_sub(kept);
        entry.versions.retain(|number, _| *number > oldest);
        said
    }

    /// Answers a request for one of the engine's parts.
    pub fn ask(&mut self, part: &str, path: &str, asked: &Asked<'_>) -> Answer {
        match (part, asked.method) {
            ("data", "GET") => self.read(path, asked),
            ("data", "POST" | "PUT") => self.write(path, asked),
            ("data", "PATCH") => self.patch(path, asked),
            ("data", "DELETE") => self.mark(path, &[self.current(path)], Mark::Delete, asked),
            ("delete" | "undelete" | "destroy", "POST" | "PUT") => {
                let mark = match part {
                    "delete" => Mark::Delete,
                    "undelete" => Mark::Undelete,
                    _ => Mark::Destroy,
                };
                let listed = asked.body["versions"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let versions: Vec<u64> = listed.iter().filter_map(number).collect();
                if versions.is_empty() || versions.len() < listed.len() {
                    return Answer::error(400, "no version number provided");
                }
                self.mark(path, &versions, mark, asked)
            }
            ("subkeys", "GET") => self.subkeys(path, asked),
            ("metadata", "GET" | "LIST")
                if asked.lists() || path.is_empty() || path.ends_with('/') =>
            {
                self.list(path)
            }
            ("metadata", "GET") => self.metadata(path),
            ("metadata", "POST" | "PUT") => self.configure(path, asked),
            ("metadata", "DELETE") => {
                self.entries.remove(path);
                Answer::empty()
            }
            _ => Answer::error(405, "1 error occurred:\n\t* unsupported operation\n\n"),
        }
    }

    fn version<'a>(
        &'a self,
        path: &str,
        asked: &Asked<'_>,
    ) -> Option<(u64, &'a Entry, &'a Version)> {
        let entry = self.entries.get(path)?;
        let wanted = asked
            .parameter("version")
            .and_then(|text| text.parse().ok());
        let number = wanted.filter(|number| *number > 0).unwrap_or(entry.current);
        Some((number, entry, entry.versions.get(&number)?))
    }

    fn read(&self, path: &str, asked: &Asked<'_>) -> Answer {
        let Some((number, entry, version)) = self.version(path, asked) else {
            return Answer::nothing();
        };
        let metadata = version.metadata(number, &entry.custom);
        if version.readable() {
            Answer::data(json!({"data": version.values, "metadata": metadata}))
        } else {
            Answer::gone(json!({"data": null, "metadata": metadata}))
        }
    }

    fn subkeys(&self, path: &str, asked: &Asked<'_>) -> Answer {
        fn names(value: &Value, depth: u64) -> Value {
            match value {
                Value::Object(fields) if depth > 0 && !fields.is_empty() => {
                    let inner = fields.iter();
                    inner
                        .map(|(key, value)| (key.clone(), names(value, depth - 1)))
                        .collect()
                }
                _ => Value::Null,
            }
        }
        let Some((number, entry, version)) = self.version(path, asked) else {
            return Answer::nothing();
        };
        let metadata = version.metadata(number, &entry.custom);
        if !version.readable() {
            return Answer::gone(json!({"metadata": metadata, "subkeys": null}));
        }
        let depth = asked.parameter("depth").and_then(|text| text.parse().ok());
        let depth = depth.filter(|depth| *depth > 0).unwrap_or(u64::MAX);
        let whole = Value::Object(version.values.clone());
        let subkeys = match names(&whole, depth) {
            Value::Null => json!({}),
            named => named,
        };
        Answer::data(json!({"metadata": metadata, "subkeys": subkeys}))
    }

    /// Why a write may not follow the version that is there.
    fn refuse(&self, path: &str, asked: &Asked<'_>) -> Option<Answer> {
        let cas = &asked.body["options"]["cas"];
        let required = self
            .entries
            .get(path)
            .is_some_and(|entry| entry.cas_required);
        match number(cas) {
            _ if cas.is_null() => required
                .then(|| Answer::error(400, "check-and-set parameter required for this call")),
            Some(version) if version == self.current(path) => None,
            _ => Some(Answer::error(400, STALE)),
        }
    }

    fn write(&mut self, path: &str, asked: &Asked<'_>) -> Answer {
        let Some(values) = asked.body["data"].as_object() else {
            return Answer::error(400, "no data provided");
        };
        if let Some(refused) = self.refuse(path, asked) {
            return refused;
        }
        let operation = if self.is_new(path) {
            "create"
        } else {
            "update"
        };
        let said = self.put(path, values.clone(), asked.at, by(asked, operation));
        Answer::data(said).wrote(self.current(path))
    }

    fn patch(&mut self, path: &str, asked: &Asked<'_>) -> Answer {
        if asked.content.split(';').next().map(str::trim) != Some("application/merge-patch+json") {
            let said = format!(
                "PATCH requires Content-Type of application/merge-patch+json, provided {}",
                asked.content
            );
            return Answer::error(415, &said);
        }
        let Some(changes) = asked.body["data"].as_object() else {
            return Answer::error(400, "no data provided");
        };
        let Some(entry) = self.entries.get(path) else {
            return Answer::blank(404);
        };
        if let Some(refused) = self.refuse(path, asked) {
            return refused;
        }
        let Some(version) = entry.versions.get(&entry.current) else {
            return Answer::blank(404);
        };
        if !version.readable() {
            return Answer::gone(version.metadata(entry.current, &entry.custom));
        }
        let mut values = Value::Object(version.values.clone());
        crate::sim::patch::merge(&mut values, &Value::Object(changes.clone()));
        let values = values.as_object().cloned().unwrap_or_default();
        Answer::data(self.put(path, values, asked.at, by(asked, "patch"))).wrote(self.current(path))
    }

    fn mark(&mut self, path: &str, numbers: &[u64], mark: Mark, asked: &Asked<'_>) -> Answer {
        let Some(entry) = self.entries.get_mut(path) else {
            return Answer::empty();
        };
        let operation = match mark {
            Mark::Delete => "delete",
            Mark::Undelete => "undelete",
            Mark::Destroy => "destroy",
        };
        entry.by = by(asked, operation);
        for number in numbers {
            let Some(version) = entry.versions.get_mut(number) else {
                continue;
            };
            match mark {
                Mark::Destroy => {
                    version.destroyed = true;
                    version.values.clear();
                }
                _ if version.destroyed => {}
                Mark::Delete => {
                    version.deleted = version.deleted.or(Some(asked.at));
                    version.deleted_by = entry.by.clone();
                }
                Mark::Undelete => {
                    version.deleted = None;
                    version.deleted_by = Value::Null;
                }
            }
        }
        Answer::empty()
    }

    fn list(&self, path: &str) -> Answer {
        let below = if path.is_empty() || path.ends_with('/') {
            path.to_owned()
        } else {
            format!("{path}/")
        };
        let mut keys: Vec<String> = self
            .entries
            .keys()
            .filter_map(|key| key.strip_prefix(&below))
            .map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            })
            .collect();
        keys.dedup();
        if keys.is_empty() {
            return Answer::nothing();
        }
        Answer::data(json!({ "keys": keys }))
    }

    fn metadata(&self, path: &str) -> Answer {
        let Some(entry) = self.entries.get(path) else {
            return Answer::nothing();
        };
        let versions: Map<String, Value> = entry
            .versions
            .iter()
            .map(|(number, version)| {
                let said = json!({
                    "created_time": nano(version.created), "deletion_time": version.deleted.map_or(String::new(), nano),
                    "destroyed": version.destroyed, "created_by": version.by, "deleted_by": version.deleted_by,
                });
                (number.to_string(), said)
            })
            .collect();
        let oldest = entry.versions.keys().next().copied().unwrap_or_default();
        Answer::data(json!({
            "cas_required": entry.cas_required, "created_time": nano(entry.created), "current_version": entry.current,
            "custom_metadata": entry.custom, "delete_version_after": "0s", "max_versions": entry.max_versions,
            "oldest_version": if oldest > 1 { oldest } else { 0 }, "updated_time": nano(entry.updated), "versions": versions, "last_updated_by": entry.by,
        }))
    }

    fn configure(&mut self, path: &str, asked: &Asked<'_>) -> Answer {
        let at = asked.at;
        let entry = self.entry(path);
        if entry.created.0 == 0 {
            (entry.created, entry.updated) = (at, at);
        }
        if let Some(required) = asked.body["cas_required"].as_bool() {
            entry.cas_required = required;
        }
        if let Some(most) = number(&asked.body["max_versions"]) {
            entry.max_versions = most;
        }
        if asked.body["custom_metadata"].is_object() {
            entry.custom = asked.body["custom_metadata"].clone();
        }
        Answer::empty()
    }
}

#[derive(Clone, Copy)]
enum Mark {
    Delete,
    Undelete,
    Destroy,
}

/// A whole number, as a number or as text.
fn number(value: &Value) -> Option<u64> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or(text)
}
