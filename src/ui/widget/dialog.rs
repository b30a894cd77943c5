//! A box over the screen: what would be done, to what, and what undoes it. It grows to its content, never past the
//! screen, and says when something lies outside so that nobody agrees to what they have not seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::ui::theme::{Theme, Tone};
use crate::ui::widget::{pane, text};

const WIDEST: u16 = 100;
const GAP: usize = 3;

/// One line of a dialog.
pub struct Entry<'a> {
    /// What it is; empty for a sentence of its own.
    pub label: &'a str,
    /// The fact, wrapped where it is long.
    pub value: &'a str,
    /// A word at the right.
    pub note: &'a str,
    /// How the value looks.
    pub style: Style,
}

impl<'a> Entry<'a> {
    /// A fact with its name.
    pub fn new(label: &'a str, value: &'a str, style: Style) -> Self {
        Entry {
            label,
            value,
            note: "",
            style,
        }
    }

    /// The same with a word at the right.
    #[must_use]
    pub fn with_note(mut self, note: &'a str) -> Self {
        self.note = note;
        self
    }
}

/// A dialog in the middle of an area.
pub struct Dialog<'a> {
    /// What is asked.
    pub title: &'a str,
    /// The facts in order.
    pub entries: &'a [Entry<'a>],
    /// A question and what has been typed so far.
    pub prompt: Option<(&'a str, &'a str)>,
    /// Why the last enter did nothing; it stands over the question, whatever is scrolled.
    pub refused: &'a str,
    /// The key that does nothing, and others.
    pub left: &'a str,
    /// The key that goes ahead.
    pub right: &'a str,
    /// Lines scrolled away at the top.
    pub scroll: usize,
    /// The frame: accent, or armed where something would change.
    pub frame: Style,
    /// How the rest looks.
    pub theme: &'a Theme,
}

struct Line {
    label: String,
    value: String,
    note: String,
    style: Style,
}

impl Dialog<'_> {
    /// The area the dialog takes of the screen.
    pub fn area(&self, screen: Rect) -> Rect {
        let width = self.width().min(screen.width).min(WIDEST);
        let lines = self.lines(width).len();
        let height = lines.saturating_add(2);
        let height = height.saturating_add(self.prompt_rows(width));
        let height = u16::try_from(height).unwrap_or(u16::MAX).min(screen.height);
        let x = screen.x + (screen.width - width) / 2;
        let y = screen.y + (screen.height - height) / 2;
        Rect::new(x, y, width, height)
    }

    /// How many lines lie below what the screen shows. While there are any, agreeing is too early.
    pub fn below(&self, screen: Rect) -> usize {
        let area = self.area(screen);
        let hidden = self.lines(area.width).len().saturating_sub(self.scroll);
        hidden.saturating_sub(self.room(area))
    }

    /// How far it must be scrolled so that these entries are seen, from the first of them on.
    pub fn scroll_to(&self, screen: Rect, wanted: std::ops::Range<usize>) -> usize {
        let area = self.area(screen);
        let columns = usize::from(area.width.saturating_sub(4));
        let indent = self.indent().min(columns / 2);
        let lines = |(at, entry): (usize, &Entry<'_>)| (at, wrapped(entry, columns, indent).len());
        let each = self.entries.iter().enumerate().map(lines);
        let (mut before, mut end) = (0, 0);
        for (at, lines) in each.filter(|(at, _)| *at < wanted.end) {
            before += if at < wanted.start { lines } else { 0 };
            end += lines;
        }
        end.saturating_sub(self.room(area)).min(before)
    }

    fn prompt_rows(&self, width: u16) -> usize {
        match (self.prompt.is_some(), self.refusal(width).len()) {
            (false, refused) => refused,
            (true, refused) => 1 + refused.max(1),
        }
    }

    /// Why the last enter did nothing, in lines.
    fn refusal(&self, width: u16) -> Vec<String> {
        if self.refused.is_empty() {
            return Vec::new();
        }
        let clean = text::sanitize(self.refused);
        text::wrap(&clean, usize::from(width.saturating_sub(4)))
    }

    fn room(&self, area: Rect) -> usize {
        usize::from(area.height).saturating_sub(2 + self.prompt_rows(area.width))
    }

    fn label_width(&self) -> usize {
        let labels = self.entries.iter().filter(|entry| !entry.value.is_empty());
        labels
            .map(|entry| text::width(&text::sanitize(entry.label)))
            .max()
            .unwrap_or(0)
    }

    fn width(&self) -> u16 {
        let indent = self.indent();
        let entry = |entry: &Entry<'_>| {
            let note = if entry.note.is_empty() {
                0
            } else {
                text::width(entry.note) + GAP
            };
            let start = if entry.label.is_empty() { 0 } else { indent };
            start + text::width(&text::sanitize(entry.value)) + note
        };
        let entries = self.entries.iter().map(entry).max().unwrap_or(0);
        let footer = text::width(self.left) + text::width(self.right) + 2 * GAP;
        let prompt = self.prompt.map_or(0, |(question, typed)| {
            text::width(question) + text::width(typed) + 3
        });
        let widest = entries
            .max(footer)
            .max(prompt)
            .max(text::width(&text::sanitize(self.refused)))
            .max(text::width(self.title) + 2);
        u16::try_from(widest + 4).unwrap_or(u16::MAX)
    }

    fn indent(&self) -> usize {
        match self.label_width() {
            0 => 0,
            wide => wide + GAP,
        }
    }

    fn lines(&self, width: u16) -> Vec<Line> {
        let columns = usize::from(width.saturating_sub(4));
        // A label must leave room for what it names.
        let indent = self.indent().min(columns / 2);
        self.entries
            .iter()
            .flat_map(|entry| wrapped(entry, columns, indent))
            .collect()
    }

    fn footer(&self, area: Rect, buf: &mut Buffer) {
        let y = area.bottom() - 1;
        let room = area.width - 2;
        let words = |words: &str| {
            if words.is_empty() {
                String::new()
            } else {
                format!(" {words} ")
            }
        };
        let (left, right) = (words(self.left), words(self.right));
        let taken = text::put(buf, (area.x + 1, y), &left, room, self.theme.key());
        let wide = text::width(&right) as u16;
        if wide > 0 && taken + wide <= room {
            text::put(
                buf,
                (area.right() - 1 - wide, y),
                &right,
                wide,
                self.theme.key(),
            );
        }
    }

    fn ask(&self, area: Rect, buf: &mut Buffer) {
        let refused = self.refusal(area.width);
        let asked = u16::from(self.prompt.is_some());
        let above = u16::try_from(refused.len()).unwrap_or(u16::MAX);
        let first = area.bottom().saturating_sub(1 + asked + above);
        let (room, style) = (area.width - 4, self.theme.tone(Tone::Failing));
        for (words, y) in refused.iter().zip(first..) {
            if y > area.y && y + 1 < area.bottom() {
                text::put(buf, (area.x + 2, y), words, room, style);
            }
        }
        let Some((question, typed)) = self.prompt else {
            return;
        };
        let y = area.bottom() - 2;
        if area.height < 3 {
            return;
        }
        let taken = text::put(buf, (area.x + 2, y), question, room, self.theme.text()) + 1;
        let left = usize::from(room.saturating_sub(taken + 1));
        // The end of what is typed is what the eye follows.
        let clean = text::sanitize(typed);
        let shown = text::tail(&clean, left);
        let x = area.x + 2 + taken;
        let wide = text::put(buf, (x, y), shown, left as u16, self.theme.strong());
        text::put(
            buf,
            (x + wide, y),
            self.theme.glyphs().caret,
            1,
            self.theme.key(),
        );
    }
}

