//! Text written by somebody else, made safe to show: control and direction characters become visible marks,
//! length is bounded. Nothing here interprets markup.

use std::fmt::Write as _;

/// Whether a character could steer a terminal or reorder a line.
pub fn steers(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with every steering character replaced by `‹U+XXXX›`.
pub fn neutralise(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            let _ = write!(safe, "‹U+{:04X}›", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Neutralised and cut to so many characters, the cut marked.
pub fn bounded(text: &str, limit: usize) -> String {
    let mut short: String = text.chars().take(limit).collect();
    if text.chars().nth(limit).is_some() {
        short.push('…');
    }
    neutralise(&short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_codes_and_direction_overrides_become_visible() {
        assert_eq!(
            neutralise("a\u{1b}[31mb\u{202e}c\n"),
            "a‹U+001B›[31mb‹U+202E›c\n"
        );
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(bounded("abcdef", 3), "abc…");
        assert_eq!(bounded("abc", 3), "abc");
    }
}
