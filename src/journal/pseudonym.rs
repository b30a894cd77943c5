//! Pseudonyms for who acted: stable within one export, different in the next, and nothing that leads back but the originals.
//! What is replaced is what a record says of identity in a field of its own, wherever else that text stands as a word. A name
//! that somebody typed into a sentence and that no field knows is not found: the export says so.

use serde_json::Value;
use std::collections::BTreeMap;

/// Fields that name a person.
const PEOPLE: [&str; 2] = ["k8s_user", "by"];
/// Fields whose text is a word of the program or of the platform: never taken for a name.
const PLAIN: [&str; 18] = [
    "event",
    "ts",
    "ts_src",
    "kind",
    "state",
    "status",
    "turn",
    "step",
    "item",
    "runbook",
    "version",
    "model",
    "namespace",
    "environment",
    "cluster_uid",
    "uid",
    "effect",
    "role",
];
/// Events of an incident whose field names a person.
const TYPED: [(&str, &str); 3] = [
    ("incident.role", "name"),
    ("incident.escalated", "to"),
    ("incident.handed-over", "to"),
];
/// How the name of somebody goes on whom only the machine knows.
const OF_MACHINE: &str = " (user of this machine";
/// Stands where something proves who signed.
pub const WITHHELD: &str = "[withheld]";

/// Who is called what in one export.
#[derive(Debug, Clone, Default)]
pub struct Pseudonyms {
    known: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Pseudonyms {
    /// Takes in the identities that a record names.
    pub fn learn(&mut self, record: &Value) {
        let Value::Object(fields) = record else {
            return;
        };
        let event = fields.get("event").and_then(Value::as_str);
        for (name, field) in fields {
            let typed = TYPED.contains(&(event.unwrap_or_default(), name));
            // Whoever vouches for an item of a checklist types a name.
            let vouches = event == Some("checklist.item") && name == "name";
            match (name.as_str(), field) {
                ("actor", Value::Object(_)) => self.actor(field),
                ("granted", _) => self.learn_granted(field),
                (name, Value::String(text))
                    if PEOPLE.contains(&name) || name == "actor" || typed || vouches =>
                {
                    self.person(text);
                }
                (_, Value::Object(_)) => self.learn(field),
                (_, Value::Array(items)) => items.iter().for_each(|item| self.learn(item)),
                _ => {}
            }
        }
    }

    fn actor(&mut self, actor: &Value) {
        let text = |name: &str| actor.get(name).and_then(Value::as_str);
        if let Some(user) = text("k8s_user") {
            self.person(user);
        }
        for (field, kind) in [
            ("os_user", "login"),
            ("host", "host"),
            ("vault_entity", "entity"),
        ] {
            if let Some(value) = text(field) {
                self.call(value, kind);
            }
        }
        let groups = actor.get("k8s_groups").and_then(Value::as_array);
        for group in groups.into_iter().flatten().filter_map(Value::as_str) {
            self.call(group, "group");
        }
    }

    fn learn_granted(&mut self, granted: &Value) {
        let text = |name: &str| granted.get(name).and_then(Value::as_str);
        if let Some(by) = text("by") {
            self.person(by);
        }
        if let Some(key) = text("key") {
            self.call(key, "key");
        }
    }

    /// A person under every spelling that is told apart from other words: `oidc:ada@veza.app` is also `ada`.
    pub fn person(&mut self, text: &str) {
        let whole = text.split(OF_MACHINE).next().unwrap_or(text);
        if whole.is_empty() {
            return;
        }
        let name = self.call(whole, "person");
        let short = whole.rsplit(':').next().unwrap_or(whole);
        let short = short.split('@').next().unwrap_or(short);
        if !whole.starts_with("system:") && short.chars().count() > 1 {
            self.known.entry(short.to_owned()).or_insert(name);
        }
    }

    /// What a value is called, from now on.
    fn call(&mut self, value: &str, kind: &'static str) -> String {
        if let Some(known) = self.known.get(value) {
            return known.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("{kind}-{count}");
        self.known.insert(value.to_owned(), name.clone());
        name
    }

    /// A text with pseudonyms for the names in it, the longest first.
    pub fn text(&self, text: &str) -> String {
        let mut names: Vec<(&String, &String)> = self.known.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut pieces: Vec<Piece<'_>> = vec![Piece::Rest(text)];
        for (name, pseudonym) in names {
            pieces = pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Piece::Rest(rest) => split(rest, name, pseudonym),
                    done @ Piece::Name(_) => vec![done],
                })
                .collect();
        }
        let each = pieces.into_iter().map(|piece| match piece {
            Piece::Rest(text) | Piece::Name(text) => text,
        });
        each.collect()
    }

