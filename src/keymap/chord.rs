//! Chords and sequences of chords: read from the words in a configuration, printed for help, and made from what
//! the terminal reports. What a chord does lives in the table of commands, not here.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Keys pressed one after another at most.
const LONGEST: usize = 4;

/// Names of keys that are not a character, the printed one first.
const NAMES: [(&str, Key); 22] = [
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("tab", Key::Tab),
    ("space", Key::Char(' ')),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("insert", Key::Insert),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("return", Key::Enter),
    ("escape", Key::Esc),
    ("del", Key::Delete),
    ("pgup", Key::PageUp),
    ("pgdn", Key::PageDown),
    ("minus", Key::Char('-')),
    ("plus", Key::Char('+')),
];

/// One key, apart from what is held with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character as it is typed: capitals stand for themselves.
    Char(char),
    /// A function key, from 1.
    F(u8),
    /// The line end.
    Enter,
    /// Escape.
    Esc,
    /// Tab; with shift the way back.
    Tab,
    /// Deletes to the left.
    Backspace,
    /// Deletes to the right.
    Delete,
    /// Insert.
    Insert,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
}

/// A key and what is held with it, in the one form the terminal can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// With control.
    pub ctrl: bool,
    /// With alt.
    pub alt: bool,
    /// With shift, for keys that are not characters.
    pub shift: bool,
}

/// Chords pressed one after another: `g g`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(Vec<Chord>);

/// A chord that could not be read, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {given:?}: {problem}{}", .suggestion.as_ref().map_or(String::new(), |right| format!("; did you mean {right}?")))]
pub struct ChordError {
    /// What was written.
    pub given: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub suggestion: Option<String>,
}

impl ChordError {
    fn new(given: &str, problem: &str, suggestion: Option<String>) -> Self {
        ChordError {
            given: given.to_owned(),
            problem: problem.to_owned(),
            suggestion,
        }
    }
}

impl Chord {
    /// A bare key.
    pub fn key(key: Key) -> Chord {
        Chord {
            key,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// What was pressed or is held down; none for a release and for keys Vigie has no use for.
    pub fn pressed(event: &KeyEvent) -> Option<Chord> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let held = |modifier: KeyModifiers| event.modifiers.contains(modifier);
        let back = event.code == KeyCode::BackTab;
        let chord = Chord {
            key: key_of(event.code)?,
            ctrl: held(KeyModifiers::CONTROL),
            alt: held(KeyModifiers::ALT),
            shift: held(KeyModifiers::SHIFT) || back,
        };
        Some(chord.canonical())
    }

    /// The form the terminal reports: shift is part of the character, control knows no capitals, and four
    /// letters with control are keys of their own.
    fn canonical(mut self) -> Chord {
        let Key::Char(c) = self.key else { return self };
        let single =
            |mut cased: std::char::ToUppercase| cased.next().filter(|_| cased.next().is_none());
        if self.ctrl {
            self.key = Key::Char(c.to_ascii_lowercase());
        } else if self.shift && c.is_lowercase() {
            self.key = Key::Char(single(c.to_uppercase()).unwrap_or(c));
        }
        self.shift = false;
        if let (true, Some(own)) = (self.ctrl, self.key.own_with_control()) {
            (self.key, self.ctrl) = (own, false);
        }
        self
    }
}

impl Key {
    /// The key a terminal reports in place of this character with control.
    fn own_with_control(self) -> Option<Key> {
        match self {
            Key::Char('i') => Some(Key::Tab),
            Key::Char('m') => Some(Key::Enter),
            Key::Char('h') => Some(Key::Backspace),
            Key::Char('[') => Some(Key::Esc),
            _ => None,
        }
    }
}

fn key_of(code: KeyCode) -> Option<Key> {
    Some(match code {
        KeyCode::Char(c) if !c.is_control() => Key::Char(c),
        KeyCode::F(number) if number > 0 => Key::F(number),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        _ => return None,
    })
}

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(given: &str) -> Result<Chord, ChordError> {
        let mut rest = given;
        let mut chord = Chord::key(Key::Esc);
        loop {
            // "ctrl--" is control with minus, so a modifier needs something behind its dash.
            let (name, behind) = rest.split_once('-').unwrap_or((rest, ""));
            let held = match name {
                _ if behind.is_empty() => break,
                "ctrl" => &mut chord.ctrl,
                "alt" => &mut chord.alt,
                "shift" => &mut chord.shift,
                "" => break,
                other => {
                    let near = nearest(other, ["ctrl", "alt", "shift"].into_iter());
                    let right = near.map(|near| format!("{near}-{behind}"));
                    return Err(ChordError::new(given, "unknown modifier", right));
                }
            };
            if std::mem::replace(held, true) {
                return Err(ChordError::new(given, "a modifier is named twice", None));
            }
            rest = behind;
        }
        chord.key = key_named(given, rest)?;
        refuse_untellable(given, chord)?;
        Ok(chord.canonical())
    }
}

