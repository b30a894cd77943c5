//! Taking known secrets out of somebody else's words: whatever was sent may come back in an answer, as it was or encoded.
//!
//! A value is found as it is, in base64 and base64url at any alignment, in hexadecimal, percent-encoded, and escaped as JSON
//! or Go would, also where one of these was put into another. Clean first, shorten afterwards: a text that was cut through a
//! secret would still show the half of it; the beginning of one at the very end of a text is taken out too.

mod unwrap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use std::fmt;
use std::ops::Range;
use unwrap::{Seen, layers};
use zeroize::Zeroizing;

/// What stands where a secret was.
pub const MARK: &str = "[secret]";

/// Shorter values are taken out only where they stand alone: `1` is in every text.
const SHORT: usize = 4;
/// How much of a secret's beginning at the end of a text is too much.
const BEGINNING: usize = 6;
/// A line of a value of several lines is a secret of its own from this length on.
const LINE: usize = 12;
/// The middle of a value inside somebody else's base64 is looked for from this length on.
const INSIDE: usize = 8;

/// Knows values and takes them out of texts. It shows none of them, and forgets them safely.
#[derive(Clone, Default)]
pub struct Redactor {
    needles: Vec<Needle>,
}

/// One form of a value.
#[derive(Clone)]
struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    /// Only where no letter or digit stands beside it.
    alone: bool,
    /// Whatever its letters' case.
    any_case: bool,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.needles.len())
    }
}

impl Redactor {
    /// Knows these values; empty ones are none.
    pub fn of<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> Self {
        let mut own = Self::default();
        for value in values {
            own.learn(value.as_ref());
        }
        own
    }

    /// Knows one value more.
    pub fn learn(&mut self, value: &str) {
        self.forms(value);
        let trimmed = value.trim();
        if trimmed != value {
            self.forms(trimmed);
        }
        if trimmed.contains('\n') {
            for line in trimmed.lines().map(str::trim) {
                if line.len() >= LINE {
                    self.forms(line);
                }
            }
        }
    }

    /// A value, and the value as a document has it: the whole document may have been encoded.
    fn forms(&mut self, value: &str) {
        self.encodings(value);
        let Ok(quoted) = serde_json::to_string(value) else {
            return;
        };
        let inside = quoted.trim_start_matches('"');
        let plain = Zeroizing::new(inside.strip_suffix('"').unwrap_or(inside).to_owned());
        // Go also escapes what HTML would read.
        let mut careful = Zeroizing::new(plain.to_string());
        for (sign, escaped) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")] {
            careful = Zeroizing::new(careful.replace(sign, escaped));
        }
        for escaped in [plain, careful] {
            if *escaped != value {
                self.encodings(&escaped);
            }
        }
    }

    fn encodings(&mut self, value: &str) {
        let bytes = value.as_bytes();
        if bytes.is_empty() {
            return;
        }
        let alone = bytes.len() < SHORT;
        self.add(bytes.to_vec(), alone, false);
        self.add(hex(bytes), alone, true);
        for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
            let engine = GeneralPurpose::new(alphabet, NO_PAD);
            self.add(engine.encode(bytes).into_bytes(), alone, false);
            if alone {
                continue;
            }
            for before in 0..3 {
                let inside = inside(&engine, bytes, before);
                if inside.len() >= INSIDE {
                    self.add(inside, false, false);
                }
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>, alone: bool, any_case: bool) {
        let bytes = Zeroizing::new(bytes);
        if !self.needles.iter().any(|known| known.bytes == bytes) {
            self.needles.push(Needle {
                bytes,
                alone,
                any_case,
            });
        }
    }

    /// The text without any of the values.
    pub fn clean(&self, text: &str) -> String {
        let found = self.found(text);
        if found.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for Range { start, end } in found {
            out.push_str(text.get(from..start).unwrap_or_default());
            out.push_str(MARK);
            from = end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }

    /// Whether any of the values is in the text.
    pub fn holds(&self, text: &str) -> bool {
        !self.found(text).is_empty()
    }

    /// Where values are, in order, none overlapping, on the borders of characters.
    fn found(&self, text: &str) -> Vec<Range<usize>> {
        if self.needles.is_empty() || text.is_empty() {
            return Vec::new();
        }
        let mut all = Vec::new();
        for seen in layers(text) {
            for needle in &self.needles {
                needle.find(&seen, &mut all);
            }
        }
        all.sort_by_key(|range| (range.start, range.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for range in all {
            let range = whole(text, range);
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }
}

impl Needle {
    fn find(&self, seen: &Seen, into: &mut Vec<Range<usize>>) {
        let (hay, needle) = (&seen.bytes, &self.bytes);
        let same = |a: &u8, b: &u8| a == b || self.any_case && a.eq_ignore_ascii_case(b);
        let fits = |at: usize, length: usize| {
            hay[at..at + length]
                .iter()
                .zip(needle.iter())
                .all(|(a, b)| same(a, b))
        };
        let word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
        let mut at = 0;
        while at + needle.len() <= hay.len() {
            let end = at + needle.len();
            let apart = !self.alone
                || !word(at.checked_sub(1).and_then(|n| hay.get(n))) && !word(hay.get(end));
            if fits(at, needle.len()) && apart {
                into.push(seen.span(at..end));
                at = end;
            } else {
                at += 1;
            }
        }
        // What a cut text ends with may be the beginning of a secret.
        let end = hay.len() - cut_marks(hay);
        let longest = needle.len().min(end);
        if let Some(length) = (BEGINNING..=longest)
            .rev()
            .find(|length| fits(end - length, *length))
        {
            into.push(seen.span(end - length..end));
        }
    }
}

/// How many bytes at the end only say that there was more.
fn cut_marks(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let kept = text.trim_end_matches(|c: char| {
        matches!(c, '.' | '…' | '"' | '\'' | '`' | ')' | ']' | '}') || c.is_whitespace()
    });
    if kept.len() <= bytes.len() {
        bytes.len() - kept.len()
    } else {
        0
    }
}

/// A range of bytes widened to whole characters.
fn whole(text: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter();
    pairs
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .collect()
}

/// The characters that a value alone decides inside a longer base64, where it begins after so many bytes of a group of three.
fn inside(engine: &GeneralPurpose, bytes: &[u8], before: usize) -> Vec<u8> {
    let padded = Zeroizing::new([vec![0; before], bytes.to_vec()].concat());
    let all = engine.encode(padded.as_slice()).into_bytes();
    let first = (before * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    all.get(first..last).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests;
