//! Strings with `{{…}}` in them: parsed once when the runbook is read, filled in once when used. What is filled
//! in is never read again, so a value from a cluster cannot become a reference.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::runbook::quantity::{parse_duration, show_duration};

/// A dotted reference to a value: `params.x`, `steps.id.name`, `out.a.b`, `run.id`, or a loop variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// A parameter and the fields below it.
    Param(String, Vec<String>),
    /// A step's captured value and the fields below it.
    Step(String, Vec<String>),
    /// What the step itself just learned.
    Out(Vec<String>),
    /// The id of the run.
    RunId,
    /// A loop variable.
    Var(String),
}

impl Path {
    /// Reads a dotted reference.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('.').collect();
        let well_formed = |part: &&str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !parts.iter().all(well_formed) {
            return Err(format!(
                "`{text}` is not a reference; write `params.NAME`, `steps.ID.NAME`, `out.NAME` or `run.id`"
            ));
        }
        let tail = |from: usize| {
            parts
                .iter()
                .skip(from)
                .map(|part| (*part).to_owned())
                .collect::<Vec<_>>()
        };
        match parts.as_slice() {
            ["params", name, ..] => Ok(Self::Param((*name).to_owned(), tail(2))),
            ["steps", id, _, ..] => Ok(Self::Step((*id).to_owned(), tail(2))),
            ["out", _, ..] => Ok(Self::Out(tail(1))),
            ["run", "id"] => Ok(Self::RunId),
            ["secrets", ..] => Err(format!(
                "`{text}`: a secret cannot be put into a text; use a slot declared for it, as `{{ secret = \"NAME\" }}`"
            )),
            ["params" | "steps" | "out" | "run", ..] => Err(format!(
                "`{text}` is incomplete; write `params.NAME`, `steps.ID.NAME`, `out.NAME` or `run.id`"
            )),
            [name] => Ok(Self::Var((*name).to_owned())),
            _ => Err(format!(
                "`{text}` refers to nothing; it must begin with params, steps, out or run"
            )),
        }
    }
}

impl Path {
    /// The last part of it as words, for a sentence.
    pub fn name(&self) -> String {
        let name = match self {
            Self::Param(name, tail) => tail.last().unwrap_or(name),
            Self::Step(id, tail) => tail.last().unwrap_or(id),
            Self::Out(tail) => tail.last().map_or("what came out", String::as_str),
            Self::RunId => "the run",
            Self::Var(name) => name,
        };
        name.replace('_', " ")
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dotted = |head: String, tail: &[String]| {
            tail.iter()
                .fold(head, |head, part| format!("{head}.{part}"))
        };
        match self {
            Self::Param(name, tail) => out.write_str(&dotted(format!("params.{name}"), tail)),
            Self::Step(id, tail) => out.write_str(&dotted(format!("steps.{id}"), tail)),
            Self::Out(tail) => out.write_str(&dotted("out".to_owned(), tail)),
            Self::RunId => out.write_str("run.id"),
            Self::Var(name) => out.write_str(name),
        }
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The values references are looked up in.
#[derive(Clone, Debug, Default)]
pub struct Scope<'s> {
    /// The id of the run.
    pub run: &'s str,
    /// Parameters by name.
    pub params: Option<&'s BTreeMap<String, Value>>,
    /// What steps captured, by step id.
    pub steps: Option<&'s BTreeMap<String, Value>>,
    /// What the present step learned.
    pub out: Option<&'s Value>,
    /// Loop variables.
    pub vars: Option<&'s BTreeMap<String, Value>>,
    /// The path of the step that looks, up to its own name: steps beside it are found before those further out.
    pub frame: &'s str,
    /// The call the step stands in, with a slash: before the names of its parameters.
    pub call: &'s str,
}

impl Scope<'_> {
    /// The value a reference stands for, if there is one.
    pub fn get(&self, path: &Path) -> Option<Value> {
        match path {
            Path::Param(name, tail) if self.call.is_empty() => {
                descend(self.params?.get(name)?, tail)
            }
            Path::Param(name, tail) => {
                descend(self.params?.get(&format!("{}{name}", self.call))?, tail)
            }
            Path::Step(id, tail) => self.step(id, tail),
            Path::Out(tail) => descend(self.out?, tail),
            Path::RunId => Some(Value::from(self.run)),
            Path::Var(name) => self.vars?.get(name).cloned(),
        }
    }
}

