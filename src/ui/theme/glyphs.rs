//! The signs beside the words, once in Unicode and once in ASCII. Shape carries the meaning; colour only repeats it.

use super::role::Tone;

/// One set of signs; every sign is one column wide.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// A good verdict.
    pub healthy: &'static str,
    /// A verdict to watch.
    pub watch: &'static str,
    /// A bad verdict.
    pub failing: &'static str,
    /// No verdict possible.
    pub unknown: &'static str,
    /// On its way.
    pub moving: &'static str,
    /// Not begun.
    pub idle: &'static str,
    /// Left out: it is not meant to happen.
    pub none: &'static str,
    /// Beside the selected row.
    pub selected: &'static str,
    /// Beside a marked row.
    pub marked: &'static str,
    /// Where text was cut.
    pub ellipsis: &'static str,
    /// More lies to the right.
    pub more: &'static str,
    /// A filled part of a bar.
    pub full: &'static str,
    /// An empty part of a bar.
    pub empty: &'static str,
    /// The dotted line of a limit.
    pub limit: &'static str,
    /// The upright line of a change.
    pub mark: &'static str,
    /// The upright line of the cursor.
    pub cursor: &'static str,
    /// Ground under a baseline.
    pub shade: &'static str,
    /// A limit that lies above the picture.
    pub up: &'static str,
    /// The place of a scroll bar.
    pub track: &'static str,
    /// The handle of a scroll bar.
    pub thumb: &'static str,
    /// The insertion point of a prompt.
    pub caret: &'static str,
    /// Eight levels, lowest first.
    pub levels: [&'static str; 8],
    /// Box lines by the directions they join: up 1, down 2, left 4, right 8.
    pub lines: [&'static str; 16],
    /// Charts may use braille.
    pub braille: bool,
}

/// The signs for a terminal that speaks UTF-8.
pub static UNICODE: Glyphs = Glyphs {
    healthy: "●",
    watch: "▲",
    failing: "✖",
    unknown: "?",
    moving: "◐",
    idle: "○",
    none: "–",
    selected: "▌",
    marked: "▪",
    ellipsis: "…",
    more: "›",
    full: "█",
    empty: "░",
    limit: "┈",
    mark: "┊",
    cursor: "│",
    shade: "░",
    up: "↑",
    track: "│",
    thumb: "┃",
    caret: "▏",
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    lines: [
        " ", "│", "│", "│", "─", "┘", "┐", "┤", "─", "└", "┌", "├", "─", "┴", "┬", "┼",
    ],
    braille: true,
};

/// The signs for every other terminal.
pub static ASCII: Glyphs = Glyphs {
    healthy: "o",
    watch: "!",
    failing: "X",
    unknown: "?",
    moving: "~",
    idle: ".",
    none: "-",
    selected: ">",
    marked: "*",
    ellipsis: "~",
    more: ">",
    full: "#",
    empty: ".",
    limit: "-",
    mark: ":",
    cursor: "|",
    shade: ",",
    up: "^",
    track: "|",
    thumb: "#",
    caret: "_",
    levels: ["_", ".", ":", "-", "=", "+", "*", "#"],
    lines: [
        " ", "|", "|", "|", "-", "+", "+", "+", "-", "+", "+", "+", "-", "+", "+", "+",
    ],
    braille: false,
};

impl Glyphs {
    /// The sign of a tone.
    pub fn tone(&self, tone: Tone) -> &'static str {
        match tone {
            Tone::Healthy => self.healthy,
            Tone::Watch => self.watch,
            Tone::Failing => self.failing,
            Tone::Unknown => self.unknown,
            Tone::Moving => self.moving,
            Tone::Idle => self.idle,
        }
    }

    /// The directions a box sign joins, if it is one of this set.
    pub fn directions(&self, symbol: &str) -> Option<usize> {
        if !self.braille && symbol == "+" {
            return Some(15);
        }
        // The shared signs of one direction and of two mean the two.
        match self.lines.iter().rposition(|line| *line == symbol)? {
            0 => None,
            12 => Some(12),
            found => Some(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    fn all(glyphs: &Glyphs) -> Vec<&'static str> {
        let mut signs = vec![
            glyphs.healthy,
            glyphs.watch,
            glyphs.failing,
            glyphs.unknown,
            glyphs.moving,
            glyphs.idle,
            glyphs.none,
            glyphs.selected,
            glyphs.marked,
            glyphs.ellipsis,
            glyphs.more,
            glyphs.full,
            glyphs.empty,
            glyphs.limit,
            glyphs.mark,
            glyphs.cursor,
            glyphs.shade,
            glyphs.up,
            glyphs.track,
            glyphs.thumb,
            glyphs.caret,
        ];
        signs.extend(glyphs.levels);
        signs.extend(glyphs.lines);
        signs
    }

    #[test]
    fn every_sign_is_one_column_wide() {
        for sign in all(&UNICODE).into_iter().chain(all(&ASCII)) {
            assert_eq!(sign.width(), 1, "{sign}");
        }
        assert!(all(&ASCII).iter().all(|sign| sign.is_ascii()));
    }

    #[test]
    fn the_verdicts_differ_in_shape() {
        let tones = [
            Tone::Healthy,
            Tone::Watch,
            Tone::Failing,
            Tone::Unknown,
            Tone::Moving,
            Tone::Idle,
        ];
        for glyphs in [&UNICODE, &ASCII] {
            for (at, tone) in tones.iter().enumerate() {
                assert!(
                    tones[..at]
                        .iter()
                        .all(|other| glyphs.tone(*other) != glyphs.tone(*tone))
                );
            }
        }
    }

    #[test]
    fn box_signs_know_what_they_join() {
        assert_eq!(UNICODE.directions("├"), Some(1 + 2 + 8));
        assert_eq!(UNICODE.directions("─"), Some(4 + 8));
        assert_eq!(UNICODE.directions("│"), Some(3));
        assert_eq!(UNICODE.directions("x"), None);
        assert_eq!(UNICODE.directions(" "), None);
    }
}
