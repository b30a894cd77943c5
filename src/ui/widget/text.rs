//! Text from elsewhere on its way to cells: made harmless, measured, cut and padded. Everything a cluster said
//! passes [`sanitize`]; every widget writes through [`put`].

use std::borrow::Cow;
use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters of one text that are kept; what is longer ends in an ellipsis.
pub const LONGEST: usize = 8192;
/// Marks stacked on one letter that are kept.
const STACKED: usize = 3;
const ELLIPSIS: &str = "…";

/// What becomes of one character.
enum Fate {
    Keep,
    Drop,
    Space,
    Escape,
}

/// The text without anything a terminal would act on or a reader could not see: control characters,
/// direction overrides and invisible characters become visible escapes, tabs and line ends become blanks.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let plain =
        |c: char| matches!(c, ' '..='~') || matches!(fate(c), Fate::Keep) && c.width() != Some(0);
    if text.len() <= LONGEST && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len().min(LONGEST));
    let mut stacked = 0;
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            clean.push_str(ELLIPSIS);
            break;
        }
        let combining = c.width() == Some(0);
        stacked = if combining { stacked + 1 } else { 0 };
        match fate(c) {
            Fate::Keep if stacked > STACKED => {}
            Fate::Keep => clean.push(c),
            Fate::Drop => {}
            Fate::Space => clean.push(' '),
            Fate::Escape => escape(&mut clean, c),
        }
    }
    if clean == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean)
    }
}

fn fate(c: char) -> Fate {
    match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fate::Space,
        // Variation selectors only choose between two drawings, and terminals disagree about their width.
        '\u{fe00}'..='\u{fe0f}' => Fate::Drop,
        c if c.is_control() || invisible(c) => Fate::Escape,
        _ => Fate::Keep,
    }
}

/// Characters without ink: direction controls, zero-width joiners and spaces, fillers, tags, deprecated controls.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn escape(into: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a String cannot fail.
    let _ = match code {
        0x1b => write!(into, "\\e"),
        0..=0xff => write!(into, "\\x{code:02x}"),
        _ => write!(into, "\\u{{{code:x}}}"),
    };
}

/// Whether every byte is a letter that takes one column.
fn plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// How many columns the text takes, as the sum over what a reader takes for letters.
pub fn width(text: &str) -> usize {
    if plain(text) {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The longest beginning that fits in so many columns; a wide letter is never halved.
pub fn prefix(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        taken += grapheme.width();
        if taken > columns {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The text, or its beginning and an ellipsis where it is wider than so many columns.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    fit_with(text, columns, ELLIPSIS)
}

/// The end of a text that fits so many columns: of what is typed, the end is what the eye follows.
pub fn tail(words: &str, columns: usize) -> &str {
    let starts = words.char_indices().map(|(at, _)| at).chain([words.len()]);
    let mut rests = starts.filter_map(|at| words.get(at..));
    rests
        .find(|rest| width(rest) <= columns)
        .unwrap_or_default()
}

/// [`fit`] with another sign, one column wide, where the text was cut.
pub fn fit_with<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    if text.len() <= columns && text.is_ascii() || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    match columns {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!(
            "{}{ellipsis}",
            prefix(text, columns - 1).trim_end()
        )),
    }
}

/// A sentence cut between words where it is wider than so many columns, so that no figure is shown in half.
pub fn at_a_word(sentence: &str, columns: usize) -> Cow<'_, str> {
    if width(sentence) <= columns {
        return Cow::Borrowed(sentence);
    }
    let room = columns.saturating_sub(2);
    let kept = prefix(sentence, room);
    let rest = sentence.get(kept.len()..).unwrap_or_default();
    let whole = rest.starts_with(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';' | ')'));
    let end = if whole {
        Some(kept.len())
    } else {
        kept.rfind(char::is_whitespace)
    };
    match end.filter(|end| *end * 3 >= kept.len()) {
        Some(end) => {
            let (kept, rest) = sentence.split_at(end);
            let kept = without_bare_figure(kept.trim_end(), rest);
            let bare = |c: char| c.is_whitespace() || matches!(c, ',' | '(' | '→');
            Cow::Owned(format!("{} {ELLIPSIS}", kept.trim_end_matches(bare)))
        }
        // One endless word: there is no better place.
        None => fit(sentence, columns),
    }
}

