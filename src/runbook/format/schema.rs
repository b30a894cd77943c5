//! The JSON Schema of runbook files, for editors and for whoever writes runbooks by program. The readers beside this file
//! are the reference; a test makes every one of them name the keys it knows and holds them against this.
//!
//! Length: one table for each table of the format, in the order of the readers.

use serde_json::{Map, Value, json};

use crate::runbook::format::front;
use crate::runbook::format::gates::SIGNALS;
use crate::runbook::lint::SEVERITIES;
use crate::runbook::model::{
    KINDS, LiveList, LostObserver, OBJECT_KINDS, OnFailure, PLANNED, ParamType, Risk, SECRET_KINDS,
    Side, Then,
};

mod looks;
mod objects;
mod secrets;

use secrets::{about_secret, secret_step_keys};
mod checklist;
mod parts;

use parts::{Key, flag, id, int, list, named, some, span, table, text, texts, to, words};

/// The schema of a file read into `front` (its front matter), `steps` and `blocks` (its fences, in order). An editor that
/// checks one fence alone uses `#/$defs/step` or `#/$defs/block`.
pub fn schema() -> Value {
    let mut defs = Map::new();
    let mut define = |name: &str, value: Value| {
        defs.insert(name.to_owned(), value);
    };
    define("front", table(front_keys()));
    define("param", table(param_keys()));
    define("secret", table(secret_keys()));
    define("gate", table(gate_keys()));
    define("metric", table(metric_keys()));
    define("item", table(checklist::item_keys()));
    checklist::define(&mut define);
    define("when", when());
    define(
        "check",
        tested(&[
            ("that", text(), true),
            ("say", text(), false),
            ("trap", text(), false),
        ]),
    );
    define(
        "timeout",
        table(vec![
            ("after", span(), true),
            ("then", words(Then::WORDS), false),
        ]),
    );
    define("retry", table(retry_keys()));
    define("approve", table(approve_keys()));
    define("each", table(each_keys()));
    define("undo", undo());
    define(
        "block",
        table(vec![("id", id(), true), ("do", some(to("step")), true)]),
    );
    define("step", by_kind(&["id", "kind"], "step"));
    for kind in kinds() {
        define(&format!("step.{kind}"), step(kind));
        if acts(kind) {
            define(&format!("undo.{kind}"), undone(kind));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A runbook of Vigie",
        "description": "Front matter between +++ lines is #/$defs/front, a fence `toml step` #/$defs/step, a fence `toml block` #/$defs/block.",
        "type": "object",
        "properties": {"front": to("front"), "steps": list(to("step")), "blocks": list(to("block"))},
        "required": ["front", "steps"],
        "additionalProperties": false,
        "$defs": defs,
    })
}

/// Every kind of step, those included that the machine of this version does not run.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let planned = PLANNED.iter().map(|(name, ..)| *name);
    KINDS.iter().copied().chain(planned)
}

/// Whether a kind may stand in an `undo`.
pub fn acts(kind: &str) -> bool {
    kind.starts_with("k8s.")
        || kind == "exec"
        || OBJECT_KINDS.contains(&kind)
        || SECRET_KINDS.iter().any(|(name, _)| *name == kind)
        || PLANNED.iter().any(|(name, ..)| *name == kind)
}

fn front_keys() -> Vec<Key> {
    vec![
        ("schema", json!({"const": front::SCHEMA}), true),
        ("id", id(), true),
        ("version", text(), true),
        ("title", text(), true),
        ("owners", list(text()), false),
        (
            "review_by",
            json!({"type": "string", "format": "date"}),
            false,
        ),
        ("risk", words(Risk::WORDS), false),
        ("environments", list(text()), false),
        ("lock", list(text()), false),
        ("timeout", span(), false),
        ("on_failure", words(OnFailure::WORDS), false),
        ("on_lost_observer", words(LostObserver::WORDS), false),
        (
            "rehearse",
            table(vec![("in", text(), true), ("max_age", span(), false)]),
            false,
        ),
        ("params", named(to("param")), false),
        ("secrets", named(to("secret")), false),
        ("gates", named(to("gate")), false),
        (
            "source",
            list(table(vec![("doc", text(), true), ("ref", text(), true)])),
            false,
        ),
        (
            "deviation",
            list(table(vec![
                ("ref", text(), true),
                ("why", text(), true),
                ("trap", text(), false),
            ])),
            false,
        ),
        ("checklist", list(to("item")), false),
    ]
}

