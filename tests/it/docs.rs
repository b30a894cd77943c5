//! Documents are checked, not trusted: the example configuration says every key with the default that the program has, and the
//! README (in `readme`) what the program shows.

mod readme;

use std::collections::{BTreeMap, BTreeSet};

use vigie::config::layer::{self, Layers};
use vigie::config::settings::Config;
use vigie::config::shape::Shape;
use vigie::config::{EXAMPLE, layer::Merged};

fn read(text: &str) -> Merged {
    let layers = Layers {
        file: Some(("config.example.toml".into(), text.into())),
        ..Layers::default()
    };
    layer::merge(&layers).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The example with its commented keys in force.
fn in_full() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| !c.is_whitespace()) => format!("{key}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

/// A schema's key, `*` for a name of one's own, against a key that is written.
fn covers(written: &[String], key: &[String]) -> bool {
    written.len() == key.len()
        && written
            .iter()
            .zip(key)
            .all(|(written, key)| key == "*" || written == key)
}

#[test]
fn the_example_says_the_defaults_that_the_program_has() {
    let merged = read(EXAMPLE);
    assert_eq!(merged.config, Config::default());
    assert_eq!(merged.table, layer::defaults());
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let merged = read(&in_full());
    // The three sources of a context take the same keys; the example shows each key at one of them.
    let source = |key: Vec<String>| {
        key.into_iter()
            .map(|part| {
                if part == "alertmanager" || part == "vault" {
                    "prometheus".to_owned()
                } else {
                    part
                }
            })
            .collect()
    };
    let written: BTreeSet<Vec<String>> = merged.origins.into_keys().map(source).collect();
    let missing: Vec<String> = Shape::of_the_configuration()
        .keys()
        .into_iter()
        .map(source)
        .filter(|key| !written.iter().any(|one| covers(one, key)))
        .map(|key| key.join("."))
        .collect();
    assert!(
        missing.is_empty(),
        "not in config.example.toml: {missing:?}"
    );
}

#[test]
fn every_key_of_the_example_is_preceded_by_a_sentence_or_belongs_to_a_table_that_is() {
    let mut explained = false;
    for (at, line) in EXAMPLE.lines().enumerate() {
        if line.trim().is_empty() {
            explained = false;
        } else if line.starts_with("# ") || line.trim_start_matches('#').starts_with('[') {
            explained = true;
        } else {
            assert!(
                explained,
                "config.example.toml:{}: nothing explains `{line}`",
                at + 1
            );
        }
    }
}

#[test]
fn a_changed_default_in_the_example_would_be_noticed() {
    let changed = EXAMPLE.replace("metrics = \"5s\"", "metrics = \"6s\"");
    assert_ne!(changed, EXAMPLE);
    assert_ne!(read(&changed).config, Config::default());
}

#[test]
fn the_schema_describes_every_key_in_words() {
    let schema = vigie::config::shape::schema();
    let undescribed = |table: &serde_json::Value| -> Vec<String> {
        let properties = table
            .get("properties")
            .and_then(serde_json::Value::as_object);
        properties
            .into_iter()
            .flatten()
            .filter(|(_, one)| one.get("description").is_none())
            .map(|(name, _)| name.clone())
            .collect()
    };
    let tables: BTreeMap<String, serde_json::Value> =
        serde_json::from_value(schema["$defs"].clone()).unwrap();
    for (name, table) in tables
        .iter()
        .map(|(name, table)| (name.as_str(), table))
        .chain([("Config", &schema)])
    {
        assert_eq!(undescribed(table), Vec::<String>::new(), "{name}");
    }
}
