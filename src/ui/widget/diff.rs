//! What changed between two texts, in the unified manner: signs as well as colours, a few lines around each change,
//! the rest counted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::ui::theme::Theme;
use crate::ui::widget::text;

/// Unchanged lines kept around a change.
const AROUND: usize = 3;
/// Above so many comparisons the changed part is shown as replaced whole.
const MOST_WORK: usize = 1_000_000;

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// In both.
    Same(String),
    /// Only in the new.
    Added(String),
    /// Only in the old.
    Removed(String),
    /// So many unchanged lines that are not shown.
    Skipped(usize),
}

/// The difference of two texts, line by line.
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (tail(&old, head), tail(&new, head));
    let foot = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = old_rest.get(..old_rest.len() - foot).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - foot).unwrap_or_default();
    let same = |line: &&str| DiffLine::Same((*line).to_owned());
    let mut lines: Vec<DiffLine> = old.iter().take(head).map(same).collect();
    lines.extend(middle(old_middle, new_middle));
    lines.extend(tail(&old, old.len() - foot).iter().map(same));
    fold(lines)
}

fn tail<'a, 'b>(lines: &'b [&'a str], from: usize) -> &'b [&'a str] {
    lines.get(from..).unwrap_or_default()
}

/// The longest common part by a table of lengths; both sides differ at their ends.
fn middle(old: &[&str], new: &[&str]) -> Vec<DiffLine> {
    let removed = |line: &&str| DiffLine::Removed((*line).to_owned());
    let added = |line: &&str| DiffLine::Added((*line).to_owned());
    if old.len().saturating_mul(new.len()) > MOST_WORK {
        return old
            .iter()
            .map(removed)
            .chain(new.iter().map(added))
            .collect();
    }
    let table = lengths(old, new);
    let length = |i: usize, j: usize| table.get(i * (new.len() + 1) + j).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(DiffLine::Same((*a).to_owned()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), other) if other.is_none() || length(i + 1, j) >= length(i, j + 1) => {
                lines.push(removed(a));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(added(b));
                j += 1;
            }
            _ => return lines,
        }
    }
}

fn lengths(old: &[&str], new: &[&str]) -> Vec<u32> {
    let across = new.len() + 1;
    let mut table = vec![0u32; (old.len() + 1) * across];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let at = |i: usize, j: usize| table.get(i * across + j).copied().unwrap_or(0);
            let best = if a == b {
                at(i + 1, j + 1) + 1
            } else {
                at(i + 1, j).max(at(i, j + 1))
            };
            if let Some(cell) = table.get_mut(i * across + j) {
                *cell = best;
            }
        }
    }
    table
}

/// Replaces long stretches without a change by their count.
fn fold(lines: Vec<DiffLine>) -> Vec<DiffLine> {
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line, DiffLine::Same(_)))
        .map(|(at, _)| at)
        .collect();
    let mut folded = Vec::new();
    let mut skipped = 0;
    let mut next = 0;
    for (at, line) in lines.into_iter().enumerate() {
        while changed.get(next).is_some_and(|change| change + AROUND < at) {
            next += 1;
        }
        if changed
            .get(next)
            .is_some_and(|change| at + AROUND >= *change)
        {
            if skipped > 0 {
                folded.push(DiffLine::Skipped(std::mem::take(&mut skipped)));
            }
            folded.push(line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        folded.push(DiffLine::Skipped(skipped));
    }
    folded
}

/// A view of a difference.
pub struct DiffView<'a> {
    /// The lines.
    pub lines: &'a [DiffLine],
    /// The first visible line.
    pub offset: usize,
    /// Columns scrolled away at the left.
    pub column: usize,
    /// How it looks.
    pub theme: &'a Theme,
}

impl Widget for &DiffView<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        for (line, y) in self
            .lines
            .iter()
            .skip(self.offset)
            .zip(area.y..area.bottom())
        {
            let (sign, words, style) = match line {
                DiffLine::Same(words) => (" ", words.clone(), self.theme.text()),
                DiffLine::Added(words) => ("+", words.clone(), self.theme.added()),
                DiffLine::Removed(words) => ("-", words.clone(), self.theme.removed()),
                DiffLine::Skipped(1) => (" ", "(1 line as before)".to_owned(), self.theme.dim()),
                DiffLine::Skipped(many) => {
                    (" ", format!("({many} lines as before)"), self.theme.dim())
                }
            };
            let clean = text::sanitize(&words);
            let hidden = text::prefix(&clean, self.column).len();
            text::put(buf, (area.x, y), sign, area.width, style);
            let rest = clean.get(hidden..).unwrap_or_default();
            text::put(
                buf,
                (area.x.saturating_add(2), y),
                rest,
                area.width.saturating_sub(2),
                style,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::sample::{buffer, lines};
    use proptest::prelude::*;

    #[test]
    fn a_changed_line_shows_both_and_its_neighbours() {
        let old = (0..12)
            .map(|n| format!("line {n}"))
            .collect::<Vec<_>>()
            .join("\n");
        let new = old.replace("line 6", "line six");
        let found = diff(&old, &new);
        assert_eq!(found.first(), Some(&DiffLine::Skipped(3)));
        assert_eq!(found.last(), Some(&DiffLine::Skipped(2)));
        let theme = Theme::plain();
        let mut buf = buffer(24, 10);
        (&DiffView {
            lines: &found,
            offset: 2,
            column: 0,
            theme: &theme,
        })
            .render(buf.area, &mut buf);
        assert_eq!(
            lines(&buf)[..5],
            ["  line 4", "  line 5", "- line 6", "+ line six", "  line 7"]
        );
    }

    #[test]
    fn equal_and_empty_texts() {
        assert_eq!(diff("", ""), []);
        assert_eq!(diff("a\nb", "a\nb"), [DiffLine::Skipped(2)]);
        assert_eq!(diff("", "a"), [DiffLine::Added("a".into())]);
        assert_eq!(diff("a", ""), [DiffLine::Removed("a".into())]);
    }

    #[test]
    fn huge_differences_are_shown_as_replaced() {
        let side = |word: &str| {
            (0..1500)
                .map(|n| format!("{word} {n}"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let found = diff(&side("old"), &side("new"));
        assert_eq!(found.len(), 3000);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_back(old in proptest::collection::vec("[a-c]", 0..8), new in proptest::collection::vec("[a-c]", 0..8)) {
            let found = diff(&old.join("\n"), &new.join("\n"));
            let count = |want: fn(&DiffLine) -> usize| found.iter().map(want).sum::<usize>();
            let of_old = count(|line| match line { DiffLine::Added(_) => 0, DiffLine::Skipped(n) => *n, _ => 1 });
            let of_new = count(|line| match line { DiffLine::Removed(_) => 0, DiffLine::Skipped(n) => *n, _ => 1 });
            prop_assert_eq!(of_old, old.len());
            prop_assert_eq!(of_new, new.len());
            prop_assert_eq!(old == new, !found.iter().any(|line| matches!(line, DiffLine::Added(_) | DiffLine::Removed(_))));
        }

        #[test]
        fn any_size_draws(width in 0u16..50, height in 0u16..20, offset in 0usize..9, column in 0usize..9) {
            let theme = Theme::plain();
            let found = diff("a\n世界\nc", "a\nb\nd");
            let mut buf = buffer(width, height);
            (&DiffView { lines: &found, offset, column, theme: &theme }).render(buf.area, &mut buf);
        }
    }
}