fn param_keys() -> Vec<Key> {
    let scalar = json!({"type": ["string", "integer"]});
    vec![
        ("type", words(ParamType::WORDS), true),
        ("default", json!(true), false),
        ("required", flag(), false),
        ("pattern", text(), false),
        ("min", scalar.clone(), false),
        ("max", scalar, false),
        ("choices", list(text()), false),
        ("from", words(LiveList::WORDS), false),
        ("help", text(), false),
    ]
}

fn secret_keys() -> Vec<Key> {
    vec![
        (
            "source",
            words(&["generate", "prompt", "vault", "k8s"]),
            true,
        ),
        ("bytes", int(), false),
        ("encoding", text(), false),
        ("at", text(), false),
        ("ns", text(), false),
        ("name", text(), false),
        ("key", text(), false),
    ]
}

fn gate_keys() -> Vec<Key> {
    vec![
        ("interval", span(), false),
        ("initial_delay", span(), false),
        ("hold", span(), true),
        ("deadline", span(), true),
        ("min_requests", int(), false),
        ("fail_scope", words(&["gate", "run"]), false),
        ("combine", words(&["all", "any"]), false),
        ("metric", some(to("metric")), true),
    ]
}

fn metric_keys() -> Vec<Key> {
    let signals: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
    let signal = json!({"type": "string", "examples": signals});
    vec![
        ("signal", signal, true),
        ("query", text(), false),
        ("ok", text(), true),
        ("abort", text(), false),
        ("relative", text(), false),
        ("fail_at", json!({"type": "integer", "minimum": 1}), false),
        ("when", to("when"), false),
    ]
}

fn retry_keys() -> Vec<Key> {
    vec![
        (
            "max",
            json!({"type": "integer", "minimum": 0, "maximum": 10}),
            false,
        ),
        ("backoff", span(), false),
        ("on", some(words(&["transient", "conflict"])), true),
    ]
}

fn approve_keys() -> Vec<Key> {
    let mut keys = agreement_keys();
    keys.push(("when_env", text(), false));
    keys
}

fn agreement_keys() -> Vec<Key> {
    vec![
        ("count", int(), false),
        ("not", words(&["initiator"]), false),
        ("ttl", span(), false),
    ]
}

fn each_keys() -> Vec<Key> {
    vec![
        ("in", text(), true),
        ("as", text(), false),
        ("order", list(text()), false),
        ("serial", int(), false),
    ]
}

/// A table with exactly one test beside the keys given.
fn tested(keys: &[Key]) -> Value {
    let tests: [Key; 5] = [
        ("is", json!(true), false),
        ("not", json!(true), false),
        ("in", json!({"type": "array"}), false),
        ("has", json!(true), false),
        ("limit", text(), false),
    ];
    let one: Vec<Value> = tests
        .iter()
        .map(|(name, ..)| json!({"required": [name]}))
        .collect();
    let mut whole = table(keys.iter().cloned().chain(tests).collect());
    whole["oneOf"] = Value::from(one);
    whole
}

/// One of them, or a list.
fn either(one: Value) -> Value {
    json!({"anyOf": [one.clone(), some(one)]})
}

