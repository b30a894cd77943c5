//! The layers of the configuration and which of them won: defaults, the ecosystem's variables, the file, `VIGIE_*`, flags.
//! Takes texts and maps, touches no disk; [`super::load`] brings them.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::DeTable;
use toml::{Spanned, Table, Value};

use super::check;
use super::mistake::{Mistake, Mistakes, Place, nearest};
use super::settings::{Ambient, Config, Hidden};
use super::shape::{Finding, Shape};

/// Who said the value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: the program's own.
    Default,
    /// A variable of the ecosystem, such as `KUBECONFIG`.
    Ecosystem(String),
    /// The file, at a line.
    File {
        /// Its name.
        file: String,
        /// From 1.
        line: usize,
    },
    /// A variable of ours.
    Variable(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::Ecosystem(name) | Self::Variable(name) | Self::Flag(name) => out.write_str(name),
            Self::File { file, line } => write!(out, "{file}:{line}"),
        }
    }
}

/// A key set on the command line: the key, the value as typed, and the flag's name for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// The key, dotted.
    pub key: &'static str,
    /// As typed; `true` for a flag without value.
    pub value: String,
    /// As `--theme`.
    pub name: &'static str,
}

/// What the layers are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// The file's name and its text.
    pub file: Option<(String, String)>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// The command line.
    pub flags: Vec<Flag>,
}

/// What came of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The configuration.
    pub config: Config,
    /// The same as a table, for `config show`.
    pub table: Table,
    /// Who said what; keys that are not here have their default.
    pub origins: BTreeMap<Vec<String>, Origin>,
    /// What is odd but no mistake: variables that mean nothing.
    pub notices: Vec<String>,
}

/// Our own variables that are no keys.
const OTHER_VARIABLES: [&str; 2] = ["VIGIE_CONFIG", "VIGIE_LOG"];
/// Short names for keys that are asked for often.
const SHORT: [(&str, &str); 3] = [
    ("VIGIE_CONTEXT", "start.context"),
    ("VIGIE_NAMESPACE", "start.namespace"),
    ("VIGIE_ALL_NAMESPACES", "start.all_namespaces"),
];

/// Lays the layers over each other; everything that is wrong in any of them is reported at once.
pub fn merge(layers: &Layers) -> Result<Merged, Mistakes> {
    let mut merge = Merge {
        shape: Shape::of_the_configuration(),
        table: defaults(),
        origins: BTreeMap::new(),
        mistakes: Vec::new(),
        notices: Vec::new(),
    };
    merge.ecosystem(&layers.variables);
    let document = layers
        .file
        .as_ref()
        .map(|(file, text)| (file, text, DeTable::parse_recoverable(text)));
    if let Some((file, text, (document, errors))) = &document {
        for error in errors {
            let place = error
                .span()
                .map_or(Place::Nowhere, |span| Place::in_file(file, text, span));
            let sentence = format!(
                "this is not TOML: {}",
                error.message().lines().next().unwrap_or_default()
            );
            merge.mistakes.push(Mistake {
                place,
                key: Vec::new(),
                sentence,
                hint: None,
            });
        }
        if errors.is_empty() {
            merge.file(file, text, document);
        }
    }
    merge.variables(&layers.variables);
    for flag in &layers.flags {
        let key: Vec<String> = flag.key.split('.').map(str::to_owned).collect();
        merge.typed(
            &key,
            &flag.value,
            &Origin::Flag(flag.name.to_owned()),
            &Place::Flag(flag.name.to_owned()),
        );
    }
    let spans = document
        .as_ref()
        .map(|(file, text, (document, _))| (file.as_str(), text.as_str(), document));
    merge.finish(&layers.variables, spans)
}

/// The defaults as a table.
pub fn defaults() -> Table {
    Table::try_from(Config::default()).unwrap_or_default()
}

struct Merge {
    shape: Shape,
    table: Table,
    origins: BTreeMap<Vec<String>, Origin>,
    mistakes: Vec<Mistake>,
    notices: Vec<String>,
}

