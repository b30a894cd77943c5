//! Reads a TOML table key by key, remembers what was asked for, and calls everything else a mistake. The keys a
//! kind knows are therefore exactly the keys its reader asks for; the schema is gathered the same way.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::runbook::format::sink::Sink;
use crate::runbook::place::nearest;
use crate::runbook::prose::{bounded, steers};
use crate::runbook::quantity::{Limit, parse_duration};
use crate::runbook::template::{Path, Slot, Text};

/// How deep a value kept as data may nest.
const MAX_DEPTH: usize = 16;

/// A table being read.
pub struct Reader<'d, 'i, 's> {
    table: &'d DeTable<'i>,
    at: usize,
    base: usize,
    what: String,
    asked: RefCell<Vec<&'static str>>,
    sink: &'d Sink<'s>,
}

/// A value with its absolute place.
pub type Item<'d, 'i> = (&'d DeValue<'i>, usize);

impl<'d, 'i, 's> Reader<'d, 'i, 's> {
    /// Begins reading a table whose offsets count from `base`.
    pub fn new(
        sink: &'d Sink<'s>,
        table: &'d Spanned<DeTable<'i>>,
        base: usize,
        what: impl Into<String>,
    ) -> Self {
        Self {
            table: table.get_ref(),
            at: base + table.span().start,
            base,
            what: what.into(),
            asked: RefCell::default(),
            sink,
        }
    }

    fn inner(&self, table: &'d DeTable<'i>, at: usize, what: String) -> Self {
        Self {
            table,
            at,
            base: self.base,
            what,
            asked: RefCell::default(),
            sink: self.sink,
        }
    }

    /// Where the table begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The file's sink.
    pub fn sink(&self) -> &'d Sink<'s> {
        self.sink
    }

    /// Notes an error at the table.
    pub fn error(&self, message: impl AsRef<str>, help: Option<&str>) {
        self.sink.error(
            self.at,
            format!("{}: {}", self.what, message.as_ref()),
            help.map(str::to_owned),
        );
    }

    /// Notes an error at the value of a key, or at the table where the key is not there.
    pub fn error_at(&self, key: &str, message: impl AsRef<str>, help: Option<&str>) {
        let at = self.table.get(key);
        let at = at.map_or(self.at, |value| self.base + value.span().start);
        let message = format!("{}: {}", self.what, message.as_ref());
        self.sink.error(at, message, help.map(str::to_owned));
    }

    /// The raw value of a key.
    pub fn item(&self, key: &'static str) -> Option<Item<'d, 'i>> {
        self.asked.borrow_mut().push(key);
        self.table
            .get(key)
            .map(|value| (value.get_ref(), self.base + value.span().start))
    }

    /// Whether the key is there, without counting as asked.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The table's keys with their values, for tables with free names.
    pub fn free(&self) -> Vec<(String, &'d Spanned<DeValue<'i>>, usize)> {
        self.table
            .iter()
            .map(|(key, value)| {
                (
                    bounded(key.get_ref(), 80),
                    value,
                    self.base + key.span().start,
                )
            })
            .collect()
    }

    fn wrong(&self, at: usize, key: &str, wanted: &str, found: &DeValue<'_>) {
        self.sink.error(
            at,
            format!(
                "{}: `{key}` must be {wanted}, it is {} {}",
                self.what,
                article(found.type_str()),
                found.type_str()
            ),
            None,
        );
    }

