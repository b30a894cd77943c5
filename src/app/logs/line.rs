//! One line of a log made readable: colour codes taken out, JSON turned into message and fields, its level found.
//!
//! What a program wrote is never interpreted beyond that; what is left of it is escaped where it is drawn.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The most bytes kept of one line.
pub const LONGEST: usize = 8000;
/// A level word is looked for so far into a line; farther in it is part of a sentence.
const HEAD: usize = 100;

/// How much a line weighs, by the word its program used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// For those who build the program.
    Debug,
    /// To be known.
    Info,
    /// Something is odd.
    Warning,
    /// Something failed.
    Error,
}

/// A readable line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable {
    /// Its text; of a JSON line: level, message, fields.
    pub text: Box<str>,
    /// Its level, and where in the text the word stands.
    pub level: Option<(Weight, u32, u32)>,
    /// Where the fields begin; the end of the text where there are none.
    pub fields: u32,
    /// Whether its end was cut off.
    pub cut: bool,
}

/// Reads a line as it came.
pub fn read(raw: &str, cut: bool) -> Readable {
    let clean = without_colours(raw.trim_end_matches(['\r', '\n']));
    if let Some(line) = json(&clean) {
        return bounded(line.0, line.1, line.2, cut);
    }
    let level = level_in(&clean);
    let end = clean.len();
    bounded(clean, level, end, cut)
}

/// A line that is ours, not a program's.
pub fn told(text: &str) -> Readable {
    bounded(text.to_owned(), None, text.len(), false)
}

fn bounded(
    mut text: String,
    level: Option<(Weight, usize, usize)>,
    fields: usize,
    cut: bool,
) -> Readable {
    let long = text.len() > LONGEST;
    if long {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    let at = |offset: usize| u32::try_from(offset.min(text.len())).unwrap_or(0);
    let level = level.map(|(weight, from, to)| (weight, at(from), at(to)));
    let fields = at(fields);
    Readable {
        text: text.into(),
        level,
        fields,
        cut: cut || long,
    }
}

/// The text without the escape sequences that only choose colours. Every other control stays, to be seen escaped.
fn without_colours(raw: &str) -> String {
    let mut clean = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find("\x1b[") {
        let (before, sequence) = rest.split_at(at);
        clean.push_str(before);
        let body = sequence.trim_start_matches("\x1b[");
        let body = if body.len() + 2 == sequence.len() {
            body
        } else {
            &sequence[2..]
        };
        let end = body.find(|c: char| !(c.is_ascii_digit() || matches!(c, ';' | ':')));
        rest = match end {
            Some(end) if body[end..].starts_with('m') => &body[end + 1..],
            _ => {
                clean.push_str("\x1b[");
                body
            }
        };
    }
    clean.push_str(rest);
    clean
}

const MESSAGE: [&str; 5] = ["message", "msg", "log", "event", "error"];
const LEVEL: [&str; 5] = ["level", "severity", "lvl", "loglevel", "log.level"];
const TIME: [&str; 6] = ["time", "ts", "timestamp", "@timestamp", "t", "datetime"];

type Parts = (String, Option<(Weight, usize, usize)>, usize);

/// A JSON object as level, message and `key=value`; `None` for everything else.
fn json(text: &str) -> Option<Parts> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let message = MESSAGE
        .iter()
        .find(|key| object.get(**key).is_some_and(Value::is_string))?;
    let message = words(&object.remove(*message)?);
    let level = LEVEL
        .iter()
        .find_map(|key| object.remove(*key))
        .map(|level| level_word(&level));
    for key in TIME {
        object.remove(key);
    }
    let mut line = String::new();
    let mut weight = None;
    if let Some(word) = level {
        weight = weigh(&word).map(|weight| (weight, 0, word.len()));
        line.push_str(&word);
        line.push(' ');
    }
    line.push_str(&message);
    let fields = line.len();
    for (key, value) in &object {
        // Writing to a String cannot fail.
        let _ = write!(line, " {key}={}", words(value));
    }
    Some((line, weight, fields))
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Names as they are; numbers as pino and bunyan write them.
fn level_word(value: &Value) -> String {
    match value.as_u64() {
        Some(60) => "FATAL".into(),
        Some(50) => "ERROR".into(),
        Some(40) => "WARN".into(),
        Some(30) => "INFO".into(),
        Some(20) => "DEBUG".into(),
        Some(10) => "TRACE".into(),
        _ => words(value).to_uppercase(),
    }
}

fn weigh(word: &str) -> Option<Weight> {
    let is = |known: &[&str]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&[
        "error", "err", "fatal", "panic", "critical", "crit", "severe", "emerg", "alert",
    ]) {
        Some(Weight::Error)
    } else if is(&["warn", "warning"]) {
        Some(Weight::Warning)
    } else if is(&["info", "notice", "information"]) {
        Some(Weight::Info)
    } else if is(&["debug", "trace", "verbose"]) {
        Some(Weight::Debug)
    } else {
        None
    }
}

