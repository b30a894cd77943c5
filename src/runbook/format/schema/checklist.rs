//! The schema of checklist items, and of what is looked at for them.

use serde_json::{Value, json};

use super::{Key, id, list, some, table, text, texts, to, words};
use crate::runbook::format::gates::SIGNALS;
use crate::runbook::model::{Evidence, Glance};

/// The keys of an item.
pub(super) fn item_keys() -> Vec<Key> {
    vec![
        ("id", id(), true),
        ("text", text(), true),
        ("evidence", some(words(Evidence::WORDS)), true),
        ("check", json!({"anyOf": [to("check"), to("asked")]}), false),
        ("when", to("when"), false),
        ("help", text(), false),
        ("trap", text(), false),
    ]
}

/// Every question to the platform under its own name, and the table whose `ask` says which it is.
pub(super) fn define(define: &mut impl FnMut(&str, Value)) {
    let mut each = Vec::new();
    for word in Glance::WORDS {
        let name = format!("asked.{word}");
        each.push(json!({
            "if": {"properties": {"ask": {"const": word}}, "required": ["ask"]},
            "then": to(&name),
        }));
        let (needed, allowed) = Glance::from_word(word).map_or((&[][..], &[][..]), Glance::keys);
        let needed = needed.iter().map(|key| (*key, value(key), true));
        let allowed = allowed.iter().map(|key| (*key, value(key), false));
        let shared = [("ask", json!({"const": word}), true), ("ns", text(), true)];
        define(
            &name,
            table(shared.into_iter().chain(needed).chain(allowed).collect()),
        );
    }
    define(
        "asked",
        json!({"type": "object", "properties": {"ask": words(Glance::WORDS)}, "required": ["ask", "ns"], "allOf": each}),
    );
}

fn value(key: &str) -> Value {
    let signals: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
    match key {
        "signal" => words(&signals),
        "keys" => list(text()),
        "windows" => some(text()),
        "values" => texts(),
        _ => text(),
    }
}
