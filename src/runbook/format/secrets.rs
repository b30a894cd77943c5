//! Steps about a secret as files declare them. A secret fits only where a slot is declared for it, as
//! `{ secret = "NAME" }`; in a text it is a mistake.

use std::collections::BTreeMap;

use crate::runbook::format::guards::{missing, when};
use crate::runbook::format::reader::Reader;
use crate::runbook::model::{SecretStep, SetEntry, SetTo};
use crate::runbook::template::{Path, Text};

/// Reads a step about a secret; `None` where the kind is another.
pub fn secret_step(name: &str, table: &Reader<'_, '_, '_>) -> Option<SecretStep> {
    Some(match name {
        "k8s.secret-consumers" => SecretStep::Consumers {
            ns: table.need_text("ns"),
            key: table.need_text("key"),
        },
        "k8s.secret-proof" => SecretStep::Proof {
            ns: table.need_text("ns"),
            name: table.need_text("name"),
            consumers: table
                .path("consumers")
                .unwrap_or_else(|| missing(table, "consumers", Path::RunId)),
            from: table.text("from"),
            keys: pairs(table),
        },
        "vault.kv-read" => SecretStep::Read {
            at: table.need_text("at"),
            key: table.text("key"),
        },
        "vault.kv-patch" => SecretStep::Patch {
            at: table.need_text("at"),
            cas: table.need_text("cas"),
            set: set_map(table),
        },
        "vault.kv-restore" => SecretStep::Restore {
            at: table.text("at"),
            version: table.need_text("version"),
        },
        "vault.kv-destroy" => SecretStep::Destroy {
            at: table.need_text("at"),
            versions: table.need_text("versions"),
        },
        "k8s.secret-set" => SecretStep::Set {
            ns: table.need_text("ns"),
            name: table.need_text("name"),
            from: table.text("from"),
            keys: pairs(table),
            set: set_map(table),
        },
        "eso.sync" => SecretStep::Sync {
            ns: table.need_text("ns"),
            name: table.need_text("name"),
            from: table.need_text("from"),
            keys: pairs(table),
            secret: table.need_text("secret"),
        },
        _ => return None,
    })
}

/// Keys of a Secret to keys of a path; either may hold references.
fn pairs(table: &Reader<'_, '_, '_>) -> BTreeMap<String, Text> {
    let all = table.text_map("keys");
    let at = table.item("keys").map_or(table.at(), |(_, at)| at);
    for name in all.keys() {
        refer(table, name, at);
    }
    all
}

/// A key's name with references in it.
fn refer(table: &Reader<'_, '_, '_>, name: &str, at: usize) {
    match Text::parse(name) {
        Ok(text) => {
            for path in text.paths() {
                table.sink().refer(path.clone(), at);
            }
        }
        Err(why) => table.sink().error(at, format!("a key's name: {why}"), None),
    }
}

fn set_map(table: &Reader<'_, '_, '_>) -> BTreeMap<String, SetEntry> {
    let Some(inner) = table.table("set") else {
        return BTreeMap::new();
    };
    let mut all = BTreeMap::new();
    for (name, value, at) in inner.free() {
        refer(table, &name, at);
        let value = value.get_ref();
        let entry = if let Some(text) = value.as_str() {
            Text::parse(text).ok().map(|text| {
                for path in text.paths() {
                    table.sink().refer(path.clone(), at);
                }
                SetEntry {
                    to: SetTo::Text(text),
                    when: None,
                }
            })
        } else {
            inner.as_table(value, at, &name).and_then(entry)
        };
        match entry {
            Some(entry) => {
                all.insert(name, entry);
            }
            None => table.sink().error(
                at,
                format!("`set`: `{name}` cannot be read"),
                Some(
                    "a text, or { secret = \"NAME\" }, { copy = \"KEY\" }, { move = \"KEY\" }, { delete = true }"
                        .to_owned(),
                ),
            ),
        }
    }
    all
}

fn entry(table: Reader<'_, '_, '_>) -> Option<SetEntry> {
    let condition = table.table("when").and_then(when);
    let ways = ["secret", "copy", "move", "delete", "text"];
    if ways.iter().filter(|way| table.has(way)).count() != 1 {
        table.error(
            "needs exactly one of secret, copy, move, delete, text",
            None,
        );
        return None;
    }
    let otherwise = table.table("else").map(|inner| {
        let name = inner.need("secret");
        inner.finish();
        name
    });
    let to = table
        .string("secret")
        .map(SetTo::Secret)
        .or_else(|| table.text("copy").map(SetTo::Copy))
        .or_else(|| {
            let from = table.text("move")?;
            Some(SetTo::Move(from, otherwise))
        })
        .or_else(|| {
            table
                .flag("delete")
                .filter(|yes| *yes)
                .map(|_| SetTo::Delete)
        })
        .or_else(|| table.text("text").map(SetTo::Text));
    table.finish();
    Some(SetEntry {
        to: to?,
        when: condition,
    })
}
