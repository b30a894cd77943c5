//! The front matter of a runbook: identity, parameters, secrets, gates, sources, deviations.

use std::collections::BTreeMap;

use crate::runbook::format::checklist::items;
use crate::runbook::format::gates::gate_decl;
use crate::runbook::format::reader::{Reader, good_id, whole};
use crate::runbook::model::{
    Deviation, DocRef, GateDecl, LiveList, LostObserver, OnFailure, Param, ParamType, Rehearse,
    Risk, Runbook, SecretDecl, SignedMillis,
};

/// The format version this program reads.
pub const SCHEMA: i64 = 1;

/// Reads the front matter; steps and sections are filled in by the caller.
pub fn front(table: Reader<'_, '_, '_>) -> Runbook {
    let schema = table.int("schema").unwrap_or_default();
    if schema != SCHEMA {
        table.error_at(
            "schema",
            format!("`schema` must be {SCHEMA}, the only version this program reads"),
            None,
        );
    }
    let id = table.need("id");
    if !id.is_empty() && !good_id(&id) {
        table.error_at(
            "id",
            "`id` must be small letters, digits and hyphens, at most 63",
            Some("as `jwt-rotate`"),
        );
    }
    let runbook = Runbook {
        schema,
        id,
        version: table.need("version"),
        title: table.need("title"),
        owners: table.strings("owners"),
        review_by: review_by(&table),
        risk: table
            .word("risk", Risk::WORDS, Risk::from_word)
            .unwrap_or(Risk::High),
        environments: table.strings("environments"),
        lock: table.texts("lock"),
        timeout: table.duration("timeout").map(SignedMillis),
        on_failure: table
            .word("on_failure", OnFailure::WORDS, OnFailure::from_word)
            .unwrap_or(OnFailure::Pause),
        on_lost_observer: table
            .word(
                "on_lost_observer",
                LostObserver::WORDS,
                LostObserver::from_word,
            )
            .unwrap_or(LostObserver::Hold),
        rehearse: table.table("rehearse").map(rehearse),
        params: named(&table, "params", param),
        secrets: named(&table, "secrets", secret),
        gates: gates(&table),
        sources: table.tables("source").into_iter().map(source).collect(),
        deviations: table
            .tables("deviation")
            .into_iter()
            .map(deviation)
            .collect(),
        checklist: items(&table, "checklist"),
        blocks: BTreeMap::new(),
        calls: BTreeMap::new(),
        steps: Vec::new(),
        sections: Vec::new(),
        intro: String::new(),
    };
    table.finish();
    runbook
}

/// The day after which the runbook is overdue.
fn review_by(table: &Reader<'_, '_, '_>) -> Option<String> {
    table.item("review_by").and_then(|(value, at)| {
        let day = value
            .as_datetime()
            .map(ToString::to_string)
            .or_else(|| value.as_str().map(str::to_owned));
        let day = day.filter(|day| day.parse::<jiff::civil::Date>().is_ok());
        if day.is_none() {
            table.sink().error(
                at,
                "front matter: `review_by` must be a day, as 2026-06-01",
                None,
            );
        }
        day
    })
}

fn named<'d, 'i, 's, T>(
    table: &Reader<'d, 'i, 's>,
    key: &'static str,
    read: impl Fn(String, Reader<'d, 'i, 's>) -> T,
) -> Vec<T> {
    let Some(group) = table.table(key) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, value, at) in group.free() {
        if !name.starts_with(|c: char| c.is_ascii_lowercase())
            || !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        {
            table.sink().error(
                at,
                format!("`{name}` is not a name: small letters, digits, underscores"),
                None,
            );
        }
        if let Some(inner) = group.as_table(value.get_ref(), at, &name) {
            out.push(read(name, inner));
        }
    }
    out
}

