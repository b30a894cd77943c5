//! Long text that is looked at: an object in words or as YAML, and finding one's way in any text.
//!
//! [`TextStore`] holds one document as lines that say how they look; it knows neither the App nor its screens.

use crate::domain::event::Event;
use crate::domain::object::ObjectRef;
use jiff::Timestamp;
use std::sync::Arc;

/// How an object is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manner {
    /// In words, with its events.
    Described,
    /// As it is.
    Yaml,
}

/// One document that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextWant {
    /// Of which object.
    pub object: ObjectRef,
    /// How.
    pub manner: Manner,
    /// Counts up when it is to be read again.
    pub again: u64,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub enum TextNews {
    /// An object, secrets masked, and its events, or why they cannot be seen.
    Described(Box<serde_json::Value>, Result<Vec<Event>, Arc<str>>),
    /// An object as YAML, secrets masked.
    Yaml(String),
    /// It cannot be read: a sentence that says why.
    Failed(Arc<str>),
}

/// How a line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Look {
    /// A heading.
    Heading,
    /// Words.
    #[default]
    Plain,
    /// Of little weight.
    Dim,
    /// It is as it should be.
    Good,
    /// It should be looked at.
    Watch,
    /// It is wrong.
    Bad,
}

/// One line of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextLine {
    /// Its text.
    pub text: String,
    /// So many bytes at its beginning name what follows.
    pub label: usize,
    /// How the rest looks.
    pub look: Look,
}

impl TextLine {
    /// A line with a look and no label.
    pub fn new(text: impl Into<String>, look: Look) -> Self {
        Self {
            text: text.into(),
            label: 0,
            look,
        }
    }
}

/// The document that is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextStore {
    /// What was asked for.
    pub want: Option<TextWant>,
    /// Its lines.
    pub lines: Vec<TextLine>,
    /// When it was read.
    pub read: Option<Timestamp>,
    /// Why it could not be read, or not again.
    pub trouble: Option<Arc<str>>,
    /// Whether long lines go on below.
    pub wrap: bool,
    /// The line the search stands on.
    pub found: Option<usize>,
}

impl TextStore {
    /// Looks at another document; the same one asked for again stays until it is read.
    pub fn open(&mut self, want: Option<TextWant>) {
        let same = match (&self.want, &want) {
            (Some(old), Some(new)) => old.object == new.object && old.manner == new.manner,
            (old, new) => old == new,
        };
        if !same {
            *self = Self {
                wrap: self.wrap,
                ..Self::default()
            };
        }
        self.want = want;
    }

    /// Puts lines that were read in place.
    pub fn put(&mut self, lines: Vec<TextLine>, now: Timestamp) {
        (self.lines, self.read, self.trouble) = (lines, Some(now), None);
    }

    /// The whole document.
    pub fn whole(&self) -> String {
        let mut whole = String::new();
        for line in &self.lines {
            whole.push_str(&line.text);
            whole.push('\n');
        }
        whole
    }
}

/// YAML as lines: what stands before a colon is a label.
pub fn yaml_lines(text: &str) -> Vec<TextLine> {
    let line = |text: &str| {
        let label = match text.split_once(':') {
            Some((key, rest)) if rest.is_empty() || rest.starts_with(' ') => key.len() + 1,
            _ => 0,
        };
        // A colon inside a sentence names nothing.
        let words = text[..label].trim_start_matches([' ', '-']);
        TextLine {
            text: text.to_owned(),
            label: if words.contains(' ') { 0 } else { label },
            look: Look::Plain,
        }
    };
    text.lines().map(line).collect()
}

/// The next line, from one line on and around the ends, that holds what is searched.
pub fn find(
    len: usize,
    from: Option<usize>,
    forward: bool,
    holds: impl Fn(usize) -> bool,
) -> Option<usize> {
    let step = |distance: usize| match (from, forward) {
        (Some(from), true) => (from + distance) % len,
        (Some(from), false) => (from + len - distance % len) % len,
        (None, true) => distance - 1,
        (None, false) => len - distance,
    };
    (1..=len).map(step).find(|index| holds(*index))
}

/// Whether a line holds what is searched, in whatever case.
pub fn holds(line: &str, needle: &str) -> bool {
    !needle.is_empty() && line.to_lowercase().contains(&needle.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_on_around_the_ends() {
        let lines = ["a", "b", "A", "c"];
        let of = |from, forward| find(4, from, forward, |index| holds(lines[index], "a"));
        assert_eq!(of(None, true), Some(0));
        assert_eq!(of(Some(0), true), Some(2));
        assert_eq!(of(Some(2), true), Some(0));
        assert_eq!(of(Some(0), false), Some(2));
        assert_eq!(of(None, false), Some(2));
        assert_eq!(find(0, None, true, |_| true), None);
        assert_eq!(find(4, Some(1), true, |_| false), None);
        assert_eq!(
            find(1, Some(0), true, |_| true),
            Some(0),
            "the only match is found again"
        );
        assert!(!holds("a", ""));
    }

    #[test]
    fn yaml_names_what_stands_before_a_colon() {
        let lines = yaml_lines(
            "kind: Pod\n  - name: a\nspec:\n  said: now\n    this is no key: x\nurl http://x",
        );
        let labels: Vec<&str> = lines.iter().map(|line| &line.text[..line.label]).collect();
        assert_eq!(labels, ["kind:", "  - name:", "spec:", "  said:", "", ""]);
    }
}
