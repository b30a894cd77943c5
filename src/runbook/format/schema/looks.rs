//! The part of the schema that is about looks: requests, and texts that are searched.

use serde_json::json;

use super::parts::{Key, span, table, text, words};
use crate::runbook::model::{Method, SAMPLE, Texts, Via};

/// The keys of a request.
pub fn http() -> Vec<Key> {
    let status = json!({"type": "integer", "minimum": 100, "maximum": 599});
    let expect = table(vec![
        ("status", status, false),
        ("body_contains", text(), false),
        ("json", json!({"type": "object"}), false),
    ]);
    vec![
        ("url", text(), true),
        ("via", words(Via::WORDS), false),
        ("method", words(Method::WORDS), false),
        ("expect", expect, false),
    ]
}

/// The keys of a search.
pub fn scan() -> Vec<Key> {
    let sample = json!({"type": "integer", "minimum": 1, "maximum": SAMPLE.1});
    vec![
        ("ns", text(), true),
        ("target", text(), false),
        ("selector", text(), false),
        ("in", words(Texts::WORDS), false),
        ("pattern", text(), false),
        ("sample", sample, false),
        ("since", span(), false),
    ]
}
