//! The lines of a description while they are made, and the small readings every part of it uses.

use super::super::text::{Look, TextLine};
use crate::domain::pod::short;
use jiff::Timestamp;
use serde_json::Value;

/// Lines being made.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) lines: Vec<TextLine>,
}

impl Page {
    pub(super) fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(TextLine::default());
        }
        self.lines.push(TextLine::new(text, Look::Heading));
    }

    /// A name and its value, the values under each other; nothing where there is no value.
    pub(super) fn pair(&mut self, name: &str, value: &str, look: Look) {
        self.indented(0, name, value, look);
    }

    pub(super) fn indented(&mut self, indent: usize, name: &str, value: &str, look: Look) {
        if value.is_empty() {
            return;
        }
        let mut text = format!("{:indent$}{name:<13}", "");
        let label = text.len();
        text.push(' ');
        text.push_str(value);
        self.lines.push(TextLine { text, label, look });
    }

    pub(super) fn line(&mut self, text: impl Into<String>, look: Look) {
        self.lines.push(TextLine::new(text, look));
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|at| at.parse().ok())
}

/// A moment and how long ago it was.
pub(super) fn when(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(String::new, |at| {
        format!(
            "{}, {} ago",
            at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            short(now.duration_since(at))
        )
    })
}