    /// The same record with pseudonyms.
    pub fn record(&self, record: &Value) -> Value {
        let mut record = record.clone();
        self.pass(&mut record);
        record
    }

    fn pass(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.pass(item)),
            Value::Object(fields) => {
                // What was signed, and the signature, name the signer to whoever has the public keys.
                let approval = fields.get("event").is_some_and(|event| event == "approval");
                for (name, field) in fields.iter_mut() {
                    match (name.as_str(), &mut *field) {
                        ("text", Value::String(text)) if approval => WITHHELD.clone_into(text),
                        ("granted", Value::Object(granted)) => self.pass_granted(granted),
                        (name, Value::String(_)) if PLAIN.contains(&name) => {}
                        _ => self.pass(field),
                    }
                }
            }
            _ => {}
        }
    }

    fn pass_granted(&self, granted: &mut serde_json::Map<String, Value>) {
        for (name, field) in granted.iter_mut() {
            match (name.as_str(), &mut *field) {
                ("id", Value::String(text)) => WITHHELD.clone_into(text),
                _ => self.pass(field),
            }
        }
    }
}

/// A part of a text: done with, or still to be looked through.
enum Piece<'t> {
    Rest(&'t str),
    Name(&'t str),
}

/// A text cut at a name where that is a word of its own.
fn split<'t>(text: &'t str, name: &str, pseudonym: &'t str) -> Vec<Piece<'t>> {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
    let (mut pieces, mut from) = (Vec::new(), 0);
    for (at, _) in text.match_indices(name) {
        let end = at + name.len();
        let alone = edge(text[..at].chars().next_back()) && edge(text[end..].chars().next());
        if at >= from && alone {
            pieces.push(Piece::Rest(&text[from..at]));
            pieces.push(Piece::Name(pseudonym));
            from = end;
        }
    }
    pieces.push(Piece::Rest(&text[from..]));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whoever_is_named_in_a_field_is_called_the_same_everywhere() {
        let records = [
            json!({"event": "run.start", "actor": "oidc:ada@veza.app", "target": {"context": "ada@prod", "namespace": "ada"}}),
            json!({"event": "step.intent", "actor": {"k8s_user": "oidc:ada@veza.app", "os_user": "adal", "host": "laptop-7",
                "k8s_groups": ["sre"]}, "lines": ["held by adal@laptop-7/01J", "adalbert stays"]}),
            json!({"event": "decision", "by": "grace", "answer": "ada said so"}),
            json!({"event": "approval", "step": "go", "text": "c2lnbmF0dXJl", "granted": {"by": "bob", "key": "SHA256:abc", "id": "s1"}}),
        ];
        let mut names = Pseudonyms::default();
        for record in &records {
            names.learn(record);
        }
        let copies: Vec<Value> = records.iter().map(|record| names.record(record)).collect();
        assert_eq!(copies[0]["actor"], "person-1");
        assert_eq!(copies[0]["target"]["context"], "person-1@prod");
        assert_eq!(
            copies[0]["target"]["namespace"], "ada",
            "a place is no name"
        );
        assert_eq!(copies[1]["actor"]["k8s_user"], "person-1");
        assert_eq!(copies[1]["actor"]["k8s_groups"], json!(["group-1"]));
        assert_eq!(
            copies[1]["lines"],
            json!(["held by login-1@host-1/01J", "adalbert stays"])
        );
        assert_eq!(copies[2]["answer"], "person-1 said so");
        let all = json!(copies).to_string();
        for name in [
            "grace",
            "bob",
            "SHA256:abc",
            "s1\"",
            "c2lnbmF0dXJl",
            "laptop",
        ] {
            assert!(!all.contains(name), "{name}: {all}");
        }
    }

    #[test]
    fn names_typed_into_roles_are_found_and_one_of_the_machine_is_the_same_person() {
        let mut names = Pseudonyms::default();
        names.learn(&json!({"event": "incident.role", "role": "scribe", "name": "Ada L."}));
        names.learn(&json!({"event": "run.end", "by": "root (user of this machine; the cluster did not say who)"}));
        assert_eq!(names.text("Ada L. and root"), "person-1 and person-2");
        // A pseudonym is never taken for a name itself.
        names.person("person");
        assert_eq!(names.text("Ada L. or person"), "person-1 or person-3");
    }
}