impl Merge {
    fn ecosystem(&mut self, variables: &BTreeMap<String, String>) {
        if let Some(path) = variables.get("KUBECONFIG").filter(|path| !path.is_empty()) {
            self.set(
                &["kubeconfig".to_owned()],
                Value::String(path.clone()),
                &Origin::Ecosystem("KUBECONFIG".into()),
            );
        }
        if variables.get("NO_COLOR").is_some_and(|set| !set.is_empty()) {
            self.set(
                &["theme".to_owned()],
                Value::String("mono".into()),
                &Origin::Ecosystem("NO_COLOR".into()),
            );
        }
    }

    fn file(&mut self, file: &str, text: &str, document: &Spanned<DeTable<'_>>) {
        let findings = self.shape.findings(document);
        let mut table: Table = toml::from_str(text).unwrap_or_default();
        for finding in &findings {
            remove(&mut table, &finding.key);
        }
        let place = |finding: &Finding| Place::in_file(file, text, finding.span.clone());
        self.mistakes
            .extend(findings.iter().map(|finding| said(finding, place(finding))));
        for key in leaves(&table) {
            let span = span_of(document, &key);
            let line = span.map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            self.origins.insert(
                key,
                Origin::File {
                    file: file.to_owned(),
                    line,
                },
            );
        }
        overlay(&mut self.table, table);
    }

    fn variables(&mut self, variables: &BTreeMap<String, String>) {
        let keys: Vec<Vec<String>> = self
            .shape
            .keys()
            .into_iter()
            .filter(|key| !key.iter().any(|part| part == "*"))
            .collect();
        let mut names: BTreeMap<String, Vec<String>> = keys
            .into_iter()
            .map(|key| (format!("VIGIE_{}", key.join("_").to_uppercase()), key))
            .collect();
        names.extend(
            SHORT.map(|(name, key)| (name.to_owned(), key.split('.').map(str::to_owned).collect())),
        );
        for (name, value) in variables
            .iter()
            .filter(|(name, _)| name.starts_with("VIGIE_"))
        {
            if let Some(key) = names.get(name) {
                self.typed(
                    key,
                    value,
                    &Origin::Variable(name.clone()),
                    &Place::Variable(name.clone()),
                );
            } else if !OTHER_VARIABLES.contains(&name.as_str())
                && !["VIGIE_TEST_", "VIGIE_CI_"]
                    .iter()
                    .any(|ours| name.starts_with(ours))
            {
                let near = nearest(name, names.keys().map(String::as_str))
                    .map(|near| format!(" Did you mean {near}?"));
                self.notices.push(format!(
                    "The variable {name} means nothing here.{}",
                    near.unwrap_or_default()
                ));
            }
        }
    }

