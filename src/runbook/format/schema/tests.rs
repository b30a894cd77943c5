//! The schema against the readers: the same keys in every table, the shipped runbooks accepted, mistakes refused.

use super::parts::{ID, SPAN};
use super::*;
use crate::runbook::SHIPPED;
use crate::runbook::format::reader::good_id;
use crate::runbook::format::{parse, split};
use crate::runbook::quantity::parse_duration;
use std::collections::BTreeSet;

const JUNK: &str = "qqqqqqqqqq";
const FRONT: &str = "schema = 1\nid = \"x\"\nversion = \"1\"\ntitle = \"X\"\n";

/// A file with this front matter and these fences.
fn file(front: &str, fences: &[&str]) -> String {
    let body: String = fences
        .iter()
        .flat_map(|fence| ["```toml step\n", fence, "\n```\n\n"])
        .collect();
    format!("+++\n{FRONT}{front}\n+++\n\n## A\n\n{body}")
}

/// The keys a reader says it knows, where it stumbles over junk.
fn known(text: &str) -> BTreeSet<String> {
    let problems = parse("t", text).expect_err("junk is a mistake");
    let helps = problems
        .iter()
        .filter(|problem| problem.message.contains(JUNK));
    let lists = helps.filter_map(|problem| problem.help.as_deref()?.strip_prefix("known here: "));
    let keys: BTreeSet<String> = lists
        .flat_map(|list| list.split(", ").map(str::to_owned))
        .collect();
    assert!(!keys.is_empty(), "nobody stumbled: {text}\n{problems:?}");
    keys
}

fn properties(def: &Value) -> BTreeSet<String> {
    def["properties"]
        .as_object()
        .expect("properties")
        .keys()
        .cloned()
        .collect()
}

fn same(def: &str, text: &str) {
    assert_eq!(properties(&schema()["$defs"][def]), known(text), "{def}");
}

#[test]
fn the_front_matter_has_the_keys_of_its_readers() {
    same("front", &file(&format!("{JUNK} = 1"), &[]));
    for (def, front) in [
        ("param", "[params.p]\ntype = \"int\""),
        ("secret", "[secrets.s]\nsource = \"prompt\""),
        (
            "gate",
            "[gates.g]\nhold = \"1s\"\ndeadline = \"9s\"\nmetric = [{signal = \"p99\", ok = \"<= 1s\"}]",
        ),
        (
            "metric",
            "[gates.g]\nhold = \"1s\"\ndeadline = \"9s\"\n[[gates.g.metric]]\nsignal = \"p99\"\nok = \"<= 1s\"",
        ),
        (
            "item",
            "[[checklist]]\nid = \"a\"\ntext = \"b\"\nevidence = [\"link\"]",
        ),
    ] {
        same(def, &file(&format!("{front}\n{JUNK} = 1"), &[]));
    }
    let front = &schema()["$defs"]["front"]["properties"];
    for (key, inner, text) in [
        ("rehearse", "", "[rehearse]\nin = \"staging\""),
        ("source", "items", "[[source]]\ndoc = \"a\"\nref = \"b\""),
        (
            "deviation",
            "items",
            "[[deviation]]\nref = \"a\"\nwhy = \"b\"",
        ),
    ] {
        let def = if inner.is_empty() {
            &front[key]
        } else {
            &front[key][inner]
        };
        assert_eq!(
            properties(def),
            known(&file(&format!("{text}\n{JUNK} = 1"), &[])),
            "{key}"
        );
    }
}

#[test]
fn every_question_of_an_item_has_the_keys_of_its_reader() {
    use crate::runbook::model::Glance;
    for ask in Glance::WORDS {
        let item = format!(
            "[[checklist]]\nid = \"a\"\ntext = \"b\"\nevidence = [\"auto\"]\n[checklist.check]\nask = \"{ask}\"\nns = \"n\"\n{JUNK} = 1"
        );
        same(&format!("asked.{ask}"), &file(&item, &[]));
    }
}

/// The least a kind must have to be read to its end.
fn least(kind: &str) -> &'static str {
    match kind {
        "each" => "in = \"run.id\"",
        "check" | "gate" => "ns = \"n\"\ntarget = \"t\"",
        _ => "",
    }
}

#[test]
fn every_kind_of_step_has_the_keys_of_its_reader() {
    for kind in kinds() {
        let step = format!(
            "{JUNK} = 1\nid = \"s\"\nkind = \"{kind}\"\nundo = \"none\"\n{}",
            least(kind)
        );
        same(&format!("step.{kind}"), &file("", &[&step]));
        if acts(kind) {
            let place = if KINDS.contains(&kind) {
                "ns = \"n\", target = \"t\", "
            } else {
                ""
            };
            let step = format!(
                "id = \"s\"\nkind = \"note\"\nundo = {{ kind = \"{kind}\", {place}{JUNK} = 1 }}"
            );
            same(&format!("undo.{kind}"), &file("", &[&step]));
        }
    }
}