impl Scope<'_> {
    /// A value of the nearest step of that id: beside the one that looks, else further out. A block or a repetition
    /// began with its first step and is finished with its last.
    fn step(&self, id: &str, tail: &[String]) -> Option<Value> {
        let steps = self.steps?;
        let mut frame = self.frame;
        loop {
            let path = format!("{frame}{id}");
            if let Some(found) = steps.get(&path) {
                return descend(found, tail);
            }
            let inner = steps.iter().filter(|(step, _)| {
                let rest = step.strip_prefix(&path);
                rest.is_some_and(|rest| rest.starts_with(['/', '[']))
            });
            let moments = |key: &str| {
                let texts = inner.clone().filter_map(|(_, out)| out.get(key)?.as_str());
                texts.map(str::to_owned).collect::<Vec<_>>()
            };
            match tail {
                [key] if key == "finished_at" => {
                    if let Some(last) = moments(key).into_iter().max_by_key(moment) {
                        return Some(Value::from(last));
                    }
                }
                [key] if key == "started_at" => {
                    if let Some(first) = moments(key).into_iter().min_by_key(moment) {
                        return Some(Value::from(first));
                    }
                }
                _ => {}
            }
            let outer = frame.strip_suffix('/')?;
            frame = outer.rfind('/').map_or("", |at| &outer[..=at]);
        }
    }
}

#[expect(clippy::ptr_arg, reason = "the key of an iterator over strings")]
fn moment(text: &String) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

/// Follows field names; `kind` and `name` of a text `Kind/name` are its two halves.
fn descend(value: &Value, tail: &[String]) -> Option<Value> {
    let Some((head, rest)) = tail.split_first() else {
        return Some(value.clone());
    };
    if let Some(text) = value.as_str() {
        let (kind, name) = text.split_once('/').unwrap_or(("Deployment", text));
        return match (head.as_str(), rest.is_empty()) {
            ("kind", true) => Some(Value::from(kind)),
            ("name", true) => Some(Value::from(name)),
            _ => None,
        };
    }
    match value {
        Value::Array(items) => descend(items.get(head.parse::<usize>().ok()?)?, rest),
        other => descend(other.get(head)?, rest),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Fill(Path),
}

/// A string that may hold references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    source: String,
    parts: Vec<Part>,
}

impl Text {
    /// Reads a string once; `{{` without `}}` or an ill-formed reference is an error.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find("{{") {
            let (before, after) = rest.split_at(open);
            let inner = &after[2..];
            let close = inner
                .find("}}")
                .ok_or_else(|| "`{{` without `}}`".to_owned())?;
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            parts.push(Part::Fill(Path::parse(inner[..close].trim())?));
            rest = &inner[close + 2..];
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// A text without references.
    pub fn literal(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            parts: vec![Part::Literal(source.to_owned())],
        }
    }

    /// The references in it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| match part {
            Part::Fill(path) => Some(path),
            Part::Literal(_) => None,
        })
    }

    /// The text with every reference replaced by its value.
    pub fn fill(&self, scope: &Scope<'_>) -> Result<String, String> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Fill(path) => filled.push_str(&plain(
                    &scope
                        .get(path)
                        .ok_or_else(|| format!("`{path}` has no value yet"))?,
                )),
            }
        }
        Ok(filled)
    }

    /// The text as the file has it.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// Data of a file with the references in its strings filled in. A string that is one reference and nothing else becomes
