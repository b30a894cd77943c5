//! A sheet over the screen: what is to be known, the fields with what stands in them, and the one that keys go to.

use super::view::View;
use super::widget::dialog::{Dialog, Entry};
use crate::app::incidents::sheet::{self, Aim, Input, Sheet};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

/// Draws a sheet.
pub fn draw(view: &View<'_>, sheet: &Sheet, area: Rect, buf: &mut Buffer) {
    let theme = view.theme;
    let mut entries: Vec<Entry<'_>> = sheet
        .facts
        .iter()
        .map(|(name, text)| Entry::new(name, text, theme.dim()))
        .collect();
    let mut held = 0..0;
    for (index, field) in sheet.fields.iter().enumerate() {
        let here = index == sheet.at;
        if here {
            held = entries.len()..entries.len() + 1;
        }
        let (text, style) = match (field.text(), here) {
            ("", true) => ("", theme.text()),
            ("", false) if field.optional => ("– (may stay empty)", theme.dim()),
            ("", false) => ("–", theme.dim()),
            (text, true) => (text, theme.strong()),
            (text, false) => (text, theme.text()),
        };
        // What keys go to is marked by a sign as well as by its look.
        let note = if here { "now" } else { "" };
        entries.push(Entry::new(&field.name, text, style).with_note(note));
        if here && !field.help.is_empty() {
            entries.push(Entry::new(" ", &field.help, theme.dim()));
        }
    }
    let here = sheet.here();
    let prompt = here.map(|field| match &field.input {
        Input::Line(line) => (format!("{}:", field.name), line.clone()),
        Input::Choice { all, .. } => (
            format!("{} (space changes, or {}):", field.name, sheet::keys(all)),
            field.word().to_owned(),
        ),
    });
    let last = sheet.at + 1 >= sheet.fields.len();
    let starts = matches!(sheet.aim, Aim::Start(_));
    let changes = matches!(sheet.aim, Aim::Silence(_));
    let mut dialog = Dialog {
        title: &sheet.title,
        entries: &entries,
        prompt: prompt
            .as_ref()
            .map(|(question, line)| (question.as_str(), line.as_str())),
        refused: sheet.refused.as_deref().unwrap_or_default(),
        left: "esc leaves it",
        right: match (last, starts) {
            (true, true) => "enter starts it",
            (false, true) => "enter, the next · ctrl-s starts it",
            (true, false) => "enter writes it down",
            (false, false) => "enter, the next",
        },
        scroll: 0,
        frame: if changes {
            theme.armed()
        } else {
            theme.border(true)
        },
        theme,
    };
    // On a small screen the field that keys go to is what is seen.
    dialog.scroll = dialog.scroll_to(area, held);
    Widget::render(&dialog, area, buf);
}
