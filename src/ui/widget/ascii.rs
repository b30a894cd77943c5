//! The last step on a terminal without UTF-8: whatever a frame holds, only ASCII leaves. The widgets' own signs are
//! ASCII already; this is for words and figures.

use ratatui::buffer::Buffer;

/// Replaces every sign outside ASCII by the nearest inside, or by `?`.
pub fn plain(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let symbol = cell.symbol();
        if !symbol.is_ascii() {
            let plain = symbol.chars().next().map_or(' ', nearest);
            cell.set_char(plain);
        }
    }
}

fn nearest(sign: char) -> char {
    match sign {
        '–' | '—' | '−' | '─' | '┈' | '┄' => '-',
        '…' | '±' | '◐' => '~',
        '→' | '▸' | '›' | '▌' => '>',
        '←' | '‹' => '<',
        '↑' => '^',
        '↓' => 'v',
        '·' | '•' | '○' => '.',
        '×' => 'x',
        '│' | '┊' | '┃' | '▏' => '|',
        '●' => 'o',
        '▲' => '!',
        '✖' => 'X',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '\u{a0}' | '\u{2007}' | '\u{202f}' => ' ',
        other if other.is_ascii() => other,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::sample::{buffer, picture};
    use crate::ui::widget::text::put;
    use ratatui::style::Style;

    #[test]
    fn only_ascii_is_left_and_nothing_moves() {
        let mut buf = buffer(20, 1);
        put(&mut buf, (0, 0), "– v1 → v2 世 é● end…", 20, Style::new());
        plain(&mut buf);
        assert_eq!(picture(&buf), "- v1 > v2 ?  ?o end~");
    }
}
