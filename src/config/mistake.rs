//! A mistake in the configuration as a person needs it: where, what, and what was probably meant. Makes the text; who prints it
//! and with which exit code is the command line's business.

use std::fmt;
use std::ops::Range;

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// The file, as it was named.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// How many characters are meant.
        width: usize,
        /// The line itself.
        text: String,
    },
    /// In a variable of the environment.
    Variable(String),
    /// In a flag of the command line.
    Flag(String),
    /// Nowhere one can point at.
    Nowhere,
}

impl Place {
    /// The place of a stretch of bytes.
    pub fn in_file(file: &str, source: &str, span: Range<usize>) -> Self {
        let start = floor(source, span.start);
        let end = floor(source, span.end.max(start));
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..]
            .find('\n')
            .map_or(source.len(), |at| start + at);
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        Self::File {
            file: file.to_owned(),
            line: source[..start].matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            width: source[start..end.min(line_end).max(start)]
                .chars()
                .count()
                .max(1),
            text: source[line_start..line_end].chars().map(clean).collect(),
        }
    }
}

/// The nearest character's beginning at or before a byte.
fn floor(source: &str, at: usize) -> usize {
    let at = at.min(source.len());
    (0..=at)
        .rev()
        .find(|at| source.is_char_boundary(*at))
        .unwrap_or(0)
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub place: Place,
    /// The key, from the root; empty where none can be named.
    pub key: Vec<String>,
    /// What is wrong, in one sentence without a full stop.
    pub sentence: String,
    /// What was probably meant, or what would do.
    pub hint: Option<String>,
}

impl Mistake {
    /// The first line: `file:line:column: sentence`.
    pub fn headline(&self) -> String {
        let sentence = &self.sentence;
        match &self.place {
            Place::File {
                file, line, column, ..
            } => format!("{file}:{line}:{column}: {sentence}"),
            Place::Variable(name) | Place::Flag(name) => format!("{name}: {sentence}"),
            Place::Nowhere => sentence.clone(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.headline())?;
        let mut margin = String::new();
        if let Place::File {
            line,
            column,
            width,
            text,
            ..
        } = &self.place
        {
            let number = line.to_string();
            margin = " ".repeat(number.len());
            write!(
                out,
                "\n{margin} |\n{number} | {text}\n{margin} | {}{}",
                " ".repeat(column - 1),
                "^".repeat(*width)
            )?;
        }
        match &self.hint {
            Some(hint) => write!(out, "\n{margin} = {hint}"),
            None => Ok(()),
        }
    }
}

/// Every mistake found in one pass, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "\n\n" };
            write!(out, "{gap}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// The one of some words that was probably meant.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let far = |other: &str| strsim::damerau_levenshtein(&lower, &other.to_lowercase());
    words
        .into_iter()
        .map(|other| (far(other), other))
        .filter(|(far, other)| *far <= 3 && *far * 2 < other.len().max(2))
        .min()
        .map(|(_, other)| other)
}

/// A key from the root as one writes it in TOML.
pub fn dotted(key: &[String]) -> String {
    let bare = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let quoted = key.iter().map(|part| {
        if bare(part) {
            part.clone()
        } else {
            format!("{part:?}")
        }
    });
    quoted.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_points_at_its_place() {
        let source = "a = 1\nthème = 2\n";
        let mistake = Mistake {
            place: Place::in_file("c.toml", source, 6..12),
            key: vec!["thème".into()],
            sentence: "unknown key `thème`".into(),
            hint: Some("did you mean `theme`?".into()),
        };
        assert_eq!(
            mistake.to_string(),
            "c.toml:2:1: unknown key `thème`\n  |\n2 | thème = 2\n  | ^^^^^\n  = did you mean `theme`?"
        );
    }

    #[test]
    fn a_place_outside_the_text_or_inside_a_character_is_no_panic() {
        for span in [0..0, 3..900, 900..901, 1..2, 2..2] {
            let place = Place::in_file("c.toml", "é\n", span);
            assert!(matches!(place, Place::File { .. }), "{place:?}");
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(
            nearest("eror_ratio", ["error_ratio", "p99"]),
            Some("error_ratio")
        );
        assert_eq!(nearest("Theme", ["theme"]), Some("theme"));
        assert_eq!(nearest("zebra", ["theme", "p99"]), None);
        assert_eq!(nearest("p95", ["p99", "window"]), Some("p99"));
    }
}