fn param(name: String, table: Reader<'_, '_, '_>) -> Param {
    let place = table.sink().place(table.at());
    let scalar = |key: &'static str| {
        table.item(key).map(|(value, _)| {
            value.as_str().map_or_else(
                || whole(value).map(|n| n.to_string()).unwrap_or_default(),
                str::to_owned,
            )
        })
    };
    let ty = table.word("type", ParamType::WORDS, ParamType::from_word);
    if !table.has("type") {
        table.error(
            "`type` is missing",
            Some("one of string, text, int, bool, duration, choice, namespace, k8s-ref, …"),
        );
    }
    let param = Param {
        name,
        ty: ty.unwrap_or(ParamType::String),
        default: table.data("default"),
        required: table.flag("required").unwrap_or_default(),
        pattern: table.string("pattern"),
        min: scalar("min"),
        max: scalar("max"),
        choices: table.strings("choices"),
        from: table.word("from", LiveList::WORDS, LiveList::from_word),
        help: table.string("help"),
        place,
    };
    if param.ty == ParamType::Choice && param.choices.is_empty() {
        table.error("a choice needs `choices`", None);
    }
    if let Some(default) = &param.default
        && let Err(why) = param.admit(default.clone())
    {
        table.error_at("default", format!("the default does not fit: {why}"), None);
    }
    table.finish();
    param
}

fn secret(name: String, table: Reader<'_, '_, '_>) -> SecretDecl {
    const SOURCES: &[&str] = &["generate", "prompt", "vault", "k8s"];
    let source = table.word("source", SOURCES, |word| {
        SOURCES.contains(&word).then(|| word.to_owned())
    });
    if !table.has("source") {
        table.error(
            "`source` is missing",
            Some("generate, prompt, vault or k8s"),
        );
    }
    if table.has("default") {
        table.error(
            "a secret has no default",
            Some("remove it; secrets never stand in files"),
        );
        let _ = table.item("default");
    }
    let source = source.unwrap_or_default();
    let (ns, of) = (table.text("ns"), table.text("name"));
    let declared = SecretDecl {
        name,
        bytes: table.int("bytes"),
        encoding: table.string("encoding"),
        at: table.text("at"),
        of: ns.zip(of),
        key: table.text("key"),
        source,
    };
    let wanted: &[&str] = match declared.source.as_str() {
        "vault" => &["at", "key"],
        "k8s" => &["ns", "name", "key"],
        _ => &[],
    };
    let optional: &[&str] = match declared.source.as_str() {
        "generate" => &["bytes", "encoding"],
        _ => &[],
    };
    for key in ["at", "ns", "name", "key", "bytes", "encoding"] {
        let source = &declared.source;
        if wanted.contains(&key) && !table.has(key) {
            table.error(
                format!("`{key}` is missing: source = \"{source}\" reads it from there"),
                None,
            );
        }
        if !source.is_empty()
            && table.has(key)
            && !wanted.contains(&key)
            && !optional.contains(&key)
        {
            table.error_at(
                key,
                format!("`{key}` says nothing where source = \"{source}\""),
                Some("remove it"),
            );
        }
    }
    table.finish();
    declared
}

fn gates(table: &Reader<'_, '_, '_>) -> BTreeMap<String, GateDecl> {
    named(table, "gates", |name, inner| {
        let gate = gate_decl(&inner);
        inner.finish();
        (name, gate)
    })
    .into_iter()
    .collect()
}

fn rehearse(table: Reader<'_, '_, '_>) -> Rehearse {
    let rehearse = Rehearse {
        environment: table.need("in"),
        max_age: SignedMillis(table.duration("max_age").unwrap_or_default()),
    };
    table.finish();
    rehearse
}

fn source(table: Reader<'_, '_, '_>) -> DocRef {
    let source = DocRef {
        doc: table.need("doc"),
        reference: table.need("ref"),
    };
    table.finish();
    source
}

fn deviation(table: Reader<'_, '_, '_>) -> Deviation {
    let deviation = Deviation {
        reference: table.need("ref"),
        why: table.need("why"),
        trap: table.string("trap"),
    };
    table.finish();
    deviation
}