fn when() -> Value {
    let one = |key: Key| table(vec![key]);
    json!({"anyOf": [
        one(("all", some(to("when")), true)),
        one(("any", some(to("when")), true)),
        one(("env", either(text()), true)),
        one(("severity", either(words(&SEVERITIES)), true)),
        tested(&[("param", text(), true)]),
        tested(&[("step", text(), true), ("out", text(), false)]),
    ]})
}

/// The keys every kind shares; `each` has its own.
fn common(kind: &str) -> Vec<Key> {
    let mut keys = vec![
        ("id", id(), true),
        ("kind", json!({"const": kind}), true),
        ("when", to("when"), false),
        ("timeout", to("timeout"), false),
        ("retry", to("retry"), false),
        ("on_failure", words(OnFailure::WORDS), false),
        ("confirm", words(&["no", "yes"]), false),
        ("type", text(), false),
        ("undo", to("undo"), false),
        ("why", text(), false),
        ("barrier", flag(), false),
        ("capture", texts(), false),
        ("check", list(to("check")), false),
        ("critical", flag(), false),
        ("evidence", text(), false),
        ("sensitive_output", flag(), false),
        ("wait", wait(), false),
    ];
    if kind != "approve" {
        keys.push(("approve", to("approve"), false));
    }
    if kind != "each" {
        keys.push(("each", to("each"), false));
    }
    keys
}

/// What a step waits for: exactly one of these.
fn wait() -> Value {
    let mut wait = table(vec![
        ("rollout", words(&["complete"]), false),
        ("replicas", words(&["reached"]), false),
        ("pod", words(&["replaced"]), false),
    ]);
    wait["oneOf"] =
        json!([{"required": ["rollout"]}, {"required": ["replicas"]}, {"required": ["pod"]}]);
    wait
}

/// The keys of one kind's own.
fn own(kind: &str) -> Vec<Key> {
    let object = |more: Vec<Key>| {
        let place = [("ns", text(), false), ("target", text(), false)];
        place.into_iter().chain(more).collect::<Vec<Key>>()
    };
    match kind {
        "note" => Vec::new(),
        "input" => vec![("param", text(), true)],
        "choose" => {
            let branch = table(vec![
                ("id", text(), true),
                ("label", text(), true),
                ("help", text(), false),
            ]);
            vec![("options", some(branch), true)]
        }
        "checklist" => vec![("items", list(to("item")), false)],
        "confirm" => vec![("show", list(text()), false)],
        "approve" => agreement_keys(),
        "check" => vec![("ns", text(), false), ("target", text(), false)],
        "diff" => vec![("of", text(), true)],
        "http" => looks::http(),
        "scan" => looks::scan(),
        "gate" => gate_step_keys(),
        "wait" => vec![
            ("for", span(), true),
            ("plus", span(), false),
            ("since", text(), false),
        ],
        "use" => vec![("block", text(), true)],
        "incident.set" => vec![("severity", text(), false), ("set", texts(), false)],
        "call" => vec![
            ("runbook", text(), true),
            (
                "with",
                json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}),
                false,
            ),
        ],
        "each" => each_keys()
            .into_iter()
            .chain([("do", list(to("step")), false)])
            .collect(),
        "audit" => vec![("event", text(), true), ("with", texts(), false)],
        "notify" => vec![("channel", text(), true), ("text", text(), true)],
        "exec" => vec![("argv", some(text()), true)],
        "k8s.rollback" => object(vec![("to", text(), true)]),
        "k8s.scale" => object(vec![(
            "replicas",
            json!({"type": ["integer", "string"]}),
            true,
        )]),
        "k8s.rollout-restart" | "k8s.pause" | "k8s.resume" | "k8s.delete" | "k8s.evict" => {
            object(Vec::new())
        }
        "k8s.set-image" => object(vec![("container", text(), false), ("image", text(), true)]),
        "k8s.annotate" => object(vec![("set", texts(), false)]),
        "k8s.patch" => object(vec![
            ("patch", objects::patch(), false),
            ("remove", list(text()), false),
        ]),
        _ if objects::by_name(kind) => objects::keys(kind),
        _ if about_secret(kind) => secret_step_keys(kind),
        _ => {
            let planned = PLANNED.iter().find(|(name, ..)| *name == kind);
            let keys = planned.map_or(&[][..], |(.., keys)| keys);
            keys.iter().map(|key| (*key, json!(true), false)).collect()
        }
    }
}