/// A unit stands behind its figure: neither is shown without the other.
fn without_bare_figure<'a>(kept: &'a str, rest: &str) -> &'a str {
    let next = rest.split_whitespace().next().unwrap_or_default();
    let unit = next.trim_end_matches([',', '.', ';', ')']);
    let cut = matches!(unit, "%" | "ms" | "s" | "m" | "h" | "d")
        && kept.ends_with(|c: char| c.is_ascii_digit());
    match kept.rfind(char::is_whitespace).filter(|_| cut) {
        Some(at) => kept.get(..at).unwrap_or_default(),
        None => kept,
    }
}

/// Exactly so many columns, the text at the left.
pub fn pad_right(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let blanks = columns.saturating_sub(width(&fitted));
    format!("{fitted}{:blanks$}", "")
}

/// Exactly so many columns, the text at the right.
pub fn pad_left(text: &str, columns: usize) -> String {
    let fitted = fit(text, columns);
    let blanks = columns.saturating_sub(width(&fitted));
    format!("{:blanks$}{fitted}", "")
}

/// Text broken into lines of at most so many columns, between words where it can be. Never empty.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    if columns == 0 {
        return lines;
    }
    let mut used = 0;
    for word in runs(text) {
        let wide = width(word);
        let blank = word.trim().is_empty();
        if used + wide <= columns {
            push(&mut lines, word);
            used += wide;
        } else if !blank && wide <= columns {
            lines.push(word.to_owned());
            used = wide;
        } else if blank {
            used = columns;
        } else {
            used = chop(&mut lines, word, used, columns);
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// The text in turns of words and blanks.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let blank = rest.chars().next()?.is_whitespace();
        let end = rest
            .find(|c: char| c.is_whitespace() != blank)
            .unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(run)
    })
}

