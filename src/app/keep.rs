//! What is taken out of the console: rows and texts to the clipboard, the queries behind charts, a screen to a file.
//!
//! Called from `browse`; how a clipboard or a file is reached is not known here.

use super::chart;
use super::command::Command;
use super::effect::Effect;
use super::list::{self, Item};
use super::screen::Screen;
use super::state::App;

/// The most marked rows that are copied.
const ROWS: usize = 5000;

impl App {
    /// Obeys what takes something out, and how wide tables are; `None` for everything else.
    pub(super) fn take_out(&mut self, command: &Command) -> Option<Vec<Effect>> {
        let marked = !self.here().place.marked.is_empty();
        let screen = &self.here().screen;
        match (command, screen) {
            (Command::Copy | Command::Yaml, _) if marked => Some(self.copy_marked()),
            (Command::Copy, Screen::Logs(_)) => {
                self.tell("The lines on the screen are copied.");
                Some(vec![Effect::Copy(self.page_of_log())])
            }
            (Command::Copy, Screen::Describe(_) | Screen::Yaml(_)) => {
                self.tell("Copied.");
                Some(vec![Effect::Copy(self.reading.text.whole())])
            }
            (Command::CopyQuery, _) => Some(self.copy_queries()),
            (Command::Save, _) => Some(vec![self.save()]),
            (Command::Compact, _) => {
                self.compact = !self.compact;
                Some(Vec::new())
            }
            (Command::Wide, _) => {
                self.wide = !self.wide;
                self.history.here_mut().place.right = 0;
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// The marked rows by name, one a line; with kind and namespace where they differ.
    fn copy_marked(&mut self) -> Vec<Effect> {
        let marked = &self.here().place.marked;
        let all = list::items(self).into_iter();
        let rows: Vec<Item> = all
            .filter(|item| marked.contains(&item.id))
            .take(ROWS)
            .collect();
        if rows.is_empty() {
            self.tell("The marked rows are gone, or the filter hides them.");
            return Vec::new();
        }
        let first = &rows[0].object;
        let alike = rows.iter().all(|row| {
            (&row.object.kind, &row.object.namespace) == (&first.kind, &first.namespace)
        });
        let lines = rows.iter().map(|Item { object, .. }| {
            if alike {
                object.name.to_string()
            } else {
                format!("{}\t{object}", object.namespace)
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let noun = if rows.len() == 1 { "row" } else { "rows" };
        self.tell(format!("{} marked {noun} copied.", rows.len()));
        vec![Effect::Copy(text)]
    }

    fn copy_queries(&mut self) -> Vec<Effect> {
        let found = chart::queries(self);
        let text = match found.as_slice() {
            [] => {
                self.tell("No query is behind this: nothing was measured by Prometheus yet.");
                return Vec::new();
            }
            [(_, query)] => query.to_string(),
            several => {
                let lines = several
                    .iter()
                    .map(|(name, query)| format!("# {name}\n{query}"));
                lines.collect::<Vec<_>>().join("\n")
            }
        };
        let noun = if found.len() == 1 {
            "The PromQL of this line is copied.".to_owned()
        } else {
            format!("The PromQL of {} lines is copied.", found.len())
        };
        self.tell(noun);
        vec![Effect::Copy(text)]
    }

    /// What is to be kept: a text as a whole, of everything else what is on the screen.
    fn save(&self) -> Effect {
        let screen = &self.here().screen;
        let of = self
            .subject()
            .filter(|_| !matches!(screen, Screen::Overview));
        let name = match of {
            Some(object) => format!("{}-{}", screen.name(), object.name),
            None => screen.name().to_owned(),
        };
        let text = match screen {
            Screen::Logs(_) => Some(self.lines_of_log(0)),
            Screen::Describe(_) | Screen::Yaml(_) => Some(self.reading.text.whole()),
            _ => None,
        };
        Effect::Save { name, text }
    }

    /// The lines on the screen.
    fn page_of_log(&self) -> String {
        self.lines_of_log(self.page())
    }

    /// So many lines up to the lower end of the screen; all that are shown for none.
    fn lines_of_log(&self, most: usize) -> String {
        let logs = &self.reading.logs;
        let shown = logs.shown();
        let bottom = logs.bottom_in(&shown).map_or(0, |at| at + 1);
        let (from, to) = match most {
            0 => (0, shown.len()),
            most => (bottom.saturating_sub(most), bottom),
        };
        let names = logs.names();
        let mut text = String::new();
        for entry in shown.iter().take(to).skip(from) {
            if let Some(at) = entry.at {
                text.push_str(&at.strftime("%H:%M:%S%.3f ").to_string());
            }
            text.push_str(names.get(entry.voice).map_or("", |name| name));
            text.push(' ');
            text.push_str(&entry.line.text);
            text.push('\n');
        }
        text
    }
}