    /// A string, checked for steering characters.
    pub fn string(&self, key: &'static str) -> Option<String> {
        let (value, at) = self.item(key)?;
        match value {
            DeValue::String(text) if text.chars().any(steers) => {
                self.sink.error(
                    at,
                    format!(
                        "{}: `{key}` holds control or direction characters",
                        self.what
                    ),
                    Some("remove them".to_owned()),
                );
                None
            }
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.wrong(at, key, "a string", other);
                None
            }
        }
    }

    /// A string that must be there; empty after an error.
    pub fn need(&self, key: &'static str) -> String {
        if !self.has(key) {
            self.error(format!("`{key}` is missing"), None);
        }
        self.string(key).unwrap_or_default()
    }

    /// A string with references.
    pub fn text(&self, key: &'static str) -> Option<Text> {
        let source = self.string(key)?;
        let at = self.item(key)?.1;
        Some(self.parse_text(&source, at))
    }

    /// A string with references that must be there.
    pub fn need_text(&self, key: &'static str) -> Text {
        if !self.has(key) {
            self.error(format!("`{key}` is missing"), None);
        }
        self.text(key).unwrap_or_else(|| Text::literal(""))
    }

    fn parse_text(&self, source: &str, at: usize) -> Text {
        let text = self.parsed(at, Text::parse(source));
        let text = text.unwrap_or_else(|| Text::literal(""));
        text.paths()
            .for_each(|path| self.sink.refer(path.clone(), at));
        text
    }

    /// What was parsed; what could not be is a mistake at its place.
    fn parsed<T>(&self, at: usize, found: Result<T, String>) -> Option<T> {
        found
            .map_err(|why| {
                let message = format!("{}: {}", self.what, bounded(&why, 200));
                self.sink.error(at, message, None);
            })
            .ok()
    }

    /// A reference without braces.
    pub fn path(&self, key: &'static str) -> Option<Path> {
        let source = self.string(key)?;
        let at = self.item(key)?.1;
        let path = self.parsed(at, Path::parse(&source))?;
        self.sink.refer(path.clone(), at);
        Some(path)
    }

    /// true or false.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let (value, at) = self.item(key)?;
        let found = value.as_bool();
        if found.is_none() {
            self.wrong(at, key, "true or false", value);
        }
        found
    }

    /// A whole number.
    pub fn int(&self, key: &'static str) -> Option<i64> {
        let (value, at) = self.item(key)?;
        let found = whole(value);
        if found.is_none() {
            self.wrong(at, key, "a whole number", value);
        }
        found
    }

    /// A whole number or one reference.
    pub fn int_slot(&self, key: &'static str) -> Option<Slot<i64>> {
        let (value, at) = self.item(key)?;
        if let Some(number) = whole(value) {
            return Some(Slot::Fixed(number));
        }
        self.reference(value, at).map(Slot::Fill).or_else(|| {
            self.wrong(at, key, "a whole number or one reference", value);
            None
        })
    }

    /// A duration or one reference.
    pub fn duration_slot(&self, key: &'static str) -> Option<Slot<SignedDuration>> {
        let (value, at) = self.item(key)?;
        if let Some(duration) = value.as_str().and_then(parse_duration) {
            return Some(Slot::Fixed(duration));
        }
        self.reference(value, at).map(Slot::Fill).or_else(|| {
            self.sink.error(
                at,
                format!("{}: `{key}` is not a duration", self.what),
                Some("write a number and a unit, as \"90s\", \"3m\" or \"7d\"".to_owned()),
            );
            None
        })
    }

    fn reference(&self, value: &DeValue<'_>, at: usize) -> Option<Path> {
        let inner = value
            .as_str()?
            .trim()
            .strip_prefix("{{")?
            .strip_suffix("}}")?;
        let path = Path::parse(inner.trim()).ok()?;
        self.sink.refer(path.clone(), at);
        Some(path)
    }

    /// A duration without references.
    pub fn duration(&self, key: &'static str) -> Option<SignedDuration> {
        match self.duration_slot(key)? {
            Slot::Fixed(duration) => Some(duration),
            Slot::Fill(_) => {
                self.error_at(key, format!("`{key}` cannot hold a reference"), None);
                None
            }
        }
    }

    /// A limit as `<= 1 %`.
    pub fn limit(&self, key: &'static str) -> Option<Limit> {
        let source = self.string(key)?;
        let at = self.item(key)?.1;
        self.parsed(at, Limit::parse(&source))
    }

    /// One of a set of words.
    pub fn word<T>(
        &self,
        key: &'static str,
        words: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let source = self.string(key)?;
        let at = self.item(key)?.1;
        let found = read(&source);
        if found.is_none() {
            let help = nearest(&source, words.iter().copied()).map_or_else(
                || format!("one of {}", words.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.sink.error(
                at,
                format!(
                    "{}: `{key}` does not know `{}`",
                    self.what,
                    bounded(&source, 60)
                ),
                Some(help),
            );
        }
        found
    }

    /// A list of strings.
    pub fn strings(&self, key: &'static str) -> Vec<String> {
        let Some((value, at)) = self.item(key) else {
            return Vec::new();
        };
        let Some(items) = value.as_array() else {
            self.wrong(at, key, "a list of strings", value);
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(text) if !text.chars().any(steers) => out.push(text.to_owned()),
                _ => self.wrong(
                    self.base + item.span().start,
                    key,
                    "a list of plain strings",
                    item.get_ref(),
                ),
            }
        }
        out
    }

    /// A list of strings with references.
    pub fn texts(&self, key: &'static str) -> Vec<Text> {
        let at = self
            .table
            .get(key)
            .map_or(self.at, |value| self.base + value.span().start);
        self.strings(key)
            .iter()
            .map(|source| self.parse_text(source, at))
            .collect()
    }

    /// A table.
    pub fn table(&self, key: &'static str) -> Option<Self> {
        let (value, at) = self.item(key)?;
        self.as_table(value, at, key)
    }

    /// Any value as a table.
    pub fn as_table(&self, value: &'d DeValue<'i>, at: usize, what: &str) -> Option<Self> {
        let found = value
            .as_table()
            .map(|table| self.inner(table, at, format!("{} `{what}`", self.what)));
        if found.is_none() {
            self.wrong(at, what, "a table", value);
        }
        found
    }

    /// A list of tables.
    pub fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some((value, at)) = self.item(key) else {
            return Vec::new();
        };
        let Some(items) = value.as_array() else {
            self.wrong(at, key, "a list of tables, as [[…]]", value);
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.as_table(item.get_ref(), self.base + item.span().start, key))
            .collect()
    }

    /// A table of free names to strings with references.
    pub fn text_map(&self, key: &'static str) -> BTreeMap<String, Text> {
        let Some(table) = self.table(key) else {
            return BTreeMap::new();
        };
        let mut out = BTreeMap::new();
        for (name, value, at) in table.free() {
            match value.get_ref().as_str() {
                Some(text) if !text.chars().any(steers) => {
                    out.insert(name, self.parse_text(text, at));
                }
                _ => table.wrong(at, &name, "a plain string", value.get_ref()),
            }
        }
        out
    }

    /// Any value as data; strings in it may hold references.
    pub fn data(&self, key: &'static str) -> Option<Value> {
        let (value, at) = self.item(key)?;
        self.to_data(value, at, 0)
    }

    /// Any value as data, as [`Reader::data`] does for a key.
    pub fn to_data(&self, value: &DeValue<'_>, at: usize, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            self.sink.error(
                at,
                format!("{}: nests deeper than {MAX_DEPTH} levels", self.what),
                None,
            );
            return None;
        }
        Some(match value {
            DeValue::String(text) => {
                if text.chars().any(steers) {
                    self.sink.error(
                        at,
                        format!("{}: control or direction characters", self.what),
                        Some("remove them".to_owned()),
                    );
                    return None;
                }
                self.parse_text(text, at);
                Value::from(text.as_ref())
            }
            DeValue::Integer(_) => Value::from(whole(value)?),
            DeValue::Float(number) => Value::from(number.as_str()),
            DeValue::Boolean(flag) => Value::from(*flag),
            DeValue::Datetime(time) => Value::from(time.to_string()),
            DeValue::Array(items) => items
                .iter()
                .filter_map(|item| {
                    self.to_data(item.get_ref(), self.base + item.span().start, depth + 1)
                })
                .collect(),
            DeValue::Table(table) => table
                .iter()
                .filter_map(|(key, item)| {
                    Some((
                        key.get_ref().to_string(),
                        self.to_data(item.get_ref(), self.base + item.span().start, depth + 1)?,
                    ))
                })
                .collect(),
        })
    }

    /// Calls every key nobody asked for a mistake.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let help = nearest(name, asked.iter().copied()).map_or_else(
                || {
                    let mut known = asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    format!("known here: {}", known.join(", "))
                },
                |near| format!("did you mean `{near}`?"),
            );
            self.sink.error(
                self.base + key.span().start,
                format!("{}: unknown key `{}`", self.what, bounded(name, 60)),
                Some(help),
            );
        }
    }
}

/// The whole number a value holds, whatever its radix.
pub fn whole(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'i', 'o', 'u', 'e']) {
        "an"
    } else {
        "a"
    }
}

/// Whether a text may be an id: it becomes part of file names.
pub fn good_id(id: &str) -> bool {
    id.len() <= 63
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