fn push(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

/// A word longer than a line goes on from where the line is, broken at letters.
fn chop(lines: &mut Vec<String>, word: &str, mut used: usize, columns: usize) -> usize {
    for grapheme in word.graphemes(true).filter(|g| g.width() <= columns) {
        if used + grapheme.width() > columns {
            lines.push(String::new());
            used = 0;
        }
        push(lines, grapheme);
        used += grapheme.width();
    }
    used
}

/// Writes the text, made harmless and cut to so many columns, and says how many it took. Places outside the
/// buffer are left out.
pub fn put(buf: &mut Buffer, (x, y): (u16, u16), text: &str, columns: u16, style: Style) -> u16 {
    let area = buf.area;
    if x < area.left() || x >= area.right() || y < area.top() || y >= area.bottom() {
        return 0;
    }
    let room = columns.min(area.right() - x);
    // Most text is this, and needs no more than a cell a byte.
    if text.len() <= usize::from(room) && plain(text) {
        for (column, letter) in (x..).zip(text.chars()) {
            buf[(column, y)].set_char(letter).set_style(style);
        }
        return text.len() as u16;
    }
    let clean = sanitize(text);
    let fitted = fit(&clean, usize::from(room));
    let (end, _) = buf.set_stringn(x, y, &fitted, usize::from(room), style);
    end - x
}

/// [`put`], but with the end of the text at the right end of the columns.
pub fn put_right(buf: &mut Buffer, (x, y): (u16, u16), text: &str, columns: u16, style: Style) {
    let clean = sanitize(text);
    let taken = width(&clean).min(usize::from(columns)) as u16;
    put(buf, (x + columns - taken, y), &clean, taken, style);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::sample::{buffer, picture};
    use proptest::prelude::*;

    #[test]
    fn a_sentence_is_cut_between_words_and_never_in_a_figure() {
        let said = "More than 5 % of requests fail";
        assert_eq!(at_a_word(said, 40), said);
        assert_eq!(at_a_word(said, 16), "More than 5 % \u{2026}");
        assert_eq!(at_a_word(said, 14), "More than \u{2026}");
        assert_eq!(
            at_a_word("image v1.0.0 → v1.1.0", 17),
            "image v1.0.0 \u{2026}"
        );
        assert_eq!(at_a_word("xxxxxxxxxxxx", 5), "xxxx\u{2026}");
        assert_eq!(at_a_word("世界世界 世界", 10), "世界世界 \u{2026}");
        assert_eq!(at_a_word("a b", 0), "");
    }

    #[test]
    fn hostile_text_becomes_visible_and_harmless() {
        let table = [
            ("plain text", "plain text"),
            ("héllo 世界", "héllo 世界"),
            ("a\x1b[31mred", "a\\e[31mred"),
            ("bell\x07 del\x7f c1\u{9b}", "bell\\x07 del\\x7f c1\\x9b"),
            ("a\tb\nc\r", "a b c "),
            ("evil\u{202e}gpj.exe", "evil\\u{202e}gpj.exe"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("heart❤\u{fe0f}", "heart❤"),
        ];
        for (given, want) in table {
            assert_eq!(sanitize(given), want);
        }
    }

    #[test]
    fn stacked_marks_and_endless_text_are_bounded() {
        let zalgo = format!("a{}", "\u{301}".repeat(500));
        assert_eq!(sanitize(&zalgo).chars().count(), 1 + STACKED);
        let long = sanitize(&"x".repeat(LONGEST * 2)).into_owned();
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with(ELLIPSIS));
    }

    #[test]
    fn cutting_respects_columns_and_wide_letters() {
        let table = [
            ("hello", 5, "hello"),
            ("hello", 4, "hel…"),
            ("hello", 1, "…"),
            ("hello", 0, ""),
            ("世界", 4, "世界"),
            ("世界", 3, "世…"),
            ("世界", 2, "…"),
            ("two words", 5, "two…"),
        ];
        for (text, columns, want) in table {
            assert_eq!(fit(text, columns), want, "{text} in {columns}");
        }
        assert_eq!(pad_left("世界", 3), "世…");
        assert_eq!(pad_right("世界", 2), "… ");
        assert_eq!(pad_left("42", 5), "   42");
    }

    #[test]
    fn wrapping_breaks_between_words_and_only_then_inside() {
        assert_eq!(
            wrap("no samples for four minutes", 10),
            ["no samples", "for four", "minutes"]
        );
        assert_eq!(
            wrap("see https://10.2.0.1 now", 17),
            ["see", "https://10.2.0.1", "now"]
        );
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("世界世界", 5), ["世界", "世界"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("anything", 0), [""]);
    }

    #[test]
    fn writing_outside_the_buffer_does_nothing() {
        let mut buf = buffer(4, 1);
        for place in [(9, 0), (0, 9)] {
            assert_eq!(put(&mut buf, place, "text", 4, Style::new()), 0);
        }
        assert_eq!(put(&mut buf, (1, 0), "text", 9, Style::new()), 3);
        assert_eq!(picture(&buf), " te…");
        let mut buf = buffer(6, 1);
        put_right(&mut buf, (0, 0), "世", 6, Style::new());
        assert_eq!(picture(&buf), "    世");
    }

    proptest! {
        #[test]
        fn sanitized_text_has_no_controls(text in any::<String>()) {
            let clean = sanitize(&text).into_owned();
            prop_assert!(!clean.chars().any(|c| c.is_control() || invisible(c)));
            prop_assert_eq!(sanitize(&clean), clean.as_str());
        }

        #[test]
        fn nothing_is_ever_wider_than_asked(text in any::<String>(), columns in 0usize..60) {
            let clean = sanitize(&text);
            prop_assert!(width(&fit(&clean, columns)) <= columns);
            prop_assert_eq!(width(&pad_left(&clean, columns)), columns);
            prop_assert_eq!(width(&pad_right(&clean, columns)), columns);
            prop_assert!(wrap(&clean, columns).iter().all(|line| width(line) <= columns));
        }
    }
}
