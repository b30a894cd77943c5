//! A small form of several fields: words that are typed, choices that are gone through with the space bar or by their first
//! letter. Enter goes to the next field and from the last one on; escape leaves everything as it was.

use super::order::{Quiet, Wish};
use crate::app::command::{Command, Motion};
use std::borrow::Cow;
use std::sync::Arc;

/// The longest line that is typed.
const LONGEST: usize = 600;

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Words.
    Line(String),
    /// One of several.
    Choice {
        /// Them, each with its meaning in brackets.
        all: Vec<String>,
        /// Which.
        at: usize,
    },
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it takes.
    pub input: Input,
    /// Whether it may stay empty.
    pub optional: bool,
    /// What it means, said while keys go to it.
    pub help: String,
}

impl Field {
    /// Words, with some there already.
    pub fn line(name: impl Into<Cow<'static, str>>, text: &str) -> Self {
        Self {
            name: name.into(),
            input: Input::Line(text.to_owned()),
            optional: false,
            help: String::new(),
        }
    }

    /// The same, with what it means.
    #[must_use]
    pub fn help(mut self, text: &str) -> Self {
        text.clone_into(&mut self.help);
        self
    }

    /// The same, which may stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// One of several.
    pub fn choice(name: impl Into<Cow<'static, str>>, all: &[String], at: usize) -> Self {
        Self {
            name: name.into(),
            input: Input::Choice {
                all: all.to_vec(),
                at: at.min(all.len().saturating_sub(1)),
            },
            optional: false,
            help: String::new(),
        }
    }

    /// What it says now: the whole choice, or the words.
    pub fn text(&self) -> &str {
        match &self.input {
            Input::Line(text) => text.trim(),
            Input::Choice { all, at } => all.get(*at).map_or("", String::as_str),
        }
    }

    /// The first word of it: a choice without its meaning.
    pub fn word(&self) -> &str {
        self.text().split_whitespace().next().unwrap_or_default()
    }
}

/// What a sheet is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Opening an incident, with the alert that is taken on with it; it is kept quiet for that long, if at all.
    Open(Option<Box<Quiet>>),
    /// A line for the record.
    Note,
    /// Keeping an alert quiet.
    Silence(Box<Quiet>),
    /// What else is asked of an incident.
    Of(Wish),
    /// Starting a runbook.
    Start(Arc<str>),
}

/// What came of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The sheet stays.
    Stays,
    /// It was left.
    Left,
    /// It is filled in.
    Filled,
}

/// A sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What for.
    pub aim: Aim,
    /// What stands over it.
    pub title: String,
    /// What is to be known.
    pub facts: Vec<(&'static str, String)>,
    /// What is filled in.
    pub fields: Vec<Field>,
    /// The field that keys go to.
    pub at: usize,
    /// Why the last enter did nothing.
    pub refused: Option<String>,
}

impl Sheet {
    /// A sheet with these fields.
    pub fn new(aim: Aim, title: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            aim,
            title: title.into(),
            facts: Vec::new(),
            fields,
            at: 0,
            refused: None,
        }
    }

    /// With something to be known.
    #[must_use]
    pub fn fact(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.facts.push((name, text.into()));
        self
    }

    /// What a field says.
    pub fn text(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map_or("", Field::text)
    }

    /// The first word a field says.
    pub fn word(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map_or("", Field::word)
    }

    /// The field that keys go to.
    pub fn here(&self) -> Option<&Field> {
        self.fields.get(self.at)
    }

    /// Obeys a key.
    pub fn obey(&mut self, command: &Command) -> Came {
        let last = self.fields.len().saturating_sub(1);
        match command {
            Command::Escape => return Came::Left,
            // What stands there is taken at once, where nothing is missing.
            Command::Save => match self.missing() {
                Some(at) => {
                    self.at = at;
                    self.refused = Some(self.needed(at));
                    return Came::Stays;
                }
                None => return Came::Filled,
            },
            Command::Enter => {
                match self.missing() {
                    Some(at) if at <= self.at => {
                        self.refused = Some(self.needed(at));
                        self.at = at;
                    }
                    _ if self.at < last => self.at += 1,
                    _ => return Came::Filled,
                }
                return Came::Stays;
            }
            Command::NextPane => self.at = if self.at < last { self.at + 1 } else { 0 },
            Command::Move(Motion::Down) => self.at = (self.at + 1).min(last),
            Command::Move(Motion::Up) => self.at = self.at.saturating_sub(1),
            Command::Type(c) => self.push(*c),
            Command::Paste(text) => {
                if let Some(Input::Line(line)) = self.fields.get_mut(self.at).map(|f| &mut f.input)
                {
                    let plain = text.chars().filter(|c| !c.is_control());
                    line.extend(plain.take(LONGEST.saturating_sub(line.chars().count())));
                }
            }
            Command::Erase => {
                if let Some(Input::Line(line)) = self.fields.get_mut(self.at).map(|f| &mut f.input)
                {
                    line.pop();
                }
            }
            Command::EraseAll => {
                if let Some(Input::Line(line)) = self.fields.get_mut(self.at).map(|f| &mut f.input)
                {
                    line.clear();
                }
            }
            _ => return Came::Stays,
        }
        self.refused = None;
        Came::Stays
    }

    /// The first field that may not stay empty and is.
    fn missing(&self) -> Option<usize> {
        let mut fields = self.fields.iter();
        fields.position(|field| !field.optional && field.text().is_empty())
    }

    fn needed(&self, at: usize) -> String {
        let name = self.fields.get(at).map_or("", |field| &*field.name);
        format!("{name} is needed; esc leaves it.")
    }

    fn push(&mut self, c: char) {
        match self.fields.get_mut(self.at).map(|field| &mut field.input) {
            Some(Input::Line(line)) if !c.is_control() && line.chars().count() < LONGEST => {
                line.push(c);
            }
            Some(Input::Choice { all, at }) => {
                if c == ' ' {
                    *at = (*at + 1) % all.len().max(1);
                } else if let Some(found) = meant(all, c) {
                    *at = found;
                }
            }
            _ => {}
        }
    }
}