/// The first word near the beginning that names a level.
fn level_in(text: &str) -> Option<(Weight, usize, usize)> {
    let head = &text[..text.floor_char_boundary(HEAD)];
    let mut from = 0;
    while from < head.len() {
        let rest = &head[from..];
        let length = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        if length > 0 {
            if let Some(weight) = weigh(&rest[..length]) {
                return Some((weight, from, from + length));
            }
            from += length;
        } else {
            from += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(text: &str) -> Option<Weight> {
        read(text, false).level.map(|(weight, ..)| weight)
    }

    #[test]
    fn a_level_is_found_as_a_word_near_the_beginning() {
        let table = [
            ("ERROR migration failed", Some(Weight::Error)),
            ("2026-03-04 [warn] slow", Some(Weight::Warning)),
            ("level=info msg=x", Some(Weight::Info)),
            ("panic: cannot start", Some(Weight::Error)),
            ("no terrors here", None),
            ("", None),
            ("世界 DEBUG 世界", Some(Weight::Debug)),
        ];
        for (text, want) in table {
            assert_eq!(level(text), want, "{text}");
        }
        assert_eq!(level(&format!("{} ERROR", "x ".repeat(80))), None);
    }

    #[test]
    fn a_json_line_becomes_level_message_and_fields() {
        let line = read(
            r#"{"ts":"2026-03-04T03:10:00Z","level":"error","msg":"no rows","route":"/a","n":3,"deep":{"a":[1]}}"#,
            false,
        );
        assert_eq!(&*line.text, r#"ERROR no rows deep={"a":[1]} n=3 route=/a"#);
        assert_eq!(line.level, Some((Weight::Error, 0, 5)));
        assert_eq!(&line.text[..line.fields as usize], "ERROR no rows");
        assert_eq!(level(r#"{"level":50,"message":"x"}"#), Some(Weight::Error));
        let no_message = r#"{"a":1}"#;
        assert_eq!(&*read(no_message, false).text, no_message);
        assert_eq!(&*read("{broken", false).text, "{broken");
    }

    #[test]
    fn colours_go_and_every_other_escape_stays_to_be_seen() {
        assert_eq!(&*read("\x1b[1;31mERROR\x1b[0m x", false).text, "ERROR x");
        assert_eq!(&*read("a\x1b[2Jb\x1b[", false).text, "a\x1b[2Jb\x1b[");
        assert_eq!(&*read("\x1b[\x1b[31mx", false).text, "\x1b[x");
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_and_says_so() {
        let line = read(&"世".repeat(400_000), false);
        assert!(line.text.len() <= LONGEST && line.cut);
        assert!(read(&format!("{{\"msg\":\"{}\"}}", "x".repeat(1 << 20)), false).cut);
        assert!(!read("short", false).cut);
    }
}