#[test]
fn the_tables_of_a_step_have_the_keys_of_their_readers() {
    let step = |more: &str| file("", &[&format!("id = \"s\"\nkind = \"note\"\n{more}")]);
    for (def, table) in [
        ("check", "check = [{that = \"out.x\", is = 1, Q = 1}]"),
        ("timeout", "timeout = {after = \"1s\", Q = 1}"),
        ("retry", "retry = {Q = 1}"),
        ("approve", "approve = {Q = 1}"),
        ("each", "each = {in = \"run.id\", Q = 1}"),
    ] {
        same(def, &step(&table.replace('Q', JUNK)));
    }
    let defs = &schema()["$defs"];
    let note = &defs["step.note"]["properties"];
    assert_eq!(
        properties(&note["wait"]),
        known(&step(&format!(
            "wait = {{rollout = \"complete\", {JUNK} = 1}}"
        )))
    );
    let choose = format!(
        "id = \"s\"\nkind = \"choose\"\noptions = [{{id = \"a\", label = \"b\", {JUNK} = 1}}]"
    );
    let branch = &defs["step.choose"]["properties"]["options"]["items"];
    assert_eq!(properties(branch), known(&file("", &[&choose])));
    let gate = format!("id = \"s\"\nkind = \"gate\"\nuse = \"g\"\n[on]\n{JUNK} = 1");
    assert_eq!(
        properties(&defs["step.gate"]["properties"]["on"]),
        known(&file("", &[&gate]))
    );
    let block = format!(
        "+++\n{FRONT}+++\n\n## A\n\n```toml block\nid = \"b\"\n{JUNK} = 1\n[[do]]\nid = \"s\"\nkind = \"note\"\n```\n"
    );
    same("block", &block);
}

#[test]
fn conditions_have_the_keys_of_their_reader() {
    let condition = |text: &str| {
        known(&file(
            "",
            &[&format!(
                "id = \"s\"\nkind = \"note\"\nwhen = {{{text}, {JUNK} = 1}}"
            )],
        ))
    };
    let mut asked = condition("param = \"p\", is = 1");
    asked.extend(condition("step = \"p\", is = 1"));
    asked.extend(condition("all = []"));
    asked.extend(condition("any = []"));
    asked.extend(condition("env = \"x\""));
    asked.extend(condition("severity = \"P1\""));
    let variants = schema()["$defs"]["when"]["anyOf"]
        .as_array()
        .cloned()
        .expect("variants");
    let known: BTreeSet<String> = variants.iter().flat_map(properties).collect();
    assert_eq!(known, asked);
}