/// A step that judges: a gate of the front matter by name, or one of its own.
fn gate_step_keys() -> Vec<Key> {
    let on = vec![
        ("pass", words(Then::WORDS), false),
        (
            "fail",
            json!({"anyOf": [words(Then::WORDS), table(vec![("param", text(), true), ("map", texts(), false)])]}),
            false,
        ),
        (
            "inconclusive",
            words(&["ask", "pause", "rollback", "abort", "restart-gate"]),
            false,
        ),
        ("lost", words(Then::WORDS), false),
    ];
    let inline = gate_keys()
        .into_iter()
        .map(|(name, value, _)| (name, value, false));
    inline
        .chain([
            ("use", text(), false),
            ("side", words(Side::WORDS), false),
            ("ns", text(), false),
            ("target", text(), false),
            ("targets", text(), false),
            ("on", table(on), false),
        ])
        .collect()
}

fn step(kind: &str) -> Value {
    let mut whole = table(common(kind).into_iter().chain(own(kind)).collect());
    let named = about_secret(kind) || objects::by_name(kind);
    whole["dependentRequired"] = if KINDS.contains(&kind) && !named {
        json!({"why": ["undo"], "ns": ["target"], "target": ["ns"]})
    } else {
        json!({"why": ["undo"]})
    };
    let mut rules = vec![json!({"not": {"required": ["type", "confirm"]}})];
    if kind == "gate" {
        let own: Vec<Value> = gate_keys()
            .iter()
            .filter(|key| key.0 != "hold")
            .map(|key| json!({"required": [key.0]}))
            .collect();
        rules.push(json!({
            "if": {"required": ["use"]},
            "then": {"not": {"anyOf": own}},
            "else": {"required": ["hold", "deadline", "metric"]},
        }));
    }
    if objects::by_name(kind) && !objects::makes(kind) {
        rules.push(json!({"anyOf": [{"required": ["name"]}, {"required": ["each"]}]}));
    }
    if kind.starts_with("k8s.") && KINDS.contains(&kind) && !named {
        rules.push(json!({"anyOf": [{"required": ["ns", "target"]}, {"required": ["each"]}]}));
    }
    whole["allOf"] = Value::from(rules);
    if !KINDS.contains(&kind) {
        whole["description"] = json!("Known to the format; this version does not run it.");
    }
    whole
}

/// The same kind as the way back from a step.
fn undone(kind: &str) -> Value {
    let keys = [
        ("kind", json!({"const": kind}), true),
        ("when", to("when"), false),
    ];
    let mut whole = table(keys.into_iter().chain(own(kind)).collect());
    if KINDS.contains(&kind) && !about_secret(kind) && !objects::by_name(kind) {
        whole["dependentRequired"] = json!({"ns": ["target"], "target": ["ns"]});
    }
    whole
}

fn undo() -> Value {
    let word = words(&["none", "previous-values"]);
    json!({"anyOf": [word, by_kind(&["kind"], "undo")]})
}

/// A table whose `kind` says which schema it follows.
fn by_kind(required: &[&str], family: &str) -> Value {
    let known: Vec<&str> = kinds()
        .filter(|kind| family == "step" || acts(kind))
        .collect();
    let each: Vec<Value> = known
        .iter()
        .map(|kind| {
            json!({
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": to(&format!("{family}.{kind}")),
            })
        })
        .collect();
    json!({"type": "object", "properties": {"kind": {"enum": known}}, "required": required, "allOf": each})
}

#[cfg(test)]
mod tests;