    /// A value that came as plain text.
    fn typed(&mut self, key: &[String], text: &str, origin: &Origin, place: &Place) {
        let types = self.shape.types(key);
        let value = if types == ["boolean"] {
            match text {
                "1" | "true" | "yes" | "on" => Value::Boolean(true),
                "" | "0" | "false" | "no" | "off" => Value::Boolean(false),
                _ => Value::String(text.to_owned()),
            }
        } else if types == ["integer"] {
            text.parse()
                .map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
        } else if types == ["array"] {
            Value::Array(
                text.split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| Value::String(part.into()))
                    .collect(),
            )
        } else {
            Value::String(text.to_owned())
        };
        let source = value.to_string();
        let findings = toml::de::DeValue::parse(&source)
            .map(|value| self.shape.findings_at(key, &value))
            .unwrap_or_default();
        if findings.is_empty() {
            self.set(key, value, origin);
        }
        self.mistakes
            .extend(findings.iter().map(|finding| said(finding, place.clone())));
    }

    fn set(&mut self, key: &[String], value: Value, origin: &Origin) {
        let Some((last, tables)) = key.split_last() else {
            return;
        };
        let mut table = &mut self.table;
        for part in tables {
            let next = table
                .entry(part.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            match next {
                Value::Table(inner) => table = inner,
                _ => return,
            }
        }
        table.insert(last.clone(), value);
        self.origins.insert(key.to_vec(), origin.clone());
    }

    fn finish(
        mut self,
        variables: &BTreeMap<String, String>,
        document: Option<(&str, &str, &Spanned<DeTable<'_>>)>,
    ) -> Result<Merged, Mistakes> {
        let config: Result<Config, _> =
            serde_path_to_error::deserialize(Value::Table(self.table.clone()));
        let complaints = match &config {
            Ok(config) => check::complaints(config),
            Err(error) => {
                let key = error
                    .path()
                    .to_string()
                    .split('.')
                    .map(str::to_owned)
                    .collect();
                let sentence = error
                    .inner()
                    .message()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                vec![check::Complaint {
                    key,
                    sentence,
                    hint: None,
                }]
            }
        };
        for complaint in complaints {
            let place = self.place_of(&complaint.key, document);
            self.mistakes.push(Mistake {
                place,
                key: complaint.key,
                sentence: complaint.sentence,
                hint: complaint.hint,
            });
        }
        let line = |mistake: &Mistake| match mistake.place {
            Place::File { line, column, .. } => (line, column),
            _ => (usize::MAX, 0),
        };
        self.mistakes.sort_by_key(line);
        let mut config = match config {
            Ok(config) if self.mistakes.is_empty() => config,
            _ => return Err(Mistakes(self.mistakes)),
        };
        let named = |name: &str| {
            variables
                .get(name)
                .filter(|value| !value.is_empty())
                .cloned()
        };
        config.ambient = Ambient {
            prometheus: named("PROMETHEUS_URL"),
            alertmanager: named("ALERTMANAGER_URL"),
            vault: named("VAULT_ADDR"),
            vault_token: named("VAULT_TOKEN").map(|token| Hidden::new(&token)),
            vault_namespace: named("VAULT_NAMESPACE"),
        };
        Ok(Merged {
            config,
            table: self.table,
            origins: self.origins,
            notices: self.notices,
        })
    }

    /// Where a key was said, or the nearest table around it.
    fn place_of(
        &self,
        key: &[String],
        document: Option<(&str, &str, &Spanned<DeTable<'_>>)>,
    ) -> Place {
        match self.origins.get(key) {
            Some(Origin::Variable(name) | Origin::Ecosystem(name)) => {
                return Place::Variable(name.clone());
            }
            Some(Origin::Flag(name)) => return Place::Flag(name.clone()),
            _ => {}
        }
        let Some((file, text, document)) = document else {
            return Place::Nowhere;
        };
        let spans = (1..=key.len())
            .rev()
            .find_map(|length| span_of(document, &key[..length]));
        spans.map_or(Place::Nowhere, |span| Place::in_file(file, text, span))
    }
}

fn said(finding: &Finding, place: Place) -> Mistake {
    Mistake {
        place,
        key: finding.key.clone(),
        sentence: finding.sentence.clone(),
        hint: finding.hint.clone(),
    }
}

/// Lays one table over another.
fn overlay(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => overlay(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

fn remove(table: &mut Table, key: &[String]) {
    match key {
        [last] => {
            table.remove(last);
        }
        [first, rest @ ..] => {
            if let Some(Value::Table(inner)) = table.get_mut(first) {
                remove(inner, rest);
            }
        }
        [] => {}
    }
}

/// Every key of a table that holds a value, from the root.
pub fn leaves(table: &Table) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                found.extend(
                    leaves(inner)
                        .into_iter()
                        .map(|rest| [vec![name.clone()], rest].concat()),
                );
            }
            Value::Table(_) => {}
            _ => found.push(vec![name.clone()]),
        }
    }
    found
}

/// Where a key stands: a value's own place, a table's name.
fn span_of(document: &Spanned<DeTable<'_>>, key: &[String]) -> Option<std::ops::Range<usize>> {
    let mut table = document.get_ref();
    let (last, tables) = key.split_last()?;
    for part in tables {
        table = table.get(part.as_str())?.get_ref().as_table()?;
    }
    let (name, value) = table.get_key_value(last.as_str())?;
    Some(if value.get_ref().is_table() {
        name.span()
    } else {
        value.span()
    })
}