/// What of draft 2020-12 this schema is written in; anything else is a mistake of the schema.
#[expect(
    clippy::too_many_lines,
    reason = "one rule of the draft after the other, an arm for each"
)]
fn complaints(schema: &Value, root: &Value, data: &Value, at: &str, out: &mut Vec<String>) {
    let Some(rules) = schema.as_object() else {
        if schema == &json!(false) {
            out.push(format!("{at}: nothing may stand here"));
        }
        return;
    };
    let fits = |schema: &Value| {
        let mut found = Vec::new();
        complaints(schema, root, data, at, &mut found);
        found.is_empty()
    };
    let object = data.as_object();
    for (rule, wanted) in rules {
        let all = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
        let good = match rule.as_str() {
            "$ref" => {
                let path = wanted
                    .as_str()
                    .and_then(|path| path.strip_prefix('#'))
                    .expect("a local reference");
                let target = root
                    .pointer(path)
                    .unwrap_or_else(|| panic!("{wanted} leads nowhere"));
                complaints(target, root, data, at, out);
                true
            }
            "type" => all
                .iter()
                .chain(wanted.is_string().then_some(wanted))
                .any(|ty| is(data, ty)),
            "const" => data == wanted,
            "enum" => all.contains(data),
            "minimum" => data
                .as_i64()
                .is_none_or(|number| Some(number) >= wanted.as_i64()),
            "maximum" => data
                .as_i64()
                .is_none_or(|number| Some(number) <= wanted.as_i64()),
            "minItems" => data
                .as_array()
                .is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap_or(0)),
            "pattern" => data.as_str().is_none_or(|text| matches(wanted, text)),
            "required" => object.is_none_or(|object| {
                all.iter()
                    .all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "dependentRequired" => object.is_none_or(|object| {
                wanted.as_object().unwrap().iter().all(|(key, needs)| {
                    !object.contains_key(key)
                        || needs
                            .as_array()
                            .unwrap()
                            .iter()
                            .all(|need| object.contains_key(need.as_str().unwrap()))
                })
            }),
            "anyOf" => all.iter().any(fits),
            "oneOf" => all.iter().filter(|one| fits(one)).count() == 1,
            "not" => !fits(wanted),
            "allOf" => {
                for one in all {
                    complaints(one, root, data, at, out);
                }
                true
            }
            "if" => {
                let branch = if fits(wanted) { "then" } else { "else" };
                if let Some(branch) = rules.get(branch) {
                    complaints(branch, root, data, at, out);
                }
                true
            }
            "items" => {
                for (index, item) in data.as_array().into_iter().flatten().enumerate() {
                    complaints(wanted, root, item, &format!("{at}/{index}"), out);
                }
                true
            }
            "properties" => {
                for (key, inner) in wanted.as_object().unwrap() {
                    if let Some(value) = object.and_then(|object| object.get(key)) {
                        complaints(inner, root, value, &format!("{at}/{key}"), out);
                    }
                }
                true
            }
            "propertyNames" => object
                .into_iter()
                .flatten()
                .all(|(key, _)| matches(&wanted["pattern"], key)),
            "additionalProperties" => {
                for (key, value) in object.into_iter().flatten() {
                    if rules
                        .get("properties")
                        .and_then(|known| known.get(key))
                        .is_none()
                    {
                        complaints(wanted, root, value, &format!("{at}/{key}"), out);
                    }
                }
                true
            }
            "$schema" | "$defs" | "title" | "description" | "examples" | "format" | "then"
            | "else" => true,
            other => panic!("{other} is not used here"),
        };
        if !good {
            out.push(format!("{at}: {rule} {wanted}"));
        }
    }
}

fn is(data: &Value, ty: &Value) -> bool {
    match ty.as_str().unwrap() {
        "string" => data.is_string(),
        "boolean" => data.is_boolean(),
        "integer" => data.is_i64() || data.is_u64(),
        "array" => data.is_array(),
        "object" => data.is_object(),
        other => panic!("no type {other}"),
    }
}

/// The patterns, by what the readers make of the same text.
fn matches(pattern: &Value, text: &str) -> bool {
    match pattern.as_str().unwrap() {
        SPAN => parse_duration(text).is_some() || text.trim().starts_with("{{"),
        ID => good_id(text),
        _ => text.starts_with(|c: char| c.is_ascii_lowercase()),
    }
}

fn wrong(data: &Value) -> Vec<String> {
    let (schema, mut out) = (schema(), Vec::new());
    complaints(&schema, &schema, data, "", &mut out);
    out
}

/// TOML as the data a schema sees; a date is the text it is written as.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(day) => json!(day.to_string()),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, plain(value)))
                .collect(),
        ),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::String(text) => json!(text),
    }
}

fn data(text: &str) -> Value {
    let read = |range: std::ops::Range<usize>| plain(toml::from_str(&text[range]).unwrap());
    let split = split::split(text, false);
    let (mut steps, mut blocks) = (Vec::new(), Vec::new());
    for piece in split.pieces {
        match piece {
            split::Piece::Fence(split::FenceKind::Step, range) => steps.push(read(range)),
            split::Piece::Fence(split::FenceKind::Block, range) => blocks.push(read(range)),
            _ => {}
        }
    }
    json!({"front": read(split.front), "steps": steps, "blocks": blocks})
}

#[test]
fn shipped_runbooks_fit_the_schema() {
    for shipped in SHIPPED {
        assert_eq!(
            wrong(&data(shipped.text)),
            Vec::<String>::new(),
            "{}",
            shipped.file
        );
    }
}

#[test]
fn what_the_readers_refuse_the_schema_refuses_too() {
    let text = SHIPPED[0].text;
    for (from, to) in [
        ("risk         = \"high\"", "risk = \"hihg\""),
        ("id           = \"rollback\"", "id = \"Roll back\""),
        ("schema       = 1", "schema = 2"),
        ("interval     = \"15s\"", "interval = \"15 seconds\""),
        ("kind  = \"input\"", "kind = \"inptu\""),
        ("kind  = \"input\"\n", ""),
        (
            "that = \"out.uid\"\nis   = \"set\"",
            "that = \"out.uid\"\nis = 1\nnot = 2",
        ),
        ("that = \"out.uid\"", "taht = \"out.uid\""),
        ("fail_at = 20", "fail_at = \"20\""),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        assert!(parse("t", &broken).is_err(), "the readers take {to:?}");
        assert_ne!(
            wrong(&data(&broken)),
            Vec::<String>::new(),
            "the schema takes {to:?}"
        );
    }
}

#[test]
fn every_reference_of_the_schema_leads_somewhere_and_every_table_is_closed() {
    fn walk(value: &Value, root: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(path)) = map.get("$ref") {
                    assert!(
                        root.pointer(path.trim_start_matches('#')).is_some(),
                        "{path}"
                    );
                }
                if map.get("type") == Some(&json!("object"))
                    && map.contains_key("properties")
                    && !map.contains_key("allOf")
                {
                    assert!(map.contains_key("additionalProperties"), "open: {value}");
                }
                map.values().for_each(|inner| walk(inner, root));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, root)),
            _ => {}
        }
    }
    let schema = schema();
    walk(&schema, &schema);
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}
