//! The pieces that a report is written with: what it is made of, and Markdown that no text from outside can break.

use super::fold::Incident;
use super::timeline::Row;
use super::words::{Language, at};
use jiff::Timestamp;
use std::fmt::Write as _;

/// What is known of a runbook that was run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// The run.
    pub run: String,
    /// Where its runbook goes another way than the customer's text, and why.
    pub deviations: Vec<String>,
}

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The incident, its texts already cleaned.
    pub incident: &'a Incident,
    /// The merged timeline.
    pub rows: &'a [Row],
    /// The runbooks that were run.
    pub books: &'a [Book],
    /// The present.
    pub now: Timestamp,
    /// In which language.
    pub language: Language,
}

/// One line of a Markdown table or list: no line breaks, no bars, nothing that Markdown or HTML would take for itself.
pub(super) fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '\\' | '!' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            // What could steer a terminal or turn a line around is shown, not obeyed.
            c if c.is_control()
                || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}') =>
            {
                let _ = write!(safe, "‹U+{:04X}›", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

pub(super) fn heading(text: &mut String, title: &str) {
    let _ = write!(text, "\n## {title}\n\n");
}

pub(super) fn blank(text: &mut String, title: &str, question: &str) {
    heading(text, title);
    prompt(text, question);
}

pub(super) fn prompt(text: &mut String, question: &str) {
    let _ = writeln!(text, "> _{question}_\n\n…");
}

pub(super) fn unknown(language: Language) -> &'static str {
    language.pick("unknown", "valeur inconnue")
}

pub(super) fn moment(when: Option<Timestamp>, language: Language) -> String {
    when.map_or_else(|| language.pick("unknown", "date inconnue").to_owned(), at)
}
