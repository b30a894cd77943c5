//! What is said to the terminal beside the screen: its title, the bell, notifications, the clipboard. Every text is cleaned first,
//! for it may hold what a cluster said.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// How attention is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notify {
    /// The bell, and what the terminal is known to understand.
    #[default]
    Auto,
    /// The bell alone.
    Bell,
    /// The bell and OSC 9.
    Osc9,
    /// The bell and OSC 777.
    Osc777,
    /// Nothing.
    Off,
}

const BELL: &str = "\x07";
const END: &str = "\x1b\\";
/// What terminals take in one OSC 52; more is cut.
const CLIPBOARD: usize = 74_994;

/// A text that cannot drive a terminal: no control characters, no marks that turn the direction of writing, at most so many
/// characters.
pub fn clean(text: &str, most: usize) -> String {
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    text.chars()
        .map(|c| {
            if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            }
        })
        .filter(harmless)
        .take(most)
        .collect()
}

/// Sets the terminal's title.
pub fn title(text: &str) -> String {
    format!("\x1b]2;{}{END}", clean(text, 120))
}

/// Asks for attention with a subject and a sentence.
pub fn level_changed(
    how: Notify,
    subject: &str,
    sentence: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> String {
    let how = if how == Notify::Auto {
        understood(&variable)
    } else {
        how
    };
    // The semicolon divides the parts of OSC 777.
    let (subject, sentence) = (clean(subject, 80).replace(';', ","), clean(sentence, 240));
    let notification = match how {
        Notify::Off => return String::new(),
        Notify::Auto | Notify::Bell => return BELL.to_owned(),
        // OSC 9 with a leading figure and semicolon is a progress bar elsewhere; a word first keeps it a notification.
        Notify::Osc9 => format!("\x1b]9;{subject}: {sentence}{END}"),
        Notify::Osc777 => format!("\x1b]777;notify;{subject};{sentence}{END}"),
    };
    let wrapped = if variable("TMUX").is_some() {
        through_tmux(&notification)
    } else {
        notification
    };
    format!("{BELL}{wrapped}")
}

/// What the terminal is known to understand, by the variables it sets.
fn understood(variable: &impl Fn(&str) -> Option<String>) -> Notify {
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    match program.as_str() {
        "iTerm.app" => return Notify::Osc9,
        "ghostty" | "WezTerm" => return Notify::Osc777,
        _ => {}
    }
    if variable("WT_SESSION").is_some() {
        return Notify::Osc9;
    }
    let known = ["foot", "ghostty", "rxvt-unicode"]
        .iter()
        .any(|name| term.contains(name));
    if known { Notify::Osc777 } else { Notify::Bell }
}

fn through_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}{END}", sequence.replace('\x1b', "\x1b\x1b"))
}

/// Puts a text into the clipboard of the terminal (OSC 52), over ssh too. Line ends and tabs stay, other controls go.
pub fn copy(text: &str) -> String {
    let mut kept: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let cut = (0..=CLIPBOARD.min(kept.len()))
        .rev()
        .find(|at| kept.is_char_boundary(*at))
        .unwrap_or(0);
    kept.truncate(cut);
    let mut out = String::from("\x1b]52;c;");
    BASE64_STANDARD.encode_string(kept, &mut out);
    let _ = out.write_str(END);
    out
}

/// Sends one of the sequences above.
pub fn write(sequence: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(sequence.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn hostile_text_cannot_end_a_sequence_or_begin_another() {
        let hostile = "a\x1b]0;owned\x07b\u{9b}31m\u{202e}c\nd";
        for sequence in [
            title(hostile),
            level_changed(Notify::Osc777, hostile, hostile, nothing),
            level_changed(Notify::Osc9, "x", hostile, nothing),
        ] {
            let inner = sequence.trim_start_matches('\x07');
            assert_eq!(inner.matches('\x1b').count(), 2, "{sequence:?}");
            assert!(
                inner.ends_with(END) && !inner.contains(['\x07', '\u{9b}', '\u{202e}', '\n']),
                "{sequence:?}"
            );
        }
        assert_eq!(clean(hostile, 100), "a]0;ownedb31mc d");
        assert_eq!(clean("12345", 3), "123");
    }

    #[test]
    fn attention_is_asked_for_as_the_terminal_understands_it() {
        for (variables, how, expected) in [
            (&[("TERM", "xterm")][..], Notify::Auto, "\x07"),
            (
                &[("TERM_PROGRAM", "iTerm.app")],
                Notify::Auto,
                "\x07\x1b]9;s: t\x1b\\",
            ),
            (
                &[("TERM", "foot")],
                Notify::Auto,
                "\x07\x1b]777;notify;s;t\x1b\\",
            ),
            (&[("TERM", "foot")], Notify::Bell, "\x07"),
            (&[("TERM", "foot")], Notify::Off, ""),
            (
                &[("TMUX", "x")],
                Notify::Osc9,
                "\x07\x1bPtmux;\x1b\x1b]9;s: t\x1b\x1b\\\x1b\\",
            ),
        ] {
            let variable = |name: &str| {
                variables
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                level_changed(how, "s", "t", variable),
                expected,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn the_clipboard_gets_lines_and_no_controls() {
        assert_eq!(
            copy("a\x1b[31m\nb"),
            format!("\x1b]52;c;{}\x1b\\", BASE64_STANDARD.encode("a[31m\nb"))
        );
        assert!(copy(&"é".repeat(100_000)).len() < 100_100);
    }
}