/// What picks one of these at once: a letter, or the digit in its place where all begin with the same letter.
pub fn keys(all: &[String]) -> &'static str {
    let first = |text: &String| text.chars().next();
    let mut begin = all.iter().map(first);
    let same = begin
        .next()
        .is_some_and(|one| begin.all(|other| other == one));
    if same && all.len() > 1 {
        "its digit"
    } else {
        "its letter"
    }
}

/// The choice a letter or digit means: the one that begins with it, or, of P0 to P3, whose second letter it is.
fn meant(all: &[String], c: char) -> Option<usize> {
    let is = |found: Option<char>| found.is_some_and(|found| found.eq_ignore_ascii_case(&c));
    let by = |index: usize| {
        let mut fits = all
            .iter()
            .enumerate()
            .filter(|(_, text)| is(text.chars().nth(index)));
        let first = fits.next().map(|(at, _)| at);
        first.filter(|_| fits.next().is_none())
    };
    by(0).or_else(|| by(1).filter(|_| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let severities: Vec<String> = ["P0 (critical)", "P1 (high)", "P2 (medium)"]
            .map(str::to_owned)
            .to_vec();
        Sheet::new(
            Aim::Open(None),
            "t",
            vec![
                Field::choice("severity", &severities, 1),
                Field::line("title", ""),
                Field::line("reason", "").optional(),
            ],
        )
    }

    #[test]
    fn enter_goes_from_field_to_field_and_asks_for_what_is_missing() {
        let mut sheet = sheet();
        assert_eq!(sheet.obey(&Command::Enter), Came::Stays);
        assert_eq!((sheet.at, sheet.word("severity")), (1, "P1"));
        assert_eq!(sheet.obey(&Command::Enter), Came::Stays);
        assert!(
            sheet
                .refused
                .as_ref()
                .is_some_and(|why| why.starts_with("title is needed"))
        );
        for c in "x\u{1b}y".chars() {
            sheet.obey(&Command::Type(c));
        }
        assert_eq!(sheet.refused, None);
        assert_eq!(sheet.obey(&Command::Enter), Came::Stays);
        assert_eq!(sheet.obey(&Command::Enter), Came::Filled);
        assert_eq!(sheet.text("title"), "xy");
    }

    #[test]
    fn the_key_that_is_named_is_the_one_that_picks() {
        let sheet = sheet();
        let Some(Input::Choice { all, .. }) = sheet.here().map(|field| &field.input) else {
            panic!("a choice is the first field");
        };
        assert_eq!(keys(all), "its digit");
        assert_eq!(keys(&["yes".to_owned(), "no".to_owned()]), "its letter");
    }

    #[test]
    fn a_choice_is_gone_through_and_picked_by_its_digit() {
        let mut sheet = sheet();
        for (typed, wanted) in [
            ('0', "P0"),
            (' ', "P1"),
            ('2', "P2"),
            (' ', "P0"),
            ('z', "P0"),
        ] {
            sheet.obey(&Command::Type(typed));
            assert_eq!(sheet.word("severity"), wanted, "{typed}");
        }
        assert_eq!(sheet.obey(&Command::Escape), Came::Left);
    }
}