/// the value itself, whatever its type.
pub fn fill_data(data: &Value, scope: &Scope<'_>) -> Result<Value, String> {
    Ok(match data {
        Value::String(source) => {
            let text = Text::parse(source)?;
            match text.parts.as_slice() {
                [Part::Fill(path)] => match scope.get(path) {
                    None | Some(Value::Null) => return Err(format!("`{path}` has no value yet")),
                    Some(Value::Object(_) | Value::Array(_)) => {
                        return Err(format!("`{path}` is no single value"));
                    }
                    Some(value) => value,
                },
                _ => Value::from(text.fill(scope)?),
            }
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| fill_data(item, scope));
            Value::Array(items.collect::<Result<_, String>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(key, value)| Ok((key.clone(), fill_data(value, scope)?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        plain => plain.clone(),
    })
}

/// A value as it stands in a sentence.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A typed place in a step that holds either a value or exactly one reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot<T> {
    /// Written in the file.
    Fixed(T),
    /// Filled in when used.
    Fill(Path),
}

impl Slot<SignedDuration> {
    /// The duration, or why there is none.
    pub fn duration(&self, scope: &Scope<'_>) -> Result<SignedDuration, String> {
        match self {
            Self::Fixed(duration) => Ok(*duration),
            Self::Fill(path) => {
                let value = scope
                    .get(path)
                    .ok_or_else(|| format!("`{path}` has no value yet"))?;
                value
                    .as_str()
                    .and_then(parse_duration)
                    .ok_or_else(|| format!("`{path}` is not a duration"))
            }
        }
    }
}

impl Slot<i64> {
    /// The number, or why there is none.
    pub fn number(&self, scope: &Scope<'_>) -> Result<i64, String> {
        match self {
            Self::Fixed(number) => Ok(*number),
            Self::Fill(path) => {
                let value = scope
                    .get(path)
                    .ok_or_else(|| format!("`{path}` has no value yet"))?;
                value
                    .as_i64()
                    .ok_or_else(|| format!("`{path}` is not a whole number"))
            }
        }
    }
}

impl Serialize for Slot<SignedDuration> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(duration) => serializer.serialize_str(&show_duration(*duration)),
            Self::Fill(path) => serializer.collect_str(&format_args!("{{{{{path}}}}}")),
        }
    }
}

impl Serialize for Slot<i64> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(number) => serializer.serialize_i64(*number),
            Self::Fill(path) => serializer.collect_str(&format_args!("{{{{{path}}}}}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fill(source: &str, params: &Value) -> Result<String, String> {
        let params: BTreeMap<String, Value> = serde_json::from_value(params.clone()).unwrap();
        Text::parse(source)?.fill(&Scope {
            run: "01RUN",
            params: Some(&params),
            ..Scope::default()
        })
    }

    #[test]
    fn a_filled_value_is_never_read_again() {
        let params = json!({"x": "{{run.id}}{{params.y}}"});
        assert_eq!(
            fill("a {{params.x}} b", &params).unwrap(),
            "a {{run.id}}{{params.y}} b"
        );
    }

    #[test]
    fn a_workload_reference_has_a_kind_and_a_name() {
        let params = json!({"w": "StatefulSet/db", "n": "api"});
        assert_eq!(
            fill(
                "{{params.w.kind}} {{params.w.name}} {{params.n.kind}}",
                &params
            )
            .unwrap(),
            "StatefulSet db Deployment"
        );
    }

    #[test]
    fn what_has_no_value_is_an_error_not_an_empty_text() {
        assert!(
            fill("{{params.z}}", &json!({}))
                .unwrap_err()
                .contains("params.z")
        );
    }

    #[test]
    fn ill_formed_references_are_refused() {
        for wrong in [
            "{{",
            "{{params}}",
            "{{secrets.key}}",
            "{{a b}}",
            "{{params.{{x}}}}",
            "{{a.b.c}}",
        ] {
            assert!(Text::parse(wrong).is_err(), "{wrong}");
        }
    }
}
