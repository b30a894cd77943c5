//! The schema of the configuration, and a document held against it: unknown keys, wrong types, words that are no choice,
//! values without their unit. Everything wrong is reported at once, each with its place; sense is checked in [`super::check`].

use std::ops::Range;

use schemars::schema_for;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{dotted, nearest};
use super::settings::Config;
use super::unit;

/// Something wrong, not yet placed in a file, a variable or a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where in the text.
    pub span: Range<usize>,
    /// The key, from the root.
    pub key: Vec<String>,
    /// What is wrong.
    pub sentence: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

/// The JSON Schema of the configuration.
pub fn schema() -> Value {
    schema_for!(Config).to_value()
}

/// The schema with the means to look into it.
pub struct Shape {
    root: Value,
}

impl Shape {
    /// Of [`Config`].
    pub fn of_the_configuration() -> Self {
        Self { root: schema() }
    }

    /// What is wrong with a document.
    pub fn findings(&self, document: &Spanned<DeTable<'_>>) -> Vec<Finding> {
        let mut walk = Walk {
            shape: self,
            key: Vec::new(),
            found: Vec::new(),
        };
        walk.table(document.get_ref(), &self.root);
        walk.found
    }

    /// What is wrong with one value.
    pub fn findings_at(&self, key: &[String], value: &Spanned<DeValue<'_>>) -> Vec<Finding> {
        let mut walk = Walk {
            shape: self,
            key: key.to_vec(),
            found: Vec::new(),
        };
        if let Some(node) = self.node(key) {
            walk.value(value, node);
        }
        walk.found
    }

    /// Every key that holds a value, from the root; names that people choose are `*`.
    pub fn keys(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.collect(&self.root, &mut Vec::new(), &mut found);
        found
    }

    /// Which JSON types a key takes.
    pub fn types(&self, key: &[String]) -> Vec<&str> {
        self.node(key).map(types).unwrap_or_default()
    }

    fn collect(&self, node: &Value, key: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let node = self.resolve(node);
        let nested = properties(node)
            .into_iter()
            .flatten()
            .map(|(name, child)| (name.as_str(), child));
        let named = node
            .get("additionalProperties")
            .filter(|any| any.is_object())
            .map(|any| ("*", any));
        let mut leaf = true;
        for (name, child) in nested.chain(named) {
            leaf = false;
            key.push(name.to_owned());
            self.collect(child, key, found);
            key.pop();
        }
        if leaf {
            found.push(key.clone());
        }
    }

    fn node(&self, key: &[String]) -> Option<&Value> {
        key.iter()
            .try_fold(self.resolve(&self.root), |node, part| {
                self.child(node, part)
            })
            .map(|node| self.resolve(node))
    }

    fn child<'a>(&'a self, node: &'a Value, name: &str) -> Option<&'a Value> {
        let node = self.resolve(node);
        properties(node)
            .and_then(|known| known.get(name))
            .or_else(|| {
                node.get("additionalProperties")
                    .filter(|any| any.is_object())
            })
    }

    /// Follows references, and takes the part of an alternative that is not null.
    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        let mut node = node;
        for _ in 0..8 {
            let reference = node
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|to| self.root.pointer(to.trim_start_matches('#')));
            let either = node.get("anyOf").and_then(Value::as_array);
            let other = either.and_then(|any| {
                any.iter()
                    .find(|one| one.get("type").and_then(Value::as_str) != Some("null"))
            });
            match reference.or(other) {
                Some(next) => node = next,
                None => return node,
            }
        }
        node
    }
}

fn properties(node: &Value) -> Option<&Map<String, Value>> {
    node.get("properties").and_then(Value::as_object)
}

fn types(node: &Value) -> Vec<&str> {
    match node.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .filter(|one| *one != "null")
            .collect(),
        _ if node.get("oneOf").is_some() || node.get("enum").is_some() => vec!["string"],
        _ => Vec::new(),
    }
}

/// The words that a key takes, where it takes only some.
fn choices(node: &Value) -> Vec<&str> {
    let listed = node
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let single = node
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let consts = single.flat_map(|one| {
        let many = one
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        one.get("const")
            .into_iter()
            .chain(many)
            .filter_map(Value::as_str)
    });
    listed.chain(consts).collect()
}