fn wrapped(entry: &Entry<'_>, columns: usize, indent: usize) -> Vec<Line> {
    let start = if entry.label.is_empty() { 0 } else { indent };
    let note = text::sanitize(entry.note);
    let beside = if note.is_empty() {
        0
    } else {
        text::width(&note) + 1
    };
    let value = text::sanitize(entry.value);
    let room = columns.saturating_sub(start).saturating_sub(beside);
    // A note that leaves nothing for the value is left out rather than the value.
    let (room, note) = if room < 8 {
        (columns.saturating_sub(start), "")
    } else {
        (room, note.as_ref())
    };
    // What stands further in stays there where it goes on below.
    let inside = value.trim_start_matches(' ');
    let lead = (value.len() - inside.len()).min(room / 2);
    let start = start + lead;
    let parts = text::wrap(inside, room - lead).into_iter().enumerate();
    let line = |(at, part): (usize, String)| Line {
        label: if at == 0 {
            entry.label.to_owned()
        } else {
            String::new()
        },
        value: format!("{:start$}{part}", ""),
        note: if at == 0 {
            note.to_owned()
        } else {
            String::new()
        },
        style: entry.style,
    };
    parts.map(line).collect()
}

impl Widget for &Dialog<'_> {
    fn render(self, screen: Rect, buf: &mut Buffer) {
        let screen = screen.intersection(buf.area);
        let area = self.area(screen);
        if area.width < 6 || area.height < 2 {
            return;
        }
        Clear.render(area, buf);
        buf.set_style(area, self.theme.ground());
        pane::frame(area, buf, self.frame, self.theme);
        let below = self.below(screen);
        let note = if below > 0 && area.width > 24 {
            format!(" {below} more below ")
        } else {
            String::new()
        };
        let room = usize::from(area.width - 2).saturating_sub(text::width(&note) + 2);
        text::put(
            buf,
            (area.x + 1, area.y),
            &format!(" {} ", text::fit(self.title, room)),
            area.width - 2,
            self.theme.strong(),
        );
        text::put_right(
            buf,
            (area.x + 1, area.y),
            &note,
            area.width - 2,
            self.theme.key(),
        );
        let room = area.width - 4;
        let indent = self.indent().min(usize::from(room) / 2).saturating_sub(1) as u16;
        let lines = self.lines(area.width);
        let visible = lines.iter().skip(self.scroll).take(self.room(area));
        for (line, y) in visible.zip(area.y + 1..) {
            text::put(buf, (area.x + 2, y), &line.value, room, line.style);
            text::put(buf, (area.x + 2, y), &line.label, indent, self.theme.dim());
            text::put_right(buf, (area.x + 2, y), &line.note, room, self.frame);
        }
        self.ask(area, buf);
        self.footer(area, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::sample::{buffer, lines, picture};
    use proptest::prelude::*;

    fn with<T>(act: impl FnOnce(&Dialog<'_>) -> T) -> T {
        let theme = Theme::plain();
        let plain = theme.text();
        let entries = [
            Entry::new("cluster", "veza-prod  (https://10.2.0.1:6443)", plain)
                .with_note("PRODUCTION"),
            Entry::new("namespace", "veza-production", plain),
            Entry::new(
                "sends",
                "PATCH spec.template: image v1.1.0 → v1.0.0, label version v1.1.0 → v1.0.0",
                plain,
            ),
            Entry::new(
                "undo",
                "back to revision 43: possible, you may (checked)",
                plain,
            ),
        ];
        act(&Dialog {
            title: "Go back to revision 42",
            entries: &entries,
            prompt: Some(("type the namespace to go ahead: ", "veza-prod")),
            refused: "",
            left: "esc no",
            right: "enter when it matches",
            scroll: 0,
            frame: theme.armed(),
            theme: &theme,
        })
    }

    fn drawn(width: u16, height: u16) -> Buffer {
        let mut buf = buffer(width, height);
        with(|dialog| dialog.render(buf.area, &mut buf));
        buf
    }

    #[test]
    fn a_confirmation_grows_to_its_content() {
        let drawn = picture(&drawn(100, 10));
        println!("{drawn}");
        assert!(drawn.contains("┌ Go back to revision 42 ──"));
        assert!(drawn.contains("│ namespace   veza-production "));
        assert!(drawn.contains("PRODUCTION │"));
        assert!(drawn.contains("type the namespace to go ahead:  veza-prod▏"));
        assert!(drawn.contains("└ esc no ─") && drawn.contains("─ enter when it matches ┘"));
    }

    #[test]
    fn a_small_screen_wraps_and_says_what_lies_below() {
        println!("{}", picture(&drawn(44, 9)));
        let shown = lines(&drawn(44, 9));
        assert!(shown[0].contains("more below"), "{shown:?}");
        assert!(with(|dialog| dialog.below(Rect::new(0, 0, 44, 9))) > 0);
        assert_eq!(with(|dialog| dialog.below(Rect::new(0, 0, 100, 20))), 0);
    }

    #[test]
    fn why_enter_did_nothing_is_seen_however_much_lies_below() {
        let mut buf = buffer(44, 9);
        with(|dialog| {
            let refused = Dialog {
                refused: "Nothing was sent: it does not match.",
                title: dialog.title,
                entries: dialog.entries,
                prompt: dialog.prompt,
                left: dialog.left,
                right: dialog.right,
                scroll: dialog.scroll,
                frame: dialog.frame,
                theme: dialog.theme,
            };
            (&refused).render(buf.area, &mut buf);
        });
        let shown = lines(&buf);
        assert!(shown[0].contains(" more below "), "{shown:?}");
        assert!(
            shown[6].contains("Nothing was sent: it does not match."),
            "{shown:?}"
        );
        assert!(shown[7].contains("a-prod▏"), "{shown:?}");
    }

    #[test]
    fn what_stands_further_in_goes_on_further_in() {
        let entry = Entry::new(
            "sends",
            "  Vault/secret: jwt_secret = a new value",
            Style::new(),
        );
        let lines = wrapped(&entry, 30, 6);
        let values: Vec<&str> = lines.iter().map(|line| line.value.as_str()).collect();
        assert!(
            values.len() > 1 && values.iter().all(|line| line.starts_with("        ")),
            "{values:?}"
        );
    }

    #[test]
    fn what_is_behind_does_not_shine_through() {
        let mut buf = buffer(100, 12);
        for y in 0..12 {
            text::put(&mut buf, (0, y), &"x".repeat(100), 100, Style::new());
        }
        with(|dialog| dialog.render(buf.area, &mut buf));
        let row = lines(&buf)[5].clone();
        let inside: String = row
            .chars()
            .skip_while(|c| *c != '│')
            .skip(1)
            .take_while(|c| *c != '│')
            .collect();
        assert!(!inside.is_empty() && !inside.contains('x'), "{row}");
    }

    proptest! {
        #[test]
        fn every_screen_holds_it(width in 0u16..301, height in 0u16..81) {
            drawn(width, height);
            let area = with(|dialog| dialog.area(Rect::new(0, 0, width, height)));
            prop_assert!(area.right() <= width && area.bottom() <= height);
        }
    }
}