fn key_named(given: &str, name: &str) -> Result<Key, ChordError> {
    let mut chars = name.chars();
    let single = chars.next().filter(|_| chars.next().is_none());
    if let Some(c) = single.filter(|c| !c.is_control() && !c.is_whitespace()) {
        return Ok(Key::Char(c));
    }
    if let Some((_, key)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Ok(*key);
    }
    let small = name.to_lowercase();
    let number = small
        .strip_prefix('f')
        .and_then(|digits| digits.parse::<u8>().ok());
    if let Some(number) =
        number.filter(|number| (1..=24).contains(number) && small == format!("f{number}"))
    {
        return Ok(Key::F(number));
    }
    let near = nearest(&name.to_lowercase(), NAMES.iter().map(|(known, _)| *known));
    let right = near.map(|near| given.strip_suffix(name).unwrap_or_default().to_owned() + near);
    let problem = if name.is_empty() {
        "no key is named"
    } else {
        "unknown key"
    };
    Err(ChordError::new(given, problem, right))
}

fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|name| (strsim::osa_distance(given, name), name));
    scored
        .filter(|(far, name)| *far <= name.len() / 2)
        .min()
        .map(|(_, name)| name)
}

/// Refuses what no terminal reports as written, and says what it would report.
fn refuse_untellable(given: &str, chord: Chord) -> Result<(), ChordError> {
    let Key::Char(c) = chord.key else {
        return Ok(());
    };
    let canonical = Some(chord.canonical().to_string());
    if chord.ctrl && chord.key.own_with_control().is_some() {
        return Err(ChordError::new(
            given,
            "terminals report another key for it",
            canonical,
        ));
    }
    if chord.ctrl && (chord.shift || c.is_ascii_uppercase()) {
        return Err(ChordError::new(
            given,
            "terminals do not tell shift together with control",
            canonical,
        ));
    }
    if chord.shift && !c.is_alphabetic() {
        return Err(ChordError::new(
            given,
            "shift belongs to letters and named keys; write the character itself",
            None,
        ));
    }
    Ok(())
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.ctrl, "ctrl-"),
            (self.alt, "alt-"),
            (self.shift, "shift-"),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.key {
            Key::F(number) => write!(f, "f{number}"),
            Key::Char(c) if c != ' ' => write!(f, "{c}"),
            key => f.write_str(
                NAMES
                    .iter()
                    .find(|(_, known)| *known == key)
                    .map_or("", |(name, _)| name),
            ),
        }
    }
}

impl Sequence {
    /// The chords in the order they are pressed; never none.
    pub fn chords(&self) -> &[Chord] {
        &self.0
    }

    /// Whether these chords are the beginning of it, but not all of it.
    pub fn begins_with(&self, typed: &[Chord]) -> bool {
        self.0.len() > typed.len() && self.0.starts_with(typed)
    }
}

impl From<Chord> for Sequence {
    fn from(chord: Chord) -> Self {
        Sequence(vec![chord])
    }
}

impl FromStr for Sequence {
    type Err = ChordError;

    fn from_str(given: &str) -> Result<Sequence, ChordError> {
        let chords = given
            .split_whitespace()
            .map(Chord::from_str)
            .collect::<Result<Vec<_>, _>>()?;
        match chords.len() {
            0 => Err(ChordError::new(given, "no key is named", None)),
            1..=LONGEST => Ok(Sequence(chords)),
            _ => Err(ChordError::new(
                given,
                "a sequence has four keys at most",
                None,
            )),
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, chord) in self.0.iter().enumerate() {
            let gap = if at > 0 { " " } else { "" };
            write!(f, "{gap}{chord}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