struct Walk<'a> {
    shape: &'a Shape,
    key: Vec<String>,
    found: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn table(&mut self, table: &DeTable<'_>, node: &'a Value) {
        for (name, value) in table {
            self.key.push(name.get_ref().to_string());
            match self.shape.child(node, name.get_ref()) {
                Some(child) => self.value(value, self.shape.resolve(child)),
                None => self.unknown(name.span(), node),
            }
            self.key.pop();
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, node: &'a Value) {
        let wanted = types(node);
        let span = value.span();
        let fits = match value.get_ref() {
            DeValue::Table(_) => wanted.contains(&"object"),
            DeValue::Array(_) => wanted.contains(&"array"),
            DeValue::Boolean(_) => wanted.contains(&"boolean"),
            DeValue::Integer(_) => wanted.contains(&"integer") || wanted.contains(&"number"),
            DeValue::Float(_) => wanted.contains(&"number"),
            DeValue::String(_) | DeValue::Datetime(_) => wanted.contains(&"string"),
        };
        if !fits {
            self.wrong_type(value, node);
            return;
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, node),
            DeValue::Array(items) => {
                if let Some(inner) = node.get("items") {
                    let inner = self.shape.resolve(inner);
                    items.iter().for_each(|item| self.value(item, inner));
                }
            }
            DeValue::String(text) => self.text(text, span, node),
            DeValue::Integer(number) => self.number(number.as_str(), span, node),
            DeValue::Float(number) => self.format(number.as_str(), span, node),
            DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }

    fn report(&mut self, span: Range<usize>, sentence: String, hint: Option<String>) {
        let key = self.key.clone();
        self.found.push(Finding {
            span,
            key,
            sentence,
            hint,
        });
    }

    fn unknown(&mut self, span: Range<usize>, node: &Value) {
        let name = self.key.last().cloned().unwrap_or_default();
        let parent = &self.key[..self.key.len() - 1];
        let table = if parent.is_empty() {
            "at the top".to_owned()
        } else {
            format!("in [{}]", dotted(parent))
        };
        let here: Vec<&str> = properties(self.shape.resolve(node))
            .into_iter()
            .flatten()
            .map(|(known, _)| known.as_str())
            .collect();
        let elsewhere = || {
            let home = self
                .shape
                .keys()
                .into_iter()
                .find(|key| key.last() == Some(&name) && !key.iter().any(|part| part == "*"))?;
            let (_, table) = home.split_last()?;
            Some(if table.is_empty() {
                format!("`{name}` belongs at the top, above the first [table]")
            } else {
                format!("`{name}` belongs in [{}]", dotted(table))
            })
        };
        let hint = nearest(&name, here.iter().copied())
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(elsewhere)
            .unwrap_or_else(|| format!("keys here: {}", here.join(", ")));
        self.report(span, format!("unknown key `{name}` {table}"), Some(hint));
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, node: &Value) {
        let found = match value.get_ref() {
            DeValue::Table(_) => "a table",
            DeValue::Array(_) => "a list",
            DeValue::Boolean(_) => "true or false",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::String(_) => "a text",
            DeValue::Datetime(_) => "a date",
        };
        let wants = wanted(node);
        let sentence = format!("`{}` wants {wants}, not {found}", dotted(&self.key));
        let hint = match (value.get_ref(), node.get("format").and_then(Value::as_str)) {
            (DeValue::Integer(number), Some(unit::TIME)) => Some(format!(
                "{0} what? \"{0} ms\", \"{0}s\", \"{0}m\"",
                number.as_str()
            )),
            (DeValue::String(text), _)
                if wants == "true or false" && ["true", "false"].contains(&text.as_ref()) =>
            {
                Some(format!("write {text} without the quotes"))
            }
            (DeValue::String(text), _) if wants.starts_with("a list") => {
                Some(format!("write [{text:?}]"))
            }
            _ => None,
        };
        self.report(value.span(), sentence, hint);
    }

    fn text(&mut self, text: &str, span: Range<usize>, node: &Value) {
        let choices = choices(node);
        if choices.is_empty() || choices.contains(&text) {
            self.format(text, span, node);
            return;
        }
        let sentence = format!("`{}` cannot be {text:?}", dotted(&self.key));
        let hint = nearest(text, choices.iter().copied()).map_or_else(
            || format!("one of: {}", choices.join(", ")),
            |near| format!("did you mean \"{near}\"?"),
        );
        self.report(span, sentence, Some(hint));
    }

    fn format(&mut self, text: &str, span: Range<usize>, node: &Value) {
        let format = node
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let Some(complaint) = unit::complaint(format, text) {
            self.report(span, format!("`{}`: {complaint}", dotted(&self.key)), None);
        }
    }

    fn number(&mut self, text: &str, span: Range<usize>, node: &Value) {
        let limit = |name: &str| node.get(name).and_then(Value::as_i64);
        let (least, most) = (limit("minimum"), limit("maximum"));
        let number = text.replace('_', "").parse::<i64>().ok();
        let within = number.is_some_and(|number| {
            least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most)
        });
        if (least.is_some() || most.is_some()) && !within {
            let (least, most) = (least.unwrap_or(0), most.unwrap_or(i64::MAX));
            self.report(
                span,
                format!("`{}` must be between {least} and {most}", dotted(&self.key)),
                None,
            );
            return;
        }
        self.format(text, span, node);
    }
}

/// What a key takes, in words.
fn wanted(node: &Value) -> &'static str {
    let types = types(node);
    match (
        node.get("format").and_then(Value::as_str),
        types.first().copied(),
    ) {
        (Some(unit::TIME), _) => "a span of time in quotes, such as \"500 ms\" or \"3m\"",
        (Some(unit::RATIO), _) => "a share such as \"1 %\" or 0.01",
        (Some(unit::OFF_OR_TIME), _) => "\"off\" or a span of time such as \"7d\"",
        (_, Some("object")) => "a table",
        (_, Some("array")) => "a list in brackets",
        (_, Some("boolean")) => "true or false",
        (_, Some("integer" | "number")) => "a number",
        _ => "a text in quotes",
    }
}
