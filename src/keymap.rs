//! Chords to commands: parsing, conflicts, descriptions. Help and hints are made from it.

pub mod chord;
pub mod table;

use crate::app::App;
use crate::app::command::Command;
use crate::app::layer::Layer;
use crate::app::palette::Offer;
use crate::app::panes;
use crate::app::screen::Screen;
use chord::{Chord, ChordError, Key, Sequence};
use std::collections::BTreeMap;
use table::{Entry, Where};

/// What a typed chord means here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// This.
    Command(Command),
    /// The beginning of something longer.
    Begun,
    /// Nothing.
    Nothing,
}

/// A key and what it does, for hints and help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The keys, as they are written.
    pub keys: String,
    /// What they do, in a few words.
    pub words: &'static str,
    /// The name of what they do, as in the configuration.
    pub id: &'static str,
    /// The heading they stand under in the help.
    pub group: &'static str,
}

/// Why a binding cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// There is no such command.
    #[error("keys: there is no command `{given}`{}", nearest.map_or(String::new(), |n| format!("; did you mean `{n}`?")))]
    NoCommand {
        /// What was written.
        given: String,
        /// The nearest command.
        nearest: Option<&'static str>,
    },
    /// The chord cannot be read.
    #[error("keys: {command}: {problem}")]
    Chord {
        /// For which command.
        command: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two commands want one chord in one place.
    #[error("keys: `{chord}` is wanted by both `{first}` and `{second}`")]
    Conflict {
        /// The chord.
        chord: String,
        /// One command.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// The bindings.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<(Sequence, Entry)>,
}

impl Keymap {
    /// The shipped keys, with the operator's own instead where there are any: command to chords.
    pub fn new(own: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let table = table::table();
        let known = |given: &str| table.iter().any(|entry| entry.id == given);
        if let Some(given) = own.keys().find(|given| !known(given)) {
            let distance = |id: &str| strsim::damerau_levenshtein(id, given);
            let nearest = table
                .iter()
                .map(|entry| entry.id)
                .min_by_key(|id| distance(id));
            return Err(KeymapError::NoCommand {
                given: given.clone(),
                nearest: nearest.filter(|id| distance(id) <= 3),
            });
        }
        let mut bindings: Vec<(Sequence, Entry)> = Vec::new();
        for entry in table {
            let chords: Vec<&str> = match own.get(entry.id) {
                Some(chords) => chords.iter().map(String::as_str).collect(),
                None => entry.keys.to_vec(),
            };
            for chord in chords {
                let sequence =
                    chord
                        .parse::<Sequence>()
                        .map_err(|error: ChordError| KeymapError::Chord {
                            command: entry.id.into(),
                            problem: error.to_string(),
                        })?;
                bindings.push((sequence, entry.clone()));
            }
        }
        let keymap = Self { bindings };
        let wrong = keymap.conflict().or_else(|| keymap.shadows(own));
        wrong.map_or(Ok(keymap), Err)
    }

    /// A key of the operator's own that would take another command's away on a screen where both work.
    fn shadows(&self, own: &BTreeMap<String, Vec<String>>) -> Option<KeymapError> {
        let mine = self
            .bindings
            .iter()
            .filter(|(_, entry)| own.contains_key(entry.id));
        mine.into_iter().find_map(|(sequence, entry)| {
            let (_, other) = self.bindings.iter().find(|(known, other)| {
                other.id != entry.id
                    && other.command != entry.command
                    && (known == sequence
                        || known.begins_with(sequence.chords())
                        || sequence.begins_with(known.chords()))
                    && together(entry.place, other.place)
            })?;
            Some(KeymapError::Conflict {
                chord: sequence.to_string(),
                first: other.id,
                second: entry.id,
            })
        })
    }

    fn conflict(&self) -> Option<KeymapError> {
        self.bindings
            .iter()
            .enumerate()
            .find_map(|(index, (sequence, entry))| {
                let (_, other) = self.bindings[..index]
                    .iter()
                    .find(|(known, other)| known == sequence && other.place == entry.place)?;
                Some(KeymapError::Conflict {
                    chord: sequence.to_string(),
                    first: other.id,
                    second: entry.id,
                })
            })
    }

    /// What typed chords mean: the most particular place wins.
    pub fn meaning(&self, app: &App, typed: &[Chord]) -> Meaning {
        if typing(app) {
            return line_meaning(typed.last());
        }
        let mut begun = false;
        for place in places(app) {
            for (sequence, entry) in self
                .bindings
                .iter()
                .filter(|(_, entry)| entry.place == place)
            {
                if sequence.chords() == typed {
                    return Meaning::Command(entry.command.clone());
                }
                begun |= sequence.begins_with(typed);
            }
        }
        if begun {
            Meaning::Begun
        } else {
            Meaning::Nothing
        }
    }

    /// What works here, most used first within each place; the most particular place first.
    pub fn hints(&self, app: &App) -> Vec<Hint> {
        let mut hints: Vec<Hint> = Vec::new();
        for place in places(app) {
            let mut seen: Vec<&str> = Vec::new();
            for (_, entry) in self
                .bindings
                .iter()
                .filter(|(_, entry)| entry.place == place)
            {
                if seen.contains(&entry.id) {
                    continue;
                }
                seen.push(entry.id);
                // A key that means something else here is not offered for this, nor one that does nothing.
                if !self.reaches(app, entry) || idle(app, entry.id) {
                    continue;
                }
                let (keys, words, group) = (self.keys_of(entry.id), entry.words, place.heading());
                let id = entry.id;
                let same = |known: &Hint| known.keys == keys && self.sends(known.id, entry);
                if hints.iter().any(same) {
                    continue;
                }
                hints.push(Hint {
                    keys,
                    words,
                    id,
                    group,
                });
            }
        }
        hints
    }

    /// What the palette offers because a key does it: by the name in the configuration, with words and keys.
    pub fn offers(&self) -> Vec<Offer> {
        let mut offers: Vec<Offer> = Vec::new();
        let typed = |entry: &&Entry| {
            !matches!(
                entry.command,
                Command::Move(_) | Command::Palette | Command::Enter | Command::Escape
            )
        };
        for entry in self.bindings.iter().map(|(_, entry)| entry).filter(typed) {
            if offers.iter().any(|known| known.name == entry.id) {
                continue;
            }
            offers.push(Offer {
                keys: self.keys_of(entry.id),
                ..Offer::new(entry.id, entry.words, entry.command.clone())
            });
        }
        offers
    }

    /// Whether a binding of that name sends what another one does.
    fn sends(&self, id: &str, entry: &Entry) -> bool {
        let mut all = self.bindings.iter();
        all.any(|(_, known)| known.id == id && known.command == entry.command)
    }

    /// Whether a key of a command still means it here, and no more particular place has taken it.
    fn reaches(&self, app: &App, entry: &Entry) -> bool {
        let own = self
            .bindings
            .iter()
            .filter(|(_, known)| known.id == entry.id);
        let mut chords = own.map(|(sequence, _)| sequence.chords());
        chords.any(|chords| match self.meaning(app, chords) {
            Meaning::Command(command) => command == entry.command,
            Meaning::Begun => true,
            Meaning::Nothing => false,
        })
    }

    /// The keys of a command, as they are written.
    pub fn keys_of(&self, id: &str) -> String {
        let mut keys: Vec<String> = Vec::new();
        for (sequence, _) in self.bindings.iter().filter(|(_, entry)| entry.id == id) {
            let key = sequence.to_string();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.join(" ")
    }
}

/// Whether letters go into a line.
pub fn typing(app: &App) -> bool {
    matches!(
        app.layers.last(),
        Some(
            Layer::Palette { .. }
                | Layer::Filter { .. }
                | Layer::Narrow { .. }
                | Layer::Form(_)
                | Layer::Sheet(_)
        )
    )
}

/// Which places are on one screen, beside what holds everywhere.
const TOGETHER: [&[Where]; 11] = [
    &[Where::Overview, Where::Row, Where::Chart],
    &[Where::Row, Where::List],
    &[Where::Rollout, Where::Row, Where::Chart],
    &[Where::Places, Where::List],
    &[Where::Logs, Where::Text],
    &[Where::Runbooks, Where::List],
    &[Where::Runbook, Where::Text],
    &[Where::Runs, Where::List],
    &[Where::Run],
    &[Where::Incident],
    &[Where::Drill],
];

/// Whether two places are on one screen.
fn together(one: Where, other: Where) -> bool {
    let both = |screen: &&[Where]| screen.contains(&one) && screen.contains(&other);
    one == Where::Everywhere || other == Where::Everywhere || TOGETHER.iter().any(both)
}

/// Where keys go, the most particular first.
fn places(app: &App) -> Vec<Where> {
    match app.layers.last() {
        Some(Layer::Links { .. }) => return vec![Where::List, Where::Everywhere],
        // The help is about the screen below it.
        Some(Layer::Help { .. }) | None => {}
        Some(_) => return vec![Where::Text, Where::Everywhere],
    }
    let charts = app.here().place.pane == panes::CHARTS;
    let screen = match &app.here().screen {
        Screen::Overview if charts => vec![Where::Chart, Where::Overview, Where::Row],
        Screen::Overview => vec![Where::Overview, Where::Row, Where::Chart],
        Screen::Pods | Screen::Workloads | Screen::Kind(_) => vec![Where::Row, Where::List],
        Screen::Alerts | Screen::Timeline => vec![Where::List],
        Screen::Rollout(_) if charts => vec![Where::Chart, Where::Rollout, Where::Row],
        Screen::Rollout(_) => vec![Where::Rollout, Where::Row, Where::Chart],
        Screen::Signals(_) => vec![Where::Chart, Where::Row],
        Screen::Contexts | Screen::Namespaces => vec![Where::Places, Where::List],
        Screen::Logs(_) => vec![Where::Logs, Where::Text],
        Screen::Describe(_) | Screen::Yaml(_) => vec![Where::Text],
        Screen::Runbooks => vec![Where::Runbooks, Where::List],
        Screen::Runbook(_) => vec![Where::Runbook, Where::Text],
        Screen::Runs => vec![Where::Runs, Where::List],
        Screen::Run(_) => vec![Where::Run],
        Screen::Incident => vec![Where::Incident],
        Screen::Drill => vec![Where::Drill],
    };
    screen.into_iter().chain([Where::Everywhere]).collect()
}

/// Kinds whose rows lead to pods.
const WITH_PODS: [&str; 6] = [
    "pods",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
];

/// Whether a key would do nothing on this screen.
fn idle(app: &App, id: &str) -> bool {
    let screen = &app.here().screen;
    let charts = matches!(
        screen,
        Screen::Overview | Screen::Rollout(_) | Screen::Signals(_)
    );
    let rows = matches!(
        screen,
        Screen::Overview
            | Screen::Pods
            | Screen::Workloads
            | Screen::Timeline
            | Screen::Alerts
            | Screen::Kind(_)
    );
    let of_pods = match screen {
        Screen::Kind(kind) => WITH_PODS.contains(&kind.to_lowercase().as_str()),
        _ => true,
    };
    if *screen == Screen::Drill {
        return !matches!(id, "drill" | "back" | "help" | "interrupt" | "up" | "down");
    }
    match id {
        "rollout" => matches!(screen, Screen::Rollout(_)) || !of_pods,
        "signals" => matches!(screen, Screen::Signals(_)) || !of_pods,
        "logs" | "previous-logs" | "restart" | "shell" => !of_pods,
        "open" => matches!(screen, Screen::Signals(_)),
        "timeline" => *screen == Screen::Timeline,
        "runbooks" => *screen == Screen::Runbooks,
        "text-describe" | "text-yaml" | "text-logs" => matches!(screen, Screen::Runbook(_)),
        "answer" => matches!(screen, Screen::Run(_)) && app.runs.ask().is_none(),
        "hold" | "undo" | "note" => matches!(screen, Screen::Run(_)) && app.runs.active().is_none(),
        "text-wrap" | "next-match" | "previous-match" | "search" => {
            matches!(screen, Screen::Runbook(_))
        }
        "next-pane" => !charts,
        "compact" => *screen != Screen::Overview,
        "acknowledge" | "silence" => app.alerts.is_empty(),
        "severity" | "note-anywhere" => app.incident().is_none(),
        "incident" => *screen == Screen::Incident,
        "escalate" => app
            .incident()
            .is_none_or(|incident| incident.acknowledged.is_some()),
        "faults-only" => !rows || matches!(screen, Screen::Alerts | Screen::Kind(_)),
        "filter" => charts && !rows && !matches!(screen, Screen::Rollout(_)),
        _ => false,
    }
}

fn line_meaning(chord: Option<&Chord>) -> Meaning {
    use crate::app::command::Motion;
    let Some(chord) = chord else {
        return Meaning::Nothing;
    };
    let command = match (chord.key, chord.ctrl, chord.alt) {
        (Key::Char(c), false, false) => Command::Type(c),
        (Key::Char('c' | 'g'), true, _) | (Key::Esc, ..) => Command::Escape,
        (Key::Char('u'), true, _) => Command::EraseAll,
        (Key::Char('s'), true, _) => Command::Save,
        (Key::Char('n'), true, _) | (Key::Down, ..) => Command::Move(Motion::Down),
        (Key::Char('p'), true, _) | (Key::Up, ..) => Command::Move(Motion::Up),
        (Key::Backspace, ..) => Command::Erase,
        (Key::Enter, ..) => Command::Enter,
        (Key::Tab, ..) => Command::NextPane,
        _ => return Meaning::Nothing,
    };
    Meaning::Command(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_keys_have_no_conflict_and_every_command_a_word() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        assert!(keymap.bindings.len() > 40);
        assert!(
            table::table()
                .iter()
                .all(|entry| !entry.words.is_empty() && !entry.keys.is_empty())
        );
    }

    #[test]
    fn own_keys_replace_the_shipped_ones_and_mistakes_are_named() {
        let own = |id: &str, chord: &str| BTreeMap::from([(id.to_owned(), vec![chord.to_owned()])]);
        let keymap = Keymap::new(&own("describe", "f2")).unwrap();
        assert_eq!(keymap.keys_of("describe"), "f2");
        let wrong = Keymap::new(&own("descrbe", "f2")).unwrap_err().to_string();
        assert_eq!(
            wrong,
            "keys: there is no command `descrbe`; did you mean `describe`?"
        );
        assert!(matches!(
            Keymap::new(&own("describe", "l")),
            Err(KeymapError::Conflict { .. })
        ));
        for (id, chord) in [("rollout", "j"), ("rollout", "g")] {
            assert!(
                matches!(
                    Keymap::new(&own(id, chord)),
                    Err(KeymapError::Conflict { .. })
                ),
                "{id} on {chord} takes a key away that works on the same screen"
            );
        }
        assert_eq!(
            Keymap::new(&own("describe", "F2"))
                .unwrap()
                .keys_of("describe"),
            "f2"
        );
        assert!(matches!(
            Keymap::new(&own("describe", "ctrl-")),
            Err(KeymapError::Chord { .. })
        ));
    }
}
