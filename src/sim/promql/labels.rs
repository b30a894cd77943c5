//! Label sets and the matchers that select them: the words every other part of the query language speaks.

use std::fmt;
use std::sync::Arc;

use super::pattern::Pattern;

/// The reserved label that carries a metric's name.
pub const NAME: &str = "__name__";

/// A set of labels, sorted by name, none of them empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Vec<(Arc<str>, Arc<str>)>);

impl Labels {
    /// A set from pairs in any order; empty values are left out, the last of two equal names wins.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(name.into(), value.into());
        }
        labels
    }

    /// The value of a label, empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(own, _)| &**own == name)
            .map_or("", |(_, value)| value)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: Arc<str>, value: Arc<str>) {
        match self.0.binary_search_by(|(own, _)| (**own).cmp(&name)) {
            Ok(at) if value.is_empty() => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = value,
            Err(_) if value.is_empty() => {}
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Only the labels with these names.
    #[must_use]
    pub fn only(&self, names: &[String]) -> Self {
        self.filtered(|name| names.iter().any(|own| own == name))
    }

    /// All labels but the ones with these names, and never the metric's name.
    #[must_use]
    pub fn without(&self, names: &[String]) -> Self {
        self.filtered(|name| name != NAME && !names.iter().any(|own| own == name))
    }

    /// The set without one label.
    #[must_use]
    pub fn drop_label(&self, dropped: &str) -> Self {
        self.filtered(|name| name != dropped)
    }

    /// Name and value of each label, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| keep(name))
                .cloned()
                .collect(),
        )
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get(NAME))?;
        let mut rest = self.iter().filter(|(name, _)| *name != NAME).peekable();
        if rest.peek().is_none() && !self.0.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (at, (name, value)) in rest.enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

/// How a matcher compares.
#[derive(Debug, Clone)]
pub enum Compare {
    /// The value is this one.
    Equal,
    /// The value is another one.
    NotEqual,
    /// The whole value fits the pattern.
    Like(Pattern),
    /// The whole value does not fit the pattern.
    NotLike(Pattern),
}

/// A condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// The value or pattern as written.
    pub value: String,
    /// How it is compared.
    pub compare: Compare,
}

impl Matcher {
    /// An equality.
    pub fn equal(name: &str, value: &str) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            compare: Compare::Equal,
        }
    }

    /// A matcher from its operator (`=`, `!=`, `=~`, `!~`); says why when the pattern is broken.
    pub fn new(name: &str, operator: &str, value: &str) -> Result<Self, String> {
        let compare = match operator {
            "!=" => Compare::NotEqual,
            "=~" => Compare::Like(Pattern::new(value)?),
            "!~" => Compare::NotLike(Pattern::new(value)?),
            _ => Compare::Equal,
        };
        Ok(Self {
            name: name.into(),
            value: value.into(),
            compare,
        })
    }

    /// Whether a value satisfies it; an absent label has the empty value.
    pub fn accepts(&self, value: &str) -> bool {
        match &self.compare {
            Compare::Equal => value == self.value,
            Compare::NotEqual => value != self.value,
            Compare::Like(pattern) => pattern.matches(value),
            Compare::NotLike(pattern) => !pattern.matches(value),
        }
    }

    /// Its operator as written.
    pub fn operator(&self) -> &'static str {
        match self.compare {
            Compare::Equal => "=",
            Compare::NotEqual => "!=",
            Compare::Like(_) => "=~",
            Compare::NotLike(_) => "!~",
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.name, self.operator(), self.value)
    }
}
